"""Any Python value as text or as JSON data: bounded, deterministic, never raising.

Strings stay as they are, everything else becomes JSON. Whatever a value does when it
is looked at (a ``__repr__`` that raises, a cycle, 2,000 levels) ends in visible text.
What a value is, its type says: `isinstance` would ask the value itself.
"""

from __future__ import annotations

import enum
import json
import math
from collections import UserString
from collections.abc import Callable, Iterable, Mapping, Sequence, Set, ValuesView
from typing import Any

from .json_data import (
    MAX_TEXT,
    SHORTEST_SHARE,
    Clean,
    Json,
    elements_mark,
    fitted,
    shortened,
    unused_key,
)
from .records import (
    DATA_URL,
    PASSED_ON,
    binary_text,
    contents,
    fields,
    image_text,
    is_array,
    is_image,
    named_elements,
    raw_bytes,
    structured,
    type_name,
    without_data_urls,
)
from .text import lazy

MAX_ELEMENTS = 10_000
"""Most elements kept of one value, counted over all its levels."""

MAX_DEPTH = 50
"""Deepest level of nesting kept of one value."""

HOSTILE = (Exception, SystemExit, GeneratorExit)
"""What a hook of a user's may raise; `SystemExit` is none of a test's verdicts."""

_ELEMENTS = (Sequence, Set, ValuesView)
_SPELT_OUT = ("datetime", "decimal", "fractions", "uuid", "ipaddress")
_MOST = f"at most {MAX_ELEMENTS:,} and {MAX_TEXT:,} characters are kept"
_STRINGS_ROOM = MAX_TEXT * 9 // 10  # what holds the strings needs room as well
_MOST_READ = 50 * MAX_TEXT  # the rest is not looked at, so that time and memory end
_BYTES_OF_A_CHARACTER = 20  # that is, of binary content, which is only counted
_SET_ASIDE = 20
_SHORT = 250
_LONGEST_REPR = 1_000
_LARGEST_INT = 2**63
_MOST_BITS = 10_000  # about 3,000 digits: Python converts 4,300 at the least
_IDENTITY = lazy(r" at 0x[0-9a-fA-F]+| id='[0-9]+'")
_encode = json.JSONEncoder(ensure_ascii=False).encode


def as_text(value: Any, clean: Clean = str) -> str:
    """Return `value` as text of at most `MAX_TEXT` characters: strings, or JSON.

    :param clean: replaces secrets, before text is cut.
    """
    kind = type(value)
    if kind is str and len(value) <= MAX_TEXT and value.isascii() and ";" not in value:
        return value  # type: ignore[no-any-return] # a str, as nearly all values are
    if kind is str or _is_text(kind):
        return _whole_text(value, clean)
    if kind is float and math.isfinite(value):
        return _encode(value)
    reader = _Reader(clean)
    data = reader.read(value, 0)
    if reader.length <= _STRINGS_ROOM:
        text = _encode(data)
        if len(text) <= MAX_TEXT:
            return text
    return _long_json(data, min(reader.length, _STRINGS_ROOM), clean)


def as_data(value: Any, clean: Clean = str) -> Json:
    """Return `value` as data that `json` can write: no NaN, cycle or surrogate.

    :param clean: replaces secrets, before a string is cut.
    """
    kind = type(value)
    if kind is str:
        return as_text(value, clean)
    if kind is float and math.isfinite(value):
        return value  # type: ignore[no-any-return] # it is a number
    reader = _Reader(clean)
    data = reader.read(value, 0)
    is_long = reader.length > MAX_TEXT
    return fitted(data, MAX_TEXT, clean, _MOST) if is_long else data


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
        text = _plain(repr(value))
    except PASSED_ON:
        raise
    except BaseException as error:  # noqa: BLE001 # whatever a value does is shown
        text = f"<{type_name(value)}: repr() raised {type_name(error)}>"
    return shortened(clean(without_addresses(text)), _LONGEST_REPR)


def without_addresses(text: str) -> str:
    """Return text without what differs from process to process in a default repr."""
    return _IDENTITY.sub("", text)


class _Reader:
    """Reads one value whole, up to `MAX_ELEMENTS`; strings are cut when all is known.

    Holds the open containers and how many elements may still be read.
    """

    length = 0  # of all strings together
    _left = MAX_ELEMENTS
    _is_in_set = False

    def __init__(self, clean: Clean) -> None:
        self._clean = clean
        self._open: set[int] = set()

    def read(self, value: Any, depth: int) -> Json:
        kind = type(value)
        if kind is str:
            return self._text(value)
        if value is None or kind is bool:
            return value  # type: ignore[no-any-return] # it is one of three
        try:
            return self._read_other(value, kind, depth)
        except PASSED_ON:
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
            return self._text(str.__str__(value))
        if issubclass(kind, enum.Enum):
            return self._nested(value, value.value, self.read, depth)
        if (raw := raw_bytes(value, kind)) is not None:
            return self._binary(binary_text(raw), len(raw))
        if issubclass(kind, Mapping) and not hasattr(kind, "data_vars"):
            return self._nested(value, value, self._read_mapping, depth)
        if issubclass(kind, _ELEMENTS) and not issubclass(kind, UserString):
            named = named_elements(value, kind)
            read = self._read_elements if named is None else self._read_mapping
            return self._nested(value, value if named is None else named, read, depth)
        return self._read_object(value, kind, depth)

    def _read_object(self, value: Any, kind: type, depth: int) -> Json:
        if is_array(value, kind):
            return self._read_array(value, kind, depth)
        if issubclass(kind, int):
            return self._number(int.__int__(value))
        if issubclass(kind, float):
            return self._number(float.__float__(value))
        if (content := fields(value, kind)) is not None:
            return self._nested(value, content, self.read, depth)
        if (text := _spelt_out(value, kind)) is not None:
            return self._text(text)
        if (content := contents(value, kind, MAX_ELEMENTS)) is not None:
            return self._nested(value, content, self.read, depth)
        if is_image(value, kind):
            return self._binary(image_text(value), math.prod(value.size))
        return self._text(describe(value, self._clean))

    def _read_array(self, value: Any, kind: type, depth: int) -> Json:
        """Read what is like numpy's arrays and scalars; a large one is not unfolded."""
        shape, dtype = tuple(value.shape), value.dtype
        if getattr(dtype, "names", None):
            return self._nested(value, structured(value), self.read, depth)
        if math.prod(shape) > MAX_ELEMENTS:
            shown = f"{describe(shape)}, {describe(dtype)}"
            return self._text(f"<{type_name(value)} of shape {shown}>")
        is_date = getattr(dtype, "kind", "") == "M"
        plain = (value.astype(str) if is_date else value).tolist()
        if type(plain) is kind:
            return self._text(describe(value, self._clean))
        return self.read(plain, depth)

    def _nested(
        self, owner: object, content: Any, read: Callable[[Any, int], Json], depth: int
    ) -> Json:
        if id(owner) in self._open:
            return self._text(f"<{type_name(owner)}: contains itself>")
        if depth >= MAX_DEPTH:
            levels = f"nested deeper than {MAX_DEPTH} levels"
            return self._text(f"<{type_name(owner)}: {levels}>")
        self._open.add(id(owner))
        try:
            return read(content, depth + 1)
        finally:
            self._open.discard(id(owner))

    def _read_mapping(self, value: Mapping[object, object], depth: int) -> Json:
        data: dict[str, Json] = {}
        each = self._set_aside(value) if type(value) is dict else 0
        for key, element in value.items():
            if each:
                self._left += each
            elif not self._take():
                data[unused_key("…", data)] = self._cut_mark(value)
                break
            name = self._text(key) if type(key) is str else self._key(key, depth)
            if name in data:
                name = unused_key(name, data)
            data[name] = self.read(element, depth)
        return data

    def _read_elements(self, value: Iterable[object], depth: int) -> Json:
        kind = type(value)
        if issubclass(kind, Set):
            return self._read_set(value, depth)
        data: list[Json] = []
        each = self._set_aside(value) if kind is list or kind is tuple else 0
        for element in value[:] if each else value:  # type: ignore[index] # a list
            if each:
                self._left += each
            elif not self._take():
                data.append(self._cut_mark(value))
                break
            data.append(self.read(element, depth))
        return data

    def _read_set(self, value: Any, depth: int) -> Json:
        data: list[Json] = []
        length, was_in_set, self._is_in_set = self.length, self._is_in_set, True
        try:
            for element in value:
                if not self._take():
                    break
                data.append(self.read(element, depth))
        finally:
            self._is_in_set = was_in_set
        if self._left >= 0 and self.length <= _MOST_READ:
            return sorted(data, key=_encode)
        # its order differs from process to process, and so does what was read of it
        self.length, self._left = length, -1
        return [self._cut_mark(value)]

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
        length = len(text)
        if length > _SHORT or ";" in text or not text.isascii():
            return self._long_text(text)
        self.length += length
        return text

    def _long_text(self, text: str) -> str:
        plain = _plain(text)
        self.length += max(0, len(text) - len(plain)) // _BYTES_OF_A_CHARACTER
        if self.length + len(plain) > _MOST_READ:
            self._left = -1
            plain = shortened(plain, SHORTEST_SHARE, self._clean)
        self.length += len(plain)
        return plain

    def _binary(self, text: str, size: int) -> str:
        self.length += size // _BYTES_OF_A_CHARACTER
        return self._text(text)

    def _set_aside(self, value: Any) -> int:
        """Take the elements of a short container at once, and some for each of them.

        So what a long one in it takes is not at the cost of what comes after it. In a
        set it would depend on the order what is cut.
        """
        taken = len(value) * (1 + _SET_ASIDE)
        if self._is_in_set or 2 * taken > self._left:
            return 0
        self._left -= taken
        return _SET_ASIDE

    def _take(self) -> bool:
        if self._left <= 0:
            self._left = -1
            return False
        self._left -= 1
        return True

    def _cut_mark(self, value: Any) -> str:
        try:
            length = len(value)
        except PASSED_ON:
            raise
        except BaseException:  # noqa: BLE001 # whatever a value does is shown
            length = None
        return self._text(elements_mark(length, _MOST))


def _long_json(data: Json, room: int, clean: Clean) -> str:
    """Write data with shortened strings; only where that does not do, cut the JSON."""
    text = whole = _encode(fitted(data, room, clean, _MOST))
    if len(text) > MAX_TEXT:  # escapes make strings longer
        room = room * MAX_TEXT // len(text)
        text = _encode(fitted(data, room, clean, _MOST))
    if len(text) > MAX_TEXT:  # and other things take room
        room -= len(text) - MAX_TEXT
        text = _encode(fitted(data, room, clean, _MOST)) if room > 0 else whole
    return shortened(text, MAX_TEXT, clean)


def _whole_text(value: str, clean: Clean) -> str:
    text = _plain(value)
    return text if len(text) <= MAX_TEXT else shortened(text, MAX_TEXT, clean)


def _is_text(kind: type) -> bool:
    return kind is str or (issubclass(kind, str) and not issubclass(kind, enum.Enum))


def _plain(text: str) -> str:
    text = clean_text(text)
    # the first looks for one character, which takes no time
    return without_data_urls(text) if ";" in text and DATA_URL in text else text


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
