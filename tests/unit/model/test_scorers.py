"""Scores are strict; results and usage are read in the shapes that libraries have."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, Mock

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.model.scorers import (
    MAX_COUNT,
    checked_count,
    checked_name,
    checked_number,
    checked_score,
    read_scorer_result,
    read_usage,
)
from pytest_evalguard.model.values import describe
from pytest_evalguard.recording.recorder import EvalCase

# Scores


class Grade(IntEnum):
    GOOD = 1


class LikeTorch:
    """A tensor of one element."""

    dtype = "float32"

    def item(self) -> float:
        return 0.5


class OnlyWithItem:
    def item(self) -> float:
        return 0.5


class OnlyWithDtype:
    dtype = "float32"


class Unready:
    """A tensor that has no value to give."""

    dtype = "float32"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def item(self) -> float:
        raise self._error


@pytest.mark.parametrize(
    ("value", "score"),
    [
        *((True, 1.0), (False, 0.0), (0, 0.0), (1, 1.0), (0.25, 0.25), (-0.0, 0.0)),
        *((Decimal("0.5"), 0.5), (Fraction(1, 4), 0.25), (Grade.GOOD, 1.0)),
        *((np.float32(0.5), 0.5), (np.float64(1), 1.0), (np.int8(1), 1.0)),
        *((np.bool_(True), 1.0), (np.array(0.5), 0.5), (np.array([0.5]), 0.5)),
        *((np.longdouble(0.5), 0.5), (LikeTorch(), 0.5), (5e-324, 5e-324)),
    ],
    ids=describe,
)
def test_a_score_is_any_number_within_0_and_1(value: object, score: float) -> None:
    assert checked_score(value) == score
    assert type(checked_score(value)) is float
    assert math.copysign(1, checked_score(value)) == 1


@pytest.mark.parametrize(
    "value",
    [
        *("0.5", "", None, 1j, [0.5], {"score": 1}, b"1", object(), float, lambda: 1),
        *(
            np.str_("0.5"),
            np.complex128(1),
            np.array([0.5, 1.0]),
            np.datetime64("2026"),
        ),
        *(Mock(), MagicMock(), MagicMock(spec=float), MagicMock(spec=int)),
        *(OnlyWithItem(), OnlyWithDtype()),
        *(Unready(TypeError()), Unready(ValueError()), Unready(RuntimeError())),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_is_no_number_is_no_score(value: object) -> None:
    with pytest.raises(TypeError, match=r"^score must be a number, got ") as caught:
        checked_score(value)
    assert len(str(caught.value)) < 1_200


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (-0.1, "-0.1")),
        *((1.0000001, "1.0000001"), (2, "2"), (-1, "-1"), (10**400, "1000000000")),
        *((10**5000, "int"), (Decimal("sNaN"), "Decimal('sNaN')"), (100, "100")),
        *((np.float64("nan"), "nan"), (Fraction(3, 2), "Fraction(3, 2)")),
    ],
    ids=lambda each: describe(each)[:12],
)
def test_a_number_outside_is_no_score_and_is_shown(value: object, shown: str) -> None:
    with pytest.raises(ValueError, match=r"^score must be .*, got ") as caught:
        checked_score(value)
    assert shown in str(caught.value)


@given(st.floats())
def test_a_float_is_a_score_or_is_refused(value: float) -> None:
    if 0 <= value <= 1:
        assert checked_score(value) == value
    else:
        with pytest.raises(ValueError, match="score"):
            checked_score(value)


def test_a_number_of_another_kind_may_be_large() -> None:
    assert checked_number(812.5, "latency_ms") == 812.5
    with pytest.raises(ValueError, match=r"^latency_ms must be a finite number"):
        checked_number(-1, "latency_ms")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
def test_a_number_is_finite(value: float) -> None:
    with pytest.raises(ValueError, match=r"^latency_ms must be a finite number"):
        checked_number(value, "latency_ms")


# Counts and names


@pytest.mark.parametrize(
    "value",
    [0, 12, np.int64(0), np.int64(12), Grade.GOOD, MAX_COUNT, np.int64(MAX_COUNT)],
    ids=describe,
)
def test_a_count_is_a_whole_number(value: int) -> None:
    assert checked_count(value, "prompt") == value
    assert type(checked_count(value, "prompt")) is int


@pytest.mark.parametrize(
    "value", [True, 1.0, "1", None, np.bool_(True), MagicMock()], ids=describe
)
def test_what_is_not_whole_is_no_count(value: object) -> None:
    with pytest.raises(TypeError, match=r"^prompt must be a whole number, got "):
        checked_count(value, "prompt")


@pytest.mark.parametrize("value", [-1, MAX_COUNT + 1, 10**5000], ids=describe)
def test_a_count_has_bounds(value: int) -> None:
    with pytest.raises(ValueError, match=r"^prompt must be within 0.*, got ") as caught:
        checked_count(value, "prompt")
    assert str(caught.value) == (
        f"prompt must be within 0..9,007,199,254,740,992, got {describe(value)}"
    )


@pytest.mark.parametrize("name", ["", " \n", "pytest", "_metadata"])
def test_a_name_is_not_blank_and_not_reserved(name: str) -> None:
    with pytest.raises(ValueError, match="a scorer's name can't be") as caught:
        checked_name(name)
    assert str(caught.value) == (
        f"a scorer's name can't be {name!r}: blank, '_metadata' and 'pytest' are not"
        " free"
    )


@pytest.mark.parametrize("name", [None, 5, b"x", MagicMock(spec=str)], ids=describe)
def test_a_name_is_a_string(name: object) -> None:
    with pytest.raises(TypeError, match=r"^a scorer's name must be a string, got "):
        checked_name(name)


def test_a_name_is_text_that_can_be_sent() -> None:
    assert checked_name("a \ud800") == "a \\ud800"


# Results, as libraries hand them out


@dataclass
class AutoevalsScore:
    name: str
    score: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None


class DeepevalMetric:
    """Has no `name`, but a property `__name__`; what is not measured is None."""

    threshold = 0.7
    score: float | None = None
    reason: str | None = None
    success: bool | None = None
    error: str | None = None

    def __init__(self, **measured: Any) -> None:
        vars(self).update(measured)

    @property
    def __name__(self) -> str:
        return "Answer Relevancy"


class DeepevalGEval(DeepevalMetric):
    name = "Correctness"

    @property
    def __name__(self) -> str:
        return f"{self.name} [GEval]"


@dataclass(kw_only=True)
class PydanticEvalsResult:
    name: str
    value: object
    reason: str | None = None
    source: object = None


@dataclass(kw_only=True)
class PydanticEvalsFailure:
    name: str
    error_message: str
    error_stacktrace: str = "Traceback"


@dataclass
class PhoenixScore:
    name: str
    score: float | None = None
    label: str | None = None
    explanation: str | None = None


def openevals(score: object, comment: str | None = None) -> dict[str, object]:
    return {"key": "conciseness", "score": score, "comment": comment, "metadata": None}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (AutoevalsScore("Factuality", 0.6), ("Factuality", 0.6, None, None)),
        (
            AutoevalsScore("Factuality", 1, {"rationale": "same", "choice": "C"}),
            ("Factuality", 1.0, None, "same"),
        ),
        (
            DeepevalMetric(score=0.6, success=False, reason="off"),
            ("Answer Relevancy", 0.6, False, "off"),
        ),
        (
            DeepevalMetric(score=np.float64(0.8), success=np.bool_(True)),
            ("Answer Relevancy", 0.8, True, None),
        ),
        (DeepevalGEval(score=0.9, success=True), ("Correctness", 0.9, True, None)),
        (
            PydanticEvalsResult(name="exact", value=True, reason="equal"),
            ("exact", 1.0, None, "equal"),
        ),
        (PydanticEvalsResult(name="sim", value=0.5), ("sim", 0.5, None, None)),
        (openevals(True, "short"), ("conciseness", 1.0, None, "short")),
        (openevals(0.25), ("conciseness", 0.25, None, None)),
        (
            PhoenixScore("tone", 1.0, "polite", "says please"),
            ("tone", 1.0, None, "says please"),
        ),
        (SimpleNamespace(name="own", score=1, passed=False), ("own", 1.0, False, None)),
        (SimpleNamespace(name="own", score=1, passed="yes"), ("own", 1.0, None, None)),
        (
            SimpleNamespace(name="own", score=1, rationale="clear"),
            ("own", 1.0, None, "clear"),
        ),
    ],
)
def test_a_librarys_result_is_read(result: object, expected: object) -> None:
    assert read_scorer_result(result) == expected


@pytest.mark.parametrize(
    "result",
    [
        AutoevalsScore("Factuality"),
        AutoevalsScore("Factuality", 1.0, error=ValueError("rate limit")),
        DeepevalMetric(),
        DeepevalMetric(score=1.0, success=True, error="rate limit"),
        PydanticEvalsFailure(name="judge", error_message="rate limit"),
        openevals(None),
        {"key": "judge", "score": None, "value": 1},
        {"name": "judge"},
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_judge_that_failed_is_no_pass(result: object) -> None:
    case = EvalCase("test_it.py::test_it")
    with pytest.raises(TypeError, match="gave no score, which is neither a pass nor"):
        case.add_score(result)
    assert case._scores == {}


@pytest.mark.parametrize(("error", "why"), [("limit", ": 'limit'"), (None, "")])
def test_why_a_judge_failed_is_said(error: object, why: str) -> None:
    result = {"name": "judge", "error": error}
    with pytest.raises(TypeError) as caught:
        read_scorer_result(result)
    assert str(caught.value) == (
        "the scorer 'judge' gave no score, which is neither a pass nor a failure"
        f"{why}, got {result}"
    )


@pytest.mark.parametrize("value", ["positive", [1], {}])
def test_a_label_is_no_score(value: object) -> None:
    with pytest.raises(TypeError, match=r"^the score of 'tone' must be a number, got"):
        read_scorer_result(PydanticEvalsResult(name="tone", value=value))


@pytest.mark.parametrize(
    "result",
    [None, 0.5, "name", [openevals(1)], {"score": 1}, DeepevalMetric, MagicMock()],
    ids=lambda each: type(each).__name__,
)
def test_what_is_no_result_is_shown(result: object) -> None:
    with pytest.raises(TypeError, match=r"^add_score\(\) takes a name and a score, or"):
        read_scorer_result(result)


# Usage, as services report it


class Own:
    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)


OPENAI = Own(prompt_tokens=12, completion_tokens=80, total_tokens=92)
RESPONSES = Own(
    input_tokens=12,
    input_tokens_details=Own(cached_tokens=8),
    output_tokens=80,
    output_tokens_details=Own(reasoning_tokens=50),
    total_tokens=92,
)
ANTHROPIC = Own(
    input_tokens=2,
    cache_creation_input_tokens=4,
    cache_read_input_tokens=6,
    output_tokens=80,
)
ANTHROPIC_WITHOUT_CACHE = Own(
    input_tokens=12,
    cache_creation_input_tokens=None,
    cache_read_input_tokens=None,
    output_tokens=80,
)
# LiteLLM keeps Anthropic's counts beside the sums that hold them
LITELLM = Own(
    prompt_tokens=12,
    completion_tokens=80,
    cache_creation_input_tokens=4,
    cache_read_input_tokens=6,
)
LANGCHAIN = {
    "input_tokens": 12,
    "output_tokens": 80,
    "total_tokens": 92,
    "input_token_details": {"cache_creation": 4, "cache_read": 6},
}
GOOGLE = Own(
    prompt_token_count=10,
    tool_use_prompt_token_count=2,
    candidates_token_count=30,
    thoughts_token_count=50,
    cached_content_token_count=5,
    total_token_count=92,
)
USAGES = [
    *(OPENAI, RESPONSES, ANTHROPIC, ANTHROPIC_WITHOUT_CACHE, LITELLM, LANGCHAIN, GOOGLE)
]


@pytest.mark.parametrize("usage", USAGES)
def test_usage_is_read_from_a_response_and_by_itself(usage: Any) -> None:
    for response in (
        usage,
        Own(usage=usage),
        Own(usage_metadata=usage),
        Own(usage=None, usage_metadata=usage),
        {"usage": usage},
    ):
        assert read_usage(response) == (12, 80)


def test_usage_may_be_one_sided() -> None:
    assert read_usage({"usage": {"prompt_tokens": 5, "total_tokens": 5}}) == (5, 0)
    assert read_usage(Own(prompt_token_count=5, candidates_token_count=None)) == (5, 0)
    assert read_usage({"candidates_token_count": 5}) == (0, 5)
    assert read_usage(DeepevalMetricTokens()) == (3, 0)


class DeepevalMetricTokens(DeepevalMetric):
    input_tokens = 3
    output_tokens = None


@pytest.mark.parametrize("response", [None, "text", {}, {"usage": None}, Own(usage=5)])
def test_a_response_without_usage_is_refused(response: object) -> None:
    with pytest.raises(
        TypeError, match=r"^add_tokens\(\) takes prompt= and completion="
    ):
        read_usage(response)


@pytest.mark.parametrize(
    "response",
    [MagicMock(), {"usage": {"prompt_tokens": "12"}}, Own(input_tokens=1.5)],
    ids=describe,
)
def test_counts_of_a_response_are_strict(response: object) -> None:
    with pytest.raises(TypeError, match="_tokens must be a whole number"):
        read_usage(response)
