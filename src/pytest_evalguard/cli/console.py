"""What commands share: what they say, and their exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from ..model.text import printable

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
