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


def test_past_the_last_restart_the_rest_is_not_run(distributed: Suite) -> None:
    distributed.test("""
        import os
        @pytest.mark.eval
        @pytest.mark.parametrize("n", range(30))
        def test_dies(n):
            os._exit(1)
    """)
    # the controller of xdist may itself fail when all workers are gone
    result = distributed.run("--max-worker-restart=1", check=False)
    counts = result.session.state["counts"]
    assert counts["error"] >= 1
    assert counts["error"] + counts["not run"] == 30
    assert result.status != 0


@pytest.mark.parametrize(
    "spoil",
    [
        "assert False, '\\ud800 half a character'",
        "import datetime; record_property('when', datetime.datetime.now()); assert 0",
    ],
    ids=["lone surrogate", "datetime property"],
)
def test_a_report_that_xdist_loses_is_still_a_row(
    distributed: Suite, standin: StandIn, spoil: str
) -> None:
    distributed.test(f"""
        @pytest.mark.parametrize("n", range(6))
        def test_it(eval_case, record_property, n):
            eval_case.actual = f"answer {{n}}"
            if n == 3:
                {spoil}
    """)
    result = distributed.run("--evalguard-run=new", standin=standin, check=False)
    assert result.session.outcomes["test_it[3]"] == "failed"
    assert result.status not in (0, 5)
    assert result.session.state["selected"] == 6
