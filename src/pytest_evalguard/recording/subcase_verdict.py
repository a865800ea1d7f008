"""What becomes of a sub-case, by what leaves its block."""

from __future__ import annotations

import sys
from bdb import BdbQuit
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from _pytest.raises import AbstractRaises
from _pytest.skipping import evaluate_xfail_marks, xfailed_key

from ..model.outcome import Outcome
from .harness_errors import HarnessErrors
from .mark import EvalMark
from .outcome import INTERRUPTED, error_line, leaves, one_line
from .recorder import EvalCase
from .recorder_internals import ambiguity
from .run import require_score

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
