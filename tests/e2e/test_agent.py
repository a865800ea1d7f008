"""Per-prompt agent results: what is sent to which prompt, and what is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pytest_evalguard.delivery.agent.prompts import text_hash
from standin import Reply, Reset, StandIn, Status
from suite import Result, Suite

RERUNS = "pytest_rerunfailures"


def run(suite: Suite, standin: StandIn, *args: str, plugins: Any = ()) -> Result:
    agent = f"--evalguard-agent={standin.agent_id}"
    return suite.run(agent, *args, standin=standin, plugins=plugins)


def sent(standin: StandIn) -> dict[int, dict[str, Any]]:
    """The bodies that were stored, by prompt; none twice."""
    names = ("status", "response", "expectedAnswer", "hallucinationLabel")
    found = {}
    for prompt_id, results in standin.results.items():
        (result,) = results
        fields = (*names, "hallucinationFindings")
        found[prompt_id] = {name: result[name] for name in fields}
    return found


def statuses(standin: StandIn) -> dict[int, str]:
    return {prompt_id: each["status"] for prompt_id, each in sent(standin).items()}


def prompt_lists(standin: StandIn) -> int:
    return sum(
        each.method == "GET" and each.path.endswith("/test-prompts")
        for each in standin.requests
    )


def test_a_result_has_all_that_was_recorded(
    everywhere: Suite, standin: StandIn
) -> None:
    prompt_id = standin.add_prompt("Capital of France?")
    everywhere.test(f"""
        @pytest.mark.eval(prompt_id={prompt_id}, input="?", expected="Paris")
        def test_it(eval_case):
            eval_case.actual = "Paris, since 987"
            eval_case.hallucination_label = "FactIsPresent"
            eval_case.add_finding({{"claim": "since 987"}})
            eval_case.add_finding("plain words")
        """)
    result = run(everywhere, standin)
    assert sent(standin) == {
        prompt_id: {
            "status": "passed",
            "response": "Paris, since 987",
            "expectedAnswer": "Paris",
            "hallucinationLabel": "FactIsPresent",
            "hallucinationFindings": [
                {"claim": "since 987"},
                {"finding": "plain words"},
            ],
        }
    }
    assert f"submitted 1 result to agent {standin.agent_id}\n" in result.out
    assert result.status == 0


def test_findings_are_a_list_when_there_are_none(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q")
    suite.test("def test_it(eval_case): eval_case.record(input='q', actual='a')")
    run(suite, standin)
    (post,) = standin.agent_posts
    assert json.loads(post.body)["hallucinationFindings"] == []
    assert post.headers["x-api-key"] == standin.agent_key
    assert "authorization" not in post.headers
    assert "idempotency-key" not in post.headers


OUTCOMES = {
    # marks, what the body does, the status at the service
    "passed": ("", "pass", "passed"),
    "failed": ("", "assert False", "failed"),
    "threshold": ("", "eval_case.score = 0.1", "failed"),
    "body_error": ("", "raise OSError", "failed"),
    "ambiguous": ("", "eval_case.mark_ambiguous()", "ambiguous"),
    "ambiguous_failure": ("", "eval_case.mark_ambiguous(); assert False", "failed"),
    "skipped": ("", "pytest.skip('no')", None),
    "xfailed": ("", "pytest.xfail('known')", "failed"),
    "xpass": ("@pytest.mark.xfail", "pass", "passed"),
    "strict_xpass": ("@pytest.mark.xfail(strict=True)", "pass", "failed"),
    "xfail": ("@pytest.mark.xfail", "assert False", "failed"),
    "rerun": ("@pytest.mark.flaky(reruns=2)", "assert again()", "ambiguous"),
    "rerun_in_vain": ("@pytest.mark.flaky(reruns=2)", "assert False", "failed"),
    "bad_end": ("@pytest.mark.usefixtures('bad_end')", "pass", "failed"),
}
TEST = """
{marks}
@pytest.mark.eval(threshold=0.5)
def test_{name}(eval_case):
    eval_case.record(input="{name}", actual="a", score=1)
    {body}
"""


def test_an_outcome_of_all_phases_and_attempts_is_a_status(
    everywhere: Suite, standin: StandIn
) -> None:
    tests = [
        TEST.format(name=name, marks=marks, body=body)
        for name, (marks, body, _) in OUTCOMES.items()
    ]
    ids = {name: standin.add_prompt(name) for name in OUTCOMES}
    head = """
import pytest
RUNS = []

def again():
    RUNS.append(1)
    return len(RUNS) > 1

@pytest.fixture
def bad_end():
    yield
    raise OSError
"""
    everywhere.write("test_it.py", head + "".join(tests))
    run(everywhere, standin, plugins=[RERUNS])
    found = statuses(standin)
    assert {name: found.get(ids[name]) for name in OUTCOMES} == {
        name: status for name, (_, _, status) in OUTCOMES.items()
    }


LEFT_OUT = """
    @pytest.fixture
    def broken():
        raise OSError

    @pytest.mark.eval(prompt_id=1)
    def test_skipped():
        pytest.skip("no")

    @pytest.mark.eval(prompt_id=2)
    def test_silent(eval_case):
        pass

    @pytest.mark.eval(prompt_id=3)
    def test_broken(broken, eval_case):
        pass

    def test_unknown(eval_case):
        eval_case.record(input="nobody asked", actual="a")
    """


def test_what_can_not_be_sent_is_counted_and_named(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test(LEFT_OUT)
    result = run(everywhere, standin, "--evalguard-strict", "--deselect=::test_broken")
    lines = " ".join(result.summary.split())
    there = f"not for agent {standin.agent_id}:"
    assert f"{there} 1 case skipped: test_it.py::test_skipped" in lines
    assert f"{there} 2 cases without a response:" in lines
    assert f"{there} 1 case without a prompt id" in lines
    assert lines.count("test_it.py::test_unknown") == 1
    assert standin.agent_posts == []


def test_what_can_not_be_sent_is_no_error(suite: Suite, standin: StandIn) -> None:
    suite.test(LEFT_OUT.replace("raise OSError", "pass"))
    result = run(suite, standin, "--evalguard-strict")
    assert result.status == 0
    assert "not submitted" not in result.out
    assert "nothing to submit" in suite.script("submit", standin=standin).out


def test_a_worker_that_died_leaves_nothing_to_send(
    suite: Suite, standin: StandIn
) -> None:
    suite.distribution = ("-n", "2")
    suite.test("""
        import os

        @pytest.mark.eval(prompt_id=1)
        def test_it(eval_case):
            eval_case.actual = "half an answer"
            os._exit(1)
        """)
    result = run(suite, standin)
    assert "1 case without a response" in result.summary
    assert standin.agent_posts == []


# Which prompt


def test_a_mark_that_names_the_prompt_asks_nobody(
    everywhere: Suite, standin: StandIn
) -> None:
    prompt_id = standin.add_prompt("another text")
    everywhere.test(f"""
        @pytest.mark.eval(prompt_id={prompt_id})
        def test_it(eval_case):
            eval_case.record(input="q", actual="a")
        """)
    run(everywhere, standin)
    assert statuses(standin) == {prompt_id: "passed"}
    assert len(standin.requests) == 1


def test_the_exact_text_finds_the_prompt_by_one_request(
    suite: Suite, standin: StandIn
) -> None:
    for text in ("q 0", "Q 1", "q 2 ", "q 1"):
        standin.add_prompt(text)
    suite.test("""
        @pytest.mark.parametrize("n", range(3))
        def test_it(eval_case, n):
            eval_case.record(input=f"q {n}", actual="a")
        """)
    result = run(suite, standin)
    assert statuses(standin) == {1: "passed", 4: "passed"}
    assert "test_it[2]" in result.summary
    assert prompt_lists(standin) == 1


def test_of_two_prompts_with_one_text_the_first_is_meant(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q")
    standin.add_prompt("q")
    suite.test("def test_it(eval_case): eval_case.record(input='q', actual='a')")
    run(suite, standin)
    assert statuses(standin) == {1: "passed"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("prompt_id=7", "prompt_id=7"),
        ("prompt_id=1", "input='q'"),
        ("input='q'", "input='q'"),
    ],
)
def test_two_tests_on_one_prompt_stop_the_session(
    suite: Suite, standin: StandIn, one: str, other: str
) -> None:
    standin.add_prompt("q")
    suite.script("prompts", "pull", "--agent", standin.agent_id, standin=standin)
    suite.test(f"""
        @pytest.mark.eval({one})
        def test_one(): pass

        @pytest.mark.eval({other})
        def test_other(): pass
        """)
    result = run(suite, standin)
    assert result.status == 4
    said = result.err + result.out
    assert "test_it.py::test_one and test_it.py::test_other are on the same" in said
    assert "prompt_id= of its own" in said
    assert standin.agent_posts == []


def test_without_an_agent_prompt_ids_may_repeat(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.eval(prompt_id=7)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n): pass
        """)
    assert suite.run().status == 0


def test_two_tests_found_on_one_prompt_at_the_end_are_named_and_not_sent(
    everywhere: Suite, standin: StandIn
) -> None:
    for text in ("q", "r"):
        standin.add_prompt(text)
    everywhere.test("""
        @pytest.mark.parametrize("text", ["q", "r", "q"], ids=["one", "two", "three"])
        def test_it(eval_case, text):
            eval_case.record(input=text, actual="a")
        """)
    result = run(everywhere, standin)
    assert statuses(standin) == {2: "passed"}
    assert "2 cases on a prompt that another case is on" in result.summary
    assert "test_it.py::test_it[one] (prompt 1)" in result.summary
    assert "test_it.py::test_it[three] (prompt 1)" in result.summary


# The lock file

QUESTIONS = """
    @pytest.mark.parametrize("n", range(3))
    def test_it(eval_case, n):
        eval_case.record(input=f"q {n}", expected=f"e {n}", actual="a")
    """


def prompts(suite: Suite, standin: StandIn, action: str) -> Result:
    args = ("prompts", action, "--agent", standin.agent_id)
    return suite.script(*args, standin=standin)


def locked(suite: Suite, standin: StandIn) -> list[dict[str, Any]]:
    path = suite.directory / "evalguard-prompts.lock"
    agents = json.loads(path.read_text())["agents"]
    found: list[dict[str, Any]] = agents[standin.agent_id]
    return found


def test_a_pulled_lock_file_answers_for_the_service(
    suite: Suite, standin: StandIn
) -> None:
    for n in (2, 1, 0):
        standin.add_prompt(f"q {n}")
    suite.test(QUESTIONS)
    suite.run()
    pulled = prompts(suite, standin, "pull")
    assert "3 prompts of agent" in pulled.out
    assert "3 with the tests that answer them" in pulled.out
    assert [(each["id"], each["nodeids"]) for each in locked(suite, standin)] == [
        (1, ["test_it.py::test_it[2]"]),
        (2, ["test_it.py::test_it[1]"]),
        (3, ["test_it.py::test_it[0]"]),
    ]
    standin.requests.clear()
    run(suite, standin)
    assert statuses(standin) == dict.fromkeys((1, 2, 3), "passed")
    assert prompt_lists(standin) == 0


def test_a_test_whose_input_changed_asks_another_question(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q 1")
    suite.test(QUESTIONS)
    suite.run()
    prompts(suite, standin, "pull")
    standin.add_prompt("q 1, please")
    suite.test(QUESTIONS.replace("q {n}", "q {n}, please"))
    run(suite, standin)
    assert statuses(standin) == {2: "passed"}
    assert "2 prompts created" in prompts(suite, standin, "push").out


def lock(suite: Suite, standin: StandIn, *entries: tuple[int, str, str]) -> None:
    """Write a lock file of prompts: id, text and the test that answers it."""
    found = [
        {"id": number, "sha256": text_hash(text), "nodeids": [f"test_it.py::{name}"]}
        for number, text, name in entries
    ]
    data = {"schema": 1, "agents": {standin.agent_id: found}}
    suite.write("evalguard-prompts.lock", json.dumps(data))


def test_a_test_without_an_input_is_known_by_its_node_id(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("asked elsewhere")
    lock(suite, standin, (1, "asked elsewhere", "test_it"))
    suite.test("def test_it(eval_case): eval_case.actual = 'a'")
    run(suite, standin)
    assert statuses(standin) == {1: "passed"}


def test_only_what_is_certain_stops_a_session(suite: Suite, standin: StandIn) -> None:
    """Questions that two tests have swapped, and one that a test may still replace."""
    for text in ("q 0", "q 1"):
        standin.add_prompt(text)
    lock(suite, standin, (1, "q 0", "test_a"), (2, "q 1", "test_b"))
    suite.test("""
        @pytest.mark.eval(input="q 1")
        def test_a(eval_case):
            eval_case.actual = "a"

        @pytest.mark.eval(input="q 1")
        def test_b(eval_case):
            eval_case.record(input="q 0", actual="b")
        """)
    assert run(suite, standin).status == 0
    assert {key: each["response"] for key, each in sent(standin).items()} == {
        1: "b",
        2: "a",
    }


def test_a_session_frozen_again_moves_and_names_no_case_twice(
    suite: Suite, standin: StandIn
) -> None:
    for text in ("q 0", "another"):
        standin.add_prompt(text)
    suite.test(QUESTIONS)
    run(suite, standin)
    lock(suite, standin, (2, "q 0", "x"), (1, "q 1", "x"))
    again = suite.script("submit", "--agent", standin.agent_id, standin=standin)
    assert statuses(standin) == {1: "passed"}
    assert "test_it.py::test_it[1] (prompt 1)" in again.out
    assert "test_it[0]" not in again.out


def test_a_pasted_command_uses_the_lock_file_beside_the_session(
    suite: Suite, standin: StandIn
) -> None:
    suite.write("svc/pytest.ini", "[pytest]\n")
    standin.add_prompt("asked elsewhere")
    lock(suite, standin, (1, "asked elsewhere", "test_it"))
    (suite.directory / "evalguard-prompts.lock").rename(
        suite.directory / "svc/evalguard-prompts.lock"
    )
    suite.write("svc/test_it.py", "def test_it(eval_case): eval_case.actual = 'a'\n")
    (suite.directory / "pytest.ini").unlink()
    run(suite, standin, "--evalguard-dry-run", "svc")
    (session,) = (suite.directory / "svc/.evalguard").glob("2*")
    args = ("submit", "--agent", standin.agent_id, str(session))
    suite.script(*args, standin=standin)
    assert statuses(standin) == {1: "passed"}


def test_pull_writes_the_lock_file_where_the_tests_are(
    suite: Suite, standin: StandIn
) -> None:
    lock(suite, standin)
    (suite.directory / "svc/.evalguard").mkdir(parents=True)
    pull = ("prompts", "pull", "--agent", standin.agent_id)
    result = suite.script(*pull, standin=standin, cwd=suite.directory / "svc")
    assert result.status == 0
    assert (suite.directory / "svc/evalguard-prompts.lock").is_file()


def test_a_lock_file_holds_no_text_and_is_the_same_each_time(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q 1")
    suite.test(QUESTIONS)
    suite.run()
    prompts(suite, standin, "pull")
    path = suite.directory / "evalguard-prompts.lock"
    first = path.read_bytes()
    assert b"q 1" not in first
    suite.run("-k", "0")
    prompts(suite, standin, "pull")
    assert path.read_bytes() == first


def test_the_lock_file_of_another_agent_is_kept_and_not_used(
    suite: Suite, standin: StandIn
) -> None:
    path = suite.directory / "evalguard-prompts.lock"
    others = [{"id": 5, "sha256": "0" * 64, "nodeids": ["test_it.py::test_it[0]"]}]
    path.write_text(json.dumps({"schema": 1, "agents": {"other": others}}))
    standin.add_prompt("q 0")
    suite.test(QUESTIONS)
    run(suite, standin)
    assert statuses(standin) == {1: "passed"}
    prompts(suite, standin, "pull")
    assert json.loads(path.read_text())["agents"]["other"] == others


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<<<<<<< HEAD", "can't be read"),
        ("[]", "can't be read"),
        ('{"schema": 2, "agents": {}}', "schema version 2"),
        ('{"schema": 1, "agents": {"a": [{"id": "x"}]}}', "can't be read"),
    ],
)
def test_a_damaged_lock_file_stops_the_session(
    suite: Suite, standin: StandIn, text: str, told: str
) -> None:
    (suite.directory / "evalguard-prompts.lock").write_text(text)
    suite.test(QUESTIONS)
    result = run(suite, standin)
    assert result.status == 4
    assert told in result.err + result.out
    assert prompts(suite, standin, "pull").status == 2


def test_push_creates_what_is_missing_and_nothing_else(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q 1", "mine")
    suite.test(
        QUESTIONS
        + """
    @pytest.mark.eval(prompt_id=77)
    def test_known(eval_case):
        eval_case.record(input="by id", actual="a")

    def test_no_input(eval_case):
        eval_case.actual = "a"

    def test_skipped(eval_case):
        eval_case.input = "never asked"
        pytest.skip("no")
    """
    )
    suite.run()
    pushed = prompts(suite, standin, "push")
    assert "2 prompts created" in pushed.out
    found = {each["prompt"]: each["expectedAnswer"] for each in standin.prompts}
    assert found == {"q 1": "mine", "q 0": "e 0", "q 2": "e 2"}
    assert "0 prompts created" in prompts(suite, standin, "push").out
    assert len(standin.prompts) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"error": "later"}',
        b'[{"text": "q 0"}]',
        b'[{"id": "x", "prompt": "q 0"}]',
        b'[{"id": 1, "prompt": "q 0"}',
    ],
)
def test_push_creates_nothing_after_a_list_that_it_can_not_read(
    suite: Suite, standin: StandIn, body: bytes
) -> None:
    standin.add_prompt("q 0")
    suite.test(QUESTIONS)
    suite.run()
    standin.plan(Reply(200, body), method="GET", path_contains="/test-prompts")
    failed = prompts(suite, standin, "push")
    assert failed.status == 1
    assert "the agent's prompts can't be read" in failed.err
    assert len(standin.prompts) == 1


def test_push_says_how_many_prompts_came_back(suite: Suite, standin: StandIn) -> None:
    suite.test(QUESTIONS)
    suite.run()
    one = Reply(201, b'[{"id": 1, "prompt": "q 1"}, {"id": 2, "prompt": "other"}]')
    standin.plan(one, path_contains="/test-prompts")
    failed = prompts(suite, standin, "push")
    assert failed.status == 1
    assert "created 1 of the 3 missing prompts" in failed.err


def test_push_creates_no_prompt_of_parameters_or_with_a_hole(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", [0])
        def test_parameters(eval_case, n):
            eval_case.actual = "a"

        def test_secret(eval_case):
            eval_case.record(input="is Bearer abcdefghijklmnop123 valid?", actual="a")
        """)
    suite.run()
    assert "0 prompts created" in prompts(suite, standin, "push").out
    assert standin.prompts == []


def test_push_after_a_lost_answer_creates_no_prompt_twice(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(QUESTIONS)
    suite.run()
    standin.plan(Reset("after"), path_contains="/test-prompts")
    failed = prompts(suite, standin, "push")
    assert failed.status == 1
    assert "may have been created" in failed.err
    assert "0 prompts created" in prompts(suite, standin, "push").out
    assert len(standin.prompts) == 3


def test_a_session_sends_what_was_pushed_since(suite: Suite, standin: StandIn) -> None:
    standin.add_prompt("q 1")
    suite.test(QUESTIONS)
    run(suite, standin)
    prompts(suite, standin, "push")
    again = suite.script("submit", "--agent", standin.agent_id, standin=standin)
    assert f"submitted 3 results to agent {standin.agent_id}" in again.out
    assert set(sent(standin)) == {1, 2, 3}


def test_no_prompt_is_ever_created_by_a_session(suite: Suite, standin: StandIn) -> None:
    suite.test(QUESTIONS)
    run(suite, standin)
    assert standin.prompts == []


# Settings


@pytest.mark.parametrize(
    ("args", "env", "told"),
    [
        (["--evalguard-agent=a"], {"EVALGUARD_AGENT_API_KEY": ""},
         "EVALGUARD_AGENT_API_KEY is not set"),
        (["--evalguard-agent= "], {}, "--evalguard-agent is blank"),
        (["--evalguard-agent=a"], {"EVALGUARD_AGENT_URL": "http://example.org"},
         "plain http"),
        (["--evalguard-agent=a", "-o", "evalguard_agent_concurrency=5"], {},
         "within 1..4"),
        (["--evalguard-agent=a", "-o", "evalguard_agent_concurrency=0"], {},
         "within 1..4"),
    ],
)  # fmt: skip
def test_a_wrong_setting_stops_before_the_first_test(
    suite: Suite, standin: StandIn, args: list[str], env: dict[str, str], told: str
) -> None:
    suite.test("def test_it(eval_case): pass")
    result = suite.run(*args, standin=standin, env=env)
    assert result.status == 4
    assert told in result.err
    assert "test_it.py" not in result.out


def test_the_agent_may_come_from_the_environment(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q 0")
    suite.test(QUESTIONS)
    env = {"EVALGUARD_AGENT_ID": standin.agent_id}
    result = suite.run(standin=standin, env=env)
    there = f"results go to agent {standin.agent_id} at {standin.url}"
    assert there in result.out
    assert statuses(standin) == {1: "passed"}


@pytest.mark.parametrize("form", ["", "/", "/api", "/api/"])
def test_the_base_url_has_two_forms(suite: Suite, standin: StandIn, form: str) -> None:
    standin.add_prompt("q 0")
    suite.test(QUESTIONS)
    run(suite, standin, f"--evalguard-agent-url={standin.url}{form}")
    assert statuses(standin) == {1: "passed"}


def test_a_dry_run_sends_nothing_and_says_what_it_would(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", [pytest.param(n, marks=pytest.mark.eval(
            prompt_id=n)) for n in (1, 2)])
        def test_it(eval_case, n):
            eval_case.actual = "a"

        def test_other(eval_case):
            eval_case.record(input="q", actual="a")
        """)
    result = run(suite, standin, "--evalguard-dry-run")
    assert standin.requests == []
    assert f"dry run: 2 results for agent {standin.agent_id}" in result.summary
    assert "1 case without a prompt id" in result.summary
    assert f"submit --agent {standin.agent_id} .evalguard/" in result.summary


@pytest.mark.parametrize("number", ["2**63", "10**5000"])
def test_a_prompt_id_that_no_prompt_has_stops_before_the_first_test(
    suite: Suite, standin: StandIn, number: str
) -> None:
    suite.test(f"""
        @pytest.mark.eval(prompt_id={number})
        def test_it(eval_case): pass
        """)
    result = run(suite, standin)
    assert result.status == 4
    assert "prompt_id= must be a whole number" in result.err + result.out


def test_a_delivered_session_is_not_said_to_be_where_it_is_not(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q 0")
    suite.test(QUESTIONS)
    run(suite, standin)
    with StandIn() as other:
        args = ("--agent", standin.agent_id, "--agent-url", other.url)
        result = suite.script("submit", *args, standin=standin)
        assert other.requests == []
    assert result.status == 2
    assert f"went to {standin.url} already" in " ".join(result.err.split())


def test_what_a_wrong_service_refused_is_sent_to_the_right_one(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q 0")
    suite.test(QUESTIONS)
    with StandIn() as other:
        other.add_prompt("q 0")
        other.plan(Status(400), path_contains="/test-results")
        run(suite, other, f"--evalguard-agent={standin.agent_id}")
    result = suite.script("submit", "--agent", standin.agent_id, standin=standin)
    assert result.status == 0, result
    assert statuses(standin) == {1: "passed"}
    assert standin.url in (result.session.path / "session.json").read_text()


# Both services


def test_both_services_get_the_session(everywhere: Suite, standin: StandIn) -> None:
    standin.add_prompt("q 0")
    everywhere.test(QUESTIONS)
    result = run(everywhere, standin, f"--evalguard-run={standin.add_run()}")
    assert "submitted 3 results to run" in result.summary
    assert "submitted 1 result to agent" in result.summary
    assert "agent_standin_key" not in str(standin.posts)


DOWN: list[tuple[str, Callable[[StandIn], str], Callable[[StandIn], str]]] = [
    ("/evals/", lambda s: "result to agent", lambda s: "results to run"),
    ("/test-results", lambda s: "results to run", lambda s: "result to agent"),
]


@pytest.mark.parametrize(("path", "up", "down"), DOWN, ids=["run down", "agent down"])
def test_one_service_down_the_other_is_delivered(
    suite: Suite, standin: StandIn, path: str, up: Any, down: Any
) -> None:
    standin.add_prompt("q 0")
    suite.test(QUESTIONS)
    standin.plan(*[Reset("before")] * 30, method=None, path_contains=path)
    run_id = standin.add_run()
    args = (f"--evalguard-run={run_id}", "--evalguard-timeout=4")
    result = run(suite, standin, *args)
    told = [line for line in result.summary.splitlines() if "submitted" in line]
    delivered, left = sorted(told, key=lambda line: line.startswith("not submitted"))
    assert up(standin) in delivered
    assert left.startswith("not submitted")
    assert down(standin) in left
    assert result.status == 0
    standin.forget_faults()
    again = suite.script("submit", standin=standin)
    assert again.status == 0, again
    assert len(standin.runs[run_id].rows) == 3
    assert statuses(standin) == {1: "passed"}


def test_a_session_recorded_for_nobody_is_sent_to_an_agent_later(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q 0")
    suite.test(QUESTIONS)
    suite.run()
    agent, run_id = standin.agent_id, standin.add_run()
    args = ("submit", "--agent", agent, "--run", run_id)
    result = suite.script(*args, standin=standin)
    assert f"submitted 1 result to agent {agent}" in result.out
    assert f"submitted 3 results to run {run_id}" in result.out
    assert statuses(standin) == {1: "passed"}


def test_a_missing_key_of_one_service_does_not_stop_the_other(
    suite: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q 0")
    suite.test(QUESTIONS)
    run_id = standin.add_run()
    standin.plan(Status(503, headers={"Retry-After": "99"}), path_contains="/evals/")
    standin.plan(
        Status(503, headers={"Retry-After": "99"}), path_contains="/test-results"
    )
    run(suite, standin, f"--evalguard-run={run_id}")
    env = {"EVALGUARD_API_KEY": ""}
    result = suite.script("submit", standin=standin, env=env)
    assert result.status == 2
    assert "EVALGUARD_API_KEY is not set" in result.err
    assert "submitted 1 result to agent" in result.out


def test_a_service_of_ones_own_can_take_an_agents_results(
    suite: Suite, standin: StandIn
) -> None:
    suite.write(
        "conftest.py",
        """
        from pytest_evalguard import Submission

        class Mine:
            def submit(self, session, deadline):
                return Submission("mine", accepted=len(session.cases()))

        def pytest_evalguard_make_service(config, name):
            return Mine() if name == "agent" else None

        def pytest_evalguard_submitted(config, service, submission):
            print(f"told {service} {submission.accepted}")
        """,
    )
    suite.test(QUESTIONS)
    result = run(suite, standin, "-s")
    assert "told agent 3" in result.out
    assert standin.requests == []


def test_a_list_shows_where_results_are(suite: Suite, standin: StandIn) -> None:
    standin.add_prompt("q 0")
    suite.test(QUESTIONS)
    run(suite, standin)
    listed = suite.script("list")
    assert f"agent {standin.agent_id}: 1 accepted, 0 rejected, 0 unsent" in listed.out


def test_replies_may_have_any_form(suite: Suite, standin: StandIn) -> None:
    suite.test(QUESTIONS)
    wrapped = b'{"total": 1, "items": [{"id": 9, "prompt": "q 0"}, 3, {"id": "x"}]}'
    standin.plan(Reply(200, wrapped), method="GET", path_contains="/test-prompts")
    odd = Reply(200, b'{"hallucinationFindings": {"a": 1}, "new": []}')
    standin.plan(odd, path_contains="/test-results")
    result = run(suite, standin)
    assert "submitted 1 result to agent" in result.summary
    (post,) = standin.agent_posts
    assert post.path.endswith("/test-results/9")
