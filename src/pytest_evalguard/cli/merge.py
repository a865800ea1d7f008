"""Sessions become one."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..config.checks import Given, whole_number
from ..delivery.merging import merge_sessions
from ..delivery.outbox import Sent, submission_of
from ..delivery.registry import stored_targets
from ..model.case import ENDED_START
from ..model.text import counted, display_path
from ..reporting.submissions import command, destination
from ..reporting.terminal import state_lines
from ..storage.session import Session, open_session
from .console import DONE, say, say_lines, say_note


def merge(options: Namespace) -> int:
    """Make one session of several."""
    expected = options.expect
    if expected is not None:
        expected = whole_number(1).one(Given(expected, Path()), "--expect")
    sessions = [open_session(Path(each)) for each in options.dirs]
    output = Path(options.output)
    session, merged = merge_sessions(sessions, lambda _: output, expected=expected)
    notes = (*merged.damage, *_sent_already(sessions), *_left_out(sessions))
    for note in notes:
        say_note(note)
    are_cases = [not line.startswith(ENDED_START) for line in merged.lines]
    cases = counted(sum(are_cases), "case")
    say(f"{cases} in {display_path(session.path)}")
    say_lines(state_lines(merged.state, session.path))
    say(f"  show them by: {command('show', session.path)}")
    return DONE


def _sent_already(sessions: Sequence[Session]) -> Iterator[str]:
    """Yield which sessions went somewhere, where they are not to be counted twice."""
    for session in sessions:
        for target in stored_targets(session):
            sent = Sent(target, submission_of(session, target))
            if sent.submission.accepted:
                yield (
                    f"{display_path(session.path)} was submitted to"
                    f" {destination(sent)}: no result of it is sent there twice"
                )


def _left_out(sessions: Sequence[Session]) -> Iterator[str]:
    """Yield which figures can't be those of all cases."""
    states = [session.state for session in sessions]
    names = {metric.name for state in states for metric in state.metrics}
    names |= {table.name for state in states for table in state.tables}
    if names:
        yield (
            f"not merged: {', '.join(sorted(names))}: pytest_evalguard_metrics returned"
            " them for single shards"
        )
