"""The reporter: in the plain process or xdist's controller, where cases come together.

Keeps each case as it arrives; at the session's end submits and summarises.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from .case import Case
from .case import case_from_line
from .deadline import Deadline
from .delivery import Service
from .delivery import Submission
from .delivery import submission_of
from .errors import EvalguardError
from .ledger import Ledger
from .modification import modified
from .redaction import Redactor
from .redaction import redact_case
from .retention import remove_old_sessions
from .session import Target
from .session import plan_session
from .settings import Settings
from .summary import Sent
from .summary import display_path
from .summary import dry_run_line
from .summary import figures
from .summary import header
from .summary import state_lines
from .summary import unsent_lines
from .summary import where_lines
from .targets import built_in_service
from .targets import freeze
from .targets import targets_of
from .termination import Termination
from .text import counted

_PREFLIGHT_SECONDS = 5.0
# xdist's controller ends a session at --maxfail as if it was interrupted, saying this
_STOPPED_BY_MAXFAIL = "stopping after"


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn our errors into pytest's usage error, exit status 4."""
    try:
        yield
    except EvalguardError as error:
        raise pytest.UsageError(str(error)) from error


class Reporter:
    """Takes finished cases; at the session's end submits and summarises."""

    def __init__(
        self, config: pytest.Config, settings: Settings, redact: Redactor
    ) -> None:
        self._config = config
        self._settings = settings
        self._redact = redact
        self._process = os.getpid()
        self._ledger = Ledger(*plan_session(settings.out))
        self._targets = targets_of(settings)
        self._is_interrupted = False
        self._sent: list[Sent] = []
        self._is_told = False
        self._termination = Termination()

    @property
    def _will_send(self) -> bool:
        return self._settings.runs_tests and not self._settings.dry_run

    @property
    def session_path(self) -> str:
        """Where the session's directory is, or will be."""
        return str(self._ledger.session.path)

    def select(self, identities: list[str], problems: list[str]) -> None:
        """Learn which cases are to run, and what is wrong with their marks.

        :raises pytest.UsageError: a mark is wrong, or the directory can't be written.
        """
        if problems:
            raise pytest.UsageError(self._redact("\n".join(problems)))
        if self._settings.runs_tests:
            with usage_errors():
                self._ledger.select(identities)
            self._termination.install()

    def publish(self, case: Case, report: pytest.TestReport | None) -> None:
        """Take a case that finished in this process."""
        if self._process == os.getpid():  # no child of a test that forked
            self._ledger.add(case)

    def add_line(self, line: str) -> None:
        """Take a finished case that a worker sent."""
        self._ledger.add(case_from_line(line))

    def add_crashed(self, identity: str, reason: str, *, is_last: bool) -> None:
        """Take the news that a worker died while it ran a test."""
        if not self._ledger.is_selected(identity):
            return
        if not is_last:
            self._ledger.add_crash(identity, reason)
            return
        case = Case(identity, "error", identity, reason=reason)
        case = modified(self._config.hook, self._config, None, case)
        redact_case(case, self._redact)
        self._ledger.add(case)

    def pytest_sessionstart(self) -> None:
        """Ask the service about the run, or create it, before the first test."""
        if self._will_send:
            with usage_errors():
                self._targets = tuple(map(self._prepared, self._targets))
            self._ledger.update(targets=self._targets)

    def pytest_report_header(self) -> str | None:
        """Say where results will go, if anywhere."""
        return header(self._settings) if self._settings.has_target else None

    def pytest_keyboard_interrupt(
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> None:
        """Note that the session was interrupted; ``-x`` is no interruption."""
        if not str(excinfo.value).startswith(_STOPPED_BY_MAXFAIL):
            self._is_interrupted = True

    def pytest_internalerror(self) -> None:
        """Note that pytest or a plugin failed."""
        self._is_interrupted = True

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session
    ) -> Generator[None, object, object]:
        """Close the count, submit, and set the exit status, when the workers are gone.

        Also when another Ctrl-C ends the end of the session: nobody else is told then.
        """
        try:
            result = yield
        except BaseException:
            self._is_interrupted = True
            self._finish(session)
            self._tell_unsent()
            raise
        self._finish(session)
        return result

    def _finish(self, session: pytest.Session) -> None:
        if self._process != os.getpid():
            return  # a test forked, and its child left by the end of the session
        if not self._settings.runs_tests or not self._has_session():
            return
        self._close(session)
        self._sent = self._submit_all()
        is_complete = all(each.submission.is_complete for each in self._sent)
        if self._settings.strict and self._will_send and not is_complete:
            _fail(session)
        self._ledger.release()
        remove_old_sessions(self._settings.out, self._settings.keep)

    def _close(self, session: pytest.Session) -> None:
        recovered = self._ledger.add_from_workers()
        missing = self._missing(session)
        self._ledger.close(
            status="interrupted" if self._is_interrupted else "finished",
            exit_status=int(session.exitstatus),
            missing=missing,
        )
        has_hidden_failure = any(not case.passed for case in recovered)
        has_loss = missing or self._ledger.lost or self._ledger.totals.withheld.count
        if has_hidden_failure or has_loss:
            _fail(session)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the section `evalguard`."""
        if self._config.get_verbosity() < -1:
            return
        lines = list(self._lines())
        if lines:
            terminalreporter.write_sep("=", "evalguard")
        for line in lines:
            terminalreporter.write_line(line)
        self._is_told = True

    def pytest_unconfigure(self) -> None:
        """Say on stderr what no summary has said: results that are nowhere yet."""
        self._termination.uninstall()
        if self._process == os.getpid():
            self._tell_unsent()

    def _tell_unsent(self) -> None:
        if self._is_told or self._settings.dry_run:
            return
        self._is_told = True
        for line in loss_lines(self._ledger):
            sys.stderr.write(f"evalguard: {line}\n")
        for sent in self._sent:
            for line in unsent_lines(sent, self._ledger.session.path):
                sys.stderr.write(f"evalguard: {line}\n")

    def _lines(self) -> Iterator[str]:
        path = self._ledger.session.path
        if self._ledger.is_empty:
            if self._settings.has_target and self._settings.runs_tests:
                yield "no eval cases were selected: there is nothing to submit"
        else:
            yield from figures(self._ledger.totals, path)
            yield from state_lines(self._ledger.state)
            yield from loss_lines(self._ledger)
            yield f"recorded in {display_path(path)}"
        for sent in self._sent:
            if self._settings.dry_run:
                yield dry_run_line(sent, path)
            else:
                yield from where_lines(sent, path, self._settings.run_link)

    def _prepared(self, target: Target) -> Target:
        from .services.evalguard import prepare

        name = f"pytest {self._config.rootpath.name}"
        deadline = Deadline(_PREFLIGHT_SECONDS)
        return prepare(target, str(self._settings.key), name, deadline)

    def _has_session(self) -> bool:
        """Whether there is anything to close; a run that was created must be ended."""
        has_new_run = self._will_send and any(each.finish for each in self._targets)
        if self._ledger.is_empty and has_new_run:
            self._ledger.start()
            return True
        return not self._ledger.is_empty

    def _missing(self, session: pytest.Session) -> int:
        """Return how many cases left no trace in a session that ended well."""
        if self._is_interrupted or session.exitstatus != 0:
            return 0
        return self._ledger.unfinished

    def _submit_all(self) -> list[Sent]:
        deadline = Deadline(self._settings.timeout)
        return [Sent(each, self._submit(each, deadline)) for each in self._targets]

    def _submit(self, target: Target, deadline: Deadline) -> Submission:
        if self._settings.dry_run:
            return freeze(self._ledger.session, target)
        if self._is_interrupted:
            rows, error = self._ledger.state.rows, "the session was interrupted"
            return Submission(target.service, unsent=rows, error=error)
        hook = self._config.hook
        service = hook.pytest_evalguard_make_service(
            config=self._config, name=target.service
        ) or built_in_service(target, str(self._settings.key))
        submission = self._submit_by(service, target, deadline)
        hook.pytest_evalguard_submitted(
            config=self._config, service=target.service, submission=submission
        )
        return submission

    def _submit_by(
        self, service: Service, target: Target, deadline: Deadline
    ) -> Submission:
        session = self._ledger.session
        try:
            return service.submit(session, deadline)
        except KeyboardInterrupt:
            return replace(submission_of(session, target), error="sending was stopped")
        except OSError as error:
            rows = self._ledger.state.rows
            return Submission(target.service, unsent=rows, error=str(error))


def loss_lines(ledger: Ledger) -> Iterator[str]:
    """Yield what the disk did not take."""
    if ledger.lost:
        cases = counted(ledger.lost, "case")
        yield f"lost: {cases} could not be written to disk: {ledger.disk_error}"


def _fail(session: pytest.Session) -> None:
    if session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
