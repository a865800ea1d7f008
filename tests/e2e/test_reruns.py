"""Plugins that run tests again, repeat, reorder or stop them: one row a case."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import pytest

from standin import StandIn
from suite import Result, Suite, rows_of

# distribution -> (name of its entry point, arguments that run a failed test again)
RERUNNING = {
    "pytest-rerunfailures": ("rerunfailures", ["--reruns=3"]),
    "pytest-retry": ("pytest-retry", ["--retries=3"]),
    "flaky": ("flaky", ["--force-flaky", "--max-runs=4", "--no-flaky-report"]),
}

FLAKY = """
    import json, pathlib

    COUNT = pathlib.Path(__file__).with_name("count")

    def count(name):
        path = COUNT.with_name(f"count-{name}")
        number = int(path.read_text()) + 1 if path.exists() else 1
        path.write_text(str(number))
        return number

    def test_flaky(eval_case):
        number = count("flaky")
        eval_case.actual = f"attempt {number}"
        eval_case.score = number / 10
        eval_case.cost_usd += 0.5
        eval_case.add_tokens(prompt=10, completion=number)
        assert number > 2, f"attempt {number} was bad"

    def test_never_passes(eval_case):
        eval_case.actual = f"attempt {count('never')}"
        assert False, "always bad"

    def test_stable(eval_case):
        eval_case.actual = "once"
"""


def installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def need(name: str) -> None:
    if not installed(name):
        pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="module", params=RERUNNING)
def rerun(
    request: pytest.FixtureRequest,
    everywhere_once: Suite,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Result, list[dict[str, Any]]]:
    """A session in which tests ran again, and its rows."""
    need(request.param)
    plugin, args = RERUNNING[request.param]
    if request.param == "pytest-retry" and everywhere_once.is_distributed:
        args = [*args, "-p", "no:cacheprovider"]
    suite = Suite(tmp_path_factory.mktemp("rerun"), everywhere_once.distribution)
    suite.test(FLAKY)
    args = ["--evalguard-run=new", *args]
    with StandIn() as standin:
        result = suite.run(*args, plugins=[plugin], standin=standin)
        return result, rows_of(standin)


def test_a_rerun_case_is_one_row_with_the_last_attempt(
    rerun: tuple[Result, list[dict[str, Any]]],
) -> None:
    result, sent = rerun
    rows = {row["input"].partition("::")[2]: row for row in sent}
    assert rows["test_flaky"]["actualOutput"] == "attempt 3"
    assert rows["test_flaky"]["passed"] is True
    assert rows["test_never_passes"]["actualOutput"] == "attempt 4"
    assert rows["test_never_passes"]["passed"] is False
    assert rows["test_stable"]["actualOutput"] == "once"
    assert len(rows) == 3
    assert "1 flaky" in result.summary
    assert "1 case passed only when rerun:\n  test_it.py::test_flaky" in result.summary


def test_earlier_attempts_cost_too(rerun: tuple[Result, list[dict[str, Any]]]) -> None:
    result, sent = rerun
    case = result.session.cases["test_flaky"]
    assert [each["cost_usd"] for each in case["attempts"]] == [0.5, 0.5]
    tokens = [
        (each["prompt_tokens"], each["completion_tokens"]) for each in case["attempts"]
    ]
    assert tokens == [(10, 1), (10, 2)]
    assert (case["prompt_tokens"], case["completion_tokens"]) == (30, 6)
    assert case["cost_usd"] == 1.5
    assert case["score"] == 0.3  # that of the last attempt
    assert "$1.5" in result.summary
    assert "cost_usd" not in result.session.cases["test_never_passes"]
    (row,) = (row for row in sent if row["input"].endswith("test_flaky"))
    assert row["tokenUsage"] == {"prompt": 30, "completion": 6, "total": 36}


def test_attempts_are_kept(rerun: tuple[Result, list[dict[str, Any]]]) -> None:
    cases = rerun[0].session.cases
    attempts = cases["test_flaky"]["attempts"]
    assert [each["outcome"] for each in attempts] == ["failed", "failed"]
    assert [each["score"] for each in attempts] == [0.1, 0.2]
    assert "attempt 1 was bad" in attempts[0]["reason"]
    assert cases["test_flaky"]["flaky"] is True
    assert "reason" not in cases["test_flaky"]
    assert len(cases["test_never_passes"]["attempts"]) == 3
    assert "always bad" in cases["test_never_passes"]["reason"]
    assert "attempts" not in cases["test_stable"]


@pytest.mark.parametrize("plugin", ["rerunfailures"])
def test_a_setup_that_fails_once_is_flaky_too(everywhere: Suite, plugin: str) -> None:
    need("pytest-rerunfailures")
    everywhere.test(
        FLAKY
        + """
    @pytest.fixture
    def shaky():
        if count("shaky") < 2:
            raise OSError("not up yet")
    @pytest.mark.eval
    def test_shaky(shaky):
        pass
    @pytest.fixture
    def leaky():
        yield
        if count("leaky") < 2:
            raise OSError("not down yet")
    @pytest.mark.eval
    def test_leaky(leaky):
        pass
    """
    )
    cases = everywhere.run("--reruns=3", plugins=[plugin]).session.cases
    assert cases["test_shaky"]["outcome"] == "passed"
    assert cases["test_shaky"]["flaky"] is True
    assert cases["test_shaky"]["attempts"][0]["outcome"] == "error"
    assert cases["test_leaky"]["outcome"] == "passed"
    assert cases["test_leaky"]["flaky"] is True


def test_a_rerun_after_a_crash_is_an_attempt(suite: Suite) -> None:
    suite.distribution = ("-n", "2")
    suite.write(
        "conftest.py",
        """
        def pytest_handlecrashitem(crashitem, report, sched):
            report.outcome = "rerun"
            sched.mark_test_pending(crashitem)
        """,
    )
    suite.test("""
        import os, pathlib
        MARK = pathlib.Path(__file__).with_name("crashed")
        def test_crashes_once(eval_case):
            eval_case.actual = "survived"
            if not MARK.exists():
                MARK.touch()
                os._exit(1)
    """)
    case = suite.run().session.cases["test_crashes_once"]
    assert case["outcome"] == "passed"
    assert case["actual"] == "survived"
    assert case["flaky"] is True
    (attempt,) = case["attempts"]
    assert attempt["outcome"] == "error"
    assert attempt["reason"].startswith("worker 'gw")
    assert "crashed while running" in attempt["reason"]


def test_repeated_tests_are_cases_of_their_own(everywhere: Suite) -> None:
    need("pytest-repeat")
    everywhere.test("def test_it(eval_case): eval_case.score = 1")
    result = everywhere.run("--count=3", plugins=["pytest_repeat"])
    assert len(result.session.cases) == 3


def test_a_random_order_changes_nothing(everywhere: Suite, standin: StandIn) -> None:
    need("pytest-randomly")
    everywhere.test("""
        @pytest.mark.parametrize("n", range(10))
        def test_it(eval_case, n):
            eval_case.record(actual=str(n), latency_ms=n)
    """)
    for seed in ("1", "2"):
        run = f"--evalguard-run={standin.add_run()}"
        order = ("-prandomly", f"--randomly-seed={seed}")
        everywhere.run(run, *order, standin=standin)
    first, second = standin.posts
    assert first.body == second.body


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_a_timeout_is_a_failure_or_a_dead_worker(suite: Suite, method: str) -> None:
    need("pytest-timeout")
    suite.distribution = ("-n", "2")
    suite.test("""
        import time
        def test_hangs(eval_case):
            eval_case.actual = "partly"
            time.sleep(30)
        def test_fine(eval_case):
            eval_case.score = 1
    """)
    args = ("--timeout=1", f"--timeout-method={method}")
    session = suite.run(*args, plugins=["timeout"]).session
    wanted = "failed" if method == "signal" else "error"
    assert session.outcomes == {"test_hangs": wanted, "test_fine": "passed"}
    if method == "signal":
        assert session.cases["test_hangs"]["actual"] == "partly"


def test_a_test_that_is_asked_for_twice_is_two_cases(everywhere: Suite) -> None:
    everywhere.test("def test_it(eval_case): eval_case.score = 1")
    args = ("--keep-duplicates", "test_it.py", "test_it.py")
    result = everywhere.run(*args)
    assert sorted(result.session.cases) == ["test_it", "test_it #2"]


def test_a_fixture_asked_for_at_run_time_is_fresh_in_each_attempt(
    everywhere: Suite,
) -> None:
    everywhere.test(
        FLAKY
        + """
    def test_dynamic(request):
        number = count("dynamic")
        case = request.getfixturevalue("eval_case")
        if number == 1:
            case.score = 0.1
        case.actual = f"attempt {number}"
        assert number == 2
    """
    )
    case = everywhere.run("--reruns=3", plugins=["rerunfailures"]).session.cases[
        "test_dynamic"
    ]
    assert case["actual"] == "attempt 2"
    assert "score" not in case
    assert case["flaky"] is True
