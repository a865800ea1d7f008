"""What was recorded, read from a recorder where its test runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .recorder import EvalCase


def remark(case: EvalCase, marked: Mapping[str, object]) -> None:
    """Take what the marks of the test say by now."""
    case._marked = marked


def ambiguity(case: EvalCase) -> str | None:
    """Return what was said about a case without a verdict, None if it has one."""
    return case._ambiguous


def close(case: EvalCase) -> dict[str, Any]:
    """End the recording and return what was recorded, as fields of a `Case`."""
    case._open = False
    fields = recorded(case)
    case._values.clear()
    return fields


def recorded(case: EvalCase) -> dict[str, Any]:
    """Return what was recorded so far, as fields of a `Case`."""
    fields: dict[str, Any] = {**case._texts, **case._numbers}
    if case._measured is not None:
        fields.setdefault("latency_ms", case._measured)
    if case._tokens is not None:
        fields["prompt_tokens"], fields["completion_tokens"] = case._tokens
    if case._metadata is not None:
        fields["metadata"] = dict(case._metadata.data)
    if case._scores:
        fields["scores"] = dict(case._scores)
    if case._metrics:
        fields["metrics"] = dict(case._metrics)
    if case._findings:
        fields["findings"] = list(case._findings)
    if case._ambiguous is not None:
        fields["ambiguous"] = case._ambiguous
    return fields
