"""An agent-evaluation service: agents that a session is sent to, a result a prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from ...config.settings import MAX_AT_ONCE, Access, Settings
from ...model.case import Case
from ..target import Target, proof_of, require_id


@dataclass(frozen=True, kw_only=True)
class AgentTarget(Target):
    """An agent; `at_once` is how many results are sent at the same time, 1..4."""

    request_key: ClassVar[re.Pattern[str]] = re.compile("[0-9]{1,19}")  # a prompt's id

    service: Literal["agent"] = "agent"
    agent_id: str
    at_once: int = MAX_AT_ONCE

    def __post_init__(self) -> None:
        """Check what may come from elsewhere.

        :raises ValueError: `at_once` is out of its bounds, or the id is none.
        """
        require_id(self.agent_id)
        if not 1 <= self.at_once <= MAX_AT_ONCE:
            raise ValueError(f"at_once is not within 1..{MAX_AT_ONCE}")

    @property
    def id(self) -> str:
        """The agent's id."""
        return self.agent_id

    def takes(self, case: Case) -> bool:
        """Whether a case has a result that can be sent there: it needs a response."""
        return case.has_row and case.actual is not None


TARGET = AgentTarget


def new_target(settings: Settings, access: Access) -> AgentTarget:
    """Return the agent that a session is to be sent to."""
    return AgentTarget(
        agent_id=str(access.id),
        url=access.url,
        proof=proof_of(access),
        at_once=settings.agent_concurrency,
    )
