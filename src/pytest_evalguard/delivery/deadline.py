"""A bound on how long something may take, all of its waits included."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta, timezone
from functools import partial
from time import perf_counter
from typing import TypeVar

from ..errors import ServiceError

T = TypeVar("T")

GRACE = 1.0
"""Seconds after a deadline in which what is late may still say why."""

INTERVAL = 0.25
"""Seconds from one look at what goes on to the next."""

_BEGUN = datetime.now(timezone.utc), perf_counter()


def real_now(clock: Callable[[], float] = perf_counter) -> datetime:
    """Return the time of day, counted from the import of this module on.

    A test may have frozen the clock or moved it, and never have set it right again.
    """
    # freezegun stops all clocks, those that only go forward, too (spulec/freezegun#384)
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
        """Seconds left; 0 once it has passed."""
        return max(0.0, self._end - self._clock())

    def wait(self, seconds: float) -> bool:
        """Sleep, or return False immediately if the deadline would pass meanwhile."""
        if seconds >= self.left:
            return False
        self._sleep(seconds)
        return True


class Overdue(ServiceError):
    """What had a deadline did not end in time, and was left behind."""


def within(
    deadline: Deadline,
    work: Callable[[], T],
    watch: Callable[[], object] = int,
) -> T:
    """Return what `work` returns, or leave it behind when its time is up.

    Timeouts of httpx are per read, and name look-up has none: a server that drips a
    byte at a time, or a service of a user's own, could hold the caller for ever.

    :param watch: called some times a second meanwhile.
    :raises Overdue: it did not end in time.
    """
    future = in_background(work)
    end = Deadline(min(deadline.left + GRACE, threading.TIMEOUT_MAX))
    while not future.done() and end.left:
        concurrent.futures.wait([future], min(INTERVAL, end.left))
        watch()
    if not future.done():
        raise Overdue("no answer in time")
    return future.result()


def in_background(function: Callable[[], T]) -> Future[T]:
    """Call a function in a thread of its own; the future has what it returns or raises.

    A pool of threads would be waited for at the process's end, also after a Ctrl-C.
    """
    future: Future[T] = Future()
    run = partial(_fulfil, future, function)
    try:
        threading.Thread(target=run, name="evalguard", daemon=True).start()
    except RuntimeError:  # the process may have no more threads
        run()
    return future


def at_once(function: Callable[[], T]) -> Future[T]:
    """Call a function now; the future has what it returned or raised."""
    future: Future[T] = Future()
    _fulfil(future, function)
    return future


def _fulfil(future: Future[T], function: Callable[[], T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001 # it is the caller's, by the future
        future.set_exception(error)
