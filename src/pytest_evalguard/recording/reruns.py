"""Plugins that run failed tests again, and whether they would do so with a test."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

# by the name that each is registered under: the options that turn it on for all tests
_PLUGINS: Mapping[str, tuple[str, ...]] = {
    "rerunfailures": ("reruns",),
    "pytest_rerunfailures": ("reruns",),
    "pytest-retry": ("retries",),
    "pytest_retry.retry_plugin": ("retries",),
    "flaky": ("force_flaky",),
    "flaky.flaky_pytest_plugin": ("force_flaky",),
}
_MARK = "flaky"


def rerun_by(config: pytest.Config, item: pytest.Item) -> str | None:
    """Return the name of the active plugin that would run a failed test again."""
    for name, options in _PLUGINS.items():
        if config.pluginmanager.has_plugin(name):
            is_marked = item.get_closest_marker(_MARK) is not None
            if is_marked or any(_is_on(config, option) for option in options):
                return name.partition(".")[0].replace("_", "-")
    return None


def _is_on(config: pytest.Config, name: str) -> bool:
    try:
        value = config.getoption(name, None) or config.getini(name)
    except (ValueError, KeyError):
        return False  # it has no such setting in the ini file
    return bool(value) and str(value) != "0"
