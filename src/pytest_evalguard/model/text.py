"""Recorded text made fit for a terminal or a CI log: safe, short, differences shown."""

from __future__ import annotations

import os
import re
import textwrap
import unicodedata
from collections.abc import Iterator
from pathlib import Path

ELLIPSIS = "…"


# what CI services take for a command: the first anywhere, the second where a line
# begins, and a long text may be wrapped at any blank or within a long word
_HASHES = re.compile(r"##(?=\w*\[)")
_COLONS = re.compile(
    r"(?:^|(?<=\s)):{2,}|:{2,}(?=(?:debug|notice|warning|error|group|endgroup|echo|add-mask"
    r"|add-path|add-matcher|remove-matcher|set-env|set-output|save-state|stop-commands"
    r")\b)",
    re.IGNORECASE,
)


def printable(text: str) -> str:
    """Return one line that can't act on a terminal or on a CI service's log.

    Line breaks, control characters and those that turn or hide text are shown as
    escapes, commands to CI services as ``##[`` and ``::error::`` lose their form.
    """
    if not text.isprintable():
        text = "".join(map(_shown, text))
    return _COLONS.sub(_spaced, _HASHES.sub("## ", text))


def _spaced(found: re.Match[str]) -> str:
    return " ".join(found[0])


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    is_space = unicodedata.category(char) == "Zs"  # as the wide one of Japanese
    return " " if is_space else char.encode("unicode_escape").decode()


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _fitting(text: str, width: int) -> str:
    """Return what of a text's beginning takes at most `width` columns."""
    if text.isascii():
        return text[:width]
    used = 0
    for index, char in enumerate(text):
        used += _cells(char)
        if used > width:
            return text[:index]
    return text


def _fits(text: str, width: int) -> bool:
    return len(_fitting(text, width)) == len(text)


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield a printable text in lines of at most `width` columns, at least one."""
    half = "\0"  # stands for the other half of a wide character
    spread = "".join(char + half * (_cells(char) - 1) for char in text)
    if half in spread:
        width -= 1  # the last half of a line may come to stand in the next one
    lines = textwrap.wrap(spread, width, break_on_hyphens=False)
    whole = (line.replace(half, "") for line in lines)
    yield from [line for line in whole if line] or [""]


def shortened(text: str, width: int) -> str:
    """Cut a text in its middle so that it takes at most `width` columns."""
    if _fits(text, width):
        return text
    tail = (width - 1) // 3
    end = _fitting(text[: -tail - 1 : -1], tail)[::-1]
    return f"{_fitting(text, width - 1 - tail)}{ELLIPSIS}{end}"


def first_difference(one: str, other: str) -> int | None:
    """Return the index where two texts begin to differ, None when they are equal."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return None if len(one) == len(other) else min(len(one), len(other))


def aligned(one: str, other: str, width: int) -> tuple[str, str, int | None]:
    """Cut two texts at the same place, so that their first difference is in sight.

    Returns both, at most `width` columns each, and where they begin to differ.
    """
    index = first_difference(one, other)
    if index is None:
        return shortened(one, width), shortened(other, width), None
    start = max(0, index - width // 3)
    if _fits(one, width) and _fits(other, width):
        start = 0
    place = index - start + (start > 0)
    return _from(one, start, width), _from(other, start, width), place


def _from(text: str, start: int, width: int) -> str:
    return shortened_end(ELLIPSIS + text[start:] if start else text, width)


def shortened_end(text: str, width: int) -> str:
    """Cut a text at its end so that it takes at most `width` columns."""
    return text if _fits(text, width) else _fitting(text, width - 1) + ELLIPSIS


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, as ``1 result`` and ``1,200 results``."""
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}"


def display_path(path: Path) -> str:
    """Return a path as a user in the working directory would write it."""
    try:
        is_below = path.is_relative_to(Path.cwd())
        return printable(os.path.relpath(path) if is_below else str(path))
    except OSError:  # the working directory is gone
        return printable(str(path))
