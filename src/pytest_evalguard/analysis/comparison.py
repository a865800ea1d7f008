"""Comparison with a baseline: what changed, and whether it is more than noise."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..model.figures import Finite
from ..storage.files import replace_file, validator
from .baseline import Baseline, BaselineCase, Origin
from .statistics import PairedChange, PairedValues

MOVED = 0.05
"""A case's score is said to have moved by more than this, 0..1."""

MEAN_SCORE = "score"
"""How a gate names the mean score."""

_OVERLAP = 0.2
_PART = 0.5
_FILE = "comparison.json"


@dataclass(frozen=True)
class Comparison:
    """What became of each case since the baseline, as sorted node ids.

    `before` and `after` count the rows of each session. `paired` cases are in both,
    have no error and the same question: only they regress, get fixed, weaker or
    stronger (by their share of passed trials), and only they count in the changes of
    the pass rate, the mean score, named scores and metrics, and in `usage`: the mean
    latency in milliseconds, tokens and cost in US dollars, before and after. Cases of
    the baseline that were skipped or did not run now are `not_compared`, not `gone`.
    `renamed` has the old names by the new ones, `metadata` what all cases of a session
    share and those of the other have otherwise, `session_metrics` the metrics that both
    sessions have as a whole.
    """

    baseline: str
    before: int
    after: int
    paired: int
    regressed: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    weaker: tuple[str, ...] = ()
    stronger: tuple[str, ...] = ()
    input_changed: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    pass_rate: PairedChange | None = None
    score: PairedChange | None = None
    scores: Mapping[str, PairedChange] = field(default_factory=dict)
    metrics: Mapping[str, PairedChange] = field(default_factory=dict)
    named_pairs: Mapping[str, int] = field(default_factory=dict)
    usage: Mapping[str, tuple[Finite, Finite]] = field(default_factory=dict)
    metadata: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    session_metrics: Mapping[str, tuple[Finite, Finite]] = field(default_factory=dict)
    is_blessed: bool = False
    age_days: int | None = None
    commit: str | None = None

    @property
    def changes(self) -> dict[str, str]:
        """What became of a case, by node id, where there is something to say."""
        found = dict.fromkeys(self.moved, "score moved")
        for name in _BY_CASE:
            found |= dict.fromkeys(getattr(self, name), name.replace("_", " "))
        return found

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """What is shown by name, by what became of it."""
        found = {name.replace("_", " "): getattr(self, name) for name in _NAMED}
        found["renamed"] = tuple(f"{old} → {new}" for new, old in self.renamed.items())
        return found

    def change_of(self, name: str | None) -> tuple[PairedChange | None, int]:
        """Return the change of the pass rate, or of a named score or metric.

        And of how many pairs it is; it is None where these are too few. ``score`` is
        the mean score, unless a scorer has that name.
        """
        if name is None:
            return self.pass_rate, self.paired
        if name == MEAN_SCORE and name not in self.named_pairs:
            return self.score, self.paired
        change = self.scores.get(name, self.metrics.get(name))
        return change, self.named_pairs.get(name, 0)

    @property
    def in_both(self) -> int:
        """How many cases have a row in both sessions."""
        return self.paired + len(self.input_changed) + len(self.errors)

    @property
    def is_of_another_suite(self) -> bool:
        """Whether so few cases are in both that they can't be of the same tests."""
        return self.in_both < _OVERLAP * min(self.before, self.after)

    @property
    def is_of_few(self) -> bool:
        """Whether fewer than half of the baseline's cases can be compared."""
        return self.paired < _PART * self.before


_BY_CASE = (  # the last one that a case is in speaks for it
    "still_failing",
    "weaker",
    "stronger",
    "renamed",
    "regressed",
    "fixed",
    "new",
    "input_changed",
    "errors",
)
_NAMED = (
    "regressed",
    "fixed",
    "weaker",
    "stronger",
    "errors",
    "input_changed",
    "new",
    "gone",
    "not_compared",
)


class _Pairs:
    """Cases that are in both sessions, each put where it belongs."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = defaultdict(list)
        self.shares = PairedValues()
        self.score = PairedValues()
        self.scores: dict[str, PairedValues] = defaultdict(PairedValues)
        self.metrics: dict[str, PairedValues] = defaultdict(PairedValues)
        self.usage: dict[str, PairedValues] = defaultdict(PairedValues)

    def add(self, name: str, old: BaselineCase, new: BaselineCase) -> None:
        if "error" in (old.outcome, new.outcome):
            self.names["errors"].append(name)
        elif not old.asks_the_same(new):
            self.names["input_changed"].append(name)
        else:
            for kind in _kinds(old, new):
                self.names[kind].append(name)
            self._count(old, new)

    def _count(self, old: BaselineCase, new: BaselineCase) -> None:
        self.shares.add(old.share, new.share)
        self.score.add(old.score, new.score)
        for kind in ("scores", "metrics"):
            olds, news = getattr(old, kind), getattr(new, kind)
            for name in olds.keys() & news.keys():
                getattr(self, kind)[name].add(olds[name], news[name])
        for name in ("latency_ms", "tokens", "cost_usd"):
            before, after = getattr(old, name), getattr(new, name)
            if before is not None and after is not None:
                self.usage[name].add(before, after)


def _kinds(old: BaselineCase, new: BaselineCase) -> Iterator[str]:
    """Yield what became of a case, each a field of `Comparison`."""
    if old.passed != new.passed:
        yield "regressed" if old.passed else "fixed"
    elif old.share != new.share:
        yield "weaker" if new.share < old.share else "stronger"
    if not old.passed and not new.passed:
        yield "still_failing"
    if round(abs(new.score - old.score), 6) > MOVED:
        yield "moved"


def compare(name: str, before: Baseline, after: Baseline) -> Comparison:
    """Return what changed from one session to another.

    :param name: what the baseline is called.
    """
    old, new = before.cases, after.cases
    missing = sorted(nodeid for nodeid in old if nodeid not in new)
    gone = [each for each in missing if each not in after.without_row]
    added = sorted(nodeid for nodeid in new if nodeid not in old)
    renamed = _renamed(before, after, gone, added)
    pairs = _Pairs()
    for nodeid in sorted(new):
        former = renamed.get(nodeid, nodeid)
        if former in old:
            pairs.add(nodeid, old[former], new[nodeid])
    skipped = [each for each in missing if each in after.without_row]
    found: dict[str, Any] = {name: tuple(each) for name, each in pairs.names.items()}
    return Comparison(
        name,
        len(old),
        len(new),
        len(pairs.shares.before),
        **found,
        renamed=renamed,
        new=tuple(each for each in added if each not in renamed),
        gone=tuple(sorted({*gone}.difference(renamed.values()))),
        not_compared=tuple(skipped),
        pass_rate=pairs.shares.change,
        score=pairs.score.change,
        scores=_judged(pairs.scores),
        metrics=_judged(pairs.metrics),
        named_pairs={
            name: len(each.before)
            for name, each in sorted({**pairs.metrics, **pairs.scores}.items())
        },
        usage=_usage(pairs.usage),
        **_provenance(before.origin, after.origin),
    )


def _renamed(
    before: Baseline, after: Baseline, gone: Iterable[str], added: Iterable[str]
) -> dict[str, str]:
    """Return the old names of new cases, where one of each asks a question alone."""
    olds, news = _by_question(before, gone), _by_question(after, added)
    found = {
        news[question][0]: olds[question][0]
        for question in olds.keys() & news.keys()
        if len(olds[question]) == len(news[question]) == 1
    }
    return dict(sorted(found.items()))


def _by_question(
    baseline: Baseline, names: Iterable[str]
) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        if (question := baseline.cases[name].question) is not None:
            found[question].append(name)
    return found


def _judged(values: Mapping[str, PairedValues]) -> dict[str, PairedChange]:
    changes = {name: each.change for name, each in sorted(values.items())}
    return {name: each for name, each in changes.items() if each is not None}


def _usage(values: Mapping[str, PairedValues]) -> dict[str, tuple[float, float]]:
    """Return what the pairs used, before and after: mean latency, sums of the rest."""
    found = {}
    for name, each in sorted(values.items()):
        count = len(each.before) if name == "latency_ms" else 1
        found[name] = (math.fsum(each.before) / count, math.fsum(each.after) / count)
    return found


def _provenance(before: Origin, after: Origin) -> dict[str, Any]:
    old, new = before.metadata, after.metadata
    days = None
    if before.day is not None and after.day is not None:
        days = max(0, (after.day - before.day).days)
    both = sorted(old.keys() & new.keys())
    return {
        "is_blessed": before.blessed is not None,
        "age_days": days,
        "commit": before.commit,
        "metadata": {e: (old[e], new[e]) for e in both if old[e] != new[e]},
        "session_metrics": {
            name: (before.metrics[name], after.metrics[name])
            for name in sorted(before.metrics.keys() & after.metrics.keys())
        },
    }


def write_comparison(directory: Path, comparison: Comparison) -> None:
    """Keep a comparison with its session.

    :raises OSError: it can't be written.
    """
    replace_file(directory / _FILE, [json.dumps(asdict(comparison), indent=1), "\n"])


def read_comparison(directory: Path) -> Comparison | None:
    """Return the comparison that a session was judged by, None without one.

    :raises SessionError: it can't be read.
    """
    path = directory / _FILE
    if not path.is_file():
        return None
    try:
        comparison: Comparison = validator(Comparison).validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SessionError(
            f"{path} is damaged, perhaps edited by hand: remove it"
        ) from error
    return comparison
