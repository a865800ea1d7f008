"""The way to a service: one host, one deadline, few attempts, and clear words."""

from __future__ import annotations

import json
import random
import re
import socket
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from urllib.parse import unquote

import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.config.urls import checked_url, is_loopback
from pytest_evalguard.delivery.deadline import Deadline, real_now, within
from pytest_evalguard.delivery.evalguard.service import api_base
from pytest_evalguard.delivery.http import (
    MAX_ATTEMPTS,
    MAX_CONFLICTS,
    MAX_HOPS,
    MAX_REPLY,
    USER_AGENT,
    Client,
    Reply,
    Unreachable,
    is_temporary,
    retry_after,
    retrying,
)
from pytest_evalguard.errors import ConfigurationError, ServiceError
from standin import Drip, Hang, Redirect, Reply as Bytes, Reset, Slow, StandIn, Status

PATH = "/api/v1/evals/none/results"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.delenv(name, raising=False)


def a_client(base: str, key: str) -> Client:
    return Client(base, key, ("authorization", f"Bearer {key}"))


@pytest.fixture
def client(standin: StandIn) -> Iterator[Client]:
    client = a_client(standin.url, standin.key)
    yield client
    client.close()


def post(client: Client, seconds: float = 20, path: str = PATH) -> Reply:
    headers = {"idempotency-key": "k"}
    return client.send("POST", path, Deadline(seconds), b'{"results":[]}', headers)


def everything_said(error: BaseException) -> str:
    """What a traceback would show, causes included."""
    return "".join(traceback.format_exception(error)) + repr(error)


# Attempts


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 # spreads retries, hides nothing


CHANCE = chance(1)


class Clock:
    """A clock that only `sleep` moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, self, self.sleep)


class Service:
    """Answers by a schedule: statuses, with a Retry-After or not, and no answer."""

    def __init__(
        self, schedule: list[tuple[int | None, str | None, float]], clock: Clock
    ):
        self.schedule = iter(schedule)
        self.clock = clock
        self.replies: list[Reply | None] = []

    def attempt(self) -> Reply:
        status, wait, seconds = next(self.schedule, (200, None, 0.0))
        self.clock.now += seconds
        if status is None:
            self.replies.append(None)
            raise Unreachable("lost")
        headers = {} if wait is None else {"retry-after": wait}
        self.replies.append(Reply(status, b"", headers))
        return self.replies[-1]  # type: ignore[return-value] # it is the one appended


STATUSES = st.sampled_from(
    [None, 200, 204, 304, 400, 401, 404, 408, 409, 422, 425, 429, 500, 502, 503, 504]
)
WAITS = st.one_of(
    st.none(),
    st.integers(0, 120).map(str),
    st.sampled_from(
        ["soon", "-5", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"]
    ),
)
SCHEDULES = st.lists(st.tuples(STATUSES, WAITS, st.floats(0, 5)), max_size=15)


@settings(max_examples=200)
@given(SCHEDULES, st.floats(0, 200), st.randoms(use_true_random=False))
def test_no_schedule_of_answers_breaks_the_rules(
    schedule: list[tuple[int | None, str | None, float]],
    seconds: float,
    luck: random.Random,
) -> None:
    clock = Clock()
    service, deadline = Service(schedule, clock), clock.deadline(seconds)
    end = clock.now + seconds
    try:
        last: Reply | None = retrying(service.attempt, deadline, luck)
    except Unreachable:
        last = None
    replies = service.replies
    assert last is replies[-1]
    assert 1 <= len(replies) <= MAX_ATTEMPTS
    assert (
        sum(each is not None and each.status == 409 for each in replies)
        <= MAX_CONFLICTS
    )
    assert all(each is None or is_temporary(each.status) for each in replies[:-1])
    assert len(clock.slept) == len(replies) - 1
    for number, (slept, reply) in enumerate(zip(clock.slept, replies, strict=False)):
        floor = 0.0 if reply is None else retry_after(reply, lambda: 0.0)
        assert floor <= slept <= max(floor, min(20.0, 0.5 * 2**number))
    slept_until = clock.now - sum(each[2] for each in schedule[len(replies) - 1 :][:1])
    assert not clock.slept or slept_until <= end + 1e-6  # sums of floats


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 410, 413, 418, 422, 200, 302]
)
def test_an_answer_for_good_is_not_asked_for_twice(status: int) -> None:
    clock = Clock()
    service = Service([(status, "1", 0.0)] * 3, clock)
    assert retrying(service.attempt, clock.deadline(60), CHANCE).status == status
    assert len(service.replies) == 1


@pytest.mark.parametrize("status", [None, 408, 425, 429, 500, 502, 503, 504, 599])
def test_a_passing_trouble_is_tried_again_until_the_cap(status: int | None) -> None:
    clock = Clock()
    service = Service([(status, None, 0.0)] * 20, clock)
    with pytest.raises(Unreachable) if status is None else nullcontext():
        retrying(service.attempt, clock.deadline(10_000), CHANCE)
    assert len(service.replies) == MAX_ATTEMPTS


def test_a_conflict_is_tried_again_a_few_times_only() -> None:
    clock = Clock()
    service = Service([(409, None, 0.0)] * 20, clock)
    assert retrying(service.attempt, clock.deadline(1000), CHANCE).status == 409
    assert len(service.replies) == MAX_CONFLICTS


def test_waits_are_spread_over_their_whole_range() -> None:
    slept: list[list[float]] = [[] for _ in range(MAX_ATTEMPTS - 1)]
    for seed in range(300):
        clock = Clock()
        service = Service([(503, None, 0.0)] * 20, clock)
        retrying(service.attempt, clock.deadline(10_000), chance(seed))
        for number, seconds in enumerate(clock.slept):
            slept[number].append(seconds / min(20.0, 0.5 * 2**number))
    for shares in slept:
        assert min(shares) < 0.05
        assert max(shares) > 0.95
        assert 0.4 < sum(shares) / len(shares) < 0.6


def test_a_wait_past_the_deadline_ends_it_at_once() -> None:
    clock = Clock()
    service = Service([(503, "61", 0.0)] * 3, clock)
    assert retrying(service.attempt, clock.deadline(60), CHANCE).status == 503
    assert clock.slept == []


# Retry-After

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("0", 0), ("120", 120), (" 7 ", 7), ("1.5", 1.5), ("9" * 30, 1e30)),
        *(("9" * 400, float("inf")), (format_datetime(NOW, usegmt=True), 0)),
        ("Sat, 21 Nov 2026 12:01:30 GMT", 90),
        ("Sat, 21 Nov 2026 12:01:30 -0000", 90),
        ("Sat, 21 Nov 2026 13:01:30 +0100", 90),
        ("Saturday, 21-Nov-26 12:01:30 GMT", 90),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 251_638_313_999),
        *(
            ("", 0),
            ("soon", 0),
            ("-5", 0),
            ("1e3", 0),
            ("nan", 0),
            ("inf", 0),
            ("٣", 0),
        ),
        *(("Sat, 99 Nov 2026 12:00:00 GMT", 0), ("Mon, 00 Jan 0000", 0), ("1, 2", 0)),
        *(("Sat, 21 Nov 99999 12:00:00 GMT", 0), ("0x10", 0), ("\x00", 0)),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(text: str, seconds: float) -> None:
    reply = Reply(503, b"", {"retry-after": text})
    assert retry_after(reply, NOW.timestamp) == pytest.approx(seconds, rel=0.01)


@given(st.text())
def test_no_text_in_retry_after_is_an_error(text: str) -> None:
    assert retry_after(Reply(503, b"", {"retry-after": text})) >= 0


def test_retry_after_may_be_missing() -> None:
    assert retry_after(Reply(503, b"")) == 0


# The deadline


def test_a_deadline_counts_down_and_stops_at_zero() -> None:
    clock = Clock()
    deadline = clock.deadline(5)
    clock.now += 3
    assert deadline.left == 2
    clock.now += 3
    assert deadline.left == 0


def test_a_wait_fits_or_is_not_begun() -> None:
    clock = Clock()
    deadline = clock.deadline(5)
    assert deadline.wait(3)
    assert deadline.wait(2) is False
    assert clock.slept == [3]


def test_the_time_of_day_goes_on_with_the_clock_that_no_test_can_freeze() -> None:
    assert real_now(lambda: 7.0) - real_now(lambda: 2.5) == timedelta(seconds=4.5)
    assert abs(real_now() - datetime.now(timezone.utc)) < timedelta(seconds=60)


# One exchange


def test_a_request_carries_what_it_must(standin: StandIn, client: Client) -> None:
    post(client)
    (request,) = standin.requests
    assert (request.method, request.path) == ("POST", PATH)
    assert request.body == b'{"results":[]}'
    assert request.headers["authorization"] == f"Bearer {standin.key}"
    assert request.headers["idempotency-key"] == "k"
    assert request.headers["user-agent"] == USER_AGENT
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["content-length"] == "14"


def test_a_passed_deadline_sends_nothing(standin: StandIn, client: Client) -> None:
    with pytest.raises(Unreachable, match="no time left"):
        post(client, seconds=0)
    assert standin.requests == []


@pytest.mark.parametrize(
    "fault",
    [Hang(), Hang(store=True), Drip(0.02, "headers"), Drip(0.02, "body"), Slow(60)],
    ids=repr,
)
def test_no_server_holds_a_call_past_its_deadline(
    standin: StandIn, client: Client, fault: Hang | Drip | Slow
) -> None:
    standin.plan(fault)
    start = time.monotonic()
    with pytest.raises(
        ServiceError, match=r"no answer in time|Timeout|no complete answer"
    ):
        within(Deadline(0.3), lambda: post(client, seconds=0.3))
    assert 0.2 < time.monotonic() - start < 2


@pytest.mark.parametrize("when", ["before", "middle", "after"])
def test_a_lost_connection_is_unreachable(
    standin: StandIn, client: Client, when: str
) -> None:
    standin.plan(Reset(when))  # type: ignore[arg-type] # one of its literals
    error = r"^127\.0\.0\.1:\d+: (Read|RemoteProtocol)Error"
    with pytest.raises(Unreachable, match=error):
        post(client)


def test_no_server_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = a_client(f"http://127.0.0.1:{port}", "eg_12345678")
    with pytest.raises(Unreachable, match=r"^127\.0\.0\.1:\d+: ConnectError") as caught:
        post(client)
    assert "eg_12345678" not in everything_said(caught.value)


def test_the_same_client_goes_on_after_a_fault(
    standin: StandIn, client: Client
) -> None:
    standin.plan(Hang(), Reset(), None)
    for _ in range(2):
        with pytest.raises(Unreachable):
            post(client, seconds=0.2)
    assert post(client).status == 404


def test_a_closed_client_is_unreachable(standin: StandIn) -> None:
    client = a_client(standin.url, "eg_12345678")
    post(client)
    client.close()
    with pytest.raises(Unreachable, match="closed"):
        post(client)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "x..example", "é" * 300])
def test_a_name_that_no_look_up_takes_is_an_error_of_ours(host: str) -> None:
    client = a_client(f"https://{host}", "eg_12345678")
    start = time.monotonic()
    with pytest.raises(ServiceError):
        post(client)
    assert time.monotonic() - start < 10


def test_a_reply_too_large_is_cut(standin: StandIn, client: Client) -> None:
    standin.plan(Bytes(200, b"x" * (3 * MAX_REPLY)))
    assert len(post(client).body) == MAX_REPLY


def test_a_key_that_no_header_takes_is_not_shown(standin: StandIn) -> None:
    client = a_client(standin.url, "eg_key_with\nbreak")
    with pytest.raises(ServiceError) as caught:
        post(client)
    assert "eg_key" not in everything_said(caught.value)
    assert standin.requests == []


def test_reprs_show_no_key(standin: StandIn, client: Client) -> None:
    standin.plan(Status(500, {"error": f"bad key {standin.key}"}))
    shown = repr(client) + str(client) + repr(post(client))
    assert standin.key not in shown


# Redirects


def test_a_redirect_on_the_same_host_keeps_all(
    standin: StandIn, client: Client
) -> None:
    for code in (301, 302, 307, 308):
        standin.plan(Redirect(f"{PATH}?moved={code}", code), None)
        assert post(client).status == 404
        first, second = standin.requests[-2:]
        assert second.path == f"{PATH}?moved={code}"
        assert (second.method, second.body) == (first.method, first.body)
        assert second.headers == first.headers


@pytest.mark.parametrize("hops", range(6))
def test_at_most_three_redirects_are_followed(
    standin: StandIn, client: Client, hops: int
) -> None:
    standin.plan(*[Redirect(PATH)] * hops)
    if hops <= MAX_HOPS:
        assert post(client).status == 404
    else:
        with pytest.raises(ServiceError, match="redirected more than 3 times"):
            post(client)
    assert len(standin.requests) == min(hops, MAX_HOPS) + 1


# httpx itself refuses to read a few
_ELSEWHERE = re.compile("redirects to another host|Invalid URL in location|InvalidURL")


@pytest.mark.parametrize("code", [301, 302, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/x",
        "https://127.0.0.1:{port}/x",
        "http://127.0.0.1:{other}/x",
        "http://127.0.0.1/x",
        "//evil.example/x",
        "http://127.0.0.1:{port}@evil.example/x",
        "http://user:pass@127.0.0.1:{port}/x",
        "http://127.0.0.1:{port}\\@evil.example/x",
        "http://127.0.0.1:{port}.evil.example/",
        "http://[::1]:{port}/x",
        "http://[bad/x",
        "http://h:99999/x",
        "ftp://127.0.0.1:{port}/x",
        "javascript:alert(1)",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(
    standin: StandIn, client: Client, location: str, code: int
) -> None:
    with StandIn() as other:
        port, other_port = (each.url.rpartition(":")[2] for each in (standin, other))
        standin.plan(Redirect(location.format(port=port, other=other_port), code))
        with pytest.raises(ServiceError, match=_ELSEWHERE) as caught:
            post(client)
        assert other.requests == []
    assert len(standin.requests) == 1
    assert standin.key not in everything_said(caught.value)


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/y?z=1", "/y?z=1"),
        ("y", "/api/v1/evals/none/y"),
        ("/\\evil.example", "/\\evil.example"),
    ],
)
def test_a_relative_redirect_stays_on_the_host(
    standin: StandIn, client: Client, location: str, path: str
) -> None:
    standin.plan(Redirect(location))
    post(client)
    # older versions of httpx quote the backslash
    assert unquote(standin.requests[-1].path) == path


def test_a_redirect_without_a_location_is_an_answer(
    standin: StandIn, client: Client
) -> None:
    standin.plan(Bytes(308, b"moved"))
    assert post(client).status == 308


# The environment


class Proxy:
    """Notes the first line and the headers of what it is asked, and refuses."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.asked = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            while b"\r\n\r\n" not in self.asked and (data := connection.recv(4096)):
                self.asked += data
            connection.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")

    def close(self) -> None:
        with socket.create_connection(self._server.getsockname(), timeout=5):
            pass
        self._thread.join(5)
        self._server.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    yield proxy
    proxy.close()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_users_proxy_is_asked_for_a_tunnel_and_sees_no_key(
    monkeypatch: pytest.MonkeyPatch, proxy: Proxy, name: str
) -> None:
    monkeypatch.setenv(name, proxy.url)
    client = a_client("https://service.example", "eg_12345678")
    with pytest.raises(Unreachable, match=r"^service\.example: ProxyError"):
        post(client)
    assert proxy.asked.startswith(b"CONNECT service.example:443 ")
    assert b"eg_12345678" not in proxy.asked


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_what_is_not_encrypted_goes_through_no_proxy(
    monkeypatch: pytest.MonkeyPatch,
    proxy: Proxy,
    standin: StandIn,
    client: Client,
    name: str,
) -> None:
    monkeypatch.setenv(name, proxy.url)
    assert post(client).status == 404
    assert proxy.asked == b""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks5://user:hunter2pass@127.0.0.1:1"),
        ("HTTPS_PROXY", "gopher://user:hunter2pass@h"),
        ("HTTPS_PROXY", "http://[bad"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem"),
    ],
)
def test_an_environment_that_can_t_be_used_is_said(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    client = a_client("https://127.0.0.1:1", "eg_12345678")
    with pytest.raises(ServiceError, match=r"proxies or certificates|Error") as caught:
        post(client)
    assert "hunter2pass" not in everything_said(caught.value)


# What a service says


def said(status: int, body: object, headers: Mapping[str, str] = {}) -> str:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, raw, headers).explain({401: "wrong key"})


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (
            400,
            {"success": False, "error": {"message": "bad row", "code": "invalid"}},
            "HTTP 400, the service said: invalid: bad row",
        ),
        (
            401,
            {"success": False, "error": {"message": "no", "requestId": "r1"}},
            "HTTP 401, wrong key, the service said: no (request r1)",
        ),
        (400, {"error": "flat"}, "HTTP 400, the service said: flat"),
        (400, {"error": "code", "message": "m"}, "HTTP 400, the service said: code: m"),
        (400, {"message": "m"}, "HTTP 400, the service said: m"),
        (400, {"error": {"code": "c"}}, "HTTP 400, the service said: c"),
        (400, {"error": {"message": None, "code": 7}}, "HTTP 400, the service said: 7"),
        (400, {"error": {}}, 'HTTP 400, the service said: {"error": {}}'),
        (400, ["x"], 'HTTP 400, the service said: ["x"]'),
        (
            500,
            b"plain text\nof two lines",
            "HTTP 500, the service said: plain text of two lines",
        ),
        (502, b"<html><h1>Bad</h1>", "HTTP 502, an HTML page: is the base URL right?"),
        (200, b" \n<!doctype html>", "HTTP 200, an HTML page: is the base URL right?"),
        (200, b"", "HTTP 200"),
        (200, b"null", "HTTP 200, the service said: null"),
        (400, b"\xff\xfe\x00", "HTTP 400, the service said: \ufffd\ufffd?"),
        (
            400,
            {"error": "\x1b[31m\u202e\ud800x"},
            "HTTP 400, the service said: ?[31m??x",
        ),
    ],
)
def test_a_reply_is_explained(status: int, body: object, text: str) -> None:
    assert said(status, body) == text


@pytest.mark.parametrize(
    ("status", "blamed"), [(401, False), (403, False), (404, True)]
)
def test_the_page_of_a_proxy_says_nothing_of_the_key(status: int, blamed: bool) -> None:
    reply = Reply(status, b"<html>")
    assert ("a reason" in reply.explain({status: "a reason"})) == blamed


def test_the_request_id_may_be_in_a_header_only() -> None:
    assert said(500, b"", {"x-request-id": "r2"}) == "HTTP 500 (request r2)"
    inner = {"error": {"message": "m", "requestId": "r1"}}
    assert said(500, inner, {"x-request-id": "r2"}).endswith("(request r1)")


@given(st.binary(max_size=50) | st.text().map(str.encode) | st.just(b"[" * 9_000))
def test_any_reply_is_explained_in_one_short_line(body: bytes) -> None:
    for raw in (body, json.dumps({"error": body.decode("latin-1") * 99}).encode()):
        text = Reply(500, raw, {"x-request-id": "r" * 9_999}).explain()
        assert text.isprintable()
        assert len(text) < 500


def test_a_service_that_quotes_the_key_does_not_spread_it(
    standin: StandIn, client: Client
) -> None:
    for body in (
        {"error": f"Invalid key {standin.key} of sk-proj-0123456789abcdef0123"},
        {"error": {"message": " " * 190 + standin.key, "requestId": standin.key}},
        {"error": {"message": "x" * 190 + " " + standin.key}},
    ):
        standin.plan(Status(401, body))
        text = post(client).explain()
        assert standin.key[:8] not in text
        assert "sk-proj" not in text


def test_an_odd_reply_has_no_data() -> None:
    for body in (b"", b"{", b"\xff", b"1" * 5_000, b"[" * 100_000):
        assert Reply(200, body).data is None


# URLs

REFUSED = {
    "http://127.0.0.1.evil.example": "plain http",
    "http://localhost.evil.example": "plain http",
    "http://localhost.": "plain http",
    "http://evil.example": "plain http",
    "http://0.0.0.0": "plain http",
    "http://0": "plain http",
    "http://127.1": "plain http",
    "http://2130706433": "plain http",
    "http://0x7f000001": "plain http",
    "http://[::ffff:127.0.0.1]": "plain http",
    "http://[::]": "plain http",
    "http://128.0.0.1": "plain http",
    "http://ⓛocalhost": "character",
    "http://①27.0.0.1": "plain http",
    "https://good.example@evil.example": "not have a user",
    "https://user:hunter2@h.example": "not have a user",
    "https://@h.example": "not have a user",
    "https://user:hunt@er2:hunter2@h.example": "not have a user",
    "https://good.example\\@evil.example": "character",
    "https://good.example\\.evil.example": "character",
    "https://good.example%2eevil.example": "character",
    "https://good.example/x\\y": "character",
    "https://good example": "character",
    "https://good\u200b.example": "character",
    "https://good\n.example": "character",
    "https://h.example/\u202e": "character",
    "https://[::1%25eth0]": "character",
    "https://h.example/?q=1": "query",
    "https://h.example/#f": "query",
    "https://h.example:port": "can't be read",
    "https://h.example:99999": "can't be read",
    "https://[bad": "can't be read",
    "https://": "no host",
    "https:///path": "no host",
    "https:h.example": "no host",
    "https:\\\\h.example": "character",
    "h.example": "no https://",
    "//h.example": "no https://",
    "ftp://h.example": "no https://",
    "javascript:alert(1)": "no https://",
    "": "no https://",
    "   ": "no https://",
}


@pytest.mark.parametrize("url", REFUSED, ids=repr)
def test_a_url_that_could_leak_the_key_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=REFUSED[url]) as caught:
        checked_url(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://[bad", "'https://[bad' can't be read: Invalid IPv6 URL"),
        (
            "https://a b",
            "'https://a b' contains a character that is not allowed in URLs or host"
            " names",
        ),
        (
            "ftp://h/x",
            "'ftp://h/x' must look like https://host, it has no https://",
        ),
        ("http:///x", "'http:///x' must look like https://host, it has no host"),
        (
            "https://me:hunter2@h.example",
            "'h.example' must not have a user, password, query or fragment",
        ),
        (
            "http://h.example",
            "'http://h.example' is plain http, which would expose the API key: use"
            " https (http is for localhost only)",
        ),
    ],
)
def test_what_is_wrong_with_a_url_is_told(url: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_url(url)
    assert str(caught.value) == f"the URL {told}"


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://evalguard.ai", "https://evalguard.ai"),
        (" https://evalguard.ai/ ", "https://evalguard.ai"),
        ("HTTPS://EvalGuard.AI/API/", "https://EvalGuard.AI/API"),
        ("https://evalguard.ai.:8443/api//", "https://evalguard.ai.:8443/api"),
        ("https://münchen.example", "https://münchen.example"),
        ("https://a_b.example/@x", "https://a_b.example/@x"),
        ("https://10.0.0.1", "https://10.0.0.1"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://127.9.9.9:1/api/v1", "http://127.9.9.9:1/api/v1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[0:0:0:0:0:0:0:1]"),
    ],
)
def test_a_url_is_taken_without_its_trailing_slash(url: str, normal: str) -> None:
    assert checked_url(url) == normal
    assert checked_url(normal) == normal


@pytest.mark.parametrize("form", ["", "/api", "/api/v1"])
@pytest.mark.parametrize(
    "before", ["https://h.example", "http://[::1]:1", "https://h/x"]
)
def test_a_base_url_has_three_forms(before: str, form: str) -> None:
    assert api_base(f"{before}{form}") == f"{before}/api/v1"


@given(st.text())
def test_any_text_is_a_url_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"http://localhost{text}"):
        with suppress(ConfigurationError):
            assert checked_url(url).startswith(("http://", "https://"))


@given(st.integers(0, 2**32 - 1))
def test_of_all_addresses_only_127_is_this_machine(number: int) -> None:
    octets = [str(number >> shift & 255) for shift in (24, 16, 8, 0)]
    assert is_loopback(".".join(octets)) == (octets[0] == "127")
    assert not is_loopback(".".join([*octets, "1"]))
