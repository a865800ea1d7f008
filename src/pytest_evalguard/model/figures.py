"""Figures: when one reaches its limit, what one must be, and those of a session."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


@dataclass(frozen=True)
class Within:
    """Makes pydantic refuse a number that is not finite or out of bounds.

    It is loaded when a model is made, and not before.
    """

    low: float
    high: float

    def __get_pydantic_core_schema__(self, _source: object, _: object) -> CoreSchema:
        from pydantic_core.core_schema import float_schema

        return float_schema(ge=self.low, le=self.high, allow_inf_nan=False)


ROUNDING = 1e-6
"""How far outside 0..1 a score may lie for having been rounded, as by float32."""

_NEAR_ZERO = 1e-12
_MOST_DIGITS = 12
_SCALE = 64  # as a power of two: there are not that many values


@dataclass(frozen=True)
class Bound:
    """What a figure must be: at least or at most a number.

    A figure that misses it by what arithmetic takes away is within it, as no float has
    all digits of 2 of 3.
    """

    side: Literal["at least", "at most"]
    limit: float

    def holds(self, value: float) -> bool:
        """Whether a figure is within the bound."""
        if math.isclose(value, self.limit, abs_tol=0 if self.limit else _NEAR_ZERO):
            return True
        return value >= self.limit if self.side == "at least" else value <= self.limit

    def digits(
        self,
        value: float,
        fewest: int,
        rounded: Callable[[float, int], float] = round,
    ) -> int:
        """Return how many digits show a figure on the side of the bound where it is.

        :param fewest: those that are shown in any case.
        :param rounded: returns a number as it is shown with so many digits.
        """
        holds = self.holds(value)
        for digits in range(fewest, _MOST_DIGITS):
            if self.holds(rounded(value, digits)) is holds:
                return digits
        return fewest if holds else _MOST_DIGITS


def reaches(value: float, least: float) -> bool:
    """Whether a figure is at least its limit, but for what arithmetic takes from it."""
    return value >= least or Bound("at least", least).holds(value)


def exact_mean(values: Sequence[float]) -> float:
    """Return the mean of one or more numbers, the same in whatever order they are."""
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # the sum is no float, the mean is one
        small = [math.ldexp(value, -_SCALE) for value in values]
        mean = math.fsum(small) / len(small)
        # rounding must not take it beyond the largest float
        return math.ldexp(max(min(small), min(mean, max(small))), _SCALE)


Share = Annotated[float, Within(0, 1)]
"""A score, a rate or a probability."""

Finite = Annotated[float, Within(-math.inf, math.inf)]
"""Any number but NaN and the infinite ones."""


@dataclass(frozen=True)
class Metric:
    """A number about a session as a whole, such as ``Metric("f1", 0.87)``.

    `low` and `high` are the ends of its interval, if it has one; `unit` is shown after
    the number, such as ``ms`` or ``%``.
    """

    name: str
    value: Finite
    low: Finite | None = None
    high: Finite | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows under named columns, such as a confusion matrix; a cell can be any value."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.rows) * len(self.columns)


MAX_SHOWN = 20
"""Most cases that a session's summary names or shows of a kind."""


class CaseNames:
    """How many cases, and the first names of them, by rank and then in order."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self._first: list[tuple[float, str]] = []
        self._most = most

    @property
    def first(self) -> list[str]:
        return [name for _, name in self._first]

    def add(self, name: str, rank: float = 0.0) -> None:
        self.count += 1
        insort(self._first, (rank, name))
        del self._first[self._most :]
