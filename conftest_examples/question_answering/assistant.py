"""Answers questions about chemical elements, no more than eight at once."""

import asyncio
import csv
import re
from pathlib import Path

MOST_AT_ONCE = 8


class TooManyRequests(Exception):
    """What a provider's client raises at its rate limit."""


class Assistant:
    def __init__(self):
        with Path(__file__).with_name("elements.csv").open(encoding="utf-8") as file:
            self.elements = {row["name"]: row for row in csv.DictReader(file)}
        self.running = 0

    async def answer(self, question):
        if self.running == MOST_AT_ONCE:
            raise TooManyRequests(f"{MOST_AT_ONCE} questions are being answered")
        self.running += 1
        try:
            await asyncio.sleep(0.005)  # here a model would think
            return self.look_up(question)
        finally:
            self.running -= 1

    def look_up(self, question):
        found = re.search(r"(symbol|atomic number) of (\w+)", question)
        if found is None:
            return "I don't know"
        column = found[1].replace(" ", "_")
        return self.elements[found[2]][column]
