"""The reporter: in the plain process or xdist's controller, where cases come together.

Keeps each case as it arrives, has the session closed at its end, and tells of it.
"""

from __future__ import annotations

import html
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from os import getpid
from typing import Any

import pytest

from ..analysis.baseline import Baseline, load_baseline
from ..analysis.gates import gated_groups
from ..config.resolution import usage_errors
from ..config.settings import Settings
from ..delivery.agent.prompts import PromptIds, locked_prompts
from ..delivery.registry import with_targets
from ..model.case import Case, EndedTest, record_from_line
from ..model.figures import MAX_SHOWN, reaches
from ..model.redaction import Redactor
from ..model.text import terminal_width
from ..recording.budget import is_spent_budget
from ..recording.modify_case import modified
from ..recording.selection import Earlier, Selection
from ..reporting.submissions import header, unsent_lines
from ..reporting.tables import metric_figures
from ..reporting.terminal import (
    annotation,
    figures,
    gate_annotations,
    gate_lines,
    interruption_lines,
    lines,
    outcome_line,
    shows_annotations,
    where_lines,
)
from ..storage.journal import append_from_child
from ..storage.session import PassedOver, check_out
from .live_session import LiveSession, new_session
from .resumption import Resumption
from .session_end import COLLECTED, Course, Ending, SessionEnd
from .sigterm import Termination
from .submitting import Submitter, destinations_of

# xdist's controller ends a session at --maxfail by an Interrupted that says this, which
# pytest takes for a Ctrl-C; its workers go on for a while (pytest-dev/pytest-xdist#420)
_STOPPED_BY_MAXFAIL = "stopping after"


class Reporter:
    """Takes finished cases; has the session closed at its end, and tells of it."""

    def __init__(
        self, config: pytest.Config, settings: Settings, redact: Redactor
    ) -> None:
        self._config = config
        self._settings = settings
        self._redact = redact
        self._process = getpid()
        is_compared = settings.baseline is not None
        session, state = new_session(settings.out, redact, config.rootpath)
        link = None if settings.trace_link is None else redact(settings.trace_link)
        state = replace(state, group_by=settings.group_by, trace_link=link)
        groups = gated_groups(settings, redact)
        self._live = LiveSession(session, state, is_compared=is_compared, groups=groups)
        self._submitter = Submitter(config, settings)
        self._destinations = destinations_of(settings)
        self._baseline: Baseline | None = None
        self._passed_over = PassedOver()
        self._course = Course()
        self._end: SessionEnd | None = None
        self.prompts: PromptIds | None = None
        self._resumption: Resumption | None = None
        self._spent: dict[str, float] = {}
        self._is_told = False
        self._termination = Termination()

    @property
    def session_path(self) -> str:
        """Where the session's directory is, or will be."""
        return str(self._live.session.path)

    @property
    def earlier(self) -> Earlier | None:
        """What is known of the session that is resumed, if one is."""
        if self._resumption is None:
            return None
        return self._resumption.earlier(self._live.state)

    def select(self, selection: Selection) -> None:
        """Learn which cases are to run, and what stops the session before that.

        :raises pytest.UsageError: a mark is wrong, the directory can't be written, or
            the session that is to be resumed does not go with these cases.
        """
        if selection.problems:
            raise pytest.UsageError(self._redact("\n".join(selection.problems)))
        if self._settings.runs_tests:
            with usage_errors():
                if self._resumption is not None:
                    targets = [each.target for each in self._destinations]
                    self._resumption.carry(self._live, selection, targets)
                self._live.select(selection.names)
            self._termination.install()

    def add_spending(self, spent: float, worker: str = "") -> bool:
        """Learn what a process has spent; return whether the budget is spent by that.

        Called from a thread of pytest-xdist's, too.
        """
        # two threads of a worker may tell what they spent in the other order
        self._spent[worker] = max(spent, self._spent.get(worker, 0.0))
        return reaches(sum(self._spent.copy().values()), self._settings.budget or 0)

    def publish(
        self, case: Case | EndedTest, line: str, report: pytest.TestReport | None
    ) -> None:
        """Take a case that finished in this process."""
        if self._process == getpid():
            self._add(case, line)
        elif isinstance(case, Case) and case.test is not None:
            with suppress(OSError):  # a child of a test that forked
                append_from_child(self._live.session.path, line)

    def add_line(self, line: str) -> None:
        """Take a finished case that a worker sent.

        Called from a thread of pytest-xdist's, too.
        """
        self._add(record_from_line(line), line)

    def _add(self, case: Case | EndedTest, line: str) -> None:
        if self._settings.runs_tests:  # a fixture may record where no test is run
            self._live.add(case, line)

    def add_crashed(
        self, candidates: Sequence[str], reason: str, *, is_last: bool
    ) -> None:
        """Take the news that a worker died while it ran a test.

        :param candidates: the identities of the runs that it may have been.
        :param is_last: whether nobody has said that the test will be run again.
        """
        identity = self._live.crashed(candidates)
        if identity is None:
            return
        case = None
        if is_last:
            case = Case(identity, "error", identity, reason=reason)
            case, _ = modified(self._config, None, case, self._redact)
        self._live.add_crash(identity, self._redact(reason), case)

    def pytest_sessionstart(self) -> None:
        """Read what is needed, and ask the services, before the first test."""
        if self._settings.runs_tests:
            with usage_errors():
                self._read_files()
        if self._settings.will_send and self._destinations:
            with usage_errors():
                check_out(self._settings.out)
                self._prepare()

    def _prepare(self) -> None:
        """Ask the services, and keep where the results are to go with the session."""
        if (resumption := self._resumption) is not None:
            self._destinations = tuple(
                replace(each, target=resumption.redirected(each.target))
                for each in self._destinations
            )
        prepared = tuple(map(self._submitter.prepared, self._destinations))
        targets = [each.target for each in prepared if each.is_stored]
        self._live.update(targets=with_targets(self._live.state, targets).targets)
        self._destinations = prepared

    def _read_files(self) -> None:
        if self._settings.resume is not None:
            self._resumption = Resumption.open(
                self._settings.resume,
                self._settings.out,
                self._redact,
                self._passed_over,
            )
        agent_id = self._settings.services["agent"].id
        if agent_id is not None:
            self.prompts = locked_prompts(self._config.rootpath, agent_id)
        if self._settings.baseline is not None:
            name, out = self._settings.baseline, self._settings.out
            self._baseline = load_baseline(name, out, self._passed_over)

    def pytest_report_header(self) -> list[str]:
        """Say where results will go, if anywhere."""
        found = self._destinations if self._settings.runs_tests else ()
        return [header(each.target, self._settings.dry_run) for each in found]

    def pytest_keyboard_interrupt(
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> None:
        """Note that the session was interrupted; ``-x`` is no interruption."""
        if str(excinfo.value).startswith(_STOPPED_BY_MAXFAIL):
            self._course = replace(self._course, is_cut_short=True)
        elif is_spent_budget(excinfo.value):  # as a worker of pytest-xdist told it
            self._note_spent()
        else:
            self._course = replace(self._course, is_interrupted=True)

    def _note_spent(self) -> None:
        self._course = replace(self._course, is_interrupted=True, is_out_of_budget=True)

    def pytest_internalerror(self) -> None:
        """Note that pytest or a plugin failed."""
        self._course = Course(is_interrupted=True, has_internal_error=True)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session
    ) -> Generator[None, object, object]:
        """Close the count, submit, and set the exit status, when the workers are gone.

        Also when another Ctrl-C ends the end of the session: nobody else is told then.
        """
        if sys.exc_info()[1] is not None:
            # a Ctrl-C while the first was being handled
            self._course = replace(self._course, is_interrupted=True)
        try:
            result = yield
        except BaseException:
            self._course = replace(self._course, is_interrupted=True)
            session.exitstatus = session.exitstatus or pytest.ExitCode.INTERRUPTED
            self._close(session)
            self._tell_rest()
            raise
        self._close(session)
        return result

    def _close(self, session: pytest.Session) -> None:
        # a child that a test forked may have run on to here (pytest-dev/pytest#12028)
        if self._process == getpid() and self._settings.runs_tests:
            if is_spent_budget(session.shouldfail):
                self._note_spent()
            spent, has_stopped = self._spent.values(), self._course.is_out_of_budget
            self._live.spend(self._settings.budget, spent, has_stopped)
            ending = Ending(
                self._settings,
                self._live,
                self._course,
                self._baseline,
                self._redact,
                self._passed_over,
                self._config.invocation_params.args,
            )
            self._end = ending.run(session, self._destinations, self._submitter)

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
        if not self._live.is_empty:
            totals, metrics = self._live.totals, self._live.state.metrics
            pairs = [("cases", outcome_line(totals)), *figures(totals)]
            pairs += metric_figures(metrics, totals, MAX_SHOWN)
            rows = [html.escape(f"{label} {value}".strip()) for label, value in pairs]
            summary.append(f"<p>evalguard: {'<br>'.join(rows)}</p>")

    def pytest_unconfigure(self) -> None:
        """Say on stderr what no summary has said."""
        self._termination.uninstall()
        if self._resumption is not None:
            self._resumption.release()
        if self._process == getpid():
            self._tell_rest()

    def _tell_rest(self) -> None:
        """Say on stderr what went wrong, unless a summary has said so."""
        # --no-summary left out its hook before pytest 9.2 (pytest-dev/pytest#14724)
        if self._is_told:
            return
        self._is_told = True
        for line in self._rest():
            sys.stderr.write(f"evalguard: {line}\n")
        for command in self._annotations():
            sys.stderr.write(f"{command}\n")

    def _annotations(self) -> Iterator[str]:
        """Yield commands that make GitHub Actions show an error on the run's page."""
        end = self._end
        if end is None:
            return
        yield from gate_annotations(end.failed_gates, os.environ)
        if end.lacks_results and shows_annotations(os.environ):
            sent, path = end.report.sent, end.report.path
            found = [line for each in sent for line in unsent_lines(each, path)]
            yield annotation("results not submitted", "; ".join(found))

    def _rest(self) -> Iterator[str]:
        if self._end is None:
            return
        report = self._end.report
        yield from gate_lines(self._end.failed_gates)
        yield from interruption_lines(report.state, report.path, report.arguments)
        yield from report.notes
        for sent in () if report.is_dry_run else report.sent:
            yield from unsent_lines(sent, report.path)

    def _lines(self, status: int) -> Iterator[str]:
        if self._end is None:
            return
        report = self._end.report
        if not self._live.is_empty:
            is_verbose = self._config.get_verbosity() > 0
            yield from lines(report, terminal_width(), is_verbose=is_verbose)
        elif self._settings.is_asked_for:
            if status in COLLECTED:
                has_target = self._settings.targeted
                what = ": there is nothing to submit" if has_target else ""
                yield f"no eval cases were selected{what}"
            yield from gate_lines(report.state.gates)
            yield from report.notes
            yield from where_lines(report)
