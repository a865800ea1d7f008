"""Batches of rows: frozen from a session's cases, halved, and frozen anew."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice

from ...errors import SessionError
from ...model.case import Case
from ...model.text import display_path
from ...storage.schemas import validator
from ...storage.session import Session
from ..frozen_requests import FrozenRequest
from ..outbox import Outbox
from .rows import row_bytes
from .target import RunTarget

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
