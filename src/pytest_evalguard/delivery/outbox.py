"""Delivery: results are frozen as exact bytes on disk, then sent until settled.

A service freezes the results of a session as requests, once; from then on every
attempt, by whichever process, sends those bytes with those keys. What the service
answered for good is kept beside them, so that nothing is sent again after that. What
can't be accepted as it is, is replaced by other requests, which have keys of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from ..storage.files import is_file, replace_file, validator
from ..storage.session import Session
from .deadline import Deadline, Overdue, within
from .frozen_requests import (
    FrozenRequest as FrozenRequest,
    Replacements,
    damaged,
    open_no_link,
    read_request,
    request_data,
)
from .target import Target, slug

FINISH = "finish"
"""The key under which it is kept that a run was finished."""


@dataclass(frozen=True)
class LeftOut:
    """Cases that a service takes no result of: why, how many, and the first by name.

    `is_open` means that this is not known for sure yet: they count as unsent.
    """

    why: str
    count: int
    first: tuple[str, ...]
    is_open: bool = False


@dataclass(frozen=True)
class Submission:
    """What became of a session's results at one service.

    `accepted`, `rejected` and `unsent` count results. `requests` is the number of
    accepted requests, `error` says why the others were not accepted, and `rejection`
    why the service rejected results. `target_id` is the run or agent that they went to,
    `left_out` the cases that the service takes no result of.
    """

    service: str
    accepted: int = 0
    rejected: int = 0
    unsent: int = 0
    requests: int = 0
    error: str | None = None
    target_id: str | None = None
    left_out: tuple[LeftOut, ...] = ()
    rejection: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether a later `submit` has something to send as it is."""
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
    """Takes the results of a session. A service of your own needs only this method."""

    def submit(self, session: Session, deadline: Deadline) -> Submission:
        """Send what is unsent before the deadline; return failures, do not raise."""
        ...


@dataclass(frozen=True)
class Answer:
    """What a service said of a request: settled for good, or to be sent again.

    `is_in_doubt` says that an attempt may have been stored for all that is known.
    """

    state: Literal["accepted", "rejected", "unsent", "too large"]
    error: str | None = None
    is_fatal: bool = False
    is_in_doubt: bool = False


class Note(str, Enum):
    """What is kept of a request besides an answer that is for good."""

    SENT = "sent"  # and until there is more, nobody knows whether it has arrived
    UNSENT = "unsent"  # it has certainly not arrived
    AGAIN = "again"  # it was rejected, and is to be sent again
    REPLACED = "replaced"  # by halves, or by what was frozen anew


class Outbox:
    """The frozen requests of a session for one target, and their answers."""

    def __init__(self, session: Session, target: Target) -> None:
        name = slug(target)
        self._requests = session.path / f"{name}.requests.jsonl"
        self._answers = session.path / f"{name}.answers.jsonl"
        self._left_out = session.path / f"{name}.left-out.json"
        self._target = target
        self._replacements = Replacements(
            session.path / f"{name}.replacements.requests.jsonl", self._read_request
        )
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
            return json.dumps(request_data(request)) + "\n"

        replace_file(self._requests, map(line, requests))
        self._results = None if self._replacements.exists() else results

    def _write_left_out(self, entries: list[dict[str, Any]]) -> None:
        if entries or self._left_out.is_file():
            replace_file(self._left_out, [json.dumps(entries, indent=2), "\n"])

    def requests(self) -> Iterator[FrozenRequest]:
        """Read the requests, in order; each where the first that it replaces was."""
        for request in self._first_requests():
            yield from self._replacements.of(request)

    def _first_requests(self) -> Iterator[FrozenRequest]:
        with self._requests.open("rb") as file:
            for line in file:
                request = self._read_request(line)
                if request is None:
                    raise damaged(self._requests)
                yield request

    def _read_request(self, line: bytes) -> FrozenRequest | None:
        request = read_request(line, self._target.info.batch_limit)
        if request is None or not self._target.request_key.fullmatch(request.key):
            return None
        return request

    def replace(self, keys: Sequence[str], requests: Iterable[FrozenRequest]) -> None:
        """Put other requests in the place of some, on disk before any of them is sent.

        They have the rows of those that they replace, all of them, in order.
        """
        added = self._replacements.add(keys, requests)
        for key in keys:
            self.note(key, Note.REPLACED)
        if self._results is not None:
            self._results = {
                key: n for key, n in self._results.items() if key not in keys
            } | added

    def rows_of(self, keys: Iterable[str]) -> list[int]:
        """Return the positions in the session of the rows that requests have."""
        first = ((each.key, each.results) for each in self._first_requests())
        rows = self._replacements.rows(first)
        return sorted(row for key in keys for row in rows[key])

    @property
    def frozen_rows(self) -> int:
        """How many rows the session had when its requests were frozen."""
        return sum(each.results for each in self._first_requests())

    def _counts(self) -> dict[str, int]:
        """Return how many results each request has, by its key."""
        if self._results is None:
            self._results = {each.key: each.results for each in self.requests()}
        return self._results

    def settle(self, key: str, answer: Answer) -> None:
        """Keep an answer that is for good."""
        data = {"key": key, "state": answer.state, "error": answer.error}
        self._keep({**data, "doubt": True} if answer.is_in_doubt else data)

    def note(self, key: str, note: Note) -> None:
        """Keep what became of a request besides an answer that is for good."""
        self._keep({"key": key, "state": note.value})

    def _keep(self, data: dict[str, Any]) -> None:
        line = json.dumps(data)
        with open(self._answers, "a+b", opener=open_no_link) as file:
            before = file.tell()
            file.seek(max(0, before - 1))
            # a kill may have torn the line before
            is_torn = before > 0 and file.read() != b"\n"
            file.write((b"\n" if is_torn else b"") + f"{line}\n".encode("ascii"))

    def answers(self) -> dict[str, Answer]:
        """Return the answers so far by key; a torn line is no answer."""
        return self._history()[0]

    def doubts(self) -> set[str]:
        """Return the keys of requests that may have arrived, though no answer came."""
        return self._history()[1]

    def _history(self) -> tuple[dict[str, Answer], set[str]]:
        answers: dict[str, Answer] = {}
        doubts: set[str] = set()
        if not is_file(self._answers):
            return answers, doubts
        text = self._answers.read_text(encoding="ascii", errors="replace")
        for key, answer, note in filter(None, map(_read_answer, text.splitlines())):
            if answer is not None:
                answers[key] = answer
            elif note is Note.AGAIN and key in answers:
                if answers[key].state == "rejected":
                    doubts |= {key} if answers.pop(key).is_in_doubt else set()
            elif note is Note.SENT:
                doubts.add(key)
            elif note is Note.UNSENT:
                doubts.discard(key)
        return answers, doubts - answers.keys()

    def rejected(self) -> Iterator[tuple[FrozenRequest, Answer]]:
        """Read the requests that were rejected, with the answers."""
        answers = self.answers() if self.is_frozen else {}
        for request in self.requests() if answers else ():
            answer = answers.get(request.key)
            if answer is not None and answer.state == "rejected":
                yield request, answer

    def reopen(self) -> None:
        """Take what was rejected for unsent again, as it is."""
        for request, _ in self.rejected():
            self.note(request.key, Note.AGAIN)

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
        accepted, rejection = 0, None
        for key, results in self._counts().items():
            answer = answers.get(key, Answer("unsent"))
            counts[answer.state] += results
            accepted += answer.state == "accepted"
            if answer.state == "rejected":
                rejection = rejection or answer.error
        left_out = self.left_out()
        counts["unsent"] += sum(each.count for each in left_out if each.is_open)
        return Submission(
            self._target.service,
            **counts,
            requests=accepted,
            error=error or rejection,
            rejection=rejection,
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
            raise damaged(self._left_out) from error
        if any(each.count < 1 for each in found):
            raise damaged(self._left_out)
        return found


def _read_answer(line: str) -> tuple[str, Answer | None, Note | None] | None:
    try:
        data = json.loads(line)
        key, state = data["key"], data["state"]
        if state not in ("accepted", "rejected"):
            return str(key), None, Note(state)
        error = data["error"]
        text = None if error is None else str(error)
        is_in_doubt = data.get("doubt") is True
        return str(key), Answer(state, text, is_in_doubt=is_in_doubt), None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


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
