"""Verdicts by themselves: the outcome of a test from the reports of its phases."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from pytest_evalguard.recording.outcome import (
    describe_error,
    outcome_of,
    reason_of,
    will_rerun,
)

PHASES: tuple[Literal["setup", "call", "teardown"], ...] = ("setup", "call", "teardown")
OUTCOMES: dict[str, Any] = {
    "p": "passed",
    "f": "failed",
    "s": "skipped",
    "x": "skipped",  # by an xfail mark
    "X": "passed",
    "r": "rerun",
}


def report(letter: str, when: Any = "call", longrepr: Any = None) -> Any:
    made = pytest.TestReport(
        "t.py::a", ("t.py", 0, "a"), {}, OUTCOMES[letter], longrepr, when
    )
    if letter in "xX":
        made.wasxfail = "known"
    return made


def reports(letters: str) -> dict[str, pytest.TestReport]:
    """The reports of phases, a letter each; a blank is one that never came."""
    return {
        when: report(letter, when)
        for when, letter in zip(PHASES, letters, strict=False)
        if letter != " "
    }


@pytest.mark.parametrize(
    ("letters", "outcome"),
    [
        ("ppp", "passed"),
        ("pXp", "xpassed"),
        ("pfp", "failed"),
        ("psp", "skipped"),
        ("pxp", "xfailed"),
        ("s p", "skipped"),
        ("x p", "xfailed"),
        ("f p", "error"),
        ("r p", "error"),
        ("prp", "failed"),
        ("ppf", "error"),
        ("ppr", "error"),
        ("pps", "passed"),
        ("psf", "error"),
        ("pff", "failed"),
        ("s f", "error"),
        ("p", "not run"),
        ("pp", "passed"),
        (" p ", "passed"),
        ("", "not run"),
    ],
)
def test_an_outcome_is_that_of_all_phases(letters: str, outcome: str) -> None:
    assert outcome_of(reports(letters)) == outcome


@pytest.mark.parametrize("letter", OUTCOMES)
def test_a_word_that_pytest_does_not_know_means_a_rerun(letter: str) -> None:
    assert will_rerun(report(letter)) == (letter == "r")


# The reason


class Crash:
    """What pytest makes of an error in a process of its own."""

    reprcrash = SimpleNamespace(message="OSError: gone")

    def __str__(self) -> str:
        return "a long story"


def reason(given: Any, excinfo: object = None) -> str | None:
    item: Any = None
    return reason_of(item, given, excinfo, str)


@pytest.mark.parametrize(
    ("letter", "longrepr", "expected"),
    [
        ("p", None, None),
        ("s", ("t.py", 1, "Skipped: later"), "Skipped: later"),
        ("s", "by a plugin", "by a plugin"),
        ("x", None, "xfail: known"),
        ("f", "one\n  line\n \t\nand a paragraph", "one line"),
        ("f", Crash(), "OSError: gone"),
        ("f", "it is <obj at 0x7f00deadbeef>", "it is <obj>"),
    ],
)
def test_a_report_without_an_error_tells_its_reason_itself(
    letter: str, longrepr: object, expected: str | None
) -> None:
    assert reason(report(letter, longrepr=longrepr)) == expected


def test_an_xfail_mark_without_a_reason_is_named() -> None:
    given = report("x")
    given.wasxfail = ""
    assert reason(given) == "xfail"


def test_a_reason_is_cleaned_before_it_is_cut() -> None:
    item: Any = None
    given = report("f", longrepr="secret" * 100)
    shown = reason_of(item, given, None, lambda text: text.replace("secret", "-"))
    assert shown == "-" * 100
    assert (
        reason(given) == f"{('secret' * 100)[:500]}… [cut: 500 of 600 characters kept]"
    )


def excinfo_of(error: BaseException) -> pytest.ExceptionInfo[BaseException]:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught


def test_an_error_is_told_with_the_line_it_came_from(
    request: pytest.FixtureRequest,
) -> None:
    excinfo = excinfo_of(ValueError("no\nassert 1 == 2"))
    line = excinfo_of.__code__.co_firstlineno + 2
    shown = reason_of(request.node, report("f"), excinfo, str)
    assert shown == f"ValueError: no, at tests/unit/recording/test_outcome.py:{line}"


@pytest.mark.parametrize(
    ("longrepr", "start"),
    [("[XPASS(strict)] mended?", "[XPASS(strict)] mended?"), ("no", "ValueError: no")],
)
def test_only_a_strict_xpass_is_told_in_pytests_words(
    request: pytest.FixtureRequest, longrepr: str, start: str
) -> None:
    given = report("f", longrepr=longrepr)
    shown = reason_of(request.node, given, excinfo_of(ValueError("no")), str)
    assert (shown or "").partition(", at ")[0] == start


def test_a_missing_fixture_is_named(request: pytest.FixtureRequest) -> None:
    with pytest.raises(pytest.FixtureLookupError) as caught:
        request.getfixturevalue("nowhere")
    shown = reason_of(request.node, report("f"), caught, str) or ""
    assert shown.startswith("FixtureLookupError: fixture 'nowhere' not found, at ")


class Elsewhere:
    """An item whose error comes from no file of its own."""

    def __init__(self, root: Any, line: int | None) -> None:
        self.config = self
        self.rootpath = root
        self.location = ("sub/test_it.py", line, "test_it")


@pytest.mark.parametrize(("line", "shown"), [(6, ":7"), (0, ":1"), (None, "")])
def test_an_error_from_elsewhere_is_told_with_the_line_of_its_test(
    tmp_path: Any, line: int | None, shown: str
) -> None:
    item: Any = Elsewhere(tmp_path, line)
    excinfo = excinfo_of(ValueError("no"))
    expected = f"ValueError: no, at sub/test_it.py{shown}"
    assert reason_of(item, report("f"), excinfo, str) == expected


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_a_line_of_a_library_within_the_root_is_not_the_users_own(
    tmp_path: Any, folder: str
) -> None:
    path = tmp_path / folder / "library.py"
    path.parent.mkdir()
    source = "def fail():\n    raise ValueError('no')\n"
    path.write_text(source)
    names: dict[str, Any] = {}
    exec(compile(source, str(path), "exec"), names)  # noqa: S102 # a library's code
    with pytest.raises(ValueError, match="no") as caught:
        names["fail"]()
    item: Any = Elsewhere(tmp_path, 2)
    shown = reason_of(item, report("f"), caught, str)
    assert shown == "ValueError: no, at sub/test_it.py:3"


class Mute(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


def test_an_error_that_can_not_tell_itself_is_named(tmp_path: Any) -> None:
    item: Any = Elsewhere(tmp_path, 2)
    shown = reason_of(item, report("f"), excinfo_of(Mute()), str)
    assert shown == "Mute: <its str() raised ZeroDivisionError>, at sub/test_it.py:3"


def test_an_error_without_a_message_is_its_type(tmp_path: Any) -> None:
    item: Any = Elsewhere(tmp_path, 2)
    shown = reason_of(item, report("f"), excinfo_of(TimeoutError()), str)
    assert shown == "TimeoutError, at sub/test_it.py:3"


# Groups of errors


class BaseExceptionGroup(BaseException):
    """What Python 3.10 has from a package only."""

    def __init__(self, message: str, exceptions: Sequence[BaseException]) -> None:
        super().__init__(message)
        self.exceptions = exceptions

    def __str__(self) -> str:
        return f"{self.args[0]} ({len(self.exceptions)} sub-exceptions)"


class Group(BaseExceptionGroup, Exception):
    """A group of a library's own."""


def described(error: BaseException) -> str:
    return describe_error(error, lambda text: text.replace("secret", "-"))


@pytest.mark.parametrize(
    ("errors", "shown"),
    [
        (["a"], "ValueError: a"),
        (["a", "b"], "2 errors: ValueError: a; ValueError: b"),
        (["a", "b", "a"], "3 errors: ValueError: a (2 times); ValueError: b"),
        (["a\n\nmore", ""], "2 errors: ValueError: a; ValueError"),
        (["secret" * 100], f"ValueError: {'-' * 100}"),
        (
            [*"abcdefg", "g"],
            "8 errors: ValueError: a; ValueError: b; ValueError: c; ValueError: d;"
            " ValueError: e; and 3 more",
        ),
    ],
)
def test_a_group_is_told_by_its_errors(errors: list[str], shown: str) -> None:
    assert described(Group("unhandled", list(map(ValueError, errors)))) == shown


def test_groups_in_a_group_are_flattened() -> None:
    inner = Group("inner", [KeyError("b"), Group("deep", [OSError("c")])])
    error = Group("outer", [ValueError("a"), inner, TypeError("d")])
    expected = "4 errors: ValueError: a; KeyError: 'b'; OSError: c; TypeError: d"
    assert described(error) == expected


def test_a_group_that_is_nested_very_deep_is_told() -> None:
    error: BaseException = ValueError("a")
    for _ in range(10_000):
        error = Group("one more", [error])
    assert described(error) == "ValueError: a"


def test_a_group_that_holds_itself_is_told() -> None:
    error = Group("round", [ValueError("a")])
    error.exceptions = [error, *error.exceptions]
    assert described(error) == "ValueError: a"


@pytest.mark.parametrize("exceptions", [[], None, 3, ["no error"]])
def test_a_group_without_errors_is_told_as_an_error(exceptions: Any) -> None:
    error = Group("empty", [])
    error.exceptions = exceptions
    assert described(error).startswith("Group: ")


def test_every_error_of_a_group_has_its_share_of_a_reason() -> None:
    errors = [ValueError("a" * 10_000), KeyError("b" * 10_000), OSError("c")]
    shown = described(Group("long", errors))
    assert "ValueError: aaa" in shown
    assert "KeyError: 'bbb" in shown
    assert shown.endswith("; OSError: c")
    assert len(shown) < 600


def test_a_group_has_the_line_of_its_first_error(
    request: pytest.FixtureRequest,
) -> None:
    first = excinfo_of(ValueError("a")).value
    excinfo = excinfo_of(Group("unhandled", [first, KeyError("b")]))
    line = excinfo_of.__code__.co_firstlineno + 2
    shown = reason_of(request.node, report("f"), excinfo, str)
    place = f"tests/unit/recording/test_outcome.py:{line}"
    assert shown == f"2 errors: ValueError: a; KeyError: 'b', at {place}"


def test_what_is_raised_in_a_finalizer_is_told() -> None:
    warning = pytest.PytestUnraisableExceptionWarning("ignored in: f\nEnable it.\nSee")
    warning.__cause__ = ValueError("a")
    told = "PytestUnraisableExceptionWarning: ignored in: f: ValueError: a"
    assert described(warning) == told
    assert described(Group("2", [warning, KeyError("b")])) == (
        f"2 errors: {told}; KeyError: 'b'"
    )


@pytest.mark.parametrize(
    ("notes", "shown"),
    [
        (["while asking", "row 3"], "ValueError: a (while asking) (row 3)"),
        (["x" * 500, "secret"], "ValueError: a (-)"),
        (["two\n  lines\n\nand more"], "ValueError: a (two lines)"),
        (None, "ValueError: a"),
        (3, "ValueError: a"),
    ],
)
def test_the_notes_of_an_error_are_told_where_they_fit(notes: Any, shown: str) -> None:
    error = ValueError("a")
    vars(error)["__notes__"] = notes  # as add_note() does, from Python 3.11 on
    assert described(error) == shown
