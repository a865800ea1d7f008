"""What a comparison with a baseline says, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.comparison import MOVED, Comparison
from ..analysis.statistics import FEWEST, PairedChange
from ..model.text import counted, number_text

_COMMIT = 10
_MOST_SCORES = 10
_PART = 0.5
_IN_BOTH = "in both"


def origin_text(comparison: Comparison) -> str:
    """Return what the baseline is called, how old it is, and of which commit."""
    facts = []
    if comparison.age_days is not None:
        what = "blessed" if comparison.is_blessed else "recorded"
        days = counted(comparison.age_days, "day")
        facts.append(f"{what} {days} ago" if comparison.age_days else f"{what} today")
    if comparison.commit is not None:
        facts.append(f"at commit {comparison.commit[:_COMMIT]}")
    name = comparison.baseline
    return f"{name}, {', '.join(facts)}" if facts else name


def verdict_lines(comparison: Comparison) -> Iterator[str]:
    """Yield what changed, and whether it is more than noise, as sentences."""
    found = comparison
    for name, (old, new) in found.metadata.items():
        yield f"{name} {old} → {new}"
    yield from _doubts(found)
    counts = {
        "regressed": found.regressed,
        "fixed": found.fixed,
        "still failing": found.still_failing,
        "new": found.new,
        "gone": found.gone,
        f"moved in score by more than {MOVED:g}": found.moved,
    }
    yield ", ".join(f"{len(each):,} {name}" for name, each in counts.items())
    yield from _apart(found)
    if found.paired < FEWEST:
        yield f"too few cases to tell: {found.paired:,} in both, {FEWEST} are needed"
    yield from _changes(found)
    yield from _session_metrics(found)
    if found.usage:
        yield ", ".join(_usage_text(name, *each) for name, each in found.usage.items())


def _doubts(found: Comparison) -> Iterator[str]:
    rows = counted(found.before, "case")
    if found.is_of_another_suite:
        yield (
            f"of the baseline's {rows} only {found.paired:,} can be compared: is it"
            " from another suite?"
        )
    elif found.is_of_few:
        why = ": were tests renamed?" if found.gone else ""
        yield f"of the baseline's {rows} only {found.paired:,} can be compared{why}"
    elif found.before < found.after * _PART:
        yield (
            f"the baseline has {rows} and this session {found.after:,}: does it cover"
            " only part of the suite?"
        )


def _apart(found: Comparison) -> Iterator[str]:
    """Yield what is neither a regression nor a fix."""
    if found.weaker or found.stronger:
        yield (
            f"{len(found.weaker):,} weaker, {len(found.stronger):,} stronger: fewer or"
            " more of their trials passed"
        )
    if found.input_changed:
        count = f"{len(found.input_changed):,} input changed"
        yield f"{count}: another question or expected answer, not compared"
    if found.errors:
        yield f"{counted(len(found.errors), 'error')}, then or now: not compared"
    if found.renamed:
        yield f"{len(found.renamed):,} renamed: the same question under another name"
    if found.not_compared:
        yield f"{len(found.not_compared):,} not compared: skipped or not run now"


def _changes(found: Comparison) -> Iterator[str]:
    if found.pass_rate is not None:
        yield f"pass rate: {points_text(found.pass_rate, _IN_BOTH)}"
    if found.score is not None:
        yield f"mean score: {figures_text(found.score, _IN_BOTH)}"
    named = [*found.scores.items(), *found.metrics.items()]
    for name, change in named[:_MOST_SCORES]:
        yield f"{name}: {figures_text(change, _IN_BOTH)}"
    if len(named) > _MOST_SCORES:
        yield f"and {len(named) - _MOST_SCORES:,} more scores and metrics"


def _session_metrics(found: Comparison) -> Iterator[str]:
    for name, values in [*found.session_metrics.items()][:_MOST_SCORES]:
        yield f"{name}: {' → '.join(map(number_text, values))} (of the session)"


def points_text(change: PairedChange, pairs: str = "") -> str:
    """Return the change of a pass rate in points, and whether it is noise.

    :param pairs: what the pairs are called, if their number is to be told.
    """
    low, high = (f"{each * 100 + 0.0:+.1f}" for each in (change.low, change.high))
    figure = f"{change.change * 100 + 0.0:+.1f} points"
    return f"{figure}, 95% interval {low} to {high}, {_verdict(change, pairs)}"


def figures_text(change: PairedChange, pairs: str = "") -> str:
    """Return the change of a mean, and whether it is noise."""
    interval = f"95% interval {change.low + 0.0:+.3f} to {change.high + 0.0:+.3f}"
    return f"{change.change + 0.0:+.3f}, {interval}, {_verdict(change, pairs)}"


def _verdict(change: PairedChange, pairs: str) -> str:
    verdict = "no more than noise" if change.is_noise else "more than noise"
    cases = f", {counted(change.pairs, 'case')} {pairs}" if pairs else ""
    return f"{verdict} (p = {change.p_value:.3g}{cases})"


def _usage_text(name: str, before: float, after: float) -> str:
    if name == "cost_usd":
        return f"cost ${before:,.4f} → ${after:,.4f}"
    if name == "tokens":
        return f"tokens {before:,.0f} → {after:,.0f}"
    return f"mean latency {before:,.1f} → {after:,.1f} ms"
