"""An agent-evaluation service: takes one result a prompt, and has no batches."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from pydantic_core import to_json

from ...errors import ServiceError
from ...model.case import Case
from ...storage.session import Session
from ..deadline import Deadline
from ..frozen_requests import FrozenRequest
from ..http import MAX_LIST, Client, Reply, is_temporary, leaves_doubt, retrying
from ..outbox import Answer, LeftOut, Outbox, Submission, submission_of
from ..sending import Progress, deliver
from . import AgentTarget
from .prompts import NO_PROMPT, Prompt, PromptIds, assign, locked_prompts
from .results import Arrived, agent_result, is_acceptance, is_answer, read_prompts

_REASONS = {
    401: "the API key in EVALGUARD_AGENT_API_KEY is not accepted",
    403: "the API key is not allowed to do this: use one that is",
    404: "there is no such agent or prompt, or no such endpoint: its vendor"
    " removed this API from its public documentation in August 2026. Check the agent's"
    " id, the prompt's id and the base URL (evalguard_agent_url)",
}
_REFUSES_ALL = frozenset((401, 403))
_UNREAD = "results can't be read back"


class KeyRefused(ServiceError):
    """The service does not take the key: nothing else is asked of it."""


class _Unreadable(ServiceError):
    """What one request asked for can't be read; others may fare better."""


class AgentApi:
    """The API for one agent."""

    def __init__(
        self, url: str, agent_id: str, key: str, progress: Progress | None = None
    ) -> None:
        base = url if url.endswith("/api") else f"{url}/api"
        agent = f"{base}/agents/{quote(agent_id, safe='')}"
        self._client = Client(agent, key, ("x-api-key", key))
        self._progress = progress or Progress()
        self._random = random.Random()  # noqa: S311 # spreads retries, hides nothing

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def prompts(self, deadline: Deadline) -> list[Prompt]:
        """Return the agent's prompts.

        :raises KeyRefused: the key may not read them.
        :raises ServiceError: the service did not give them.
        """
        send, path = self._client.send, "/test-prompts"
        reply = self.retry(lambda: send("GET", path, deadline, most=MAX_LIST), deadline)
        return _prompts(reply, "the agent's prompts can't be read")

    def create_prompts(
        self, prompts: Mapping[str, str], deadline: Deadline
    ) -> list[Prompt]:
        """Create prompts in one request, sent once, and return them.

        :param prompts: the expected answer of each, by its text.
        :raises ServiceError: it is not known to have created them.
        """
        wanted = [{"prompt": p, "expectedAnswer": e} for p, e in prompts.items()]
        body = json.dumps({"prompts": wanted}).encode()
        send, path = self._client.send, "/test-prompts"
        reply = send("POST", path, deadline, body, most=MAX_LIST)
        return _prompts(reply, "no prompts are known to be created")

    def results(self, deadline: Deadline) -> Reply:
        """Read back all results of the agent, once.

        :raises ServiceError: no answer came.
        """
        return self._client.send("GET", "/test-results", deadline, most=MAX_LIST)

    def post(self, request: FrozenRequest, deadline: Deadline) -> Reply:
        """Send one result, once.

        :raises ServiceError: no answer came.
        """
        path = f"/test-results/{quote(request.key, safe='')}"
        # the answer repeats what was sent
        return self._client.send("POST", path, deadline, request.body, most=MAX_LIST)

    def retry(self, attempt: Callable[[], Reply], deadline: Deadline) -> Reply:
        """Repeat an attempt until it is answered for good, or time is up.

        :raises Unreachable: the last attempt got no answer.
        """
        return retrying(attempt, deadline, self._random, self._progress.wait_for)


class AgentService:
    """Submits a session as one result a prompt.

    :param target: the agent.
    :param key: the API key.
    :param directory: where the lock file of prompts is, if there is one.
    """

    def __init__(
        self, target: AgentTarget, key: str, directory: Path, progress: Progress
    ) -> None:
        self._target = target
        self._directory = directory
        self._progress = progress
        self._api = AgentApi(target.url, target.agent_id, key, progress)

    def prepare(self, name: str, deadline: Deadline) -> AgentTarget:
        """Return the target as it is: the service has nothing to be asked before."""
        return self._target

    def preview(self, session: Session) -> Submission:
        """Count what would be sent, as far as that is known without the service."""
        target = self._target
        ids, left_out = assign(session.cases(), [self._locked()], {})
        return Submission(
            target.service,
            unsent=len(ids),
            target_id=target.id,
            left_out=tuple(left_out),
        )

    def submit(self, session: Session, deadline: Deadline) -> Submission:
        """Send what was not sent yet, after a look at what has arrived before."""
        try:
            return self._submit(session, Outbox(session, self._target), deadline)
        except ServiceError as error:
            return replace(submission_of(session, self._target), error=str(error))
        finally:
            self._api.close()

    def _submit(
        self, session: Session, outbox: Outbox, deadline: Deadline
    ) -> Submission:
        read_back = _ReadBack(self._api, outbox, session.state.created_at)
        if outbox.is_frozen and outbox.unsettled:
            self._settle_arrived(outbox, read_back.read(deadline))
        problem = None
        if not outbox.is_frozen or any(map(_may_find_a_prompt, outbox.left_out())):
            problem = self._freeze(session, outbox, deadline)
        if isinstance(problem, KeyRefused):
            return outbox.submission(str(problem))
        error = deliver(
            outbox,
            lambda request: self._send(request, read_back, deadline),
            self._progress,
            self._target.at_once,
        )
        return outbox.submission(error if problem is None else str(problem))

    def _locked(self) -> PromptIds:
        return locked_prompts(self._directory, self._target.agent_id)

    def _freeze(
        self, session: Session, outbox: Outbox, deadline: Deadline
    ) -> ServiceError | None:
        """Freeze what has a prompt; return why that is not known of the rest, if so."""
        known, problem = self._locked(), None
        before = outbox.requests() if outbox.is_frozen else ()
        frozen = {int(each.key): each.nodeid for each in before}
        stored = session.cases()
        ids, left_out = assign(stored, [known], frozen)
        if any(each.why == NO_PROMPT for each in left_out):
            try:
                # what has a prompt needs time, too
                listed = PromptIds(self._api.prompts(Deadline(deadline.left / 2)))
                ids, left_out = assign(stored, [known, listed], frozen)
            except ServiceError as error:
                problem = error
                left_out = [replace(e, is_open=e.why == NO_PROMPT) for e in left_out]
        cases = stored.read(sorted(ids))
        outbox.freeze(_requests(outbox, cases, ids), left_out)
        return problem

    def _settle_arrived(self, outbox: Outbox, arrived: Arrived) -> None:
        """Settle what an earlier process sent without hearing the answer."""
        answers = outbox.answers()
        for request in outbox.requests():
            if request.key not in answers and arrived.has(request):
                outbox.settle(request.key, Answer("accepted"))

    def _send(
        self, request: FrozenRequest, read_back: _ReadBack, deadline: Deadline
    ) -> Answer:
        """Send one result until it is answered for good, or time is up."""
        sending = _Sending(self._api, request, read_back, deadline)
        try:
            reply = self._api.retry(sending.attempt, deadline)
            if not sending.has_arrived and reply.status < 300:
                reply = sending.attempt()
        except ServiceError as error:
            is_fatal = not isinstance(error, _Unreadable)
            return Answer("unsent", f"prompt {request.key}: {error}", is_fatal)
        if sending.has_arrived:
            return Answer("accepted")
        if sending.is_reading_back:
            why = _failure(_UNREAD, reply)
            return Answer("unsent", f"prompt {request.key}: {why}")
        return _answer_from(reply, request)


def open_service(
    target: AgentTarget, key: str, directory: Path, progress: Progress
) -> AgentService:
    """Return what submits a session to an agent."""
    return AgentService(target, key, directory, progress)


class _ReadBack:
    """Reads what the service has stored, once for all that is in doubt at a time.

    :param created: when the session of the results began.
    """

    def __init__(self, api: AgentApi, outbox: Outbox, created: datetime) -> None:
        self._api = api
        self._outbox = outbox
        self._created = created
        self._lock = threading.Lock()
        self._arrived: Arrived | None = None
        self.count = 0

    def read(self, deadline: Deadline) -> Arrived:
        """Read it, in as many attempts as it takes.

        :raises ServiceError: the service did not give it.
        """
        reply = self._api.retry(lambda: self._api.results(deadline), deadline)
        return self._understood(reply)

    def after(self, count: int, deadline: Deadline) -> Arrived | Reply:
        """Return what is stored, by a reading after that many; a reply: try again.

        :raises ServiceError: the service does not give it.
        """
        with self._lock:
            if self._arrived is None or self.count <= count:
                self._arrived = None
                self.count += 1
                reply = self._api.results(deadline)
                if is_temporary(reply.status):
                    return reply
                self._arrived = self._understood(reply)
            return self._arrived

    def _understood(self, reply: Reply) -> Arrived:
        if not is_answer(reply):
            raise _failure(_UNREAD, reply)
        wanted = {each.key for each in self._outbox.requests()}
        try:
            return Arrived(reply, self._created, wanted)
        except ValueError as error:
            raise _Unreadable(f"{_UNREAD}: {error}") from error


class _Sending:
    """One result on its way; where an answer is missing, it is looked for."""

    def __init__(
        self,
        api: AgentApi,
        request: FrozenRequest,
        read_back: _ReadBack,
        deadline: Deadline,
    ) -> None:
        self._api = api
        self._request = request
        self._read_back = read_back
        self._deadline = deadline
        self._read_before: int | None = None  # readings before it was in doubt
        self.is_reading_back = False
        self.has_arrived = False

    def attempt(self) -> Reply:
        """Send it, unless it is found to be there already."""
        if self._read_before is not None:
            found = self._read_back.after(self._read_before, self._deadline)
            self.is_reading_back = isinstance(found, Reply)
            if isinstance(found, Reply):
                return found
            self.has_arrived = found.has(self._request)
            if self.has_arrived:
                return _FOUND
        return self._post()

    def _post(self) -> Reply:
        reply = None
        try:
            reply = self._api.post(self._request, self._deadline)
        finally:
            is_in_doubt = reply is None or leaves_doubt(reply)
            self._read_before = self._read_back.count if is_in_doubt else None
        self.has_arrived = is_acceptance(reply, self._request)
        return reply


_FOUND = Reply(200, b"{}")


def _may_find_a_prompt(left_out: LeftOut) -> bool:
    return left_out.is_open or left_out.why == NO_PROMPT


def _requests(
    outbox: Outbox, cases: Iterable[Case], ids: Mapping[str, int]
) -> Iterator[FrozenRequest]:
    """Yield the requests that are frozen already, as they are, then the new ones."""
    if outbox.is_frozen:
        yield from outbox.requests()
    for case in cases:
        body = to_json(agent_result(case), inf_nan_mode="null")
        yield FrozenRequest(str(ids[case.nodeid]), 1, body, case.nodeid)


def _prompts(reply: Reply, failure: str) -> list[Prompt]:
    if not is_answer(reply):
        raise _failure(failure, reply)
    try:
        return read_prompts(reply.data)
    except ValueError as error:
        raise ServiceError(f"{failure}: {error}") from error


def _failure(what: str, reply: Reply) -> ServiceError:
    kind = KeyRefused if reply.status in _REFUSES_ALL else _Unreadable
    return kind(f"{what}: {reply.explain(_REASONS)}")


def _answer_from(reply: Reply, request: FrozenRequest) -> Answer:
    error = f"prompt {request.key}: {reply.explain(_REASONS)}"
    if reply.status < 300:
        if not reply.is_cut:
            error += (
                "; that answer is not from the agent service: is the base URL right?"
            )
        return Answer("unsent", error, is_fatal=True)
    if reply.status in _REFUSES_ALL:
        return Answer("unsent", error, is_fatal=True)
    if reply.status == 404:  # the service itself says so in JSON, of this prompt
        return Answer("unsent", error, is_fatal=not isinstance(reply.data, dict))
    if is_temporary(reply.status) or reply.status < 400:
        return Answer("unsent", error)
    return Answer("rejected", error)
