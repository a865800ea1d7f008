"""One run of a case's test: what it recorded, and what pytest said of each phase."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ..model.case import Attempt, Case, EndedTest
from ..model.difference import note_unseen
from ..model.figures import reaches
from ..model.outcome import PASSING, Outcome
from ..model.text import printable, shortened
from ..model.values import as_data, as_text
from ..start import FIXTURE
from .collection import identity_of
from .item_state import ItemState
from .mark import EvalMark
from .outcome import outcome_of, total, will_rerun
from .parameters import parameters_of, places_of
from .recorder import EvalCase

if TYPE_CHECKING:
    from ..model.redaction import Redactor
    from .budget import Publish
    from .harness_errors import HarnessErrors
    from .subcases import Subcases

_GROWING = ("scores", "metrics", "findings")


def remark(case: EvalCase, marked: Mapping[str, object]) -> None:
    """Take what the marks of the test say by now."""
    case._marked = marked


def ambiguity(case: EvalCase) -> str | None:
    """Return what was said about a case without a verdict, None if it has one."""
    return case._fields.get("ambiguous")


def close(case: EvalCase) -> dict[str, Any]:
    """End the recording and return what was recorded, as fields of a `Case`."""
    case._open = False
    fields = recorded(case)
    case._values.clear()
    return fields


def recorded(case: EvalCase) -> dict[str, Any]:
    """Return what was recorded so far, as fields of a `Case`."""
    fields = case._fields.copy()
    for name in _GROWING:
        if name in fields:  # a thread may be late, while this is written
            fields[name] = fields[name].copy()
    if case._measured is not None:
        fields.setdefault("latency_ms", case._measured)
    if case._metadata is not None:
        fields["metadata"] = dict(case._metadata.data)
    return fields


LINE = "evalguard_case"
"""The attribute of a test report that carries a finished case as one line of JSON."""

context_key = pytest.StashKey["CaseContext"]()
"""Of the pytest config: what its tests are recorded with."""

_LONGEST_NAME = 100
_PHASES = ("setup", "call", "teardown")
_PLAN = ("trials", "require")
_SPENT = ("prompt_tokens", "completion_tokens", "cost_usd")


class CaseContext(NamedTuple):
    """What the cases of a process are finished with, and handed to.

    `publish` takes each of them, its line and the report it is to travel on, None where
    there is none; `redact` is applied to all that was recorded, `errors` are those that
    are no failure of what is tested.
    """

    publish: Publish
    redact: Redactor
    errors: HarnessErrors


@dataclass
class Run:
    """One run of a case's test: its recorder, and what pytest said of each phase.

    `body_ms` is how long its body took, None where pytest did not run that itself;
    `is_harness_error` says that what left it, or left its last subtest, is the failure
    of the harness. `is_in_body` is known of tests that may have subtests.
    """

    recorder: EvalCase
    mark: EvalMark
    attempts: list[Attempt]
    has_setup: bool
    body_ms: float | None = None
    is_published: bool = False
    case: Case | None = None
    reports: dict[str, pytest.TestReport] = field(default_factory=dict)
    reasons: dict[str, str | None] = field(default_factory=dict)
    is_harness_error: bool = False
    failed_subtest: str | None = None
    errored_subtest: str | None = None
    subcases: Subcases | None = None
    is_in_body: bool = False
    started: float | None = None
    excinfo: pytest.ExceptionInfo[BaseException] | None = None
    logged: set[str] = field(default_factory=set)

    def note(self, report: pytest.TestReport) -> None:
        when = str(report.when)
        self.logged.add(when)
        self.reports[when] = report

    def note_call(self, call: pytest.CallInfo[None]) -> None:
        """Take how a phase ended, where its report is logged at once."""
        if call.when == "call" and self.started is not None:
            self.body_ms = (EvalCase._clock() - self.started) * 1000
        self.excinfo = call.excinfo

    def note_failed_subtest(self) -> None:
        reason = self.reasons.get("call") or "a subtest failed"
        if self.is_harness_error:
            self.errored_subtest = reason
        else:
            self.failed_subtest = reason

    def add_teardown(self, report: pytest.TestReport, reason: str | None) -> None:
        """Take what became of the fixtures that the trials of a case shared."""
        if report.failed and self.case is not None:
            self.reports["teardown"] = report
            if self.case.outcome != "failed":
                self.case.outcome, self.case.reason = "error", reason

    @property
    def has_failed_subtest(self) -> bool:
        return self.failed_subtest is not None or self.errored_subtest is not None

    @property
    def is_finished(self) -> bool:
        # a plugin that will run the test again keeps the report of the call to itself,
        # or gives a report an outcome of its own
        setup = self.reports.get("setup")
        is_over = "call" in self.logged or (setup is not None and not setup.passed)
        return is_over and not self.will_rerun

    @property
    def will_rerun(self) -> bool:
        """Whether a plugin said that the test will run again."""
        return any(map(will_rerun, self.reports.values()))

    @property
    def has_begun(self) -> bool:
        """Whether it is more than a recorder that was asked for before the setup."""
        return self.has_setup or bool(self.reports or self.reasons)

    @property
    def latency_ms(self) -> float:
        """How long the body took."""
        if self.body_ms is not None:
            return self.body_ms
        call = self.reports.get("call")
        return 0.0 if call is None else max(0.0, call.duration * 1000)

    def seconds(self, when: str) -> float:
        """How long a phase took, 0 where there was none."""
        report = self.reports.get(when)
        return 0.0 if report is None else report.duration

    @property
    def outcome(self) -> Outcome:
        reports: Mapping[str, pytest.TestReport] = self.reports
        if self.subcases is not None:
            reports = self.subcases.without_subcase_failures(reports)
        outcome = outcome_of(reports)
        if outcome == "not run" and "call" in self.reasons:
            outcome = "failed"  # a plugin made no report of this attempt
        if self.failed_subtest is not None and outcome != "error":
            return "failed"
        if self.is_harness_error and outcome == "failed":
            return "error"
        if self.errored_subtest is not None and outcome == "passed":
            # unittest's subTest leaves its test a pass (pytest-dev/pytest-subtests#205)
            return "error"
        if outcome == "passed" and ambiguity(self.recorder) is not None:
            return "ambiguous"
        return outcome

    def reason(self, outcome: Outcome) -> str | None:
        if outcome == "ambiguous":
            why = ambiguity(self.recorder)
            return f"ambiguous: {why}" if why else "ambiguous"
        said = [phase for phase in _PHASES if self.reasons.get(phase)]
        failed = [phase for phase in said if self._has_failed(phase)]
        # a skip is no reason for the error that came after it
        for phase in (*failed, *said):
            return self.reasons[phase]
        return self.failed_subtest if outcome == "failed" else self.errored_subtest

    def _has_failed(self, phase: str) -> bool:
        report = self.reports.get(phase)
        return report is not None and report.failed

    def as_attempt(self) -> Attempt:
        outcome = self.outcome
        fields = recorded(self.recorder)
        fields.setdefault("latency_ms", self.latency_ms)
        kept = {name: fields.get(name) for name in ("score", "latency_ms", *_SPENT)}
        return Attempt(outcome, reason=self.reason(outcome), **kept)


def case_of(state: ItemState, run: Run, clean: Callable[[str], str]) -> Case:
    """Return what a run recorded and what became of it, and end its recording.

    :param clean: applied to what the mark and the parameters say.
    """
    item, outcome = state.item, run.outcome
    has_passed = outcome in PASSING
    seen = None if has_passed else (run.recorder.expected, run.recorder.actual)
    fields = close(run.recorder)
    if run.mark.given:
        marked = _mark_fields(run.mark.given, clean)
        metadata = {**marked.get("metadata", {}), **fields.get("metadata", {})}
        fields = {**marked, **fields, "metadata": metadata}
    if "latency_ms" not in fields:
        fields["latency_ms"] = run.latency_ms
    if (callspec := getattr(item, "callspec", None)) is not None:
        fields["params"] = parameters_of(item, callspec, clean)
        if places := places_of(callspec):
            fields["param_indices"] = places
    if "input" not in fields:
        fields["input"] = _default_input(item, clean)
        fields["default_input"] = True
    for name in _SPENT if run.attempts else ():
        fields[name] = total(fields.get(name), *map(attrgetter(name), run.attempts))
    identity = item.nodeid if state.identity is None else state.identity
    case = Case.of({"nodeid": identity, "outcome": outcome, **fields})
    if state.declared is not None:
        case.declared = state.declared
    if run.attempts:
        case.attempts = run.attempts
        case.flaky = outcome == "passed" and any(
            attempt.outcome in ("failed", "error") for attempt in run.attempts
        )
    if seen is not None:
        case.reason = run.reason(outcome)
        note_unseen(case, *seen)
    if "actual" not in fields and _is_silent(item, case):
        case.silent = True
    return case


def _default_input(item: pytest.Item, clean: Callable[[str], str]) -> str:
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return identity_of(item)
    return as_text(callspec.params, clean)


def _mark_fields(
    mark: Mapping[str, Any], clean: Callable[[str], str]
) -> dict[str, Any]:
    fields = {name: each for name, each in mark.items() if name not in _PLAN}
    for name in ("input", "expected", "name"):
        if name in fields:
            fields[name] = as_text(fields[name], clean)
    if "metadata" in fields:
        fields["metadata"] = as_data(fields["metadata"], clean)
    if "tags" in fields:
        fields["tags"] = sorted(as_text(tag, clean) for tag in fields["tags"])
    return fields


def _is_silent(item: pytest.Item, case: Case) -> bool:
    if FIXTURE not in getattr(item, "fixturenames", ()):
        return False
    ran = case.outcome in ("passed", "xpassed", "ambiguous")
    return ran and case.score is None and not case.scores


def junit_properties(case: Case | EndedTest) -> list[tuple[str, object]]:
    """Return what JUnit XML shows of a case: short scalars, never a prompt."""
    if isinstance(case, EndedTest):
        counts = sorted(case.outcomes.items())
        return [
            ("evalguard.cases", sum(case.outcomes.values())),
            *((f"evalguard.cases.{kind.replace(' ', '_')}", n) for kind, n in counts),
        ]
    if not case.has_row:
        return [("evalguard.outcome", case.outcome)]
    named = case.scores.items()
    return [
        ("evalguard.outcome", case.outcome),
        ("evalguard.score", case.overall_score),
        *((f"evalguard.score.{_short(name)}", each.score) for name, each in named),
        *((f"evalguard.metric.{_short(name)}", n) for name, n in case.metrics.items()),
    ]


def _short(name: str) -> str:
    return shortened(printable(name), _LONGEST_NAME)


def detach(report: pytest.TestReport) -> None:
    """Keep what plugins put on a report from what the next trial does to it.

    pytest-json-report puts the same dict on all reports of an item.
    """
    for name, value in vars(report).items():
        if type(value) is dict:
            setattr(report, name, dict(value))


def require_score(recorder: EvalCase, threshold: float) -> None:
    """Fail the test when it recorded a score below its threshold."""
    __tracebackhide__ = True
    fields = recorded(recorder)
    case = Case(
        "", "passed", score=fields.get("score"), scores=fields.get("scores", {})
    )
    if case.is_scored and not reaches(case.overall_score, threshold):
        text, limit = case.score_text, f"{threshold:g}"
        if f"{case.overall_score:g}" == limit:  # by digits that are not shown
            text, limit = f"{case.overall_score:.9g}", f"{threshold:.9g}"
        pytest.fail(f"score {text} is below the threshold of {limit}", pytrace=False)
