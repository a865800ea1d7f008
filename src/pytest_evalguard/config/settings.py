"""The settings of a session: one table, which options, ini file and docs follow.

A setting is one attribute of `Settings`; the options and the ini settings of pytest,
what is read for a session, what workers are told and docs/settings.md follow from it.
Those of a service follow from its entry in `services.SERVICES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .harness_errors import HARNESS_ERRORS
from .services import SERVICES, Access, ServiceInfo, keys_of
from .setting import Setting

if TYPE_CHECKING:
    import pytest

    from .checks import LatencyLimit, Limit, MetricLimit, Resume

PROJECT_VARIABLE = "EVALGUARD_PROJECT_ID"
DEFAULT_OUT = ".evalguard"
OUT_VARIABLE = "EVALGUARD_OUT"
DEFAULT_TIMEOUT = 60.0
PROMPTS_LOCK = "evalguard-prompts.lock"
Dialect = Literal["documented", "sdk"]
DIALECTS: tuple[Dialect, ...] = ("documented", "sdk")
MAX_BATCH = 1000
MAX_AT_ONCE = 4
MOST_TRIALS = 1000
NEW = "new"


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

    trials = Setting(
        lambda c: c.whole_number(1, MOST_TRIALS),
        1,
        "run each marked test N times; it passes if all runs pass, or as many as"
        " require= in its mark says",
        metavar="N",
        ini="int",
        for_workers=True,
    )
    min_pass_rate: Setting[tuple[Limit, ...]] = Setting(
        lambda c: c.GROUP_LIMIT,
        (),
        "fail the session if the pass rate is below this, 0 to 1; with a tag, that of"
        " the cases with the tag; with a group, as in param:model=large:0.9 or"
        " metadata:team=search:0.9, that of the cases in the group. Repeatable",
        metavar="[TAG:]F",
        ini="linelist",
        is_gate=True,
    )
    min_score: Setting[tuple[Limit, ...]] = Setting(
        lambda c: c.LIMIT,
        (),
        "fail the session if the mean score is below this, 0 to 1; with a name, that of"
        " the named score. Repeatable",
        metavar="[NAME:]F",
        ini="linelist",
        is_gate=True,
    )
    min_coverage = Setting(
        lambda c: c.SHARE,
        0.5,
        "share of the cases, 0 to 1, that must have a named score or metric for a gate"
        " on it to be met; cases with errors don't count",
        ini="float",
    )
    baseline: Setting[str | None] = Setting(
        lambda c: c.SESSION,
        None,
        "compare with an earlier session: its directory, 'last', or a file written by"
        " 'pytest-evalguard bless'",
        metavar="SESSION",
        ini="string",
    )
    max_regressions: Setting[int | None] = Setting(
        lambda c: c.whole_number(0),
        None,
        "fail the session if more cases than this passed in the baseline but don't now",
        metavar="N",
        ini="int",
        is_gate=True,
    )
    min_metric: Setting[tuple[MetricLimit, ...]] = Setting(
        lambda c: c.METRIC_LIMIT,
        (),
        "fail the session if a metric is below this: one of the session, or the mean"
        " over the cases that recorded it. Repeatable",
        metavar="NAME:F",
        ini="linelist",
        is_gate=True,
    )
    max_metric: Setting[tuple[MetricLimit, ...]] = Setting(
        lambda c: c.METRIC_LIMIT,
        (),
        "fail the session if a metric is above this. Repeatable",
        metavar="NAME:F",
        ini="linelist",
        is_gate=True,
    )
    max_drop: Setting[tuple[Limit, ...]] = Setting(
        lambda c: c.DROP,
        (),
        "fail the session if the pass rate fell by more than this since the baseline,"
        " 0 to 1, and by more than noise; with a name, the mean of the named score."
        " Repeatable",
        metavar="[NAME:]F",
        ini="linelist",
        is_gate=True,
    )
    group_by: Setting[tuple[str, ...]] = Setting(
        lambda c: c.GROUP_KEY,
        (),
        "show figures for each group of cases, side by side: by tag, param:NAME or"
        " metadata:KEY. Repeatable",
        metavar="KEY",
        ini="linelist",
    )
    html: Setting[Path | None] = Setting(
        lambda c: c.PATH,
        None,
        "write the report page, as one HTML file",
        metavar="PATH",
    )
    markdown: Setting[Path | None] = Setting(
        lambda c: c.PATH,
        None,
        "write the summary as Markdown, for a comment on a pull request",
        metavar="PATH",
    )
    out = Setting(
        lambda c: c.PATH,
        Path(DEFAULT_OUT),
        "where to keep sessions (default: .evalguard in rootdir)",
        metavar="DIR",
        variable=OUT_VARIABLE,
        ini="string",
    )
    dry_run = Setting(
        lambda c: c.SWITCH, False, "do everything except send", metavar=""
    )
    strict = Setting(
        lambda c: c.SWITCH,
        False,
        "fail the session if submitting fails",
        metavar="",
        variable="EVALGUARD_STRICT",
        ini="bool",
    )
    timeout = Setting(
        lambda c: c.SECONDS,
        DEFAULT_TIMEOUT,
        "time limit for submitting at the end of the session, including retries and"
        " waits (default: 60)",
        metavar="SECONDS",
        ini="float",
    )
    dialect: Setting[Dialect] = Setting(
        lambda c: c.one_of(DIALECTS),
        "documented",
        "row format: documented or sdk",
        ini="string",
    )
    batch_size = Setting(
        lambda c: c.whole_number(1, MAX_BATCH),
        MAX_BATCH,
        "rows per request, 1 to 1000",
        ini="int",
    )
    agent_concurrency = Setting(
        lambda c: c.whole_number(1, MAX_AT_ONCE),
        MAX_AT_ONCE,
        "agent results sent at the same time, 1 to 4",
        ini="int",
    )
    keep = Setting(
        lambda c: c.whole_number(1, 1_000_000),
        20,
        "number of finished sessions to keep; unsent ones are never removed",
        ini="int",
    )
    mark = Setting(
        lambda c: c.IDENTIFIER,
        "eval",
        "name of the mark, in case another plugin uses 'eval'",
        ini="string",
        for_workers=True,
    )
    redact = Setting(
        lambda c: c.SWITCH,
        True,
        "replace whatever looks like a secret",
        ini="bool",
        for_workers=True,
    )
    run_link: Setting[str | None] = Setting(
        lambda c: c.RUN_LINK,
        None,
        "link to a run, with {run_id}, shown after submitting",
        ini="string",
    )
    trace_link: Setting[str | None] = Setting(
        lambda c: c.TRACE_LINK,
        None,
        "https link to a trace, with {trace_id}, shown with each case that has one",
        ini="string",
    )
    resume: Setting[Resume | None] = Setting(
        lambda c: c.RESUME,
        None,
        "run only the cases that an earlier session, 'last' or its directory, has no"
        " verdict for, and carry the others over; append ':failed' to rerun those that"
        " failed, too",
        metavar="SESSION",
    )
    budget: Setting[float | None] = Setting(
        lambda c: c.DOLLARS,
        None,
        "start no more tests once the recorded cost has reached this, in US dollars",
        metavar="USD",
        ini="float",
        for_workers=True,
    )

    max_errors: Setting[int | None] = Setting(
        lambda c: c.whole_number(0),
        None,
        "fail the session if more cases than this ended in an error",
        metavar="N",
        ini="int",
        is_gate=True,
    )
    max_latency: Setting[tuple[LatencyLimit, ...]] = Setting(
        lambda c: c.LATENCY_LIMIT,
        (),
        "fail the session if the latency is above this, in milliseconds; the 95th"
        " percentile, if none is named. Repeatable",
        metavar="[pNN:]MS",
        ini="linelist",
        is_gate=True,
    )
    max_cost: Setting[float | None] = Setting(
        lambda c: c.COST,
        None,
        "fail the session if the recorded cost is above this, in US dollars",
        metavar="USD",
        ini="float",
        is_gate=True,
    )
    max_tokens: Setting[int | None] = Setting(
        lambda c: c.whole_number(0),
        None,
        "fail the session if more tokens than this were recorded",
        metavar="N",
        ini="int",
        is_gate=True,
    )
    errors = Setting(
        lambda c: c.ERROR_NAME,
        HARNESS_ERRORS,
        "exceptions that are errors of the harness, not failures of what is tested: one"
        " dotted name per line, optionally with HTTP statuses, as in"
        " httpx.HTTPStatusError 429 5xx. Replaces the default list; empty turns it off",
        ini="linelist",
        for_workers=True,
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


TABLE: tuple[Setting[Any], ...] = tuple(
    each for each in vars(Settings).values() if isinstance(each, Setting)
)
"""Every setting but those of services."""


def service_settings(
    service: ServiceInfo,
) -> tuple[Setting[str | None], Setting[str | None]]:
    """Return the settings that say a service's run or agent, and its base URL."""
    identity: Setting[str | None] = Setting(
        lambda c: c.TEXT,
        None,
        f"{service.id_help}. The key is read from {service.key_variable}",
        metavar=service.id_metavar,
        variable=service.id_variable,
    )
    url: Setting[str | None] = Setting(
        lambda c: c.TEXT,
        None,
        f"base URL of {service.title}, by default {service.default_url}",
        metavar="URL",
        variable=service.url_variable,
        ini="string",
    )
    identity.name, url.name = service.noun, service.url_setting
    return identity, url


def all_settings() -> Iterator[Setting[Any]]:
    """Yield every setting, those of the services first."""
    for service in SERVICES:
        yield from service_settings(service)
    yield from TABLE


def is_anything_said(config: pytest.Config, environ: Mapping[str, str]) -> bool:
    """Whether an option, a variable or an ini file says anything of ours."""
    if any(each.startswith("EVALGUARD_") for each in environ):
        return True
    for each in all_settings():
        option = config.getoption(each.dest, None) if each.has_option else None
        if option not in (None, False) or each.is_in_ini(config):
            return True
    return False


def add_options(parser: pytest.Parser) -> None:
    """Add all options and ini settings to pytest's parser."""
    for setting in all_settings():
        setting.add_to(parser)
