"""Targets: where the results of a session are to go, kept with the session."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import ClassVar

from ..config.checks import is_id
from ..config.settings import Access, service_named
from ..model.case import Case
from ..start import ServiceInfo


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where results go at one service; each service has a kind of its own.

    `proof` is explained by `proof_of`. `finish` says that what `id` names is ours to
    end. A batched service takes every row, many in a request; another one takes a
    request for each case, with a key that `request_key` matches.
    """

    is_batched: ClassVar[bool] = False
    request_key: ClassVar[re.Pattern[str]] = re.compile("[!-~]+")  # as a header has it

    service: str
    url: str
    proof: str
    finish: bool = False

    @property
    def id(self) -> str | None:
        """The id of the run or agent; None for one that is still to be created."""
        raise NotImplementedError

    @property
    def info(self) -> ServiceInfo:
        """The service."""
        return service_named(self.service)

    def at(self, identity: str) -> Target:
        """Return the same target with the id of a run or agent that is there."""
        raise NotImplementedError

    def takes(self, case: Case) -> bool:
        """Whether a case has a result that can be sent there."""
        return case.has_row


def require_id(value: str) -> None:
    """Check an id that may come from elsewhere.

    :raises ValueError: it is none.
    """
    if not is_id(value):
        raise ValueError(f"the id is blank, not printable or a path, got {value!r}")


def slug(target: Target) -> str:
    """Return the name of a target's files, the same for the same run or agent."""
    digest = hashlib.sha256(str(target.id).encode()).hexdigest()[:8]
    return f"{target.service}-{digest}"


def proof_of(access: Access) -> str:
    """Return a proof that who wrote a URL into a session had the key.

    A session directory may come from elsewhere. Without the proof, its URL could make
    a later `submit` send the key to a host of somebody's choice.
    """
    return _proof(access.key or "", access.url)


def has_proof(target: Target, key: str) -> bool:
    """Whether a target's URL was chosen by someone who had the key."""
    return hmac.compare_digest(target.proof.encode(), _proof(key, target.url).encode())


def _proof(key: str, url: str) -> str:
    return hmac.new(key.encode(), url.encode(), hashlib.sha256).hexdigest()
