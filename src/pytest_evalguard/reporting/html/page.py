"""The report page: one HTML file that holds a session and needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from string import Template

from ...analysis.comparison import Comparison
from ...analysis.groups import Grouping
from ...analysis.totals import Totals
from ...errors import EvalguardError, SessionError
from ...model.figures import Table
from ...model.outcome import OUTCOMES, rate_without_errors
from ...model.text import counted
from ...storage.files import replace_shared_file
from ...storage.resumed import continued
from ...storage.session import Gate, Session, SessionState, sessions_in
from ..comparison import origin_text, verdict_lines
from ..report import Report, followable
from ..tables import comparison_table, group_notes, group_table, metric_figures
from ..terminal import (
    figures,
    outcome_line,
    state_lines,
    where_lines,
)
from .charts import TrendPoint, histograms, outcome_bar, trend
from .parts import (
    CLOSING,
    CaseData,
    definitions,
    escaped,
    figure_tables,
    gate_list,
    harmless,
    linked,
    outcome_items,
    since_baseline,
    with_lead,
)


def write_report(report: Report, path: Path, data: CaseData | None = None) -> None:
    """Write a session's report page.

    :param data: its cases, where they have been read already.
    :raises SessionError: it can't be written, or the session can't be read.
    """
    comparison, totals = report.comparison, report.totals
    page = Page(
        title=report.path.name,
        verdict=", ".join(_verdict(report)),
        facts=list(_facts(report.state)),
        figures=[
            ("cases", _cases_figure(totals)),
            *figures(totals),
            *metric_figures(report.state.metrics, totals),
        ],
        notes=list(_notes(report)),
        gates=report.state.gates,
        trend=list(_trend(report)),
        since=None if comparison is None else Since.of(comparison),
        sides=_sides(totals),
        keys=[str(each.key) for each in _shown(totals) if each.key.name],
        shards={each.id: each.name for each in report.state.shards},
        scores={
            name: mean.histogram(_BARS) for name, mean in sorted(totals.scorers.items())
        },
        tables=report.state.tables,
        group_tables=[*_group_tables(totals)],
        trace_link=report.state.trace_link,
    )
    write_page(path, page, data or CaseData.of(Session(report.path).cases()))


def _verdict(report: Report) -> Iterator[str]:
    """Yield whether the session passed, in a few words."""
    state, totals = report.state, report.totals
    if state.status != "finished":
        how = "interrupted" if state.status == "interrupted" else "not finished"
        yield f"the session was {how}"
    if failed := sum(not each.passed for each in state.gates):
        yield f"{failed:,} of {counted(len(state.gates), 'gate')} FAILED"
    elif state.gates:
        yield f"{counted(len(state.gates), 'gate')} met"
    if totals.rows:
        some = totals.rows - totals.passed
        rows = counted(totals.rows, "case")
        yield f"{some:,} of {rows} did not pass" if some else f"{rows} passed"


def _cases_figure(totals: Totals) -> str:
    """Return how many cases there are; the label says that they are cases."""
    total, colon, outcomes = outcome_line(totals).partition(":")
    return f"{total.partition(' ')[0]} in all{colon}{outcomes}"


_COMMIT = 10


def _facts(state: SessionState) -> Iterator[tuple[str, str]]:
    facts = {"recorded": _minute(state.created), **state.ci, **state.versions}
    if state.commit is not None:
        facts["commit"] = state.commit[:_COMMIT]
    for name, value in facts.items():
        yield name.replace("_", " "), value


def _minute(created: str) -> str:
    """Return a time of ISO 8601 as people write it; what is none stays."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or 'UTC'}"


def _notes(report: Report) -> Iterator[str]:
    yield from state_lines(report.state, report.path, report.arguments)
    yield from report.notes
    for grouping in report.totals.groupings if report.totals.rows else ():
        if grouping.nothing is not None:
            yield f"by {grouping.key}: {grouping.nothing}"
        for note in group_notes(grouping):
            yield f"by {grouping.key}: {note}"
    yield from where_lines(report)


def _shown(totals: Totals) -> list[Grouping]:
    groupings = totals.groupings if totals.rows else ()
    return [each for each in groupings if each.nothing is None]


def _group_tables(totals: Totals) -> Iterator[Table]:
    for grouping in _shown(totals):
        found = group_table(grouping), comparison_table(grouping)
        yield from filter(None, found)


def _sides(totals: Totals) -> dict[str, list[str]]:
    return {
        each.key.name: [group.value for group in each.groups]
        for each in _shown(totals)
        if each.key.kind == "param"
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
class Since:
    """What changed since a baseline, in words and by node id.

    `absent` has the node ids of those that are not listed, by what became of them.
    """

    origin: str
    sentences: Sequence[str] = ()
    changes: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def html(self) -> str:
        """The part of the page that shows it."""
        return since_baseline(self.origin, self.sentences, self.absent)

    @classmethod
    def of(cls, comparison: Comparison) -> Since:
        """Return what the page shows of a comparison."""
        return cls(
            origin_text(comparison),
            [*verdict_lines(comparison)],
            comparison.changes,
            {
                "only in the baseline": comparison.gone,
                "skipped or not run now": comparison.not_compared,
            },
        )


@dataclass(frozen=True)
class Page:
    """What the page shows besides the cases.

    Facts and figures are labels with values; `trend` ends with this session. `sides`
    has the values of the parameters by which cases stand side by side, `keys` what
    they are grouped by, as in ``param:model``, `shards` the names of those by their
    ids, `scores` how often each score is within each part of 0..1, and `trace_link` is
    the template of a link to a trace.
    """

    title: str
    verdict: str = ""
    facts: Sequence[tuple[str, str]] = ()
    figures: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    gates: Sequence[Gate] = ()
    trend: Sequence[TrendPoint] = ()
    since: Since | None = None
    tables: Sequence[Table] = ()
    group_tables: Sequence[Table] = ()
    sides: Mapping[str, Sequence[str]] = field(default_factory=dict)
    keys: Sequence[str] = ()
    shards: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, Sequence[int]] = field(default_factory=dict)
    trace_link: str | None = None


def write_page(path: Path, page: Page, data: CaseData) -> None:
    """Write the page, one case in memory at a time; a reader sees the old or the new.

    :raises SessionError: it can't be written.
    """
    try:
        replace_shared_file(path, _parts(page, data))
    except OSError as error:
        raise SessionError(
            f"the report page {path} was not written: {error}; name another file by"
            " pytest-evalguard html -o FILE"
        ) from error


_BARS = 10
_FACTS = '<script type="application/json" id="facts">\n'


def _parts(page: Page, data: CaseData) -> Iterator[str]:
    head, tail = _asset("page.html").split("<!-- cases -->\n")
    style, script = _asset("page.css"), _script()
    yield Template(head).substitute(
        policy=_policy(style, script),
        style=style,
        title=escaped(page.title),
        verdict=escaped(page.verdict),
        facts=definitions(page.facts, linked),
        notes="".join(f"<p>{escaped(each)}</p>" for each in page.notes),
        since="" if page.since is None else page.since.html,
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
    parts = ("elements", "cases", "detail", "page")
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
    outcomes = {
        name: {"mark": info.mark, "severity": info.severity, "passes": info.passes}
        for name, info in OUTCOMES.items()
    }
    facts = {
        "outcomes": outcomes,
        "changes": {} if page.since is None else dict(page.since.changes),
        "groups": dict(page.sides),
        "keys": list(page.keys),
        "shards": dict(page.shards),
        "traceLink": followable(page.trace_link) or "",
    }
    yield _FACTS
    yield harmless(json.dumps(facts))
    yield CLOSING
