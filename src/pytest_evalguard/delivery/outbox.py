"""Delivery: results are frozen as exact bytes on disk, then sent until settled.

A service freezes the results of a session as requests, once; from then on every
attempt, by whichever process, sends those bytes with those keys. What the service
answered for good is kept beside them, so that nothing is sent again after that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from ..errors import SessionError
from ..storage.files import is_file, replace_file, validator
from ..storage.session import Session
from .deadline import Deadline, Overdue, within
from .target import Target, slug

FINISH = "finish"
"""The key under which it is kept that a run was finished."""


@dataclass(frozen=True)
class LeftOut:
    """Cases that a service takes no result of: why, how many, the first by name.

    `is_open` says that it is not known yet whether it takes them: they count as unsent.
    """

    why: str
    count: int
    first: tuple[str, ...]
    is_open: bool = False


@dataclass(frozen=True)
class Submission:
    """What became of a session's results at one service, counted in results.

    `requests` is how many requests were accepted, `error` why the rest was not;
    `target_id` is the run or agent they went to, `left_out` what can't be sent.
    """

    service: str
    accepted: int = 0
    rejected: int = 0
    unsent: int = 0
    requests: int = 0
    error: str | None = None
    target_id: str | None = None
    left_out: tuple[LeftOut, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether a later `submit` has something to do."""
        return bool(self.unsent or (self.error and not self.rejected))

    @property
    def is_complete(self) -> bool:
        """Whether every result was accepted."""
        return not (self.rejected or self.unsent or self.error)


@dataclass(frozen=True)
class Sent:
    """What became of a session's results at one target.

    `is_stored` says whether the target is kept with the session, for a later `submit`.
    """

    target: Target
    submission: Submission
    is_stored: bool = True


class Service(Protocol):
    """Takes the results of a session. A service of one's own has this one method."""

    def submit(self, session: Session, deadline: Deadline) -> Submission:
        """Send what was not sent yet, before the deadline. Failures are not raised."""
        ...


@dataclass(frozen=True)
class FrozenRequest:
    """A request as it is sent in every attempt: its key, its bytes, its results.

    `nodeid` is the case that it is of, where it is of a single one.
    """

    key: str
    results: int
    body: bytes
    nodeid: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a service said of a request: settled for good, or to be sent again."""

    state: Literal["accepted", "rejected", "unsent"]
    error: str | None = None
    is_fatal: bool = False


class Outbox:
    """The frozen requests of a session for one target, and their answers."""

    def __init__(self, session: Session, target: Target) -> None:
        name = slug(target)
        self._requests = session.path / f"{name}.requests.jsonl"
        self._answers = session.path / f"{name}.answers.jsonl"
        self._left_out = session.path / f"{name}.left-out.json"
        self._target = target
        self._results: dict[str, int] | None = None  # by key, once they are known

    @property
    def is_frozen(self) -> bool:
        """Whether the requests are on disk."""
        return is_file(self._requests)

    def freeze(
        self, requests: Iterable[FrozenRequest], left_out: Iterable[LeftOut] = ()
    ) -> None:
        """Put all requests on disk, safe from a power cut, before any is sent.

        A kill between the two files leaves each case in one of them: it is the file
        written last that says that the first freeze, or another one, is done.
        """
        entries = [asdict(each) for each in left_out]
        if self.is_frozen:
            self._write_requests(requests)
            self._write_left_out(entries)
        else:
            self._write_left_out(entries)
            self._write_requests(requests)

    def _write_requests(self, requests: Iterable[FrozenRequest]) -> None:
        results: dict[str, int] = {}

        def line(request: FrozenRequest) -> str:
            results[request.key] = request.results
            return _request_line(request)

        replace_file(self._requests, map(line, requests))
        self._results = results

    def _write_left_out(self, entries: list[dict[str, Any]]) -> None:
        if entries or self._left_out.is_file():
            replace_file(self._left_out, [json.dumps(entries, indent=2), "\n"])

    def requests(self) -> Iterator[FrozenRequest]:
        """Read the frozen requests, in order."""
        results: dict[str, int] = {}
        with self._requests.open(encoding="ascii", errors="replace") as file:
            for line in file:
                request = self._read_request(line)
                results[request.key] = request.results
                yield request
        self._results = results

    def _read_request(self, line: str) -> FrozenRequest:
        request = _request_from(line, self._target.info.batch_limit)
        if request is None or not self._target.request_key.fullmatch(request.key):
            raise _damaged(self._requests)
        return request

    def _counts(self) -> dict[str, int]:
        """Return how many results each request has, by its key."""
        if self._results is None:
            for _ in self.requests():
                pass
        return self._results or {}

    def settle(self, key: str, answer: Answer) -> None:
        """Keep an answer that is for good."""
        line = json.dumps({"key": key, "state": answer.state, "error": answer.error})
        with open(self._answers, "a+b", opener=_open_no_link) as file:
            before = file.tell()
            file.seek(max(0, before - 1))
            # a kill may have torn the line before
            is_torn = before > 0 and file.read() != b"\n"
            file.write((b"\n" if is_torn else b"") + f"{line}\n".encode("ascii"))

    def answers(self) -> dict[str, Answer]:
        """Return the answers so far by key; a torn line is no answer."""
        if not is_file(self._answers):
            return {}
        lines = self._answers.read_text(encoding="ascii", errors="replace").splitlines()
        return dict(filter(None, map(_read_answer, lines)))

    def forget_answers(self) -> None:
        """Send everything anew, to another place."""
        self._answers.unlink(missing_ok=True)

    @property
    def unsettled(self) -> int:
        """How many results have no answer that is for good."""
        answers = self.answers()
        counts = self._counts().items()
        return sum(results for key, results in counts if key not in answers)

    def submission(self, error: str | None = None) -> Submission:
        """Count where the results are."""
        answers = self.answers()
        counts = {"accepted": 0, "rejected": 0, "unsent": 0}
        accepted = 0
        for key, results in self._counts().items():
            answer = answers.get(key, Answer("unsent"))
            counts[answer.state] += results
            accepted += answer.state == "accepted"
            if answer.state == "rejected":
                error = error or answer.error
        left_out = self.left_out()
        counts["unsent"] += sum(each.count for each in left_out if each.is_open)
        return Submission(
            self._target.service,
            **counts,
            requests=accepted,
            error=error,
            target_id=self._target.id,
            left_out=tuple(each for each in left_out if not each.is_open),
        )

    def left_out(self) -> tuple[LeftOut, ...]:
        """Return the cases that have no frozen request.

        :raises SessionError: somebody damaged what was written of them.
        """
        if not is_file(self._left_out):
            return ()
        try:
            text = self._left_out.read_bytes()
            found: tuple[LeftOut, ...] = validator(tuple[LeftOut, ...]).validate_json(
                text, strict=True
            )
        except ValueError as error:
            raise _damaged(self._left_out) from error
        if any(each.count < 1 for each in found):
            raise _damaged(self._left_out)
        return found


def _request_line(request: FrozenRequest) -> str:
    data = {**asdict(request), "body": request.body.decode()}
    if request.nodeid is None:
        del data["nodeid"]
    return json.dumps(data) + "\n"


def _request_from(line: str, most: int) -> FrozenRequest | None:
    """Return a request as `_request_line` wrote it, None where somebody changed it."""
    try:
        data = json.loads(line)
        key, results, nodeid = data["key"], data["results"], data.get("nodeid")
        body = data["body"].encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    is_whole = type(results) is int and 1 <= results <= most
    if not is_whole or not isinstance(key, str) or not isinstance(nodeid, str | None):
        return None
    return FrozenRequest(key, results, body, nodeid)


def _damaged(path: Path) -> SessionError:
    return SessionError(
        f"{path} is damaged, it was changed by somebody: run the tests again"
    )


def _read_answer(line: str) -> tuple[str, Answer] | None:
    try:
        data = json.loads(line)
        if data["state"] not in ("accepted", "rejected"):
            return None
        error = data["error"]
        text = None if error is None else str(error)
        return str(data["key"]), Answer(data["state"], text)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def submitted(
    service: Service,
    session: Session,
    target: Target,
    deadline: Deadline,
    watch: Callable[[], object],
) -> Submission:
    """Return what became of a session at a service, at the latest at the deadline.

    :param watch: called some times a second meanwhile.
    """
    try:
        return within(deadline, lambda: service.submit(session, deadline), watch)
    except Overdue as error:
        why = f"{urlsplit(target.url).netloc}: {error}"
        return replace(submission_of(session, target), error=why)


def submission_of(session: Session, target: Target) -> Submission:
    """Return where the results of a session are, without sending anything."""
    outbox = Outbox(session, target)
    error = None
    if target.finish and FINISH not in outbox.answers():
        error = "the run is not finished"
    if outbox.is_frozen:
        return outbox.submission(error)
    unsent = _sendable(session, target)
    return Submission(target.service, unsent=unsent, error=error, target_id=target.id)


def _sendable(session: Session, target: Target) -> int:
    state = session.state
    if target.is_batched and state.status != "running":
        return state.rows
    return sum(map(target.takes, session.cases()))  # or it was killed, and can't say
