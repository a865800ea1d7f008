"""Writes the reply to a customer who asks about a subscription."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Customer:
    name: str
    email: str
    plan: str


def write_reply(customer: Customer, question: str) -> str:
    first_name = customer.name.split()[0]
    if "cancel" in question.lower():
        body = f"your {customer.plan} plan ends with the period that you have paid for."
    else:
        body = f"you have the {customer.plan} plan."
    return f"Dear {first_name}, {body} A copy went to {customer.email}."
