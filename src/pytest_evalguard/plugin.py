"""The plugin: options, mark, fixture and hooks; everything else is loaded when used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import pytest
from pluggy import PluginValidationError

if TYPE_CHECKING:
    from .config.settings import Settings
    from .controller.reporter import Reporter
    from .controller.xdist import Worker
    from .delivery.agent.prompts import PromptIds
    from .model.redaction import Redactor
    from .recording.budget import Budget, Publish
    from .recording.recorder import EvalCase
    from .recording.resumption import Earlier, Selection
    from .recording.runner import CaseRunner

# the official SDK's plugin object is called "evalguard-reporter"
_REPORTER = "pytest-evalguard-session"
_CONTROLLER = "pytest-evalguard-controller"
_WORKER = "pytest-evalguard-worker"
_RUNNER = "pytest-evalguard-runner"
_UNTIL_CASES = "pytest-evalguard-until-cases"
_TRIALS = "pytest-evalguard-trials"
_BUDGET = "pytest-evalguard-budget"

_is_said_key = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini settings."""
    from .config.settings import add_options

    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks for users' conftest.py."""
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Resolve the settings; the reporter starts now where something is asked of it.

    Where nothing of ours is said, that waits for the first case.
    """
    is_worker = hasattr(config, "workerinput")
    config.addinivalue_line("markers", _MARK.format(_said_settings(config).mark))
    if not is_worker and _said_settings(config).is_asked_for:
        _reporter(config)
    if not is_worker and _is_distributed(config):
        from .controller.xdist import Controller

        controller = Controller(_reporter(config), _settings(config))
        config.pluginmanager.register(controller, _CONTROLLER)


@pytest.hookimpl(optionalhook=True)
def pytest_metadata(metadata: dict[str, object], config: pytest.Config) -> None:
    """Say in pytest-metadata's table, and so in pytest-html's, where results go."""
    if (where := _said_settings(config).where) is not None:
        metadata["evalguard"] = where


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Find the cases among the collected tests, and follow them if there are any."""
    from .recording.cases import select_cases

    config = session.config
    if config.pluginmanager.has_plugin(_CONTROLLER):
        return
    cases = select_cases(session.items, _said_settings(config).mark)
    problems = _problems(config, cases)
    cases, selection = _select(session, cases, problems)
    with_trials = not problems and _have_trials(cases)
    if hasattr(config, "workerinput"):
        _worker(config).announce(session.items, cases, selection, with_trials)
    elif selection is not None:
        _reporter(config).select(selection)
    if cases and _settings(config).runs_tests:
        _runner(config)
        if with_trials:
            _run_trials(config)
    elif not cases and not config.pluginmanager.has_plugin(_RUNNER):
        config.pluginmanager.register(_UntilCases(), _UNTIL_CASES)


def _problems(config: pytest.Config, cases: list[pytest.Item]) -> list[str]:
    """Return what stops the session before its first test, as sentences."""
    if not cases and not _has_unknown_hooks(config):
        return []
    from .recording.collection import find_problems

    settings = _settings(config) if cases else _said_settings(config)
    return find_problems(config, cases, settings, _prompts(config))


def _has_unknown_hooks(config: pytest.Config) -> bool:
    try:
        config.pluginmanager.check_pending()
    except PluginValidationError:
        return True
    return False


class _UntilCases:
    """Waits for a fixture to make the first case of a test, where there is none yet."""

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        config = item.config
        is_marked = item.get_closest_marker(_said_settings(config).mark) is not None
        if is_marked and _settings(config).runs_tests:
            _runner(config).pytest_take_late_mark(item)


@pytest.fixture
def eval_case(request: pytest.FixtureRequest) -> EvalCase:
    """Record this test as an eval case: input, expected, actual, score, latency.

    No service is needed: cases are kept in the session's directory and summarised. With
    --evalguard-run, they are also submitted.
    """
    return _runner(request.config).recorder_of(request.node)


def _select(
    session: pytest.Session, cases: list[pytest.Item], problems: list[str]
) -> tuple[list[pytest.Item], Selection | None]:
    """Leave out what need not run; return the other cases, and what is to be told."""
    config = session.config
    is_worker = hasattr(config, "workerinput")
    earlier = _worker(config).earlier if is_worker else _earlier(config)
    if not cases and not problems and earlier is None:
        return cases, None
    from .recording.resumption import Selection, select

    if problems:
        return cases, Selection(problems=problems)
    suffix = _worker(config).suffix if is_worker else ""
    return select(session, cases, _redact(config), earlier, suffix)


def _earlier(config: pytest.Config) -> Earlier | None:
    has_reporter = config.pluginmanager.has_plugin(_REPORTER)
    return _reporter(config).earlier if has_reporter else None


_MARK = (
    "{}(input=, expected=, name=, prompt_id=, threshold=, trials=, require=, tags=,"
    " metadata=): record the test as an eval case (pytest-evalguard); with threshold=,"
    " a score below it fails the test; with trials=, it runs that many times and"
    " passes if at least require= of the trials pass"
)


def _said_settings(config: pytest.Config) -> Settings:
    """Return the settings, those by default where nothing is said."""
    from .config.settings import Settings, is_anything_said

    # pytest-metadata asks before this plugin is configured
    if _is_said_key not in config.stash:
        is_worker = hasattr(config, "workerinput")
        is_said = is_worker or is_anything_said(config, os.environ)
        config.stash[_is_said_key] = is_said
    return _settings(config) if config.stash[_is_said_key] else Settings()


def _settings(config: pytest.Config) -> Settings:
    from .config.resolution import (
        read_settings,
        settings_key,
        usage_errors,
        worker_settings,
    )

    if settings_key not in config.stash:
        is_worker = hasattr(config, "workerinput")
        read = worker_settings if is_worker else read_settings
        with usage_errors():
            config.stash[settings_key] = read(config, os.environ)
    return config.stash[settings_key]


def _have_trials(cases: list[pytest.Item]) -> bool:
    if not cases:
        return False
    from .recording.item_state import state_of

    marks = (state_of(item).mark for item in cases)
    return any(mark is not None and mark.plan for mark in marks)


def _run_trials(config: pytest.Config) -> None:
    from .recording.trials import TrialRunner, show_letters

    if not config.pluginmanager.has_plugin(_TRIALS):
        runner = TrialRunner(_runner(config), _budget(config))
        config.pluginmanager.register(runner, _TRIALS)
        _runner(config).follow_closely(config.pluginmanager)
    show_letters(config)


def _is_distributed(config: pytest.Config) -> bool:
    is_distributed: bool = config.getoption("dist", "no") != "no"
    return is_distributed and not config.option.collectonly


def _redact(config: pytest.Config) -> Redactor:
    from .model.redaction import Redactor

    settings = _settings(config)
    return Redactor(settings.keys, shapes=settings.redact)


def _prompts(config: pytest.Config) -> PromptIds | None:
    if hasattr(config, "workerinput"):
        return _worker(config).prompts
    has_reporter = config.pluginmanager.has_plugin(_REPORTER)
    return _reporter(config).prompts if has_reporter else None


def _reporter(config: pytest.Config) -> Reporter:
    if not config.pluginmanager.has_plugin(_REPORTER):
        from .controller.reporter import Reporter

        reporter = Reporter(config, _settings(config), _redact(config))
        config.pluginmanager.register(reporter, _REPORTER)
    return cast("Reporter", config.pluginmanager.get_plugin(_REPORTER))


def _worker(config: pytest.Config) -> Worker:
    if not config.pluginmanager.has_plugin(_WORKER):
        from .controller.xdist import Worker

        config.pluginmanager.register(Worker(config, _redact(config)), _WORKER)
    return cast("Worker", config.pluginmanager.get_plugin(_WORKER))


def _budget(config: pytest.Config) -> Budget | None:
    """Return the budget that the tests of this process share, None without one."""
    if (limit := _settings(config).budget) is None:
        return None
    if not config.pluginmanager.has_plugin(_BUDGET):
        from .recording.budget import Budget

        is_worker = hasattr(config, "workerinput")
        publisher = _worker(config) if is_worker else _reporter(config)
        budget = Budget(limit, publisher.add_spending)
        if is_worker:
            _worker(config).listen(budget.stop)
        config.pluginmanager.register(budget, _BUDGET)
    return cast("Budget", config.pluginmanager.get_plugin(_BUDGET))


def _runner(config: pytest.Config) -> CaseRunner:
    if not config.pluginmanager.has_plugin(_RUNNER):
        from .recording.harness_errors import HarnessErrors
        from .recording.run import Equipment, equipment_key
        from .recording.runner import CaseRunner

        is_worker, settings = hasattr(config, "workerinput"), _settings(config)
        publisher = _worker(config) if is_worker else _reporter(config)
        budget = _budget(config)
        publish: Publish = publisher.publish
        if budget is not None:
            publish = budget.counting(publish)
        errors = HarnessErrors(settings.errors)
        equipment = Equipment(publish, _redact(config), errors)
        config.stash[equipment_key] = equipment
        make_portable = _worker(config).make_portable if is_worker else None
        runner = CaseRunner(
            settings.mark,
            settings.trials,
            equipment,
            has_junit=config.getoption("xmlpath", None) is not None,
            make_portable=make_portable,
        )
        config.pluginmanager.register(runner, _RUNNER)
        if config.pluginmanager.has_plugin(_UNTIL_CASES):
            config.pluginmanager.unregister(name=_UNTIL_CASES)
    return cast("CaseRunner", config.pluginmanager.get_plugin(_RUNNER))
