"""An agent's prompts are pulled and pushed."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from ..config.checks import checked_id
from ..config.settings import DEFAULT_TIMEOUT, PROMPTS_LOCK, access_from, service_named
from ..delivery.agent.prompts import (
    Prompt,
    PromptIds,
    locked_prompts,
    prompt_of,
    read_lock,
    text_hash,
    with_nodeids,
    write_lock,
)
from ..delivery.agent.service import AgentApi
from ..delivery.deadline import Deadline, within
from ..errors import ServiceError
from ..model.case import Case
from ..model.redaction import REDACTED
from ..model.text import counted, display_path, printable
from ..storage.session import PassedOver, find_out, newest_first
from .console import DONE, project_of, say, say_passed_over, session_named


def pull_prompts(options: Namespace) -> int:
    """Write an agent's prompts into the lock file."""
    agent_id, out = checked_id(options.agent, "--agent"), find_out(options.out)
    path = project_of(out) / PROMPTS_LOCK
    with closing(_api(options, agent_id)) as api:
        passed_over = PassedOver()
        deadline, cases = Deadline(DEFAULT_TIMEOUT), last_cases(out, passed_over)
        say_passed_over(passed_over)
        prompts = within(deadline, lambda: pull(api, agent_id, path, cases, deadline))
    known = sum(bool(each.nodeids) for each in prompts)
    say(
        f"{counted(len(prompts), 'prompt')} of agent {printable(agent_id)} in"
        f" {display_path(path)}, {known:,} with the tests that answer them"
    )
    return DONE


def push_prompts(options: Namespace) -> int:
    """Create the prompts that the last session has and the agent has not."""
    agent_id, out = checked_id(options.agent, "--agent"), find_out(options.out)
    session = session_named(None, out)
    with closing(_api(options, agent_id)) as api:
        locked = locked_prompts(project_of(out), agent_id)
        deadline, cases = Deadline(DEFAULT_TIMEOUT), list(session.cases())
        created = within(deadline, lambda: push(api, locked, cases, deadline))
    said = (
        f"{counted(created, 'prompt')} created at agent {printable(agent_id)} from"
        f" {display_path(session.path)}"
    )
    hint = f"; pytest-evalguard prompts pull writes them into {PROMPTS_LOCK}"
    say(said + hint if created else said)
    return DONE


def _api(options: Namespace, agent_id: str) -> AgentApi:
    access = access_from(os.environ, service_named("agent"), options.agent_url)
    return AgentApi(access.url, agent_id, str(access.key))


def last_cases(out: Path, passed_over: PassedOver) -> list[Case]:
    """Return the cases of the newest session below `out`, none when there is none.

    :param passed_over: takes the sessions that can't be read.
    """
    for session in newest_first(out, passed_over):
        return list(session.cases())
    return []


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
