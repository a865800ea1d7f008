"""A session that goes on where an earlier one stopped: what it takes over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..analysis.baseline import LAST
from ..config.checks import Resume
from ..delivery.outbox import Outbox, submission_of
from ..delivery.registry import stored_targets
from ..delivery.target import Target
from ..errors import ConfigurationError, EvalguardError, SessionError
from ..model.case import Case, EndedTest
from ..model.redaction import Redactor
from ..model.text import counted, display_path
from ..recording.modify_case import redact_case
from ..recording.selection import HIDDEN, Earlier, Selection
from ..reporting.submissions import command
from ..storage.lock import Lock
from ..storage.resumed import Resumed, continued
from ..storage.session import (
    PassedOver,
    Session,
    SessionState,
    newest_session,
    open_session,
    sessions_in,
)
from .live_session import LiveSession

_MOST_NAMED = 3
_SHORT_COMMIT = 12
_TITLES = {"python": "Python"}


class Resumption:
    """An earlier session, held until this one has what is taken over from it.

    :param lock: the lock on it.
    :param redact: applied to each case that is taken over, as keys may be others now.
    :raises SessionError: it can't be read.
    """

    def __init__(
        self, session: Session, lock: Lock, redact: Redactor, with_failed: bool
    ) -> None:
        self.session = session
        self._lock = lock
        self._redact = redact
        self._state = session.state
        self._stored = session.cases()
        self._known: set[str] = set()
        self._verdicts: dict[str, str] = {}
        self._within: dict[str, list[str]] = {}
        self._read(with_failed)
        self._targets = stored_targets(session)
        self._selected: set[str] = set()
        self._changed_files: set[str] = set()

    def _read(self, with_failed: bool) -> None:
        """Learn which tests have a verdict, and so has each case within them."""
        for test, ended in self._stored.ended.items():
            self._verdicts[test] = ended.declared or ""
        undecided = set()
        for case in self._stored:
            test = case.test or case.nodeid
            is_done = case.has_verdict and not (
                with_failed and case.outcome == "failed"
            )
            if not is_done:
                undecided.add(test)
            elif case.test is None:
                self._verdicts[test] = case.declared or ""
            if case.test is not None:
                self._within.setdefault(test, []).append(case.nodeid)
            self._known.add(test)
        for test in undecided:
            self._verdicts.pop(test, None)

    @classmethod
    def open(
        cls, resume: Resume, out: Path, redact: Redactor, passed_over: PassedOver
    ) -> Resumption:
        """Return the session that is to be resumed.

        :param out: where sessions are kept.
        :param passed_over: takes the sessions there that can't be read.
        :raises ConfigurationError: there is none, it can't be read, or it is in use.
        """
        session = _find(resume.session, out, passed_over)
        lock = _locked(session)
        try:
            _check_is_last(session)
            return cls(session, lock, redact, resume.with_failed)
        except (EvalguardError, OSError, ValueError) as error:
            lock.release()
            raise _refusal(session, str(error)) from error

    def release(self) -> None:
        """Let other processes have the session."""
        self._lock.release()

    def earlier(self, state: SessionState) -> Earlier:
        """Return what must be known of it where tests are collected.

        :param state: that of the session which goes on.
        """
        commit = self._state.ci.get("commit")
        if commit is not None and commit == state.ci.get("commit"):
            return Earlier(self._verdicts)  # a check-out has new times
        began = self._state.created_at.timestamp()
        return Earlier(self._verdicts, began + 1)  # it was cut to the second

    def carry(
        self, live: LiveSession, selection: Selection, targets: Iterable[Target]
    ) -> None:
        """Take over what has a verdict and is still the same test.

        :param targets: where the session's results are to go.
        :raises EvalguardError: what was collected does not go with it.
        """
        self._check(selection)
        done = live.state.resumed
        new = set(selection.carried) - self._selected
        if done is not None and not new:
            return  # another worker said the same
        self._selected |= {*selection.names, *selection.carried}
        self._changed_files |= {*selection.changed_files}
        resumed = Resumed(
            self.session.path.name,
            self._ancestors,
            0 if done is None else done.carried,
            0 if done is None else done.failed,
            tuple(self._notes(selection, [*targets], live.session.path)),
            tuple(dict.fromkeys(self._differences(live.state))),
        )
        live.state = replace(live.state, resumed=resumed)
        live.carry(self._cases(sorted(new)))
        self.release()

    def _check(self, selection: Selection) -> None:
        if selection.has_errors:
            raise _refusal(
                self.session, "some tests could not be collected; fix that first"
            )
        found = {*selection.names, *selection.carried}
        if self._known and not found & self._known:
            cases = counted(len(found), "case")
            raise _refusal(
                self.session,
                f"it has none of the {cases} that were collected; name a session of"
                " this project, or the tests that it was of",
            )

    @property
    def _ancestors(self) -> tuple[str, ...]:
        before = self._state.resumed
        return (self._state.id, *(() if before is None else before.ancestors))

    def _cases(self, tests: list[str]) -> Iterator[Case | EndedTest]:
        """Yield what is kept of tests: their cases, and that they have ended."""
        for test in tests:
            if test in self._stored.ended:
                ended = self._stored.ended[test]
                yield replace(ended, test=self._redact(test))
        identities = [
            each for test in tests for each in (test, *self._within.get(test, ()))
        ]
        for case in self._stored.read(identities):
            case.carried = case.carried or self.session.path.name
            redact_case(case, self._redact)
            yield case

    def _notes(
        self, selection: Selection, targets: Sequence[Target], path: Path
    ) -> Iterator[str]:
        if not selection.names:
            yield "every case has a verdict: no test was left to run"
        changed = sorted(self._verdicts.keys() & set(selection.names))
        hidden = [name for name in changed if self._verdicts[name] == HIDDEN]
        others = sorted({*changed} - {*hidden})
        for names, why in (
            (others, "again because their mark or parameters changed"),
            (
                hidden,
                "again because what identifies them had a secret, which isn't kept",
            ),
        ):
            if names:
                cases = "case runs" if len(names) == 1 else "cases run"
                yield f"{len(names):,} {cases} {why}: {_named(names)}"
        gone = sorted(self._verdicts.keys() - self._selected)
        if gone:
            cases = "case is" if len(gone) == 1 else "cases are"
            yield (
                f"{len(gone):,} {cases} left out because their tests were not"
                f" collected: {_named(gone)}"
            )
        if damaged := self._stored.damaged:
            lines = counted(damaged, "line")
            yield f"{lines} of {self.session.path.name} could not be read"
        for target in self._targets:
            if target.id is not None:
                yield from self._destination(target, targets, path)

    def _destination(
        self, target: Target, targets: Sequence[Target], path: Path
    ) -> Iterator[str]:
        """Yield what must be known of where the earlier session was to go.

        :param targets: where this one goes.
        """
        name, there = self.session.path.name, f"{target.info.noun} {target.id}"
        accepted = submission_of(self.session, target).accepted
        if not any(each.service == target.service for each in targets):
            send = command(f"submit --{target.info.noun} {target.id}", path)
            yield f"{name} was to go to {there}, this session is not: send it by {send}"
        elif accepted and target.id in [each.id for each in targets]:
            yield (
                f"{there} has {counted(accepted, 'result')} of {name} already: all"
                " results of this session are sent there beside them"
            )

    def _differences(self, state: SessionState) -> Iterator[str]:
        before = self._state
        yield from () if before.resumed is None else before.resumed.differences
        now = _versions(state)
        for name, was in _versions(before).items():
            if name in now and was != now[name]:
                yield f"{_TITLES.get(name, name)} {was} → {now[name]}"
        if self._changed_files:
            files = sorted(self._changed_files)
            yield f"{_named(files)} {'has' if len(files) == 1 else 'have'} changed"

    def redirected(self, target: Target) -> Target:
        """Return the run that was created for it, in the place of another new one.

        Not if it has results already.
        """
        for each in self._targets if target.id is None else ():
            ends = (each.service, each.url, each.proof)
            is_same = ends == (target.service, target.url, target.proof)
            is_unused = not Outbox(self.session, each).answers()
            if is_same and each.finish and each.id is not None and is_unused:
                return target.at(each.id)
        return target


def _find(name: str, out: Path, passed_over: PassedOver) -> Session:
    try:
        if name == LAST:
            return newest_session(out, passed_over)
        return open_session(Path(name))
    except SessionError as error:
        why = "; ".join([str(error), *passed_over.sentences()])
        raise ConfigurationError(f"there is nothing to resume: {why}") from error


def _locked(session: Session) -> Lock:
    """Hold a session, or see at least that nobody else does where it can't be written.

    :raises ConfigurationError: another process holds it.
    """
    lock = Lock(session.path)
    try:
        is_free = lock.acquire()
    except OSError:
        is_free = session.status != "running"
    if not is_free:
        lock.release()
        raise _refusal(
            session,
            "it is still running or being submitted; try again when that has ended",
        )
    return lock


def _check_is_last(session: Session) -> None:
    out = session.path.parent
    by = continued(sessions_in(out)).get(session.state.id)
    if by is not None:
        raise SessionError(
            f"{display_path(out / by)} has resumed it already; resume that one, or"
            " remove it"
        )


def _refusal(session: Session, why: str) -> ConfigurationError:
    name = display_path(session.path)
    return ConfigurationError(f"{name} can't be resumed: {why}")


def _versions(state: SessionState) -> dict[str, str]:
    """Return what a session ran: commit, Python, pytest and plugin."""
    found = {"commit": state.commit or "", **state.versions}
    found["commit"] = found["commit"][:_SHORT_COMMIT]
    return {name: version for name, version in found.items() if version}


def _named(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{', '.join(names[:_MOST_NAMED])}{rest}"
