"""The link to a trace is https, and its id stands behind the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_evalguard.config.checks import TRACE_LINK, Given
from pytest_evalguard.config.urls import checked_trace_link
from pytest_evalguard.errors import ConfigurationError
from pytest_evalguard.reporting.report import trace_url


@pytest.mark.parametrize(
    "link",
    [
        "https://host/{trace_id}",
        "https://host:8443/a/{trace_id}/b?c={trace_id}",
        "https://host?trace={trace_id}",
        "https://host/#/{trace_id}",
    ],
)
def test_a_link_may_have_the_id_anywhere_behind_its_host(link: str) -> None:
    assert checked_trace_link(f" {link} ") == link


@pytest.mark.parametrize(
    "link",
    [
        "https://host/",
        "http://host/{trace_id}",
        "http://localhost/{trace_id}",
        "javascript:alert('{trace_id}')",
        "https://{trace_id}/",
        "https://{trace_id}.host/{trace_id}",
        "https://{trace_id}@host/{trace_id}",
        "https://user:password@host/{trace_id}",
        "https:///{trace_id}",
        "https://host/a b/{trace_id}",
        "https://host/\n{trace_id}",
        "https://[::1/{trace_id}",
        "{trace_id}",
        "",
    ],
)
def test_any_other_link_is_refused(link: str) -> None:
    with pytest.raises(ConfigurationError, match="link must be an https URL with"):
        TRACE_LINK.one(Given(link, Path()), "link")


def test_an_id_is_quoted_in_its_link() -> None:
    assert trace_url("https://h/{trace_id}", "../a b?\ud800") == (
        "https://h/..%2Fa%20b%3F%3F"
    )
    assert trace_url("https://h/{trace_id}", None) is None
    assert trace_url(None, "a") is None
    assert trace_url("javascript:{trace_id}", "a") is None
