"""What was recorded, read from a recorder where its test runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .recorder import EvalCase

_GROWING = ("scores", "metrics", "findings")


def remark(case: EvalCase, marked: Mapping[str, object]) -> None:
    """Take what the marks of the test say by now."""
    case._marked = marked


def ambiguity(case: EvalCase) -> str | None:
    """Return what was said about a case without a verdict, None if it has one."""
    return case._fields.get("ambiguous")


def close(case: EvalCase) -> dict[str, Any]:
    """End the recording and return what was recorded, as fields of a `Case`."""
    case._open = False
    fields = recorded(case)
    case._values.clear()
    return fields


def recorded(case: EvalCase) -> dict[str, Any]:
    """Return what was recorded so far, as fields of a `Case`."""
    fields = case._fields.copy()
    for name in _GROWING:
        if name in fields:  # a thread may be late, while this is written
            fields[name] = fields[name].copy()
    if case._measured is not None:
        fields.setdefault("latency_ms", case._measured)
    if case._metadata is not None:
        fields["metadata"] = dict(case._metadata.data)
    return fields
