"""What checks data that is read from a file against its type."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

T = TypeVar("T")

UNTRACED: dict[str, object] = {
    "evalguard": {"record": "off"},
    "logfire": {"record": "off"},
}
"""Settings of a model that keep tracers which plug into pydantic from seeing it."""


@cache
def validator(kind: Any) -> SchemaValidator:
    """Return a validator that plugins of pydantic don't see.

    Through a TypeAdapter's own, the official SDK's tracer and logfire would send away
    what is read, also that of a dry run.
    """
    from pydantic import TypeAdapter
    from pydantic_core import SchemaValidator

    return SchemaValidator(TypeAdapter(kind).core_schema)


def read_checked(path: Path, kind: type[T], schema: int) -> T:
    """Return what a JSON file holds, of a version that is understood.

    :raises OSError: there is no such file, or it is out of reach.
    :raises ValueError: it is damaged, or another version wrote it; in a few words.
    """
    text = path.read_bytes()
    try:
        data = json.loads(text)
        version = data.get("schema") if isinstance(data, dict) else None
        if version != schema:
            raise ValueError(
                f"it has schema version {version}, this pytest-evalguard reads"
                f" {schema}: use the version that wrote it, or a newer one"
            )
        checker = validator(kind)  # type: ignore[arg-type] # a class can be hashed
        found: T = checker.validate_json(text, strict=True)
    except (ValueError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from error
    return found
