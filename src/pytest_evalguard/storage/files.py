"""Files: replaced as a whole, and checked when they are read.

What is read must be what the types of a dataclass's fields say. pydantic's core checks
that. The rest of pydantic would make the same schemas, and take more time for it than
to send 10,000 results; its plugins, such as the official SDK's tracer and logfire,
would send away what is read, also that of a dry run.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from functools import cache
from os import fstat  # what a test patches in `os` must not stop us
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from ..model.text import display_path

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

_PLAIN = {
    Any: "any",
    bool: "bool",
    bytes: "bytes",
    datetime: "datetime",
    float: "float",
    int: "int",
    str: "str",
}


@cache
def validator(kind: Any) -> SchemaValidator:
    """Return what checks values of a type, and makes them of JSON.

    :raises KeyError: it has to do with a type that none of ours has so far.
    """
    from pydantic_core import SchemaValidator

    return SchemaValidator(_schema(kind))


def _schema(kind: Any) -> Any:
    """Return a type's schema, as pydantic's core takes it."""
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _dataclass_schema(kind)
    if origin is Annotated:
        return parts[1].__get_pydantic_core_schema__(parts[0], None)
    if origin is Literal:
        return {"type": "literal", "expected": list(parts)}
    if origin in (Union, UnionType):
        return _union_schema(parts)
    if origin in (list, Sequence):
        return {"type": "list", "items_schema": _schema(parts[0])}
    if origin in (dict, Mapping):
        keys, values = map(_schema, parts)
        return {"type": "dict", "keys_schema": keys, "values_schema": values}
    if origin is tuple:
        items = [_schema(each) for each in parts if each is not ...]
        schema = {"type": "tuple", "items_schema": items}
        return {**schema, "variadic_item_index": 0} if ... in parts else schema
    return {"type": _PLAIN[kind]}


def _union_schema(parts: Sequence[Any]) -> Any:
    choices = [_schema(each) for each in parts if each is not NoneType]
    one = choices[0] if len(choices) == 1 else {"type": "union", "choices": choices}
    return {"type": "nullable", "schema": one} if NoneType in parts else one


def _dataclass_schema(kind: Any) -> Any:
    types = get_type_hints(kind, include_extras=True)
    has_post_init = hasattr(kind, "__post_init__")
    return {
        "type": "dataclass",
        "cls": kind,
        "fields": [each.name for each in fields(kind)],
        "slots": hasattr(kind, "__slots__"),
        "post_init": has_post_init,
        "schema": {
            "type": "dataclass-args",
            "dataclass_name": kind.__name__,
            "fields": [_field_schema(each, types[each.name]) for each in fields(kind)],
            "collect_init_only": has_post_init,
        },
    }


def _field_schema(field: Field[Any], kind: Any) -> Any:
    schema = _schema(kind)
    if field.default is not MISSING:
        schema = {"type": "default", "schema": schema, "default": field.default}
    elif field.default_factory is not MISSING:
        factory = field.default_factory
        schema = {"type": "default", "schema": schema, "default_factory": factory}
    return {"type": "dataclass-field", "name": field.name, "schema": schema}


# Files

STATE = "session.json"
_MOST_NAMED = 3
T = TypeVar("T")


def is_file(path: Path) -> bool:
    """Whether there is a file.

    :raises OSError: that can't be seen, or what is there is no regular file.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if os.path.islink(path):
            raise
        return False
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return True


def why_unreadable(error: Exception) -> str:
    """Return why something can't be read, in a few words and without its path."""
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(error)


class PassedOver:
    """Sessions that can't be read, such as another user's: each once, with why.

    Nothing that looks at the sessions of others may stop at one of them.
    """

    def __init__(self) -> None:
        self.found: dict[Path, str] = {}

    def add(self, path: Path, error: Exception) -> None:
        """Note what can't be read."""
        self.found.setdefault(path, why_unreadable(error))

    def sentences(self) -> Iterator[str]:
        """Yield one sentence for each."""
        for path, why in self.found.items():
            yield f"{display_path(path)} can't be read: {why}"

    def summary(self) -> Iterator[str]:
        """Yield one sentence for all of them, if there are any."""
        if self.found:
            first = list(self.found.items())[:_MOST_NAMED]
            named = ", ".join(f"{display_path(path)} ({why})" for path, why in first)
            rest = len(self.found) - len(first)
            more = f" and {rest:,} more" if rest else ""
            yield f"skipped because they can't be read: {named}{more}"


def read_checked(path: Path, kind: type[T], *schemas: int) -> T:
    """Return what a JSON file holds, of a version that is understood.

    :raises OSError: there is no such file, or it is out of reach.
    :raises ValueError: it is damaged, or another version wrote it; in a few words.
    """
    text = path.read_bytes()
    try:
        data = json.loads(text)
        version = data.get("schema") if isinstance(data, dict) else None
        if version not in schemas:
            read = " and ".join(map(str, schemas))
            raise ValueError(
                f"it has schema version {version}, this pytest-evalguard reads"
                f" {read}: use the version that wrote it, or a newer one"
            )
        checker = validator(kind)  # type: ignore[arg-type] # a class can be hashed
        found: T = checker.validate_json(text, strict=True)
    except (ValueError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from error
    return found


def identity_of(file: int) -> tuple[int, int]:
    """Return what tells an open file from others.

    :raises OSError: the descriptor is closed.
    """
    found = fstat(file)
    return found.st_dev, found.st_ino


def replace_file(path: Path, lines: Iterable[str], mode: int = 0o600) -> None:
    """Write a file, safe from a power cut; a reader sees the old or the new one."""
    try:
        number, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    except OSError as error:
        error.filename = str(path)  # not a name that nobody gave
        raise
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, mode)
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
    sync_directory(path.parent)


def replace_shared_file(path: Path, lines: Iterable[str]) -> None:
    """Write a file that is for others, too: a report, or one to be committed.

    Written to where a link leads, in a folder that is made where there is none; what is
    no regular file, as a pipe, is not replaced.
    """
    if path.exists() and not path.is_file():
        with open(path, "w", encoding="utf-8", opener=_open_to_reader) as file:
            file.writelines(lines)
    else:
        real = Path(os.path.realpath(path))
        real.parent.mkdir(parents=True, exist_ok=True)
        replace_file(real, lines, 0o644)


def _open_to_reader(path: str, flags: int) -> int:
    # a pipe that nobody reads must not hold us
    file = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if os.name == "posix":
        os.set_blocking(file, True)
    return file


def sync_directory(path: Path) -> None:
    """Make what was created or renamed in a directory safe from a power cut."""
    if os.name != "posix":  # pragma: no cover # a directory can't be opened there
        return
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
