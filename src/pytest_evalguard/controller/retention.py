"""Which finished sessions are removed, and which stay."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from ..delivery.outbox import submission_of
from ..delivery.registry import stored_targets
from ..errors import SessionError
from ..storage.resumed import continued
from ..storage.session import STATE, PassedOver, Session, remove_session, sessions_in


def remove_old_sessions(
    out: Path, keep: int, spared: Collection[Path], passed_over: PassedOver
) -> None:
    """Remove the oldest finished sessions but `keep`; never one with results to send.

    :param spared: directories of sessions that stay, however old they seem.
    :param passed_over: takes the sessions that can't be read.
    """
    sessions = sessions_in(out, passed_over)
    if len(sessions) > keep:
        resumed = continued(sessions)
        removable = [each for each in sessions if _is_done(each, resumed, passed_over)]
        places = {path.resolve() for path in spared}
        for session in removable[:-keep]:
            if session.path.resolve() not in places:
                remove_session(session)


def _is_done(
    session: Session, resumed: Collection[str], passed_over: PassedOver
) -> bool:
    try:
        if _is_local(session) or session.state.id in resumed:
            return True
        targets = stored_targets(session)
        is_sent = all(submission_of(session, each).is_complete for each in targets)
    except OSError as error:
        passed_over.add(session.path, error)
        return False
    except (SessionError, ValueError, RecursionError):
        return False  # what can't be read may be somebody's only copy
    return session.state.status == "finished" and is_sent


def _is_local(session: Session) -> bool:
    """Whether it ended and was to go nowhere; no models are loaded to see that."""
    data = json.loads((session.path / STATE).read_text(encoding="utf-8"))
    ended = isinstance(data, dict) and data.get("status") == "finished"
    return ended and not data.get("targets", True)
