"""Cases as a table: what `pytest-evalguard export` writes, read back."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from suite import Suite

TESTS = """
@pytest.mark.eval(tags=["b", "a"], threshold=0.1, metadata={"model": "large"})
@pytest.mark.parametrize("n", [1, 2])
def test_it(eval_case, n):
    eval_case.record(input=FORMULAS[n], expected={"a": "ü"}, actual="a,b\\n\\"c\\"",
        cost_usd=0.5, tokens={"prompt": 3}, latency_ms=-0.0, trace_id="abc")
    eval_case.add_score("z", 0.25)
    eval_case.add_score("relevance", 4, scale=(1, 5))
    eval_case.add_metric("drift", -n)
    eval_case.metadata["more"] = {"list": [float("nan"), 1]}

FORMULAS = ["", "=HYPERLINK(1)", "-1+1"]

@pytest.mark.eval(trials=3, require=1)
def test_trials(eval_case, count=[0]):
    count[0] += 1
    eval_case.record(input="@x", actual=f"+{count[0]}", cost_usd=1)
    eval_case.trace_id = f"t{count[0]}"
    if count[0] == 2:
        eval_case.add_score("z", 0.5)
        eval_case.score = 0.75
    if count[0] == 3:
        pytest.skip("no more")
    assert count[0] > 1

@pytest.mark.eval
@pytest.mark.skip
def test_skipped(): pass
"""
FIXED = (
    "nodeid,outcome,passed,score,latency_ms,name,input,expected,actual,reason,"
    "ambiguous,trace_id,prompt_tokens,completion_tokens,cost_usd,threshold,prompt_id,"
    "tags,trials,trials_passed,require,flaky,carried,shard"
)
NAMED = "score.relevance,score.z,metric.drift,param.n,metadata.model,metadata.more"


@pytest.fixture(scope="module")
def exported(everywhere_once: Suite) -> Path:
    everywhere_once.test(TESTS)
    everywhere_once.run()
    for name in ("cases.csv", "cases.jsonl"):
        done = everywhere_once.script("export", "-o", name)
        (session,) = everywhere_once.directory.glob(".evalguard/*/")
        assert done.out == f"4 cases of .evalguard/{session.name} in {name}\n"
        assert done.status == 0
    everywhere_once.script("export", "--trials", "-o", "trials.CSV")
    everywhere_once.script("export", "--trials", "-o", "trials.jsonl")
    return everywhere_once.directory


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_json(path: Path) -> list[dict[str, Any]]:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    lines = path.read_text("utf-8").splitlines()
    return [json.loads(line, parse_constant=refuse) for line in lines]


def test_columns_have_one_order(exported: Path) -> None:
    columns = f"{FIXED},{NAMED}"
    assert (exported / "cases.csv").read_text("utf-8").partition("\n")[0] == columns
    for row in read_json(exported / "cases.jsonl"):
        assert list(row) == columns.split(",")


def test_a_row_of_csv_has_what_was_recorded(exported: Path) -> None:
    rows = read_csv(exported / "cases.csv")
    assert [row["nodeid"].partition("::")[2] for row in rows] == [
        "test_it[1]",
        "test_it[2]",
        "test_skipped",
        "test_trials",
    ]
    filled = {name: value for name, value in rows[0].items() if value}
    assert filled == {
        "nodeid": "test_it.py::test_it[1]",
        "outcome": "passed",
        "passed": "true",
        "score": "0.5",
        "latency_ms": "0.0",
        "input": "'=HYPERLINK(1)",
        "expected": '{"a": "ü"}',
        "actual": 'a,b\n"c"',
        "trace_id": "abc",
        "prompt_tokens": "3",
        "completion_tokens": "0",
        "cost_usd": "0.5",
        "threshold": "0.1",
        "tags": "a, b",
        "flaky": "false",
        "score.relevance": "0.75",
        "score.z": "0.25",
        "metric.drift": "-1.0",
        "param.n": "1",
        "metadata.model": "large",
        "metadata.more": '{"list": ["NaN", 1]}',
    }
    assert rows[1]["input"] == "'-1+1"
    skipped = {name: value for name, value in rows[2].items() if value}
    assert skipped.keys() == {"nodeid", "outcome", "input", "reason", "flaky"}


def test_a_row_of_json_lines_keeps_types_and_texts(exported: Path) -> None:
    first, *_, last = read_json(exported / "cases.jsonl")
    assert (first["input"], first["passed"], first["carried"]) == (
        "=HYPERLINK(1)",
        True,
        None,
    )
    assert (first["metric.drift"], first["param.n"]) == (-1.0, "1")
    assert first["metadata.more"] == {"list": ["NaN", 1]}
    assert (last["trials"], last["trials_passed"], last["cost_usd"]) == (3, 1, 3)


def test_each_trial_has_a_row(exported: Path) -> None:
    first, *_ = rows = read_json(exported / "trials.jsonl")
    assert list(first) == f"nodeid,trial{FIXED.removeprefix('nodeid')},{NAMED}".split(
        ","
    )
    assert (len(rows), first["trial"], first["cost_usd"]) == (6, 1, 0.5)
    names = ("trial", "outcome", "passed", "score", "score.z", "actual", "trace_id")
    assert [tuple(row[name] for name in names) for row in rows[-3:]] == [
        (1, "failed", False, 0.0, None, "+1", "t1"),
        (2, "passed", True, 0.75, 0.5, "+2", "t2"),
        (3, "skipped", None, None, None, "+3", "t3"),
    ]
    assert {(row["cost_usd"], row["input"]) for row in rows[-3:]} == {(None, "@x")}
    cells = [row["actual"] for row in read_csv(exported / "trials.CSV")]
    assert cells[-3:] == ["'+1", "'+2", "'+3"]


@pytest.mark.parametrize("name", ["cases.xlsx", "cases", "csv", "-"])
def test_a_file_of_another_kind_is_refused(
    exported: Path, everywhere_once: Suite, name: str
) -> None:
    done = everywhere_once.script("export", "-o", name)
    assert done.status == 2
    assert f"error: export writes .csv or .jsonl, got '{name}': name a" in done.err
    assert not (exported / name).exists()


def test_what_can_not_be_written_or_read_is_told(
    exported: Path, everywhere_once: Suite
) -> None:
    done = everywhere_once.script("export", "-o", "test_it.py/cases.csv")
    assert (done.status, "test_it.py" in done.err) == (2, True)
    done = everywhere_once.script("export", "nowhere", "-o", "cases.csv")
    assert (done.status, "nowhere" in done.err) == (2, True)
    (journal,) = exported.glob(".evalguard/*/cases.jsonl")
    before = journal.read_bytes()
    journal.write_bytes(before + b'{"nodeid": "torn')
    try:
        done = everywhere_once.script("export", "-o", "again.csv")
    finally:
        journal.write_bytes(before)
    assert done.status == 0
    assert "note: 1 line of the journal could not be read: left out" in done.err
    assert (exported / "again.csv").read_bytes() == (
        (exported / "cases.csv").read_bytes()
    )


def recipes() -> Iterator[tuple[str, str]]:
    page = Path(__file__).parents[2] / "docs/reports.md"
    for block in page.read_text("utf-8").split("```python\n")[1:]:
        head, _, code = block.partition("```")[0].partition("\n")
        if ", with " in head and "read_" in code:
            yield head.rpartition(" ")[2], code


@pytest.mark.parametrize(("library", "code"), [*recipes()])
def test_the_recipes_read_what_is_exported(
    exported: Path, monkeypatch: pytest.MonkeyPatch, library: str, code: str
) -> None:
    pytest.importorskip(library)
    monkeypatch.chdir(exported)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 # as the documentation says it
    assert names["by_model"] == [("large", 2, 1.0, 0.75)]
