"""Means, quantiles, how far pass rates can be trusted, and what is more than noise.

Intervals are two-sided 95% ones. Sums are rounded once, by `math.fsum`, so that neither
the order of the input nor the version of Python changes a figure.

In two sessions, the same cases are the units; the value of one is its share of passed
trials, its score or its metric. A change counts where two methods agree: the sign-flip
test, which keeps its level whatever the values are and however few, and a 95% interval.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from ..model.figures import Finite, Share, exact_mean

Z = 1.959963984540054
"""Of a standard normal variable 97.5% are below this."""


class Mean:
    """A mean whose sum is exact, so that the order of cases changes nothing.

    Quantiles are those of the same values.
    """

    def __init__(self) -> None:
        self._values = array("d")

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self._values)

    def add(self, value: float) -> None:
        self._values.append(value)

    @property
    def total(self) -> float:
        """The sum of the values, infinite where no float is as large."""
        try:
            return math.fsum(self._values)
        except OverflowError:
            return math.inf

    @property
    def value(self) -> float | None:
        return exact_mean(self._values) if self.count else None

    def quantile(self, share: float) -> float | None:
        """Return a quantile by the nearest-rank method, None without values."""
        if not self._values:
            return None
        rank = math.ceil(round(share * self.count, 6))  # 0.07 * 100 is above 7
        return sorted(self._values)[max(0, rank - 1)]

    def histogram(self, bins: int) -> list[int]:
        """Return how many values, 0..1, are in each part; 1 is in the last."""
        counts = [0] * bins
        for value in self._values:
            counts[min(bins - 1, max(0, int(value * bins + 1e-9)))] += 1
        return counts


def wilson(passed: int, total: int) -> tuple[float, float]:
    """Return the score interval of a pass rate, of a `total` of at least 1.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.
    """
    return score_interval(passed / total, total)


def score_interval(rate: float, size: float) -> tuple[float, float]:
    """Return the score interval of a rate, 0..1, as if of `size` trials."""
    shrinkage = 1 + Z**2 / size
    centre = (rate + Z**2 / (2 * size)) / shrinkage
    half = Z / shrinkage * math.sqrt(rate * (1 - rate) / size + (Z / (2 * size)) ** 2)
    return max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half))


def variance_of_mean(values: Sequence[float], mean: float) -> float:
    """Return the estimated variance of the mean of at least two values."""
    squares = math.fsum((value - mean) ** 2 for value in values)
    return squares / (len(values) - 1) / len(values)


def all_pass_rate(
    passed_of: Sequence[tuple[int, int]], n: int
) -> tuple[float, float, float]:
    """Return pass^n, the chance that `n` trials of a case all pass, and its interval.

    Of each case C(passed, n) / C(trials, n) (Yao et al. 2024, arXiv:2406.12045), or of
    all its trials where it has fewer; then the mean over cases. The interval is that of
    Wilson, with an effective sample size (Korn & Graubard, Survey Methodology 24 (1998)
    193-201) of at least the number of cases. It is that number, a case counting as one
    trial, with a single case, when all pass or none, and when `n` is all their trials.
    """
    sizes = [min(n, trials) for _, trials in passed_of]
    cases = list(zip(passed_of, sizes, strict=True))
    rates = [math.comb(k, size) / math.comb(of, size) for (k, of), size in cases]
    mean = math.fsum(rates) / len(rates)
    groups = sum(trials // size for (_, trials), size in cases)
    return mean, *score_interval(mean, _effective_size(rates, mean, groups))


def _effective_size(rates: Sequence[float], mean: float, trials: int) -> float:
    """Return how many independent trials tell as much as these cases do."""
    cases = len(rates)
    if cases == 1 or mean in (0, 1):
        return cases
    spread = mean * (1 - mean)
    size = spread / max(variance_of_mean(rates, mean), spread / trials)
    return max(cases, size * (t_quantile(trials - 1) / t_quantile(cases - 1)) ** 2)


def t_quantile(freedom: int) -> float:
    """Return the 97.5% quantile of Student's t, by Wallace's approximation.

    Ann. Math. Stat. 30 (1959) 1121-1130: too large by 39, 4, 1 and 0.5% with 1 to 4
    degrees of freedom, never too small.
    """
    z = Z * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(z**2 / freedom))


# The same cases in two sessions

LEVEL = 0.025
"""How often no true change is taken for a drop, at most; for a rise it is the same."""

FEWEST = 6
"""Fewest pairs from which a difference is judged: five can't tell."""

_STEPS = 5040  # that the largest difference has: halves to tenths are whole numbers
_MANY = 300
_MOST_BITS = 200_000_000  # that the counting may move: some 30 ms


@dataclass(frozen=True)
class PairedChange:
    """The change of a mean over pairs, with its 95% interval.

    `p_value` is the two-sided one of the sign-flip test; `least_drop` is about
    the smallest drop that would have counted.
    """

    pairs: int
    change: Finite
    low: Finite
    high: Finite
    p_value: Share
    least_drop: Finite

    @property
    def is_noise(self) -> bool:
        """Whether it is no more than noise: its interval holds 0."""
        return self.low <= 0 <= self.high


def paired_change(before: Sequence[float], after: Sequence[float]) -> PairedChange:
    """Return the change from `before` to `after`, of at least two pairs.

    The interval is widened to hold 0 where the test does not reject that.
    """
    differences = [new - old for old, new in zip(before, after, strict=True)]
    fall = fall_p_value(differences)
    rise = fall_p_value([-each for each in differences])
    are_shares = all(0 <= each <= 1 for each in (*before, *after))
    interval = share_interval(before, after) if are_shares else t_interval(differences)
    low, high = interval
    return PairedChange(
        pairs=len(differences),
        change=math.fsum(differences) / len(differences),
        low=low if rise <= LEVEL else min(low, 0.0),
        high=high if fall <= LEVEL else max(high, 0.0),
        p_value=min(1.0, 2 * min(fall, rise)),
        least_drop=least_drop(differences),
    )


class PairedValues:
    """The values of a figure before and after, pair by pair."""

    def __init__(self) -> None:
        self.before: list[float] = []
        self.after: list[float] = []

    def add(self, before: float, after: float) -> None:
        self.before.append(before)
        self.after.append(after)

    def __len__(self) -> int:
        return len(self.before)

    @property
    def change(self) -> PairedChange | None:
        """The change of its mean, None where there are too few pairs."""
        if len(self.before) < FEWEST:
            return None
        return paired_change(self.before, self.after)


def fall_p_value(differences: Sequence[float]) -> float:
    """Return how likely a fall as large is if each difference has a random sign.

    The sign-flip test: Fisher, The Design of Experiments (1935), section 21; of
    outcomes it is the exact test of McNemar, Psychometrika 12 (1947) 153-157. Counted
    exactly as by Pagano & Tritchler, J. Am. Stat. Assoc. 78 (1983) 435-440, the
    differences rounded to 1/5040 of the largest; by the normal approximation where
    hundreds of cases changed.
    """
    largest = max(map(abs, differences), default=0.0)
    if not largest:
        return 1.0
    steps = [round(each / largest * _STEPS) for each in differences]
    unit = math.gcd(*steps)
    sizes = sorted(abs(each) // unit for each in steps if each)
    risen = sum(each for each in steps if each > 0) // unit
    if len(sizes) ** 2 * (risen + 1) > _MOST_BITS:
        distance = (
            2 * risen - sum(sizes) + 1
        )  # halfway to the next sum that is possible
        spread = math.sqrt(sum(each * each for each in sizes))
        return math.erfc(-distance / spread / math.sqrt(2)) / 2
    return _ways_up_to(risen, sizes) / (1 << len(sizes))


def _ways_up_to(most: int, sizes: Sequence[int]) -> int:
    """Return how many subsets of `sizes` have a sum of at most `most`.

    One number holds the count of each sum, each in as many bits as all may need.
    """
    width = len(sizes) + 1
    is_wanted = (1 << (most + 1) * width) - 1
    ways = 1
    for size in sizes:
        if size > most:
            break
        ways = (ways + (ways << size * width)) & is_wanted
    return ways % ((1 << width) - 1)  # the sum of its digits


def least_drop(differences: Sequence[float]) -> float:
    """Return about the smallest drop that would have counted.

    What rose stays as it is, and falls of the size that was seen are added to it (of 1
    where nothing changed) until the test rejects; where so many cases rose that this
    leads nowhere, the drop is as large as the noise of all differences wants it.
    """
    risen = [each for each in differences if each > 0]
    seen = [-each for each in differences if each < 0] or risen or [1.0]
    size, others = math.fsum(seen) / len(seen), len(differences) - len(risen)
    count = _falls_needed(risen, size, others)
    if count > others:
        squares = math.fsum(each * each for each in differences)
        return Z * math.sqrt(squares) / len(differences)
    return (count * size - math.fsum(risen)) / len(differences)


def _falls_needed(risen: Sequence[float], size: float, most: int) -> float:
    """Return how many falls of a size count beside what rose, more than `most` if none.

    Beside hundreds it is the root of the normal approximation.
    """
    if len(risen) > _MANY:
        squares = math.fsum(each * each for each in risen)
        total, half = math.fsum(risen) / size, Z**2 / 2
        return (
            total + half + math.sqrt(2 * half * (total + half / 2 + squares / size**2))
        )
    low, high = 0, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        is_counted = fall_p_value([*risen, *[-size] * middle]) <= LEVEL
        low, high = (low, middle) if is_counted else (middle, high)
    return high


def share_interval(
    before: Sequence[float], after: Sequence[float]
) -> tuple[float, float]:
    """Return the interval of a change of shares, 0..1.

    Of outcomes that of Newcombe, Statistics in Medicine 17 (1998) 2635-2650, method 10;
    of other shares the same with the interval of a mean in place of that of a rate, as
    Zou & Donner, Statistics in Medicine 27 (2008) 1693-1702, join any two.
    """
    (old, old_low, old_high), (new, new_low, new_high) = map(_of_mean, (before, after))
    alike = _correlation(before, after)
    down = _joined(new - new_low, old_high - old, alike)
    up = _joined(new_high - new, old - old_low, alike)
    return new - old - down, new - old + up


def _of_mean(values: Sequence[float]) -> tuple[float, float, float]:
    """Return a mean of shares and its interval, by how many rates tell as much."""
    count, mean = len(values), min(1.0, math.fsum(values) / len(values))
    size, spread = float(count), mean * (1 - mean)
    if spread:
        variance = variance_of_mean(values, mean) * (t_quantile(count - 1) / Z) ** 2
        size = max(size, spread / max(variance, spread * 1e-12))
    return mean, *score_interval(mean, size)


def _joined(one: float, other: float, alike: float) -> float:
    return math.sqrt(max(0.0, one**2 - 2 * alike * one * other + other**2))


def _correlation(before: Sequence[float], after: Sequence[float]) -> float:
    """Return how alike the values of a pair are, of outcomes corrected downwards."""
    count = len(before)
    old, new = (math.fsum(each) / count for each in (before, after))
    both = math.fsum((a - old) * (b - new) for a, b in zip(before, after, strict=True))
    if both > 0 and {*before, *after} <= {0, 1}:
        both = max(0.0, both - 0.5)
    olds = math.fsum((each - old) ** 2 for each in before)
    squares = olds * math.fsum((each - new) ** 2 for each in after)
    return max(-1.0, min(1.0, both / math.sqrt(squares))) if squares else 0.0


def t_interval(differences: Sequence[float]) -> tuple[float, float]:
    """Return the interval of the mean of at least two differences, by Student's t."""
    mean = math.fsum(differences) / len(differences)
    variance = variance_of_mean(differences, mean)
    half = t_quantile(len(differences) - 1) * math.sqrt(variance)
    return mean - half, mean + half
