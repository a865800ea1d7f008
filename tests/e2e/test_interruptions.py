"""Sessions that end early: what was recorded is kept, what never ran is counted."""

from __future__ import annotations

import os
import signal

import pytest

from standin import StandIn
from suite import Result, Suite, rows_of, wait_for

FIVE = """
    @pytest.mark.parametrize("n", range(5))
    def test_it(eval_case, n):
        eval_case.actual = str(n)
        assert n != 1
"""


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_maxfail_is_a_normal_end(
    everywhere: Suite, standin: StandIn, option: str
) -> None:
    everywhere.test(FIVE)
    result = everywhere.run("--evalguard-run=new", option, standin=standin)
    counts = result.session.state["counts"]
    assert counts["failed"] == 1
    assert sum(counts.values()) == 5
    assert result.session.state["status"] == "finished"
    assert len(rows_of(standin)) == 5 - counts.get("not run", 0)
    if not everywhere.is_distributed:
        assert counts == {"passed": 1, "failed": 1, "not run": 3}


STOPS = {
    "a test": "def test_stops(eval_case):\n    eval_case.actual = 'x'\n    STOP",
    "a fixture": (
        "@pytest.fixture\ndef stop():\n    STOP\n"
        "@pytest.mark.eval\ndef test_stops(stop): pass"
    ),
    "a teardown": (
        "@pytest.fixture\ndef stop():\n    yield\n    STOP\n"
        "def test_stops(stop, eval_case): eval_case.actual = 'x'"
    ),
}
HOW = {"pytest.exit": "pytest.exit('enough')", "Ctrl-C": "raise KeyboardInterrupt"}


@pytest.mark.parametrize("place", STOPS)
@pytest.mark.parametrize("how", HOW)
def test_a_stop_keeps_what_was_recorded_and_sends_nothing(
    suite: Suite, standin: StandIn, place: str, how: str
) -> None:
    suite.write(
        "test_it.py",
        "import pytest\n"
        "def test_before(eval_case): eval_case.actual = 'kept'\n"
        + STOPS[place].replace("STOP", HOW[how])
        + "\ndef test_never(eval_case): pass\n",
    )
    run_id = standin.add_run()
    result = suite.run(f"--evalguard-run={run_id}", standin=standin)
    assert result.status == 2
    assert standin.posts == []
    state = result.session.state
    assert state["status"] == "interrupted"
    assert state["counts"] == {"passed": 1, "not run": 2}
    told = result.summary + result.err
    assert "not submitted: 1 result" in told
    assert "the session was interrupted" in told
    assert "pytest-evalguard submit .evalguard/" in told
    assert suite.script("submit", standin=standin).status == 0
    assert [row["actualOutput"] for row in rows_of(standin)] == ["kept"]


@pytest.mark.parametrize("hook", ["pytest_runtest_logreport", "pytest_runtest_setup"])
@pytest.mark.parametrize(
    "what", ["RuntimeError('plugin')", "pytest.exit.Exception('x')"]
)
def test_a_plugin_that_fails_or_stops_interrupts_the_session(
    suite: Suite, standin: StandIn, hook: str, what: str
) -> None:
    suite.write(
        "conftest.py",
        f"""
        import pytest
        calls = []
        @pytest.hookimpl(trylast=True)
        def {hook}():
            calls.append(1)
            if len(calls) > 4:
                raise {what}
        """,
    )
    suite.test("""
        @pytest.mark.parametrize("n", range(9))
        def test_it(eval_case, n):
            eval_case.actual = str(n)
    """)
    run = f"--evalguard-run={standin.add_run()}"
    result = suite.run(run, standin=standin, check=False)
    if hook == "pytest_runtest_setup" and "Runtime" in what:
        assert result.session.state["counts"] == {"passed": 4, "error": 5}
        return
    state = result.session.state
    assert state["status"] == "interrupted"
    assert sum(state["counts"].values()) == 9
    assert state["counts"]["not run"] >= 4
    assert standin.posts == []
    assert result.status != 0
    assert "pytest-evalguard submit" in result.summary + result.err


def test_a_ctrl_c_in_the_hook_for_a_case_keeps_the_case(everywhere: Suite) -> None:
    everywhere.write(
        "conftest.py",
        """
        calls = []
        def pytest_evalguard_modify_case(case):
            calls.append(case)
            if len(calls) == 1:
                raise KeyboardInterrupt
        """,
    )
    everywhere.test("""
        def test_it(eval_case):
            eval_case.record(actual="a", expected="b")
            assert False
    """)
    session = everywhere.run().session
    assert session.state["status"] == "interrupted"
    assert session.outcomes == {"test_it": "failed"}
    assert session.cases["test_it"]["actual"] == "a"


def test_a_collection_error_interrupts_a_plain_session(
    suite: Suite, standin: StandIn
) -> None:
    """Under pytest-xdist the other tests run all the same."""
    suite.test(FIVE)
    suite.write("test_broken.py", "import nowhere")
    run_id = standin.add_run()
    result = suite.run(f"--evalguard-run={run_id}", standin=standin)
    assert result.status == 2
    assert standin.posts == []
    assert result.session.state["counts"] == {"not run": 5}
    assert result.session.state["status"] == "interrupted"
    assert "not submitted" not in result.summary  # there is nothing to send


def test_a_collection_error_can_be_passed_over(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test(FIVE)
    everywhere.write("test_broken.py", "import nowhere")
    options = ("--evalguard-run=new", "--continue-on-collection-errors")
    result = everywhere.run(*options, standin=standin)
    assert result.status == 1
    assert len(rows_of(standin)) == 5
    assert next(iter(standin.runs.values())).status == "failed"


@pytest.mark.parametrize(
    ("args", "count"),
    [
        (["-k", "1 or 2"], 2),
        (["--deselect", "test_it.py::test_it[0]"], 5),
        (["-m", "eval"], 1),
        (["test_it.py::test_it[3]"], 1),
    ],
)
def test_only_what_was_selected_counts(
    everywhere: Suite, args: list[str], count: int
) -> None:
    everywhere.test(FIVE + "    @pytest.mark.eval\n    def test_x(): pass\n")
    state = everywhere.run(*args).session.state
    assert state["selected"] == count
    assert "not run" not in state["counts"]


def test_the_last_failed_alone(everywhere: Suite) -> None:
    everywhere.test(FIVE)
    everywhere.run()
    assert everywhere.run("--lf").session.outcomes == {"test_it[1]": "failed"}


def test_no_tests_at_all(everywhere: Suite, standin: StandIn) -> None:
    everywhere.test("")
    run_id = standin.add_run()
    result = everywhere.run(f"--evalguard-run={run_id}", standin=standin)
    assert result.status == 5
    assert result.sessions == []
    assert standin.posts == []


SLOW = """
    import pathlib, time
    HERE = pathlib.Path(__file__).parent
    @pytest.mark.parametrize("n", range(40))
    def test_it(eval_case, n):
        eval_case.actual = f"answer {n}"
        (HERE / f"done-{n}").touch()
        time.sleep(0.1)
"""


def stopped(suite: Suite, standin: StandIn, number: signal.Signals) -> Result:
    """Start a slow session, signal its group in the middle, wait for its end."""
    suite.test(SLOW)
    process = suite.start(f"--evalguard-run={standin.add_run()}", standin=standin)
    wait_for(suite.directory, "done-*", 8)
    os.killpg(process.pid, number)
    return suite.finish(process)


def test_ctrl_c_loses_nothing_that_has_finished(
    everywhere: Suite, standin: StandIn
) -> None:
    result = stopped(everywhere, standin, signal.SIGINT)
    session = result.session
    started = len(list(everywhere.directory.glob("done-*")))
    passed = [name for name, each in session.outcomes.items() if each == "passed"]
    in_flight = 2 if everywhere.is_distributed else 1
    assert started - in_flight <= len(passed) <= started
    assert session.state["status"] == "interrupted"
    assert session.state["counts"]["passed"] == len(passed)
    assert session.state["counts"]["not run"] == 40 - len(passed)
    assert standin.posts == []
    assert "pytest-evalguard submit" in result.summary + result.err


def test_a_killed_session_is_there_to_be_submitted(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test(SLOW)
    process = everywhere.start(f"--evalguard-run={standin.add_run()}", standin=standin)
    wait_for(everywhere.directory, "done-*", 8)
    os.killpg(process.pid, signal.SIGKILL)
    everywhere.finish(process)
    line = everywhere.script("list").out
    assert "killed" in line
    assert "of 40 cases" in line
    result = everywhere.script("submit", standin=standin)
    assert result.status == 0, result.err
    assert len(rows_of(standin)) >= 6
    assert "nothing to submit" in everywhere.script("submit", standin=standin).out
