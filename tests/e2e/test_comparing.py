"""A session beside its baseline: what is compared, and where that is told."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import pytest

from suite import Result, Suite

TESTS = """
    import os

    NOW = "NOW" in os.environ
    RUNS = []

    @pytest.fixture(autouse=True)
    def model(eval_case):
        eval_case.metadata.update(model="B" if NOW else "A", judge="J", n=len(RUNS))
        eval_case.cost_usd = 0.5 if NOW else 0.25

    @pytest.mark.parametrize("n", range(9))
    def test_steady(eval_case, n):
        eval_case.record(input=f"private {n}", expected="a", actual="a")
        eval_case.add_score("tone", 0.5 if NOW else 0.9)

    def test_falls(eval_case):
        eval_case.record(input="falls", expected="a")
        assert not NOW

    def test_falls_before_it_records(eval_case):
        assert not NOW
        eval_case.record(input="falls early", expected="a")

    def test_asks_otherwise(eval_case):
        eval_case.input = "new" if NOW else "old"
        assert not NOW

    def test_expects_otherwise(eval_case):
        eval_case.record(input="same", expected=str(NOW))
        assert NOW

    @pytest.fixture
    def service():
        assert not NOW

    def test_needs_the_service(eval_case, service):
        eval_case.input = "needs it"

    @pytest.mark.eval(trials=4, require=1)
    def test_shaky(eval_case):
        eval_case.input = "shaky"
        RUNS.append(1)
        assert not NOW or len(RUNS) < 3

    def renamed(eval_case):
        eval_case.record(input="kept", expected="b")

    globals()["test_new_name" if NOW else "test_old_name"] = renamed
    """

FILE = "test_it.py::test_"


class Compared(NamedTuple):
    """What two sessions told, the second compared with the first."""

    suite: Suite
    before: Result
    now: Result
    markdown: str


@pytest.fixture(scope="module")
def compared(everywhere_once: Suite) -> Compared:
    suite = everywhere_once
    suite.test(TESTS)
    before = suite.run(env={"GITHUB_ACTIONS": "true", "GITHUB_SHA": "abcdef0123456789"})
    suite.script("bless", "-o", "b.json")
    args = (
        *("--evalguard-baseline=b.json", "--evalguard-html=page.html"),
        *("--evalguard-max-drop=0.03", "--evalguard-max-drop=tone:0.1"),
        "--evalguard-max-drop=score:0.01",
        "--evalguard-max-regressions=1",
    )
    env = {"NOW": "1", "GITHUB_STEP_SUMMARY": str(suite.directory / "step.md")}
    now = suite.run(*args, env=env)
    markdown = (suite.directory / "step.md").read_text()
    plain = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), markdown)
    return Compared(suite, before, now, plain)


TOLD = [
    "b.json, blessed today, at commit abcdef0123",
    "model A → B",
    "2 regressed, 0 fixed, 0 still failing, 0 new, 0 gone",
    "1 weaker, 0 stronger: fewer or more of their trials passed",
    "2 input changed: another question or expected answer, not compared",
    "1 error, then or now: not compared",
    "1 renamed: the same question under another name",
    # 9 steady ones, the renamed one, two falls, and one that lost half of its trials
    "pass rate: -19.2 points, 95% interval",
    "(p = 0.25, 13 cases in both)",
    "tone: -0.400, 95% interval",
    "more than noise (p = 0.00391, 9 cases in both)",
    "cost $4.0000 → $8.0000",
]
NAMED = {
    "regressed": ["falls", "falls_before_it_records"],
    "weaker": ["shaky"],
    "errors": ["needs_the_service"],
    "input changed": ["asks_otherwise", "expects_otherwise"],
    "renamed": ["old_name → test_it.py::test_new_name"],
}


@pytest.mark.parametrize("line", TOLD)
def test_the_summary_and_the_jobs_page_tell_what_changed(
    compared: Compared, line: str
) -> None:
    assert line in " ".join(compared.now.summary.split())
    assert line in " ".join(compared.markdown.split())


@pytest.mark.parametrize("kind", NAMED)
def test_the_cases_of_each_kind_are_named(compared: Compared, kind: str) -> None:
    names = [f"{FILE}{each}" for each in NAMED[kind]]
    told = " ".join(compared.now.summary.split())
    assert f"{kind}: {' '.join(names)}" in told
    assert f"<summary>{kind}: {len(names)}</summary>" in compared.markdown
    assert all(f"- {each}" in compared.markdown for each in names)


def test_gates_on_drops_say_how_far_they_can_be_trusted(compared: Compared) -> None:
    told = " ".join(compared.now.summary.split())
    assert "gate met drop in pass rate: 19.2 points, 95% interval" in told
    assert "no more than noise; with these 13 cases a drop shows from about" in told
    assert "gate FAILED drop in tone: 0.400, 95% interval" in told
    assert "more than noise; with these 9 cases" in told
    assert "gate FAILED regressions: 2 of 13 cases compared of the" in told
    assert compared.now.status == 1


def test_the_page_marks_each_case(compared: Compared) -> None:
    page = (compared.suite.directory / "page.html").read_text()
    facts = re.search(r'id="facts">\n(.*?)\n', page)
    assert facts is not None
    changes = json.loads(facts[1])["changes"]
    for kind, names in NAMED.items():
        for name in names:
            new = name.rpartition("test_")[2]
            assert changes[f"{FILE}{new}"] == kind
    assert "model A → B" in page


def compare(compared: Compared, before: str) -> dict[str, Any]:
    args = ("compare", before, str(compared.now.session.path), "--json")
    data: dict[str, Any] = json.loads(compared.suite.script(*args).out)
    return data


def test_a_file_and_its_session_are_compared_alike(compared: Compared) -> None:
    stored = json.loads((compared.now.session.path / "comparison.json").read_text())
    from_file = compare(compared, "b.json")
    verdict = from_file.pop("verdict")
    assert from_file == stored
    assert "model A → B" in verdict
    session = compare(compared, str(compared.before.sessions[0].path))
    apart = ("baseline", "is_blessed", "verdict")
    assert {**session, **dict.fromkeys(apart)} == {**stored, **dict.fromkeys(apart)}
    assert session["input_changed"] == [f"{FILE}{n}" for n in NAMED["input changed"]]
    assert session["renamed"] == {f"{FILE}new_name": f"{FILE}old_name"}
    assert session["metadata"] == {"model": ["A", "B"]}


def test_a_blessed_file_has_figures_and_digests_and_no_text(compared: Compared) -> None:
    text = (compared.suite.directory / "b.json").read_text()
    data = json.loads(text)
    assert data["schema"] == 2
    assert data["commit"] == "abcdef0123456789"
    assert data["metadata"] == {"judge": "J", "model": "A"}
    assert "private" not in text
    shaky = data["cases"][f"{FILE}shaky"]
    assert shaky.pop("latency_ms") > 0
    assert shaky == {
        "cost_usd": 1.0,
        "input": "c03a4adef840",
        "outcome": "passed",
        "score": 1.0,
        "trials": [4, 4],
    }


def test_a_file_of_an_older_version_is_read_and_said_to_be_that(suite: Suite) -> None:
    case = '{"outcome": "passed", "score": 1}'
    suite.write(
        "old.json", f'{{"schema": 1, "cases": {{"test_it.py::test_it": {case}}}}}'
    )
    suite.test("def test_it(eval_case): eval_case.input = 'new'; assert 0")
    args = ("--evalguard-baseline=old.json", "--evalguard-max-drop=0")
    told = " ".join(suite.run(*args).summary.split())
    assert "baseline old.json 1 regressed" in told
    assert "old.json was written by an older version, which kept no digests" in told
    assert "gate met drop in pass rate: 1 case in both, a drop shows from 6" in told


def test_a_gate_on_drops_needs_a_baseline_to_judge(suite: Suite) -> None:
    suite.test("def test_it(eval_case): pass")
    suite.ini("evalguard_max_drop = 0.03\nevalguard_baseline = last")
    first = suite.run()
    assert first.status == 0
    assert "there is no earlier session to compare with yet" in first.summary
    assert "gate" not in first.summary
    assert "gate met" in suite.run().summary
