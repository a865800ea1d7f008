"""What every start of pytest needs: the settings as data, and which tests are cases.

It has what pytest is told of a setting. What its values are, and what follows from
them, is in config/settings.py, loaded when a setting is said or there is a case.

PYTEST_DONT_REWRITE: it has no assertions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

# to make a named tuple or a dataclass takes longer than all else here

FIXTURE = "eval_case"
MARK = "eval"
"""The name of the mark, if no other is set."""
OUT_VARIABLE = "EVALGUARD_OUT"


def is_case(item: pytest.Item, mark: str) -> bool:
    """Whether a test carries the mark or asks for the fixture."""
    return (
        FIXTURE in getattr(item, "fixturenames", ())
        or item.get_closest_marker(mark) is not None
    )


def is_distributed(config: pytest.Config) -> bool:
    """Whether pytest-xdist runs the tests, in other processes."""
    return not config.option.collectonly and config.getoption("dist", "no") != "no"


class Option:
    """A setting as pytest knows it: where it can be said, and its help.

    :param metavar: of its option, which can be repeated where the ini setting is a
        list; empty for an option that takes no value, None for no option.
    :param variable: its environment variable, if it has one.
    :param ini: the type of its ini setting, as pytest calls it; None for none.
    :param default: what its ini setting is if no file says it.

    Its `dest` is the name of the ini setting, and of the option's value. Pytest says
    that the ini setting is `ini_default`, if no file says it.
    """

    def __init__(
        self,
        name: str,
        help: str,
        metavar: str | None = None,
        variable: str | None = None,
        ini: str | None = None,
        default: object = None,
    ) -> None:
        self.name = name
        self.dest = f"evalguard_{name}"
        self.flag = f"--evalguard-{name.replace('_', '-')}"
        self.help = help
        self.metavar = metavar
        self.variable = variable
        self.ini = ini
        self.default = default
        self.ini_default = [] if default == () else default


OPTIONS = (
    Option(
        "trials",
        "run each marked test N times; it passes if all runs pass, or as many as"
        " require= in its mark says",
        metavar="N",
        ini="int",
        default=1,
    ),
    Option(
        "min_pass_rate",
        "fail the session if the pass rate is below this, 0 to 1; with a tag, that of"
        " the cases with the tag; with a group, as in param:model=large:0.9 or"
        " metadata:team=search:0.9, that of the cases in the group. Repeatable",
        metavar="[TAG:]F",
        ini="linelist",
        default=(),
    ),
    Option(
        "min_score",
        "fail the session if the mean score is below this, 0 to 1; with a name, that of"
        " the named score. Repeatable",
        metavar="[NAME:]F",
        ini="linelist",
        default=(),
    ),
    Option(
        "min_coverage",
        "share of the cases, 0 to 1, that must have a named score or metric for a gate"
        " on it to be met; cases with errors don't count",
        ini="float",
        default=0.5,
    ),
    Option(
        "baseline",
        "compare with an earlier session: its directory, 'last', or a file written by"
        " 'pytest-evalguard bless'",
        metavar="SESSION",
        ini="string",
    ),
    Option(
        "max_regressions",
        "fail the session if more cases than this passed in the baseline but don't now",
        metavar="N",
        ini="int",
    ),
    Option(
        "min_metric",
        "fail the session if a metric is below this: one of the session, or the mean"
        " over the cases that recorded it. Repeatable",
        metavar="NAME:F",
        ini="linelist",
        default=(),
    ),
    Option(
        "max_metric",
        "fail the session if a metric is above this. Repeatable",
        metavar="NAME:F",
        ini="linelist",
        default=(),
    ),
    Option(
        "max_drop",
        "fail the session if the pass rate fell by more than this since the baseline,"
        " 0 to 1, and by more than noise; with a name, the mean of the named score or"
        " metric, where more is better. Repeatable",
        metavar="[NAME:]F",
        ini="linelist",
        default=(),
    ),
    Option(
        "group_by",
        "show figures for each group of cases, side by side: by tag, param:NAME or"
        " metadata:KEY. Repeatable",
        metavar="KEY",
        ini="linelist",
        default=(),
    ),
    Option("html", "write the report page, as one HTML file", metavar="PATH"),
    Option(
        "markdown",
        "write the summary as Markdown, for a comment on a pull request",
        metavar="PATH",
    ),
    Option(
        "out",
        "where to keep sessions (default: .evalguard in rootdir)",
        metavar="DIR",
        variable=OUT_VARIABLE,
        ini="string",
        default="",
    ),
    Option("dry_run", "do everything except send", metavar="", default=False),
    Option(
        "strict",
        "fail the session if submitting fails",
        metavar="",
        variable="EVALGUARD_STRICT",
        ini="bool",
        default=False,
    ),
    Option(
        "timeout",
        "time limit for submitting at the end of the session, including retries and"
        " waits (default: 60)",
        metavar="SECONDS",
        ini="float",
        default=60.0,
    ),
    Option(
        "dialect", "row format: documented or sdk", ini="string", default="documented"
    ),
    Option("batch_size", "rows per request, 1 to 1000", ini="int", default=1000),
    Option(
        "agent_concurrency",
        "agent results sent at the same time, 1 to 4",
        ini="int",
        default=4,
    ),
    Option(
        "keep",
        "number of finished sessions to keep; unsent ones are never removed",
        ini="int",
        default=20,
    ),
    Option(
        "mark",
        "name of the mark, in case another plugin uses 'eval'",
        ini="string",
        default=MARK,
    ),
    Option("redact", "replace whatever looks like a secret", ini="bool", default=True),
    Option(
        "run_link", "link to a run, with {run_id}, shown after submitting", ini="string"
    ),
    Option(
        "trace_link",
        "https link to a trace, with {trace_id}, shown with each case that has one",
        ini="string",
    ),
    Option(
        "resume",
        "run only the cases that an earlier session, 'last' or its directory, has no"
        " verdict for, and carry the others over; append ':failed' to rerun those that"
        " failed, too",
        metavar="SESSION",
    ),
    Option(
        "budget",
        "start no more tests once the recorded cost has reached this, in US dollars",
        metavar="USD",
        ini="float",
    ),
    Option(
        "max_errors",
        "fail the session if more cases than this ended in an error",
        metavar="N",
        ini="int",
    ),
    Option(
        "max_latency",
        "fail the session if the latency is above this, in milliseconds; the 95th"
        " percentile, if none is named. Repeatable",
        metavar="[pNN:]MS",
        ini="linelist",
        default=(),
    ),
    Option(
        "max_cost",
        "fail the session if the recorded cost is above this, in US dollars",
        metavar="USD",
        ini="float",
    ),
    Option(
        "max_tokens",
        "fail the session if more tokens than this were recorded",
        metavar="N",
        ini="int",
    ),
    Option(
        "errors",
        "exceptions that are errors of the harness, not failures of what is tested: one"
        " dotted name per line, optionally with HTTP statuses, as in"
        " httpx.HTTPStatusError 429 5xx. Replaces the default list; empty turns it off",
        ini="linelist",
    ),
)
"""Every setting but those of services."""


class ServiceInfo:
    """A service: its names, and the package that freezes and sends results for it.

    `noun` is what results go to there: it names the option ``--evalguard-NOUN=ID`` and
    the environment variable ``EVALGUARD_NOUN_ID``. `url_setting` names the option and
    the ini setting of the base URL, without the prefix ``evalguard``. What must be in
    the package is said in `delivery.registry`. `batch_limit` is the most results that
    one request may have.
    """

    def __init__(
        self,
        name: str,
        noun: str,
        url_setting: str,
        key_variable: str,
        url_variable: str,
        default_url: str,
        package: str,
        title: str,
        id_metavar: str,
        id_help: str,
        batch_limit: int = 1,
    ) -> None:
        self.name = name
        self.noun = noun
        self.url_setting = url_setting
        self.key_variable = key_variable
        self.url_variable = url_variable
        self.default_url = default_url
        self.package = package
        self.title = title
        self.batch_limit = batch_limit
        self.id_option = Option(
            noun,
            f"{id_help}. The key is read from {key_variable}",
            metavar=id_metavar,
            variable=f"EVALGUARD_{noun.upper()}_ID",
        )
        self.url_option = Option(
            url_setting,
            f"base URL of {title}, by default {default_url}",
            metavar="URL",
            variable=url_variable,
            ini="string",
        )


SERVICES: list[ServiceInfo] = [
    ServiceInfo(
        name="evalguard",
        noun="run",
        url_setting="url",
        key_variable="EVALGUARD_API_KEY",
        url_variable="EVALGUARD_BASE_URL",
        default_url="https://evalguard.ai",
        package="pytest_evalguard.delivery.evalguard",
        title="EvalGuard",
        id_metavar="ID",
        id_help="submit the results to this EvalGuard run; 'new' creates one in the"
        " project EVALGUARD_PROJECT_ID",
        batch_limit=1000,
    ),
    ServiceInfo(
        name="agent",
        noun="agent",
        url_setting="agent_url",
        key_variable="EVALGUARD_AGENT_API_KEY",
        url_variable="EVALGUARD_AGENT_URL",
        default_url="https://agent-evalserver-production.up.railway.app",
        package="pytest_evalguard.delivery.agent",
        title="the agent-evaluation service",
        id_metavar="AGENT_ID",
        id_help="submit one result per prompt to this agent of an agent-evaluation"
        " service",
    ),
]
"""Each service that is known; another one is a package of its own and an entry here."""


def all_options() -> Iterator[Option]:
    """Yield every option, those of the services first."""
    for service in SERVICES:
        yield service.id_option
        yield service.url_option
    yield from OPTIONS


def add_options(parser: pytest.Parser) -> None:
    """Add all options and ini settings to pytest's parser."""
    group = parser.getgroup("evalguard", "eval results (pytest-evalguard)")
    for each in all_options():
        if each.metavar is not None:
            action = "append" if each.ini == "linelist" else "store"
            env = f" (env: {each.variable})" if each.variable else ""
            group.addoption(
                each.flag,
                action=action if each.metavar else "store_true",
                dest=each.dest,
                help=each.help + env,
                **({"metavar": each.metavar} if each.metavar else {}),
            )
        if each.ini is not None:
            parser.addini(
                each.dest,
                each.help,
                type=each.ini,  # type: ignore[arg-type] # one of pytest's literals
                default=each.ini_default,
            )
