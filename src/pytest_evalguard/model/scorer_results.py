"""Scorers' results, read in the shapes that libraries hand out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from ..errors import ScorerError
from .json_data import first, has
from .scorers import (
    MAX_COUNT,
    Measure,
    checked_name,
    checked_named_score,
    is_number,
    plain_number,
)
from .values import as_text, describe

_PLAIN = (float, int, bool)
UNSET = object()
"""Stands for an argument that was not given."""


class NamedScore(NamedTuple):
    """A scorer's result as this package understands it.

    `raw` is what the scorer gave, where that is not the score: a number on another
    scale, one of which less is better, or a label.
    """

    name: str
    score: float
    passed: bool | None = None
    reason: object = None
    raw: object = None


def read_scores(
    name: object, score: object = UNSET, scale: object = None, values: object = None
) -> list[NamedScore]:
    """Return the scores that the arguments of `EvalCase.add_score` stand for.

    Understood are autoevals' and Phoenix's `Score`, deepeval's metrics, the results of
    pydantic-evals, MLflow, Opik, ragas, LlamaIndex and Inspect, the dicts of openevals
    and Azure, and whatever has the same names.

    :param name: the name of `score`, or results that have one: an object, or a list.
    :param scale: the worst and the best number of the scale that `score` is on.
    :param values: what each label counts as, where `score` is a label.
    :raises ScorerError: a result has no score, as its scorer failed.
    :raises TypeError: there is no name, or the score is no number and no result.
    :raises ValueError: the score is out of bounds, or the name is not free.
    """
    if type(score) in _PLAIN and scale is None and values is None:
        name = checked_name(name)
        return [NamedScore(name, checked_named_score(score, name))]
    measure = Measure(scale, values)
    if score is not UNSET:
        name = checked_name(name)
        if _is_result(score):
            return [_read_result(score, measure, name)]
        number, raw = measure(score, name)
        return [NamedScore(name, number, raw=raw)]
    if not isinstance(name, (list, tuple)) or hasattr(name, "_fields"):
        return [_read_result(name, measure)]
    if not name:
        raise ScorerError("add_score() got an empty list: pass at least one result")
    results = [_read_result(each, measure) for each in name]
    if len({each.name for each in results}) < len(results):
        names = ", ".join(describe(each.name) for each in results)
        raise ValueError(f"results in one list need names that differ, got {names}")
    return results


def kept_raw(raw: object, clean: Callable[[str], str] = str) -> float | str:
    """Return what is kept of a number or a label that a scorer gave."""
    is_finite = isinstance(raw, float) and math.isfinite(raw)
    if is_finite or (type(raw) is int and abs(raw) <= MAX_COUNT):
        return float(raw)  # type: ignore[arg-type] # it is a number
    return as_text(raw, clean)


def _is_result(value: object) -> bool:
    """Whether something stands for more than a number or a label."""
    if is_number(plain_number(value)) or isinstance(value, (str, Enum, type)):
        return False
    if isinstance(value, (Mapping, BaseException)):
        return True
    return has(value, "score") or has(value, "value") or _failure(value) is not None


def _read_result(
    result: object, measure: Measure, name: str | None = None
) -> NamedScore:
    name = _name_of(result) if name is None else name
    value, why = _value_of(result, name, measure.takes_labels), _failure(result)
    if why is None and (value is None or _is_nan(value)):
        label, why = first(result, "label"), ""
        if label is not None:
            why = f": values= must say what {describe(label)} counts as"
    if why is not None:
        raise ScorerError(
            f"the scorer {describe(name)} gave no score, which is neither a pass nor a"
            f" failure{why}, got {describe(result)}"
        )
    score, raw = measure(value, name, _is_less_better(result))
    verdict, reason = _verdict(result, name), _reason(result, name)
    return NamedScore(name, score, verdict, reason, raw)


def _name_of(result: object) -> str:
    if isinstance(result, BaseException):
        return type(result).__name__
    name = first(result, "name", "key", "__name__")
    if not isinstance(name, str) or isinstance(result, type):
        raise TypeError(
            "add_score() takes a name and a score, or one scorer's result with a name"
            f" and a score, got {describe(result)}"
        )
    return checked_name(name)


def _value_of(result: object, name: str, is_label: bool) -> object:
    if is_label:
        return first(result, "label", "value", "score", name)
    if has(result, "score"):
        return first(result, "score")
    return first(result, "value", name)  # Azure's evaluators use their own name


def _is_nan(value: object) -> bool:
    number = plain_number(value)
    return isinstance(number, float) and math.isnan(number)


_ERRORS = ("error", "error_message", "exception")
_FLAGS = ("scoring_failed", "invalid_result", "skipped", "is_error", "is_invalid")
_STATES = ("status", "state", "eval_status")
_NO_VERDICTS = frozenset(
    (
        *("aborted", "canceled", "cancelled", "crashed", "error", "errored"),
        *("exception", "invalid", "not_evaluated", "skipped", "timed_out", "timeout"),
    )
)


def _failure(result: object) -> str | None:
    """Return how a result says that its scorer failed, None where it does not."""
    error = result if isinstance(result, BaseException) else first(result, *_ERRORS)
    if error:
        return f": {describe(error)}"
    for flag in _FLAGS:
        if plain_number(first(result, flag)) is True:
            return f": {flag}=True"
    state = first(result, *_STATES)
    if _word(state) in _NO_VERDICTS:
        return f": status {describe(_word(state))}"
    # a metric of deepeval with no threshold has no verdict either, but a score
    has_limit = not has(result, "threshold") or first(result, "threshold") is not None
    is_open = has(result, "success") and _verdict(result) is None
    return ": success=None" if is_open and has_limit else None


_VERDICTS = ("passed", "success", "passing", "pass_", "test_pass")
_WORDS = {"pass": True, "passed": True, "fail": False, "failed": False}


def _verdict(result: object, name: str = "") -> bool | None:
    """Return whether a result says that it passed, None where it does not say."""
    for verdict in _VERDICTS:
        value = plain_number(first(result, verdict))
        if isinstance(value, bool):
            return value
    return _WORDS.get(_word(first(result, *_STATES, f"{name}_result")))


def _reason(result: object, name: str) -> object:
    reason = first(
        result,
        *("reason", "comment", "explanation", "rationale", "feedback", "details"),
        f"{name}_reason",
    )
    if reason is None:  # autoevals' judges
        reason = first(first(result, "metadata"), "rationale")
    return reason


_DIRECTIONS = ("direction", "optimization_direction", "desirable_direction")
_LESS = frozenset(("minimize", "minimise", "min", "lower", "decrease", "down"))
_MORE_FLAGS = (
    *("greater_is_better", "higher_is_better", "larger_is_better"),
    *("bigger_is_better", "is_higher_better", "maximize"),
)
_LESS_FLAGS = (
    *("lower_is_better", "smaller_is_better", "less_is_better", "is_lower_better"),
    "minimize",
)


def _is_less_better(result: object) -> bool:
    for source in filter(None, (result, first(result, "metadata"))):
        if _word(first(source, *_DIRECTIONS)).removesuffix("_is_better") in _LESS:
            return True
        if any(plain_number(first(source, flag)) is False for flag in _MORE_FLAGS):
            return True
        if any(plain_number(first(source, flag)) is True for flag in _LESS_FLAGS):
            return True
    return False


def _word(value: object) -> str:
    """Return a string, or what a member of an enum stands for, in one spelling."""
    if isinstance(value, Enum):
        value = value.value if isinstance(value.value, str) else value.name
    return re.sub(r"[\s-]+", "_", value).lower() if isinstance(value, str) else ""
