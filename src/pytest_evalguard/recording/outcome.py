"""Pytest's verdict on a test, from the reports of all its phases, and the reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from _pytest._code.code import TracebackEntry

from ..model.case import Attempt, Case, ScorerResult
from ..model.figures import exact_mean
from ..model.json_data import MAX_TEXT
from ..model.outcome import PASSING, Outcome, letters_of, worst
from ..model.text import counted, shortened
from ..model.values import HOSTILE, as_text, clean_text, cut, without_addresses
from .assertions import folded_assertion, source_of
from .mark import Plan

MAX_REASON = 500
"""Longest line of a reason, in characters."""

_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_LIBRARIES = ("site-packages", "dist-packages")
_MOST_SHOWN, _MOST_COUNTED = 5, 1_000
# with `-W error` they are errors, whose cause is what was raised
_WARNINGS = (
    "PytestUnhandledThreadExceptionWarning",
    "PytestUnraisableExceptionWarning",
)


def outcome_of(reports: Mapping[str, pytest.TestReport]) -> Outcome:
    """Return the outcome of a run of a test from its reports by phase.

    An outcome that pytest itself does not know is a plugin's word for "failed, and
    will be run again".
    """
    setup, call = reports.get("setup"), reports.get("call")
    outcome: Outcome = "not run"
    if call is None:
        if setup is not None and not setup.passed:
            outcome = _skip(setup) if setup.skipped else "error"
    elif call.passed:
        outcome = "xpassed" if hasattr(call, "wasxfail") else "passed"
    else:
        outcome = _skip(call) if call.skipped else "failed"
    teardown = reports.get("teardown")
    has_leaked = teardown is not None and not (teardown.passed or teardown.skipped)
    return "error" if has_leaked and outcome != "failed" else outcome


def will_rerun(report: pytest.TestReport) -> bool:
    """Whether a plugin says by this report that it will run the test again."""
    return report.outcome not in ("passed", "failed", "skipped")


def _skip(report: pytest.TestReport) -> Outcome:
    return "xfailed" if hasattr(report, "wasxfail") else "skipped"


def reason_of(
    item: pytest.Item,
    report: pytest.TestReport,
    excinfo: object,
    clean: Callable[[str], str],
) -> str | None:
    """Say why a phase did not pass: error, message, the user's own line.

    None when it passed. One line, but for an assertion that pytest explains at length:
    that is folded in the first line, and whole in the second.

    :param clean: applied to the message before it is cut.
    """
    if report.passed:
        return None
    if report.skipped:
        return one_line(_skip_reason(report), clean)
    if isinstance(excinfo, pytest.ExceptionInfo):
        if isinstance(report.longrepr, str) and "XPASS(strict)" in report.longrepr:
            return one_line(report.longrepr, clean)
        return error_line(item, excinfo, clean)
    return one_line(_crash_message(report), clean)


def error_line(
    item: pytest.Item,
    excinfo: pytest.ExceptionInfo[BaseException],
    clean: Callable[[str], str],
) -> str:
    """Return error type, message and place, on one line; of a group, its errors.

    On a second line is the whole message of an assertion that the first one folds.
    """
    error = excinfo.value
    line = f"{describe_error(error, clean)}, at {_own_line(item, excinfo)}"
    whole = one_line(_message(error), clean)
    is_folded = isinstance(error, AssertionError) and whole not in line
    return f"{line}\n{whole}" if is_folded else line


def describe_error(error: BaseException, clean: Callable[[str], str]) -> str:
    """Return type, message and notes of an error on one line.

    An exception group, as a task group raises it, is told by the errors in it:
    ``2 errors: ValueError: no; KeyError: 'a'``.

    :param clean: applied to each message before it is cut.
    """
    errors = leaves(error)
    if len(errors) == 1:
        return _error_text(errors[0], clean)
    counts = Counter(_error_text(each, clean) for each in errors[:_MOST_COUNTED])
    shown = list(counts.items())[:_MOST_SHOWN]
    room = MAX_REASON // len(shown)
    texts = [
        shortened(text, room) + (f" ({count} times)" if count > 1 else "")
        for text, count in shown
    ]
    if more := len(errors) - sum(count for _, count in shown):
        texts.append(f"and {more:,} more")
    return f"{len(errors):,} errors: {'; '.join(texts)}"


def reason_text(reason: object, clean: Callable[[str], str]) -> str:
    """Return the reason that a test gave, which may be an error, as text."""
    if isinstance(reason, BaseException):
        return describe_error(reason, clean)
    return as_text(reason, clean)


def leaves(error: BaseException) -> list[BaseException]:
    """Return the errors in a group and in the groups in it, else the error itself."""
    found: list[BaseException] = []
    waiting, known = [error], {id(error)}
    while waiting:
        each = waiting.pop()
        members = group_members(each)
        if not members:
            found.append(each)
        new = [member for member in members if id(member) not in known]
        known.update(map(id, new))
        waiting += reversed(new)
    return found or [error]


def group_members(error: BaseException) -> list[BaseException]:
    """Return what an exception group holds; of any other exception nothing."""
    # by its name, as Python 3.10 has groups only from a package
    if all(kind.__name__ != "BaseExceptionGroup" for kind in type(error).__mro__):
        return []
    try:
        members = tuple(error.exceptions)  # type: ignore[attr-defined] # a group's
    except HOSTILE:
        return []
    return [each for each in members if isinstance(each, BaseException)]


def _error_text(error: BaseException, clean: Callable[[str], str]) -> str:
    message = _message(error)
    if isinstance(error, AssertionError):
        message = folded_assertion(message, source_of(error.__traceback__))
    message = f"{type(error).__name__}: {message}".removesuffix(": ")
    if (cause := _cause_of_warning(error)) is not None:
        where = one_line(message.partition("\n")[0], clean)
        return f"{where}: {describe_error(cause, clean)}"
    text = one_line(message, clean)
    notes = getattr(error, "__notes__", None)
    for note in notes if type(notes) is list else ():
        longer = f"{text} ({one_line(str(note), clean)})"
        text = longer if len(longer) <= MAX_REASON else text
    return text


def _cause_of_warning(error: BaseException) -> BaseException | None:
    """Return what was raised in a finalizer or a thread, of pytest's warning of it."""
    return error.__cause__ if type(error).__name__ in _WARNINGS else None


def _skip_reason(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return f"xfail: {report.wasxfail}" if report.wasxfail else "xfail"
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    return str(report.longrepr)


def _crash_message(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message) if crash is not None else report.longreprtext


def _message(error: BaseException) -> str:
    try:
        if isinstance(error, pytest.FixtureLookupError):
            return error.formatrepr().errorstring.splitlines()[0]
        # what pytest adds to an assertion's own message is the assertion again
        return str(error).partition("\nassert ")[0]
    except HOSTILE as raised:
        return f"<its str() raised {type(raised).__name__}>"


def one_line(text: str, clean: Callable[[str], str]) -> str:
    """Return the first paragraph of a text on one line, cut to `MAX_REASON`."""
    text = without_addresses(clean(clean_text(text)))
    paragraph = _PARAGRAPH.split(text.strip(), maxsplit=1)[0]
    return cut(" ".join(paragraph.split()), MAX_REASON)


def _own_line(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """Return the user's own line that an error came from, of a group its first one."""
    root = item.config.rootpath
    for entry in _entries(excinfo):
        path = Path(entry.path)
        if path.is_relative_to(root) and not set(_LIBRARIES) & set(path.parts):
            return f"{path.relative_to(root).as_posix()}:{entry.lineno + 1}"
    path_text, line, _ = item.location
    where = Path(path_text).as_posix()
    return where if line is None else f"{where}:{line + 1}"


def _entries(
    excinfo: pytest.ExceptionInfo[BaseException],
) -> Iterator[TracebackEntry]:
    first = leaves(excinfo.value)[0]
    source = _cause_of_warning(first) or first
    if source is not excinfo.value and source.__traceback__ is not None:
        yield from reversed(pytest.ExceptionInfo.from_exception(source).traceback)
    yield from reversed(excinfo.traceback)


INTERRUPTED = "interrupted before it had finished"
T = TypeVar("T", int, float)


def deciding_trial(outcomes: Sequence[Outcome], plan: Plan) -> int:
    """Return the index of the trial whose verdict is that of the case.

    It is the last one that passed, if enough did; the first that ended in an error, if
    with those enough might have; else the first of the worst.
    """
    passed = [index for index, each in enumerate(outcomes) if each in PASSING]
    if len(passed) >= plan.require:
        return passed[-1]
    errors = [index for index, each in enumerate(outcomes) if each == "error"]
    if errors and len(passed) + len(errors) >= plan.require:
        return errors[0]
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
    test: not of those that were skipped or ended in an error. Tokens and cost are sums.
    """
    chosen = cases[chosen_index]
    passed = sum(case.passed for case in cases)
    reason = chosen.reason
    if chosen.has_row and not chosen.passed:
        errors = sum(case.outcome == "error" for case in cases)
        without_verdict = f", {counted(errors, 'error')}" if errors else ""
        reason = f"{passed} of {len(cases)} trials passed{without_verdict}: {reason}"
    telling = [case for case in cases if case.outcome not in ("skipped", "error")]
    telling = telling or list(cases)
    return replace(
        chosen,
        actual=cases[-1].actual if chosen.passed else chosen.actual,
        reason=reason,
        score=exact_mean([case.overall_score for case in telling]),
        latency_ms=exact_mean([case.latency_ms for case in telling]),
        scores=_scores(cases, plan),
        metrics=_metrics(telling),
        prompt_tokens=total(*(case.prompt_tokens for case in cases)),
        completion_tokens=total(*(case.completion_tokens for case in cases)),
        cost_usd=total(*(case.cost_usd for case in cases)),
        trials=[as_trial(case, MAX_TEXT // len(cases)) for case in cases],
        require=plan.require,
    )


def broken_off(cases: Sequence[Case]) -> Case:
    """Return the case of a test of which only these trials have run."""
    trials = list(map(as_trial, cases))
    return replace(cases[-1], outcome="not run", reason=INTERRUPTED, trials=trials)


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
        trace_id=case.trace_id,
    )


def _scores(cases: Sequence[Case], plan: Plan) -> dict[str, ScorerResult]:
    named: dict[str, list[ScorerResult]] = {}
    for case in cases:
        for name, result in case.scores.items():
            named.setdefault(name, []).append(result)
    return {name: _scorer(results, plan) for name, results in named.items()}


def _metrics(cases: Sequence[Case]) -> dict[str, float]:
    """Return the mean of each metric over the trials that have it."""
    found: dict[str, list[float]] = {}
    for case in cases:
        for name, value in case.metrics.items():
            found.setdefault(name, []).append(value)
    return {name: exact_mean(values) for name, values in found.items()}


def _scorer(results: Sequence[ScorerResult], plan: Plan) -> ScorerResult:
    has_passed = sum(each.passed for each in results) >= plan.require
    reasons = (each.reason for each in results if each.passed == has_passed)
    mean = exact_mean([each.score for each in results])
    return ScorerResult(mean, has_passed, next(reasons, None))


def total(*values: T | None) -> T | None:
    """Return the sum of what is known, None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
