"""What a person needs of a failed assertion: its source line and the values in it.

Pytest's explanation of ``assert answer.startswith("Dear")`` begins with "assert False"
and goes on with what each part of it was (_pytest/assertion/rewrite.py).
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from types import TracebackType

_LIBRARIES = frozenset(("site-packages", "dist-packages", "unittest"))
_MOST_LINES = 30
_ASSERTION = re.compile(r"\b(?:assert\b|self\.assert\w+\().*", re.DOTALL)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_WHERE = re.compile(r"[ ]\+[ ]+(?:where|and)[ ]+(<.*?>|\S+)[ ]=[ ](.*)")
_OBJECT = re.compile(r"<[^<>]*(?:<[^<>]*>[^<>]*)* at 0x[0-9a-f]+>", re.IGNORECASE)
_BARE = re.compile(r"(?:not )?(False|True|None|0|0\.0|''|\"\"|\[\]|\{\}|\(\)|set\(\))")
_OF_UNITTEST = re.compile(r"(?:False is not true|True is not false)$")
_DIFF = ("- ", "+ ", "? ")


def folded_assertion(message: str, source: str) -> str:
    """Return the first thing to know of a failed assertion.

    :param message: of an AssertionError that has no words of its author's.
    :param source: the statement that raised it, empty where that is not known.
    """
    message = message.lstrip("\n")  # before it an empty message of the author's
    if not message:
        return source
    if not message.startswith("assert "):
        return _without_diff(message, source)
    first, *rest = _PARAGRAPH.split(message, maxsplit=1)[0].split("\n")
    asserted = first.removeprefix("assert ")
    bare = _BARE.fullmatch(asserted)
    if not source or not (bare or rest):
        return first
    values = _values(bare[1], rest, source) if bare else asserted
    return source if values is None else f"{source}: {values}"


def _without_diff(message: str, source: str) -> str:
    """Return the message of an assertion of unittest's without its lines of a diff."""
    first, *rest = message.split("\n")
    if source and _OF_UNITTEST.match(message):
        return f"{source}: {message}"
    has_diff = " != " in first and any(each.startswith(_DIFF) for each in rest)
    return first if has_diff else message


def _values(value: str, lines: Sequence[str], source: str) -> str | None:
    """Return what had a value that says little, in the values of its parts.

    None where the source says as much.
    """
    shown = value
    for part, what in _parts(lines):
        if part in shown and (part == value or part.startswith("<")):
            shown = shown.replace(part, what, 1)
    known = source.replace('"', "'").removeprefix("assert ").removeprefix("not ")
    if shown == known or _OBJECT.search(shown):
        return None
    if shown == value:
        return None if value in ("False", "True") else f"it is {value}"
    return f"{shown} is {value}"


def _parts(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if found := _WHERE.fullmatch(line):
            yield found[1], found[2]


def source_of(traceback: TracebackType | None) -> str:
    """Return the assertion that an error came from, on one line; empty if it is none.

    Its own message is left out.
    """
    place = _innermost(traceback)
    if place is None:
        return ""
    path = place.tb_frame.f_code.co_filename
    linecache.checkcache(path)
    lines, last = linecache.getlines(path), place.tb_lineno
    for start in range(last, max(0, last - _MOST_LINES), -1):
        text = _assertion_from(lines[start - 1 :], last - start + 1)
        if text is not None:
            return text
    return ""


def _innermost(traceback: TracebackType | None) -> TracebackType | None:
    """Return the place in a user's own code that is nearest to where it was raised."""
    found = None
    while traceback is not None:
        path = traceback.tb_frame.f_code.co_filename
        if not _LIBRARIES & set(PurePath(path).parts):
            found = traceback
        traceback = traceback.tb_next
    return found


def _assertion_from(lines: Sequence[str], least: int) -> str | None:
    """Return the assertion that begins in the first line and has `least` or more."""
    begin = _ASSERTION.search(lines[0]) if lines else None
    if begin is None:
        return None
    for count in range(1, min(_MOST_LINES, len(lines)) + 1):
        text = begin[0] + "".join(lines[1:count])
        try:
            (statement,) = ast.parse(text).body
        except (SyntaxError, ValueError):
            continue
        return _shown(statement, text) if count >= least else None
    return None


def _shown(statement: ast.stmt, text: str) -> str:
    """Return an assertion as it is written if it is on one line, else put on one."""
    shown = statement.test if isinstance(statement, ast.Assert) else statement
    written = ast.get_source_segment(text, shown)
    if written is None or "\n" in written:
        written = ast.unparse(shown)
    return written if shown is statement else f"assert {written}"
