"""Intervals agree with published ones and with a second computation."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.analysis.statistics import (
    all_pass_rate,
    wilson,
)

Z = statistics.NormalDist().inv_cdf(0.975)

COUNTS = st.integers(1, 100_000).flatmap(
    lambda total: st.tuples(st.integers(0, total), st.just(total))
)
CASES = st.lists(
    st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=1,
    max_size=30,
)


def pass_rate(cases: Sequence[tuple[int, int]]) -> tuple[float, float, float]:
    """Return pass@1 and its interval."""
    return all_pass_rate(cases, 1)


def solves_score_equation(bound: float, rate: float, size: float) -> bool:
    """Whether the score test of a rate at this bound has exactly the p-value 5%."""
    distance = Z * math.sqrt(bound * (1 - bound) / size)
    return math.isclose(abs(rate - bound), distance, rel_tol=1e-6, abs_tol=1e-12)


# One rate


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_an_interval_of_a_rate_is_the_published_one(
    passed: int, total: int, low: float, high: float
) -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3
    assert wilson(passed, total) == pytest.approx((low, high), abs=5e-5)


@given(COUNTS)
def test_the_ends_of_an_interval_solve_the_score_equation(
    counts: tuple[int, int],
) -> None:
    passed, total = counts
    for bound in wilson(passed, total):
        assert solves_score_equation(bound, passed / total, total)


@given(COUNTS)
def test_a_rate_is_within_its_interval(counts: tuple[int, int]) -> None:
    passed, total = counts
    low, high = wilson(passed, total)
    assert 0 <= low <= passed / total <= high <= 1
    assert low < high


@given(COUNTS)
def test_an_interval_of_failures_mirrors_that_of_passes(
    counts: tuple[int, int],
) -> None:
    passed, total = counts
    low, high = wilson(passed, total)
    assert wilson(total - passed, total) == pytest.approx((1 - high, 1 - low))


@given(COUNTS)
def test_one_more_pass_raises_an_interval(counts: tuple[int, int]) -> None:
    passed, total = counts
    before, after = wilson(passed, total + 1), wilson(passed + 1, total + 1)
    assert before[0] < after[0]
    assert before[1] < after[1] or after[1] == 1


@pytest.mark.parametrize("total", [*range(1, 200), 99_999])
def test_an_interval_of_no_pass_begins_at_0_and_of_all_ends_at_1(total: int) -> None:
    assert wilson(0, total)[0] == 0
    assert wilson(total, total)[1] == 1


# Trials of cases


@given(CASES)
def test_pass_at_1_is_the_mean_over_cases(cases: Sequence[tuple[int, int]]) -> None:
    mean = sum(Fraction(*case) for case in cases) / len(cases)
    assert pass_rate(cases)[0] == pytest.approx(float(mean))


@given(CASES, st.integers(1, 10))
def test_pass_n_is_the_share_of_choices_of_n_trials_that_all_pass(
    cases: Sequence[tuple[int, int]], n: int
) -> None:
    shares = []
    for passed, trials in cases:
        outcomes = [True] * passed + [False] * (trials - passed)
        choices = list(itertools.combinations(outcomes, min(n, trials)))
        shares.append(Fraction(sum(map(all, choices)), len(choices)))
    mean = sum(shares) / len(cases)
    assert all_pass_rate(cases, n)[0] == pytest.approx(float(mean))


# the quantiles of Student's t are those of any table, for 97.5%
@pytest.mark.parametrize(
    ("cases", "t_of_cases", "t_of_trials"),
    [
        ([(1, 2), (2, 2), (0, 2), (1, 2), (2, 2), (1, 2), (1, 2)], 2.447, 2.160),
        ([(2, 4)] * 5 + [(3, 4)] * 5 + [(4, 4)], 2.228, 2.017),
        ([(4, 4), (0, 4), (2, 4), (3, 4)] * 4, 2.131, 1.998),
    ],
)
def test_trials_of_a_case_count_less_the_more_they_are_alike(
    cases: Sequence[tuple[int, int]], t_of_cases: float, t_of_trials: float
) -> None:
    rate, low, high = pass_rate(cases)
    trials = sum(of for _, of in cases)
    # the sandwich estimate of the variance, from the residuals of all trials
    squares = sum((passed - of * rate) ** 2 for passed, of in cases)
    variance = squares / trials**2 * len(cases) / (len(cases) - 1)
    design_effect = max(1, variance / (rate * (1 - rate) / trials))
    size = trials / design_effect * (t_of_trials / t_of_cases) ** 2
    assert len(cases) < size < trials
    assert size_at(low, rate) == pytest.approx(size, rel=4e-3)
    assert size_at(high, rate) == pytest.approx(size, rel=4e-3)


def test_trials_of_cases_that_are_all_alike_count_as_independent() -> None:
    size = 40 * (2.023 / 2.262) ** 2
    assert size_of(pass_rate([(3, 4)] * 10)) == pytest.approx(size, rel=2e-3)


def test_groups_of_n_trials_count_as_independent_at_the_most() -> None:
    size = 30 * (2.045 / 2.262) ** 2
    rate = all_pass_rate([(4, 7)] * 10, 2)
    assert size_of(rate) == pytest.approx(size, rel=2e-3)


@given(CASES)
def test_a_case_counts_as_one_trial_at_least(cases: Sequence[tuple[int, int]]) -> None:
    size = size_of(pass_rate(cases))
    trials = sum(of for _, of in cases)
    assert len(cases) * 0.999999 <= size <= trials * 1.000001


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_cases_of_one_trial_have_the_interval_of_a_rate(passes: Sequence[bool]) -> None:
    rate, *interval = pass_rate([(int(passed), 1) for passed in passes])
    assert rate == pytest.approx(sum(passes) / len(passes))
    assert interval == pytest.approx(wilson(sum(passes), len(passes)))


def test_a_single_case_counts_as_one_trial() -> None:
    assert size_of(pass_rate([(3, 5)])) == pytest.approx(1)
    assert pass_rate([(5, 5)]) == (1, *wilson(1, 1))


@pytest.mark.parametrize("passed", [0, 5])
def test_cases_that_all_pass_or_all_fail_count_as_one_trial_each(passed: int) -> None:
    expected = wilson(passed, 5)
    assert pass_rate([(passed, 5)] * 5) == (passed / 5, *expected)


@given(CASES)
def test_pass_n_of_all_trials_has_the_interval_of_a_rate(
    cases: Sequence[tuple[int, int]],
) -> None:
    all_passed = sum(passed == trials for passed, trials in cases)
    rate, *interval = all_pass_rate(cases, max(trials for _, trials in cases))
    assert rate == pytest.approx(all_passed / len(cases))
    assert interval == pytest.approx(wilson(all_passed, len(cases)))


@given(CASES, st.integers(1, 9))
def test_pass_n_falls_with_n(cases: Sequence[tuple[int, int]], n: int) -> None:
    assert all_pass_rate(cases, n + 1)[0] <= all_pass_rate(cases, n)[0]


@given(CASES, st.integers(1, 10))
def test_pass_n_is_within_its_interval(
    cases: Sequence[tuple[int, int]], n: int
) -> None:
    rate, low, high = all_pass_rate(cases, n)
    assert 0 <= low <= rate <= high <= 1
    assert low < high


@given(CASES)
def test_an_interval_of_failed_trials_mirrors_that_of_passed_ones(
    cases: Sequence[tuple[int, int]],
) -> None:
    rate, low, high = pass_rate(cases)
    failed = pass_rate([(trials - passed, trials) for passed, trials in cases])
    assert failed == pytest.approx((1 - rate, 1 - high, 1 - low))


@given(CASES.flatmap(lambda cases: st.tuples(st.just(cases), st.permutations(cases))))
def test_the_order_of_cases_does_not_matter(
    both: tuple[Sequence[tuple[int, int]], Sequence[tuple[int, int]]],
) -> None:
    cases, permuted = both
    assert all_pass_rate(permuted, 2) == all_pass_rate(cases, 2)


def size_of(figures: tuple[float, float, float]) -> float:
    """Return the number of independent trials that would give this interval."""
    rate, low, high = figures
    return size_at(high if rate < 0.5 else low, rate)


def size_at(bound: float, rate: float) -> float:
    """Return the number of independent trials whose interval has this bound."""
    return Z**2 * bound * (1 - bound) / (rate - bound) ** 2
