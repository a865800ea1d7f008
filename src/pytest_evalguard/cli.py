"""The console script: sessions on disk are listed, shown and submitted from here."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import __version__
from .baseline import Baseline
from .baseline import find_baseline
from .baseline import read_baseline
from .baseline import session_baseline
from .baseline import write_baseline
from .comparison import compare
from .comparison import verdict_lines
from .deadline import Deadline
from .delivery import Sent
from .delivery import submission_of
from .errors import ConfigurationError
from .errors import EvalguardError
from .errors import ServiceError
from .errors import SessionError
from .progress import Progress
from .prompts import LOCK
from .prompts import locked_prompts
from .report import report_of
from .resubmission import access_to
from .resubmission import find_out
from .resubmission import find_project
from .resubmission import newest_session
from .resubmission import project_of
from .resubmission import submit
from .resubmission import unsent
from .resubmission import with_targets
from .session import Session
from .session import open_session
from .session import sessions_in
from .settings import AGENT_KEY_VARIABLE
from .settings import DEFAULT_AGENT_URL
from .settings import DEFAULT_URL
from .settings import KEY_VARIABLE
from .settings import checked_id
from .settings import checked_url
from .settings import positive_seconds
from .summary import comparison_lines
from .summary import destination
from .summary import display_path
from .summary import lines
from .summary import sent_lines
from .target import AgentTarget
from .target import RunTarget
from .target import Target
from .target import prove
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
    out = find_out(options.out, os.environ)
    deadline = Deadline(positive_seconds(options.timeout, "--timeout"))
    for url in filter(None, (options.url, options.agent_url)):
        checked_url(url)
    targets = list(_targets(options))
    if targets:
        pairs = with_targets(options.dirs, out, targets)
    else:
        pairs = list(unsent(options.dirs, out, _say_error))
    if not pairs:
        _say(f"nothing to submit in {' '.join(options.dirs) or display_path(out)}")
        for directory in options.dirs:
            _say_where(open_session(Path(directory)))
    return max((_submit(*pair, options, deadline) for pair in pairs), default=DONE)


def _targets(options: argparse.Namespace) -> Iterator[Target]:
    """Yield the run and the agent that are named, with where they are."""
    if options.run is not None:
        access = access_to("evalguard", os.environ, options.url)
        url = access.url or DEFAULT_URL
        run_id = checked_id(options.run, "--run")
        yield RunTarget(run_id=run_id, url=url, proof=prove(access.key, url))
    if options.agent is not None:
        access = access_to("agent", os.environ, options.agent_url)
        url = access.url or DEFAULT_AGENT_URL
        agent_id = checked_id(options.agent, "--agent")
        yield AgentTarget(agent_id=agent_id, url=url, proof=prove(access.key, url))


def _submit(
    session: Session, target: Target, options: argparse.Namespace, deadline: Deadline
) -> int:
    url = options.url if target.kind == "run" else options.agent_url
    project = find_project(session.path)
    progress = Progress(_rewrite if sys.stdout.isatty() else None)
    try:
        access = access_to(target.service, os.environ, url)
        sent = submit(session, target, access, project, deadline, progress)
    except (EvalguardError, OSError) as error:
        _say_error(str(error))
        return USAGE
    finally:
        progress.end()
    _say_lines(sent_lines(sent, session.path))
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
    session = _named_session(options)
    if options.json:
        cases = [asdict(case) for case in session.cases()]
        _say(json.dumps({"state": asdict(session.state), "cases": cases}, indent=2))
    else:
        _say_lines(lines(report_of(session, most=sys.maxsize)))
    return DONE


def _say_where(session: Session) -> None:
    for target in session.state.targets:
        sent = Sent(target, submission_of(session, target))
        _say_lines(sent_lines(sent, session.path))


def compare_command(options: argparse.Namespace) -> int:
    """Compare two sessions."""
    out = find_out(options.out, os.environ)
    names = (options.before, options.after)
    (name, before), (_, after) = (_baseline(each, out) for each in names)
    comparison = compare(name, before, after)
    for doubt in (*before.doubts, *after.doubts):
        _say_note(doubt)
    if not comparison.paired:
        _say_note("no case is in both: nothing was compared")
    if options.json:
        _say(
            json.dumps({**asdict(comparison), "verdict": [*verdict_lines(comparison)]})
        )
    else:
        _say_lines(comparison_lines(comparison))
    is_good = comparison.paired and not comparison.regressed
    return DONE if is_good or not options.fail_on_regression else REFUSED


def _baseline(name: str, out: Path) -> tuple[str, Baseline]:
    path = find_baseline(name, out)
    if path is None:
        raise SessionError(f"there is no finished session in {display_path(out)}")
    return path.name, read_baseline(path)


def bless_command(options: argparse.Namespace) -> int:
    """Write a session's outcomes and scores into a file to be committed."""
    session = _named_session(options)
    baseline = session_baseline(session)
    for doubt in baseline.doubts:
        _say_note(doubt)
    if not baseline.cases:
        raise SessionError(
            f"{display_path(session.path)} has no case with a result: there is nothing"
            " to compare with, name another session"
        )
    write_baseline(Path(options.output), baseline)
    cases = counted(len(baseline.cases), "case")
    _say(f"{cases} of {display_path(session.path)} in {printable(options.output)}")
    return DONE


def _named_session(options: argparse.Namespace) -> Session:
    if options.dir is None:
        return newest_session(find_out(options.out, os.environ))
    return open_session(Path(options.dir))


def html_command(options: argparse.Namespace) -> int:
    """Write a session's report page."""
    from .reportpage import write_report

    session = _named_session(options)
    write_report(report_of(session), Path(options.output))
    _say(f"report page of {display_path(session.path)} in {printable(options.output)}")
    return DONE


def create_run_command(options: argparse.Namespace) -> int:
    """Create an external run and print its id, nothing else."""
    from .services.evalguard import EvalGuard

    project = checked_id(options.project, "--project")
    name = checked_id(options.name, "--name")
    access = access_to("evalguard", os.environ, options.url)
    api = EvalGuard(access.url or DEFAULT_URL, access.key)
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
    access = access_to("evalguard", os.environ, options.url)
    api = EvalGuard(access.url or DEFAULT_URL, access.key)
    try:
        api.finish_run(run_id, status, summary, Deadline(_SECONDS))
    finally:
        api.close()
    _say(f"run {printable(run_id)} finished: {status}")
    return DONE


def prompts_pull_command(options: argparse.Namespace) -> int:
    """Write an agent's prompts into the lock file."""
    from .prompting import last_cases
    from .prompting import pull

    out = find_out(options.out, os.environ)
    path = project_of(out) / LOCK
    with _agent_api(options) as (agent_id, api):
        prompts = pull(api, agent_id, path, last_cases(out), Deadline(_SECONDS))
    known = sum(bool(each.nodeids) for each in prompts)
    _say(
        f"{counted(len(prompts), 'prompt')} of agent {printable(agent_id)} in"
        f" {display_path(path)}, {known:,} with the tests that answer them"
    )
    return DONE


def prompts_push_command(options: argparse.Namespace) -> int:
    """Create the prompts that the last session has and the agent has not."""
    from .prompting import last_cases
    from .prompting import push

    out = find_out(options.out, os.environ)
    session = newest_session(out)
    with _agent_api(options) as (agent_id, api):
        locked = locked_prompts(project_of(out), agent_id)
        created = push(api, locked, last_cases(out), Deadline(_SECONDS))
    _say(
        f"{counted(created, 'prompt')} created at agent {printable(agent_id)} from"
        f" {display_path(session.path)}; pytest-evalguard prompts pull writes them into"
        f" {LOCK}"
    )
    return DONE


@contextmanager
def _agent_api(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    from .services.agent import AgentApi

    agent_id = checked_id(options.agent, "--agent")
    access = access_to("agent", os.environ, options.agent_url)
    api = AgentApi(access.url or DEFAULT_AGENT_URL, agent_id, access.key)
    try:
        yield agent_id, api
    finally:
        api.close()


def _sessions_of(run_id: str, out: Path) -> Iterator[Session]:
    for session in sessions_in(out):
        try:
            targets = session.state.targets
        except SessionError as error:
            _say_error(f"left out: {error}")
            continue
        if any((each.kind, each.id) == ("run", run_id) for each in targets):
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
        sent = [Sent(each, submission_of(session, each)) for each in state.targets]
        status = session.status
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
        "submissions": [
            {"to": destination(each), **asdict(each.submission)} for each in sent
        ],
    }


def _entry_line(entry: dict[str, Any]) -> str:
    if "error" in entry:
        return f"{printable(entry['name'])}  unreadable: {printable(entry['error'])}"
    where = "; ".join(
        f"{each['to']}: {each['accepted']} accepted,"
        f" {each['rejected']} refused, {each['unsent']} unsent"
        for each in entry["submissions"]
    )
    cases = f"{entry['finished']} of {counted(entry['selected'], 'case')}"
    name = printable(entry["name"])
    return f"{name}  {entry['status']}  {cases}  {printable(where) or 'local'}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _rewrite(line: str) -> None:
    sys.stdout.write(f"\r{line:<79}\r")
    sys.stdout.flush()


def _say_lines(lines: Iterator[str]) -> None:
    for line in lines:
        _say(line)


def _say_error(message: str) -> None:
    sys.stderr.write(f"pytest-evalguard: error: {printable(message)}\n")


def _say_note(message: str) -> None:
    sys.stderr.write(f"pytest-evalguard: note: {printable(message)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-evalguard",
        description="Submit, list and show sessions that pytest-evalguard recorded.",
        epilog=f"API keys are read from {KEY_VARIABLE} and {AGENT_KEY_VARIABLE}, and"
        " from nowhere else. Exit codes: 0 done, 1 something was refused or regressed,"
        " 2 usage or configuration.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_submit(commands)
    _add_list(commands)
    _add_show(commands)
    _add_compare(commands)
    _add_bless(commands)
    _add_html(commands)
    _add_create_run(commands)
    _add_finish_run(commands)
    _add_prompts(commands)
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
        "--agent", metavar="ID", help="the same, one result a prompt, to this agent"
    )
    command.add_argument(
        "--timeout",
        metavar="SECONDS",
        default=_SECONDS,
        help="total time, retries and waits included (default: 60)",
    )
    _add_url(command)
    _add_agent_url(command)
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
    command.add_argument("--json", action="store_true", help="print JSON")
    _add_dir(command)


def _add_compare(commands: Any) -> None:
    command = _command(
        commands,
        "compare",
        compare_command,
        "compare two sessions: directories, files that bless wrote, or 'last'",
        "pytest-evalguard compare baseline.json last --fail-on-regression",
    )
    command.add_argument("before", metavar="A", help="the earlier one")
    command.add_argument("after", metavar="B", help="the later one")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--fail-on-regression",
        action="store_true",
        help="exit with 1 when a case passed in A and not in B, or none is in both",
    )
    _add_out(command)


def _add_bless(commands: Any) -> None:
    command = _command(
        commands,
        "bless",
        bless_command,
        "write a session's outcomes and scores, no texts, into a file to be committed",
        "pytest-evalguard bless -o baseline.json",
    )
    _add_dir(command)
    _add_output(command)


def _add_html(commands: Any) -> None:
    command = _command(
        commands,
        "html",
        html_command,
        "write a session's report page, one HTML file",
        "pytest-evalguard html -o report.html",
    )
    _add_dir(command)
    _add_output(command)


def _add_dir(command: Any) -> None:
    command.add_argument(
        "dir", nargs="?", metavar="DIR", help="a session's directory (default: newest)"
    )
    _add_out(command)


def _add_output(command: Any) -> None:
    command.add_argument(
        "-o", "--output", required=True, metavar="PATH", help="the file to write"
    )


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


def _add_prompts(commands: Any) -> None:
    group = commands.add_parser(
        "prompts", help="pull an agent's prompts into the lock file, push missing ones"
    )
    actions = group.add_subparsers(required=True, metavar="ACTION")
    pull = _command(
        actions,
        "pull",
        prompts_pull_command,
        f"write an agent's prompts into {LOCK}, with the tests that answer them",
        "pytest-evalguard prompts pull --agent 0d9b8a52-7f4e-4b0f-a1de-2c6c5e7f9a31",
    )
    push = _command(
        actions,
        "push",
        prompts_push_command,
        "create the prompts of the last session that the agent does not have yet",
        "pytest-evalguard prompts push --agent 0d9b8a52-7f4e-4b0f-a1de-2c6c5e7f9a31",
    )
    for command in (pull, push):
        command.add_argument("--agent", required=True, metavar="ID", help="the agent")
        _add_agent_url(command)
        _add_out(command)


def _add_url(command: Any) -> None:
    command.add_argument(
        "--url", help=f"EvalGuard's base URL (env: EVALGUARD_BASE_URL; {DEFAULT_URL})"
    )


def _add_agent_url(command: Any) -> None:
    command.add_argument(
        "--agent-url",
        metavar="URL",
        help="the agent service's base URL (env: EVALGUARD_AGENT_URL;"
        f" {DEFAULT_AGENT_URL})",
    )


def _add_out(command: Any) -> None:
    command.add_argument(
        "--out",
        metavar="DIR",
        help="where sessions are (default: EVALGUARD_OUT, or the nearest .evalguard)",
    )
