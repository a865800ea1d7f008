"""Four sessions that are the same each time, for looking at what shows a session.

`small` passes; `failing` has gates, a baseline, trials, a trend and JSON; `groups` are
three models side by side, with metrics and tables; `hostile` has texts of every length
and kind, and thousands of cases.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pytest_evalguard.cli.main import main
from pytest_evalguard.model.case import Attempt, Case, ScorerResult
from pytest_evalguard.model.figures import Metric, Table
from pytest_evalguard.storage.journal import CASES, figures_of
from pytest_evalguard.storage.session import (
    Session,
    SessionState,
    Shard,
    create_session,
)

BUILD = {
    "provider": "GitHub Actions",
    "commit": "7f3c2d9b41e85a60cc1d7a3f2b9e8d4c5a6f7081",
    "branch": "tone-of-voice",
    "build_url": "https://github.com/acme/support-bot/actions/runs/8123456789",
}
VERSIONS = {"python": "3.13.2", "pytest": "9.2.0", "pytest-evalguard": "0.1.0"}
MODEL = {"model": "claude-4", "temperature": 0.2}

COUNTRIES = {
    "France": "Paris",
    "Italy": "Rome",
    "Kenya": "Nairobi",
    "Peru": "Lima",
    "Japan": "Tokyo",
    "Australia": "Canberra",
    "Canada": "Ottawa",
    "Turkey": "Ankara",
    "Brazil": "Brasília",
    "Myanmar": "Naypyidaw",
}
TICKETS = (
    "My card was charged twice for order 1182, and nobody answers the phone.",
    "The parcel says delivered. It is not here, nor at the neighbours'.",
    "How do I change the address of a subscription that renews tomorrow?",
    "I can't log in since I changed my phone. The code never comes.",
    "Please delete all that you have stored about me.",
    "Is the blue jacket, size M, available again before Christmas?",
)
REPLIES = (
    "I'm sorry about that. I have refunded the second charge; it will be back on your"
    " card within five working days.",
    "I have asked the courier for the place where it was left, and will write to you"
    " by tomorrow noon.",
    "Open Subscriptions, choose Edit beside the address, and save before midnight.",
    "I have reset the second factor. It is asked for at the next login.",
    "We will delete your data within 30 days and confirm it by mail.",
    "It is expected on the 12th. Shall I reserve one for you?",
)


def make_sessions(folder: Path) -> dict[str, Path]:
    """Return the directories of the sessions by their names, made below `folder`."""
    return {name: make(folder / name) for name, make in SESSIONS.items()}


def _stored(out: Path, name: str, cases: Iterable[Case], **fields: Any) -> Path:
    """Write a session, and return its directory."""
    day = f"{name[:4]}-{name[4:6]}-{name[6:8]}T{name[9:11]}:{name[11:13]}:00+00:00"
    found = sorted(cases, key=lambda case: case.nodeid)
    state = SessionState(
        name[-8:],
        day,
        "finished",
        **figures_of(found, 0),
        **{"exit_status": 0, "ci": BUILD, "versions": VERSIONS, **fields},
    )
    session = Session(out / name)
    create_session(session, state)
    lines = "".join(f"{case.to_line()}\n" for case in found)
    (session.path / CASES).write_text(lines, encoding="utf-8")
    return session.path


def _small(out: Path) -> Path:
    return _stored(out, "20260302T091500.000Z-5a11c0de", _capitals(list(COUNTRIES)[:6]))


def _capitals(countries: Iterable[str], seed: int = 1) -> Iterator[Case]:
    dice = random.Random(seed)
    for country in countries:
        yield Case(
            f"tests/test_capitals.py::test_capital[{country}]",
            "passed",
            input=f"What is the capital of {country}?",
            expected=COUNTRIES[country],
            actual=COUNTRIES[country],
            scores={"exact": ScorerResult(1.0, True)},
            latency_ms=dice.uniform(400, 1400),
            prompt_tokens=31,
            completion_tokens=4,
            cost_usd=0.0002,
            tags=["geography"],
            params={"country": country},
            metadata=MODEL,
        )


def _failing(out: Path) -> Path:
    for day in range(1, 7):
        cases = _support(day, failures=0.3 - day * 0.03)
        last = _stored(out, f"2026030{day}T060000.000Z-0000000{day}", cases)
    path = _stored(
        out,
        "20260307T060000.000Z-fa111246",
        _support(7, failures=0.2),
        exit_status=1,
        versions={**VERSIONS, "commit": BUILD["commit"]},
        shards=tuple(_shards()),
        group_by=("tag",),
    )
    limits = ["--min-pass-rate=0.9", "--min-score=tone:0.8", "--max-latency=p95:2500"]
    main(["gate", str(path), f"--baseline={last}", "--max-regressions=2", *limits])
    return path


_ENDED: list[Literal["finished", "interrupted"]] = ["finished", "interrupted"]


def _shards() -> Iterator[Shard]:
    for number, status in enumerate(_ENDED, 1):
        yield Shard(
            f"5aad000{number}",
            "2026-03-07T06:00:00+00:00",
            status,
            0,
            43,
            43,
            {"job": "evals", "shard": f"{number} of 2"},
        )


def _support(day: int, failures: float) -> Iterator[Case]:
    """Yield 86 cases of a support bot."""
    dice = random.Random(day)
    for case in _capitals(COUNTRIES, day):
        yield replace(case, shard="5aad0001")
    yield from _tickets(dice, day, failures)
    yield from _orders(dice, failures)
    yield from _odd(day)


def _tickets(dice: random.Random, day: int, failures: float) -> Iterator[Case]:
    for number in range(50):
        is_good = dice.random() > failures
        kind = number % len(TICKETS)
        score = round(dice.uniform(0.8, 1) if is_good else dice.uniform(0.1, 0.6), 3)
        tone = ScorerResult(
            score, is_good, None if is_good else "It is curt.", score * 5
        )
        fact = ScorerResult(1.0, True)
        reply = REPLIES[kind] if is_good else REPLIES[kind].replace("I have", "We'll")
        case = Case(
            f"tests/support/test_tone.py::TestTone::test_reply[{number:02}]",
            "passed" if is_good else "failed",
            input=TICKETS[kind],
            expected=REPLIES[kind],
            actual=reply if is_good else f"{reply.split('. ')[0]}. Wait for our call.",
            reason=None if is_good else f"assert {score} >= 0.75",
            score=score,
            scores={"tone": tone, "faithfulness": fact},
            metrics={"tool_calls": float(number % 4)},
            threshold=0.75,
            latency_ms=dice.uniform(600, 3200),
            prompt_tokens=412 + number,
            completion_tokens=63 + kind,
            cost_usd=round(dice.uniform(0.001, 0.006), 6),
            tags=["support", "tone" if kind % 2 else "billing"],
            params={"n": f"{number}"},
            metadata=MODEL,
            shard=f"5aad000{1 + number % 2}",
        )
        yield _with_trials(case, dice) if number % 5 == 0 else case


def _with_trials(case: Case, dice: random.Random) -> Case:
    passed = [dice.random() > (0.2 if case.passed else 0.7) for _ in range(5)]
    trials = [
        Attempt(
            "passed" if each else "failed",
            1.0 if each else 0.4,
            dice.uniform(600, 3200),
            None if each else "assert 0.4 >= 0.75",
        )
        for each in passed
    ]
    is_passed = sum(passed) >= 3
    reason = f"{sum(passed)} of 5 trials passed: assert 0.4 >= 0.75"
    return replace(
        case,
        outcome="passed" if is_passed else "failed",
        reason=None if is_passed else reason,
        trials=trials,
        require=3,
    )


def _orders(dice: random.Random, failures: float) -> Iterator[Case]:
    for number in range(20):
        is_good = dice.random() > failures
        wanted = {
            "intent": "refund" if number % 2 else "track",
            "order": {"id": 1180 + number, "currency": "EUR", "lines": [number, 2]},
            "confidence": 0.9,
            "needs_human": False,
        }
        came = json.loads(json.dumps(wanted))
        if not is_good:
            came["order"]["id"] = f"{1180 + number}"
            came["needs_human"] = True
            del came["confidence"]
        yield Case(
            f"tests/support/test_extraction.py::test_order[{number:02}]",
            "passed" if is_good else "failed",
            input=f"{TICKETS[number % len(TICKETS)]} It is order {1180 + number}.",
            expected=json.dumps(wanted),
            actual=json.dumps(came),
            reason=None if is_good else "AssertionError: assert order == expected",
            latency_ms=dice.uniform(300, 900),
            prompt_tokens=220,
            completion_tokens=48,
            cost_usd=0.0007,
            tags=["extraction"],
            metadata=MODEL,
            shard="5aad0002",
        )


def _odd(day: int) -> Iterator[Case]:
    """Yield one case of each other outcome, and of each mark that a case can have."""
    start = "tests/test_rest.py::test_"
    yield Case(
        f"{start}judge", "ambiguous", actual="maybe", ambiguous="judges disagree"
    )
    yield Case(
        f"{start}known_gap", "xfailed", actual="no", reason="fixed with tool use"
    )
    yield Case(f"{start}solved", "xpassed", actual="yes", score=1.0)
    yield Case(f"{start}later", "skipped", reason="needs the new index")
    attempts = [Attempt("failed", 0.2, 900.0, "assert 0.2 >= 0.75")]
    yield Case(f"{start}retry", "passed", actual="ok", flaky=True, attempts=attempts)
    if day == 7:
        yield Case(
            f"{start}index",
            "error",
            input="Where is my parcel?",
            reason="openai.APITimeoutError: Request timed out.\n\n"
            "tests/conftest.py:31: APITimeoutError",
        )
        earlier = "20260306T180000.000Z-00000006"
        yield Case(f"{start}carried", "passed", actual="kept", carried=earlier)


def _groups(out: Path) -> Path:
    dice = random.Random(3)
    cases = [
        _answer(dice, model, index, country, number)
        for index, model in enumerate(("claude-4", "gpt-6-mini", "llama-5-8b"))
        for number, country in enumerate(COUNTRIES)
    ]
    return _stored(
        out,
        "20260309T101500.000Z-6509b500",
        cases,
        group_by=("param:model", "metadata:team"),
        metrics=(Metric("macro f1", 0.874, 0.801, 0.931), Metric("cost a case", 3.1)),
        tables=(
            Table(
                "Confusion matrix",
                ["wanted", "capital", "largest city", "other"],
                [["capital", 25, 4, 1], ["largest city", 0, 0, 0]],
            ),
        ),
    )


def _answer(
    dice: random.Random, model: str, index: int, country: str, number: int
) -> Case:
    is_good = dice.random() > index * 0.22
    wrong = {"Australia": "Sydney", "Turkey": "Istanbul", "Canada": "Toronto"}
    capital = COUNTRIES[country]
    came = capital if is_good else wrong.get(country, "I don't know")
    score = 1.0 if is_good else 0.2
    return Case(
        f"tests/test_models.py::test_capital[{model}-{country}]",
        "passed" if is_good else "failed",
        input=f"What is the capital of {country}?",
        expected=f"The capital of {country} is {capital}.",
        actual=f"The capital of {country} is {came}.",
        reason=None if is_good else f"assert {came!r} == {capital!r}",
        scores={"exact": ScorerResult(score, is_good)},
        latency_ms=dice.uniform(200, 900) * (3 - index),
        cost_usd=0.004 / (1 + index * 4),
        params={"model": model, "country": country},
        param_indices={"model": index} if index else {},
        tags=["hard"] if country in wrong else ["easy"],
        metadata={"team": "search" if number % 2 else "chat"},
    )


SCRIPT = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def _hostile(out: Path) -> Path:
    long, words = (
        "x" * 3_000,
        "a sentence that goes on and on, and then some more. " * 60,
    )
    texts = (
        SCRIPT,
        long,
        words,
        "a\u202eb\u2066c \x1b[31m \0",
        "\u0645\u0631\u062d\u0628\u0627",
        "-",
    )
    cases = [_hostile_case(number, texts) for number in range(3_000)]
    table = Table(long[:200], [words[:90], *texts[:4]], [[*texts[:5]], [1, 2, 3, 4, 5]])
    path = _stored(
        out,
        "20260310T101500.000Z-40571e00",
        cases,
        exit_status=1,
        ci={**BUILD, "branch": long, "job": SCRIPT},
        tables=(table,),
        metrics=(Metric(words[:200], 1e300),),
        group_by=("tag", "param:model"),
    )
    main(["gate", str(path), "--min-pass-rate=0.9", f"--min-score={words[:120]}:0.5"])
    return path


def _hostile_case(number: int, texts: tuple[str, ...]) -> Case:
    text, other = texts[number % len(texts)], texts[number % 5]
    is_short = number > 60
    name = f"{number:04}" if is_short else f"{number:04}-{text[:600]}"
    return Case(
        f"tests/test_{'deep/' * (number % 9)}it.py::test_it[{name}]",
        "failed" if number % 7 == 3 else "passed",
        input=text,
        expected=other,
        actual=f"{other} {text[:200]}",
        reason=text if number % 7 == 3 else None,
        scores={text[:80]: ScorerResult(number % 10 / 10, True, text, 4)},
        tags=[text[:300], f"tag-{number % 40}"],
        params={"model": text[:90]},
        metadata={text[:50]: {text[:50]: text}},
        latency_ms=float(number) ** 2,
        cost_usd=number * 1.5,
    )


SESSIONS: dict[str, Callable[[Path], Path]] = {
    "small": _small,
    "failing": _failing,
    "groups": _groups,
    "hostile": _hostile,
}
