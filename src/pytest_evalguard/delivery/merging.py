"""Several sessions, as the shards of a build, become one, with what services have.

The same sessions give the same bytes, in whatever order and from whatever directories
they are named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ConfigurationError, MergeError, SessionError
from ..model.case import Case
from ..model.figures import MAX_SHOWN, CaseNames
from ..model.text import counted, display_path
from ..storage.files import is_file, replace_file, why_unreadable
from ..storage.journal import CASES, figures_of
from ..storage.session import STATE, Session, SessionState, Shard
from .frozen_requests import FrozenRequest
from .outbox import Answer, LeftOut, Outbox, submission_of
from .registry import stored_targets
from .target import Target, slug

_MOST_NAMED = 10


@dataclass(frozen=True)
class Merged:
    """What several sessions are together.

    `damage` has a sentence for each of them that lacks cases.
    """

    state: SessionState
    lines: Sequence[str]
    name: str
    damage: Sequence[str]

    def write(self, path: Path) -> Session:
        """Return the session in a directory, which is made if it is not there yet.

        :raises SessionError: it holds something else, or can't be written.
        """
        session = Session(path)
        try:
            if is_file(path / STATE):
                self._check_same(session)
                return session
            if path.is_dir() and {each.name for each in path.iterdir()} - {CASES}:
                raise SessionError(
                    f"{display_path(path)} is not empty, and holds no session: name a"
                    " directory that does not exist yet"
                )
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(session.journal_path, self.lines)
            session.write(self.state)  # last, as without it there is no session
        except OSError as error:
            raise SessionError(
                f"{display_path(path)} can't be written: {why_unreadable(error)}; name"
                " another directory"
            ) from error
        return session

    def _check_same(self, session: Session) -> None:
        if session.state.id != self.state.id:
            raise SessionError(
                f"{display_path(session.path)} holds another session: name a directory"
                " that does not exist yet"
            )


@contextmanager
def merging(
    sessions: Sequence[Session],
    expected: int | None = None,
    accepted: Callable[[Session], Mapping[str, int]] = lambda session: {},
) -> Iterator[Merged]:
    """Hold sessions, so that none of them changes, and yield what they are together.

    :param expected: how many there must be.
    :param accepted: says how many results of a session have arrived, by where.
    :raises MergeError: a case is in two of them, or they are not as many.
    :raises SessionError: one of them still runs, or can't be read.
    """
    with ExitStack() as stack:
        for session in sessions:
            if not stack.enter_context(session.locked()):
                raise SessionError(
                    f"{display_path(session.path)} is still running or being submitted,"
                    " or was named twice: merge it when that has ended"
                )
        yield _merged([_Part(each, accepted(each)) for each in sessions], expected)


def _merged(parts: Sequence[_Part], expected: int | None) -> Merged:
    parts = sorted(parts, key=lambda each: each.state.id)
    if expected is not None and len(parts) != expected:
        found = ", ".join(f"{display_path(e.path)}, {e.shard.name}" for e in parts)
        raise MergeError(
            f"{counted(expected, 'session')} expected, got {len(parts):,} ({found}):"
            " see whether each shard has run and kept its session directory"
        )
    _check_apart(parts)
    cases = sorted(
        ((nodeid, part) for part in parts for nodeid in part.lines),
        key=lambda each: each[0],
    )
    ids = "\n".join(each.state.id for each in parts)
    ended = sorted(f"{line}\n" for part in parts for line in part.ended.values())
    text = "".join((*(f"{part.lines[nodeid]}\n" for nodeid, part in cases), *ended))
    identity = hashlib.sha256(f"{ids}\n{text}".encode()).hexdigest()[:32]
    stamp = max(each.state.created_at for each in parts).strftime("%Y%m%dT%H%M%SZ")
    lines = [_marked(part.lines[nodeid], part.state.id) for nodeid, part in cases]
    lines += ended
    damage = [sentence for part in parts for sentence in part.damage()]
    state = _state(identity, parts)
    return Merged(state, lines, f"{stamp}-m{identity[:7]}", damage)


class _Part:
    """A session that is to be merged, which this process holds."""

    def __init__(self, session: Session, accepted: Mapping[str, int]) -> None:
        self.path = session.path
        self._accepted = accepted
        self.state = session.state
        stored = session.cases()
        self.cases: list[Case] = []
        self.lines: dict[str, str] = {}
        for case, line in stored.with_lines():
            self.cases.append(_figures_of(case))
            self.lines[case.nodeid] = line.decode()
        self.ended = {name: each.to_line() for name, each in stored.ended.items()}
        self.selected = stored.selected(self.state.selected, self.state.status)
        self.damaged = stored.damaged

    @property
    def lost(self) -> int:
        """How many cases had finished, as its state says, and are not there."""
        counts = self.state.counts
        finished = sum(n for outcome, n in counts.items() if outcome != "not run")
        return max(0, finished - len(self.lines))

    @property
    def shard(self) -> Shard:
        state = self.state
        return Shard(
            id=state.id,
            created=state.created,
            status="killed" if state.status == "running" else state.status,
            exit_status=state.exit_status,
            selected=self.selected,
            cases=len(self.lines),
            ci=state.ci,
            versions=state.versions,
            accepted=self._accepted,
        )

    @property
    def shards(self) -> Iterator[Shard]:
        """Yield itself, or what it was merged from, sent as it was as a whole."""
        for each in self.state.shards or (self.shard,):
            yield replace(each, accepted={**each.accepted, **self._accepted})

    def damage(self) -> Iterator[str]:
        where = display_path(self.path)
        if self.damaged:
            lines = counted(self.damaged, "line")
            yield f"{where}: {lines} of its journal can't be read"
        if self.lost:
            yield (
                f"{where}: {counted(self.lost, 'case')} that had finished can't be"
                " found: was it copied completely?"
            )


def _figures_of(case: Case) -> Case:
    """Return what figures are made of: nothing that grows with what was recorded."""
    score = case.overall_score if case.has_row else None
    return Case(case.nodeid, case.outcome, score=score)


def _check_apart(parts: Sequence[_Part]) -> None:
    """Check that no case is in two sessions.

    :raises MergeError: one is; the message names it and both.
    """
    owners: dict[str, _Part] = {}
    shared = []
    for part in sorted(parts, key=lambda each: str(each.path)):
        for nodeid in (*part.lines, *part.ended):
            other = owners.setdefault(nodeid, part)
            if other is not part:
                both = f"{display_path(other.path)} and {display_path(part.path)}"
                shared.append(f"{nodeid} is in two sessions, {both}")
    if shared:
        named = "; ".join(shared[:_MOST_NAMED])
        rest = len(shared) - _MOST_NAMED
        more = f"; and {counted(rest, 'case')} more" if rest > 0 else ""
        raise MergeError(
            f"shards must not overlap: {named}{more}: let each test run in one shard,"
            " or name only one of the sessions"
        )


def _marked(line: str, shard: str) -> str:
    """Return a case's line with the shard that it is from, as new line of a journal."""
    data = json.loads(line)  # with what a newer version may have put there
    data.setdefault("shard", shard)
    return f"{json.dumps(data, separators=(',', ':'))}\n"


def _state(identity: str, parts: Sequence[_Part]) -> SessionState:
    states = [each.state for each in parts]
    shards = [shard for part in parts for shard in part.shards]
    lost = sum(part.lost for part in parts)
    # a shard that was killed has no exit status, and did not pass
    statuses = [1 if each.exit_status is None else each.exit_status for each in states]
    is_whole = all(each.status == "finished" for each in states)
    selected = sum(each.selected for each in parts)
    return SessionState(
        identity,
        min(each.created_at for each in states).isoformat(),
        status="finished" if is_whole else "interrupted",
        exit_status=max(*statuses, 1 if lost else 0),
        missing=sum(each.missing for each in states) + lost,
        ci=_shared(each.ci for each in shards),
        versions=_shared(each.versions for each in shards),
        shards=tuple(sorted(shards, key=lambda each: each.id)),
        trace_link=min((e.trace_link for e in states if e.trace_link), default=None),
        group_by=tuple(sorted({key for each in states for key in each.group_by})),
        **figures_of((case for part in parts for case in part.cases), selected),
    )


def _shared(facts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the facts that all shards have in common."""
    first, *others = facts
    return {
        name: value
        for name, value in first.items()
        if all(each.get(name) == value for each in others)
    }


# What services have of them

_NOT_YET = "not frozen yet"


def merge_sessions(
    sessions: Sequence[Session],
    place: Callable[[Merged], Path],
    *,
    expected: int | None = None,
    targets: Iterable[Target] = (),
) -> tuple[Session, Merged]:
    """Return the session that holds all cases of `sessions`, making it if need be.

    The same sessions give the same one, in whatever order they are named. A run gets
    it as a batch of its own; a service that takes one result a request is sent none
    again that one of `sessions` has brought it.

    :param place: returns its directory.
    :param expected: how many sessions there must be.
    :param targets: where it is to go.
    :raises MergeError: a case is in two of them, or they are not as many.
    :raises ConfigurationError: a run has results of one of them already.
    :raises SessionError: one of them still runs, or the new one can't be written.
    """
    with merging(sessions, expected, _accepted) as merged:
        for shard in merged.state.shards:
            check_is_new(shard, targets)
        session = merged.write(place(merged))
        with session.locked() as is_free:
            if not is_free:
                raise SessionError(
                    f"{display_path(session.path)} is being submitted: try again later"
                )
            stored = [each for part in sessions for each in stored_targets(part)]
            for target in {slug(each): each for each in (*stored, *targets)}.values():
                if not target.is_batched:
                    _carry_over(sessions, session, target)
    return session, merged


def check_is_new(shard: Shard, targets: Iterable[Target]) -> None:
    """Check that no run gets the results of a shard again, in another batch.

    :raises ConfigurationError: one has them.
    """
    for target in targets:
        if target.is_batched and (count := shard.accepted.get(_called(target))):
            raise ConfigurationError(
                f"{_called(target)} has {counted(count, 'result')} of session"
                f" {shard.name} already and would count them twice: leave that session"
                " out, or name another run"
            )


def _accepted(session: Session) -> Mapping[str, int]:
    """Return how many results of a session have arrived, or may have, by where."""
    found = {}
    for target in stored_targets(session):
        submission = submission_of(session, target)
        count = submission.accepted
        if Outbox(session, target).doubts():
            count += submission.unsent
        if count and target.id is not None:
            found[_called(target)] = count
    return found


def _called(target: Target) -> str:
    return f"{target.info.noun} {target.id}"


def _carry_over(sessions: Sequence[Session], merged: Session, target: Target) -> None:
    """Freeze for the merged session what was frozen for its parts, with the answers.

    What has no answer is looked for at the agent then, before it is sent.
    """
    own = Outbox(merged, target)
    parts = [Outbox(session, target) for session in sessions]
    boxes = [each for each in (own, *parts) if each.is_frozen]
    requests: dict[str, FrozenRequest] = {}
    answers: dict[str, Answer] = {}
    for box in boxes:
        settled = box.answers()
        for request in box.requests():
            key = request.key
            if key not in requests or (key in settled and key not in answers):
                requests[key] = request
                answers.update({key: settled[key]} if key in settled else {})
    if boxes and (not own.is_frozen or [*own.requests()] != [*requests.values()]):
        own.freeze(requests.values(), _rest(merged, target, requests.values()))
    for key in answers.keys() - own.answers().keys():
        own.settle(key, answers[key])


def _rest(
    merged: Session, target: Target, frozen: Iterable[FrozenRequest]
) -> Iterator[LeftOut]:
    """Yield what is still to be frozen, as one entry."""
    done, names = {each.nodeid for each in frozen}, CaseNames(MAX_SHOWN)
    for case in merged.cases():
        if target.takes(case) and case.nodeid not in done:
            names.add(case.nodeid)
    if names.count:
        yield LeftOut(_NOT_YET, names.count, tuple(names.first), is_open=True)
