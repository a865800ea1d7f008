"""EvalGuard: runs that are created, fed with batches of rows, and finished."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ...config.checks import is_id
from ...errors import ConfigurationError, ServiceError
from ...model.case import Case
from ...storage.session import Session
from ..deadline import Deadline
from ..http import Client, Reply, is_temporary, retrying
from ..outbox import FINISH, Answer, FrozenRequest, Outbox, Submission
from ..sending import Progress, deliver
from .rows import FIELDS_OF, row_bytes
from .target import RunTarget

API = "/api/v1"
STATUSES = ("passed", "failed", "error")
"""The statuses that end a run."""

_WRONG_KEY = "the API key in EVALGUARD_API_KEY is not accepted"
_NO_RUN = "there is no such run, or the key belongs to another project"
_REASONS = {
    401: _WRONG_KEY,
    403: "the API key may not do this: use one that may",
    404: _NO_RUN,
    413: "the batch is too large for the service: lower evalguard_batch_size and run"
    " again",
    422: "the service can't take these rows, or knows their idempotency key with other"
    " rows: in that case run the tests again, which makes a new one",
}
# answers that a right key, run or URL would change: the results can still be sent
_FATAL = frozenset((401, 403, 404))


class Refused(ServiceError):
    """The service understood a request and will not carry it out."""


class EvalGuard:
    """EvalGuard's API for one run or for the runs of one project."""

    def __init__(self, url: str, key: str, progress: Progress | None = None) -> None:
        header = ("authorization", f"Bearer {key}")
        self._client = Client(api_base(url), key, header)
        self._progress = progress or Progress()
        self._random = random.Random()  # noqa: S311 # spreads retries, hides nothing

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def create_run(
        self, project_id: str, name: str, model: str, deadline: Deadline
    ) -> str:
        """Create an external run and return its id.

        :raises Refused: the service refuses key, project or name.
        :raises ServiceError: no run was created, for another reason.
        """
        body = {
            "name": name,
            "projectId": project_id,
            "model": model,
            "prompt": "",
            "cases": [],
            "scorers": [],
            "external": True,
        }
        reply = self._call("POST", "/evals", deadline, body)
        run_id = _field(reply, "id")
        if reply.status in (200, 201) and isinstance(run_id, str) and is_id(run_id):
            return run_id
        reasons = {401: _WRONG_KEY, 404: f"is there a project {project_id}?"}
        what = f"no run was created: {reply.explain(reasons)}"
        if 400 <= reply.status < 500 and not is_temporary(reply.status):
            raise Refused(what)
        raise ServiceError(what)

    def finish_run(
        self, run_id: str, status: str, summary: dict[str, float], deadline: Deadline
    ) -> None:
        """Finish a run; one that has ended already stays as it is.

        :param summary: `score` and `passRate`, both 0..1; empty when not known.

        :raises ServiceError: the service did not.
        """
        body: dict[str, Any] = {"status": status}
        if summary:
            body["summary"] = summary
        reply = self._call("PATCH", _run_path(run_id), deadline, body)
        if reply.status != 409 and not _is_success(reply):
            raise ServiceError(
                f"the run {run_id} was not finished: {reply.explain(_REASONS)}"
            )

    def check_run(self, run_id: str, deadline: Deadline) -> None:
        """Stop on certain evidence that a run can't be fed; all else may pass by.

        :raises ConfigurationError: the key is refused, or the service itself says that
            there is no such run or that it has ended.
        """
        try:
            reply = self._client.send("GET", _run_path(run_id), deadline)
        except ServiceError:
            return
        if reply.status == 401:
            raise ConfigurationError(f"run {run_id}: {reply.explain(_REASONS)}")
        if reply.status == 404 and _is_failure(reply):
            raise ConfigurationError(f"run {run_id}: {reply.explain(_REASONS)}")
        if _is_success(reply) and (status := _run_status(reply)) in STATUSES:
            raise ConfigurationError(
                f"run {run_id} has ended with status {status!r} and takes no results:"
                " create another, for instance by --evalguard-run=new"
            )

    def send_batch(
        self, target: RunTarget, request: FrozenRequest, deadline: Deadline
    ) -> Answer:
        """Send one batch until it is answered for good or time is up."""
        path = f"{_run_path(str(target.run_id))}/results"
        headers = {"idempotency-key": request.key}

        def attempt() -> Reply:
            return self._client.send("POST", path, deadline, request.body, headers)

        try:
            reply = retrying(attempt, deadline, self._random, self._progress.wait_for)
        except ServiceError as error:
            return Answer("unsent", str(error), is_fatal=True)
        return _answer_from(reply, target)

    def _call(
        self, method: str, path: str, deadline: Deadline, body: dict[str, Any]
    ) -> Reply:
        data = json.dumps(body).encode()
        return self._client.send(method, path, deadline, data)


class EvalGuardService:
    """Submits a session as batches to one run.

    :param target: the run, or the project to create one in.
    :param key: the API key.
    """

    def __init__(self, target: RunTarget, key: str, progress: Progress) -> None:
        self._target = target
        self._progress = progress
        self._api = EvalGuard(target.url, key, progress)

    def prepare(self, name: str, deadline: Deadline) -> RunTarget:
        """Check that the run can be fed, or create it where it is to be new.

        A service that can't be reached lets the session start: it may be back at its
        end.

        :param name: the name of a run that is created.
        :raises ConfigurationError: the service refuses the key, the run or the project.
        """
        target = self._target
        try:
            if target.run_id is not None:
                self._api.check_run(target.run_id, deadline)
                return target
            run_id = self._api.create_run(str(target.project_id), name, "", deadline)
            return replace(target, run_id=run_id)
        except Refused as error:
            raise ConfigurationError(str(error)) from error
        except ServiceError:
            return target
        finally:
            self._api.close()

    def preview(self, session: Session) -> Submission:
        """Put the batches on disk as they would be sent."""
        return freeze(session, self._target).submission()

    def submit(self, session: Session, deadline: Deadline) -> Submission:
        """Send what was not sent yet; finish the run if this package created it."""
        try:
            if self._target.run_id is None:
                self._target = self._create_run(session, deadline)
            return self._submit(session, deadline)
        except ServiceError as error:
            rows = session.state.rows
            return Submission(self._target.service, unsent=rows, error=str(error))
        finally:
            self._api.close()

    def _create_run(self, session: Session, deadline: Deadline) -> RunTarget:
        """Create the run that could not be created when the session started."""
        state = session.state
        project, name = str(self._target.project_id), f"pytest {state.created}"
        run_id = self._api.create_run(project, name, "", deadline)
        created = replace(self._target, run_id=run_id)
        # the file may hold other services' targets, and one of ours without a run
        others = [each for each in state.targets if each.get("run_id", "") is not None]
        session.write(replace(state, targets=(*others, asdict(created))))
        return created

    def _submit(self, session: Session, deadline: Deadline) -> Submission:
        target = self._target
        outbox = freeze(session, target)
        error = deliver(
            outbox,
            lambda request: self._api.send_batch(target, request, deadline),
            self._progress,
        )
        submission = outbox.submission(error)
        if target.finish and submission.is_complete:
            return self._finish(session, outbox, submission, deadline)
        return submission

    def _finish(
        self, session: Session, outbox: Outbox, sent: Submission, deadline: Deadline
    ) -> Submission:
        if FINISH in outbox.answers():
            return sent
        state = session.state
        status = "passed" if state.exit_status == 0 else "failed"
        summary = run_summary(state.score, state.pass_rate)
        try:
            self._api.finish_run(str(self._target.run_id), status, summary, deadline)
        except ServiceError as error:
            return outbox.submission(str(error))
        outbox.settle(FINISH, Answer("accepted"))
        return sent


def open_service(
    target: RunTarget, key: str, directory: Path, progress: Progress
) -> EvalGuardService:
    """Return what submits a session to a run; the project's directory is not needed."""
    return EvalGuardService(target, key, progress)


def run_summary(score: float | None, pass_rate: float | None) -> dict[str, float]:
    """Return a run's figures as they are sent; 0 where there were no rows."""
    return {"score": round(score or 0.0, 6), "passRate": round(pass_rate or 0.0, 6)}


def api_base(url: str) -> str:
    """Return the API's base from any of its three forms: origin, /api or /api/v1."""
    path = urlsplit(url).path.rstrip("/")
    if path.endswith(API):
        return url
    if path.endswith("/api"):
        return f"{url}/v1"
    return f"{url}{API}"


def freeze(session: Session, target: RunTarget) -> Outbox:
    """Put the batches on disk as they will be sent, if they are not there yet."""
    outbox = Outbox(session, target)
    if not outbox.is_frozen:
        outbox.freeze(batches(session, target))
    return outbox


def batches(session: Session, target: RunTarget) -> Iterator[FrozenRequest]:
    """Yield the rows of a session in order, as requests with their keys."""
    cases = enumerate(case for case in session.cases() if case.has_row)
    session_id = session.state.id
    number = 0
    while chunk := list(islice(cases, target.batch_size)):
        yield _batch(chunk, target, f"{target.run_id}\n{session_id}\n{number}\n")
        number += 1


def _batch(
    chunk: list[tuple[int, Case]], target: RunTarget, identity: str
) -> FrozenRequest:
    rows = b",".join(row_bytes(case, index, target.dialect) for index, case in chunk)
    body = b'{"results":[' + rows + b"]}"
    digest = hashlib.sha256(identity.encode() + body).digest()
    return FrozenRequest(str(uuid.UUID(bytes=digest[:16], version=5)), len(chunk), body)


def _answer_from(reply: Reply, target: RunTarget) -> Answer:
    if _is_success(reply):
        return Answer("accepted")
    error = reply.explain(_REASONS)
    if reply.status < 300 and not (reply.is_html or _is_failure(reply)):
        error += "; that is no answer of EvalGuard's: is the base URL right?"
    if reply.status == 400:
        error += _dialect_hint(reply, target.dialect)
    if reply.status == 404 and not reply.is_html:
        error += "; pytest-evalguard submit --run ID DIR sends it to another run"
    if is_temporary(reply.status) or reply.status < 400:
        return Answer("unsent", error)
    if reply.status in _FATAL:
        return Answer("unsent", error, is_fatal=True)
    return Answer("rejected", error)


def _dialect_hint(reply: Reply, dialect: str) -> str:
    words = set(reply.body.decode("utf-8", "replace").replace('"', " ").split())
    words = {word.strip("'`.,:;()[]{}\\") for word in words}
    other = "sdk" if dialect == "documented" else "documented"
    if words & (FIELDS_OF["documented"] | FIELDS_OF["sdk"]):
        return (
            "; if the service wants the other rows, set evalguard_dialect ="
            f" {other} and run again"
        )
    return ""


def _is_success(reply: Reply) -> bool:
    data = reply.data
    is_envelope = isinstance(data, dict) and data.get("success") is True
    return 200 <= reply.status < 300 and is_envelope


def _is_failure(reply: Reply) -> bool:
    data = reply.data
    return isinstance(data, dict) and data.get("success") is False


def _field(reply: Reply, name: str) -> object:
    data = reply.data
    inner = data.get("data") if isinstance(data, dict) else None
    return inner.get(name) if isinstance(inner, dict) else None


def _run_status(reply: Reply) -> object:
    """Return a run's status, which older servers nest in `run`."""
    nested = _field(reply, "run")
    inner = nested.get("status") if isinstance(nested, dict) else None
    return _field(reply, "status") or inner


def _run_path(run_id: str) -> str:
    return f"/evals/{quote(run_id, safe='')}"
