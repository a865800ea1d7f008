"""Sessions are sent."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..config.settings import NEW, checked_id, checked_url, positive_seconds
from ..delivery.access import access_to
from ..delivery.deadline import Deadline
from ..delivery.outbox import Sent, submission_of
from ..delivery.progress import Progress
from ..delivery.resubmission import submit, unsent, with_targets
from ..errors import ConfigurationError, EvalguardError, SessionError
from ..reporting.whereabouts import display_path, sent_lines
from ..storage.session import Session, open_session, sessions_in
from ..storage.target import AgentTarget, RunTarget, Target
from .console import DONE, REFUSED, USAGE, rewrite, say, say_error, say_lines
from .finding import find_out, find_project


def submit_sessions(options: Namespace) -> int:
    """Send unsent sessions."""
    try:
        return _submit_all(options)
    except KeyboardInterrupt:
        say_error("interrupted; the same command sends what was not accepted")
        return REFUSED


def _submit_all(options: Namespace) -> int:
    out = find_out(options.out)
    deadline = Deadline(positive_seconds(options.timeout, "--timeout"))
    for url in filter(None, (options.url, options.agent_url)):
        checked_url(url)
    targets = list(_targets(options))
    if targets:
        pairs = with_targets(options.dirs, out, targets)
    else:
        pairs = list(unsent(options.dirs, out, say_error))
    if not pairs:
        say(f"nothing to submit in {' '.join(options.dirs) or display_path(out)}")
        if not options.dirs and any(map(_is_local, sessions_in(out))):
            say("  a session that was recorded for no run is sent by --run ID")
        for directory in options.dirs:
            _say_where(open_session(Path(directory)))
    return max((_submit(*pair, options, deadline) for pair in pairs), default=DONE)


def _targets(options: Namespace) -> Iterator[Target]:
    """Yield the run and the agent that are named, with where they are."""
    if options.run is not None:
        access = access_to("evalguard", options.url)
        run_id = _run_id(options.run)
        yield RunTarget(run_id=run_id, url=access.url, proof=access.proof)
    if options.agent is not None:
        access = access_to("agent", options.agent_url)
        agent_id = checked_id(options.agent, "--agent")
        yield AgentTarget(agent_id=agent_id, url=access.url, proof=access.proof)


def _run_id(given: str) -> str:
    if given == NEW:
        raise ConfigurationError(
            f"--run takes the id of a run, not {NEW!r}: pytest-evalguard create-run"
            " makes one and prints its id"
        )
    return checked_id(given, "--run")


def _is_local(session: Session) -> bool:
    with suppress(SessionError):
        return not session.state.targets
    return False


def _say_where(session: Session) -> None:
    for target in session.state.targets:
        sent = Sent(target, submission_of(session, target))
        say_lines(sent_lines(sent, session.path))


def _submit(
    session: Session, target: Target, options: Namespace, deadline: Deadline
) -> int:
    url = options.url if target.kind == "run" else options.agent_url
    project = find_project(session.path)
    progress = Progress(rewrite if sys.stdout.isatty() else None)
    try:
        access = access_to(target.service, url)
        sent = submit(session, target, access, project, deadline, progress)
    except (EvalguardError, OSError) as error:
        say_error(str(error))
        return USAGE
    finally:
        progress.end()
    say_lines(sent_lines(sent, session.path))
    return DONE if sent.submission.is_complete else REFUSED
