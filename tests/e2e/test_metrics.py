"""Numbers that are no scores: those of cases, and those of a session as a whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suite import Result, Suite

CONFTEST = """
    import numpy as np
    from pytest_evalguard import Metric, Table

    def pytest_evalguard_metrics(config, cases):
        with open(config.rootpath / "calls", "a") as file:
            print("called", file=file)
        rows = [case for case in cases if case.has_row]
        calls = sum(case.metrics.get("calls", 0) for case in cases)
        return [
            Metric("f1", np.float64(0.9123), low=0.881, high=0.94),
            Metric("answer_time", 812.6, unit="ms"),
            {"calls_in_all": calls, "dropped": len(list(cases)) - len(cases)},
            Table("confusion", ["wanted", "yes", "no"], np.array([["a", 8], ["b", 2]])),
            Table("answers", ["wanted", "found"], [["yes", len(rows)], ["<no>", None]]),
            {"undefined": float("nan"), "word": "0.9", "calls": 4},
            Table("long", ["n"], [[n] for n in range(10_000)]),
            Metric("f1", 1.0),
            7,
        ]
"""
PLUGIN = """
    def pytest_evalguard_metrics(cases):
        yield {"before": 1}
        cases.sort()
"""
TESTS = """
    @pytest.mark.parametrize("n", range(4))
    def test_it(eval_case, n):
        eval_case.actual = n
        eval_case.add_metric("calls", -1)
        eval_case.add_metric("calls", 10 - n)
        if n == 3:
            eval_case.add_metric("rare", 0.5)
    @pytest.mark.eval(trials=2)
    def test_trials(eval_case, seen=[]):
        seen.append(1)
        eval_case.add_metric("calls", len(seen))
    @pytest.mark.eval(tags=["draft"])
    def test_draft():
        pass
    def test_wrong(eval_case):
        eval_case.add_metric("calls", True)
"""
DROPPING = """
    def pytest_evalguard_modify_case(case):
        case.metrics.pop("secret", None)
        return "draft" not in case.tags
"""
ARGS = (
    *("-p", "more", "--evalguard-html=page.html", "--junitxml=junit.xml"),
    *("--evalguard-min-metric=f1:0.91234", "--evalguard-max-metric=f1:0.92"),
    *("--evalguard-max-metric=calls:8", "--evalguard-min-metric=recall:0"),
    "--evalguard-min-metric=rare:0",
)


@pytest.fixture(scope="module")
def told(everywhere_once: Suite) -> Result:
    suite = everywhere_once
    suite.write("conftest.py", CONFTEST + DROPPING)
    suite.write("more.py", PLUGIN)
    suite.ini("pythonpath = .")
    suite.test(TESTS)
    return suite.run(*ARGS, env={"GITHUB_STEP_SUMMARY": "step.md"})


def test_a_hook_is_called_once(told: Result) -> None:
    assert (told.directory / "calls").read_text() == "called\n"


def test_what_a_hook_returns_is_kept_with_the_session(told: Result) -> None:
    found = {each["name"]: each for each in told.session.state["metrics"]}
    assert {name: each["value"] for name, each in found.items()} == {
        "f1": 0.9123,
        "answer_time": 812.6,
        "calls_in_all": 35.5,
        "dropped": 0,
        "before": 1,
    }
    assert (found["f1"]["low"], found["f1"]["high"]) == (0.881, 0.94)
    assert found["answer_time"]["unit"] == "ms"
    (table,) = told.session.state["tables"]
    assert table == {
        "name": "answers",
        "columns": ["wanted", "found"],
        "rows": [["yes", 6], ["<no>", None]],
    }


def test_a_case_keeps_the_last_value_and_trials_their_mean(told: Result) -> None:
    metrics = {name: each.get("metrics") for name, each in told.session.cases.items()}
    assert metrics["test_it[3]"] == {"calls": 7, "rare": 0.5}
    assert metrics["test_trials"] == {"calls": 1.5}
    assert metrics["test_wrong"] is None


@pytest.mark.parametrize(
    "line",
    [
        "metrics     before 1\n            f1 0.9123, interval 0.881 to 0.94",
        "            answer_time 812.6 ms",
        "            calls_in_all 35.5",
        "            calls mean 7.1, p50 8, p95 10 (5 cases)",
        "            rare mean 0.5, p50 0.5, p95 0.5 (1 case)",
        "table       answers\n            wanted  found\n            yes         6\n"
        "            <no>\n",
        "gate FAILED metric f1: 0.9123 (of the session), wanted at least 0.91234",
        "gate met    metric f1: 0.9123 (of the session), wanted at most 0.92",
        "gate met    metric calls: 7.1 (mean of 5 of 6 cases), wanted at most 8",
        "gate FAILED metric rare: 0.5 (mean of 1 of 6 cases), wanted at least 0 in at",
        "gate FAILED metric recall: no such metric (there are: answer_time, before,",
        "TypeError: the metric 'calls' must be a number, got True: record a",
    ],
)
def test_a_metric_is_shown_and_held_against_its_gate(told: Result, line: str) -> None:
    assert line in told.summary


@pytest.mark.parametrize(
    "problem",
    [
        "conftest.py: the metric 'undefined' must be a finite number, got nan",
        "conftest.py: the metric 'word' must be a number, got '0.9'",
        "conftest.py: there is a metric 'calls' already, from eval_case.add_metric():"
        " give it another name; it is left out",
        "conftest.py: there is a metric 'f1' already, from conftest.py",
        "conftest.py: the table 'long' has 10,000 rows and 1 column, a table may have"
        " 1,000 and 200: record what each case has in the case",
        "conftest.py: row 1 of the table 'confusion' has 2 cells for 3 columns",
        "conftest.py: it must return Metric and Table objects in a list, or a mapping"
        " from names to numbers, got 7",
        "more.py raised AttributeError: 'SessionCases' object has no attribute 'sort',"
        " at more.py:4, which fails the session: fix it and run the tests again; the"
        " cases are kept",
    ],
)
def test_what_can_not_be_kept_is_told_and_fails_the_session(
    told: Result, problem: str
) -> None:
    assert f"\npytest_evalguard_metrics in {problem}" in told.summary
    assert told.status == 1
    assert told.session.state["counts"] == {"passed": 5, "failed": 1, "dropped": 1}


def test_metrics_are_in_every_report(told: Result) -> None:
    page, step, junit = (
        (told.directory / name).read_text("utf-8")
        for name in ("page.html", "step.md", "junit.xml")
    )
    assert "<td>&lt;no&gt;</td><td></td>" in page
    assert "<dd>f1 0.9123, interval 0.881 to 0.94</dd>" in page
    assert "| metrics | before 1 |\n|  | f1 0.9123, interval 0.881 to 0.94 |\n" in step
    assert "### answers\n\n| wanted | found |\n| --- | --- |\n| yes | 6 |\n" in step
    assert '<property name="evalguard.metric.calls" value="7.0"' in junit


def script_json(suite: Suite, *args: str) -> Any:
    return json.loads(suite.script(*args, "--json").out)


def test_commands_show_the_metrics_of_a_stored_session(
    told: Result, everywhere_once: Suite
) -> None:
    (entry,) = script_json(everywhere_once, "list")
    assert entry["metrics"]["f1"] == 0.9123
    shown = script_json(everywhere_once, "show")["metrics"]
    assert shown["f1"] == {"value": 0.9123, "low": 0.881, "high": 0.94, "unit": None}
    assert shown["calls"] == {"mean": 7.1, "p50": 8, "p95": 10, "cases": 5}
    assert "            f1 0.9123, interval" in everywhere_once.script("show").out


COUNTING = """
    def pytest_evalguard_metrics(cases):
        return {"rows": sum(case.has_row for case in cases)}
"""


def test_an_interrupted_session_asks_for_no_metrics(everywhere: Suite) -> None:
    everywhere.write("conftest.py", COUNTING)
    everywhere.test("""
        def test_a(eval_case):
            pass
        def test_b(eval_case):
            raise KeyboardInterrupt
    """)
    result = everywhere.run("--evalguard-min-metric=rows:1")
    assert result.session.state["metrics"] == []
    why = "the session was interrupted: pytest_evalguard_metrics was not called"
    assert why in result.out + result.err


def test_a_session_without_results_asks_for_no_metrics(suite: Suite) -> None:
    suite.write("conftest.py", COUNTING)
    suite.test("""
        def test_it(eval_case):
            pytest.skip("not today")
    """)
    result = suite.run()
    assert (result.status, result.session.state["metrics"]) == (0, [])
    gated = suite.run("--evalguard-min-metric=rows:1")
    assert "metric rows: no such metric (there is none), wanted" in gated.summary
    assert gated.status == 1


def test_metrics_that_hold_leave_a_session_green(suite: Suite) -> None:
    suite.write("conftest.py", COUNTING)
    suite.ini("evalguard_min_metric = rows:2")
    suite.test("""
        @pytest.mark.parametrize("n", range(2))
        def test_it(eval_case, n):
            pass
    """)
    result = suite.run()
    assert result.status == 0
    assert "gate met    metric rows: 2 (of the session)" in result.summary


def test_a_hook_that_raises_fails_a_session_that_is_green(everywhere: Suite) -> None:
    everywhere.write(
        "conftest.py",
        """
        from pytest_evalguard import Table

        def pytest_evalguard_metrics(cases):
            for n in range(5):
                yield Table(f"table {n}", ["n"], [[n]] * 60)
            raise RuntimeError("no judge")
        """,
    )
    everywhere.test("def test_it(eval_case): eval_case.score = 1")
    result = everywhere.run(env={"GITHUB_STEP_SUMMARY": "step.md"})
    assert (result.status, result.session.state["exit_status"]) == (1, 1)
    assert "conftest.py raised RuntimeError: no judge, at conftest.py:7" in result.out
    assert "and 2 more tables, on the report page" in result.summary
    step = (everywhere.directory / "step.md").read_text()
    assert "### table 4\n\n60 rows, 1 column: they are on the report page\n" in step


@pytest.fixture(scope="module")
def compared(suite_once: Suite) -> Result:
    suite = suite_once
    suite.write(
        "conftest.py",
        """
        import os

        def pytest_evalguard_metrics(cases):
            return {"steps in all": sum(case.metrics["steps"] for case in cases)}
        """,
    )
    suite.test("""
        import os

        @pytest.mark.parametrize("n", range(8))
        def test_it(eval_case, n):
            eval_case.add_metric("steps", n + 3 * ("FEWER" not in os.environ))
        """)
    suite.run()
    suite.script("bless", "-o", "base.json")
    args = ("--evalguard-baseline=base.json", "--evalguard-max-drop=steps:2")
    return suite.run(*args, env={"FEWER": "1"})


def test_a_metric_that_fell_since_the_baseline_fails_the_session(
    compared: Result,
) -> None:
    assert compared.status == 1
    summary = " ".join(compared.summary.split())
    assert "gate FAILED drop in steps: 3.000, 95% interval" in summary


def test_metrics_of_both_sessions_stand_beside_each_other(compared: Result) -> None:
    assert "steps in all: 52 → 28 (of the session)" in compared.summary
