"""The rows of EvalGuard, one function for each dialect; wire names live here.

The documented row is the one in EvalGuard's API reference, the `sdk` row the one that
its official TypeScript client sends to the same route.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import to_json

from ...model.case import Case

OWN_SCORER = "pytest"
"""The entry that every row has for pytest's own verdict."""

FIELDS_OF = {
    "documented": frozenset(
        ("expectedOutput", "actualOutput", "latency", "tokenUsage", "scorerResults")
    ),
    "sdk": frozenset(
        ("test_case_index", "output", "expected", "scores", "latency_ms", "cost")
    ),
}
"""Fields that only one of the dialects has."""


def documented_row(case: Case, index: int) -> dict[str, Any]:
    """Return a case as EvalGuard's API reference has it; `latency` is in ms."""
    passed = case.passed
    row = {
        "input": case.input,
        "expectedOutput": case.expected,
        "actualOutput": case.actual or "",
        "score": case.overall_score,
        "passed": passed,
        "latency": round(case.latency_ms, 3),
        "tokenUsage": _usage(case),
        "scorerResults": _scores(case, passed),
    }
    return _without_none(row, "expectedOutput", "tokenUsage")


def sdk_row(case: Case, index: int) -> dict[str, Any]:
    """Return a case as EvalGuard's TypeScript client sends it; `cost` is in US dollars.

    :param index: its position in the session.
    """
    passed = case.passed
    scores: dict[str, Any] = _scores(case, passed)
    if case.metadata:
        scores["_metadata"] = case.metadata
    row = {
        "test_case_index": index,
        "input": case.input,
        "output": case.actual or "",
        "expected": case.expected,
        "scores": scores,
        "latency_ms": round(case.latency_ms, 3),
        "passed": passed,
        "score": case.overall_score,
        "cost": case.cost_usd,
    }
    return _without_none(row, "expected", "cost")


ROW_OF: Mapping[str, Callable[[Case, int], dict[str, Any]]] = {
    "documented": documented_row,
    "sdk": sdk_row,
}
"""The function that makes a row, by dialect."""


def row_bytes(case: Case, index: int, dialect: str) -> bytes:
    """Return a case as the JSON of one row."""
    return to_json(ROW_OF[dialect](case, index), inf_nan_mode="null")


def _without_none(row: dict[str, Any], *optional: str) -> dict[str, Any]:
    for name in optional:
        if row[name] is None:
            del row[name]
    return row


def _usage(case: Case) -> dict[str, int] | None:
    prompt, completion = case.prompt_tokens, case.completion_tokens
    if prompt is None and completion is None:
        return None
    prompt, completion = prompt or 0, completion or 0
    return {"prompt": prompt, "completion": completion, "total": prompt + completion}


def _scores(case: Case, passed: bool) -> dict[str, dict[str, Any]]:
    scores = {}
    for name, each in sorted(case.scores.items()):
        scores[name] = _score(each.score, each.passed, each.reason)
    scores[OWN_SCORER] = _score(float(passed), passed, case.reason)
    return scores


def _score(score: float, passed: bool, reason: str | None) -> dict[str, Any]:
    if reason is None:
        return {"score": score, "passed": passed}
    return {"score": score, "passed": passed, "reason": reason}
