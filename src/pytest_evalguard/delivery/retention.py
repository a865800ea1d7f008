"""How long sessions stay on disk."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from ..errors import SessionError
from ..storage.session import STATE, Session, remove_session, sessions_in
from .outbox import submission_of
from .services import stored_targets


def remove_old_sessions(out: Path, keep: int, spared: Collection[Path]) -> None:
    """Remove the oldest finished sessions but `keep`; never one with unsent results.

    :param spared: directories of sessions that stay, however old they seem.
    """
    sessions = sessions_in(out)
    if len(sessions) > keep:
        removable = [session for session in sessions if _is_done(session)]
        places = {path.resolve() for path in spared}
        for session in removable[:-keep]:
            if session.path.resolve() not in places:
                remove_session(session)


def _is_done(session: Session) -> bool:
    try:
        if _is_local(session):
            return True
        targets = stored_targets(session)
        is_open = any(submission_of(session, each).is_open for each in targets)
    except (SessionError, OSError, ValueError, RecursionError):
        return False  # what can't be read may be somebody's only copy
    return session.state.status == "finished" and not is_open


def _is_local(session: Session) -> bool:
    """Whether it ended and was to go nowhere; no models are loaded to see that."""
    data = json.loads((session.path / STATE).read_text(encoding="utf-8"))
    ended = isinstance(data, dict) and data.get("status") == "finished"
    return ended and not data.get("targets", True)
