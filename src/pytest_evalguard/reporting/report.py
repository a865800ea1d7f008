"""A session as it is shown: on the terminal, in CI and on the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ..analysis.comparison import Comparison, read_comparison
from ..analysis.groups import groupings_of
from ..analysis.totals import Totals
from ..config.urls import TRACE_ID
from ..delivery.outbox import Sent, submission_of
from ..delivery.registry import stored_targets
from ..errors import SessionError
from ..model.case import Case
from ..model.text import counted
from ..storage.session import STATE, Session, SessionState
from .submissions import resume_command


def followable(link: str | None) -> str | None:
    """Return the template of a link that is stored, None if it may not be followed."""
    return link if link is not None and link.startswith("https://") else None


def trace_url(link: str | None, trace_id: str | None) -> str | None:
    """Return the URL of a trace, None without an id or a link that may be followed.

    :param link: the template.
    """
    if trace_id is None or (link := followable(link)) is None:
        return None
    return link.replace(TRACE_ID, quote(trace_id, safe="", errors="replace"))


@dataclass(frozen=True)
class Report:
    """What is known of a session; `notes` are sentences on what went wrong.

    `link` is the template of a link to a run, `arguments` are those that pytest was
    started with, where that is known.
    """

    path: Path
    state: SessionState
    totals: Totals
    comparison: Comparison | None = None
    sent: Sequence[Sent] = ()
    notes: Sequence[str] = ()
    is_dry_run: bool = False
    link: str | None = None
    arguments: Sequence[str] = ()


def report_of(
    session: Session,
    through: Callable[[Iterable[Case]], Iterable[Case]] = iter,
) -> Report:
    """Return what is on disk of a session.

    :param through: what else looks at each case on its way, as it is read once.
    :raises SessionError: it can't be read.
    """
    state, cases = session.state, session.cases()
    try:
        groupings_of(state.group_by)
    except ValueError as error:
        raise SessionError(f"{session.path / STATE} can't be read: {error}") from error
    totals = Totals.of(through(cases), group_by=state.group_by)
    not_run = cases.selected(state.selected, state.status) - sum(
        totals.outcomes.values()
    )
    totals.outcomes["not run"] += max(0, not_run)
    sent = [Sent(e, submission_of(session, e)) for e in stored_targets(session)]
    comparison, notes = None, []
    try:
        comparison = read_comparison(session.path)
    except SessionError as error:
        notes.append(str(error))
    if cases.damaged:
        lost = counted(cases.damaged, "line")
        notes.append(f"{lost} of the journal could not be read")
    if session.status == "killed":
        notes += [
            "the session was killed",
            f"  continue with: {resume_command(session.path)}",
        ]
    return Report(session.path, state, totals, comparison, sent, notes)
