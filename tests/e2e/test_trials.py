"""Trials: k of n, one case, one line, one row."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from standin import StandIn
from suite import Result, Suite, rows_of

COUNTED = """
    RUNS = []

    @pytest.fixture(autouse=True)
    def run():
        RUNS.append(1)
        return len(RUNS)
    """


def counted(suite: Suite, test: str) -> None:
    suite.write("test_it.py", f"import pytest\n{_dedented(COUNTED)}\n{_dedented(test)}")


def _dedented(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(line[4:] for line in lines)


def the_case(result: Result) -> dict[str, Any]:
    (case,) = result.session.cases.values()
    return case


def letters(case: dict[str, Any]) -> str:
    return "".join(each["outcome"][0] for each in case["trials"])


COUNTS: dict[str, tuple[tuple[int, ...], int | None, str]] = {
    # which of five trials fail, how many are required
    "all": ((), None, "passed"),
    "one_too_few": ((2,), None, "failed"),
    "enough": ((2,), 4, "passed"),
    "two_too_few": ((2, 5), 4, "failed"),
    "a_single_one": ((1, 2, 3, 4), 1, "passed"),
    "none": ((1, 2, 3, 4, 5), 1, "failed"),
}
COUNTING = """
@pytest.mark.eval(trials=5{require})
def test_{name}():
    RUNS["{name}"] = RUNS.get("{name}", 0) + 1
    assert RUNS["{name}"] not in {failing}
"""


def test_a_case_passes_when_enough_trials_do(everywhere: Suite) -> None:
    tests = "".join(
        COUNTING.format(
            name=name, failing=failing, require=f", require={n}" if n else ""
        )
        for name, (failing, n, _) in COUNTS.items()
    )
    everywhere.write("test_it.py", f"import pytest\nRUNS = {{}}\n{tests}")
    result = everywhere.run()
    cases = result.session.cases
    for name, (failing, _, outcome) in COUNTS.items():
        expected = "".join("f" if n in failing else "p" for n in range(1, 6))
        case = cases[f"test_{name}"]
        assert (case["outcome"], letters(case)) == (outcome, expected), name
    assert result.tally == {"passed": 3, "failed": 3}


def test_trials_are_one_test_to_everybody_else(everywhere: Suite) -> None:
    counted(
        everywhere,
        """
    @pytest.mark.eval(trials=3, require=2)
    def test_it(run):
        assert run != 2
    """,
    )
    result = everywhere.run("-v", "--junitxml=junit.xml")
    assert "PASSED (.F.)" in result.out
    assert "FAILURES" not in result.out
    assert "Error" not in result.out
    tree = ElementTree.parse(everywhere.directory / "junit.xml")
    assert len([*tree.iter("testcase")]) == 1
    assert [*tree.iter("failure")] == []
    assert "(" not in everywhere.run().out.splitlines()[-3]


def test_a_failed_case_shows_its_first_failed_trial(everywhere: Suite) -> None:
    counted(
        everywhere,
        """
    @pytest.mark.eval(trials=5, require=4)
    def test_it(run):
        print(f"printed in {run}")
        assert run in (1, 3, 5), f"trial {run}"
    """,
    )
    result = everywhere.run()
    assert "AssertionError: trial 2" in result.out
    assert "trial 4" not in result.out
    assert "3 of 5 trials passed, 4 required (.F.F.)" in result.out
    assert "printed in 2" in result.out
    assert "printed in 1" not in result.out
    assert the_case(result)["reason"].startswith(
        "3 of 5 trials passed: AssertionError: trial 2"
    )


def test_a_case_stays_one_row_of_means_and_sums(
    everywhere: Suite, standin: StandIn
) -> None:
    counted(
        everywhere,
        """
    @pytest.mark.eval(trials=4, require=3, expected="yes")
    def test_it(eval_case, run):
        eval_case.record(input="?", actual=f"answer {run}", score=run / 4)
        eval_case.latency_ms = run * 10
        eval_case.add_tokens(prompt=run, completion=1)
        eval_case.cost_usd = 0.5
        eval_case.add_score("tone", run / 4, passed=run > 1)
        eval_case.add_score("rare", run / 4, passed=run > 2, reason=f"said {run}")
        assert run != 2
    """,
    )
    result = everywhere.run("--evalguard-run=new", standin=standin)
    (row,) = rows_of(standin)
    assert row["passed"] is True
    assert (row["score"], row["latency"]) == (0.625, 25.0)
    assert row["tokenUsage"] == {"prompt": 10, "completion": 4, "total": 14}
    assert row["actualOutput"] == "answer 4"
    assert row["scorerResults"] == {
        "pytest": {"score": 1.0, "passed": True},
        "tone": {"score": 0.625, "passed": True},
        "rare": {"score": 0.625, "passed": False, "reason": "said 1"},
    }
    case = the_case(result)
    assert case["cost_usd"] == 2.0
    assert [each["actual"] for each in case["trials"]] == [
        f"answer {n}" for n in (1, 2, 3, 4)
    ]


def test_a_failed_case_has_the_answer_of_its_first_failed_trial(
    everywhere: Suite,
) -> None:
    counted(
        everywhere,
        """
    @pytest.mark.eval(trials=3)
    def test_it(eval_case, run):
        eval_case.actual = f"answer {run}"
        assert run != 2
    """,
    )
    case = the_case(everywhere.run())
    assert case["actual"] == "answer 2"
    assert case["score"] == pytest.approx(2 / 3)


def test_function_fixtures_are_fresh_and_others_are_kept(everywhere: Suite) -> None:
    everywhere.test("""
        COUNTS = {"module": 0, "class": 0, "function": 0, "ended": 0}

        @pytest.fixture(scope="module")
        def module():
            COUNTS["module"] += 1
            yield
            assert COUNTS["function"] == 6

        @pytest.fixture(scope="class")
        def of_class():
            COUNTS["class"] += 1

        @pytest.fixture
        def function(tmp_path):
            assert list(tmp_path.iterdir()) == []
            (tmp_path / "x").touch()
            COUNTS["function"] += 1
            yield COUNTS["function"]
            COUNTS["ended"] += 1

        class TestIt:
            @pytest.mark.eval(trials=3)
            def test_it(self, eval_case, module, of_class, function):
                assert eval_case.actual is None
                eval_case.actual = "a"
                assert not hasattr(self, "seen")
                self.seen = True
                assert COUNTS == {"module": 1, "class": 1, "function": function,
                                  "ended": function - 1}

            @pytest.mark.eval(trials=3)
            def test_next(self, module, function):
                assert COUNTS["module"] == 1
        """)
    together = ("--dist=loadfile",) if everywhere.is_distributed else ()
    assert everywhere.run(*together).tally == {"passed": 2}


DECIDED: dict[str, tuple[str, str, str]] = {
    # what happens in a phase, the outcome with 3 of 5 required, the trials' letters
    "one setup error": ("end(1, 'setup')", "passed", "epppp"),
    "setup errors": ("end(3, 'setup')", "error", "eeepp"),
    "teardown errors": ("end(3, 'teardown')", "error", "eeepp"),
    "failures before errors": ("end(1, 'setup'); end(4)", "failed", "efffp"),
    "errors without which it may have passed": (
        "end(1, 'setup'); end(3)",
        "error",
        "effpp",
    ),
    "skips": ("end(5, how=pytest.skip)", "skipped", "sssss"),
    "few skips": ("end(2, how=pytest.skip)", "passed", "ssppp"),
    "many skips": ("end(3, how=pytest.skip)", "skipped", "ssspp"),
    "xfails": ("end(3, how=pytest.xfail)", "xfailed", "xxxpp"),
    "ambiguous": ("end(3, how=case and case.mark_ambiguous)", "ambiguous", "aaapp"),
    "thresholds": ("end(5, how=case and score)", "passed", "ffppp"),
}


PLAYED = """
RUNS = {}

def play(name, here, case=None):
    def end(last, phase="call", how=pytest.fail):
        if phase == here and RUNS[name] <= last:
            how("planned")

    def score(reason):
        case.score = RUNS[name] / 5

    PLAYS

@pytest.fixture
def phases(request):
    name = request.node.name
    RUNS[name] = RUNS.get(name, 0) + 1
    play(name, "setup")
    yield
    play(name, "teardown")

@pytest.mark.eval(trials=5, require=3, threshold=0.5)
@pytest.mark.parametrize("kind", range(COUNT))
def test_it(phases, eval_case, kind, request):
    play(request.node.name, "call", eval_case)
"""


def test_each_kind_of_trial_is_decided(everywhere: Suite) -> None:
    plays = "".join(
        f'if name == "test_it[{number}]": {ends}\n    '
        for number, (ends, _, _) in enumerate(DECIDED.values())
    )
    text = PLAYED.replace("PLAYS", plays).replace("COUNT", str(len(DECIDED)))
    everywhere.write("test_it.py", f"import pytest\n{text}")
    cases = everywhere.run().session.cases
    for number, (name, (_, outcome, expected)) in enumerate(DECIDED.items()):
        case = cases[f"test_it[{number}]"]
        assert (case["outcome"], letters(case)) == (outcome, expected), name


@pytest.mark.parametrize(("strict", "outcome"), [(False, "xpassed"), (True, "failed")])
def test_an_xfail_mark_holds_for_the_case(
    everywhere: Suite, strict: bool, outcome: str
) -> None:
    counted(
        everywhere,
        f"""
    @pytest.mark.xfail(strict={strict})
    @pytest.mark.eval(trials=3, require=2)
    def test_it(run):
        assert run != 2
    """,
    )
    assert the_case(everywhere.run())["outcome"] == outcome


def test_async_tests_have_trials(everywhere: Suite) -> None:
    everywhere.test("""
        RUNS = []

        @pytest.mark.asyncio
        @pytest.mark.eval(trials=4, require=3)
        async def test_function(eval_case):
            RUNS.append(1)
            assert len(RUNS) != 2

        class TestIt:
            @pytest.mark.asyncio
            @pytest.mark.eval(trials=2)
            async def test_method(self, eval_case):
                assert not hasattr(self, "seen")
                self.seen = True
        """)
    everywhere.ini("asyncio_default_fixture_loop_scope = function")
    result = everywhere.run(plugins=["asyncio"])
    assert result.tally == {"passed": 2}
    assert {letters(each) for each in result.session.cases.values()} == {"pfpp", "pp"}


def test_unittest_methods_have_trials(everywhere: Suite) -> None:
    everywhere.test("""
        import unittest
        RUNS = []

        class TestIt(unittest.TestCase):
            def setUp(self):
                RUNS.append(1)

            @pytest.mark.eval(trials=3, require=2)
            def test_it(self):
                self.assertNotEqual(len(RUNS), 2)
        """)
    result = everywhere.run()
    assert letters(the_case(result)) == "pfp"
    assert result.tally == {"passed": 1}


def test_a_failed_case_counts_once_for_maxfail(everywhere: Suite) -> None:
    everywhere.test("""
        @pytest.mark.eval(trials=3)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            assert False
        """)
    if everywhere.is_distributed:
        assert everywhere.run("--maxfail=2").tally == {"failed": 2}
    else:
        assert everywhere.run("-x").tally == {"failed": 1}
        assert everywhere.run("--maxfail=2").tally == {"failed": 2}


def test_a_passing_case_does_not_stop_at_the_first_failure(suite: Suite) -> None:
    counted(
        suite,
        """
    @pytest.mark.eval(trials=3, require=2)
    def test_it(run):
        assert run != 1

    def test_after(): pass
    """,
    )
    assert suite.run("-x").tally == {"passed": 2}


def test_ctrl_c_in_the_third_trial_keeps_the_first_two(everywhere: Suite) -> None:
    counted(
        everywhere,
        """
    import os, signal

    @pytest.mark.eval(trials=5)
    def test_it(eval_case, run):
        eval_case.actual = f"answer {run}"
        if run == 3:
            raise KeyboardInterrupt
    """,
    )
    result = everywhere.run()
    assert result.status == 2
    assert "the session was interrupted" in result.summary
    if not everywhere.is_distributed:  # else its worker dies of it
        assert letters(the_case(result)) == "pp"
        assert the_case(result)["outcome"] == "not run"


def test_a_timeout_is_that_of_one_trial(everywhere: Suite) -> None:
    counted(
        everywhere,
        """
    import time

    @pytest.mark.timeout(1)
    @pytest.mark.eval(trials=4, require=3)
    def test_it(run):
        time.sleep(30 if run == 2 else 0.4)
    """,
    )
    result = everywhere.run(plugins=["timeout"])
    assert letters(the_case(result)) == "pfpp"
    assert result.tally == {"passed": 1}


@pytest.mark.real_process("a time-out ends it")
def test_a_timeout_by_a_thread_is_that_of_one_trial(everywhere: Suite) -> None:
    counted(
        everywhere,
        """
    import time

    @pytest.mark.timeout(1)
    @pytest.mark.eval(trials=4)
    def test_it(run):
        time.sleep(0.4)

    def test_after():
        time.sleep(0.4)
    """,
    )
    result = everywhere.run("--timeout-method=thread", plugins=["timeout"])
    assert result.tally == {"passed": 2}


@pytest.mark.parametrize("scope", ["class", "module", "session"])
def test_what_trials_share_is_torn_down_once_and_its_error_counts(
    suite: Suite, standin: StandIn, scope: str
) -> None:
    suite.test(f"""
        ENDED = []

        @pytest.fixture(scope={scope!r})
        def shared():
            yield
            ENDED.append(1)
            raise OSError("could not be cleaned up")

        class TestIt:
            @pytest.mark.eval(trials=3, require=1)
            def test_it(self, shared):
                assert not ENDED
        """)
    result = suite.run("--evalguard-run=new", standin=standin)
    assert result.tally == {"passed": 1, "error": 1}
    assert "could not be cleaned up" in result.out
    assert the_case(result)["outcome"] == "error"
    assert letters(the_case(result)) == "ppp"
    (run,) = standin.runs.values()
    assert run.status == "failed"


@pytest.mark.skipif(
    pytest.version_tuple < (9,), reason="there a failed subtest is a failed trial"
)
def test_a_failed_subtest_fails_the_case_as_it_fails_the_session(
    everywhere: Suite,
) -> None:
    counted(
        everywhere,
        """
    import unittest

    class TestIt(unittest.TestCase):
        @pytest.mark.eval(trials=3, require=1)
        def test_it(self):
            with self.subTest("one"):
                self.assertNotEqual(len(RUNS), 2)
    """,
    )
    result = everywhere.run()
    assert result.status == 1
    assert the_case(result)["outcome"] == "failed"


def test_a_class_that_can_not_be_set_up_is_one_error(suite: Suite) -> None:
    suite.test("""
        import unittest

        class TestIt(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                raise OSError("no service")

            @pytest.mark.eval(trials=3)
            def test_it(self):
                pass
        """)
    assert suite.run().tally == {"error": 1}


def test_a_method_that_a_conftest_replaced_stays_so(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(items):
            for item in items:
                item.obj = lambda: None
        """,
    )
    suite.test("""
        class TestIt:
            @pytest.mark.eval(trials=2)
            def test_it(self):
                assert False
        """)
    assert suite.run().tally == {"passed": 1}


def test_an_ended_trial_takes_no_more(suite: Suite) -> None:
    suite.test("""
        KEPT = []

        @pytest.mark.eval(trials=2)
        def test_it(eval_case):
            eval_case.actual = "a"
            if KEPT:
                with pytest.raises(RuntimeError, match="has finished"):
                    KEPT[0].mark_ambiguous("too late")
            KEPT.append(eval_case)
        """)
    assert letters(the_case(suite.run())) == "pp"


def test_trials_that_tell_nothing_do_not_count_in_means(suite: Suite) -> None:
    counted(
        suite,
        """
    @pytest.fixture
    def sometimes(run):
        if run == 1:
            raise OSError

    @pytest.mark.eval(trials=3, require=1)
    def test_it(sometimes, run, eval_case):
        if run == 2:
            pytest.skip("no")
        eval_case.record(score=0.8, latency_ms=100)
    """,
    )
    case = the_case(suite.run())
    assert (case["score"], case["latency_ms"]) == (0.8, 100)


def test_other_items_may_come_next(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        def pytest_runtest_teardown(item, nextitem):
            assert nextitem is None or nextitem.function
        """,
    )
    suite.test("""
        @pytest.mark.eval(trials=2)
        def test_it(): pass
        """)
    assert suite.run().tally == {"passed": 1}


def test_a_failure_before_ctrl_c_decides_no_trials(suite: Suite) -> None:
    counted(
        suite,
        """
    @pytest.fixture
    def stopped(run):
        yield
        if run == 3:
            raise KeyboardInterrupt

    @pytest.mark.eval(trials=5, require=2)
    def test_it(stopped, run):
        assert run != 3
    """,
    )
    case = the_case(suite.run())
    assert case["outcome"] == "not run"
    assert letters(case) == "pp"


def test_a_worker_that_dies_in_the_third_trial_is_an_error(suite: Suite) -> None:
    suite.distribution = ("-n", "2")
    counted(
        suite,
        """
    import os

    @pytest.mark.eval(trials=5, require=1)
    def test_it(run):
        if run == 3:
            os._exit(1)
    """,
    )
    result = suite.run()
    assert the_case(result)["outcome"] == "error"
    assert result.status == 1


def test_pdb_stops_in_each_failed_trial(suite: Suite) -> None:
    suite.write(
        "debugger.py",
        """
        import pdb

        class Debugger(pdb.Pdb):
            def interaction(self, *args):
                print("stopped here")
        """,
    )
    counted(
        suite,
        """
    @pytest.mark.eval(trials=4, require=2)
    def test_it(run):
        assert run % 2
    """,
    )
    args = ("--pdb", "--pdbcls=debugger:Debugger")
    result = suite.run(*args, env={"PYTHONPATH": str(suite.directory)})
    assert result.out.count("stopped here") == 2
    assert result.tally == {"passed": 1}


# Settings


def test_a_default_is_for_marked_tests_that_name_none(everywhere: Suite) -> None:
    everywhere.test("""
        @pytest.mark.eval
        def test_marked(): pass

        @pytest.mark.eval(trials=2)
        def test_own(): pass

        @pytest.mark.eval(trials=1)
        def test_once(): pass

        @pytest.mark.eval(require=2)
        def test_some(): pass

        def test_fixture(eval_case): pass
        """)
    result = everywhere.run("--evalguard-trials=3")
    counts = {
        name: len(case.get("trials", [])) for name, case in result.session.cases.items()
    }
    assert counts == {
        "test_marked": 3,
        "test_own": 2,
        "test_once": 0,
        "test_some": 3,
        "test_fixture": 0,
    }
    assert result.session.cases["test_some"]["require"] == 2
    everywhere.ini("evalguard_trials = 4")
    again = everywhere.run("-k", "marked")
    assert len(the_case(again)["trials"]) == 4


def test_more_required_than_there_are_trials_is_a_usage_error(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.eval(trials=3, require=4)
        def test_three(): pass
        @pytest.mark.eval(require=2)
        def test_one(): pass
        """)
    result = suite.run()
    assert result.status == 4
    told = " ".join(result.err.split())
    assert "require=4 can't be met, there are only 3 trials" in told
    assert "require=2 can't be met, there is only 1 trial" in told


@pytest.mark.parametrize(
    ("plugin", "args", "mark"),
    [
        ("pytest_rerunfailures", ("--reruns=2",), ""),
        ("pytest_rerunfailures", (), "@pytest.mark.flaky(reruns=2)"),
        ("pytest_retry.retry_plugin", ("--retries=2",), ""),
        ("pytest_retry.retry_plugin", (), "@pytest.mark.flaky(retries=2)"),
        ("flaky.flaky_pytest_plugin", ("--force-flaky",), ""),
    ],
)
def test_trials_and_reruns_together_are_a_usage_error(
    suite: Suite, plugin: str, args: tuple[str, ...], mark: str
) -> None:
    suite.test(f"""
        {mark}
        @pytest.mark.eval(trials=2)
        def test_it(): pass
        """)
    result = suite.run(*args, plugins=[plugin])
    assert result.status == 4
    assert "trials replace reruns" in result.err + result.out


@pytest.mark.real_process("pytest warns of a plugin that was loaded by another name")
def test_an_idle_rerun_plugin_does_not_disturb(suite: Suite) -> None:
    counted(
        suite,
        """
    @pytest.mark.eval(trials=3, require=2)
    def test_it(run):
        assert run != 2
    """,
    )
    result = suite.run(plugins=["pytest_rerunfailures"])
    assert result.tally == {"passed": 1}


# Shown


def test_the_summary_has_both_rates_and_the_unstable_cases(
    suite: Suite,
) -> None:
    suite.test("""
        RUNS = {}

        @pytest.mark.eval(trials=4, require=2)
        @pytest.mark.parametrize("bad", [(), (1,), (1, 2), (3, 4)])
        def test_it(bad):
            RUNS[bad] = RUNS.get(bad, 0) + 1
            assert RUNS[bad] not in bad
        """)
    result = suite.run()
    assert "pass@1      68.8%, 95% interval" in result.summary
    assert "pass^4      25.0%, 95% interval 4.6% to 69.9% (4 cases)" in result.summary
    lines = result.summary.splitlines()
    at = lines.index("3 cases with trials that disagree:")
    assert lines[at + 1 : at + 4] == [
        "  ..FF 2 of 4 test_it.py::test_it[bad3]",
        "  FF.. 2 of 4 test_it.py::test_it[bad2]",
        "  F... 3 of 4 test_it.py::test_it[bad1]",
    ]
    assert suite.script("show").out.strip() == result.summary.strip()


def test_the_page_shows_each_trial(suite: Suite) -> None:
    counted(
        suite,
        """
    @pytest.mark.eval(trials=2, require=1)
    def test_it(eval_case, run):
        eval_case.actual = f"answer number {run}"
        assert run != 1
    """,
    )
    suite.run("--evalguard-html=report.html")
    page = (suite.directory / "report.html").read_text()
    assert "answer number 1" in page
    assert "answer number 2" in page


def test_secrets_in_trials_are_replaced(everywhere: Suite) -> None:
    secret = "ghp_" + "Qq7" * 12
    everywhere.test(f"""
        @pytest.mark.eval(trials=2, require=1)
        def test_it(eval_case):
            eval_case.actual = {secret!r}
            assert False, {secret!r}
        """)
    result = everywhere.run("--tb=no", "-q", "--no-summary")
    text = (result.session.path / "cases.jsonl").read_text()
    assert secret not in text
    assert text.count("[REDACTED]") >= 4


def test_a_hook_may_change_what_trials_hold(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        def pytest_evalguard_modify_case(config, case, item):
            for trial in case.trials:
                trial.actual = 5
        """,
    )
    suite.test("""
        @pytest.mark.eval(trials=2)
        def test_it(eval_case):
            eval_case.actual = "private"
        """)
    case = the_case(suite.run())
    assert [each["actual"] for each in case["trials"]] == ["5", "5"]


@pytest.mark.parametrize(
    "change",
    [
        "trial.reason = b'x'",
        "trial.score = object()",
        "trial.scores = {'a': object()}",
        "trial.outcome = 'redacted'",
        "case.trials.clear()",
        "case.trials.append(trial)",
    ],
)
def test_a_hook_can_not_break_what_trials_are(suite: Suite, change: str) -> None:
    suite.write(
        "conftest.py",
        f"""
        def pytest_evalguard_modify_case(config, case, item):
            for trial in [*case.trials]:
                {change}
        """,
    )
    suite.test("""
        @pytest.mark.eval(trials=2, require=1)
        def test_it(eval_case): pass
        """)
    result = suite.run()
    case = the_case(result)
    assert case["outcome"] == "passed"
    assert case.get("withheld", False) or letters(case) == "pp"


def test_the_answers_of_many_trials_are_bounded(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.eval(trials=50, require=1)
        def test_it(eval_case):
            eval_case.actual = "x" * 100_000
        """)
    case = the_case(suite.run())
    assert len(case["actual"]) == 100_000
    assert sum(len(each["actual"]) for each in case["trials"]) < 110_000


@pytest.mark.fresh_process("it looks at the modules that are loaded")
def test_without_trials_nothing_of_them_is_loaded(everywhere: Suite) -> None:
    everywhere.write(
        "conftest.py",
        """
        import sys
        def pytest_sessionfinish():
            assert "pytest_evalguard.recording.trials" not in sys.modules
        """,
    )
    everywhere.test("@pytest.mark.eval\ndef test_it(): pass")
    assert everywhere.run().status == 0
