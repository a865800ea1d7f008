"""Sessions that are in the place of earlier ones, whose cases they took over."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .files import STATE

if TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True)
class Resumed:
    """What a session took over from an earlier one, which it is in the place of.

    `session` is the name of the earlier one, `ancestors` the ids of it and of those
    that it had taken over itself. `carried` counts the cases, `failed` those of them
    that failed. `notes` are sentences, `differences` say what was another then.
    """

    session: str
    ancestors: tuple[str, ...]
    carried: int = 0
    failed: int = 0
    notes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spending:
    """What the tests of a session may cost, and what they did, in US dollars.

    `has_stopped` says that tests did not run for it.
    """

    limit: float
    spent: float = 0.0
    has_stopped: bool = False


def continued(sessions: Iterable[Session]) -> dict[str, str]:
    """Return by the id of a session which of `sessions` is in its place, by name.

    That one says so, as a kill can't come between it and what it took over. No models
    are loaded to see that; what can't be read is in nobody's place.

    :param sessions: the oldest first.
    """
    found: dict[str, str] = {}
    for session in sessions:
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            data = json.loads((session.path / STATE).read_bytes())
            if data["resumed"] is not None:
                names = dict.fromkeys(data["resumed"]["ancestors"], session.path.name)
                found.update(names)
    return found
