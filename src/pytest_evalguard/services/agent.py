"""An agent-evaluation service: takes one result a prompt, and has no batches."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from ..assignment import NO_PROMPT
from ..assignment import assign
from ..case import Case
from ..deadline import Deadline
from ..delivery import Answer
from ..delivery import FrozenRequest
from ..delivery import Outbox
from ..delivery import Submission
from ..delivery import submission_of
from ..errors import ServiceError
from ..progress import Progress
from ..prompts import Prompt
from ..prompts import PromptIds
from ..prompts import locked_prompts
from ..prompts import prompt_of
from ..prompts import text_hash
from ..sending import deliver
from ..session import Session
from ..target import AgentTarget
from ..transport import MAX_LIST
from ..transport import Client
from ..transport import Reply
from ..transport import is_temporary
from ..transport import retrying
from .results import Arrived
from .results import agent_result
from .results import entries

_REASONS = {
    401: "the API key in EVALGUARD_AGENT_API_KEY is not accepted",
    403: "the API key may not do this",
    404: "there is no such agent or prompt, or no such endpoint: its vendor took this"
    " API out of its public documentation in August 2026. Check the agent's id, the"
    " prompt's id and the base URL (evalguard_agent_url)",
}
_REFUSES_ALL = frozenset((401, 403))


class AgentApi:
    """The API for one agent."""

    def __init__(
        self, url: str, agent_id: str, key: str, progress: Progress | None = None
    ) -> None:
        base = url if url.endswith("/api") else f"{url}/api"
        agent = f"{base}/agents/{quote(agent_id, safe='')}"
        self._client = Client(agent, {"x-api-key": key})
        self._progress = progress or Progress()
        self._chance = random.Random()  # noqa: S311 # spreads retries, hides nothing

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def prompts(self, deadline: Deadline) -> list[Prompt]:
        """Return the agent's prompts.

        :raises ServiceError: the service did not give them.
        """
        send, path = self._client.send, "/test-prompts"
        reply = self.retry(lambda: send("GET", path, deadline, most=MAX_LIST), deadline)
        return list(_prompts(reply, "the agent's prompts can't be read"))

    def create_prompts(
        self, prompts: Mapping[str, str], deadline: Deadline
    ) -> list[Prompt]:
        """Create prompts in one request, sent once, and return them.

        :param prompts: the expected answer of each, by its text.
        :raises ServiceError: it is not known to have created them.
        """
        wanted = [{"prompt": p, "expectedAnswer": e} for p, e in prompts.items()]
        body = json.dumps({"prompts": wanted}).encode()
        reply = self._client.send("POST", "/test-prompts", deadline, body)
        return list(_prompts(reply, "no prompts were created"))

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
        return self._client.send("POST", path, deadline, request.body)

    def retry(self, attempt: Callable[[], Reply], deadline: Deadline) -> Reply:
        """Repeat an attempt until it is answered for good, or time is up.

        :raises Unreachable: the last attempt got no answer.
        """
        return retrying(attempt, deadline, self._chance, self._progress.wait_for)


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
        target, known = self._target, self._locked()
        ids, left_out = assign(session.cases(), known)
        return Submission(
            target.service,
            unsent=len(ids),
            target_id=target.id,
            left_out=tuple(left_out),
        )

    def submit(self, session: Session, deadline: Deadline) -> Submission:
        """Send what was not sent yet, after a look at what has arrived before."""
        try:
            outbox = Outbox(session, self._target)
            created = session.state.created_at
            if outbox.is_frozen:
                self._settle_arrived(outbox, created, deadline)
            if not outbox.is_frozen or any(
                each.why == NO_PROMPT for each in outbox.left_out()
            ):
                self._freeze(session, outbox, deadline)
            error = deliver(
                outbox,
                lambda request: self._send(request, created, deadline),
                self._progress,
                self._target.at_once,
            )
            return outbox.submission(error)
        except ServiceError as error:
            return replace(submission_of(session, self._target), error=str(error))
        finally:
            self._api.close()

    def _locked(self) -> PromptIds:
        return locked_prompts(self._directory, self._target.agent_id)

    def _freeze(self, session: Session, outbox: Outbox, deadline: Deadline) -> None:
        known = [self._locked()]
        if any(self._is_unknown(case, *known) for case in session.cases()):
            known.append(PromptIds(self._api.prompts(deadline)))
        ids, left_out = assign(session.cases(), *known)
        before = outbox.requests() if outbox.is_frozen else iter(())
        outbox.freeze(_requests(before, session.cases(), ids), left_out)

    def _is_unknown(self, case: Case, *known: PromptIds) -> bool:
        return self._target.takes(case) and prompt_of(case, *known) is None

    def _settle_arrived(
        self, outbox: Outbox, created: datetime, deadline: Deadline
    ) -> None:
        """Settle what an earlier process sent without hearing the answer."""
        if not outbox.unsettled:
            return
        reply = self._api.retry(lambda: self._api.results(deadline), deadline)
        if not _is_answer(reply):
            raise ServiceError(f"results can't be read back: {reply.explain(_REASONS)}")
        arrived, answers = Arrived(reply, created), outbox.answers()
        for request in outbox.requests():
            if request.key not in answers and arrived.has(request):
                outbox.settle(request.key, Answer("accepted"))

    def _send(
        self, request: FrozenRequest, created: datetime, deadline: Deadline
    ) -> Answer:
        """Send one result until it is answered for good, or time is up."""
        sending = _Sending(self._api, request, created, deadline)
        try:
            reply = self._api.retry(sending.attempt, deadline)
            if not sending.has_arrived and reply.status < 300:
                reply = sending.attempt()
        except ServiceError as error:
            return Answer("unsent", f"prompt {request.key}: {error}", is_fatal=True)
        return Answer("accepted") if sending.has_arrived else _judge(reply, request)


class _Sending:
    """One result on its way; where an answer is missing, it is looked for."""

    def __init__(
        self,
        api: AgentApi,
        request: FrozenRequest,
        created: datetime,
        deadline: Deadline,
    ) -> None:
        self._api = api
        self._request = request
        self._created = created
        self._deadline = deadline
        self.is_in_doubt = False
        self.has_arrived = False

    def attempt(self) -> Reply:
        """Send it, unless it is found to be there already."""
        if self.is_in_doubt:
            reply = self._api.results(self._deadline)
            if not _is_answer(reply):
                return reply
            self.has_arrived = Arrived(reply, self._created).has(self._request)
            if self.has_arrived:
                return reply
        self.is_in_doubt = True
        reply = self._api.post(self._request, self._deadline)
        self.has_arrived = _is_answer(reply)
        self.is_in_doubt = not self.has_arrived and _leaves_doubt(reply)
        return reply


def _requests(
    before: Iterable[FrozenRequest], cases: Iterable[Case], ids: Mapping[str, int]
) -> Iterator[FrozenRequest]:
    """Yield the requests that are frozen already, as they are, then the new ones."""
    keys = set()
    for request in before:
        keys.add(request.key)
        yield request
    for case in cases:
        if case.nodeid in ids and (key := str(ids[case.nodeid])) not in keys:
            body = agent_result(case).model_dump_json().encode()
            yield FrozenRequest(key, 1, body)


def _prompts(reply: Reply, failure: str) -> Iterator[Prompt]:
    if not _is_answer(reply):
        raise ServiceError(f"{failure}: {reply.explain(_REASONS)}")
    for each in entries(reply.data):
        number, text = each.get("id"), each.get("prompt")
        if isinstance(number, int) and isinstance(text, str):
            yield Prompt(number, text_hash(text))


def _is_answer(reply: Reply) -> bool:
    """Whether the service said yes, and not a page or proxy with such a status."""
    data = reply.data
    is_failure = isinstance(data, dict) and bool(data.get("error"))
    return (
        200 <= reply.status < 300 and isinstance(data, dict | list) and not is_failure
    )


def _leaves_doubt(reply: Reply) -> bool:
    """Whether a result may have been stored for all that was answered."""
    return reply.status < 300 or reply.status >= 500 or reply.status == 408


def _judge(reply: Reply, request: FrozenRequest) -> Answer:
    error = f"prompt {request.key}: {reply.explain(_REASONS)}"
    if reply.status < 300:
        error += "; that is no answer of the agent service's: is the base URL right?"
        return Answer("unsent", error, is_fatal=True)
    if reply.status in _REFUSES_ALL:
        return Answer("unsent", error, is_fatal=True)
    if reply.status == 404:  # the service itself says so in JSON, of this prompt
        return Answer("unsent", error, is_fatal=not isinstance(reply.data, dict))
    if is_temporary(reply.status) or reply.status < 400:
        return Answer("unsent", error)
    return Answer("rejected", error)
