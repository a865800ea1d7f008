"""What scores, counts and names of scorers may be, and what counts as which score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from numbers import Complex, Integral, Number, Real

from .figures import ROUNDING
from .values import clean_text, describe

RESERVED_NAMES = frozenset(("pytest", "_metadata"))
"""Names of scorers that the rows use themselves."""

_LONGEST_ID = 200

MAX_COUNT = 2**53
"""Most tokens of a count: larger integers are not the same in every JSON reader."""


def checked_score(value: object, what: str = "score", hint: str = "") -> float:
    """Return a bool or a finite number 0..1 as a float.

    What rounding has put just outside is taken for the nearest score.

    :param hint: ends the message about a number outside.
    :raises TypeError: `value` is no number.
    :raises ValueError: `value` is not finite or not within 0..1.
    """
    if type(value) is float and 0.0 < value <= 1.0:
        return value  # as nearly all are
    number = _finite(value, what, "a finite number")
    if not -ROUNDING <= number <= 1 + ROUNDING:
        raise ValueError(f"{what} must be within 0..1, got {describe(value)}{hint}")
    return min(max(0.0, number), 1.0)


def checked_number(value: object, what: str) -> float:
    """Return a finite number of at least 0 as a float.

    :raises TypeError: `value` is no number.
    :raises ValueError: `value` is negative, infinite or NaN.
    """
    if type(value) is float and 0.0 < value < math.inf:
        return value  # as nearly all are
    wanted = "a finite number of at least 0"
    number = _finite(value, what, wanted)
    if number < 0:
        raise ValueError(f"{what} must be {wanted}, got {describe(value)}")
    return abs(number)  # -0.0 would be other bytes than 0.0


def checked_metric(value: object, what: str) -> float:
    """Return a finite number of any size as a float; a bool is none.

    :raises TypeError: `value` is no number, or a bool.
    :raises ValueError: `value` is infinite or NaN.
    """
    if isinstance(plain_number(value), bool):
        raise TypeError(
            f"{what} must be a number, got {describe(value)}: record a verdict with"
            " add_score; to count, pass 1 or 0"
        )
    return _finite(value, what, "a finite number") + 0.0  # -0.0 would be other bytes


def _finite(value: object, what: str, wanted: str) -> float:
    plain = plain_number(value)
    if not is_number(plain):
        raise TypeError(f"{what} must be a number, got {describe(value)}")
    try:
        number = float(plain)  # type: ignore[arg-type] # it is one
    except (OverflowError, ValueError):  # 10**400, Decimal("sNaN")
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{what} must be {wanted}, got {describe(value)}")
    return number


def checked_count(value: object, what: str) -> int:
    """Return a whole number of at least 0 as an int, also where it is a float.

    :raises TypeError: `value` is no whole number.
    :raises ValueError: `value` is negative, or more than `MAX_COUNT`.
    """
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return value  # as nearly all are
    plain = plain_number(value)
    if isinstance(plain, bool) or not is_number(plain) or not _is_whole(plain):
        raise TypeError(f"{what} must be a whole number, got {describe(value)}")
    count = int(plain)  # type: ignore[call-overload] # it is whole
    if not 0 <= count <= MAX_COUNT:
        raise ValueError(
            f"{what} must be within 0..{MAX_COUNT:,}, got {describe(value)}"
        )
    return int(count)


def checked_trace_id(value: object) -> str | None:
    """Return the id of a trace as text: an int as OpenTelemetry writes it, in hex.

    None where there is none, as OpenTelemetry has only zeros where nothing is traced.

    :raises TypeError: `value` is no text, no int and no UUID.
    :raises ValueError: it is blank, too long or has control characters.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value:032x}"
    elif type(value).__name__ == "UUID":
        value = str(value)
    if value is None or (isinstance(value, str) and value and not value.strip("0-")):
        return None
    if not isinstance(value, str):
        raise TypeError(
            f"trace_id must be text, an int or a UUID, got {describe(value)}"
        )
    text = value.strip()
    if not text or not text.isprintable() or len(text) > _LONGEST_ID:
        raise ValueError(
            f"trace_id must be one line of at most {_LONGEST_ID} characters, got"
            f" {describe(value)}"
        )
    return text


def plain_number(value: object) -> object:
    """Return the number in a scalar of numpy's kind, anything else as it is."""
    kind = type(value)
    if not (hasattr(kind, "dtype") and hasattr(kind, "item")):
        return value
    try:
        plain = value.item()  # type: ignore[attr-defined] # its type has it
    except (TypeError, ValueError, RuntimeError):  # an array of more than one element
        return None
    if type(plain) is float and str(value.dtype).endswith("float32"):  # type: ignore[attr-defined] # its type has it
        return float(f"{plain:.7g}")  # 0.7, which would be 0.699999988
    return plain


def is_number(value: object) -> bool:
    """Whether a value is a real number, a bool or a Decimal."""
    # by type, as a mock answers to `isinstance` and to `float()`; Decimal is no Real
    kind = type(value)
    is_decimal = issubclass(kind, Number) and not issubclass(kind, Complex)
    return issubclass(kind, Real) or is_decimal


def _is_whole(value: object) -> bool:
    if issubclass(type(value), Integral):
        return True
    try:
        return value == int(value)  # type: ignore[call-overload,no-any-return] # a number
    except (OverflowError, ValueError):  # infinite or not a number
        return False


def checked_name(value: object, whose: str = "a scorer") -> str:
    """Return the name of a scorer, or of a metric.

    :raises TypeError: `value` is no string.
    :raises ValueError: `value` is blank or reserved.
    """
    if type(value) is str and value.isidentifier() and value not in RESERVED_NAMES:
        return value  # as nearly all are
    if not issubclass(type(value), str):
        raise TypeError(f"{whose}'s name must be a string, got {describe(value)}")
    name = clean_text(value)  # type: ignore[arg-type] # its type is str
    if not name.strip() or name in RESERVED_NAMES:
        reserved = " and ".join(repr(each) for each in sorted(RESERVED_NAMES))
        raise ValueError(
            f"{whose}'s name can't be {name!r}: blank names, {reserved} are reserved"
        )
    return name


def checked_named_score(value: object, name: str) -> float:
    """Return what is given as a named score, on no other scale than 0..1, as a float.

    :raises TypeError: `value` is no number.
    :raises ValueError: `value` is not finite or not within 0..1.
    """
    if type(value) is float and 0.0 < value <= 1.0:
        return value  # as nearly all are
    hint = ": for another scale, give its worst and best score, such as scale=(1, 5)"
    return checked_score(value, f"the score of {name!r}", hint)


class Measure:
    """What counts as which score: by a scale, by labels, or as it is.

    :param scale: the worst and the best number, as ``(1, 5)``; None for 0..1.
    :param values: what each label counts as; None where scores are numbers.
    :raises TypeError: `scale` is no pair of numbers, `values` no mapping to scores.
    :raises ValueError: the ends of the scale are equal, or a label counts as no score.
    """

    def __init__(self, scale: object, values: object) -> None:
        if scale is not None and values is not None:
            raise TypeError("a score can have scale= or values=, not both")
        self._scale = None if scale is None else _checked_scale(scale)
        self._values = None if values is None else _checked_values(values)

    @property
    def takes_labels(self) -> bool:
        """Whether scores are labels."""
        return self._values is not None

    def __call__(
        self, value: object, name: str, is_less_better: bool = False
    ) -> tuple[float, object]:
        """Return the score that a value counts as, and the value where they differ.

        :raises TypeError: the value is no number.
        :raises ValueError: it is out of bounds, or a label that is not known.
        """
        what = f"the score of {name!r}"
        if self._values is not None:
            return _score_of_label(value, what, self._values)
        value = value.value if isinstance(value, Enum) else value
        if issubclass(type(value), str):
            raise TypeError(
                f"{what} must be a number, got {describe(value)}: for labels, say what"
                f" each one counts as: values={{{describe(value)}: 1, ...}}"
            )
        if self._scale is not None:
            return self._on_scale(value, what, is_less_better)
        score = checked_named_score(value, name)
        return (1.0 - score, score) if is_less_better else (score, None)

    def _on_scale(
        self, value: object, what: str, is_less_better: bool
    ) -> tuple[float, object]:
        worst, best = self._scale or (0.0, 1.0)
        if is_less_better and worst < best:
            worst, best = best, worst
        number = _finite(value, what, "a finite number")
        share = (number - worst) / (best - worst)
        if not -ROUNDING <= share <= 1 + ROUNDING:
            low, high = sorted((worst, best))
            raise ValueError(
                f"{what} is outside its scale={self._scale}: it must be within"
                f" {low:g}..{high:g}, got {describe(value)}"
            )
        return min(max(0.0, share), 1.0), number


def _checked_scale(scale: object) -> tuple[float, float]:
    if not isinstance(scale, (tuple, list)) or len(scale) != 2:
        raise TypeError(
            "scale= must be the worst and the best number, such as (1, 5), got"
            f" {describe(scale)}"
        )
    worst, best = (_finite(each, "an end of scale=", "finite") for each in scale)
    if worst == best:
        raise ValueError(f"the ends of scale= must differ, got {describe(scale)}")
    return worst, best


def _checked_values(values: object) -> dict[object, float]:
    if not isinstance(values, Mapping) or not values:
        raise TypeError(
            "values= must say what each label counts as, such as"
            f" {{'yes': 1, 'no': 0}}, got {describe(values)}"
        )
    return {
        label: checked_score(score, f"what {describe(label)} counts as in values=")
        for label, score in values.items()
    }


def _score_of_label(
    value: object, what: str, values: Mapping[object, float]
) -> tuple[float, object]:
    label = value.value if isinstance(value, Enum) else value
    for known, score in values.items():
        if known in (value, label):
            return score, label
    labels = ", ".join(map(describe, values))
    raise ValueError(f"{what} is {describe(label)}, which is not in values=: {labels}")
