"""Recorded text made fit for a terminal or a CI log: safe, short, differences shown."""

from __future__ import annotations

import re
import unicodedata

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
