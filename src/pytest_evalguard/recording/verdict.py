"""Pytest's verdict on a test, from the reports of all its phases, and the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ..model.outcome import Outcome
from ..model.values import HOSTILE, clean_text, cut, without_addresses

MAX_REASON = 500
"""Longest reason, in characters."""

_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_LIBRARIES = ("site-packages", "dist-packages")


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
    """Say in one line why a phase did not pass: error, message, the user's own line.

    None when it passed. At most `MAX_REASON` characters.

    :param clean: applied to the message before it is cut.
    """
    if report.passed:
        return None
    if report.skipped:
        return _one_line(_skip_reason(report), clean)
    if isinstance(excinfo, pytest.ExceptionInfo):
        if isinstance(report.longrepr, str) and "XPASS(strict)" in report.longrepr:
            return _one_line(report.longrepr, clean)
        return error_line(item, excinfo, clean)
    return _one_line(_crash_message(report), clean)


def error_line(
    item: pytest.Item,
    excinfo: pytest.ExceptionInfo[BaseException],
    clean: Callable[[str], str],
) -> str:
    """Return error type, message and place, on one line."""
    error = excinfo.value
    message = _one_line(f"{type(error).__name__}: {_message(error)}", clean)
    return f"{message}, at {_own_line(item, excinfo)}"


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


def _one_line(text: str, clean: Callable[[str], str]) -> str:
    text = without_addresses(clean(clean_text(text)))
    paragraph = _PARAGRAPH.split(text.strip(), maxsplit=1)[0]
    return cut(" ".join(paragraph.split()), MAX_REASON)


def _own_line(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    root = item.config.rootpath
    for entry in reversed(excinfo.traceback):
        path = Path(entry.path)
        if path.is_relative_to(root) and not set(_LIBRARIES) & set(path.parts):
            return f"{path.relative_to(root).as_posix()}:{entry.lineno + 1}"
    path_text, line, _ = item.location
    where = Path(path_text).as_posix()
    return where if line is None else f"{where}:{line + 1}"
