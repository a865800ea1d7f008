"""Any Python value as text or as JSON data: bounded, deterministic, never raising.

Strings stay as they are, everything else becomes JSON. Whatever a value does when it
is looked at (a ``__repr__`` that raises, a cycle, 2,000 levels) ends in visible text.
What a value is, its type says: `isinstance` would ask the value itself.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import re
from collections import UserString
from collections.abc import Callable, Iterable, Mapping, Sequence, Set, ValuesView
from typing import Any

import pytest

from .data import Json, unused_key

MAX_TEXT = 100_000
"""Longest text kept of one value, in characters; what is cut off leaves a mark."""

MAX_ELEMENTS = 10_000
"""Most elements kept of one value, counted over all its levels."""

MAX_DEPTH = 50
"""Deepest level of nesting kept of one value."""

HOSTILE = (Exception, SystemExit, GeneratorExit)
"""What a hook of a user's may raise; `SystemExit` is none of a test's verdicts."""

# not the value's doing: Ctrl-C, and what ends a test or the session from a signal
_PASSED_ON = (KeyboardInterrupt, pytest.exit.Exception, pytest.fail.Exception)

_ELEMENTS = (Sequence, Set, ValuesView)
_NO_ELEMENTS = (UserString, memoryview)
_SPELT_OUT = ("datetime", "decimal", "fractions", "uuid", "ipaddress")
_STRINGS_SHARE = 0.9  # of MAX_TEXT, so that what holds the strings has room as well
_LONGEST_SECRET = 20_000
_LONGEST_REPR = 1_000
_LARGEST_INT = 2**63
_MOST_BITS = 10_000  # about 3,000 digits: Python converts 4,300 at the least
_IDENTITY = re.compile(r" at 0x[0-9a-fA-F]+| id='[0-9]+'")
_encode = json.JSONEncoder(ensure_ascii=False).encode


def as_text(value: object, clean: Callable[[str], str] = str) -> str:
    """Return `value` as text: a string as it is, anything else as JSON.

    :param clean: replaces secrets, before text is cut to `MAX_TEXT` characters.
    """
    if _is_text(type(value)):
        text = clean_text(value)  # type: ignore[arg-type] # its type is str
    else:
        reader = _Reader(clean, int(_STRINGS_SHARE * MAX_TEXT))
        text = _encode(reader.read(value, 0))
    return text if len(text) <= MAX_TEXT else _cleaned_cut(text, MAX_TEXT, clean)


def as_data(value: object, clean: Callable[[str], str] = str) -> Json:
    """Return `value` as data that `json` can write: no NaN, cycle or surrogate.

    :param clean: replaces secrets, before a string is cut.
    """
    return _Reader(clean, MAX_TEXT).read(value, 0)


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


def describe(value: object, clean: Callable[[str], str] = str) -> str:
    """Return `repr(value)`, bounded and without addresses, or what happened instead.

    :param clean: applied to the whole text before it is cut.
    """
    try:
        text = clean_text(repr(value))
    except _PASSED_ON:
        raise
    except BaseException as error:  # noqa: BLE001 # whatever a value does is shown
        text = f"<{_name(value)}: repr() raised {_name(error)}>"
    return cut(clean(without_addresses(text)), _LONGEST_REPR)


def without_addresses(text: str) -> str:
    """Return text without what differs from process to process in a default repr."""
    return _IDENTITY.sub("", text)


class _Reader:
    """Reads one value; holds the open containers and what is left of its size."""

    def __init__(self, clean: Callable[[str], str], room: int) -> None:
        self._clean = clean
        self._room = room
        self._left = MAX_ELEMENTS
        self._open: set[int] = set()

    def read(self, value: Any, depth: int) -> Json:
        kind = type(value)
        if kind is str:
            return self._text(value)
        if value is None or kind is bool:
            return value  # type: ignore[no-any-return] # it is one of three
        try:
            return self._read_other(value, kind, depth)
        except _PASSED_ON:
            raise
        except BaseException:  # noqa: BLE001 # whatever a value does is shown
            return self._text(describe(value, self._clean))

    def _read_other(self, value: Any, kind: type, depth: int) -> Json:
        if kind is dict:
            return self._nested(value, value, self._read_mapping, depth)
        if kind is list or kind is tuple:
            return self._nested(value, value, self._read_elements, depth)
        if kind is int or kind is float:
            return self._number(value)
        if _is_text(kind):
            return self._text(value)
        if issubclass(kind, enum.Enum):
            return self._nested(value, value.value, self.read, depth)
        if issubclass(kind, (bytes, bytearray)):
            raw = memoryview(value).tobytes()
            return self._text(raw.decode("utf-8", "backslashreplace"))
        if issubclass(kind, Mapping):
            return self._nested(value, value, self._read_mapping, depth)
        if issubclass(kind, _ELEMENTS) and not issubclass(kind, _NO_ELEMENTS):
            return self._nested(value, value, self._read_elements, depth)
        return self._read_object(value, kind, depth)

    def _read_object(self, value: Any, kind: type, depth: int) -> Json:
        if hasattr(kind, "tolist") and hasattr(kind, "dtype"):
            return self._read_array(value, kind, depth)
        if issubclass(kind, int):
            return self._number(int.__int__(value))
        if issubclass(kind, float):
            return self._number(float.__float__(value))
        if (fields := _fields(value, kind)) is not None:
            return self._nested(value, fields, self.read, depth)
        text = _spelt_out(value, kind)
        return self._text(describe(value, self._clean) if text is None else text)

    def _read_array(self, value: Any, kind: type, depth: int) -> Json:
        """Read what is like numpy's arrays and scalars; a large one is not unfolded."""
        if type(value.size) is not int or value.size > MAX_ELEMENTS:
            shape, dtype = describe(tuple(value.shape)), describe(value.dtype)
            return self._text(f"<{_name(value)} of shape {shape}, {dtype}>")
        is_date = getattr(value.dtype, "kind", "") == "M"
        plain = (value.astype(str) if is_date else value).tolist()
        if type(plain) is kind:
            return self._text(describe(value, self._clean))
        return self.read(plain, depth)

    def _nested(
        self, owner: object, content: Any, read: Callable[[Any, int], Json], depth: int
    ) -> Json:
        if id(owner) in self._open:
            return self._text(f"<{_name(owner)}: contains itself>")
        if depth >= MAX_DEPTH:
            levels = f"nested deeper than {MAX_DEPTH} levels"
            return self._text(f"<{_name(owner)}: {levels}>")
        self._open.add(id(owner))
        try:
            return read(content, depth + 1)
        finally:
            self._open.discard(id(owner))

    def _read_mapping(self, value: Mapping[object, object], depth: int) -> Json:
        data: dict[str, Json] = {}
        for key, element in value.items():
            if not self._take():
                data[unused_key("…", data)] = _cut_mark(value)
                break
            name = self._text(key) if type(key) is str else self._key(key, depth)
            if name in data:
                name = unused_key(name, data)
            data[name] = self.read(element, depth)
        return data

    def _read_elements(self, value: Iterable[object], depth: int) -> Json:
        data: list[Json] = []
        for element in value:
            if not self._take():
                data.append(_cut_mark(value))
                break
            data.append(self.read(element, depth))
        if issubclass(type(value), Set):
            # its order differs from process to process, and so does what is cut off
            data = [_cut_mark(value)] if self._left < 0 else sorted(data, key=_encode)
        return data

    def _key(self, key: object, depth: int) -> str:
        data = self.read(key, depth)
        return data if isinstance(data, str) else _encode(data)

    def _number(self, value: int | float) -> Json:
        if isinstance(value, float):
            return value if math.isfinite(value) else _non_finite(value)
        if -_LARGEST_INT <= value < _LARGEST_INT:
            return value
        bits = value.bit_length()
        is_huge = bits > _MOST_BITS
        return self._text(f"<int of {bits:,} bits>" if is_huge else str(value))

    def _text(self, text: str) -> str:
        text = clean_text(text)
        if len(text) <= self._room:
            self._room -= len(text)
            return text
        room, self._room, self._left = self._room, 0, -1
        return _cleaned_cut(text, room, self._clean)

    def _take(self) -> bool:
        self._left -= 1
        return self._left >= 0


def _is_text(kind: type) -> bool:
    return kind is str or (issubclass(kind, str) and not issubclass(kind, enum.Enum))


def _name(value: object) -> str:
    """Return the name of a value's type, whatever its metaclass says."""
    return str(type.__dict__["__name__"].__get__(type(value)))


def _cleaned_cut(text: str, limit: int, clean: Callable[[str], str]) -> str:
    """Cut after cleaning: a part of a secret would have its shape no more."""
    head = text[: limit + _LONGEST_SECRET]
    kept = clean(head)
    if len(head) < len(text):  # what was a part of a secret there stays out
        kept = kept[: max(0, len(kept) - _LONGEST_SECRET)]
    kept = kept[:limit]
    return f"{kept}… [cut: {len(kept):,} of {len(text):,} characters kept]"


def _cut_mark(value: Any) -> str:
    most = f"at most {MAX_ELEMENTS:,} and {MAX_TEXT:,} characters are kept"
    try:
        return f"[cut: {len(value):,} elements here, {most}]"
    except _PASSED_ON:
        raise
    except BaseException:  # noqa: BLE001 # whatever a value does is shown
        return f"[cut: more elements here, {most}]"


def _fields(value: Any, kind: Any) -> object:
    """Return what dataclasses, pydantic models and attrs classes hold, or None."""
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
        return {name: _attribute(value, name) for name in names}
    if hasattr(kind, "__attrs_attrs__"):
        names = [attribute.name for attribute in kind.__attrs_attrs__]
        return {name: _attribute(value, name) for name in names}
    if hasattr(kind, "model_fields") and hasattr(kind, "model_dump"):
        return _model_fields(value, kind)
    return None


def _model_fields(value: Any, kind: Any) -> object:
    """Return what a model would dump, without running any code of its class."""
    state = vars(value)
    shown = [name for name, field in kind.model_fields.items() if not field.exclude]
    if shown == ["root"]:
        return state["root"]
    fields = {name: state.get(name, "<not set>") for name in shown}
    return {**fields, **(value.__pydantic_extra__ or {})}


def _attribute(value: object, name: str) -> object:
    try:
        return getattr(value, name, "<not set>")
    except _PASSED_ON:
        raise
    except BaseException as error:  # noqa: BLE001 # whatever a value does is shown
        return f"<raised {_name(error)}>"


def _non_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _spelt_out(value: Any, kind: Any) -> str | None:
    if issubclass(kind, type):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(kind, "isoformat"):
        return str(kind.isoformat(value))
    is_spelt_out = kind.__module__ in _SPELT_OUT or issubclass(kind, UserString)
    if is_spelt_out or hasattr(kind, "__fspath__"):
        return without_addresses(str(value))
    return None
