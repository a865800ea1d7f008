import asyncio
import re

import pytest

from agent import Agent, Response, Usage

DEGREES = {"Cairo": 31, "Lima": 18, "Oslo": 4, "Rome": 19}


class ScriptedModel:
    """Stands where your provider's client would; every fifth answer is wrong."""

    def __init__(self):
        self.answers = 0

    async def complete(self, messages):
        await asyncio.sleep(0.005)
        question, *facts = messages
        if facts:
            text, lookups = self.answer(question, facts), ()
        else:
            text, lookups = "", tuple(city for city in DEGREES if city in question)
        usage = Usage(sum(len(each.split()) for each in messages), len(text.split()))
        return Response(usage, text, lookups)

    def answer(self, question, facts):
        self.answers += 1
        degrees = {city: int(n) for city, n in map(str.split, facts)}
        warmest_first = sorted(degrees, key=degrees.get, reverse=True)
        if self.answers % 5 == 0:
            warmest_first.reverse()
        wants_cold = re.search("cold|coat", question)
        return warmest_first[-1] if wants_cold else warmest_first[0]


class WeatherService:
    """A tool that notes how many of its calls were under way at once."""

    def __init__(self):
        self.running = self.peak = 0

    async def look_up(self, city):
        self.running += 1
        self.peak = max(self.peak, self.running)
        await asyncio.sleep(0.005)
        self.running -= 1
        return f"{city} {DEGREES[city]}"


@pytest.fixture
def weather():
    return WeatherService()


@pytest.fixture
def agent(weather):
    return Agent(ScriptedModel(), weather.look_up)
