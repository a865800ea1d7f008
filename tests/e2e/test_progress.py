"""Progress: shown on a terminal while sending takes a while, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pytest_evalguard.delivery.sending import Progress
from standin import Slow, StandIn, Status
from suite import Suite

TESTS = """
    @pytest.mark.parametrize("n", range(6))
    def test_it(eval_case, n):
        eval_case.record(input=f"q {n}", actual="a")
    """


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def drawn(clock: Clock, waiting: str = "") -> list[str]:
    lines: list[str] = []
    progress = Progress(lines.append, clock)
    progress.begin(1200)
    clock.now += 0.9
    progress.draw()
    progress.advance(300)
    progress.wait_for(waiting)
    clock.now += 1.1
    progress.draw()
    progress.end()
    return lines


def test_it_says_how_many_how_fast_and_what_is_waited_for() -> None:
    shown, end = drawn(Clock(), "HTTP 503, again")
    assert shown.startswith("evalguard: sent 300 of 1,200 results, 150.0 a second, ")
    assert shown.endswith("waiting: HTTP 503, again")
    assert end == ""


def test_what_is_quick_shows_nothing() -> None:
    lines: list[str] = []
    progress = Progress(lines.append, Clock())
    progress.begin(10)
    progress.advance(10)
    progress.draw()
    progress.end()
    assert lines == []


def test_an_answer_ends_the_wait() -> None:
    assert drawn(Clock())[0] == "evalguard: sent 300 of 1,200 results, 150.0 a second"


def test_a_hostile_reason_can_not_act_on_the_terminal() -> None:
    assert "\x1b" not in drawn(Clock(), "\x1b[2J")[0]


def on_terminal(command: Sequence[str], directory: Path, env: dict[str, str]) -> str:
    """Run a command on a terminal of its own; return what it printed there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=directory, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    printed = b""
    while chunk := _read(ours):
        printed += chunk
    os.close(ours)
    process.wait(timeout=30)
    return printed.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the command has ended
        return b""


def test_a_session_on_a_terminal_shows_how_far_sending_is(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS)
    suite.ini("evalguard_agent_concurrency = 1")
    for n in range(6):
        standin.add_prompt(f"q {n}")
    standin.plan(None, None, Slow(1.6), path_contains="/test-results")
    agent = f"--evalguard-agent={standin.agent_id}"
    env = suite.environment(standin, {})
    printed = on_terminal(suite.command(agent), suite.directory, env)
    assert "\revalguard: sent 2 of 6 results" in printed
    assert "submitted 6 results" in printed


def test_a_submission_on_a_terminal_says_what_it_waits_for(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TESTS)
    suite.run()
    limited = Status(429, headers={"Retry-After": "2"})
    standin.plan(limited)
    command = suite.command()[:2]
    args = ("pytest_evalguard", "submit", "--run", standin.add_run())
    env = suite.environment(standin, {})
    printed = on_terminal([*command, *args], suite.directory, env)
    assert "sent 0 of 6 results, 0.0 a second, waiting: HTTP 429" in printed
    assert printed.rstrip().endswith("(1 batch)")


def test_without_a_terminal_nothing_is_shown(suite: Suite, standin: StandIn) -> None:
    suite.test(TESTS)
    standin.plan(Slow(1.5))
    result = suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    assert "a second" not in result.out
