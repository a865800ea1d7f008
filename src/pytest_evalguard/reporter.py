"""The reporter: in the plain process or xdist's controller, where cases come together.

Keeps each case as it arrives; at the session's end submits and summarises.
"""

from __future__ import annotations

import html
import os
import sys
from collections.abc import Generator
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path
from typing import Any

import pytest

from .case import Case
from .case import case_from_line
from .comparison import write_comparison
from .errors import EvalguardError
from .judging import Judge
from .judging import Verdict
from .ledger import Ledger
from .modification import modified
from .planning import plan_session
from .prompts import PromptIds
from .prompts import locked_prompts
from .redaction import Redactor
from .redaction import redact_case
from .report import Report
from .retention import remove_old_sessions
from .session import Gate
from .session import check_out
from .settings import Settings
from .submitter import Submitter
from .summary import annotation
from .summary import figures
from .summary import gate_lines
from .summary import gate_text
from .summary import lines
from .summary import outcome_line
from .summary import where_lines
from .termination import Termination
from .text import counted
from .whereabouts import header
from .whereabouts import unsent_lines

# xdist's controller ends a session at --maxfail as if it was interrupted, saying this
_STOPPED_BY_MAXFAIL = "stopping after"

_COLLECTED = (0, 1, 5)
"""Exit statuses of sessions whose tests were collected, and run if there were any."""


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
        self._ledger = Ledger(*plan_session(settings.out, redact))
        self._submitter = Submitter(config, settings, self._ledger)
        self._judging: Judge | None = None
        self._verdict = Verdict()
        self.prompts: PromptIds | None = None
        self._is_interrupted = False
        self._is_cut_short = False
        self._has_internal_error = False
        self._notes: list[str] = []
        self._is_told = False
        self._page_is_open = False
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
        """Read what is needed, and ask the services, before the first test."""
        if self._settings.runs_tests:
            with usage_errors():
                self._read_files()
        if self._will_send and self._submitter.targets:
            with usage_errors():
                check_out(self._settings.out)
                self._ledger.update(targets=self._submitter.prepare())

    def _read_files(self) -> None:
        if self._settings.agent_id is not None:
            root = self._config.rootpath
            self.prompts = locked_prompts(root, self._settings.agent_id)
        if self._settings.has_gates or self._settings.baseline is not None:
            self._judging = Judge(self._settings, self._redact)

    def pytest_report_header(self) -> list[str]:
        """Say where results will go, if anywhere."""
        targets = self._submitter.targets if self._settings.runs_tests else ()
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
            self._tell_rest()
            raise
        self._finish(session)
        return result

    def _finish(self, session: pytest.Session) -> None:
        if self._process != getpid():
            return  # a test forked, and its child left by the end of the session
        if not self._settings.runs_tests:
            return
        if self._has_session():
            self._close(session)
        if session.exitstatus != pytest.ExitCode.USAGE_ERROR:
            self._decide(session)
        if self._ledger.is_started:
            self._submit(session)
        if self._submitter.sent and self._page_is_open:
            self._write_page(session)  # again, as it is known now where results went
        if not self._ledger.is_empty:
            self._write_job_summary()
        if self._ledger.is_started:
            self._ledger.release()
            self._remove_old_sessions()

    def _decide(self, session: pytest.Session) -> None:
        """Do all that may fail the session, before a service is told how it ended."""
        try:
            self._judge(session)
            self._write_comparison(session)
            if self._settings.html is not None:
                self._write_page(session)
        except KeyboardInterrupt:
            self._is_interrupted = True
            self._ledger.update(status="interrupted")
            session.exitstatus = pytest.ExitCode.INTERRUPTED

    def _close(self, session: pytest.Session) -> None:
        try:
            recovered = self._ledger.add_from_workers()
            missing = self._missing(session)
            self._ledger.close(
                status="interrupted" if self._is_interrupted else "finished",
                missing=missing,
            )
        except OSError as error:  # no file can be opened any more, or worse
            self._tell_problem(session, f"the session could not be closed: {error}")
            return
        has_hidden_failure = any(not case.passed for case in recovered)
        has_loss = missing or self._ledger.lost or self._ledger.totals.withheld.count
        if has_hidden_failure or has_loss or self._has_internal_error:
            _fail(session)

    def _judge(self, session: pytest.Session) -> None:
        """Hold the session against its gates; they turn no red session green."""
        if self._judging is None:
            return
        if self._is_interrupted:
            self._notes.append("the session was interrupted: its gates were not judged")
            return
        try:
            self._verdict = self._judging.judge(self._ledger)
        except (EvalguardError, OSError, ValueError, ArithmeticError) as error:
            self._tell_problem(session, f"the session could not be judged: {error}")
            return
        self._notes += self._verdict.notes
        self._ledger.update(gates=tuple(self._verdict.gates))
        if self._failed_gates:
            _fail(session)

    def _submit(self, session: pytest.Session) -> None:
        self._ledger.update(exit_status=int(session.exitstatus))
        if self._is_interrupted:
            self._submitter.keep("the session was interrupted")
        elif not self._submitter.submit():
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        if self._submitter.problems:
            _fail(session)
        if (
            self._settings.strict
            and self._will_send
            and not self._submitter.is_complete
        ):
            _fail(session)

    def _remove_old_sessions(self) -> None:
        spared = [self._ledger.session.path]
        if self._judging is not None and self._judging.path is not None:
            spared.append(self._judging.path)
        remove_old_sessions(self._settings.out, self._settings.keep, spared)

    def _write_comparison(self, session: pytest.Session) -> None:
        if self._verdict.comparison is None or not self._ledger.is_started:
            return
        try:
            write_comparison(self._ledger.session.path, self._verdict.comparison)
        except OSError as error:
            self._tell_problem(session, f"the comparison was not kept: {error}")

    def _write_page(self, session: pytest.Session) -> None:
        from .reportpage import write_report

        path = self._settings.html or Path()
        if self._ledger.is_empty and session.exitstatus not in _COLLECTED:
            self._notes.append(f"the report page {path} was not written: no cases")
            return
        try:
            write_report(self._report(), path)
            self._page_is_open = path.is_file()  # a pipe takes one page only
        except (EvalguardError, OSError) as error:
            self._tell_problem(session, str(error))

    def _write_job_summary(self) -> None:
        """Add the summary to the page that GitHub Actions shows of a job."""
        from .markdown import job_summary

        name = os.environ.get("GITHUB_STEP_SUMMARY", "").strip()
        if not name:
            return
        path = Path(name)
        try:
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(job_summary(self._report()))
        except OSError as error:
            self._notes.append(f"the job's summary was not written: {error}")

    def _annotations(self) -> Iterator[str]:
        """Yield commands that make GitHub Actions show an error on the run's page."""
        if os.environ.get("GITHUB_ACTIONS") != "true":
            return
        if failed := self._failed_gates:
            yield annotation("gates failed", "; ".join(map(gate_text, failed)))
        sent = self._submitter
        if self._settings.strict and self._will_send and not sent.is_complete:
            path = self._ledger.session.path
            found = [line for each in sent.sent for line in unsent_lines(each, path)]
            yield annotation("results not submitted", "; ".join(found))

    @property
    def _failed_gates(self) -> list[Gate]:
        return [each for each in self._verdict.gates if not each.passed]

    def _tell_problem(self, session: pytest.Session, problem: str) -> None:
        self._notes.append(problem)
        _fail(session)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        """Print the section `evalguard`."""
        if self._config.get_verbosity() < -1:
            return
        shown = list(self._lines(exitstatus))
        if shown:
            terminalreporter.write_sep("=", "evalguard")
        for line in (*shown, *self._annotations()):
            terminalreporter.write_line(line)
        self._is_told = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, summary: list[str]) -> None:
        """Put the figures above the table of pytest-html."""
        if not self._ledger.is_empty:
            totals = self._ledger.totals
            pairs = (("cases", outcome_line(totals)), *figures(totals))
            rows = [html.escape(f"{label} {value}".strip()) for label, value in pairs]
            summary.append(f"<p>evalguard: {'<br>'.join(rows)}</p>")

    def pytest_unconfigure(self) -> None:
        """Say on stderr what no summary has said."""
        self._termination.uninstall()
        if self._process == getpid():
            self._tell_rest()

    def _tell_rest(self) -> None:
        """Say on stderr what went wrong, unless a summary has said so."""
        if self._is_told:
            return
        self._is_told = True
        for line in self._rest():
            sys.stderr.write(f"evalguard: {line}\n")
        for command in self._annotations():
            sys.stderr.write(f"{command}\n")

    def _rest(self) -> Iterator[str]:
        report = self._report()
        yield from gate_lines(self._failed_gates)
        yield from report.notes
        for sent in () if report.is_dry_run else report.sent:
            yield from unsent_lines(sent, report.path)

    def _report(self) -> Report:
        submitter, ledger = self._submitter, self._ledger
        return Report(
            ledger.session.path,
            ledger.state,
            ledger.totals,
            self._verdict.comparison,
            submitter.sent,
            (*loss_lines(ledger), *self._notes, *submitter.problems),
            self._settings.dry_run,
            self._settings.run_link,
        )

    def _lines(self, status: int) -> Iterator[str]:
        if not self._ledger.is_empty:
            yield from lines(self._report())
        elif self._settings.runs_tests and self._settings.is_asked_for:
            if status in _COLLECTED:
                has_target = self._settings.has_target
                what = ": there is nothing to submit" if has_target else ""
                yield f"no eval cases were selected{what}"
            yield from gate_lines(self._verdict.gates)
            yield from self._notes
            yield from where_lines(self._report())

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


def loss_lines(ledger: Ledger) -> Iterator[str]:
    """Yield what the disk did not take."""
    if ledger.lost:
        cases = counted(ledger.lost, "case")
        why = ledger.disk_error or "the session's files were changed meanwhile"
        yield f"lost: {cases} can't be sent, they are not on disk: {why}"


def _fail(session: pytest.Session) -> None:
    if session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
