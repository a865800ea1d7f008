"""Figures of a whole session: metrics and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .bounds import Finite


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
