"""Sessions are compared, and blessed to be compared with."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from ..analysis.baseline import (
    Baseline,
    find_baseline,
    read_baseline,
    session_baseline,
    write_baseline,
)
from ..analysis.comparison import compare
from ..errors import SessionError
from ..model.text import counted, display_path, printable
from ..reporting.comparison import verdict_lines
from ..reporting.terminal import comparison_lines
from ..storage.session import PassedOver, find_out
from .console import (
    DONE,
    REFUSED,
    say,
    say_lines,
    say_note,
    say_passed_over,
    session_named,
)


def compare_sessions(options: Namespace) -> int:
    """Compare two sessions."""
    out = find_out(options.out)
    names, passed_over = (options.before, options.after), PassedOver()
    (name, before), (_, after) = (_baseline(each, out, passed_over) for each in names)
    say_passed_over(passed_over)
    found = compare(name, before, after)
    for doubt in (*before.doubts, *after.doubts):
        say_note(doubt)
    if not found.paired:
        which = "can be compared" if found.in_both else "is in both"
        say_note(f"no case {which}: nothing was compared")
    if options.json:
        say(json.dumps({**asdict(found), "verdict": [*verdict_lines(found)]}))
    else:
        say_lines(comparison_lines(found))
    is_good = found.paired and not found.regressed
    return DONE if is_good or not options.fail_on_regression else REFUSED


def _baseline(name: str, out: Path, passed_over: PassedOver) -> tuple[str, Baseline]:
    path = find_baseline(name, out, passed_over)
    if path is None:
        raise SessionError(f"there is no finished session in {display_path(out)}")
    return path.name, read_baseline(path)


def bless(options: Namespace) -> int:
    """Write a session's outcomes and scores into a file to be committed."""
    session = session_named(options.dir, find_out(options.out))
    baseline = session_baseline(session)
    for doubt in baseline.doubts:
        say_note(doubt)
    if not baseline.cases:
        raise SessionError(
            f"{display_path(session.path)} has no case with a result: there is nothing"
            " to compare with; name another session"
        )
    write_baseline(Path(options.output), baseline)
    cases = counted(len(baseline.cases), "case")
    say(f"{cases} of {display_path(session.path)} in {printable(options.output)}")
    return DONE
