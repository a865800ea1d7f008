"""Several trials as one case: its outcome, figures and reason."""

from __future__ import annotations

import pytest

from pytest_evalguard.model.case import Attempt, Case, ScorerResult
from pytest_evalguard.model.json_data import MAX_TEXT
from pytest_evalguard.model.outcome import Outcome
from pytest_evalguard.recording.mark import Plan
from pytest_evalguard.recording.outcome import (
    as_trial,
    combined,
    deciding_trial,
    verdict_line,
)


@pytest.mark.parametrize(
    ("outcomes", "require", "index"),
    [
        (["passed", "failed", "passed"], 2, 2),
        (["failed", "passed", "failed"], 2, 0),
        (["error", "failed", "passed"], 2, 0),
        (["error", "failed", "passed", "passed"], 2, 3),
        (["error", "failed", "passed"], 3, 1),
        (["failed", "error", "error"], 1, 1),
        (["skipped", "xfailed", "ambiguous"], 1, 2),
        (["xpassed", "xfailed"], 1, 0),
        (["skipped", "ambiguous", "error"], 1, 2),
        (["skipped", "xfailed"], 1, 1),
        (["skipped", "skipped"], 1, 0),
    ],
)
def test_one_trial_speaks_for_the_case(
    outcomes: list[Outcome], require: int, index: int
) -> None:
    assert deciding_trial(outcomes, Plan(len(outcomes), require)) == index


def test_what_some_trials_lack_does_not_count_in_sums_and_named_means() -> None:
    scored = {"tone": ScorerResult(0.4, True)}
    cases = [
        Case("n", "passed", prompt_tokens=3, scores=scored),
        Case("n", "passed", cost_usd=1.5),
    ]
    case = combined(cases, Plan(2, 1), 1)
    assert (case.prompt_tokens, case.completion_tokens, case.cost_usd) == (3, None, 1.5)
    assert case.scores == {"tone": ScorerResult(0.4, True)}
    assert case.overall_score == pytest.approx((0.4 + 1) / 2)


def test_a_metric_is_its_mean_over_the_trials_that_tell_something() -> None:
    cases = [
        Case("n", "passed", metrics={"calls": 2.0, "huge": 1.7e308}),
        Case("n", "failed", metrics={"calls": 3.0, "huge": 1.7e308}),
        Case("n", "error", metrics={"calls": 90.0}),
        Case("n", "passed"),
    ]
    case = combined(cases, Plan(4, 1), 0)
    assert case.metrics == {"calls": 2.5, "huge": 1.7e308}


def test_a_verdict_names_what_was_required() -> None:
    line = verdict_line(["passed", "failed", "xpassed"], Plan(3, 3))
    assert line == "2 of 3 trials passed, 3 required (.FX)"


@pytest.mark.parametrize(
    ("outcomes", "chosen", "reason"),
    [
        (["passed", "failed"], 1, "1 of 2 trials passed: r1"),
        (["passed", "failed"], 0, "r0"),
        (["passed", "error"], 1, "1 of 2 trials passed, 1 error: r1"),
        (["error", "error"], 0, "0 of 2 trials passed, 2 errors: r0"),
        (["skipped", "skipped"], 0, "r0"),
    ],
)
def test_only_a_row_that_did_not_pass_says_how_many_trials_did(
    outcomes: list[Outcome], chosen: int, reason: str
) -> None:
    cases = [Case("n", each, reason=f"r{at}") for at, each in enumerate(outcomes)]
    assert combined(cases, Plan(2, 2), chosen).reason == reason


@pytest.mark.parametrize(
    ("outcomes", "mean"),
    [
        (["skipped", "passed", "failed"], 2.5),
        (["error", "passed", "failed"], 2.5),
        (["skipped", "error", "skipped"], 2.0),
    ],
)
def test_means_are_over_the_trials_that_tell_something(
    outcomes: list[Outcome], mean: float
) -> None:
    cases = [
        Case("n", each, score=at / 10, latency_ms=at)
        for at, each in enumerate(outcomes, start=1)
    ]
    case = combined(cases, Plan(3, 3), 0)
    assert case.latency_ms == mean
    assert case.score == pytest.approx(mean / 10)


@pytest.mark.parametrize(
    ("outcome", "chosen", "actual"), [("passed", 0, "c"), ("failed", 1, "b")]
)
def test_the_answer_of_a_case_is_the_last_or_that_of_its_failed_trial(
    outcome: Outcome, chosen: int, actual: str
) -> None:
    cases = [Case("n", outcome, actual=each) for each in "abc"]
    assert combined(cases, Plan(3, 1), chosen).actual == actual


def test_sums_are_over_all_trials() -> None:
    cases = [
        Case("n", "passed", prompt_tokens=n, completion_tokens=10 * n, cost_usd=n / 2)
        for n in (1, 2, 4)
    ]
    case = combined(cases, Plan(3, 3), 0)
    assert (case.prompt_tokens, case.completion_tokens, case.cost_usd) == (7, 70, 3.5)


def test_each_trial_is_kept_with_what_it_recorded() -> None:
    scores = {"tone": ScorerResult(0.4, False)}
    cases = [
        Case("n", "failed", "q", "e", "a", 0.2, 5.0, "r", scores),
        Case("n", "passed"),
    ]
    case = combined(cases, Plan(2, 1), 1)
    assert case.trials == [
        Attempt("failed", 0.2, 5.0, "r", "a", {"tone": 0.4}),
        Attempt("passed", latency_ms=0.0),
    ]
    assert case.require == 1


def test_trials_share_the_room_for_one_answer() -> None:
    cases = [Case("n", "passed", actual="x" * MAX_TEXT)] * 3
    kept = combined(cases, Plan(3, 3), 0).trials[0].actual or ""
    assert kept.count("x") == MAX_TEXT // 3


def test_the_answer_of_one_trial_is_cut() -> None:
    kept = as_trial(Case("n", "passed", actual="abcdef"), 4)
    assert kept.actual == "abcd… [cut: 4 of 6 characters kept]"


@pytest.mark.parametrize(
    ("require", "expected"),
    [(1, ScorerResult(0.5, True, "good")), (2, ScorerResult(0.5, False, "bad"))],
)
def test_a_named_score_has_the_reason_of_its_verdict(
    require: int, expected: ScorerResult
) -> None:
    results = [ScorerResult(0.4, False, "bad"), ScorerResult(0.6, True, "good")]
    cases = [Case("n", "passed", scores={"tone": each}) for each in results]
    assert combined(cases, Plan(2, require), 0).scores == {"tone": expected}
