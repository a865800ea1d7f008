"""The figures of a session, added up as its cases arrive."""

from __future__ import annotations

import re
from bisect import insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from ..model.case import Case
from ..model.difference import aligned, first_difference, is_container
from ..model.figures import MAX_SHOWN, CaseNames, Metric
from ..model.outcome import PASSING, Outcome, info_of, letters_of
from ..model.text import shortened
from .groups import Group, GroupRate, groupings_of
from .statistics import Mean, wilson

_MAX_TEXT = 2_000
_MAX_JSON = 20_000  # whole, so that it is told by the keys that differ

# what pytest says of a test whose parametrize has no values, by the ini option
# empty_parameter_set_mark (get_empty_parameterset_mark in _pytest/mark/structures.py)
_WITHOUT_PARAMETERS = re.compile(r"(^Skipped: |\[NOTRUN\] )got empty parameter set")

_NOT_RUN: tuple[Outcome, ...] = ("skipped", "xfailed")


class Totals:
    """Counts, means and quantiles over cases, and the first ones that need a look.

    Latencies are in milliseconds, costs in US dollars; `trials` has of each case with
    trials how many passed and how many there are, without those that ended in an error.
    `covered` counts the rows without an error that have a named score, and
    `covered_metrics` those that have a metric.

    :param most: how many cases are kept of those that need a look.
    :param groups: those whose pass rates are wanted.
    :param group_by: keys of the groups that all figures are wanted of.
    """

    def __init__(
        self,
        most: int = MAX_SHOWN,
        groups: Iterable[Group] = (),
        group_by: Iterable[str] = (),
    ) -> None:
        self._most = most
        self.outcomes: Counter[Outcome] = Counter()
        self.flaky = CaseNames(most)
        self.silent = CaseNames(most)
        self.withheld = CaseNames(most)
        self.unscored = CaseNames(most)
        self.unended = CaseNames(most)
        self.without_parameters = CaseNames(most)
        self.failed: list[Case] = []
        self.score = Mean()
        self.scorers: dict[str, Mean] = {}
        self.covered: Counter[str] = Counter()
        self.groups = {group: GroupRate(group) for group in groups}
        self.groupings = groupings_of(group_by)
        self.trials: list[tuple[int, int]] = []
        self.unstable = CaseNames(most)
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.with_tokens = 0
        self.costs = Mean()
        self._latencies = Mean()
        self.metrics: dict[str, Mean] = {}
        self.covered_metrics: Counter[str] = Counter()

    @classmethod
    def of(
        cls,
        cases: Iterable[Case],
        most: int = MAX_SHOWN,
        groups: Iterable[Group] = (),
        group_by: Iterable[str] = (),
    ) -> Totals:
        """Return the totals over `cases`."""
        totals = cls(most, groups, group_by)
        for case in cases:
            totals.add(case)
        return totals

    def add(self, case: Case) -> None:
        """Count one case; scores, latency and tokens only of those with a row."""
        self.outcomes[case.outcome] += 1
        if case.flaky:
            self.flaky.add(case.nodeid)
        if case.silent:
            self.silent.add(case.nodeid)
        if case.outcome in _NOT_RUN and _WITHOUT_PARAMETERS.search(case.reason or ""):
            self.without_parameters.add(case.nodeid)
        if case.outcome == "not run" and case.test is not None:
            self.unended.add(case.nodeid)
        if case.withheld:
            _, colon, error = (case.reason or "").partition(": ")
            self.withheld.add(f"{case.nodeid}{colon}{error}")
        if not case.has_row:
            return
        if case.passed:
            if case.threshold is not None and not case.is_scored:
                self.unscored.add(case.nodeid)
        elif self._is_shown(case):
            insort(self.failed, _shortened(case), key=rank_of)
            del self.failed[self._most :]
        self.score.add(case.overall_score)
        for name, result in case.scores.items():
            if name not in self.scorers:
                self.scorers[name] = Mean()
            self.scorers[name].add(result.score)
            self.covered[name] += case.outcome != "error"
        for rate in self.groups.values():
            rate.add(case)
        for grouping in self.groupings:
            grouping.add(case)
        if case.trials:
            self._add_trials(case)
        prompt, completion = case.prompt_tokens, case.completion_tokens
        if prompt is not None or completion is not None:
            self.with_tokens += 1
            self.prompt_tokens += prompt or 0
            self.completion_tokens += completion or 0
        if case.cost_usd is not None:
            self.costs.add(case.cost_usd)
        self._latencies.add(case.latency_ms)
        for name, value in case.metrics.items():
            if name not in self.metrics:
                self.metrics[name] = Mean()
            self.metrics[name].add(value)
            self.covered_metrics[name] += case.outcome != "error"

    def _add_trials(self, case: Case) -> None:
        passed, trials = case.trials_passed, case.trials_decided
        if trials:
            self.trials.append((passed, trials))
        if 0 < passed < trials:
            letters = letters_of(each.outcome for each in case.trials)
            name = f"{letters} {passed} of {trials} {case.nodeid}"
            self.unstable.add(name, abs(passed / trials - 0.5))

    def _is_shown(self, case: Case) -> bool:
        is_full = len(self.failed) >= self._most
        return not is_full or rank_of(case) < rank_of(self.failed[-1])

    @property
    def rows(self) -> int:
        """How many cases have a row: all that are sent."""
        return self._latencies.count

    @property
    def rows_without_error(self) -> int:
        """How many cases have a row whose verdict was reached."""
        return self.rows - self.outcomes["error"]

    @property
    def passed(self) -> int:
        """How many rows passed: passed and xpassed."""
        return sum(self.outcomes[name] for name in PASSING)

    @property
    def hidden(self) -> int:
        """How many rows did not pass and are not among those that are shown."""
        return self.rows - self.passed - len(self.failed)

    @property
    def pass_rate(self) -> float | None:
        """Passed rows over all rows, 0..1; None without rows."""
        return self.passed / self.rows if self.rows else None

    @property
    def cost_usd(self) -> float:
        """What was recorded as cost, 0 where nothing was."""
        return self.costs.total

    def latency(self, quantile: float) -> float | None:
        """Return a quantile of the latencies by the nearest-rank method."""
        return self._latencies.quantile(quantile)


def rank_of(case: Case) -> tuple[int, str]:
    """Return what cases that did not pass are in the order of: the worst come first."""
    return -info_of(case.outcome).severity, case.nodeid


def metric_values(metrics: Iterable[Metric], totals: Totals) -> dict[str, float]:
    """Return the metrics of a session by name, and the means of those of its cases."""
    means = {name: each.value for name, each in totals.metrics.items()}
    known = {name: value for name, value in means.items() if value is not None}
    return known | {each.name: each.value for each in metrics}


def rate_text(passed: int, rows: int, digits: int = 1, errors: int = 0) -> str:
    """Return a pass rate with its counts and its 95% Wilson interval.

    :param digits: how many the percentage has after its point.
    :param errors: how many rows have no verdict; the rate without them is added.
    """
    rate = f"{passed / rows:.{digits}%} ({passed:,} of {rows:,})"
    text = f"{rate}, {_interval(passed, rows)}"
    if not errors:
        return text
    decided = rows - errors
    if not decided:
        return f"{text} (all are errors)"
    rate = f"{passed / decided:.{digits}%}, {passed:,} of {decided:,}"
    return f"{text} (without errors {rate}, {_interval(passed, decided)})"


def _interval(passed: int, rows: int) -> str:
    low, high = wilson(passed, rows)
    return f"95% interval {low:.1%} to {high:.1%}"


def _shortened(case: Case) -> Case:
    """Return a copy for a summary: nothing in it grows with what was recorded."""
    expected, actual = case.expected or "", case.actual or ""
    index = first_difference(expected, actual)
    is_json = is_container(expected) and is_container(actual)
    if not is_json or max(len(expected), len(actual)) > _MAX_JSON:
        expected, actual, _ = aligned(expected, actual, _MAX_TEXT)
    is_default = case.input == case.nodeid
    return replace(
        case,
        input=case.nodeid if is_default else shortened(case.input, _MAX_TEXT),
        expected=None if case.expected is None else expected,
        actual=None if case.actual is None else actual,
        differs_at=case.differs_at if index is None else case.differs_at or index + 1,
        metadata={},
        metrics={},
        findings=[],
        attempts=[],
        trials=[],
        params={},
        param_indices={},
    )
