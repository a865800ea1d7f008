"""Errors of the harness, apart from failures of the thing under test."""

from __future__ import annotations

import json
from typing import Any

import pytest

from standin import StandIn
from suite import Result, Suite, rows_of

TESTS = """
    import asyncio
    import sys
    import unittest

    import httpx
    from pytest_evalguard import ScorerError

    pytestmark = pytest.mark.eval

    class RateLimitError(Exception):
        __module__ = "openai"

    def busy():
        raise RateLimitError("429, slow down")

    @pytest.fixture
    def broken():
        busy()

    def test_passes(eval_case):
        eval_case.actual = "yes"

    def test_fails(eval_case):
        eval_case.actual = "no"
        assert 1 == 2

    def test_busy(eval_case):
        eval_case.actual = "half an answer"
        busy()

    def test_busy_in_a_fixture(broken): pass

    def test_status():
        request = httpx.Request("GET", "https://x.test")
        httpx.Response(503, request=request).raise_for_status()

    def test_other_status():
        request = httpx.Request("GET", "https://x.test")
        httpx.Response(404, request=request).raise_for_status()

    def test_wrapped():
        try:
            busy()
        except RateLimitError as error:
            raise RuntimeError("the agent gave up") from error

    def test_asserted():
        try:
            busy()
        except RateLimitError as error:
            raise AssertionError("no answer") from error

    def test_raises_lets_it_through():
        with pytest.raises(ValueError):
            busy()

    def test_raises_takes_it():
        with pytest.raises(RateLimitError):
            busy()

    def test_raises_with_other_words():
        with pytest.raises(RateLimitError, match="other"):
            busy()

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="not here")
    @pytest.mark.parametrize("other", [RateLimitError(), ValueError()])
    def test_group(other):
        raise ExceptionGroup("both", [RateLimitError(), other])

    def test_async():
        async def ask(): busy()
        asyncio.run(ask())

    def test_scorer(eval_case):
        eval_case.add_score({"key": "tone", "score": None, "error": "timeout"})

    @pytest.mark.xfail(raises=RateLimitError)
    def test_xfail_of_it(): busy()

    @pytest.mark.xfail
    def test_xfail_of_any(): busy()

    @pytest.mark.xfail(raises=KeyError)
    def test_xfail_of_another(): busy()

    def test_ambiguous(eval_case):
        eval_case.mark_ambiguous("judges disagree")
        busy()

    def test_skips():
        try:
            busy()
        except RateLimitError:
            pytest.skip("busy")

    @pytest.mark.skipif(pytest.version_tuple < (9,), reason="not here")
    def test_subtest(subtests):
        with subtests.test():
            busy()

    @pytest.mark.skipif(pytest.version_tuple < (9,), reason="not here")
    def test_subtests(subtests):
        with subtests.test():
            busy()
        with subtests.test():
            assert 0

    class TestUnit(unittest.TestCase):
        def test_busy(self): busy()
        def test_subtest(self):
            with self.subTest():
                busy()
        def test_fails(self): self.fail()

    @pytest.mark.eval(threshold=0.5)
    def test_threshold(eval_case):
        eval_case.score = 0.1

    RUNS = []

    @pytest.mark.eval(trials=5, require=4)
    @pytest.mark.parametrize("plan", ["..E..", ".E.E.", "FE..E", "EEEEE"])
    def test_trials(plan):
        RUNS.append(1)
        number = len(RUNS) - 1
        if number == len(plan) - 1:
            RUNS.clear()
        if plan[number] == "E":
            busy()
        assert plan[number] == "."
"""

EXPECTED = {
    "test_passes": "passed",
    "test_fails": "failed",
    "test_busy": "error",
    "test_busy_in_a_fixture": "error",
    "test_status": "error",
    "test_other_status": "failed",
    "test_wrapped": "error",
    "test_asserted": "failed",
    "test_raises_lets_it_through": "error",
    "test_raises_takes_it": "passed",
    "test_raises_with_other_words": "failed",
    "test_group[other0]": "error",
    "test_group[other1]": "failed",
    "test_async": "error",
    "test_scorer": "error",
    "test_xfail_of_it": "xfailed",
    "test_xfail_of_any": "xfailed",
    "test_xfail_of_another": "error",
    "test_ambiguous": "error",
    "test_skips": "skipped",
    "test_subtest": "error",
    "test_subtests": "failed",
    "TestUnit::test_busy": "error",
    "TestUnit::test_subtest": "error",
    "TestUnit::test_fails": "failed",
    "test_threshold": "failed",
    "test_trials[..E..]": "passed",
    "test_trials[.E.E.]": "error",
    "test_trials[FE..E]": "error",
    "test_trials[EEEEE]": "error",
}


@pytest.fixture(scope="module")
def table(everywhere_once: Suite) -> tuple[Result, StandIn]:
    """The table of tests, run once plain and once distributed, and submitted."""
    everywhere_once.test(TESTS)
    with StandIn() as standin:
        result = everywhere_once.run("--evalguard-run=new", standin=standin)
        return result, standin


def text(result: Result) -> str:
    return " ".join(result.summary.split())


@pytest.mark.parametrize("name", EXPECTED)
def test_each_is_told_from_a_failure(table: tuple[Result, StandIn], name: str) -> None:
    result, _ = table
    case = result.session.cases[name]
    if case.get("reason") != "Skipped: not here":
        assert case["outcome"] == EXPECTED[name]


def test_pytests_verdict_and_exit_status_stay(table: tuple[Result, StandIn]) -> None:
    result, _ = table
    assert result.status == 1
    assert result.tally["failed"] >= 15
    assert result.tally["errors" if "errors" in result.tally else "error"] == 1


def test_its_row_has_not_passed_and_keeps_what_was_recorded(
    table: tuple[Result, StandIn],
) -> None:
    _, standin = table
    rows = {row["input"].partition("::")[2]: row for row in rows_of(standin)}
    assert rows["test_busy"]["passed"] is False
    assert rows["test_busy"]["actualOutput"] == "half an answer"
    reason = rows["test_busy"]["scorerResults"]["pytest"]["reason"]
    assert reason.startswith("RateLimitError: 429, slow down, at test_it.py:")
    assert sum(row["passed"] for row in rows_of(standin)) == 3


def test_the_rate_without_errors_stands_beside_the_rate(
    table: tuple[Result, StandIn],
) -> None:
    result, _ = table
    counts = result.session.state["counts"]
    rows = sum(counts.values()) - counts["skipped"]
    decided = rows - counts["error"]
    assert f"(3 of {rows}), 95% interval" in text(result)
    assert f" (without errors {3 / decided:.1%}, 3 of {decided}, 95%" in text(result)


def test_pass_at_1_is_over_the_trials_that_have_a_verdict(
    table: tuple[Result, StandIn],
) -> None:
    """4 of 4, 3 of 3 and 2 of 3 passed; of the fourth case nothing is known."""
    result, _ = table
    assert "pass@1 88.9%, " in text(result)
    reasons = {
        name: case.get("reason", "")[:36]
        for name, case in result.session.cases.items()
        if name.startswith("test_trials")
    }
    assert reasons == {
        "test_trials[..E..]": "",
        "test_trials[.E.E.]": "3 of 5 trials passed, 2 errors: Rate",
        "test_trials[FE..E]": "2 of 5 trials passed, 2 errors: Rate",
        "test_trials[EEEEE]": "0 of 5 trials passed, 5 errors: Rate",
    }


BUSY = """
    class Busy(Exception): pass

    @pytest.mark.parametrize("n", range(5))
    def test_it(eval_case, n):
        eval_case.actual = "x"
        if n == 4:
            raise Busy
        if n == 3:
            raise ConnectionError
        assert n < 2
    """


@pytest.mark.parametrize(
    ("names", "failed", "errors"),
    [
        ("test_it.Busy", 2, 1),
        ("test_it.Busy\n    ConnectionError", 1, 2),
        ("", 3, 0),
        ("lib.Busy", 3, 0),
    ],
)
def test_the_list_is_replaced_by_the_ini_file(
    everywhere: Suite, names: str, failed: int, errors: int
) -> None:
    everywhere.ini(f"evalguard_errors =\n    {names}")
    everywhere.test(BUSY)
    counts = everywhere.run().session.state["counts"]
    wanted = {"passed": 2, "failed": failed, "error": errors}
    assert counts == {name: count for name, count in wanted.items() if count}


@pytest.mark.parametrize(
    "names",
    ["Busy", "lib.", "lib..Busy", "lib-x.Busy", "lib.Busy often", "lib.Busy 700"],
)
def test_what_is_no_name_of_an_exception_stops_the_session(
    suite: Suite, names: str
) -> None:
    suite.ini(f"evalguard_errors = {names}")
    suite.test(BUSY)
    result = suite.run()
    assert result.status == 4
    assert (
        "ini option evalguard_errors must be the dotted name of an exception, such as"
        " httpx.ConnectError, optionally with HTTP statuses, such as"
        f" httpx.HTTPStatusError 429 5xx, got '{names}'"
    ) in result.err


def test_an_empty_list_turns_off_the_default(suite: Suite) -> None:
    suite.ini("evalguard_errors =")
    suite.test("""
        import httpx
        def test_it(eval_case): raise httpx.ConnectError("no")
        """)
    assert suite.run().session.outcomes == {"test_it": "failed"}
    assert suite.run("-oevalguard_errors=httpx.HTTPError").session.outcomes == {
        "test_it": "error"
    }


def test_an_attempt_that_ended_by_an_error_is_none_that_failed(
    everywhere: Suite,
) -> None:
    everywhere.ini("evalguard_errors = test_it.Busy")
    everywhere.test("""
        class Busy(Exception): pass
        RUNS = []

        def test_it(eval_case):
            RUNS.append(1)
            if len(RUNS) == 1:
                raise Busy
            assert len(RUNS) > 2
        """)
    result = everywhere.run("--reruns=1", plugins=["rerunfailures"])
    (case,) = result.session.cases.values()
    assert case["outcome"] == "failed"
    assert [each["outcome"] for each in case["attempts"]] == ["error"]


def test_every_figure_of_a_rate_has_the_one_without_errors(suite: Suite) -> None:
    suite.ini("evalguard_errors = test_it.Busy")
    suite.test(BUSY)
    gates = ("--evalguard-min-pass-rate=0.9", "--evalguard-max-errors=0")
    result = suite.run(
        *gates, "--evalguard-html=page.html", env={"GITHUB_STEP_SUMMARY": "job.md"}
    )
    beside = (
        "40.0% (2 of 5), 95% interval 11.8% to 76.9% (without errors 50.0%, 2 of 4,"
        " 95% interval 15.0% to 85.0%)"
    )
    assert text(result).count(beside) == 2  # the figure and the gate
    assert "gate FAILED errors: 1 of 5 cases, wanted at most 0" in text(result)
    markdown = (suite.directory / "job.md").read_text()
    assert "without errors 50.0%" in markdown.replace("&#37;", "%")
    page = (suite.directory / "page.html").read_text()
    assert "without errors 50.0%, 2 of 4" in page
    assert "pass rate without errors</th>" in page
    (listed,) = json.loads(suite.script("list", "--json").out)
    shown: dict[str, Any] = json.loads(suite.script("show", "--json").out)["state"]
    for found in (listed, shown):
        assert (found["pass_rate"], found["pass_rate_without_errors"]) == (0.4, 0.5)
