"""The hooks for users' conftest.py."""

from __future__ import annotations

import json

import pytest

from standin import StandIn, Status
from suite import Result, Suite, rows_of

TEST = """
    @pytest.mark.eval(tags=["draft"])
    def test_draft(eval_case):
        eval_case.actual = "unfinished"
    def test_it(eval_case):
        eval_case.input = "I am Jane Doe"
        eval_case.actual = "Hello Jane Doe"
        assert eval_case.actual == "Hello"
"""


def test_modify_case_redacts_tags_and_drops(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.write(
        "conftest.py",
        """
        def pytest_evalguard_modify_case(config, case, item):
            assert item.name in case.nodeid
            assert config is item.config
            if "draft" in case.tags:
                return False
            for field in ("input", "actual", "reason"):
                value = getattr(case, field)
                setattr(case, field, value.replace("Jane Doe", "[NAME]"))
            case.metadata["team"] = "search"
            case.tags.append("seen")
        """,
    )
    everywhere.test(TEST)
    result = everywhere.run("--evalguard-run=new", standin=standin)
    (row,) = rows_of(standin)
    assert row["input"] == "I am [NAME]"
    assert row["actualOutput"] == "Hello [NAME]"
    session = result.session
    assert session.cases["test_it"]["metadata"] == {"team": "search"}
    assert session.cases["test_it"]["tags"] == ["seen"]
    assert session.cases["test_draft"] == {
        "nodeid": "test_it.py::test_draft",
        "outcome": "dropped",
    }
    for path in session.path.iterdir():
        assert b"Jane" not in path.read_bytes()
    assert "Jane" not in result.summary


def test_modify_case_is_called_once_a_case(everywhere: Suite) -> None:
    everywhere.write(
        "conftest.py",
        """
        def pytest_evalguard_modify_case(config, case, item):
            with open(config.rootpath / "calls", "a") as file:
                print(case.nodeid, case.outcome, file=file)
        """,
    )
    everywhere.test("""
        @pytest.mark.eval
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            assert n
    """)
    everywhere.run()
    calls = (everywhere.directory / "calls").read_text().splitlines()
    assert sorted(calls) == [
        "test_it.py::test_it[0] failed",
        "test_it.py::test_it[1] passed",
        "test_it.py::test_it[2] passed",
    ]


BAD = {
    "raises": "raise ValueError('no')",
    "fails": "import pytest; pytest.fail('no')",
    "score": "case.score = 7",
    "outcome": "case.outcome = 'great'",
    "scores": "case.scores = 3",
    "latency": "case.latency_ms = '812 ms'",
    "no_latency": "case.latency_ms = float('nan')",
    "cost": "case.cost_usd = '1'",
    "metric": "case.metrics = {'calls': True}",
    "tokens": "case.prompt_tokens = '12'",
}


@pytest.fixture(scope="module")
def withheld(everywhere_once: Suite) -> Result:
    """A run in which a hook fails on each case in another way."""
    everywhere_once.write(
        "conftest.py",
        f"""
        BAD = {BAD}
        def pytest_evalguard_modify_case(config, case, item):
            exec(BAD[item.name.removeprefix("test_")], {{"case": case}})
        """,
    )
    test = "def test_{}(eval_case): eval_case.actual = 'private words'\n"
    everywhere_once.test("".join(map(test.format, BAD)))
    return everywhere_once.run("-v")


@pytest.mark.parametrize("name", BAD)
def test_a_case_on_which_a_hook_fails_is_withheld(withheld: Result, name: str) -> None:
    case = withheld.session.cases[f"test_{name}"]
    assert case["outcome"] == "passed"
    assert case["withheld"] is True
    assert "pytest_evalguard_modify_case" in case["reason"]
    error = case["reason"].partition(": ")[2]
    assert f"\n  {case['nodeid']}: {error[:9]}" in withheld.summary
    assert "actual" not in case


def test_a_hook_that_fails_fails_the_session(withheld: Result) -> None:
    assert withheld.status == 1
    told = f"{len(BAD)} cases withheld because a hook failed:\n  test_it.py"
    assert told in withheld.summary
    journal = (withheld.session.path / "cases.jsonl").read_text()
    assert "private words" not in journal


def test_what_happened_is_not_a_hooks_to_say(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        def pytest_evalguard_modify_case(config, case, item):
            case.nodeid, case.attempts, case.flaky = "other", None, "x"
            case.threshold, case.hallucination_label = "a", 3
        """,
    )
    suite.test("def test_it(eval_case): eval_case.score = 1")
    case = suite.run().session.cases["test_it"]
    assert case["hallucination_label"] == "3"
    assert not {"attempts", "flaky", "threshold"} & case.keys()


def test_what_is_zero_or_empty_is_still_there_when_a_hook_has_seen_it(
    everywhere: Suite,
) -> None:
    everywhere.write(
        "conftest.py",
        "def pytest_evalguard_modify_case(case): case.tags.append('seen')",
    )
    everywhere.test("""
        @pytest.mark.eval(prompt_id=0, threshold=0)
        def test_it(eval_case):
            eval_case.record(actual="", expected="", score=0, cost_usd=0)
            eval_case.add_tokens(prompt=0, completion=0)
        @pytest.mark.eval(trials=2)
        def test_trials(eval_case):
            eval_case.score = 0
    """)
    session = everywhere.run().session
    case = session.cases["test_it"]
    assert (case["actual"], case["expected"]) == ("", "")
    for name in ("prompt_id", "threshold", "score", "cost_usd", "prompt_tokens"):
        assert case[name] == 0, name
    for case in session.cases.values():
        assert case["tags"] == ["seen"]
    assert session.state["score"] == 0


@pytest.mark.parametrize(
    "hook",
    [
        "pytest_evalguard_submitted(config, service, submission)",
        "pytest_evalguard_make_service(config, name)",
    ],
)
def test_a_hook_that_fails_at_the_end_is_told(
    suite: Suite, standin: StandIn, hook: str
) -> None:
    body = "raise ValueError('no')"
    if "make" in hook:
        body = "return type('Mine', (), {'submit': lambda *_: 1 / 0})()"
    suite.write("conftest.py", f"def {hook}:\n    {body}\n")
    suite.test("def test_it(eval_case): eval_case.score = 1")
    result = suite.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    if "make" in hook:
        assert "not submitted: 1 result" in result.summary
        assert "ZeroDivisionError" in result.summary
    else:
        assert "pytest_evalguard_submitted: ValueError('no')" in result.summary
        assert result.status == 1


def test_what_a_hook_leaves_is_normalised(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        r"""
        def pytest_evalguard_modify_case(config, case, item):
            case.actual = {"nan": float("nan")}
            case.metadata = {"when": {1, 2}, 3: "\ud800"}
            case.input = "sk-" + "a" * 30
        """,
    )
    suite.test("def test_it(eval_case): pass")
    case = suite.run().session.cases["test_it"]
    assert case["actual"] == '{"nan": "NaN"}'
    assert case["metadata"] == {"when": [1, 2], "3": "\\ud800"}
    assert case["input"] == "[REDACTED]"


@pytest.mark.parametrize("fault", [None, Status(401)], ids=["accepted", "refused"])
def test_submitted_learns_what_became_of_the_results(
    everywhere: Suite, standin: StandIn, fault: Status | None
) -> None:
    everywhere.write(
        "conftest.py",
        """
        import json
        def pytest_evalguard_submitted(config, service, submission):
            counts = [submission.accepted, submission.rejected, submission.unsent]
            told = [service, counts, bool(submission.error)]
            (config.rootpath / "told").write_text(json.dumps(told))
        """,
    )
    everywhere.test(TEST)
    standin.plan(fault)
    everywhere.run("--evalguard-run=new", standin=standin)
    told = json.loads((everywhere.directory / "told").read_text())
    assert told == ["evalguard", [0, 0, 2] if fault else [2, 0, 0], bool(fault)]


def test_make_service_replaces_the_built_in_one(suite: Suite, standin: StandIn) -> None:
    suite.write(
        "conftest.py",
        """
        from pytest_evalguard import Submission
        class Mine:
            def __init__(self, path):
                self.path = path
            def submit(self, session, deadline):
                assert 0 < deadline.left <= 60
                lines = [f"{case.nodeid} {case.outcome}" for case in session.cases()]
                self.path.write_text("\\n".join(lines))
                return Submission("mine", accepted=len(lines), requests=1)
        def pytest_evalguard_make_service(config, name):
            assert name == "evalguard"
            return Mine(config.rootpath / "mine")
        """,
    )
    suite.test(TEST)
    run_id = standin.add_run()
    result = suite.run(f"--evalguard-run={run_id}", standin=standin)
    assert (suite.directory / "mine").read_text().splitlines() == [
        "test_it.py::test_draft passed",
        "test_it.py::test_it failed",
    ]
    assert standin.requests == []
    assert "submitted 2 results" in result.summary
    assert "nothing to submit" in suite.script("submit", standin=standin).out


@pytest.mark.parametrize("folder", [".", "deep"])
def test_a_misspelt_hook_is_told(everywhere: Suite, folder: str) -> None:
    everywhere.write(
        f"{folder}/conftest.py",
        "def pytest_evalguard_modify_cases(config, case, item): pass\n",
    )
    everywhere.write(f"{folder}/test_it.py", "def test_it(eval_case): pass")
    result = everywhere.run()
    assert result.status == 4
    assert "did you mean 'pytest_evalguard_modify_case'?" in result.err
