"""Sessions that are submitted after they ended: which, where to, and by whose word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from ..config.settings import Access
from ..errors import ConfigurationError, ServiceError, SessionError
from ..model.text import counted, display_path
from ..storage.resumed import continued
from ..storage.session import (
    PassedOver,
    Session,
    check_out,
    newest_session,
    open_session,
    sessions_in,
)
from .deadline import Deadline
from .merging import check_is_new, merge_sessions
from .outbox import (
    Outbox,
    Sent,
    Service,
    Submission,
    submission_of,
    submitted,
)
from .registry import Batched, BuiltIn, built_in_service, stored_targets, with_targets
from .sending import Progress
from .target import Target, has_proof, proof_of


def unsent(
    directories: Sequence[str],
    out: Path,
    tell: Callable[[str], None],
    *,
    with_rejected: bool = False,
) -> Iterator[tuple[Session, Target]]:
    """Yield the sessions that have something to send, each with where to.

    :param tell: takes what is wrong with a session that was not named; it is left out.
    :param with_rejected: what was rejected is something to send, too.
    :raises SessionError: a named directory holds no session.
    :raises ConfigurationError: a named session has no target, or another session has
        its results.
    """
    for directory in directories:
        session = open_session(Path(directory))
        if not session.state.targets:
            raise ConfigurationError(
                f"{display_path(session.path)} was recorded without a run or agent:"
                " name one with --run ID or --agent ID"
            )
        _check_is_last(session)
        yield from _open_targets(session, with_rejected)
    passed_over = PassedOver()
    sessions = [] if directories else sessions_in(out, passed_over)
    resumed = continued(sessions)
    for session in sessions:
        try:
            if session.state.id not in resumed:
                yield from _open_targets(session, with_rejected)
        except OSError as error:
            passed_over.add(session.path, error)
        except SessionError as error:
            tell(f"left out: {error}")
    for each in passed_over.sentences():
        tell(f"left out: {each}")


def _check_is_last(session: Session) -> None:
    out = session.path.parent
    if by := continued(sessions_in(out)).get(session.state.id):
        raise ConfigurationError(
            f"{display_path(session.path)} was resumed by {display_path(out / by)},"
            " which has its results: submit that one"
        )


def _open_targets(
    session: Session, with_rejected: bool
) -> list[tuple[Session, Target]]:
    pairs = []
    for target in stored_targets(session):
        found = submission_of(session, target)
        if found.is_open or (with_rejected and found.rejected):
            pairs.append((session, target))
    return pairs


def rejected(out: Path) -> Iterator[tuple[Session, Sent]]:
    """Yield the sessions below `out` that have rejected results, and what became there.

    What can't be read is passed over.
    """
    sessions = sessions_in(out)
    resumed = continued(sessions)
    for session in sessions:
        with suppress(SessionError, OSError):
            if session.state.id in resumed:
                continue
            for target in stored_targets(session):
                found = submission_of(session, target)
                if found.rejected:
                    yield session, Sent(target, found)


def directed_to(
    directories: Sequence[str],
    out: Path,
    targets: Sequence[Target],
    passed_over: PassedOver,
) -> list[tuple[Session, Target]]:
    """Give the named sessions, together, or the newest one, somewhere to be sent to.

    :param passed_over: takes the sessions that can't be read.
    :raises SessionError: there is no such session, or two of them share a case.
    :raises ConfigurationError: the run has results of one of them already.
    """
    sessions = [open_session(Path(each)) for each in directories]
    if len(sessions) > 1:
        check_out(out)
        session, _ = merge_sessions(
            sessions, lambda merged: out / merged.name, targets=targets
        )
    else:
        session = sessions[0] if sessions else newest_session(out, passed_over)
    return [(session, _added(session, target)) for target in targets]


def _added(session: Session, target: Target) -> Target:
    """Return the session's target of that name, a new one where it had none."""
    stored = stored_targets(session)
    known = next((each for each in stored if _is_same(each, target)), None)
    if known is None:
        for shard in session.state.shards:
            check_is_new(shard, [target])
    elif all(_is_kept(session, each, target) for each in stored):
        return known
    with session.locked() as is_free:
        if not is_free:
            raise SessionError(
                f"{display_path(session.path)} is still running or being submitted: try"
                " again when that has ended"
            )
        stored = stored_targets(session)
        kept = [each for each in stored if _is_kept(session, each, target)]
        new = () if known is not None else (target,)
        session.write(with_targets(session.state, (*kept, *new)))
    return known or target


def _is_kept(session: Session, target: Target, named: Target) -> bool:
    """Whether a target stays: a wrong run that accepted nothing gives way."""
    is_other = target.service != named.service
    is_needed = is_other or _is_same(target, named)
    return is_needed or bool(submission_of(session, target).accepted)


def _is_same(one: Target, other: Target) -> bool:
    return (one.service, one.id) == (other.service, other.id)


def submit(
    session: Session,
    target: Target,
    access: Access,
    directory: Path,
    deadline: Deadline,
    progress: Progress,
    changes: Mapping[str, str | int] | None = None,
) -> Sent:
    """Submit one session to one target, unless another process is at it.

    :param directory: where the project's lock file of prompts is, if it has one.
    :param changes: what was rejected is sent, too, with these settings in the place of
        those that it was frozen by; None: it is not touched.
    :raises ConfigurationError: the session names a URL, and not with this key, or all
        of it was accepted at another one than the user names.
    """
    if not access.is_said and not has_proof(target, access.key or ""):
        option = f"--{target.info.url_setting.replace('_', '-')}"
        raise ConfigurationError(
            f"{display_path(session.path)} says it goes to {target.url}, but was not"
            " recorded with this API key: if that is where the key belongs, say so by"
            f" {option} {target.url}"
        )
    with session.locked() as is_free:
        if not is_free:
            error = (
                "another process is running or submitting this session: try again when"
                " that has ended"
            )
            return Sent(target, _left(session, target, error))
        if access.is_said:
            target = _moved(session, target, access, changes is not None)
        built_in = built_in_service(target, access.key or "", directory, progress)
        service: Service = built_in
        if changes is not None and submission_of(session, target).rejected:
            service = _Again(built_in, target, changes)
        return Sent(
            target, submitted(service, session, target, deadline, progress.draw)
        )


@dataclass(frozen=True)
class _Again:
    """A service that is sent what it rejected, too."""

    service: BuiltIn
    target: Target
    changes: Mapping[str, str | int]

    def submit(self, session: Session, deadline: Deadline) -> Submission:
        """Send what was not accepted yet."""
        if self.changes and self.target.is_batched:
            try:
                batched = cast("Batched", self.service)
                batched.freeze_anew(session, self.changes, deadline)
            except ServiceError as error:
                return replace(submission_of(session, self.target), error=str(error))
        Outbox(session, self.target).reopen()
        return self.service.submit(session, deadline)


def _moved(
    session: Session, target: Target, access: Access, with_rejected: bool
) -> Target:
    """Return a target at another URL, where nothing is known of it yet.

    :raises ConfigurationError: all that can be sent was accepted at the first URL.
    """
    moved = replace(target, url=access.url, proof=proof_of(access))
    if _base(access.url) == _base(target.url):
        return moved
    found = submission_of(session, target)
    has_more = found.is_open or (with_rejected and found.rejected)
    if found.accepted and not has_more:
        raise ConfigurationError(
            f"{display_path(session.path)} went to {target.url} already, which accepted"
            f" {counted(found.accepted, 'result')} of it: run the tests again to send"
            f" them to {access.url}"
        )
    if not found.accepted:
        Outbox(session, target).forget_answers()
        stored = stored_targets(session)
        targets = (moved if each == target else each for each in stored)
        session.write(with_targets(session.state, targets))
    return moved


def _base(url: str) -> str:
    """Return a base URL in the shortest of its forms."""
    return url.rstrip("/").removesuffix("/v1").removesuffix("/api")


def _left(session: Session, target: Target, error: str) -> Submission:
    try:
        return replace(submission_of(session, target), error=error)
    except SessionError:
        return Submission(target.service, error=error)
