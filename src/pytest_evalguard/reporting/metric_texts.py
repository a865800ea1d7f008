"""Metrics and tables of a session as texts: for the summary, Markdown and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..analysis.statistics import Mean
from ..analysis.totals import Totals
from ..model.metrics import Metric, Table
from ..model.text import (
    LABEL,
    VALUE,
    WIDTH,
    cells,
    counted,
    field,
    number_text,
    printable,
    shortened,
)

_MOST_ROWS = 12
_LONGEST_NAME = 40
_LONGEST_CELL = 30


def metric_figures(
    metrics: Sequence[Metric], totals: Totals, most: int | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the metrics of a session and those of its cases, the first with a label.

    :param most: how many are shown at most; the rest is counted.
    """
    texts = [f"{_named(each.name)} {_value_text(each)}" for each in metrics]
    recorded = sorted(totals.metrics.items())
    texts += [f"{_named(name)} {_mean_text(each)}" for name, each in recorded]
    shown = texts[:most]
    if rest := len(texts) - len(shown):
        shown.append(f"and {rest:,} more")
    for index, text in enumerate(shown):
        yield "" if index else "metrics", text


def _named(name: str) -> str:
    return shortened(printable(name), _LONGEST_NAME)


def _value_text(metric: Metric) -> str:
    unit = printable(metric.unit or "")
    behind = unit if unit in ("", "%") else f" {unit}"
    text = f"{number_text(metric.value)}{behind}"
    if metric.low is None or metric.high is None:
        return text
    low, high = number_text(metric.low), number_text(metric.high)
    return f"{text}, interval {low} to {high}{behind}"


def _mean_text(mean: Mean) -> str:
    found = {"mean": mean.value, "p50": mean.quantile(0.5), "p95": mean.quantile(0.95)}
    parts = [f"{name} {number_text(v)}" for name, v in found.items() if v is not None]
    return f"{', '.join(parts)} ({counted(mean.count, 'case')})"


def metrics_data(metrics: Sequence[Metric], totals: Totals) -> dict[str, Any]:
    """Return all metrics by name, as ``show --json`` has them."""
    recorded = {
        name: {
            "mean": each.value,
            "p50": each.quantile(0.5),
            "p95": each.quantile(0.95),
            "cases": each.count,
        }
        for name, each in sorted(totals.metrics.items())
    }
    own = {
        each.name: {
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "unit": each.unit,
        }
        for each in metrics
    }
    return {**own, **recorded}


def table_lines(table: Table, most_rows: int = _MOST_ROWS) -> Iterator[str]:
    """Yield a table in columns, or its size where there is no room for it."""
    yield field("table", shortened(printable(table.name), VALUE))
    rows = [table.columns, *([cell_text(each) for each in row] for row in table.rows)]
    texts = [[shortened(printable(each), _LONGEST_CELL) for each in r] for r in rows]
    widths = [max(map(cells, column)) for column in zip(*texts, strict=False)]
    if len(table.rows) > most_rows or sum(widths) + 2 * len(widths) > VALUE:
        yield " " * LABEL + f"{table_size(table)}: they are on the report page"
        return
    is_right = list(map(_is_number, zip(*table.rows, strict=False)))
    for row in texts:
        parts = map(_aligned, row, widths, is_right or [False] * len(row))
        yield (" " * LABEL + "  ".join(parts)).rstrip()[:WIDTH]


def table_size(table: Table) -> str:
    """Return how many rows and columns a table has."""
    rows, columns = counted(len(table.rows), "row"), len(table.columns)
    return f"{rows}, {counted(columns, 'column')}"


def cell_text(cell: object) -> str:
    """Return what a cell of a table shows."""
    if cell is None:
        return ""
    if isinstance(cell, (int, float)):
        return number_text(cell)
    return str(cell)


def _is_number(column: Sequence[object]) -> bool:
    return all(isinstance(each, (int, float)) or each is None for each in column)


def _aligned(text: str, width: int, is_right: bool) -> str:
    room = " " * (width - cells(text))
    return f"{room}{text}" if is_right else f"{text}{room}"
