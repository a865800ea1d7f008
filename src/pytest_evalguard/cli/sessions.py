"""Sessions are listed, shown on the terminal or as a page, and written as a table."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..delivery.outbox import Sent, submission_of
from ..delivery.registry import stored_targets
from ..delivery.resubmit import rejected
from ..errors import ConfigurationError, SessionError
from ..model.outcome import rate_without_errors
from ..model.text import counted, display_path, printable, terminal_width
from ..reporting.submissions import destination, rejected_lines
from ..storage.files import replace_shared_file, why_unreadable
from ..storage.resumed import continued
from ..storage.session import PassedOver, Session, find_out, sessions_in
from .console import DONE, say, say_lines, say_note, session_named


def list_sessions(options: Namespace) -> int:
    """List sessions, the oldest first."""
    out = find_out(options.out)
    passed_over = PassedOver()
    sessions = sessions_in(out, passed_over)
    resumed = continued(sessions)
    entries = [_entry(session, resumed) for session in sessions]
    entries += [_unreadable(path, why) for path, why in passed_over.found.items()]
    entries.sort(key=lambda each: str(each["name"]))
    if options.json:
        say(json.dumps(entries, indent=2))
    elif not entries:
        say(f"no sessions in {display_path(out)}")
    else:
        for entry in entries:
            say(_entry_line(entry))
        for session, sent in rejected(out):
            say_lines(rejected_lines(sent, session.path))
    return DONE


def _entry(session: Session, resumed: Mapping[str, str]) -> dict[str, Any]:
    """Return a session as `list --json` shows it.

    :param resumed: by the id of a session, which other one has its results.
    """
    name, path = session.path.name, str(session.path)
    try:
        state = session.state
        targets = stored_targets(session)
        sent = [Sent(each, submission_of(session, each)) for each in targets]
        status = session.status
        finished = sum(n for name, n in state.counts.items() if name != "not run")
        selected = state.selected
        if state.status == "running":
            stored = session.cases()
            finished, selected = (
                stored.finished,
                stored.selected(state.selected, state.status),
            )
    except OSError as error:
        return _unreadable(session.path, why_unreadable(error))
    except (SessionError, ValueError) as error:
        return _unreadable(session.path, str(error))
    return {
        "name": name,
        "path": path,
        "status": status,
        "selected": selected,
        "finished": finished,
        "counts": dict(state.counts),
        "resumed": None if state.resumed is None else state.resumed.session,
        "resumed_by": resumed.get(state.id),
        "metrics": {each.name: each.value for each in state.metrics},
        "pass_rate": state.pass_rate,
        "pass_rate_without_errors": rate_without_errors(state.counts),
        "submissions": [
            {"to": destination(each), **asdict(each.submission)} for each in sent
        ],
    }


def _unreadable(path: Path, why: str) -> dict[str, Any]:
    name = path.name
    return {"name": name, "path": str(path), "status": "unreadable", "error": why}


def _entry_line(entry: dict[str, Any]) -> str:
    if "error" in entry:
        return f"{printable(entry['name'])}  unreadable: {printable(entry['error'])}"
    where = "; ".join(
        f"{each['to']}: {each['accepted']} accepted,"
        f" {each['rejected']} rejected, {each['unsent']} unsent"
        for each in entry["submissions"]
    )
    cases = f"{entry['finished']} of {counted(entry['selected'], 'case')}"
    name = printable(entry["name"])
    by = entry["resumed_by"]
    rest = f"resumed by {printable(by)}" if by else printable(where) or "local"
    return f"{name}  {entry['status']}  {cases}  {rest}"


def show(options: Namespace) -> int:
    """Show one session: its figures, the cases that did not pass, where it went."""
    from ..analysis.totals import Totals  # `list` is quicker without them
    from ..reporting.report import report_of
    from ..reporting.tables import groups_data, metrics_data
    from ..reporting.terminal import lines

    session = session_named(options.dir, find_out(options.out))
    if options.json:
        state, cases = session.state, list(session.cases())
        without_errors = rate_without_errors(state.counts)
        totals = Totals.of(cases, group_by=state.group_by)
        data = {
            "state": {**asdict(state), "pass_rate_without_errors": without_errors},
            "metrics": metrics_data(state.metrics, totals),
            "groups": groups_data(totals.groupings),
            "cases": list(map(asdict, cases)),
        }
        say(json.dumps(data, indent=2))
    else:
        report = report_of(session)
        say_lines(lines(report, terminal_width(), is_verbose=options.verbose))
    return DONE


def write_html(options: Namespace) -> int:
    """Write a session's report page."""
    from ..reporting.html.page import write_report
    from ..reporting.html.parts import CaseData
    from ..reporting.report import report_of

    session = session_named(options.dir, find_out(options.out))
    data = CaseData()
    write_report(report_of(session, through=data.keep), Path(options.output), data)
    say(f"report page of {display_path(session.path)} in {printable(options.output)}")
    return DONE


def write_markdown(options: Namespace) -> int:
    """Write a session's summary as Markdown, or print it."""
    from ..reporting.markdown import comment
    from ..reporting.report import report_of

    session = session_named(options.dir, find_out(options.out))
    text = comment(report_of(session))
    if options.output is None:
        sys.stdout.write(text)
    else:
        replace_shared_file(Path(options.output), [text])
        say(f"summary of {display_path(session.path)} in {printable(options.output)}")
    return DONE


def export(options: Namespace) -> int:
    """Write the cases of a session, or their trials, as CSV or JSON Lines."""
    from ..reporting.export import Table

    path = Path(options.output)
    kind = path.suffix.lower()
    if kind not in (".csv", ".jsonl"):
        raise ConfigurationError(
            f"export writes .csv or .jsonl, got {options.output!r}: name a file that"
            " ends so, as -o cases.csv"
        )
    session = session_named(options.dir, find_out(options.out))
    cases = session.cases()
    table = Table(lambda: cases, by_trial=options.trials)
    replace_shared_file(
        path, table.csv_lines() if kind == ".csv" else table.json_lines()
    )
    what = counted(table.size, "trial" if options.trials else "case")
    say(f"{what} of {display_path(session.path)} in {printable(options.output)}")
    if cases.damaged:
        lost = counted(cases.damaged, "line")
        say_note(f"{lost} of the journal could not be read: left out")
    return DONE
