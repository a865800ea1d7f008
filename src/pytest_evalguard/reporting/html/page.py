"""The report page: one HTML file that holds a session and needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Template
from tempfile import TemporaryFile

from ...analysis.totals import Totals
from ...errors import EvalguardError, SessionError
from ...model.case import Case
from ...model.metrics import Table
from ...model.outcome import OUTCOMES, Outcome, rate_without_errors
from ...model.text import counted
from ...storage.continuation import continued
from ...storage.files import replace_shared_file
from ...storage.session import Gate, Session, SessionState, sessions_in
from ..groups import comparison_table, group_notes, group_table
from ..metrics import metric_figures
from ..report import Report
from ..terminal import (
    comparison_lines,
    figures,
    outcome_line,
    state_lines,
    where_lines,
)
from .parts import (
    TrendPoint,
    definitions,
    escaped,
    figure_tables,
    gate_list,
    gone_list,
    histograms,
    linked,
    outcome_bar,
    outcome_items,
    trend,
    with_lead,
)


def write_report(report: Report, path: Path, data: CaseData | None = None) -> None:
    """Write a session's report page.

    :param data: its cases, where they have been read already.
    :raises SessionError: it can't be written, or the session can't be read.
    """
    comparison = report.comparison
    page = Page(
        title=report.path.name,
        facts=list(_facts(report.state)),
        figures=[
            ("cases", outcome_line(report.totals)),
            *figures(report.totals),
            *metric_figures(report.state.metrics, report.totals),
        ],
        notes=list(_notes(report)),
        gates=report.state.gates,
        trend=list(_trend(report)),
        changes={} if comparison is None else comparison.changes,
        gone=() if comparison is None else comparison.gone,
        groups=_sides(report.totals),
        scores={
            name: mean.histogram(_BARS)
            for name, mean in sorted(report.totals.scorers.items())
        },
        tables=report.state.tables,
        group_tables=[*_group_tables(report.totals)],
        trace_link=report.state.trace_link,
    )
    write_page(path, page, data or CaseData.of(Session(report.path).cases()))


def _facts(state: SessionState) -> Iterator[tuple[str, str]]:
    yield "recorded", state.created
    for name, value in (*state.ci.items(), *state.versions.items()):
        yield name.replace("_", " "), value


def _notes(report: Report) -> Iterator[str]:
    yield from state_lines(report.state, report.path, report.arguments)
    yield from report.notes
    if report.comparison is not None:
        yield from (
            " ".join(each.split()) for each in comparison_lines(report.comparison)
        )
    for grouping in report.totals.groupings if report.totals.rows else ():
        if grouping.nothing is not None:
            yield f"by {grouping.key}: {grouping.nothing}"
        for note in group_notes(grouping):
            yield f"by {grouping.key}: {note}"
    yield from where_lines(report)


def _group_tables(totals: Totals) -> Iterator[Table]:
    for grouping in totals.groupings if totals.rows else ():
        if grouping.nothing is None:
            found = group_table(grouping), comparison_table(grouping)
            yield from filter(None, found)


def _sides(totals: Totals) -> dict[str, list[str]]:
    return {
        each.key.name: [group.value for group in each.groups]
        for each in totals.groupings
        if each.key.kind == "param" and each.nothing is None
    }


def _trend(report: Report) -> Iterator[TrendPoint]:
    """Yield the figures of the kept sessions up to this one, the oldest first."""
    sessions = sessions_in(report.path.parent)
    resumed = continued(sessions)
    for session in sessions:
        if session.path.name < report.path.name:
            try:
                if session.state.id not in resumed:
                    yield _point(session.path.name, session.state)
            except EvalguardError:
                continue  # another version's, or damaged
    yield _point(report.path.name, report.state)


def _point(name: str, state: SessionState) -> TrendPoint:
    return TrendPoint(
        name,
        state.created,
        state.rows,
        state.pass_rate,
        state.score,
        rate_without_errors(state.counts) if state.counts.get("error") else None,
    )


@dataclass(frozen=True)
class Page:
    """What the page shows besides the cases.

    Facts and figures are labels with values; `trend` ends with this session; `changes`
    tells by node id what became of a case since the baseline, and `gone` names those
    of the baseline that are not in this session. `groups` has the values of the
    parameters by which cases stand side by side, `scores` how often each score is
    within each part of 0..1, `trace_link` is the template of a link to a trace.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    figures: Sequence[tuple[str, str]]
    notes: Sequence[str]
    gates: Sequence[Gate]
    trend: Sequence[TrendPoint]
    changes: Mapping[str, str]
    gone: Sequence[str]
    tables: Sequence[Table] = ()
    group_tables: Sequence[Table] = ()
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    scores: Mapping[str, Sequence[int]] = field(default_factory=dict)
    trace_link: str | None = None


def write_page(path: Path, page: Page, data: CaseData) -> None:
    """Write the page, one case in memory at a time; a reader sees the old or the new.

    :raises SessionError: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_shared_file(path, _parts(page, data))
    except OSError as error:
        raise SessionError(
            f"the report page {path} was not written: {error}; name another file by"
            " pytest-evalguard html -o FILE"
        ) from error


_BARS = 10
_BLOCK = 500
"""Cases in a block of data: a browser bounds how long one text can be."""

_FACTS = '<script type="application/json" id="facts">\n'
_OPENING = '<script type="application/json" class="cases">\n'
_CLOSING = "</script>\n"


def _parts(page: Page, data: CaseData) -> Iterator[str]:
    head, tail = _asset("page.html").split("<!-- cases -->\n")
    style, script = _asset("page.css"), _script()
    yield Template(head).substitute(
        policy=_policy(style, script),
        style=style,
        title=escaped(page.title),
        facts=definitions(page.facts, linked),
        notes="".join(f"<p>{escaped(each)}</p>" for each in page.notes),
        gone=gone_list(page.gone),
        figures=definitions(page.figures, with_lead),
        gates=gate_list(page.gates),
        trend=trend(page.trend),
        tables=figure_tables(page.tables),
        groups=figure_tables(page.group_tables, "groups"),
        scores=histograms(page.scores),
    )
    yield from _facts_data(page)
    yield from data.blocks()
    outcomes = {name: data.counts[name] for name in OUTCOMES if data.counts[name]}
    yield Template(tail).substitute(
        bar=outcome_bar(outcomes),
        outcomes=outcome_items(outcomes),
        total=counted(data.counts.total(), "case"),
        script=script,
    )


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _script() -> str:
    parts = ("elements", "difference", "detail", "beside", "page")
    lines = "".join(_asset(f"{part}.js") for part in parts)
    return f'(() => {{\n"use strict";\n{lines}}})();\n'


def _policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy: this style, this script and nothing else."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)};"
        " connect-src 'none'; base-uri 'none'; form-action 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


# The data


def _facts_data(page: Page) -> Iterator[str]:
    """Yield what the script must know besides the cases."""
    link = page.trace_link or ""
    facts = {
        "outcomes": {name: info.mark for name, info in OUTCOMES.items()},
        "changes": dict(page.changes),
        "groups": dict(page.groups),
        "traceLink": link if link.startswith("https://") else "",
    }
    yield _FACTS
    yield _harmless(json.dumps(facts))
    yield _CLOSING


class CaseData:
    """Cases as data of the page, in a temporary file: read once, written often.

    `counts` are those of the outcomes.
    """

    def __init__(self) -> None:
        self.counts: Counter[Outcome] = Counter()
        self._file = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 # see __del__

    def __del__(self) -> None:
        # a file that closes by itself warns of it
        if file := getattr(self, "_file", None):
            file.close()

    @classmethod
    def of(cls, cases: Iterable[Case]) -> CaseData:
        """Return the data of `cases`.

        :raises OSError: there is no room for it.
        """
        data = cls()
        for _ in data.keep(cases):
            pass
        return data

    def keep(self, cases: Iterable[Case]) -> Iterator[Case]:
        """Yield cases on, and keep the data of each."""
        for case in cases:
            self.counts[case.outcome] += 1
            self._file.write(_line(case))
            yield case

    def blocks(self) -> Iterator[str]:
        """Yield the data in blocks, each an element of the page."""
        self._file.seek(0)
        yield _OPENING
        for index, line in enumerate(self._file):
            if index and index % _BLOCK == 0:
                yield _CLOSING + _OPENING
            yield line
        yield _CLOSING


def _line(case: Case) -> str:
    line = case.to_line()
    if _INEXACT.search(line):
        line = json.dumps(json.loads(line, parse_constant=str, parse_int=_exact))
    return _harmless(line)


def _harmless(line: str) -> str:
    """Return a line of JSON that ends no script: no "</script>", no "<!--"."""
    return line.replace("<", "\\u003c") + "\n"


_INEXACT = re.compile("NaN|Infinity|[0-9]{16}")
"""What may be a number that JavaScript can't read, or not exactly."""


def _exact(digits: str) -> int | str:
    return int(digits) if len(digits) < 16 else digits
