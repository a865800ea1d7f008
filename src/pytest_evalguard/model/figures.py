"""Figures that may come from disk: what they must be to be taken for such."""

from __future__ import annotations

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


Share = Annotated[float, Within(0, 1)]
"""A score, a rate or a probability."""

Change = Annotated[float, Within(-2, 2)]
"""A difference of two shares, or the end of its interval, which may lie outside."""
