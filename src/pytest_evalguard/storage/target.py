"""Targets: where the results of a session are to go, kept with the session."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from ..config.settings import MAX_AT_ONCE, MAX_BATCH, Dialect, is_id
from ..model.case import Case


@dataclass(frozen=True, kw_only=True)
class RunTarget:
    """A run of EvalGuard.

    `run_id` is None for one that is still to be created in `project_id`; `finish` says
    that it is ours to end. `proof` is explained by `prove`.
    """

    kind: ClassVar[str] = "run"
    request_key: ClassVar[re.Pattern[str]] = re.compile("[!-~]+")  # as a header has it

    service: Literal["evalguard"] = "evalguard"
    run_id: str | None
    url: str
    proof: str
    dialect: Dialect = "documented"
    batch_size: int = MAX_BATCH
    project_id: str | None = None
    finish: bool = False

    def __post_init__(self) -> None:
        """Check what may come from elsewhere.

        :raises ValueError: `batch_size` is out of its bounds, or the id is none.
        """
        if self.run_id is not None:
            _require_id(self.run_id)
        if not 1 <= self.batch_size <= MAX_BATCH:
            raise ValueError(f"batch_size is not within 1..{MAX_BATCH}")

    @property
    def id(self) -> str | None:
        """The run's id."""
        return self.run_id

    def takes(self, case: Case) -> bool:
        """Whether a case has a result that can be sent there."""
        return case.has_row


@dataclass(frozen=True, kw_only=True)
class AgentTarget:
    """An agent of an agent-evaluation service.

    `at_once` is how many results are sent at the same time, 1..4.
    """

    kind: ClassVar[str] = "agent"
    finish: ClassVar[bool] = False
    request_key: ClassVar[re.Pattern[str]] = re.compile("[0-9]{1,19}")  # a prompt's id

    service: Literal["agent"] = "agent"
    agent_id: str
    url: str
    proof: str
    at_once: int = MAX_AT_ONCE

    def __post_init__(self) -> None:
        """Check what may come from elsewhere.

        :raises ValueError: `at_once` is out of its bounds, or the id is none.
        """
        _require_id(self.agent_id)
        if not 1 <= self.at_once <= MAX_AT_ONCE:
            raise ValueError(f"at_once is not within 1..{MAX_AT_ONCE}")

    @property
    def id(self) -> str:
        """The agent's id."""
        return self.agent_id

    def takes(self, case: Case) -> bool:
        """Whether a case has a result that can be sent there: it needs a response."""
        return case.has_row and case.actual is not None


Target: TypeAlias = RunTarget | AgentTarget


def _require_id(value: str) -> None:
    if not is_id(value):
        raise ValueError(f"the id is blank, not printable or a path, got {value!r}")


def slug(target: Target) -> str:
    """Return the name of a target's files, the same for the same run or agent."""
    digest = hashlib.sha256(str(target.id).encode()).hexdigest()[:8]
    return f"{target.service}-{digest}"


def prove(key: str, url: str) -> str:
    """Return a proof that who wrote `url` into a session had the key.

    A session directory may come from elsewhere. Without the proof, its URL could make
    a later `submit` send the key to a host of somebody's choice.
    """
    return hmac.new(key.encode(), url.encode(), hashlib.sha256).hexdigest()


def is_proven(target: Target, key: str) -> bool:
    """Whether a target's URL was chosen by someone who had the key."""
    proof = prove(key, target.url)
    return hmac.compare_digest(target.proof.encode(), proof.encode())
