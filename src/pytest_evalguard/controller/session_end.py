"""The end of a session: it is closed, judged, submitted and written about."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..analysis.baseline import LAST, Baseline
from ..analysis.comparison import Comparison, compare, write_comparison
from ..analysis.gates import check_gates
from ..config.resolution import usage_errors
from ..config.settings import Settings
from ..errors import EvalguardError, SessionError
from ..model.redaction import Redactor
from ..model.text import counted
from ..reporting.report import Report
from ..reporting.submissions import command
from ..storage.files import replace_shared_file, why_unreadable
from ..storage.session import Gate, PassedOver
from .live_session import LiveSession
from .metrics_hook import HOOK, CollectedMetrics, SessionCases, has_hook
from .retention import remove_old_sessions
from .submitting import Destination, Submitted, Submitter, kept

if TYPE_CHECKING:
    from ..reporting.html.parts import CaseData

COLLECTED = (0, 1, 5)
"""Exit statuses of sessions whose tests were collected, and run if there were any."""


@dataclass(frozen=True)
class Course:
    """How a session went, as pytest told it.

    One whose budget was spent with tests left to run was interrupted, too.
    """

    is_interrupted: bool = False
    is_out_of_budget: bool = False
    is_cut_short: bool = False
    has_internal_error: bool = False


@dataclass(frozen=True)
class SessionEnd:
    """What is known of a session that has ended.

    `lacks_results` says that results were not accepted, and that it fails therefore.
    """

    report: Report
    lacks_results: bool = False

    @property
    def failed_gates(self) -> list[Gate]:
        """The gates that are not met."""
        return [each for each in self.report.state.gates if not each.passed]


class Ending:
    """Does what is to be done when the last test has ended, step by step.

    :param baseline: what the session is compared with, if anything.
    :param passed_over: the sessions of others that can't be read, told in the end.
    :param arguments: those that pytest was started with.
    """

    def __init__(
        self,
        settings: Settings,
        live: LiveSession,
        course: Course,
        baseline: Baseline | None,
        redact: Redactor,
        passed_over: PassedOver,
        arguments: Iterable[str] = (),
    ) -> None:
        self._settings = settings
        self._live = live
        self._course = course
        self._is_interrupted = course.is_interrupted
        self._baseline = baseline
        self._redact = redact
        self._passed_over = passed_over
        self._arguments = tuple(map(redact, arguments))
        self._comparison: Comparison | None = None
        self._submitted = Submitted()
        self._notes: list[str] = []
        self._data: CaseData | None = None
        self._page_is_open = False

    def run(
        self,
        session: pytest.Session,
        destinations: Sequence[Destination],
        submitter: Submitter,
    ) -> SessionEnd:
        """Close the session, set its exit status, and return what is known of it."""
        self._correct_status(session)
        if self._has_session():
            self._close(session)
        if session.exitstatus != pytest.ExitCode.USAGE_ERROR:
            self._decide(session)
        if self._live.is_started:
            self._submit(session, destinations, submitter)
        if self._submitted.sent and self._page_is_open:
            self._write_page(session)  # again, as it is known now where results went
        if not self._live.is_empty:
            self._write_job_summary()
        if self._settings.markdown is not None:
            self._write_markdown(session, self._settings.markdown)
        if self._live.is_started:
            self._remove_old_sessions()
            if self._live.state.exit_status != session.exitstatus:
                self._live.update(exit_status=int(session.exitstatus))
            if not self._live.is_saved:
                self._save_state()
            self._live.release()
        return SessionEnd(self._report(), self._lacks_results)

    def _correct_status(self, session: pytest.Session) -> None:
        """Let a spent budget be a failure, and no test left to run be none."""
        resumed, status = self._live.state.resumed, session.exitstatus
        if self._course.is_out_of_budget and status == pytest.ExitCode.INTERRUPTED:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if resumed is not None and status == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = pytest.ExitCode.OK
        if resumed is not None and resumed.failed:
            _fail(session)

    def _has_session(self) -> bool:
        """Whether there is anything to close; a run that was created must be ended."""
        has_new_run = any(each.get("finish") for each in self._live.state.targets)
        if has_new_run and not self._live.is_started:
            with usage_errors():
                self._live.start()
        return self._live.is_started

    def _close(self, session: pytest.Session) -> None:
        live = self._live
        try:
            recovered = live.add_from_workers()
            missing = self._missing(session)
            status = "interrupted" if self._is_interrupted else "finished"
            live.close(status=status, missing=missing)
        except (OSError, SessionError) as error:  # no file can be opened any more
            self._tell_problem(session, f"the session could not be closed: {error}")
            return
        has_hidden_failure = any(e.has_row and not e.passed for e in recovered)
        has_loss = missing or live.lost or live.totals.withheld.count
        if has_hidden_failure or has_loss or self._course.has_internal_error:
            _fail(session)

    def _missing(self, session: pytest.Session) -> int:
        """Return how many cases left no trace in a session that ended well."""
        if self._is_interrupted or self._course.is_cut_short or session.shouldfail:
            return 0
        has_run = session.exitstatus in (0, 1) and not session.shouldstop
        return self._live.unfinished if has_run else 0

    def _decide(self, session: pytest.Session) -> None:
        """Do all that may fail the session, before a service is told how it ended."""
        try:
            self._ask_for_metrics(session)
            self._check_gates(session)
            self._write_comparison(session)
            if self._settings.html is not None:
                self._write_page(session)
        except KeyboardInterrupt:
            self._is_interrupted = True
            self._live.update(status="interrupted")
            session.exitstatus = pytest.ExitCode.INTERRUPTED

    def _ask_for_metrics(self, session: pytest.Session) -> None:
        """Have users' hooks add figures of the whole session; commands call none."""
        live = self._live
        if not (live.is_started and live.totals.rows and has_hook(session.config)):
            return
        if self._is_interrupted:
            self._notes.append(f"the session was interrupted: {HOOK} was not called")
            return
        found = CollectedMetrics(live.totals.metrics, self._redact)
        try:
            found.ask(session.config, SessionCases(live.session, live.totals))
        except SessionError as error:
            self._tell_problem(session, f"{HOOK} could not be called: {error}")
        live.update(metrics=tuple(found.metrics), tables=tuple(found.tables))
        for problem in found.problems:
            self._tell_problem(session, problem)

    def _check_gates(self, session: pytest.Session) -> None:
        """Hold the session against its gates; they turn no red session green."""
        settings = self._settings
        if not settings.gates and settings.baseline is None:
            return
        if self._is_interrupted:
            self._notes.append("the session was interrupted: its gates were not judged")
            return
        try:
            self._compare()
            found = check_gates(
                settings,
                self._live.totals,
                self._comparison,
                self._redact,
                self._live.state.metrics,
            )
            gates = tuple(found)
        except (EvalguardError, OSError, ValueError, ArithmeticError) as error:
            self._tell_problem(session, f"the session could not be judged: {error}")
            return
        self._live.update(gates=gates)
        if not all(each.passed for each in gates):
            _fail(session)

    def _compare(self) -> None:
        """Compare the session with its baseline, if there is one."""
        baseline = self._baseline
        if baseline is not None and baseline.path is not None:
            name = self._redact(baseline.path.name)
            self._comparison = compare(name, baseline, self._live.as_baseline)
            self._notes += [f"baseline: {each}" for each in baseline.doubts]
        elif self._settings.baseline == LAST:
            self._notes.append("there is no earlier session to compare with yet")

    def _write_comparison(self, session: pytest.Session) -> None:
        if self._comparison is None or not self._live.is_started:
            return
        try:
            write_comparison(self._live.session.path, self._comparison)
        except OSError as error:
            self._tell_problem(session, f"the comparison was not kept: {error}")

    def _write_page(self, session: pytest.Session) -> None:
        from ..reporting.html.page import write_report
        from ..reporting.html.parts import CaseData

        path = self._settings.html or Path()
        if self._live.is_empty and session.exitstatus not in COLLECTED:
            self._notes.append(f"the report page {path} was not written: no cases")
            return
        try:
            self._data = self._data or CaseData.of(self._live.session.cases())
            write_report(self._report(), path, self._data)
            self._page_is_open = path.is_file()  # a pipe takes one page only
        except (EvalguardError, OSError) as error:
            self._tell_problem(session, str(error))

    def _submit(
        self,
        session: pytest.Session,
        destinations: Sequence[Destination],
        submitter: Submitter,
    ) -> None:
        self._live.update(exit_status=int(session.exitstatus))
        if self._is_interrupted:
            why = "the session was interrupted"
            self._submitted = kept(destinations, self._live, why)
        else:
            self._submitted = submitter.submit(destinations, self._live)
        if self._submitted.is_stopped:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        if self._lacks_results:
            what = f"{Settings.strict.option.flag} fails the session"
            self._notes.append(f"{what}: not all results were submitted")
        if self._submitted.problems or self._lacks_results:
            _fail(session)

    @property
    def _lacks_results(self) -> bool:
        is_strict = self._settings.strict and self._settings.will_send
        return is_strict and not self._submitted.is_complete

    def _write_job_summary(self) -> None:
        """Add the summary to the page that GitHub Actions shows of a job."""
        from ..reporting.markdown import job_summary

        name = os.environ.get("GITHUB_STEP_SUMMARY", "").strip()
        if not name:
            return
        path = Path(name)
        try:
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(job_summary(self._report()))
        except OSError as error:
            self._notes.append(f"the job's summary was not written: {error}")

    def _write_markdown(self, session: pytest.Session, path: Path) -> None:
        from ..reporting.markdown import comment

        if self._live.is_empty and session.exitstatus not in COLLECTED:
            self._notes.append(f"the Markdown {path} was not written: no cases")
            return
        try:
            replace_shared_file(path, [comment(self._report())])
        except OSError as error:
            why = f"the Markdown {path} can't be written: {why_unreadable(error)}"
            self._tell_problem(session, why)

    def _remove_old_sessions(self) -> None:
        spared = [self._live.session.path]
        if self._baseline is not None and self._baseline.path is not None:
            spared.append(self._baseline.path)
        out, keep = self._settings.out, self._settings.keep
        remove_old_sessions(out, keep, spared, self._passed_over)
        self._notes += self._passed_over.summary()

    def _save_state(self) -> None:
        """Write the state again, or what the next command can complete it from."""
        live = self._live
        live.update()  # old sessions may have made room
        if live.is_saved:
            return
        note = f"the session's state could not be written: {live.disk_error};"
        try:
            live.session.mark_ended(live.state)
        except OSError:
            note += " pytest-evalguard list will show it as killed. Its cases are kept"
        else:
            listing = command("show", live.session.path)
            note += f" once there is room, complete it with: {listing}"
        self._notes.append(note)

    def _tell_problem(self, session: pytest.Session, problem: str) -> None:
        self._notes.append(problem)
        _fail(session)

    def _report(self) -> Report:
        """Return what is known of the session by now."""
        live, submitted = self._live, self._submitted
        return Report(
            live.session.path,
            live.state,
            live.totals,
            self._comparison,
            submitted.sent,
            (*_losses(live), *self._notes, *submitted.problems),
            self._settings.dry_run,
            self._settings.run_link,
            self._arguments,
        )


def _losses(live: LiveSession) -> Iterator[str]:
    """Yield what the disk did not take."""
    if live.lost:
        cases = counted(live.lost, "case")
        why = live.disk_error or "the session's files were changed in the meantime"
        yield (
            f"lost: {cases} can't be sent because they are not on disk: {why}; run the"
            " tests again"
        )


def _fail(session: pytest.Session) -> None:
    if session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
