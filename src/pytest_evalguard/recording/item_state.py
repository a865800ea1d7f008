"""What is known of a test that is a case: one record, kept with the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..model.case import Case
    from .mark import EvalMark
    from .run import Run


@dataclass(slots=True)
class ItemState:
    """What is known of a test that is a case.

    `item` is the test. `identity` is None for one that was no case when it was
    collected: it is known by its node id. A test that is scheduled several times has
    those of its runs in `identities`, by their index. `declared` is a digest of what
    its mark and parameters said when it was collected. `ended` counts the scheduled
    runs that have ended and were published, `trials` are those that have ended of the
    run that is on, where it has any.
    """

    item: pytest.Item
    mark: EvalMark | None = None
    identity: str | None = None
    identities: dict[int, str] | None = None
    declared: str | None = None
    ended: int = 0
    run: Run | None = None
    trials: list[Run] | None = None

    @property
    def ended_trials(self) -> list[Case]:
        """The cases of the trials that have ended."""
        return [run.case for run in self.trials or () if run.case is not None]


_key = pytest.StashKey[ItemState]()


def find_state(item: pytest.Item) -> ItemState | None:
    """Return what is known of a test, None where nothing is."""
    try:  # `get()` would do that, too, by two more calls
        return item.stash[_key]
    except KeyError:
        return None


def state_of(item: pytest.Item) -> ItemState:
    """Return what is known of a test, to be added to."""
    if _key in item.stash:  # most tests are new, and an exception costs more
        return item.stash[_key]
    state = item.stash[_key] = ItemState(item)
    return state


def run_of(item: pytest.Item) -> Run | None:
    """Return the run of a test that is on, None where there is none."""
    state = find_state(item)
    return None if state is None else state.run
