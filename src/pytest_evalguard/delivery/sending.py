"""Sending: frozen requests go out until each has an answer that is for good."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from time import monotonic

from ..model.text import counted, printable, shortened
from .deadline import at_once, in_background
from .frozen_requests import FrozenRequest
from .outbox import Answer, Outbox


def _no_halves(request: FrozenRequest) -> Sequence[FrozenRequest]:
    raise NotImplementedError("this service takes one result per request")


def deliver(
    outbox: Outbox,
    send: Callable[[FrozenRequest], Answer],
    progress: Progress,
    most_at_once: int = 1,
    halves: Callable[[FrozenRequest], Sequence[FrozenRequest]] = _no_halves,
) -> str | None:
    """Send what is not settled, in order; return the first error that keeps it so.

    A refusal of one request does not stop the others, an answer that would meet
    each of them the same does. What is too large is replaced by its halves, which are
    sent next.

    :param most_at_once: how many requests are under way at the same time.
    :param halves: splits a request that has more than one result.
    """
    if progress.is_shown:
        progress.begin(outbox.unsettled)
    answers = outbox.answers()
    waiting = (each for each in outbox.requests() if each.key not in answers)
    ahead: list[FrozenRequest] = []
    under_way: dict[Future[Answer], FrozenRequest] = {}
    first_error, is_stopped = None, False
    start = in_background if most_at_once > 1 else at_once
    while True:
        free = 0 if is_stopped else most_at_once - len(under_way)
        for _ in range(free):
            request = ahead.pop() if ahead else next(waiting, None)
            if request is None:
                break
            under_way[start(partial(send, request))] = request
        if not under_way:
            return first_error
        answered, _ = concurrent.futures.wait(
            under_way, return_when=concurrent.futures.FIRST_COMPLETED
        )
        for future in answered:
            request, answer = under_way.pop(future), future.result()
            if answer.state == "too large":
                parts = halves(request)
                outbox.replace([request.key], parts)
                ahead += reversed(parts)
                continue
            if answer.state == "unsent":
                first_error = first_error or answer.error
            else:
                outbox.settle(request.key, answer)
            progress.advance(request.results)
            is_stopped = is_stopped or answer.is_fatal


INTERVAL = 0.25
"""Seconds from one look at what goes on to the next."""

_QUIET_SECONDS = 1.0
_WIDTH = 79


class Progress:
    """How far sending is, in results; shown from the first second on.

    :param write: replaces the terminal's last line; None where there is no terminal.
    """

    def __init__(
        self,
        write: Callable[[str], object] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._write = write
        self._clock = clock
        self._started = clock()
        self._done = self._total = 0
        self._waiting = ""
        self._is_drawn = False

    @property
    def is_shown(self) -> bool:
        """Whether there is a terminal to show it on."""
        return self._write is not None

    def begin(self, total: int) -> None:
        """Start to count what goes to one service."""
        self._total, self._done = total, 0
        self._started, self._waiting = self._clock(), ""

    def advance(self, results: int) -> None:
        """Count results that were answered."""
        self._done += results
        self._waiting = ""

    def wait_for(self, what: str) -> None:
        """Note what is waited for."""
        self._waiting = what

    def draw(self) -> None:
        """Show where things are, unless they are too quick for that."""
        elapsed = self._clock() - self._started
        if self._write is not None and elapsed >= _QUIET_SECONDS:
            self._is_drawn = True
            self._write(shortened(printable(self._line(elapsed)), _WIDTH))

    def end(self) -> None:
        """Take the line away."""
        if self._write is not None and self._is_drawn:
            self._write("")
            self._is_drawn = False

    def _line(self, elapsed: float) -> str:
        results = f"{self._done:,} of {counted(self._total, 'result')}"
        rate = f"{self._done / elapsed:,.1f} a second"
        waiting = f", waiting: {self._waiting}" if self._waiting else ""
        return f"evalguard: sent {results}, {rate}{waiting}"
