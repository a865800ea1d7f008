"""The plugin: options, mark, fixture and hooks; everything else is loaded when used.

PYTEST_DONT_REWRITE: it has no assertions.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from pluggy import PluginValidationError

if TYPE_CHECKING:
    from .recording.recorder import EvalCase

_MARK = (
    "{}(input=, expected=, name=, prompt_id=, threshold=, trials=, require=, tags=,"
    " metadata=): record the test as an eval case (pytest-evalguard); with threshold=,"
    " a score below it fails the test; with trials=, it runs that many times and"
    " passes if at least require= of the trials pass"
)

_is_set_up_key = pytest.StashKey[bool]()


def pytest_addoption(
    parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager
) -> None:
    """Add the options and ini settings, and the hooks for users' conftest.py."""
    from . import hookspecs
    from .start import add_options

    add_options(parser)
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Set the session up where something of ours is said; else the first case does."""
    if _is_set_up(config):
        from .controller.assembly import configure

        configure(config)
    config.addinivalue_line("markers", _MARK.format(_mark(config)))


@pytest.hookimpl(optionalhook=True)
def pytest_metadata(metadata: dict[str, object], config: pytest.Config) -> None:
    """Say in pytest-metadata's table, and so in pytest-html's, where results go."""
    if _is_set_up(config):
        from .controller.assembly import settings_of

        if (where := settings_of(config).where) is not None:
            metadata["evalguard"] = where


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Find the cases among the collected tests, and follow them if there are any."""
    from .start import is_case

    config, mark = session.config, _mark(session.config)
    cases = [item for item in session.items if is_case(item, mark)]
    is_followed = False
    if cases or _is_set_up(config) or _has_unknown_hooks(config):
        from .controller.assembly import take_cases

        is_followed = take_cases(session, cases)
    if not is_followed:
        config.pluginmanager.register(_UntilCases(mark))


class _UntilCases:
    """Waits for a fixture to make the first case of a test, where there is none yet."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    def __dir__(self) -> list[str]:  # pluggy and pytest look at each name, at length
        return ["pytest_runtest_setup"]

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if item.get_closest_marker(self._mark) is not None:
            from .controller.assembly import take_late_mark

            item.config.pluginmanager.unregister(self)
            take_late_mark(item)


@pytest.fixture
def eval_case(request: pytest.FixtureRequest) -> EvalCase:
    """Record this test as an eval case: input, expected, actual, score, latency.

    No service is needed: cases are kept in the session's directory and summarised. With
    --evalguard-run, they are also submitted.
    """
    from .controller.assembly import runner_of

    return runner_of(request.config).recorder_of(request.node)


def _is_set_up(config: pytest.Config) -> bool:
    """Whether the session is ours from the start, and not from its first case on."""
    # pytest-metadata asks before this plugin is configured
    if _is_set_up_key not in config.stash:
        from .start import is_distributed

        config.stash[_is_set_up_key] = (
            hasattr(config, "workerinput")
            or is_distributed(config)
            or _is_a_setting_said(config)
        )
    return config.stash[_is_set_up_key]


def _is_a_setting_said(config: pytest.Config) -> bool:
    """Whether the environment, the command line or an ini file says one, even wrong."""
    from .start import all_options

    for name in os.environ:
        if name.startswith("EVALGUARD_"):
            return True
    try:
        for each in all_options():
            if config.getoption(each.dest, None) not in (None, False):
                return True
            if each.ini and config.getini(each.dest) != each.ini_default:
                return True
    except (ValueError, TypeError, pytest.UsageError):
        return True
    return False


def _mark(config: pytest.Config) -> str:
    if _is_set_up(config):
        from .controller.assembly import settings_of

        return settings_of(config).mark
    from .start import MARK

    return MARK


def _has_unknown_hooks(config: pytest.Config) -> bool:
    try:
        config.pluginmanager.check_pending()
    except PluginValidationError:
        return True
    return False
