"""What pytest-xdist can carry of a test's report, and what becomes of the rest.

Execnet takes exact built-in types only, and fails on a few of their values: on text
that UTF-8 has no bytes for, on whole numbers below -2**31 or of thousands of digits,
on deep nesting. A report with one of them ends the worker's session.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Generator, Iterable
from typing import Any

import pytest

from ..model.values import as_data, as_text, clean_text

_PACKED = "evalguard_report"
_FORMAT = 2  # of marshal: another Python may read it
_LEAST_INT = -(2**31)  # execnet packs what is below its largest int into four bytes
_MOST_INT = 2**10_000  # about 3,000 digits: Python converts 4,300 at the least
_DEEPEST = 50
_MOST_VALUES = 100_000
_LONGREPR_DEPTH = 9  # of pytest's own dicts and lists around the lines of a traceback
_OTHER_DEPTH = 2
# by exact type: a subclass of str in an exception (pytest-dev/pytest-xdist#1157) and
# an enum of a subtest (pytest-dev/pytest-xdist#1273) each ended a session
_SIMPLE = frozenset({bool, float, bytes, type(None)})
_CONTAINERS = frozenset({list, tuple, set, frozenset})


def make_portable(data: dict[str, Any]) -> None:
    """Change what pytest-xdist can't carry of a report's data into what it can.

    Text keeps its characters, lone surrogates escaped; other values become what they
    are in a recorded case. What can be carried stays as it is.
    """
    for name, value in data.items():
        kind = type(value)  # most are the simplest, and there are three reports a test
        if kind in _SIMPLE or (kind is str and value.isascii()):
            continue
        if (kind is not list or value) and not is_portable(value):
            depth = _LONGREPR_DEPTH if name == "longrepr" else _OTHER_DEPTH
            data[name] = _portable(value, depth)
    for owner in (data, data.get("longrepr")):
        if type(owner) is dict and owner.get("sections"):
            owner["sections"] = _as_texts(owner["sections"])


def pack(data: dict[str, Any]) -> None:
    """Make one text of a report's data, as execnet takes long over many values."""
    make_portable(data)
    # `json` would make lists of tuples; a text, as plugins write reports as JSON
    packed = marshal.dumps(data, _FORMAT).decode("latin-1")
    data.clear()
    data[_PACKED] = packed


def unpack(data: dict[str, Any]) -> None:
    """Restore the data of a report that `pack` was called on."""
    packed = data.pop(_PACKED, None)
    if packed is not None:
        # it is from one of our workers, whose code is the user's as ours is
        data.update(marshal.loads(packed.encode("latin-1")))  # noqa: S302


class Unpacking:
    """Plugin that restores the reports which `pack` was called on."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_from_serializable(
        self, data: dict[str, Any]
    ) -> Generator[None, object, object]:
        """Restore the data of a report before others look at it, wrappers, too."""
        unpack(data)
        return (yield)


def is_portable(value: object) -> bool:
    """Whether pytest-xdist can carry a value."""
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for each in level:
            kind = type(each)
            if kind is str:
                # a lone surrogate was an INTERNALERROR (pytest-dev/pytest-xdist#843)
                if not each.isascii() and each is not clean_text(each):
                    return False
            elif kind is int:
                if each < _LEAST_INT or each >= _MOST_INT:
                    return False
            elif kind is dict:
                inner += each
                inner += each.values()
            elif kind in _CONTAINERS:
                inner += each
            elif kind not in _SIMPLE:
                return False
        if not inner:
            return True
        if len(inner) > _MOST_VALUES:
            return False
        level = inner
    return False


def _portable(value: Any, depth: int) -> Any:
    """Return a value with all that can't be carried of it replaced.

    :param depth: to which level lists, tuples and dicts stay what they are.
    """
    if is_portable(value):
        return value
    kind = type(value)
    if issubclass(kind, str):
        return clean_text(value)
    if depth and (kind is list or kind is tuple):
        return kind(_portable(each, depth - 1) for each in value)
    if depth and kind is dict:
        return {
            key if is_portable(key) else as_text(key): _portable(each, depth - 1)
            for key, each in value.items()
        }
    return json.loads(json.dumps(as_data(value)), parse_int=_int_or_text)


def _int_or_text(digits: str) -> int | str:
    number = int(digits)
    return number if is_portable(number) else digits


def _as_texts(sections: Iterable[Any]) -> list[Any]:
    """Return sections as pytest shows them: of text only."""
    return [
        tuple(each if type(each) is str else str(as_data(each)) for each in section)
        if type(section) in (list, tuple)
        else section
        for section in sections
    ]
