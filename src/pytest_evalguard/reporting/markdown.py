"""The summary as Markdown, for the page of a job and for comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from urllib.parse import quote

from ..analysis.groups import Grouping
from ..model.case import Case
from ..model.difference import compared, difference_place, differing_keys, sameness
from ..model.figures import MAX_SHOWN, Table
from ..model.text import counted, printable, shortened
from ..storage.session import SessionState
from .cases import key_fields, score_text, short_reason
from .comparison import origin_text, verdict_lines
from .report import Report, trace_url
from .tables import (
    cell_text,
    comparison_table,
    group_notes,
    group_table,
    metric_figures,
    table_size,
)
from .terminal import (
    figures,
    gate_text,
    outcome_line,
    state_lines,
    where_lines,
    worth_a_look,
)

MOST_BYTES = 900_000
"""How long it may be; GitHub takes 1 MiB a step.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

_VALUE = 300
_LONGEST_REASON = 1_000
_MOST_ROWS = 50
_MOST_KEYS = 20
_MOST_COLUMNS = 30
_MARKUP = re.compile(r"[^\w\s.,/=-]|(?<=\w)@|www|http", re.ASCII)


MOST_CHARACTERS = 65_000
"""How long a comment may be; GitHub takes fewer than 65,536 characters."""

MARKER = "<!-- pytest-evalguard -->"
"""The first line of a comment, by which the next one finds it to replace it."""

_CUT = "\nThe rest was too long and is left out.\n\n"


def job_summary(report: Report) -> str:
    """Return the summary as Markdown, at most `MOST_BYTES` long, else cut and said."""
    return _fitted(_parts(report), report, MOST_BYTES)


def comment(report: Report) -> str:
    """Return the summary as Markdown, short enough for a comment on a pull request.

    Its first line is `MARKER`, which is not shown.
    """
    return _fitted(chain([f"{MARKER}\n"], _parts(report)), report, MOST_CHARACTERS)


def _fitted(parts: Iterable[str], report: Report, most: int) -> str:
    """Return parts that are cut, and after them what must be known in any case."""
    state = state_lines(report.state, report.path, report.arguments)
    problems = (*state, *report.notes, *where_lines(report))
    tail = _cut(_items(problems), most // 4)
    return _cut(parts, most - len(tail)) + tail


def _cut(parts: Iterable[str], most: int) -> str:
    """Return the first parts, as many as are not too long together; all are ASCII."""
    kept: list[str] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > most:
            is_open = sum(e.count("<details>") - e.count("</details>") for e in kept)
            kept += ["\n</details>\n"] * is_open + [_CUT]
            break
        kept.append(part)
    return "".join(kept)


def _parts(report: Report) -> Iterator[str]:
    totals = report.totals
    yield f"## evalguard: {escaped(outcome_line(totals))}\n\n"
    yield from _verdict(report.state)
    gates = [
        ("met" if g.passed else "FAILED", gate_text(g)) for g in report.state.gates
    ]
    yield from _table(("gate", "figure and limit"), gates)
    if report.comparison is not None:
        yield f"### Since {escaped(origin_text(report.comparison))}\n\n"
        yield from _items(verdict_lines(report.comparison))
        for what, names in report.comparison.named.items():
            yield from _names(what, names)
    metrics = metric_figures(report.state.metrics, totals)
    yield from _table(("figure", "value"), (*figures(totals), *metrics))
    for table in report.state.tables:
        yield from _figure_table(table)
    groupings = totals.groupings if totals.rows else []
    many = [each for each in groupings if len(each.groups) > MAX_SHOWN]
    for grouping in groupings:
        if grouping not in many:
            yield from _grouping(grouping)
    if totals.failed:
        yield "### Did not pass\n\n"
    for case in totals.failed:
        yield _case(case, report.state.trace_link)
    if totals.hidden > 0:
        yield f"and {totals.hidden:,} more that did not pass\n\n"
    for what, found in worth_a_look(totals):
        yield from _names(f"cases {what}", found.first, found.count)
    for grouping in many:  # there may be no room for all of them
        yield from _grouping(grouping)


def _verdict(state: SessionState) -> Iterator[str]:
    """Yield what the gates say; of what did not end as it should, first of all that."""
    if state.status != "finished" and state.selected:
        how = "interrupted" if state.status == "interrupted" else "not finished"
        yield f"**the session was {how}**\n\n"
    elif state.missing:
        yield f"**{counted(state.missing, 'case')} missing**\n\n"
    failed = sum(not each.passed for each in state.gates)
    if failed:
        yield f"**{failed:,} of {counted(len(state.gates), 'gate')} FAILED**\n\n"
    elif state.gates:
        yield f"**{counted(len(state.gates), 'gate')} met**\n\n"


def escaped(text: str) -> str:
    """Return a text that no renderer of Markdown takes for anything else."""
    return _MARKUP.sub(_entities, printable(text))


def _entities(found: re.Match[str]) -> str:
    return "".join(f"&#{ord(char)};" for char in found[0])


def _figure_table(table: Table) -> Iterator[str]:
    yield f"### {escaped(table.name)}\n\n"
    if len(table.rows) > _MOST_ROWS or len(table.columns) > _MOST_COLUMNS:
        yield f"{table_size(table)}: they are on the report page\n\n"
    else:
        head = [escaped(each) for each in table.columns]
        yield from _table(head, (map(cell_text, row) for row in table.rows))


def _grouping(grouping: Grouping) -> Iterator[str]:
    if grouping.nothing is not None:
        yield from _items([f"by {grouping.key}: {grouping.nothing}"])
        return
    for table in filter(None, (group_table(grouping), comparison_table(grouping))):
        yield f"### {escaped(table.name)}\n\n"
        yield from _table([*map(escaped, table.columns)], table.rows)
    yield from _items(group_notes(grouping))


def _table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    lines = [f"| {' | '.join(map(escaped, row))} |\n" for row in rows]
    if lines:
        yield f"| {' | '.join(head)} |\n|{' --- |' * len(head)}\n"
        yield from lines
        yield "\n"


def _items(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield f"- {escaped(text.strip())}\n"
    yield "\n"


def _names(what: str, names: Sequence[str], count: int | None = None) -> Iterator[str]:
    """Yield the first names below a title, and how many there are.

    :param count: as many as there are names, if not given.
    """
    count = len(names) if count is None else count
    if names:
        yield f"<details><summary>{escaped(what)}: {count:,}</summary>\n\n"
        yield from _items(names[:MAX_SHOWN])
        if (rest := count - len(names[:MAX_SHOWN])) > 0:
            yield f"and {rest:,} more\n\n"
        yield "</details>\n\n"


def _case(case: Case, link: str | None) -> str:
    score, reason = score_text(case), shortened(short_reason(case), _VALUE)
    title = f"{case.outcome} {shortened(case.nodeid, _VALUE)}"
    title = ": ".join(filter(None, (f"{title} {score}".strip(), reason)))
    return "".join(
        [
            f"<details><summary>{escaped(title)}</summary>\n\n",
            *_table(("", ""), _values(case)),
            *_trace(case, link),
            "</details>\n\n",
        ]
    )


def _trace(case: Case, link: str | None) -> Iterator[str]:
    if case.trace_id is not None:
        url, shown = trace_url(link, case.trace_id), escaped(case.trace_id)
        yield f"trace: {shown if url is None else f'[{shown}]({_target(url)})'}\n\n"


def _target(url: str) -> str:
    """Return a URL without what would end a link."""
    return quote(url, safe="%/:?#@!$&'*+,;=~-._")


def _values(case: Case) -> Iterator[tuple[str, str]]:
    if case.input != case.nodeid:
        yield "input", shortened(case.input, _VALUE)
    if case.expected is not None and case.actual is not None:
        yield from _difference(case, case.expected, case.actual)
    elif case.expected is not None:
        yield "expected", shortened(case.expected, _VALUE)
    elif case.actual is not None:
        yield "actual", shortened(case.actual, _VALUE)
    if case.is_scored:
        yield "score", shortened(case.score_text, _VALUE)
    if case.carried:
        yield "carried over", f"from {case.carried}"
    label = "reason"
    for line in (case.reason or "").splitlines():
        yield label, shortened(line, _LONGEST_REASON)
        label = ""


def _difference(case: Case, expected: str, actual: str) -> Iterator[tuple[str, str]]:
    if keys := differing_keys(expected, actual):
        yield from key_fields(keys, _VALUE, _MOST_KEYS)
        return
    wanted, came, index = compared(expected, actual, _VALUE)
    place = difference_place(case, seen=1)
    yield "expected", wanted
    yield "actual", sameness(expected) if index is None and place is None else came
    if place is not None:
        yield "differs", place
