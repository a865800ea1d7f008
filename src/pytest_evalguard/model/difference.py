"""Where two texts differ: shown so that it is seen, whatever it is that differs."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any, NamedTuple

from .case import Case
from .json_data import MAX_TEXT, Json
from .text import (
    COLONS,
    ELLIPSIS,
    HASHES,
    UNSEEN,
    cells,
    clusters,
    escape,
    escaped,
    fits,
    is_blank,
    lazy,
    printable,
    shortened,
    shortened_end,
)

_MISSING = object()
_BRACKETS = ("{", "[")
_MOST_PAIRS = 10_000
_MOST_WORDS = 80  # it takes the square of them
_CUT, _REDACTED = "[cut: ", "[REDACTED]"


def first_difference(one: Sequence[str], other: Sequence[str]) -> int | None:
    """Return the index where two texts begin to differ, None when they are equal."""
    if one == other:
        return None
    low, high = 0, min(len(one), len(other))
    while low < high:  # slices are compared faster than characters
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def aligned(
    one: Sequence[str], other: Sequence[str], width: int
) -> tuple[str, str, int | None]:
    """Cut two texts at the same place, so that their first difference is in sight.

    They are texts, or lists of parts that are not to be cut in two. Returns both, at
    most `width` columns each, and the index where they begin to differ.
    """
    index = first_difference(one, other)
    if index is None:
        same = shortened("".join(one), width)
        return same, same, None
    start = index
    if fits("".join(one), width) and fits("".join(other), width):
        start = 0
    room = width // 3
    while start and (room := room - cells(one[start - 1])) >= 0:
        start -= 1
    before = (ELLIPSIS if start else "") + "".join(one[start:index])
    first, second = (
        shortened_end(before + "".join(each[index:]), width) for each in (one, other)
    )
    return first, second, len(before)


def compared(one: str, other: str, width: int) -> tuple[str, str, int | None]:
    """Return two texts as printable lines on which their first difference is seen.

    They take at most `width` columns each; with them comes the index where they differ,
    None for equal texts.
    """
    near, beside, _ = aligned(one, other, 2 * width)
    if one == other:
        same = shortened(printable(one), width)
        return same, same, None
    return aligned(*_spelt_out(near, beside), width)


# Texts that look alike

_LIKE_LATIN = str.maketrans(
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5"
    "\u03a7\u03bf\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420"
    "\u0421\u0422\u0425\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458"
    "\u2010\u2011",
    "ABEZHIKMNOPTYXoSIJABEKMHOPCTXaeopcyxsij--",
)
_ESCAPE = lazy(r"\\(?:x..|u.{4}|U.{8}|.)")


def _spelt_out(one: str, other: str) -> tuple[list[str], list[str]]:
    """Return two texts in printable parts, of which only equal ones look alike."""
    texts = [each.replace("\\", "\\\\") for each in (one, other)]
    parts = [_parts(text) for text in _with_escapes(*texts)]
    if not any(_is_escape(part) for each in parts for part in each):
        # a backslash is one where none of them begins an escape
        parts = [[part.replace("\\\\", "\\") for part in each] for each in parts]
    return parts[0], parts[1]


def _is_escape(part: str) -> bool:
    return part[0] == "\\" != part[1:]


def _parts(text: str) -> list[str]:
    text = HASHES.sub(_with_second_escaped, escaped(text))
    text = COLONS.sub(_with_second_escaped, text)
    found: list[str] = []
    end = 0
    for each in _ESCAPE.finditer(text):
        found += [*clusters(text[end : each.start()]), each[0]]
        end = each.end()
    return [*found, *clusters(text[end:])]


def _with_second_escaped(found: re.Match[str]) -> str:
    return found[0][0] + "".join(map(escape, found[0][1:]))


def _with_escapes(one: str, other: str) -> tuple[str, str]:
    """Return two texts with escapes for what differs in them and would not be seen."""
    if not (_is_faint(one) or _is_faint(other)):
        return one, other
    left, right = _words(one), _words(other)
    start = first_difference(left, right) or 0
    end = start + _MOST_WORDS
    near, beside = left[start:end], right[start:end]
    shown = [left[:start], right[:start]]
    steps = SequenceMatcher(None, near, beside, autojunk=False).get_opcodes()
    for _, begin, stop, other_begin, other_stop in steps:
        one, other = "".join(near[begin:stop]), "".join(beside[other_begin:other_stop])
        for parts, part in zip(shown, _told_apart(one, other), strict=True):
            parts.append(part)
    return "".join(shown[0] + left[end:]), "".join(shown[1] + right[end:])


def _words(text: str) -> list[str]:
    """Return a text in words, blanks between them, and single signs."""
    groups = groupby(clusters(text), lambda each: (each[0].isalnum(), each == " "))
    found: list[str] = []
    for is_joined, group in groups:
        found += ["".join(group)] if any(is_joined) else group
    return found


def _told_apart(one: str, other: str) -> tuple[str, str]:
    """Return two parts of texts, with escapes where they differ and look the same."""
    if one == other or _outline(one) != _outline(other):
        return one, other
    start = first_difference(one, other) or 0
    rests = one[start:], other[start:]
    end = first_difference(rests[0][::-1], rests[1][::-1]) or 0
    middles = [rest[: len(rest) - end] for rest in rests]
    kinds = (_is_unseen, _is_not_ascii, is_blank)
    is_odd = next(kind for kind in kinds if any(map(kind, "".join(middles))))
    shown = [
        "".join(escape(char) if is_odd(char) else char for char in middle)
        for middle in middles
    ]
    tail = one[len(one) - end :]
    return f"{one[:start]}{shown[0]}{tail}", f"{one[:start]}{shown[1]}{tail}"


def _is_faint(text: str) -> bool:
    return "  " in text or text != _outline(text)


def _outline(text: str) -> str:
    """Return what is seen of a text, at a first glance."""
    seen = UNSEEN.sub("", text).translate(_LIKE_LATIN)
    seen = "".join(" " if is_blank(char) else char for char in seen)
    return unicodedata.normalize("NFC", seen).strip(" ")


def _is_unseen(char: str) -> bool:
    return UNSEEN.match(char) is not None or (is_blank(char) and char != " ")


def _is_not_ascii(char: str) -> bool:
    return not char.isascii()


# Values that differ though their texts do not


def note_unseen(case: Case, expected: object, actual: object) -> None:
    """Note in a case where recorded values differ, if their texts can't show it.

    That is beyond the part that is kept of two strings, or in the types of values that
    have one text, as 1 and "1".
    """
    if case.expected is None or case.actual is None:
        return
    if type(expected) is str and type(actual) is str:
        is_cut = min(len(expected), len(actual)) > MAX_TEXT
        if is_cut or case.expected == case.actual:
            index = first_difference(expected, actual)
            case.differs_at = None if index is None else index + 1
    elif case.expected == case.actual:
        case.types = _differing_types(expected, actual)


def _differing_types(one: object, other: object) -> str | None:
    """Return the first two types that differ in two values, as ``int and str``."""
    pairs: list[tuple[Any, Any]] = [(one, other)]
    for left, right in pairs:
        kind = type(left)
        if kind is not type(right):
            return f"{kind.__name__} and {type(right).__name__}"
        if len(pairs) > _MOST_PAIRS:
            break
        if kind is dict:
            pairs += zip(left, right, strict=False)
            pairs += zip(left.values(), right.values(), strict=False)
        elif kind is list or kind is tuple:
            pairs += zip(left, right, strict=False)
    return None


def difference_place(case: Case, seen: int) -> str | None:
    """Say where expected and actual differ, or in what if their texts are equal.

    None where there is no need to: they do within their first `seen` characters.
    """
    is_same = case.expected == case.actual
    if is_same and case.types is not None:
        return f"in type: {case.types}"
    if case.differs_at is None or (not is_same and case.differs_at <= seen):
        return None
    kept = ", which is not kept" if is_same else ""
    return f"at character {case.differs_at:,}{kept}"


def sameness(text: str) -> str:
    """Say that two texts are equal, as far as that is known."""
    if _REDACTED in text:
        return "the same, apart from secrets"
    return "the same, as far as it is kept" if _CUT in text else "the same"


class KeyDifference(NamedTuple):
    """A key that two JSON values differ in, and its value in each as JSON.

    `key` is a path, as ``lines[1].sku``. The value is None where the key is missing.
    """

    key: str
    expected: str | None
    actual: str | None


def is_container(text: str) -> bool:
    """Whether a text may be a JSON object or array, by its first character."""
    return text.startswith(_BRACKETS)


def differing_keys(expected: str, actual: str) -> list[KeyDifference]:
    """Return the keys that two texts differ in, in order.

    There are none unless both are JSON objects, or both arrays that hold any.
    """
    if not (is_container(expected) and is_container(actual)):
        return []
    try:
        one, other = json.loads(expected), json.loads(actual)
        return list(_differences(one, other))
    except (ValueError, RecursionError):
        return []


def _differences(one: Json, other: Json) -> Iterator[KeyDifference]:
    waiting: list[tuple[str | None, object, object]] = [(None, one, other)]
    while waiting:
        key, left, right = waiting.pop()
        if (members := _members(key, left, right)) is not None:
            waiting += reversed(members)
        elif key is not None and (texts := (_text(left), _text(right)))[0] != texts[1]:
            yield KeyDifference(key, *texts)


def _members(
    key: str | None, one: object, other: object
) -> list[tuple[str | None, object, object]] | None:
    """Return what two values are compared by, None where it is as a whole."""
    if isinstance(one, dict) and isinstance(other, dict):
        path = "" if key is None else f"{key}."
        names = {**one, **other}
        return [
            (f"{path}{name}", one.get(name, _MISSING), other.get(name, _MISSING))
            for name in names
        ]
    if isinstance(one, list) and isinstance(other, list) and _holds_any(one, other):
        most = max(len(one), len(other))
        pairs = [each + [_MISSING] * (most - len(each)) for each in (one, other)]
        path = key or ""
        return [
            (f"{path}[{n}]", *pair) for n, pair in enumerate(zip(*pairs, strict=True))
        ]
    return None


def _holds_any(*arrays: list[object]) -> bool:
    return any(isinstance(each, (dict, list)) for array in arrays for each in array)


def _text(value: object) -> str | None:
    return None if value is _MISSING else json.dumps(value, ensure_ascii=False)
