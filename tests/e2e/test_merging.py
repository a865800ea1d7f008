"""The shards of a build become one session, which commands take like any other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pytest_evalguard.reporting.markdown import MARKER
from pytest_evalguard.storage.session import Session
from standin import StandIn
from suite import Result, Suite, rows_of

TESTS = """
    import pytest

    @pytest.mark.parametrize("n", range(3))
    def test_it(eval_case, n):
        eval_case.record(input=f"question {n}", expected="yes", actual="yes")
        assert NAME != "b" or n != 1
"""
SHARDS = ("a", "b")


class Shards:
    """Sessions of the same build, and what is made of them."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.directory = suite.directory
        for index, name in enumerate(SHARDS):
            text = TESTS.replace("NAME", repr(name))
            suite.write(f"test_{name}.py", text)
            env = {
                "GITLAB_CI": "true",
                "CI_COMMIT_SHA": "abc123",
                "CI_JOB_NAME": "evals",
                "CI_NODE_INDEX": str(index + 1),
                "CI_NODE_TOTAL": "2",
            }
            result = suite.run(f"test_{name}.py", env=env)
        self.paths = [each.path for each in result.sessions]

    def copies(self, where: str) -> list[Path]:
        """Return copies of the sessions, to be damaged."""
        found = [self.directory / where / each.name for each in self.paths]
        for path, copy in zip(self.paths, found, strict=True):
            shutil.copytree(path, copy)
        return found

    def merge(self, output: str, *words: str, of: list[Path] | None = None) -> Result:
        paths = map(str, of or self.paths)
        return self.suite.script("merge", *paths, "-o", output, *words)

    def state(self, name: str) -> dict[str, object]:
        text = (self.directory / name / "session.json").read_text()
        return dict(json.loads(text))


@pytest.fixture(scope="module")
def shards(everywhere_once: Suite) -> Shards:
    found = Shards(everywhere_once)
    merged = found.merge("merged", "--expect", "2")
    assert merged.status == 0, merged.err
    return found


def edited(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    file = path / "session.json"
    state = json.loads(file.read_text())
    change(state)
    file.write_text(json.dumps(state))


def test_a_merged_session_has_all_cases_and_says_where_they_are_from(
    shards: Shards,
) -> None:
    state = shards.state("merged")
    assert state["counts"] == {"passed": 5, "failed": 1}
    assert (state["rows"], state["exit_status"], state["status"]) == (6, 1, "finished")
    ids = {
        name: json.loads((path / "session.json").read_text())["id"]
        for name, path in zip(SHARDS, shards.paths, strict=True)
    }
    lines = (shards.directory / "merged/cases.jsonl").read_text().splitlines()
    cases = [json.loads(line) for line in lines]
    assert [(each["nodeid"], each["shard"]) for each in cases] == [
        (f"test_{name}.py::test_it[{n}]", ids[name])
        for name in SHARDS
        for n in range(3)
    ]


def test_a_merged_session_has_the_build_facts_of_all_shards(shards: Shards) -> None:
    state = shards.state("merged")
    shared = {"provider": "GitLab CI", "commit": "abc123", "job": "evals"}
    assert state["ci"] == shared
    found = state["shards"]
    assert isinstance(found, list)
    assert sorted(each["ci"]["shard"] for each in found) == ["1 of 2", "2 of 2"]
    assert [each["cases"] for each in found] == [3, 3]


def test_the_same_shards_give_the_same_bytes_in_any_order_and_place(
    shards: Shards,
) -> None:
    copies = shards.copies("elsewhere")[::-1]
    assert shards.merge("again", of=copies).status == 0
    for name in ("session.json", "cases.jsonl"):
        first, second = (shards.directory / each / name for each in ("one", "again"))
        if not first.exists():
            assert shards.merge("one").status == 0
        assert first.read_bytes() == second.read_bytes()
    assert shards.merge("again").status == 0  # once more changes nothing


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["list", "--out", "."], "merged  finished  6 of 6 cases  local"),
        (["show", "merged"], "merged from 2 sessions"),
        (["html", "merged", "-o", "page.html"], "report page of merged"),
        (["bless", "merged", "-o", "merged.json"], "6 cases of merged"),
        (["compare", "merged", "merged"], "0 regressed"),
        (["markdown", "merged", "-o", "summary.md"], "summary of merged in summary.md"),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_every_command_takes_a_merged_session(
    shards: Shards, command: list[str], told: str
) -> None:
    result = shards.suite.script(*command)
    assert result.status == 0, result.err
    assert told in result.out


def test_a_merged_session_is_sent_as_the_same_batch_as_its_shards(
    shards: Shards, standin: StandIn
) -> None:
    run_id = standin.add_run()
    args = ("submit", "--run", run_id)
    copies = [str(each) for each in shards.copies("sent")]
    shards.suite.script(*args, *copies, standin=standin)
    assert shards.merge("sent/merged").status == 0
    result = shards.suite.script(*args, "sent/merged", standin=standin)
    assert "submitted 6 results" in result.out
    assert len({each.headers["idempotency-key"] for each in standin.posts}) == 1
    assert len({each.body for each in standin.posts}) == 1


@pytest.mark.parametrize(
    ("output", "words", "status", "told"),
    [
        ("x", ["--expect", "3"], 1, "3 sessions expected, got 2 ("),
        ("x", ["--expect", "3"], 1, "(evals, 1 of 2)"),
        ("x", ["--expect", "none"], 2, "--expect must be a whole number"),
        (".", [], 2, "is not empty, and holds no session"),
        ("test_a.py", [], 2, "can't be written"),
    ],
)
def test_what_can_not_be_merged_is_told(
    shards: Shards, output: str, words: list[str], status: int, told: str
) -> None:
    result = shards.merge(output, *words)
    assert result.status == status
    assert told in " ".join(result.err.split())
    assert not (shards.directory / "x").exists()


def test_another_session_is_not_replaced(shards: Shards) -> None:
    result = shards.merge("merged", of=shards.paths[:1])
    assert result.status == 2
    assert "merged holds another session" in result.err


def test_shards_that_overlap_are_refused_with_all_that_is_in_both(
    shards: Shards,
) -> None:
    copies = shards.copies("twice")
    result = shards.merge("x", of=[*shards.paths, copies[1]])
    assert result.status == 1
    for n in range(3):
        assert f"test_b.py::test_it[{n}] is in two sessions" in result.err
    assert "test_a.py" not in result.err
    assert not (shards.directory / "x").exists()


def test_a_session_named_twice_is_told(shards: Shards) -> None:
    result = shards.merge("x", of=[shards.paths[0]] * 2)
    assert result.status == 2
    assert "was named twice" in result.err


def test_a_shard_of_an_older_version_is_merged(shards: Shards) -> None:
    first, second = shards.copies("older")
    needed = ("id", "created", "status", "exit_status", "selected", "schema")

    def age(state: dict[str, object]) -> None:
        for name in [each for each in state if each not in needed]:
            del state[name]

    edited(first, age)
    assert shards.merge("older/merged", of=[first, second]).status == 0
    state = shards.state("older/merged")
    assert state["counts"] == {"passed": 5, "failed": 1}
    assert state["ci"] == {}


@pytest.mark.parametrize(
    ("name", "keep", "told"),
    [
        ("session.json", "", "can't be read"),
        ("session.json", None, "holds no session"),
    ],
)
def test_a_shard_that_can_not_be_read_is_named(
    shards: Shards, name: str, keep: str | None, told: str
) -> None:
    first, second = shards.copies(f"unreadable-{keep is None}")
    if keep is None:
        (second / name).unlink()
    else:
        (second / name).write_text(keep)
    result = shards.merge("x", of=[first, second])
    assert result.status == 2
    assert second.name in result.err
    assert told in result.err


def test_a_shard_that_lacks_cases_is_named_and_does_not_pass(shards: Shards) -> None:
    first, second = shards.copies("cut")
    journal = first / "cases.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    result = shards.merge("cut/merged", of=[first, second])
    assert result.status == 0
    assert f"{first.name}: 1 line of its journal can't be read" in result.err
    assert "1 case that had finished can't be found" in result.err
    state = shards.state("cut/merged")
    assert (state["missing"], state["exit_status"]) == (1, 1)
    assert state["counts"] == {"passed": 4, "failed": 1, "not run": 1}
    judged = shards.suite.script("gate", "cut/merged", "--min-pass-rate", "0")
    assert judged.status == 1
    assert "1 selected case left no result" in judged.err


def test_with_a_shard_that_was_killed_it_is_unfinished(shards: Shards) -> None:
    first, second = shards.copies("killed")
    killed: dict[str, object] = {
        "status": "running",
        "exit_status": None,
        "counts": {},
        "selected": 9,
    }
    edited(second, lambda state: state.update(killed))
    assert shards.merge("killed/merged", of=[first, second]).status == 0
    state = shards.state("killed/merged")
    assert (state["status"], state["exit_status"]) == ("interrupted", 1)
    assert state["counts"] == {"passed": 5, "failed": 1, "not run": 6}
    shown = shards.suite.script("show", "killed/merged").out
    assert "(evals, 2 of 2) was killed: 3 of 9 cases finished" in shown
    judged = shards.suite.script("gate", "killed/merged", "--min-pass-rate", "0")
    assert judged.status == 1
    assert "gate met    pass rate" in judged.out
    assert "the session was interrupted" in judged.err


def test_shards_that_were_sent_already_are_told(suite: Suite, standin: StandIn) -> None:
    suite.test("def test_it(eval_case): eval_case.score = 1")
    run_id = standin.add_run()
    path = suite.run(f"--evalguard-run={run_id}", standin=standin).session.path
    result = suite.script("merge", str(path), "-o", "merged")
    assert f"was submitted to run {run_id}: no result of it is sent" in result.err
    assert suite.script("submit", "--out", ".", standin=standin).status == 0
    assert len(rows_of(standin)) == 1


@pytest.mark.parametrize("is_in_doubt", [False, True])
def test_a_run_gets_no_result_of_a_shard_twice(
    shards: Shards, standin: StandIn, is_in_doubt: bool
) -> None:
    place = f"sent-{is_in_doubt}"
    one, other = shards.copies(place)
    run_id = standin.add_run()
    submit = partial(shards.suite.script, "submit", "--run", standin=standin)
    assert submit(run_id, str(one)).status == 0
    if is_in_doubt:
        (answers,) = one.glob("*.answers.jsonl")
        key = json.loads(answers.read_text().splitlines()[0])["key"]
        answers.write_text(json.dumps({"key": key, "state": "sent"}))
    assert shards.merge(f"{place}/merged", of=[one, other]).status == 0
    for names in ([str(one), str(other)], [f"{place}/merged"]):
        refused = submit(run_id, *names)
        assert refused.status == 2
        assert f"run {run_id} has 3 results of session" in " ".join(refused.err.split())
    assert len(standin.posts) == 1
    assert submit(standin.add_run(), f"{place}/merged").status == 0


def test_what_shards_do_not_have_in_common_is_told(shards: Shards) -> None:
    one, other = shards.copies("differing")
    edited(one, lambda s: s.update(ci={"commit": "older"}))
    edited(one, lambda s: s["versions"].update(pytest="8"))  # type: ignore[attr-defined]
    edited(other, lambda s: s.update(metrics=[{"name": "f1", "value": 0.5}]))
    result = shards.merge("differing/merged", of=[one, other])
    assert result.status == 0
    assert "the shards differ in commit: abc123, older" in result.out
    assert "the shards differ in pytest: 8, " in result.out
    assert "differ in python" not in result.out
    assert "not merged: f1: pytest_evalguard_metrics" in result.err
    assert shards.state("differing/merged")["metrics"] == []
    assert "the shards differ" not in shards.suite.script("show", "merged").out


def test_a_merged_session_that_is_being_sent_is_left_alone(shards: Shards) -> None:
    shards.merge("busy")
    with Session(shards.directory / "busy").locked():
        result = shards.merge("busy")
    assert result.status == 2
    assert "is being submitted: try again later" in " ".join(result.err.split())


# Gates


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--min-pass-rate", "0.8"], 0, "gate met pass rate: 83.3% (5 of 6)"),
        (["--min-pass-rate", "0.9"], 1, "gate FAILED pass rate: 83.3% (5 of 6)"),
        (["--min-score", "0.8", "--min-pass-rate", "1"], 1, "gate met mean score"),
        (["--baseline", "base.json", "--max-regressions", "0"], 0, "regressions: 0 of"),
        (["--baseline", "last", "--max-regressions", "0"], 0, "no earlier session"),
        ([], 2, "no gate was given"),
        (["--baseline", "base.json"], 2, "--min-pass-rate, --min-score"),
        (["--max-regressions", "0"], 2, "needs a baseline"),
        (["--min-pass-rate", "9"], 2, "--min-pass-rate must be a number within 0..1"),
        (["--baseline", "nowhere", "--max-regressions", "0"], 2, "no baseline nowhere"),
    ],
)
def test_a_stored_session_is_held_against_gates(
    shards: Shards, words: list[str], status: int, told: str
) -> None:
    shards.suite.script("bless", "merged", "-o", "base.json")
    result = shards.suite.script("gate", "merged", *words)
    assert result.status == status, result.err
    assert told in " ".join(f"{result.out} {result.err}".split())


def test_the_gates_are_those_of_a_session_and_are_kept(suite: Suite) -> None:
    suite.write("test_it.py", TESTS.replace("NAME", "'b'"))
    args = ("--evalguard-baseline=last", "--evalguard-max-regressions=0")
    suite.run()
    printed = suite.run("--evalguard-min-pass-rate=0.9", *args)
    session = str(printed.session.path)  # the newest by now
    suite.run("-k", "0")
    plain = [each.removeprefix("--evalguard-") for each in args]
    options = [f"--{each}" for each in ("min-pass-rate=0.9", *plain)]
    judged = suite.script("gate", session, *options)
    lines = [each for each in judged.out.splitlines() if each.startswith("gate ")]
    assert len(lines) == 2
    assert set(lines) <= set(printed.summary.splitlines())
    command = ("gate", session, "--min-score=0.9")
    failed = suite.script(*command, env={"GITHUB_ACTIONS": "true"})
    assert failed.status == 1
    assert "::error title=evalguard: gates failed::mean score: 0." in failed.out
    shown = suite.script("show", session).out
    assert "gate FAILED mean score" in shown
    assert "pass rate: 66.7%" not in shown


# Markdown


def test_the_summary_as_markdown_has_the_verdict_first(shards: Shards) -> None:
    shards.suite.script("gate", "merged", "--min-pass-rate", "0.9")
    lines = shards.suite.script("markdown", "merged").out.splitlines()
    assert lines[0] == MARKER
    assert lines[1] == "## evalguard: 6 cases&#58; 5 passed, 1 failed"
    assert lines[3] == "**1 of 1 gate FAILED**"


def test_markdown_of_any_session_fits_into_a_comment(everywhere: Suite) -> None:
    everywhere.test("""
        @pytest.mark.parametrize("n", range(45))
        def test_it(eval_case, n):
            eval_case.record(input="&" * 9_000, actual="<script>" * 9_000)
            for name in range(40):
                eval_case.add_score("s" * 900 + str(name), 0)
            assert False, "</details>" * 1_000
        """)
    args = ("--tb=no", "-q", "--evalguard-markdown=summary.md")
    result = everywhere.run(*args)
    text = (everywhere.directory / "summary.md").read_text()
    assert text.startswith(f"{MARKER}\n## evalguard")
    assert len(text) < 65_536
    assert text.rstrip().endswith("The rest was too long and is left out.")
    assert text.count("<details>") == text.count("</details>")
    assert "<script>" not in text
    assert everywhere.script("markdown").out == text
    assert result.status == 1


def test_a_merged_session_is_said_to_have_the_cases_that_it_has(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            with eval_case.subcase("one"):
                pass
    """)
    suite.run()
    merged = suite.script("merge", str(suite.run().sessions[0].path), "-o", "merged")
    assert "1 case in merged" in merged.out


def test_markdown_says_where_results_went(suite: Suite, standin: StandIn) -> None:
    suite.test("def test_it(eval_case): eval_case.score = 1")
    run_id = standin.add_run()
    path = suite.directory / "new" / "folder" / "summary.md"
    args = (f"--evalguard-run={run_id}", f"--evalguard-markdown={path}")
    assert suite.run(*args, standin=standin).status == 0
    assert "submitted 1 result to run" in path.read_text()


@pytest.mark.parametrize(
    ("text", "path", "status", "told"),
    [
        ("def test_it(eval_case): pass", "test_it.py/where.md", 1, "can't be written"),
        ("syntax error", "summary.md", 2, "was not written: no cases"),
    ],
)
def test_markdown_that_is_not_written_is_told(
    suite: Suite, text: str, path: str, status: int, told: str
) -> None:
    suite.test(text)
    result = suite.run(f"--evalguard-markdown={path}")
    assert result.status == status
    assert told in " ".join(result.summary.split())
