"""Cases are written as a table, for spreadsheets and data frames."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..errors import ConfigurationError
from ..model.text import counted, display_path, printable
from ..reporting.export import Table
from ..storage.files import replace_shared_file
from ..storage.session import find_out
from .console import DONE, say, say_note, session_named


def export(options: Namespace) -> int:
    """Write the cases of a session, or their trials, as CSV or JSON Lines."""
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
