"""Answers a question about the weather: asks a model, calls tools, asks it again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Response:
    """What a model replied: an answer, or cities whose weather it wants to know."""

    usage: Usage
    text: str = ""
    lookups: tuple[str, ...] = ()


class Model(Protocol):
    async def complete(self, messages: list[str]) -> Response: ...


@dataclass(frozen=True)
class Answer:
    text: str
    responses: tuple[Response, ...]


@dataclass(frozen=True)
class Agent:
    model: Model
    look_up: Callable[[str], Awaitable[str]]

    async def ask(self, question: str) -> Answer:
        plan = await self.model.complete([question])
        facts = await asyncio.gather(*map(self.look_up, plan.lookups))
        final = await self.model.complete([question, *facts])
        return Answer(final.text, (plan, final))
