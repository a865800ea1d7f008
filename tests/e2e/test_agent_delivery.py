"""Per-prompt results under faults: each arrives once in effect, or is told and kept."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from standin import Drip, Hang, Redirect, Reply, Reset, Slow, StandIn, Status
from suite import Result, Suite

RESULTS = "/test-results"
MANY = """
    @pytest.mark.parametrize("n", range(COUNT))
    def test_it(eval_case, n):
        eval_case.record(input=f"q {n}", actual=f"a {n}")
    """


def prepared(suite: Suite, standin: StandIn, count: int) -> None:
    for n in range(count):
        standin.add_prompt(f"q {n}")
    suite.test(MANY.replace("COUNT", str(count)))


def run(suite: Suite, standin: StandIn, *args: str) -> Result:
    agent = f"--evalguard-agent={standin.agent_id}"
    return suite.run(agent, "-Werror", *args, standin=standin)


def stored(standin: StandIn) -> dict[int, list[str]]:
    return {
        prompt_id: [each["response"] for each in results]
        for prompt_id, results in standin.results.items()
    }


def once_each(count: int) -> dict[int, list[str]]:
    return {n + 1: [f"a {n}"] for n in range(count)}


def readings(standin: StandIn) -> int:
    return sum(
        each.method == "GET" and each.path.endswith(RESULTS)
        for each in standin.requests
    )


PASSING: dict[str, list[Any]] = {
    "reset before": [Reset("before")],
    "reset middle": [Reset("middle")],
    "reset after": [Reset("after")],
    "resets": [Reset("before"), Reset("after")],
    "5xx": [Status(500), Status(502), Status(503)],
    "408": [Status(408)],
    "425": [Status(425)],
    "429": [Status(429, headers={"Retry-After": "1"})],
    "409": [Status(409), Status(409)],
    "slow": [Slow(0.3)],
    "drip": [Drip(0.001)],
    "empty": [Reply(200, b"")],
    "html": [Reply(200, b"<html></html>", "text/html")],
    "error": [Reply(200, b'{"error": "later"}')],
}
FIRST = 10  # prompts of two digits: no path begins with that of another


@pytest.fixture(scope="module")
def got_over(suite_once: Suite) -> Iterator[tuple[Result, StandIn]]:
    """A session of which each result meets another fault."""
    with StandIn() as standin:
        for n in range(1, FIRST):
            standin.add_prompt(f"nobody asks {n}")
        prepared(suite_once, standin, len(PASSING))
        for prompt_id, faults in enumerate(PASSING.values(), FIRST):
            standin.plan(*faults, path_contains=f"{RESULTS}/{prompt_id}")
        yield run(suite_once, standin), standin


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_got_over(
    got_over: tuple[Result, StandIn], fault: str
) -> None:
    number = list(PASSING).index(fault)
    assert stored(got_over[1])[FIRST + number] == [f"a {number}"]


def test_all_results_of_a_session_with_passing_faults_arrive(
    got_over: tuple[Result, StandIn],
) -> None:
    result, standin = got_over
    told = f"submitted {len(PASSING)} results to agent {standin.agent_id}"
    assert told in result.summary
    assert standin.pending_faults == []


@pytest.mark.parametrize(
    ("fault", "told", "posts"),
    [
        (Status(401), "EVALGUARD_AGENT_API_KEY is not accepted", 1),
        (Status(403), "the API key is not allowed to do this", 1),
        (Status(400), "not submitted: 1 result to agent", 4),
        (Status(422), "not submitted: 1 result to agent", 4),
        (Status(404), "there is no such agent or prompt, or no such endpoint", 4),
        (Reply(404, b"<html>", "text/html"), "removed this API from its public", 1),
        (Redirect("https://example.org/x"), "redirects to another host", 1),
        (Status(429, headers={"Retry-After": "3600"}), "prompt 1: HTTP 429", 1),
    ],
)
def test_a_lasting_fault_is_told_and_not_repeated(
    suite: Suite, standin: StandIn, fault: Any, told: str, posts: int
) -> None:
    prepared(suite, standin, 4)
    suite.ini("evalguard_agent_concurrency = 1")
    standin.plan(fault, path_contains=RESULTS)
    result = run(suite, standin)
    assert told in " ".join(result.summary.split())
    assert len(standin.agent_posts) == posts
    assert result.status == 0


def test_what_was_refused_or_accepted_is_never_sent_again(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 3)
    suite.ini("evalguard_agent_concurrency = 1")
    standin.plan(Status(400), None, Status(404), path_contains=RESULTS)
    run(suite, standin)
    posts = len(standin.agent_posts)
    again = suite.script("submit", standin=standin)
    assert len(standin.agent_posts) == posts + 1
    assert stored(standin) == {2: ["a 1"], 3: ["a 2"]}
    assert again.status == 1  # one was refused
    assert "nothing to submit" in suite.script("submit", standin=standin).out


def test_the_first_refusal_of_the_key_stops_the_rest(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 40)
    standin.plan(*[Status(401)] * 40, path_contains=RESULTS)
    result = run(suite, standin)
    assert len(standin.agent_posts) <= 4
    assert "not submitted: 40 results" in result.summary


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_are_under_way_at_once_than_allowed(
    suite: Suite, standin: StandIn, most: int
) -> None:
    prepared(suite, standin, 12)
    suite.ini(f"evalguard_agent_concurrency = {most}")
    lock, under_way, seen = threading.Lock(), 0, []

    class Counted:
        def play(self, exchange: Any) -> None:
            nonlocal under_way
            with lock:
                under_way += 1
                seen.append(under_way)
            exchange.wait(0.05)
            answer = exchange.answer()
            with lock:
                under_way -= 1
            exchange.send(answer)

    standin.plan(*[Counted()] * 12, path_contains=RESULTS)
    run(suite, standin)
    assert max(seen) == most
    assert stored(standin) == once_each(12)


def test_nothing_is_sent_during_a_pause_that_the_service_asked_for(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 12)
    standin.plan(
        *[None] * 4,
        Status(429, headers={"Retry-After": "1"}),
        path_contains=RESULTS,
    )
    run(suite, standin)
    (limited,) = [each for each in standin.agent_posts if each.status == 429]
    after = [each.time - limited.time for each in standin.agent_posts]
    # three others may have been on their way
    assert sum(0 < each < 0.9 for each in after) <= 3
    assert stored(standin) == once_each(12)


def test_after_a_lost_answer_what_arrived_is_read_before_another_post(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 1)
    standin.plan(Reset("after"), path_contains=RESULTS)
    run(suite, standin)
    assert len(standin.agent_posts) == 1
    assert readings(standin) == 1


def test_an_older_result_of_the_same_text_is_not_taken_for_the_new_one(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 1)
    run(suite, standin)
    for result in standin.results[1]:
        result["updated_at"] = result["created_at"] = "2020-01-01T00:00:00Z"
    standin.plan(Reset("before"), path_contains=RESULTS)
    run(suite, standin)
    assert stored(standin) == {1: ["a 0", "a 0"]}


def test_a_result_that_can_not_be_read_back_is_not_sent_again(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 1)
    standin.plan(Reset("after"), path_contains=RESULTS)
    standin.plan(Status(404), method="GET", path_contains=RESULTS)
    result = run(suite, standin)
    assert "not submitted: 1 result" in result.summary
    assert len(standin.agent_posts) == 1
    again = suite.script("submit", standin=standin)
    assert "submitted 1 result" in again.out
    assert stored(standin) == once_each(1)


@pytest.mark.parametrize(
    "fault", [Status(400), Status(422), Reply(200, b"{}"), Reply(200, b"<html>")]
)
def test_a_reading_that_fails_is_no_reply_to_the_result(
    suite: Suite, standin: StandIn, fault: Any
) -> None:
    prepared(suite, standin, 1)
    standin.plan(Reset("before"), path_contains=RESULTS + "/")
    standin.plan(fault, fault, method="GET", path_contains=RESULTS)
    result = run(suite, standin)
    assert "not submitted: 1 result" in result.summary
    assert "results can't be read back" in " ".join(result.summary.split())
    standin.forget_faults()
    assert suite.script("submit", standin=standin).status == 0
    assert stored(standin) == once_each(1)


def test_results_too_many_to_be_read_are_told_as_such(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 1)
    standin.plan(Reset("after"), path_contains=RESULTS + "/")
    large = Reply(200, b"[" + b" " * 50_000_000 + b"]")
    standin.plan(large, method="GET", path_contains=RESULTS)
    result = run(suite, standin)
    told = " ".join(result.summary.split())
    assert "the answer is larger than 50 MB" in told
    assert "base URL" not in told


def test_a_service_that_says_it_is_busy_is_not_asked_what_it_has(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 1)
    busy = Status(503, "busy", {"Retry-After": "0"})
    standin.plan(Status(503), busy, Status(429), path_contains=RESULTS + "/")
    run(suite, standin)
    assert readings(standin) == 0
    assert stored(standin) == once_each(1)


def damage(result: Result, **changes: object) -> None:
    """Change the first frozen request of a session."""
    (path,) = result.session.path.glob("*.requests.jsonl")
    first, *others = path.read_text().splitlines()
    changed = json.dumps({**json.loads(first), **changes})
    path.write_text("\n".join([changed, *others, ""]))


@pytest.mark.parametrize("changes", [{"key": "reset"}, {"results": float("inf")}])
def test_a_damaged_session_does_nothing_and_stops_no_other(
    suite: Suite, standin: StandIn, changes: dict[str, object]
) -> None:
    prepared(suite, standin, 1)
    standin.plan(Status(401), Status(401), path_contains=RESULTS)
    damage(run(suite, standin), **changes)
    run(suite, standin)
    standin.requests.clear()
    result = suite.script("submit", standin=standin)
    assert "is damaged, perhaps edited by hand" in " ".join(result.err.split())
    assert "Traceback" not in result.err
    assert stored(standin) == once_each(1)
    assert standin.resets == []


def test_a_damaged_session_is_kept_and_stops_no_later_run(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 1)
    suite.ini("evalguard_keep = 1")
    damage(run(suite, standin), results=float("inf"))
    for _ in range(3):
        assert suite.run().status == 0
    assert len(suite.run().sessions) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"proof": "', '"proof": "\\ud800'),
        ('"agent_id": "', '"agent_id": "\\ud800'),
        ('"agent_id": "', '"agent_id": "\\n'),
        ('"created": "20', '"created": "00'),
        ('"pass_rate": 1.0', '"pass_rate": 1e999'),
    ],
)
def test_an_odd_state_is_told_without_a_traceback(
    suite: Suite, standin: StandIn, old: str, new: str
) -> None:
    prepared(suite, standin, 1)
    standin.plan(Status(401), path_contains=RESULTS)
    path = run(suite, standin).session.path / "session.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    result = suite.script("submit", standin=standin)
    assert "pytest-evalguard: error:" in result.err
    assert "Traceback" not in result.err
    assert stored(standin) == {}


def test_a_list_that_fails_keeps_no_result_with_a_prompt_from_going(
    suite: Suite, standin: StandIn
) -> None:
    for text in ("marked", "looked for"):
        standin.add_prompt(text)
    suite.test("""
        @pytest.mark.eval(prompt_id=1)
        def test_marked(eval_case): eval_case.actual = "a 0"

        def test_looked_for(eval_case):
            eval_case.record(input="looked for", actual="a 1")
        """)
    standin.plan(Status(404), method="GET", path_contains="/test-prompts")
    result = run(suite, standin)
    assert "submitted 1 result to agent" in result.summary
    assert "not submitted: 1 result to agent" in result.summary
    assert "the agent's prompts can't be read: HTTP 404" in result.summary
    assert "1 unsent" in suite.script("list").out
    assert suite.script("submit", standin=standin).status == 0
    assert stored(standin) == once_each(2)


@pytest.mark.parametrize("is_merged_first", [False, True])
def test_shards_of_which_one_had_delivered_are_merged_without_repeating(
    suite: Suite, standin: StandIn, is_merged_first: bool
) -> None:
    suite.ini("evalguard_agent_concurrency = 1")
    prepared(suite, standin, 5)
    # accepted, arrived without an answer, never sent; the second shard is new
    standin.plan(None, Reset("after"), path_contains=RESULTS + "/")
    standin.plan(*[Status(404)] * 2, method="GET", path_contains=RESULTS)
    standin.plan(Status(403), path_contains=RESULTS + "/")
    run(suite, standin, "-k", "0 or 1 or 2")
    result = suite.run("-k", "3 or 4")
    standin.forget_faults()
    paths = [str(each.path) for each in result.sessions]
    if is_merged_first:
        assert suite.script("merge", *paths, "-o", "merged").status == 0
        paths = ["merged"]
    args = ("submit", *paths, "--agent", standin.agent_id)
    for _ in range(2):
        merged = suite.script(*args, standin=standin)
        assert f"submitted 5 results to agent {standin.agent_id}" in merged.out
    assert stored(standin) == once_each(5)


def test_a_killed_session_is_sent_on_without_repeating(
    everywhere: Suite, standin: StandIn
) -> None:
    prepared(everywhere, standin, 8)
    standin.plan(*[None] * 3, Hang(store=True), path_contains=RESULTS)
    standin.plan(*[Hang()] * 9, path_contains=RESULTS)
    agent = f"--evalguard-agent={standin.agent_id}"
    process = everywhere.start(agent, standin=standin)
    end = time.monotonic() + 30
    while sum(map(len, standin.results.values())) < 4:
        assert time.monotonic() < end
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    everywhere.finish(process)
    standin.forget_faults()
    result = everywhere.script("submit", standin=standin)
    assert result.status == 0, result
    assert stored(standin) == once_each(8)


def test_a_service_that_hangs_holds_a_session_no_longer_than_allowed(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 6)
    standin.plan(*[Hang()] * 20, path_contains=RESULTS)
    started = time.monotonic()
    result = run(suite, standin, "--evalguard-timeout=2")
    assert time.monotonic() - started < 2 + 2 + 6
    assert "not submitted: 6 results" in result.summary
    assert "pytest-evalguard submit" in result.summary


def test_an_agent_without_its_prompts_keeps_the_session(
    suite: Suite, standin: StandIn
) -> None:
    prepared(suite, standin, 3)
    standin.plan(Status(401), method="GET", path_contains="/test-prompts")
    result = run(suite, standin, "--evalguard-strict")
    assert "not submitted: 3 results" in result.summary
    assert "the agent's prompts can't be read: HTTP 401" in result.summary
    assert "--evalguard-strict fails the session: not all" in result.summary
    assert result.status == 1
    assert suite.script("submit", standin=standin).status == 0
    assert stored(standin) == once_each(3)


@pytest.mark.unmeasured("it takes long")
def test_two_hundred_prompts_arrive_once_each_with_faults_in_between(
    everywhere: Suite, standin: StandIn
) -> None:
    prepared(everywhere, standin, 200)
    faults: list[Any] = [
        *(Reset("before"), Reset("after"), Status(503), Reset("middle"), Slow(0.1))
    ]
    for fault in faults * 4:
        standin.plan(*[None] * 7, fault, path_contains=RESULTS)
    result = run(everywhere, standin)
    assert f"submitted 200 results to agent {standin.agent_id}" in result.summary
    assert stored(standin) == once_each(200)
    assert standin.pending_faults == []


def test_a_rerun_is_sent_once_with_its_last_answer(
    everywhere: Suite, standin: StandIn
) -> None:
    standin.add_prompt("q")
    everywhere.test("""
        TRIES = []

        @pytest.mark.flaky(reruns=2)
        def test_it(eval_case):
            TRIES.append(1)
            eval_case.record(input="q", actual=f"try {len(TRIES)}")
            assert len(TRIES) > 1
        """)
    agent = f"--evalguard-agent={standin.agent_id}"
    everywhere.run(agent, standin=standin, plugins=["pytest_rerunfailures"])
    assert stored(standin) == {1: ["try 2"]}
