"""Base URLs of services: what is accepted, and which hosts are one's own machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ..errors import ConfigurationError

_LOOPBACK_6 = ipaddress.IPv6Address("::1")
_HOST = re.compile(r"[\w.-]+|[0-9a-fA-F:.]+")


def normalised_url(url: str) -> str:
    """Return an https URL, or an http URL to a loopback host, without trailing slash.

    :raises ConfigurationError: it is anything else.
    """
    url = url.strip()
    shown = url.rpartition("@")[2]
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"the URL {shown!r} can't be read: {error}") from error
    is_odd = not url.isprintable() or "\\" in url
    if is_odd or (host and not _HOST.fullmatch(host)):
        raise ConfigurationError(
            f"the URL {shown!r} has a character that no URL or host name may have"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigurationError(
            f"the URL {shown!r} must be like https://host, got no"
            f" {'host' if parts.scheme in ('http', 'https') else 'https://'}"
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            f"the URL {shown!r} must have no user, password, query or fragment"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"the URL {shown!r} is plain http, which would show the API key to the"
            " network: use https (http is for localhost only)"
        )
    return parts.geturl().rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine: localhost, 127.0.0.0/8, ::1."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    return address == _LOOPBACK_6 if address.version == 6 else address.is_loopback
