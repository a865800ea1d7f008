"""Where settings come from: command line over environment over ini over default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from ..errors import ConfigurationError, EvalguardError
from ..start import SERVICES, ServiceInfo
from .checks import Given, checked_id, checked_key, key_in
from .settings import (
    NEW,
    PROJECT_VARIABLE,
    TABLE,
    Access,
    Setting,
    Settings,
    service_settings,
)
from .urls import checked_url

# options of pytest that run no test
_SHOWING = ("collectonly", "setuponly", "showfixtures", "show_fixtures_per_test")
WORKER_INPUT = "evalguard"
"""The key under which a worker of pytest-xdist finds what it is told."""

settings_key = pytest.StashKey[Settings]()


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn our errors into pytest's usage error, exit status 4."""
    try:
        yield
    except EvalguardError as error:
        raise pytest.UsageError(str(error)) from error


def read_settings(config: pytest.Config, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a session.

    :raises ConfigurationError: one of them is wrong; the message names it.
    """
    source = _Source(config, environ)
    values = {each.name: source.value(each) for each in TABLE}
    values = {name: value for name, value in values.items() if value is not None}
    values.setdefault("out", config.rootpath / Settings.out.default)
    runs_tests = not any(config.getoption(each, False) for each in _SHOWING)
    will_send = runs_tests and not values.get("dry_run")
    services = {each.name: source.access(each, will_send) for each in SERVICES}
    needs_project = will_send and services["evalguard"].id == NEW
    if "baseline" not in values:
        _check_needs_no_baseline(values)
    return Settings(
        services,
        runs_tests=runs_tests,
        project_id=_project(environ) if needs_project else None,
        **values,
    )


def _check_needs_no_baseline(values: Mapping[str, Any]) -> None:
    for setting in (Settings.max_regressions, Settings.max_drop):
        if values.get(setting.name, setting.default) != setting.default:
            raise ConfigurationError(
                f"{setting.option.flag} needs a baseline: pass one with"
                " --evalguard-baseline"
            )


def _project(environ: Mapping[str, str]) -> str:
    project = environ.get(PROJECT_VARIABLE, "")
    if not project.strip():
        raise ConfigurationError(
            f"--evalguard-run=new needs the project's id in {PROJECT_VARIABLE},"
            " which is not set"
        )
    return checked_id(project, PROJECT_VARIABLE)


def worker_settings(config: pytest.Config, environ: Mapping[str, str]) -> Settings:
    """Return what a worker of pytest-xdist needs; its controller has checked it.

    A key in the worker's environment is only looked for in what tests record.
    """
    given = config.workerinput.get(WORKER_INPUT, {})  # type: ignore[attr-defined] # xdist's
    services = {
        each.name: Access(
            each, each.default_url, key=key_in(environ, each.key_variable)
        )
        for each in SERVICES
    }
    return Settings(services, **given.get("settings", {}))


def settings_for_workers(settings: Settings) -> dict[str, Any]:
    """Return what workers are told, as `worker_settings` reads it."""
    return {
        each.name: settings.values.get(each.name, each.default)
        for each in TABLE
        if each.for_workers
    }


class _Said(NamedTuple):
    given: Given
    what: str


class _Source:
    """Where settings come from."""

    def __init__(self, config: pytest.Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ

    def value(self, setting: Setting[Any]) -> Any:
        """Return what was said for a setting, None where nothing was."""
        said = self._said(setting) or self._configured(setting)
        return None if said is None else setting.kind.checked(*said)

    def access(self, service: ServiceInfo, will_send: bool) -> Access:
        """Return what was said of a service.

        :raises ConfigurationError: it has no key and is to be sent to.
        """
        identity, url = map(self.value, service_settings(service))
        required = will_send and identity is not None
        key = checked_key(self._environ, service.key_variable, required=required)
        checked = service.default_url if url is None else checked_url(url)
        return Access(service, checked, identity, key, is_said=url is not None)

    def _said(self, setting: Setting[Any]) -> _Said | None:
        """Return what the command line says, else the environment."""
        option = setting.option
        value = self._config.getoption(option.dest, None)
        if value not in (None, False):
            given, what = value, option.flag
        elif option.variable is not None and self._environ.get(option.variable):
            given, what = self._environ[option.variable], option.variable
        else:
            return None
        if isinstance(given, str):
            given = checked_id(given, what)
        return _Said(Given(given, self._config.invocation_params.dir), what)

    def _configured(self, setting: Setting[Any]) -> _Said | None:
        if setting.option.ini is None:
            return None
        what = f"ini option {setting.option.dest}"
        try:
            given = self._config.getini(setting.option.dest)
        except (ValueError, TypeError, pytest.UsageError) as error:
            wanted = setting.kind.wanted
            raise ConfigurationError(f"{what} must {wanted}: {error}") from error
        # an empty list is said where it takes a default away
        if given is None or given == "" or (given == [] and not setting.default):
            return None
        return _Said(Given(given, self._config.rootpath), what)
