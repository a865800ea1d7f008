"""Runs where tests run: follows each case through its phases and makes its record.

In a plain session that is the only process; under pytest-xdist it is each worker. The
finished case is published with the test's last report.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from os import getpid
from typing import Any

import pytest
from _pytest._code.code import ExceptionRepr
from _pytest.unittest import TestCaseFunction

from ..model.case import Case, EndedTest, record_from_line
from ..model.outcome import letters_of
from ..start import FIXTURE, is_case
from .collection import is_handed_over, name_scheduled_run
from .follower import Follower, check_thresholds, is_run_by_others, watch_bodies
from .item_state import ItemState, find_state, state_of
from .mark import Plan, current_mark, problems_of
from .modify_case import modified
from .outcome import (
    INTERRUPTED,
    as_trial,
    broken_off,
    combined,
    deciding_trial,
    reason_of,
    verdict_line,
)
from .recorder import EvalCase
from .run import LINE, CaseContext, Run, case_of, detach, junit_properties, remark

_FOLLOWER = "pytest-evalguard-follower"
TRIALS = "evalguard_trials"
"""The attribute of a test report that has its trials' outcomes, a letter each."""


class CaseRunner:
    """Follows the tests of this process and puts each finished case on its way.

    :param mark: the name of the mark.
    :param trials: how many a marked test has that does not say.
    :param context: what each case is finished with and handed to.
    :param has_junit: whether JUnit XML is written, and its properties are wanted.
    :param make_portable: changes the data of a report into what can be carried to
        another process, where there is one.

    What is known of a test is kept with the test, as plugins may run several at once.
    """

    def __init__(
        self,
        mark: str,
        trials: int,
        context: CaseContext,
        has_junit: bool = False,
        make_portable: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._has_junit = has_junit
        self._make_portable = make_portable
        self._mark = mark
        self._trials = trials
        self._publish, self.redact, self.errors = context
        self._follower: Follower | None = None
        self._open: dict[str, list[ItemState]] = {}
        self._latest: ItemState | None = None
        self._fixtures: object = None
        self._is_handed_over = False
        self._setup: pytest.TestReport | None = None
        self._process = getpid()

    def follow_closely(self, plugins: pytest.PytestPluginManager) -> None:
        """Follow tests that are run in another way than pytest's own."""
        if self._follower is None:
            self._follower = Follower(self)
            plugins.register(self._follower, _FOLLOWER)

    def pytest_plugin_registered(self, manager: pytest.PytestPluginManager) -> None:
        """Follow tests closely from when a plugin or a conftest takes part."""
        if self._follower is None and is_run_by_others(manager):
            self.follow_closely(manager)

    def _find_state(self, item: pytest.Item) -> ItemState | None:
        """Return what is known of a test, mostly of the one that began last."""
        latest = self._latest
        if latest is not None and latest.item is item:
            return latest
        return find_state(item)

    def recorder_of(self, item: pytest.Item) -> EvalCase:
        """Return the recorder of a test."""
        state = state_of(item)
        # there is no run where request.getfixturevalue() asks for it
        return (state.run or self._begin(item, state, has_setup=False)).recorder

    def end_schedule(self, item: pytest.Item) -> None:
        state = state_of(item)
        if (run := state.run) is None:
            return
        if not run.is_published:
            if run.will_rerun:
                return  # it comes again later, as far as is known
            if run.reports:  # they were logged by another name
                self._publish_finished(state, run, None)
        if run.is_published:
            state.ended += 1
        self._forget(state)

    def _forget(self, state: ItemState) -> None:
        """Drop what was recorded: it is kept only in case the test is run again."""
        state.run = state.trials = None
        nodeid = state.item.nodeid
        states = self._open.pop(nodeid, ())
        if len(states) > 1:
            self._open[nodeid] = [each for each in states if each is not state]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self._follower is None:
            if (state := find_state(item)) is not None:
                name_scheduled_run(item, state)
            self.begin(item, state)

    def begin(self, item: pytest.Item, state: ItemState | None) -> None:
        """Make the record of a test, or of another attempt at it, if that is a case."""
        # a test that asks for the fixture at run time is known by its first attempt
        is_known = state is not None and (state.run is not None or not state.ended)
        if is_known or is_case(item, self._mark):
            self._begin(item, state or state_of(item))

    # pytest takes hooks by names that begin like this one only
    @pytest.hookimpl(trylast=True, specname="pytest_runtest_setup")
    def pytest_take_late_mark(self, item: pytest.Item) -> None:
        """Take a mark that a fixture added: the body has not begun."""
        state = self._find_state(item)
        run = None if state is None else state.run
        if state is None or run is None:
            if item.get_closest_marker(self._mark) is None:
                return
            state = state_of(item)
            run = self._begin(item, state)
        else:
            mark = current_mark(item, state, self._mark, self._trials)
            if mark is run.mark:
                return
            run.mark = mark
            if mark.threshold is not None:
                check_thresholds(item.config.pluginmanager)
            remark(run.recorder, mark.given)
        for each in item.iter_markers(self._mark):
            for problem in problems_of(each):
                pytest.fail(problem, pytrace=False)
        if run.mark.plan is not None and state.trials is None:
            pytest.fail(
                f"@pytest.mark.{self._mark}: trials= can't be added when a test has"
                " begun: mark the test itself",
                pytrace=False,
            )

    def _begin(
        self, item: pytest.Item, state: ItemState, *, has_setup: bool = True
    ) -> Run:
        run = state.run
        # a plugin that runs tests side by side may set up fixtures before the test
        if run is None or run.has_begun:
            run = self._next_run(item, state, has_setup)
        if run.mark.threshold is not None:
            check_thresholds(item.config.pluginmanager)
        if isinstance(item, pytest.Function):
            self._hand_over(item, run.recorder)
        return run

    def _next_run(self, item: pytest.Item, state: ItemState, has_setup: bool) -> Run:
        before = state.run
        state.item = item  # it may be a copy, which has the state of the first
        # a mark that was added since is taken at the end of the setup
        mark = state.mark or current_mark(item, state, self._mark, self._trials)
        recorder = EvalCase(item.nodeid, self.redact, mark.given, item)
        run = state.run = Run(recorder, mark, [], has_setup)
        self._latest = state
        if before is None:
            self._open.setdefault(item.nodeid, []).append(state)
            return run
        if state.trials is None:
            run.attempts = [*before.attempts, before.as_attempt()]
        if before.subcases is not None:
            run.subcases = before.subcases.again()
        return run

    def _hand_over(self, item: pytest.Function, recorder: EvalCase) -> None:
        fixtures = item._fixtureinfo
        if fixtures is not self._fixtures:  # the items of a parametrized test share it
            self._fixtures = fixtures
            self._is_handed_over = is_handed_over(fixtures)
            if "subtests" in item.fixturenames or isinstance(item, TestCaseFunction):
                watch_bodies(item.config.pluginmanager)
        if self._is_handed_over:
            item.funcargs[FIXTURE] = recorder
            # nobody else asks for it, and pytest makes a fixture of it for each test
            item.funcargs["request"] = item._request

    def end_trial(self, item: pytest.Item) -> Case:
        """Close the record of a trial, and return it."""
        state = state_of(item)
        run = state.run or self._begin(item, state)
        for report in run.reports.values():
            detach(report)
        run.case = case_of(state, run, self.redact)
        state.trials = [*(state.trials or ()), run]
        return run.case

    def decide(self, item: pytest.Item, plan: Plan) -> Run:
        """Return the trial that speaks for the case from now on."""
        state = state_of(item)
        runs, cases = state.trials or [], state.ended_trials
        outcomes = [case.outcome for case in cases]
        failed = [index for index, run in enumerate(runs) if run.has_failed_subtest]
        # a failed subtest is pytest's own verdict, which it has told already
        index = failed[0] if failed else deciding_trial(outcomes, plan)
        chosen = state.run = runs[index]
        verdict, letters = verdict_line(outcomes, plan), letters_of(outcomes)
        for when, report in chosen.reports.items():
            report.duration = sum(run.seconds(when) for run in runs)
            setattr(report, TRIALS, letters)
            if report.failed and isinstance(report.longrepr, ExceptionRepr):
                report.longrepr.addsection("trials", verdict)
        chosen.case = combined(cases, plan, index)
        return chosen

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        state = self._find_state(item) if self._follower is None else None
        if state is not None and state.run is not None:
            state.run.started = EvalCase._clock()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> None:
        """Note what ended a phase; its report is logged next, and may be changed."""
        if call.when == "setup" and call.excinfo is None:
            return
        state = self._find_state(item)
        run = None if state is None else state.run
        if run is None and call.when == "setup" and is_case(item, self._mark):
            # another plugin ended its setup before it began
            run = self._begin(item, state_of(item))
        if run is None:
            return
        if run.subcases is not None and not run.is_in_body:
            run.subcases.fail(call)
        if self._follower is None:
            run.note_call(call)

    def reason(
        self,
        item: pytest.Item,
        run: Run,
        report: pytest.TestReport,
        excinfo: pytest.ExceptionInfo[BaseException] | None,
    ) -> str | None:
        """Return why a phase did not pass, and learn whose failure it is."""
        if run.subcases is not None and not run.is_in_body:
            run.subcases.tell(report, excinfo)
        if excinfo is not None and report.when == "call" and run.case is None:
            run.is_harness_error = self.errors.include(excinfo.value)
        return reason_of(item, report, excinfo, self.redact)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown" and LINE in vars(report):
            if getpid() == self._process:
                line = vars(report).pop(LINE)
                self._publish_case(record_from_line(line), line, report)
            return
        if report.when == "???":  # type: ignore[comparison-overlap] # pytest-forked's
            self._add_crashed(report)
            return
        if report.when == "setup" and report.passed and self._follower is None:
            self._setup = report  # nothing is to be learnt by it as it is
            return
        state = self._state_of(report)
        run = None if state is None else state.run
        if state is None or run is None:
            return
        if self._follower is None:
            if report.when == "teardown" and not run.logged:
                self._note_setup(state.item, run)
            if not report.passed:
                reason = self.reason(state.item, run, report, run.excinfo)
                run.reasons[str(report.when)] = reason
            run.excinfo = None
        if hasattr(report, "context"):  # a subtest's report, pytest's or the plugin's
            if report.failed:
                run.note_failed_subtest()
            return
        run.note(report)
        if report.when == "teardown" and run.is_finished:
            self._end(state, run)

    def _note_setup(self, item: pytest.Item, run: Run) -> None:
        """Take a setup that a later hook changed, so that no body ran."""
        if self._setup is not None and not self._setup.passed:
            run.reasons["setup"] = self.reason(item, run, self._setup, None)
            run.note(self._setup)

    def _end(self, state: ItemState, run: Run) -> None:
        if getpid() == self._process:  # no child of a test that forked
            self._publish_finished(state, run, run.reports["teardown"])
        if self._follower is None:
            state.ended += 1
            self._forget(state)
        elif id(state.item) not in self._follower.scheduled:
            self._forget(state)  # nobody will say that it has ended

    def _add_crashed(self, report: pytest.TestReport) -> None:
        """Publish a case for a test whose process was killed."""
        scheduled = () if self._follower is None else self._follower.scheduled.values()
        for item in scheduled:
            if item.nodeid == report.nodeid and is_case(item, self._mark):
                state = state_of(item)
                run = self._begin(item, state)
                run.reports["setup"] = report
                run.reasons["setup"] = reason_of(item, report, None, self.redact)
                self._publish_finished(state, run, report)

    def _state_of(self, report: pytest.TestReport) -> ItemState | None:
        """Return what is known of the test of a report, if that is a case that runs."""
        found = self._open.get(report.nodeid)
        if found is not None and len(found) == 1:
            return found[0]
        # the same test twice at a time, or a conftest that gives reports another id
        for state in found or self._all_open():
            if report.location is state.item.location:
                return state
        return found[0] if found else None

    def _all_open(self) -> list[ItemState]:
        return [each for states in self._open.values() for each in states]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_to_serializable(
        self, report: pytest.TestReport
    ) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
        data = yield
        if data is None or self._make_portable is None:
            return data
        if LINE in data or getattr(report, "nodeid", None) in self._open:
            self._make_portable(data)
        return data

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Publish what is open: tests that were interrupted, or were to run again."""
        for state in self._all_open():
            if (run := state.run) is None:
                continue
            if self._follower is None or id(state.item) in self._follower.scheduled:
                self._keep_interrupted(state, run)
            elif run.reports and not run.is_published:
                self._publish_finished(state, run, None)

    def _keep_interrupted(self, state: ItemState, run: Run) -> None:
        is_over = "teardown" in run.logged
        if is_over and (run.is_published or not run.is_finished):
            return
        # what has failed has failed for good
        has_failed = state.trials is None and run.outcome in ("failed", "error")
        if run.case is None and not (is_over or has_failed):
            run.reports.clear()
            run.reasons = {"teardown": INTERRUPTED}
        elif run.case is not None and run.case.require is None:  # between two trials
            run.case = broken_off(state.ended_trials)
        self._publish_finished(state, run, None)

    def _publish_finished(
        self, state: ItemState, run: Run, report: pytest.TestReport | None
    ) -> None:
        self._publish_case(*self.finish(state, run), report)
        run.is_published = True  # a Ctrl-C may have come before

    def _publish_case(
        self, case: Case | EndedTest, line: str, report: pytest.TestReport | None
    ) -> None:
        if report is not None and self._has_junit:
            report.user_properties += junit_properties(case)
        self._publish(case, line, report)

    def finish(self, state: ItemState, run: Run) -> tuple[Case | EndedTest, str]:
        if run.subcases is not None and (end := run.subcases.end_of(run)) is not None:
            return end, end.to_line()
        if (case := run.case) is None:
            case = case_of(state, run, self.redact)
            if state.trials:
                case.trials = list(map(as_trial, state.ended_trials))
        return modified(state.item.config, state.item, case, self.redact)
