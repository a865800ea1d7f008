"""Means are exact, and figures from disk are refused where they can't be figures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import TypeAdapter, ValidationError

from pytest_evalguard.analysis.baseline import read_baseline
from pytest_evalguard.analysis.comparison import read_comparison
from pytest_evalguard.analysis.statistics import Mean
from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.errors import EvalguardError
from pytest_evalguard.model.case import Case, ScorerResult
from pytest_evalguard.model.figures import Bound, Share
from pytest_evalguard.storage.journal import StoredCases
from pytest_evalguard.storage.session import Session

NO_SHARES = ["NaN", "Infinity", "1e999", "1e308", "-0.1", "1.1"]
COMPARISON = {"baseline": "b", "before": 1, "after": 1, "paired": 1}


def mean_of(values: list[float]) -> float | None:
    mean = Mean()
    for value in values:
        mean.add(value)
    return mean.value


@given(st.lists(st.floats(0, 1), min_size=1), st.randoms())
def test_a_mean_is_exact_in_any_order(values: list[float], dice: Any) -> None:
    mean = mean_of(values)
    dice.shuffle(values)
    assert mean == mean_of(values) == math.fsum(values) / len(values)


def test_the_mean_of_equal_scores_is_that_score() -> None:
    scores = {f"s{n}": ScorerResult(0.8, True) for n in range(10)}
    assert mean_of([0.8] * 10) == 0.8
    assert Case("t.py::a", "passed", scores=scores).overall_score == 0.8


def test_a_figure_is_taken_up_to_its_bounds() -> None:
    figures = TypeAdapter(Share)
    for figure in (0, 0.1, 0.9, 1):
        assert figures.validate_python(figure) == figure
    for wrong in (-0.1, 1.1, math.nan, math.inf):
        with pytest.raises(ValidationError):
            figures.validate_python(wrong)


@pytest.mark.parametrize("figure", NO_SHARES)
@pytest.mark.parametrize(
    "fields",
    [
        {"score": "?"},
        {"scores": {"tone": {"score": "?", "passed": True}}},
        {"trials": [{"outcome": "passed", "score": "?"}]},
        {"trials": [{"outcome": "passed", "scores": {"tone": "?"}}]},
    ],
    ids=["score", "scorer", "trial", "trial's scorer"],
)
def test_a_case_whose_score_is_none_is_a_damaged_line(
    tmp_path: Path, fields: dict[str, Any], figure: str
) -> None:
    line = json.dumps({"nodeid": "t.py::a", "outcome": "passed", **fields})
    (tmp_path / "cases.jsonl").write_text(line.replace('"?"', figure) + "\n")
    stored = StoredCases(tmp_path)
    assert (len(stored), stored.damaged) == (0, 1)


@pytest.mark.parametrize("figure", NO_SHARES)
@pytest.mark.parametrize("field", ["pass_rate", "score"])
def test_a_state_with_a_figure_that_is_none_is_refused(
    tmp_path: Path, field: str, figure: str
) -> None:
    text = json.dumps({"schema": 1, "id": "a", "created": "2026-01-02", field: "?"})
    (tmp_path / "session.json").write_text(text.replace('"?"', figure))
    with pytest.raises(EvalguardError, match="can't be read"):
        _ = Session(tmp_path).state


@pytest.mark.parametrize("figure", NO_SHARES)
@pytest.mark.parametrize("case", [{"score": "?"}, {"score": 1, "scores": {"a": "?"}}])
def test_a_baseline_with_a_score_that_is_none_is_refused(
    tmp_path: Path, case: dict[str, Any], figure: str
) -> None:
    cases = {"t.py::a": {"outcome": "passed", **case}}
    text = json.dumps({"schema": 1, "cases": cases})
    path = tmp_path / "baseline.json"
    path.write_text(text.replace('"?"', figure))
    with pytest.raises(EvalguardError, match="can't be read"):
        read_baseline(path)


@pytest.mark.parametrize("figure", ["NaN", "1e999"])
@pytest.mark.parametrize(
    "fields",
    [{"usage": {"tokens": [1, "?"]}}, {"pass_rate": {"p_value": "?"}}],
    ids=str,
)
def test_a_comparison_with_a_figure_that_is_none_is_damaged(
    tmp_path: Path, fields: dict[str, Any], figure: str
) -> None:
    text = json.dumps({**COMPARISON, **fields}).replace('"?"', figure)
    (tmp_path / "comparison.json").write_text(text)
    with pytest.raises(EvalguardError, match="damaged"):
        read_comparison(tmp_path)


def test_trials_that_say_they_did_not_run_are_shown(tmp_path: Path) -> None:
    trials = [{"outcome": "passed"}, {"outcome": "not run"}]
    line = json.dumps({"nodeid": "t.py::a", "outcome": "passed", "trials": trials})
    (tmp_path / "cases.jsonl").write_text(f"{line}\n")
    totals = Totals.of(StoredCases(tmp_path))
    assert totals.unstable.first == [".- 1 of 2 t.py::a"]


@given(st.floats(0, 1), st.integers(1, 6))
def test_a_figure_is_shown_on_its_side_of_a_bound(value: float, digits: int) -> None:
    for side in ("at least", "at most"):
        bound = Bound(side, round(value, digits))
        shown = round(value, bound.digits(value, 3))
        assert bound.holds(shown) is bound.holds(value)


@pytest.mark.parametrize(
    ("bound", "value", "holds"),
    [
        (Bound("at least", 0.3), 0.1 + 0.2 - 1e-16, True),
        (Bound("at most", 0.3), 0.1 + 0.2, True),
        (Bound("at least", 0.9), 0.8999, False),
        (Bound("at most", 812.4), 812.5, False),
        (Bound("at most", 0.0), 1e-17, True),
        (Bound("at least", 0.0), -1e-6, False),
        (Bound("at least", -math.inf), -5.0, True),
    ],
    ids=str,
)
def test_arithmetic_alone_moves_nothing_across_a_bound(
    bound: Bound, value: float, holds: bool
) -> None:
    assert bound.holds(value) is holds
