"""Follows tests closely where another plugin, or a trial, runs them in its own way.

Pytest itself runs a test once and logs each of its reports: `CaseRunner` alone sees all
of that. Wrappers around a test cost more than all else that is done for a case.
"""

from __future__ import annotations

from collections.abc import Generator
from os import getpid
from typing import TYPE_CHECKING

import pytest

from .collection import RERUNNING, RUNNING_ONCE, name_scheduled_run
from .item_state import find_state, run_of, state_of
from .outcome import error_line
from .recorder import EvalCase
from .run import LINE, Run, require_score

if TYPE_CHECKING:
    from .runner import CaseRunner

_THRESHOLDS = "pytest-evalguard-thresholds"
_BODIES = "pytest-evalguard-bodies"
_HOOKS = (
    "pytest_runtest_protocol",
    "pytest_runtestloop",
    "pytest_runtest_makereport",  # it may give a report an outcome of its own
)
# xdist's own module has another name in a worker; pytest-timeout only starts a timer
_KNOWN = ("_pytest", "xdist", "__channelexec__", "pytest_timeout", "pytest_evalguard")


def is_run_by_others(plugins: pytest.PytestPluginManager) -> bool:
    """Whether a plugin or a conftest takes part in running tests."""
    return any(map(plugins.has_plugin, (*RERUNNING, *RUNNING_ONCE))) or any(
        (impl.function.__module__ or "").partition(".")[0] not in _KNOWN
        for name in _HOOKS
        for impl in getattr(plugins.hook, name).get_hookimpls()
    )


class Follower:
    """Follows each test from its start to its end, and its reports as they are made."""

    def __init__(self, runner: CaseRunner) -> None:
        self._runner = runner
        self._process = getpid()
        self.scheduled: dict[int, pytest.Item] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item
    ) -> Generator[None, object, object]:
        """Follow a test that is scheduled, from its start to its end.

        What runs it again within that is a rerun, what comes later another run.
        """
        key = id(item)
        if key in self.scheduled:
            return (yield)
        if (state := find_state(item)) is not None:
            name_scheduled_run(item, state)
        self.scheduled[key] = item
        result = yield  # what is raised here has interrupted the session
        del self.scheduled[key]
        if run_of(item) is not None:
            self._runner.end_schedule(item)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        self._runner.begin(item, find_state(item))
        yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        run = run_of(item)
        if run is None:
            yield
            return
        start = EvalCase._clock()
        try:
            yield
        except pytest.exit.Exception:
            raise
        except Exception as error:
            excinfo = pytest.ExceptionInfo.from_exception(error)
            run.reasons["call"] = error_line(item, excinfo, self._runner.redact)
            run.is_harness_error = self._runner.errors.include(error)
            raise
        finally:
            # else the body has run already, as pytest-asyncio-cooperative does it
            if run.has_setup and "runtest" not in vars(item):
                run.body_ms = (EvalCase._clock() - start) * 1000

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        run = run_of(item)
        if run is None:
            return report
        self._take(item, run, report, call)
        if call.when == "teardown" and getpid() != self._process:
            # the reports of a child, as pytest-forked has, are logged by its parent
            _, line = self._runner.finish(state_of(item), run)
            setattr(report, LINE, line)
        return report

    def _take(
        self,
        item: pytest.Item,
        run: Run,
        report: pytest.TestReport,
        call: pytest.CallInfo[None],
    ) -> None:
        reason = self._runner.reason(item, run, report, call.excinfo)
        if run.case is not None:
            run.add_teardown(report, reason)
        else:
            run.reports[call.when], run.reasons[call.when] = report, reason


def check_thresholds(plugins: pytest.PytestPluginManager) -> None:
    """Have tests fail from now on that record a score below their threshold."""
    if not plugins.has_plugin(_THRESHOLDS):
        plugins.register(ThresholdCheck(), _THRESHOLDS)


def watch_bodies(plugins: pytest.PytestPluginManager) -> None:
    """Have it known from now on whether a test's body is running."""
    if not plugins.has_plugin(_BODIES):
        plugins.register(BodyWatch(), _BODIES)


class ThresholdCheck:
    """Fails a test whose body recorded a score below its threshold."""

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        yield
        run = run_of(item)
        if run is not None and (threshold := run.mark.threshold) is not None:
            require_score(run.recorder, threshold)


class BodyWatch:
    """Tells the end of a test's body from that of a subtest in it.

    Pytest makes the reports of both by the same hook, and of the same phase.
    """

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        run = run_of(item)
        if run is None:
            yield
            return
        run.is_in_body = True
        try:
            yield
        finally:
            run.is_in_body = False
