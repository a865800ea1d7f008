"""The settings of a session: what each may be, on top of the table of options.

A setting is an entry in `start.OPTIONS` and the attribute of `Settings` of that name;
the options and the ini settings of pytest, what is read for a session, what workers are
told and docs/settings.md follow from them. Those of a service follow from its entry in
`start.SERVICES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast, overload

from ..start import OPTIONS, SERVICES, Option, ServiceInfo
from . import checks
from .checks import checked_key
from .harness_errors import HARNESS_ERRORS
from .urls import checked_url

if TYPE_CHECKING:
    from .checks import Kind, LatencyLimit, Limit, MetricLimit, Resume


class Access:
    """What was said of a service: an id, where it is, and the key for it.

    `is_said` tells that the user said the URL. The key never shows in a representation.
    """

    def __init__(
        self,
        service: ServiceInfo,
        url: str,
        id: str | None = None,
        key: str | None = None,
        is_said: bool = False,
    ) -> None:
        self.service = service
        self.url = url
        self.id = id
        self.key = key
        self.is_said = is_said

    def with_id(self, id: str) -> Access:
        """Return the same access to another run or agent."""
        return Access(self.service, self.url, id, self.key, self.is_said)

    def __repr__(self) -> str:
        return f"Access({self.service.noun}_id={self.id!r}, url={self.url!r})"


def service_named(name: str) -> ServiceInfo:
    """Return the service of that name.

    :raises KeyError: there is none.
    """
    for service in SERVICES:
        if service.name == name:
            return service
    raise KeyError(name)


def access_from(
    environ: Mapping[str, str], service: ServiceInfo, url: str | None = None
) -> Access:
    """Return the key and the URL of a service for the console script.

    :param url: comes before the one of the environment.
    :raises ConfigurationError: there is no key, or the URL is none that it may go to.
    """
    key = checked_key(environ, service.key_variable)
    said = url or environ.get(service.url_variable)
    checked = checked_url(said or service.default_url)
    return Access(service, checked, key=key, is_said=bool(said))


def keys_of(accesses: Mapping[str, Access]) -> Iterator[str]:
    """Yield the keys that are known."""
    for access in accesses.values():
        if access.key:
            yield access.key


PROJECT_VARIABLE = "EVALGUARD_PROJECT_ID"
DEFAULT_OUT = ".evalguard"
PROMPTS_LOCK = "evalguard-prompts.lock"
Dialect = Literal["documented", "sdk"]
DIALECTS: tuple[Dialect, ...] = ("documented", "sdk")
MAX_BATCH = 1000
MAX_AT_ONCE = 4
MOST_TRIALS = 1000
NEW = "new"


T = TypeVar("T")

_OPTIONS = {each.name: each for each in OPTIONS}


class Setting(Generic[T]):
    """One setting, an attribute of `Settings` that has the name of its option.

    :param kind: what its values are.
    :param default: its default, if that is another than its ini setting's.
    :param is_gate: whether it can fail a session by its figures.
    :param for_workers: whether pytest-xdist's workers are told it.
    :param option: where it can be said, if it is none of `Settings`.
    """

    option: Option

    def __init__(
        self,
        kind: Kind[Any],
        *,
        default: T | None = None,
        is_gate: bool = False,
        for_workers: bool = False,
        option: Option | None = None,
    ) -> None:
        self.kind = kind
        self._default = default
        self.is_gate = is_gate
        self.for_workers = for_workers
        if option is not None:
            self.option = option

    def __set_name__(self, owner: type, name: str) -> None:
        self.option = _OPTIONS[name]

    @property
    def name(self) -> str:
        """The name of its option."""
        return self.option.name

    @property
    def default(self) -> T:
        """What it is if nothing is said."""
        found: Any = self.option.default if self._default is None else self._default
        return cast("T", found)

    @overload
    def __get__(self, settings: None, owner: type) -> Setting[T]: ...
    @overload
    def __get__(self, settings: Settings, owner: type) -> T: ...
    def __get__(self, settings: Settings | None, owner: type) -> Setting[T] | T:
        if settings is None:
            return self
        found: T = settings.values.get(self.name, self.default)
        return found


class Settings:
    """What a session was told, checked: its settings, and what was said of services.

    Keys never show in its representation. What is not said has its default.

    :param runs_tests: whether pytest is to run tests, and not only to show them.
    :param project_id: where a new run is created, if one is to be.
    """

    def __init__(
        self,
        services: Mapping[str, Access] = {},
        *,
        runs_tests: bool = True,
        project_id: str | None = None,
        **values: Any,
    ) -> None:
        self.services = services
        self.runs_tests = runs_tests
        self.project_id = project_id
        self.values = values

    def __repr__(self) -> str:
        fields = (f"{name}={value!r}" for name, value in self.values.items())
        return f"Settings({[*self.services.values()]}, {', '.join(fields)})"

    def replace(self, **values: Any) -> Settings:
        """Return these settings with other values for some of them."""
        return Settings(
            self.services,
            runs_tests=self.runs_tests,
            project_id=self.project_id,
            **{**self.values, **values},
        )

    trials: Setting[int] = Setting(
        checks.whole_number(1, MOST_TRIALS), for_workers=True
    )
    min_pass_rate: Setting[tuple[Limit, ...]] = Setting(
        checks.GROUP_LIMIT, is_gate=True
    )
    min_score: Setting[tuple[Limit, ...]] = Setting(checks.LIMIT, is_gate=True)
    min_coverage: Setting[float] = Setting(checks.SHARE)
    baseline: Setting[str | None] = Setting(checks.SESSION)
    max_regressions: Setting[int | None] = Setting(checks.whole_number(0), is_gate=True)
    min_metric: Setting[tuple[MetricLimit, ...]] = Setting(
        checks.METRIC_LIMIT, is_gate=True
    )
    max_metric: Setting[tuple[MetricLimit, ...]] = Setting(
        checks.METRIC_LIMIT, is_gate=True
    )
    max_drop: Setting[tuple[Limit, ...]] = Setting(checks.DROP, is_gate=True)
    group_by: Setting[tuple[str, ...]] = Setting(checks.GROUP_KEY)
    html: Setting[Path | None] = Setting(checks.PATH)
    markdown: Setting[Path | None] = Setting(checks.PATH)
    out: Setting[Path] = Setting(checks.PATH, default=Path(DEFAULT_OUT))
    dry_run: Setting[bool] = Setting(checks.SWITCH)
    strict: Setting[bool] = Setting(checks.SWITCH)
    timeout: Setting[float] = Setting(checks.SECONDS)
    dialect: Setting[Dialect] = Setting(checks.one_of(DIALECTS))
    batch_size: Setting[int] = Setting(checks.whole_number(1, MAX_BATCH))
    agent_concurrency: Setting[int] = Setting(checks.whole_number(1, MAX_AT_ONCE))
    keep: Setting[int] = Setting(checks.whole_number(1, 1_000_000))
    mark: Setting[str] = Setting(checks.IDENTIFIER, for_workers=True)
    redact: Setting[bool] = Setting(checks.SWITCH, for_workers=True)
    run_link: Setting[str | None] = Setting(checks.RUN_LINK)
    trace_link: Setting[str | None] = Setting(checks.TRACE_LINK)
    resume: Setting[Resume | None] = Setting(checks.RESUME)
    budget: Setting[float | None] = Setting(checks.DOLLARS, for_workers=True)
    max_errors: Setting[int | None] = Setting(checks.whole_number(0), is_gate=True)
    max_latency: Setting[tuple[LatencyLimit, ...]] = Setting(
        checks.LATENCY_LIMIT, is_gate=True
    )
    max_cost: Setting[float | None] = Setting(checks.COST, is_gate=True)
    max_tokens: Setting[int | None] = Setting(checks.whole_number(0), is_gate=True)
    errors: Setting[tuple[str, ...]] = Setting(
        checks.ERROR_NAME, default=HARNESS_ERRORS, for_workers=True
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """The live keys that this process knows."""
        return tuple(keys_of(self.services))

    @property
    def targeted(self) -> tuple[Access, ...]:
        """The services that the session is to be submitted to."""
        return tuple(each for each in self.services.values() if each.id is not None)

    @property
    def will_send(self) -> bool:
        """Whether what the session has is sent at its end."""
        return self.runs_tests and not self.dry_run

    @property
    def where(self) -> str | None:
        """Where results are to go, in words; None when nowhere."""
        words = [f"{each.service.noun} {each.id}" for each in self.targeted]
        return " and ".join(words) or None

    @property
    def gates(self) -> dict[str, Any]:
        """The gates that are set, by name."""
        found = {
            each.name: self.values.get(each.name) for each in TABLE if each.is_gate
        }
        return {name: v for name, v in found.items() if v is not None and v != ()}

    @property
    def is_asked_for(self) -> bool:
        """Whether the session is to have a report even if it has no cases."""
        shown = (self.baseline, self.html, self.markdown)
        is_shown = any(each is not None for each in shown)
        return bool(self.targeted or self.gates or self.resume) or is_shown


TABLE: tuple[Setting[Any], ...] = tuple(vars(Settings)[each.name] for each in OPTIONS)
"""Every setting but those of services."""

DEFAULT_TIMEOUT = Settings.timeout.default


def service_settings(
    service: ServiceInfo,
) -> tuple[Setting[str | None], Setting[str | None]]:
    """Return the settings that say a service's run or agent, and its base URL."""
    return (
        Setting(checks.TEXT, option=service.id_option),
        Setting(checks.TEXT, option=service.url_option),
    )
