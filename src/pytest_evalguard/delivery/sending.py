"""Sending: frozen requests go out until each has an answer that is for good."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from itertools import islice

from .deadline import at_once, in_background
from .outbox import Answer, FrozenRequest, Outbox
from .progress import Progress


def deliver(
    outbox: Outbox,
    send: Callable[[FrozenRequest], Answer],
    progress: Progress,
    most_at_once: int = 1,
) -> str | None:
    """Send what is not settled, in order; return the first error, if any.

    A refusal of one request does not stop the others, an answer that would meet
    each of them the same does.

    :param most_at_once: how many requests are under way at the same time.
    """
    if progress.is_shown:
        progress.begin(outbox.unsettled)
    answers = outbox.answers()
    waiting = (each for each in outbox.requests() if each.key not in answers)
    under_way: dict[Future[Answer], FrozenRequest] = {}
    first_error, is_stopped = None, False
    start = in_background if most_at_once > 1 else at_once
    while True:
        free = 0 if is_stopped else most_at_once - len(under_way)
        for request in islice(waiting, free):
            under_way[start(partial(send, request))] = request
        if not under_way:
            return first_error
        answered, _ = concurrent.futures.wait(
            under_way, return_when=concurrent.futures.FIRST_COMPLETED
        )
        for future in answered:
            request, answer = under_way.pop(future), future.result()
            if answer.state != "unsent":
                outbox.settle(request.key, answer)
            progress.advance(request.results)
            first_error = first_error or answer.error
            is_stopped = is_stopped or answer.is_fatal
