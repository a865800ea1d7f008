"""Trials: a test that runs n times and passes when at least k of them did.

It stays one test to everybody else: the reports of one trial speak for the case.
"""

from __future__ import annotations

from collections.abc import Generator
from copy import copy
from functools import partial
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from .mark import Plan, mark_key
from .runner import TRIALS, CaseRunner, trials_key

_LETTERS = "pytest-evalguard-letters"


class TrialRunner:
    """Runs the tests that have trials, each as often as it should."""

    def __init__(self, runner: CaseRunner) -> None:
        self._runner = runner
        self._running: pytest.Item | None = None
        self._nextitem: pytest.Item | None = None
        self._is_last = False
        self._shared: pytest.CallInfo[None] | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run a test with trials, or one of them when called for that."""
        if self._running is item:
            runtestprotocol(item, log=False, nextitem=nextitem)
            return True
        mark = item.stash.get(mark_key, None)
        plan = None if mark is None else mark.plan
        if plan is None:
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        self._run(item, nextitem, plan)
        self._runner.decide(item, plan)
        if self._shared is not None and self._shared.excinfo is not None:
            hook.pytest_runtest_makereport(item=item, call=self._shared)
        for report in self._runner.reports_of(item):
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Tear down what the trials shared with the last of them, apart from its own.

        What goes wrong there is an error, however many trials have passed.
        """
        try:
            yield
        finally:
            if self._running is item and self._is_last:
                tear_down = partial(
                    item.session._setupstate.teardown_exact, self._nextitem
                )
                self._shared = pytest.CallInfo.from_call(
                    tear_down,
                    when="teardown",
                    reraise=(pytest.exit.Exception, KeyboardInterrupt),
                )

    def _run(self, item: pytest.Item, nextitem: pytest.Item | None, plan: Plan) -> None:
        self._running, self._nextitem, self._shared = item, nextitem, None
        item.stash[trials_key] = []
        known, is_own = len(item.user_properties), _has_own_object(item)
        sibling = copy(item)  # with it to come next, what tests share is not torn down
        if cancel := getattr(item.ihook, "pytest_timeout_cancel_timer", None):
            cancel(item=item)  # each trial gets a timer of its own
        try:
            for number in range(plan.trials):
                self._is_last = number == plan.trials - 1
                _forget(item, known, is_own)
                item.ihook.pytest_runtest_protocol(item=item, nextitem=sibling)
                self._runner.end_trial(item)
        finally:
            self._running = None


def _forget(item: pytest.Item, known: int, is_own: bool) -> None:
    """Take from an item what the trial before left: output, properties, instance."""
    item._report_sections.clear()
    del item.user_properties[known:]
    if is_own:
        vars(item).pop("_instance", None)
        vars(item).pop("_obj", None)


def _has_own_object(item: pytest.Item) -> bool:
    """Whether an item calls the method of an instance that pytest made for it."""
    if not isinstance(item.parent, pytest.Class) or getattr(item, "nofuncargs", False):
        return False  # a function, or unittest's, which makes an instance each time
    called = vars(item).get("_obj")
    method = getattr(item.parent.obj, getattr(item, "originalname", ""), None)
    return called is None or getattr(called, "__func__", None) is method


class TrialLetters:
    """Shows the trials' outcomes beside the test's, where there is room."""

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport, config: pytest.Config
    ) -> Generator[None, Any, Any]:
        status = yield
        letters = getattr(report, TRIALS, None)
        if letters is None or not status[0] or config.get_verbosity() < 1:
            return status
        category, letter, word = status
        if isinstance(word, tuple):
            return category, letter, (f"{word[0]} ({letters})", word[1])
        return category, letter, f"{word} ({letters})"


def show_letters(config: pytest.Config) -> None:
    """Show the trials of the tests of this session, if that is not done yet."""
    if not config.pluginmanager.has_plugin(_LETTERS):
        config.pluginmanager.register(TrialLetters(), _LETTERS)
