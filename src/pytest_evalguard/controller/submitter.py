"""Submits a session at its end, to each of its targets, within the time it may take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from ..config.settings import Settings
from ..delivery.deadline import Deadline
from ..delivery.outbox import Sent, Service, Submission, submission_of
from ..delivery.progress import Progress
from ..delivery.targets import BuiltIn, built_in_service, key_of, targets_of
from ..errors import EvalguardError
from ..model.values import describe
from ..recording.modification import RAISED
from ..storage.target import Target
from .ledger import Ledger

_PREFLIGHT_SECONDS = 5.0


class Submitter:
    """Knows where a session's results are to go, and brings them there."""

    def __init__(
        self, config: pytest.Config, settings: Settings, ledger: Ledger
    ) -> None:
        self._config = config
        self._settings = settings
        self._ledger = ledger
        self._services: dict[str, Service] = {}
        self.targets = targets_of(settings)
        self.sent: list[Sent] = []
        self.problems: list[str] = []

    @property
    def is_complete(self) -> bool:
        """Whether everything that was to be sent was accepted."""
        return all(each.submission.is_complete for each in self.sent)

    def prepare(self) -> tuple[Target, ...]:
        """Check all targets before the first test; return those to be kept on disk.

        :raises EvalguardError: one can't be fed.
        """
        self.targets = tuple(map(self._prepared, self.targets))
        return tuple(filter(self._is_stored, self.targets))

    def _prepared(self, target: Target) -> Target:
        """Return a target that can be fed, unless a service of the user's takes it."""
        service = self._config.hook.pytest_evalguard_make_service(
            config=self._config, name=target.service
        )
        if service is not None:
            self._services[target.service] = service
            return target
        name = f"pytest {self._config.rootpath.name}"
        return self._built_in(target).prepare(name, Deadline(_PREFLIGHT_SECONDS))

    def _built_in(self, target: Target, progress: Progress | None = None) -> BuiltIn:
        key, directory = key_of(self._settings, target), self._config.rootpath
        return built_in_service(target, key, directory, progress)

    def _is_stored(self, target: Target) -> bool:
        return target.service not in self._services

    def submit(self) -> bool:
        """Send the session everywhere; False when the user stopped that."""
        deadline = Deadline(self._settings.timeout)
        try:
            for target in self.targets:
                # one that hangs leaves those after it their share of the time
                share = deadline.left / (len(self.targets) - len(self.sent))
                self.sent.append(self._submit(target, Deadline(share)))
        except KeyboardInterrupt:
            self.keep("sending was stopped")
            return False
        return True

    def keep(self, why: str) -> None:
        """Leave what was not tried yet for later."""
        rest = self.targets[len(self.sent) :]
        kept = (self._kept(target, why) for target in rest)
        self.sent += (each for each in kept if _is_awaited(each))

    def _submit(self, target: Target, deadline: Deadline) -> Sent:
        session, progress = self._ledger.session, Progress(_rewriter(self._config))
        try:
            if self._settings.dry_run:
                return Sent(target, self._built_in(target).preview(session))
            service = self._services.get(target.service)
            service = service or self._built_in(target, progress)
            submission = service.submit(session, deadline)
        except RAISED as error:  # a full disk, or a service of the user's own
            is_disk = isinstance(error, OSError)
            return self._kept(target, str(error) if is_disk else describe(error))
        finally:
            progress.end()
        self._tell_hooks(target, submission)
        return Sent(target, submission, self._is_stored(target))

    def _tell_hooks(self, target: Target, submission: Submission) -> None:
        try:
            self._config.hook.pytest_evalguard_submitted(
                config=self._config, service=target.service, submission=submission
            )
        except RAISED as error:
            self.problems.append(f"pytest_evalguard_submitted: {describe(error)}")

    def _kept(self, target: Target, why: str) -> Sent:
        """Return what is known of a target at which nothing more is tried."""
        rows = self._ledger.state.rows
        submission = Submission(
            target.service, unsent=rows, error=why, target_id=target.id
        )
        with suppress(EvalguardError, OSError):
            found = submission_of(self._ledger.session, target)
            submission = replace(found, error=why)
        return Sent(target, submission, self._is_stored(target))


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
