"""The reporter: in the plain process or xdist's controller, where cases come together.

Keeps each case as it arrives; at the session's end submits and summarises.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import replace
from os import getpid
from typing import Any

import pytest

from .case import Case
from .case import case_from_line
from .deadline import Deadline
from .delivery import Sent
from .delivery import Service
from .delivery import Submission
from .delivery import submission_of
from .errors import EvalguardError
from .ledger import Ledger
from .modification import RAISED
from .modification import modified
from .progress import Progress
from .prompts import PromptIds
from .prompts import locked_prompts
from .redaction import Redactor
from .redaction import redact_case
from .retention import remove_old_sessions
from .session import check_out
from .session import plan_session
from .settings import Settings
from .summary import display_path
from .summary import dry_run_lines
from .summary import figures
from .summary import header
from .summary import state_lines
from .summary import unsent_lines
from .summary import where_lines
from .target import Target
from .targets import BuiltIn
from .targets import built_in_service
from .targets import key_of
from .targets import targets_of
from .termination import Termination
from .text import counted
from .values import describe

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
        self._process = getpid()
        self._ledger = Ledger(*plan_session(settings.out))
        self._targets = targets_of(settings)
        self.prompts: PromptIds | None = None
        self._services: dict[str, Service] = {}
        self._is_interrupted = False
        self._is_cut_short = False
        self._has_internal_error = False
        self._problems: list[str] = []
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
        if self._process == getpid():  # no child of a test that forked
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
        case = modified(self._config.hook, self._config, None, case, self._redact)
        redact_case(case, self._redact)
        self._ledger.add(case)

    def pytest_sessionstart(self) -> None:
        """Ask the service about the run, or create it, before the first test."""
        if self._settings.agent_id is not None and self._settings.runs_tests:
            with usage_errors():
                self.prompts = locked_prompts(
                    self._config.rootpath, self._settings.agent_id
                )
        if not self._will_send or not self._targets:
            return
        with usage_errors():
            check_out(self._settings.out)
            self._targets = tuple(map(self._prepared, self._targets))
        own = [each for each in self._targets if each.service not in self._services]
        self._ledger.update(targets=tuple(own))

    def pytest_report_header(self) -> list[str]:
        """Say where results will go, if anywhere."""
        targets = self._targets if self._settings.runs_tests else ()
        return [header(each, self._settings.dry_run) for each in targets]

    def pytest_keyboard_interrupt(
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> None:
        """Note that the session was interrupted; ``-x`` is no interruption."""
        if str(excinfo.value).startswith(_STOPPED_BY_MAXFAIL):
            self._is_cut_short = True
        else:
            self._is_interrupted = True

    def pytest_internalerror(self) -> None:
        """Note that pytest or a plugin failed."""
        self._is_interrupted = True
        self._has_internal_error = True

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session
    ) -> Generator[None, object, object]:
        """Close the count, submit, and set the exit status, when the workers are gone.

        Also when another Ctrl-C ends the end of the session: nobody else is told then.
        """
        if sys.exc_info()[1] is not None:
            self._is_interrupted = True  # a Ctrl-C while the first was being handled
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
        if self._process != getpid():
            return  # a test forked, and its child left by the end of the session
        if not self._settings.runs_tests or not self._has_session():
            return
        try:
            self._close(session)
        except OSError as error:  # no file can be opened any more, or worse
            self._problems.append(f"the session could not be closed: {error}")
        self._sent = self._submit_all(session)
        if self._problems:
            _fail(session)
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
        if has_hidden_failure or has_loss or self._has_internal_error:
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
        if self._process == getpid():
            self._tell_unsent()

    def _tell_unsent(self) -> None:
        if self._is_told or self._settings.dry_run:
            return
        self._is_told = True
        for line in (*loss_lines(self._ledger), *self._problems):
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
            yield from self._problems
            yield f"recorded in {display_path(path)}"
        for sent in self._sent:
            if self._settings.dry_run:
                yield from dry_run_lines(sent, path)
            else:
                yield from where_lines(sent, path, self._settings.run_link)

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

    def _has_session(self) -> bool:
        """Whether there is anything to close; a run that was created must be ended."""
        has_new_run = any(each.finish for each in self._ledger.state.targets)
        if has_new_run and not self._ledger.is_started:
            with usage_errors():
                self._ledger.start()
        return self._ledger.is_started

    def _missing(self, session: pytest.Session) -> int:
        """Return how many cases left no trace in a session that ended well."""
        if self._is_interrupted or self._is_cut_short or session.shouldfail:
            return 0
        has_run = session.exitstatus in (0, 1) and not session.shouldstop
        return self._ledger.unfinished if has_run else 0

    def _submit_all(self, session: pytest.Session) -> list[Sent]:
        deadline = Deadline(self._settings.timeout)
        sent: list[Sent] = []
        try:
            for left, target in zip(
                range(len(self._targets), 0, -1), self._targets, strict=True
            ):
                # a service that hangs leaves the ones after it their share of the time
                sent.append(self._submit(target, Deadline(deadline.left / left)))
        except KeyboardInterrupt:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            rest = self._targets[len(sent) :]
            sent += [self._kept(each, "sending was stopped") for each in rest]
        return sent

    def _submit(self, target: Target, deadline: Deadline) -> Sent:
        if self._is_interrupted:
            return self._kept(target, "the session was interrupted")
        session, progress = self._ledger.session, Progress(_rewriter(self._config))
        try:
            if self._settings.dry_run:
                return Sent(target, self._built_in(target).preview(session))
            service = self._services.get(target.service)
            service = service or self._built_in(target, progress)
            submission = service.submit(session, deadline)
        except RAISED as error:  # a full disk, or a service of the user's own
            return self._kept(target, describe(error))
        finally:
            progress.end()
        self._tell_hooks(target, submission)
        return Sent(target, submission, target.service not in self._services)

    def _tell_hooks(self, target: Target, submission: Submission) -> None:
        try:
            self._config.hook.pytest_evalguard_submitted(
                config=self._config, service=target.service, submission=submission
            )
        except RAISED as error:
            self._problems.append(f"pytest_evalguard_submitted: {describe(error)}")

    def _kept(self, target: Target, why: str) -> Sent:
        """Return what is known of a target at which nothing more is tried."""
        rows = self._ledger.state.rows
        submission = Submission(
            target.service, unsent=rows, error=why, target_id=target.id
        )
        with suppress(EvalguardError, OSError):
            found = submission_of(self._ledger.session, target)
            submission = replace(found, error=why)
        return Sent(target, submission, target.service not in self._services)


def loss_lines(ledger: Ledger) -> Iterator[str]:
    """Yield what the disk did not take."""
    if ledger.lost:
        cases = counted(ledger.lost, "case")
        why = ledger.disk_error or "the session's files were changed meanwhile"
        yield f"lost: {cases} can't be sent, they are not on disk: {why}"


def _rewriter(config: pytest.Config) -> Callable[[str], None] | None:
    """Return what replaces the last line of the terminal, None where there is none."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or not terminal.isatty:
        return None

    def rewrite(line: str) -> None:
        terminal.ensure_newline()
        terminal.rewrite(line, erase=True)

    return rewrite


def _fail(session: pytest.Session) -> None:
    if session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
