"""What arrives at EvalGuard, and what the session says of it."""

from __future__ import annotations

import json
import re
import uuid

import pytest

import pytest_evalguard
from standin import Reply, StandIn, Status, validate_body
from suite import Suite, rows_of

TESTS = """
    @pytest.mark.eval(expected="Paris")
    def test_b(eval_case):
        eval_case.record(input="France?", actual="Lyon", score=0.25, latency_ms=812.5,
            tokens={"prompt": 12, "completion": 80}, metadata={"model": "m"})
        eval_case.cost_usd = 0.5
        eval_case.add_score("relevance", 0.5, passed=False, reason="off topic")
        assert eval_case.actual == "Paris"
    @pytest.mark.eval
    def test_a():
        pass
    @pytest.mark.eval
    @pytest.mark.skip
    def test_c():
        pass
"""


def test_all_cases_arrive_as_one_batch_in_order(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test(TESTS)
    run_id = standin.add_run()
    result = everywhere.run(f"--evalguard-run={run_id}", standin=standin)
    (post,) = standin.posts
    assert post.path == f"/api/v1/evals/{run_id}/results"
    assert post.headers["authorization"] == f"Bearer {standin.key}"
    version = pytest_evalguard.__version__
    assert post.headers["user-agent"] == f"pytest-evalguard/{version}"
    assert uuid.UUID(post.headers["idempotency-key"])
    assert [row["input"] for row in rows_of(standin)] == [
        "test_it.py::test_a",
        "France?",
    ]
    assert f"submitted 2 results to run {run_id} (1 batch)" in result.summary
    assert "recorded in .evalguard/" in result.summary


def test_the_documented_row(everywhere: Suite, standin: StandIn) -> None:
    everywhere.test(TESTS)
    everywhere.run("--evalguard-run=new", standin=standin)
    plain, full = rows_of(standin)
    assert plain.pop("latency") >= 0
    assert plain == {
        "input": "test_it.py::test_a",
        "actualOutput": "",
        "score": 1.0,
        "passed": True,
        "scorerResults": {"pytest": {"score": 1.0, "passed": True}},
    }
    reason = "AssertionError: assert 'Lyon' == 'Paris', at test_it.py:9"
    assert full == {
        "input": "France?",
        "expectedOutput": "Paris",
        "actualOutput": "Lyon",
        "score": 0.25,
        "passed": False,
        "latency": 812.5,
        "tokenUsage": {"prompt": 12, "completion": 80, "total": 92},
        "scorerResults": {
            "relevance": {"score": 0.5, "passed": False, "reason": "off topic"},
            "pytest": {"score": 0.0, "passed": False, "reason": reason},
        },
    }


def test_the_row_of_the_sdk_dialect(suite: Suite, standin: StandIn) -> None:
    suite.test(TESTS)
    suite.ini("evalguard_dialect = sdk")
    standin.dialect = "sdk"
    suite.run("--evalguard-run=new", standin=standin)
    plain, full = rows_of(standin)
    assert plain["test_case_index"] == 0
    assert full["scores"].pop("pytest")["passed"] is False
    assert full == {
        "test_case_index": 1,
        "input": "France?",
        "output": "Lyon",
        "expected": "Paris",
        "scores": {
            "relevance": {"score": 0.5, "passed": False, "reason": "off topic"},
            "_metadata": {"model": "m"},
        },
        "latency_ms": 812.5,
        "passed": False,
        "score": 0.25,
        "cost": 0.5,
    }


def test_a_refused_dialect_names_the_setting(suite: Suite, standin: StandIn) -> None:
    suite.test(TESTS)
    standin.dialect = "sdk"
    result = suite.run("--evalguard-run=new", standin=standin)
    assert "not submitted: 2 results" in result.summary
    assert "evalguard_dialect = sdk" in result.summary
    assert "pytest-evalguard submit --rejected --dialect sdk" in result.summary


@pytest.mark.parametrize("form", ["", "/", "/api", "/api/v1", "/api/v1/"])
def test_a_base_url_has_three_forms(suite: Suite, standin: StandIn, form: str) -> None:
    suite.test(TESTS)
    run_id = standin.add_run()
    suite.run(
        f"--evalguard-run={run_id}",
        f"--evalguard-url={standin.url}{form}",
        standin=standin,
    )
    assert [post.status for post in standin.posts] == [200]


def test_a_large_session_goes_out_in_batches(suite: Suite, standin: StandIn) -> None:
    suite.test("""
        @pytest.mark.eval
        @pytest.mark.parametrize("n", range(25))
        def test_it(n):
            pass
    """)
    suite.ini("evalguard_batch_size = 10")
    result = suite.run("--evalguard-run=new", standin=standin)
    sizes = [len(json.loads(post.body)["results"]) for post in standin.posts]
    assert sizes == [10, 10, 5]
    assert len({post.headers["idempotency-key"] for post in standin.posts}) == 3
    ids = [row["input"] for row in rows_of(standin)]
    assert (
        sorted(ids, key=lambda text: f"test_it.py::test_it[{json.loads(text)['n']}]")
        == ids
    )
    assert "submitted 25 results to run" in result.summary
    assert "(3 batches)" in result.summary


def test_a_new_run_is_created_first_and_finished_last(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test(TESTS)
    everywhere.run("--evalguard-run=new", standin=standin)
    assert [(each.method, each.status) for each in standin.requests] == [
        ("POST", 201),
        ("POST", 200),
        ("PATCH", 200),
    ]
    created = json.loads(standin.requests[0].body)
    assert created["projectId"] == standin.project_id
    assert created["external"] is True
    (run,) = standin.runs.values()
    assert run.status == "failed"
    assert run.summary == {"score": 0.625, "passRate": 0.5}


def test_a_new_run_of_a_green_session_ends_as_passed(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("""
        def test_it(eval_case):
            eval_case.score = 1
    """)
    suite.run("--evalguard-run=new", standin=standin)
    (run,) = standin.runs.values()
    assert run.status == "passed"


def test_a_new_run_is_ended_even_without_cases(suite: Suite, standin: StandIn) -> None:
    suite.test("def test_that_is_no_case(): pass")
    result = suite.run("--evalguard-run=new", standin=standin)
    (run,) = standin.runs.values()
    assert run.status == "passed"
    assert standin.posts == []
    assert "no eval cases were selected" in result.summary


def test_a_dry_run_does_everything_but_send(suite: Suite, standin: StandIn) -> None:
    suite.test(TESTS)
    run_id = standin.add_run()
    args = (f"--evalguard-run={run_id}", "--evalguard-dry-run")
    result = suite.run(*args, standin=standin)
    assert standin.requests == []
    assert f"dry run: 2 results for run {run_id}" in result.summary
    (frozen,) = result.session.requests
    assert validate_body("addResults", frozen["body"].encode()) == []
    assert "not submitted" not in result.out + result.err
    command = result.summary.partition("send them with: pytest-evalguard ")[2]
    sent = suite.script(*command.split(), standin=standin)
    assert f"submitted 2 results to run {run_id}" in sent.out


def test_a_dry_run_needs_no_key(suite: Suite) -> None:
    suite.test(TESTS)
    result = suite.run("--evalguard-run=x", "--evalguard-dry-run")
    assert result.status == 1
    assert "dry run: 2 results for run x, not sent" in result.summary


def test_the_header_says_where_results_go(suite: Suite, standin: StandIn) -> None:
    suite.test(TESTS)
    run_id = standin.add_run()
    result = suite.run(f"--evalguard-run={run_id}", standin=standin)
    assert f"evalguard: results go to run {run_id} at {standin.url}" in result.out
    assert standin.key not in result.out + result.err


def test_without_a_target_there_is_no_header(suite: Suite) -> None:
    suite.test(TESTS)
    assert "evalguard:" not in suite.run().out


@pytest.mark.parametrize(
    "reply",
    [
        Reply(
            200,
            b'{"success": false, "error": {"message": "over quota"}}',
            "application/json",
        ),
        Reply(200, b"", "application/json"),
        Reply(200, b"null", "application/json"),
        Reply(200, b"<html>login</html>", "text/html"),
    ],
    ids=["refusal", "empty", "null", "page"],
)
def test_a_200_without_the_envelope_is_no_success(
    suite: Suite, standin: StandIn, reply: Reply
) -> None:
    suite.test(TESTS)
    run_id = standin.add_run()
    standin.plan(reply)
    result = suite.run(f"--evalguard-run={run_id}", standin=standin)
    assert f"not submitted: 2 results to run {run_id}: HTTP 200" in result.summary
    assert "pytest-evalguard submit .evalguard/" in result.summary
    if b"html" in reply.raw_body:
        assert "is the base URL right?" in result.summary


def test_a_failed_submission_fails_only_a_strict_session(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("def test_it(eval_case): eval_case.score = 1")
    run_id = standin.add_run()
    standin.plan(Status(401), Status(401))
    lenient = suite.run(f"--evalguard-run={run_id}", standin=standin)
    strict = suite.run(
        f"--evalguard-run={run_id}", "--evalguard-strict", standin=standin
    )
    assert (lenient.status, strict.status) == (0, 1)
    for result in (lenient, strict):
        assert "not submitted: 1 result" in result.summary
        assert "EVALGUARD_API_KEY is not accepted" in result.summary


def test_a_link_is_printed_only_from_the_template(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS)
    suite.ini("evalguard_run_link = https://example.org/r/{run_id}")
    run_id = standin.add_run()
    result = suite.run(f"--evalguard-run={run_id}", standin=standin)
    assert f"https://example.org/r/{run_id}" in result.summary


def test_a_session_without_target_is_submitted_later(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS)
    suite.run()
    run_id = standin.add_run()
    result = suite.script("submit", "--run", run_id, standin=standin)
    assert result.status == 0, result.err
    assert f"submitted 2 results to run {run_id} (1 batch)" in result.out
    assert len(rows_of(standin)) == 2


def test_a_service_that_is_down_keeps_the_session_for_submit(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS)
    run_id = standin.add_run()
    standin.plan(*[Status(503, headers={"Retry-After": "3600"})])
    result = suite.run(f"--evalguard-run={run_id}", standin=standin)
    assert result.status == 1  # of the failing test
    assert "not submitted: 2 results" in result.summary
    command = re.search(r"send them with: pytest-evalguard (.*)", result.summary)
    assert command is not None
    again = suite.script(*command[1].split(), standin=standin)
    assert again.status == 0, again.err
    first, second = standin.posts
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert "nothing to submit" in suite.script("submit", standin=standin).out


def test_what_is_unsent_is_told_on_stderr_without_a_summary(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS)
    run_id = standin.add_run()
    for option in ("-pno:terminal", "-qq", "--no-summary"):
        standin.plan(Status(401))
        result = suite.run(f"--evalguard-run={run_id}", option, standin=standin)
        told = result.err + result.summary
        assert "not submitted: 2 results" in told, option
        assert "pytest-evalguard submit" in told, option


def test_the_body_is_the_same_however_it_was_distributed(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", range(12))
        def test_it(eval_case, n):
            eval_case.record(actual={"b", "a", str(n)}, latency_ms=n, score=n / 12)
    """)
    for args in ((), ("-p", "xdist", "-n2"), ("-p", "xdist", "-n3", "--dist=loadfile")):
        suite.run(f"--evalguard-run={standin.add_run()}", *args, standin=standin)
    assert len({post.body for post in standin.posts}) == 1
