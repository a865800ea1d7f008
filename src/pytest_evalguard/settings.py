"""The settings of a session: command line over environment over ini over default."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Literal
from typing import NamedTuple

import pytest

from .errors import ConfigurationError

KEY_VARIABLE = "EVALGUARD_API_KEY"
AGENT_KEY_VARIABLE = "EVALGUARD_AGENT_API_KEY"
PROJECT_VARIABLE = "EVALGUARD_PROJECT_ID"
DEFAULT_URL = "https://evalguard.ai"
DEFAULT_AGENT_URL = "https://agent-evalserver-production.up.railway.app"
DEFAULT_OUT = ".evalguard"
Dialect = Literal["documented", "sdk"]
DIALECTS: tuple[Dialect, ...] = ("documented", "sdk")
MAX_BATCH = 1000
MAX_AT_ONCE = 4
MOST_TRIALS = 1000
NEW = "new"
_DIGITS = 18

_TRUE = frozenset(("1", "true", "yes", "on"))
_FALSE = frozenset(("", "0", "false", "no", "off"))

settings_key = pytest.StashKey["Settings"]()


class Limit(NamedTuple):
    """The least that a figure may be, 0..1; of one tag or scorer where it is named."""

    least: float
    name: str | None = None


class Settings(NamedTuple):  # a dataclass takes 2 ms longer to make, at every start
    """What a session was told, checked. Keys never show in its representation.

    `timeout` is in seconds, `batch_size` in rows, `keep` in sessions.
    """

    runs_tests: bool = True
    mark: str = "eval"
    redact: bool = True
    out: Path = Path(DEFAULT_OUT)
    run_id: str | None = None
    url: str = DEFAULT_URL
    project_id: str | None = None
    dialect: Dialect = "documented"
    batch_size: int = MAX_BATCH
    keep: int = 20
    timeout: float = 60.0
    dry_run: bool = False
    strict: bool = False
    run_link: str | None = None
    key: str | None = None
    agent_id: str | None = None
    agent_url: str = DEFAULT_AGENT_URL
    agent_key: str | None = None
    agent_concurrency: int = MAX_AT_ONCE
    min_pass_rate: tuple[Limit, ...] = ()
    min_score: tuple[Limit, ...] = ()
    max_regressions: int | None = None
    trials: int = 1
    baseline: str | None = None
    html: Path | None = None

    def __repr__(self) -> str:
        shown = self._replace(key=None, agent_key=None)
        fields = (f"{name}={value!r}" for name, value in shown._asdict().items())
        return f"Settings({', '.join(fields)})"

    @property
    def keys(self) -> tuple[str, ...]:
        """The live keys that this process knows."""
        return tuple(filter(None, (self.key, self.agent_key)))

    @property
    def has_target(self) -> bool:
        """Whether the session is to be submitted anywhere."""
        return self.run_id is not None or self.agent_id is not None

    @property
    def where(self) -> str | None:
        """Where results are to go, in words; None when nowhere."""
        places = {"run": self.run_id, "agent": self.agent_id}
        words = [f"{kind} {each}" for kind, each in places.items() if each is not None]
        return " and ".join(words) or None

    @property
    def has_gates(self) -> bool:
        """Whether the session is to be judged by its figures."""
        limits = self.min_pass_rate or self.min_score
        return bool(limits) or self.max_regressions is not None

    @property
    def is_asked_for(self) -> bool:
        """Whether the session is to have a report even if it has no cases."""
        is_shown = self.baseline is not None or self.html is not None
        return self.has_target or self.has_gates or is_shown


def read_settings(config: pytest.Config, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a session.

    :raises ConfigurationError: one of them is wrong; the message names it.
    """
    source = _Source(config, environ)
    run_id = source.text("run", "EVALGUARD_RUN_ID")
    shows_setup: bool = config.getoption("setuponly", False)
    runs_tests = not (config.option.collectonly or shows_setup)
    agent_id = source.text("agent", "EVALGUARD_AGENT_ID")
    will_send = runs_tests and not source.flag("dry_run")
    needs_key = will_send and run_id is not None
    return Settings(
        runs_tests=runs_tests,
        mark=_mark(source.ini("mark")),
        redact=source.ini("redact"),
        out=_out(source.text("out", "EVALGUARD_OUT", "out"), config),
        run_id=run_id,
        url=checked_url(source.text("url", "EVALGUARD_BASE_URL", "url") or DEFAULT_URL),
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
            source.text("agent_url", "EVALGUARD_AGENT_URL", "agent_url")
            or DEFAULT_AGENT_URL
        ),
        agent_key=read_key(
            environ, AGENT_KEY_VARIABLE, required=will_send and agent_id is not None
        ),
        agent_concurrency=source.number("agent_concurrency", MAX_AT_ONCE),
        min_pass_rate=source.limits("min_pass_rate"),
        min_score=source.limits("min_score"),
        max_regressions=_max_regressions(source),
        trials=_trials(source),
        baseline=_baseline(source.text("baseline", None, "baseline"), config),
        html=_html(source.text("html", None), config),
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
        key=environ.get(KEY_VARIABLE) or None,
        agent_key=environ.get(AGENT_KEY_VARIABLE) or None,
    )


def read_key(
    environ: Mapping[str, str], name: str, *, required: bool = True
) -> str | None:
    """Return an API key from the environment, None when it is neither set nor required.

    :raises ConfigurationError: it is missing, or no header could carry it.
    """
    key = environ.get(name, "").strip(" ")
    if not key and not required:
        return None
    if not key:
        raise ConfigurationError(
            f"{name} is not set: the service needs the API key in that environment"
            " variable; it is read from nowhere else"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            f"{name} has a blank, a line break or another character that no key has:"
            " set it to the key alone (it is not shown here)"
        )
    return key


def checked_url(url: str) -> str:
    """Return a service's base URL without trailing slash.

    :raises ConfigurationError: it is no https URL, nor http to a loopback host.
    """
    if url in (DEFAULT_URL, DEFAULT_AGENT_URL):
        return url
    from .urls import normalised_url

    return normalised_url(url)


def checked_id(value: str, what: str) -> str:
    """Return an id that may become part of a URL.

    :raises ConfigurationError: it is blank or holds control characters.
    """
    if not value.strip() or not value.isprintable():
        raise ConfigurationError(f"{what} is blank or not printable, got {value!r}")
    if value.strip() in (".", ".."):  # in a path these are no names
        raise ConfigurationError(f"{what} can't be {value!r}")
    return value.strip()


def is_id(value: str) -> bool:
    """Whether a text may become part of a URL, as `checked_id` wants it."""
    return value.isprintable() and value.strip() not in ("", ".", "..")


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

    def text(
        self, name: str, variable: str | None, ini: str | None = None
    ) -> str | None:
        option = f"--evalguard-{name.replace('_', '-')}"
        given: str | None = self._config.getoption(f"evalguard_{name}")
        if given is not None:
            return checked_id(given, option)
        if variable is not None and self._environ.get(variable):
            return checked_id(self._environ[variable], variable)
        configured = self.ini(ini) if ini else None
        return None if configured in (None, "") else str(configured)

    def switch(self, name: str, variable: str) -> bool:
        if self.flag(name):
            return True
        value = self._environ.get(variable)
        if value is None:
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


def positive_seconds(value: object, what: str) -> float:
    """Return a positive finite number of seconds.

    :raises ConfigurationError: it is another thing.
    """
    try:
        seconds = float(value)  # type: ignore[arg-type] # str or float; else TypeError
    except (ValueError, TypeError):
        seconds = math.nan
    if not math.isfinite(seconds) or seconds <= 0:
        raise ConfigurationError(
            f"{what} must be a number of seconds above 0, got {value!r}"
        )
    return seconds


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
    text = source.text("max_regressions", None, "max_regressions")
    if text is None:
        return None
    most = _whole(text)
    if most is None:
        raise ConfigurationError(
            "--evalguard-max-regressions (evalguard_max_regressions) must be a whole"
            f" number of at least 0, got {text!r}"
        )
    if source.text("baseline", None, "baseline") is None:
        raise ConfigurationError(
            "--evalguard-max-regressions needs something to compare with: name it by"
            " --evalguard-baseline"
        )
    return most


def _trials(source: _Source) -> int:
    text = source.text("trials", None, "trials") or "1"
    trials = _whole(text)
    if trials is not None and 1 <= trials <= MOST_TRIALS:
        return trials
    raise ConfigurationError(
        "--evalguard-trials (evalguard_trials) must be a whole number within"
        f" 1..{MOST_TRIALS}, got {text!r}"
    )


def _baseline(given: str | None, config: pytest.Config) -> str | None:
    if given is None or given == "last":
        return given
    is_ini = config.getoption("evalguard_baseline") is None
    return str((config.rootpath if is_ini else config.invocation_params.dir) / given)


def _html(given: str | None, config: pytest.Config) -> Path | None:
    return None if given is None else config.invocation_params.dir / given


def _mark(name: str) -> str:
    if not name.isidentifier():
        raise ConfigurationError(
            f"ini option evalguard_mark must be a name for pytest.mark, got {name!r}"
        )
    return name


def _out(given: str | None, config: pytest.Config) -> Path:
    if given is None:
        return config.rootpath / DEFAULT_OUT
    is_ini = given == config.getini("evalguard_out")
    return (config.rootpath if is_ini else config.invocation_params.dir) / given


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
