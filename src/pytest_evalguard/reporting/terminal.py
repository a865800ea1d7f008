"""The summary: what a session recorded and where it went, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..analysis.comparison import Comparison
from ..analysis.statistics import all_pass_rate
from ..analysis.totals import Totals, rank_of, rate_text
from ..errors import SessionError
from ..model.case import Case
from ..model.figures import MAX_SHOWN, CaseNames
from ..model.outcome import OUTCOMES
from ..model.text import (
    WIDTH,
    counted,
    display_path,
    dollars,
    field,
    hanging,
    labelled,
    name_list,
    printable,
    shortened,
)
from ..storage.resumed import Resumed, Spending
from ..storage.session import Gate, Session, SessionState, Shard
from .cases import WITH_VALUES, short_lines, whole_lines
from .comparison import origin_text, verdict_lines
from .report import Report
from .submissions import command, dry_run_lines, resume_command, sent_lines
from .tables import group_lines, metric_figures, milliseconds_text, table_lines

_FEW = 5
"""Most cases that are named of a kind where not all is shown."""

_MOST_TABLES = 3
_MOST_VALUES = 5


def lines(
    report: Report, width: int = WIDTH, *, is_verbose: bool = False
) -> Iterator[str]:
    """Yield all that is shown of a session at its end.

    :param width: the columns that there are; sentences take 80 at most.
    :param is_verbose: whether all is shown of each case that did not pass.
    """
    totals, path = report.totals, report.path
    most = MAX_SHOWN if is_verbose else _FEW
    yield from hanging(outcome_line(totals))
    for label, value in figures(totals):
        yield from labelled(label, value)
    for label, value in metric_figures(report.state.metrics, totals, MAX_SHOWN):
        yield from labelled(label, value)
    for table in report.state.tables[:_MOST_TABLES]:
        yield from table_lines(table)
    if (rest := len(report.state.tables) - _MOST_TABLES) > 0:
        yield field("", f"and {counted(rest, 'more table')}, on the report page")
    yield from group_lines(totals.groupings if totals.rows else (), width)
    yield from gate_lines(report.state.gates)
    if report.comparison is not None:
        yield from comparison_lines(report.comparison, most, width)
    yield from _unpassed_lines(report, width, is_verbose=is_verbose)
    for what, names in worth_a_look(totals):
        title = f"{counted(names.count, 'case')} {what}:"
        yield from name_list(title, names.count, names.first[:most], width)
    yield from state_lines(report.state, path, report.arguments)
    yield from report.notes
    if report.state.ci:
        yield from labelled("built by", ", ".join(report.state.ci.values()))
    yield f"recorded in {display_path(path)}"
    yield from where_lines(report)


def _unpassed_lines(report: Report, width: int, *, is_verbose: bool) -> Iterator[str]:
    """Yield the cases that did not pass, in short or each with all that is shown."""
    totals, again = report.totals, command("show -v", report.path)
    if not totals.failed:
        return
    count = len(totals.failed) + totals.hidden
    title = f"{counted(count, 'case')} did not pass"
    if is_verbose and (cases := _all_unpassed(report)) is not None:
        yield f"{title}:"
        try:
            for case in cases:
                yield from whole_lines(case, width, report.state.trace_link)
        except (OSError, SessionError) as error:  # it is read while it is shown
            yield f"the rest can't be read: {printable(str(error))}"
        return
    has_more = count > WITH_VALUES
    yield f"{title}, the first {WITH_VALUES} with values:" if has_more else f"{title}:"
    yield from short_lines(totals.failed, width)
    if totals.hidden > 0:
        yield f"and {totals.hidden:,} more: -v or the report page shows them"
    if has_more:
        yield f"  show all: {again}"


def _all_unpassed(report: Report) -> Iterable[Case] | None:
    """Return all cases that did not pass, None where the disk does not have them."""
    totals = report.totals
    if totals.hidden <= 0:
        return totals.failed
    try:
        stored = Session(report.path).cases()
        found = [rank_of(each) for each in stored if each.has_row and not each.passed]
    except (OSError, SessionError):
        return None
    if len(found) < len(totals.failed) + totals.hidden:
        return None
    return stored.read([nodeid for _, nodeid in sorted(found)])


def figures(totals: Totals) -> Iterator[tuple[str, str]]:
    """Yield the figures of a session, each with its label."""
    if totals.rows:
        yield (
            "pass rate",
            rate_text(totals.passed, totals.rows, errors=totals.outcomes["error"]),
        )
        yield "mean score", f"{totals.score.value:.3f}"
    for name, mean in sorted(totals.scorers.items()):
        cases = counted(mean.count, "case")
        yield "", f"{shortened(printable(name), 40)} {mean.value:.3f} ({cases})"
    yield from _trials(totals)
    yield from _consumption(totals)


def _trials(totals: Totals) -> Iterator[tuple[str, str]]:
    """Yield how likely one trial of a case passes, and all of them."""
    if not totals.trials:
        return
    yield "pass@1", _interval(*all_pass_rate(totals.trials, 1))
    most = max(trials for _, trials in totals.trials)
    those = [each for each in totals.trials if each[1] == most]
    cases = counted(len(totals.trials), "case")
    if len(those) < len(totals.trials):
        cases = f"{len(those):,} of {cases}: those with {most} trials"
    yield f"pass^{most}", f"{_interval(*all_pass_rate(those, most))} ({cases})"


def _interval(rate: float, low: float, high: float) -> str:
    return f"{rate:.1%}, 95% interval {low:.1%} to {high:.1%}"


def worth_a_look(totals: Totals) -> Iterator[tuple[str, CaseNames]]:
    """Yield cases that one should know of, with what is the matter with them."""
    found = {
        "not run: empty parameter set": totals.without_parameters,
        "began and did not end": totals.unended,
        "with trials that disagree": totals.unstable,
        "passed only when rerun": totals.flaky,
        "recorded neither actual nor score": totals.silent,
        "passed a threshold without recording a score": totals.unscored,
        "withheld because a hook failed": totals.withheld,
    }
    for what, names in found.items():
        if names.count:
            yield what, names


def gate_lines(gates: Iterable[Gate]) -> Iterator[str]:
    """Yield each gate: whether it is met, its figure and its limit."""
    for gate in gates:
        verdict = "gate met" if gate.passed else "gate FAILED"
        yield from labelled(verdict, printable(gate_text(gate)))


def gate_text(gate: Gate) -> str:
    """Return a gate's figure and limit."""
    return f"{gate.name}: {gate.figure}, wanted {gate.limit}"


def gate_annotations(
    gates: Iterable[Gate], environ: Mapping[str, str]
) -> Iterator[str]:
    """Yield a command of GitHub Actions for the gates that are not met, if there."""
    failed = [gate_text(each) for each in gates if not each.passed]
    if failed and shows_annotations(environ):
        yield annotation("gates failed", "; ".join(failed))


def shows_annotations(environ: Mapping[str, str]) -> bool:
    """Whether what is printed is read by GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


def annotation(title: str, message: str) -> str:
    """Return a command that makes GitHub Actions show an error.

    https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
    """
    text = printable(message).replace("%", "%25")
    return f"::error title=evalguard: {title}::{text}"


def comparison_lines(
    comparison: Comparison, most: int = MAX_SHOWN, width: int = WIDTH
) -> Iterator[str]:
    """Yield what changed since the baseline.

    :param most: how many cases are named of each kind.
    """
    yield from labelled("baseline", printable(origin_text(comparison)))
    for line in verdict_lines(comparison):
        yield from labelled("", printable(line))
    for what, names in comparison.named.items():
        if names:
            yield from name_list(f"{what}:", len(names), names[:most], width)


def where_lines(report: Report) -> Iterator[str]:
    """Yield where results went, or would have gone."""
    for sent in report.sent:
        if report.is_dry_run:
            yield from dry_run_lines(sent, report.path)
        else:
            yield from sent_lines(sent, report.path, report.link)


def state_lines(
    state: SessionState, path: Path, arguments: Iterable[str] = ()
) -> Iterator[str]:
    """Yield what must be known of a session as a whole.

    :param arguments: those that pytest was started with, where that is known.
    """
    if state.spending is not None:
        carried = 0 if state.resumed is None else state.resumed.carried
        yield _spending(state.spending, has_run=state.rows > carried)
    if state.resumed is not None:
        yield from _resumed(state.resumed)
    yield from interruption_lines(state, path, arguments)
    if state.missing:
        cases = counted(state.missing, "selected case")
        yield f"missing: {cases} left no result; pytest's own output may say why"
    if state.shards:
        yield f"merged from {counted(len(state.shards), 'session')}"
    for shard in state.shards:
        if shard.status != "finished":
            cases = f"{shard.cases:,} of {counted(shard.selected, 'case')}"
            name = printable(shard.name)
            yield f"shard {name} was {shard.status}: {cases} finished"
    for what, values in _differences(state.shards).items():
        if len(values) > 1:
            first = ", ".join(map(printable, values[:_MOST_VALUES]))
            yield f"the shards differ in {what}: {first}"


def _differences(shards: Iterable[Shard]) -> dict[str, list[str]]:
    """Return the values of what shards of one build should have in common."""
    found: dict[str, dict[str, None]] = {}
    for shard in shards:
        commit = {name: shard.ci[name] for name in ("commit",) if name in shard.ci}
        for name, value in {**commit, **shard.versions}.items():
            found.setdefault(name, {})[value] = None
    return {name: sorted(values) for name, values in found.items()}


def interruption_lines(
    state: SessionState, path: Path, arguments: Iterable[str] = ()
) -> Iterator[str]:
    """Yield that a session was interrupted, and the command that goes on with it."""
    if state.status == "interrupted":
        has_stopped = state.spending is not None and state.spending.has_stopped
        why = ": its budget is spent" if has_stopped else ""
        yield f"the session was interrupted{why}"
        yield f"  continue with: {resume_command(path, arguments)}"


def _spending(spending: Spending, *, has_run: bool) -> str:
    limit = dollars(spending.limit)
    if has_run and not spending.spent:
        return f"budget: no test recorded a cost, so that {limit} stopped nothing"
    share = f"{spending.spent / spending.limit:.0%}"
    return f"budget: {dollars(spending.spent)} of {limit} spent ({share})"


def _resumed(resumed: Resumed) -> Iterator[str]:
    carried = f"{counted(resumed.carried, 'case')} carried over"
    failed = f", {resumed.failed:,} of them failed" if resumed.failed else ""
    yield f"resumed from {printable(resumed.session)}: {carried}{failed}"
    if resumed.differences:
        differences = ", ".join(map(printable, resumed.differences))
        yield f"  since then: {differences}"
    yield from (f"  {printable(each)}" for each in resumed.notes)


def outcome_line(totals: Totals) -> str:
    """Return how many cases there are, and of each outcome."""
    total = sum(count for name, count in totals.outcomes.items() if name != "dropped")
    parts = [
        f"{totals.outcomes[name]:,} {name}"
        for name in OUTCOMES
        if totals.outcomes[name] and name != "dropped"
    ]
    if totals.flaky.count:
        parts.append(f"{totals.flaky.count:,} flaky")
    line = ": ".join(filter(None, (counted(total, "case"), ", ".join(parts))))
    dropped = totals.outcomes["dropped"]
    return f"{line}; {dropped:,} dropped by a hook" if dropped else line


def _consumption(totals: Totals) -> Iterator[tuple[str, str]]:
    middle, high = totals.latency(0.5), totals.latency(0.95)
    if middle is not None and high is not None:
        p50, p95 = map(milliseconds_text, (middle, high))
        yield "latency", f"p50 {p50}, p95 {p95}"
    if totals.prompt_tokens or totals.completion_tokens:
        prompt, completion = totals.prompt_tokens, totals.completion_tokens
        yield "tokens", f"{prompt:,} prompt, {completion:,} completion"
    if totals.cost_usd:
        yield "cost", f"${totals.cost_usd:,.4f}"
