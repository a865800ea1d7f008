"""Where results go: from settings to targets, from a target to its service.

A new service is added here, in `target` and `access`, and as a module of `services`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..config.settings import NEW, Settings
from ..storage.session import Session
from ..storage.target import AgentTarget, RunTarget, Target, prove
from .deadline import Deadline
from .outbox import Service, Submission
from .progress import Progress


class BuiltIn(Service, Protocol):
    """A service of this package."""

    def prepare(self, name: str, deadline: Deadline) -> Target:
        """Check the target before the session's first test; return it, ready."""
        ...

    def preview(self, session: Session) -> Submission:
        """Say what would be sent, without sending anything."""
        ...


def targets_of(settings: Settings) -> tuple[Target, ...]:
    """Return where a session's results are to go."""
    targets: list[Target] = []
    if settings.run_id is not None:
        targets.append(_run_target(settings))
    if settings.agent_id is not None:
        targets.append(_agent_target(settings, settings.agent_id))
    return tuple(targets)


def _run_target(settings: Settings) -> RunTarget:
    return RunTarget(
        run_id=None if settings.run_id == NEW else settings.run_id,
        url=settings.url,
        proof=prove(settings.key or "", settings.url),
        dialect=settings.dialect,
        batch_size=settings.batch_size,
        project_id=settings.project_id,
        finish=settings.run_id == NEW,
    )


def _agent_target(settings: Settings, agent_id: str) -> AgentTarget:
    return AgentTarget(
        agent_id=agent_id,
        url=settings.agent_url,
        proof=prove(settings.agent_key or "", settings.agent_url),
        at_once=settings.agent_concurrency,
    )


def key_of(settings: Settings, target: Target) -> str:
    """Return the live key for a target, empty where none is needed."""
    is_run = isinstance(target, RunTarget)
    return (settings.key if is_run else settings.agent_key) or ""


def built_in_service(
    target: Target, key: str, directory: Path, progress: Progress | None = None
) -> BuiltIn:
    """Return the built-in service of a target, whose module is loaded only now.

    :param directory: where the project's lock file of prompts is, if it has one.
    """
    progress = progress or Progress()
    if isinstance(target, RunTarget):
        from .evalguard.service import EvalGuardService

        return EvalGuardService(target, key, progress)
    from .agent.service import AgentService

    return AgentService(target, key, directory, progress)
