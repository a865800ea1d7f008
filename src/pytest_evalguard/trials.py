"""Trials: a test that runs n times and passes when at least k of them did.

It stays one test to everybody else: the reports of one trial speak for the case.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from .mark import Plan
from .mark import plan_of
from .runner import TRIALS
from .runner import CaseRunner
from .runner import is_trial_key

_LETTERS = "pytest-evalguard-letters"


class TrialRunner:
    """Runs the tests that have trials, each as often as it should.

    :param default: how many trials a marked test has that does not say.
    """

    def __init__(self, runner: CaseRunner, mark: str, default: int) -> None:
        self._runner = runner
        self._mark = mark
        self._default = default
        self._running: pytest.Item | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run a test with trials, or one of them when called for that."""
        if self._running is item:
            runtestprotocol(item, log=False, nextitem=nextitem)
            return True
        plan = plan_of(item, self._mark, self._default)
        if plan is None:
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        self._run(item, nextitem, plan)
        for report in self._runner.end_trials(item, plan):
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _run(self, item: pytest.Item, nextitem: pytest.Item | None, plan: Plan) -> None:
        self._running = item
        item.stash[is_trial_key] = True
        known = len(item.user_properties)
        try:
            for left in range(plan.trials - 1, -1, -1):
                _forget(item, known)
                # what comes after another trial is a test in the same place
                following: Any = item.parent if left else nextitem
                # all of the protocol, so that a timeout is one trial's
                item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        finally:
            self._running = None


def _forget(item: pytest.Item, known: int) -> None:
    """Take from an item what the trial before left: output, properties, instance."""
    item._report_sections.clear()
    del item.user_properties[known:]
    if isinstance(item.parent, pytest.Class):
        vars(item).pop("_instance", None)
        vars(item).pop("_obj", None)


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
