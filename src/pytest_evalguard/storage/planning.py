"""A session before its first test: where it will be kept, and what runs it."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from .. import __version__
from .ci import ci_facts
from .session import Session, SessionState


def plan_session(
    out: Path, clean: Callable[[str], str] = str
) -> tuple[Session, SessionState]:
    """Return a new session below `out`, of which nothing is on disk yet.

    :param clean: applied to what a CI service says of the build.
    """
    now = datetime.now(timezone.utc)
    identity = uuid.uuid4().hex
    stamp = f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z"
    session = Session(out / f"{stamp}-{identity[:8]}")
    created = now.isoformat(timespec="seconds")
    facts = ci_facts(os.environ, clean)
    return session, SessionState(identity, created, ci=facts, versions=_versions())


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "pytest": pytest.__version__,
        "pytest-evalguard": __version__,
    }
