"""Trials: a test that runs n times and passes when at least k of them did.

It stays one test to everybody else: the reports of one trial speak for the case.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from .budget import Budget
from .item_state import find_state, state_of
from .mark import Plan
from .runner import TRIALS, CaseRunner

_LETTERS = "pytest-evalguard-letters"
_TAKEN = ("_request", "funcargs")  # from an item, at the end of `runtestprotocol`


_timer_key = pytest.StashKey[Any]()
_last_key = pytest.StashKey["_Last"]()


@dataclass
class _Last:
    """What the last trial of a test leaves: what was torn down after it, and how.

    :param item: what pytest takes from the item when the trial has ended.
    """

    nextitem: pytest.Item | None
    shared: pytest.CallInfo[None] | None = None
    item: dict[str, object] = field(default_factory=dict)


class TrialRunner:
    """Runs the tests that have trials, each as often as it should."""

    def __init__(self, runner: CaseRunner, budget: Budget | None = None) -> None:
        self._runner = runner
        self._budget = budget

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run a test with trials, all of them within what is one run to others."""
        state = find_state(item)
        plan = None if state is None or state.mark is None else state.mark.plan
        if plan is None or (self._budget is not None and self._budget.is_spent):
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        last = _Last(nextitem)
        self._run(item, last, plan)
        chosen = self._runner.decide(item, plan)
        _report_shared(item, last)
        for report in [*chosen.reports.values()]:
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> None:
        """Keep how long a test may take, as pytest-timeout has it."""
        if not settings.func_only:
            item.stash[_timer_key] = settings

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Tear down what the trials shared with the last of them, apart from its own.

        What goes wrong there is an error, however many trials have passed.
        """
        try:
            yield
        finally:
            if (last := item.stash.get(_last_key, None)) is not None:
                last.item = {k: v for k, v in vars(item).items() if k in _TAKEN}
                tear_down = partial(
                    item.session._setupstate.teardown_exact, last.nextitem
                )
                last.shared = pytest.CallInfo.from_call(
                    tear_down,
                    when="teardown",
                    reraise=(pytest.exit.Exception, KeyboardInterrupt),
                )

    def _run(self, item: pytest.Item, last: _Last, plan: Plan) -> None:
        state_of(item).trials = []
        known, is_own = len(item.user_properties), _has_own_object(item)
        sibling = copy(item)  # with it to come next, what tests share is not torn down
        try:
            for number in range(plan.trials):
                if number == plan.trials - 1:
                    item.stash[_last_key] = last
                _forget(item, known, is_own)
                with _timers(item):
                    runtestprotocol(item, log=False, nextitem=sibling)
                trial = self._runner.end_trial(item)
                if self._budget is not None:
                    self._budget.add_trial(trial)
                    if number < plan.trials - 1:
                        self._budget.check(item.session)
        finally:
            if _last_key in item.stash:
                del item.stash[_last_key]


@contextmanager
def _timers(item: pytest.Item) -> Iterator[None]:
    """Start the timers anew that others started when the test began, for one trial."""
    hook = item.ihook
    if (settings := item.stash.get(_timer_key, None)) is not None:
        hook.pytest_timeout_cancel_timer(item=item)
        hook.pytest_timeout_set_timer(item=item, settings=settings)
    plugin: Any = item.config.pluginmanager.get_plugin("faulthandler")
    if plugin is None:
        yield
    else:
        with contextmanager(plugin.pytest_runtest_protocol)(item):
            yield


def _report_shared(item: pytest.Item, last: _Last) -> None:
    """Have it reported if what the trials shared could not be torn down.

    For that the item is whole, as when pytest reports: plugins look at its fixtures.
    """
    if last.shared is None or last.shared.excinfo is None:
        return
    left = {name: getattr(item, name) for name in last.item}
    vars(item).update(last.item)
    try:
        item.ihook.pytest_runtest_makereport(item=item, call=last.shared)
    finally:
        vars(item).update(left)


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
