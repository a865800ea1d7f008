"""What values of common kinds hold: under the names that they give it, or as one line.

A kind is known by the attributes of its type, so that no library is imported for it.
What may be long is read by rows, as only the first of a million are kept.
"""

from __future__ import annotations

import binascii
import dataclasses
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import pytest

from .json_data import unused_key
from .text import lazy

# not the value's doing: Ctrl-C, and what ends a test or the session from a signal
PASSED_ON = (KeyboardInterrupt, pytest.exit.Exception, pytest.fail.Exception)

_MISSING = "<not set>"
_ROWS_AT_ONCE = 256
_UNFOLDS = ("to_dicts", "to_pylist", "to_list")
_TELLS = ("to_dict", "_asdict", "as_py")


def type_name(value: object) -> str:
    """Return the name of a value's type, whatever its metaclass says."""
    return str(type.__dict__["__name__"].__get__(type(value)))


@Mapping.register
class Pairs:
    """Names and values that are read once; a name may be there more than once."""

    def __init__(self, pairs: Iterable[tuple[Any, Any]], length: int) -> None:
        self._pairs = pairs
        self._length = length

    def items(self) -> Iterable[tuple[Any, Any]]:
        return self._pairs

    def __len__(self) -> int:
        return self._length


@Sequence.register
class Rows:
    """Elements that are read once; `length` is of all that there are."""

    def __init__(self, rows: Iterable[Any], length: int) -> None:
        self._rows = rows
        self._length = length

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def __len__(self) -> int:
        return self._length


def named_elements(value: Any, kind: type) -> Pairs | None:
    """Return what a named tuple or a database's row holds, or None."""
    if hasattr(kind, "_fields"):
        names = value._fields
    elif hasattr(kind, "keys"):
        names = list(value.keys())
    else:
        told = value._asdict() if hasattr(kind, "_asdict") else {}
        return Pairs(told.items(), len(told)) if told else None
    is_named = issubclass(type(names), Sequence) and 0 < len(names) == len(value)
    return Pairs(zip(names, value, strict=True), len(names)) if is_named else None


def contents(value: Any, kind: Any, most: int) -> object:
    """Return what a value holds, as something that is read by elements, or None.

    :param most: the most elements that are of use.
    """
    if hasattr(kind, "DESCRIPTOR"):
        return _message(value, kind)
    if hasattr(kind, "_mapping") or "_mapping" in getattr(value, "__dict__", ()):
        return value._mapping  # a row of SQLAlchemy's
    if hasattr(kind, "reset_index") and hasattr(kind, "iloc"):
        return _pandas(value, kind)
    for name in _UNFOLDS:
        if hasattr(kind, name):
            return _unfolded(_with_unique_names(value), name, most)
    method = next((name for name in _TELLS if hasattr(kind, name)), None)
    return None if method is None else _told(value, method, most)


def is_array(value: Any, kind: type) -> bool:
    """Whether it is like an array, a scalar or a tensor, without names for its rows."""
    has_list = hasattr(kind, "tolist") and not hasattr(kind, "iloc")
    return has_list and hasattr(value, "dtype")


def structured(value: Any) -> object:
    """Return what a structured array or record of numpy holds, by its names."""
    if value.shape == ():
        record = value[()]
        names = value.dtype.names
        return Pairs(((name, record[name]) for name in names), len(names))
    return Rows(value, len(value))


def fields(value: Any, kind: Any) -> object:
    """Return what is in the declared fields of a class, or None."""
    if dataclasses.is_dataclass(kind):
        return _attributes(value, [field.name for field in dataclasses.fields(kind)])
    if hasattr(kind, "__attrs_attrs__"):
        return _attributes(value, [each.name for each in kind.__attrs_attrs__])
    if hasattr(kind, "model_fields") and hasattr(kind, "model_dump"):
        return _model_fields(value, kind)
    if hasattr(kind, "__struct_fields__"):
        return {**_tag(kind), **_attributes(value, kind.__struct_fields__)}
    return None


def _attributes(value: object, names: Iterable[str]) -> dict[str, object]:
    return {name: _attribute(value, name) for name in names}


def _attribute(value: object, name: str) -> object:
    try:
        return getattr(value, name, _MISSING)
    except PASSED_ON:
        raise
    except BaseException as error:  # noqa: BLE001 # whatever a value does is shown
        return f"<raised {type_name(error)}>"


def _model_fields(value: Any, kind: Any) -> object:
    """Return what a model would dump, without running any code of its class."""
    state = vars(value)
    shown = [name for name, field in kind.model_fields.items() if not field.exclude]
    if shown == ["root"]:
        return state["root"]
    fields = {name: state.get(name, _MISSING) for name in shown}
    return {**fields, **(value.__pydantic_extra__ or {})}


def _tag(kind: Any) -> dict[str, object]:
    """Return what tells a msgspec Struct from others with the same fields."""
    config = getattr(kind, "__struct_config__", None)
    tag = getattr(config, "tag", None)
    return {} if tag is None else {config.tag_field: tag}  # type: ignore[union-attr] # has a tag


def _message(value: Any, kind: Any) -> object:
    """Return the fields of a message of protobuf."""
    if hasattr(kind, "ToJsonString"):  # a time or a duration
        return value.ToJsonString()
    if not hasattr(kind.DESCRIPTOR, "fields"):
        return {field.name: content for field, content in value.ListFields()}
    return {
        field.name: _named_numbers(getattr(value, field.name), field)
        for field in kind.DESCRIPTOR.fields
        # a message that is not set would be read as an empty one without end
        if not getattr(field, "has_presence", False) or value.HasField(field.name)
    }


def _named_numbers(content: Any, field: Any) -> object:
    kind = getattr(field, "enum_type", None)
    if kind is None:
        return content
    names = {number: each.name for number, each in kind.values_by_number.items()}
    if type(content) is int:
        return names.get(content, content)
    return [names.get(number, number) for number in content]


def _pandas(value: Any, kind: Any) -> object:
    is_numbered = type_name(value.index) == "RangeIndex" and (
        (value.index.start, value.index.step) == (0, 1)
    )
    if not hasattr(kind, "itertuples"):
        pairs = zip(value.index, value, strict=True)
        return Rows(value, len(value)) if is_numbered else Pairs(pairs, len(value))
    return Rows(_frame_rows(value, is_numbered), len(value))


def _frame_rows(frame: Any, is_numbered: bool) -> Iterator[Pairs]:
    # by parts, as an index is made a column of a copy
    for start in range(0, len(frame), _ROWS_AT_ONCE):
        part = frame.iloc[start : start + _ROWS_AT_ONCE]
        if not is_numbered:
            part = part.reset_index(allow_duplicates=True)
        names = list(part.columns)
        for row in part.itertuples(index=False, name=None):
            yield Pairs(zip(names, row, strict=True), len(names))


def _with_unique_names(table: Any) -> Any:
    """Return a table of pyarrow so that no column takes the place of another."""
    names = getattr(table, "column_names", ())
    if len(set(names)) == len(names):
        return table
    unique: dict[str, None] = {}
    for name in names:
        unique[unused_key(name, unique)] = None
    return table.rename_columns(list(unique))


def _unfolded(value: Any, method: str, most: int) -> object:
    """Return the rows of a table, or the elements of a column, in Python's types."""
    size = _size(value)
    if hasattr(value, "slice"):
        starts = range(0, size, _ROWS_AT_ONCE)
        parts = (value.slice(start, _ROWS_AT_ONCE) for start in starts)
        return Rows((row for part in parts for row in getattr(part, method)()), size)
    if size > most and not hasattr(value, "head"):
        return _too_large(value, size, most)
    return Rows(getattr(_head(value, size, most), method)(), size)


def _told(value: Any, method: str, most: int) -> object:
    """Return what a value tells by its own `to_dict` or the like."""
    size = _size(value)
    # what has more than two dimensions has a head of each
    if size > most and (hasattr(value, "dims") or not hasattr(value, "head")):
        return _too_large(value, size, most)
    told = _records(_head(value, size, most), method)
    if issubclass(type(told), Mapping):
        return Pairs(told.items(), max(size, len(told)))
    return Rows(told, max(size, len(told))) if type(told) is list else told


def _records(value: Any, method: str) -> Any:
    if hasattr(value, "columns"):
        try:
            return getattr(value, method)(orient="records")
        except TypeError:
            pass  # not as pandas has it
    return getattr(value, method)()


def _head(value: Any, size: int, most: int) -> Any:
    # one more than is kept, so that the cut shows
    return value.head(most + 1) if size > most else value


def _too_large(value: Any, size: int, most: int) -> str:
    return f"<{type_name(value)}: {size:,} elements, more than the {most:,} kept>"


def _size(value: Any) -> int:
    """Return how many elements a value has as far as it says so, else 0."""
    if hasattr(value, "data_vars"):
        return int(value.nbytes) // 8
    if hasattr(value, "dims"):
        return int(value.size)
    return len(value) if hasattr(type(value), "__len__") else 0


# Binary content: its media type, its size and its SHA-256

DATA_URL = ";base64,"
"""What every data URL in base64 has in it, looked for before the pattern is."""

_DATA_URL = lazy(
    r"data:([\w.+-]{1,80}\\?/[\w.+-]{1,80})?(?:;[\w.+-]{1,80}=[^\s;,\"'<>]{1,80}){0,9}"
    # with the slashes that some JSON writers escape, and the signs that URLs escape
    rf"{DATA_URL}((?:[A-Za-z0-9+/_-]+|\\/|%[23][0-9A-Fa-f])+={{0,2}})"
)
_CONTROL = lazy(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")  # not a terminal's ESC
_BINARY = (bytes, bytearray, memoryview, io.BytesIO)
_URL_SAFE = str.maketrans("-_", "+/")
_UNKNOWN = "application/octet-stream"
_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftyp", "video/mp4"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
)


def raw_bytes(value: Any, kind: type) -> bytes | None:
    """Return what a value holds that is binary by its type, or None."""
    if not issubclass(kind, _BINARY):
        return None
    if issubclass(kind, io.BytesIO):
        return io.BytesIO.getvalue(value)  # reading it would move its position
    return memoryview(value).tobytes()


def binary_text(raw: bytes) -> str:
    """Return bytes as the text that they are, or else as one line about them."""
    if not _CONTROL.search(raw):
        try:
            return raw.decode()
        except UnicodeDecodeError:
            pass
    return _line(_media_type(raw), raw)


def without_data_urls(text: str) -> str:
    """Return text with each data URL in base64 as one line about its content."""
    return _DATA_URL.sub(_data_url_line, text)


def is_image(value: Any, kind: type) -> bool:
    """Whether it is like an image of Pillow's: pixels with a mode and two sizes."""
    return hasattr(kind, "tobytes") and hasattr(value, "mode") and len(value.size) == 2


def image_text(image: Any) -> str:
    """Return an image as one line about its pixels, which are not encoded for it."""
    width, height = image.size
    name = getattr(image, "format", None)
    media = f"image/{name.lower()}" if isinstance(name, str) else "image"
    return _line(f"{media}, {image.mode}, {width} x {height} pixels", image.tobytes())


def _data_url_line(found: re.Match[str]) -> str:
    media, digits = (part and part.replace("\\/", "/") for part in found.groups())
    digits = unquote(digits).rstrip("=").translate(_URL_SAFE)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]  # one alone is no byte
    raw = binascii.a2b_base64(digits + "=" * (-len(digits) % 4))
    return _line(media or _media_type(raw), raw)


def _line(media: str, raw: bytes) -> str:
    return f"<{media}, {len(raw):,} bytes, sha256 {hashlib.sha256(raw).hexdigest()}>"


def _media_type(raw: bytes) -> str:
    return next(
        (media for place, magic, media in _MAGIC if raw.startswith(magic, place)),
        _UNKNOWN,
    )
