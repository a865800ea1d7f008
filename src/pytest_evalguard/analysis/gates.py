"""Gates: demands on a session's figures that decide whether it may pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..config.checks import LatencyLimit, Limit
from ..config.settings import Settings
from ..model.bounds import reaches, stays_within
from ..model.text import counted
from ..model.values import clean_text
from ..storage.session import Gate
from .comparison import Comparison
from .groups import Group
from .totals import Mean, Totals, rate_text

_MOST = 12  # digits after the point
_MS, _USD = "{} ms", "${}"
_NO_RESULTS = "there are no results"


@dataclass(frozen=True)
class Figures:
    """What gates are held against.

    `comparison` is that with the baseline, None where there is none; `min_coverage` is
    the share of the cases, 0..1, that must have what a gate names.
    """

    totals: Totals
    comparison: Comparison | None
    min_coverage: float


def check_gates(
    settings: Settings,
    totals: Totals,
    comparison: Comparison | None,
    clean: Callable[[str], str] = str,
) -> Iterator[Gate]:
    """Yield each gate that is set, met or not; one that no case has a part in is not.

    :param comparison: with the baseline, None where there is none yet.
    :param clean: applied to names of tags and scorers, as it was to those of cases.
    """
    figures = Figures(totals, comparison, settings.min_coverage)
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
    is_met = reaches(passed / rows, limit.least)
    digits = _digits(passed / rows, 3, lambda shown: shown >= limit.least, is_met) - 2
    return Gate(name, rate_text(passed, rows, digits, errors), wanted, is_met)


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
    cases = counted(rows, "case")
    gate = _mean(
        name, value, cases if covered == rows else f"{covered:,} of {cases}", limit
    )
    wanted = figures.min_coverage
    if reaches(covered / rows if rows else 0.0, wanted):
        return gate
    share = f"{wanted * 100:.12g}% of the cases (evalguard_min_coverage)"
    return replace(gate, limit=f"{gate.limit} in at least {share}", passed=False)


def _mean(name: str, value: float, cases: str, limit: Limit) -> Gate:
    is_met = reaches(value, limit.least)
    digits = _digits(value, 3, lambda shown: shown >= limit.least, is_met)
    return Gate(name, f"{value:.{digits}f} ({cases})", _least(limit), is_met)


def _least(limit: Limit) -> str:
    return f"at least {limit.least:.12g}"


def _digits(
    value: float, fewest: int, keeps: Callable[[float], bool], is_met: bool
) -> int:
    """Return how many digits show a figure on the side of its limit where it is.

    :param keeps: whether a figure, as it is shown, is within the limit.
    """
    enough = (n for n in range(fewest, _MOST) if keeps(round(value, n)) is is_met)
    return next(enough, fewest if is_met else _MOST)


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
    yield _over(gate, _recorded_by(totals.costs.count, totals))


def _at_most(name: str, value: float, most: float, unit: str, fewest: int) -> Gate:
    """Return the gate on a figure, with at least `fewest` digits after its point."""
    is_met = stays_within(value, most)
    digits = _digits(value, fewest, lambda shown: shown <= most, is_met)
    figure, limit = unit.format(f"{value:,.{digits}f}"), unit.format(f"{most:,.12g}")
    return Gate(name, figure, f"at most {limit}", is_met)


def _over(gate: Gate, cases: str) -> Gate:
    return replace(gate, figure=f"{gate.figure} ({cases})")


def _tokens(most: int, figures: Figures) -> Iterator[Gate]:
    totals, wanted = figures.totals, f"at most {most:,}"
    if not totals.with_tokens:
        yield Gate("tokens", "no case recorded tokens", wanted, passed=False)
        return
    used = totals.prompt_tokens + totals.completion_tokens
    figure = f"{used:,} ({_recorded_by(totals.with_tokens, totals)})"
    yield Gate("tokens", figure, wanted, used <= most)


def _recorded_by(count: int, totals: Totals) -> str:
    cases = counted(totals.rows, "case")
    return cases if count == totals.rows else f"{count:,} of {cases}"


CHECKS: Mapping[str, Callable[[Any, Figures], Iterator[Gate]]] = {
    "min_pass_rate": _pass_rates,
    "min_score": _scores,
    "max_regressions": _regressions,
    "max_errors": _errors,
    "max_latency": _latencies,
    "max_cost": _cost,
    "max_tokens": _tokens,
}
"""What checks each setting that is a gate, by its name."""
