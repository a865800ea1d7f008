"""Several sessions, as the shards of a build, become one session.

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

from ..errors import MergeError, SessionError
from ..model.case import Case
from ..model.text import counted, display_path
from .files import is_file, replace_file, why_unreadable
from .journal import CASES, figures_of
from .session import STATE, Session, SessionState, Shard

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
