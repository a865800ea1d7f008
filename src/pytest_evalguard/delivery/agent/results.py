"""Results of an agent: as they are sent, and as the service gives them back."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from ...model.case import Case, is_prompt_id
from ...model.outcome import OUTCOMES, AgentStatus
from ...storage.files import validator
from ..deadline import real_now
from ..frozen_requests import FrozenRequest
from ..http import Reply
from .prompts import Prompt, text_hash

_UNKNOWN = datetime.max.replace(tzinfo=timezone.utc)
_SLACK = timedelta(seconds=2)  # a `Date` header has whole seconds, clocks drift
_MOMENT = validator(datetime)
_DEPTH = 2  # how far down a reply may keep its list


def agent_result(case: Case) -> dict[str, Any]:
    """Return a case that has a response as the result of its prompt, as it is sent."""
    return {
        "status": status_of(case),
        "response": case.actual or "",
        "expectedAnswer": case.expected,
        "hallucinationLabel": case.hallucination_label,
        "hallucinationFindings": [_finding(each) for each in case.findings],
    }


def status_of(case: Case) -> AgentStatus:
    """Return a case's status; a verdict that is not always the same is ambiguous."""
    if case.passed and case.flaky:
        return "ambiguous"
    return OUTCOMES[case.outcome].agent_status or "failed"


def _finding(finding: object) -> dict[str, Any]:
    return finding if isinstance(finding, dict) else {"finding": finding}


def is_answer(reply: Reply) -> bool:
    """Whether the service said yes, and not a page or proxy with such a status."""
    data = reply.data
    if not 200 <= reply.status < 300 or not isinstance(data, dict | list):
        return False
    if isinstance(data, list):
        return True
    is_failure = data.get("error") or data.get("errors") or data.get("success") is False
    return not is_failure


def is_acceptance(reply: Reply, request: FrozenRequest) -> bool:
    """Whether the service said that it took this result, and not another one."""
    if not is_answer(reply):
        return False
    said = reply.data.get("promptId") if isinstance(reply.data, dict) else None
    return said is None or str(prompt_id_of(said)) == request.key


def prompt_id_of(value: object) -> int | None:
    """Return a prompt's id however its number is written, None where it is none."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and is_prompt_id(value) else None


def entries(data: object, name: str) -> list[dict[str, Any]]:
    """Return the objects in the list that a reply is, or holds at most two levels down.

    :param name: a field that they have; a list of other things is not the one meant.
    :raises ValueError: there is no such list.
    """
    lists = list(_lists(data))
    for each in lists:
        if any(isinstance(entry, dict) and name in entry for entry in each):
            return [entry for entry in each if isinstance(entry, dict)]
    if [] not in lists:
        raise ValueError(f"there is no list of objects with {name!r} in the answer")
    return []


def _lists(data: object, depth: int = _DEPTH) -> Iterator[list[Any]]:
    if isinstance(data, list):
        yield data
    elif isinstance(data, dict) and depth:
        for name, each in data.items():
            if name != "errors":
                yield from _lists(each, depth - 1)


def read_prompts(data: object) -> list[Prompt]:
    """Return the prompts in a reply; what has no text is passed over.

    :raises ValueError: there is no list of prompts, or one that has no id.
    """
    prompts = []
    for each in entries(data, "prompt"):
        text, number = each.get("prompt"), prompt_id_of(each.get("id"))
        if not isinstance(text, str):
            continue
        if number is None:
            raise ValueError(f"a prompt has no id that is a number: {each.get('id')!r}")
        prompts.append(Prompt(number, text_hash(text)))
    return prompts


class Arrived:
    """The results that a service has stored, of each prompt the newest one.

    :param created: when the session began that the results in question are of.
    :param wanted: the prompts that are asked for; of others nothing is kept.
    :raises ValueError: the reply has no list of results.
    """

    def __init__(
        self, reply: Reply, created: datetime, wanted: Collection[str]
    ) -> None:
        self._since = _since(reply, created)
        self._newest: dict[str, dict[str, Any]] = {}
        for each in entries(reply.data, "promptId"):
            key = str(prompt_id_of(each.get("promptId")))
            if key in wanted and self._is_newest(key, each):
                self._newest[key] = each

    def _is_newest(self, key: str, result: dict[str, Any]) -> bool:
        before = self._newest.get(key)
        return before is None or _updated(result) >= _updated(before)

    def has(self, request: FrozenRequest) -> bool:
        """Whether what a request carries was stored, in this session or after it."""
        stored, sent = self._newest.get(request.key, {}), _read(request.body)
        if any(stored.get(name) != sent.get(name) for name in ("status", "response")):
            return False
        return bool(stored) and _updated(stored) >= self._since


def _read(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _since(reply: Reply, created: datetime) -> datetime:
    """Return when a session began, by the service's clock where it tells its time."""
    try:
        there = parsedate_to_datetime(reply.headers.get("date", ""))
        return created + (there - real_now()) - _SLACK
    except (ValueError, TypeError, IndexError, OverflowError):
        return created - _SLACK


def _updated(result: dict[str, Any]) -> datetime:
    """Return when a result was stored; one that does not say so may be any."""
    said = result.get("updated_at") or result.get("created_at")
    try:
        moment: datetime = _MOMENT.validate_python(said)
    except ValueError:
        return _UNKNOWN
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
