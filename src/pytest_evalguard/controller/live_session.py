"""A session while it runs: every case once, on disk as soon as it has finished."""

from __future__ import annotations

import os
import platform
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from math import fsum
from pathlib import Path
from threading import RLock
from typing import Any

import pytest

from .. import __version__
from ..analysis.baseline import (
    Baseline,
    BaselineCases,
    SharedMetadata,
    counting,
    origin_of,
)
from ..analysis.groups import Group
from ..analysis.totals import Totals
from ..model.case import Attempt, Case, EndedTest
from ..storage.ci import ci_facts, commit_of
from ..storage.journal import CHILD_PREFIX, WORKER_PREFIX, Journal, figures_of
from ..storage.lock import Lock
from ..storage.resumed import Spending
from ..storage.session import Session, SessionState, making


class LiveSession:
    """Which cases were selected, which have finished, and what they add up to.

    :param is_compared: whether what counts of each case in a comparison is kept.
    :param groups: the groups of cases whose pass rates are wanted.

    `lost` is how many finished cases are not on disk, known when it is closed.
    """

    def __init__(
        self,
        session: Session,
        state: SessionState,
        *,
        is_compared: bool = False,
        groups: Sequence[Group] = (),
    ) -> None:
        self.session = session
        self.state = state
        self._is_compared = is_compared
        self._groups = groups
        self.totals = Totals(groups=groups, group_by=state.group_by)
        self._compared = BaselineCases()
        self._without_row: set[str] = set()
        self._shared = SharedMetadata()
        self._journal = Journal(session.journal_path)
        self._lock = Lock(session.path)
        self._unwritten: deque[str] = deque()
        self._selected: set[str] = set()
        self._unfinished: set[str] = set()
        self._ended: set[str] = set()  # tests that are no cases but those in them
        self._subcases: set[str] = set()
        self._begun: set[str] = set()
        self._is_closed = False
        self._crashes: dict[str, list[Attempt]] = {}
        self._has_repeats = False
        self._taking = RLock()  # tests may run in threads
        self.lost = 0
        self.is_started = False
        self.is_saved = True
        self.disk_error: OSError | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no case was selected."""
        return not self._selected

    @property
    def unfinished(self) -> int:
        """How many selected tests have not finished."""
        return len(self._unfinished)

    @property
    def _count(self) -> int:
        """How many cases there are: tests, and what is recorded within others."""
        return len(self._selected) - len(self._ended) + len(self._subcases)

    @property
    def as_baseline(self) -> Baseline:
        """What counts of the cases in a comparison, where that is kept."""
        return Baseline(
            self._compared,
            without_row=self._without_row | self._unfinished | self._begun,
            origin=origin_of(self.state, self._shared),
        )

    def select(self, identities: Iterable[str]) -> None:
        """Learn of cases that are to run; the first ones make the session directory.

        :raises SessionError: the directory can't be written.
        """
        with self._taking:
            new = set(identities) - self._selected
            if not new:
                return
            if not self.is_started:
                self.start()
            self._selected |= new
            self._unfinished |= new
            self.update(selected=len(self._selected))

    def start(self, carried: Iterable[Case | EndedTest] = ()) -> None:
        """Make the session directory.

        :param carried: cases that are there before others can see the session.
        :raises SessionError: it can't be written.
        """
        with making(self.session):
            self._lock.acquire()
            with suppress(OSError):  # it is tried again with the first case
                self._journal.open()
            self._carry(carried)
            self.session.write(self.state)
        self.is_started = True

    def carry(self, cases: Iterable[Case | EndedTest]) -> None:
        """Take the cases of an earlier session, and have them on disk for good.

        A session that begins with them is there with all of them, or not at all: a kill
        meanwhile leaves the earlier one as it was.

        :raises SessionError: the disk does not take them.
        """
        if self.is_started:
            with making(self.session):
                self._carry(cases)
            self.update()
        else:
            self.start(cases)

    def _carry(self, cases: Iterable[Case | EndedTest]) -> None:
        resumed = self.state.resumed
        if resumed is None:
            return
        for case in cases:
            if case.test is not None:
                self._selected.add(case.test)
                if isinstance(case, EndedTest):
                    self._ended.add(case.test)
            else:
                self._selected.add(case.nodeid)
                self._unfinished.add(case.nodeid)
            self._take(case, case.to_line())
            if self._unwritten and self.disk_error is not None:
                raise self.disk_error
            if isinstance(case, Case):
                resumed = replace(
                    resumed,
                    carried=resumed.carried + 1,
                    failed=resumed.failed + (case.outcome == "failed"),
                )
        self._journal.sync()
        selected = len(self._selected)
        self.state = replace(self.state, resumed=resumed, selected=selected)

    def crashed(self, candidates: Iterable[str]) -> str | None:
        """Return which of some cases a worker died in, None if none was selected.

        It is one that has not finished, if there is any.
        """
        selected = [each for each in candidates if each in self._selected]
        open_ones = [each for each in selected if each in self._unfinished]
        return next(iter([*open_ones, *selected]), None)

    def add(self, case: Case | EndedTest, line: str) -> None:
        """Take a finished case: its line to disk at once, then it into the totals.

        A sub-case that is not run has just begun. What comes after the session was
        closed comes too late.
        """
        if isinstance(case, Case) and case.nodeid in self._crashes:
            case.attempts = [*self._crashes.pop(case.nodeid), *case.attempts]
            case.flaky = case.outcome == "passed"
            line = case.to_line()
        with self._taking:
            if not self._is_closed:
                self._take(case, line)

    def _take(self, case: Case | EndedTest, line: str) -> None:
        if isinstance(case, EndedTest):
            self._end(case.test, line)
            return
        test = case.test or case.nodeid
        if test not in self._selected:
            self.select([test])
        self._append(line)
        if self._is_compared:
            self._compare(case)
        if case.test is not None:
            self._take_subcase(case)
        elif case.nodeid in self._unfinished:
            self._unfinished.remove(case.nodeid)
            self.totals.add(case)
        else:
            self._ended.discard(case.nodeid)
            self._has_repeats = True

    def _end(self, test: str, line: str) -> None:
        """Take a test from the cases, as only what was recorded within it is one."""
        if test not in self._selected:
            self.select([test])
        self._append(line)
        is_awaited = test in self._unfinished or test in self._ended
        self._has_repeats |= not is_awaited
        self._unfinished.discard(test)
        self._ended.add(test)

    def _take_subcase(self, case: Case) -> None:
        """Add a sub-case to the totals, unless it has only begun."""
        is_known = case.nodeid in self._subcases
        self._subcases.add(case.nodeid)
        if is_known and case.nodeid not in self._begun:
            self._has_repeats = True
        elif case.outcome == "not run":
            self._begun.add(case.nodeid)
        else:
            self._begun.discard(case.nodeid)
            self.totals.add(case)

    def _compare(self, case: Case) -> None:
        """Keep what counts of a case, in place of what it was before it ran again."""
        self._shared.add(case)
        if case.has_row:
            self._compared.add(case.nodeid, counting(case))
            self._without_row.discard(case.nodeid)
        else:
            self._compared.discard(case.nodeid)
            self._without_row.add(case.nodeid)

    def add_crash(self, identity: str, reason: str, case: Case | None) -> None:
        """Note that a worker died in a test, which may be run again all the same.

        :param case: what it is if it is not.
        """
        attempts = self._crashes.setdefault(identity, [])
        if case is not None:
            case.attempts = [*attempts]
            with self._taking:
                self._take(case, case.to_line())
        attempts.append(Attempt("error", reason=reason))

    def add_from_workers(self) -> list[Case]:
        """Take the cases that only a worker's own file has, and return them."""
        files = list(self.session.path.glob(f"{WORKER_PREFIX}*.jsonl"))
        added: list[Case] = []
        has_more = any(each.name.startswith(CHILD_PREFIX) for each in files)
        if files and (has_more or self._unfinished or self._begun):
            stored = self.session.cases()
            added = list(stored.read(stored.only_from_workers))
            for case in added:
                self.add(case, case.to_line())
            for test in sorted(stored.ended.keys() & self._unfinished):
                self.add(stored.ended[test], stored.ended[test].to_line())
        for file in files:
            file.unlink(missing_ok=True)
        return added

    def spend(
        self, limit: float | None, spent: Iterable[float], has_stopped: bool
    ) -> None:
        """Note what the session's processes have spent of a budget, if there is one.

        :param has_stopped: whether tests did not run for it.
        """
        if limit is not None:
            spending = Spending(limit, fsum(spent), has_stopped)
            self.state = replace(self.state, spending=spending)

    def release(self) -> None:
        """Let other processes submit the session."""
        self._lock.release()

    def close(self, **changes: Any) -> None:
        """Count what did not run, and write the state for good."""
        with self._taking:
            self._is_closed = True
        try:
            self._journal.restore()
        except OSError as error:
            self.disk_error = error
        self._flush()
        self._count_lost()
        self._journal.close()
        if self._has_repeats and not self.lost:
            self.totals = Totals.of(
                self.session.cases(),
                groups=self._groups,
                group_by=self.state.group_by,
            )
        else:
            for nodeid in self._begun:
                self.totals.add(Case(nodeid, "not run", test=nodeid))
        if self._unfinished:
            self.totals.outcomes["not run"] += len(self._unfinished)
        figures = {
            "selected": self._count,
            "counts": dict(self.totals.outcomes),
            "rows": self.totals.rows,
            "pass_rate": self.totals.pass_rate,
            "score": self.totals.score.value,
        }
        if self.lost:  # a later command has no more than what is on disk
            figures = figures_of(self.session.cases(), self._count)
            changes["missing"] = changes.get("missing", 0) + self.lost
        self.update(**figures, **changes)

    def update(self, **changes: Any) -> None:
        """Change the state, on disk as soon as there is a directory."""
        self.state = replace(self.state, **changes)
        if self.is_started:
            try:
                self.session.write(self.state)
                self.is_saved = True
            except OSError as error:
                self.disk_error = error
                self.is_saved = False

    def _count_lost(self) -> None:
        """Count what is not in the journal: the disk was full, or others changed it."""
        if self._unwritten or not self._journal.is_intact:
            finished = self._count - len(self._unfinished) - len(self._begun)
            self.lost = max(0, finished - self.session.cases().finished)

    def _append(self, line: str) -> None:
        self._unwritten.append(line)
        self._flush()

    def _flush(self) -> None:
        try:
            while self._unwritten:
                self._journal.append(self._unwritten[0])
                self._unwritten.popleft()
        except OSError as error:
            self.disk_error = error


def new_session(
    out: Path, clean: Callable[[str], str] = str, root: Path | None = None
) -> tuple[Session, SessionState]:
    """Return a new session below `out`, of which nothing is on disk yet.

    :param clean: applied to what a CI service says of the build.
    :param root: where the tests are; its commit is kept where CI says none.
    """
    now = datetime.now(timezone.utc)
    identity = uuid.uuid4().hex
    stamp = f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z"
    session = Session(out / f"{stamp}-{identity[:8]}")
    created = now.isoformat(timespec="seconds")
    facts = ci_facts(os.environ, clean)
    commit = None if root is None or "commit" in facts else commit_of(root)
    return session, SessionState(
        identity, created, ci=facts, versions=_versions(commit)
    )


def _versions(commit: str | None) -> dict[str, str]:
    return {
        **({} if commit is None else {"commit": commit}),
        "python": platform.python_version(),
        "pytest": pytest.__version__,
        "pytest-evalguard": __version__,
    }
