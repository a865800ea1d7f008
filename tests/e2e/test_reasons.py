"""Why a case did not pass: one line that names the user's own code."""

from __future__ import annotations

import re
import sys

import pytest

from suite import Suite

REASONS = {
    "assert 1 == 2": "AssertionError: assert 1 == 2, at test_it.py:4",
    "helper()": "ValueError: deep, at helpers.py:4",
    "import json; json.loads('{')": (
        "JSONDecodeError: Expecting property name enclosed in double quotes: line 1"
        " column 2 (char 1), at test_it.py:4"
    ),
    "pytest.fail('no trace', pytrace=False)": "Failed: no trace, at test_it.py:4",
    "raise SystemExit(3)": "SystemExit: 3, at test_it.py:4",
    "raise Mute": "Mute: <its str() raised ZeroDivisionError>, at test_it.py:4",
    "chained()": "KeyError: 'outer', at helpers.py:10",
    "raise Exception('two\\n  lines\\n\\nand a paragraph')": (
        "Exception: two lines, at test_it.py:4"
    ),
    "assert 1 == 2, 'my own words'": "AssertionError: my own words, at test_it.py:4",
    "raise Exception('key sk-' + 'a' * 40)": (
        "Exception: key [REDACTED], at test_it.py:4"
    ),
    "eval_case.mark_ambiguous('judges disagree')": "ambiguous: judges disagree",
    "raise ExceptionGroup('both', [KeyError('a'), OSError('b')])": (
        "2 errors: KeyError: 'a'; OSError: b, at test_it.py:4"
    ),
    "asyncio.run(ask_both())": "2 errors: KeyError: 'a'; OSError: b, at helpers.py:15",
    "raise TimeoutError": "TimeoutError, at test_it.py:4",
    "eval_case.mark_ambiguous(ValueError('no verdict'))": (
        "ambiguous: ValueError: no verdict"
    ),
    # what pytest says of assertions at length: first what is needed, then all of it
    'assert ANSWER.startswith("Dear")': (
        """AssertionError: assert ANSWER.startswith("Dear"): 'Hello you'.startswith("""
        """'Dear') is False, at test_it.py:4\nassert False + where False = <built-in"""
        """ method startswith of str object>('Dear') + where <built-in method"""
        """ startswith of str object> = 'Hello you'.startswith"""
    ),
    "assert not ANSWER.startswith('Hello')": (
        "AssertionError: assert not ANSWER.startswith('Hello'): 'Hello you'.startswith("
        "'Hello') is True, at test_it.py:4\nassert not True + where True = <built-in"
        " method startswith of str object>('Hello') + where <built-in method startswith"
        " of str object> = 'Hello you'.startswith"
    ),
    "assert any(w in ANSWER for w in ('a', 'b'))": (
        "AssertionError: assert any(w in ANSWER for w in ('a', 'b')), at test_it.py:4\n"
        "assert False + where False = any(<generator object"
        " test_{n}.<locals>.<genexpr>>)"
    ),
    "assert all([1, 0])": (
        "AssertionError: assert all([1, 0]), at test_it.py:4\n"
        "assert False + where False = all([1, 0])"
    ),
    "assert isinstance(eval_case.score, float)": (
        "AssertionError: assert isinstance(eval_case.score, float): isinstance(None,"
        " float) is False, at test_it.py:4\nassert False + where False ="
        " isinstance(None, float) + where None ="
        " <EvalCase test_{n}.py::test_{n}>.score"
    ),
    "assert len(ANSWER.split()) == 3": (
        "AssertionError: assert len(ANSWER.split()) == 3: 2 == 3, at test_it.py:4\n"
        "assert 2 == 3 + where 2 = len(['Hello', 'you']) + where ['Hello', 'you'] ="
        " <built-in method split of str object>() + where <built-in method split of str"
        " object> = 'Hello you'.split"
    ),
    "found = ANSWER.find; assert found('x') + 1": (
        "AssertionError: assert found('x') + 1: (-1 + 1), at test_it.py:4\n"
        "assert (-1 + 1) + where -1 = <built-in method find of str object>('x')"
    ),
    "found = None; assert found": (
        "AssertionError: assert found: it is None, at test_it.py:4\nassert None"
    ),
    "assert (\n        ANSWER ==  # as it was\n        ''), ''": (
        "AssertionError: assert ANSWER == '', at test_it.py:4"
    ),
    "assert 'Lyon' == 'Paris'": (
        "AssertionError: assert 'Lyon' == 'Paris', at test_it.py:4"
    ),
    "assert 'Lyon' in ['Paris']": (
        "AssertionError: assert 'Lyon' in ['Paris'], at test_it.py:4"
    ),
    "assert ANSWER is None": (
        "AssertionError: assert 'Hello you' is None, at test_it.py:4"
    ),
    "assert 0.5 == pytest.approx(0.7)": (
        "AssertionError: assert 0.5 == 0.7 ± 7.0e-07, at test_it.py:4"
    ),
    "assert {'a': 1, 'b': 2} == {'a': 1, 'b': 3}": (
        "AssertionError: assert {'a': 1, 'b': 2} == {'a': 1, 'b': 3}, at test_it.py:4"
    ),
    "assert [1, 2] == [1, 3]": (
        "AssertionError: assert [1, 2] == [1, 3], at test_it.py:4"
    ),
    "assert 0.4 > 0.8 and ANSWER": (
        "AssertionError: assert (0.4 > 0.8), at test_it.py:4"
    ),
    "raise AssertionError": "AssertionError, at test_it.py:4",
    "raise AssertionError('the judge says no')": (
        "AssertionError: the judge says no, at test_it.py:4"
    ),
    "CHECK.assertEqual('a', 'b')": (
        "AssertionError: 'a' != 'b', at test_it.py:4\n'a' != 'b' - a + b"
    ),
    "self = CHECK; self.assertTrue(ANSWER == 'x')": (
        "AssertionError: self.assertTrue(ANSWER == 'x'): False is not true, at"
        " test_it.py:4"
    ),
    "CHECK.assertIn('x', ANSWER)": (
        "AssertionError: 'x' not found in 'Hello you', at test_it.py:4"
    ),
    "CHECK.assertEqual([1], [2])": (
        "AssertionError: Lists differ: [1] != [2], at test_it.py:4"
    ),
    "exec('assert ANSWER == 1')": "AssertionError, at test_it.py:4",
}
HELPERS = """import asyncio, unittest
ANSWER = "Hello you"
CHECK = unittest.TestCase()
def helper(): raise ValueError("deep")

def chained():
    try:
        {}["inner"]
    except KeyError as error:
        raise KeyError("outer") from error

class Mute(Exception):
    def __str__(self): 1 / 0

async def fail(error): raise error

async def ask_both():
    async with asyncio.TaskGroup() as group:
        group.create_task(fail(KeyError("a")))
        group.create_task(fail(OSError("b")))
"""


@pytest.fixture(scope="module")
def reasons(everywhere_once: Suite) -> dict[str, str]:
    """The reason that each statement gave, in a file of its own."""
    everywhere_once.write("helpers.py", HELPERS)
    for number, statement in enumerate(REASONS):
        everywhere_once.write(
            f"test_{number}.py",
            "import asyncio, pytest\nfrom helpers import *\n"
            f"def test_{number}(eval_case):\n    {statement}\n",
        )
    cases = everywhere_once.run().session.cases
    return {s: cases[f"test_{n}"]["reason"] for n, s in enumerate(REASONS)}


@pytest.mark.parametrize("statement", REASONS)
def test_a_reason_names_error_message_and_place(
    reasons: dict[str, str], statement: str
) -> None:
    if re.search("Group|both", statement) and sys.version_info < (3, 11):
        pytest.skip("Python 3.11 brought exception groups")
    file = f"test_{list(REASONS).index(statement)}.py"
    wanted = REASONS[statement].replace("test_it.py", file)
    assert reasons[statement] == wanted.replace("{n}", file[5:-3])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--tb=native"], "assert 'Hello' == 'Hi'"),
        (["--tb=no"], "assert 'Hello' == 'Hi'"),
        (["--tb=line", "-vv"], "assert 'Hello' == 'Hi'"),
        (["--assert=plain"], "assert eval_case.actual == eval_case.expected"),
    ],
    ids=str,
)
def test_a_reason_is_the_same_however_tracebacks_are_shown(
    suite: Suite, options: list[str], reason: str
) -> None:
    suite.test("""
        def test_it(eval_case):
            eval_case.record(expected="Hi", actual="Hello")
            assert eval_case.actual == eval_case.expected
    """)
    case = suite.run(*options).session.cases["test_it"]
    assert case["reason"] == f"AssertionError: {reason}, at test_it.py:5"


def test_a_missing_fixture_is_named(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.eval
        def test_it(nowhere):
            pass
    """)
    reason = suite.run().session.cases["test_it"]["reason"]
    assert reason == "FixtureLookupError: fixture 'nowhere' not found, at test_it.py:3"


def test_a_long_message_is_cut(suite: Suite) -> None:
    suite.test("def test_it(eval_case): raise Exception('x' * 10_000)")
    reason = suite.run().session.cases["test_it"]["reason"]
    assert "[cut: 500 of 10,011 characters kept], at test_it.py:2" in reason


def test_skips_and_xfails_have_their_own_words(suite: Suite) -> None:
    suite.test("""
        pytestmark = pytest.mark.eval
        @pytest.mark.skip(reason="later")
        def test_skip(): pass
        @pytest.mark.xfail(reason="known")
        def test_known(): assert 0
        @pytest.mark.xfail
        def test_xfail(): assert 0
        @pytest.mark.xfail(strict=True, reason="mended?")
        def test_strict(): pass
    """)
    cases = suite.run().session.cases
    assert {name: case["reason"] for name, case in cases.items()} == {
        "test_skip": "Skipped: later",
        "test_known": "xfail: known",
        "test_xfail": "xfail",
        "test_strict": "[XPASS(strict)] mended?",
    }


def test_characters_that_no_encoding_has_are_escaped(suite: Suite) -> None:
    suite.test(r"def test_it(eval_case): raise Exception('\ud800')")
    reason = suite.run().session.cases["test_it"]["reason"]
    assert reason == r"Exception: \ud800, at test_it.py:2"


def test_an_error_after_a_skip_gives_the_error(everywhere: Suite) -> None:
    everywhere.test("""
        @pytest.fixture
        def leaky():
            yield
            raise OSError("can't close")
        @pytest.mark.eval
        def test_it(leaky):
            pytest.skip("not now")
    """)
    case = everywhere.run().session.cases["test_it"]
    assert case["outcome"] == "error"
    assert case["reason"] == "OSError: can't close, at test_it.py:6"
