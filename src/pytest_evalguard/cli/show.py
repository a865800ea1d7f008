"""A session is shown, on the terminal or as a page."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from ..model.text import printable
from ..reporting.report import report_of
from ..reporting.terminal import lines
from ..reporting.whereabouts import display_path
from .console import DONE, say, say_lines
from .finding import find_session


def show(options: Namespace) -> int:
    """Show one session: its figures, the cases that did not pass, where it went."""
    session = find_session(options.dir, options.out)
    if options.json:
        cases = [asdict(case) for case in session.cases()]
        say(json.dumps({"state": asdict(session.state), "cases": cases}, indent=2))
    else:
        say_lines(lines(report_of(session, most=sys.maxsize)))
    return DONE


def write_html(options: Namespace) -> int:
    """Write a session's report page."""
    from ..reporting.html.reportpage import write_report

    session = find_session(options.dir, options.out)
    write_report(report_of(session), Path(options.output))
    say(f"report page of {display_path(session.path)} in {printable(options.output)}")
    return DONE
