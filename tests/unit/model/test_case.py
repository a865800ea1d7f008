"""A case by itself: what its outcome means, its score, its letters, its line."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from pytest_evalguard.model.case import Attempt, Case, ScorerResult, case_from_line
from pytest_evalguard.model.outcome import (
    OUTCOMES,
    PASSING,
    WITHOUT_ROW,
    Outcome,
    letters_of,
)


def scored(**scores: float) -> dict[str, ScorerResult]:
    return {name: ScorerResult(score, True) for name, score in scores.items()}


def test_every_outcome_has_a_letter() -> None:
    every: tuple[Outcome, ...] = get_args(Outcome)
    assert letters_of(every) == ".FEsxX?--"
    assert set(OUTCOMES) == set(every)


def test_what_passes_and_what_has_no_row_are_told_apart() -> None:
    assert sorted(PASSING) == ["passed", "xpassed"]
    assert sorted(WITHOUT_ROW) == ["dropped", "not run", "skipped"]
    assert Case("n", "failed").has_row is True
    assert Case("n", "skipped").has_row is False


def test_an_outcome_that_a_hook_made_up_is_no_error() -> None:
    odd: Any = "redacted"
    assert letters_of(["passed", odd]) == ".-"


@pytest.mark.parametrize(("count", "more"), [(20, ""), (21, "…"), (1000, "…")])
def test_of_many_trials_20_have_their_letter(count: int, more: str) -> None:
    assert letters_of(["failed"] * count) == "F" * 20 + more


def test_trials_that_passed_are_counted() -> None:
    trials = [Attempt("passed"), Attempt("xpassed"), Attempt("failed")]
    assert Case("n", "passed", trials=trials).trials_passed == 2


@pytest.mark.parametrize(
    ("case", "is_scored", "score", "text"),
    [
        (Case("n", "passed"), False, 1.0, "1 ()"),
        (Case("n", "failed"), False, 0.0, "0 ()"),
        (Case("n", "passed", score=0.0), True, 0.0, "0"),
        (Case("n", "passed", score=0.25, scores=scored(a=1)), True, 0.25, "0.25"),
        (Case("n", "failed", scores=scored(a=0.5)), True, 0.5, "0.5 (a 0.5)"),
        (
            Case("n", "failed", scores=scored(a=0.5, b=1)),
            True,
            0.75,
            "0.75 (mean of a 0.5, b 1)",
        ),
        (
            Case(
                "n",
                "passed",
                scores={
                    "a": ScorerResult(0.75, True, raw=4.0),
                    "b": ScorerResult(0.25, False, raw="rude"),
                },
            ),
            True,
            0.5,
            "0.5 (mean of a 0.75 from 4, b 0.25 from rude)",
        ),
    ],
)
def test_a_score_is_the_recorded_one_or_a_mean_or_the_verdict(
    case: Case, is_scored: bool, score: float, text: str
) -> None:
    assert (case.is_scored, case.overall_score) == (is_scored, score)
    assert case.score_text == text


def test_a_line_holds_what_is_not_at_its_default_and_zeros_that_were_recorded() -> None:
    case = Case("é", "passed", score=0.0, prompt_tokens=0, scores=scored(a=1))
    assert case.to_line() == (
        '{"nodeid":"\\u00e9","outcome":"passed","score":0.0,'
        '"scores":{"a":{"score":1,"passed":true}},"prompt_tokens":0}'
    )


@pytest.mark.parametrize(
    "case",
    [
        Case("", "passed"),
        Case("n", "passed", scores={"tone": ScorerResult(0.5, False, "r")}),
        Case("n", "passed", metrics={"calls": -1.5, "huge": 1e300}),
        Case("n", "passed", attempts=[Attempt("error")]),
        Case("n", "passed", trials=[Attempt("failed", 0.0, 1.5, "r", "a", {"t": 1})]),
    ],
)
def test_a_case_is_the_same_after_its_way_over_a_line(case: Case) -> None:
    assert case_from_line(case.to_line()) == case
