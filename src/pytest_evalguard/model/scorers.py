"""Scores, scorer results and token usage in the shapes that libraries hand out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Complex, Integral, Number, Real
from typing import NamedTuple

from .values import clean_text, describe

RESERVED_NAMES = frozenset(("pytest", "_metadata"))
"""Names of scorers that the rows use themselves."""

MAX_COUNT = 2**53
"""Most tokens of a count: larger integers are not the same in every JSON reader."""


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
    if type(value) is float and 0.0 < value <= 1.0:
        return value  # as nearly all are
    number = checked_number(value, what)
    if number > 1:
        raise ValueError(f"{what} must be within 0..1, got {describe(value)}")
    return number


def checked_number(value: object, what: str) -> float:
    """Return a finite number of at least 0 as a float.

    :raises TypeError: `value` is no number.
    :raises ValueError: `value` is negative, infinite or NaN.
    """
    if type(value) is float and 0.0 < value < math.inf:
        return value  # as nearly all are
    plain = _plain(value)
    if not _is_real(type(plain)):
        raise TypeError(f"{what} must be a number, got {describe(value)}")
    try:
        number = float(plain)  # type: ignore[arg-type] # it is one
    except (OverflowError, ValueError):  # 10**400, Decimal("sNaN")
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise ValueError(
            f"{what} must be a finite number of at least 0, got {describe(value)}"
        )
    return abs(number)  # -0.0 would be other bytes than 0.0


def checked_count(value: object, what: str) -> int:
    """Return a whole number of at least 0 as an int.

    :raises TypeError: `value` is no whole number.
    :raises ValueError: `value` is negative, or more than `MAX_COUNT`.
    """
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return value  # as nearly all are
    if isinstance(value, bool) or not issubclass(type(value), Integral):
        raise TypeError(f"{what} must be a whole number, got {describe(value)}")
    count = int(value)  # type: ignore[call-overload] # its type is Integral
    if not 0 <= count <= MAX_COUNT:
        raise ValueError(
            f"{what} must be within 0..{MAX_COUNT:,}, got {describe(value)}"
        )
    return int(count)


def _plain(value: object) -> object:
    """Return the number in a scalar of numpy's kind, anything else as it is."""
    kind = type(value)
    if not (hasattr(kind, "dtype") and hasattr(kind, "item")):
        return value
    try:
        return value.item()  # type: ignore[attr-defined] # its type has it
    except (TypeError, ValueError, RuntimeError):  # an array of more than one element
        return None


def _is_real(kind: type) -> bool:
    # by type, as a mock answers to `isinstance` and to `float()`; Decimal is no Real
    is_decimal = issubclass(kind, Number) and not issubclass(kind, Complex)
    return issubclass(kind, Real) or is_decimal


def checked_name(value: object) -> str:
    """Return the name of a scorer.

    :raises TypeError: `value` is no string.
    :raises ValueError: `value` is blank or reserved.
    """
    if not issubclass(type(value), str):
        raise TypeError(f"a scorer's name must be a string, got {describe(value)}")
    name = clean_text(value)  # type: ignore[arg-type] # its type is str
    if not name.strip() or name in RESERVED_NAMES:
        reserved = " and ".join(repr(each) for each in sorted(RESERVED_NAMES))
        raise ValueError(
            f"a scorer's name can't be {name!r}: blank, {reserved} are not free"
        )
    return name


def read_scorer_result(result: object) -> NamedScore:
    """Return what a scorer library's own result object or dict says.

    Understood are autoevals' and Phoenix's `Score`, deepeval's metrics, pydantic-evals'
    `EvaluationResult`, and the dicts of openevals (``key``, ``score``, ``comment``).

    :raises TypeError: the result has no name or no score, or its scorer failed.
    """
    name = _first(result, "name", "key", "__name__")
    if not isinstance(name, str) or isinstance(result, type):
        raise TypeError(
            "add_score() takes a name and a score, or one scorer's result with a name"
            f" and a score, got {describe(result)}"
        )
    error = _first(result, "error")
    score = _first(result, "score" if _has_score(result) else "value")
    if error or score is None:
        why = f": {describe(error)}" if error else ""
        raise TypeError(
            f"the scorer {describe(name)} gave no score, which is neither a pass nor a"
            f" failure{why}, got {describe(result)}"
        )
    passed = _plain(_first(result, "passed", "success"))
    return NamedScore(
        name,
        checked_score(score, f"the score of {describe(name)}"),
        passed if isinstance(passed, bool) else None,
        _reason(result),
    )


def _has_score(result: object) -> bool:
    return (
        "score" in result if isinstance(result, Mapping) else hasattr(result, "score")
    )


def _reason(result: object) -> object:
    reason = _first(result, "reason", "comment", "explanation", "rationale")
    if reason is None:  # autoevals' judges
        reason = _first(_first(result, "metadata"), "rationale")
    return reason


def read_usage(response: object) -> tuple[int, int]:
    """Return prompt and completion tokens of a response, or of its usage itself.

    Understood are OpenAI's two APIs, Anthropic, Google, and what copies them, LiteLLM
    and LangChain among it. Tokens read from and written to a cache count as prompt.

    :raises TypeError: neither `response` nor its usage names tokens.
    """
    usage = _first(response, "usage", "usage_metadata")
    for each in (usage, response):
        for names in _USAGES:
            if _first(each, names.prompt[0], names.completion[0]) is not None:
                return _sum(each, names.prompt), _sum(each, names.completion)
    raise TypeError(
        "add_tokens() takes prompt= and completion=, or a response whose usage has"
        f" prompt_tokens or input_tokens, got {describe(response)}"
    )


class _Usage(NamedTuple):
    """The names of counts that add up; the first is the one that must be there."""

    prompt: tuple[str, ...]
    completion: tuple[str, ...]


_USAGES = (
    # OpenAI's chat API: cached and reasoning tokens are parts of the counts
    _Usage(("prompt_tokens",), ("completion_tokens",)),
    # Anthropic counts the cache apart; OpenAI's responses and LangChain do not
    _Usage(
        ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
        ("output_tokens",),
    ),
    # Google counts thoughts and the prompts of tools apart
    _Usage(
        ("prompt_token_count", "tool_use_prompt_token_count"),
        ("candidates_token_count", "thoughts_token_count"),
    ),
)


def _sum(usage: object, names: tuple[str, ...]) -> int:
    counts = ((name, _first(usage, name)) for name in names)
    return sum(checked_count(each, name) for name, each in counts if each is not None)


def _first(source: object, *names: str) -> object:
    """Return the first of several attributes or keys that is there and not None."""
    for name in names:
        if isinstance(source, Mapping):
            value: object = source.get(name)
        else:
            value = getattr(source, name, None)
        if value is not None:
            return value
    return None
