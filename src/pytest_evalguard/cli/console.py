"""What commands share: what they say, their exit codes, and where sessions are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from ..config.settings import DEFAULT_OUT, OUT_VARIABLE, PROMPTS_LOCK
from ..model.text import printable
from ..storage.session import Session, newest_session, open_session

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


def say_error(message: str) -> None:
    """Print on stderr what went wrong."""
    _warn("error", message)


def say_note(message: str) -> None:
    """Print on stderr what one should know."""
    _warn("note", message)


def _warn(kind: str, message: str) -> None:
    sys.stderr.write(f"pytest-evalguard: {kind}: {printable(message)}\n")


def find_out(given: str | None) -> Path:
    """Return where sessions are: as given, EVALGUARD_OUT, the nearest `.evalguard`."""
    said = given or os.environ.get(OUT_VARIABLE)
    if said:
        return Path(said)
    here = Path.cwd()
    for directory in (here, *here.parents):
        if (directory / DEFAULT_OUT).is_dir():
            return directory / DEFAULT_OUT
    return here / DEFAULT_OUT


def find_project(place: Path) -> Path:
    """Return the directory that has the lock file of prompts, or would have it.

    It is the nearest one at or above `place`, else at or above the working directory,
    which is where it would be.
    """
    here = Path.cwd()
    for start in (place.absolute(), here):
        for directory in (start, *start.parents):
            if (directory / PROMPTS_LOCK).is_file():
                return directory
    return here


def project_of(out: Path) -> Path:
    """Return the directory whose tests are recorded in `out`, as far as that shows."""
    is_beside = out.name == DEFAULT_OUT and out.is_dir()
    return out.parent if is_beside else find_project(out)


def find_session(name: str | None, out: str | None) -> Session:
    """Return the session in the directory of that name, the newest without a name.

    :param out: where sessions are, as the user says it.
    :raises SessionError: there is none.
    """
    return newest_session(find_out(out)) if name is None else open_session(Path(name))
