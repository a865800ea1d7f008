"""Work in threads that nobody waits for when the process ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_background(function: Callable[[], T]) -> Future[T]:
    """Call a function in a thread of its own; the future has what it returns or raises.

    A pool of threads would be waited for at the process's end, also after a Ctrl-C.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 # it is the caller's, by the future
            future.set_exception(error)

    try:
        threading.Thread(target=run, name="evalguard", daemon=True).start()
    except RuntimeError as error:  # the process may have no more threads
        future.set_exception(error)
    return future
