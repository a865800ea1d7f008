"""Sub-cases: the cases that one test records, in tasks and threads at once.

Loaded by the first `eval_case.subcase(...)`. A sub-case is published when it begins,
as one that is not run, and again when its block ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict

import pytest

from ..model.case import Attempt, Case, EndedTest
from ..model.outcome import PASSING, Outcome
from ..model.text import distinct_line, escaped
from ..model.values import clean_text, describe
from .collection import identity_of
from .item_state import run_of, state_of
from .mark import EvalMark, keyword_problems
from .modify_case import modified
from .outcome import INTERRUPTED, total
from .recorder import EvalCase, ended_error
from .run import CaseContext, Run, case_of, close, context_key
from .subcase_verdict import FailedSubcases, Verdict, verdict_of

if TYPE_CHECKING:
    from typing_extensions import Never

MAX_NAME = 200
"""Longest name that is kept of a sub-case, in columns."""

_tests_key: pytest.StashKey[frozenset[str]] = pytest.StashKey()
_PASSED = Verdict("passed")
_NOT_INHERITED = ("name", "prompt_id", "trials", "require")
_NOT_ENDED = "had not ended when its test did"
_NOT_REACHED = "not reached when its test ran again"


class Keywords(TypedDict, total=False):
    """What may be said of a sub-case, each as in the mark."""

    input: object
    expected: object
    prompt_id: int
    threshold: float
    tags: Collection[str]
    metadata: Mapping[str, object]


_KNOWN = tuple(Keywords.__annotations__)


def subcase(
    recorder: EvalCase, item: pytest.Item | None, name: str, given: Mapping[str, Any]
) -> Subcase:
    """Return a sub-case that is about to begin; see `EvalCase.subcase`."""
    if item is None:
        raise RuntimeError(f"{recorder!r} is of no test that runs: it has no sub-cases")
    run = run_of(item)
    if run is None or run.recorder is not recorder:
        raise ended_error(recorder)
    for problem in keyword_problems(given, "subcase()", _KNOWN):
        raise TypeError(problem)
    with recorder._lock:  # the first ones may begin at once
        if run.subcases is None:
            context = item.config.stash[context_key]
            run.subcases = Subcases(item, run.mark, context)
    return run.subcases.add(name, given)


class Subcases:
    """The sub-cases of one run of a test.

    :param mark: what the marks of the test say, of all sub-cases that don't.
    :param earlier: the attempts that there were before a test is run again.
    """

    def __init__(
        self,
        item: pytest.Item,
        mark: EvalMark,
        context: CaseContext,
        earlier: Mapping[str, list[Attempt]] = {},
    ) -> None:
        self.item = item
        self.test = identity_of(item)
        self._tests = _identities(item.session)
        self._mark = mark
        self._context = context
        self._publish, self._redact, self._errors = context
        self._earlier = earlier
        self._attempts: dict[str, list[Attempt]] = {}
        self._lock = RLock()
        self._names: set[str | bytes] = set()
        self._labels: Counter[str] = Counter()
        self._open: dict[str, Subcase] = {}
        self._is_over = False
        self._outcomes: Counter[Outcome] = Counter()
        self._failed = FailedSubcases(item)
        self._phases: set[str] = set()  # those that failed for sub-cases alone

    def add(self, name: str, given: Mapping[str, Any]) -> Subcase:
        """Return a new sub-case.

        :raises ValueError: the name is blank, or not new.
        """
        if self._mark.plan is not None:
            raise RuntimeError(
                f"{self.test} has {self._mark.trials} trials, and a test with trials"
                " has no sub-cases: leave out trials= and --evalguard-trials for it"
            )
        if not isinstance(name, str):
            raise TypeError(
                f"the name of a sub-case must be a string, got {describe(name)}"
            )
        if not name.strip():
            raise ValueError(f"the name of a sub-case is blank: {name!r}")
        marked = {k: v for k, v in self._mark.given.items() if k not in _NOT_INHERITED}
        mark = replace(self._mark, given={**marked, **given})
        with self._lock:
            label, place = self._label(name), len(self._names)
            return Subcase(self, label, place, mark)

    def _label(self, name: str) -> str:
        """Return a name as it is shown: on one line, without secrets.

        Names that differ only in a secret, or far behind, are numbered.
        """
        key = name if len(name) <= MAX_NAME else _digest(name)
        if key in self._names:
            raise ValueError(
                f"{self.test} has a sub-case {describe(name, self._redact)} already:"
                " each needs a name of its own"
            )
        self._names.add(key)
        known = distinct_line(escaped(self._redact(clean_text(name))), MAX_NAME)
        label = known
        while label in self._labels or f"{self.test}::{label}" in self._tests:
            self._labels[known] += 1
            label = f"{known} #{self._labels[known]}"
        self._labels[label] = 1
        return label

    def begin(self, subcase: Subcase) -> None:
        """Publish that a sub-case has begun, and give it its recorder."""
        identity = subcase.identity
        case = Case(identity, "not run", test=self.test, reason=INTERRUPTED)
        with self._lock:  # the test may end in another thread meanwhile
            if self._is_over:
                raise ended_error(EvalCase(self.test))
            subcase.recorder = _Recorder(identity, self._redact, subcase.mark.given)
            subcase.started = EvalCase._clock()
            self._open[identity] = subcase
            self._publish(case, case.to_line(), None)

    def end(self, subcase: Subcase, error: BaseException | None, ms: float) -> bool:
        """Publish a sub-case; return whether what left its block is caught."""
        recorder = subcase.recorder
        if self._open.get(subcase.identity) is not subcase:
            if error is None:
                recorder._require_open()
            return False
        verdict = verdict_of(self.item, recorder, subcase.mark, error, self._errors)
        self._finish(subcase, verdict, ms)
        return not verdict.is_passed_on

    def _finish(self, subcase: Subcase, verdict: Verdict, ms: float) -> None:
        identity = subcase.identity
        attempts = self._earlier.get(identity, [])
        run = _Block(subcase.recorder, subcase.mark, attempts, True, ms)
        run.verdict = verdict
        run.why = verdict.reason(self.item, self._redact)
        attempt = run.as_attempt()
        case = case_of(state_of(self.item), run, self._redact)
        case.nodeid, case.declared, case.name = identity, None, subcase.label
        if case.default_input:
            case.input = identity
        case.test = self.test  # a line of one that has only begun ends with it, too
        with self._lock:
            if self._open.get(identity) is not subcase:
                return  # the test has ended meanwhile
            case, line = modified(self.item.config, self.item, case, self._redact)
            self._publish(case, line, None)
            del self._open[identity]
            self._attempts[identity] = [*attempts, attempt]
            self._outcomes[case.outcome] += 1
            self._failed.add(subcase.place, subcase.label, verdict, run.why)

    def fail(self, call: pytest.CallInfo[None]) -> None:
        """Let a phase of the test fail for the sub-cases that did not pass."""
        if call.when == "teardown":
            self._end_open()
        if call.when != "setup":
            with self._lock:
                self._failed.raise_in(call, self._begun)

    def tell(
        self,
        report: pytest.TestReport,
        excinfo: pytest.ExceptionInfo[BaseException] | None,
    ) -> None:
        """Show the sub-cases that did not pass, also where the test itself failed."""
        with self._lock:
            is_theirs = self._failed.tell(report, excinfo, self._begun)
        if is_theirs:
            self._phases.add(str(report.when))

    @property
    def _begun(self) -> int:
        return len(self._attempts) + len(self._open)

    def _end_open(self) -> None:
        """End the sub-cases whose blocks have not come to their end."""
        with self._lock:
            self._is_over, still_open = True, [*self._open.values()]
        for subcase in still_open:
            ms = (EvalCase._clock() - subcase.started) * 1000
            self._finish(subcase, Verdict("not run", said=_NOT_ENDED), ms)

    def without_subcase_failures(
        self, reports: Mapping[str, pytest.TestReport]
    ) -> Mapping[str, pytest.TestReport]:
        """Return the reports of a test as they were without its sub-cases."""
        phases = self._phases & reports.keys()
        theirs = {when: _passed(reports[when]) for when in phases}
        return {**reports, **theirs}

    def again(self) -> Subcases:
        """Return those of the test that is run again, in the place of these."""
        self._end_open()
        return Subcases(
            self.item,
            self._mark,
            self._context,
            {**self._earlier, **self._attempts},
        )

    def end_of(self, run: Run) -> EndedTest | None:
        """Return what is to be told of a test that is no case itself."""
        self._end_open()
        for identity in self._earlier:
            if identity in self._attempts:
                continue
            case = Case(identity, "not run", test=self.test, reason=_NOT_REACHED)
            case.attempts = self._earlier[identity]
            case.cost_usd = total(*(each.cost_usd for each in case.attempts))
            self._publish(case, case.to_line(), None)
        if not self._attempts or run.outcome not in PASSING:
            return None
        close(run.recorder)
        declared = state_of(self.item).declared
        return EndedTest(self.test, dict(self._outcomes), declared)


class Subcase:
    """A sub-case from the start of its block to its end, which is used once."""

    __slots__ = (
        "_subcases",
        "identity",
        "label",
        "mark",
        "place",
        "recorder",
        "started",
    )

    def __init__(
        self, subcases: Subcases, label: str, place: int, mark: EvalMark
    ) -> None:
        self._subcases = subcases
        self.identity = f"{subcases.test}::{label}"
        self.label = label
        self.place = place
        self.mark = mark
        self.started = 0.0
        self.recorder: EvalCase

    def __enter__(self) -> EvalCase:
        if self.started:
            raise RuntimeError(f"the sub-case {self.label} has begun before")
        self._subcases.begin(self)
        self.started = EvalCase._clock()
        return self.recorder

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        ms = (EvalCase._clock() - self.started) * 1000
        return self._subcases.end(self, error, ms)


class _Recorder(EvalCase):
    __slots__ = ()

    def _require_open(self) -> None:
        if not self._open:
            raise RuntimeError(
                f"{self._nodeid} has ended: its recorder can't record any more. Record"
                " within its block, and let that end before the test does"
            )

    def subcase(self, name: str, **given: object) -> Never:
        raise RuntimeError(
            f"{self._nodeid} is a sub-case, and has none of its own: begin one beside"
            " it, by the test's eval_case"
        )


@dataclass
class _Block(Run):
    """What `Run` is of a test."""

    verdict: Verdict = _PASSED
    why: str | None = None

    @property
    def outcome(self) -> Outcome:
        return self.verdict.outcome

    def reason(self, outcome: Outcome) -> str | None:
        return self.why


def _identities(session: pytest.Session) -> frozenset[str]:
    """Return what tests are known by: the parameters of one may end as a name does."""
    if _tests_key not in session.stash:
        session.stash[_tests_key] = frozenset(map(identity_of, session.items))
    return session.stash[_tests_key]


def _digest(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _passed(report: pytest.TestReport) -> pytest.TestReport:
    return pytest.TestReport(
        report.nodeid, report.location, {}, "passed", None, report.when or "call"
    )
