"""Recorded text made fit for a terminal or a CI log: safe, and cut to its width."""

from __future__ import annotations

import hashlib
import math
import os
import re
import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, AnyStr, cast


def lazy(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what can be used as a compiled pattern is.

    A wrong pattern raises `re.error` when it is first used.
    """
    return cast("re.Pattern[AnyStr]", _Lazy(pattern, flags))


class _Lazy:
    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self.pattern = pattern
        self.flags = flags

    def __getattr__(self, name: str) -> Any:
        # asked for what is not here yet: a method that is there costs nothing more
        found = getattr(re.compile(self.pattern, self.flags), name)
        setattr(self, name, found)
        return found


ELLIPSIS = "…"
_DIGEST = 8

# what CI services take for a command: the first anywhere, the second where a line
# begins, and a long text may be wrapped at any blank or within a long word
HASHES = lazy(r"##(?=\w*\[)")
COLONS = lazy(
    r"(?:^|(?<=\s)):{2,}|:{2,}(?=(?:debug|notice|warning|error|group|endgroup|echo|add-mask"
    r"|add-path|add-matcher|remove-matcher|set-env|set-output|save-state|stop-commands"
    r")\b)",
    re.IGNORECASE,
)

# Characters without a form of their own hide text, but for those that belong to one:
# in emoji, in flags of regions, and in scripts whose letters join, as Persian and Hindi

_JOINERS, _SELECTORS = "\u200c\u200d", "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TAGS = "\U000e0020-\U000e007f"
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
_EMOJI = "\u2190-\u27ff\u2900-\u2bff\U0001f000-\U0001faff"
_JOINING = (
    "\u0600-\u109f\u1700-\u17b3\u17b6-\u1cff\ua800-\uabff\ufb50-\ufdff"
    "\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f"
)
UNSEEN = lazy(f"[{_JOINERS}{_SELECTORS}{_TAGS}{_FILLERS}]")
_UNSEEN_OR_FLAG = lazy(f"{_FLAG}|{UNSEEN.pattern}")
_BELONGING = lazy(
    f"{_FLAG}"
    f"|(?:(?<=[{_EMOJI}])|(?<=[{_EMOJI}]\ufe0f))\u200d(?=[{_EMOJI}])"
    f"|(?<=[{_JOINING}])[{_JOINERS}](?![{_JOINERS}])"
    f"|(?<=[^\\s{_JOINERS}])[{_JOINERS}](?=[{_JOINING}])"
    "|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    f"|(?<=[^\0-\x7f\\s{_JOINERS}{_SELECTORS}{_TAGS}{_FILLERS}])[{_SELECTORS}]"
)


def printable(text: str) -> str:
    """Return one line that can't act on a terminal or on a CI service's log.

    Line breaks, control characters and those that turn or hide text are shown as
    escapes, commands to CI services as ``##[`` and ``::error::`` lose their form.
    """
    return COLONS.sub(_spaced, HASHES.sub("## ", escaped(text)))


def _spaced(found: re.Match[str]) -> str:
    return " ".join(found[0])


def escaped(text: str) -> str:
    """Return one line in which escapes stand for all that would act or hide."""
    if not text.isprintable():
        text = "".join(map(_shown, text))
    return text if text.isascii() else _UNSEEN_OR_FLAG.sub(_shown_in_text, text)


def escape(char: str) -> str:
    r"""Return the escape that stands for a character, as ``\n`` or ``\u00a0``."""
    if not char.isprintable() and not is_blank(char):
        return char.encode("unicode_escape").decode()
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def is_blank(char: str) -> bool:
    """Return whether a character is a blank of any width, as the wide one of Japanese.

    Tabs and line breaks are none.
    """
    return unicodedata.category(char) == "Zs"


def _shown(char: str) -> str:
    if char.isprintable() or UNSEEN.match(char):
        return char
    return " " if is_blank(char) else escape(char)


def _shown_in_text(found: re.Match[str]) -> str:
    belongs = _BELONGING.match(found.string, found.start())
    return found[0] if belongs else escape(found[0])


# Columns

_LONGEST_CLUSTER = 16
"""Most characters that share columns: an emoji of four people has eleven."""

# the class of signs that join two letters, from Hindi to Khmer, and one that does not
_VIRAMA, _ASAT = 9, "\u103a"
_SPACING = ("Mc", "Lo", "So")


def clusters(text: str) -> Iterator[str]:
    """Yield the parts of a text that share columns, as an emoji of a whole family."""
    found = ""
    for char in text:
        # below that there is nothing that shares another's column, and most text is
        if found and (char < "\u0300" or not _is_attached(char, found)):
            yield found
            found = ""
        found += char
    if found:
        yield found


def _is_attached(char: str, cluster: str) -> bool:
    """Return whether a character shares the columns of the cluster before it."""
    if len(cluster) >= _LONGEST_CLUSTER:
        return False
    category, base = unicodedata.category(char), cluster[0]
    if category in ("Mn", "Me", "Mc", "Cf"):
        return True
    if unicodedata.combining(cluster[-1]) == _VIRAMA and cluster[-1] != _ASAT:
        return category == "Lo"
    if cluster[-1] == "\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff":  # skin tones
        return _is_symbol(base) and _is_symbol(char)
    if "\U0001f1e6" <= char <= "\U0001f1ff":  # two make a flag
        return len(cluster) == 1 and "\U0001f1e6" <= base <= "\U0001f1ff"
    return "\u1100" <= base <= "\u115f" and "\u1160" <= char <= "\u11ff"  # Hangul


def _is_symbol(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk", "Sm")


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_cells, clusters(text)))


def _cells(cluster: str) -> int:
    if unicodedata.east_asian_width(cluster[0]) in "WF":
        return 2
    # a vowel or a letter that is written beside its base, the second half of a flag,
    # and what asks for the form of an emoji
    is_wide = any(unicodedata.category(char) in _SPACING for char in cluster[1:])
    return 2 if is_wide or ("\ufe0f" in cluster and not cluster[0].isalpha()) else 1


def _fitting(parts: Iterable[str], width: int) -> Iterator[str]:
    """Yield the first clusters that take at most `width` columns together."""
    for part in parts:
        width -= _cells(part)
        if width < 0:
            return
        yield part


def _start(text: str, width: int) -> str:
    """Return what of a text's beginning takes at most `width` columns."""
    return text[:width] if text.isascii() else "".join(_fitting(clusters(text), width))


def _end(text: str, width: int) -> str:
    """Return what of a text's end takes at most `width` columns."""
    most = _LONGEST_CLUSTER * (width + 1)
    parts = [*clusters(text[max(0, len(text) - most) :])]
    return "".join([*_fitting(reversed(parts), width)][::-1])


def fits(text: str, width: int) -> bool:
    """Return whether a text takes at most `width` columns."""
    if text.isascii():
        return len(text) <= width
    return len(_start(text, width)) == len(text)


def shortened(text: str, width: int) -> str:
    """Cut a text in its middle so that it takes at most `width` columns."""
    if fits(text, width):
        return text
    tail = (width - 1) // 3
    return f"{_start(text, width - 1 - tail)}{ELLIPSIS}{_end(text, tail)}"


def shortened_end(text: str, width: int) -> str:
    """Cut a text at its end so that it takes at most `width` columns."""
    return text if fits(text, width) else _start(text, width - 1) + ELLIPSIS


def distinct_line(text: str, width: int) -> str:
    """Return a text in one line of at most `width` columns, with a digest if it is cut.

    So it is another line for another text.
    """
    line = " ".join(text.split())
    if fits(line, width):
        return line
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    return f"{shortened_end(line, width - _DIGEST - 1)} {digest}"


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield a printable text in lines of at most `width` columns, at least one."""
    # stand for a cluster of several characters, and for the other half of a wide one
    several, half = "\1", "\0"
    parts = [*clusters(text)]
    spread = "".join(
        (part if len(part) == 1 else several) + half * (_cells(part) - 1)
        for part in parts
    )
    if half in spread:
        width -= 1  # the last half of a line may come to stand in the next one
    lines = textwrap.wrap(spread, width, break_on_hyphens=False)
    hidden = (part for part in parts if len(part) > 1)
    whole = (
        re.sub(several, lambda _: next(hidden), line.replace(half, ""))
        for line in lines
    )
    yield from [line for line in whole if line] or [""]


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, as ``1 result`` and ``1,200 results``."""
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}"


def dollars(amount: float) -> str:
    """Return an amount with as many digits as it has, from two to six."""
    whole, _, digits = f"{amount:,.6f}".partition(".")
    return f"${whole}.{digits.rstrip('0').ljust(2, '0')}"


def number_text(value: float, digits: int = 4) -> str:
    """Return a number with that many digits, all of those before its point."""
    size = abs(value)
    if value == 0 or not 1e-4 <= size < 1e15:
        return f"{value:.{digits}g}"
    places = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def display_path(path: Path) -> str:
    """Return a path as a user in the working directory would write it."""
    try:
        is_below = path.is_relative_to(Path.cwd())
        return printable(os.path.relpath(path) if is_below else str(path))
    except OSError:  # the working directory is gone
        return printable(str(path))


WIDTH = 80
LABEL = 12
VALUE = WIDTH - LABEL
_NARROWEST = 40  # what has less does not know its width (_pytest/_io/terminalwriter.py)


def terminal_width() -> int:
    """Return the columns of the terminal, as pytest counts them; 80 without one."""
    columns = shutil.get_terminal_size((WIDTH, 24)).columns
    return columns if columns >= _NARROWEST else WIDTH


def name_list(
    title: str, count: int, first: Sequence[str], width: int = WIDTH
) -> Iterator[str]:
    """Yield a title, the first names below it, and how many more there are."""
    yield title
    for name in first:
        yield f"  {shortened(printable(name), width - 2)}"
    if count > len(first):
        yield f"  and {count - len(first):,} more"


def labelled(label: str, text: str, width: int = WIDTH) -> Iterator[str]:
    """Yield a text in lines, the first with a label."""
    for line in wrapped(text, width - LABEL):
        yield field(label, line)
        label = ""


def hanging(text: str, width: int = WIDTH) -> Iterator[str]:
    """Yield a text in lines, all but the first indented."""
    indent = ""
    for line in wrapped(text, width - 2):
        yield indent + line
        indent = "  "


def field(label: str, value: str) -> str:
    """Return one line: a label and a value, which is not wrapped."""
    return f"{label:<{LABEL}}{value}"
