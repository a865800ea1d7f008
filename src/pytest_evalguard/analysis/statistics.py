"""Means and quantiles, and how far pass rates can be trusted.

Intervals are two-sided 95% ones. Sums are rounded once, by `math.fsum`, so that neither
the order of the input nor the version of Python changes a figure.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from ..model.bounds import exact_mean

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
