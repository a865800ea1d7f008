"""SIGTERM ends a session as Ctrl-C does, so that CI's "cancel" loses no summary."""

from __future__ import annotations

import os
import signal
import threading
from os import getpid
from types import FrameType


class Terminated(KeyboardInterrupt):
    """The process was asked to end."""


class Termination:
    """Turns SIGTERM into an exception, unless somebody else handles it already.

    In the process that installed it only: a child that a test forks inherits the
    handler, and would survive what `multiprocessing` ends it by.
    """

    def __init__(self) -> None:
        self._process: int | None = None
        self._held_back = threading.local()  # by the thread that forks

    def install(self) -> None:
        """Handle SIGTERM, in a main thread where nobody does."""
        is_main = threading.current_thread() is threading.main_thread()
        is_free = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        # pytest leaves it to the system, which kills (pytest-dev/pytest#5243)
        if self._process is None and is_main and is_free:
            self._process = getpid()
            signal.signal(signal.SIGTERM, self._terminate)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(
                    before=self._hold_back,
                    after_in_parent=self._let_through,
                    after_in_child=self._leave_child,
                )

    def _hold_back(self) -> None:
        # Python forgets what a child is sent until it has taken the handler back
        is_ours = signal.getsignal(signal.SIGTERM) == self._terminate
        held = {signal.SIGTERM} if is_ours else set()
        self._held_back.signals = held - signal.pthread_sigmask(signal.SIG_BLOCK, held)

    def _let_through(self) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._held_back.signals)

    def _leave_child(self) -> None:
        self.uninstall()
        self._let_through()

    def uninstall(self) -> None:
        """Handle SIGTERM as before, unless somebody else handles it by now."""
        if signal.getsignal(signal.SIGTERM) == self._terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        if getpid() == self._process:
            raise Terminated("terminated by SIGTERM")
        # a child that took the handler back, or that no hook of Python's has seen
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(getpid(), signal.SIGTERM)
