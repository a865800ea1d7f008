"""Gates: demands on a session's figures that decide whether it may pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..config.checks import LatencyLimit, Limit, MetricLimit
from ..config.settings import Settings
from ..model.figures import Bound, Metric, reaches
from ..model.text import counted, number_text
from ..model.values import clean_text
from ..storage.session import Gate
from .comparison import Comparison
from .groups import Group
from .statistics import FEWEST, Mean, PairedChange
from .totals import Totals, metric_values, rate_text

_NAMED = 10
_DIGITS = 12
_MS, _USD = "{} ms", "${}"
_NO_RESULTS = "there are no results"


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


def gated_groups(
    settings: Settings, clean: Callable[[str], str] = str
) -> tuple[Group, ...]:
    """Return the groups of cases that gates are on, which `Totals` must count.

    :param clean: as for `check_gates`.
    """
    limits = _cleaned(settings.min_pass_rate, clean)
    return tuple(Group.of(each.name) for each in limits if each.name is not None)


def _cleaned(wanted: Any, clean: Callable[[str], str]) -> Any:
    if not isinstance(wanted, tuple):
        return wanted
    return tuple(
        each._replace(name=clean(clean_text(name)))
        if (name := getattr(each, "name", None))
        else each
        for each in wanted
    )


def _pass_rates(limits: Sequence[Limit], figures: Figures) -> Iterator[Gate]:
    return (_pass_rate(limit, figures.totals) for limit in limits)


def _scores(limits: Sequence[Limit], figures: Figures) -> Iterator[Gate]:
    for limit in limits:
        named = _named_score if limit.name is not None else _overall_score
        yield named(limit, figures)


def _pass_rate(limit: Limit, totals: Totals) -> Gate:
    passed, rows, errors = totals.passed, totals.rows, totals.outcomes["error"]
    name, nothing = "pass rate", _NO_RESULTS
    if limit.name is not None:
        group = totals.groups[Group.of(limit.name)]
        passed, rows, errors = group.passed, group.rows, group.errors
        name, nothing = f"pass rate of {limit.name}", group.nothing
    wanted = f"at least {limit.least * 100:.12g}%"
    if not rows:
        return Gate(name, nothing, wanted, passed=False)
    bound = Bound("at least", limit.least)
    figure = rate_text(passed, rows, bound.digits(passed / rows, 3) - 2, errors)
    return Gate(name, figure, wanted, bound.holds(passed / rows))


def _overall_score(limit: Limit, figures: Figures) -> Gate:
    name, mean = "mean score", figures.totals.score
    if mean.value is None:
        return Gate(name, _NO_RESULTS, _least(limit), passed=False)
    return _mean(name, mean.value, counted(mean.count, "case"), limit)


def _named_score(limit: Limit, figures: Figures) -> Gate:
    """Return the gate on a named score; too few that have it say little of the rest."""
    totals, scorer = figures.totals, str(limit.name)
    name, value = f"mean score {scorer}", totals.scorers.get(scorer, Mean()).value
    if value is None:
        return Gate(name, "no result has this score", _least(limit), passed=False)
    covered, rows = totals.covered[scorer], totals.rows_without_error
    gate = _mean(name, value, _part(covered, rows), limit)
    return _if_covered(gate, covered, rows, figures.min_coverage)


def _part(count: int, rows: int) -> str:
    """Return of how many cases a figure is, and of how many where not of all."""
    cases = counted(rows, "case")
    return cases if count == rows else f"{count:,} of {cases}"


def _if_covered(gate: Gate, covered: int, rows: int, share: float) -> Gate:
    """Return a gate, not met where fewer than that share of rows have its figure."""
    if reaches(covered / rows if rows else 0.0, share):
        return gate
    return replace(gate, limit=_covering(gate.limit, share), passed=False)


def _covering(limit: str, share: float) -> str:
    cases = f"{share * 100:.12g}% of the cases (evalguard_min_coverage)"
    return f"{limit} in at least {cases}"


def _mean(name: str, value: float, cases: str, limit: Limit) -> Gate:
    bound = Bound("at least", limit.least)
    figure = f"{value:.{bound.digits(value, 3)}f} ({cases})"
    return Gate(name, figure, _least(limit), bound.holds(value))


def _least(limit: Limit) -> str:
    return f"at least {limit.least:.12g}"


def _regressions(most: int, figures: Figures) -> Iterator[Gate]:
    comparison = figures.comparison
    if comparison is None:
        return
    regressed = len(comparison.regressed)
    is_met = comparison.paired > 0 and regressed <= most
    figure = f"{regressed:,} of {_compared(comparison)}"
    if not comparison.paired:
        figure = _nothing_in_both(comparison)
    yield Gate("regressions", figure, f"at most {most:,}", is_met)


def _drops(limits: Sequence[Limit], figures: Figures) -> Iterator[Gate]:
    if figures.comparison is not None:
        for limit in limits:
            yield _drop(limit, figures.comparison, figures.min_coverage)


def _drop(limit: Limit, comparison: Comparison, min_coverage: float) -> Gate:
    """Return the gate on a drop: not met where it is too large and more than noise."""
    change, pairs = comparison.change_of(limit.name)
    wanted = f"at most {_Amounts(limit.name).exact(limit.least)}"
    gate = Gate(f"drop in {limit.name or 'pass rate'}", "", wanted, passed=False)
    if not pairs:
        return replace(gate, figure=_nothing_in_both(comparison))
    cases = counted(comparison.paired, "case")
    if not reaches(pairs / comparison.paired, min_coverage):
        figure = f"{pairs:,} of {cases} in both have it"
        return replace(gate, figure=figure, limit=_covering(wanted, min_coverage))
    if change is None:
        figure = f"{counted(pairs, 'case')} in both, a drop shows from {FEWEST} on"
        return replace(gate, figure=figure, passed=True)
    is_small = reaches(limit.least, -change.change)
    figure = _drop_text(change, limit, is_small)
    return replace(gate, figure=figure, passed=is_small or change.is_noise)


class _Amounts:
    """Says drops as a person does: those of the pass rate in points."""

    def __init__(self, name: str | None) -> None:
        self._scale, self._unit = (100, " points") if name is None else (1, "")
        self._digits = 1 if name is None else 3

    def exact(self, value: float) -> str:
        return f"{value * self._scale:.12g}{self._unit}"

    def rounded(self, value: float) -> str:
        return f"{self.number(value)}{self._unit}"

    def number(self, value: float) -> str:
        return f"{round(value * self._scale, self._digits) + 0.0:.{self._digits}f}"

    def above(self, value: float, limit: float) -> str:
        """Return a value with as many digits as show that it is above its limit."""
        shown, bound = value * self._scale, Bound("at most", limit * self._scale)
        return f"{shown:.{bound.digits(shown, self._digits)}f}{self._unit}"


def _nothing_in_both(comparison: Comparison) -> str:
    if not comparison.in_both:
        return "no case is in both sessions"
    if not comparison.paired:
        return "no case in both can be compared"
    names = ", ".join(comparison.named_pairs) or "no named score"
    return f"no case has this score in both sessions, there is {names}"


def _drop_text(change: PairedChange, limit: Limit, is_small: bool) -> str:
    """Return a drop, how far it can be trusted, and which one would have counted."""
    amounts, drop = _Amounts(limit.name), -change.change
    least = amounts.rounded(change.least_drop)
    shows = f"with these {change.pairs:,} cases a drop shows from about {least} on"
    if drop < 0:
        return f"none, up {amounts.rounded(-drop)}; {shows}"
    figure = amounts.rounded(drop) if is_small else amounts.above(drop, limit.least)
    low, high = amounts.number(-change.high), amounts.number(-change.low)
    verdict = "no more than noise" if change.is_noise else "more than noise"
    return f"{figure}, 95% interval {low} to {high}, {verdict}; {shows}"


def _compared(comparison: Comparison) -> str:
    """Return how many cases were compared, and of how many where not of all."""
    cases = counted(comparison.paired, "case")
    if comparison.paired == comparison.before:
        return cases
    few = ", only a few" if comparison.is_of_few else ""
    return f"{cases} compared{few} of the baseline's {comparison.before:,}"


def _least_metrics(limits: Sequence[MetricLimit], figures: Figures) -> Iterator[Gate]:
    for limit in limits:
        yield _metric(limit.name, Bound("at least", limit.bound), figures)


def _most_metrics(limits: Sequence[MetricLimit], figures: Figures) -> Iterator[Gate]:
    for limit in limits:
        yield _metric(limit.name, Bound("at most", limit.bound), figures)


def _metric(name: str, bound: Bound, figures: Figures) -> Gate:
    """Return the gate on a metric of the session, or on the mean of one of cases."""
    wanted = f"{bound.side} {number_text(bound.limit, _DIGITS)}"
    gate = Gate(f"metric {name}", "", wanted, passed=False)
    for each in figures.metrics:
        if each.name == name:
            figure = f"{_shown(each.value, bound)} (of the session)"
            return replace(gate, figure=figure, passed=bound.holds(each.value))
    mean = figures.totals.metrics.get(name, Mean()).value
    if mean is None:
        return replace(gate, figure=f"no such metric ({_known_metrics(figures)})")
    covered = figures.totals.covered_metrics[name]
    rows = figures.totals.rows_without_error
    figure = f"{_shown(mean, bound)} (mean of {_part(covered, rows)})"
    gate = replace(gate, figure=figure, passed=bound.holds(mean))
    return _if_covered(gate, covered, rows, figures.min_coverage)


def _known_metrics(figures: Figures) -> str:
    known = sorted(metric_values(figures.metrics, figures.totals))
    if not known:
        return "there is none"
    more = f" and {len(known) - _NAMED:,} more" if len(known) > _NAMED else ""
    return f"there are: {', '.join(known[:_NAMED])}{more}"


def _shown(value: float, bound: Bound) -> str:
    digits = bound.digits(value, 4, lambda number, n: float(f"{number:.{n}g}"))
    return number_text(value, digits)


def _errors(most: int, figures: Figures) -> Iterator[Gate]:
    totals, wanted = figures.totals, f"at most {most:,}"
    if not totals.rows:
        yield Gate("errors", _NO_RESULTS, wanted, passed=False)
        return
    errors = totals.outcomes["error"]
    figure = f"{errors:,} of {counted(totals.rows, 'case')}"
    yield Gate("errors", figure, wanted, errors <= most)


def _latencies(limits: Sequence[LatencyLimit], figures: Figures) -> Iterator[Gate]:
    totals = figures.totals
    for limit in limits:
        name = f"latency p{limit.percent:g}"
        value = totals.latency(limit.percent / 100)
        if value is None:
            wanted = f"at most {_MS.format(f'{limit.most:,.12g}')}"
            yield Gate(name, _NO_RESULTS, wanted, passed=False)
        else:
            gate = _at_most(name, value, limit.most, _MS, 0 if value >= 100 else 1)
            yield _over(gate, counted(totals.rows, "case"))


def _cost(most: float, figures: Figures) -> Iterator[Gate]:
    totals = figures.totals
    if not totals.costs.count:
        wanted = f"at most {_USD.format(f'{most:,.12g}')}"
        yield Gate("cost", "no case recorded a cost", wanted, passed=False)
        return
    gate = _at_most("cost", totals.cost_usd, most, _USD, 4)
    yield _over(gate, _part(totals.costs.count, totals.rows))


def _at_most(name: str, value: float, most: float, unit: str, fewest: int) -> Gate:
    """Return the gate on a figure, with at least `fewest` digits after its point."""
    bound = Bound("at most", most)
    figure = unit.format(f"{value:,.{bound.digits(value, fewest)}f}")
    wanted = f"{bound.side} {unit.format(f'{most:,.{_DIGITS}g}')}"
    return Gate(name, figure, wanted, bound.holds(value))


def _over(gate: Gate, cases: str) -> Gate:
    return replace(gate, figure=f"{gate.figure} ({cases})")


def _tokens(most: int, figures: Figures) -> Iterator[Gate]:
    totals, wanted = figures.totals, f"at most {most:,}"
    if not totals.with_tokens:
        yield Gate("tokens", "no case recorded tokens", wanted, passed=False)
        return
    used = totals.prompt_tokens + totals.completion_tokens
    figure = f"{used:,} ({_part(totals.with_tokens, totals.rows)})"
    yield Gate("tokens", figure, wanted, used <= most)


CHECKS: Mapping[str, Callable[[Any, Figures], Iterator[Gate]]] = {
    "min_pass_rate": _pass_rates,
    "min_score": _scores,
    "max_regressions": _regressions,
    "min_metric": _least_metrics,
    "max_metric": _most_metrics,
    "max_errors": _errors,
    "max_latency": _latencies,
    "max_cost": _cost,
    "max_tokens": _tokens,
    "max_drop": _drops,
}
"""What checks each setting that is a gate, by its name."""
