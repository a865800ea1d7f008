"""Scores, scorer results and token usage in the shapes that libraries hand out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple

from .values import describe

RESERVED_NAMES = frozenset(("pytest", "_metadata"))
"""Names of scorers that the rows use themselves."""

# OpenAI and LiteLLM; Anthropic, the OpenAI Responses API and LangChain; Google
_PROMPT = ("prompt_tokens", "input_tokens", "prompt_token_count")
_COMPLETION = ("completion_tokens", "output_tokens", "candidates_token_count")
# Anthropic counts these apart from `input_tokens`
_CACHED = ("cache_creation_input_tokens", "cache_read_input_tokens")
_MISSING = object()


class NamedScore(NamedTuple):
    """A scorer's result as this package understands it."""

    name: str
    score: float
    passed: bool | None
    reason: object


def checked_score(value: object, what: str = "score") -> float:
    """Return a bool or a finite number 0..1 as a float.

    :raises TypeError: `value` is no number.
    :raises ValueError: `value` is not finite or not within 0..1.
    """
    number = checked_number(value, what)
    if number > 1:
        raise ValueError(f"{what} must be within 0..1, got {describe(value)}")
    return number


def checked_number(value: object, what: str) -> float:
    """Return a finite number of at least 0 as a float.

    :raises TypeError: `value` is no number.
    :raises ValueError: `value` is negative, infinite or NaN.
    """
    kind = type(value)
    if not (hasattr(kind, "__float__") or hasattr(kind, "__index__")):
        raise TypeError(f"{what} must be a number, got {describe(value)}")
    try:
        number = float(value)  # type: ignore[arg-type] # its type has __float__
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or number < 0:
        raise ValueError(
            f"{what} must be a finite number of at least 0, got {describe(value)}"
        )
    return number


def checked_count(value: object, what: str) -> int:
    """Return a whole number of at least 0 as an int.

    :raises TypeError: `value` is no whole number.
    :raises ValueError: `value` is negative.
    """
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise TypeError(f"{what} must be a whole number, got {describe(value)}")
    count = int(value)  # type: ignore[call-overload] # its type has __index__
    if count < 0:
        raise ValueError(f"{what} must be at least 0, got {describe(value)}")
    return int(count)


def checked_name(value: object) -> str:
    """Return the name of a scorer.

    :raises TypeError: `value` is no string.
    :raises ValueError: `value` is blank or reserved.
    """
    if not isinstance(value, str):
        raise TypeError(f"a scorer's name must be a string, got {describe(value)}")
    if not value.strip() or value in RESERVED_NAMES:
        reserved = " and ".join(repr(name) for name in sorted(RESERVED_NAMES))
        raise ValueError(
            f"a scorer's name can't be {value!r}: blank, {reserved} are not free"
        )
    return value


def read_scorer_result(result: object) -> NamedScore:
    """Return what a scorer library's own result object or dict says.

    Understood are autoevals' `Score`, deepeval's metrics, pydantic-evals'
    `EvaluationResult` and the dicts of openevals (``key``, ``score``, ``comment``).

    :raises TypeError: the result has no name or no score.
    """
    name = _first(result, ("name", "key", "__name__"))
    score = _first(result, ("score", "value"))
    if not isinstance(name, str) or score is _MISSING or score is None:
        raise TypeError(
            "add_score() takes a name and a score, or a scorer's result with a name"
            f" and a score, got {describe(result)}"
        )
    passed = _first(result, ("passed", "success"))
    reason = _first(result, ("reason", "comment", "rationale"))
    return NamedScore(
        name,
        checked_score(score, f"the score of {name!r}"),
        passed if isinstance(passed, bool) else None,
        None if reason is _MISSING else reason,
    )


def read_usage(response: object) -> tuple[int, int]:
    """Return prompt and completion tokens of a response, or of its usage itself.

    :raises TypeError: neither `response` nor its usage names tokens.
    """
    for usage in (_first(response, ("usage", "usage_metadata")), response):
        prompt, completion = _first(usage, _PROMPT), _first(usage, _COMPLETION)
        if prompt is not _MISSING or completion is not _MISSING:
            cached = sum(_tokens(_first(usage, (name,)), name) for name in _CACHED)
            return (
                _tokens(prompt, "prompt tokens") + cached,
                _tokens(completion, "completion tokens"),
            )
    raise TypeError(
        "add_tokens() takes prompt= and completion=, or a response whose usage has"
        f" prompt_tokens or input_tokens, got {describe(response)}"
    )


def _tokens(value: object, what: str) -> int:
    return 0 if value is None or value is _MISSING else checked_count(value, what)


def _first(source: object, names: Iterable[str]) -> object:
    for name in names:
        if isinstance(source, Mapping):
            value: object = source.get(name, _MISSING)
        else:
            value = getattr(source, name, _MISSING)
        if value is not _MISSING:
            return value
    return _MISSING
