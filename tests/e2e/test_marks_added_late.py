"""Marks that a fixture adds: they count when the body of the test begins."""

from __future__ import annotations

import pytest

from suite import Suite

MARKING = """
    @pytest.fixture
    def marking(request):
        request.node.add_marker(pytest.mark.eval({arguments}))
"""


def test_a_threshold_that_a_fixture_adds_counts(everywhere: Suite) -> None:
    everywhere.test(
        MARKING.format(arguments="threshold=0.9, expected='Paris', tags=['late']")
        + """
    def test_it(marking, eval_case):
        assert eval_case.expected == "Paris"
        eval_case.score = 0.5
    """
    )
    result = everywhere.run()
    case = result.session.cases["test_it"]
    assert (result.status, case["outcome"]) == (1, "failed")
    assert "below the threshold of 0.9" in case["reason"]
    assert (case["expected"], case["tags"]) == ("Paris", ["late"])


@pytest.mark.parametrize("others", ["", "def test_other(eval_case): eval_case.score=1"])
def test_a_mark_that_a_fixture_adds_makes_a_case(
    everywhere: Suite, others: str
) -> None:
    """Also where it is the first case of the session."""
    everywhere.test(
        MARKING.format(arguments="input='q', threshold=0.5")
        + f"""
    def test_it(marking): assert False
    def test_none(): pass
    {others}
    """
    )
    result = everywhere.run()
    assert result.session.outcomes["test_it"] == "failed"
    assert "test_none" not in result.session.outcomes
    assert len(result.session.outcomes) == (2 if others else 1)


def test_a_mark_of_a_class_that_a_fixture_adds_counts(suite: Suite) -> None:
    suite.test("""
        @pytest.fixture(scope="class")
        def marking(request):
            request.node.add_marker(pytest.mark.eval(tags=["late"]))

        class TestIt:
            def test_a(self, marking, eval_case): eval_case.score = 1
            def test_b(self, eval_case): eval_case.score = 1
    """)
    cases = suite.run().session.cases
    assert [case.get("tags") for case in cases.values()] == [["late"], ["late"]]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("treshold=0.9", "has no keyword 'treshold'; did you mean 'threshold'?"),
        ("threshold=2", "threshold= must be a number within 0..1, got 2"),
        ("trials=3", "trials= can't be added when a test has begun"),
    ],
)
def test_a_wrong_mark_that_a_fixture_adds_fails_its_test(
    suite: Suite, arguments: str, told: str
) -> None:
    suite.test(
        MARKING.format(arguments=arguments)
        + """
    def test_it(marking, eval_case): eval_case.score = 1
    def test_next(eval_case): eval_case.score = 1
    """
    )
    result = suite.run()
    assert result.status == 1
    assert told in result.out
    assert result.session.outcomes == {"test_it": "error", "test_next": "passed"}


def test_a_rerun_keeps_the_mark_that_a_fixture_added(suite: Suite) -> None:
    suite.test(
        MARKING.format(arguments="threshold=0.9")
        + """
    runs = []
    @pytest.mark.flaky(reruns=2)
    def test_it(marking, eval_case):
        runs.append(1)
        eval_case.score = 0.5 if len(runs) < 3 else 0.95
    """
    )
    result = suite.run(plugins=["rerunfailures"])
    case = result.session.cases["test_it"]
    assert (case["outcome"], case["flaky"]) == ("passed", True)
    assert [each["outcome"] for each in case["attempts"]] == ["failed", "failed"]
