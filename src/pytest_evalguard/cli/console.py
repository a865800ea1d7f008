"""What commands share: what they say, and their exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config.settings import TABLE, Setting, Settings
from ..model.text import printable

if TYPE_CHECKING:
    from ..storage.session import PassedOver, Session

DONE = 0
REFUSED = 1
USAGE = 2


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def say_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        say(line)


def rewrite(line: str) -> None:
    """Print a line in the place of the last one."""
    sys.stdout.write(f"\r{line:<79}\r")
    sys.stdout.flush()


def say_passed_over(passed_over: PassedOver) -> None:
    """Print on stderr which sessions can't be read."""
    for each in passed_over.sentences():
        say_note(f"left out: {each}")


def session_named(name: str | None, out: Path) -> Session:
    """Return the session in the directory of that name, the newest without a name.

    :raises SessionError: there is none.
    """
    # `--help` needs none of it
    from ..storage.session import PassedOver, newest_session, open_session

    if name is not None:
        return open_session(Path(name))
    passed_over = PassedOver()
    try:
        return newest_session(out, passed_over)
    finally:
        say_passed_over(passed_over)


def judging_settings() -> Iterator[Setting[Any]]:
    """Yield the gates, and what else says how a session is judged."""
    beside = (Settings.baseline, Settings.min_coverage)
    return (each for each in TABLE if each.is_gate or each in beside)


def say_error(message: str) -> None:
    """Print on stderr what went wrong."""
    _warn("error", message)


def say_note(message: str) -> None:
    """Print on stderr what one should know."""
    _warn("note", message)


def _warn(kind: str, message: str) -> None:
    sys.stderr.write(f"pytest-evalguard: {kind}: {printable(message)}\n")
