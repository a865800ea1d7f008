"""Several sessions, the shards of one, merged into a session that is sent as one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from .errors import SessionError
from .session import Session
from .session import SessionState
from .session import create_session
from .session import replace_file
from .totals import Totals


def merged_session(sessions: Sequence[Session], out: Path) -> Session:
    """Return the session that holds all cases of `sessions`, making it if need be.

    The same sessions give the same one, in whatever order they are named.

    :raises SessionError: a case is in two of them, or `out` can't be written.
    """
    states = sorted((each.state for each in sessions), key=lambda state: state.id)
    digest = hashlib.sha256("\n".join(state.id for state in states).encode())
    identity = digest.hexdigest()[:32]
    merged = Session(out / f"merged-{identity[:12]}")
    lines = _lines(sessions)
    if not (merged.path / "session.json").is_file():
        create_session(merged, SessionState(identity, states[0].created))
    _write(merged, lines, states)
    return merged


def _lines(sessions: Sequence[Session]) -> dict[str, str]:
    lines: dict[str, str] = {}
    owners: dict[str, Path] = {}
    for session in sorted(sessions, key=lambda each: str(each.path)):
        cases = session.cases()
        for identity, line in cases.lines(cases.identities):
            if identity in owners:
                raise SessionError(
                    f"the case {identity} is in two sessions, {owners[identity]} and"
                    f" {session.path}: shards must not overlap; submit one of them"
                )
            owners[identity], lines[identity] = session.path, line.rstrip("\n")
    return lines


def _write(merged: Session, lines: dict[str, str], states: list[SessionState]) -> None:
    if not merged.journal_path.is_file():
        text = "".join(f"{lines[identity]}\n" for identity in sorted(lines))
        replace_file(merged.journal_path, text)
    totals = Totals.of(merged.cases())
    state = merged.state
    targets = state.targets
    merged.write(
        SessionState(
            state.id,
            state.created,
            "finished",
            max(each.exit_status or 0 for each in states),
            sum(each.selected for each in states),
            {str(name): count for name, count in totals.outcomes.items()},
            totals.rows,
            totals.pass_rate,
            totals.score.value,
            sum(each.missing for each in states),
            targets,
        )
    )
