"""Settings: what is wrong is told before the first test, what is right takes effect."""

from __future__ import annotations

import pytest

from standin import StandIn, Status
from suite import Result, Suite

ONE = "def test_it(eval_case): eval_case.score = 1"
KEY = {"EVALGUARD_API_KEY": "eg_a_key_of_ours"}


WRONG: list[tuple[list[str], dict[str, str], str]] = [
    (["--evalguard-run=x"], {}, "EVALGUARD_API_KEY is not set"),
    (["--evalguard-run=x"], {"EVALGUARD_API_KEY": " "}, "EVALGUARD_API_KEY is not"),
    (
        ["--evalguard-run=x"],
        {"EVALGUARD_API_KEY": "a\nb"},
        "EVALGUARD_API_KEY contains",
    ),
    (["--evalguard-run=x"], {"EVALGUARD_API_KEY": "ké"}, "EVALGUARD_API_KEY contains"),
    (["--evalguard-run="], KEY, "--evalguard-run is blank"),
    (["--evalguard-run= "], KEY, "--evalguard-run is blank"),
    ([], {**KEY, "EVALGUARD_RUN_ID": " "}, "EVALGUARD_RUN_ID is blank"),
    (["--evalguard-run=new"], KEY, "EVALGUARD_PROJECT_ID"),
    (["--evalguard-url=http://a.example"], KEY, "plain http"),
    (["--evalguard-url=http://127.0.0.1.a.example"], KEY, "plain http"),
    (["--evalguard-url=a.example"], KEY, "must look like https://host"),
    (["--evalguard-url=https://"], KEY, "must look like https://host"),
    (["--evalguard-url=https://[::1"], KEY, "can't be read"),
    (["--evalguard-url=https://h:port"], KEY, "can't be read"),
    (["--evalguard-url=https://u:secret@h"], KEY, "must not have a user"),
    ([], {**KEY, "EVALGUARD_BASE_URL": "ftp://h"}, "must look like https://host"),
    (["-o", "evalguard_url=http://h"], {}, "plain http"),
    (["--evalguard-timeout=0"], {}, "--evalguard-timeout must be a number"),
    (["--evalguard-timeout=soon"], {}, "got 'soon'"),
    (["--evalguard-timeout=inf"], {}, "got 'inf'"),
    (["-o", "evalguard_timeout=-1"], {}, "got -1"),
    ([], {"EVALGUARD_STRICT": "maybe"}, "EVALGUARD_STRICT must be 1 or 0"),
    (["-o", "evalguard_strict=maybe"], {}, "evalguard_strict"),
    (["-o", "evalguard_redact=maybe"], {}, "evalguard_redact"),
    (["-o", "evalguard_dialect=other"], {}, "documented or sdk, got 'other'"),
    (["-o", "evalguard_batch_size=1001"], {}, "within 1..1000, got 1001"),
    (["-o", "evalguard_batch_size=0"], {}, "evalguard_batch_size"),
    (["-o", "evalguard_batch_size=ten"], {}, "evalguard_batch_size"),
    (["-o", "evalguard_keep=-1"], {}, "evalguard_keep"),
    (["-o", "evalguard_min_coverage=1.5"], {}, "be a number within 0..1, got 1.5"),
    (["-o", "evalguard_min_coverage=-0.1"], {}, "evalguard_min_coverage must be"),
    (["-o", "evalguard_min_coverage=half"], {}, "evalguard_min_coverage must be"),
    (["-o", "evalguard_min_coverage=nan"], {}, "evalguard_min_coverage must be"),
    (["-o", "evalguard_mark=my mark"], {}, "evalguard_mark"),
    (["-o", "evalguard_run_link=https://h/"], {}, "must contain {run_id}"),
    (["-o", "evalguard_trace_link=https://h/"], {}, "https URL with {trace_id} behind"),
    (
        ["-o", "evalguard_trace_link=http://h/{trace_id}"],
        {},
        "evalguard_trace_link must",
    ),
    (["--evalguard-trials=0"], {}, "within 1..1000"),
    (["--evalguard-trials=-1"], {}, "within 1..1000"),
    (["--evalguard-trials=x"], {}, "within 1..1000"),
    (["--evalguard-trials=1001"], {}, "within 1..1000"),
    (["--evalguard-trials=2.5"], {}, "within 1..1000"),
]


@pytest.fixture(scope="module")
def stopped(suite_once: Suite) -> list[Result]:
    """What pytest did with each wrong setting."""
    suite_once.test(ONE)
    return [suite_once.run(*args, env=env) for args, env, _ in WRONG]


@pytest.mark.parametrize("number", range(len(WRONG)), ids=[w[2] for w in WRONG])
def test_a_wrong_setting_stops_before_the_first_test(
    stopped: list[Result], number: int
) -> None:
    result = stopped[number]
    assert result.status == 4, result.out + result.err
    assert WRONG[number][2] in result.err
    assert "Traceback" not in result.out + result.err
    assert result.sessions == []
    assert "secret" not in result.err


def test_an_unwritable_directory_stops_before_the_first_test(everywhere: Suite) -> None:
    everywhere.test(ONE)
    everywhere.write("taken", "a file")
    result = everywhere.run("--evalguard-out=taken/out")
    assert result.status == 4
    assert "can't be written" in result.err
    assert "--evalguard-out" in result.err


def test_the_command_line_wins_over_environment_and_ini(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(ONE)
    suite.ini("evalguard_url = https://ini.example\nevalguard_out = from_ini")
    run_id = standin.add_run()
    env = {"EVALGUARD_BASE_URL": "https://env.example", "EVALGUARD_RUN_ID": "env"}
    args = [f"--evalguard-url={standin.url}", f"--evalguard-run={run_id}"]
    suite.run(*args, standin=standin, env={**env, "EVALGUARD_OUT": "from_env"})
    assert [post.status for post in standin.posts] == [200]
    assert (suite.directory / "from_env").is_dir()
    assert not (suite.directory / "from_ini").exists()


def test_the_environment_wins_over_the_ini_file(suite: Suite, standin: StandIn) -> None:
    suite.test(ONE)
    suite.ini("evalguard_url = https://ini.example\nevalguard_strict = true")
    env = {"EVALGUARD_RUN_ID": standin.add_run(), "EVALGUARD_STRICT": "0"}
    standin.plan(Status(401))
    assert suite.run(standin=standin, env=env).status == 0
    assert [post.status for post in standin.posts] == [401]


def test_an_empty_variable_leaves_it_to_the_ini_file(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(ONE)
    suite.ini("evalguard_strict = true\nevalguard_out = kept")
    standin.plan(Status(401))
    empty = dict.fromkeys(("EVALGUARD_STRICT", "EVALGUARD_OUT"), "")
    env = {"EVALGUARD_RUN_ID": standin.add_run(), **empty}
    assert suite.run(standin=standin, env=env).status == 1
    assert (suite.directory / "kept").is_dir()


def test_the_ini_file_is_read(suite: Suite, standin: StandIn) -> None:
    suite.test(ONE)
    suite.ini(
        f"evalguard_url = {standin.url}\nevalguard_strict = true\n"
        "evalguard_out = kept/here"
    )
    standin.plan(Status(401))
    env = {"EVALGUARD_API_KEY": standin.key, "EVALGUARD_RUN_ID": standin.add_run()}
    assert suite.run(env=env).status == 1
    assert (suite.directory / "kept/here/.gitignore").read_text() == "*\n"


def test_the_mark_can_have_another_name(everywhere: Suite) -> None:
    everywhere.ini("evalguard_mark = llm")
    everywhere.test("""
        @pytest.mark.llm(expected="x")
        def test_it():
            pass
    """)
    result = everywhere.run("--strict-markers")
    assert result.session.cases["test_it"]["expected"] == "x"


def test_old_sessions_are_removed_but_never_unsent_ones(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(ONE)
    suite.ini("evalguard_keep = 2")
    standin.plan(Status(401))
    result = suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    unsent = result.session.path
    for _ in range(4):
        result = suite.run()
    kept = [stored.path for stored in result.sessions]
    assert len(kept) == 3
    assert kept[0] == unsent


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "not accepted"), (404, "no such run")],
)
def test_a_run_that_can_not_be_fed_stops_before_the_first_test(
    suite: Suite, standin: StandIn, status: int, told: str
) -> None:
    suite.test(ONE)
    standin.plan(Status(status), method="GET", path_contains="/evals/")
    result = suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    assert result.status == 4
    assert told in result.err
    assert result.sessions == []


def test_a_run_that_has_ended_stops_before_the_first_test(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(ONE)
    run_id = standin.add_run(status="passed")
    result = suite.run(f"--evalguard-run={run_id}", standin=standin)
    assert result.status == 4
    assert "has ended with status 'passed'" in result.err


@pytest.mark.parametrize(
    "fault",
    [Status(503), Status(403), Status(404, {"nothing": "here"}), Status(500)],
    ids=["503", "403", "404 of another kind", "500"],
)
def test_any_other_answer_lets_the_tests_run(
    suite: Suite, standin: StandIn, fault: Status
) -> None:
    suite.test(ONE)
    standin.plan(fault, method="GET", path_contains="/evals/")
    result = suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    assert result.status == 0
    assert "submitted 1 result to run" in result.summary


def test_a_wrong_project_stops_a_new_run_before_the_first_test(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(ONE)
    env = {"EVALGUARD_PROJECT_ID": "11111111-1111-1111-1111-111111111111"}
    result = suite.run("--evalguard-run=new", standin=standin, env=env)
    assert result.status == 4
    assert "no run was created: HTTP 404" in result.err


def test_a_new_run_is_created_later_when_the_service_was_away(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(ONE)
    standin.plan(Status(503), method="POST", path_contains="/evals")
    result = suite.run("--evalguard-run=new", standin=standin)
    (run,) = standin.runs.values()
    assert f"submitted 1 result to run {run.id}" in result.summary
    assert run.status == "passed"
    assert result.session.state["targets"][0]["run_id"] == run.id


@pytest.mark.parametrize(
    "option",
    [
        *("--collect-only", "--co", "--setup-only", "--setup-plan"),
        *("--fixtures", "--fixtures-per-test"),
    ],
)
def test_a_session_that_runs_no_tests_records_and_sends_nothing(
    suite: Suite, standin: StandIn, option: str
) -> None:
    suite.test(ONE)
    result = suite.run("--evalguard-run=new", option, standin=standin)
    assert result.status == 0
    assert standin.requests == []
    assert result.sessions == []
    assert result.summary == ""


def test_a_fixture_that_fails_where_no_test_is_run_makes_no_case(
    everywhere: Suite,
) -> None:
    everywhere.test("""
        @pytest.fixture
        def answer(eval_case):
            eval_case.actual = "none"
            raise OSError
        def test_it(answer): pass
    """)
    result = everywhere.run("--setup-only")
    assert result.status == 1
    assert result.sessions == []
    assert result.summary == ""
