"""The end of a session: it is closed, judged, submitted and written about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..analysis.comparison import write_comparison
from ..config.resolution import usage_errors
from ..config.settings import Settings
from ..delivery.retention import remove_old_sessions
from ..errors import EvalguardError
from ..model.text import counted
from ..reporting.report import Report
from ..storage.session import Gate
from .judging import Judge, Verdict
from .ledger import Ledger
from .submitter import Submitter

COLLECTED = (0, 1, 5)
"""Exit statuses of sessions whose tests were collected, and run if there were any."""


class Closing:
    """Does what is to be done when the last test has ended.

    Before that it is told how the session goes, and what to judge it by; then it knows
    the verdict, and in `notes`, as sentences, what went wrong.
    """

    def __init__(
        self, settings: Settings, ledger: Ledger, submitter: Submitter
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._submitter = submitter
        self.is_interrupted = False
        self.is_cut_short = False
        self.has_internal_error = False
        self.judge: Judge | None = None
        self.verdict = Verdict()
        self.notes: list[str] = []
        self._page_is_open = False

    def run(self, session: pytest.Session) -> None:
        """Close the session, and set its exit status."""
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

    def _has_session(self) -> bool:
        """Whether there is anything to close; a run that was created must be ended."""
        has_new_run = any(each.finish for each in self._ledger.state.targets)
        if has_new_run and not self._ledger.is_started:
            with usage_errors():
                self._ledger.start()
        return self._ledger.is_started

    def _close(self, session: pytest.Session) -> None:
        try:
            recovered = self._ledger.add_from_workers()
            missing = self._missing(session)
            self._ledger.close(
                status="interrupted" if self.is_interrupted else "finished",
                missing=missing,
            )
        except OSError as error:  # no file can be opened any more, or worse
            self._tell_problem(session, f"the session could not be closed: {error}")
            return
        has_hidden_failure = any(not case.passed for case in recovered)
        has_loss = missing or self._ledger.lost or self._ledger.totals.withheld.count
        if has_hidden_failure or has_loss or self.has_internal_error:
            _fail(session)

    def _missing(self, session: pytest.Session) -> int:
        """Return how many cases left no trace in a session that ended well."""
        if self.is_interrupted or self.is_cut_short or session.shouldfail:
            return 0
        has_run = session.exitstatus in (0, 1) and not session.shouldstop
        return self._ledger.unfinished if has_run else 0

    def _decide(self, session: pytest.Session) -> None:
        """Do all that may fail the session, before a service is told how it ended."""
        try:
            self._judge(session)
            self._write_comparison(session)
            if self._settings.html is not None:
                self._write_page(session)
        except KeyboardInterrupt:
            self.is_interrupted = True
            self._ledger.update(status="interrupted")
            session.exitstatus = pytest.ExitCode.INTERRUPTED

    def _judge(self, session: pytest.Session) -> None:
        """Hold the session against its gates; they turn no red session green."""
        if self.judge is None:
            return
        if self.is_interrupted:
            self.notes.append("the session was interrupted: its gates were not judged")
            return
        try:
            self.verdict = self.judge.judge(self._ledger)
        except (EvalguardError, OSError, ValueError, ArithmeticError) as error:
            self._tell_problem(session, f"the session could not be judged: {error}")
            return
        self.notes += self.verdict.notes
        self._ledger.update(gates=tuple(self.verdict.gates))
        if self.failed_gates:
            _fail(session)

    def _write_comparison(self, session: pytest.Session) -> None:
        if self.verdict.comparison is None or not self._ledger.is_started:
            return
        try:
            write_comparison(self._ledger.session.path, self.verdict.comparison)
        except OSError as error:
            self._tell_problem(session, f"the comparison was not kept: {error}")

    def _write_page(self, session: pytest.Session) -> None:
        from ..reporting.html.reportpage import write_report

        path = self._settings.html or Path()
        if self._ledger.is_empty and session.exitstatus not in COLLECTED:
            self.notes.append(f"the report page {path} was not written: no cases")
            return
        try:
            write_report(self.report(), path)
            self._page_is_open = path.is_file()  # a pipe takes one page only
        except (EvalguardError, OSError) as error:
            self._tell_problem(session, str(error))

    def _submit(self, session: pytest.Session) -> None:
        self._ledger.update(exit_status=int(session.exitstatus))
        if self.is_interrupted:
            self._submitter.keep("the session was interrupted")
        elif not self._submitter.submit():
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        if self._submitter.problems or self.lacks_results:
            _fail(session)

    def _write_job_summary(self) -> None:
        """Add the summary to the page that GitHub Actions shows of a job."""
        from ..reporting.markdown import job_summary

        name = os.environ.get("GITHUB_STEP_SUMMARY", "").strip()
        if not name:
            return
        path = Path(name)
        try:
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(job_summary(self.report()))
        except OSError as error:
            self.notes.append(f"the job's summary was not written: {error}")

    def _remove_old_sessions(self) -> None:
        spared = [self._ledger.session.path]
        if self.judge is not None and self.judge.path is not None:
            spared.append(self.judge.path)
        remove_old_sessions(self._settings.out, self._settings.keep, spared)

    def _tell_problem(self, session: pytest.Session, problem: str) -> None:
        self.notes.append(problem)
        _fail(session)

    @property
    def lacks_results(self) -> bool:
        """Whether results were not accepted, in a session that fails then."""
        is_strict = self._settings.strict and self._settings.will_send
        return is_strict and not self._submitter.is_complete

    @property
    def failed_gates(self) -> list[Gate]:
        """The gates that are not met."""
        return [each for each in self.verdict.gates if not each.passed]

    def report(self) -> Report:
        """Return what is known of the session by now."""
        submitter, ledger = self._submitter, self._ledger
        return Report(
            ledger.session.path,
            ledger.state,
            ledger.totals,
            self.verdict.comparison,
            submitter.sent,
            (*_losses(ledger), *self.notes, *submitter.problems),
            self._settings.dry_run,
            self._settings.run_link,
        )


def _losses(ledger: Ledger) -> Iterator[str]:
    """Yield what the disk did not take."""
    if ledger.lost:
        cases = counted(ledger.lost, "case")
        why = ledger.disk_error or "the session's files were changed meanwhile"
        yield (
            f"lost: {cases} can't be sent, they are not on disk: {why}; run the tests"
            " again"
        )


def _fail(session: pytest.Session) -> None:
    if session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
