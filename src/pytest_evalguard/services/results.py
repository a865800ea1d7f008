"""Results of an agent: as they are sent, and as the service gives them back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any
from typing import Literal

from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import TypeAdapter
from pydantic import ValidationError

from ..case import Case
from ..delivery import FrozenRequest
from ..transport import Reply

Status = Literal["passed", "failed", "ambiguous"]
_UNKNOWN = datetime.max.replace(tzinfo=timezone.utc)
_SLACK = timedelta(seconds=2)  # a `Date` header has whole seconds, clocks drift
_MOMENT = TypeAdapter(datetime)


class AgentResult(BaseModel):
    """The result of one prompt, as it is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Status
    response: str
    expectedAnswer: str | None = None
    hallucinationLabel: str | None = None
    hallucinationFindings: list[dict[str, Any]]


def agent_result(case: Case) -> AgentResult:
    """Return a case that has a response as the result of its prompt."""
    return AgentResult(
        status=status_of(case),
        response=case.actual or "",
        expectedAnswer=case.expected,
        hallucinationLabel=case.hallucination_label,
        hallucinationFindings=[_finding(each) for each in case.findings],
    )


def status_of(case: Case) -> Status:
    """Return a case's status; a verdict that is not always the same is ambiguous."""
    if case.outcome == "ambiguous" or (case.passed and case.flaky):
        return "ambiguous"
    return "passed" if case.passed else "failed"


def _finding(finding: object) -> dict[str, Any]:
    return finding if isinstance(finding, dict) else {"finding": finding}


def entries(data: object) -> Iterator[dict[str, Any]]:
    """Yield the objects in a reply: a list of them, or one that holds such a list."""
    if isinstance(data, dict):
        data = next((each for each in data.values() if isinstance(each, list)), [])
    for each in data if isinstance(data, list) else ():
        if isinstance(each, dict):
            yield each


class Arrived:
    """The results that a service has stored, of each prompt the newest one.

    :param created: when the session began that the results in question are of.
    """

    def __init__(self, reply: Reply, created: datetime) -> None:
        self._since = created + _clock_difference(reply) - _SLACK
        self._newest: dict[str, dict[str, Any]] = {}
        for each in entries(reply.data):
            key = str(each.get("promptId"))
            if key not in self._newest or _updated(each) >= _updated(self._newest[key]):
                self._newest[key] = each

    def has(self, request: FrozenRequest) -> bool:
        """Whether what a request carries was stored, in this session or after it."""
        stored, sent = self._newest.get(request.key, {}), _read(request.body)
        if any(stored.get(name) != sent.get(name) for name in ("status", "response")):
            return False
        return bool(stored) and _updated(stored) >= self._since


def _read(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _clock_difference(reply: Reply) -> timedelta:
    """Return how much a service's clock is ahead of ours."""
    try:
        there = parsedate_to_datetime(reply.headers.get("date", ""))
        return there - datetime.now(timezone.utc)
    except (ValueError, TypeError):
        return timedelta()


def _updated(result: dict[str, Any]) -> datetime:
    """Return when a result was stored; one that does not say so may be any."""
    said = result.get("updated_at") or result.get("created_at")
    try:
        moment: datetime = _MOMENT.validate_python(said)
    except ValidationError:
        return _UNKNOWN
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
