"""Tests that run at the same time in one process each keep their own record."""

from __future__ import annotations

import os

import pytest

from standin import StandIn
from suite import Suite, rows_of

INTERLEAVED = """
    from _pytest.runner import SetupState, call_and_report

    def pytest_runtestloop(session):
        '''As pytest-asyncio-concurrent: each phase of all tests before the next.'''
        states = {item: SetupState() for item in session.items}
        for when in ("setup", "call", "teardown"):
            more = {"nextitem": None} if when == "teardown" else {}
            for item in session.items:
                session._setupstate = states[item]
                call_and_report(item, when, **more)
        return True
"""
EARLY = """
    def pytest_runtestloop(session):
        '''As pytest-asyncio-cooperative: the bodies of all tests before the tests.'''
        for item in session.items:
            (definition,) = item._fixtureinfo.name2fixturedefs["eval_case"]
            case = definition.func(request=item._request)
            item.runtest = lambda: None
            try:
                item.function(case, item.callspec.params["n"])
            except AssertionError as error:
                item.runtest = raising(error)
        for item in session.items:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return True

    def raising(error):
        def run():
            raise error
        return run
"""
TESTS = """
    @pytest.mark.eval(threshold=0.2)
    @pytest.mark.parametrize("n", range(4))
    def test_it(eval_case, n):
        eval_case.actual = f"answer {n}"
        eval_case.score = n / 4 or 0.25
        eval_case.latency_ms = n + 1
        assert n != 2
"""
COOPERATIVE = """
    def pytest_configure(config):
        config.pluginmanager.register(object(), "asyncio-cooperative")
        config.addinivalue_line("markers", "asyncio_cooperative: a task")
"""


@pytest.mark.parametrize("loop", [INTERLEAVED, EARLY], ids=["interleaved", "early"])
def test_tests_side_by_side_keep_their_values_and_verdicts(
    suite: Suite, loop: str
) -> None:
    suite.write("conftest.py", loop)
    suite.test(TESTS)
    result = suite.run()
    cases = result.session.cases
    assert {name: case["actual"] for name, case in cases.items()} == {
        f"test_it[{n}]": f"answer {n}" for n in range(4)
    }
    assert result.session.outcomes == {
        f"test_it[{n}]": "failed" if n == 2 else "passed" for n in range(4)
    }
    assert [cases[f"test_it[{n}]"]["latency_ms"] for n in range(4)] == [1, 2, 3, 4]


def test_trials_of_a_test_that_runs_as_a_task_are_a_usage_error(suite: Suite) -> None:
    suite.write("conftest.py", COOPERATIVE)
    suite.test("""
        @pytest.mark.asyncio_cooperative
        @pytest.mark.eval(trials=2)
        def test_it(): pass
    """)
    result = suite.run()
    assert result.status == 4
    assert "and pytest-asyncio-cooperative runs it in a way of its own" in result.err


# As pytest-forked, which runs with pytest 8 only: each test in a child, whose reports
# the parent logs

FORKED = """
    import json
    import os

    import pytest
    from _pytest.runner import runtestprotocol

    def pytest_runtest_protocol(item):
        hook, config = item.config.hook, item.config
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            reports = [
                hook.pytest_report_to_serializable(config=config, report=report)
                for report in runtestprotocol(item, log=False)
            ]
            os.write(writing, json.dumps(reports).encode())
            os._exit(0)
        os.close(writing)
        with open(reading) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        for data in json.loads(text) if text else [crash(item)]:
            report = hook.pytest_report_from_serializable(config=config, data=data)
            hook.pytest_runtest_logreport(report=report)
        return True

    def crash(item):
        return {
            "$report_type": "TestReport",
            "nodeid": item.nodeid,
            "location": item.location,
            "keywords": {},
            "outcome": "failed",
            "longrepr": "running the test CRASHED with signal 9",
            "when": "???",
        }
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_cases_of_forked_tests_come_with_their_reports(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.write("conftest.py", FORKED)
    everywhere.test("""
        import os, signal

        @pytest.fixture
        def leaking():
            yield
            raise OSError("not cleaned up")

        def test_passes(eval_case):
            eval_case.actual = "kept"

        def test_fails(eval_case):
            eval_case.actual = "kept"
            assert False

        def test_leaks(eval_case, leaking):
            eval_case.actual = "kept"

        @pytest.mark.eval(input="a question")
        def test_dies(eval_case):
            os.kill(os.getpid(), signal.SIGKILL)

        def test_parts(eval_case):
            for name in "abcd":
                with eval_case.subcase(name):
                    assert name != "b"

        def test_dies_in_part(eval_case):
            with eval_case.subcase("a"):
                pass
            with eval_case.subcase("b"):
                os.kill(os.getpid(), signal.SIGKILL)

        def test_other():
            assert False
    """)
    result = everywhere.run(
        "--evalguard-run=new", "--junitxml=junit.xml", standin=standin
    )
    assert result.session.outcomes == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_leaks": "error",
        "test_dies": "error",
        "test_parts::a": "passed",
        "test_parts::b": "failed",
        "test_parts::c": "passed",
        "test_parts::d": "passed",
        "test_dies_in_part": "error",
        "test_dies_in_part::a": "passed",
        "test_dies_in_part::b": "not run",
    }
    dead = result.session.cases["test_dies"]
    assert dead["input"] == "a question"
    assert "CRASHED with signal 9" in dead["reason"]
    kept = [row["actualOutput"] for row in rows_of(standin)]
    assert sorted(kept) == [""] * 7 + ["kept"] * 3
