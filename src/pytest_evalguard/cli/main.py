"""The console script. It loads the one command that is run, and what that needs."""

from __future__ import annotations

import io
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from .. import __version__
from ..config.settings import (
    DEFAULT_TIMEOUT,
    DIALECTS,
    MAX_BATCH,
    PROJECT_VARIABLE,
    PROMPTS_LOCK,
    service_named,
)
from ..errors import EvalguardError, MergeError, ServiceError
from ..start import SERVICES, ServiceInfo
from .console import DONE, REFUSED, USAGE, judging_settings, say_error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the console script; return its exit code: 0 done, 1 refused, 2 usage."""
    _replace_closed_streams()
    options = make_parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        module = import_module(f".{options.module}", __package__)
        code: int = getattr(module, options.function)(options)
        sys.stdout.flush()
    except EvalguardError as error:
        say_error(str(error))
        is_refused = isinstance(error, (ServiceError, MergeError))
        return REFUSED if is_refused else USAGE
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        say_error(str(error))
        return USAGE
    except KeyboardInterrupt:
        say_error("interrupted")
        return REFUSED
    return code


def _replace_closed_streams() -> None:
    """Say to nobody what was to be said where a stream is closed, as by ``>&-``."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, io.StringIO())


class _Argument:
    """An argument, as argparse wants it."""

    def __init__(self, *names: str, **details: Any) -> None:
        self.names = names
        self.details = details


class _Command(NamedTuple):
    """A command, and the module of this package and its function that carry it out."""

    name: str
    module: str
    function: str
    text: str
    example: str
    arguments: Sequence[_Argument] | Callable[[], Sequence[_Argument]]


def make_parser() -> ArgumentParser:
    """Return the parser; what it returns names the command's module and function."""
    keys = " and ".join(each.key_variable for each in SERVICES)
    parser = ArgumentParser(
        prog="pytest-evalguard",
        description="Send, list, show and compare sessions that pytest-evalguard"
        " recorded. Each command has its own --help, with an example.",
        epilog=f"API keys are read only from {keys}. Exit codes: 0"
        " success, 1 something was refused or regressed, 2 usage or configuration"
        " error.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        _add(commands, command)
    text = "pull an agent's prompts into the lock file, or push new ones"
    group = commands.add_parser("prompts", help=text, description=_sentence(text))
    actions = group.add_subparsers(required=True, metavar="ACTION")
    for command in _PROMPTS:
        _add(actions, command)
    return parser


def _add(commands: Any, command: _Command) -> None:
    parser = commands.add_parser(
        command.name,
        help=command.text,
        description=_sentence(command.text),
        epilog=f"Example: pytest-evalguard {command.example}",
    )
    parser.set_defaults(module=command.module, function=command.function)
    arguments = command.arguments
    for argument in arguments() if callable(arguments) else arguments:
        parser.add_argument(*argument.names, **argument.details)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


_DIR = _Argument(
    "dir", nargs="?", metavar="DIR", help="session directory (default: the newest)"
)
_JSON = _Argument("--json", action="store_true", help="print JSON")
_VERBOSE = _Argument(
    "-v",
    "--verbose",
    action="store_true",
    help="show all cases that did not pass, each with its values",
)
_OUT = _Argument(
    "--out",
    metavar="DIR",
    help="where to look for sessions (default: EVALGUARD_OUT, or the nearest"
    " .evalguard)",
)
_OUTPUT = _Argument(
    "-o", "--output", required=True, metavar="PATH", help="file to write"
)
_AGENT = _Argument("--agent", required=True, metavar="ID", help="id of the agent")


def _url(service: ServiceInfo, also: str = "") -> _Argument:
    return _Argument(
        f"--{service.url_setting.replace('_', '-')}",
        metavar="URL",
        help=f"base URL of {service.title} (default: {service.url_variable}, or"
        f" {also}{service.default_url})",
    )


def _submit_arguments() -> list[_Argument]:
    found = [_Argument("dirs", nargs="*", metavar="DIR", help="session directory")]
    for service in SERVICES:
        found += (
            _Argument(
                f"--{service.noun}",
                metavar="ID",
                help="send the named sessions together, or the newest one, to this"
                f" {service.noun} of {service.title}",
            ),
            _url(service, "the URL the session was recorded for, or "),
        )
    timeout = _Argument(
        "--timeout",
        metavar="SECONDS",
        default=DEFAULT_TIMEOUT,
        help="total time limit, including retries and waits (default: 60)",
    )
    return [*found, *_REJECTED, timeout, _OUT]


def _gate_arguments() -> list[_Argument]:
    found = []
    for setting in judging_settings():
        option = setting.option
        action = "append" if option.ini == "linelist" else "store"
        found.append(
            _Argument(
                f"--{option.name.replace('_', '-')}",
                action=action,
                metavar=option.metavar or "F",
                help=option.help,
            )
        )
    return [*found, _DIR, _OUT]


_REJECTED = (
    _Argument(
        "--rejected",
        action="store_true",
        help="also send rejected results: the same bytes with the same keys, or new"
        " requests if --dialect or --batch-size differs",
    ),
    _Argument(
        "--dialect",
        metavar="D",
        help=f"row format for rejected batches: {' or '.join(DIALECTS)}",
    ),
    _Argument(
        "--batch-size",
        metavar="N",
        help=f"rows per request for rejected batches, 1 to {MAX_BATCH}",
    ),
)
_URL, _AGENT_URL = _url(service_named("evalguard")), _url(service_named("agent"))
_COMPARE = (
    _Argument("before", metavar="A", help="the earlier session"),
    _Argument("after", metavar="B", help="the later session"),
    _JSON,
    _Argument(
        "--fail-on-regression",
        action="store_true",
        help="exit with 1 if a case passed in A and not in B, or if no case is in both",
    ),
    _OUT,
)
_MERGE = (
    _Argument("dirs", nargs="+", metavar="DIR", help="session directory"),
    _Argument(
        "-o", "--output", required=True, metavar="DIR", help="directory to create"
    ),
    _Argument(
        "--expect",
        metavar="N",
        help="number of sessions there must be, one per shard",
    ),
)
_MARKDOWN = (
    _Argument(
        "-o",
        "--output",
        metavar="PATH",
        help="file to write (default: print it)",
    ),
    _DIR,
    _OUT,
)
_EXPORT = (
    _OUTPUT,
    _Argument(
        "--trials",
        action="store_true",
        help="one row for each trial; a case without trials has one",
    ),
    _DIR,
    _OUT,
)
_CREATE_RUN = (
    _Argument(
        "--project",
        default="",
        metavar="ID",
        help=f"project of the run (default: {PROJECT_VARIABLE})",
    ),
    _Argument("--name", required=True, help="name of the run"),
    _Argument("--model", default="", help="model under test"),
    _URL,
)
_FINISH_RUN = (
    _Argument("id", metavar="ID", help="id of the run"),
    _Argument(
        "--status",
        metavar="STATUS",
        choices=("passed", "failed", "error"),
        help="passed, failed or error (default: what its sessions ended with)",
    ),
    _URL,
    _OUT,
)

_COMMANDS = (
    _Command(
        "submit",
        "submit",
        "submit_sessions",
        "send kept sessions: the named ones, or all unsent ones that have a target",
        "submit --run 0f3c... shard-1/20* shard-2/20*",
        _submit_arguments,
    ),
    _Command(
        "list",
        "sessions",
        "list_sessions",
        "list sessions, with their state and counts",
        "list --json",
        (_JSON, _OUT),
    ),
    _Command(
        "show",
        "sessions",
        "show",
        "show a session: its figures, what did not pass, and where it was sent",
        "show .evalguard/20260102T030405.678Z-1a2b3c4d",
        (_JSON, _VERBOSE, _DIR, _OUT),
    ),
    _Command(
        "compare",
        "compare",
        "compare_sessions",
        "compare two sessions: directories, files written by bless, or 'last'",
        "compare baseline.json last --fail-on-regression",
        _COMPARE,
    ),
    _Command(
        "bless",
        "compare",
        "bless",
        "write a baseline file to commit: outcomes and scores of a session, no texts",
        "bless -o baseline.json",
        (_OUTPUT, _DIR, _OUT),
    ),
    _Command(
        "html",
        "sessions",
        "write_html",
        "write the report page of a session, as one HTML file",
        "html -o report.html",
        (_OUTPUT, _DIR, _OUT),
    ),
    _Command(
        "markdown",
        "sessions",
        "write_markdown",
        "write the summary of a session as Markdown, for a comment on a pull request",
        "markdown merged -o summary.md",
        _MARKDOWN,
    ),
    _Command(
        "export",
        "sessions",
        "export",
        "write a session's cases as a table: CSV or JSON Lines, by the file's name",
        "export -o cases.csv",
        _EXPORT,
    ),
    _Command(
        "merge",
        "merge",
        "merge",
        "merge several sessions into one, such as the shards of a build",
        "merge shards/*/20* -o merged --expect 4",
        _MERGE,
    ),
    _Command(
        "gate",
        "gate",
        "judge",
        "check a stored session against gates; exit with 1 if one is not met",
        "gate merged --min-pass-rate 0.9 --baseline baseline.json --max-regressions 0",
        _gate_arguments,
    ),
    _Command(
        "create-run",
        "runs",
        "create_run",
        "create an external run and print its id",
        "create-run --project 9d1e... --name nightly",
        _CREATE_RUN,
    ),
    _Command(
        "finish-run",
        "runs",
        "finish_run",
        "finish a run, with the results of the sessions recorded for it",
        "finish-run 0f3c... --status passed",
        _FINISH_RUN,
    ),
)
_PROMPTS = (
    _Command(
        "pull",
        "prompts",
        "pull_prompts",
        f"write an agent's prompts to {PROMPTS_LOCK}, with the tests that answer them",
        "prompts pull --agent 0d9b...",
        (_AGENT, _AGENT_URL, _OUT),
    ),
    _Command(
        "push",
        "prompts",
        "push_prompts",
        "create the prompts of the last session that the agent doesn't have yet",
        "prompts push --agent 0d9b...",
        (_AGENT, _AGENT_URL, _OUT),
    ),
)
