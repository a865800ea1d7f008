"""What the environment has for a service: its key, and its URL."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..config.settings import (
    AGENT_KEY_VARIABLE,
    AGENT_URL_VARIABLE,
    DEFAULT_AGENT_URL,
    DEFAULT_URL,
    KEY_VARIABLE,
    URL_VARIABLE,
    checked_url,
    read_key,
)
from ..storage.target import prove

# by the service's name: the variable of its key, that of its URL, and its usual URL
_PLACES = {
    "evalguard": (KEY_VARIABLE, URL_VARIABLE, DEFAULT_URL),
    "agent": (AGENT_KEY_VARIABLE, AGENT_URL_VARIABLE, DEFAULT_AGENT_URL),
}


@dataclass(frozen=True)
class Access:
    """The key and the URL of a service; `is_said` when the user said the URL."""

    key: str
    url: str
    is_said: bool

    @property
    def proof(self) -> str:
        """The proof that who said the URL has the key, as `prove` explains."""
        return prove(self.key, self.url)


def access_to(service: str, url: str | None = None) -> Access:
    """Return the key and the URL of a service.

    :param url: comes before the one of the environment.
    :raises ConfigurationError: there is no key, or the URL is none that it may go to.
    """
    key_variable, url_variable, usual = _PLACES[service]
    key = str(read_key(os.environ, key_variable))
    said = url or os.environ.get(url_variable)
    return Access(key, checked_url(said or usual), bool(said))
