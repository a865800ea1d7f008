"""What a service rejects, as users meet it: told, halved, sent when it is mended."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from standin import Hang, StandIn, Status
from suite import Suite, rows_of

TESTS = """
    @pytest.mark.parametrize("n", range(6))
    def test_it(eval_case, n):
        eval_case.record(input=f"question {n}", actual="x" * (5000 if n == WIDE else 5))
"""
QUESTIONS = [f"question {n}" for n in range(6)]


def inputs(standin: StandIn) -> list[str]:
    return [row["input"] for row in rows_of(standin)]


def test_a_batch_too_large_arrives_in_parts_at_once(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test(TESTS.replace("WIDE", "None"))
    standin.limit = 700
    run_id = standin.add_run()
    result = everywhere.run(f"--evalguard-run={run_id}", standin=standin)
    assert f"submitted 6 results to run {run_id}" in result.summary
    assert "not submitted" not in result.summary
    assert inputs(standin) == QUESTIONS


def test_one_row_too_large_is_told_in_the_summary_with_the_command(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS.replace("WIDE", "4"))
    standin.limit = 3000
    result = suite.run("--evalguard-run=new", standin=standin)
    told = " ".join(result.summary.split())
    assert "submitted 5 results" in told
    assert "not submitted: 1 result to run" in told
    assert "rejected: HTTP 413" in told
    command = f"submit --rejected .evalguard/{result.session.path.name}"
    assert f"pytest-evalguard {command}" in told
    (run,) = standin.runs.values()
    assert run.status == "running"
    standin.limit = None
    assert suite.script(*command.split(), standin=standin).status == 0
    assert sorted(inputs(standin)) == QUESTIONS
    assert run.status == "passed"


@pytest.mark.parametrize("quiet", ["--no-summary", "-pno:terminal"])
def test_without_a_summary_rejected_results_are_told_on_stderr(
    suite: Suite, standin: StandIn, quiet: str
) -> None:
    suite.test(TESTS.replace("WIDE", "None"))
    standin.plan(Status(400))
    args = (f"--evalguard-run={standin.add_run()}", quiet, "-Werror")
    result = suite.run(*args, standin=standin)
    told = result.err + result.out
    assert "not submitted: 6 results to run" in told
    assert "rejected: HTTP 400" in told
    assert "pytest-evalguard submit --rejected" in told
    assert result.status == 0


def test_strict_fails_a_session_with_rejected_results(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS.replace("WIDE", "None"))
    standin.plan(Status(422))
    args = (f"--evalguard-run={standin.add_run()}", "--evalguard-strict")
    assert suite.run(*args, standin=standin).status == 1


@pytest.mark.parametrize("at", [1, 2, 3, 5])
def test_a_kill_while_it_is_halved_leaves_each_result_to_be_sent_once(
    suite: Suite, standin: StandIn, at: int
) -> None:
    suite.test(TESTS.replace("WIDE", "None"))
    standin.limit = 350
    standin.plan(*[None] * at, Hang(store=True))
    process = suite.start(f"--evalguard-run={standin.add_run()}", standin=standin)
    end = time.monotonic() + 30
    while len(standin.posts) <= at:
        assert time.monotonic() < end
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    suite.finish(process)
    standin.limit = None
    assert suite.script("submit", standin=standin).status == 0
    assert inputs(standin) == QUESTIONS
    sent = [(p.headers["idempotency-key"], p.body) for p in standin.posts]
    assert len(set(sent)) == len({key for key, _ in sent})


def test_rejected_results_of_an_agent_are_sent_again_one_by_one(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS.replace("WIDE", "None"))
    suite.ini("evalguard_agent_concurrency = 1")
    for question in QUESTIONS:
        standin.add_prompt(question)
    standin.plan(
        Status(400), None, Status(413), Status(422), path_contains="/test-results"
    )
    result = suite.run(f"--evalguard-agent={standin.agent_id}", standin=standin)
    told = " ".join(result.summary.split())
    assert f"not submitted: 3 results to agent {standin.agent_id}: rejected" in told
    assert "pytest-evalguard submit --rejected" in told
    again = suite.script("submit", "--rejected", "--dialect=sdk", standin=standin)
    assert again.status == 0, again.out
    sent = [(each.clean_path, each.body) for each in standin.agent_posts]
    assert len(sent) == 9
    assert len(set(sent)) == 6
    assert {n: len(each) for n, each in standin.results.items()} == dict.fromkeys(
        range(1, 7), 1
    )


def test_a_session_of_an_earlier_version_is_sent_when_it_is_mended(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS.replace("WIDE", "None"))
    standin.plan(Status(400))
    result = suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    _as_an_earlier_version(result.session.path)
    assert "6 rejected" in suite.script("list").out
    standin.limit = 700
    assert "nothing to submit" in suite.script("submit", standin=standin).out
    again = suite.script("submit", "--rejected", standin=standin)
    assert again.status == 0, again.out
    assert inputs(standin) == QUESTIONS


def _as_an_earlier_version(path: Path) -> None:
    """Leave what a version wrote that rejected a batch as a whole."""
    (requests,) = path.glob("*.requests.jsonl")
    (answers,) = path.glob("*.answers.jsonl")
    key = json.loads(requests.read_text())["key"]
    entry = {"key": key, "state": "rejected", "error": "HTTP 413, too large"}
    answers.write_text(json.dumps(entry) + "\n")


def test_networks_in_no_proxy_stop_nothing(suite: Suite, standin: StandIn) -> None:
    suite.test(TESTS.replace("WIDE", "None"))
    env = {"NO_PROXY": "localhost,::1,fd00::/8", "HTTPS_PROXY": "http://127.0.0.1:9"}
    args = (f"--evalguard-run={standin.add_run()}",)
    result = suite.run(*args, standin=standin, env=env)
    assert "submitted 6 results" in result.summary


def test_a_missing_file_of_certificates_is_named_in_the_summary(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS.replace("WIDE", "None"))
    args = (f"--evalguard-run={standin.add_run()}",)
    result = suite.run(*args, standin=standin, env={"SSL_CERT_FILE": "/nope.pem"})
    told = " ".join(result.summary.split())
    assert "SSL_CERT_FILE names '/nope.pem'" in told
    assert "pytest-evalguard submit" in told


@pytest.mark.real_process("its test changes httpx")
def test_a_mock_left_on_is_told_at_once(suite: Suite, standin: StandIn) -> None:
    suite.test("""
        import httpx

        def test_it(eval_case):
            eval_case.score = 1
            def answer(self, request):
                raise httpx.ConnectError("Mock Error", request=request)
            httpx.HTTPTransport.handle_request = answer
    """)
    started = time.monotonic()
    result = suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    assert "not submitted: 1 result" in result.summary
    assert "a mock that a test left active" in result.summary
    assert time.monotonic() - started < 9
