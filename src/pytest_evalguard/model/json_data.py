"""JSON data: what it is made of, its keys, and how it is cut to a size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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


# Cut to a size: long strings in the middle, each by its share

Clean = Callable[[str], str]

SHORTEST_SHARE = 100
"""No string is cut below this many characters: where there are too many, some go."""

_LONGEST_SECRET = 20_000
_CLEANED_WHOLE = 500_000  # characters, for some 10 ms


def shortened(text: str, limit: int, clean: Clean = str) -> str:
    """Return text of at most `limit` characters: what is cut is from its middle.

    :param limit: from `SHORTEST_SHARE` on, so that there is room for the mark.
    :param clean: replaces secrets. It sees text before it is cut, as a part of a secret
        has its shape no more; of a very long text it sees what is kept, and on the
        other side of each cut what a secret may have there.
    """
    if len(text) <= limit:
        return text
    room = limit - len(_mark(limit, len(text)))
    back = room // 3
    front = room - back
    if len(text) <= _CLEANED_WHOLE:
        head = tail = clean(text)
        if len(head) <= limit:
            return head
    else:  # what may be a part of a secret where the text was cut stays out
        head = clean(text[: front + _LONGEST_SECRET])
        head = head[: max(0, len(head) - _LONGEST_SECRET)]
        tail = clean(text[-back - _LONGEST_SECRET :])[_LONGEST_SECRET:]
    head, tail = head[:front], tail[max(0, len(tail) - back) :]
    return head + _mark(len(head) + len(tail), len(text)) + tail


def fitted(data: Json, room: int, clean: Clean, most: str) -> Json:
    """Return data whose strings have at most `room` characters together.

    The longest are shortened, all to the same length. Where there are too many for
    that, the last elements go.

    :param most: what a mark says to be the most that is kept.
    """
    share = max(SHORTEST_SHARE, _share(_lengths(data), room))
    return _Fitting(room, share, clean, most).fit(data)


def elements_mark(count: int | None, most: str) -> str:
    """Return what stands for elements that are cut off, of `count` in all."""
    return f"[cut: {'more' if count is None else f'{count:,}'} elements here, {most}]"


def _mark(kept: int, length: int) -> str:
    return f"… [cut: {kept:,} of {length:,} characters kept] …"


def _share(lengths: Iterable[int], room: int) -> int:
    """Return the length to which the longest are shortened for all to fit in `room`."""
    ascending = sorted(lengths)
    for place, length in enumerate(ascending):
        many = len(ascending) - place
        if length * many > room:
            return room // many
        room -= length
    return ascending[-1] if ascending else 0


def _lengths(data: Json) -> Iterator[int]:
    if isinstance(data, str):
        yield len(data)
    elif isinstance(data, dict):
        yield from map(len, data)
        for element in data.values():
            yield from _lengths(element)
    elif isinstance(data, list):
        for element in data:
            yield from _lengths(element)


class _Fitting:
    def __init__(self, room: int, share: int, clean: Clean, most: str) -> None:
        self._room = room
        self._share = share
        self._clean = clean
        self._most = most

    def fit(self, data: Json) -> Json:
        if isinstance(data, str):
            return self._text(data)
        if isinstance(data, dict):
            return self._mapping(data)
        return self._elements(data) if isinstance(data, list) else data

    def _mapping(self, data: dict[str, Json]) -> Json:
        fit: dict[str, Json] = {}
        for key, element in data.items():
            if self._room < 0:
                fit[unused_key("…", fit)] = elements_mark(len(data), self._most)
                break
            name = unused_key(self._text(key), fit)  # takes its room before the element
            fit[name] = self.fit(element)
        return fit

    def _elements(self, data: list[Json]) -> Json:
        fit: list[Json] = []
        for element in data:
            if self._room < 0:
                fit.append(elements_mark(len(data), self._most))
                break
            fit.append(self.fit(element))
        return fit

    def _text(self, text: str) -> str:
        text = shortened(text, self._share, self._clean)
        self._room -= len(text)
        return text
