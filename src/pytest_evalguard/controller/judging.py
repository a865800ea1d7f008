"""Judges a session at its end: its gates, and what changed since its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..analysis.baseline import (
    LAST,
    Baseline,
    baseline_of,
    find_baseline,
    read_baseline,
)
from ..analysis.comparison import Comparison, compare
from ..analysis.gates import judge
from ..config.settings import Limit, Settings
from ..model.redaction import Redactor
from ..model.values import clean_text
from ..storage.session import Gate
from .ledger import Ledger


@dataclass(frozen=True)
class Verdict:
    """What was found; `notes` are sentences for the summary."""

    gates: Sequence[Gate] = ()
    comparison: Comparison | None = None
    notes: Sequence[str] = ()


class Judge:
    """Judges one session; reads its baseline before the first test.

    `path` is where that is, None without one.

    :raises ConfigurationError: there is no such baseline, or it can't be read.
    """

    def __init__(self, settings: Settings, redact: Redactor) -> None:
        self._settings = _redacted(settings, redact)
        self._name = ""
        self._baseline: Baseline | None = None
        self.path: Path | None = None
        if settings.baseline is not None:
            self.path = find_baseline(settings.baseline, settings.out)
        if self.path is not None:
            self._name = redact(self.path.name)
            self._baseline = read_baseline(self.path)

    def judge(self, ledger: Ledger) -> Verdict:
        """Return the verdict on a session that has ended."""
        notes, comparison = [], None
        if self._baseline is not None:
            now = baseline_of(ledger.session.cases())
            not_now = {*now.without_row, *ledger.not_run}
            now = replace(now, without_row=not_now)
            comparison = compare(self._name, self._baseline, now)
            notes += [f"baseline: {each}" for each in self._baseline.doubts]
        elif self._settings.baseline == LAST:
            notes.append("there is no earlier session to compare with yet")
        gates = tuple(judge(self._settings, ledger.totals, comparison))
        return Verdict(gates, comparison, notes)


def _redacted(settings: Settings, redact: Redactor) -> Settings:
    """Return the settings with the names of tags and scorers as cases have them."""

    def clean(limit: Limit) -> Limit:
        return limit._replace(name=limit.name and redact(clean_text(limit.name)))

    return settings._replace(
        min_pass_rate=tuple(map(clean, settings.min_pass_rate)),
        min_score=tuple(map(clean, settings.min_score)),
    )
