"""The rows of EvalGuard, in batches, and what its replies mean for them.

There is one function for each dialect; wire names live here. The documented row is the
one in EvalGuard's API reference, the `sdk` row the one that its official TypeScript
client sends to the same route.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from pydantic_core import to_json

from ...errors import SessionError
from ...model.case import Case
from ...model.text import display_path
from ...storage.files import validator
from ...storage.session import Session
from ..frozen_requests import FrozenRequest
from ..http import Reply, is_temporary
from ..outbox import Answer, Outbox
from . import RunTarget

OWN_SCORER = "pytest"
"""The entry that every row has for pytest's own verdict."""

FIELDS_OF = {
    "documented": frozenset(
        ("expectedOutput", "actualOutput", "latency", "tokenUsage", "scorerResults")
    ),
    "sdk": frozenset(
        ("test_case_index", "output", "expected", "scores", "latency_ms", "cost")
    ),
}
"""Fields that only one of the dialects has."""


def documented_row(case: Case, index: int) -> dict[str, Any]:
    """Return a case as EvalGuard's API reference has it; `latency` is in ms."""
    passed = case.passed
    row = {
        "input": case.input,
        "expectedOutput": case.expected,
        "actualOutput": case.actual or "",
        "score": case.overall_score,
        "passed": passed,
        "latency": round(case.latency_ms, 3),
        "tokenUsage": _usage(case),
        "scorerResults": _scores(case, passed),
    }
    return _without_none(row, "expectedOutput", "tokenUsage")


def sdk_row(case: Case, index: int) -> dict[str, Any]:
    """Return a case as EvalGuard's TypeScript client sends it; `cost` is in US dollars.

    :param index: its position in the session.
    """
    passed = case.passed
    scores: dict[str, Any] = _scores(case, passed)
    if case.metadata:
        scores["_metadata"] = case.metadata
    row = {
        "test_case_index": index,
        "input": case.input,
        "output": case.actual or "",
        "expected": case.expected,
        "scores": scores,
        "latency_ms": round(case.latency_ms, 3),
        "passed": passed,
        "score": case.overall_score,
        "cost": case.cost_usd,
    }
    return _without_none(row, "expected", "cost")


ROW_OF: Mapping[str, Callable[[Case, int], dict[str, Any]]] = {
    "documented": documented_row,
    "sdk": sdk_row,
}
"""The function that makes a row, by dialect."""


def row_bytes(case: Case, index: int, dialect: str) -> bytes:
    """Return a case as the JSON of one row."""
    return to_json(ROW_OF[dialect](case, index), inf_nan_mode="null")


def _without_none(row: dict[str, Any], *optional: str) -> dict[str, Any]:
    for name in optional:
        if row[name] is None:
            del row[name]
    return row


def _usage(case: Case) -> dict[str, int] | None:
    prompt, completion = case.prompt_tokens, case.completion_tokens
    if prompt is None and completion is None:
        return None
    prompt, completion = prompt or 0, completion or 0
    return {"prompt": prompt, "completion": completion, "total": prompt + completion}


def _scores(case: Case, passed: bool) -> dict[str, dict[str, Any]]:
    scores = {}
    for name, each in sorted(case.scores.items()):
        scores[name] = _score(each.score, each.passed, each.reason)
    scores[OWN_SCORER] = _score(float(passed), passed, case.reason)
    return scores


def _score(score: float, passed: bool, reason: str | None) -> dict[str, Any]:
    if reason is None:
        return {"score": score, "passed": passed}
    return {"score": score, "passed": passed, "reason": reason}


# Batches: frozen from a session's cases, halved, and frozen anew

_START, _END = b'{"results":[', b"]}"


def freeze(session: Session, target: RunTarget) -> Outbox:
    """Put the batches on disk as they will be sent, if they are not there yet."""
    outbox = Outbox(session, target)
    if not outbox.is_frozen:
        outbox.freeze(batches(session, target))
    return outbox


def batches(session: Session, target: RunTarget) -> Iterator[FrozenRequest]:
    """Yield the rows of a session in order, as requests with their keys."""
    identity = f"{target.run_id}\n{session.state.id}\n"
    yield from _batches(_rows(session), target, identity, {})


def frozen_as(
    session: Session, target: RunTarget, settings: Mapping[str, str | int]
) -> RunTarget:
    """Return the target with the settings by which requests were, or are to be frozen.

    :raises SessionError: there are no such settings, somebody changed them.
    """
    try:
        data = {**asdict(target), **settings}
        found: RunTarget = validator(RunTarget).validate_python(data)
    except ValueError as error:
        raise SessionError(
            f"{display_path(session.path)} has a request with settings that this"
            f" pytest-evalguard does not know: {dict(settings)}"
        ) from error
    return found


def freeze_anew(
    session: Session, outbox: Outbox, keys: Sequence[str], target: RunTarget
) -> None:
    """Replace requests by others of the same rows, frozen by the target's settings.

    A row keeps its position in the session, by which the service may know it.

    :raises SessionError: the session's cases are not those that were frozen.
    """
    wanted = set(outbox.rows_of(keys))
    count = sum(1 for _ in _rows(session))
    if count != outbox.frozen_rows:
        raise SessionError(
            f"{display_path(session.path)} has {count} rows now, and had"
            f" {outbox.frozen_rows} when they were frozen: its results can be sent as"
            " they are, without other settings"
        )
    rows = ((index, case) for index, case in _rows(session) if index in wanted)
    settings = {"dialect": target.dialect, "batch_size": target.batch_size}
    identity = _replacing(session, target, keys)
    outbox.replace(keys, _batches(rows, target, identity, settings))


def halves(
    session: Session, target: RunTarget, request: FrozenRequest
) -> list[FrozenRequest]:
    """Return the two halves of a batch, each row with the bytes that it had."""
    rows = list(_split(request.body.decode()))
    middle = (len(rows) + 1) // 2
    identity = _replacing(session, target, [request.key])
    return [
        _request(part, f"{identity}{number}\n", request.settings)
        for number, part in enumerate((rows[:middle], rows[middle:]))
    ]


def _rows(session: Session) -> Iterator[tuple[int, Case]]:
    return enumerate(case for case in session.cases() if case.has_row)


def _batches(
    rows: Iterable[tuple[int, Case]],
    target: RunTarget,
    identity: str,
    settings: Mapping[str, str | int],
) -> Iterator[FrozenRequest]:
    texts = (row_bytes(case, at, target.dialect) for at, case in rows)
    number = 0
    while chunk := list(islice(texts, target.batch_size)):
        yield _request(chunk, f"{identity}{number}\n", settings)
        number += 1


def _request(
    rows: Sequence[bytes], identity: str, settings: Mapping[str, str | int]
) -> FrozenRequest:
    """Return the request with these rows; the same ones never have another key."""
    body = _START + b",".join(rows) + _END
    digest = hashlib.sha256(identity.encode() + body).digest()
    key = str(uuid.UUID(bytes=digest[:16], version=5))
    return FrozenRequest(key, len(rows), body, settings=settings)


def _replacing(session: Session, target: RunTarget, keys: Sequence[str]) -> str:
    """Return what makes the keys of replacements others than those replaced had."""
    return f"{target.run_id}\n{session.state.id}\n{' '.join(keys)}\n"


def _split(body: str) -> Iterator[bytes]:
    """Yield the rows of a batch as they stand there."""
    decoder, place = json.JSONDecoder(), len(_START)
    while place < len(body) - len(_END):
        _, end = decoder.raw_decode(body, place)
        yield body[place:end].encode()
        place = end + 1


# Replies: in words that help, and for the rows sent

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
