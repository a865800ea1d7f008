"""The trace of a case: recorded, kept, and linked wherever the case is shown."""

from __future__ import annotations

import json
import re

import pytest

from suite import Result, Suite

TESTS = """
import uuid
TRACE = 0x4bf92f3577b34da6a3ce929d0e0e4736

@pytest.mark.eval
def test_hex(eval_case):
    eval_case.trace_id = TRACE
    assert eval_case.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    eval_case.actual = "wrong"
    assert 0

def test_odd(eval_case):
    eval_case.record(trace_id="a/b?c=ü|(d) [e]", actual="wrong")
    assert 0

def test_uuid(eval_case):
    eval_case.trace_id = uuid.UUID(int=5)
    assert 0

def test_secret(eval_case):
    eval_case.trace_id = "sk-" + "a" * 40
    assert 0

@pytest.mark.eval(trials=2)
def test_trials(eval_case, counter=[0]):
    counter[0] += 1
    eval_case.trace_id = f"trial-{counter[0]}"
    assert counter[0] < 2

@pytest.mark.parametrize("nothing", [0, None, "0" * 32])
def test_none(eval_case, nothing):
    eval_case.trace_id = "before"
    eval_case.trace_id = nothing
    eval_case.actual = "right"
"""
HEX = "4bf92f3577b34da6a3ce929d0e0e4736"
ODD = "a%2Fb%3Fc%3D%C3%BC%7C%28d%29%20%5Be%5D"


@pytest.fixture(scope="module")
def traced(everywhere_once: Suite) -> Result:
    everywhere_once.ini("evalguard_trace_link = https://traces.test/(t)/{trace_id}")
    everywhere_once.test(TESTS)
    options = ("-v", "--tb=no", "--evalguard-markdown=s.md", "--evalguard-html=r.html")
    return everywhere_once.run(*options)


def test_a_trace_is_kept_as_text(traced: Result) -> None:
    traces = {name: case.get("trace_id") for name, case in traced.session.cases.items()}
    assert traces == {
        "test_hex": HEX,
        "test_odd": "a/b?c=ü|(d) [e]",
        "test_uuid": "00000000-0000-0000-0000-000000000005",
        "test_secret": "[REDACTED]",
        "test_trials": "trial-2",
        "test_none[0]": None,
        "test_none[None]": None,
        f"test_none[{'0' * 32}]": None,
    }
    trials = traced.session.cases["test_trials"]["trials"]
    assert [each["trace_id"] for each in trials] == ["trial-1", "trial-2"]


def test_the_summary_links_to_traces_where_all_is_shown(
    traced: Result, everywhere_once: Suite
) -> None:
    assert f"  trace     https://traces.test/(t)/{HEX}" in traced.summary.splitlines()
    assert f"  trace     https://traces.test/(t)/{ODD}" in traced.summary.splitlines()
    assert "traces.test" not in everywhere_once.script("show").out
    assert HEX in everywhere_once.script("show", "-v").out
    shown = json.loads(everywhere_once.script("show", "--json").out)
    assert shown["cases"][0]["trace_id"] == HEX
    assert shown["state"]["trace_link"] == "https://traces.test/(t)/{trace_id}"


def test_the_markdown_links_to_traces(traced: Result) -> None:
    text = (traced.directory / "s.md").read_text("utf-8")
    assert f"\ntrace: [{HEX}](https://traces.test/%28t%29/{HEX})\n" in text
    assert re.search(r"\ntrace: \[[^\]|]+\]\(https://traces.test/%28t%29/" + ODD, text)


def test_the_page_knows_the_link(traced: Result) -> None:
    text = (traced.directory / "r.html").read_text("utf-8")
    assert '"traceLink": "https://traces.test/(t)/{trace_id}"' in text


def test_a_session_whose_link_was_changed_to_no_https_has_none(
    traced: Result, everywhere_once: Suite
) -> None:
    state = traced.session.path / "session.json"
    before = state.read_text()
    state.write_text(before.replace("https://traces.test/", "javascript:alert(1)//"))
    try:
        assert f"  trace     {HEX}\n" in everywhere_once.script("show", "-v").out
        assert f"\ntrace: {HEX}\n" in everywhere_once.script("markdown").out
        everywhere_once.script("html", "-o", "r2.html")
        text = (traced.directory / "r2.html").read_text("utf-8")
        assert '"traceLink": ""' in text
        assert "javascript:" not in text
    finally:
        state.write_text(before)
