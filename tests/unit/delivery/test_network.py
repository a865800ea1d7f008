"""The environment's proxies and certificates, and what stands in for the network."""

from __future__ import annotations

import ssl
import time
from pathlib import Path
from typing import NoReturn

import certifi
import httpx
import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.delivery.deadline import Deadline
from pytest_evalguard.delivery.http import Client, Reply, Unreachable
from pytest_evalguard.delivery.network import certificates, proxy_for
from pytest_evalguard.errors import ServiceError
from standin import StandIn

SERVICE = "https://service.example"
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CERTIFICATES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
DEAD = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, *map(str.lower, NAMES), *CERTIFICATES):
        monkeypatch.delenv(name, raising=False)


def a_client(base: str) -> Client:
    return Client(base, "eg_12345678", ("authorization", "Bearer eg_12345678"))


def post(client: Client) -> Reply:
    try:
        return client.send("POST", "/x", Deadline(20), b"{}")
    finally:
        client.close()


# Proxies


@pytest.mark.parametrize(
    "no_proxy",
    [
        "localhost,::1,fd00::/8",
        "localhost,127.0.0.1,::1,.svc,10.0.0.0/8,fe80::/10",
        ":::,[,//,*:*,http://[",
        "☃,a b,%zz",
    ],
)
def test_no_entry_of_no_proxy_stops_sending(
    monkeypatch: pytest.MonkeyPatch, standin: StandIn, no_proxy: str
) -> None:
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert post(a_client(standin.url)).status
    monkeypatch.setenv("HTTPS_PROXY", DEAD)
    with pytest.raises(Unreachable, match=r"the proxy 127\.0\.0\.1:9"):
        post(a_client(SERVICE))


@pytest.mark.parametrize(
    ("url", "entry", "spared"),
    [
        (SERVICE, "service.example", True),
        (SERVICE, "SERVICE.example.", True),
        (SERVICE, "example", True),
        (SERVICE, ".example", True),
        (SERVICE, "*.example", True),
        (SERVICE, "*", True),
        (SERVICE, "a.b, service.example ,c", True),
        (SERVICE, "vice.example", False),
        (SERVICE, "service", False),
        (SERVICE, "service.example:443", True),
        (SERVICE, "service.example:8443", False),
        (SERVICE, "https://service.example", True),
        (SERVICE, "http://service.example", False),
        (SERVICE, "0.0.0.0/0", False),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://10.1.2.3", "11.0.0.0/8", False),
        ("https://[fd00::5]", "fd00::/8", True),
        ("https://[fd00::5]", "[fd00::5]", True),
        ("https://[fd00::5]:8443", "fd00::5", True),
        ("https://[fd00::5]", "::1", False),
        ("https://localhost:8443", "localhost", True),
        ("https://mylocalhost", "localhost", False),
    ],
)
def test_no_proxy_spares_domains_addresses_and_networks(
    monkeypatch: pytest.MonkeyPatch, url: str, entry: str, spared: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", DEAD)
    monkeypatch.setenv("NO_PROXY", entry)
    assert (proxy_for(url) is None) == spared


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_can_be_in_no_proxy(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", DEAD)
        patch.setenv("NO_PROXY", text)
        proxy_for(SERVICE)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_is_a_proxy_or_named(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", text)
        try:
            proxy_for(SERVICE)
        except ServiceError as error:
            assert "HTTPS_PROXY" in str(error)  # noqa: PT017 # or there is no error


@pytest.mark.parametrize(
    ("value", "url", "auth"),
    [
        ("proxy:3128", "http://proxy:3128", None),
        ("http://proxy", "http://proxy", None),
        ("http://u:p%40ss@proxy:3128/", "http://proxy:3128", ("u", "p@ss")),
        ("http://u:p@ss@proxy:3128", "http://proxy:3128", ("u", "p@ss")),
        ("https://[::1]:3128", "https://[::1]:3128", None),
        ("HTTP://Proxy:3128", "http://proxy:3128", None),
    ],
)
def test_a_proxy_is_read_with_or_without_scheme_and_credentials(
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    url: str,
    auth: tuple[str, str] | None,
) -> None:
    monkeypatch.setenv("https_proxy", value)
    assert proxy_for(SERVICE) == (url, auth, "https_proxy")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("gopher://user:hunter2@proxy:70", "a proxy's scheme is http or"),
        ("http://user:hunter2#x@proxy:3128", "percent-encoded"),
        ("http://user:hunter2/x@proxy:3128", "percent-encoded"),
        ("http://user:7/hunter2@proxy:3128", "percent-encoded"),
        ("http://user:hunter2?@proxy:3128", "percent-encoded"),
        ("http://proxy:port", "percent-encoded"),
        ("http://[bad", "percent-encoded"),
        ("http://", "it has no host"),
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_a_proxy_that_can_t_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ServiceError) as caught:
        post(a_client(SERVICE))
    assert name in str(caught.value)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_socks_proxy_without_its_package_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "pytest_evalguard.delivery.network.find_spec", lambda name: None
    )
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy:1080")
    with pytest.raises(ServiceError, match=r"ALL_PROXY .* pip install socksio"):
        post(a_client(SERVICE))


@pytest.mark.parametrize("value", [DEAD, "http://user:hunter2@127.0.0.1:9"])
def test_a_dead_proxy_is_blamed_and_not_the_service(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(Unreachable) as caught:
        post(a_client(SERVICE))
    assert str(caught.value).startswith(
        "the proxy 127.0.0.1:9 (HTTPS_PROXY) can't be reached"
    )
    assert "hunter2" not in str(caught.value)
    assert not caught.value.was_sent


def test_a_proxy_that_wants_other_credentials_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, standin: StandIn
) -> None:
    place = standin.url.removeprefix("http://")  # it knows no CONNECT
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@{place}")
    with pytest.raises(ServiceError, match="says so, not the service") as caught:
        post(a_client(SERVICE))
    assert f"the proxy {place} (HTTPS_PROXY)" in str(caught.value)
    assert "hunter2" not in str(caught.value)


# Certificates


@pytest.mark.parametrize("name", CERTIFICATES)
@pytest.mark.parametrize("kind", ["missing", "no certificates"])
@pytest.mark.parametrize("base", [SERVICE, "http://127.0.0.1:9"])
def test_certificates_that_can_t_be_read_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, kind: str, base: str
) -> None:
    path = tmp_path / "nope.pem"
    if kind != "missing":
        path.write_text("these are none")
    monkeypatch.setenv(name, str(path))
    with pytest.raises(ServiceError) as caught:
        post(a_client(base))
    assert f"{name} names {str(path)!r}" in str(caught.value)
    assert not isinstance(caught.value, Unreachable)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_each_variable_for_certificates_is_honoured(name: str) -> None:
    found = certificates({name: certifi.where()})
    assert isinstance(found.verify, ssl.SSLContext)
    assert found.verify.get_ca_certs()
    assert found.source == f"{name}={certifi.where()}"


def test_what_several_variables_name_is_trusted_together(tmp_path: Path) -> None:
    authorities = Path(certifi.where()).read_text().split("-----BEGIN")
    one = tmp_path / "one.pem"
    one.write_text(f"-----BEGIN{authorities[1]}")
    two = tmp_path / "two.pem"
    two.write_text(f"-----BEGIN{authorities[2]}")
    found = certificates({"SSL_CERT_FILE": str(one), "REQUESTS_CA_BUNDLE": str(two)})
    assert isinstance(found.verify, ssl.SSLContext)
    assert len(found.verify.get_ca_certs()) == 2
    assert found.source == f"SSL_CERT_FILE={one}, REQUESTS_CA_BUNDLE={two}"


def test_the_one_of_several_that_can_t_be_read_is_named() -> None:
    environ = {"SSL_CERT_FILE": certifi.where(), "CURL_CA_BUNDLE": "/nope.pem"}
    with pytest.raises(ServiceError, match=r"CURL_CA_BUNDLE names '/nope\.pem'"):
        certificates(environ)


def test_without_any_variable_the_certificates_are_httpx_s() -> None:
    assert certificates({"SSL_CERT_FILE": ""}) == (True, "")


# What stands in for the network


class Transport:
    """Replaces what httpx sends by, as mocks of HTTP do."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self.answer = answer
        self.calls = 0

    def __call__(self, transport: object, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


ANSWERS: dict[str, httpx.Response | Exception] = {
    "pytest-httpx": httpx.TimeoutException("No response can be found for POST request"),
    "a planned error": httpx.ConnectError("Mock Error"),
    "respx": AssertionError("RESPX: <Request> not mocked!"),
    "pytest-socket": RuntimeError("A test tried to use socket.socket."),
    "500": httpx.Response(500),
    "429": httpx.Response(429, headers={"retry-after": "30"}),
    "200": httpx.Response(200, json={"success": True}),
    "redirect": httpx.Response(308, headers={"location": "/x/"}),
}


@pytest.fixture
def transport(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Transport:
    found = Transport(ANSWERS[request.param])
    monkeypatch.setattr(
        httpx.HTTPTransport, "handle_request", lambda self, r: found(self, r)
    )
    return found


@pytest.mark.parametrize("transport", ANSWERS, indirect=True)
def test_an_answer_that_no_network_gave_is_told_at_once(transport: Transport) -> None:
    started = time.monotonic()
    with pytest.raises(ServiceError, match="a mock that a test left active") as caught:
        post(a_client("http://127.0.0.1:9"))
    assert not isinstance(caught.value, Unreachable)
    assert transport.calls == 1
    assert time.monotonic() - started < 5


def test_no_connection_is_no_mock() -> None:
    with pytest.raises(Unreachable, match="ConnectError") as caught:
        post(a_client("http://127.0.0.1:9"))
    assert "mock" not in str(caught.value)


def test_a_blocked_socket_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def blocked(*args: object, **kwargs: object) -> NoReturn:
        raise RuntimeError("A test tried to use socket.socket.")

    monkeypatch.setattr("socket.create_connection", blocked)
    with pytest.raises(ServiceError, match="answers instead of the network") as caught:
        post(a_client("http://127.0.0.1:9"))
    assert not isinstance(caught.value, Unreachable)
