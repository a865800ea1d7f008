"""Sub-cases: many cases in one test, in tasks and threads at once."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import pytest

from standin import StandIn
from suite import Result, Stored, Suite, rows_of, wait_for

KINDS = """
    import asyncio, threading, unittest
    from concurrent.futures import ThreadPoolExecutor

    SECRET = "sk-proj-" + "Ab1" * 16

    def test_gather(eval_case):
        async def ask(n):
            with eval_case.subcase(f"row-{n}", input=n, expected=2 * n) as case:
                await asyncio.sleep(0.001 * (5 - n))
                case.actual = 2 * n + (n in (1, 3))
                assert case.actual == case.expected
        async def all_of_them():
            await asyncio.gather(*map(ask, range(5)))
        asyncio.run(all_of_them())

    def test_pool(eval_case):
        together = threading.Barrier(4)
        def ask(n):
            with eval_case.subcase(f"row-{n}") as case:
                together.wait(30)
                case.actual = n
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ask, range(4)))

    @pytest.mark.eval(threshold=0.5, tags=["all"], metadata={"model": "m"}, prompt_id=7)
    def test_outcomes(eval_case):
        with eval_case.subcase("passes") as case:
            case.actual = "yes"
        with eval_case.subcase("fails") as case:
            case.record(actual="yes", cost_usd=0.25)
            pytest.fail("no")
        with eval_case.subcase("errs") as case:
            raise ConnectionError("gone")
        with eval_case.subcase("is skipped"):
            pytest.skip("no data")
        with eval_case.subcase("is skipped by unittest"):
            raise unittest.SkipTest("no data")
        with eval_case.subcase("is expected to fail"):
            pytest.xfail("known")
        with eval_case.subcase("is ambiguous") as case:
            case.mark_ambiguous("judges disagree")
        with eval_case.subcase("is below", tags=["own"]) as case:
            case.score = 0.4
        with eval_case.subcase("has a limit of its own", threshold=0.3) as case:
            case.score = 0.4
        with eval_case.subcase("fails in a group"):
            raise GroupOf("two", [ValueError("a"), KeyError("b")])
        with eval_case.subcase("measures") as case:
            with case.measure():
                pass
            case.add_score("exact", 1)
            case.latency_ms = 12.5

    class GroupOf(Exception):
        def __init__(self, message, exceptions):
            super().__init__(message)
            self.exceptions = exceptions

    def test_fails_itself(eval_case):
        with eval_case.subcase("a"):
            pass
        with eval_case.subcase("b"):
            assert 1 == 2
        assert not "its own"

    def test_skips_itself(eval_case):
        with eval_case.subcase("a"):
            pass
        pytest.skip("enough")

    def test_skips_after_a_failure(eval_case):
        with eval_case.subcase("a"):
            assert 1 == 2
        pytest.skip("enough")

    @pytest.mark.xfail(reason="known")
    def test_expected(eval_case):
        for n in range(2):
            with eval_case.subcase(f"row-{n}"):
                assert n

    @pytest.mark.xfail(raises=ValueError, reason="known")
    def test_expected_by_kind(eval_case):
        with eval_case.subcase("a"):
            raise ValueError("no")

    @pytest.mark.xfail(raises=pytest.RaisesExc(ValueError, match="no"), reason="known")
    def test_expected_by_match(eval_case):
        with eval_case.subcase("a"):
            raise ValueError("no")

    @pytest.mark.xfail(raises=ValueError, reason="known")
    def test_expected_otherwise(eval_case):
        with eval_case.subcase("a"):
            raise KeyError("no")

    @pytest.mark.xfail(strict=True, reason="known")
    def test_strictly_expected(eval_case):
        with eval_case.subcase("a"):
            pass

    class TestUnit(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _recorder(self, eval_case):
            self.eval_case = eval_case
        def test_unit(self):
            with self.eval_case.subcase("a"):
                self.assertEqual(1, 1)
            with self.eval_case.subcase("b"):
                self.assertEqual(1, 2)
        def test_unit_fails_itself(self):
            with self.eval_case.subcase("a"):
                self.assertEqual(1, 2)
            self.fail("its own")

    @pytest.fixture
    def around(eval_case):
        with eval_case.subcase("before"):
            pass
        yield
        with eval_case.subcase("after"):
            assert not "its own"

    def test_in_fixtures(eval_case, around):
        with eval_case.subcase("within"):
            pass

    def test_names(eval_case):
        for name in ("a\\n\\tb", "\\x1b[31mred", "\\ud800", "x" * 500, "x" * 499 + "y",
                     f"key {SECRET}", f"key {SECRET}2", "a::b[1]"):
            with eval_case.subcase(name):
                pass
        for name, kind in [("a::b[1]", ValueError), ("x" * 500, ValueError),
                           (" ", ValueError), (17, TypeError), (None, TypeError)]:
            with pytest.raises(kind) as raised:
                eval_case.subcase(name)
            print("NAME", raised.value)
            assert SECRET not in str(raised.value)

    def test_misuse(eval_case):
        for given in ({"inptu": 1}, {"trials": 2}, {"threshold": 2}, {"tags": "one"}):
            with pytest.raises(TypeError) as raised:
                eval_case.subcase("wrong", **given)
            print("GIVEN", raised.value)
        kept = eval_case.subcase("once")
        with kept as case:
            with pytest.raises(RuntimeError, match="has none of its own"):
                case.subcase("inner")
        with pytest.raises(RuntimeError, match="has begun before"):
            kept.__enter__()
        with pytest.raises(RuntimeError, match="test_misuse::once has ended"):
            case.score = 1

    @pytest.mark.eval(trials=2)
    def test_with_trials(eval_case):
        with pytest.raises(RuntimeError, match="has 2 trials"):
            eval_case.subcase("a")

    def test_leaves_one_open(eval_case):
        eval_case.subcase("open").__enter__().actual = "half"

    def test_cancelled(eval_case):
        async def slow():
            with eval_case.subcase("slow"):
                await asyncio.sleep(60)
        async def main():
            with eval_case.subcase("waits") as case:
                await asyncio.wait_for(slow(), 0.01)
        asyncio.run(main())

    def test_generator(eval_case):
        def rows():
            with eval_case.subcase("row"):
                yield 1
        found = rows()
        assert next(found) == 1
        found.close()

    def test_exits(eval_case):
        with eval_case.subcase("a"):
            raise SystemExit(2)

    @pytest.mark.timeout(0.2, method="signal")
    def test_takes_too_long(eval_case):
        with eval_case.subcase("quick"):
            pass
        with eval_case.subcase("slow"):
            threading.Event().wait(60)

    RUNS = []

    @pytest.mark.flaky(reruns=1)
    def test_runs_again(eval_case):
        RUNS.append(1)
        for name in ("always", "at last", f"only in run {len(RUNS)}"):
            with eval_case.subcase(name) as case:
                case.cost_usd = 0.5
                assert name != "at last" or len(RUNS) == 2

    def test_within_subtests(eval_case, subtests):
        with subtests.test("part"):
            with eval_case.subcase("a"):
                pass
        with eval_case.subcase("b"):
            with subtests.test("part"):
                assert 1 == 2

    def test_with_none(eval_case):
        eval_case.subcase("never entered")
        eval_case.actual = 1
"""


@pytest.fixture(scope="module")
def ran(everywhere_once: Suite) -> Result:
    suite = everywhere_once
    suite.ini("evalguard_errors = builtins.ConnectionError")
    suite.test(KINDS)
    plugins = ("pytest_timeout", "rerunfailures")
    return suite.run("-rA", "--junitxml=junit.xml", plugins=plugins)


@pytest.fixture(scope="module")
def stored(ran: Result) -> Stored:
    return ran.session


P, F = "passed", "failed"
OUTCOMES = {
    "test_gather": {"row-0": P, "row-1": F, "row-2": P, "row-3": F, "row-4": P},
    "test_pool": {"row-0": P, "row-1": P, "row-2": P, "row-3": P},
    "test_outcomes": {
        "passes": P,
        "fails": F,
        "errs": "error",
        "is skipped": "skipped",
        "is skipped by unittest": "skipped",
        "is expected to fail": "xfailed",
        "is ambiguous": "ambiguous",
        "is below": F,
        "has a limit of its own": P,
        "fails in a group": F,
        "measures": P,
    },
    "test_fails_itself": {"": F, "a": P, "b": F},
    "test_skips_itself": {"": "skipped", "a": P},
    "test_skips_after_a_failure": {"a": F},
    "test_expected": {"row-0": "xfailed", "row-1": P},
    "test_expected_by_kind": {"a": "xfailed"},
    "test_expected_by_match": {"a": "xfailed"},
    "test_expected_otherwise": {"a": F},
    "test_strictly_expected": {"": F, "a": P},
    "TestUnit::test_unit": {"a": P, "b": F},
    "TestUnit::test_unit_fails_itself": {"": F, "a": F},
    "test_in_fixtures": {"before": P, "within": P, "after": F},
    "test_misuse": {"once": P},
    "test_leaves_one_open": {"open": "not run"},
    "test_cancelled": {"slow": "not run", "waits": F},
    "test_generator": {"row": "not run"},
    "test_exits": {"": F, "a": F},
    "test_takes_too_long": {"": F, "quick": P, "slow": F},
    "test_runs_again": {
        "always": P,
        "at last": P,
        "only in run 1": "not run",
        "only in run 2": P,
    },
    "test_within_subtests": {"": F, "a": P, "b": P},
    "test_with_trials": {"": P},
    "test_with_none": {"": P},
}


@pytest.mark.parametrize("test", OUTCOMES)
def test_each_block_has_its_outcome(stored: Stored, test: str) -> None:
    found = {
        name.removeprefix(test).removeprefix("::"): outcome
        for name, outcome in stored.outcomes.items()
        if name == test or name.startswith(f"{test}::")
    }
    assert found == OUTCOMES[test]


VERDICTS = {
    "FAILED": "test_gather test_outcomes test_fails_itself test_skips_after_a_failure"
    " test_expected_otherwise test_strictly_expected TestUnit::test_unit"
    " TestUnit::test_unit_fails_itself test_cancelled test_generator test_exits"
    " test_takes_too_long test_within_subtests",
    "ERROR": "test_in_fixtures test_leaves_one_open",
    "XFAIL": "test_expected test_expected_by_kind test_expected_by_match",
    "PASSED": "test_pool test_in_fixtures test_names test_misuse test_with_trials"
    " test_leaves_one_open test_runs_again test_with_none",
}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_test_fails_when_a_sub_case_did_not_pass(ran: Result, verdict: str) -> None:
    words = (line.split() for line in ran.out.splitlines() if line.startswith(verdict))
    found = {word[1].removeprefix("test_it.py::") for word in words if len(word) > 1}
    assert found == set(VERDICTS[verdict].split())


@pytest.mark.parametrize(
    "line",
    [
        "2 of 5 cases failed: row-1, row-3",
        "4 of 11 cases did not pass (3 failed, 1 ended in an error): fails, errs,",
        "  row-1: AssertionError: assert case.actual == case.expected: 3 == 2",
        "1 of 2 cases failed: b",
        "2 of 2 cases did not pass (1 failed, 1 did not end): waits, slow",
        "  slow: cancelled before it had ended",
        "  open: had not ended when its test did",
        "1 of 3 cases failed: after",
        "67 cases: 34 passed, 20 failed, 1 error, 4 xfailed, 1 ambiguous, 3 skipped, 4",
        "4 cases began and did not end:",
    ],
)
def test_what_did_not_pass_is_told(ran: Result, line: str) -> None:
    assert any(each.startswith(line) for each in ran.out.splitlines())


def test_the_first_failures_traceback_stands_below_the_message(ran: Result) -> None:
    _, _, rest = ran.out.partition("2 of 5 cases failed: row-1, row-3")
    lines = [line.split() for line in rest.splitlines()[:20]]
    title = next(index for index, words in enumerate(lines) if "row-1" in words[1:2])
    body = [" ".join(words) for words in lines[title:]]
    assert "async def ask(n):" in body
    assert "> assert case.actual == case.expected" in body
    assert "test_it.py:13: AssertionError" in body


def test_a_sub_case_keeps_what_its_keywords_the_mark_and_the_block_say(
    stored: Stored,
) -> None:
    first = stored.cases["test_gather::row-1"]
    assert (first["input"], first["expected"], first["actual"]) == ("1", "2", "3")
    assert (first["name"], first["test"]) == ("row-1", "test_it.py::test_gather")
    passes, below = (
        stored.cases[f"test_outcomes::{n}"] for n in ("passes", "is below")
    )
    assert (passes["tags"], below["tags"]) == (["all"], ["own"])
    assert passes["metadata"] == {"model": "m"}
    assert passes["input"] == "test_it.py::test_outcomes::passes"
    assert "prompt_id" not in passes
    assert stored.cases["test_outcomes::fails"]["cost_usd"] == 0.25
    assert stored.cases["test_outcomes::measures"]["latency_ms"] == 12.5
    assert 0 < stored.cases["test_gather::row-0"]["latency_ms"] < 60_000


def test_a_test_that_runs_again_replaces_its_sub_cases(stored: Stored) -> None:
    always, at_last, gone = (
        stored.cases[f"test_runs_again::{name}"]
        for name in ("always", "at last", "only in run 1")
    )
    assert [each["outcome"] for each in always["attempts"]] == ["passed"]
    assert [each["outcome"] for each in at_last["attempts"]] == ["failed"]
    assert (always.get("flaky"), at_last["flaky"]) == (None, True)
    assert always["cost_usd"] == 1.0
    assert gone["reason"] == "not reached when its test ran again"


def test_names_are_kept_apart_and_hold_no_secret(ran: Result, stored: Stored) -> None:
    start = "test_names::"
    names = [each.removeprefix(start) for each in stored.cases if start in each]
    assert sorted(names)[:6] == [
        "\\ud800",
        "\\x1b[31mred",
        "a::b[1]",
        "a\\n\\tb",
        "key [REDACTED]",
        "key [REDACTED] #2",
    ]
    assert len(names) == 8
    assert max(map(len, names)) <= 200
    assert "Ab1Ab1" not in ran.out


@pytest.mark.parametrize(
    "line",
    [
        "NAME test_it.py::test_names has a sub-case 'a::b[1]' already: each needs a"
        " name of its own",
        "NAME the name of a sub-case is blank: ' '",
        "NAME the name of a sub-case must be a string, got 17",
        "GIVEN subcase() has no keyword 'inptu'; did you mean 'input'?",
        "GIVEN subcase(): threshold= must be a number within 0..1, got 2",
        "GIVEN subcase(): tags= must be a list, tuple or set of strings, got 'one'",
    ],
)
def test_what_is_wrong_is_told_at_that_line(ran: Result, line: str) -> None:
    assert line in ran.out.splitlines()


def test_junit_has_one_test_case_with_the_counts(ran: Result) -> None:
    tree = ElementTree.parse(ran.directory / "junit.xml")
    properties = {
        case.get("name"): {
            each.get("name"): each.get("value") for each in case.iter("property")
        }
        for case in tree.iter("testcase")
    }
    assert properties["test_gather"] == {
        "evalguard.cases": "5",
        "evalguard.cases.failed": "2",
        "evalguard.cases.passed": "3",
    }
    assert properties["test_fails_itself"]["evalguard.outcome"] == "failed"


def test_what_comes_too_late_is_told_where_it_comes(suite: Suite) -> None:
    suite.test("""
        LATE = []
        def test_leaves(eval_case):
            block = eval_case.subcase("open")
            LATE.extend((eval_case, block, block.__enter__()))
        def test_after_that():
            eval_case, block, case = LATE
            with pytest.raises(RuntimeError, match="test_leaves has finished"):
                eval_case.subcase("late")
            with pytest.raises(RuntimeError, match="test_leaves::open has ended"):
                case.actual = "late"
            with pytest.raises(RuntimeError, match="test_leaves::open has ended"):
                block.__exit__(None, None, None)
            assert block.__exit__(ValueError, ValueError(), None) is False
    """)
    result = suite.run()
    assert result.tally == {"passed": 2, "error": 1}
    assert result.session.outcomes == {"test_leaves::open": "not run"}


# A session that stops

SLOW = """
    import pathlib, threading
    HERE = pathlib.Path(__file__).parent

    @pytest.mark.parametrize("part", ["a", "b"])
    def test_many(eval_case, part):
        for n in range(500):
            with eval_case.subcase(f"row-{n:03}") as case:
                case.actual = n
                if n == 60:
                    (HERE / f"waits-{part}").touch()
                    threading.Event().wait(60)
            (HERE / f"done-{part}-{n}").touch()
"""


@pytest.mark.real_process("it is killed in the middle")
def test_a_kill_in_the_middle_of_a_test_loses_no_case_that_had_ended(
    everywhere: Suite,
) -> None:
    everywhere.test(SLOW)
    parts = "ab" if everywhere.is_distributed else "a"
    process = everywhere.start()
    wait_for(everywhere.directory, "waits-*", len(parts))
    os.killpg(process.pid, signal.SIGKILL)
    everywhere.finish(process)
    done = {f"test_many[{part}]::row-{n:03}" for part in parts for n in range(60)}
    shown = json.loads(everywhere.script("show", "--json").out)["cases"]
    outcomes = {each["nodeid"].partition("::")[2]: each["outcome"] for each in shown}
    assert outcomes == {
        **dict.fromkeys(done, "passed"),
        **{f"test_many[{part}]::row-060": "not run" for part in parts},
    }
    text = everywhere.script("show").out
    cases, left = 60 * len(parts), len(parts) + 2
    assert f"{cases + left} cases: {cases} passed, {left} not run" in text
    assert f"{len(parts)} case{'s'[: len(parts) - 1]} began and did not end:" in text
    assert f"{cases} of {cases + left} cases" in everywhere.script("list").out


DYING = """
    import os, signal, threading
    def test_dies(eval_case):
        together = threading.Barrier(3)
        def ask(n):
            with eval_case.subcase(f"row-{n}") as case:
                case.actual = n
                if n > 100:
                    together.wait(30)
                    threading.Event().wait(60)
        for n in range(100):
            ask(n)
        for n in (101, 102):
            threading.Thread(target=ask, args=[n], daemon=True).start()
        together.wait(30)
        os.kill(os.getpid(), signal.SIGKILL)
    def test_passes(eval_case):
        eval_case.actual = 1
"""


@pytest.mark.parametrize("shares_files", [True, False])
def test_a_dead_worker_loses_no_case_that_had_ended(
    suite: Suite, shares_files: bool
) -> None:
    suite.distribution = ("-n", "2")
    suite.test(DYING)
    if not shares_files:
        suite.write("conftest.py", ELSEWHERE)
    result = suite.run()
    outcomes = result.session.outcomes
    assert Counter(outcomes.values()) == {"passed": 101, "error": 1, "not run": 2}
    assert outcomes["test_dies"] == "error"
    assert "2 cases began and did not end:" in result.summary


# as on another machine: what the worker is told of the session's place leads nowhere
ELSEWHERE = """
    import pytest

    @pytest.hookimpl(trylast=True)
    def pytest_configure_node(node):
        for given in node.workerinput.values():
            if isinstance(given, dict) and "session" in given:
                given["session"] = "/nowhere/of/that/name"
"""

STOPPING = """
    import asyncio
    def test_first(eval_case):
        with eval_case.subcase("ended"): pass
        with eval_case.subcase("stopped"):
            STOP
    def test_second(eval_case): pass
"""


@pytest.mark.parametrize("stop", ["raise KeyboardInterrupt", "pytest.exit('enough')"])
def test_what_stops_the_session_is_passed_on(suite: Suite, stop: str) -> None:
    suite.test(STOPPING.replace("STOP", stop))
    result = suite.run()
    assert result.session.state["status"] == "interrupted"
    assert result.session.outcomes == {
        "test_first::ended": "passed",
        "test_first::stopped": "not run",
        "test_first": "not run",
    }
    assert result.session.state["counts"] == {"passed": 1, "not run": 3}


def test_a_test_is_run_again_while_one_of_its_sub_cases_lacks_a_verdict(
    everywhere: Suite,
) -> None:
    everywhere.ini("evalguard_errors = builtins.ConnectionError")
    everywhere.write("mended.py", "MENDED = False")
    everywhere.test("""
        from mended import MENDED
        def test_done(eval_case):
            for name in "ab":
                with eval_case.subcase(name) as case:
                    case.actual = str(MENDED)
                    assert name == "a"
        def test_errs(eval_case):
            for name in "ab":
                with eval_case.subcase(name) as case:
                    case.actual = str(MENDED)
                    if name == "b" and not MENDED:
                        raise ConnectionError("gone")
        @pytest.mark.eval(expected="MENDED")
        def test_changed(eval_case):
            with eval_case.subcase("a") as case:
                case.actual = str(MENDED)
        def test_fails_itself(eval_case):
            with eval_case.subcase("a"):
                pass
            assert not "its own"
    """)
    first = everywhere.run().session.state["counts"]
    assert first == {"passed": 4, "failed": 2, "error": 1}
    everywhere.write("mended.py", "MENDED = True")
    path = everywhere.directory / "test_it.py"
    path.write_text(path.read_text().replace('"MENDED"', '"yes"'))
    cases = everywhere.run("--evalguard-resume=last").session.cases
    assert carried(cases) == KEPT
    assert {cases[f"test_done::{name}"]["actual"] for name in "ab"} == {"False"}
    assert {cases[f"test_errs::{name}"]["actual"] for name in "ab"} == {"True"}
    assert cases["test_errs::b"]["outcome"] == "passed"
    again = everywhere.run("--evalguard-resume=last")
    assert carried(again.session.cases) == set(cases)
    assert again.session.state["selected"] == len(cases) == 7
    if not everywhere.is_distributed:
        failed = everywhere.run("--evalguard-resume=last:failed").session.cases
        assert carried(failed) == {"test_errs::a", "test_errs::b", "test_changed::a"}


KEPT = {"test_done::a", "test_done::b", "test_fails_itself", "test_fails_itself::a"}


def carried(cases: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, case in cases.items() if case.get("carried")}


# With the rest


def test_sub_cases_are_cases_to_hooks_groups_gates_and_baselines(
    everywhere: Suite,
) -> None:
    everywhere.write(
        "conftest.py",
        """
        import os

        def pytest_evalguard_modify_case(case, item):
            case.metadata["item"] = item.name
            case.test = case.nodeid = "forged"
            return case.name != "dropped"

        def pytest_evalguard_metrics(cases):
            return {"named": len([case for case in cases if case.name])}
        """,
    )
    everywhere.test("""
        import os
        WORSE = "WORSE" in os.environ
        @pytest.mark.parametrize("model", ["small", "large"])
        def test_models(eval_case, model):
            for name in ("row[1]", "row[2]", "a]b", "dropped"):
                with eval_case.subcase(name, tags=["row"]) as case:
                    case.actual = model
                    is_right = model == "small" or name != "a]b"
                    assert is_right and not WORSE
    """)
    everywhere.run()
    result = everywhere.run(
        "--evalguard-group-by=param:model",
        "--evalguard-min-pass-rate=row:0.2",
        "--evalguard-baseline=last",
        "--evalguard-html=page.html",
        env={"WORSE": "1"},
    )
    cases = result.session.cases
    items = {case["metadata"]["item"] for name, case in cases.items() if "row[" in name}
    assert items == {"test_models[small]", "test_models[large]"}
    assert Counter(result.session.outcomes.values()) == {"failed": 6, "dropped": 2}
    assert cases["test_models[small]::a]b"]["test"] == "test_it.py::test_models[small]"
    for line in (
        "regressed:",
        "gate FAILED pass rate of row: 0.0%",
        "metrics     named 6",
    ):
        assert line in result.summary
    assert "5 regressed" in result.summary
    assert "3 pairs" in result.summary
    page = (result.directory / "page.html").read_text()
    assert "test_models[large]::row[2]" in page


def test_services_get_a_result_of_each_sub_case(
    everywhere: Suite, standin: StandIn
) -> None:
    first, second, shared = (standin.add_prompt(f"question {n}") for n in range(3))
    everywhere.test(f"""
        PROMPTS = {{"a": {first}, "b": {second}, "c": {shared}, "d": {shared}}}
        @pytest.mark.eval(prompt_id=99)
        def test_all(eval_case):
            for name, prompt_id in PROMPTS.items():
                with eval_case.subcase(name, prompt_id=prompt_id) as case:
                    case.actual = name
                    assert name != "b"
            with eval_case.subcase("without a prompt") as case:
                case.actual = "none"
    """)
    agent = f"--evalguard-agent={standin.agent_id}"
    result = everywhere.run(agent, "--evalguard-run=new", standin=standin)
    answers = {number: each[0]["response"] for number, each in standin.results.items()}
    assert answers == {first: "a", second: "b"}
    assert "submitted 2 results to agent" in result.summary
    assert [row["actualOutput"] for row in rows_of(standin)] == [*"abcd", "none"]


def test_merged_sessions_keep_which_tests_have_ended(suite: Suite) -> None:
    suite.test("""
        import os
        @pytest.mark.parametrize("n", range(4))
        def test_part(eval_case, n):
            with eval_case.subcase("a") as case:
                case.actual = os.environ.get("RUN", "first")
    """)
    for expression in ("0 or 1", "2"):
        suite.run("-k", expression)
    shards = [str(each.path) for each in suite.run("--collect-only").sessions]
    assert suite.script("merge", *shards, "-o", "merged").status == 0
    result = suite.run("--evalguard-resume=merged", env={"RUN": "second"})
    answers = {name: case["actual"] for name, case in result.session.cases.items()}
    assert answers == {
        f"test_part[{n}]::a": "second" if n == 3 else "first" for n in range(4)
    }
    assert "4 cases: 4 passed" in result.summary


def test_a_session_that_takes_no_xfail_has_failures(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.xfail
        def test_expected(eval_case):
            with eval_case.subcase("a"):
                assert 1 == 2
    """)
    result = suite.run("--runxfail")
    assert result.session.outcomes == {"test_expected::a": "failed"}
    assert result.tally == {"failed": 1}


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="it has no subtests yet")
def test_subtests_take_no_failure_of_the_sub_cases_beside_them(
    everywhere: Suite,
) -> None:
    everywhere.test("""
        def test_mix(eval_case, subtests):
            with eval_case.subcase("first"): assert 0
            with subtests.test("fine"): pass
            with eval_case.subcase("later"): assert 0

        @pytest.mark.xfail(raises=KeyError)
        def test_own(eval_case, subtests):
            with eval_case.subcase("known"): raise KeyError
            with subtests.test("fine"): pass
            assert 0, "a real failure"
        """)
    result = everywhere.run()
    assert "SUBFAILED" not in result.out
    assert "2 of 2 cases failed: first, later" in result.out
    assert result.session.outcomes == {
        "test_mix::first": "failed",
        "test_mix::later": "failed",
        "test_own": "failed",
        "test_own::known": "xfailed",
    }


def test_a_sub_case_is_no_other_test_whose_parameter_ends_as_its_name(
    everywhere: Suite,
) -> None:
    everywhere.test("""
        @pytest.mark.parametrize("p", ["a", "a]::b"])
        def test_q(eval_case, p):
            if p == "a":
                with eval_case.subcase("b]"): assert 0
        """)
    everywhere.run()
    assert everywhere.script("gate", "--min-pass-rate=0.9").status == 1


@pytest.mark.real_process("what others have loaded stays loaded in a process")
def test_a_session_without_sub_cases_loads_nothing_for_them(suite: Suite) -> None:
    suite.test("""
        import sys
        def test_it(eval_case):
            eval_case.actual = 1
        def test_after_it(eval_case):
            loaded = [name for name in sys.modules if name.endswith("subcases")]
            with eval_case.subcase("a"):
                assert not loaded
    """)
    assert suite.run().tally == {"passed": 2}
