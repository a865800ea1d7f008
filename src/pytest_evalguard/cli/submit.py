"""Sessions are sent."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..config.checks import Given, checked_id, checked_seconds
from ..config.settings import NEW, Access, Settings, access_from
from ..config.urls import checked_url
from ..delivery.deadline import Deadline
from ..delivery.outbox import Sent, submission_of
from ..delivery.registry import new_target, stored_targets
from ..delivery.resubmit import directed_to, rejected, submit, unsent
from ..delivery.sending import Progress
from ..delivery.target import Target
from ..errors import ConfigurationError, EvalguardError, SessionError
from ..model.text import display_path
from ..reporting.submissions import sent_lines, unsent_lines
from ..start import SERVICES, ServiceInfo
from ..storage.session import (
    PassedOver,
    Session,
    find_out,
    open_session,
    sessions_in,
)
from .console import (
    DONE,
    REFUSED,
    USAGE,
    find_project,
    rewrite,
    say,
    say_error,
    say_lines,
    say_passed_over,
)


def submit_sessions(options: Namespace) -> int:
    """Send unsent sessions."""
    try:
        return _submit_all(options)
    except KeyboardInterrupt:
        say_error("interrupted; the same command sends what was not accepted")
        return REFUSED


def _submit_all(options: Namespace) -> int:
    out = find_out(options.out)
    deadline = Deadline(checked_seconds(options.timeout, "--timeout"))
    for service in SERVICES:
        if (url := _url(service, options)) is not None:
            checked_url(url)
    changes = _changes(options)
    targets = list(_targets(options))
    if targets:
        passed_over = PassedOver()
        pairs = directed_to(options.dirs, out, targets, passed_over)
        say_passed_over(passed_over)
    else:
        with_rejected = changes is not None
        found = unsent(options.dirs, out, say_error, with_rejected=with_rejected)
        pairs = list(found)
    if not pairs:
        _say_nothing(options, out)
    codes = [_submit(*pair, options, deadline, changes) for pair in pairs]
    return max(codes, default=DONE)


def _changes(options: Namespace) -> dict[str, str | int] | None:
    """Return the settings that rejected results are to be frozen anew with.

    None: they are not to be sent.

    :raises ConfigurationError: there are such settings, and not `--rejected`.
    """
    given: dict[str, str | int] = {}
    for setting in (Settings.dialect, Settings.batch_size):
        value = getattr(options, setting.name)
        if value is not None:
            option = f"--{setting.name.replace('_', '-')}"
            given[setting.name] = setting.kind.one(Given(value, Path()), option)
    if given and not options.rejected:
        raise ConfigurationError(
            "--dialect and --batch-size apply to rejected results only: add"
            " --rejected; all other results are sent exactly as stored"
        )
    return given if options.rejected else None


def _say_nothing(options: Namespace, out: Path) -> None:
    say(f"nothing to submit in {' '.join(options.dirs) or display_path(out)}")
    for directory in options.dirs:
        _say_where(open_session(Path(directory)))
    if options.dirs:
        return
    if any(map(_is_local, sessions_in(out))):
        say("  to send a session that was recorded without a run, pass --run ID")
    for session, sent in rejected(out):
        say_lines(unsent_lines(sent, session.path))


def _targets(options: Namespace) -> Iterator[Target]:
    """Yield the run and the agent that are named, with where they are."""
    for service in SERVICES:
        given = getattr(options, service.noun)
        if given is not None:
            access = _access(service, options)
            identity = checked_id(given, f"--{service.noun}")
            yield new_target(Settings(), access.with_id(identity))
    if options.run == NEW:
        raise ConfigurationError(
            f"--run takes the id of a run, not {NEW!r}: pytest-evalguard create-run"
            " creates one and prints its id"
        )


def _url(service: ServiceInfo, options: Namespace) -> str | None:
    url: str | None = getattr(options, service.url_setting)
    return url


def _access(service: ServiceInfo, options: Namespace) -> Access:
    return access_from(os.environ, service, _url(service, options))


def _is_local(session: Session) -> bool:
    with suppress(SessionError):
        return not session.state.targets
    return False


def _say_where(session: Session) -> None:
    for target in stored_targets(session):
        sent = Sent(target, submission_of(session, target))
        say_lines(sent_lines(sent, session.path))


def _submit(
    session: Session,
    target: Target,
    options: Namespace,
    deadline: Deadline,
    changes: dict[str, str | int] | None,
) -> int:
    project = find_project(session.path)
    progress = Progress(rewrite if sys.stdout.isatty() else None)
    try:
        access = _access(target.info, options)
        sent = submit(session, target, access, project, deadline, progress, changes)
    except (EvalguardError, OSError) as error:
        say_error(str(error))
        return USAGE
    finally:
        progress.end()
    say_lines(sent_lines(sent, session.path))
    return DONE if sent.submission.is_complete else REFUSED
