"""What a URL may be: of a service, and of a link to a trace."""

from __future__ import annotations

import re

from ..errors import ConfigurationError

TRACE_ID = "{trace_id}"
"""What stands for the id of a trace in the template of a link to it."""

_HOST = re.compile(r"[\w.-]+|[0-9a-fA-F:.]+")
_HOST_AND_PORT = re.compile(r"[\w.-]+(:[0-9]+)?")


def checked_trace_link(text: str) -> str:
    """Return the template of a link to a trace.

    :raises ValueError: it is no https URL, or no id could stand where its path is.
    """
    from urllib.parse import urlsplit

    text = text.strip()
    parts = urlsplit(text.replace(TRACE_ID, "{}"))
    is_https = text.startswith("https://") and _HOST_AND_PORT.fullmatch(parts.netloc)
    if not is_https or TRACE_ID not in text or not text.isprintable() or " " in text:
        raise ValueError(text)
    return text


def checked_url(url: str) -> str:
    """Return an https URL, or an http URL to a loopback host, without trailing slash.

    :raises ConfigurationError: it is anything else.
    """
    from urllib.parse import urlsplit  # a session without a URL needs none

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
            f"the URL {shown!r} contains a character that is not allowed in URLs or"
            " host names"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigurationError(
            f"the URL {shown!r} must look like https://host, it has no"
            f" {'host' if parts.scheme in ('http', 'https') else 'https://'}"
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            f"the URL {shown!r} must not have a user, password, query or fragment"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"the URL {shown!r} is plain http, which would expose the API key: use"
            " https (http is for localhost only)"
        )
    return parts.geturl().rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine: localhost, 127.0.0.0/8, ::1."""
    import ipaddress

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    if address.version == 6:  # Python 3.13 takes ::ffff:127.0.0.1 for loopback, too
        return address == ipaddress.IPv6Address("::1")
    return address.is_loopback
