"""JSON data: what it is made of, and keys that don't clash."""

from __future__ import annotations

from collections.abc import Mapping

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def unused_key(key: str, taken: Mapping[str, object]) -> str:
    """Return a key, numbered by its place when there is one like it already."""
    number = len(taken) + 1
    unused = key
    while unused in taken:
        unused = f"{key} #{number}"
        number += len(taken)
    return unused
