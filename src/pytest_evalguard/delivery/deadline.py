"""A bound on how long something may take, all of its waits included."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from time import perf_counter

_BEGUN = datetime.now(timezone.utc), perf_counter()


def real_now(clock: Callable[[], float] = perf_counter) -> datetime:
    """Return the time of day, counted from the import of this module on.

    A test may have frozen the clock or moved it, and never have set it right again.
    """
    begun, since = _BEGUN
    return begun + timedelta(seconds=clock() - since)


class Deadline:
    """A point in time, seconds from now, on a clock that frozen time can't stop."""

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds left, 0 when it has passed."""
        return max(0.0, self._end - self._clock())

    def wait(self, seconds: float) -> bool:
        """Sleep, or return False at once when the deadline would pass meanwhile."""
        if seconds >= self.left:
            return False
        self._sleep(seconds)
        return True
