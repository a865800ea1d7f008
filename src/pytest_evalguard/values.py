"""Any Python value as text or as JSON data: bounded, deterministic, never raising.

Strings stay as they are, everything else becomes JSON. Whatever a value does when it
is looked at (a ``__repr__`` that raises, a cycle, 2,000 levels) ends in visible text.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping

MAX_TEXT = 100_000
"""Longest text kept of one value, in characters; what is cut off leaves a mark."""

MAX_ELEMENTS = 10_000
"""Most elements kept of one value, counted over all its levels."""

MAX_DEPTH = 50
"""Deepest level of nesting kept of one value."""

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

# What looking at a hostile value may raise; SystemExit is none of a test's verdicts.
HOSTILE = (Exception, SystemExit, GeneratorExit)

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LARGEST_INT = 2**63
_encode = json.JSONEncoder(ensure_ascii=False).encode


def as_text(value: object, clean: Callable[[str], str] = str) -> str:
    """Return `value` as text: a string as it is, anything else as JSON.

    :param clean: applied to the whole text before it is cut to `MAX_TEXT` characters.
    """
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        text = clean_text(value)
    else:
        text = _encode(as_data(value, clean))
    return text if len(text) <= MAX_TEXT else cut(clean(text))


def as_data(value: object, clean: Callable[[str], str] = str) -> Json:
    """Return `value` as data that `json` can write: no NaN, cycle or surrogate.

    :param clean: applied to each string before it is cut to `MAX_TEXT` characters.
    """
    return _Reader(clean).read(value, 0)


def clean_text(text: str) -> str:
    """Return a plain `str` that UTF-8 can carry: lone surrogates are escaped."""
    if type(text) is not str:
        text = str.__str__(text)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def cut(text: str, limit: int = MAX_TEXT) -> str:
    """Keep the first `limit` characters and say how many there were."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… [cut: {limit:,} of {len(text):,} characters kept]"


def describe(value: object) -> str:
    """Return `repr(value)` on one bounded line, or what happened instead."""
    try:
        text = clean_text(repr(value))
    except HOSTILE as error:
        return f"<{type(value).__name__}: repr() raised {type(error).__name__}>"
    return cut(_ADDRESS.sub("", text), 1_000)


class _Reader:
    """Reads one value; holds the open containers and what is left of its size."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self._open: set[int] = set()
        self._left = MAX_ELEMENTS

    def read(self, value: object, depth: int) -> Json:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str) and not isinstance(value, enum.Enum):
            return self._text(clean_text(value))
        try:
            return self._read_other(value, depth)
        except HOSTILE:
            return describe(value)

    def _read_other(self, value: object, depth: int) -> Json:
        if type(value) is int or type(value) is float:
            return _number(value)
        if isinstance(value, (list, tuple, set, frozenset, Mapping)):
            return self._read_container(value, depth)
        if isinstance(value, (bytes, bytearray)):
            return self._text(value.decode("utf-8", "backslashreplace"))
        if isinstance(value, enum.Enum):
            return self.read(value.value, depth + 1)
        if isinstance(value, type):
            return f"{value.__module__}.{value.__qualname__}"
        return self._read_object(value, depth)

    def _read_object(self, value: object, depth: int) -> Json:
        if dataclasses.is_dataclass(value):
            names = [field.name for field in dataclasses.fields(value)]
            return self._read_container(_attributes(value, names), depth, value)
        kind = type(value)
        if hasattr(kind, "model_fields") and hasattr(kind, "model_dump"):
            fields = _attributes(value, kind.model_fields)
            return self._read_container(fields, depth, value)
        if hasattr(kind, "__attrs_attrs__"):
            names = [attribute.name for attribute in kind.__attrs_attrs__]
            return self._read_container(_attributes(value, names), depth, value)
        if kind.__module__ == "numpy":
            return self._read_numpy(value, depth)
        if hasattr(kind, "isoformat"):
            return clean_text(str(kind.isoformat(value)))
        if isinstance(value, int):
            return _number(int.__int__(value))
        if isinstance(value, float):
            return _number(float.__float__(value))
        return _other_text(value)

    def _read_numpy(self, value: object, depth: int) -> Json:
        size: object = getattr(value, "size", 0)
        if isinstance(size, int) and size <= MAX_ELEMENTS:
            plain: object = value.tolist()  # type: ignore[attr-defined] # no numpy here
            if type(plain) is not type(value):
                return self.read(plain, depth)
        return describe(value)

    def _read_container(
        self, value: Iterable[object], depth: int, owner: object = None
    ) -> Json:
        identity = id(value if owner is None else owner)
        name = type(value if owner is None else owner).__name__
        if identity in self._open:
            return f"<{name}: contains itself>"
        if depth >= MAX_DEPTH:
            return f"<{name}: nested deeper than {MAX_DEPTH} levels>"
        self._open.add(identity)
        try:
            if isinstance(value, Mapping):
                return self._read_mapping(value, depth + 1)
            return self._read_elements(value, depth + 1)
        finally:
            self._open.discard(identity)

    def _read_mapping(self, value: Mapping[object, object], depth: int) -> Json:
        data: dict[str, Json] = {}
        for key, element in value.items():
            if not self._take():
                data["…"] = _cut_mark(len(value))
                break
            data[_key(key, data)] = self.read(element, depth)
        return data

    def _read_elements(self, value: Iterable[object], depth: int) -> Json:
        data: list[Json] = []
        for element in value:
            if not self._take():
                data.append(_cut_mark(len(value)))  # type: ignore[arg-type] # sized
                break
            data.append(self.read(element, depth))
        if isinstance(value, (set, frozenset)):
            # the order of a set differs from process to process, that of a row may not
            data.sort(key=_encode)
        return data

    def _text(self, text: str) -> str:
        return text if len(text) <= MAX_TEXT else cut(self._clean(text))

    def _take(self) -> bool:
        self._left -= 1
        return self._left >= 0


def _cut_mark(length: int) -> str:
    return f"[cut: {length:,} elements here, {MAX_ELEMENTS:,} kept in all]"


def _attributes(value: object, names: Iterable[str]) -> dict[str, object]:
    return {name: getattr(value, name, "<not set>") for name in names}


def _number(value: int | float) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else _non_finite(value)
    if -_LARGEST_INT <= value < _LARGEST_INT:
        return value
    try:
        return cut(str(value))
    except ValueError:  # more digits than Python converts (sys.set_int_max_str_digits)
        return f"<int of {value.bit_length():,} bits>"


def _non_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _key(key: object, data: Mapping[str, Json]) -> str:
    text = clean_text(key) if isinstance(key, str) else _key_text(key)
    # two keys with one text, as 1 and "1", both stay
    while text in data:
        text = f"{text} ({type(key).__name__})"
    return text


def _key_text(key: object) -> str:
    data = as_data(key)
    return data if isinstance(data, str) else _encode(data)


def _other_text(value: object) -> Json:
    kind = type(value)
    if kind.__module__ in ("decimal", "fractions", "uuid", "ipaddress", "pathlib"):
        return clean_text(str(value))
    if hasattr(kind, "__fspath__"):
        return clean_text(str(value))
    return describe(value)
