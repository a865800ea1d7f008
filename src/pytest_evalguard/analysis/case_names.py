"""Cases of a kind: how many, and the names of the first."""

from __future__ import annotations

from bisect import insort

MAX_SHOWN = 20
"""Most cases that a session's summary names or shows of a kind."""


class CaseNames:
    """How many cases, and the first names of them, by rank and then in order."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self._first: list[tuple[float, str]] = []
        self._most = most

    @property
    def first(self) -> list[str]:
        return [name for _, name in self._first]

    def add(self, name: str, rank: float = 0.0) -> None:
        self.count += 1
        insort(self._first, (rank, name))
        del self._first[self._most :]
