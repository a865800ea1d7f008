"""The summary as Markdown, for the page that GitHub Actions shows of a job."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..analysis.totals import MAX_SHOWN
from ..model.case import Case
from ..model.difference import compared, difference_place, sameness
from ..model.text import counted, printable, shortened
from .comparison import origin_text, verdict_lines
from .report import Report
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
_MARKUP = re.compile(r"[^\w\s.,/=-]|(?<=\w)@|www|http", re.ASCII)


def job_summary(report: Report) -> str:
    """Return the summary as Markdown, at most `MOST_BYTES` long, else cut and said."""
    parts, size = [], 0
    for part in _parts(report):
        size += len(part.encode())
        if size > MOST_BYTES:
            parts.append("\nThe rest is left out, it was too long.\n")
            break
        parts.append(part)
    return "".join(parts)


def _parts(report: Report) -> Iterator[str]:
    totals = report.totals
    yield f"## evalguard: {escaped(outcome_line(totals))}\n\n"
    yield from _table(("figure", "value"), figures(totals))
    gates = [
        ("met" if g.passed else "FAILED", gate_text(g)) for g in report.state.gates
    ]
    yield from _table(("gate", "figure and limit"), gates)
    if report.comparison is not None:
        yield f"### Since {escaped(origin_text(report.comparison))}\n\n"
        yield from _items(verdict_lines(report.comparison))
        for what, names in report.comparison.named.items():
            yield from _names(what, names)
    if totals.failed:
        yield "### Did not pass\n\n"
    yield from map(_case, totals.failed)
    if totals.hidden > 0:
        yield f"and {totals.hidden:,} more that did not pass\n\n"
    for what, found in worth_a_look(totals):
        yield from _names(f"{counted(found.count, 'case')} {what}", found.first)
    yield from _items((*state_lines(report.state), *report.notes, *where_lines(report)))


def escaped(text: str) -> str:
    """Return a text that no renderer of Markdown takes for anything else."""
    return _MARKUP.sub(_entities, printable(text))


def _entities(found: re.Match[str]) -> str:
    return "".join(f"&#{ord(char)};" for char in found[0])


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    lines = [f"| {escaped(label)} | {escaped(value)} |\n" for label, value in rows]
    if lines:
        yield f"| {head[0]} | {head[1]} |\n| --- | --- |\n"
        yield from lines
        yield "\n"


def _items(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield f"- {escaped(text.strip())}\n"
    yield "\n"


def _names(what: str, names: Iterable[str]) -> Iterator[str]:
    found = list(names)
    if found:
        yield f"<details><summary>{escaped(what)}: {len(found):,}</summary>\n\n"
        yield from _items(found[:MAX_SHOWN])
        if len(found) > MAX_SHOWN:
            yield f"and {len(found) - MAX_SHOWN:,} more\n\n"
        yield "</details>\n\n"


def _case(case: Case) -> str:
    title = f"{case.outcome} {shortened(case.nodeid, _VALUE)}"
    return "".join(
        [
            f"<details><summary>{escaped(title)}</summary>\n\n",
            *_table(("", ""), _values(case)),
            "</details>\n\n",
        ]
    )


def _values(case: Case) -> Iterator[tuple[str, str]]:
    yield "input", shortened(case.input, _VALUE)
    if case.expected is not None and case.actual is not None:
        yield from _difference(case, case.expected, case.actual)
    elif case.expected is not None:
        yield "expected", shortened(case.expected, _VALUE)
    elif case.actual is not None:
        yield "actual", shortened(case.actual, _VALUE)
    if case.is_scored:
        yield "score", shortened(case.score_text, _VALUE)
    if case.reason:
        yield "reason", shortened(case.reason, _LONGEST_REASON)


def _difference(case: Case, expected: str, actual: str) -> Iterator[tuple[str, str]]:
    wanted, came, index = compared(expected, actual, _VALUE)
    place = difference_place(case, seen=1)
    yield "expected", wanted
    yield "actual", sameness(expected) if index is None and place is None else came
    if place is not None:
        yield "differs", place
