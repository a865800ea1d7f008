"""One record shown everywhere: job summary, annotations, JUnit, pytest-html, page."""

from __future__ import annotations

import os
import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.reporting.markdown import MOST_BYTES, escaped
from standin import Reset, StandIn
from suite import Result, Suite

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


def test_a_blank_name_of_a_job_summary_is_none(suite: Suite) -> None:
    suite.test(TESTS)
    assert "the job's" not in suite.run(env={"GITHUB_STEP_SUMMARY": "   "}).summary
    assert not (suite.directory / "   ").exists()


HOSTILE = "<script>alert(1)</script> | `x` @team #1 **b** [a](http://x) ::error::"


def test_hostile_text_is_only_text_in_the_job_summary(suite: Suite) -> None:
    suite.test(f"""
        def test_it(eval_case):
            eval_case.record(input={HOSTILE!r}, expected="a|b", actual="# title")
            assert False
        """)
    suite.run(env=ON_GITHUB)
    text = job_summary(suite)
    for markup in ("<script", "`", "@team", "**", "](", "http:", "::"):
        assert markup not in text.replace("test_it.py::", "")
    assert "alert(1)" in unescape(text)


def test_a_difference_that_would_not_be_seen_is_shown(suite: Suite) -> None:
    suite.test(r"""
        PAIRS = [("a b", "a\u00a0b"), (1, "1"), ("x", "x")]
        @pytest.mark.parametrize(("a", "b"), PAIRS)
        def test_it(eval_case, a, b):
            eval_case.record(expected=a, actual=b)
            pytest.fail("no")
    """)
    suite.run(env=ON_GITHUB)
    text = unescape(job_summary(suite))
    assert r"| actual | a\u00a0b |" in text
    assert "| differs | at character 2 |" in text
    assert "| actual | 1 |\n| differs | in type: int and str |" in text
    assert "| actual | the same |" in text


@given(st.text())
def test_any_text_is_escaped_and_comes_back(text: str) -> None:
    marked = escaped(text)
    assert not re.search(r"[<>`|*_\[\]@\n]", marked.replace("_", ""))
    assert "\n" not in marked


def test_a_job_summary_is_short_however_large_the_session(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", range(45))
        def test_it(eval_case, n):
            eval_case.record(input="&" * 90_000, actual="<" * 90_000)
            for name in range(40):
                eval_case.add_score("s" * 900 + str(name), 0)
            assert False, "<" * 10_000
        """)
    suite.run("--tb=no", "-q", env=ON_GITHUB)
    text = job_summary(suite)
    assert len(text.encode()) <= MOST_BYTES + 100
    assert "25 more that did not pass" in text


@pytest.mark.unmeasured("it takes long")
def test_a_job_summary_too_long_says_what_is_left_out(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            for n in range(9_000):
                eval_case.add_score("<" * 60 + str(n), 0)
        """)
    suite.run(env=ON_GITHUB)
    text = job_summary(suite)
    assert len(text.encode()) <= MOST_BYTES + 100
    assert text.rstrip().endswith("The rest was too long and is left out.")


def commands(result: Result) -> list[str]:
    return [line for line in result.out.splitlines() if line.startswith("::")]


def test_a_failed_gate_is_one_annotation(suite: Suite) -> None:
    suite.test(TESTS)
    args = ("--evalguard-min-pass-rate=0.9", "--evalguard-min-score=0.9")
    result = suite.run(*args, env=ON_GITHUB)
    (line,) = commands(result)
    assert line.startswith("::error title=evalguard: gates failed::pass rate: 66.7%25")
    assert "mean score" in line
    assert commands(suite.run(*args)) == []


def test_a_failed_submission_is_an_annotation_where_it_is_an_error(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS)
    standin.plan(*[Reset()] * 99)
    args = (f"--evalguard-run={standin.add_run()}", "--evalguard-timeout=1")
    lenient = suite.run(*args, standin=standin, env=ON_GITHUB)
    strict = suite.run(*args, "--evalguard-strict", standin=standin, env=ON_GITHUB)
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


def test_a_name_in_junit_is_short_and_printable(suite: Suite) -> None:
    suite.test(r"""
        def test_it(eval_case):
            eval_case.add_score("a\x01b<&", 0.5)
            eval_case.add_score("n" * 50_000, 0.5)
        """)
    suite.run("--junitxml=junit.xml")
    tree = ElementTree.parse(suite.directory / "junit.xml")
    names = [each.attrib["name"] for each in tree.iter("property")]
    assert "evalguard.score.a\\x01b<&" in names
    assert max(map(len, names)) <= len("evalguard.score.") + 100


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


def test_the_page_of_a_stored_session_counts_what_did_not_run(suite: Suite) -> None:
    suite.test("""
        def test_first(eval_case): pass
        def test_second(eval_case): raise KeyboardInterrupt
        def test_third(eval_case): pass
        """)
    suite.run()
    suite.script("html", "-o", "report.html")
    page = (suite.directory / "report.html").read_text()
    assert "3 in all: 1 passed, 2 not run" in plain(page)


def test_a_page_that_can_not_be_written_is_told(suite: Suite) -> None:
    suite.test("def test_it(eval_case): pass")
    result = suite.run("--evalguard-html=pytest.ini/x.html")
    assert "report page" in result.summary
    assert result.status == 1
    assert suite.script("html", "-o", "pytest.ini/x.html").status == 2


def test_a_page_that_can_not_be_written_fails_the_run_too(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("def test_it(eval_case): pass")
    args = ("--evalguard-run=new", "--evalguard-html=pytest.ini/x.html")
    result = suite.run(*args, standin=standin)
    (ended,) = standin.runs.values()
    assert (result.status, ended.status) == (1, "failed")
    assert result.session.state["exit_status"] == 1
    assert result.summary.count("report page") == 1


def test_the_page_says_where_results_went(suite: Suite, standin: StandIn) -> None:
    suite.test(TESTS)
    run_id = standin.add_run()
    args = (f"--evalguard-run={run_id}", "--evalguard-html=report.html")
    suite.run(*args, standin=standin)
    page = plain((suite.directory / "report.html").read_text())
    assert f"submitted 3 results to run {run_id}" in page


@pytest.mark.real_process("its conftest.py changes the plugin")
def test_a_stop_while_the_page_is_written_keeps_the_session(
    suite: Suite, standin: StandIn
) -> None:
    suite.write(
        "conftest.py",
        """
        from pytest_evalguard.reporting.html import page

        def write_report(*args):
            raise KeyboardInterrupt

        page.write_report = write_report
        """,
    )
    suite.test(TESTS)
    args = (f"--evalguard-run={standin.add_run()}", "--evalguard-html=report.html")
    result = suite.run(*args, standin=standin)
    assert result.status == 2
    assert "not submitted: 3 results" in result.summary
    assert "pytest-evalguard submit" in result.summary
    assert result.session.state["status"] == "interrupted"


def test_a_page_is_written_without_cases_and_last_is_explained(
    suite: Suite,
) -> None:
    suite.test("def test_plain(): pass")
    args = ("--evalguard-html=report.html", "--evalguard-baseline=last")
    result = suite.run(*args)
    assert "there is no earlier session to compare with yet" in result.summary
    assert "0 cases" in plain((suite.directory / "report.html").read_text())
    assert result.status == 0


def test_a_page_of_what_was_not_collected_is_said_to_be_missing(suite: Suite) -> None:
    suite.test("import nowhere_to_be_found")
    result = suite.run("--evalguard-html=report.html")
    assert "report.html was not written: no cases" in result.summary
    assert not (suite.directory / "report.html").exists()


def test_outputs_are_written_to_where_a_link_leads(suite: Suite) -> None:
    suite.test(TESTS)
    for name in ("page", "blessed"):
        suite.write(f"real/{name}", "old")
        (suite.directory / name).symlink_to(f"real/{name}")
    suite.run("--evalguard-html=page")
    suite.script("bless", "-o", "blessed")
    for name in ("page", "blessed"):
        assert (suite.directory / name).is_symlink()
        assert "test_it.py" in (suite.directory / "real" / name).read_text()


def test_outputs_go_to_what_is_no_regular_file(suite: Suite) -> None:
    suite.test(TESTS)
    suite.run()
    pipe = suite.directory / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    suite.script("bless", "-o", "pipe")
    text = os.read(reader, 65536)
    os.close(reader)
    assert b'"schema": 2' in text
    assert not pipe.is_file()


def test_a_pipe_that_nobody_reads_holds_nothing_up(suite: Suite) -> None:
    suite.test(TESTS)
    os.mkfifo(suite.directory / "pipe")
    result = suite.run("--evalguard-html=pipe")
    assert "was not written" in result.summary
    assert "recorded in" in result.summary


def test_a_comparison_that_can_not_be_read_is_only_a_note(suite: Suite) -> None:
    suite.test(TESTS)
    path = suite.run().session.path
    (path / "comparison.json").write_text("{}")
    shown = suite.script("show")
    assert shown.status == suite.script("html", "-o", "report.html").status == 0
    assert "comparison.json is damaged" in " ".join(shown.out.split())
    assert "is damaged" in plain((suite.directory / "report.html").read_text())


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


def test_the_build_is_kept_and_shown(suite: Suite) -> None:
    suite.test(TESTS)
    env = {"BUILDKITE": "true", "BUILDKITE_COMMIT": "f00ba4", "BUILDKITE_BRANCH": "b"}
    result = suite.run("--evalguard-html=report.html", env=env)
    assert result.session.state["ci"]["commit"] == "f00ba4"
    assert "built by    Buildkite, f00ba4, b" in result.summary
    assert "f00ba4" in (suite.directory / "report.html").read_text()


def test_no_secret_of_the_build_is_kept_or_shown(suite: Suite) -> None:
    secret = "ghp_" + "a1B2" * 9
    suite.test(TESTS)
    env = {
        **ON_GITHUB,
        "GITHUB_HEAD_REF": f"fix/{secret}",
        "GITHUB_JOB": "j-" * 95 + secret,
    }
    result = suite.run("--evalguard-html=report.html", env=env)
    ci = result.session.state["ci"]
    assert ci["branch"] == "fix/[REDACTED]"
    assert "ghp_" not in ci["job"]
    assert secret not in result.out
    for name in ("report.html", "step.md"):
        assert secret not in (suite.directory / name).read_text()
