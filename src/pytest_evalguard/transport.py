"""HTTP to the services: one client, one deadline, one place for retries and errors.

Everything that leaves the process goes through `Client`; no other module imports httpx.
"""

from __future__ import annotations

import json
import queue
import random
import threading
import time
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin
from urllib.parse import urlsplit

import httpx

from . import __version__
from .deadline import Deadline
from .errors import ServiceError
from .urls import origin

USER_AGENT = f"pytest-evalguard/{__version__}"
MAX_REPLY = 1_000_000
"""Most bytes read of a reply."""

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
_SHOWN = 200


@dataclass(frozen=True)
class Reply:
    """What a service answered; `body` is at most `MAX_REPLY` bytes of it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Any:
        """The body read as JSON, None when it is not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def is_html(self) -> bool:
        """Whether the body is a page for people."""
        return self.body.lstrip()[:1] == b"<"

    @property
    def request_id(self) -> str | None:
        """The service's name for the request, for its support."""
        error = _error_of(self.data)
        said = error.get("requestId") if error else None
        value = said or self.headers.get("x-request-id")
        return _printable(str(value)) if value else None

    def explain(self, reasons: Mapping[int, str] | None = None) -> str:
        """Say what the service answered: status, its own words, the request's id.

        :param reasons: what a status means, in words that help.
        """
        parts = [f"HTTP {self.status}"]
        if reasons and self.status in reasons:
            parts.append(reasons[self.status])
        if self.is_html:
            parts.append("an HTML page: is the base URL right?")
        elif message := self._message():
            parts.append(f"the service said: {message}")
        text = ", ".join(parts)
        return f"{text} (request {self.request_id})" if self.request_id else text

    def _message(self) -> str:
        error = _error_of(self.data)
        if error:
            code = f"{error['code']}: " if error.get("code") else ""
            return _printable(f"{code}{error.get('message', '')}")
        return _printable(self.body.decode("utf-8", "replace"))


class Unreachable(ServiceError):
    """No answer came: no connection, a connection lost, or no time left."""


class Client:
    """Talks to one service with one key.

    :param base: the URL that every path is appended to.
    :param headers: sent with every request, the key among them.
    """

    def __init__(self, base: str, headers: Mapping[str, str]) -> None:
        self._base = base
        fixed = {"user-agent": USER_AGENT, "accept-encoding": "identity"}
        self._headers = {**fixed, **headers}
        self._http = httpx.Client(follow_redirects=False)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request once, following redirects on the same host.

        :raises Unreachable: no whole answer came before the deadline.
        :raises ServiceError: the service redirects elsewhere.
        """
        url = f"{self._base}{path}"
        merged = {**self._headers, **(headers or {})}
        if body is not None:
            merged["content-type"] = "application/json"
        for _ in range(MAX_HOPS + 1):
            request = self._http.build_request(
                method, url, content=body, headers=merged
            )
            reply = self._exchange_within(request, deadline)
            if reply.status not in _FOLLOWED or "location" not in reply.headers:
                return reply
            url = _same_host(url, reply)
        raise ServiceError(f"{self._base} redirected more than {MAX_HOPS} times")

    def _exchange_within(self, request: httpx.Request, deadline: Deadline) -> Reply:
        return _within(deadline, lambda: self._exchange(request, deadline))

    def _exchange(self, request: httpx.Request, deadline: Deadline) -> Reply:
        seconds = min(ATTEMPT_SECONDS, max(deadline.left, 0.001))
        timeout = httpx.Timeout(seconds).as_dict()
        request.extensions["timeout"] = timeout
        try:
            response = self._http.send(request, stream=True)
            try:
                return Reply(
                    response.status_code,
                    _read(response, deadline),
                    {name.lower(): value for name, value in response.headers.items()},
                )
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Unreachable(_transport_message(error)) from error


def retrying(
    attempt: Callable[[], Reply], deadline: Deadline, chance: random.Random
) -> Reply:
    """Repeat a request until it is answered for good, the deadline or the cap is met.

    Repeated are lost connections, 408, 425, 429, 5xx, and 409 up to `MAX_CONFLICTS`
    times. Waits have full jitter, `Retry-After` is their floor; a wait that passes the
    deadline ends it at once. The last answer is returned.

    :raises Unreachable: the last attempt got no answer.
    """
    conflicts = 0
    for number in range(MAX_ATTEMPTS):
        pause = chance.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**number))
        is_last = number == MAX_ATTEMPTS - 1
        try:
            reply = attempt()
        except Unreachable:
            if is_last or not deadline.wait(pause):
                raise
            continue
        conflicts += reply.status == _CONFLICT
        if is_last or not _is_retried(reply, conflicts):
            break
        if not deadline.wait(max(pause, retry_after(reply))):
            break
    return reply


def retry_after(reply: Reply, now: Callable[[], float] = time.time) -> float:
    """Return the seconds that a reply's `Retry-After` asks for, 0 if it is unreadable.

    It is a number of seconds or an HTTP date (RFC 9110, section 10.2.3).
    """
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(
        0.0, (moment - datetime.fromtimestamp(now(), timezone.utc)).total_seconds()
    )


def is_temporary(status: int) -> bool:
    """Whether a later attempt may have another answer."""
    return status in _RETRIED or status >= 500 or status == _CONFLICT


def _is_retried(reply: Reply, conflicts: int) -> bool:
    if reply.status == _CONFLICT:
        return conflicts < MAX_CONFLICTS
    return is_temporary(reply.status)


def _within(deadline: Deadline, exchange: Callable[[], Reply]) -> Reply:
    """Run an exchange in a thread of its own, left behind when time is up.

    Timeouts of httpx are per read, and name look-up has none: a server that drips a
    byte at a time could hold the caller for ever.
    """
    results: queue.SimpleQueue[Reply | ServiceError] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put(exchange())
        except ServiceError as error:
            results.put(error)
        except RuntimeError as error:  # the client was closed meanwhile
            results.put(Unreachable(str(error)))

    threading.Thread(target=run, name="evalguard-http", daemon=True).start()
    try:
        result = results.get(timeout=deadline.left)
    except queue.Empty:
        raise Unreachable("no answer in time") from None
    if isinstance(result, ServiceError):
        raise result
    return result


def _read(response: httpx.Response, deadline: Deadline) -> bytes:
    body = b""
    for chunk in response.iter_raw():
        body += chunk
        if len(body) >= MAX_REPLY or not deadline.left:
            break
    return body[:MAX_REPLY]


def _same_host(url: str, reply: Reply) -> str:
    location = urljoin(url, reply.headers["location"])
    try:
        here, there = origin(urlsplit(url)), origin(urlsplit(location))
    except ValueError:
        there = None
    if here != there:
        raise ServiceError(
            f"HTTP {reply.status}: the service redirects to another host,"
            f" {_printable(location)}, where the key and the results do not belong:"
            " set the base URL to the right one"
        )
    return location


def _transport_message(error: Exception) -> str:
    name = type(error).__name__
    text = _printable(str(error))
    return f"{name}: {text}" if text else name


def _error_of(data: object) -> dict[str, Any] | None:
    """Return message and code of a failure in any of the shapes services use."""
    if not isinstance(data, dict):
        return None
    error = data.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        details = data.get("message") or data.get("details")
        return {"message": f"{error}: {details}" if details else error}
    return (
        {"message": data["message"]} if isinstance(data.get("message"), str) else None
    )


def _printable(text: str) -> str:
    line = " ".join(text[: 4 * _SHOWN].split())
    line = "".join(char if char.isprintable() else "?" for char in line)
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
