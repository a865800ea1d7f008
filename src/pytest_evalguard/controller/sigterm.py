"""SIGTERM ends a session as Ctrl-C does, so that CI's "cancel" loses no summary."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Terminated(KeyboardInterrupt):
    """The process was asked to end."""


class Termination:
    """Turns SIGTERM into an exception, unless somebody else handles it already."""

    def __init__(self) -> None:
        self._before: Any = None

    def install(self) -> None:
        """Handle SIGTERM, in a main thread where nobody does."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._before = signal.signal(signal.SIGTERM, _terminate)

    def uninstall(self) -> None:
        """Handle SIGTERM as before."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated("terminated by SIGTERM")
