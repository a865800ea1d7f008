"""One record shown everywhere: job summary, annotations, JUnit, pytest-html, page."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalguard.markdown import MOST_BYTES
from pytest_evalguard.markdown import escaped
from standin import Reset
from standin import StandIn
from suite import Result
from suite import Suite

TESTS = """
    @pytest.mark.parametrize("n", range(3))
    def test_it(eval_case, n):
        eval_case.record(input=f"question {n}", expected="yes", actual="maybe")
        eval_case.add_score("tone", 0.5)
        assert n != 1

    def test_skipped(eval_case):
        pytest.skip("no")
    """
ON_GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "step.md"}


def plain(text: str) -> str:
    """What is read of HTML or Markdown, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def job_summary(suite: Suite) -> str:
    return (suite.directory / "step.md").read_text(encoding="utf-8")


def test_the_job_summary_has_what_the_terminal_has(everywhere: Suite) -> None:
    everywhere.test(TESTS)
    everywhere.run(env=ON_GITHUB)
    args = ("--evalguard-baseline=last", "--evalguard-min-pass-rate=0.9")
    (everywhere.directory / "step.md").write_text("before\n")
    result = everywhere.run(*args, env=ON_GITHUB)
    text = job_summary(everywhere)
    assert text.startswith("before\n## evalguard")
    shown = plain(re.sub(r"[|*#]", " ", unescape(text)))
    for line in (
        *("4 cases: 2 passed, 1 failed, 1 skipped", "66.7% (2 of 3), 95% interval"),
        *("FAILED pass rate: 66.7%", "0 regressed", "too few cases to tell"),
        *("failed test_it.py::test_it[1]", "expected yes", "actual maybe"),
    ):
        assert " ".join(line.split()) in shown, line
    assert result.status == 1


def test_no_job_summary_is_written_without_cases(suite: Suite) -> None:
    suite.test("def test_it(): pass")
    suite.run(env=ON_GITHUB)
    assert not (suite.directory / "step.md").exists()


def test_a_job_summary_that_can_not_be_written_is_told(suite: Suite) -> None:
    suite.test(TESTS)
    result = suite.run(env={"GITHUB_STEP_SUMMARY": "nowhere/step.md"})
    assert "the job's summary was not written" in result.summary


HOSTILE = "<script>alert(1)</script> | `x` @team #1 **b** [a](http://x) ::error::"


def test_hostile_text_is_only_text_in_the_job_summary(everywhere: Suite) -> None:
    everywhere.test(f"""
        def test_it(eval_case):
            eval_case.record(input={HOSTILE!r}, expected="a|b", actual="# title")
            assert False
        """)
    everywhere.run(env=ON_GITHUB)
    text = job_summary(everywhere)
    for markup in ("<script", "`", "@team", "**", "](", "http:", "::"):
        assert markup not in text.replace("test_it.py::", "")
    assert "alert(1)" in unescape(text)


@given(st.text())
def test_any_text_is_escaped_and_comes_back(text: str) -> None:
    marked = escaped(text)
    assert not re.search(r"[<>`|*_\[\]@\n]", marked.replace("_", ""))
    assert "\n" not in marked


@pytest.mark.parametrize("count", [300])
def test_a_job_summary_is_short_however_large_the_session(
    suite: Suite, count: int
) -> None:
    suite.test(f"""
        @pytest.mark.parametrize("n", range({count}))
        def test_it(eval_case, n):
            eval_case.record(input="&" * 90_000, actual="<" * 90_000)
            for name in range(40):
                eval_case.add_score("s" * 900 + str(name), 0)
            assert False, "<" * 10_000
        """)
    suite.run("--tb=no", "-q", env=ON_GITHUB)
    text = job_summary(suite)
    assert len(text.encode()) <= MOST_BYTES + 100
    assert "280 more that did not pass" in text


def test_a_job_summary_too_long_says_what_is_left_out(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            for n in range(9_000):
                eval_case.add_score("<" * 60 + str(n), 0)
        """)
    suite.run(env=ON_GITHUB)
    text = job_summary(suite)
    assert len(text.encode()) <= MOST_BYTES + 100
    assert text.endswith("The rest is left out, it was too long.\n")


def commands(result: Result) -> list[str]:
    return [line for line in result.out.splitlines() if line.startswith("::")]


def test_a_failed_gate_is_one_annotation(everywhere: Suite) -> None:
    everywhere.test(TESTS)
    args = ("--evalguard-min-pass-rate=0.9", "--evalguard-min-score=0.9")
    result = everywhere.run(*args, env=ON_GITHUB)
    (line,) = commands(result)
    assert line.startswith("::error title=evalguard: gates failed::pass rate: 66.7%25")
    assert "mean score" in line
    assert commands(everywhere.run(*args)) == []


def test_a_failed_submission_is_an_annotation_where_it_is_an_error(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test(TESTS)
    standin.plan(*[Reset()] * 99)
    args = (f"--evalguard-run={standin.add_run()}", "--evalguard-timeout=1")
    lenient = everywhere.run(*args, standin=standin, env=ON_GITHUB)
    strict = everywhere.run(*args, "--evalguard-strict", standin=standin, env=ON_GITHUB)
    assert commands(lenient) == []
    (line,) = commands(strict)
    assert "not submitted: 3 results" in line


def test_junit_has_short_properties_and_no_texts(everywhere: Suite) -> None:
    everywhere.test(TESTS)
    everywhere.run("--junitxml=junit.xml")
    tree = ElementTree.parse(everywhere.directory / "junit.xml")
    found = {
        case.attrib["name"]: {
            each.attrib["name"]: each.attrib["value"] for each in case.iter("property")
        }
        for case in tree.iter("testcase")
    }
    scores = {"evalguard.score": "0.5", "evalguard.score.tone": "0.5"}
    assert found == {
        "test_it[0]": {"evalguard.outcome": "passed", **scores},
        "test_it[1]": {"evalguard.outcome": "failed", **scores},
        "test_it[2]": {"evalguard.outcome": "passed", **scores},
        "test_skipped": {"evalguard.outcome": "skipped"},
    }


def test_junit_shows_the_last_attempt_only(everywhere: Suite) -> None:
    everywhere.test("""
        TRIES = []

        @pytest.mark.flaky(reruns=1)
        def test_it(eval_case):
            TRIES.append(1)
            eval_case.score = len(TRIES) / 2
            assert len(TRIES) > 1
        """)
    everywhere.run("--junitxml=junit.xml", plugins=["pytest_rerunfailures"])
    text = (everywhere.directory / "junit.xml").read_text()
    assert re.findall(r'"evalguard.score" value="([^"]+)"', text) == ["1.0"]


# The page


def test_a_session_writes_its_page(everywhere: Suite) -> None:
    everywhere.test(TESTS)
    everywhere.run()
    args = ("--evalguard-baseline=last", "--evalguard-min-score=0.4")
    everywhere.run("--evalguard-html=out/report.html", *args)
    page = (everywhere.directory / "out" / "report.html").read_text()
    assert "66.7% (2 of 3), 95% interval" in plain(page)
    assert "mean score 0.500" in plain(page).replace(":", "")
    assert "question 1" in page
    assert "too few cases to tell" in page
    assert "Content-Security-Policy" in page


def test_the_script_writes_the_page_of_a_session(suite: Suite) -> None:
    suite.test(TESTS)
    suite.run()
    result = suite.script("html", "-o", "report.html")
    assert "report page of .evalguard/" in result.out
    assert "66.7% (2 of 3)" in plain((suite.directory / "report.html").read_text())


def test_a_page_that_can_not_be_written_is_told(suite: Suite) -> None:
    suite.test("def test_it(eval_case): pass")
    result = suite.run("--evalguard-html=pytest.ini/x.html")
    assert "report page" in result.summary
    assert result.status == 1
    assert suite.script("html", "-o", "pytest.ini/x.html").status == 2


# Other plugins' tables


@pytest.mark.parametrize("plugin", ["pytest_html"])
def test_pytest_html_has_the_figures(
    everywhere: Suite, standin: StandIn, plugin: str
) -> None:
    pytest.importorskip("pytest_html")
    everywhere.test(TESTS)
    run_id = standin.add_run()
    everywhere.run(
        "--html=other.html",
        "--self-contained-html",
        f"--evalguard-run={run_id}",
        standin=standin,
        plugins=["pytest_html.plugin", "pytest_metadata.plugin"],
    )
    page = unescape(Path(everywhere.directory / "other.html").read_text())
    assert "pass rate 66.7% (2 of 3)" in page
    assert f"run {run_id}" in page


# CI facts


def test_the_build_is_kept_and_shown(everywhere: Suite) -> None:
    everywhere.test(TESTS)
    env = {"BUILDKITE": "true", "BUILDKITE_COMMIT": "f00ba4", "BUILDKITE_BRANCH": "b"}
    result = everywhere.run("--evalguard-html=report.html", env=env)
    assert result.session.state["ci"]["commit"] == "f00ba4"
    assert "built by    Buildkite, f00ba4, b" in result.summary
    assert "f00ba4" in (everywhere.directory / "report.html").read_text()
