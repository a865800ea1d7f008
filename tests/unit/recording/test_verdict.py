"""Verdicts by themselves: the outcome of a test from the reports of its phases."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Literal

import pytest

from pytest_evalguard.recording.verdict import outcome_of, reason_of, will_rerun

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
    assert shown == f"ValueError: no, at tests/unit/recording/test_verdict.py:{line}"


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
