"""Which groups a case is in: by its tags, its parameters or its metadata."""

from __future__ import annotations

import json
from bisect import insort
from typing import Literal, NamedTuple, cast

from ..config.checks import GROUPED_BY
from ..model.case import Case
from ..model.text import printable, shortened

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
