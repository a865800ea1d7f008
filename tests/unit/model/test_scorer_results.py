"""Scorers' results are read in the shapes that libraries have."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import MagicMock

import numpy as np
import pytest

from pytest_evalguard.errors import ScorerError
from pytest_evalguard.model.scorer_results import NamedScore, kept_raw, read_scores
from pytest_evalguard.model.values import describe


def read(result: object, *args: Any, **options: Any) -> NamedScore:
    (score,) = read_scores(result, *args, **options)
    return score


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
    direction: str = "maximize"


@dataclass
class OpikResult:
    name: str
    value: float
    reason: str | None = None
    scoring_failed: bool = False


@dataclass
class LlamaIndexResult:
    score: float | None = None
    passing: bool | None = None
    feedback: str | None = None
    invalid_result: bool = False
    invalid_reason: str | None = None


@dataclass
class InspectScore:
    value: object
    explanation: str | None = None


class RagasResult:
    """Acts as what it holds, and has no name."""

    def __init__(self, value: object, reason: str | None = None) -> None:
        self._value, self.reason = value, reason

    @property
    def value(self) -> object:
        return self._value

    def __iter__(self) -> Any:
        return iter(self._value)  # type: ignore[call-overload] # or it raises

    def __eq__(self, other: object) -> bool:
        return self._value == other

    def __getattr__(self, name: str) -> object:
        return getattr(self._value, name)


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
        # a metric without a threshold has no verdict, but a score
        (
            DeepevalMetric(score=0.8, success=None, threshold=None),
            ("Answer Relevancy", 0.8, None, None),
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
        (OpikResult("moderation", 0.0, "fine"), ("moderation", 0.0, None, "fine")),
        (SimpleNamespace(name="own", score=1, passed=False), ("own", 1.0, False, None)),
        (SimpleNamespace(name="own", score=1, passed="yes"), ("own", 1.0, None, None)),
        (
            SimpleNamespace(name="own", score=1, rationale="clear"),
            ("own", 1.0, None, "clear"),
        ),
        (
            {"name": "promptfoo", "pass": False, "score": 0.8, "reason": "long"},
            ("promptfoo", 0.8, False, "long"),
        ),
        (
            {"name": "adk", "score": 0.2, "eval_status": "PASSED"},
            ("adk", 0.2, True, None),
        ),
        (
            {"name": "langevals", "score": 0.9, "status": "processed", "passed": True},
            ("langevals", 0.9, True, None),
        ),
        ({"name": "judge", "score": 1, "error": None}, ("judge", 1.0, None, None)),
        ({"name": "judge", "score": 1, "error": ""}, ("judge", 1.0, None, None)),
    ],
)
def test_a_librarys_result_is_read(
    result: object, expected: tuple[str, float, bool | None, object]
) -> None:
    assert read(result) == NamedScore(*expected)


# Polarity


class Direction(Enum):
    MINIMIZE = 1


@pytest.mark.parametrize(
    "said",
    [
        *({"direction": "minimize"}, {"direction": "MINIMIZE"}, {"direction": "lower"}),
        {"direction": Direction.MINIMIZE},
        *({"greater_is_better": False}, {"higher_is_better": False}),
        *({"lower_is_better": True}, {"lowerIsBetter": True}),
        *({"larger_is_better": np.bool_(False)}, {"desirable_direction": "decrease"}),
        {"metadata": {"lower_is_better": True}},
    ],
    ids=describe,
)
@pytest.mark.parametrize("kind", [dict, SimpleNamespace])
def test_where_less_is_better_a_score_is_turned(
    kind: Callable[..., object], said: dict[str, object]
) -> None:
    result = read(kind(name="toxicity", score=0.75, **said))
    assert result == NamedScore("toxicity", 0.25, raw=0.75)


@pytest.mark.parametrize(
    "said",
    [
        *({"direction": "maximize"}, {"direction": None}, {"direction": "none"}),
        *({"greater_is_better": True}, {"lower_is_better": False}, {"direction": 5}),
        *({"higher_is_better": None}, {"metadata": {"direction": "maximize"}}),
    ],
    ids=describe,
)
def test_where_more_is_better_a_score_stays(said: dict[str, object]) -> None:
    assert read({"name": "tone", "score": 0.75, **said}) == NamedScore("tone", 0.75)


@pytest.mark.parametrize("verdict", [True, False])
def test_a_turned_score_keeps_its_librarys_verdict(verdict: bool) -> None:
    result = {"name": "bias", "score": 0.5, "success": verdict, "direction": "minimize"}
    assert read(result) == NamedScore("bias", 0.5, verdict, raw=0.5)


def test_a_scale_and_a_direction_turn_a_score_once() -> None:
    result = {"score": 4, "lower_is_better": True}
    assert read("harm", result, scale=(1, 5)) == NamedScore("harm", 0.25, raw=4.0)
    assert read("harm", result, scale=(5, 1)) == NamedScore("harm", 0.25, raw=4.0)


# Scorers that failed


class Status(Enum):
    ERROR = "error"
    NOT_EVALUATED = 3


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (AutoevalsScore("Factuality"), ""),
        (AutoevalsScore("Factuality", 1.0, error=ValueError("rate limit")), "rate l"),
        (DeepevalMetric(), "success=None"),
        (DeepevalMetric(score=0.0), "success=None"),
        (DeepevalMetric(score=1.0, success=True, error="rate limit"), "rate limit"),
        (DeepevalMetric(score=1.0, success=True, skipped=True), "skipped"),
        (PydanticEvalsFailure(name="judge", error_message="rate limit"), "rate limit"),
        (openevals(None), ""),
        (OpikResult("judge", 0.0, scoring_failed=True), "scoring_failed"),
        (
            PhoenixScore("judge", label="polite"),
            "values= must say what 'polite' counts",
        ),
        ({"key": "judge", "score": None, "value": 1}, ""),
        ({"name": "judge"}, ""),
        ({"name": "judge", "score": 0.0, "status": "error"}, "status 'error'"),
        ({"name": "judge", "score": 0.0, "status": "timed out"}, "status 'timed_out'"),
        ({"name": "judge", "score": 0.0, "status": Status.ERROR}, "status 'error'"),
        (
            {"name": "judge", "score": 0.0, "evalStatus": Status.NOT_EVALUATED},
            "status 'not_evaluated'",
        ),
        ({"name": "judge", "score": 0.0, "success": None}, "success=None"),
        ({"name": "judge", "score": 0.0, "errorMessage": "quota"}, "'quota'"),
        ({"name": "judge", "score": math.nan}, "nan"),
        ({"name": "judge", "value": np.float64("nan")}, "nan"),
        ([openevals(1), RuntimeError("rate limit")], "rate limit"),
        ([], "an empty list"),
    ],
    ids=describe,
)
def test_a_scorer_that_failed_is_no_verdict(result: object, why: str) -> None:
    with pytest.raises(ScorerError) as caught:
        read_scores(result)
    assert why in str(caught.value)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    "result",
    [
        LlamaIndexResult(0.0, False, invalid_result=True, invalid_reason="no score"),
        *(LlamaIndexResult(), InspectScore(math.nan), RagasResult(None)),
        *(ValueError("rate limit"), {"status": "error", "details": "limit"}, {}),
        SimpleNamespace(error="rate limit"),
    ],
    ids=describe,
)
def test_a_scorer_that_failed_under_a_name_of_ones_own_is_none(result: object) -> None:
    with pytest.raises(ScorerError, match=r"^the scorer 'judge' gave no score"):
        read_scores("judge", result)


@pytest.mark.parametrize(("error", "why"), [("limit", ": 'limit'"), (None, "")])
def test_why_a_scorer_failed_is_said(error: object, why: str) -> None:
    result = {"name": "judge", "error": error}
    with pytest.raises(ScorerError) as caught:
        read_scores(result)
    assert str(caught.value) == (
        "the scorer 'judge' gave no score, which is neither a pass nor a failure"
        f"{why}, got {result}"
    )


# Names of one's own, labels, and lists


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (AutoevalsScore("Factuality", 0.6), ("own", 0.6)),
        (LlamaIndexResult(0.6, True, "grounded"), ("own", 0.6, True, "grounded")),
        (InspectScore(True, "equal"), ("own", 1.0, None, "equal")),
        (RagasResult(0.6, "close"), ("own", 0.6, None, "close")),
        ({"score": 0.6}, ("own", 0.6)),
        (
            {"own": 0.6, "own_result": "fail", "own_reason": "off", "own_threshold": 3},
            ("own", 0.6, False, "off"),
        ),
    ],
)
def test_a_result_may_have_a_name_of_ones_own(
    result: object, expected: tuple[Any, ...]
) -> None:
    assert read("own", result) == NamedScore(*expected)


@pytest.mark.parametrize(
    "result",
    [
        *(InspectScore("C"), RagasResult("C"), {"value": "C"}, {"score": "C"}),
        *(PhoenixScore("x", label="C"), PhoenixScore("x", 0.0, label="C")),
    ],
    ids=describe,
)
def test_a_result_may_have_a_label(result: object) -> None:
    expected = NamedScore("grade", 0.5, raw="C")
    assert read("grade", result, values={"A": 1, "C": 0.5}) == expected


@pytest.mark.parametrize("value", ["positive", [1], {}])
def test_a_label_is_no_score(value: object) -> None:
    with pytest.raises(TypeError, match=r"^the score of 'tone' must be a number, got"):
        read_scores(PydanticEvalsResult(name="tone", value=value))


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        *((4, 4.0), (-0.5, -0.5), ("formal", "formal"), (True, "true")),
        *((math.nan, '"NaN"'), (10**400, f'"{10**400}"')),
    ],
    ids=lambda each: describe(each)[:12],
)
def test_what_a_scorer_gave_is_kept_as_a_number_or_text(
    raw: object, kept: object
) -> None:
    assert kept_raw(raw) == kept


def test_each_result_of_a_list_is_read() -> None:
    results = [AutoevalsScore("Factuality", 0.6), openevals(True)]
    expected = [NamedScore("Factuality", 0.6), NamedScore("conciseness", 1.0)]
    assert read_scores(results) == expected
    assert read_scores(tuple(results)) == expected


def test_results_of_one_name_in_a_list_are_refused() -> None:
    with pytest.raises(ValueError, match="names that differ, got 'conciseness', 'conc"):
        read_scores([openevals(1), openevals(0)])


class TupleResult(NamedTuple):
    name: str
    score: float


def test_a_named_tuple_is_one_result() -> None:
    assert read(TupleResult("own", 0.6)) == NamedScore("own", 0.6)


@pytest.mark.parametrize(
    "result",
    [None, 0.5, "name", [[]], {"score": 1}, DeepevalMetric, MagicMock(), [0.5, 1]],
    ids=lambda each: type(each).__name__,
)
def test_what_is_no_result_is_shown(result: object) -> None:
    with pytest.raises(TypeError, match=r"^add_score\(\) takes a name and a score, or"):
        read_scores(result)


@pytest.mark.parametrize(
    "score", [None, [0.5], np.array([0.5, 1]), object(), float, b"1", lambda: 1]
)
def test_what_is_no_score_under_a_name_is_shown(score: object) -> None:
    with pytest.raises(TypeError, match=r"^the score of 'x' must be a number, got "):
        read_scores("x", score)
