"""The mark in a session: what is told of a wrong one, and which of several counts."""

from __future__ import annotations

import pytest

from suite import Result, Suite

WRONG = {
    "expcted='x'": " has no keyword 'expcted'; did you mean 'expected'?",
    "colour=1": " has no keyword 'colour'; there are input, expected,",
    "'question'": " takes keywords only, got 'question'",
    "name=3": ": name= must be a string that is not blank, got 3",
    "name=' '": ": name= must be a string that is not blank, got ' '",
    "prompt_id='42'": ": prompt_id= must be a whole number of at least 0, got '42'",
    "prompt_id=True": ": prompt_id= must be",
    "prompt_id=-1": ": prompt_id= must be",
    "threshold=1.5": ": threshold= must be a number within 0..1, got 1.5",
    "threshold=True": ": threshold= must be",
    "threshold=float('nan')": ": threshold= must be",
    "tags='abc'": ": tags= must be a list, tuple or set of strings, got 'abc'",
    "tags=[1]": ": tags= must be",
    "metadata=[1]": ": metadata= must be a mapping with string keys, got [1]",
    "metadata={1: 2}": ": metadata= must be",
    "trials=0": ": trials= must be a whole number within 1..1000",
    "trials=True": ": trials= must be a whole number",
    "trials=2.0": ": trials= must be a whole number",
    "trials=1001": ": trials= must be a whole number within 1..1000",
    "trials=3, require=0": ": require= must be a whole number",
}
MARKED = """
@pytest.mark.eval({arguments})
def test_{number}(): pass
"""


@pytest.fixture(scope="module")
def wrong_marks(everywhere_once: Suite) -> Result:
    """A run of tests of which each has another wrong mark."""
    tests = (MARKED.format(arguments=a, number=n) for n, a in enumerate(WRONG))
    everywhere_once.test("".join(tests))
    return everywhere_once.run()


@pytest.mark.parametrize("arguments", WRONG)
def test_a_wrong_mark_is_told(wrong_marks: Result, arguments: str) -> None:
    test = f"test_{list(WRONG).index(arguments)}"
    told = f"test_it.py::{test}: @pytest.mark.eval{WRONG[arguments]}"
    assert told in wrong_marks.err


def test_wrong_marks_stop_before_the_first_test(wrong_marks: Result) -> None:
    assert wrong_marks.status == 4
    assert wrong_marks.sessions == []


def test_all_wrong_marks_are_told_at_once(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.eval(nmae="x", tags=1)
        @pytest.mark.parametrize("n", range(5))
        def test_one(n):
            pass
        @pytest.mark.eval(threshold="x")
        def test_two():
            pass
    """)
    err = suite.run().err
    assert err.count("test_it.py::test_one") == 2
    assert err.count("test_it.py::test_two") == 1


def test_the_closest_mark_wins_key_by_key(everywhere: Suite) -> None:
    everywhere.test("""
        pytestmark = pytest.mark.eval(name="module", tags=["module"], threshold=0.1)
        @pytest.mark.eval(name="class", expected="class")
        class TestIt:
            @pytest.mark.eval(name="function")
            def test_it(self):
                pass
    """)
    case = everywhere.run().session.cases["TestIt::test_it"]
    assert case["name"] == "function"
    assert case["expected"] == "class"
    assert case["tags"] == ["module"]
    assert case["threshold"] == 0.1


def test_recorded_metadata_joins_that_of_the_mark(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.eval(metadata={"team": "a", "n": 1})
        def test_it(eval_case):
            eval_case.metadata["n"] = 2
    """)
    case = suite.run().session.cases["test_it"]
    assert case["metadata"] == {"team": "a", "n": 2}


def test_the_mark_is_documented(suite: Suite) -> None:
    assert "@pytest.mark.eval(input=, expected=" in suite.run("--markers").out


def test_a_mark_of_another_plugin_of_that_name_is_a_usage_error(
    everywhere: Suite,
) -> None:
    everywhere.write(
        "evals.py", "def pytest_collection_modifyitems(): raise ValueError"
    )
    everywhere.write(
        "conftest.py",
        """
        def pytest_configure(config):
            import evals
            config.pluginmanager.register(evals, "evals")
    """,
    )
    everywhere.test("""
        @pytest.mark.eval
        def test_it():
            pass
    """)
    result = everywhere.run()
    assert result.status == 4
    assert "-p no:evals" in result.err
    assert "evalguard_mark" in result.err


def test_what_the_mark_says_can_be_read_from_the_fixture(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.eval(input="q", expected=["Paris"])
        def test_it(eval_case):
            assert eval_case.input == "q"
            assert eval_case.expected == ["Paris"]
            eval_case.expected = "Lyon"
            assert eval_case.expected == "Lyon"
    """)
    assert suite.run().session.cases["test_it"]["expected"] == "Lyon"


def test_the_mark_of_a_set_of_parameters_is_closest(suite: Suite) -> None:
    suite.test("""
        CLOSE = pytest.mark.eval(tags=["parameter"], threshold=0.9)
        @pytest.mark.eval(tags=["function"], threshold=0.5, name="both")
        @pytest.mark.parametrize("n", [pytest.param(1, marks=CLOSE, id="one")])
        def test_it(eval_case, n):
            eval_case.score = 0.7
    """)
    case = suite.run().session.cases["test_it[one]"]
    assert case["outcome"] == "failed"
    assert case["tags"] == ["parameter"]
    assert case["name"] == "both"
