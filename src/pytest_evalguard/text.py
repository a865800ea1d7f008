"""Recorded text made fit for a terminal or a CI log: safe, short, differences shown."""

from __future__ import annotations

ELLIPSIS = "…"


def printable(text: str) -> str:
    """Return one line that can't act on a terminal or on a CI service's log.

    Line breaks and control characters are shown as escapes. ``##[`` is a command to
    Azure Pipelines and GitHub Actions wherever it stands, ``::`` at a line's start.
    """
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode()
            for char in text
        )
    text = text.replace("##[", "## [")
    return f": {text[1:]}" if text.lstrip().startswith("::") else text


def shortened(text: str, width: int) -> str:
    """Cut a text in its middle so that it is at most `width` characters long."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 3
    return f"{text[: width - 1 - tail]}{ELLIPSIS}{text[len(text) - tail :]}"


def first_difference(one: str, other: str) -> int | None:
    """Return the index where two texts begin to differ, None when they are equal."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return None if len(one) == len(other) else min(len(one), len(other))


def aligned(one: str, other: str, width: int) -> tuple[str, str, int | None]:
    """Cut two texts at the same place, so that their first difference is in sight.

    Returns both, at most `width` characters each, and where they begin to differ.
    """
    index = first_difference(one, other)
    if index is None:
        return shortened(one, width), shortened(other, width), None
    start = max(0, index - width // 3)
    if max(len(one), len(other)) <= width:
        start = 0
    place = index - start + (start > 0)
    return _from(one, start, width), _from(other, start, width), place


def _from(text: str, start: int, width: int) -> str:
    return shortened_end(ELLIPSIS + text[start:] if start else text, width)


def shortened_end(text: str, width: int) -> str:
    """Cut a text at its end so that it is at most `width` characters long."""
    return text if len(text) <= width else text[: width - 1] + ELLIPSIS


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, as ``1 result`` and ``1,200 results``."""
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}"
