"""Lines of a summary: 80 columns, the first 12 for a label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model.text import printable, shortened, wrapped

WIDTH = 80
LABEL = 12
VALUE = WIDTH - LABEL


def name_list(title: str, count: int, first: Sequence[str]) -> Iterator[str]:
    """Yield a title, the first names below it, and how many more there are."""
    yield title
    for name in first:
        yield f"  {shortened(printable(name), WIDTH - 2)}"
    if count > len(first):
        yield f"  and {count - len(first):,} more"


def labelled(label: str, text: str) -> Iterator[str]:
    """Yield a text in lines, the first with a label."""
    for line in wrapped(text, VALUE):
        yield field(label, line)
        label = ""


def hanging(text: str) -> Iterator[str]:
    """Yield a text in lines, all but the first indented."""
    indent = ""
    for line in wrapped(text, WIDTH - 2):
        yield indent + line
        indent = "  "


def field(label: str, value: str) -> str:
    """Return one line: a label and a value, which is not wrapped."""
    return f"{label:<{LABEL}}{value}"
