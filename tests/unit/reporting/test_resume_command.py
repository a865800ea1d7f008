"""The command that goes on with a session can be pasted, and names that one only."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_evalguard.reporting.submissions import resume_command


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], ""),
        (["-n", "2", "a b"], " -n 2 'a b'"),
        (["--evalguard-resume=last", "-x"], " -x"),
        (["--evalguard-resume", "last", "-x"], " -x"),
        (["-k", "a\nb"], " -k 'a\\nb'"),
        (["--lf", "-q", "--sw", "--sw-skip", "evals"], " -q evals"),
    ],
)
def test_the_arguments_are_those_of_the_session(
    arguments: list[str], wanted: str
) -> None:
    command = resume_command(Path("/x/1"), arguments)
    assert command == f"pytest --evalguard-resume=/x/1{wanted}"
