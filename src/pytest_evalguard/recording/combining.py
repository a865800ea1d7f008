"""Combines the trials of a case into one: k of n, means and sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import fsum
from typing import TypeVar

from ..model.case import Attempt, Case, ScorerResult
from ..model.data import MAX_TEXT
from ..model.outcome import PASSING, Outcome, letters_of, worst
from ..model.values import cut
from .mark import Plan

T = TypeVar("T", int, float)


def deciding_trial(outcomes: Sequence[Outcome], plan: Plan) -> int:
    """Return the index of the trial whose verdict is that of the case.

    It is the last one that passed, if enough did, else the first of the worst.
    """
    passed = [index for index, each in enumerate(outcomes) if each in PASSING]
    if len(passed) >= plan.require:
        return passed[-1]
    return worst(outcomes)


def verdict_line(outcomes: Sequence[Outcome], plan: Plan) -> str:
    """Return what decided a case: how many trials passed, how many had to."""
    passed = sum(each in PASSING for each in outcomes)
    letters = letters_of(outcomes)
    return (
        f"{passed} of {plan.trials} trials passed, {plan.require} required ({letters})"
    )


def combined(cases: Sequence[Case], plan: Plan, chosen_index: int) -> Case:
    """Return the case that trials add up to; each of them is kept in it.

    Scores and latency are means over the trials that tell something of the thing under
    test: not of those that were skipped or ended by an error. Tokens and cost are sums.
    """
    chosen = cases[chosen_index]
    passed = sum(case.passed for case in cases)
    reason = chosen.reason
    if chosen.has_row and not chosen.passed:
        reason = f"{passed} of {len(cases)} trials passed: {reason}"
    telling = [case for case in cases if case.outcome not in ("skipped", "error")]
    telling = telling or list(cases)
    return replace(
        chosen,
        actual=cases[-1].actual if chosen.passed else chosen.actual,
        reason=reason,
        score=_mean([case.overall_score for case in telling]),
        latency_ms=_mean([case.latency_ms for case in telling]),
        scores=_scores(cases, plan),
        prompt_tokens=total(*(case.prompt_tokens for case in cases)),
        completion_tokens=total(*(case.completion_tokens for case in cases)),
        cost_usd=total(*(case.cost_usd for case in cases)),
        trials=[as_trial(case, MAX_TEXT // len(cases)) for case in cases],
        require=plan.require,
    )


def as_trial(case: Case, longest: int = MAX_TEXT) -> Attempt:
    """Return what is kept of one trial, of its answer `longest` characters."""
    scores = {name: each.score for name, each in case.scores.items()}
    return Attempt(
        case.outcome,
        case.score,
        case.latency_ms,
        case.reason,
        actual=None if case.actual is None else cut(case.actual, longest),
        scores=scores or None,
    )


def _scores(cases: Sequence[Case], plan: Plan) -> dict[str, ScorerResult]:
    named: dict[str, list[ScorerResult]] = {}
    for case in cases:
        for name, result in case.scores.items():
            named.setdefault(name, []).append(result)
    return {name: _scorer(results, plan) for name, results in named.items()}


def _scorer(results: Sequence[ScorerResult], plan: Plan) -> ScorerResult:
    has_passed = sum(each.passed for each in results) >= plan.require
    reasons = (each.reason for each in results if each.passed == has_passed)
    mean = _mean([each.score for each in results])
    return ScorerResult(mean, has_passed, next(reasons, None))


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


def total(*values: T | None) -> T | None:
    """Return the sum of what is known, None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
