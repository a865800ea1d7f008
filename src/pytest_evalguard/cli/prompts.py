"""An agent's prompts are pulled and pushed."""

from __future__ import annotations

from argparse import Namespace
from contextlib import closing

from ..config.settings import DEFAULT_TIMEOUT, PROMPTS_LOCK, checked_id
from ..delivery.access import access_to
from ..delivery.agent.prompting import last_cases, pull, push
from ..delivery.agent.prompts import locked_prompts
from ..delivery.agent.service import AgentApi
from ..delivery.deadline import Deadline
from ..model.text import counted, printable
from ..reporting.whereabouts import display_path
from .console import DONE, say
from .finding import find_out, newest_session, project_of


def pull_prompts(options: Namespace) -> int:
    """Write an agent's prompts into the lock file."""
    agent_id, out = checked_id(options.agent, "--agent"), find_out(options.out)
    path = project_of(out) / PROMPTS_LOCK
    with closing(_api(options, agent_id)) as api:
        prompts = pull(api, agent_id, path, last_cases(out), Deadline(DEFAULT_TIMEOUT))
    known = sum(bool(each.nodeids) for each in prompts)
    say(
        f"{counted(len(prompts), 'prompt')} of agent {printable(agent_id)} in"
        f" {display_path(path)}, {known:,} with the tests that answer them"
    )
    return DONE


def push_prompts(options: Namespace) -> int:
    """Create the prompts that the last session has and the agent has not."""
    agent_id, out = checked_id(options.agent, "--agent"), find_out(options.out)
    session = newest_session(out)
    with closing(_api(options, agent_id)) as api:
        locked = locked_prompts(project_of(out), agent_id)
        created = push(api, locked, last_cases(out), Deadline(DEFAULT_TIMEOUT))
    said = (
        f"{counted(created, 'prompt')} created at agent {printable(agent_id)} from"
        f" {display_path(session.path)}"
    )
    hint = f"; pytest-evalguard prompts pull writes them into {PROMPTS_LOCK}"
    say(said + hint if created else said)
    return DONE


def _api(options: Namespace, agent_id: str) -> AgentApi:
    access = access_to("agent", options.agent_url)
    return AgentApi(access.url, agent_id, access.key)
