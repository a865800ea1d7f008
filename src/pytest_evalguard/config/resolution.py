"""Where settings come from: command line over environment over ini over default."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ..errors import ConfigurationError, EvalguardError
from .settings import (
    AGENT_KEY_VARIABLE,
    AGENT_URL_VARIABLE,
    DEFAULT_AGENT_URL,
    DEFAULT_OUT,
    DEFAULT_URL,
    DIALECTS,
    KEY_VARIABLE,
    MAX_AT_ONCE,
    MAX_BATCH,
    MOST_TRIALS,
    NEW,
    OUT_VARIABLE,
    PROJECT_VARIABLE,
    URL_VARIABLE,
    Dialect,
    Limit,
    Settings,
    checked_id,
    checked_url,
    key_in,
    positive_seconds,
    read_key,
)

_DIGITS = 18
# options of pytest that run no test
_SHOWING = ("collectonly", "setuponly", "showfixtures", "show_fixtures_per_test")

_TRUE = frozenset(("1", "true", "yes", "on"))
_FALSE = frozenset(("0", "false", "no", "off"))

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
    run_id = source.said("run", "EVALGUARD_RUN_ID")
    runs_tests = not any(config.getoption(each, False) for each in _SHOWING)
    agent_id = source.said("agent", "EVALGUARD_AGENT_ID")
    will_send = runs_tests and not source.flag("dry_run")
    needs_key = will_send and run_id is not None
    return Settings(
        runs_tests=runs_tests,
        mark=_mark(source.ini("mark")),
        redact=source.ini("redact"),
        out=source.path("out", OUT_VARIABLE) or config.rootpath / DEFAULT_OUT,
        run_id=run_id,
        url=checked_url(source.text("url", URL_VARIABLE) or DEFAULT_URL),
        project_id=_project(environ) if run_id == NEW and needs_key else None,
        dialect=_dialect(source.ini("dialect")),
        batch_size=source.number("batch_size", MAX_BATCH),
        keep=source.number("keep", 1_000_000),
        timeout=source.seconds("timeout"),
        dry_run=source.flag("dry_run"),
        strict=source.switch("strict", "EVALGUARD_STRICT"),
        run_link=_run_link(source.ini("run_link")),
        key=read_key(environ, KEY_VARIABLE, required=needs_key),
        agent_id=agent_id,
        agent_url=checked_url(
            source.text("agent_url", AGENT_URL_VARIABLE) or DEFAULT_AGENT_URL
        ),
        agent_key=read_key(
            environ, AGENT_KEY_VARIABLE, required=will_send and agent_id is not None
        ),
        agent_concurrency=source.number("agent_concurrency", MAX_AT_ONCE),
        min_pass_rate=source.limits("min_pass_rate"),
        min_score=source.limits("min_score"),
        max_regressions=_max_regressions(source),
        trials=_trials(source),
        baseline=_baseline(source),
        html=_html(source.said("html"), config),
    )


def worker_settings(config: pytest.Config, environ: Mapping[str, str]) -> Settings:
    """Return what a worker of pytest-xdist needs; its controller has checked it.

    A key in the worker's environment is only looked for in what tests record.
    """
    given = config.workerinput.get("evalguard", {})  # type: ignore[attr-defined] # xdist's
    return Settings(
        mark=given.get("mark", "eval"),
        redact=given.get("redact", True),
        trials=given.get("trials", 1),
        key=key_in(environ, KEY_VARIABLE),
        agent_key=key_in(environ, AGENT_KEY_VARIABLE),
    )


class _Source:
    """Where settings come from, asked by the name after ``evalguard_``."""

    def __init__(self, config: pytest.Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ

    def flag(self, name: str) -> bool:
        return bool(self._config.getoption(f"evalguard_{name}"))

    def ini(self, name: str, wanted: str = "") -> Any:
        option = f"evalguard_{name}"
        try:
            return self._config.getini(option)
        except (ValueError, TypeError, pytest.UsageError) as error:
            raise ConfigurationError(f"ini option {option}{wanted}: {error}") from error

    def said(self, name: str, variable: str | None = None) -> str | None:
        """Return what the command line says, else the environment."""
        given: str | None = self._config.getoption(f"evalguard_{name}")
        if given is not None:
            return checked_id(given, f"--evalguard-{name.replace('_', '-')}")
        if variable is not None and self._environ.get(variable):
            return checked_id(self._environ[variable], variable)
        return None

    def text(self, name: str, variable: str | None = None) -> str | None:
        said = self.said(name, variable)
        if said is not None:
            return said
        configured = self.ini(name)
        return None if configured in (None, "") else str(configured)

    def path(self, name: str, variable: str | None = None) -> Path | None:
        """Return a path: of the ini file below rootdir, else where pytest was run."""
        said = self.said(name, variable)
        if said is not None:
            return self._config.invocation_params.dir / said
        configured: str = self.ini(name)
        return self._config.rootpath / configured if configured else None

    def switch(self, name: str, variable: str) -> bool:
        if self.flag(name):
            return True
        value = self._environ.get(variable, "")
        if not value.strip():
            return bool(self.ini(name))
        if value.strip().lower() in _TRUE | _FALSE:
            return value.strip().lower() in _TRUE
        raise ConfigurationError(
            f"{variable} must be 1 or 0, true or false, got {value!r}"
        )

    def number(self, name: str, largest: int) -> int:
        wanted = f" must be a whole number within 1..{largest}"
        number: int = self.ini(name, wanted)
        if 1 <= number <= largest:
            return number
        raise ConfigurationError(f"ini option evalguard_{name}{wanted}, got {number}")

    def limits(self, name: str) -> tuple[Limit, ...]:
        given: list[str] | None = self._config.getoption(f"evalguard_{name}")
        if given:
            option = f"--evalguard-{name.replace('_', '-')}"
            return tuple(_limit(each, option) for each in given)
        ini = f"ini option evalguard_{name}"
        return tuple(_limit(str(each), ini) for each in self.ini(name))

    def seconds(self, name: str) -> float:
        given: str | None = self._config.getoption(f"evalguard_{name}")
        if given is not None:
            return positive_seconds(given, f"--evalguard-{name}")
        configured = self.ini(name, " must be a number of seconds above 0")
        return positive_seconds(configured, f"ini option evalguard_{name}")


def _whole(text: str) -> int | None:
    """Return a whole number of at least 0; none has more digits than are of use."""
    digits = text.strip()
    return int(digits) if digits.isdecimal() and len(digits) <= _DIGITS else None


def _limit(text: str, what: str) -> Limit:
    name, _, figure = text.rpartition(":")
    try:
        least = float(figure)
    except ValueError:
        least = math.nan
    if not 0 <= least <= 1:
        raise ConfigurationError(
            f"{what} must be a number within 0..1, or that after a name and a colon, as"
            f" smoke:0.9, got {text!r}"
        )
    return Limit(least, name.strip() or None)


def _max_regressions(source: _Source) -> int | None:
    text = source.text("max_regressions")
    if text is None:
        return None
    most = _whole(text)
    if most is None:
        raise ConfigurationError(
            "--evalguard-max-regressions (evalguard_max_regressions) must be a whole"
            f" number of at least 0, got {text!r}"
        )
    if source.text("baseline") is None:
        raise ConfigurationError(
            "--evalguard-max-regressions needs something to compare with: name it by"
            " --evalguard-baseline"
        )
    return most


def _trials(source: _Source) -> int:
    text = source.text("trials") or "1"
    trials = _whole(text)
    if trials is not None and 1 <= trials <= MOST_TRIALS:
        return trials
    raise ConfigurationError(
        "--evalguard-trials (evalguard_trials) must be a whole number within"
        f" 1..{MOST_TRIALS}, got {text!r}"
    )


def _baseline(source: _Source) -> str | None:
    name = source.text("baseline")
    return name if name in (None, "last") else str(source.path("baseline"))


def _html(given: str | None, config: pytest.Config) -> Path | None:
    return None if given is None else config.invocation_params.dir / given


def _mark(name: str) -> str:
    if not name.isidentifier():
        raise ConfigurationError(
            f"ini option evalguard_mark must be a name for pytest.mark, got {name!r}"
        )
    return name


def _project(environ: Mapping[str, str]) -> str:
    project = environ.get(PROJECT_VARIABLE, "")
    if not project.strip():
        raise ConfigurationError(
            f"--evalguard-run=new needs the project's id in {PROJECT_VARIABLE},"
            " which is not set"
        )
    return checked_id(project, PROJECT_VARIABLE)


def _run_link(template: str | None) -> str | None:
    if not template:
        return None
    if "{run_id}" not in template:
        raise ConfigurationError(
            f"ini option evalguard_run_link must contain {{run_id}}, got {template!r}"
        )
    return template


def _dialect(value: str) -> Dialect:
    for dialect in DIALECTS:
        if value == dialect:
            return dialect
    raise ConfigurationError(
        f"ini option evalguard_dialect must be {' or '.join(DIALECTS)}, got {value!r}"
    )
