"""What EvalGuard's replies mean: in words that help, and for the rows sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..http import Reply, is_temporary
from ..outbox import Answer
from .rows import FIELDS_OF
from .target import RunTarget

WRONG_KEY = "the API key in EVALGUARD_API_KEY is not accepted"
_NO_RUN = "there is no such run, or the key belongs to another project"
REASONS = {
    401: WRONG_KEY,
    403: "the API key is not allowed to do this: use one that is",
    404: _NO_RUN,
    413: "too large for the service",
    422: "the service can't take these rows",
}
SINGLE = "; a single row can't be halved: raise the service's limit, or record less"
UNKNOWN = (
    "; an earlier attempt got no answer, and the run does not tell whether it arrived:"
    " it can only be sent again as it is"
)
# answers that a right key, run or URL would change: the results can still be sent
_FATAL = frozenset((401, 403, 404))


def stored_rows(stored: object, sent: Sequence[Mapping[str, Any]]) -> bool | None:
    """Whether all rows that were sent are among those that are stored.

    None where that can't be told: what is stored is no list, or has other fields.
    """
    if not isinstance(stored, list):
        return None
    by_input: dict[object, list[Mapping[str, Any]]] = {}
    for row in stored:
        if not isinstance(row, dict) or not isinstance(row.get("input"), str):
            return None
        by_input.setdefault(row["input"], []).append(row)
    for row in sent:
        like = by_input.get(row["input"], [])
        output = "output" if "output" in row else "actualOutput"
        if any(output not in each for each in like):
            return None
        found = next((e for e in like if row.items() <= e.items()), None)
        if found is None:
            return False
        like.remove(found)
    return True


def answer_from(reply: Reply, target: RunTarget) -> Answer:
    """Return what a reply to a batch, frozen as the target says, makes of it."""
    if is_success(reply):
        return Answer("accepted")
    error = reply.explain(REASONS)
    if reply.status < 300 and not (reply.is_html or is_failure(reply)):
        error += "; that answer is not from EvalGuard: is the base URL right?"
    if reply.status == 400:
        error += _dialect_hint(reply, target.dialect)
    if reply.status == 404 and not reply.is_html:
        error += "; pytest-evalguard submit --run ID DIR sends it to another run"
    if is_temporary(reply.status) or reply.status < 400:
        return Answer("unsent", error)
    if reply.status in _FATAL:
        return Answer("unsent", error, is_fatal=True)
    return Answer("too large" if reply.status == 413 else "rejected", error)


def _dialect_hint(reply: Reply, dialect: str) -> str:
    words = set(re.findall(r"\w+", reply.body.decode("utf-8", "replace")))
    other = "sdk" if dialect == "documented" else "documented"
    if words & (FIELDS_OF["documented"] | FIELDS_OF["sdk"]):
        return (
            "; if the service expects the other row format, set evalguard_dialect ="
            f" {other}, and send these results with pytest-evalguard submit --rejected"
            f" --dialect {other}"
        )
    return ""


def is_success(reply: Reply) -> bool:
    """Whether the service itself says that it did what was asked."""
    data = reply.data
    is_envelope = isinstance(data, dict) and data.get("success") is True
    return 200 <= reply.status < 300 and is_envelope


def is_failure(reply: Reply) -> bool:
    """Whether the service itself says that it did not do what was asked."""
    data = reply.data
    return isinstance(data, dict) and data.get("success") is False


def field(reply: Reply, name: str) -> object:
    """Return a field of what a reply holds, None where it has none."""
    data = reply.data
    inner = data.get("data") if isinstance(data, dict) else None
    return inner.get(name) if isinstance(inner, dict) else None
