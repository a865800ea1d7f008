"""How long sessions stay on disk."""

from __future__ import annotations

from pathlib import Path

from .delivery import submission_of
from .errors import SessionError
from .session import Session
from .session import remove_session
from .session import sessions_in


def remove_old_sessions(out: Path, keep: int) -> None:
    """Remove the oldest finished sessions but `keep`; never one with unsent results."""
    sessions = sessions_in(out)
    if len(sessions) > keep:
        removable = [session for session in sessions if _is_done(session)]
        for session in removable[:-keep]:
            remove_session(session)


def _is_done(session: Session) -> bool:
    try:
        state = session.state
        is_open = any(submission_of(session, each).is_open for each in state.targets)
    except (SessionError, OSError, ValueError, RecursionError):
        return False  # what can't be read may be somebody's only copy
    return state.status == "finished" and not is_open
