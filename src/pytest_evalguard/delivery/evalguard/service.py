"""EvalGuard: runs that are created, fed with batches of rows, and finished."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ...config.checks import is_id
from ...errors import ConfigurationError, ServiceError
from ...storage.session import Session
from ..deadline import Deadline
from ..frozen_requests import FrozenRequest
from ..http import (
    MAX_LIST,
    Client,
    Reply,
    Unreachable,
    is_temporary,
    leaves_doubt,
    retrying,
)
from ..outbox import FINISH, Answer, Note, Outbox, Submission
from ..sending import Progress, deliver
from . import RunTarget
from .rows import (
    REASONS,
    SINGLE,
    UNKNOWN,
    WRONG_KEY,
    answer_from,
    field,
    freeze,
    freeze_anew,
    frozen_as,
    halves,
    is_failure,
    is_success,
    stored_rows,
)

API = "/api/v1"
STATUSES = ("passed", "failed", "error")
"""The statuses that end a run."""


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
        run_id = field(reply, "id")
        if reply.status in (200, 201) and isinstance(run_id, str) and is_id(run_id):
            return run_id
        reasons = {401: WRONG_KEY, 404: f"is there a project {project_id}?"}
        what = f"no run was created: {reply.explain(reasons)}"
        if 400 <= reply.status < 500 and not is_temporary(reply.status):
            raise Refused(what)
        raise ServiceError(what)

    def finish_run(
        self, run_id: str, status: str, summary: dict[str, float], deadline: Deadline
    ) -> str:
        """Finish a run, and return its status; one that had ended keeps the one it has.

        :param summary: `score` and `passRate`, both 0..1; empty when not known.

        :raises ServiceError: the service did not.
        """
        body: dict[str, Any] = {"status": status}
        if summary:
            body["summary"] = summary
        reply = self._call("PATCH", _run_path(run_id), deadline, body)
        if reply.status == 409:
            with suppress(ServiceError):
                reply = self._client.send("GET", _run_path(run_id), deadline)
            return str(_run_status(reply) or "unknown")
        if not is_success(reply):
            raise ServiceError(
                f"the run {run_id} was not finished: {reply.explain(REASONS)}"
            )
        return status

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
            raise ConfigurationError(f"run {run_id}: {reply.explain(REASONS)}")
        if reply.status == 404 and is_failure(reply):
            raise ConfigurationError(f"run {run_id}: {reply.explain(REASONS)}")
        if is_success(reply) and (status := _run_status(reply)) in STATUSES:
            raise ConfigurationError(
                f"run {run_id} has ended with status {status!r} and takes no results:"
                " create another, for instance by --evalguard-run=new"
            )

    def send_batch(
        self, target: RunTarget, request: FrozenRequest, deadline: Deadline
    ) -> Answer:
        """Send one batch until it is answered for good or time is up."""
        sending = _Sending(self._client, target, request, deadline)
        try:
            reply = retrying(
                sending.attempt, deadline, self._random, self._progress.wait_for
            )
        except ServiceError as error:
            answer = Answer("unsent", str(error), is_fatal=True)
        else:
            answer = answer_from(reply, target)
        return replace(answer, is_in_doubt=sending.is_in_doubt)

    def has_arrived(
        self, run_id: str, request: FrozenRequest, deadline: Deadline
    ) -> bool | None:
        """Whether a run has all rows of a batch; None where it does not tell.

        :raises ServiceError: the service can't be asked now.
        """
        path, send = _run_path(run_id), self._client.send
        reply = retrying(
            lambda: send("GET", path, deadline, most=MAX_LIST),
            deadline,
            self._random,
            self._progress.wait_for,
        )
        if is_temporary(reply.status):
            raise ServiceError(reply.explain(REASONS))
        stored = field(reply, "results") if is_success(reply) else None
        return stored_rows(stored, json.loads(request.body)["results"])

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

    def freeze_anew(
        self, session: Session, changes: Mapping[str, str | int], deadline: Deadline
    ) -> None:
        """Replace what was rejected, where it was frozen by other settings.

        What may have arrived in an attempt without an answer keeps its key and bytes:
        under other ones it could be there twice.

        :param changes: the settings that are to be others, as the target names them.
        :raises ServiceError: the service can't be asked what has arrived.
        """
        outbox = Outbox(session, self._target)
        anew: dict[RunTarget, list[str]] = {}
        for request, answer in outbox.rejected():
            before = frozen_as(session, self._target, request.settings)
            after = frozen_as(session, before, changes)
            if after == before:
                continue
            arrived = answer.is_in_doubt and self._has_arrived(request, deadline)
            if arrived:
                outbox.settle(request.key, Answer("accepted"))
            elif arrived is False:
                anew.setdefault(after, []).append(request.key)
        for target, keys in anew.items():
            freeze_anew(session, outbox, keys, target)

    def _has_arrived(self, request: FrozenRequest, deadline: Deadline) -> bool | None:
        return self._api.has_arrived(str(self._target.run_id), request, deadline)

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
        send = partial(self._send, session, outbox, outbox.doubts(), deadline)
        split = partial(halves, session, target)
        error = deliver(outbox, send, self._progress, halves=split)
        submission = outbox.submission(error)
        if target.finish and submission.is_complete:
            return self._finish(session, outbox, submission, deadline)
        return submission

    def _send(
        self,
        session: Session,
        outbox: Outbox,
        doubts: set[str],
        deadline: Deadline,
        request: FrozenRequest,
    ) -> Answer:
        """Send a batch; what is said of it, is said of rows that are not there.

        :param doubts: the keys of those that may have arrived already.
        """
        target = frozen_as(session, self._target, request.settings)
        outbox.note(request.key, Note.SENT)
        answer = self._api.send_batch(target, request, deadline)
        is_in_doubt = answer.is_in_doubt or request.key in doubts
        answer = replace(answer, is_in_doubt=is_in_doubt)
        if answer.state == "unsent" and not is_in_doubt:
            outbox.note(request.key, Note.UNSENT)
        if answer.state in ("accepted", "unsent"):
            return answer
        try:
            arrived = is_in_doubt and self._has_arrived(request, deadline)
        except ServiceError as error:
            why = (
                f"{answer.error}; whether it arrived before can't be found out: {error}"
            )
            return Answer("unsent", why, is_in_doubt=True)
        if arrived:
            return Answer("accepted")
        if arrived is None:
            why = f"{answer.error}{UNKNOWN}"
            return Answer("rejected", why, is_in_doubt=True)
        if answer.state == "too large" and request.results == 1:
            return Answer("rejected", f"{answer.error}{SINGLE}")
        return replace(answer, is_in_doubt=False)

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


class _Sending:
    """One batch on its way, and whether an attempt may have left it at the service."""

    def __init__(
        self,
        client: Client,
        target: RunTarget,
        request: FrozenRequest,
        deadline: Deadline,
    ) -> None:
        self._client = client
        self._path = f"{_run_path(str(target.run_id))}/results"
        self._request = request
        self._deadline = deadline
        self.is_in_doubt = False

    def attempt(self) -> Reply:
        """Send it once."""
        headers = {"idempotency-key": self._request.key}
        try:
            reply = self._client.send(
                "POST", self._path, self._deadline, self._request.body, headers
            )
        except ServiceError as error:
            was_sent = isinstance(error, Unreachable) and error.was_sent
            self.is_in_doubt = self.is_in_doubt or was_sent
            raise
        if reply.status == 409 or leaves_doubt(reply):  # it may be under way
            self.is_in_doubt = True
        return reply


def _run_status(reply: Reply) -> object:
    """Return a run's status, which older servers nest in `run`."""
    nested = field(reply, "run")
    inner = nested.get("status") if isinstance(nested, dict) else None
    return field(reply, "status") or inner


def _run_path(run_id: str) -> str:
    return f"/evals/{quote(run_id, safe='')}"
