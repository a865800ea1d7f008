"""What is read is checked as pydantic would check it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any

import pytest
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

from pytest_evalguard.analysis.comparison import Comparison
from pytest_evalguard.delivery.agent import AgentTarget
from pytest_evalguard.delivery.agent.prompts import LockFile
from pytest_evalguard.delivery.evalguard import RunTarget
from pytest_evalguard.delivery.frozen_requests import FrozenRequest
from pytest_evalguard.delivery.outbox import LeftOut
from pytest_evalguard.model.case import Case, EndedTest
from pytest_evalguard.storage.files import validator
from pytest_evalguard.storage.session import SessionState

REQUIRED: dict[Any, dict[str, Any]] = {
    Case: {"nodeid": "t.py::a", "outcome": "passed"},
    EndedTest: {"test": "t.py::a", "outcomes": {}},
    SessionState: {"id": "a", "created": "2026-01-02"},
    Comparison: {"baseline": "b", "before": 1, "after": 1, "paired": 1},
    LockFile: {},
    FrozenRequest: {"key": "k", "results": 1, "body": "{}"},
    RunTarget: {"url": "u", "proof": "p", "run_id": "r"},
    AgentTarget: {"url": "u", "proof": "p", "agent_id": "a"},
    LeftOut: {"why": "w", "count": 1, "first": []},
}
SCORE: dict[str, Any] = {"score": 0.5, "passed": True}
VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 2**70, 0.5, 1.5, float("nan"), float("inf")),
    *("", "x", "1", "é\x00", "passed", "failed", "finished", "evalguard"),
    *([], ["a"], [1, "a"], [[1, 2]], [{"outcome": "passed"}], [{"outcome": "odd"}]),
    *({}, {"a": 1}, {"a": "b"}, {"a": None}, {"passed": 1}, {"a": SCORE}, {"a": 0.5}),
    {"a": {**SCORE, "raw": 4}},
    {"a": {**SCORE, "raw": "good"}},
    {"a": {**SCORE, "raw": True}},
    {"a": {**SCORE, "score": 2}},
    {"a": {**SCORE, "score": "1"}},
    {"a": [0.5, 1]},
    {"a": [0.5]},
    {"a": [{"id": 1, "sha256": "s"}]},
    {"a": [{"id": -1, "sha256": "s"}]},
    [{"name": "n", "value": 1}],
    [{"name": "n", "columns": ["a"], "rows": [[1], ["b"]]}],
    {"session": "s", "ancestors": ["a"], "carried": 1},
    {"limit": 1, "spent": 0.5, "unknown": 1},
)


def examples(kind: Any) -> Iterator[Any]:
    """Yield values of a type, and what is none, each with one field that varies."""
    required = REQUIRED[kind]
    yield from (required, *VALUES)
    for field in fields(kind):
        yield {name: each for name, each in required.items() if name != field.name}
        yield from ({**required, field.name: value} for value in VALUES)


def outcome(check: Callable[..., object], *args: Any, **how: Any) -> tuple[str, str]:
    try:
        return "accepted", repr(check(*args, **how))
    except ValueError as error:
        return "refused", str(error).splitlines()[0]


@pytest.mark.parametrize("kind", REQUIRED, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("strict", [True, False])
def test_our_schema_takes_what_pydantics_takes(kind: Any, strict: bool) -> None:
    theirs, ours = SchemaValidator(TypeAdapter(kind).core_schema), validator(kind)
    seen = set()
    for each in examples(kind):
        text = json.dumps(each)
        one = outcome(theirs.validate_json, text, strict=strict)
        other = outcome(ours.validate_json, text, strict=strict)
        assert one == other, text
        seen.add(one[0])
    assert seen == {"accepted", "refused"}


@pytest.mark.parametrize(
    "value", ["2026-01-02T03:04:05Z", "2026-01-02", 1e9, "soon", None]
)
def test_a_time_is_read_as_pydantic_reads_it(value: object) -> None:
    theirs = SchemaValidator(TypeAdapter(datetime).core_schema)
    one = outcome(theirs.validate_python, value)
    assert one == outcome(validator(datetime).validate_python, value)


def test_a_type_that_nothing_is_known_of_is_told() -> None:
    with pytest.raises(KeyError):
        validator(set[str])
