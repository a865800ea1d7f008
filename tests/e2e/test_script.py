"""The console script."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_evalguard
from pytest_evalguard.cli.main import main
from standin import StandIn, Status
from suite import Suite, rows_of

TEST = """
    @pytest.mark.eval
    def test_a():
        pass
    @pytest.mark.eval(expected="Paris")
    def test_b(eval_case):
        eval_case.actual = "Lyon"
        assert eval_case.actual == "Paris"
"""


def test_the_entry_point_and_the_module_are_the_same() -> None:
    script = Path(sys.executable).with_name("pytest-evalguard")
    for command in ([str(script)], [sys.executable, "-m", "pytest_evalguard"]):
        done = subprocess.run([*command, "--version"], capture_output=True, text=True)
        assert done.stdout.strip() == pytest_evalguard.__version__


GROUPS = ("", "prompts")
COMMANDS = (
    *("submit", "list", "show", "compare", "bless", "html"),
    *("markdown", "merge", "gate", "create-run"),
    *("finish-run", "prompts pull", "prompts push"),
)


@pytest.mark.parametrize("command", GROUPS + COMMANDS)
def test_every_command_has_help_with_an_example(suite: Suite, command: str) -> None:
    result = suite.script(*command.split(), "--help")
    assert result.status == 0
    if command not in GROUPS:
        assert f"Example: pytest-evalguard {command}" in result.out
    assert max(len(line) for line in result.out.splitlines()) <= 80


def test_list_says_what_is_where(suite: Suite, standin: StandIn) -> None:
    suite.test(TEST)
    suite.run()
    run_id = standin.add_run()
    suite.run(f"--evalguard-run={run_id}", standin=standin)
    local, sent = suite.script("list").out.splitlines()
    assert local.endswith("finished  2 of 2 cases  local")
    assert sent.endswith(f"run {run_id}: 2 accepted, 0 rejected, 0 unsent")


def test_list_and_show_print_json(suite: Suite) -> None:
    suite.test(TEST)
    suite.run()
    (entry,) = json.loads(suite.script("list", "--json").out)
    assert entry["status"] == "finished"
    assert entry["counts"] == {"passed": 1, "failed": 1}
    shown = json.loads(suite.script("show", "--json").out)
    assert [case["outcome"] for case in shown["cases"]] == ["passed", "failed"]


def test_show_prints_what_the_session_printed(suite: Suite) -> None:
    suite.test(TEST)
    result = suite.run()
    shown = suite.script("show", str(result.session.path.relative_to(suite.directory)))
    assert shown.out.strip() == result.summary.strip()


def test_sessions_are_found_from_a_folder_below(suite: Suite) -> None:
    suite.test(TEST)
    suite.run()
    below = suite.directory / "some/where"
    below.mkdir(parents=True)
    assert "2 of 2 cases" in suite.script("list", cwd=below).out


def test_sessions_are_found_where_the_environment_says(suite: Suite) -> None:
    suite.test(TEST)
    env = {"EVALGUARD_OUT": str(suite.directory / "else where")}
    suite.run(env=env)
    assert "2 of 2 cases" in suite.script("list", env=env).out
    assert "no sessions in" in suite.script("list").out


@pytest.mark.parametrize("command", ["list", "show", "submit"])
def test_there_may_be_no_sessions(suite: Suite, standin: StandIn, command: str) -> None:
    result = suite.script(command, standin=standin)
    assert result.status == (2 if command == "show" else 0)
    assert "sessions in" in result.out + result.err or "nothing" in result.out


def test_create_run_prints_the_id_alone(suite: Suite, standin: StandIn) -> None:
    args = ["--name", "nightly", "--model", "m-1"]  # the environment has the project
    result = suite.script("create-run", *args, standin=standin)
    (run,) = standin.runs.values()
    assert result.out == f"{run.id}\n"
    assert (run.name, run.model) == ("nightly", "m-1")


def test_finish_run_sends_the_figures_of_its_sessions(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TEST)
    run_id = standin.add_run()
    suite.run(f"--evalguard-run={run_id}", standin=standin)
    result = suite.script("finish-run", run_id, standin=standin)
    assert result.out == f"run {run_id} finished: failed\n"
    assert standin.runs[run_id].status == "failed"
    assert standin.runs[run_id].summary == {"score": 0.5, "passRate": 0.5}


def test_finish_run_tells_of_a_run_that_had_ended_in_another_way(
    suite: Suite, standin: StandIn
) -> None:
    run_id = standin.add_run(status="failed")
    suite.test(TEST)
    suite.run()
    suite.script("submit", "--run", run_id, standin=standin)
    result = suite.script("finish-run", run_id, "--status=passed", standin=standin)
    assert (result.status, result.out) == (1, "")
    told = f"run {run_id} had ended before, with status 'failed', and stays so"
    assert told in result.err
    result = suite.script("finish-run", run_id, "--status=failed", standin=standin)
    assert (result.status, result.err) == (0, "")


def test_a_run_that_is_named_again_takes_the_place_of_a_wrong_one(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TEST)
    suite.run()
    right = standin.add_run()
    for name, status in ((right, 0), ("typo", 1), (right, 0)):
        done = suite.script("submit", "--run", name, standin=standin)
        assert done.status == status, done.err
    done = suite.script("submit", standin=standin)
    assert (done.status, "nothing to submit" in done.out) == (0, True)
    assert "typo" not in suite.script("list").out


def test_finish_run_without_a_session_wants_the_status(
    suite: Suite, standin: StandIn
) -> None:
    result = suite.script("finish-run", standin.add_run(), standin=standin)
    assert result.status == 2
    assert "--status passed, failed or error" in result.err


@pytest.mark.parametrize(
    ("args", "status", "told"),
    [
        (["submit", "nowhere"], 2, "nowhere holds no session"),
        (["submit", "--timeout", "soon"], 2, "--timeout must be a number of seconds"),
        (["submit", "--url", "http://a.example"], 2, "plain http"),
        (["submit", "--run", " "], 2, "--run is blank"),
        (["submit", "--run", "new"], 2, "pytest-evalguard create-run creates one"),
        (["show", "nowhere"], 2, "nowhere holds no session"),
        (["create-run", "--project", "p", "--name", " "], 2, "--name is blank"),
        (
            ["create-run", "--project", "p", "--name", "n"],
            1,
            "no run was created: HTTP 404",
        ),
        (["finish-run", "r", "--status", "passed"], 1, "the run r was not finished"),
        (["finish-run", "r", "--status", "good"], 2, "invalid choice: 'good'"),
        (["unknown"], 2, "invalid choice: 'unknown'"),
        ([], 2, "required"),
    ],
)
def test_what_is_wrong_is_told_without_a_traceback(
    suite: Suite, standin: StandIn, args: list[str], status: int, told: str
) -> None:
    suite.test("def test_it(eval_case): pass")
    suite.run()
    result = suite.script(*args, standin=standin)
    assert result.status == status
    assert told in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("args", "variable"),
    [
        (["submit"], "EVALGUARD_API_KEY"),
        (["submit", "--run", "r"], "EVALGUARD_API_KEY"),
        (["submit", "--agent", "a"], "EVALGUARD_AGENT_API_KEY"),
        (["create-run", "--project", "p", "--name", "n"], "EVALGUARD_API_KEY"),
        (["prompts", "pull", "--agent", "a"], "EVALGUARD_AGENT_API_KEY"),
        (["prompts", "push", "--agent", "a"], "EVALGUARD_AGENT_API_KEY"),
    ],
)
def test_a_missing_key_is_a_usage_error(
    suite: Suite, standin: StandIn, args: list[str], variable: str
) -> None:
    suite.test(TEST)
    standin.plan(Status(401))
    suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    result = suite.script(*args)
    assert result.status == 2
    assert f"{variable} is not set" in result.err


def test_a_named_session_without_target_wants_a_run(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TEST)
    path = str(suite.run().session.path)
    result = suite.script("submit", path, standin=standin)
    assert result.status == 2
    assert "--run ID" in result.err


def test_a_refused_submission_is_exit_code_1(suite: Suite, standin: StandIn) -> None:
    suite.test(TEST)
    suite.run()
    standin.plan(Status(400))
    result = suite.script("submit", "--run", standin.add_run(), standin=standin)
    assert result.status == 1
    assert "not submitted: 2 results" in result.out


def test_shards_become_one_ordered_batch(suite: Suite, standin: StandIn) -> None:
    paths = []
    for name in ("b", "a"):
        suite.write(f"test_{name}.py", "def test_it(eval_case): eval_case.score = 1")
        paths.append(str(suite.run(f"test_{name}.py").session.path))
    run_id = standin.add_run()
    result = suite.script("submit", "--run", run_id, *paths, standin=standin)
    assert result.status == 0, result.err
    assert len(standin.posts) == 1
    assert [row["input"] for row in rows_of(standin)] == [
        "test_a.py::test_it",
        "test_b.py::test_it",
    ]


def test_the_key_goes_only_where_its_owner_said(suite: Suite, standin: StandIn) -> None:
    """A session from elsewhere could name any URL; without the proof it is not used."""
    suite.test(TEST)
    standin.plan(Status(401))
    path = suite.run(
        f"--evalguard-run={standin.add_run()}", standin=standin
    ).session.path
    state = path / "session.json"
    with StandIn() as other:
        state.write_text(state.read_text().replace(standin.url, other.url))
        env = {"EVALGUARD_API_KEY": standin.key}
        result = suite.script("submit", env=env)
        assert other.requests == []
    assert result.status == 2
    assert f"--url {other.url}" in result.err


def test_a_session_of_a_newer_version_is_refused_with_its_number(suite: Suite) -> None:
    suite.test(TEST)
    state = suite.run().session.path / "session.json"
    state.write_text(state.read_text().replace('"schema": 1', '"schema": 99'))
    result = suite.script("show")
    assert result.status == 2
    assert "schema version 99" in result.err
    assert "unreadable" in suite.script("list").out


def assert_quiet(suite: Suite, words: str) -> None:
    """Run the script in a shell, and expect no error of it."""
    command = f"set -o pipefail; {sys.executable} -m pytest_evalguard {words}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=suite.directory, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_a_closed_pipe_is_no_error(suite: Suite) -> None:
    suite.test(TEST)
    suite.run()
    assert_quiet(suite, "show --json | head -c 1")


def test_a_closed_output_stops_no_command(suite: Suite) -> None:
    suite.test(TEST)
    suite.run()
    assert_quiet(suite, "list >&-")


def test_a_run_that_was_created_later_elsewhere_is_created_once(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TEST)
    env = {"EVALGUARD_BASE_URL": "http://127.0.0.1:9"}
    suite.run("--evalguard-run=new", standin=standin, env=env)
    assert suite.script("submit", standin=standin).status == 0
    again = suite.script("submit", standin=standin)
    assert "nothing to submit" in again.out
    assert len(standin.runs) == 1


def test_a_run_given_by_mistake_is_replaced(suite: Suite, standin: StandIn) -> None:
    suite.test(TEST)
    suite.run()
    assert suite.script("submit", "--run", "slip", standin=standin).status == 1
    run_id = standin.add_run()
    assert suite.script("submit", "--run", run_id, standin=standin).status == 0
    assert "nothing to submit" in suite.script("submit", standin=standin).out


def test_one_session_that_can_not_be_sent_does_not_stop_the_others(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(TEST)
    old = {"EVALGUARD_API_KEY": "eg_an_older_key"}
    suite.run(
        "--evalguard-run=x",
        "--evalguard-timeout=1",
        standin=standin,
        env={**old, "EVALGUARD_BASE_URL": "http://127.0.0.1:9"},
    )
    standin.plan(Status(401))
    suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    env = {"EVALGUARD_API_KEY": standin.key}
    result = suite.script("submit", env=env)
    assert result.status == 2
    assert "not recorded with this API key" in " ".join(result.err.split())
    assert "submitted 2 results" in result.out


def test_text_that_the_terminal_has_no_letters_for_is_escaped(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            eval_case.actual = "\u00e9t\u00e9"
            assert 0
    """)
    suite.run()
    result = suite.script("show", env={"PYTHONIOENCODING": "ascii"})
    assert result.status == 0
    assert "\\xe9t\\xe9" in result.out


@pytest.mark.real_process("it ends by os._exit")
def test_shards_that_still_run_or_were_killed_are_told_apart(
    suite: Suite, standin: StandIn
) -> None:
    paths = []
    for name in "ab":
        suite.write(
            f"test_{name}.py",
            "import os\n"
            "def test_one(eval_case): eval_case.score = 1\n"
            f"def test_two(eval_case): {'os._exit(1)' if name == 'b' else 'pass'}\n",
        )
        paths.append(str(suite.run(f"test_{name}.py").session.path))
    result = suite.script("submit", "--run", standin.add_run(), *paths, standin=standin)
    assert "submitted 3 results" in result.out, result.err
    sessions = suite.run("test_a.py").sessions
    (state,) = (each.state for each in sessions if each.state["shards"])
    assert state["exit_status"] == 1
    assert state["counts"]["not run"] == 1
    assert state["selected"] == 4


@pytest.mark.parametrize(
    ("command", "module", "told"),
    [
        ("submit", "submit", "interrupted; the same command sends what was not"),
        ("list", "sessions", "interrupted\n"),
    ],
)
def test_an_interrupted_command_says_what_can_be_done(
    command: str,
    module: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(given: str | None) -> Path:
        raise KeyboardInterrupt

    home = f"pytest_evalguard.cli.{module}"
    monkeypatch.setattr(f"{home}.find_out", interrupt)
    assert main([command]) == 1
    assert f"pytest-evalguard: error: {told}" in capsys.readouterr().err
