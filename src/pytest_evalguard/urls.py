"""Base URLs of services: what is accepted, and which hosts are one's own machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult
from urllib.parse import urlsplit

from .errors import ConfigurationError


def normalised_url(url: str) -> str:
    """Return an https URL, or an http URL to a loopback host, without trailing slash.

    :raises ConfigurationError: it is anything else.
    """
    shown = url.rpartition("@")[2]
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"the URL {shown!r} can't be read: {error}") from error
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
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def origin(parts: SplitResult) -> tuple[str, str, int | None]:
    """Return scheme, host and port: what a key belongs to."""
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default
