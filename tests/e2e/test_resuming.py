"""Sessions that go on where an earlier one stopped: nothing that has a verdict runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_evalguard.storage.lock import Lock
from standin import StandIn
from suite import Result, Stored, Suite, rows_of

CONFTEST = """
    import pathlib, pytest
    HERE = pathlib.Path(__file__).parent

    def pytest_evalguard_modify_case(case):
        case.metadata["hooked"] = case.metadata.get("hooked", 0) + 1

    @pytest.fixture(autouse=True)
    def started(request):
        with open(HERE / "started", "a") as file:
            file.write(f"{request.node.name}\\n")
"""
FIRST = """
    BROKEN = True

    @pytest.fixture
    def harness():
        if BROKEN:
            raise RuntimeError("the harness failed")

    def test_passes(eval_case): eval_case.record(actual="first", score=0.5)
    def test_fails(eval_case):
        eval_case.record(actual="first", expected="other")
        assert eval_case.actual == "other"
    @pytest.mark.xfail
    def test_xfails(eval_case): assert not eval_case
    def test_is_ambiguous(eval_case): eval_case.mark_ambiguous("judges disagree")
    @pytest.mark.skip
    def test_skipped(eval_case): pass
    def test_errs(eval_case, harness): pass
    def test_is_gone(eval_case): pass
    @pytest.mark.eval(trials=3, require=1)
    def test_trials(eval_case): eval_case.record(actual="first", cost_usd=0.5)
    @pytest.mark.eval(expected="old", name="kept")
    def test_expected(eval_case): eval_case.record(actual="first")
    @pytest.mark.eval(tags=["b", "a"], threshold=0.1, metadata={"of": "old"})
    def test_same(eval_case): eval_case.record(actual="first", score=1)
    @pytest.mark.parametrize("case", [{"text": "old"}, {"text": "same"}], ids="ab")
    def test_parameters(eval_case, case): eval_case.record(actual="first")
    def test_no_case(): pass
"""
CHANGES = {
    "BROKEN = True": "BROKEN = False",
    'expected="old"': 'expected="new"',
    '{"text": "old"}': '{"text": "new"}',
    'metadata={"of": "old"}': 'metadata={"of": "new"}',
    "test_is_gone": "test_is_new",
    '"first"': '"second"',
}
RUN_AGAIN = {"test_errs", "test_skipped", "test_expected", "test_parameters[a]"}
CARRIED = {
    *("test_passes", "test_fails", "test_xfails", "test_is_ambiguous", "test_trials"),
    *("test_same", "test_parameters[b]"),
}


def changed(text: str) -> str:
    for before, after in CHANGES.items():
        assert before in text
        text = text.replace(before, after)
    return text


def started(suite: Suite) -> list[str]:
    """Return the tests that were started since this was asked before."""
    path = suite.directory / "started"
    names = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return names


class Resumed:
    """A session with errors, and the one that goes on with it."""

    def __init__(self, suite: Suite, standin: StandIn) -> None:
        suite.write("conftest.py", CONFTEST)
        suite.test(FIRST)
        path = suite.directory / "test_it.py"
        os.utime(path, (1, 1))
        ci = {"GITHUB_ACTIONS": "true", "GITHUB_SHA": "a" * 40}
        self.before = suite.run(env=ci)
        self.name = self.before.session.path.name
        started(suite)
        suite.test(changed(FIRST))
        later = time.time() + 2  # when a session began is known to the second
        os.utime(path, (later, later))
        self.result = suite.run(
            f"--evalguard-run={standin.add_run()}",
            "--evalguard-resume=last",
            "--evalguard-html=page.html",
            "--evalguard-min-pass-rate=0.5",
            "--junitxml=junit.xml",
            standin=standin,
            env={
                **ci,
                "GITHUB_SHA": "b" * 40,
                "GITHUB_STEP_SUMMARY": str(suite.directory / "summary.md"),
            },
        )
        self.started = started(suite)
        self.rows = {row["input"]: row for row in rows_of(standin)}
        self.posts = standin.posts
        self.suite = suite

    @property
    def cases(self) -> dict[str, dict[str, object]]:
        return self.result.session.cases


@pytest.fixture(scope="module")
def resumed(everywhere_once: Suite) -> Resumed:
    with StandIn() as standin:
        return Resumed(everywhere_once, standin)


def test_only_what_has_no_verdict_or_is_another_test_runs(resumed: Resumed) -> None:
    expected = {*RUN_AGAIN, "test_is_new", "test_no_case"} - {"test_skipped"}
    assert set(resumed.started) == expected
    assert resumed.result.tally["deselected"] == len(CARRIED)


def test_what_is_carried_over_stands_beside_what_ran(resumed: Resumed) -> None:
    carried = {each for each, case in resumed.cases.items() if case.get("carried")}
    assert carried == CARRIED
    assert {resumed.cases[each]["carried"] for each in carried} == {resumed.name}
    assert resumed.cases["test_same"]["actual"] == "first"
    assert resumed.cases["test_expected"]["actual"] == "second"
    assert resumed.cases.keys() == {*CARRIED, *RUN_AGAIN, "test_is_new"}


def test_the_whole_session_is_counted_judged_and_sent_as_one(resumed: Resumed) -> None:
    state = resumed.result.session.state
    assert state["selected"] == 12
    assert state["counts"] == {
        "passed": 8,
        "failed": 1,
        "xfailed": 1,
        "ambiguous": 1,
        "skipped": 1,
    }
    assert [gate["figure"][:5] for gate in state["gates"]] == ["72.7%"]
    assert len(resumed.rows) == 11
    assert len(resumed.posts) == 1


def test_the_hook_was_called_once_for_each_case(resumed: Resumed) -> None:
    metadata = [case.get("metadata") for case in resumed.cases.values()]
    assert all(each["hooked"] == 1 for each in metadata)  # type: ignore[index]


def test_a_carried_failure_fails_the_session(resumed: Resumed) -> None:
    assert resumed.result.status == 1
    assert "7 cases carried over, 1 of them failed" in resumed.result.summary


@pytest.mark.parametrize(
    "wanted",
    [
        "2 cases run again because their mark or parameters changed:"
        " test_it.py::test_expected, test_it.py::test_parameters[a]",
        "1 case is left out because their tests were not collected:"
        " test_it.py::test_is_gone",
        "since then: commit aaaaaaaaaaaa → bbbbbbbbbbbb, test_it.py has changed",
    ],
)
def test_what_is_not_as_it_was_is_said_everywhere(
    resumed: Resumed, wanted: str
) -> None:
    directory = resumed.suite.directory
    shown = resumed.suite.script("show").out
    page = (directory / "page.html").read_text("utf-8")
    markdown = re.sub(
        r"&#(\d+);",
        lambda found: chr(int(found[1])),
        (directory / "summary.md").read_text("utf-8"),
    )
    for text in (resumed.result.summary, shown, page, markdown):
        assert wanted in text.replace("&gt;", ">")


def test_junit_has_only_what_ran(resumed: Resumed) -> None:
    text = (resumed.suite.directory / "junit.xml").read_text()
    assert "test_passes" not in text
    assert "test_is_new" in text


def test_the_earlier_session_is_listed_as_resumed(resumed: Resumed) -> None:
    first, last = json.loads(resumed.suite.script("list", "--json").out)
    assert first["resumed_by"] == last["name"]
    assert last["resumed"] == first["name"]
    assert f"resumed by {last['name']}" in resumed.suite.script("list").out


# Ways to stop

FIVE = """
    import os, signal
    @pytest.mark.parametrize("n", range(6))
    def test_it(eval_case, n):
        eval_case.record(actual=str(n), cost_usd=0.1)
        if n == 3 and os.environ.get("STOP"):
            STOP
        assert n != 1
"""
SIX = {f"test_it[{n}]" for n in range(6)}


def stopped(suite: Suite, stop: str, *args: str, standin: StandIn) -> Result:
    suite.write("conftest.py", CONFTEST)
    suite.test(FIVE.replace("STOP\n", f"{stop}\n"))
    run = f"--evalguard-run={standin.add_run()}"
    return suite.run(run, *args, standin=standin, env={"STOP": "1"}, check=False)


def check_resumed(suite: Suite, standin: StandIn, *args: str) -> Result:
    """Resume, and check that each case was started by one of the two sessions."""
    found = outcomes(sessions(suite)[-1])
    verdicts = {name for name, outcome in found.items() if outcome in VERDICTS}
    started(suite)
    run = next(iter(standin.runs))
    result = suite.run(
        f"--evalguard-run={run}", "--evalguard-resume=last", *args, standin=standin
    )
    assert set(started(suite)) == SIX - verdicts
    assert result.session.outcomes.keys() == SIX
    assert sorted(row["actualOutput"] for row in rows_of(standin)) == list("012345")
    assert "nothing to submit" in suite.script("submit", standin=standin).out
    return result


VERDICTS = ("passed", "failed", "xfailed", "xpassed", "ambiguous")


def sessions(suite: Suite) -> list[Stored]:
    return Result(0, "", "", suite.directory).sessions


def outcomes(stored: Stored) -> dict[str, str]:
    """Return the outcomes on disk, those in the files of workers included."""
    found: dict[str, str] = {}
    for path in (*stored.path.glob("worker-*.jsonl"), stored.path / "cases.jsonl"):
        for line in path.read_text().splitlines() if path.exists() else ():
            case = json.loads(line)
            found[case["nodeid"].partition("::")[2]] = case["outcome"]
    return found


@pytest.mark.parametrize(
    "stop", ["raise KeyboardInterrupt", "pytest.exit('enough')"], ids=["ctrl-c", "exit"]
)
def test_after_an_interruption_the_rest_runs(
    suite: Suite, standin: StandIn, stop: str
) -> None:
    result = stopped(suite, stop, standin=standin)
    assert result.status == 2
    path = f".evalguard/{result.session.path.name}"
    assert (
        f"continue with: pytest --evalguard-resume={path} "
        in result.summary + result.err
    )
    result = check_resumed(suite, standin)
    assert result.session.state["counts"] == {"passed": 5, "failed": 1}


@pytest.mark.real_process("it is killed")
def test_after_a_kill_the_rest_runs(everywhere: Suite, standin: StandIn) -> None:
    result = stopped(everywhere, "os.killpg(0, signal.SIGKILL)", standin=standin)
    assert result.session.state["status"] == "running"
    shown = everywhere.script("show").out
    assert "the session was killed" in shown
    assert "continue with: pytest --evalguard-resume=.evalguard/" in shown
    check_resumed(everywhere, standin)


def test_the_command_that_is_printed_goes_on(suite: Suite, standin: StandIn) -> None:
    stopped(suite, "raise KeyboardInterrupt", "-k", "not 5", standin=standin)
    first = sessions(suite)[-1].path
    args = ("-k", "not 5", "--evalguard-resume", str(first))
    result = stopped(suite, "raise KeyboardInterrupt", *args, standin=standin)
    (command,) = re.findall(r"continue with: (.*)", result.summary)
    assert command.count("--evalguard-resume") == 1
    assert str(first.name) not in command
    assert "-k 'not 5'" in command


def test_three_in_a_row_are_one_session(everywhere: Suite, standin: StandIn) -> None:
    everywhere.write("conftest.py", CONFTEST)
    everywhere.test(FIVE)
    for n in range(3):
        everywhere.run("-k", " or ".join(map(str, range(2 * n + 2))), *resume(n))
    everywhere.run(f"--evalguard-run={standin.add_run()}", *resume(3), standin=standin)
    names = started(everywhere)
    assert sorted(names) == sorted(SIX)
    assert len(rows_of(standin)) == 6
    listed = json.loads(everywhere.script("list", "--json").out)
    last = listed[-1]["name"]
    assert [each["resumed_by"] for each in listed] == [last, last, last, None]
    cases = sessions(everywhere)[-1].cases
    assert cases["test_it[0]"]["carried"] == listed[0]["name"]
    assert cases["test_it[5]"]["carried"] == listed[2]["name"]


def resume(number: int) -> list[str]:
    return ["--evalguard-resume=last"] if number else []


def test_what_failed_runs_again_where_that_is_asked_for(suite: Suite) -> None:
    suite.write("conftest.py", CONFTEST)
    suite.test(FIVE)
    suite.run()
    started(suite)
    name = sessions(suite)[0].path.name
    result = suite.run(f"--evalguard-resume=.evalguard/{name}:failed")
    assert started(suite) == ["test_it[1]"]
    assert result.session.state["counts"] == {"passed": 5, "failed": 1}


def test_with_nothing_left_to_run_the_session_is_judged_and_sent(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test(FIVE.replace("n != 1", "n != 6"))
    everywhere.run()
    result = everywhere.run(
        *resume(1),
        f"--evalguard-run={standin.add_run()}",
        "--evalguard-min-pass-rate=1",
        standin=standin,
    )
    assert result.status == 0, result.out
    assert result.tally == {"deselected": 6}
    assert "every case has a verdict: no test was left to run" in result.summary
    assert "gate met" in result.summary
    assert len(rows_of(standin)) == 6
    gate = everywhere.run(*resume(1), "--evalguard-min-score=1:2", check=False)
    assert gate.status != 0


def test_a_worker_that_dies_is_run_again(tmp_path: Path, standin: StandIn) -> None:
    suite = Suite(tmp_path, ("-n", "2"))
    result = stopped(suite, "os._exit(1)", standin=standin)
    assert result.session.state["counts"] == {"passed": 4, "failed": 1, "error": 1}
    started(suite)
    result = suite.run(*resume(1))
    assert started(suite) == ["test_it[3]"]
    assert result.session.state["counts"] == {"passed": 5, "failed": 1}


@pytest.mark.real_process("it starts workers of its own")
def test_remote_workers_leave_out_the_same(
    suite: Suite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    suite.test(FIVE)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    args = ("-pxdist", "-d", f"--tx=2*popen//chdir={elsewhere}", "--rsyncdir=.")
    suite.run(*args, "-k", "[0] or [1] or [2]")
    result = suite.run(*args, *resume(1))
    assert result.session.state["resumed"]["carried"] == 3
    assert "3 passed, 3 deselected" in result.out
    assert result.session.state["counts"] == {"passed": 5, "failed": 1}


def test_runs_of_a_test_that_is_there_twice_are_told_apart(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        import os
        def pytest_collection_modifyitems(items):
            items[:] = [*items, *items]
        """,
    )
    suite.test("""
        import os
        runs = []
        def test_it(eval_case):
            runs.append(1)
            if len(runs) == 2 and os.environ.get("STOP"):
                raise KeyboardInterrupt
            eval_case.actual = str(len(runs))
    """)
    suite.run(env={"STOP": "1"})
    result = suite.run(*resume(1))
    assert result.session.outcomes == {"test_it": "passed", "test_it #2": "passed"}
    assert result.tally == {"passed": 1, "deselected": 1}


def test_a_run_that_was_created_is_gone_on_with(suite: Suite, standin: StandIn) -> None:
    suite.write("conftest.py", CONFTEST)
    suite.test(FIVE.replace("STOP\n", "raise KeyboardInterrupt\n"))
    new = "--evalguard-run=new"
    suite.run(new, standin=standin, env={"STOP": "1"})
    suite.run(new, *resume(1), standin=standin)
    (run,) = standin.runs.values()
    assert len(run.rows) == 6
    assert run.status == "failed"


def test_a_run_that_has_results_is_left_alone(suite: Suite, standin: StandIn) -> None:
    suite.test(FIVE)
    new = "--evalguard-run=new"
    suite.run(new, "-k", "0 or 1", standin=standin)
    suite.run(new, *resume(1), standin=standin)
    assert [len(run.rows) for run in standin.runs.values()] == [2, 6]


def test_a_session_that_goes_nowhere_any_more_is_told(
    suite: Suite, standin: StandIn
) -> None:
    stopped(suite, "raise KeyboardInterrupt", standin=standin)
    result = suite.run(*resume(1))
    (command,) = re.findall(r"send it by pytest-evalguard (.*)", result.summary)
    assert suite.script(*command.split(), standin=standin).status == 0
    assert len(rows_of(standin)) == 6


def test_results_that_are_there_already_are_told(
    suite: Suite, standin: StandIn
) -> None:
    suite.test(FIVE)
    run_id = standin.add_run()
    suite.run(f"--evalguard-run={run_id}", "-k", "0 or 1", standin=standin)
    result = suite.run(f"--evalguard-run={run_id}", *resume(1), standin=standin)
    assert f"run {run_id} has 2 results of" in result.summary
    assert len(rows_of(standin)) == 8


def test_a_session_that_was_resumed_is_not_submitted(
    suite: Suite, standin: StandIn
) -> None:
    stopped(suite, "raise KeyboardInterrupt", standin=standin)
    suite.run(*resume(1))
    assert "nothing to submit" in suite.script("submit", standin=standin).out
    first, last = sessions(suite)
    refused = suite.script("submit", str(first.path), standin=standin)
    assert refused.status == 2
    assert f"was resumed by .evalguard/{last.path.name}" in refused.err
    assert standin.posts == []


def test_retention_takes_a_resumed_session_away(suite: Suite, standin: StandIn) -> None:
    stopped(suite, "raise KeyboardInterrupt", standin=standin)
    suite.ini("evalguard_keep = 1")
    first = sessions(suite)[0].path
    suite.run(*resume(1))
    assert not first.exists()
    assert sessions(suite)[0].state["counts"] == {"passed": 5, "failed": 1}


# Wrong use


def remove(suite: Suite) -> None:
    shutil.rmtree(suite.directory / ".evalguard")


def damage(suite: Suite) -> None:
    (sessions(suite)[-1].path / "session.json").write_text("{")


def take_journal(suite: Suite) -> None:
    path = sessions(suite)[-1].path / "cases.jsonl"
    path.unlink()
    path.mkdir()


def rename_tests(suite: Suite) -> None:
    (suite.directory / "test_it.py").rename(suite.directory / "test_other.py")


def break_module(suite: Suite) -> None:
    suite.write("test_broken.py", "import nowhere")


WRONG = {
    "nothing": (remove, "there is nothing to resume: there are no sessions in"),
    "damaged": (damage, "can't be resumed: "),
    "no journal": (take_journal, "can't be read: not a regular file"),
    "another project": (rename_tests, "it has none of the 6 cases that were collected"),
    "not collected": (break_module, "some tests could not be collected"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_can_t_be_resumed_stops_before_the_first_test(
    everywhere: Suite, what: str
) -> None:
    everywhere.write("conftest.py", CONFTEST)
    everywhere.test(FIVE)
    everywhere.run("-k", "0 or 1")
    started(everywhere)
    change, message = WRONG[what]
    change(everywhere)
    before = len(sessions(everywhere)) if what != "nothing" else 0
    result = everywhere.run(*resume(1), check=False)
    assert result.status == 4
    assert message in result.err + result.out
    assert started(everywhere) == []
    if what in ("another project", "not collected"):
        assert len(sessions(everywhere)) == before


def test_a_session_that_is_named_and_can_t_be_read_is_told(suite: Suite) -> None:
    suite.test(FIVE)
    path = suite.run().session.path
    take_journal(suite)
    result = suite.run(f"--evalguard-resume={path}", check=False)
    assert result.status == 4
    assert f"{path.name} can't be resumed: " in result.err
    assert "cases.jsonl can't be read" in result.err


def test_a_running_session_is_not_resumed(suite: Suite) -> None:
    suite.test(FIVE)
    suite.run()
    lock = Lock(sessions(suite)[0].path)
    assert lock.acquire()
    result = suite.run(*resume(1))
    lock.release()
    assert result.status == 4
    assert "it is still running or being submitted" in result.err


def test_a_session_is_resumed_once(suite: Suite) -> None:
    suite.test(FIVE)
    first = suite.run("-k", "0 or 1").session.path
    last = suite.run(*resume(1)).session.path
    result = suite.run(f"--evalguard-resume={first}")
    assert result.status == 4
    assert f"{last.name} has resumed it already" in result.err


@pytest.mark.parametrize("value", ["nowhere", "test_it.py", " "])
def test_what_is_no_session_is_a_usage_error(suite: Suite, value: str) -> None:
    suite.test(FIVE)
    result = suite.run(f"--evalguard-resume={value}")
    assert result.status == 4
    assert "resume" in result.err


# Budget


def test_a_spent_budget_ends_the_session(everywhere: Suite, standin: StandIn) -> None:
    everywhere.write("conftest.py", CONFTEST)
    wait = "time.sleep(float(os.environ.get('WAIT', 0)))"
    text = FIVE.replace("range(6)", "range(20)").replace("assert n != 1", wait)
    everywhere.test(text.replace("signal", "signal, time"))
    run = f"--evalguard-run={standin.add_run()}"
    # as calls take longer than the news of a worker to the others
    env = {"WAIT": "0.3"} if everywhere.is_distributed else {}
    result = everywhere.run(run, "--evalguard-budget=0.3", standin=standin, env=env)
    assert result.status == 1
    count = len(started(everywhere))
    assert 3 <= count <= (6 if everywhere.is_distributed else 3)
    assert result.session.state["counts"] == {"passed": count, "not run": 20 - count}
    assert result.session.state["status"] == "interrupted"
    assert standin.posts == []
    spent = f"${count / 10:.2f} of $0.30 spent"
    assert f"budget: {spent}" in result.summary
    assert "the session was interrupted: its budget is spent" in result.summary
    assert "continue with: pytest --evalguard-resume=.evalguard/" in result.summary
    rest = everywhere.run(run, *resume(1), standin=standin)
    assert rest.status == 0
    assert len(started(everywhere)) == 20 - count
    assert len(rows_of(standin)) == 20


def test_a_budget_ends_a_test_between_its_trials(everywhere: Suite) -> None:
    everywhere.write("conftest.py", CONFTEST)
    everywhere.test("""
        @pytest.mark.eval(trials=5)
        def test_it(eval_case):
            eval_case.cost_usd = 0.1
        def test_after(eval_case): pass
    """)
    result = everywhere.run("--evalguard-budget=0.2", "-p", "no:randomly")
    assert result.status == 1
    assert started(everywhere).count("test_it") == 2
    assert result.session.outcomes.get("test_it", "not run") == "not run"
    assert result.session.state["status"] == "interrupted"
    rest = everywhere.run(*resume(1))
    assert started(everywhere).count("test_it") == 5
    assert rest.session.outcomes == {"test_it": "passed", "test_after": "passed"}


@pytest.mark.parametrize(
    ("cost", "status", "told"),
    [
        (", cost_usd=0.1", 0, "budget: $0.60 of $0.60 spent (100%)"),
        ("", 0, "budget: no test recorded a cost, so that $0.60 stopped nothing"),
    ],
)
def test_a_budget_that_stops_nothing(
    suite: Suite, cost: str, status: int, told: str
) -> None:
    suite.test(FIVE.replace(", cost_usd=0.1", cost).replace("n != 1", "n != 6"))
    result = suite.run("--evalguard-budget=0.6")
    assert result.status == status
    assert told in result.summary


@pytest.mark.parametrize("name", ["api_key", "password", "secret", "token"])
def test_a_parameter_that_changed_is_seen_whatever_its_name_is(
    suite: Suite, name: str
) -> None:
    text = """
        @pytest.mark.parametrize("NAME", ["sup3rs3cretvalueA1"], ids="a")
        def test_it(eval_case, NAME): pass
    """.replace("NAME", name)
    suite.test(text)
    suite.run()
    suite.test(text.replace("A1", "B2"))
    result = suite.run("--evalguard-resume=last")
    assert "mark or parameters changed: test_it.py::test_it[a]" in result.summary


KEY, OTHER_KEY = (f"sk-ant-api03-{each * 40}" for each in ("aB3x", "cD4y"))


@pytest.mark.parametrize(
    "values", [[KEY, OTHER_KEY], [{"api_key": KEY}]], ids=["id", "value"]
)
def test_what_can_not_be_told_apart_without_its_secret_runs_again(
    everywhere: Suite, values: list[Any]
) -> None:
    text = """
        @pytest.mark.parametrize("value", VALUES)
        def test_it(eval_case, value): pass
    """
    everywhere.test(text.replace("VALUES", str(values)))
    everywhere.run()
    changed = str(values[-1:]).replace(KEY, OTHER_KEY)
    everywhere.test(text.replace("VALUES", changed))
    result = everywhere.run("--evalguard-resume=last")
    assert result.tally == {"passed": 1}
    why = "again because what identifies them had a secret, which isn't kept"
    assert f"1 case runs {why}: test_it.py::test_it[" in result.summary


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "much"])
def test_a_budget_is_an_amount(suite: Suite, value: str) -> None:
    result = suite.run(f"--evalguard-budget={value}")
    assert result.status == 4
    assert "must be a number of US dollars above 0" in result.err
