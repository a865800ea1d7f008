"""Sessions are listed."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from ..delivery.outbox import Sent, submission_of
from ..errors import SessionError
from ..model.text import counted, printable
from ..reporting.whereabouts import destination, display_path
from ..storage.session import Session, sessions_in
from .console import DONE, say, say_lines
from .finding import find_out


def list_sessions(options: Namespace) -> int:
    """List sessions, the oldest first."""
    out = find_out(options.out)
    entries = [_entry(session) for session in sessions_in(out)]
    if options.json:
        say(json.dumps(entries, indent=2))
    elif not entries:
        say(f"no sessions in {display_path(out)}")
    else:
        say_lines(_entry_line(entry) for entry in entries)
    return DONE


def _entry(session: Session) -> dict[str, Any]:
    """Return a session as `list --json` shows it."""
    name, path = session.path.name, str(session.path)
    try:
        state = session.state
        sent = [Sent(each, submission_of(session, each)) for each in state.targets]
        status = session.status
        finished = sum(n for name, n in state.counts.items() if name != "not run")
        if state.status == "running":
            finished = len(session.cases())
    except (SessionError, OSError, ValueError) as error:
        return {"name": name, "path": path, "status": "unreadable", "error": str(error)}
    return {
        "name": name,
        "path": path,
        "status": status,
        "selected": state.selected,
        "finished": finished,
        "counts": dict(state.counts),
        "submissions": [
            {"to": destination(each), **asdict(each.submission)} for each in sent
        ],
    }


def _entry_line(entry: dict[str, Any]) -> str:
    if "error" in entry:
        return f"{printable(entry['name'])}  unreadable: {printable(entry['error'])}"
    where = "; ".join(
        f"{each['to']}: {each['accepted']} accepted,"
        f" {each['rejected']} rejected, {each['unsent']} unsent"
        for each in entry["submissions"]
    )
    cases = f"{entry['finished']} of {counted(entry['selected'], 'case')}"
    name = printable(entry["name"])
    return f"{name}  {entry['status']}  {cases}  {printable(where) or 'local'}"
