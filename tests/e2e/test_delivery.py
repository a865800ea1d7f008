"""Nothing lost, nothing twice, nothing hangs: delivery under faults."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from standin import Drip, Hang, Received, Redirect, Reply, Reset, Slow, StandIn, Status
from suite import Result, Suite, rows_of, wait_for

TWO = """
    @pytest.mark.parametrize("n", range(2))
    def test_it(eval_case, n):
        eval_case.actual = f"answer {n}"
"""
SIX = TWO.replace("range(2)", "range(6)")


def keys_and_bodies(standin: StandIn) -> set[tuple[str, bytes]]:
    return {(each.headers["idempotency-key"], each.body) for each in standin.posts}


ANSWERED = (Slow, Drip)
PASSING: dict[str, list[Any]] = {
    "reset before": [Reset("before")],
    "reset middle": [Reset("middle")],
    "reset after": [Reset("after")],
    "5xx": [Status(500), Status(502), Status(503)],
    "408": [Status(408)],
    "425": [Status(425)],
    "429": [Status(429, headers={"Retry-After": "1"})],
    "429 in words": [Status(429, headers={"Retry-After": "soon"})],
    "503": [Status(503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})],
    "409": [Status(409), Status(409)],
    "slow": [Slow(0.5)],
    "drip": [Drip(0.001, where="body")],
    "redirect": [Redirect("{url}{path}")],
}


@pytest.fixture(scope="module")
def got_over(suite_once: Suite) -> Iterator[tuple[Result, StandIn]]:
    """A session of which each batch, of one row, meets another fault."""
    suite_once.ini("evalguard_batch_size = 1")
    suite_once.test(f"""
        @pytest.mark.parametrize("name", {sorted(PASSING)})
        def test_it(eval_case, name):
            eval_case.actual = name
        """)
    with StandIn() as standin:
        run_id = standin.add_run()
        here = f"{standin.url}/api/v1/evals/{run_id}/results"
        for _, faults in sorted(PASSING.items()):
            for each in faults:
                standin.plan(Redirect(here) if isinstance(each, Redirect) else each)
            if not isinstance(faults[-1], ANSWERED):
                standin.plan(None)
        args = (f"--evalguard-run={run_id}", "-Werror")
        yield suite_once.run(*args, standin=standin), standin


def posts_of(standin: StandIn, name: str) -> list[Received]:
    """The requests that sent the one row with this answer."""
    return [
        each
        for each in standin.posts
        if json.loads(each.body)["results"][0]["actualOutput"] == name
    ]


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_is_got_over(
    got_over: tuple[Result, StandIn], name: str
) -> None:
    _, standin = got_over
    posts = posts_of(standin, name)
    faults = PASSING[name]
    assert len(posts) == len(faults) + (not isinstance(faults[-1], ANSWERED))
    assert len({(each.headers["idempotency-key"], each.body) for each in posts}) == 1
    assert [row["actualOutput"] for row in rows_of(standin)].count(name) == 1


def test_all_batches_of_a_session_with_passing_faults_arrive(
    got_over: tuple[Result, StandIn],
) -> None:
    result, standin = got_over
    told = " ".join(result.summary.split())
    assert f"submitted {len(PASSING)} results to run" in told
    assert standin.pending_faults == []


@pytest.mark.parametrize(
    ("fault", "told", "calls"),
    [
        (Status(400), "not submitted: 2 results", 1),
        (Status(422), "not submitted: 2 results", 1),
        (Status(401), "EVALGUARD_API_KEY is not accepted", 1),
        (Status(403), "not submitted: 2 results", 1),
        (Status(404), "belongs to another project", 1),
        (Redirect("http://127.0.0.2:9/x"), "redirects to another host", 1),
        (Redirect("https://example.org/x"), "redirects to another host", 1),
        (Status(429, headers={"Retry-After": "3600"}), "HTTP 429", 1),
    ],
)
def test_a_lasting_fault_is_told_and_not_repeated(
    suite: Suite, standin: StandIn, fault: Any, told: str, calls: int
) -> None:
    suite.test(TWO)
    standin.plan(fault)
    started = time.monotonic()
    result = suite.run(
        f"--evalguard-run={standin.add_run()}", "-Werror", standin=standin
    )
    assert told in " ".join(result.summary.split())
    assert len(standin.posts) == calls
    assert result.status == 0
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "fault",
    [Hang(), Drip(0.2, where="headers"), Drip(0.2, where="body")],
    ids=["hang", "headers", "body"],
)
def test_a_server_that_never_finishes_can_not_hold_a_session(
    suite: Suite, standin: StandIn, fault: Any
) -> None:
    suite.test(TWO)
    suite.run()  # so that what is timed below is the sending
    standin.plan(fault, fault, fault)
    args = (f"--evalguard-run={standin.add_run()}", "--evalguard-timeout=2", "-Werror")
    started = time.monotonic()
    result = suite.run(*args, standin=standin)
    assert time.monotonic() - started < 2 + 2 + 4  # limit, grace, pytest's own start
    assert "not submitted: 2 results" in result.summary
    assert standin.url.removeprefix("http://") in result.summary
    assert result.status == 0
    assert result.err == ""


def test_a_preflight_that_hangs_lets_the_tests_run(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TWO)
    standin.plan(Hang(), method="GET", path_contains="/evals/")
    started = time.monotonic()
    result = suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    assert "submitted 2 results" in result.summary
    assert time.monotonic() - started < 12


def test_one_refused_batch_does_not_stop_the_others(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(SIX)
    suite.ini("evalguard_batch_size = 2")
    error = {"message": "row 1 is bad", "code": "BAD", "requestId": "req-77"}
    standin.plan(None, Status(400, {"success": False, "error": error}), None)
    run_id = standin.add_run()
    result = suite.run(f"--evalguard-run={run_id}", standin=standin)
    assert f"submitted 4 results to run {run_id} (2 batches)" in result.summary
    told = " ".join(result.summary.split())
    assert f"not submitted: 2 results to run {run_id}: rejected" in told
    assert "BAD: row 1 is bad" in told
    assert "(request req-77)" in told
    assert "4 accepted, 2 rejected, 0 unsent" in suite.script("list").out
    assert "nothing to submit" in suite.script("submit", standin=standin).out
    assert len(standin.posts) == 3


def test_accepted_batches_are_never_sent_again(suite: Suite, standin: StandIn) -> None:
    suite.test(SIX)
    suite.ini("evalguard_batch_size = 2")
    standin.plan(None, Status(401))
    suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    assert "2 accepted, 0 rejected, 4 unsent" in suite.script("list").out
    assert suite.script("submit", standin=standin).status == 0
    assert [each.status for each in standin.posts] == [200, 401, 200, 200]
    assert len(rows_of(standin)) == 6
    assert len(keys_and_bodies(standin)) == 3


def test_a_copy_on_another_machine_sends_the_same_bytes(
    suite: Suite, standin: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    suite.test(TWO)
    standin.plan(Status(401))
    suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    other = tmp_path_factory.mktemp("other machine")
    shutil.copytree(suite.directory / ".evalguard", other / "results")
    result = suite.script("submit", "--out", "results", cwd=other, standin=standin)
    assert result.status == 0, result.err
    assert len(standin.posts) == 2
    assert len(keys_and_bodies(standin)) == 1


def test_a_session_that_ran_again_has_another_key(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TWO)
    run_id = standin.add_run()
    for _ in range(2):
        suite.run(f"--evalguard-run={run_id}", standin=standin)
    assert len({each.headers["idempotency-key"] for each in standin.posts}) == 2


def test_what_is_frozen_is_on_disk_before_the_first_byte(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TWO)
    standin.plan(Hang())
    process = suite.start(f"--evalguard-run={standin.add_run()}", standin=standin)
    while not standin.posts:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    result = suite.finish(process)
    (frozen,) = result.session.requests
    (post,) = standin.posts
    assert frozen["body"].encode() == post.body
    assert frozen["key"] == post.headers["idempotency-key"]
    again = suite.script("submit", standin=standin)
    assert again.status == 0, again.err
    assert len(keys_and_bodies(standin)) == 1
    assert len(rows_of(standin)) == 2


@pytest.mark.real_process("two run at once")
def test_two_submits_at_once_send_a_batch_once(suite: Suite, standin: StandIn) -> None:
    suite.test(TWO)
    standin.plan(Status(401))
    suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    standin.plan(Slow(1))
    results: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(
                suite.script("submit", standin=standin).status
            )
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 in results
    assert [each.status for each in standin.posts].count(200) == 1


def test_a_session_that_still_runs_is_not_submitted(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("""
        import pathlib, time
        def test_one(eval_case):
            eval_case.actual = "one"
        def test_two(eval_case):
            pathlib.Path(__file__).with_name("started").touch()
            while not pathlib.Path(__file__).with_name("go").exists():
                time.sleep(0.01)
    """)
    process = suite.start(f"--evalguard-run={standin.add_run()}", standin=standin)
    wait_for(suite.directory, "started", 1)
    assert "running" in suite.script("list").out
    result = suite.script("submit", standin=standin)
    assert result.status == 1
    assert "another process is running or submitting" in result.out
    (suite.directory / "go").touch()
    assert "submitted 2 results" in suite.finish(process).out
    assert len(standin.posts) == 1


def test_shards_give_the_same_keys_in_any_order(suite: Suite, standin: StandIn) -> None:
    paths = []
    for name in "ab":
        suite.write(f"test_{name}.py", "def test_it(eval_case): eval_case.score = 1")
        paths.append(str(suite.run(f"test_{name}.py").session.path))
    run_id = standin.add_run()
    standin.plan(Status(401))
    for order in (paths, paths[::-1]):
        suite.script("submit", "--run", run_id, *order, standin=standin)
    assert len(standin.posts) == 2
    assert len(keys_and_bodies(standin)) == 1


def test_shards_that_overlap_are_refused_with_both_names(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TWO)
    paths = [str(suite.run().session.path) for _ in range(2)]
    result = suite.script("submit", "--run", "r", *paths, standin=standin)
    assert result.status == 1
    assert "test_it.py::test_it[0] is in two sessions" in result.err
    assert all(Path(path).name in result.err for path in paths)
    assert standin.posts == []


def test_sigterm_ends_a_session_as_ctrl_c_does(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test("""
        import pathlib, time
        @pytest.mark.parametrize("n", range(60))
        def test_it(eval_case, n):
            eval_case.actual = str(n)
            pathlib.Path(__file__).with_name(f"done-{n}").touch()
            time.sleep(0.1)
    """)
    process = everywhere.start(f"--evalguard-run={standin.add_run()}", standin=standin)
    wait_for(everywhere.directory, "done-*", 6)
    process.send_signal(signal.SIGTERM)
    result = everywhere.finish(process)
    assert result.status == 2
    state = result.session.state
    assert state["status"] == "interrupted"
    assert state["counts"]["passed"] >= 4
    assert sum(state["counts"].values()) == 60
    assert "pytest-evalguard submit" in result.summary + result.err
    assert standin.posts == []


def test_a_second_ctrl_c_loses_nothing_either(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test("""
        import pathlib, time
        @pytest.fixture(scope="session", autouse=True)
        def slow_to_close():
            yield
            pathlib.Path(__file__).with_name("closing").touch()
            time.sleep(5)
        @pytest.mark.parametrize("n", range(60))
        def test_it(eval_case, n):
            eval_case.actual = str(n)
            pathlib.Path(__file__).with_name(f"done-{n}").touch()
            time.sleep(0.1)
    """)
    process = everywhere.start(f"--evalguard-run={standin.add_run()}", standin=standin)
    wait_for(everywhere.directory, "done-*", 6)
    os.killpg(process.pid, signal.SIGINT)
    wait_for(everywhere.directory, "closing", 1)
    os.killpg(process.pid, signal.SIGINT)
    result = everywhere.finish(process)
    state = result.session.state
    assert state["status"] == "interrupted"
    assert state["counts"]["passed"] >= 4
    assert "pytest-evalguard submit" in result.summary + result.err
    assert everywhere.script("submit", standin=standin).status == 0
    assert len(rows_of(standin)) == state["rows"]


def test_a_ctrl_c_while_a_plugin_ends_its_work_is_in_the_exit_status(
    everywhere: Suite,
) -> None:
    everywhere.write(
        "conftest.py",
        """
        def pytest_sessionfinish(session):
            if not hasattr(session.config, "workerinput"):
                raise KeyboardInterrupt
        """,
    )
    everywhere.test("def test_it(eval_case): pass")
    state = everywhere.run(check=False).session.state
    assert (state["status"], state["exit_status"]) == ("interrupted", 2)


@pytest.mark.real_process("it is stopped while it sends")
def test_a_run_whose_sending_was_stopped_ends_as_the_session_did(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test("def test_it(eval_case): eval_case.actual = 'a'")
    standin.plan(Slow(30), path_contains="/results")
    process = everywhere.start("--evalguard-run=new", standin=standin)
    while not standin.posts:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    result = everywhere.finish(process)
    assert (result.status, result.session.state["exit_status"]) == (2, 2)
    standin.forget_faults()
    assert everywhere.script("submit", standin=standin).status == 0
    (run,) = standin.runs.values()
    assert (len(run.rows), run.status) == (1, "failed")


def test_a_ctrl_c_while_the_first_is_being_handled(
    suite: Suite, standin: StandIn
) -> None:
    suite.write(
        "conftest.py",
        """
        import pytest
        @pytest.hookimpl(tryfirst=True)
        def pytest_keyboard_interrupt():
            raise KeyboardInterrupt
        """,
    )
    suite.test(TWO + "\n    def test_stops():\n        raise KeyboardInterrupt\n")
    run = f"--evalguard-run={standin.add_run()}"
    result = suite.run(run, standin=standin, check=False)
    assert result.session.state["status"] == "interrupted"
    assert "pytest-evalguard submit" in result.summary + result.err
    assert standin.posts == []


@pytest.mark.real_process("it ends by os._exit")
def test_os_exit_in_a_plain_session_keeps_what_had_finished(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("""
        import os
        def test_a(eval_case):
            eval_case.actual = "kept"
        def test_b(eval_case):
            os._exit(9)
    """)
    result = suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    assert result.status == 9
    assert "killed  1 of 2 cases" in suite.script("list").out
    assert suite.script("submit", standin=standin).status == 0
    assert [row["actualOutput"] for row in rows_of(standin)] == ["kept"]


@pytest.mark.real_process("it may write little")
def test_a_full_disk_stops_no_test_and_is_told_with_a_count(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.write(
        "conftest.py",
        """
        import resource
        BEFORE = resource.getrlimit(resource.RLIMIT_FSIZE)
        def pytest_sessionstart():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, BEFORE[1]))
        def pytest_unconfigure():
            resource.setrlimit(resource.RLIMIT_FSIZE, (BEFORE[1], BEFORE[1]))
        """,
    )
    everywhere.test("""
        @pytest.mark.parametrize("n", range(4))
        def test_it(eval_case, n):
            eval_case.actual = "x" * 1_000
        def test_many(eval_case):
            for n in range(4):
                with eval_case.subcase(f"{n}") as case:
                    case.actual = "x" * 1_000
    """)
    process = everywhere.start(
        f"--evalguard-run={standin.add_run()}", "-pno:cacheprovider", standin=standin
    )
    result = everywhere.finish(process)
    assert "5 passed" in result.out, result.out + result.err
    told = result.summary + result.err
    kept = result.session.state["rows"]
    assert 0 < kept < 8
    assert f"lost: {8 - kept} cases can't be sent because they are not on disk" in told
    assert result.status == 1
    assert "Traceback" not in result.out + result.err
    assert result.session.state["counts"] == {"passed": kept, "not run": 8 - kept}
    assert f"  finished  {kept} of 8 cases" in everywhere.script("list").out
    assert everywhere.script("gate", "--min-pass-rate=0").status == 1


def test_a_directory_that_was_removed_is_written_anew(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test("""
        import pathlib, shutil
        @pytest.mark.parametrize("n", range(4))
        def test_it(eval_case, n):
            eval_case.actual = str(n)
            if n == 2:
                out = pathlib.Path(__file__).with_name(".evalguard")
                shutil.rmtree(out, ignore_errors=True)
    """)
    result = everywhere.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    assert len(rows_of(standin)) == 4
    assert result.session.state["counts"] == {"passed": 4}


def test_foreign_files_in_the_directory_are_passed_over(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TWO)
    standin.plan(Status(401))
    path = suite.run(
        f"--evalguard-run={standin.add_run()}", standin=standin
    ).session.path
    out = suite.directory / ".evalguard"
    (out / "notes.txt").write_text("mine")
    (out / "empty").mkdir()
    (out / "00-broken").mkdir()
    (out / "00-broken/session.json").write_text("{")
    (out / "00-list").mkdir()
    (out / "00-list/session.json").write_text("[]")
    for name in ("worker-x.jsonl", "cases.jsonl", "evalguard-1.answers.jsonl"):
        with (path / name).open("ab") as file:
            file.write(b'{"nodeid": 3}\n\xff\xfe junk\n{"nodeid": "torn')
    assert "2 of 2 cases" in suite.script("list").out
    result = suite.script("submit", standin=standin)
    assert "submitted 2 results" in result.out
    assert result.err.count("left out: ") == 2
    assert len(rows_of(standin)) == 2


@pytest.mark.parametrize("redact", ["true", "false"])
def test_no_secret_leaves_the_process(
    everywhere: Suite, standin: StandIn, redact: str
) -> None:
    everywhere.ini(f"evalguard_redact = {redact}")
    everywhere.test("""
        import os
        LIVE = os.environ["EVALGUARD_API_KEY"]
        SHAPE = "ghp_" + "Zz9" * 12
        BOTH = f"{LIVE} {SHAPE}"
        @pytest.mark.eval(name=BOTH, tags=[BOTH], metadata={BOTH: BOTH})
        @pytest.mark.parametrize("key", [BOTH], ids=[BOTH.replace(" ", "-")])
        def test_it(eval_case, key):
            eval_case.record(input=BOTH, expected=[BOTH], actual={BOTH: BOTH},
                metadata={"deep": {"list": [BOTH]}})
            eval_case.add_score(BOTH, 0.5, reason=BOTH)
            eval_case.add_finding({"why": BOTH})
            eval_case.hallucination_label = BOTH
            raise ValueError(BOTH)
    """)
    result = everywhere.run("--evalguard-run=new", "--tb=no", "-rN", standin=standin)
    (post,) = standin.posts
    written = b"".join(path.read_bytes() for path in result.session.path.iterdir())
    for seen in (post.body, written, result.summary.encode(), result.err.encode()):
        assert standin.key.encode() not in seen
        assert (b"ghp_" in seen) == (redact == "false" and seen != b"")
    headers = [each.headers for each in standin.requests]
    assert all(each["authorization"] == f"Bearer {standin.key}" for each in headers)


def test_the_key_is_in_no_file_argument_or_representation(
    suite: Suite, standin: StandIn
) -> None:
    suite.write(
        "conftest.py",
        """
        import sys
        from pytest_evalguard.config.resolution import settings_key
        def pytest_sessionfinish(session):
            settings = session.config.stash[settings_key]
            print(repr(settings), settings, vars(session.config.option), sys.argv)
        """,
    )
    suite.test(TWO)
    result = suite.run("--evalguard-run=new", "-s", "--debug", standin=standin)
    assert "run_id='new'" in result.out
    for text in (result.out, result.err):
        assert standin.key not in text
    for path in Path(suite.directory).rglob("*"):
        assert not path.is_file() or standin.key.encode() not in path.read_bytes()


def test_a_page_in_reply_is_cut_and_cleaned(suite: Suite, standin: StandIn) -> None:
    suite.test(TWO)
    standin.plan(
        Reply(400, b"\x1b[2Jbad\n::error::x " + b"y" * 5_000_000, "text/plain")
    )
    result = suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    (line,) = [each for each in result.summary.splitlines() if "rejected:" in each]
    assert "\x1b" not in line
    assert len(line) < 400


def test_list_json_counts_what_is_where(suite: Suite, standin: StandIn) -> None:
    suite.test(TWO)
    standin.plan(Status(400))
    suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    (entry,) = json.loads(suite.script("list", "--json").out)
    (submission,) = entry["submissions"]
    assert (submission["accepted"], submission["rejected"]) == (0, 2)


@pytest.mark.parametrize(
    "harm",
    [
        "next(OUT.glob('*/cases.jsonl')).write_text('')",
        "f = next(OUT.glob('*/cases.jsonl')); f.unlink(); f.write_text('junk\\n')",
    ],
    ids=["emptied", "replaced"],
)
def test_a_journal_that_was_changed_is_told_and_fails_the_session(
    suite: Suite, standin: StandIn, harm: str
) -> None:
    suite.test(f"""
        import pathlib
        OUT = pathlib.Path(__file__).with_name(".evalguard")
        @pytest.mark.parametrize("n", range(3))
        def test_it(eval_case, n):
            if n == 2:
                {harm}
    """)
    run = f"--evalguard-run={standin.add_run()}"
    result = suite.run(run, standin=standin, check=False)
    assert result.status == 1
    assert "lost: " in result.summary
    assert result.session.state["rows"] == sum(
        len(json.loads(post.body)["results"]) for post in standin.posts
    )


@pytest.mark.real_process("it closes its files")
def test_a_test_that_closes_every_file_harms_no_file_of_its_own(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("""
        import os
        FILES = []
        def test_a(eval_case):
            eval_case.actual = "1"
        def test_b(eval_case):
            os.closerange(3, 300)
            FILES.extend(open(f"mine-{n}", "w") for n in range(12))
        def test_c(eval_case):
            eval_case.actual = "3"
    """)
    result = suite.run(f"--evalguard-run={standin.add_run()}", "-s", standin=standin)
    assert len(rows_of(standin)) == 3
    for path in suite.directory.glob("mine-*"):
        assert path.read_text() == ""
    assert result.status == 0


def test_a_secret_is_redacted_before_it_is_cut(suite: Suite) -> None:
    key = "Zx81plainlookinglivekey9000QwertyUiop"
    suite.test("""
        import os
        KEY = os.environ["EVALGUARD_API_KEY"]
        class Long:
            def __repr__(self):
                return "y" * 970 + KEY
        def test_message():
            pass
        def test_values(eval_case):
            eval_case.actual = Long()
            eval_case.metadata["m"] = Long()
            eval_case.add_finding(Long())
            eval_case.mark_ambiguous(Long())
            raise RuntimeError("x" * 470 + KEY)
        def test_skip(eval_case):
            pytest.skip("x" * 480 + KEY)
    """)
    result = suite.run("--tb=no", "-rN", env={"EVALGUARD_API_KEY": key})
    journal = (result.session.path / "cases.jsonl").read_text()
    assert "Zx81" not in journal
    assert "Zx81" not in result.summary


def test_a_folder_of_the_users_gets_no_gitignore(suite: Suite) -> None:
    suite.test(TWO)
    suite.run("--evalguard-out=.")
    assert not (suite.directory / ".gitignore").exists()


def test_an_internal_error_of_xdist_fails_the_session(suite: Suite) -> None:
    suite.distribution = ("-n", "2")
    suite.test("""
        import time
        def boom():
            raise RuntimeError
        def test_a(eval_case):
            time.perf_counter = boom
        def test_b(eval_case):
            pass
    """)
    result = suite.run(check=False)
    assert "INTERNALERROR" in result.out
    assert result.status != 0
