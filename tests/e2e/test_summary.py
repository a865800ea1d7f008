"""The section `evalguard` of the terminal output."""

from __future__ import annotations

import pytest

from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.model.case import Attempt, Case
from pytest_evalguard.model.text import cells
from pytest_evalguard.reporting.terminal import figures
from suite import Suite


def test_it_lists_what_was_recorded(everywhere: Suite) -> None:
    everywhere.test("""
        @pytest.mark.parametrize("n", range(4))
        def test_it(eval_case, n):
            eval_case.record(actual="a", score=n / 4, latency_ms=100 * n, cost_usd=0.25,
                tokens={"prompt": 1000, "completion": 500})
            eval_case.add_score("relevance", 0.5 + n / 10)
        @pytest.mark.eval
        @pytest.mark.skip
        def test_skipped():
            pass
    """)
    assert everywhere.run().summary.splitlines()[:-1] == [
        "5 cases: 4 passed, 1 skipped",
        "pass rate   100.0% (4 of 4), 95% interval 51.0% to 100.0%",
        "mean score  0.375",
        "            relevance 0.650 (4 cases)",
        "latency     p50 100 ms, p95 300 ms",
        "tokens      4,000 prompt, 2,000 completion",
        "cost        $1.0000",
    ]


def test_a_failed_case_shows_where_the_answers_differ(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            eval_case.input = "Who wrote it?"
            eval_case.expected = "It was Jane Austen."
            eval_case.actual = "It was Emily Bronte."
            assert eval_case.actual == eval_case.expected, "wrong author"
    """)
    assert suite.run().summary.splitlines()[4:-1] == [
        "failed test_it.py::test_it",
        "  input     Who wrote it?",
        "  expected  It was Jane Austen.",
        "  actual    It was Emily Bronte.",
        "                   ^",
        "  reason    AssertionError: wrong author, at test_it.py:7",
    ]


def test_a_difference_far_inside_long_answers_is_in_sight(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            eval_case.expected = "a" * 3000 + "RIGHT" + "b" * 3000
            eval_case.actual = "a" * 3000 + "WRONG" + "b" * 3000
            pytest.fail("differs")
    """)
    summary = suite.run().summary
    expected, actual, caret = summary.splitlines()[5:8]
    assert "RIGHT" in expected
    assert "WRONG" in actual
    assert actual.index("WRONG") == caret.index("^")
    assert max(len(line) for line in summary.splitlines()) <= 80


def test_many_failures_are_cut_with_a_count(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.eval
        @pytest.mark.parametrize("n", range(50))
        def test_it(n):
            assert not n + 1
    """)
    result = suite.run()
    summary = result.summary
    assert summary.count("failed test_it.py") == 20
    assert (
        "and 30 more that did not pass:\n  show them by: pytest-evalguard show .ev"
        in summary
    )
    assert "failed test_it.py::test_it[27]" in summary
    assert "failed test_it.py::test_it[28]" not in summary
    shown = suite.script("show")
    assert shown.out.count("failed test_it.py") == 50


def test_recorded_text_can_not_act_on_the_terminal_or_the_ci_log(suite: Suite) -> None:
    suite.test(r"""
        def test_it(eval_case):
            eval_case.input = "\x1b[2J\x1b]0;title\x07"
            eval_case.actual = "\n::error::hi\n##[error]hi\r\u202e"
            pytest.fail("\n::set-output name=x::y")
    """)
    result = suite.run("--tb=no", "-rN")
    assert "\x1b" not in result.summary
    assert "\u202e" not in result.summary
    assert "##[" not in result.summary
    assert not any(line.strip().startswith("::") for line in result.out.splitlines())


@pytest.mark.parametrize("option", ["-q", "--no-header", "--tb=no"])
def test_it_is_there_when_less_is_asked_for(suite: Suite, option: str) -> None:
    suite.test("def test_it(eval_case): eval_case.score = 1")
    assert "1 case: 1 passed" in suite.run(option).summary


def test_there_is_no_section_without_cases(suite: Suite) -> None:
    suite.test("def test_it(): pass")
    assert suite.run().summary == ""


@pytest.mark.unmeasured("it takes long")
def test_no_line_is_wider_than_80_columns(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", range(1200))
        @pytest.mark.eval(tags=["a-long-tag-" * 9])
        def test_with_a_rather_long_name_that_is_not_unusual_in_a_suite(eval_case, n):
            eval_case.record(input="日本語" * 50, expected="日本語" * 39 + "x",
                actual="日本語" * 40, score=0.3)
            match n % 6:
                case 1: pytest.skip()
                case 2: pytest.xfail()
                case 3: eval_case.mark_ambiguous()
                case 4: assert not n, "日本語" * 60
        @pytest.mark.eval
        def test_error(nowhere): pass
        @pytest.mark.xfail
        def test_xpassed(eval_case): eval_case.actual = 1
        """)
    gate = f"--evalguard-min-pass-rate={'a-long-tag-' * 9}:0.5"
    summary = suite.run("--tb=no", "-q", gate).summary
    assert " ".join(summary.split()).startswith(
        "1,202 cases: 400 passed, 200 failed, 1 error, 200 xfailed, 1 xpassed,"
        " 200 ambiguous, 200 skipped pass rate"
    )
    assert max(map(cells, summary.splitlines())) <= 80


def test_the_caret_is_below_the_difference_in_wide_text(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            eval_case.record(input="?", expected="日本語x", actual="日本語y")
            assert False
        """)
    lines = suite.run().summary.splitlines()
    (actual,) = [line for line in lines if line.startswith("  actual")]
    (caret,) = [line for line in lines if line.strip() == "^"]
    assert cells(actual[: actual.index("y")]) == caret.index("^")


def test_values_with_one_text_are_told_apart(everywhere: Suite) -> None:
    everywhere.test("""
        PAIRS = {
            "blank": ("a b", "a\\u00a0b"),
            "cut": tuple("a" * 200_000 + c + "a" * 200_000 for c in "xy"),
            "escape": ("a\\nb", "a\\\\nb"),
            "type": (1, "1"),
        }
        @pytest.mark.parametrize("name", PAIRS)
        def test_it(eval_case, name):
            eval_case.expected, eval_case.actual = PAIRS[name]
            pytest.fail("differs")
        @pytest.mark.eval(expected=None, input="?")
        def test_mark(eval_case):
            eval_case.expected, eval_case.actual = (1, 2), [1, 2]
            pytest.fail("differs")
        """)
    result = everywhere.run()
    lines = result.summary.splitlines()
    shown = [line for line in lines if line.startswith(("  actual", "  differs"))]
    assert shown[0] == r"  actual    a\u00a0b"
    assert shown[1].startswith("  actual    aaaaa")
    assert shown[2:] == [
        "  differs   at character 200,001, which is not kept",
        r"  actual    a\\nb",
        "  actual    1",
        "  differs   in type: int and str",
        "  actual    [1, 2]",
        "  differs   in type: tuple and list",
    ]
    assert everywhere.script("show").out.splitlines()[-len(lines) :] == lines


def test_types_of_a_case_that_passed_are_not_compared(suite: Suite) -> None:
    suite.test("def test_it(eval_case): eval_case.record(expected=1, actual='1')")
    assert "types" not in suite.run().session.cases["test_it"]


def test_equal_answers_are_said_to_be_the_same(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            eval_case.record(expected="sk-" + "a" * 40, actual="sk-" + "b" * 40)
            pytest.fail("differs")
        def test_other(eval_case):
            eval_case.record(expected="x", actual="x")
            pytest.fail("differs")
        """)
    lines = suite.run().summary.splitlines()
    shown = [line for line in lines if line.startswith("  actual")]
    assert shown == [
        "  actual    the same, apart from secrets",
        "  actual    the same",
    ]


def test_no_text_of_a_case_fills_the_screen(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", [1], ids=["日" * 35_000])
        def test_it(eval_case, n):
            eval_case.mark_ambiguous("x" * 90_000)
        @pytest.mark.eval
        @pytest.mark.parametrize("n", [1], ids=["x" * 70_000])
        def test_other(n):
            assert not n
        """)
    summary = suite.run().summary.splitlines()
    assert len(summary) < 40
    assert max(map(cells, summary)) <= 80


def test_a_rate_over_all_trials_is_of_the_cases_with_that_many() -> None:
    def case(name: str, *outcomes: str) -> Case:
        trials = [Attempt("failed" if each == "F" else "passed") for each in outcomes]
        return Case(name, "passed", trials=trials)

    cases = [case("a", *".F"), case("b", *"....."), case("c", *"....F")]
    shown = dict(figures(Totals.of(cases)))
    assert shown["pass^5"].startswith("50.0%")
    assert shown["pass^5"].endswith("(2 of 3 cases: those with 5 trials)")
    alike = dict(figures(Totals.of(cases[1:])))
    assert alike["pass^5"].endswith("(2 cases)")
