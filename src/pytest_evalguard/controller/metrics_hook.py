"""Figures of the whole session from the hook `pytest_evalguard_metrics`, checked.

Each conftest is asked by itself, so that one that fails takes nothing from the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from traceback import walk_tb
from typing import Any

import pytest
from pluggy import HookImpl

from ..analysis.totals import Totals
from ..model.case import Case
from ..model.figures import Metric, Table
from ..model.scorers import checked_metric, checked_name
from ..model.text import counted, shortened
from ..model.values import as_data, as_text, describe
from ..recording.modify_case import RAISED
from ..recording.outcome import describe_error
from ..storage.session import Session

HOOK = "pytest_evalguard_metrics"
_MOST_TOLD = 10
MOST_METRICS = 500
MOST_TABLES = 50
MOST_ROWS = 1_000
MOST_COLUMNS = 200
MOST_CELLS = 20_000
"""Most cells of all tables of a session: they stand in one file with its state."""

_LONGEST = 200  # of a name or a cell, in characters


def has_hook(config: pytest.Config) -> bool:
    """Whether a conftest or a plugin has figures of its own."""
    return bool(config.hook.pytest_evalguard_metrics.get_hookimpls())


class SessionCases(Collection[Case]):
    """The cases of a session as the hook gets them: read from disk each time.

    :raises SessionError: they can't be read.
    """

    def __init__(self, session: Session, totals: Totals) -> None:
        self._stored = session.cases()
        absent = ("dropped", "not run")
        self._count = sum(n for o, n in totals.outcomes.items() if o not in absent)

    def __iter__(self) -> Iterator[Case]:
        return (case for case in self._stored if case.outcome != "dropped")

    def __len__(self) -> int:
        return self._count

    def __contains__(self, case: object) -> bool:
        return any(each == case for each in self)


class CollectedMetrics:
    """What the hooks of a session returned, and what is wrong with the rest of it.

    :param taken: the names of what the cases recorded themselves.
    :param clean: replaces secrets.
    """

    def __init__(
        self, taken: Iterable[str] = (), clean: Callable[[str], str] = str
    ) -> None:
        self.metrics: list[Metric] = []
        self.tables: list[Table] = []
        self._problems: list[str] = []
        self._clean = clean
        self._metrics_from = dict.fromkeys(taken, "eval_case.add_metric()")
        self._tables_from: dict[str, str] = {}

    @property
    def problems(self) -> list[str]:
        """Sentences on what was left out, a few of many."""
        rest = len(self._problems) - _MOST_TOLD
        more = [f"{HOOK}: {rest:,} more like these"] if rest > 0 else []
        return self._problems[:_MOST_TOLD] + more

    def ask(self, config: pytest.Config, cases: SessionCases) -> None:
        """Call the hook of each conftest and plugin that has it, outer ones first."""
        impls = config.hook.pytest_evalguard_metrics.get_hookimpls()
        plugins = {impl.plugin for impl in impls}
        for impl in impls:
            hook = config.pluginmanager.subset_hook_caller(
                HOOK, plugins - {impl.plugin}
            )
            file, place = _file_of(impl.function), _place(impl, config)
            try:
                for returned in hook(config=config, cases=cases):
                    for figure in figures_in(returned):
                        self._add(figure, place)
            except RAISED as error:
                line = _line_in(file, error)
                said = describe_error(error, self._clean)
                at = f", at {place}:{line}" if line else ""
                self._problems.append(
                    f"{HOOK} in {place} raised {said}{at}, which fails the session:"
                    " fix it and run the tests again; the cases are kept"
                )

    def _add(self, figure: object, place: str) -> None:
        """Keep a figure, or say why it is left out."""
        try:
            found = checked(figure, self._clean)
            if isinstance(found, Table):
                self._require_room_for(found)
                _claim(found.name, "table", place, self._tables_from)
                self.tables.append(found)
            else:
                if len(self.metrics) >= MOST_METRICS:
                    raise ValueError(
                        f"a session can have at most {MOST_METRICS} metrics: put more"
                        " into a Table"
                    )
                _claim(found.name, "metric", place, self._metrics_from)
                self.metrics.append(found)
        except (TypeError, ValueError) as error:
            self._problems.append(f"{HOOK} in {place}: {error}; it is left out")

    def _require_room_for(self, table: Table) -> None:
        cells = table.cells + sum(each.cells for each in self.tables)
        if len(self.tables) >= MOST_TABLES or cells > MOST_CELLS:
            raise ValueError(
                f"the tables of a session are at most {MOST_TABLES}, of {MOST_CELLS:,}"
                f" cells together; {table.name!r} is one too many"
            )


def _claim(name: str, what: str, place: str, taken: dict[str, str]) -> None:
    if name in taken:
        raise ValueError(
            f"there is a {what} {name!r} already, from {taken[name]}: give it another"
            " name"
        )
    taken[name] = place


def _file_of(function: object) -> str | None:
    code = getattr(function, "__code__", None)
    return getattr(code, "co_filename", None)


def _place(impl: HookImpl, config: pytest.Config) -> str:
    """Return where a hook is written, as a path below rootdir if it is there."""
    file = _file_of(impl.function)
    if file is None:
        return impl.plugin_name
    path = Path(file)
    is_below = path.is_relative_to(config.rootpath)
    return str(path.relative_to(config.rootpath) if is_below else path)


def _line_in(file: str | None, error: BaseException) -> int | None:
    """Return the line of a file that an error came through last."""
    steps = walk_tb(error.__traceback__)
    lines = [line for frame, line in steps if frame.f_code.co_filename == file]
    return lines[-1] if lines else None


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
