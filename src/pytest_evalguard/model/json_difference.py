"""Two JSON texts that differ, told by the keys that differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from .json_data import Json

_MISSING = object()
_BRACKETS = ("{", "[")


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
