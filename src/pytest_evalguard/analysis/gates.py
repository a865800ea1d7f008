"""Gates: demands on a session's figures that decide whether it may pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..config.checks import Limit
from ..config.settings import Settings
from ..model.bounds import reaches
from ..model.text import counted
from ..model.values import clean_text
from ..storage.session import Gate
from .comparison import FEWEST, Comparison
from .paired import PairedChange
from .totals import Mean, Totals, rate_text

_MOST = 12  # digits after the point


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
    return replace(gate, limit=_covering(gate.limit, wanted), passed=False)


def _covering(limit: str, share: float) -> str:
    cases = f"{share * 100:.12g}% of the cases (evalguard_min_coverage)"
    return f"{limit} in at least {cases}"


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
        shown, most = value * self._scale, round(limit * self._scale, _MOST)
        enough = (n for n in range(self._digits, _MOST) if round(shown, n) > most)
        return f"{shown:.{next(enough, _MOST)}f}{self._unit}"


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


CHECKS: Mapping[str, Callable[[Any, Figures], Iterator[Gate]]] = {
    "min_pass_rate": _pass_rates,
    "min_score": _scores,
    "max_regressions": _regressions,
    "max_drop": _drops,
}
"""What checks each setting that is a gate, by its name."""
