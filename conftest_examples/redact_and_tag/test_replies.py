import pytest

from replies import write_reply

pytestmark = pytest.mark.eval(tags=["subscriptions"])


def test_the_reply_names_the_plan(eval_case, customer):
    eval_case.input = f"I am {customer.name}. Which plan do I have?"
    eval_case.expected = f"{customer.plan} plan"
    eval_case.metadata["account"] = customer.email
    with eval_case.measure():
        reply = write_reply(customer, eval_case.input)
    eval_case.actual = reply
    eval_case.add_score("names_plan", eval_case.expected in reply, reason=reply)
    assert eval_case.expected in reply


@pytest.mark.xfail(reason="the date is not known yet, see the mail by Tunde Adeyemi")
def test_the_end_of_a_subscription_has_a_date(eval_case, customer):
    eval_case.record(input="When does it end if I cancel now?", expected="a date")
    eval_case.actual = write_reply(customer, eval_case.input)
    assert any(character.isdigit() for character in eval_case.actual)


@pytest.mark.eval(tags=["subscriptions", "draft"])
def test_an_upgrade_is_offered(eval_case, customer):
    eval_case.input = f"{customer.email}: I need more seats"
    eval_case.actual = write_reply(customer, eval_case.input)
    assert "plan" in eval_case.actual
