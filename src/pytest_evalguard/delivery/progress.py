"""Live progress while results are sent, on a terminal, when it takes a while."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from ..model.text import counted, printable, shortened

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
