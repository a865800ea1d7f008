"""The services that results can go to: how each is called, configured and found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# every start of pytest loads this: to make a named tuple or a dataclass takes longer
# than all else here


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
        self.id_metavar = id_metavar
        self.id_help = id_help
        self.batch_limit = batch_limit

    @property
    def id_variable(self) -> str:
        """The environment variable of the run's or agent's id."""
        return f"EVALGUARD_{self.noun.upper()}_ID"


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
    from .checks import checked_key
    from .urls import checked_url

    key = checked_key(environ, service.key_variable)
    said = url or environ.get(service.url_variable)
    checked = checked_url(said or service.default_url)
    return Access(service, checked, key=key, is_said=bool(said))


def keys_of(accesses: Mapping[str, Access]) -> Iterator[str]:
    """Yield the keys that are known."""
    for access in accesses.values():
        if access.key:
            yield access.key
