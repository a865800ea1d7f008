"""How many secrets are missed and how many innocent texts are changed: none."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from pytest_evalguard.model.redaction import REDACTED, Redactor

CORPUS = Path(__file__).with_name("corpus")
DRAWS = 10
redact = Redactor()

DIGITS, LOWER = "0123456789", "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = {
    "A": LOWER.upper() + LOWER + DIGITS,
    "a": LOWER.upper() + LOWER,
    "b": LOWER.upper() + LOWER + DIGITS + "+/",
    "d": DIGITS,
    "h": "0123456789abcdef",
    "l": LOWER + DIGITS,
    "u": LOWER.upper() + LOWER + DIGITS + "-_",
    "U": LOWER.upper() + "234567",
}


def lines(name: str) -> list[str]:
    text = (CORPUS / name).read_text(encoding="utf-8")
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def drawn(line: str) -> Iterator[str]:
    """Return the line with its parts drawn by chance, in the same way each time."""
    for number in range(DRAWS if re.search(PART, line) else 1):
        dice = random.Random(f"{number} {line}")  # noqa: S311 # it is a test's
        yield re.sub(PART, partial(draw, dice), line)


def draw(dice: random.Random, part: re.Match[str]) -> str:
    return "".join(dice.choices(ALPHABETS[part[1]], k=int(part[2])))


PART = r"\{([AabdhluU])(\d+)\}"
PLACES: dict[str, Callable[[str], str]] = {
    "alone": str,
    "in a line of several": lambda text: f"before\n{text}\nafter",
    "in JSON": lambda text: json.dumps({"a": "x", "text": text, "z": [1]}),
    "in JSON in JSON": lambda text: json.dumps(json.dumps({"text": text, "z": [1]})),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_no_innocent_text_is_changed(place: Callable[[str], str]) -> None:
    innocent = lines("innocent.txt")
    assert len(innocent) > 150
    changed = [
        (redact(place(text)), text)
        for line in innocent
        for text in drawn(line)
        if redact(place(text)) != place(text)
    ]
    assert changed == []


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_secrets_are_replaced_and_nothing_else(place: Callable[[str], str]) -> None:
    secret = lines("secrets.txt")
    assert len(secret) > 150
    wrong = [
        (redact(place(text)), text)
        for line in secret
        for marked in drawn(line)
        for text in [re.sub("[«»]", "", marked)]
        if redact(place(text)) != place(re.sub("«.*?»", REDACTED, marked))
    ]
    assert wrong == []


def test_innocent_texts_stay_when_they_stand_together() -> None:
    together = "\n".join(lines("innocent.txt"))
    assert redact(together) == together
