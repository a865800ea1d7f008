"""Processes that a test starts: they end as they would, and hold nothing of ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from standin import StandIn
from suite import Suite

pytestmark = pytest.mark.real_process("its tests fork, and end what they forked")

METHODS = ("fork", "spawn", "forkserver")


@pytest.mark.parametrize("method", METHODS)
def test_a_terminated_child_of_multiprocessing_dies_of_sigterm(
    suite: Suite, method: str
) -> None:
    suite.write(
        "jobs.py",
        """
        import time
        def wait(ready):
            ready.set()
            time.sleep(60)
        """,
    )
    suite.test(f"""
        import multiprocessing, signal
        import jobs
        def test_it(eval_case):
            context = multiprocessing.get_context({method!r})
            ready = context.Event()
            child = context.Process(target=jobs.wait, args=(ready,))
            child.start()
            assert ready.wait(30)
            child.terminate()
            child.join(30)
            assert child.exitcode == -signal.SIGTERM
    """)
    result = suite.run("-s")
    assert result.tally == {"passed": 1}
    assert "KeyboardInterrupt" not in result.out + result.err


def test_a_pool_is_quiet_when_it_is_terminated(suite: Suite) -> None:
    suite.test("""
        import multiprocessing
        def test_it(eval_case):
            with multiprocessing.get_context("fork").Pool(3) as pool:
                assert pool.map(abs, [-1, -2]) == [1, 2]
    """)
    result = suite.run("-s")
    assert result.tally == {"passed": 1}
    assert "Terminated" not in result.out + result.err


def test_a_child_dies_of_a_sigterm_that_comes_as_it_is_made(suite: Suite) -> None:
    suite.test("""
        import os, signal, time
        def test_it(eval_case):
            for _ in range(20):
                child = os.fork()
                if child == 0:
                    time.sleep(0.5)
                    os._exit(0)
                os.kill(child, signal.SIGTERM)
                assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
    """)
    assert suite.run("-s").tally == {"passed": 1}


def test_a_child_forked_by_a_thread_dies_of_sigterm(suite: Suite) -> None:
    suite.test("""
        import os, signal, threading, time
        def forked():
            child = os.fork()
            if child == 0:
                assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(60)
            return os.waitpid(child, 0)[1]
        def test_it(eval_case):
            found = []
            thread = threading.Thread(target=lambda: found.append(forked()))
            thread.start()
            thread.join()
            assert os.WTERMSIG(*found) == signal.SIGTERM
    """)
    assert suite.run("-s").tally == {"passed": 1}


def test_a_child_that_takes_the_handler_back_dies_of_sigterm(suite: Suite) -> None:
    suite.test("""
        import os, signal, time
        def test_it(eval_case):
            before = signal.getsignal(signal.SIGTERM)
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGTERM, before)
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(60)
            assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
    """)
    assert suite.run("-s").tally == {"passed": 1}


def test_a_handler_of_a_test_is_kept_in_its_children_and_after_the_session(
    suite: Suite,
) -> None:
    suite.test("""
        import os, signal
        def own(number, frame):
            os._exit(7)
        def test_it(eval_case):
            signal.signal(signal.SIGTERM, own)
            child = os.fork()
            if child == 0:
                os.kill(os.getpid(), signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    """)
    suite.write(
        "conftest.py",
        """
        import pytest, signal
        @pytest.hookimpl(trylast=True)
        def pytest_unconfigure():
            print("handler:", signal.getsignal(signal.SIGTERM).__name__)
        """,
    )
    result = suite.run("-s")
    assert "1 passed" in result.out
    assert "handler: own" in result.out


LEAVES_A_CHILD = """
    import os, time
    def test_it(eval_case):
        eval_case.actual = "done"
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
"""


def end_children_of(group: int) -> None:
    """End what a session left in its process group."""
    os.killpg(group, signal.SIGKILL)


def test_a_session_is_submitted_while_a_child_that_it_left_still_lives(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(LEAVES_A_CHILD)
    process = suite.start()
    try:
        assert process.wait(60) == 0
        result = suite.script("submit", "--run", standin.add_run(), standin=standin)
    finally:
        end_children_of(process.pid)
        process.communicate()
    assert "submitted 1 result" in result.out, result.err
    assert result.status == 0


def test_a_killed_session_is_submitted_while_a_child_that_it_left_still_lives(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(LEAVES_A_CHILD + "    def test_kill():\n        os.kill(os.getpid(), 9)")
    process = suite.start()
    try:
        process.wait(60)
        listed = suite.script("list")
        result = suite.script("submit", "--run", standin.add_run(), standin=standin)
    finally:
        end_children_of(process.pid)
        process.communicate()
    assert "  killed  1 of 1 case" in listed.out
    assert "submitted 1 result" in result.out, result.err


def test_a_lock_is_free_for_others_once_it_is_released_whoever_has_it_open(
    suite: Suite,
) -> None:
    """A program that inherits every descriptor, as no fork of Python's is needed."""
    code = """
        import os, subprocess, sys
        from pathlib import Path
        from pytest_evalguard.storage.lock import Lock
        held, other = Lock(Path()), Lock(Path())
        assert held.acquire()
        os.set_inheritable(held._file, True)
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
        assert not other.acquire()
        held.release()
        print(other.acquire())
        child.kill()
    """
    path = suite.write("hold.py", code)
    done = subprocess.run(
        [sys.executable, path],
        cwd=suite.directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "True\n"


def test_a_forked_child_does_not_give_its_parents_lock_away(suite: Suite) -> None:
    suite.test("""
        import os
        from pathlib import Path
        def test_it(eval_case, pytestconfig):
            child = os.fork()
            if child == 0:
                pytestconfig.pluginmanager.get_plugin(
                    "pytest-evalguard-session"
                )._live.release()
                os._exit(0)
            os.waitpid(child, 0)
            from pytest_evalguard.storage.session import sessions_in
            (session,) = sessions_in(Path(".evalguard"))
            assert session.status == "running"
    """)
    assert suite.run().tally == {"passed": 1}


def test_sub_cases_of_more_children_than_files_may_be_open_are_kept(
    suite: Suite,
) -> None:
    suite.write(
        "conftest.py",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        """,
    )
    suite.test("""
        import os
        def test_it(eval_case):
            for n in range(100):
                if (child := os.fork()) == 0:
                    with eval_case.subcase(f"row {n}") as case:
                        case.actual = n
                    os._exit(0)
                os.waitpid(child, 0)
    """)
    result = suite.run()
    assert result.session.state["counts"] == {"passed": 101}
    assert "could not be closed" not in result.summary
