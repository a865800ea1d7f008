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
    values = [
        "  input     Who wrote it?",
        "  expected  It was Jane Austen.",
        "  actual    It was Emily Bronte.",
        "                   ^",
    ]
    assert suite.run().summary.splitlines()[4:-1] == [
        "1 case did not pass:",
        "failed  test_it.py::test_it  wrong author",
        *values,
    ]
    assert suite.run("-v").summary.splitlines()[4:-1] == [
        "1 case did not pass:",
        "failed test_it.py::test_it",
        *values,
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
    expected, actual, caret = summary.splitlines()[6:9]
    assert "RIGHT" in expected
    assert "WRONG" in actual
    assert actual.index("WRONG") == caret.index("^")
    assert max(len(line) for line in summary.splitlines()) <= 80


MANY = """
@pytest.mark.eval(input="how many?")
@pytest.mark.parametrize("n", range(300))
def test_it(eval_case, n):
    eval_case.record(expected={"n": 0}, actual={"n": n}, score=n / 1000)
    if n % 2:
        pytest.xfail("odd")
    assert eval_case.score > 1
"""


def test_many_failures_are_about_a_screen(suite: Suite) -> None:
    suite.test(MANY)
    result = suite.run("--tb=no")
    lines = result.summary.splitlines()
    assert len(lines) < 60
    assert "300 cases did not pass, the first 5 with values:" in lines
    shown = [line for line in lines if line.startswith("failed  test_it.py::test_it[")]
    assert len(shown) == 20
    assert shown[0].endswith("[0]    0.000  assert eval_case.score > 1: 0.0 > 1")
    assert shown[1].endswith("[100]  0.100  assert eval_case.score > 1: 0.1 > 1")
    assert result.summary.count("  input     how many?") == 5
    assert not any(line.startswith("xfailed") for line in lines)
    path = result.session.path.relative_to(suite.directory)
    assert lines[-3:-1] == [
        "and 280 more: -v or the report page shows them",
        f"  show all: pytest-evalguard show -v {path}",
    ]
    assert suite.script("show").out.splitlines() == lines
    whole = suite.script("show", "-v").out
    assert whole.count("failed test_it.py") == 300
    assert whole.index("\nfailed test_it.py::test_it[298]") < whole.index("\nxfailed")


def test_verbose_sessions_show_all_that_did_not_pass(everywhere: Suite) -> None:
    everywhere.test(MANY.replace("300", "30"))
    result = everywhere.run("--tb=no", "-v")
    assert result.summary.count("  input     how many?") == 30
    assert result.summary.count("failed test_it.py") == 30
    assert everywhere.script("show", "-v").out.splitlines() == (
        result.summary.splitlines()
    )


def test_json_is_told_by_the_keys_that_differ(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            same = {"id": "x" * 200, "lines": [{"sku": "A", "n": 1}]}
            eval_case.expected = {**same, "total": 1.5, "due": "May", "a": 1, "b": 1}
            eval_case.actual = {**same, "total": 1, "a": True, "b": 2, "c": [1]}
            pytest.fail("differs")
    """)
    lines = suite.run().summary.splitlines()
    start = lines.index("failed  test_it.py::test_it  Failed: differs")
    assert lines[start + 1 : -1] == [
        "  expected  total: 1.5",
        "  actual    total: 1",
        '  expected  due: "May"',
        "  actual    due: (missing)",
        "  expected  a: 1",
        "  actual    a: true",
        "            and 2 more keys that differ",
    ]
    whole = suite.script("show", "-v").out
    assert "  expected  c: (missing)\n  actual    c: [1]\n" in whole


def test_a_line_of_a_case_has_the_width_of_the_terminal(suite: Suite) -> None:
    suite.write(
        "checks/of_answers/test_it.py",
        """
        import pytest
        @pytest.mark.parametrize("n", [*"abcde", "short", "sm" + "all" * 40])
        def test_with_a_name_that_is_no_shorter_than_others(eval_case, n):
            eval_case.record(expected="a" * 300, actual="b" * 300, score=0.5)
            pytest.fail("the answer has little to do with the question " * 9)
        """,
    )
    suite.run("--tb=no")
    starts = {60: "…::test_", 80: "…::test_", 120: "…/test_it.py::", 200: "checks/"}
    for width, start in starts.items():
        shown = suite.script("show", env={"COLUMNS": str(width)}).out.splitlines()
        *first, one, other = [line for line in shown if line.startswith("failed")]
        values = [line for line in shown if line.startswith("  actual")]
        reasons = [line for line in shown if line.startswith("  reason")]
        assert {cells(line) for line in (one, other, *values, *reasons)} == {width}
        assert one.removeprefix("failed  ").startswith(start)
        assert "0.500  Failed: the answ" in one
        assert "0.500  Failed: the answ" in other
        assert [line[-5:] for line in first] == ["0.500"] * 5
        assert reasons[0].startswith("  reason    Failed: the answer has little to do")


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
    assert everywhere.script("show").out.splitlines() == lines


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
