"""Gates by themselves: how a figure is held against its limit, and shown beside it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_evalguard.analysis.comparison import Comparison
from pytest_evalguard.analysis.gates import CHECKS, check_gates, gated_groups
from pytest_evalguard.analysis.statistics import PairedChange
from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.config.checks import LatencyLimit, Limit, MetricLimit
from pytest_evalguard.config.settings import TABLE, Settings
from pytest_evalguard.model.case import Case, ScorerResult
from pytest_evalguard.model.figures import Metric
from pytest_evalguard.model.outcome import Outcome
from pytest_evalguard.storage.session import Gate


def passing(count: int, of: int, *tags: str) -> list[Case]:
    return [
        Case(f"{tags}{n}", "passed" if n < count else "failed", tags=list(tags))
        for n in range(of)
    ]


def rate_gate(limit: Limit, cases: list[Case]) -> Gate:
    settings = Settings(min_pass_rate=(limit,))
    totals = Totals.of(cases, groups=gated_groups(settings))
    (gate,) = check_gates(settings, totals, None)
    return gate


def score_gate(limit: Limit, cases: list[Case]) -> Gate:
    (gate,) = check_gates(Settings(min_score=(limit,)), Totals.of(cases), None)
    return gate


def test_a_pass_rate_is_told_with_its_limit() -> None:
    interval = "95% interval 76.4% to 99.1%"
    figure = f"95.0% (19 of 20), {interval}"
    met = Gate("pass rate", figure, "at least 95%", True)
    missed = Gate("pass rate", figure, "at least 95.5%", False)
    assert rate_gate(Limit(0.95), passing(19, 20)) == met
    assert rate_gate(Limit(0.955), passing(19, 20)) == missed


def test_a_pass_rate_of_a_tag_is_that_of_its_rows() -> None:
    cases = passing(1, 2, "smoke") + passing(5, 5)
    gate = rate_gate(Limit(0.5, "smoke"), cases)
    assert gate.name == "pass rate of smoke"
    assert gate.figure.startswith("50.0% (1 of 2), ")
    assert gate.passed


def test_a_gate_without_a_figure_fails_whatever_its_limit() -> None:
    cases = passing(1, 1)
    no_rows, no_tag = "there are no results", "no result has this tag"
    no_score = "no result has this score"
    least = "at least 0"
    assert rate_gate(Limit(0), []) == Gate("pass rate", no_rows, f"{least}%", False)
    assert rate_gate(Limit(0, "x"), cases) == (
        Gate("pass rate of x", no_tag, f"{least}%", False)
    )
    assert score_gate(Limit(0), []) == Gate("mean score", no_rows, least, False)
    assert score_gate(Limit(0, "x"), cases) == (
        Gate("mean score x", no_score, least, False)
    )


def test_a_mean_score_is_told_with_its_limit() -> None:
    cases = [Case("a", "passed", score=0.5), Case("b", "passed", score=1)]
    figure = "0.750 (2 cases)"
    met = Gate("mean score", figure, "at least 0.75", True)
    missed = Gate("mean score", figure, "at least 0.76", False)
    assert score_gate(Limit(0.75), cases) == met
    assert score_gate(Limit(0.76), cases) == missed


def test_a_mean_of_a_scorer_is_over_the_cases_that_have_it() -> None:
    tone = {"tone": ScorerResult(0.25, False)}
    cases = [Case("a", "passed", score=1, scores=tone), Case("b", "passed", score=1)]
    gate = score_gate(Limit(0.25, "tone"), cases)
    figure = "0.250 (1 of 2 cases)"
    assert gate == Gate("mean score tone", figure, "at least 0.25", True)


def scored(count: int, of: int, outcome: Outcome = "passed") -> list[Case]:
    tone = {"tone": ScorerResult(1.0, True)}
    return [
        Case(f"{outcome}{n}", outcome, scores=tone if n < count else {})
        for n in range(of)
    ]


@pytest.mark.parametrize(
    ("count", "of", "figure", "is_met"),
    [
        (1, 4, "1.000 (1 of 4 cases)", False),
        (2, 5, "1.000 (2 of 5 cases)", False),
        (2, 4, "1.000 (2 of 4 cases)", True),
        (4, 4, "1.000 (4 cases)", True),
    ],
)
def test_a_mean_over_fewer_than_half_of_the_cases_meets_no_gate(
    count: int, of: int, figure: str, is_met: bool
) -> None:
    gate = score_gate(Limit(0.9, "tone"), scored(count, of))
    assert (gate.figure, gate.passed) == (figure, is_met)
    wanted = " in at least 50% of the cases (evalguard_min_coverage)"
    assert gate.limit == "at least 0.9" + ("" if is_met else wanted)


@pytest.mark.parametrize(
    ("share", "is_met"), [(0.0, True), (0.25, True), (0.26, False), (1.0, False)]
)
def test_how_many_cases_must_have_a_score_can_be_said(
    share: float, is_met: bool
) -> None:
    settings = Settings(min_score=(Limit(0.9, "tone"),), min_coverage=share)
    (gate,) = check_gates(settings, Totals.of(scored(1, 4)), None)
    assert gate.passed == is_met


@pytest.mark.parametrize("count", [1, 3, 7, 29])
def test_a_share_that_is_just_reached_is_enough(count: int) -> None:
    settings = Settings(min_score=(Limit(0, "tone"),), min_coverage=count / 30)
    (gate,) = check_gates(settings, Totals.of(scored(count, 30)), None)
    assert gate.passed


def test_cases_with_errors_and_without_rows_need_no_score() -> None:
    cases = scored(1, 2) + scored(0, 5, "error") + scored(0, 5, "skipped")
    gate = score_gate(Limit(0.9, "tone"), cases)
    assert (gate.figure, gate.passed) == ("1.000 (1 of 2 cases)", True)


def test_scores_of_cases_with_errors_alone_meet_no_gate() -> None:
    cases = scored(0, 3) + scored(3, 3, "error")
    gate = score_gate(Limit(0.9, "tone"), cases)
    assert (gate.figure, gate.passed) == ("1.000 (0 of 3 cases)", False)


def test_the_overall_score_is_that_of_all_cases_whatever_was_recorded() -> None:
    gate = score_gate(Limit(0.1), scored(1, 4))
    assert (gate.figure, gate.passed) == ("1.000 (4 cases)", True)


# two of three, as a person would write it down
@pytest.mark.parametrize(
    ("least", "figure", "is_met"),
    [
        (0.6666666667, "0.667", True),
        (0.66666667, "0.666666667", False),
        (0.66667, "0.666667", False),
        (0.6667, "0.66667", False),
        (0.667, "0.6667", False),
        (0.67, "0.667", False),
        (1, "0.667", False),
    ],
)
def test_a_missed_limit_is_told_with_the_digits_that_show_it(
    least: float, figure: str, is_met: bool
) -> None:
    gate = score_gate(Limit(least), passing(2, 3))
    limit = f"at least {least}"
    assert gate == Gate("mean score", f"{figure} (3 cases)", limit, is_met)


def test_a_mean_of_equal_scores_reaches_a_limit_of_as_much() -> None:
    cases = [
        Case(f"{n}", "passed", scores={"tone": ScorerResult(0.7, True)})
        for n in range(3)
    ]
    for limit in (Limit(0.7), Limit(0.7, "tone")):
        assert score_gate(limit, cases).passed


def test_a_missed_pass_rate_has_the_same_digits_as_a_percentage() -> None:
    gate = rate_gate(Limit(0.6667), passing(2, 3))
    assert gate.figure.startswith("66.667% (2 of 3), ")
    assert (gate.limit, gate.passed) == ("at least 66.67%", False)


def regressions(most: int | None, comparison: Comparison | None) -> list[Gate]:
    return list(check_gates(Settings(max_regressions=most), Totals(), comparison))


@pytest.mark.parametrize(("most", "is_met"), [(0, False), (1, False), (2, True)])
def test_regressions_are_counted_among_the_cases_in_both(
    most: int, is_met: bool
) -> None:
    found = Comparison("last", 1500, 1500, 1500, regressed=("a", "b"))
    gate = Gate("regressions", "2 of 1,500 cases", f"at most {most}", is_met)
    assert regressions(most, found) == [gate]


def test_one_case_in_both_is_enough_and_none_is_no_success() -> None:
    one = Gate("regressions", "0 of 1 case", "at most 1,000", True)
    none = Gate("regressions", "no case is in both sessions", "at most 0", False)
    assert regressions(1000, Comparison("last", 1, 1, 1)) == [one]
    assert regressions(0, Comparison("last", 1, 1, 0)) == [none]


@pytest.mark.parametrize(
    ("before", "paired", "figure"),
    [
        (3, 1, "0 of 1 case compared, only a few of the baseline's 3"),
        (3, 2, "0 of 2 cases compared, the baseline's 3"),
        (4, 2, "0 of 2 cases compared, the baseline's 4"),
        (5, 2, "0 of 2 cases compared, only a few of the baseline's 5"),
    ],
)
def test_how_many_of_the_baselines_cases_were_compared_is_told(
    before: int, paired: int, figure: str
) -> None:
    (gate,) = regressions(0, Comparison("last", before, 9, paired))
    assert (gate.figure, gate.passed) == (figure.replace(", the", " of the"), True)


def test_regressions_need_a_limit_and_a_baseline() -> None:
    assert regressions(None, Comparison("last", 1, 1, 1)) == []
    assert regressions(0, None) == []


# Drops


def paired(
    *changes: tuple[str | None, PairedChange | None], of: int = 80
) -> Comparison:
    """A comparison of 80 cases with the change of the pass rate (None) or of scores."""
    named = {name: each for name, each in changes if name}
    rate = next((each for name, each in changes if name is None), None)
    return Comparison(
        *("last", 80, 80, of),
        pass_rate=rate,
        score=rate,
        scores={name: each for name, each in named.items() if each},
        named_pairs={name: each.pairs if each else 4 for name, each in named.items()},
    )


FELL = PairedChange(80, -0.0875, -0.17, -0.02, 0.016, 0.075)
NOISE = PairedChange(80, -0.03125, -0.09, 0.03, 0.5, 0.0875)
CLOSE = PairedChange(80, -0.03125, -0.09, -0.01, 0.01, 0.03)
ROSE = PairedChange(80, 0.0875, 0.02, 0.17, 0.016, 0.2)


def drop(limit: Limit, found: Comparison, coverage: float = 0.5) -> Gate:
    settings = Settings(max_drop=(limit,), min_coverage=coverage)
    (gate,) = check_gates(settings, Totals(), found)
    return gate


@pytest.mark.parametrize(
    ("most", "change", "figure", "is_met"),
    [
        (0.03, FELL, "8.8 points, 95% interval 2.0 to 17.0, more than noise", False),
        (0.0875, FELL, "8.8 points, 95% interval 2.0 to 17.0, more than noise", True),
        (0.0874, FELL, "8.8 points, 95% interval 2.0 to 17.0, more than", False),
        (0.0312, CLOSE, "3.125 points, 95% interval 1.0 to 9.0, more than", False),
        (0.03, NOISE, "3.1 points, 95% interval -3.0 to 9.0, no more than", True),
        (0.0, ROSE, "none, up 8.8 points; with these", True),
    ],
)
def test_a_drop_of_the_pass_rate_counts_if_it_is_large_and_more_than_noise(
    most: float, change: PairedChange, figure: str, is_met: bool
) -> None:
    gate = drop(Limit(most), paired((None, change)))
    assert (gate.name, gate.passed) == ("drop in pass rate", is_met)
    assert gate.figure.startswith(figure)
    least = f"{change.least_drop * 100:.1f} points on"
    assert gate.figure.endswith(f"with these 80 cases a drop shows from about {least}")
    assert gate.limit == f"at most {most * 100:.12g} points"


def test_a_drop_of_a_named_score_is_told_on_its_own_scale() -> None:
    gate = drop(Limit(0.05, "tone"), paired(("tone", FELL)))
    assert gate == Gate(
        "drop in tone",
        "0.087, 95% interval 0.020 to 0.170, more than noise; with these 80 cases a"
        " drop shows from about 0.075 on",
        "at most 0.05",
        passed=False,
    )


def test_the_mean_score_is_named_score_unless_a_scorer_is() -> None:
    overall, named = paired((None, FELL)), paired((None, FELL), ("score", NOISE))
    assert drop(Limit(0.01, "score"), overall).figure.startswith("0.087, ")
    assert drop(Limit(0.01, "score"), named).figure.startswith("0.031, ")


@pytest.mark.parametrize(
    ("limit", "found", "figure"),
    [
        (Limit(1), Comparison("b", 3, 3, 0), "no case is in both sessions"),
        (
            Limit(1),
            Comparison("b", 3, 3, 0, errors=("a",)),
            "no case in both can be compared",
        ),
        (
            Limit(1, "tone"),
            paired(("style", FELL), ("wit", FELL)),
            "no case has this score in both sessions, there is style, wit",
        ),
        (
            Limit(1, "tone"),
            paired((None, FELL)),
            "no case has this score in both sessions, there is no named score",
        ),
    ],
)
def test_a_drop_that_nothing_can_tell_is_not_met(
    limit: Limit, found: Comparison, figure: str
) -> None:
    gate = drop(limit, found)
    assert (gate.figure, gate.passed) == (figure, False)


def test_a_drop_of_a_score_that_few_pairs_have_is_not_met() -> None:
    found = paired(("tone", FELL), of=200)
    gate = drop(Limit(1, "tone"), found)
    assert (gate.figure, gate.passed) == ("80 of 200 cases in both have it", False)
    wanted = "at most 1 in at least 50% of the cases (evalguard_min_coverage)"
    assert gate.limit == wanted
    assert drop(Limit(1, "tone"), found, coverage=0.4).passed


def test_of_five_cases_no_drop_counts() -> None:
    gate = drop(Limit(0), Comparison("b", 5, 5, 5))
    assert gate.figure == "5 cases in both, a drop shows from 6 on"
    assert gate.passed


def test_a_drop_needs_a_baseline() -> None:
    settings = Settings(max_drop=(Limit(0), Limit(0, "tone")))
    assert list(check_gates(settings, Totals(), None)) == []
    found = paired((None, FELL), ("tone", NOISE))
    assert [g.passed for g in check_gates(settings, Totals(), found)] == [False, True]


def test_each_setting_that_is_a_gate_is_checked() -> None:
    assert CHECKS.keys() == {setting.name for setting in TABLE if setting.is_gate}


def metric_gate(
    setting: str, limit: MetricLimit, cases: list[Case], *metrics: Metric
) -> Gate:
    limits: dict[str, Any] = {setting: (limit,)}
    settings = Settings(**limits)
    (gate,) = check_gates(settings, Totals.of(cases), None, metrics=metrics)
    return gate


@pytest.mark.parametrize(
    ("setting", "bound", "figure", "passed"),
    [
        ("min_metric", 0.9, "0.9123 (of the session)", True),
        ("min_metric", 0.91234, "0.91234 (of the session)", True),
        ("min_metric", 0.912341, "0.9123 (of the session)", False),
        ("min_metric", 0.9124, "0.9123 (of the session)", False),
        ("max_metric", 0.9123, "0.91234 (of the session)", False),
        ("max_metric", 0.92, "0.9123 (of the session)", True),
    ],
)
def test_a_metric_is_shown_on_the_side_of_its_limit(
    setting: str, bound: float, figure: str, passed: bool
) -> None:
    limit = MetricLimit("f1", bound)
    gate = metric_gate(setting, limit, passing(1, 1), Metric("f1", 0.91234))
    side = "at least" if setting == "min_metric" else "at most"
    assert gate == Gate("metric f1", figure, f"{side} {bound:g}", passed)


@pytest.mark.parametrize(
    ("value", "bound", "passed"),
    [
        (0.1 + 0.2, 0.3, True),
        (-1e-17, 0, True),
        (1e-12, 2e-12, False),
        (1e20, 1e20, True),
        (-1, 0, False),
        (99_999.9, 100_000, False),
    ],
)
def test_rounding_decides_no_gate_on_a_metric(
    value: float, bound: float, passed: bool
) -> None:
    limit = MetricLimit("x", bound)
    gate = metric_gate("min_metric", limit, [], Metric("x", value))
    assert gate.passed is passed
    shown = float(gate.figure.partition(" ")[0].replace(",", ""))
    assert (shown >= bound - 1e-16) is passed


def test_a_metric_of_cases_is_gated_by_its_mean() -> None:
    cases = [Case(str(n), "passed", metrics={"calls": n}) for n in (1.0, 2.0)]
    gate = metric_gate("max_metric", MetricLimit("calls", 1.5), cases)
    assert gate == Gate("metric calls", "1.5 (mean of 2 cases)", "at most 1.5", True)


def test_a_metric_of_few_cases_meets_no_gate() -> None:
    cases = [Case("a", "passed", metrics={"calls": 1.0}), *passing(2, 2)]
    gate = metric_gate("max_metric", MetricLimit("calls", 5), cases)
    share = "in at least 50% of the cases (evalguard_min_coverage)"
    figure = "1 (mean of 1 of 3 cases)"
    assert gate == Gate("metric calls", figure, f"at most 5 {share}", False)


def test_a_metric_of_errors_alone_meets_no_gate() -> None:
    cases = [Case("a", "error", metrics={"calls": 1.0})]
    assert not metric_gate("max_metric", MetricLimit("calls", 5), cases).passed


def test_a_gate_on_no_metric_of_the_session_lists_those_there_are() -> None:
    metrics = [Metric(f"m{n:02}", n) for n in range(11)]
    gate = metric_gate("min_metric", MetricLimit("x", 0), [], *metrics)
    named = ", ".join(f"m{n:02}" for n in range(10))
    assert gate.figure == f"no such metric (there are: {named} and 1 more)"
    assert not gate.passed
    none = metric_gate("min_metric", MetricLimit("x", 0), [])
    assert none.figure == "no such metric (there is none)"


def gate_of(settings: Settings, *cases: Case) -> Gate:
    totals = Totals.of(cases, groups=gated_groups(settings))
    (gate,) = check_gates(settings, totals, None)
    return gate


def test_a_pass_rate_of_a_group_is_that_of_its_rows() -> None:
    cases = [
        *(Case(f"a{n}", "passed", params={"model": "large"}) for n in range(3)),
        Case("b", "error", params={"model": "large"}, metadata={"team": "search"}),
        Case("c", "failed", params={"model": "small"}),
    ]
    large = Settings(min_pass_rate=(Limit(0.75, "param:model=large"),))
    figure = "75.0% (3 of 4), 95% interval 30.1% to 95.4%"
    without = "without errors 100.0%, 3 of 3, 95% interval 43.9% to 100.0%"
    assert gate_of(large, *cases) == Gate(
        "pass rate of param:model=large", f"{figure} ({without})", "at least 75%", True
    )
    team = Settings(min_pass_rate=(Limit(0.1, "metadata:team=search"),))
    gate = gate_of(team, *cases)
    assert gate.figure.endswith(
        "0.0% (0 of 1), 95% interval 0.0% to 79.3% (all are errors)"
    )
    assert not gate.passed


def test_a_group_that_no_case_is_in_meets_no_gate() -> None:
    settings = Settings(min_pass_rate=(Limit(0, "param:model=large"),))
    gate = gate_of(settings, Case("a", "passed", params={"model": "small"}))
    figure = "no result has model=large; there are: small"
    assert (gate.figure, gate.passed) == (figure, False)


def test_names_of_groups_are_cleaned_as_those_of_cases_are() -> None:
    settings = Settings(min_pass_rate=(Limit(1, "metadata:key=secret"),))
    case = Case("a", "passed", metadata={"key": "-"})

    def clean(text: str) -> str:
        return text.replace("secret", "-")

    totals = Totals.of([case], groups=gated_groups(settings, clean))
    (gate,) = check_gates(settings, totals, None, clean)
    assert (gate.name, gate.passed) == ("pass rate of metadata:key=-", True)


@pytest.mark.parametrize(("most", "is_met"), [(0, False), (1, True)])
def test_errors_are_counted_among_the_rows(most: int, is_met: bool) -> None:
    cases = [Case("a", "error"), Case("b", "failed"), Case("c", "skipped")]
    gate = Gate("errors", "1 of 2 cases", f"at most {most}", is_met)
    assert gate_of(Settings(max_errors=most), *cases) == gate


@pytest.mark.parametrize(
    ("limit", "name", "figure", "wanted", "is_met"),
    [
        (LatencyLimit(95), "latency p95", "95.0 ms", "95 ms", True),
        (LatencyLimit(94.99), "latency p95", "95.0 ms", "94.99 ms", False),
        (LatencyLimit(7, 7), "latency p7", "7.0 ms", "7 ms", True),
        (LatencyLimit(100, 100), "latency p100", "100 ms", "100 ms", True),
        (LatencyLimit(1, 0.5), "latency p0.5", "1.0 ms", "1 ms", True),
        (LatencyLimit(1e6), "latency p95", "95.0 ms", "1,000,000 ms", True),
    ],
)
def test_a_latency_is_that_of_its_percentile(
    limit: LatencyLimit, name: str, figure: str, wanted: str, is_met: bool
) -> None:
    cases = [Case(f"{n}", "passed", latency_ms=n) for n in range(1, 101)]
    gate = gate_of(Settings(max_latency=(limit,)), *cases)
    assert gate == Gate(name, f"{figure} (100 cases)", f"at most {wanted}", is_met)


@pytest.mark.parametrize(
    ("latency", "most", "figure", "is_met"),
    [
        (812.4, 812.4, "812 ms", True),
        (812.4, 812.3, "812.4 ms", False),
        (812.4, 812, "812.4 ms", False),
        (811.9, 811.95, "811.9 ms", True),
        (0.1 + 0.2, 0.3, "0.3 ms", True),
    ],
)
def test_a_latency_is_shown_on_its_side_of_the_limit(
    latency: float, most: float, figure: str, is_met: bool
) -> None:
    settings = Settings(max_latency=(LatencyLimit(most),))
    gate = gate_of(settings, Case("a", "passed", latency_ms=latency))
    assert (gate.figure, gate.passed) == (f"{figure} (1 case)", is_met)


@pytest.mark.parametrize(
    ("most", "figure", "is_met"),
    [
        (0.3, "$0.3000 (3 of 4 cases)", True),
        (0.29999, "$0.3000 (3 of 4 cases)", False),
        (0.299999999, "$0.3000 (3 of 4 cases)", False),
        (1234.5, "$0.3000 (3 of 4 cases)", True),
    ],
)
def test_costs_are_added_up_exactly(most: float, figure: str, is_met: bool) -> None:
    cases = [Case(f"{n}", "passed", cost_usd=0.1) for n in range(3)]
    gate = gate_of(Settings(max_cost=most), *cases, Case("x", "error"))
    wanted = f"at most ${most:,}"
    assert gate == Gate("cost", figure, wanted, is_met)


def test_a_cost_that_is_just_too_high_is_told_with_the_digits_that_show_it() -> None:
    case = Case("a", "passed", cost_usd=0.100004)
    gate = gate_of(Settings(max_cost=0.1), case)
    assert (gate.figure, gate.passed) == ("$0.100004 (1 case)", False)
    gate = gate_of(Settings(max_cost=0.10001), case)
    assert (gate.figure, gate.passed) == ("$0.1000 (1 case)", True)


@pytest.mark.parametrize(("most", "is_met"), [(1499, False), (1500, True)])
def test_tokens_are_counted_together(most: int, is_met: bool) -> None:
    cases = [
        Case("a", "passed", prompt_tokens=1000, completion_tokens=400),
        Case("b", "failed", completion_tokens=100),
        Case("c", "failed"),
    ]
    gate = gate_of(Settings(max_tokens=most), *cases)
    figure = "1,500 (2 of 3 cases)"
    assert gate == Gate("tokens", figure, f"at most {most:,}", is_met)


@pytest.mark.parametrize("cases", [[], [Case("a", "skipped", cost_usd=1.0)]])
@pytest.mark.parametrize(
    ("settings", "figure"),
    [
        (Settings(max_errors=0), "there are no results"),
        (Settings(max_latency=(LatencyLimit(9),)), "there are no results"),
        (Settings(max_cost=9.0), "no case recorded a cost"),
        (Settings(max_tokens=9), "no case recorded tokens"),
    ],
)
def test_what_was_not_recorded_meets_no_gate(
    settings: Settings, figure: str, cases: list[Case]
) -> None:
    gate = gate_of(settings, *cases)
    assert (gate.figure, gate.passed) == (figure, False)


@pytest.mark.parametrize(
    ("passed", "of", "least", "figure"),
    [(9004, 10000, 0.9003, "90.04%"), (1, 3, 0.3333, "33.33%"), (2, 3, 0.5, "66.7%")],
)
def test_a_limit_that_is_met_is_told_with_the_digits_that_show_it(
    passed: int, of: int, least: float, figure: str
) -> None:
    gate = rate_gate(Limit(least), passing(passed, of))
    assert gate.passed
    assert gate.figure.startswith(f"{figure} ")
