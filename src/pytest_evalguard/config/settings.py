"""The settings of a session, and what a key, a URL, an id and a time may be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import ConfigurationError

KEY_VARIABLE = "EVALGUARD_API_KEY"
AGENT_KEY_VARIABLE = "EVALGUARD_AGENT_API_KEY"
PROJECT_VARIABLE = "EVALGUARD_PROJECT_ID"
URL_VARIABLE = "EVALGUARD_BASE_URL"
AGENT_URL_VARIABLE = "EVALGUARD_AGENT_URL"
OUT_VARIABLE = "EVALGUARD_OUT"
DEFAULT_URL = "https://evalguard.ai"
DEFAULT_AGENT_URL = "https://agent-evalserver-production.up.railway.app"
DEFAULT_OUT = ".evalguard"
DEFAULT_TIMEOUT = 60.0
PROMPTS_LOCK = "evalguard-prompts.lock"
Dialect = Literal["documented", "sdk"]
DIALECTS: tuple[Dialect, ...] = ("documented", "sdk")
MAX_BATCH = 1000
MAX_AT_ONCE = 4
MOST_TRIALS = 1000
NEW = "new"


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
    timeout: float = DEFAULT_TIMEOUT
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
    def will_send(self) -> bool:
        """Whether what the session has is sent at its end."""
        return self.runs_tests and not self.dry_run

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


def key_in(environ: Mapping[str, str], name: str) -> str | None:
    """Return what an environment variable has for a key, unchecked."""
    return environ.get(name, "").strip(" ") or None


def read_key(
    environ: Mapping[str, str], name: str, *, required: bool = True
) -> str | None:
    """Return an API key from the environment, None when it is neither set nor required.

    :raises ConfigurationError: it is missing, or no header could carry it.
    """
    key = key_in(environ, name)
    if key is None and not required:
        return None
    if key is None:
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
