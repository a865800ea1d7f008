"""How far pass rates and differences of scores can be trusted.

Intervals are two-sided 95% ones. Sums are rounded once, by `math.fsum`, so that neither
the order of the input nor the version of Python changes a figure.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

MOST_RESAMPLED = 1_000
"""Most differences that are resampled: about a third of a second."""

_Z = 1.959963984540054  # of a standard normal variable, 97.5% are below it
_RESAMPLES = 1_999
_RANK = 50  # 2.5% of _RESAMPLES + 1 (Davison & Hinkley 1997, 5.2.1)


def wilson(passed: int, total: int) -> tuple[float, float]:
    """Return the score interval of a pass rate, of a `total` of at least 1.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.
    """
    return _score_interval(passed / total, total)


def _score_interval(rate: float, size: float) -> tuple[float, float]:
    shrinkage = 1 + _Z**2 / size
    centre = (rate + _Z**2 / (2 * size)) / shrinkage
    half = _Z / shrinkage * math.sqrt(rate * (1 - rate) / size + (_Z / (2 * size)) ** 2)
    return max(0.0, min(rate, centre - half)), min(1.0, max(rate, centre + half))


def mcnemar(fixed: int, regressed: int) -> float:
    """Return the exact two-sided p-value of two counts that should be alike.

    McNemar, Psychometrika 12 (1947) 153-157, in its exact conditional form (Fagerland,
    Lydersen & Laake, BMC Med. Res. Methodol. 13:91 (2013)): twice the smaller tail of
    the binomial distribution with 1/2, at most 1. What is below 1e-300 may be 0.
    """
    total, fewer = fixed + regressed, min(fixed, regressed)
    term, lower_half, tail = 1.0, 0.0, 0.0  # as multiples of the middle term
    for count in range(total // 2, -1, -1):
        lower_half += term
        if count <= fewer:
            tail += term
        term *= count / (total - count + 1)
    middle = 1 - total % 2  # an even total has one term that both halves share
    return min(1.0, 2 * tail / (2 * lower_half - middle))


def bootstrap_mean(differences: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Return the interval of the mean of at least one paired difference.

    Percentile bootstrap (Efron & Tibshirani 1993, 13.3), too narrow for fewer than some
    ten; above `MOST_RESAMPLED` the normal interval that it tends to.
    """
    ordered = sorted(differences)
    if len(ordered) > MOST_RESAMPLED:
        return _normal_interval(ordered)
    # random() alone is promised to stay the same in all versions of Python
    draw = random.Random(seed).random  # noqa: S311 # its dice are no key
    means = sorted(_resampled_mean(ordered, draw) for _ in range(_RESAMPLES))
    return means[_RANK - 1], means[-_RANK]


def _resampled_mean(values: Sequence[float], draw: Callable[[], float]) -> float:
    size = len(values)
    return math.fsum([values[int(draw() * size)] for _ in range(size)]) / size


def _normal_interval(values: Sequence[float]) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    half = _Z * math.sqrt(_variance_of_mean(values, mean))
    return mean - half, mean + half


def _variance_of_mean(values: Sequence[float], mean: float) -> float:
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
    return mean, *_score_interval(mean, _effective_size(rates, mean, groups))


def _effective_size(rates: Sequence[float], mean: float, trials: int) -> float:
    """Return how many independent trials tell as much as these cases do."""
    cases = len(rates)
    if cases == 1 or mean in (0, 1):
        return cases
    spread = mean * (1 - mean)
    size = spread / max(_variance_of_mean(rates, mean), spread / trials)
    return max(cases, size * (_t(trials - 1) / _t(cases - 1)) ** 2)


def _t(freedom: int) -> float:
    """Return the 97.5% quantile of Student's t, by Wallace's approximation.

    Ann. Math. Stat. 30 (1959) 1121-1130: too large by 39, 4, 1 and 0.5% with 1 to 4
    degrees of freedom, never too small.
    """
    z = _Z * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(z**2 / freedom))
