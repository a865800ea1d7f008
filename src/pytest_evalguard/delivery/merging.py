"""Sessions that become one, with what services have of them already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ..analysis.case_names import MAX_SHOWN, CaseNames
from ..errors import ConfigurationError, SessionError
from ..model.text import counted, display_path
from ..storage.merging import Merged, merging
from ..storage.session import Session, Shard
from .frozen_requests import FrozenRequest
from .outbox import Answer, LeftOut, Outbox, submission_of
from .registry import stored_targets
from .target import Target, slug

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
