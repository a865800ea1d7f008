"""Why a case did not pass: one line that names the user's own code."""

from __future__ import annotations

import re
import sys

import pytest

from suite import Suite

REASONS = {
    "assert 1 == 2": "AssertionError: assert 1 == 2, at test_it.py:4",
    "helper()": "ValueError: deep, at helpers.py:2",
    "import json; json.loads('{')": (
        "JSONDecodeError: Expecting property name enclosed in double quotes: line 1"
        " column 2 (char 1), at test_it.py:4"
    ),
    "pytest.fail('no trace', pytrace=False)": "Failed: no trace, at test_it.py:4",
    "raise SystemExit(3)": "SystemExit: 3, at test_it.py:4",
    "raise Mute": "Mute: <its str() raised ZeroDivisionError>, at test_it.py:4",
    "chained()": "KeyError: 'outer', at helpers.py:8",
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
    "asyncio.run(ask_both())": "2 errors: KeyError: 'a'; OSError: b, at helpers.py:13",
    "raise TimeoutError": "TimeoutError, at test_it.py:4",
    "eval_case.mark_ambiguous(ValueError('no verdict'))": (
        "ambiguous: ValueError: no verdict"
    ),
}
HELPERS = """import asyncio
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
    assert reasons[statement] == REASONS[statement].replace("test_it.py", file)


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
