"""Sending: frozen requests go out until each is settled, or time is up."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from functools import partial
from itertools import islice

from .background import in_background
from .deadline import Deadline
from .outbox import Answer, FrozenRequest, Outbox
from .progress import INTERVAL, Progress

GRACE = 1.0
"""Seconds after the deadline, in which a request may still say what held it."""


def deliver(
    outbox: Outbox,
    send: Callable[[FrozenRequest], Answer],
    progress: Progress,
    deadline: Deadline,
    at_once: int = 1,
) -> str | None:
    """Send what is not settled, in order; return the first error, if any.

    A refusal of one request does not stop the others, an answer that would meet
    each of them the same does. A request that outlasts the deadline is left behind.

    :param at_once: how many requests are under way at the same time.
    """
    if progress.is_shown:
        progress.begin(outbox.unsettled)
    answers = outbox.answers()
    waiting = (each for each in outbox.requests() if each.key not in answers)
    flying: dict[Future[Answer], FrozenRequest] = {}
    first_error, is_stopped = None, False
    end = Deadline(deadline.left + GRACE)
    while True:
        free = 0 if is_stopped else at_once - len(flying)
        for request in islice(waiting, free):
            flying[in_background(partial(send, request))] = request
        if not flying:
            return first_error
        landed = _landed(flying, progress, end)
        if not landed:
            return first_error or "no answer in time"
        for future in landed:
            request, answer = flying.pop(future), _answer_of(future)
            if answer.state != "unsent":
                outbox.settle(request.key, answer)
            progress.advance(request.results)
            first_error = first_error or answer.error
            is_stopped = is_stopped or answer.is_fatal


def _landed(
    flying: Mapping[Future[Answer], object], progress: Progress, end: Deadline
) -> Collection[Future[Answer]]:
    """Return the requests that were answered, once there is one; show progress.

    There is none when time is up.
    """
    landed: Collection[Future[Answer]] = ()
    while not landed and end.left:
        landed, _ = concurrent.futures.wait(
            flying, INTERVAL, concurrent.futures.FIRST_COMPLETED
        )
        progress.draw()
    return landed


def _answer_of(future: Future[Answer]) -> Answer:
    try:
        return future.result()
    except RuntimeError as error:  # the process may have no more threads
        return Answer("unsent", str(error), is_fatal=True)
