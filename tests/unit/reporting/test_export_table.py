"""Tables by themselves: cells that are safe, and memory that is bounded."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.model.case import Attempt, Case, ScorerResult
from pytest_evalguard.reporting.export import Table


def exported(case: Case) -> dict[str, str]:
    text = "".join(Table(lambda: [case]).csv_lines())
    (row,) = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    return row


@pytest.mark.parametrize("char", "=+-@\t\r\n\0＝＋－＠")  # noqa: RUF001 # as they are
def test_no_text_begins_a_formula(char: str) -> None:
    row = exported(Case("a", "passed", f"{char}1", metadata={"k": f"{char}1"}))
    for name in ("input", "metadata.k"):
        assert row[name] == f"'{char}1".replace("\0", "\ufffd")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_other_text_comes_back(text: str) -> None:
    row = exported(Case("a", "failed", actual=f"x{text}"))
    assert row["actual"] == f"x{text}".replace("\0", "\ufffd")
    table = Table(lambda: [Case("a", "failed", actual=text)])
    (line,) = table.json_lines()
    assert json.loads(line)["actual"] == text
    assert line.count("\n") == 1


def test_a_trial_without_a_score_has_the_mean_of_its_named_ones() -> None:
    trials = [Attempt("passed", scores={"a": 0.5, "b": 1.0}), Attempt("failed")]
    case = Case("a", "passed", trials=trials, scores={"a": ScorerResult(0.5, True)})
    rows = map(json.loads, Table(lambda: [case], by_trial=True).json_lines())
    assert [(row["score"], row["score.a"]) for row in rows] == [
        (0.75, 0.5),
        (0.0, None),
    ]


def test_no_case_is_held_in_memory() -> None:
    def cases() -> Iterator[Case]:
        for number in range(2_000):
            yield Case(f"t.py::a[{number}]", "passed", "x" * 10_000 + str(number))

    table = Table(cases)
    tracemalloc.start()
    try:
        size = sum(map(len, table.csv_lines()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (table.size, size > 20_000_000, peak < 1_000_000) == (2_000, True, True)
