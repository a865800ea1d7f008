"""The case journal: JSON Lines, one append a case, readable after any kill."""

from __future__ import annotations

import math
import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from json import JSONDecoder
from os import (
    open as open_file,  # what a test patches in `os` must not stop us
    write,
)
from pathlib import Path
from typing import Any, BinaryIO

from ..model.case import ENDED_START, Case, EndedTest
from .files import identity_of, validator

CASES = "cases.jsonl"
"""The journal of a plain session, or of the controller of a distributed one."""

WORKER_PREFIX = "worker-"
CHILD_PREFIX = f"{WORKER_PREFIX}child-"
"""Of a process in which one test runs, as under pytest-forked."""

_MOST_OPEN = 50
"""Journals at a time: each child that a test forked may have left one."""

_START = '{"nodeid":'
_NOT_RUN = ',"outcome":"not run"'
_WITHIN = ',"test":'
_ENDED = ENDED_START.encode()
_decode = JSONDecoder().raw_decode


class Journal:
    """Appends lines to a file, each by one system call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._identity = (0, 0)
        self._size = 0
        self._torn = False

    def open(self) -> None:
        """Open the file, if it is not open.

        :raises OSError: it can't be.
        """
        if not self._is_ours():
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._file = open_file(self._path, flags, 0o600)
            self._identity = identity_of(self._file)

    def append(self, line: str) -> None:
        """Write a line.

        :raises OSError: the disk did not take all of it.
        """
        self.open()
        data = (f"\n{line}\n" if self._torn else f"{line}\n").encode("ascii")
        written = write(self._file or 0, data)
        self._size += written
        # a part of a line must not spoil the one after it
        self._torn = written < len(data)
        if self._torn:
            raise OSError(f"{written} of {len(data)} bytes written to {self._path}")

    def sync(self) -> None:
        """Make what was written safe from a power cut.

        :raises OSError: the disk does not take it.
        """
        self.open()
        os.fsync(self._file or 0)

    def restore(self) -> None:
        """Write the file anew where somebody removed it while it was open.

        :raises OSError: the disk did not take it.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._is_ours() and not self._path.exists():
            with os.fdopen(self._file or 0, "rb") as removed:
                self._file = None
                removed.seek(0)
                self._path.write_bytes(removed.read())

    @property
    def is_intact(self) -> bool:
        """Whether the file is as long as what was written to it."""
        try:
            return self._path.stat().st_size == self._size
        except OSError:
            return self._size == 0

    def close(self) -> None:
        """Close the file."""
        if self._is_ours():
            os.close(self._file or 0)
        self._file = None

    def _is_ours(self) -> bool:
        """Whether it is open, and its descriptor its own: a test may close any."""
        if self._file is None:
            return False
        try:
            return identity_of(self._file) == self._identity
        except OSError:
            return False


def append_from_child(directory: Path, line: str) -> None:
    """Write a line where the process looks at its end that this one was forked from.

    :raises OSError: the disk did not take it.
    """
    journal = Journal(directory / f"{CHILD_PREFIX}{os.getpid()}.jsonl")
    try:
        journal.append(line)
    finally:
        journal.close()


_Place = tuple[int, int]
"""Where a line is: the number of its journal, and its offset there."""


class StoredCases:
    """The cases in a session directory, by identity; iteration is in that order.

    The last line of a case counts, and a controller's journal before those of workers,
    unless it only says that the case has begun. Torn and foreign lines are passed over
    and counted in `damaged`. A line is parsed when its case is read; where the lines
    are is known before that. `ended` are the tests that are no cases themselves.

    :raises OSError: a journal can't be read.
    """

    def __init__(self, directory: Path) -> None:
        self._paths: list[Path] = []
        self._places: dict[str, _Place] = {}
        self._earlier: dict[str, list[_Place]] = {}
        self._torn = 0
        self._damaged: set[_Place] = set()
        self._is_checked = False
        self._open: set[str] = set()
        self._subcases = 0
        self.ended: dict[str, EndedTest] = {}
        self._index(directory / CASES)
        first_of_workers = len(self._paths)
        finished = self._places.keys() - self._open
        from_controller = frozenset(finished | self.ended.keys())
        for path in sorted(directory.glob(f"{WORKER_PREFIX}*.jsonl")):
            self._index(path, from_controller)
        self.only_from_workers: list[str] = sorted(
            identity
            for identity, (number, _) in self._places.items()
            if number >= first_of_workers
        )

    @property
    def damaged(self) -> int:
        """How many lines are no cases."""
        self._check()
        earlier = (each for places in self._earlier.values() for each in places)
        with self._opened() as line_at:
            shadowed = sum(_parsed(line_at(each)) is None for each in earlier)
        return self._torn + len(self._damaged) + shadowed

    @property
    def identities(self) -> list[str]:
        """The cases' identities, in order."""
        self._check()
        return sorted(self._places)

    def __len__(self) -> int:
        self._check()
        return len(self._places)

    def __iter__(self) -> Iterator[Case]:
        for case, _ in self.with_lines():
            yield case

    def read(self, identities: list[str]) -> Iterator[Case]:
        """Yield the cases of those identities."""
        for case, _ in self._read(identities):
            yield case

    def with_lines(self) -> Iterator[tuple[Case, bytes]]:
        """Yield all cases, each with its line."""
        subcases = 0
        for case, line in self._read(sorted(self._places)):
            subcases += case.test is not None
            yield case, line
        self._subcases, self._is_checked = subcases, True

    @property
    def finished(self) -> int:
        """How many cases have come to an end."""
        self._check()
        return len(self._places.keys() - self._open)

    def selected(self, said: int, status: str) -> int:
        """Return how many cases were to run.

        :param said: how many by the state of the session, which knows of tests until
            it is closed, and not of the cases within them.
        :param status: that in the state.
        """
        if status != "running":
            return said
        self._check()
        tests = len(self._places) - self._subcases
        return self._subcases + max(said - len(self.ended), tests)

    def _read(self, identities: list[str]) -> Iterator[tuple[Case, bytes]]:
        with self._opened() as line_at:
            for identity in identities:
                while (place := self._places.get(identity)) is not None:
                    line = line_at(place)
                    case = _parsed(line)
                    if case is not None and case.nodeid == identity:
                        yield case, line
                        break
                    self._pass_over(identity, place)

    @contextmanager
    def _opened(self) -> Iterator[Callable[[_Place], bytes]]:
        """Give what returns the line at a place; a journal is opened by its first."""
        with ExitStack() as stack:
            files: dict[int, BinaryIO] = {}

            def line_at(place: _Place) -> bytes:
                number, offset = place
                if number not in files:
                    if len(files) == _MOST_OPEN:
                        stack.close()
                        files.clear()
                    files[number] = stack.enter_context(self._paths[number].open("rb"))
                file = files[number]
                file.seek(offset)
                return file.readline().strip()

            yield line_at

    def _check(self) -> None:
        """Find the lines that are no cases, unless all have been read already."""
        if not self._is_checked:
            for _ in self:
                pass

    def _pass_over(self, identity: str, place: _Place) -> None:
        """Take the line before a damaged one for a case, if there is one."""
        self._damaged.add(place)
        if earlier := self._earlier.get(identity):
            self._places[identity] = earlier.pop()
        else:
            del self._places[identity]

    def _index(self, path: Path, known: frozenset[str] = frozenset()) -> None:
        if not path.is_file():
            return
        number, offset = len(self._paths), 0
        self._paths.append(path)
        with path.open("rb") as file:
            for line in file:
                self._note((number, offset), line.strip(), known)
                offset += len(line)

    def _note(self, place: _Place, line: bytes, known: frozenset[str]) -> None:
        if not line:
            return
        if line.startswith(_ENDED):
            self._note_ended(line, known)
            return
        identity, is_open = _identity_in(line)
        if identity is None:
            self._torn += 1
        elif identity not in known:
            self._take(identity, place, is_open)

    def _take(self, identity: str, place: _Place, is_open: bool) -> None:
        before = self._places.get(identity)
        if before is not None and identity not in self._open:
            if is_open and before[0] != place[0]:
                return  # another worker has finished what this one began
            self._earlier.setdefault(identity, []).append(before)
        self._places[identity] = place
        self.ended.pop(identity, None)
        if is_open:
            self._open.add(identity)
        else:
            self._open.discard(identity)

    def _note_ended(self, line: bytes, known: frozenset[str]) -> None:
        try:
            ended: EndedTest = validator(EndedTest).validate_json(line, strict=True)
        except ValueError:
            self._torn += 1
            return
        if ended.test not in known:
            self.ended[ended.test] = ended
            self._places.pop(ended.test, None)


def figures_of(cases: Iterable[Case], selected: int) -> dict[str, Any]:
    """Return what the state of a session says of its cases: counts, rows and means.

    :param selected: how many were to run; those that are not here did not.
    """
    counts: Counter[str] = Counter()
    scores, passed = array("d"), 0
    for case in cases:
        counts[case.outcome] += 1
        if case.has_row:
            scores.append(case.overall_score)
            passed += case.passed
    if (rest := selected - counts.total()) > 0:
        counts["not run"] += rest
    rows = len(scores)
    return {
        "selected": counts.total(),
        "counts": dict(counts),
        "rows": rows,
        "pass_rate": passed / rows if rows else None,
        "score": math.fsum(scores) / rows if rows else None,
    }


def _identity_in(line: bytes) -> tuple[str | None, bool]:
    """Return the node id in a line, and whether that is a sub-case which only began.

    Without parsing the rest; None in a torn line.
    """
    text = line.decode("utf-8", "replace")
    if text.startswith(_START) and text.endswith("}"):
        try:
            identity, end = _decode(text, len(_START))
            is_open = text.startswith(_NOT_RUN, end) and _is_within(text)
            return (identity, is_open) if isinstance(identity, str) else (None, False)
        except (ValueError, RecursionError):
            pass
    case = _parsed(line)  # not as `Case.to_line` writes it
    return (None if case is None else case.nodeid), False


def _is_within(text: str) -> bool:
    """Whether a line is of a sub-case, by the field that it ends with."""
    start = text.rfind(_WITHIN)
    return start > 0 and _decode(text, start + len(_WITHIN))[1] == len(text) - 1


def _parsed(line: bytes) -> Case | None:
    try:
        case: Case = validator(Case).validate_json(line, strict=True)
    except ValueError:
        return None
    return case
