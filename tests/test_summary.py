"""The section `evalguard` of the terminal output."""

from __future__ import annotations

import pytest

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


def test_many_failures_are_cut_with_a_count(everywhere: Suite) -> None:
    everywhere.test("""
        @pytest.mark.eval
        @pytest.mark.parametrize("n", range(50))
        def test_it(n):
            assert not n + 1
    """)
    result = everywhere.run()
    summary = result.summary
    assert summary.count("failed test_it.py") == 20
    assert "and 30 more that did not pass: pytest-evalguard show .evalguard/" in summary
    assert "failed test_it.py::test_it[27]" in summary
    assert "failed test_it.py::test_it[28]" not in summary
    shown = everywhere.script("show")
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


def test_there_is_no_section_without_cases(everywhere: Suite) -> None:
    everywhere.test("def test_it(): pass")
    assert everywhere.run().summary == ""
