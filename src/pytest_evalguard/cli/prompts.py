"""An agent's prompts are pulled and pushed."""

from __future__ import annotations

import os
from argparse import Namespace
from contextlib import closing

from ..config.checks import checked_id
from ..config.services import access_from, service_named
from ..config.settings import DEFAULT_TIMEOUT, PROMPTS_LOCK
from ..delivery.agent.prompts import last_cases, locked_prompts, project_of, pull, push
from ..delivery.agent.service import AgentApi
from ..delivery.deadline import Deadline, within
from ..model.text import counted, display_path, printable
from ..storage.session import PassedOver, find_out
from .console import DONE, say, say_passed_over, session_named


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
