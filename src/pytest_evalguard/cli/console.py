"""What commands share: what they say, their exit codes, and where they look."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config.settings import DEFAULT_OUT, PROMPTS_LOCK, TABLE, Setting, Settings
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


def find_project(place: Path) -> Path:
    """Return the directory that has the lock file of prompts, or would have it.

    It is the nearest one at or above `place`, else at or above the working directory,
    which is where it would be.
    """
    here = Path.cwd()
    for start in (place.absolute(), here):
        for directory in (start, *start.parents):
            if os.path.isfile(directory / PROMPTS_LOCK):  # also where one can't look
                return directory
    return here


def project_of(out: Path) -> Path:
    """Return the directory whose tests are recorded in `out`, as far as that shows."""
    is_beside = out.name == DEFAULT_OUT and out.is_dir()
    return out.parent if is_beside else find_project(out)


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
