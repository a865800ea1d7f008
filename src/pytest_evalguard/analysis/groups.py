"""Groups of cases: which a case is in, and their figures, added up as cases arrive.

A case is in groups by its tags, its parameters or its metadata. A few numbers are kept
of it, nothing that grows with what was recorded.
"""

from __future__ import annotations

import json
from array import array
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, NamedTuple, cast

from ..config.checks import GROUPED_BY
from ..model.case import Case
from ..model.text import distinct_line, printable, shortened
from .statistics import Mean, PairedChange, PairedValues

_SCALARS = (str, int, float, bool, type(None))
_MOST_NAMED = 10
_LONGEST_NAME = 40


class Key(NamedTuple):
    """What cases are grouped by: a tag, a parameter or an entry of their metadata."""

    kind: Literal["tag", "param", "metadata"]
    name: str = ""

    @classmethod
    def of(cls, text: str) -> Key:
        """Return what ``tag``, ``param:NAME`` or ``metadata:KEY`` stands for.

        :raises ValueError: it is none of these.
        """
        kind, _, name = text.partition(":")
        if text == "tag":
            return cls("tag")
        if kind not in GROUPED_BY or not name:
            raise ValueError(f"{text!r} is no tag, param:NAME or metadata:KEY")
        return cls(cast("Literal['param', 'metadata']", kind), name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind

    def values(self, case: Case) -> list[str]:
        """Return the groups that a case is in: of tags any number, else at most one."""
        if self.kind == "tag":
            return sorted(set(case.tags))
        if self.kind == "param":
            return [case.params[self.name]] if self.name in case.params else []
        if self.name not in case.metadata:
            return []
        value = case.metadata[self.name]
        is_scalar = isinstance(value, _SCALARS)
        return [str(value) if is_scalar else json.dumps(value, ensure_ascii=False)]

    def names(self, case: Case) -> list[str]:
        """Return what a case has of the same kind, by which it might be grouped."""
        if self.kind == "tag":
            return []
        return [*(case.params if self.kind == "param" else case.metadata)]

    @property
    def missing(self) -> str:
        """What there is to say where no case has it."""
        if self.kind == "tag":
            return "no result has a tag"
        what = "parameter" if self.kind == "param" else "metadata"
        return f"no result has the {what} {self.name}"


class Group(NamedTuple):
    """One group of cases: those with one value of a key."""

    key: Key
    value: str

    @classmethod
    def of(cls, text: str) -> Group:
        """Return what a tag, ``param:NAME=VALUE`` or ``metadata:KEY=VALUE`` means."""
        key, equals, value = text.partition("=")
        if equals and key.startswith(tuple(f"{each}:" for each in GROUPED_BY)):
            return cls(Key.of(key), value)
        return cls(Key("tag"), text)

    def __str__(self) -> str:
        return f"{self.key}={self.value}" if self.key.name else self.value


class GroupRate:
    """How many rows a group has, how many of them passed, how many are errors."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.passed = 0
        self.rows = 0
        self.errors = 0
        self._values = Names()
        self._names = Names()

    def add(self, case: Case) -> None:
        """Count a case with a row, if it is in the group."""
        values = self.group.key.values(case)
        if self.group.value in values:
            self.rows += 1
            self.passed += case.passed
            self.errors += case.outcome == "error"
        elif not self.rows:
            for each in values:
                self._values.add(each)
            for each in self.group.key.names(case):
                self._names.add(each)

    @property
    def nothing(self) -> str:
        """Why it has no rows: what is not there, and what is instead."""
        key, value = self.group
        if key.kind == "tag":
            return f"no result has this tag{self._values}"
        if self._values.first:
            return f"no result has {key.name}={value}{self._values}"
        return f"{key.missing}{self._names}"


class Names:
    """The first names in order, the same in whatever order they come."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self._has_more = False

    def add(self, name: str) -> None:
        name = shortened(printable(name), _LONGEST_NAME)
        if name not in self.first:
            insort(self.first, name)
            self._has_more = self._has_more or len(self.first) > _MOST_NAMED
            del self.first[_MOST_NAMED:]

    def __str__(self) -> str:
        if not self.first:
            return ""
        more = " and more" if self._has_more else ""
        return f"; there are: {', '.join(self.first)}{more}"


# Their figures

MOST_GROUPS = 1_000
"""Most groups that are kept of a key: the first ones by their names."""

_LONGEST_VALUE = 100
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
            self._add(case, distinct_line(value, _LONGEST_VALUE))

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
