"""Remote workers, several of everything, and processes that come back."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from standin import StandIn
from suite import Suite, rows_of

TESTS = """
    import os, sys
    @pytest.mark.parametrize("n", range(4))
    def test_it(eval_case, n):
        eval_case.record(actual=str(n), latency_ms=n)
        assert "EVALGUARD_API_KEY" not in os.environ
        assert not {"httpx", "pydantic"} & set(sys.modules)
"""
# the environment of popen workers is the controller's: this takes the key from it
WITHOUT_KEY = """
    import os
    def pytest_configure(config):
        if hasattr(config, "workerinput"):
            os.environ.pop("EVALGUARD_API_KEY", None)
"""


def wait_until_taken(port: int) -> None:
    """Wait until a server listens; connecting to it would use up its only worker."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return
        time.sleep(0.01)


@contextlib.contextmanager
def socket_server(directory: Path, env: dict[str, str]) -> Iterator[int]:
    """An execnet server that serves one worker, in a process of its own."""
    import execnet.script.socketserver as script

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, script.__file__, f"127.0.0.1:{port}"],
        cwd=directory,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_taken(port)
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("kind", ["chdir", "python"])
@pytest.mark.real_process("it starts workers of its own")
def test_a_popen_worker_elsewhere_gives_the_same_batch(
    suite: Suite, standin: StandIn, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    spec = f"chdir={elsewhere}" if kind == "chdir" else f"python={sys.executable}"
    suite.write("conftest.py", WITHOUT_KEY)
    suite.test(TESTS.partition("        assert")[0])
    suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    suite.test(TESTS)
    args = ("-pxdist", "-d", f"--tx=2*popen//{spec}", "--rsyncdir=.")
    result = suite.run(f"--evalguard-run={standin.add_run()}", *args, standin=standin)
    assert result.status == 0, result.out
    local, remote = standin.posts
    assert local.body == remote.body
    assert not list(elsewhere.rglob(".evalguard"))


@pytest.mark.real_process("it starts workers of its own")
def test_a_socket_worker_gives_the_same_batch(
    suite: Suite, standin: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("remote")
    env = {**suite.environment(None, {}), "EVALGUARD_OUT": "/nowhere/at/all"}
    suite.test(TESTS)
    with socket_server(elsewhere, env) as port:
        result = suite.run(
            f"--evalguard-run={standin.add_run()}",
            *("-pxdist", "-d", f"--tx=socket=127.0.0.1:{port}", "--rsyncdir=."),
            standin=standin,
        )
    assert result.status == 0, result.out + result.err
    assert [row["actualOutput"] for row in rows_of(standin)] == ["0", "1", "2", "3"]


@pytest.mark.real_process("it starts workers of its own")
def test_with_dist_each_every_worker_has_cases_of_its_own(suite: Suite) -> None:
    suite.test(TESTS)
    args = ("-pxdist", "--dist=each", "--tx=2*popen")
    cases = suite.run(*args).session.cases
    assert sorted(cases) == [
        f"test_it[{n}] @gw{worker}" for n in range(4) for worker in range(2)
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.real_process("it forks")
def test_a_child_that_leaves_by_sys_exit_finishes_nothing(
    suite: Suite, standin: StandIn
) -> None:
    """Under pytest-xdist the child shares the worker's pipe: what it says counts."""
    suite.test("""
        import os, sys
        def test_forks(eval_case):
            child = os.fork()
            if child == 0:
                sys.exit(0)
            os.waitpid(child, 0)
            eval_case.actual = "parent"
        def test_after(eval_case):
            eval_case.actual = "after"
    """)
    result = suite.run("--evalguard-run=new", standin=standin)
    assert len(standin.posts) == 1
    assert [row["actualOutput"] for row in rows_of(standin)] == ["after", "parent"]
    assert result.session.state["counts"] == {"passed": 2}


def test_no_process_keeps_a_key_that_was_given_with_a_blank(everywhere: Suite) -> None:
    everywhere.test("""
        import os
        from pathlib import Path
        KEY = os.environ["EVALGUARD_API_KEY"].strip()
        @pytest.mark.parametrize("n", range(4))
        def test_it(eval_case, n):
            eval_case.actual = KEY
            for file in Path(".evalguard").rglob("*.jsonl"):
                assert KEY not in file.read_text()
    """)
    result = everywhere.run(env={"EVALGUARD_API_KEY": "no-known-shape "})
    assert result.tally == {"passed": 4}


@pytest.mark.real_process("it forks")
def test_a_forked_child_that_runs_on_is_not_heard_twice(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test("""
        import os
        def test_forks(eval_case):
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
    """)
    everywhere.run("--evalguard-run=new", standin=standin)
    assert len(rows_of(standin)) == 1


def test_subtests_are_part_of_their_test(everywhere: Suite) -> None:
    plugins: list[str] = []
    if pytest.version_tuple < (9, 0):
        pytest.importorskip("pytest_subtests")
        plugins = ["subtests"]
    everywhere.test("""
        def test_one_fails(eval_case, subtests):
            for n in range(3):
                with subtests.test(n=n):
                    assert n != 1
            eval_case.actual = "done"
        def test_all_pass(eval_case, subtests):
            for n in range(3):
                with subtests.test(n=n):
                    pass
        def test_one_is_skipped(eval_case, subtests):
            with subtests.test("s"):
                pytest.skip("not now")
    """)
    session = everywhere.run(plugins=plugins).session
    assert session.outcomes == {
        "test_one_fails": "failed",
        "test_all_pass": "passed",
        "test_one_is_skipped": "passed",
    }
    failed = session.cases["test_one_fails"]
    assert failed["actual"] == "done"
    assert failed["reason"].startswith("AssertionError: assert 1 != 1, at test_it.py:")


def test_a_failed_subtest_fails_a_test_that_then_skips(suite: Suite) -> None:
    plugins: list[str] = []
    if pytest.version_tuple < (9, 0):
        pytest.importorskip("pytest_subtests")
        plugins = ["subtests"]
    suite.test("""
        def test_it(eval_case, subtests):
            with subtests.test("a"):
                assert 0
            pytest.skip("the rest needs a GPU")
    """)
    result = suite.run(plugins=plugins)
    assert result.status == 1
    assert result.session.outcomes == {"test_it": "failed"}


def test_plugins_are_told_the_same_of_a_report(everywhere: Suite) -> None:
    everywhere.write(
        "conftest.py",
        """
        import os
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(call):
            report = yield
            report.own = ("a", [1, {"b": None}], call.when)
            return report

        def pytest_runtest_logreport(report):
            if "PYTEST_XDIST_WORKER" not in os.environ:
                said = [report.location, report.user_properties, report.sections]
                with open("told.txt", "a") as file:
                    print([*said, report.own, report.outcome], file=file)
        """,
    )
    everywhere.test("""
        def test_it(eval_case, record_property):
            record_property("model", ("small", 3))
            print("it says é")
    """)
    everywhere.run()
    location = "('test_it.py', 2, 'test_it')"
    properties = "[('model', ('small', 3))]"
    sections = "[('Captured stdout call', 'it says é\\n')]"
    assert (everywhere.directory / "told.txt").read_text("utf-8").splitlines() == [
        f"[{location}, [], [], ('a', [1, {{'b': None}}], 'setup'), 'passed']",
        *(
            f"[{location}, {properties}, {sections},"
            f" ('a', [1, {{'b': None}}], '{when}'), 'passed']"
            for when in ("call", "teardown")
        ),
    ]


def test_a_wrapper_that_reads_reports_in_the_controller_finds_and_changes_them(
    suite: Suite,
) -> None:
    suite.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_report_from_serializable(data):
            if data["outcome"] == "failed":
                data["longrepr"] = f"hidden in {data['nodeid']}"
            return (yield)
        """,
    )
    suite.test("""
        def test_it(eval_case):
            assert "what nobody may see" == ""
    """)
    result = suite.run("-n", "2", "-p", "xdist")
    assert "hidden in test_it.py::test_it" in result.out
    assert "AssertionError" not in result.out.partition("= evalguard =")[0]
