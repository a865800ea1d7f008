"""The rows of EvalGuard, one frozen model for each dialect; wire names live here.

The documented row is the one in EvalGuard's API reference, the `sdk` row the one that
its official TypeScript client sends to the same route.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from ...model.case import Case, ScorerResult
from ...storage.files import UNTRACED

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


class _Wire(BaseModel):
    # tracers that are plugins of pydantic would send every row a second time
    model_config = ConfigDict(
        frozen=True,
        plugin_settings=UNTRACED,
    )


class ScorerRow(_Wire):
    """A named score."""

    score: float
    passed: bool
    reason: str | None = None


class TokenUsage(_Wire):
    """Token counts."""

    prompt: int
    completion: int
    total: int


class DocumentedRow(_Wire):
    """A row as EvalGuard's API reference has it; `latency` is in milliseconds."""

    input: str
    expectedOutput: str | None = None
    actualOutput: str
    score: float
    passed: bool
    latency: float
    tokenUsage: TokenUsage | None = None
    scorerResults: dict[str, ScorerRow]


class SdkRow(_Wire):
    """A row as EvalGuard's TypeScript client sends it; `cost` is in US dollars."""

    test_case_index: int
    input: str
    output: str
    expected: str | None = None
    scores: dict[str, Any]
    latency_ms: float
    passed: bool
    score: float
    cost: float | None = None


def documented_row(case: Case, index: int) -> DocumentedRow:
    """Return a case as a row of the documented dialect."""
    return DocumentedRow.model_validate(
        {
            "input": case.input,
            "expectedOutput": case.expected,
            "actualOutput": case.actual or "",
            "score": case.overall_score,
            "passed": case.passed,
            "latency": round(case.latency_ms, 3),
            "tokenUsage": _usage(case),
            "scorerResults": _scores(case),
        }
    )


def sdk_row(case: Case, index: int) -> SdkRow:
    """Return a case as a row of the `sdk` dialect, `index` being its position."""
    scores: dict[str, Any] = _scores(case)
    if case.metadata:
        scores["_metadata"] = case.metadata
    return SdkRow.model_validate(
        {
            "test_case_index": index,
            "input": case.input,
            "output": case.actual or "",
            "expected": case.expected,
            "scores": scores,
            "latency_ms": round(case.latency_ms, 3),
            "passed": case.passed,
            "score": case.overall_score,
            "cost": case.cost_usd,
        }
    )


ROW_OF: Mapping[str, Callable[[Case, int], BaseModel]] = {
    "documented": documented_row,
    "sdk": sdk_row,
}
"""The function that makes a row, by dialect."""


def row_bytes(case: Case, index: int, dialect: str) -> bytes:
    """Return a case as the JSON of one row."""
    row = ROW_OF[dialect](case, index)
    return row.model_dump_json(exclude_none=True).encode()


def _usage(case: Case) -> dict[str, int] | None:
    if case.prompt_tokens is None and case.completion_tokens is None:
        return None
    prompt, completion = case.prompt_tokens or 0, case.completion_tokens or 0
    return {"prompt": prompt, "completion": completion, "total": prompt + completion}


def _scores(case: Case) -> dict[str, dict[str, object]]:
    own = ScorerResult(float(case.passed), case.passed, case.reason)
    results = {**dict(sorted(case.scores.items())), OWN_SCORER: own}
    return {name: _score(each) for name, each in results.items()}


def _score(result: ScorerResult) -> dict[str, object]:
    fields: dict[str, object] = {"score": float(result.score), "passed": result.passed}
    return fields if result.reason is None else {**fields, "reason": result.reason}
