"""Pulls an agent's prompts into the lock file, and pushes the missing ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...errors import ServiceError
from ...model.case import Case
from ...model.redaction import REDACTED
from ...storage.session import sessions_in
from ..deadline import Deadline
from .prompts import (
    Prompt,
    PromptIds,
    prompt_of,
    read_lock,
    text_hash,
    with_nodeids,
    write_lock,
)
from .service import AgentApi


def last_cases(out: Path) -> list[Case]:
    """Return the cases of the newest session below `out`, none when there is none.

    :raises SessionError: it can't be read.
    """
    sessions = sessions_in(out)
    return list(sessions[-1].cases()) if sessions else []


def pull(
    api: AgentApi,
    agent_id: str,
    lock_path: Path,
    cases: Iterable[Case],
    deadline: Deadline,
) -> tuple[Prompt, ...]:
    """Write an agent's prompts, with the tests that answer them, into the lock file.

    :raises ServiceError: the service did not give them.
    :raises ConfigurationError: there is a lock file that can't be read.
    """
    lock = read_lock(lock_path)
    before = lock.agents.get(agent_id, ())
    prompts = with_nodeids(api.prompts(deadline), before, cases)
    lock.agents[agent_id] = prompts
    write_lock(lock_path, lock)
    return prompts


def push(
    api: AgentApi, locked: PromptIds, cases: Iterable[Case], deadline: Deadline
) -> int:
    """Create the prompts that cases have and the agent has not; return how many.

    :raises ServiceError: the service did not say that all of them are there.
    """
    missing = _missing(api, locked, cases, deadline)
    if not missing:
        return 0
    again = "the same command creates only what is missing then"
    try:
        there = {each.sha256 for each in api.create_prompts(missing, deadline)}
    except ServiceError as error:
        raise ServiceError(
            f"{error}. Some of the {len(missing)} missing prompts may have been"
            f" created; {again}"
        ) from error
    created = sum(text_hash(text) in there for text in missing)
    if created < len(missing):
        raise ServiceError(
            f"the service says it created {created} of the {len(missing)} missing"
            f" prompts; {again}"
        )
    return created


def _missing(
    api: AgentApi, locked: PromptIds, cases: Iterable[Case], deadline: Deadline
) -> dict[str, str]:
    """Return the expected answer of each prompt that is missing, by its text."""
    there = PromptIds(api.prompts(deadline))
    return {
        case.input: case.expected or ""
        for case in cases
        if _has_input(case) and prompt_of(case, there, locked) is None
    }


def _has_input(case: Case) -> bool:
    """Whether the test said what is asked, and all of that can be shown."""
    is_said = not case.default_input and case.input != case.nodeid
    is_whole = bool(case.input.strip()) and REDACTED not in case.input
    return case.has_row and is_said and is_whole
