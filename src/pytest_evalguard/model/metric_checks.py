"""What a hook may return as figures of a whole session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .metrics import Metric, Table
from .scorers import checked_metric, checked_name
from .text import counted, shortened
from .values import as_data, as_text, describe

MOST_METRICS = 500
MOST_TABLES = 50
MOST_ROWS = 1_000
MOST_COLUMNS = 200
MOST_CELLS = 20_000
"""Most cells of all tables of a session: they stand in one file with its state."""

_LONGEST = 200


def figures_in(returned: object) -> Iterator[object]:
    """Yield what a hook returned, one by one: a pair for an entry of a mapping."""
    if returned is None:
        return
    if isinstance(returned, Mapping):
        yield from returned.items()
    elif isinstance(returned, (list, tuple, Iterator)):
        for each in returned:
            yield from each.items() if isinstance(each, Mapping) else (each,)
    else:
        yield returned


def checked(figure: object, clean: Callable[[str], str] = str) -> Metric | Table:
    """Return a figure as it is kept: numbers as floats, cells as text or numbers.

    :param figure: a metric, a table, or the name and the value of a metric.
    :param clean: replaces secrets in names and cells.
    :raises TypeError: it is no figure, a name is no string, or a number is none.
    :raises ValueError: a name is blank, a number is not finite, a table is too large.
    """
    if isinstance(figure, Metric):
        return _checked_metric(figure, clean)
    if isinstance(figure, Table):
        return _checked_table(figure, clean)
    if isinstance(figure, tuple) and len(figure) == 2:
        return _checked_metric(Metric(*figure), clean)
    raise TypeError(
        "it must return Metric and Table objects in a list, or a mapping from names to"
        f" numbers, got {describe(figure)}"
    )


def _checked_metric(metric: Metric, clean: Callable[[str], str]) -> Metric:
    name = _name(metric.name, "a metric", clean)
    value = checked_metric(metric.value, f"the metric {name!r}")
    low, high = (
        None if each is None else checked_metric(each, f"{end}= of the metric {name!r}")
        for end, each in (("low", metric.low), ("high", metric.high))
    )
    unit = None if metric.unit is None else _short(metric.unit, clean)
    if low is None or high is None:
        if low is not high:
            raise ValueError(
                f"the metric {name!r} has an interval with one end: give both low= and"
                " high="
            )
    elif low > high:
        raise ValueError(
            f"low= of the metric {name!r} must be at most its high=, got {low:g} and"
            f" {high:g}"
        )
    return Metric(name, value, low, high, unit)


def _checked_table(table: Table, clean: Callable[[str], str]) -> Table:
    name = _name(table.name, "a table", clean)
    columns = [_short(each, clean) for each in _elements(table.columns, name)]
    rows = [_elements(row, name) for row in _elements(table.rows, name)]
    if not columns:
        raise ValueError(f"the table {name!r} has no columns: name each of them")
    if len(rows) > MOST_ROWS or len(columns) > MOST_COLUMNS:
        raise ValueError(
            f"the table {name!r} has {counted(len(rows), 'row')} and"
            f" {counted(len(columns), 'column')}, a table may have {MOST_ROWS:,} and"
            f" {MOST_COLUMNS}: record what each case has in the case itself, as"
            " metadata or a metric"
        )
    for number, row in enumerate(rows, 1):
        if len(row) != len(columns):
            raise ValueError(
                f"row {number:,} of the table {name!r} has {counted(len(row), 'cell')}"
                f" for {counted(len(columns), 'column')}"
            )
    cells = tuple(tuple(_cell(each, clean) for each in row) for row in rows)
    return Table(name, tuple(columns), cells)


def _elements(values: object, name: str) -> list[Any]:
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes, Mapping)):
        raise TypeError(
            f"the table {name!r} needs columns in a list and rows in a list of lists,"
            f" got {describe(values)}"
        )
    return list(values)


def _cell(value: object, clean: Callable[[str], str]) -> str | int | float | None:
    data = as_data(value, clean)
    if data is None or (isinstance(data, (int, float)) and not isinstance(data, bool)):
        return data
    return _short(data, clean)


def _name(value: object, whose: str, clean: Callable[[str], str]) -> str:
    return _short(checked_name(value, whose), clean)


def _short(value: object, clean: Callable[[str], str]) -> str:
    return shortened(clean(as_text(value, clean)), _LONGEST)
