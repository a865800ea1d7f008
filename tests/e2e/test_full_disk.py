"""A disk that is full when a session ends: said, and repaired by a later command."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from standin import StandIn
from suite import Suite, check_invariants

FULL = """
    import errno, os, pytest
    KEPT = []
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish():
        def full(file):
            raise OSError(errno.{name}, os.strerror(errno.{name}))
        KEPT.append(os.fsync)
        os.fsync = full
    def pytest_unconfigure():
        for fsync in KEPT:
            os.fsync = fsync
"""
CASES = """
    @pytest.mark.parametrize("n", range(4))
    def test_it(eval_case, n):
        eval_case.score = n / 4
    def test_skipped(eval_case):
        pytest.skip("not today")
"""


def full_suite(suite: Suite, name: str = "ENOSPC") -> Suite:
    suite.write("conftest.py", FULL.format(name=name))
    suite.test(CASES)
    return suite


def test_a_disk_that_is_full_at_the_end_is_told_and_list_completes_the_state(
    everywhere: Suite,
) -> None:
    full_suite(everywhere)
    process = everywhere.start("-pno:cacheprovider", "-pno:randomly")
    result = everywhere.finish(process)
    assert result.status == 0, result.out + result.err
    told = " ".join(result.summary.split())
    assert "the session's state could not be written: [Errno 28] No space left" in told
    assert f"pytest-evalguard show .evalguard/{result.session.path.name}" in told
    assert result.session.state["status"] == "running"
    listed = everywhere.script("list")
    assert "  finished  5 of 5 cases  local" in listed.out
    state = listed.session.state
    assert (state["status"], state["exit_status"]) == ("finished", 0)
    assert state["counts"] == {"passed": 4, "skipped": 1}
    assert (state["rows"], state["pass_rate"], state["score"]) == (4, 1.0, 0.375)
    check_invariants(listed, None)
    assert list(listed.session.path.glob("ended-*")) == []


@pytest.mark.parametrize("name", ["EDQUOT", "EIO", "EROFS"])
def test_whatever_keeps_the_state_from_the_disk_is_told(
    suite: Suite, name: str
) -> None:
    full_suite(suite, name)
    result = suite.finish(suite.start("-pno:cacheprovider"))
    assert result.status == 0
    number = getattr(errno, name)
    told = " ".join(result.summary.split())
    assert f"could not be written: [Errno {number}]" in told
    assert "  finished  5 of 5 cases" in suite.script("list").out


def test_without_a_summary_it_is_told_on_stderr(suite: Suite) -> None:
    full_suite(suite)
    result = suite.finish(suite.start("-pno:cacheprovider", "--no-summary", "-qq"))
    assert "evalguard: the session's state could not be written" in result.err


def test_what_did_not_run_and_the_exit_status_are_completed_too(suite: Suite) -> None:
    full_suite(suite)
    suite.test("""
        @pytest.mark.parametrize("n", range(4))
        def test_it(eval_case, n):
            assert n < 1
    """)
    suite.finish(suite.start("-pno:cacheprovider", "-x"))
    state = suite.script("show").session.state
    assert (state["status"], state["exit_status"]) == ("finished", 1)
    assert state["counts"] == {"passed": 1, "failed": 1, "not run": 2}


def test_a_session_whose_end_found_the_disk_full_is_submitted_and_its_run_ended(
    suite: Suite, standin: StandIn
) -> None:
    full_suite(suite)
    process = suite.start("--evalguard-run=new", "-pno:cacheprovider", standin=standin)
    result = suite.finish(process)
    assert "not submitted: 4 results" in result.summary
    assert standin.posts == []
    sent = suite.script("submit", standin=standin)
    assert sent.status == 0, sent.err
    assert "submitted 4 results" in sent.out
    (run,) = standin.runs.values()
    assert run.status == "passed"
    assert sent.session.state["status"] == "finished"


def test_an_interrupted_session_stays_interrupted(suite: Suite) -> None:
    full_suite(suite)
    suite.test("""
        def test_it(eval_case):
            pass
        def test_stop(eval_case):
            raise KeyboardInterrupt
    """)
    suite.finish(suite.start("-pno:cacheprovider"))
    listed = suite.script("list")
    assert "  interrupted  " in listed.out
    assert listed.session.state["exit_status"] == 2


def test_it_is_the_baseline_of_the_next_session(suite: Suite) -> None:
    full_suite(suite)
    suite.finish(suite.start("-pno:cacheprovider"))
    (suite.directory / "conftest.py").unlink()
    result = suite.run("--evalguard-baseline=last", "-pno:cacheprovider")
    assert "0 regressed, 0 fixed" in " ".join(result.summary.split())


def test_a_session_that_was_killed_is_still_called_so(suite: Suite) -> None:
    suite.test("""
        import os
        def test_it(eval_case):
            eval_case.actual = "1"
        def test_kill():
            os.kill(os.getpid(), 9)
    """)
    suite.finish(suite.start("-pno:cacheprovider"))
    assert "  killed  1 of 1 case" in suite.script("list").out


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if (
        not shutil.which("mount")
        or subprocess.run(mounting, capture_output=True, check=False).returncode
    ):
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full_is_told_and_repaired_when_there_is_room(
    suite: Suite, small_disk: Path
) -> None:
    suite.test(f"""
        import os
        def test_it(eval_case):
            eval_case.actual = "1"
        def test_fills_the_disk():
            with open({str(small_disk / "filler")!r}, "wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
    """)
    out = f"--evalguard-out={small_disk / 'out'}"
    result = suite.finish(suite.start(out, "-pno:cacheprovider", "-pno:randomly"))
    assert result.status == 0, result.out + result.err
    assert "No space left on device" in result.summary
    listing = ("list", "--out", str(small_disk / "out"))
    assert "  finished  1 of 1 case" in suite.script(*listing).out
    (small_disk / "filler").unlink()
    assert "  finished  1 of 1 case" in suite.script(*listing).out
    (state,) = (small_disk / "out").glob("*/session.json")
    assert '"status": "finished"' in state.read_text()
