"""Submits a session at its end, to each of its targets, within the time it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from ..config.settings import Settings
from ..delivery.deadline import Deadline, within
from ..delivery.outbox import Sent, Service, Submission, submission_of, submitted
from ..delivery.registry import BuiltIn, built_in_service, targets_of
from ..delivery.sending import Progress
from ..delivery.target import Target
from ..errors import EvalguardError, ServiceError, SessionError
from ..model.values import describe
from ..recording.modify_case import RAISED
from .live_session import LiveSession

_PREFLIGHT_SECONDS = 5.0


@dataclass(frozen=True)
class Destination:
    """A target, and the service of a user's own that takes its results, if any does."""

    target: Target
    own_service: Service | None = None

    @property
    def is_stored(self) -> bool:
        """Whether the target is kept with the session, for a later `submit`."""
        return self.own_service is None


@dataclass(frozen=True)
class Submitted:
    """What became of a session at its targets; `problems` are sentences.

    `is_stopped` says that the user did not want to wait for it.
    """

    sent: Sequence[Sent] = ()
    problems: Sequence[str] = ()
    is_stopped: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether everything that was to be sent was accepted."""
        return all(each.submission.is_complete for each in self.sent)


def destinations_of(settings: Settings) -> tuple[Destination, ...]:
    """Return where a session's results are to go, before anything is asked there."""
    return tuple(map(Destination, targets_of(settings)))


class Submitter:
    """Brings the results of one session to where they are to go."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings

    def prepared(self, destination: Destination) -> Destination:
        """Return a destination that can be fed, asked before the first test.

        :raises EvalguardError: it can't.
        """
        target = destination.target
        service = self._config.hook.pytest_evalguard_make_service(
            config=self._config, name=target.service
        )
        if service is not None:
            return replace(destination, own_service=service)
        name = f"pytest {self._config.rootpath.name}"
        deadline = Deadline(_PREFLIGHT_SECONDS)
        service = self._built_in(target)
        with suppress(ServiceError):  # it may be back at the session's end
            target = within(deadline, lambda: service.prepare(name, deadline))
        return replace(destination, target=target)

    def _built_in(self, target: Target, progress: Progress | None = None) -> BuiltIn:
        key = self._settings.services[target.service].key or ""
        return built_in_service(target, key, self._config.rootpath, progress)

    def submit(
        self, destinations: Sequence[Destination], live: LiveSession
    ) -> Submitted:
        """Send a session everywhere; what the user stops is left for later."""
        sent: list[Sent] = []
        problems: list[str] = []
        deadline = Deadline(self._settings.timeout)
        try:
            for destination in destinations:
                # one that hangs leaves those after it their share of the time
                share = Deadline(deadline.left / (len(destinations) - len(sent)))
                sent.append(self._submit(destination, live, share))
                problems += self._tell_hooks(sent[-1])
        except KeyboardInterrupt:
            rest = kept(destinations[len(sent) :], live, "sending was stopped")
            return Submitted((*sent, *rest.sent), problems, is_stopped=True)
        return Submitted(sent, problems)

    def _submit(
        self, destination: Destination, live: LiveSession, deadline: Deadline
    ) -> Sent:
        target, session = destination.target, live.session
        progress = Progress(_rewriter(self._config))
        try:
            if self._settings.dry_run:
                return Sent(target, self._built_in(target).preview(session))
            service = destination.own_service or self._built_in(target, progress)
            submission = submitted(service, session, target, deadline, progress.draw)
        except RAISED as error:  # a full disk, or a service of the user's own
            is_disk = isinstance(error, (OSError, SessionError))
            why = str(error) if is_disk else describe(error)
            return _kept(destination, live, why)
        finally:
            progress.end()
        return Sent(target, submission, destination.is_stored)

    def _tell_hooks(self, sent: Sent) -> Iterator[str]:
        """Tell the hooks what became of a session; yield what they raised."""
        if self._settings.dry_run:
            return
        try:
            self._config.hook.pytest_evalguard_submitted(
                config=self._config,
                service=sent.target.service,
                submission=sent.submission,
            )
        except RAISED as error:
            yield f"pytest_evalguard_submitted: {describe(error)}"


def kept(destinations: Sequence[Destination], live: LiveSession, why: str) -> Submitted:
    """Return what is left for a later `submit`, and why."""
    sent = (_kept(each, live, why) for each in destinations)
    return Submitted([each for each in sent if _is_awaited(each)])


def _kept(destination: Destination, live: LiveSession, why: str) -> Sent:
    """Return what is known of a target at which nothing more is tried."""
    target, rows = destination.target, live.state.rows
    submission = Submission(target.service, unsent=rows, error=why, target_id=target.id)
    with suppress(EvalguardError, OSError):
        submission = replace(submission_of(live.session, target), error=why)
    return Sent(target, submission, destination.is_stored)


def _is_awaited(sent: Sent) -> bool:
    """Whether a later `submit` has results to send or a run to end."""
    return bool(sent.submission.unsent or sent.target.finish)


def _rewriter(config: pytest.Config) -> Callable[[str], None] | None:
    """Return what replaces the last line of the terminal, None where there is none."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or not terminal.isatty:
        return None

    def rewrite(line: str) -> None:
        terminal.ensure_newline()
        terminal.rewrite(line, erase=True)

    return rewrite
