"""Gates: demands on a session's figures that decide whether it may pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..config.checks import Limit
from ..config.settings import Settings
from ..model.figures import reaches
from ..model.text import counted
from ..model.values import clean_text
from ..storage.session import Gate
from .comparison import Comparison
from .totals import Mean, Totals, rate_text

_MOST = 12  # digits after the point


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
    for name, wanted in settings.gates.items():
        yield from CHECKS[name](_cleaned(wanted, clean), totals, comparison)


def _cleaned(wanted: Any, clean: Callable[[str], str]) -> Any:
    if not isinstance(wanted, tuple):
        return wanted
    names = [each.name and clean(clean_text(each.name)) for each in wanted]
    return tuple(e._replace(name=n) for e, n in zip(wanted, names, strict=True))


def _pass_rates(
    limits: Sequence[Limit], totals: Totals, _: Comparison | None
) -> Iterator[Gate]:
    return (_pass_rate(limit, totals) for limit in limits)


def _scores(
    limits: Sequence[Limit], totals: Totals, _: Comparison | None
) -> Iterator[Gate]:
    return (_score(limit, totals) for limit in limits)


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


def _score(limit: Limit, totals: Totals) -> Gate:
    mean, name, nothing = totals.score, "mean score", "there are no results"
    if limit.name is not None:
        mean = totals.scorers.get(limit.name, Mean())
        name, nothing = f"mean score {limit.name}", "no result has this score"
    value, wanted = mean.value, f"at least {limit.least:.12g}"
    if value is None:
        return Gate(name, nothing, wanted, passed=False)
    digits = _digits(value, limit, 3)
    figure = f"{value:.{digits}f} ({counted(mean.count, 'case')})"
    return Gate(name, figure, wanted, _is_met(value, limit))


def _is_met(value: float, limit: Limit) -> bool:
    return reaches(value, limit.least)


def _digits(value: float, limit: Limit, fewest: int) -> int:
    """Return how many digits show that a figure misses its limit, if it does."""
    if _is_met(value, limit):
        return fewest
    enough = (n for n in range(fewest, _MOST) if round(value, n) < limit.least)
    return next(enough, _MOST)


def _regressions(most: int, _: Totals, comparison: Comparison | None) -> Iterator[Gate]:
    if comparison is None:
        return
    regressed = len(comparison.regressed)
    figure = f"{regressed:,} of {counted(comparison.paired, 'case')}"
    if not comparison.paired:
        figure = "no case is in both sessions"
    is_met = comparison.paired > 0 and regressed <= most
    yield Gate("regressions", figure, f"at most {most:,}", is_met)


CHECKS: Mapping[str, Callable[[Any, Totals, Comparison | None], Iterator[Gate]]] = {
    "min_pass_rate": _pass_rates,
    "min_score": _scores,
    "max_regressions": _regressions,
}
"""What checks each setting that is a gate, by its name."""
