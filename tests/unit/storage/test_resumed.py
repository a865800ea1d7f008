"""Which sessions are in the place of others: what says so, and what can't be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_evalguard.storage.resumed import continued
from pytest_evalguard.storage.session import Session, sessions_in


def write(out: Path, name: str, data: object) -> Session:
    session = Session(out / name)
    session.path.mkdir()
    (session.path / "session.json").write_text(json.dumps(data))
    return session


def resumed(*ancestors: str) -> dict[str, object]:
    return {"resumed": {"ancestors": ancestors}}


def test_the_newest_session_is_in_the_place_of_all_that_it_goes_on_with(
    tmp_path: Path,
) -> None:
    write(tmp_path, "1", {"resumed": None})
    write(tmp_path, "2", resumed("a"))
    write(tmp_path, "3", resumed("b", "a"))
    assert continued(sessions_in(tmp_path)) == {"a": "3", "b": "3"}


@pytest.mark.parametrize(
    "data",
    [
        [],
        None,
        {},
        {"resumed": []},
        {"resumed": {}},
        {"resumed": {"ancestors": 1}},
        {"resumed": {"ancestors": [["a"]]}},
    ],
)
def test_what_can_t_be_understood_is_in_nobody_s_place(
    tmp_path: Path, data: object
) -> None:
    write(tmp_path, "1", resumed("a"))
    write(tmp_path, "2", data)
    assert continued(sessions_in(tmp_path)) == {"a": "1"}
