"""The console script: sessions on disk are listed, shown and submitted from here."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import __version__
from .deadline import Deadline
from .delivery import Sent
from .delivery import submission_of
from .errors import ConfigurationError
from .errors import EvalguardError
from .errors import ServiceError
from .errors import SessionError
from .resubmission import find_out
from .resubmission import given_url
from .resubmission import newest_session
from .resubmission import submit
from .resubmission import unsent
from .resubmission import with_run
from .session import Session
from .session import SessionState
from .session import Target
from .session import open_session
from .session import sessions_in
from .settings import DEFAULT_URL
from .settings import KEY_VARIABLE
from .settings import checked_id
from .settings import positive_seconds
from .settings import read_key
from .summary import display_path
from .summary import figures
from .summary import state_lines
from .summary import where_lines
from .text import counted
from .text import printable
from .totals import Totals

DONE = 0
REFUSED = 1
USAGE = 2

_SECONDS = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the console script; return its exit code: 0 done, 1 refused, 2 usage."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code: int = options.run_command(options)
        sys.stdout.flush()
    except EvalguardError as error:
        _say_error(str(error))
        return REFUSED if isinstance(error, ServiceError) else USAGE
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        _say_error(str(error))
        return USAGE
    except KeyboardInterrupt:
        _say_error("interrupted; the same command sends what was not accepted")
        return REFUSED
    return code


def submit_command(options: argparse.Namespace) -> int:
    """Send unsent sessions."""
    key = str(read_key(os.environ, KEY_VARIABLE))
    url = given_url(options.url, os.environ)
    out = find_out(options.out, os.environ)
    deadline = Deadline(positive_seconds(options.timeout, "--timeout"))
    if options.run is None:
        pairs = list(unsent(options.dirs, out, _say_error))
    else:
        pairs = [with_run(options.dirs, out, options.run, url, key)]
    if not pairs:
        _say(f"nothing to submit in {' '.join(options.dirs) or display_path(out)}")
        for directory in options.dirs:
            _say_where(open_session(Path(directory)))
    return max((_submit(*pair, url, key, deadline) for pair in pairs), default=DONE)


def _submit(
    session: Session, target: Target, url: str | None, key: str, deadline: Deadline
) -> int:
    try:
        sent = submit(session, target, url, key, deadline)
    except EvalguardError as error:
        _say_error(str(error))
        return USAGE
    _say_lines(where_lines(sent, session.path))
    return DONE if sent.submission.is_complete else REFUSED


def list_command(options: argparse.Namespace) -> int:
    """List sessions, the oldest first."""
    out = find_out(options.out, os.environ)
    entries = [_entry(session) for session in sessions_in(out)]
    if options.json:
        _say(json.dumps(entries, indent=2))
    elif not entries:
        _say(f"no sessions in {display_path(out)}")
    else:
        _say_lines(_entry_line(entry) for entry in entries)
    return DONE


def show_command(options: argparse.Namespace) -> int:
    """Show one session: its figures, the cases that did not pass, where it went."""
    session = (
        newest_session(find_out(options.out, os.environ))
        if options.dir is None
        else open_session(Path(options.dir))
    )
    state, cases = session.state, session.cases()
    if options.json:
        data = {"state": asdict(state), "cases": [asdict(case) for case in cases]}
        _say(json.dumps(data, indent=2))
        return DONE
    totals = Totals.of(cases, most=sys.maxsize)
    not_run = state.selected - sum(totals.outcomes.values())
    totals.outcomes["not run"] += max(0, not_run)
    _say_lines(figures(totals, session.path))
    _say_lines(state_lines(state))
    if cases.damaged:
        _say(f"{counted(cases.damaged, 'line')} of the journal could not be read")
    _say_where(session)
    return DONE


def _say_where(session: Session) -> None:
    for target in session.state.targets:
        sent = Sent(target, submission_of(session, target))
        _say_lines(where_lines(sent, session.path))


def create_run_command(options: argparse.Namespace) -> int:
    """Create an external run and print its id, nothing else."""
    from .services.evalguard import EvalGuard

    project = checked_id(options.project, "--project")
    name = checked_id(options.name, "--name")
    url = given_url(options.url, os.environ) or DEFAULT_URL
    api = EvalGuard(url, str(read_key(os.environ, KEY_VARIABLE)))
    try:
        run_id = api.create_run(project, name, options.model, Deadline(_SECONDS))
        _say(printable(run_id))
    finally:
        api.close()
    return DONE


def finish_run_command(options: argparse.Namespace) -> int:
    """Finish a run, with the figures of the sessions that were recorded for it."""
    from .services.evalguard import EvalGuard
    from .services.evalguard import run_summary

    run_id = checked_id(options.id, "the run's id")
    sessions = list(_sessions_of(run_id, find_out(options.out, os.environ)))
    status = options.status or _status_of(sessions, run_id)
    totals = Totals.of(case for session in sessions for case in session.cases())
    summary = run_summary(totals.score.value, totals.pass_rate) if sessions else {}
    url = given_url(options.url, os.environ) or DEFAULT_URL
    api = EvalGuard(url, str(read_key(os.environ, KEY_VARIABLE)))
    try:
        api.finish_run(run_id, status, summary, Deadline(_SECONDS))
    finally:
        api.close()
    _say(f"run {printable(run_id)} finished: {status}")
    return DONE


def _sessions_of(run_id: str, out: Path) -> Iterator[Session]:
    for session in sessions_in(out):
        try:
            targets = session.state.targets
        except SessionError as error:
            _say_error(f"left out: {error}")
            continue
        if any(target.run_id == run_id for target in targets):
            yield session


def _status_of(sessions: list[Session], run_id: str) -> str:
    if not sessions:
        raise ConfigurationError(
            f"no session here was recorded for run {run_id}: say how it ended by"
            " --status passed, failed or error"
        )
    has_passed = all(session.state.exit_status == 0 for session in sessions)
    return "passed" if has_passed else "failed"


def _entry(session: Session) -> dict[str, Any]:
    """Return a session as `list --json` shows it."""
    name, path = session.path.name, str(session.path)
    try:
        state = session.state
        sent = [submission_of(session, target) for target in state.targets]
        status = _status(session, state)
        finished = sum(n for name, n in state.counts.items() if name != "not run")
        if state.status == "running":
            finished = len(session.cases())
    except (SessionError, OSError, ValueError) as error:
        return {"name": name, "path": path, "status": "unreadable", "error": str(error)}
    return {
        "name": name,
        "path": path,
        "status": status,
        "selected": state.selected,
        "finished": finished,
        "counts": dict(state.counts),
        "submissions": [asdict(submission) for submission in sent],
    }


def _entry_line(entry: dict[str, Any]) -> str:
    if "error" in entry:
        return f"{printable(entry['name'])}  unreadable: {printable(entry['error'])}"
    where = "; ".join(
        f"run {each['run_id'] or 'not created'}: {each['accepted']} accepted,"
        f" {each['rejected']} refused, {each['unsent']} unsent"
        for each in entry["submissions"]
    )
    cases = f"{entry['finished']} of {counted(entry['selected'], 'case')}"
    name = printable(entry["name"])
    return f"{name}  {entry['status']}  {cases}  {printable(where) or 'local'}"


def _status(session: Session, state: SessionState) -> str:
    """Return a session's status; one that says it is running and is not, was killed."""
    if state.status != "running":
        return state.status
    with session.locked() as is_free:
        return "killed" if is_free else "running"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _say_lines(lines: Iterator[str]) -> None:
    for line in lines:
        _say(line)


def _say_error(message: str) -> None:
    sys.stderr.write(f"pytest-evalguard: error: {printable(message)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-evalguard",
        description="Submit, list and show sessions that pytest-evalguard recorded.",
        epilog=f"The API key is read from {KEY_VARIABLE}, and from nowhere else."
        " Exit codes: 0 done, 1 something was refused, 2 usage or configuration.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_submit(commands)
    _add_list(commands)
    _add_show(commands)
    _add_create_run(commands)
    _add_finish_run(commands)
    return parser


def _command(commands: Any, name: str, run: Any, text: str, example: str) -> Any:
    command = commands.add_parser(
        name, help=text, description=f"{text}.", epilog=f"Example: {example}"
    )
    command.set_defaults(run_command=run)
    return command


def _add_submit(commands: Any) -> None:
    command = _command(
        commands,
        "submit",
        submit_command,
        "send all unsent sessions that have a target, or the named ones",
        "pytest-evalguard submit --run 0f3c... shard-1/20* shard-2/20*",
    )
    command.add_argument("dirs", nargs="*", metavar="DIR", help="a session's directory")
    command.add_argument(
        "--run",
        metavar="ID",
        help="send the named sessions, together, or the newest one to this run",
    )
    command.add_argument(
        "--timeout",
        metavar="SECONDS",
        default=_SECONDS,
        help="total time, retries and waits included (default: 60)",
    )
    _add_url(command)
    _add_out(command)


def _add_list(commands: Any) -> None:
    command = _command(
        commands,
        "list",
        list_command,
        "list sessions with their state and counts",
        "pytest-evalguard list --json",
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    _add_out(command)


def _add_show(commands: Any) -> None:
    command = _command(
        commands,
        "show",
        show_command,
        "show a session, the newest if none is named",
        "pytest-evalguard show .evalguard/20260102T030405Z-1a2b3c4d",
    )
    command.add_argument("dir", nargs="?", metavar="DIR", help="a session's directory")
    command.add_argument("--json", action="store_true", help="print JSON")
    _add_out(command)


def _add_create_run(commands: Any) -> None:
    command = _command(
        commands,
        "create-run",
        create_run_command,
        "create an external run and print its id",
        "pytest-evalguard create-run --project 9d1e... --name nightly",
    )
    command.add_argument("--project", required=True, metavar="ID", help="its project")
    command.add_argument("--name", required=True, help="its name")
    command.add_argument("--model", default="", help="the model under test")
    _add_url(command)


def _add_finish_run(commands: Any) -> None:
    command = _command(
        commands,
        "finish-run",
        finish_run_command,
        "finish a run, with the figures of the sessions recorded for it",
        "pytest-evalguard finish-run 0f3c... --status passed",
    )
    command.add_argument("id", metavar="ID", help="the run's id")
    command.add_argument(
        "--status",
        choices=("passed", "failed", "error"),
        help="how it ended (default: as the sessions recorded for it did)",
    )
    _add_url(command)
    _add_out(command)


def _add_url(command: Any) -> None:
    command.add_argument(
        "--url", help=f"EvalGuard's base URL (env: EVALGUARD_BASE_URL; {DEFAULT_URL})"
    )


def _add_out(command: Any) -> None:
    command.add_argument(
        "--out",
        metavar="DIR",
        help="where sessions are (default: EVALGUARD_OUT, or the nearest .evalguard)",
    )
