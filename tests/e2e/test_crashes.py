"""Workers that die, sessions that are stopped, reports that are lost."""

from __future__ import annotations

import pytest

from standin import StandIn
from suite import Suite, rows_of

MANY = """
    import os, signal, ctypes

    @pytest.mark.parametrize("n", range(12))
    def test_fine(eval_case, n):
        eval_case.actual = f"answer {n}"

    def test_dies(eval_case):
        eval_case.actual = "lost"
        DEATH
"""
DEATHS = {
    "exit": "os._exit(3)",
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "segfault": "ctypes.string_at(0)",
}


@pytest.fixture
def distributed(suite: Suite) -> Suite:
    suite.distribution = ("-n", "2")
    return suite


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("option", ["--max-worker-restart=4", "--max-worker-restart=0"])
def test_a_dead_worker_loses_only_what_its_test_recorded(
    distributed: Suite, standin: StandIn, death: str, option: str
) -> None:
    distributed.test(MANY.replace("DEATH", DEATHS[death]))
    result = distributed.run("--evalguard-run=new", option, standin=standin)
    rows = {row["input"]: row for row in rows_of(standin)}
    assert len(rows) == 13
    dead = rows.pop("test_it.py::test_dies")
    assert dead["passed"] is False
    assert "crashed" in dead["scorerResults"]["pytest"]["reason"]
    assert sorted(row["actualOutput"] for row in rows.values()) == sorted(
        f"answer {n}" for n in range(12)
    )
    assert result.session.outcomes["test_dies"] == "error"
    assert result.status == 1
    assert "1 error" in result.summary


def test_a_worker_that_dies_in_a_fixture_is_an_error_too(distributed: Suite) -> None:
    distributed.test("""
        import os
        @pytest.fixture
        def deadly():
            os._exit(1)
        @pytest.mark.eval
        def test_dies(deadly):
            pass
        @pytest.mark.eval
        def test_fine():
            pass
        def test_that_is_no_case():
            pass
    """)
    result = distributed.run()
    assert result.session.outcomes == {"test_dies": "error", "test_fine": "passed"}


def test_a_dead_worker_of_a_test_that_is_no_case_makes_none(distributed: Suite) -> None:
    distributed.test("""
        import os
        def test_dies():
            os._exit(1)
        @pytest.mark.eval
        def test_fine():
            pass
    """)
    assert distributed.run().session.outcomes == {"test_fine": "passed"}


def test_the_hook_sees_a_crashed_case_without_its_item(distributed: Suite) -> None:
    distributed.write(
        "conftest.py",
        """
        def pytest_evalguard_modify_case(config, case, item):
            case.metadata["item"] = item is not None
        """,
    )
    distributed.test(MANY.replace("DEATH", DEATHS["exit"]))
    cases = distributed.run().session.cases
    assert cases["test_dies"]["metadata"] == {"item": False}
    assert cases["test_fine[0]"]["metadata"] == {"item": True}


def test_past_the_last_restart_the_rest_is_not_run(suite: Suite) -> None:
    suite.distribution = ("-n", "1")
    suite.test("""
        import os
        @pytest.mark.eval
        @pytest.mark.parametrize("n", range(30))
        def test_dies(n):
            os._exit(1)
    """)
    # the controller of xdist may itself fail when all workers are gone
    result = suite.run("--max-worker-restart=1", check=False)
    counts = result.session.state["counts"]
    assert counts["error"] >= 1
    assert counts["error"] + counts["not run"] == 30
    assert result.status != 0


def test_a_crash_whose_handler_runs_the_test_again_is_an_attempt(
    distributed: Suite, standin: StandIn
) -> None:
    distributed.write(
        "conftest.py",
        """
        def pytest_handlecrashitem(crashitem, sched):
            sched.mark_test_pending(crashitem)
        """,
    )
    distributed.test("""
        import os
        from pathlib import Path

        def test_it(eval_case):
            if not Path("crashed").exists():
                Path("crashed").touch()
                os._exit(1)
            eval_case.actual = "kept"
    """)
    result = distributed.run("--evalguard-run=new", standin=standin)
    case = result.session.cases["test_it"]
    assert (case["outcome"], case["flaky"]) == ("passed", True)
    (attempt,) = case["attempts"]
    assert attempt["outcome"] == "error"
    assert "crashed while running" in attempt["reason"]
    (row,) = rows_of(standin)
    assert (row["passed"], row["actualOutput"]) == (True, "kept")
    assert "1 flaky" in result.summary


NOT_CARRIED = {
    "message": "assert False, '\\ud800 half a character'",
    "log": "logging.warning('\\ud800 half a character'); assert False",
    "property": "record_property('when', datetime.datetime.now()); assert False",
    "deep": "record_property('deep', nested(600)); assert False",
    "section": "request.node.sections = [('a', b'b'), (Path('c'), 1)]; assert False",
}
SECTIONS = """
    import pytest

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item):
        report = yield
        report.sections += getattr(item, "sections", [])
        return report
"""


def test_what_xdist_can_not_carry_breaks_no_session(
    distributed: Suite, standin: StandIn
) -> None:
    tests = "".join(
        f"""
    def test_{name}(eval_case, record_property, request):
        eval_case.actual = "kept"
        {spoil}
    """
        for name, spoil in NOT_CARRIED.items()
    )
    distributed.write("conftest.py", SECTIONS)
    distributed.test(f"""
    import datetime, logging
    from pathlib import Path

    def nested(levels):
        return [nested(levels - 1)] if levels else []
    {tests}
    @pytest.mark.parametrize("n", range(6))
    def test_fine(eval_case, n):
        eval_case.actual = "kept"
    """)
    result = distributed.run("--evalguard-run=new", standin=standin)
    assert result.status == 1
    assert result.tally == {"failed": len(NOT_CARRIED), "passed": 6}
    cases = result.session.cases
    assert {cases[f"test_{name}"]["outcome"] for name in NOT_CARRIED} == {"failed"}
    assert [row["actualOutput"] for row in rows_of(standin)] == ["kept"] * len(cases)
    assert r"AssertionError: \ud800 half a character" in result.out


def test_reports_of_tests_that_are_no_cases_are_not_touched(distributed: Suite) -> None:
    distributed.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(wrapper=True, trylast=True)
        def pytest_report_to_serializable(report):
            data = yield
            data["half"] = "\\ud800"
            return data

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_logreport(report):
            name = report.nodeid.partition("::")[2]
            try:
                return (yield)
            except Exception as error:
                open(name, "w").write(repr(error))
        """,
    )
    distributed.test("""
        def test_case(eval_case): pass
        def test_other(): pass
    """)
    result = distributed.finish(distributed.start())
    assert result.session.outcomes == {"test_case": "passed"}
    assert not (distributed.directory / "test_case").exists()
    assert "DumpError" in (distributed.directory / "test_other").read_text()
