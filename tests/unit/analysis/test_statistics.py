"""Intervals and p-values agree with published ones and with a second computation."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.analysis.statistics import (
    MOST_RESAMPLED,
    all_pass_rate,
    bootstrap_mean,
    mcnemar,
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


# Two runs of the same cases


@pytest.mark.parametrize(("fixed", "regressed", "p"), [(1, 7, 0.0703), (6, 16, 0.0525)])
def test_a_p_value_is_the_published_one(fixed: int, regressed: int, p: float) -> None:
    # Fagerland, Lydersen & Laake, BMC Med. Res. Methodol. 13:91 (2013), both examples
    assert mcnemar(fixed, regressed) == pytest.approx(p, abs=5e-5)


@pytest.mark.parametrize("total", range(13))
def test_a_p_value_is_the_share_of_outcomes_as_far_from_even(total: int) -> None:
    outcomes = [sum(signs) for signs in itertools.product((0, 1), repeat=total)]
    for fixed in range(total + 1):
        distance = abs(2 * fixed - total)
        extreme = sum(abs(2 * each - total) >= distance for each in outcomes)
        p = float(Fraction(extreme, 2**total))
        assert mcnemar(fixed, total - fixed) == pytest.approx(p, rel=1e-15)


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_p_value_is_that_of_exact_arithmetic(fixed: int, regressed: int) -> None:
    total = fixed + regressed
    tail = sum(math.comb(total, i) for i in range(min(fixed, regressed) + 1))
    p = min(Fraction(1), Fraction(2 * tail, 2**total))
    assert mcnemar(fixed, regressed) == pytest.approx(float(p), rel=1e-12)


@given(st.integers(0, 100_000))
@settings(max_examples=20, deadline=None)
def test_as_many_fixed_as_regressed_is_certainly_no_change(count: int) -> None:
    assert mcnemar(count, count) == 1
    assert mcnemar(count, count + 1) == 1


@given(st.integers(0, 2_000), st.integers(0, 2_000))
def test_it_does_not_matter_which_run_is_the_first(fixed: int, regressed: int) -> None:
    p = mcnemar(fixed, regressed)
    assert mcnemar(regressed, fixed) == p
    assert 0 <= p <= 1


@given(st.integers(0, 300), st.integers(0, 300))
def test_more_regressions_than_fixes_are_ever_less_likely(few: int, more: int) -> None:
    few, more = sorted((few, more))
    assert mcnemar(few, more + 1) <= mcnemar(few, more)


@pytest.mark.timeout(10)
def test_large_counts_are_quick_and_close_to_the_normal_approximation() -> None:
    tail = statistics.NormalDist().cdf(-(1_000 - 1) / math.sqrt(199_000))
    assert mcnemar(99_000, 100_000) == pytest.approx(2 * tail, rel=1e-3)
    assert mcnemar(0, 100_000) == 0


# Differences of scores

SCORES = [-0.11, 0.34, -0.3, 0.59, -0.18, 0.59, -0.13, 0.65, 0.35]


@pytest.mark.parametrize(
    "differences",
    [[0.0, 1.0], [-0.4, 0.1, 0.7], [0.0, 0.0, 0.2, 1.0], [-1.0, 0.0, 0.1, 0.3, 0.35]],
)
def test_an_interval_has_2_and_a_half_percent_of_all_resamples_on_each_side(
    differences: Sequence[float],
) -> None:
    every = itertools.product(differences, repeat=len(differences))
    means = sorted(math.fsum(each) / len(each) for each in every)
    low, high = bootstrap_mean(differences)
    margin = 1e-12
    # three standard errors of a share of 2.5% among 1,999
    assert sum(mean < low - margin for mean in means) / len(means) < 0.0355
    assert sum(mean <= low + margin for mean in means) / len(means) > 0.0145
    assert sum(mean > high + margin for mean in means) / len(means) < 0.0355
    assert sum(mean >= high - margin for mean in means) / len(means) > 0.0145


def test_the_figures_are_the_same_on_every_python() -> None:
    # the sums of `sum` differ in their last digits between 3.11 and 3.12
    assert bootstrap_mean(SCORES) == (-0.03777777777777778, 0.43333333333333335)
    assert bootstrap_mean(SCORES, seed=1) == (-0.04111111111111111, 0.4288888888888889)


@given(st.permutations(SCORES))
@settings(max_examples=10, deadline=None)
def test_the_order_of_differences_does_not_matter(differences: Sequence[float]) -> None:
    assert bootstrap_mean(differences) == bootstrap_mean(SCORES)


@given(st.lists(st.integers(-64, 64), min_size=1, max_size=9), st.integers(-9, 9))
@settings(max_examples=20, deadline=None)
def test_an_interval_moves_and_grows_with_the_differences(
    eighths: Sequence[int], shift: int
) -> None:
    low, high = bootstrap_mean([each / 8 for each in eighths])
    assert min(eighths) / 8 <= low <= high <= max(eighths) / 8
    moved = bootstrap_mean([each / 4 + shift for each in eighths])
    assert moved == pytest.approx((2 * low + shift, 2 * high + shift))


@pytest.mark.parametrize("count", [1, 5, MOST_RESAMPLED + 1])
def test_equal_differences_leave_no_doubt(count: int) -> None:
    assert bootstrap_mean([0.1] * count) == (0.1, 0.1)


def test_many_differences_have_the_normal_interval() -> None:
    many = [(k * 7_919 % 1_009 / 1_009) ** 2 for k in range(MOST_RESAMPLED + 1)]
    error = statistics.stdev(many) / math.sqrt(len(many))
    normal = statistics.NormalDist(statistics.fmean(many), error)
    expected = (normal.inv_cdf(0.025), normal.inv_cdf(0.975))
    assert bootstrap_mean(many) == pytest.approx(expected, rel=1e-12)
    assert bootstrap_mean(many, seed=1) == bootstrap_mean(many)
    resampled = bootstrap_mean(many[:-1])
    assert resampled != bootstrap_mean(many[:-1], seed=1)
    assert resampled == pytest.approx(expected, abs=0.1 * error)


@pytest.mark.timeout(10)
def test_the_interval_of_100_000_differences_is_quick() -> None:
    low, high = bootstrap_mean([k % 11 - 5 for k in range(100_000)])
    assert low < 0 < high


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
