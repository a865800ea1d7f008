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

from ..model.case import Attempt, Case, EndedTest, record_from_line
from ..model.outcome import letters_of
from .cases import FIXTURE, is_case
from .collection import (
    ended_key,
    identities_key,
    is_handed_over,
    name_scheduled_run,
)
from .follower import BodyWatch, Follower, ThresholdCheck, is_run_by_others
from .mark import EvalMark, Plan, current_mark, problems_of
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
from .recorded import remark
from .recorder import EvalCase
from .run import LINE, Equipment, Run, case_of, detach, junit_properties, run_key

_FOLLOWER = "pytest-evalguard-follower"
_THRESHOLDS = "pytest-evalguard-thresholds"
_BODIES = "pytest-evalguard-bodies"
TRIALS = "evalguard_trials"
"""The attribute of a test report that has its trials' outcomes, a letter each."""

trials_key = pytest.StashKey[list[Run]]()
"""The trials of a test that have ended, where it has any."""


class CaseRunner:
    """Follows the tests of this process and puts each finished case on its way.

    :param mark: the name of the mark.
    :param trials: how many a marked test has that does not say.
    :param equipment: what each case is finished with and handed to.
    :param has_junit: whether JUnit XML is written, and its properties are wanted.
    :param make_portable: changes the data of a report into what can be carried to
        another process, where there is one.

    What is known of a test is kept with the test, as plugins may run several at once.
    """

    def __init__(
        self,
        mark: str,
        trials: int,
        equipment: Equipment,
        has_junit: bool = False,
        make_portable: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._has_junit = has_junit
        self._make_portable = make_portable
        self._mark = mark
        self._trials = trials
        self._publish, self.redact, self.errors = equipment
        self._follower: Follower | None = None
        self._checks_thresholds = False
        self._watches_bodies = False
        self._open: dict[str, list[pytest.Item]] = {}
        self._handed_over: tuple[object, bool] = (None, False)
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

    def recorder_of(self, item: pytest.Item) -> EvalCase:
        """Return the recorder of a test."""
        if run_key not in item.stash:  # asked for by request.getfixturevalue()
            self._begin(item, has_setup=False)
        return item.stash[run_key].recorder

    def end_schedule(self, item: pytest.Item) -> None:
        run = item.stash[run_key]
        if not run.is_published:
            if run.will_rerun:
                return  # it comes again later, as far as is known
            if run.reports:  # they were logged by another name
                self._publish_finished(item, run, None)
        if run.is_published:
            self._note_end(item)
        self._forget(item)

    def _note_end(self, item: pytest.Item) -> None:
        item.stash[ended_key] = item.stash.get(ended_key, 0) + 1

    def _forget(self, item: pytest.Item) -> None:
        """Drop what was recorded: it is kept only in case the test is run again."""
        del item.stash[run_key]
        if trials_key in item.stash:
            del item.stash[trials_key]
        nodeid = item.nodeid
        items = self._open.pop(nodeid, ())
        if len(items) > 1:
            self._open[nodeid] = [each for each in items if each is not item]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self._follower is None:
            if ended_key in item.stash or identities_key in item.stash:
                name_scheduled_run(item)
            self.begin(item)

    def begin(self, item: pytest.Item) -> None:
        """Make the record of a test, or of another attempt at it, if that is a case."""
        # a test that asks for the fixture at run time is known by its first attempt
        if run_key in item.stash or is_case(item, self._mark):
            self._begin(item)

    # pytest takes hooks by names that begin like this one only
    @pytest.hookimpl(trylast=True, specname="pytest_runtest_setup")
    def pytest_take_late_mark(self, item: pytest.Item) -> None:
        """Take a mark that a fixture added: the body has not begun."""
        run = item.stash.get(run_key, None)
        if run is None:
            if item.get_closest_marker(self._mark) is None:
                return
            self._begin(item)
            run = item.stash[run_key]
        elif (mark := current_mark(item, self._mark, self._trials)) is not run.mark:
            run.mark = mark
            self._check_threshold(item, mark)
            remark(run.recorder, mark.given)
        else:
            return
        for each in item.iter_markers(self._mark):
            for problem in problems_of(each):
                pytest.fail(problem, pytrace=False)
        if run.mark.plan is not None and trials_key not in item.stash:
            pytest.fail(
                f"@pytest.mark.{self._mark}: trials= can't be added when a test has"
                " begun: mark the test itself",
                pytrace=False,
            )

    def _begin(self, item: pytest.Item, *, has_setup: bool = True) -> None:
        run = item.stash.get(run_key, None)
        # a plugin that runs tests side by side may set up fixtures before the test
        if run is None or run.has_begun:
            mark = current_mark(item, self._mark, self._trials)
            nodeid = item.nodeid
            recorder = EvalCase(nodeid, self.redact, mark.given, item)
            attempts = [] if run is None else self._attempts_before(item, run)
            begun = item.stash[run_key] = Run(recorder, mark, attempts, has_setup)
            if run is None:
                self._open.setdefault(nodeid, []).append(item)
            elif run.subcases is not None:
                begun.subcases = run.subcases.again()
        else:
            mark, recorder = run.mark, run.recorder
        self._check_threshold(item, mark)
        if isinstance(item, pytest.Function):
            self._hand_over(item, recorder)
            self._check_subtests(item)

    def _check_subtests(self, item: pytest.Function) -> None:
        if not self._watches_bodies and (
            "subtests" in item.fixturenames or isinstance(item, TestCaseFunction)
        ):
            self._watches_bodies = True
            item.config.pluginmanager.register(BodyWatch(), _BODIES)

    def _check_threshold(self, item: pytest.Item, mark: EvalMark) -> None:
        if mark.threshold is not None and not self._checks_thresholds:
            self._checks_thresholds = True
            item.config.pluginmanager.register(ThresholdCheck(), _THRESHOLDS)

    def _attempts_before(self, item: pytest.Item, run: Run) -> list[Attempt]:
        if trials_key in item.stash:
            return []
        return [*run.attempts, run.as_attempt()]

    def _hand_over(self, item: pytest.Function, recorder: EvalCase) -> None:
        known, is_handed = self._handed_over
        fixtures = item._fixtureinfo
        if fixtures is not known:  # the items of a parametrized test share it
            is_handed = is_handed_over(fixtures)
            self._handed_over = fixtures, is_handed
        if is_handed:
            item.funcargs[FIXTURE] = recorder
            # nobody else asks for it, and pytest makes a fixture of it for each test
            item.funcargs["request"] = item._request

    def end_trial(self, item: pytest.Item) -> Case:
        """Close the record of a trial, and return it."""
        run = item.stash[run_key]
        for report in run.reports.values():
            detach(report)
        run.case = case_of(item, run, self.redact)
        item.stash[trials_key].append(run)
        return run.case

    def decide(self, item: pytest.Item, plan: Plan) -> None:
        """Let one trial speak for the case; what is still torn down is added to it."""
        runs, cases = item.stash[trials_key], _trials_of(item)
        outcomes = [case.outcome for case in cases]
        failed = [index for index, run in enumerate(runs) if run.has_failed_subtest]
        # a failed subtest is pytest's own verdict, which it has told already
        index = failed[0] if failed else deciding_trial(outcomes, plan)
        chosen = item.stash[run_key] = runs[index]
        verdict, letters = verdict_line(outcomes, plan), letters_of(outcomes)
        for when, report in chosen.reports.items():
            report.duration = sum(run.seconds(when) for run in runs)
            setattr(report, TRIALS, letters)
            if report.failed and isinstance(report.longrepr, ExceptionRepr):
                report.longrepr.addsection("trials", verdict)
        chosen.case = combined(cases, plan, index)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        if self._follower is None and run_key in item.stash:
            item.stash[run_key].started = EvalCase._clock()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> None:
        """Note what ended a phase; its report is logged next, and may be changed."""
        run = item.stash.get(run_key, None)
        if run is None and call.when == "setup" and is_case(item, self._mark):
            self._begin(item)  # another plugin ended its setup before it began
            run = item.stash[run_key]
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
        call: pytest.CallInfo[None],
    ) -> str | None:
        """Return why a phase did not pass, and learn whose failure it is."""
        if run.subcases is not None and not run.is_in_body:
            run.subcases.tell(report, call)
        if call.excinfo is not None and call.when == "call" and run.case is None:
            run.is_harness_error = self.errors.include(call.excinfo.value)
        return reason_of(item, report, call.excinfo, self.redact)

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
        item = self._item_of(report)
        if item is None:
            return
        run = item.stash[run_key]
        if (call := run.call) is not None:
            if not report.passed:
                run.reasons[call.when] = self.reason(item, run, report, call)
            run.call = None
        if hasattr(report, "context"):  # a subtest's report, pytest's or the plugin's
            if report.failed:
                run.note_failed_subtest()
            return
        run.note(report)
        if report.when == "teardown" and run.is_finished:
            self._end(item, run, report)

    def _end(self, item: pytest.Item, run: Run, report: pytest.TestReport) -> None:
        if getpid() == self._process:  # no child of a test that forked
            self._publish_finished(item, run, report)
        if self._follower is None:
            self._note_end(item)
            self._forget(item)
        elif id(item) not in self._follower.scheduled:
            self._forget(item)  # nobody will say that it has ended

    def _add_crashed(self, report: pytest.TestReport) -> None:
        """Publish a case for a test whose process was killed."""
        scheduled = () if self._follower is None else self._follower.scheduled.values()
        for item in scheduled:
            if item.nodeid == report.nodeid and is_case(item, self._mark):
                self._begin(item)
                run = item.stash[run_key]
                run.reports["setup"] = report
                run.reasons["setup"] = reason_of(item, report, None, self.redact)
                self._publish_finished(item, run, report)

    def _item_of(self, report: pytest.TestReport) -> pytest.Item | None:
        """Return the test that a report is of, if that is a case that runs."""
        found = self._open.get(report.nodeid)
        if found is not None and len(found) == 1:
            return found[0]
        # the same test twice at a time, or a conftest that gives reports another id
        among = found or [each for items in self._open.values() for each in items]
        for item in among:
            if report.location is item.location:
                return item
        return found[0] if found else None

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
        for item in [each for items in self._open.values() for each in items]:
            run = item.stash[run_key]
            if self._follower is None or id(item) in self._follower.scheduled:
                self._keep_interrupted(item, run)
            elif run.reports and not run.is_published:
                self._publish_finished(item, run, None)

    def _keep_interrupted(self, item: pytest.Item, run: Run) -> None:
        if "teardown" in run.logged:
            return
        is_decided = trials_key not in item.stash and (
            run.outcome in ("failed", "error")  # those are for good
        )
        if run.case is None and not is_decided:
            run.reports.clear()
            run.reasons = {"teardown": INTERRUPTED}
        elif run.case is not None and run.case.require is None:  # between two trials
            run.case = broken_off(_trials_of(item))
        self._publish_finished(item, run, None)

    def _publish_finished(
        self, item: pytest.Item, run: Run, report: pytest.TestReport | None
    ) -> None:
        run.is_published = True
        self._publish_case(*self.finish(item, run), report)

    def _publish_case(
        self, case: Case | EndedTest, line: str, report: pytest.TestReport | None
    ) -> None:
        if report is not None and self._has_junit:
            report.user_properties += junit_properties(case)
        self._publish(case, line, report)

    def finish(self, item: pytest.Item, run: Run) -> tuple[Case | EndedTest, str]:
        if run.subcases is not None and (end := run.subcases.end_of(run)) is not None:
            return end, end.to_line()
        case = self._whole_case(item, run)
        return modified(item.config, item, case, self.redact)

    def _whole_case(self, item: pytest.Item, run: Run) -> Case:
        if run.case is not None:
            return run.case
        case = case_of(item, run, self.redact)
        case.trials = list(map(as_trial, _trials_of(item)))
        return case


def _trials_of(item: pytest.Item) -> list[Case]:
    ended = item.stash.get(trials_key, [])
    return [run.case for run in ended if run.case is not None]
