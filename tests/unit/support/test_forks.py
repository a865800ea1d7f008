"""A fork is a process: its own environment, files, signals and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forks import ARE_POSSIBLE, Fork, Run

pytestmark = pytest.mark.skipif(not ARE_POSSIBLE, reason="only on Linux")


@contextmanager
def forked(code: str, out: Path, *words: str) -> Iterator[Fork]:
    with open(os.devnull) as nothing, out.open("w") as file:
        files = [nothing.fileno(), file.fileno(), file.fileno()]
        yield Fork(
            code, words, files, directory=out.parent, env={"A": "b"}, is_leader=True
        )


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("print('said', flush=True)", 0, "said\n"),
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('why')", 1, "why\n"),
        ("import os; os._exit(4)", 4, ""),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL, ""),
        ("import os, sys; print(dict(os.environ), sys.argv[1:])", 0, "{'A': 'b'} []\n"),
        ("import atexit; atexit.register(print, 'last')", 0, "last\n"),
    ],
)
def test_it_ends_as_a_process_does(
    tmp_path: Path, code: str, status: int, told: str
) -> None:
    with forked(code, tmp_path / "out") as fork:
        assert fork.wait(30) == status
    assert (tmp_path / "out").read_text() == told


def test_an_error_is_shown(tmp_path: Path) -> None:
    with forked("1 / 0", tmp_path / "out") as fork:
        assert fork.wait(30) == 1
    assert "ZeroDivisionError" in (tmp_path / "out").read_text()


def test_what_one_changes_is_not_changed_for_the_next(tmp_path: Path) -> None:
    code = "import os, json; print(vars(json).get('seen')); json.seen = os.getcwd()"
    for name in ("first", "second"):
        with forked(code, tmp_path / name) as fork:
            assert fork.wait(30) == 0
        assert (tmp_path / name).read_text() == "None\n"


def test_it_leads_a_group_that_can_be_killed_while_it_is_waited_for(
    tmp_path: Path,
) -> None:
    with forked("import time; time.sleep(60)", tmp_path / "out") as fork:
        with pytest.raises(subprocess.TimeoutExpired):
            fork.wait(0.01)
        os.killpg(fork.pid, signal.SIGTERM)
        assert fork.wait(30) == -signal.SIGTERM
        fork.send_signal(signal.SIGKILL)  # as to a Popen that has ended


def test_a_module_runs_as_by_the_option_m(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import sys; print(__name__, sys.argv, sys.path[0]); sys.exit(5)"
    )
    run = Run("own", ["one", "two"], tmp_path, {})
    out, err = run.communicate(30)
    done = subprocess.run(
        [sys.executable, "-m", "own", "one", "two"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.wait(), out, err) == (done.returncode, done.stdout, done.stderr)
