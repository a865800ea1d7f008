"""The summary: what a session recorded and where it went, line by line."""

from __future__ import annotations

import os
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

from .case import Case
from .case import Outcome
from .delivery import LeftOut
from .delivery import Sent
from .session import SessionState
from .target import Target
from .text import aligned
from .text import counted
from .text import printable
from .text import shortened
from .totals import Names
from .totals import Totals

_OUTCOMES: tuple[Outcome, ...] = (
    *("passed", "failed", "error", "xfailed", "xpassed", "ambiguous"),
    *("skipped", "not run"),
)
_WIDTH = 80
_LABEL = 12
_VALUE = _WIDTH - _LABEL


def header(target: Target, dry_run: bool) -> str:
    """Return the line of pytest's header that says where results will go."""
    line = f"evalguard: results go to {_name(target, target.id)} at {target.url}"
    return f"{line} (dry run: nothing is sent)" if dry_run else line


def figures(totals: Totals, path: Path) -> Iterator[str]:
    """Yield the figures of a session, then the cases that need a look.

    :param path: the session's directory, for the command that shows all of them.
    """
    yield _outcomes(totals)
    if totals.pass_rate is not None and totals.score.value is not None:
        rate = f"{totals.pass_rate:.1%} ({totals.passed:,} of {totals.rows:,})"
        yield _field("pass rate", rate)
        yield _field("mean score", f"{totals.score.value:.3f}")
    for name, mean in sorted(totals.scorers.items()):
        cases = counted(mean.count, "case")
        name = shortened(printable(name), _VALUE - 30)
        yield _field("", f"{name} {mean.value:.3f} ({cases})")
    yield from _consumption(totals)
    for case in totals.failed:
        yield from case_lines(case)
    hidden = totals.rows - totals.passed - len(totals.failed)
    if hidden > 0:
        yield f"and {hidden:,} more that did not pass: {_command('show', path)}"
    yield from _named(totals.flaky, "passed only when run again")
    yield from _named(totals.silent, "recorded neither actual nor score")
    yield from _named(totals.unscored, "passed a threshold without recording a score")
    yield from _named(totals.withheld, "withheld, as a hook failed on them")


def case_lines(case: Case) -> Iterator[str]:
    """Yield a case that did not pass: what was wanted, what came, and why it failed."""
    yield f"{case.outcome} {printable(case.nodeid)}"
    if case.input and case.input != case.nodeid:
        yield _field("  input", shortened(printable(case.input), _VALUE))
    if case.expected is not None and case.actual is not None:
        yield from _difference(printable(case.expected), printable(case.actual))
    elif case.expected is not None:
        yield _field("  expected", shortened(printable(case.expected), _VALUE))
    elif case.actual is not None:
        yield _field("  actual", shortened(printable(case.actual), _VALUE))
    if case.is_scored:
        yield _field("  score", shortened(printable(case.score_text), _VALUE))
    if case.reason:
        lines = textwrap.wrap(printable(case.reason), _VALUE, break_on_hyphens=False)
        yield _field("  reason", lines[0])
        yield from (_field("", line) for line in lines[1:])


def where_lines(sent: Sent, path: Path, link: str | None = None) -> Iterator[str]:
    """Yield where results went: those submitted, and those that were not, with why."""
    submission, there = sent.submission, destination(sent)
    if submission.accepted:
        results = f"{counted(submission.accepted, 'result')} to {there}"
        batches = counted(submission.requests, "batch", "batches")
        is_run = sent.target.kind == "run"
        yield f"submitted {results} ({batches})" if is_run else f"submitted {results}"
        if link and is_run and not submission.is_open:
            url = link.replace("{run_id}", str(submission.target_id))
            yield _field("", printable(url))
    yield from left_out_lines(sent)
    yield from unsent_lines(sent, path)


def left_out_lines(sent: Sent) -> Iterator[str]:
    """Yield the cases that a service takes no result of, and why."""
    for each in sent.submission.left_out:
        what = f"{counted(each.count, 'case')} {each.why}"
        yield from _names(f"not for {destination(sent)}: {what}:", each)


def dry_run_lines(sent: Sent, path: Path) -> Iterator[str]:
    """Yield what would have been sent, and the command that does it."""
    results = counted(sent.submission.unsent, "result")
    yield f"dry run: {results} for {destination(sent)}, not sent"
    yield from left_out_lines(sent)
    if sent.target.id is not None:
        there = f"submit --{sent.target.kind} {shlex.quote(sent.target.id)}"
        yield f"  send them by: {_command(there, path)}"


def unsent_lines(sent: Sent, path: Path) -> Iterator[str]:
    """Yield what must be known of results that were not accepted, and what to do."""
    submission, there = sent.submission, destination(sent)
    why = printable(submission.error or "no reason is known")
    if submission.rejected:
        yield f"refused: {counted(submission.rejected, 'result')} by {there}: {why}"
        if sent.target.finish:
            yield f"  {there} is left open: pytest-evalguard finish-run ID ends it"
    if submission.unsent:
        yield f"not submitted: {counted(submission.unsent, 'result')} to {there}: {why}"
    elif submission.is_open:
        yield f"not submitted: the end of {there}: {why}"
    if submission.is_open and sent.is_stored:
        yield f"  send them by: {_command('submit', path)}"


def destination(sent: Sent) -> str:
    """Return how the run or agent is called that results go to."""
    return _name(sent.target, sent.submission.target_id or sent.target.id)


def display_path(path: Path) -> str:
    """Return a path as a user in the working directory would write it."""
    try:
        is_below = path.is_relative_to(Path.cwd())
        return printable(os.path.relpath(path) if is_below else str(path))
    except OSError:  # the working directory is gone
        return printable(str(path))


def state_lines(state: SessionState) -> Iterator[str]:
    """Yield what is wrong with a session as a whole."""
    if state.status == "interrupted":
        yield "the session was interrupted"
    if state.missing:
        cases = counted(state.missing, "selected case")
        yield f"missing: {cases} left no result; pytest's own output may say why"


def _command(name: str, path: Path) -> str:
    """Return a command of the console script on a session, fit to be pasted."""
    return f"pytest-evalguard {name} {shlex.quote(display_path(path))}"


def _name(target: Target, identity: str | None) -> str:
    if identity is None:
        return f"a new {target.kind}"
    return f"{target.kind} {printable(identity)}"


def _outcomes(totals: Totals) -> str:
    total = sum(count for name, count in totals.outcomes.items() if name != "dropped")
    parts = [
        f"{totals.outcomes[name]:,} {name}"
        for name in _OUTCOMES
        if totals.outcomes[name]
    ]
    if totals.flaky.count:
        parts.append(f"{totals.flaky.count:,} flaky")
    line = f"{counted(total, 'case')}: {', '.join(parts)}"
    dropped = totals.outcomes["dropped"]
    return f"{line}; {dropped:,} dropped by a hook" if dropped else line


def _consumption(totals: Totals) -> Iterator[str]:
    middle, high = totals.latency(0.5), totals.latency(0.95)
    if middle is not None and high is not None:
        yield _field("latency", f"p50 {_ms(middle)}, p95 {_ms(high)}")
    if totals.prompt_tokens or totals.completion_tokens:
        prompt, completion = totals.prompt_tokens, totals.completion_tokens
        yield _field("tokens", f"{prompt:,} prompt, {completion:,} completion")
    if totals.cost_usd:
        yield _field("cost", f"${totals.cost_usd:,.4f}")


def _ms(milliseconds: float) -> str:
    digits = 0 if milliseconds >= 100 else 1
    return f"{milliseconds:,.{digits}f} ms"


def _difference(expected: str, actual: str) -> Iterator[str]:
    wanted, came, place = aligned(expected, actual, _VALUE)
    yield _field("  expected", wanted)
    yield _field("  actual", "the same" if place is None else came or "(empty)")
    if place:
        yield " " * (_LABEL + place) + "^"


def _named(names: Names, what: str) -> Iterator[str]:
    if names.count:
        yield from _names(f"{counted(names.count, 'case')} {what}:", names)


def _names(title: str, names: Names | LeftOut) -> Iterator[str]:
    yield title
    for name in names.first:
        yield f"  {shortened(printable(name), _WIDTH - 2)}"
    if names.count > len(names.first):
        yield f"  and {names.count - len(names.first):,} more"


def _field(label: str, value: str) -> str:
    return f"{label:<{_LABEL}}{value}"
