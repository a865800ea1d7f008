"""What checks data that is read from a file against its type."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator


UNTRACED: dict[str, object] = {
    "evalguard": {"record": "off"},
    "logfire": {"record": "off"},
}
"""Settings of a model that keep tracers which plug into pydantic from seeing it."""


def validator(kind: Any) -> SchemaValidator:
    """Return a validator that plugins of pydantic don't see.

    Through a TypeAdapter's own, the official SDK's tracer and logfire would send away
    what is read, also that of a dry run.
    """
    from pydantic import TypeAdapter
    from pydantic_core import SchemaValidator

    return SchemaValidator(TypeAdapter(kind).core_schema)
