"""Groups and metrics as tables and sentences: in the summary, Markdown and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ..analysis.groups import MOST_GROUPS, GroupComparison, GroupFigures, Grouping, Side
from ..analysis.statistics import FEWEST, Mean, PairedChange, wilson
from ..analysis.totals import Totals
from ..model.figures import MAX_SHOWN, Metric, Table
from ..model.text import (
    LABEL,
    VALUE,
    WIDTH,
    cells,
    counted,
    field,
    hanging,
    number_text,
    printable,
    shortened,
    wrapped,
)
from .comparison import figures_text, points_text

_LONGEST_SHOWN = 28
_SHORTEST_SHOWN = 10
_MOST_COMPARED = 5
_GAP = "  "


def group_lines(groupings: Iterable[Grouping], width: int = WIDTH) -> Iterator[str]:
    """Yield the groups of each key as a table, and what they are against the first."""
    for grouping in groupings:
        if grouping.nothing is not None:
            yield from hanging(printable(f"by {grouping.key}: {grouping.nothing}"))
            continue
        yield printable(f"by {grouping.key}:")
        groups = grouping.groups
        yield from _columns(grouping, groups[:MAX_SHOWN], width)
        if (rest := len(groups) - MAX_SHOWN) > 0:
            yield f"  and {counted(rest, 'more group')}, on the report page"
        for note in group_notes(grouping):
            yield f"  {note}"
        compared = grouping.compared
        for each in compared[:_MOST_COMPARED]:
            text = printable(comparison_text(each))
            for index, line in enumerate(wrapped(text, WIDTH - 2 * len(_GAP))):
                yield f"{_GAP * 2 if index else _GAP}{line}"
        if (rest := len(compared) - _MOST_COMPARED) > 0:
            yield f"  and {counted(rest, 'more comparison')}, on the report page"


def _columns(
    grouping: Grouping, groups: Sequence[GroupFigures], width: int
) -> Iterator[str]:
    """Yield the figures in columns, with as many scores as there is room for."""
    scores = _scores(grouping)
    for shown in range(len(scores), -1, -1):
        rows = [_head(grouping, scores[:shown])]
        rows += [_row(each, scores[:shown]) for each in groups]
        texts = [[shortened(printable(t), _LONGEST_SHOWN) for t in row] for row in rows]
        widths = [max(map(cells, column)) for column in zip(*texts, strict=True)]
        room = width - len(_GAP) * len(widths) - sum(widths[1:])
        if widths[0] <= room:
            break
    widths[0] = min(widths[0], max(room, _SHORTEST_SHOWN))
    for row in texts:
        row[0] = shortened(row[0], widths[0])
        yield "".join(
            f"{_GAP}{_padded(text, width, is_left=not index)}"
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
    if rest := len(scores) - shown:
        yield f"  {counted(rest, 'more score')}, on the report page"


def _padded(text: str, width: int, *, is_left: bool) -> str:
    room = " " * (width - cells(text))
    return f"{text}{room}" if is_left else f"{room}{text}"


def group_table(grouping: Grouping) -> Table:
    """Return all groups of a key, a row each."""
    scores = _scores(grouping)
    rows = [_row(each, scores) for each in grouping.groups]
    return Table(f"By {grouping.key}", _head(grouping, scores), rows)


def comparison_table(grouping: Grouping) -> Table | None:
    """Return each group of a parameter against the first one, None of other keys."""
    if not grouping.compared:
        return None
    columns = ["", "pairs", "pass rate", "mean score"]
    rows = [
        [
            each.value,
            f"{each.pairs:,}",
            _side_text(each.pass_rate, points_text),
            _side_text(each.score, figures_text),
        ]
        for each in grouping.compared
    ]
    apart = ["; ".join(_apart(each)) for each in grouping.compared]
    if any(apart):
        columns.append("not compared")
        rows = [[*row, text] for row, text in zip(rows, apart, strict=True)]
    first = grouping.compared[0].first
    return Table(f"{grouping.key}: against {first}", columns, rows)


def group_notes(grouping: Grouping) -> Iterator[str]:
    """Yield which cases are in no group that is shown."""
    if grouping.without:
        name = grouping.key.name or "tag"
        yield f"{counted(grouping.without, 'case')} without {printable(name)}"
    if grouping.left_out:
        cases = counted(grouping.left_out, "case")
        yield f"{cases} of more groups: the first {MOST_GROUPS:,} by name are kept"


def comparison_text(found: GroupComparison) -> str:
    """Return what a group is against the first one, and whether that is noise."""
    parts = [
        f"pass rate {_side_text(found.pass_rate, points_text)}",
        f"mean score {_side_text(found.score, figures_text)}",
        *_apart(found),
    ]
    names = [shortened(each, _LONGEST_NAME) for each in (found.value, found.first)]
    pairs = counted(found.pairs, "pair")
    return f"{' against '.join(names)}, {pairs}: {'; '.join(parts)}"


def _side_text(side: Side, text: Callable[[PairedChange], str]) -> str:
    counts = f"{side.better:,} better, {side.worse:,} worse, {side.same:,} same"
    if side.change is None:
        return f"{counts}, too few pairs to tell ({FEWEST} are needed)"
    return f"{text(side.change)} ({counts})"


def _apart(found: GroupComparison) -> Iterator[str]:
    if found.errors:
        yield f"{counted(found.errors, 'pair')} with an error, not compared"
    if found.alone:
        yield f"{counted(found.alone, 'case')} without a partner"


def _scores(grouping: Grouping) -> list[str]:
    return sorted({name for each in grouping.groups for name in each.scores})


def _head(grouping: Grouping, scores: Sequence[str]) -> list[str]:
    figures = ("cases", "pass rate", "95% interval", "score")
    return [grouping.key.name or "tag", *figures, *scores, "p95", "cost"]


def _row(group: GroupFigures, scores: Sequence[str]) -> list[str]:
    low, high = wilson(group.passed, group.rows)
    means = [group.score, *map(group.scores.get, scores)]
    latency = group.latencies.quantile(0.95)
    return [
        group.value,
        f"{group.rows:,}",
        f"{group.passed / group.rows:.1%}",
        f"{low * 100:.1f} to {high * 100:.1f}",
        *("-" if each is None else f"{each.value:.3f}" for each in means),
        "-" if latency is None else milliseconds_text(latency),
        f"${group.costs.total:,.4f}" if group.costs.count else "-",
    ]


def milliseconds_text(milliseconds: float) -> str:
    """Return a latency as it is shown."""
    digits = 0 if milliseconds >= 100 else 1
    return f"{milliseconds:,.{digits}f} ms"


def groups_data(groupings: Iterable[Grouping]) -> dict[str, Any]:
    """Return all groups by key, as ``show --json`` has them."""
    return {
        str(each.key): {
            "groups": [_data(group) for group in each.groups],
            "without": each.without,
            "left_out": each.left_out,
            "compared": [asdict(one) for one in each.compared],
        }
        for each in groupings
    }


def _data(group: GroupFigures) -> dict[str, Any]:
    low, high = wilson(group.passed, group.rows)
    return {
        "value": group.value,
        "cases": group.rows,
        "passed": group.passed,
        "errors": group.errors,
        "pass_rate": group.passed / group.rows,
        "interval": [low, high],
        "score": group.score.value,
        "scores": {name: each.value for name, each in sorted(group.scores.items())},
        "latency_p95_ms": group.latencies.quantile(0.95),
        "cost_usd": group.costs.total if group.costs.count else None,
    }


# Metrics and tables of a session

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
