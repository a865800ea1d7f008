"""Paired changes agree with published figures, SciPy's and statsmodels', and chance."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.analysis.statistics import (
    LEVEL,
    fall_p_value,
    least_drop,
    paired_change,
    share_interval,
    t_interval,
)

Pairs = tuple[list[float], list[float]]


def outcomes(kept: int, fell: int, rose: int, failing: int) -> Pairs:
    """Return outcomes before and after, 1 or 0, of so many cases of each kind."""
    before = [1.0] * (kept + fell) + [0.0] * (rose + failing)
    return before, [1.0] * kept + [0.0] * fell + [1.0] * rose + [0.0] * failing


def two_sided(fell: int, rose: int) -> float:
    return paired_change(*outcomes(10, fell, rose, 10)).p_value


# The test


@pytest.mark.parametrize(("rose", "fell", "p"), [(1, 7, 0.0703), (6, 16, 0.0525)])
def test_of_outcomes_it_is_the_published_exact_mcnemar_test(
    rose: int, fell: int, p: float
) -> None:
    # Fagerland, Lydersen & Laake, BMC Med. Res. Methodol. 13:91 (2013), both examples
    assert two_sided(fell, rose) == pytest.approx(p, abs=5e-5)
    assert two_sided(rose, fell) == two_sided(fell, rose)


# scipy.stats.permutation_test of SciPy 1.17, permutation_type="samples", of all signs
@pytest.mark.parametrize(
    ("tenths", "p"),
    [
        ([4, -8, -6, -5, -6, 4], 0.125),
        ([5, 0, -9, -8, -4, -2, 1, -1, -5], 0.07421875),
        ([-7, 2, 3, -9, -8, -2, -3, 6, -1, -2, -2, 2, 0], 0.1171875),
    ],
)
def test_of_shares_it_has_the_p_value_that_scipy_has(
    tenths: Sequence[int], p: float
) -> None:
    assert fall_p_value([each / 10 for each in tenths]) == p


@given(st.lists(st.integers(-6, 6), max_size=9), st.sampled_from([1, 3, 5, 6, 7, 1e-4]))
def test_a_p_value_is_the_share_of_signs_that_fall_as_far(
    steps: list[int], scale: float
) -> None:
    signs = itertools.product((-1, 1), repeat=len(steps))
    sums = [
        sum(sign * abs(step) for sign, step in zip(each, steps, strict=True))
        for each in signs
    ]
    as_far = sum(each <= sum(steps) for each in sums)
    p = fall_p_value([each / scale for each in steps])
    assert p == (float(Fraction(as_far, len(sums))) if any(steps) else 1)


@pytest.mark.parametrize("fell", [380, 400, 430])
def test_hundreds_of_changed_cases_are_close_to_the_exact_count(fell: int) -> None:
    rose = 800 - fell
    tail = sum(math.comb(800, i) for i in range(rose + 1))
    exact = float(Fraction(tail, 2**800))
    assert fall_p_value([-1] * fell + [1] * rose) == pytest.approx(exact, rel=0.02)


# The interval


# statsmodels 0.15 for the Wilson intervals, joined by the formula of Newcombe's method
# 10; the first is in Fagerland, Lydersen & Laake, Statistics in Medicine 33 (2014)
# 2850-2875, the third in Newcombe's own table
@pytest.mark.parametrize(
    ("kept", "fell", "rose", "failing", "low", "high"),
    [
        (1, 1, 7, 12, 0.02556, 0.50692),
        (59, 6, 16, 80, 0.00463, 0.11862),
        (36, 12, 2, 0, -0.34043, -0.05693),
        (14, 5, 0, 22, -0.22649, -0.01148),
        (50, 5, 0, 0, -0.19577, -0.00779),
        (80, 0, 0, 0, -0.04582, 0.04582),
        (70, 8, 1, 1, -0.17579, -0.00957),
        (7, 0, 6, 0, 0.13798, 0.70856),
        (0, 20, 0, 0, -1.0, -0.77213),
        (3, 5, 6, 2, -0.31167, 0.41661),
    ],
)
def test_of_outcomes_it_is_the_interval_of_newcombe(
    kept: int, fell: int, rose: int, failing: int, low: float, high: float
) -> None:
    interval = share_interval(*outcomes(kept, fell, rose, failing))
    assert interval == pytest.approx((low, high), abs=5e-5)


def test_many_shares_have_the_normal_interval_of_their_differences() -> None:
    before = [(k * 7_919 % 11) / 10 for k in range(1_100)]
    after = [(k * 104_729 % 7 + 2 * old) / 9 for k, old in enumerate(before)]
    differences = [new - old for old, new in zip(before, after, strict=True)]
    mean = statistics.fmean(differences)
    half = 1.96 * statistics.stdev(differences) / math.sqrt(len(differences))
    interval = share_interval(before, after)
    assert interval == pytest.approx((mean - half, mean + half), abs=0.05 * half)


def test_other_figures_have_the_interval_of_students_t() -> None:
    values = [-0.11, 0.34, -0.3, 0.59, -0.18, 0.59, -0.13, 0.65, 0.35]
    # scipy.stats.t.interval of SciPy 1.17
    assert t_interval(values) == pytest.approx((-0.0912, 0.4912), abs=5e-4)
    before = [100.0] * 9
    after = [100 + each for each in values]
    change = paired_change(before, after)
    assert (change.low, change.high) == pytest.approx(t_interval(values))


SHARES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30
)


@given(SHARES)
def test_a_change_is_noise_where_the_test_or_the_interval_says_so(
    fifths: list[tuple[int, int]],
) -> None:
    before, after = ([each[at] / 5 for each in fifths] for at in (0, 1))
    change = paired_change(before, after)
    assert change.low <= change.change + 1e-9
    assert change.change <= change.high + 1e-9
    low, high = share_interval(before, after)
    is_rejected = change.p_value <= 2 * LEVEL
    assert change.is_noise == (not is_rejected or low <= 0 <= high)
    back = paired_change(after, before)
    assert (back.low, back.high) == pytest.approx((-change.high, -change.low))


@given(SHARES.flatmap(lambda p: st.tuples(st.just(p), st.permutations(p))))
def test_the_order_of_cases_does_not_matter(
    both: tuple[list[tuple[int, int]], list[tuple[int, int]]],
) -> None:
    changes = [
        paired_change([a / 5 for a, _ in pairs], [b / 5 for _, b in pairs])
        for pairs in both
    ]
    assert changes[0] == changes[1]


# The smallest drop that would have counted


@pytest.mark.parametrize(
    ("fell", "rose", "cases"), [(0, 0, 6), (3, 0, 6), (9, 0, 6), (0, 1, 8), (4, 3, 12)]
)
def test_the_least_drop_of_outcomes_takes_so_many_regressions(
    fell: int, rose: int, cases: int
) -> None:
    # of the binomial distribution with 1/2: 1/64, 9/512, 79/4096 below 2.5%
    found = least_drop([-1] * fell + [1] * rose + [0] * (80 - fell - rose))
    needed = next(
        n
        for n in range(81)
        if sum(math.comb(n + rose, i) for i in range(rose + 1))
        <= LEVEL * 2 ** (n + rose)
    )
    assert found == pytest.approx((needed - rose) / 80)
    assert needed == cases or rose == 3


def test_a_drop_of_the_least_size_counts_and_a_smaller_one_does_not() -> None:
    noise = [0.2] * 6 + [-0.2] * 6 + [0.0] * 68
    least = least_drop(noise)
    falls = round((least * 80 + 1.2) / 0.2)
    assert fall_p_value([0.2] * 6 + [-0.2] * falls) <= LEVEL
    assert fall_p_value([0.2] * 6 + [-0.2] * (falls - 1)) > LEVEL


def test_beside_hundreds_of_rises_the_least_drop_is_as_beside_fewer() -> None:
    for risen in (299, 301):
        noise = [0.5] * risen + [-0.5] * risen + [0.0] * 2_000
        falls = round((least_drop(noise) * len(noise) + 0.5 * risen) / 0.5)
        assert fall_p_value([0.5] * risen + [-0.5] * (falls + 3)) <= LEVEL
        assert fall_p_value([0.5] * risen + [-0.5] * (falls - 3)) > LEVEL


def test_where_nearly_all_rose_the_least_drop_is_that_of_the_noise() -> None:
    differences = [1.0] * 6 + [-1.0] * 2
    assert least_drop(differences) == pytest.approx(1.96 * math.sqrt(8) / 8, rel=1e-4)


# How often no change is taken for a drop


def flipped(rate: float, trials: int) -> Callable[[random.Random], float]:
    def draw(dice: random.Random) -> float:
        return sum(dice.random() < rate for _ in range(trials)) / trials

    return draw


@pytest.mark.unmeasured("it takes long")
@pytest.mark.parametrize("cases", [12, 60])
@pytest.mark.parametrize("trials", [1, 5])
def test_no_change_is_seldom_taken_for_a_drop(cases: int, trials: int) -> None:
    dice = random.Random(20)  # noqa: S311 # its dice are no key
    drops = 0
    for _ in range(600):
        draws = [flipped(dice.betavariate(2, 1), trials) for _ in range(cases)]
        before, after = ([draw(dice) for draw in draws] for _ in range(2))
        differences = [new - old for old, new in zip(before, after, strict=True)]
        _, high = share_interval(before, after)
        drops += fall_p_value(differences) <= LEVEL and high < 0
    # three standard errors above 2.5%
    assert drops / 600 < LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / 600)


@pytest.mark.unmeasured("it takes long")
@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", range(4))
def test_100_000_pairs_are_judged_quickly(kind: int) -> None:
    dice = random.Random(kind)  # noqa: S311 # its dice are no key
    draws = (
        lambda: float(dice.random() < 0.5),
        lambda: dice.randrange(6) / 5,
        dice.random,
        lambda: dice.random() * 1000,
    )
    before, after = ([draws[kind]() for _ in range(100_000)] for _ in range(2))
    assert paired_change(before, after).pairs == 100_000
