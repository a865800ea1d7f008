"""Judges a session at its end: its gates, and what changed since its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .baseline import LAST
from .baseline import Baseline
from .baseline import baseline_of
from .baseline import find_baseline
from .baseline import read_baseline
from .comparison import Comparison
from .comparison import compare
from .gates import judge
from .ledger import Ledger
from .session import Gate
from .settings import Settings


@dataclass(frozen=True)
class Verdict:
    """What was found; `notes` are sentences for the summary."""

    gates: Sequence[Gate] = ()
    comparison: Comparison | None = None
    notes: Sequence[str] = ()


class Judge:
    """Judges one session; reads its baseline before the first test.

    :raises ConfigurationError: there is no such baseline, or it can't be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = ""
        self._baseline: Baseline | None = None
        if settings.baseline is not None:
            path = find_baseline(settings.baseline, settings.out)
            if path is not None:
                self._name, self._baseline = path.name, read_baseline(path)

    def judge(self, ledger: Ledger) -> Verdict:
        """Return the verdict on a session that has ended."""
        notes, comparison = [], None
        if self._baseline is not None:
            now = baseline_of(ledger.session.cases())
            comparison = compare(self._name, self._baseline, now)
        elif self._settings.baseline == LAST:
            notes.append("there is no earlier session to compare with yet")
        gates = tuple(judge(self._settings, ledger.totals, comparison))
        return Verdict(gates, comparison, notes)
