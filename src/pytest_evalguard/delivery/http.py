"""HTTP to the services: one client, one deadline, one place for retries and errors.

Everything that leaves the process goes through `Client`; no other module imports httpx.
"""

from __future__ import annotations

import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime
from time import monotonic

import httpx

from .. import __version__
from ..errors import ServiceError
from ..model.redaction import Redactor
from .deadline import Deadline
from .network import Certificates, Proxy, certificates, proxy_for
from .reply import Reply as Reply, one_line

USER_AGENT = f"pytest-evalguard/{__version__}"
MAX_REPLY = 1_000_000
"""Most bytes read of a reply."""

MAX_LIST = 50_000_000
"""Most bytes read of a reply that lists everything."""

MAX_HOPS = 3
"""Most redirects followed, all on the same host."""

MAX_ATTEMPTS = 8
MAX_CONFLICTS = 3
"""Most attempts at one request, and most of them that may meet a 409."""

ATTEMPT_SECONDS = 30.0
"""How long one attempt may wait for a connection, or for more of an answer."""

_RETRIED = frozenset((408, 425, 429))
_FOLLOWED = frozenset((301, 302, 307, 308))
_CONFLICT = 409
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 20.0
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?")


class Unreachable(ServiceError):
    """No answer came: no connection, a connection lost, or no time left.

    `was_sent` says that the service may have heard the request all the same.
    """

    def __init__(self, message: str, *, was_sent: bool = True) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class Client:
    """Talks to one service with one key.

    :param base: the URL that every path is appended to.
    :param key: never shown, also where the service quotes it.
    :param header: the header that carries the key, and what it has there.
    """

    def __init__(self, base: str, key: str, header: tuple[str, str]) -> None:
        self._base = base
        name, value = header
        fixed = {"user-agent": USER_AGENT, "accept-encoding": "identity"}
        self._headers = {**fixed, name: value}
        self._clean = Redactor([key])
        self._http: httpx.Client | None = None
        self._proxy: Proxy | None = None
        self._certificates = Certificates(True, "")
        self._lock = threading.Lock()
        self._paused_until = 0.0

    def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            self._http.close()

    def send(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most: int = MAX_REPLY,
    ) -> Reply:
        """Send a request once, following redirects on the same host.

        A pause that the service asked for is kept to, whichever request it met.

        :param most: how many bytes are read of the reply.
        :raises Unreachable: no whole answer came before the deadline.
        :raises ServiceError: the service redirects elsewhere or wants a longer pause,
            or the environment's settings for proxies and certificates can't be used.
        """
        self._keep_pause(deadline)
        with self._lock:
            if self._http is None:
                self._proxy = proxy_for(self._base)
                self._certificates = certificates()
                self._http = _open(self._proxy, self._certificates)
            http = self._http
        merged = {**self._headers, **(headers or {})}
        if body is not None:
            merged["content-type"] = "application/json"
        try:
            url = httpx.URL(f"{self._base}{path}")
        except httpx.InvalidURL as error:
            raise ServiceError(f"{self._base} is no URL: {error}") from error
        for _ in range(MAX_HOPS + 1):
            request = http.build_request(method, url, content=body, headers=merged)
            reply = self._exchange(http, request, deadline, most)
            self._paused_until = max(self._paused_until, monotonic() + _pause(reply))
            if reply.status not in _FOLLOWED or "location" not in reply.headers:
                return reply
            url = self._same_host(url, reply)
        raise ServiceError(f"{self._base} redirected more than {MAX_HOPS} times")

    def _keep_pause(self, deadline: Deadline) -> None:
        pause = self._paused_until - monotonic()
        if pause > 0 and not deadline.wait(pause):
            raise ServiceError(
                f"the service asks for a pause of {pause:.0f} s, which is more time"
                " than is left"
            )

    def _exchange(
        self,
        http: httpx.Client,
        request: httpx.Request,
        deadline: Deadline,
        most: int,
    ) -> Reply:
        host = request.url.netloc.decode("ascii", "replace")
        if not deadline.left:
            raise Unreachable(f"{host}: no time left", was_sent=False)
        try:
            return _exchange(http, request, deadline, most, self._clean)
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            raise self._lost(host, error, http.is_closed) from None
        except ServiceError as error:
            raise type(error)(f"{host}: {error}") from None
        except UnicodeError as error:  # of the look-up of a name
            raise ServiceError(f"{host}: {self._message(error)}") from None
        except Exception as error:  # noqa: BLE001 # no network raises it: a mock left on
            by = f" (by {self._proxy.name})" if self._proxy else _MOCK
            # it may quote the key
            raise ServiceError(f"{host}: {self._message(error)}{by}") from None

    def _lost(self, host: str, error: Exception, is_closed: bool) -> ServiceError:
        """Return what to say of a request that got no answer."""
        text, proxy = self._message(error), self._proxy
        if not _is_from_network(error) and not is_closed:
            return ServiceError(f"{host}: {text}{_MOCK}")
        if _is_caused_by(error, ssl.SSLCertVerificationError):  # as the next time
            found = (
                self._certificates.source
                or "those of httpx; to use others, set SSL_CERT_FILE"
            )
            return ServiceError(f"{host}: {text} (trusted certificates: {found})")
        was_sent = not isinstance(error, _NOT_SENT)
        if proxy is None:
            return Unreachable(f"{host}: {text}", was_sent=was_sent)
        if not isinstance(error, httpx.ProxyError):
            is_tls = _is_caused_by(error, ssl.SSLError)
            if was_sent or (is_tls and not proxy.url.startswith("https:")):
                what = f"{host} by {proxy.name}: {text}"
                return Unreachable(what, was_sent=was_sent)
            what = f"{proxy.name} can't be reached, and so {host} can't"
            return Unreachable(f"{what}: {text}", was_sent=False)
        what = f"{host}: {text}: {proxy.name} says so, not the service"
        if str(error)[:1] == "4":  # its credentials or rules, which stay as they are
            return ServiceError(what)
        return Unreachable(what, was_sent=False)

    def _same_host(self, url: httpx.URL, reply: Reply) -> httpx.URL:
        location = reply.headers["location"]
        try:
            there = url.join(location)
        except (httpx.InvalidURL, ValueError):
            there = httpx.URL()
        if _origin(there) != _origin(url) or there.userinfo:
            raise ServiceError(
                f"HTTP {reply.status}: the service redirects to another host,"
                f" {one_line(self._clean(location))}, where neither the key nor the"
                " results may go: set the right base URL"
            )
        return there

    def _message(self, error: Exception) -> str:
        name = type(error).__name__
        text = one_line(self._clean(str(error)))
        return f"{name}: {text}" if text else name


def retrying(
    attempt: Callable[[], Reply],
    deadline: Deadline,
    rng: random.Random,
    tell: Callable[[str], object] = str,
) -> Reply:
    """Repeat a request until it is answered for good, the deadline or the cap is met.

    Repeated are lost connections, 408, 425, 429, 5xx, and 409 up to `MAX_CONFLICTS`
    times. Waits have full jitter, `Retry-After` is their floor; a wait that passes the
    deadline ends it at once. The last answer is returned.

    :param tell: takes what is waited for, in a few words.
    :raises Unreachable: the last attempt got no answer.
    """
    conflicts = 0
    for number in range(MAX_ATTEMPTS):
        pause = rng.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**number))
        is_last = number == MAX_ATTEMPTS - 1
        try:
            reply = attempt()
        except Unreachable as error:
            tell(f"{error}, again in {pause:.0f} s")
            if is_last or not deadline.wait(pause):
                raise
            continue
        conflicts += reply.status == _CONFLICT
        if is_last or not _is_retried(reply, conflicts):
            break
        pause = max(pause, retry_after(reply))
        tell(f"HTTP {reply.status}, again in {pause:.0f} s")
        if not deadline.wait(pause):
            break
    return reply


def retry_after(reply: Reply, now: Callable[[], float] = time.time) -> float:
    """Return the seconds that a reply's `Retry-After` asks for, 0 if it is unreadable.

    It is a number of seconds or an HTTP date (RFC 9110, section 10.2.3).
    """
    text = reply.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return max(0.0, moment.timestamp() - now())
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def is_temporary(status: int) -> bool:
    """Whether a later attempt may have another answer."""
    return status in _RETRIED or status >= 500 or status == _CONFLICT


def leaves_doubt(reply: Reply) -> bool:
    """Whether what was sent may have been stored for all that was answered."""
    data = reply.data
    is_error = isinstance(data, dict) and bool(data.get("error"))
    if reply.status == 503 and ("retry-after" in reply.headers or is_error):
        return False  # it is the service that takes none now, not a gateway in between
    return reply.status < 300 or reply.status >= 500 or reply.status == 408


def _pause(reply: Reply) -> float:
    return retry_after(reply) if is_temporary(reply.status) else 0.0


def _is_retried(reply: Reply, conflicts: int) -> bool:
    if reply.status == _CONFLICT:
        return conflicts < MAX_CONFLICTS
    return is_temporary(reply.status)


def _open(proxy: Proxy | None, trusted: Certificates) -> httpx.Client:
    """Return a client that takes nothing from the environment by itself."""
    try:
        by = None if proxy is None else httpx.Proxy(proxy.url, auth=proxy.auth)
        return httpx.Client(
            follow_redirects=False, trust_env=False, verify=trusted.verify, proxy=by
        )
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
        source = proxy.name if proxy else trusted.source
        raise ServiceError(
            "the environment's settings for proxies or certificates can't be used:"
            f" {source}: {type(error).__name__}"
        ) from None


_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_MOCK = (
    ": something in this process answers instead of the network, perhaps a mock that a"
    " test left active"
)


def _is_from_network(error: Exception) -> bool:
    """Whether an error is one of the network's, and not of what stands in for it.

    httpx has its errors from httpcore; mocks raise httpx's own, or any.
    """
    if isinstance(error, httpx.HTTPError):
        cause = error.__cause__
        return type(cause).__module__.partition(".")[0].startswith("httpcore")
    return not isinstance(error, RuntimeError)


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error is not None


def _exchange(
    http: httpx.Client,
    request: httpx.Request,
    deadline: Deadline,
    most: int,
    clean: Callable[[str], str],
) -> Reply:
    seconds = min(ATTEMPT_SECONDS, max(deadline.left, 0.001))
    # it is for each read, and a server that drips has many (encode/httpx#1450)
    request.extensions["timeout"] = httpx.Timeout(seconds).as_dict()
    response = http.send(request, stream=True)
    try:
        if "network_stream" not in response.extensions:
            raise ServiceError(f"HTTP {response.status_code}{_MOCK}")
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = _read(response, deadline, most)
        is_cut = len(body) > most
        return Reply(response.status_code, body[:most], headers, clean, is_cut)
    finally:
        response.close()


def _read(response: httpx.Response, deadline: Deadline, most: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > most:
            break
        if not deadline.left:
            raise Unreachable("no complete answer in time")
    return bytes(body)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
