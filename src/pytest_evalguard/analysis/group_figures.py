"""Figures by group, added up as cases arrive, and groups against the first one.

A few numbers are kept of a case, nothing that grows with what was recorded.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from ..model.case import Case
from ..model.text import distinct_line
from .groups import Key, Names
from .paired import PairedChange, PairedValues
from .statistics import Mean

MOST_GROUPS = 1_000
"""Most groups that are kept of a key: the first ones by their names."""

_LONGEST_NAME = 100
_DIGITS = 6
_ERROR = -1.0


@dataclass(frozen=True)
class Side:
    """How many cases of a group are better than their partners, worse and the same.

    `change` is that of their mean, None with too few pairs.
    """

    better: int
    worse: int
    same: int
    change: PairedChange | None


@dataclass(frozen=True)
class GroupComparison:
    """A group against the first one, case by case.

    `alone` counts the cases of both that have no partner or several, `errors` the pairs
    of which one ended in an error: neither is compared.
    """

    value: str
    first: str
    pairs: int
    alone: int
    errors: int
    pass_rate: Side
    score: Side


class GroupFigures:
    """The figures of one group of cases that have a row."""

    __slots__ = (
        *("costs", "errors", "latencies", "partners", "passed", "place", "rows"),
        *("score", "scores", "value"),
    )

    def __init__(self, value: str) -> None:
        self.value = value
        self.place = -1
        self.rows = 0
        self.passed = 0
        self.errors = 0
        self.score = Mean()
        self.scores: dict[str, Mean] = {}
        self.latencies = Mean()
        self.costs = Mean()
        self.partners = _Partners()

    def add(self, case: Case, place: int) -> None:
        """Count a case; the group's place is that of the earliest."""
        self.place = place if self.rows == 0 else min(self.place, place)
        self.rows += 1
        self.passed += case.passed
        self.errors += case.outcome == "error"
        self.score.add(case.overall_score)
        for name, result in case.scores.items():
            if name not in self.scores:
                self.scores[name] = Mean()
            self.scores[name].add(result.score)
        self.latencies.add(case.latency_ms)
        if case.cost_usd is not None:
            self.costs.add(case.cost_usd)


class Grouping:
    """The groups that a key makes of the cases.

    Those of a parameter are in the order of its parametrize, others by their names;
    `without` counts the cases that are in none, `left_out` those whose groups are
    beyond `MOST_GROUPS`.
    """

    def __init__(self, key: Key) -> None:
        self.key = key
        self.without = 0
        self._groups: dict[str, GroupFigures] = {}
        self._memberships = 0
        self._last: str | None = None
        self._names = Names()
        self._compared: list[GroupComparison] | None = None

    def add(self, case: Case) -> None:
        """Count a case that has a row in each of its groups."""
        self._compared = None
        values = self.key.values(case)
        if not values:
            self.without += 1
            if not self._groups:
                for name in self.key.names(case):
                    self._names.add(name)
        for value in values:
            self._memberships += 1
            self._add(case, distinct_line(value, _LONGEST_NAME))

    def _add(self, case: Case, value: str) -> None:
        group = self._groups.get(value)
        if group is None:
            if self._last is not None and value > self._last:
                return
            group = self._groups[value] = GroupFigures(value)
        group.add(case, case.param_indices.get(self.key.name, 0))
        if self.key.kind == "param":
            group.partners.add(_partner_key(case, self.key.name), case)
        if len(self._groups) > MOST_GROUPS:
            # whatever the order of the cases, the same groups are kept
            del self._groups[self._last or max(self._groups)]
            self._last = max(self._groups)

    @property
    def groups(self) -> list[GroupFigures]:
        """The groups in order."""
        is_placed = self.key.kind == "param"
        return sorted(
            self._groups.values(),
            key=lambda each: (each.place if is_placed else 0, each.value),
        )

    @property
    def left_out(self) -> int:
        return self._memberships - sum(each.rows for each in self._groups.values())

    @property
    def nothing(self) -> str | None:
        """Why there are no groups: what is not there, and what is instead."""
        return None if self._groups else f"{self.key.missing}{self._names}"

    @property
    def compared(self) -> Sequence[GroupComparison]:
        """Each group of a parameter against the first, none of another key."""
        if self._compared is None:
            is_compared = self.key.kind == "param" and len(self._groups) > 1
            self._compared = [*_compared(self.groups)] if is_compared else []
        return self._compared


def groupings_of(keys: Iterable[str]) -> list[Grouping]:
    """Return a grouping for each key, as ``param:model``, none of it twice.

    :raises ValueError: one is no key.
    """
    return [Grouping(Key.of(each)) for each in dict.fromkeys(keys)]


class _Partners:
    """What tells the cases of a group apart, and their figures: 24 bytes a case."""

    def __init__(self) -> None:
        self._keys = array("q")
        self._shares = array("d")
        self._scores = array("d")

    def add(self, key: int, case: Case) -> None:
        decided = case.trials_decided
        share = case.trials_passed / decided if decided else float(case.passed)
        self._keys.append(key)
        self._shares.append(_ERROR if case.outcome == "error" else share)
        self._scores.append(case.overall_score)

    @property
    def single(self) -> dict[int, tuple[float, float]]:
        """Share and score of those that nobody shares a key with."""
        found: dict[int, tuple[float, float]] = {}
        shared = set()
        for key, *figures in zip(self._keys, self._shares, self._scores, strict=True):
            if key in found:
                shared.add(key)
            found[key] = (figures[0], figures[1])
        return {key: each for key, each in found.items() if key not in shared}


def _partner_key(case: Case, name: str) -> int:
    """Return a number for the test and all its parameters but one."""
    nodeid = case.test or case.nodeid
    within = case.nodeid[len(nodeid) :]
    module, _, rest = nodeid.partition("::")
    # a subclass of a test, or a part of it, may have a name behind its parameters
    test, tail = rest.partition("[")[0], rest.rpartition("]")[2]
    others = sorted(each for each in case.params.items() if each[0] != name)
    text = json.dumps((module, test, tail, within, others))
    digest = blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _compared(groups: Sequence[GroupFigures]) -> Iterator[GroupComparison]:
    first, *others = groups
    olds = first.partners.single
    for group in others:
        shares, scores, errors = PairedValues(), PairedValues(), 0
        news = group.partners.single
        for key in sorted(olds.keys() & news.keys()):
            (old_share, old_score), (share, score) = olds[key], news[key]
            if _ERROR in (old_share, share):
                errors += 1
            else:
                shares.add(old_share, share)
                scores.add(old_score, score)
        paired = len(shares) + errors
        yield GroupComparison(
            group.value,
            first.value,
            len(shares),
            first.rows + group.rows - 2 * paired,
            errors,
            _side(shares),
            _side(scores),
        )


def _side(values: PairedValues) -> Side:
    pairs = zip(values.before, values.after, strict=True)
    changes = [round(after - before, _DIGITS) for before, after in pairs]
    better = sum(each > 0 for each in changes)
    worse = sum(each < 0 for each in changes)
    return Side(better, worse, len(changes) - better - worse, values.change)
