"""Messages of assertions are folded; real ones of pytest's are in test_reasons.py."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

import pytest

from pytest_evalguard.recording.assertions import folded_assertion, source_of


@pytest.mark.parametrize(
    ("message", "source", "wanted"),
    [
        ("", "", ""),
        ("", "assert x", "assert x"),
        ("\nassert False", "assert x", "assert x"),
        ("assert False", "assert x", "assert x"),
        ("assert []", "assert x", "assert x: it is []"),
        ("assert False", "", "assert False"),
        ("assert 1 == 2", "assert x == y", "assert 1 == 2"),
        ("assert False\n +  where False = f('a')", 'assert f("a")', 'assert f("a")'),
        ("assert 1 == 2\n +  where 1 = f()", "", "assert 1 == 2"),
        ("assert 'a' == 'b'\n  \n  - b\n  + a", "assert x == y", "assert 'a' == 'b'"),
        (
            "assert False\n +  where False = f('x = y')\n"
            " +    where 'x = y' = <a.B object at 0x7f>.c",
            "assert f(b.c)",
            "assert f(b.c): f('x = y') is False",
        ),
        (
            "assert not True\n +  where True = <function f at 0x7F>(<B object at 0x1>)"
            "\n +    where <function f at 0x7F> = a.f",
            "assert not a.f(b)",
            "assert not a.f(b)",
        ),
        ("the judge says\n- no\n- never", "", "the judge says\n- no\n- never"),
        ("1 != 2\n- 1\n+ 2", "", "1 != 2"),
        ("False is not true", "", "False is not true"),
    ],
)
def test_a_message_is_folded_to_what_is_needed(
    message: str, source: str, wanted: str
) -> None:
    assert folded_assertion(message, source) == wanted


def traceback_of(path: Path, code: str) -> TracebackType | None:
    path.write_text(code)
    try:
        exec(compile(code, path, "exec"), {})  # noqa: S102 # as of a file of a user's
    except AssertionError:
        return sys.exc_info()[2]
    return None


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("assert 1 == 2\n", "assert 1 == 2"),
        ('assert "ä" == ""  # so', 'assert "ä" == ""'),
        ("assert 1 == 2, 'words'\n", "assert 1 == 2"),
        ("def f(): assert 0\nf()\n", "assert 0"),
        ("if True:\n    assert [\n        x for x in ()  # none\n    ]\n", None),
        ("assert 1\nraise AssertionError\n", ""),
        ("assert (\n" + "\n" * 40 + "0)\n", ""),
    ],
)
def test_the_source_of_an_assertion_is_one_line(
    tmp_path: Path, code: str, source: str | None
) -> None:
    found = source_of(traceback_of(tmp_path / "code.py", code))
    assert found == ("assert [x for x in ()]" if source is None else source)


def test_what_has_no_traceback_has_no_source() -> None:
    assert source_of(None) == ""
