"""Gates: demands on a session's figures that decide whether it may pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..config.checks import Limit, MetricLimit
from ..config.settings import Settings
from ..model.bounds import reaches
from ..model.metrics import Metric
from ..model.text import counted, number_text
from ..model.values import clean_text
from ..storage.session import Gate
from .comparison import Comparison
from .totals import Mean, Totals, metric_values, rate_text

_MOST = 12  # digits after the point
_NAMED = 10
_Side = Literal["at least", "at most"]


@dataclass(frozen=True)
class Figures:
    """What gates are held against.

    `comparison` is that with the baseline, None where there is none; `min_coverage` is
    the share of the cases, 0..1, that must have what a gate names. `metrics` are those
    of the session as a whole.
    """

    totals: Totals
    comparison: Comparison | None
    min_coverage: float
    metrics: Sequence[Metric] = ()


def check_gates(
    settings: Settings,
    totals: Totals,
    comparison: Comparison | None,
    clean: Callable[[str], str] = str,
    metrics: Sequence[Metric] = (),
) -> Iterator[Gate]:
    """Yield each gate that is set, met or not; one that no case has a part in is not.

    :param comparison: with the baseline, None where there is none yet.
    :param clean: applied to names of tags and scorers, as it was to those of cases.
    :param metrics: those of the session as a whole.
    """
    figures = Figures(totals, comparison, settings.min_coverage, metrics)
    for name, wanted in settings.gates.items():
        yield from CHECKS[name](_cleaned(wanted, clean), figures)


def _cleaned(wanted: Any, clean: Callable[[str], str]) -> Any:
    if not isinstance(wanted, tuple):
        return wanted
    names = [each.name and clean(clean_text(each.name)) for each in wanted]
    return tuple(e._replace(name=n) for e, n in zip(wanted, names, strict=True))


def _pass_rates(limits: Sequence[Limit], figures: Figures) -> Iterator[Gate]:
    return (_pass_rate(limit, figures.totals) for limit in limits)


def _scores(limits: Sequence[Limit], figures: Figures) -> Iterator[Gate]:
    for limit in limits:
        named = _named_score if limit.name is not None else _overall_score
        yield named(limit, figures)


def _pass_rate(limit: Limit, totals: Totals) -> Gate:
    passed, rows = totals.passed, totals.rows
    name, nothing = "pass rate", "there are no results"
    if limit.name is not None:
        passed, rows = totals.tags.get(limit.name, (0, 0))
        name, nothing = f"pass rate of {limit.name}", "no result has this tag"
    wanted = f"at least {limit.least * 100:.12g}%"
    if not rows:
        return Gate(name, nothing, wanted, passed=False)
    digits = _digits(passed / rows, limit, 3) - 2
    return Gate(
        name, rate_text(passed, rows, digits), wanted, _is_met(passed / rows, limit)
    )


def _overall_score(limit: Limit, figures: Figures) -> Gate:
    name, mean = "mean score", figures.totals.score
    if mean.value is None:
        return Gate(name, "there are no results", _least(limit), passed=False)
    return _mean(name, mean.value, counted(mean.count, "case"), limit)


def _named_score(limit: Limit, figures: Figures) -> Gate:
    """Return the gate on a named score; too few that have it say little of the rest."""
    totals, scorer = figures.totals, str(limit.name)
    name, value = f"mean score {scorer}", totals.scorers.get(scorer, Mean()).value
    if value is None:
        return Gate(name, "no result has this score", _least(limit), passed=False)
    covered, rows = totals.covered[scorer], totals.rows_without_error
    cases = counted(rows, "case")
    gate = _mean(
        name, value, cases if covered == rows else f"{covered:,} of {cases}", limit
    )
    wanted = figures.min_coverage
    if reaches(covered / rows if rows else 0.0, wanted):
        return gate
    return _uncovered(gate, wanted)


def _uncovered(gate: Gate, wanted: float) -> Gate:
    share = f"{wanted * 100:.12g}% of the cases (evalguard_min_coverage)"
    return replace(gate, limit=f"{gate.limit} in at least {share}", passed=False)


def _mean(name: str, value: float, cases: str, limit: Limit) -> Gate:
    digits = _digits(value, limit, 3)
    figure = f"{value:.{digits}f} ({cases})"
    return Gate(name, figure, _least(limit), _is_met(value, limit))


def _least(limit: Limit) -> str:
    return f"at least {limit.least:.12g}"


def _is_met(value: float, limit: Limit) -> bool:
    return reaches(value, limit.least)


def _digits(value: float, limit: Limit, fewest: int) -> int:
    """Return how many digits show that a figure misses its limit, if it does."""
    if _is_met(value, limit):
        return fewest
    enough = (n for n in range(fewest, _MOST) if round(value, n) < limit.least)
    return next(enough, _MOST)


def _regressions(most: int, figures: Figures) -> Iterator[Gate]:
    comparison = figures.comparison
    if comparison is None:
        return
    regressed = len(comparison.regressed)
    is_met = comparison.paired > 0 and regressed <= most
    figure = f"{regressed:,} of {_compared(comparison)}"
    if not comparison.paired:
        figure = "no case is in both sessions"
    yield Gate("regressions", figure, f"at most {most:,}", is_met)


def _compared(comparison: Comparison) -> str:
    """Return how many cases were compared, and of how many where not of all."""
    cases = counted(comparison.paired, "case")
    if comparison.paired == comparison.before:
        return cases
    few = ", only a few" if comparison.is_of_few else ""
    return f"{cases} compared{few} of the baseline's {comparison.before:,}"


def _least_metrics(limits: Sequence[MetricLimit], figures: Figures) -> Iterator[Gate]:
    return (_metric(limit, figures, "at least") for limit in limits)


def _most_metrics(limits: Sequence[MetricLimit], figures: Figures) -> Iterator[Gate]:
    return (_metric(limit, figures, "at most") for limit in limits)


def _metric(limit: MetricLimit, figures: Figures, side: _Side) -> Gate:
    """Return the gate on a metric of the session, or on the mean of one of cases."""
    wanted = f"{side} {number_text(limit.bound, _MOST)}"
    for each in figures.metrics:
        if each.name == limit.name:
            figure = f"{_shown(each.value, limit, side)} (of the session)"
            met = _keeps(each.value, limit, side)
            return Gate(f"metric {each.name}", figure, wanted, met)
    mean = figures.totals.metrics.get(limit.name)
    if mean is not None and mean.value is not None:
        return _metric_of_cases(limit, mean.value, figures, side, wanted)
    known = sorted(metric_values(figures.metrics, figures.totals))
    more = f" and {len(known) - _NAMED:,} more" if len(known) > _NAMED else ""
    there = (
        f"there are: {', '.join(known[:_NAMED])}{more}" if known else "there is none"
    )
    figure = f"no such metric ({there})"
    return Gate(f"metric {limit.name}", figure, wanted, passed=False)


def _metric_of_cases(
    limit: MetricLimit, value: float, figures: Figures, side: _Side, wanted: str
) -> Gate:
    covered = figures.totals.covered_metrics[limit.name]
    rows = figures.totals.rows_without_error
    cases = counted(rows, "case")
    of = cases if covered == rows else f"{covered:,} of {cases}"
    figure = f"{_shown(value, limit, side)} (mean of {of})"
    met = _keeps(value, limit, side)
    gate = Gate(f"metric {limit.name}", figure, wanted, met)
    is_covered = reaches(covered / rows if rows else 0.0, figures.min_coverage)
    return gate if is_covered else _uncovered(gate, figures.min_coverage)


def _keeps(value: float, limit: MetricLimit, side: _Side) -> bool:
    """Whether a metric is within its limit, but for what arithmetic takes from it."""
    if math.isclose(value, limit.bound, abs_tol=0 if limit.bound else 1e-12):
        return True
    return value > limit.bound if side == "at least" else value < limit.bound


def _shown(value: float, limit: MetricLimit, side: _Side) -> str:
    """Return a metric with as many digits as show on which side of its limit it is."""
    met = _keeps(value, limit, side)
    texts = [number_text(value, digits) for digits in range(4, _MOST)]
    shown = (t for t in texts if _keeps(float(t.replace(",", "")), limit, side) is met)
    return next(shown, texts[-1])


CHECKS: Mapping[str, Callable[[Any, Figures], Iterator[Gate]]] = {
    "min_pass_rate": _pass_rates,
    "min_score": _scores,
    "max_regressions": _regressions,
    "min_metric": _least_metrics,
    "max_metric": _most_metrics,
}
"""What checks each setting that is a gate, by its name."""
