"""JSON data: what it is made of, keys that don't clash, and looking them up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

MAX_TEXT = 100_000
"""Longest text kept of one value, in characters; what is cut off leaves a mark."""

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def unused_key(key: str, taken: Mapping[str, object]) -> str:
    """Return a key, numbered by its place when there is one like it already."""
    number = len(taken) + 1
    unused = key
    while unused in taken:
        unused = f"{key} #{number}"
        number += len(taken)
    return unused


def first(source: object, *names: str) -> object:
    """Return the first of several attributes or keys that is there and not None.

    Each is looked up as it is and in camel case, as JSON has it.
    """
    mapping = source if isinstance(source, Mapping) else None
    for name in names:
        for spelling in _spellings(name):
            if mapping is not None:
                value: object = mapping.get(spelling)
            else:
                value = getattr(source, spelling, None)
            if value is not None:
                return value
    return None


def has(source: object, name: str) -> bool:
    """Whether something has an attribute or a key of that name."""
    return name in source if isinstance(source, Mapping) else hasattr(source, name)


@lru_cache(maxsize=256)
def _spellings(name: str) -> tuple[str, ...]:
    start, *words = name.split("_")
    return tuple({name: 1, start + "".join(map(str.capitalize, words)): 1})
