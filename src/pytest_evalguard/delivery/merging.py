"""Several sessions, the shards of one, merged into a session that is sent as one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from ..analysis.totals import MAX_SHOWN, Names, Totals
from ..errors import SessionError
from ..storage.files import replace_file
from ..storage.session import STATE, Session, SessionState, create_session
from .outbox import Answer, FrozenRequest, LeftOut, Outbox
from .target import Target

_NOT_YET = "not frozen yet"


def merged_session(
    sessions: Sequence[Session], out: Path, targets: Sequence[Target] = ()
) -> Session:
    """Return the session that holds all cases of `sessions`, making it if need be.

    The same sessions give the same one, in whatever order they are named. A run gets
    it as a batch of its own; a service that takes one result a request is sent none
    again that one of `sessions` has brought it.

    :raises SessionError: a case is in two of them, one of them still runs, or `out`
        can't be written.
    """
    with ExitStack() as stack:
        for session in sessions:
            if not stack.enter_context(session.locked()):
                raise SessionError(
                    f"{session.path} is still running or being submitted: merge it when"
                    " that has ended"
                )
        merged = _merge(sessions, out)
        if not stack.enter_context(merged.locked()):
            raise SessionError(f"{merged.path} is being submitted: try again later")
        for target in targets:
            if not target.is_batched:
                _carry_over(sessions, merged, target)
        return merged


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
    done, names = {each.nodeid for each in frozen}, Names(MAX_SHOWN)
    for case in merged.cases():
        if target.takes(case) and case.nodeid not in done:
            names.add(case.nodeid)
    if names.count:
        yield LeftOut(_NOT_YET, names.count, tuple(names.first), is_open=True)


def _merge(sessions: Sequence[Session], out: Path) -> Session:
    states = sorted((each.state for each in sessions), key=lambda state: state.id)
    lines = _lines(sessions)
    text = "".join(f"{lines[identity]}\n" for identity in sorted(lines))
    ids = "\n".join(state.id for state in states)
    identity = hashlib.sha256(f"{ids}\n{text}".encode()).hexdigest()[:32]
    began = [state.created_at for state in states]
    stamp = max(began).strftime("%Y%m%dT%H%M%SZ")
    merged = Session(out / f"{stamp}-m{identity[:7]}")
    if not (merged.path / STATE).is_file():
        create_session(merged, SessionState(identity, min(began).isoformat()))
        replace_file(merged.journal_path, [text])
        merged.write(_merged_state(merged, states))
    return merged


def _lines(sessions: Sequence[Session]) -> dict[str, str]:
    lines: dict[str, str] = {}
    owners: dict[str, Path] = {}
    for session in sorted(sessions, key=lambda each: str(each.path)):
        for case, line in session.cases().with_lines():
            if case.nodeid in owners:
                raise SessionError(
                    f"the case {case.nodeid} is in two sessions, {owners[case.nodeid]}"
                    f" and {session.path}: shards must not overlap; submit one of them"
                )
            owners[case.nodeid], lines[case.nodeid] = session.path, line
    return lines


def _merged_state(merged: Session, states: list[SessionState]) -> SessionState:
    totals = Totals.of(merged.cases())
    selected = sum(state.selected for state in states)
    # a shard that was killed has no exit status, and did not pass
    statuses = [1 if s.exit_status is None else s.exit_status for s in states]
    missing = selected - sum(totals.outcomes.values())
    if missing > 0:
        totals.outcomes["not run"] += missing
    return replace(
        merged.state,
        status="finished",
        exit_status=max(statuses),
        selected=selected,
        counts={str(name): count for name, count in totals.outcomes.items()},
        rows=totals.rows,
        pass_rate=totals.pass_rate,
        score=totals.score.value,
        missing=sum(state.missing for state in states),
    )
