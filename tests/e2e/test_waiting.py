"""Waiting: how far sending is, shown on a terminal and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Sequence
from pathlib import Path

from standin import Slow, StandIn, Status
from suite import Suite

TESTS = """
    @pytest.mark.parametrize("n", range(6))
    def test_it(eval_case, n):
        eval_case.record(input=f"q {n}", actual="a")
    """


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
