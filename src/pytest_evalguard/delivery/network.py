"""The proxy and the certificates that the environment names for a service.

They are read here, and not by httpx: of many a value that other tools take, httpx says
no more than "Invalid port: ':'" (encode/httpx#3574), and of none which variable has it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies

from ..errors import ServiceError

_SCHEMES = ("http", "https", "socks5", "socks5h")
_CERTIFICATES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Proxy(NamedTuple):
    """A proxy: its URL without credentials, those, and what names it."""

    url: str
    auth: tuple[str, str] | None
    source: str

    @property
    def name(self) -> str:
        """What it is called in messages, without credentials."""
        return f"the proxy {urlsplit(self.url).netloc} ({self.source})"


def proxy_for(url: str, environ: Mapping[str, str] = os.environ) -> Proxy | None:
    """Return the proxy that a service is to be reached by, if any.

    What is not encrypted goes to this machine only: a proxy would get the key to read.

    :raises ServiceError: the one that is named can't be used; it says which variable.
    """
    service = urlsplit(url)
    known = getproxies()  # the system's own, where the environment names none
    value = known.get("https") or known.get("all")
    if service.scheme == "http" or not value or _is_spared(service, known.get("no")):
        return None
    names = (name for name in environ if name.lower() in ("https_proxy", "all_proxy"))
    source = next((name for name in names if environ[name] == value), "system settings")
    return _proxy(value, source)


def _proxy(value: str, source: str) -> Proxy:
    text = value.strip() if "://" in value else f"http://{value.strip()}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:  # its message may quote the password
        raise _unusable(source, text, f"it is no URL{_ENCODE}") from None
    scheme, rest = parts.scheme.lower(), f"{parts.path}{parts.query}{parts.fragment}"
    if scheme not in _SCHEMES:
        raise _unusable(source, text, f"a proxy's scheme is {' or '.join(_SCHEMES)}")
    if not host or "@" in rest:
        raise _unusable(source, text, f"it has no host{_ENCODE}")
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise _unusable(source, text, "it needs a package: pip install socksio")
    host = f"[{host}]" if ":" in host else host
    place = host if port is None else f"{host}:{port}"
    auth = (unquote(parts.username or ""), unquote(parts.password or ""))
    return Proxy(f"{scheme}://{place}", auth if any(auth) else None, source)


_ENCODE = (
    "; characters such as @ : / # in the user or password must be percent-encoded,"
    " such as %40 for @"
)


def _unusable(source: str, value: str, why: str) -> ServiceError:
    shown = value.rpartition("@")[2]  # without credentials
    return ServiceError(
        "the environment's settings for proxies or certificates can't be used:"
        f" {source} names the proxy {shown!r}: {why}"
    )


def _is_spared(service: SplitResult, no_proxy: str | None) -> bool:
    """Whether a service is to be reached without a proxy.

    Entries are domains, addresses and networks, as curl has them; what is none of them
    spares nothing.
    """
    entries = (each.strip() for each in (no_proxy or "").split(","))
    return any(each == "*" or _is_meant(service, each) for each in entries if each)


def _is_meant(service: SplitResult, entry: str) -> bool:
    scheme, separator, rest = entry.rpartition("://")
    if separator and scheme not in (service.scheme, "all"):
        return False
    host = (service.hostname or "").rstrip(".").lower()
    with suppress(ValueError):
        network = ip_network(rest.strip("[]"), strict=False)
        with suppress(ValueError):
            return ip_address(host) in network
        return False
    name, port = rest, ""
    if rest.count(":") == 1 or "]:" in rest:
        name, _, port = rest.rpartition(":")
    own_port = service.port or _DEFAULT_PORTS.get(service.scheme)
    if port and port != str(own_port):
        return False
    name = name.strip("[]").lstrip("*").strip(".").lower()
    return bool(name) and (host == name or host.endswith(f".{name}"))


class Certificates(NamedTuple):
    """What is trusted, as httpx takes it, and what names it; empty for its own."""

    verify: ssl.SSLContext | bool
    source: str


def certificates(environ: Mapping[str, str] = os.environ) -> Certificates:
    """Return the certificates of the authorities that are trusted.

    They are all that the variables of OpenSSL, requests and curl name, else httpx's
    own: a company's may stand in one of them, and the system's in another.

    :raises ServiceError: a variable names what can't be read; it says which and what.
    """
    given = [name for name in _CERTIFICATES if environ.get(name)]
    context = None
    # several often name the same file, and to load one takes as long as a request
    for value, name in {environ[name]: name for name in reversed(given)}.items():
        context = _trusting(context, name, value)
    source = ", ".join(f"{name}={environ[name]}" for name in given)
    return Certificates(context or True, source)


def _trusting(context: ssl.SSLContext | None, name: str, value: str) -> ssl.SSLContext:
    where = {"capath" if os.path.isdir(value) else "cafile": value}
    try:
        if context is None:
            return ssl.create_default_context(**where)  # type: ignore[arg-type] # paths
        context.load_verify_locations(**where)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        why = getattr(error, "strerror", None) or str(error)
        raise ServiceError(
            "the environment's settings for proxies or certificates can't be used:"
            f" {name} names {value!r}, where no certificates can be read: {why}"
        ) from None
    return context
