"""The report page of a session, with the kept sessions before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...errors import EvalguardError
from ...storage.session import Session, SessionState, sessions_in
from ..report import Report
from ..terminal import comparison_lines, figures, outcome_line, state_lines, where_lines
from .charts import TrendPoint
from .page import Page, write_page


def write_report(report: Report, path: Path) -> None:
    """Write a session's report page.

    :raises SessionError: it can't be written, or the session can't be read.
    """
    comparison = report.comparison
    page = Page(
        title=report.path.name,
        facts=list(_facts(report.state)),
        figures=[("cases", outcome_line(report.totals)), *figures(report.totals)],
        notes=list(_notes(report)),
        gates=report.state.gates,
        trend=list(_trend(report)),
        changes={} if comparison is None else comparison.changes,
        gone=() if comparison is None else comparison.gone,
    )
    write_page(path, page, Session(report.path).cases())


def _facts(state: SessionState) -> Iterator[tuple[str, str]]:
    yield "recorded", state.created
    for name, value in (*state.ci.items(), *state.versions.items()):
        yield name.replace("_", " "), value


def _notes(report: Report) -> Iterator[str]:
    yield from state_lines(report.state)
    yield from report.notes
    if report.comparison is not None:
        yield from (
            " ".join(each.split()) for each in comparison_lines(report.comparison)
        )
    yield from where_lines(report)


def _trend(report: Report) -> Iterator[TrendPoint]:
    """Yield the figures of the kept sessions up to this one, the oldest first."""
    for session in sessions_in(report.path.parent):
        if session.path.name < report.path.name:
            try:
                yield _point(session.path.name, session.state)
            except EvalguardError:
                continue  # another version's, or damaged
    yield _point(report.path.name, report.state)


def _point(name: str, state: SessionState) -> TrendPoint:
    return TrendPoint(name, state.created, state.rows, state.pass_rate, state.score)
