"""Runs of EvalGuard are created and finished."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ..analysis.totals import Totals
from ..config.checks import checked_id
from ..config.settings import (
    DEFAULT_TIMEOUT,
    PROJECT_VARIABLE,
    access_from,
    service_named,
)
from ..delivery.deadline import Deadline, within
from ..delivery.evalguard.service import EvalGuard, run_summary
from ..delivery.registry import stored_targets
from ..errors import ConfigurationError, SessionError
from ..model.text import printable
from ..storage.session import PassedOver, Session, find_out, sessions_in
from .console import DONE, REFUSED, say, say_error, say_note, say_passed_over


def create_run(options: Namespace) -> int:
    """Create an external run and print its id, nothing else."""
    given = options.project or os.environ.get(PROJECT_VARIABLE, "")
    project = checked_id(given, f"--project ({PROJECT_VARIABLE})")
    name = checked_id(options.name, "--name")
    deadline = Deadline(DEFAULT_TIMEOUT)
    with closing(_api(options)) as api:
        run_id = within(
            deadline, lambda: api.create_run(project, name, options.model, deadline)
        )
        say(printable(run_id))
    return DONE


def finish_run(options: Namespace) -> int:
    """Finish a run, with the figures of the sessions that were recorded for it."""
    run_id = checked_id(options.id, "the run's id")
    sessions = list(_sessions_of(run_id, find_out(options.out)))
    status = options.status or _status_of(sessions, run_id)
    totals = Totals.of(case for session in sessions for case in session.cases())
    summary = run_summary(totals.score.value, totals.pass_rate) if sessions else {}
    if not sessions:
        say_note("without a session that was recorded for the run, it gets no figures")
    deadline = Deadline(DEFAULT_TIMEOUT)
    with closing(_api(options)) as api:
        found = within(
            deadline, lambda: api.finish_run(run_id, status, summary, deadline)
        )
    if found != status:
        run = printable(run_id)
        say_error(f"run {run} had ended before, with status {found!r}, and stays so")
        return REFUSED
    say(f"run {printable(run_id)} finished: {status}")
    return DONE


def _api(options: Namespace) -> EvalGuard:
    access = access_from(os.environ, service_named("evalguard"), options.url)
    return EvalGuard(access.url, str(access.key))


def _sessions_of(run_id: str, out: Path) -> Iterator[Session]:
    passed_over = PassedOver()
    for session in sessions_in(out, passed_over):
        try:
            targets = stored_targets(session)
        except SessionError as error:
            say_error(f"left out: {error}")
            continue
        if any((e.service, e.id) == ("evalguard", run_id) for e in targets):
            yield session
    say_passed_over(passed_over)


def _status_of(sessions: list[Session], run_id: str) -> str:
    if not sessions:
        raise ConfigurationError(
            f"no session here was recorded for run {run_id}: say how it ended with"
            " --status passed, failed or error"
        )
    has_passed = all(session.state.exit_status == 0 for session in sessions)
    return "passed" if has_passed else "failed"
