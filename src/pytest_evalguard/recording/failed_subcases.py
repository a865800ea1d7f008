"""The sub-cases that did not pass, and how pytest is told of them at a test's end."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from typing import NamedTuple

import pytest
from _pytest._code.code import ExceptionRepr, TerminalRepr
from _pytest._io import TerminalWriter

from ..model.outcome import Outcome
from ..model.text import counted, printable
from .subcase_verdict import Verdict, is_skip

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
