"""Figures: when one reaches its limit, and what one from disk must be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

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

_NEAR = 1e-9
"""What a figure may miss its limit by, as no number has all digits of 2 of 3."""


def reaches(value: float, least: float) -> bool:
    """Whether a figure is at least its limit, but for what arithmetic takes from it."""
    return value >= least - _NEAR


def exact_mean(values: Sequence[float]) -> float:
    """Return the mean of one or more numbers, the same in whatever order they are."""
    try:
        return math.fsum(values) / len(values)
    except OverflowError:  # the sum is no float, the mean is one
        return math.fsum(value / len(values) for value in values)


def stays_within(value: float, most: float) -> bool:
    """Whether a figure is at most its limit, but for what arithmetic adds to it."""
    return value <= most or math.isclose(value, most, rel_tol=_NEAR)


Share = Annotated[float, Within(0, 1)]
"""A score, a rate or a probability."""

Finite = Annotated[float, Within(-math.inf, math.inf)]
"""Any number but NaN and the infinite ones."""
