"""Figures of a whole session: metrics and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .bounds import Finite


@dataclass(frozen=True)
class Metric:
    """A number that says something of a session as a whole, as ``Metric("f1", 0.87)``.

    `low` and `high` are the ends of its interval, which may be missing; `unit` stands
    behind the number where it is shown, as ``ms`` or ``%``.
    """

    name: str
    value: Finite
    low: Finite | None = None
    high: Finite | None = None
    unit: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows under named columns, as a confusion matrix; a cell may be any value."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.rows) * len(self.columns)
