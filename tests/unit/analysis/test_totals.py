"""Totals by themselves: what is counted, what is kept, and how a rate is shown."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_evalguard.analysis.groups import Group
from pytest_evalguard.analysis.statistics import Mean
from pytest_evalguard.analysis.totals import Totals, rate_text
from pytest_evalguard.model.case import Attempt, Case, ScorerResult
from pytest_evalguard.model.figures import CaseNames
from pytest_evalguard.model.outcome import Outcome


def trials(letters: str) -> list[Attempt]:
    return [Attempt("passed" if each == "." else "failed") for each in letters]


def test_all_names_are_counted_and_the_first_are_kept() -> None:
    names = CaseNames(2)
    for name in "cab":
        names.add(name)
    assert (names.count, names.first) == (3, ["a", "b"])


def test_a_rank_comes_before_a_name() -> None:
    names = CaseNames(2)
    names.add("a", 0.5)
    names.add("b", 0.25)
    names.add("c")
    assert names.first == ["c", "b"]


def test_totals_of_nothing_have_no_figures() -> None:
    totals = Totals()
    counts = (totals.rows, totals.passed, totals.hidden, totals.prompt_tokens)
    assert counts == (0, 0, 0, 0)
    assert (totals.completion_tokens, totals.cost_usd) == (0, 0.0)
    assert (totals.pass_rate, totals.latency(0.5), totals.score.value) == (None,) * 3


def test_a_metric_counts_over_the_rows_that_have_it() -> None:
    cases = [
        Case("a", "passed", metrics={"calls": 3.0}),
        Case("b", "error", metrics={"calls": -1.0}),
        Case("c", "skipped", metrics={"calls": 9.0}),
        Case("d", "failed"),
    ]
    totals = Totals.of(cases)
    calls = totals.metrics["calls"]
    assert (calls.count, calls.value) == (2, 1.0)
    assert [calls.quantile(q) for q in (0, 0.5, 0.95)] == [-1.0, -1.0, 3.0]
    assert totals.covered_metrics["calls"] == 1
    assert Mean().quantile(0.5) is None
    assert totals.failed[0].metrics == {}


@pytest.mark.parametrize("kind", ["flaky", "silent", "withheld"])
def test_a_case_that_needs_a_look_is_named_row_or_not(kind: str) -> None:
    fields: dict[str, Any] = {kind: True}
    totals = Totals.of([Case("a", "passed"), Case("b", "skipped", **fields)])
    named = {each: getattr(totals, each).first for each in ("flaky", "silent")}
    named["withheld"] = totals.withheld.first
    assert named == {each: ["b"] if each == kind else [] for each in named}


@pytest.mark.parametrize(
    ("case", "named"),
    [
        (Case("a", "passed", threshold=0.0), ["a"]),
        (Case("a", "passed"), []),
        (Case("a", "failed", threshold=0.5), []),
        (Case("a", "passed", threshold=0.5, score=0.5), []),
    ],
)
def test_a_threshold_that_decided_nothing_is_named(
    case: Case, named: list[str]
) -> None:
    assert Totals.of([case]).unscored.first == named


def test_what_was_used_is_added_up_over_rows() -> None:
    used: dict[str, Any] = {
        "prompt_tokens": 3,
        "completion_tokens": 5,
        "cost_usd": 0.25,
    }
    cases = [
        Case("a", "passed", **used),
        Case("b", "failed", **used),
        Case("c", "passed"),
        Case("d", "skipped", **used),
    ]
    totals = Totals.of(cases)
    tokens = (totals.prompt_tokens, totals.completion_tokens)
    assert (tokens, totals.cost_usd) == ((6, 10), 0.5)


def test_passes_are_counted_once_a_case_in_the_groups_that_are_wanted() -> None:
    cases = [
        Case("a", "passed", tags=["x", "x", "y"]),
        Case("b", "failed", tags=["x"]),
        Case("c", "error", tags=["x"]),
        Case("d", "skipped", tags=["x"]),
    ]
    groups = Totals.of(cases, groups=map(Group.of, ("x", "y", "z"))).groups
    counts = [(each.passed, each.rows, each.errors) for each in groups.values()]
    assert counts == [(1, 3, 1), (1, 1, 0), (0, 0, 0)]


def test_a_scorers_mean_is_over_its_own_cases() -> None:
    half = {"tone": ScorerResult(0.5, True)}
    one = {"tone": ScorerResult(1.0, True), "other": ScorerResult(0.25, True)}
    cases = [Case("a", "passed", scores=half), Case("b", "passed", scores=one)]
    scorers = Totals.of([*cases, Case("c", "passed")]).scorers
    assert {name: (mean.count, mean.value) for name, mean in scorers.items()} == {
        "tone": (2, 0.75),
        "other": (1, 0.25),
    }


def test_a_case_is_unstable_the_more_the_nearer_it_is_to_a_half() -> None:
    shapes = {"a": "....F", "b": ".F", "c": "..", "d": ".FFF", "e": "..F"}
    cases = [Case(name, "passed", trials=trials(s)) for name, s in shapes.items()]
    totals = Totals.of([*cases, Case("f", "passed")])
    assert totals.trials == [(4, 5), (1, 2), (2, 2), (1, 4), (2, 3)]
    assert totals.unstable.first == [
        ".F 1 of 2 b",
        "..F 2 of 3 e",
        ".FFF 1 of 4 d",
        "....F 4 of 5 a",
    ]


@pytest.mark.parametrize("order", ["acde", "edca", "aced", "ceda"])
def test_the_first_failed_cases_are_kept_and_the_others_counted(order: str) -> None:
    cases = [Case(name, "failed") for name in order]
    totals = Totals.of([*cases, Case("0", "xpassed"), Case("1", "passed")], most=3)
    assert [case.nodeid for case in totals.failed] == ["a", "c", "d"]
    assert (totals.hidden, totals.passed, totals.rows) == (1, 2, 6)


def test_failures_are_kept_before_errors_and_expected_failures() -> None:
    outcomes: list[Outcome] = ["xfailed", "ambiguous", "error", "failed", "failed"]
    cases = [Case(f"{n}", outcome) for n, outcome in enumerate(outcomes)]
    totals = Totals.of(cases, most=4)
    assert [case.nodeid for case in totals.failed] == ["3", "4", "2", "1"]


def test_json_is_kept_whole_unless_it_is_long() -> None:
    short, long = (f'{{"a": "{"x" * length}"}}' for length in (3_000, 30_000))
    for text, other, is_whole in ((short, "[]", True), (long, "[]", False)):
        case = Case("a", "failed", expected=text, actual=other)
        (kept,) = Totals.of([case]).failed
        assert (kept.expected == text) == is_whole


def test_twenty_failed_cases_are_kept_where_nobody_says_how_many() -> None:
    totals = Totals.of(Case(f"{n}", "failed") for n in range(30))
    assert (len(totals.failed), totals.hidden) == (20, 10)


def test_rates_and_means_are_over_rows() -> None:
    cases = [Case("a", "passed", score=0.5), Case("b", "failed", score=0.25)]
    totals = Totals.of([*cases, Case("c", "skipped", score=1.0)])
    assert (totals.pass_rate, totals.score.value) == (0.5, 0.375)


@pytest.mark.parametrize("outcome", ["failed", "error", "xfailed", "ambiguous"])
def test_every_row_that_did_not_pass_is_shown(outcome: Outcome) -> None:
    assert [case.nodeid for case in Totals.of([Case("a", outcome)]).failed] == ["a"]


def test_what_is_shown_of_a_case_is_cut_at_its_difference() -> None:
    same = "s" * 5000
    case = Case(
        "a",
        "failed",
        input="i" * 2001,
        expected=f"{same}x",
        actual=f"{same}y",
        metadata={"a": 1},
        findings=[1],
        attempts=trials("F"),
        trials=trials("FF"),
    )
    (kept,) = Totals.of([case]).failed
    assert len(kept.input) == 2000
    assert (kept.expected or "")[-5:] == "ssssx"
    assert (kept.actual or "")[-5:] == "ssssy"
    assert len(kept.actual or "") == len(kept.expected or "") == 668
    rest = (kept.metadata, kept.findings, kept.attempts, kept.trials)
    assert rest == ({}, [], [], [])


def test_an_answer_that_was_not_recorded_is_none_where_it_is_shown() -> None:
    (one,) = Totals.of([Case("a", "failed", expected="e")]).failed
    (other,) = Totals.of([Case("a", "failed", actual="a")]).failed
    assert (one.expected, one.actual) == ("e", None)
    assert (other.expected, other.actual) == (None, "a")


def test_a_rate_is_shown_with_its_counts_and_its_interval() -> None:
    interval = "95% interval 94.5% to 96.0%"
    assert rate_text(2860, 3000) == f"95.3% (2,860 of 3,000), {interval}"
    assert rate_text(2860, 3000, 3) == f"95.333% (2,860 of 3,000), {interval}"


def test_a_reason_of_pytests_says_what_an_empty_parameter_set_kept_from_running() -> (
    None
):
    named = [
        Case("a", "skipped", reason="Skipped: got empty parameter set for (x)"),
        Case("b", "xfailed", reason="xfail: [NOTRUN] got empty parameter set for (x)"),
    ]
    others = [
        Case("c", "skipped", reason="Skipped: we got empty parameter set for (x)"),
        Case("d", "failed", reason="Skipped: got empty parameter set for (x)"),
        Case("e", "skipped"),
    ]
    assert Totals.of([*named, *others]).without_parameters.first == ["a", "b"]


def test_costs_that_no_float_can_sum_up_are_infinite() -> None:
    cases = [Case(f"{n}", "passed", cost_usd=1e308) for n in range(2)]
    assert Totals.of(cases).cost_usd == float("inf")
    assert Totals.of(cases[:1]).cost_usd == 1e308
