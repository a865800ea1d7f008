"""What becomes of a sub-case, by what leaves its block, and how pytest is told."""

from __future__ import annotations

import sys
from bdb import BdbQuit
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import StringIO
from typing import NamedTuple

import pytest
from _pytest._code.code import ExceptionRepr, TerminalRepr
from _pytest._io import TerminalWriter
from _pytest.raises import AbstractRaises
from _pytest.skipping import evaluate_xfail_marks, xfailed_key

from ..model.outcome import Outcome
from ..model.text import counted, printable
from .harness_errors import HarnessErrors
from .mark import EvalMark
from .outcome import INTERRUPTED, error_line, leaves, one_line
from .recorder import EvalCase
from .run import ambiguity, require_score

_CANCELLED = "cancelled before it had ended"
# by name: nothing is imported to know what asyncio, trio and greenlets end tasks by
_CANCELLATIONS = frozenset({"CancelledError", "Cancelled", "GreenletExit"})
_TIMEOUT = "pytest_timeout"


@dataclass(frozen=True)
class Verdict:
    """What became of a block.

    `error` is what left it, `said` the reason where that is another thing.
    """

    outcome: Outcome
    error: BaseException | None = None
    said: str | None = None
    is_passed_on: bool = False
    xfail: str | None = None

    @property
    def excinfo(self) -> pytest.ExceptionInfo[BaseException] | None:
        if self.error is None or self.error.__traceback__ is None:
            return None
        return pytest.ExceptionInfo.from_exception(self.error)

    def reason(self, item: pytest.Item, clean: Callable[[str], str]) -> str | None:
        """Say in one line why it did not pass."""
        if self.said is not None:
            return one_line(self.said, clean)
        return None if (info := self.excinfo) is None else error_line(item, info, clean)


def verdict_of(
    item: pytest.Item,
    recorder: EvalCase,
    mark: EvalMark,
    error: BaseException | None,
    errors: HarnessErrors,
) -> Verdict:
    """Return what becomes of a sub-case whose block has ended.

    :param error: what left the block.
    :param errors: those that are no failure of what is tested.
    """
    if error is None:
        if mark.threshold is not None:
            try:
                require_score(recorder, mark.threshold)
            except pytest.fail.Exception as below:
                return _failed(item, below, errors)
        why = ambiguity(recorder)
        if why is not None:
            return Verdict("ambiguous", said=f"ambiguous: {why}".removesuffix(": "))
        return Verdict("passed")
    if is_skip(error):
        return Verdict("skipped", error, f"Skipped: {error}")
    stops = next(filter(_is_passed_on, leaves(error)), None)
    if stops is not None:
        return _stopped(item, error, stops, errors)
    return _failed(item, error, errors)


def _failed(item: pytest.Item, error: BaseException, errors: HarnessErrors) -> Verdict:
    if isinstance(error, pytest.xfail.Exception):
        return Verdict("xfailed", error, f"xfail: {error}".removesuffix(": "))
    if (reason := _expected(item, error)) is not None:
        return Verdict("xfailed", error, xfail=reason)
    return Verdict("error" if errors.include(error) else "failed", error)


def _stopped(
    item: pytest.Item,
    error: BaseException,
    cause: BaseException,
    errors: HarnessErrors,
) -> Verdict:
    """Return what becomes of a block that others end, who must learn that it has."""
    if isinstance(cause, (KeyboardInterrupt, pytest.exit.Exception, BdbQuit)):
        return Verdict("not run", error, INTERRUPTED, is_passed_on=True)
    if isinstance(cause, GeneratorExit) or _is_cancellation(cause):
        return Verdict("not run", error, _CANCELLED, is_passed_on=True)
    return replace(_failed(item, error, errors), is_passed_on=True)


def _is_passed_on(error: BaseException) -> bool:
    if isinstance(error, (pytest.fail.Exception, pytest.skip.Exception)):
        return _is_from_timeout(error)
    return not isinstance(error, Exception) or isinstance(
        error, (pytest.exit.Exception, BdbQuit)
    )


def _is_from_timeout(error: BaseException) -> bool:
    """Whether pytest-timeout has raised it, in a handler of its signal."""
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__") == _TIMEOUT:
            return True
        traceback = traceback.tb_next
    return False


def _is_cancellation(error: BaseException) -> bool:
    return any(kind.__name__ in _CANCELLATIONS for kind in type(error).__mro__)


def is_skip(error: BaseException) -> bool:
    """Whether pytest takes an exception for a skip."""
    unittest = sys.modules.get("unittest")
    kinds = () if unittest is None else (unittest.SkipTest,)
    return isinstance(error, (pytest.skip.Exception, *kinds))


def _expected(item: pytest.Item, error: BaseException) -> str | None:
    """Return the reason of the xfail mark that an error is expected by, if it is."""
    # without pytest's own plugin for it, nothing is expected to fail
    if getattr(item.config.option, "runxfail", True):
        return None
    mark = item.stash.get(xfailed_key, None) or evaluate_xfail_marks(item)
    if mark is None:
        return None
    raises = mark.raises
    if isinstance(raises, AbstractRaises):
        is_expected = raises.matches(error)
    else:
        is_expected = raises is None or isinstance(error, raises)
    return mark.reason if is_expected else None


# How pytest is told, at the end of the test

_MOST_NAMED = 10
_WORDS: dict[Outcome, str] = {
    "failed": "failed",
    "error": "ended in an error",
    "not run": "did not end",
}


class _Failed(NamedTuple):
    place: int
    label: str
    reason: str | None


class FailedSubcases:
    """Counts the sub-cases of a test that did not pass, and keeps the first ones.

    The order is that in which they were named in the test.
    """

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._raised: BaseException | None = None
        self._xfail: str | None = None
        self._forget()

    def _forget(self) -> None:
        self._counts: Counter[Outcome] = Counter()
        self._first: list[_Failed] = []
        self._shown: tuple[int, str, Verdict] | None = None

    def add(self, place: int, label: str, verdict: Verdict, reason: str | None) -> None:
        """Take a sub-case that has ended."""
        if verdict.xfail is not None:
            self._xfail = verdict.xfail
        if verdict.outcome not in _WORDS:
            return
        self._counts[verdict.outcome] += 1
        insort(self._first, _Failed(place, label, reason))
        del self._first[_MOST_NAMED:]
        is_first = self._shown is None or place < self._shown[0]
        if is_first and verdict.outcome != "not run" and verdict.excinfo is not None:
            self._shown = place, label, verdict

    def raise_in(self, call: pytest.CallInfo[None], cases: int) -> None:
        """Have a phase fail if a sub-case did, unless it fails by itself.

        :param cases: how many sub-cases the test had.
        """
        if call.excinfo is not None and not is_skip(call.excinfo.value):
            return
        error: BaseException
        if self._counts:
            error = pytest.fail.Exception(self._message(cases), pytrace=False)
        elif self._xfail is not None and call.excinfo is None:
            error = pytest.xfail.Exception(self._xfail)
        else:
            return
        self._xfail, self._raised = None, error
        call.excinfo = self._located(error)

    def _located(self, error: BaseException) -> pytest.ExceptionInfo[BaseException]:
        """Return an error as one of the line that the first sub-case failed at."""
        shown = None if self._shown is None else self._shown[2].error
        if shown is not None:
            located = error.with_traceback(shown.__traceback__)
            return pytest.ExceptionInfo.from_exception(located)
        try:
            raise error
        except (pytest.fail.Exception, pytest.xfail.Exception) as raised:
            return pytest.ExceptionInfo.from_exception(raised)

    def tell(
        self,
        report: pytest.TestReport,
        excinfo: pytest.ExceptionInfo[BaseException] | None,
        cases: int,
    ) -> bool:
        """Show on a report what failed; return whether it failed for that alone."""
        raised = None if excinfo is None else excinfo.value
        is_theirs = raised is not None and raised is self._raised
        if report.when == "setup" or not self._counts:
            return is_theirs
        if isinstance(report.longrepr, ExceptionRepr):
            if not is_theirs:
                report.longrepr.addsection("sub-cases", self._message(cases))
            if self._shown is not None and self._shown[2].error is not raised:
                report.longrepr.addsection(*self._traceback(*self._shown[1:]))
            self._forget()
        return is_theirs

    def _traceback(self, label: str, verdict: Verdict) -> tuple[str, str]:
        """Return what failed first, as pytest shows a test that fails."""
        text = StringIO()
        if verdict.excinfo is not None:
            shown = self._item.repr_failure(verdict.excinfo)
            if isinstance(shown, TerminalRepr):
                shown.toterminal(TerminalWriter(text))
            else:
                text.write(shown)
        return label, text.getvalue().strip("\n")

    def _message(self, cases: int) -> str:
        return "\n".join([self._headline(cases), *self._reasons()])

    def _headline(self, cases: int) -> str:
        total = self._counts.total()
        if len(self._counts) == 1:
            (outcome,) = self._counts
            what = _WORDS[outcome]
        else:
            counts = (
                f"{self._counts[outcome]:,} {word}"
                for outcome, word in _WORDS.items()
                if outcome in self._counts
            )
            what = f"did not pass ({', '.join(counts)})"
        named = ", ".join(each.label for each in self._first)
        more = total - len(self._first)
        rest = f" and {more:,} more" if more else ""
        return f"{total:,} of {counted(cases, 'case')} {what}: {named}{rest}"

    def _reasons(self) -> Iterator[str]:
        for each in self._first:
            if each.reason is not None:
                first, _, _ = each.reason.partition("\n")
                yield f"  {each.label}: {printable(first)}"
