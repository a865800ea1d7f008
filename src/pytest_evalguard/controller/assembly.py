"""What a session with cases is made of; each part is made when it is first needed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import pytest

from ..config.resolution import (
    read_settings,
    settings_key,
    usage_errors,
    worker_settings,
)
from ..model.redaction import Redactor
from ..start import is_distributed

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..delivery.agent.prompts import PromptIds
    from ..recording.budget import Budget, Publish
    from ..recording.runner import CaseRunner
    from ..recording.selection import Earlier, Selection
    from .reporter import Reporter
    from .xdist import Worker

# the official SDK's plugin object is called "evalguard-reporter"
_REPORTER = "pytest-evalguard-session"
_CONTROLLER = "pytest-evalguard-controller"
_WORKER = "pytest-evalguard-worker"
_RUNNER = "pytest-evalguard-runner"
_TRIALS = "pytest-evalguard-trials"
_BUDGET = "pytest-evalguard-budget"


def configure(config: pytest.Config) -> None:
    """Resolve the settings, and start the reporter where something is asked of it."""
    settings = settings_of(config)
    if hasattr(config, "workerinput"):
        return
    if settings.is_asked_for:
        _reporter(config)
    if is_distributed(config):
        from .xdist import Controller

        controller = Controller(_reporter(config), settings)
        config.pluginmanager.register(controller, _CONTROLLER)


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of a session.

    :raises UsageError: one of them is wrong.
    """
    if settings_key not in config.stash:
        is_worker = hasattr(config, "workerinput")
        read = worker_settings if is_worker else read_settings
        with usage_errors():
            config.stash[settings_key] = read(config, os.environ)
    return config.stash[settings_key]


def take_cases(session: pytest.Session, cases: list[pytest.Item]) -> bool:
    """Follow the cases that are to run; return whether there are any."""
    config = session.config
    if config.pluginmanager.has_plugin(_CONTROLLER):
        return False
    problems = _problems(config, cases)
    cases, selection = _select(session, cases, problems)
    if hasattr(config, "workerinput"):
        _worker(config).announce(session.items, cases, selection)
    elif selection is not None:
        _reporter(config).select(selection)
    if cases and settings_of(config).runs_tests:
        runner_of(config)
        if selection is not None and selection.with_trials:
            _run_trials(config)
    return config.pluginmanager.has_plugin(_RUNNER)


def take_late_mark(item: pytest.Item) -> None:
    """Make a test a case that a fixture has marked: the first one of its session."""
    if settings_of(item.config).runs_tests:
        runner_of(item.config).pytest_take_late_mark(item)


def _problems(config: pytest.Config, cases: list[pytest.Item]) -> list[str]:
    """Return what stops the session before its first test, as sentences."""
    from ..recording.collection import find_problems

    return find_problems(config, cases, settings_of(config), _prompts(config))


def _select(
    session: pytest.Session, cases: list[pytest.Item], problems: list[str]
) -> tuple[list[pytest.Item], Selection | None]:
    """Leave out what need not run; return the other cases, and what is to be told."""
    config = session.config
    is_worker = hasattr(config, "workerinput")
    earlier = _worker(config).earlier if is_worker else _earlier(config)
    if not cases and not problems and earlier is None:
        return cases, None
    from ..recording.selection import Selection, select

    if problems:
        return cases, Selection(problems=problems)
    suffix = _worker(config).suffix if is_worker else ""
    return select(session, cases, _redact(config), earlier, suffix)


def _earlier(config: pytest.Config) -> Earlier | None:
    has_reporter = config.pluginmanager.has_plugin(_REPORTER)
    return _reporter(config).earlier if has_reporter else None


def _run_trials(config: pytest.Config) -> None:
    from ..recording.trials import TrialRunner, show_letters

    if not config.pluginmanager.has_plugin(_TRIALS):
        runner = TrialRunner(runner_of(config), _budget(config))
        config.pluginmanager.register(runner, _TRIALS)
        runner_of(config).follow_closely(config.pluginmanager)
    show_letters(config)


def _redact(config: pytest.Config) -> Redactor:
    settings = settings_of(config)
    return Redactor(settings.keys, shapes=settings.redact)


def _prompts(config: pytest.Config) -> PromptIds | None:
    if hasattr(config, "workerinput"):
        return _worker(config).prompts
    has_reporter = config.pluginmanager.has_plugin(_REPORTER)
    return _reporter(config).prompts if has_reporter else None


def _reporter(config: pytest.Config) -> Reporter:
    if not config.pluginmanager.has_plugin(_REPORTER):
        from .reporter import Reporter

        reporter = Reporter(config, settings_of(config), _redact(config))
        config.pluginmanager.register(reporter, _REPORTER)
    return cast("Reporter", config.pluginmanager.get_plugin(_REPORTER))


def _worker(config: pytest.Config) -> Worker:
    if not config.pluginmanager.has_plugin(_WORKER):
        from .xdist import Worker

        config.pluginmanager.register(Worker(config, _redact(config)), _WORKER)
    return cast("Worker", config.pluginmanager.get_plugin(_WORKER))


def _budget(config: pytest.Config) -> Budget | None:
    """Return the budget that the tests of this process share, None without one."""
    if (limit := settings_of(config).budget) is None:
        return None
    if not config.pluginmanager.has_plugin(_BUDGET):
        from ..recording.budget import Budget

        is_worker = hasattr(config, "workerinput")
        publisher = _worker(config) if is_worker else _reporter(config)
        budget = Budget(limit, publisher.add_spending)
        if is_worker:
            _worker(config).listen(budget.stop)
        config.pluginmanager.register(budget, _BUDGET)
    return cast("Budget", config.pluginmanager.get_plugin(_BUDGET))


def runner_of(config: pytest.Config) -> CaseRunner:
    """Return what follows the tests of this process."""
    if not config.pluginmanager.has_plugin(_RUNNER):
        from ..recording.harness_errors import HarnessErrors
        from ..recording.run import CaseContext, context_key
        from ..recording.runner import CaseRunner

        is_worker, settings = hasattr(config, "workerinput"), settings_of(config)
        publisher = _worker(config) if is_worker else _reporter(config)
        budget = _budget(config)
        publish: Publish = publisher.publish
        if budget is not None:
            publish = budget.counting(publish)
        errors = HarnessErrors(settings.errors)
        context = CaseContext(publish, _redact(config), errors)
        config.stash[context_key] = context
        make_portable = _worker(config).make_portable if is_worker else None
        runner = CaseRunner(
            settings.mark,
            settings.trials,
            context,
            has_junit=config.getoption("xmlpath", None) is not None,
            make_portable=make_portable,
        )
        config.pluginmanager.register(runner, _RUNNER)
    return cast("CaseRunner", config.pluginmanager.get_plugin(_RUNNER))
