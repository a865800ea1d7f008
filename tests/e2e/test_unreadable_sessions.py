"""Sessions that can't be read, such as another user's: passed over and named once."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_evalguard.cli.main import main
from pytest_evalguard.model.case import Case
from pytest_evalguard.storage.session import Session, SessionState, create_session
from standin import StandIn
from suite import Suite

OTHER = "20990101T000000.000Z-aaaaaaaa"
"""The newest of all: a command that needs one would take it."""

TARGET = {
    "service": "evalguard",
    "url": "http://127.0.0.1:9",
    "proof": "",
    "run_id": "0f3c",
    "finish": True,
}
CASES = """
    def test_it(eval_case):
        eval_case.actual = "2"
"""


def made_session(path: Path, **state: object) -> Path:
    text = SessionState("a" * 32, "2026-01-01T00:00:00+00:00", "finished")
    create_session(Session(path), text)
    data = json.loads((path / "session.json").read_text())
    data |= {"selected": 1, "rows": 1, "counts": {"passed": 1}, "exit_status": 0}
    (path / "session.json").write_text(json.dumps(data | state))
    case = Case("test_it.py::test_it", "passed", input="1", actual="2")
    (path / "cases.jsonl").write_text(f"{case.to_line()}\n")
    return path


def linked_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def a_file(path: Path) -> None:
    path.write_text("")


def a_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def state_is_a_directory(path: Path) -> None:
    (path / "session.json").mkdir(parents=True)


def state_is_linked_to_itself(path: Path) -> None:
    path.mkdir()
    (path / "session.json").symlink_to("session.json")


def state_is_a_dangling_link(path: Path) -> None:
    path.mkdir()
    (path / "session.json").symlink_to("nowhere")


def state_is_a_pipe(path: Path) -> None:
    path.mkdir()
    os.mkfifo(path / "session.json")


def journal_is_a_directory(path: Path) -> None:
    made_session(path)
    (path / "cases.jsonl").unlink()
    (path / "cases.jsonl").mkdir()


def journal_is_linked_to_itself(path: Path) -> None:
    made_session(path)
    (path / "cases.jsonl").unlink()
    (path / "cases.jsonl").symlink_to("cases.jsonl")


def requests_are_a_directory(path: Path) -> None:
    made_session(path, targets=[TARGET])
    (path / "evalguard-d88c1a26.requests.jsonl").mkdir()


def answers_are_linked_to_themselves(path: Path) -> None:
    made_session(path, targets=[TARGET])
    (path / "evalguard-d88c1a26.answers.jsonl").symlink_to(
        "evalguard-d88c1a26.answers.jsonl"
    )


FOLDERS = (
    linked_to_itself,
    a_file,
    a_dangling_link,
    state_is_a_directory,
    state_is_linked_to_itself,
    state_is_a_dangling_link,
    state_is_a_pipe,
)
FAULTS = (
    *FOLDERS,
    journal_is_a_directory,
    journal_is_linked_to_itself,
    requests_are_a_directory,
    answers_are_linked_to_themselves,
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_session_beside_one_that_can_t_be_read_ends_well_and_names_it_once(
    suite: Suite, fault: Callable[[Path], None]
) -> None:
    suite.test(CASES)
    out = suite.directory / ".evalguard"
    for n in range(3):
        made_session(out / f"20250101T00000{n}.000Z-aaaaaaaa")
    fault(out / OTHER)
    suite.ini("evalguard_keep = 1")
    process = suite.start("--evalguard-baseline=last", "--evalguard-html=page.html")
    result = suite.finish(process)
    assert result.status == 0, result.out + result.err
    assert result.summary.count(OTHER) == 1
    assert "skipped because they can't be read: " in " ".join(result.summary.split())
    assert "baseline" in result.summary
    assert (suite.directory / "page.html").is_file()
    assert (out / OTHER).is_symlink() or (out / OTHER).exists()


COMMANDS = (
    ["show"],
    ["html", "-o", "page.html"],
    ["bless", "-o", "baseline.json"],
    ["compare", "last", "last"],
    ["submit"],
)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each[0])
def test_a_command_passes_over_what_it_can_t_read_and_names_it_once(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Path], None],
    command: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    made_session(tmp_path / ".evalguard" / "20250101T000000.000Z-bbbbbbbb")
    fault(tmp_path / ".evalguard" / OTHER)
    assert main(command) == 0
    said = capsys.readouterr()
    # it has nothing to send, and its cases are not read to see that
    is_sound = command == ["submit"] and fault.__name__.startswith("journal")
    assert said.err.count(OTHER) == (0 if is_sound else 1)
    assert OTHER not in said.out


@pytest.mark.parametrize("fault", FOLDERS)
def test_list_shows_what_it_can_t_read_as_unreadable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: Callable[[Path], None]
) -> None:
    made_session(tmp_path / "20250101T000000.000Z-bbbbbbbb")
    fault(tmp_path / OTHER)
    assert main(["list", "--out", str(tmp_path)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("20250101T000000.000Z-bbbbbbbb  finished  1 of 1 case")
    assert second.startswith(f"{OTHER}  unreadable: ")
    assert str(tmp_path) not in second


@pytest.mark.parametrize("fault", FAULTS)
def test_a_named_session_that_can_t_be_read_is_an_error_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: Callable[[Path], None]
) -> None:
    made_session(tmp_path / "20250101T000000.000Z-bbbbbbbb")
    fault(tmp_path / OTHER)
    assert main(["show", str(tmp_path / OTHER)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("pytest-evalguard: error: ")
    assert said.err.count(OTHER) == 1


@pytest.mark.parametrize("denied", ["", "session.json", "cases.jsonl"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each[0])
def test_a_command_passes_over_the_session_of_another_user(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    denied: str,
    command: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    made_session(tmp_path / ".evalguard" / "20250101T000000.000Z-bbbbbbbb")
    other = made_session(tmp_path / ".evalguard" / OTHER)
    deny(monkeypatch, other / denied)
    assert main(command) == 0
    said = capsys.readouterr()
    is_sound = command == ["submit"] and denied == "cases.jsonl"
    assert said.err.count(OTHER) == (0 if is_sound else 1)
    assert said.err.count("Permission denied") == (0 if is_sound else 1)


def deny(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Refuse what the system refuses of a path of mode 000; root can read any."""
    real_open, real_stat = Path.open, Path.stat

    def is_denied(asked: Path) -> bool:
        return asked.absolute() == path or path in asked.absolute().parents

    def checked_open(asked: Path, *args: object, **kwargs: object) -> object:
        if is_denied(asked):
            raise PermissionError(13, "Permission denied", str(asked))
        return real_open(asked, *args, **kwargs)  # type: ignore[call-overload] # as given

    def checked_stat(asked: Path, **kwargs: bool) -> os.stat_result:
        if path in asked.absolute().parents:
            raise PermissionError(13, "Permission denied", str(asked))
        return real_stat(asked, **kwargs)

    monkeypatch.setattr(Path, "open", checked_open)
    monkeypatch.setattr(Path, "stat", checked_stat)


@pytest.mark.parametrize("fault", [linked_to_itself, state_is_a_directory])
def test_prompts_and_runs_are_there_beside_a_session_that_can_t_be_read(
    suite: Suite, standin: StandIn, fault: Callable[[Path], None]
) -> None:
    suite.test(CASES)
    run = standin.add_run()
    suite.run(f"--evalguard-run={run}", standin=standin)
    fault(suite.directory / ".evalguard" / OTHER)
    pull = ("prompts", "pull", "--agent", standin.agent_id)
    for command in (pull, ("finish-run", run)):
        result = suite.script(*command, standin=standin)
        assert result.status == 0, result.err
        assert result.err.count(OTHER) == 1


def test_a_running_session_is_seen_without_a_write(tmp_path: Path) -> None:
    path = made_session(tmp_path / OTHER, status="running")
    assert Session(path).status == "killed"
    assert not (path / "lock").exists()
    with Session(path).locked() as is_free:
        assert is_free
        assert Session(path).status == "running"
    assert Session(path).status == "killed"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_session_that_can_t_be_written_is_shown_and_told_when_it_is_to_be_sent(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    path = made_session(tmp_path / OTHER, status="running", exit_status=None)
    (path / "lock").touch()
    real_open = os.open

    def read_only(name: Path, flags: int, mode: int = 0o777) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(number, os.strerror(number), str(name))
        return real_open(name, flags, mode)

    monkeypatch.setattr(os, "open", read_only)
    monkeypatch.setenv("EVALGUARD_API_KEY", "eg_a_key_of_ours")
    for command in ("list", "show"):
        assert main([command, "--out", str(tmp_path)]) == 0
    assert f"{OTHER}  killed  1 of 1 case" in capsys.readouterr().out
    assert main(["submit", "--out", str(tmp_path), "--run", "0f3c"]) == 2
    assert f"can't be written: {os.strerror(number)}" in capsys.readouterr().err


def test_many_that_can_t_be_read_take_one_sentence(suite: Suite) -> None:
    suite.test(CASES)
    for n in range(30):
        (suite.directory / ".evalguard").mkdir(exist_ok=True)
        a_file(suite.directory / ".evalguard" / f"20990101T0000{n:02}.000Z-aaaaaaaa")
    result = suite.finish(suite.start())
    assert result.status == 0
    said = " ".join(result.summary.split())
    assert said.count("20990101T") == 3
    assert "(not a directory) and 27 more" in said
