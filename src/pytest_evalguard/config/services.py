"""What was said of the services that results can go to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..start import SERVICES, ServiceInfo
from .checks import checked_key
from .urls import checked_url


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
