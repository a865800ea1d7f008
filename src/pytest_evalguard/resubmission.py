"""Sessions that are submitted after they ended: which, where to, and by whose word."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .deadline import Deadline
from .delivery import Sent
from .delivery import Submission
from .delivery import is_proven
from .delivery import prove
from .delivery import submission_of
from .errors import ConfigurationError
from .errors import SessionError
from .merging import merged_session
from .session import Session
from .session import Target
from .session import open_session
from .session import sessions_in
from .settings import DEFAULT_OUT
from .settings import DEFAULT_URL
from .settings import checked_id
from .settings import checked_url
from .summary import display_path
from .targets import built_in_service


def find_out(given: str | None, environ: Mapping[str, str]) -> Path:
    """Return where sessions are: as given, EVALGUARD_OUT, the nearest `.evalguard`."""
    if given or environ.get("EVALGUARD_OUT"):
        return Path(given or environ["EVALGUARD_OUT"])
    here = Path.cwd()
    for directory in (here, *here.parents):
        if (directory / DEFAULT_OUT).is_dir():
            return directory / DEFAULT_OUT
    return here / DEFAULT_OUT


def newest_session(out: Path) -> Session:
    """Return the newest session below `out`.

    :raises SessionError: there is none.
    """
    sessions = sessions_in(out)
    if not sessions:
        raise SessionError(
            f"there are no sessions in {display_path(out)}: name a session's directory,"
            " or where sessions are kept by --out DIR"
        )
    return sessions[-1]


def unsent(
    directories: Sequence[str], out: Path, tell: Callable[[str], None]
) -> Iterator[tuple[Session, Target]]:
    """Yield the sessions that have something to send, each with where to.

    :param tell: takes what is wrong with a session that was not named; it is left out.
    :raises SessionError: a named directory holds no session.
    :raises ConfigurationError: a named session has no target.
    """
    for directory in directories:
        session = open_session(Path(directory))
        if not session.state.targets:
            raise ConfigurationError(
                f"{display_path(session.path)} was recorded for no run: name one by"
                " --run ID"
            )
        yield from _open_targets(session)
    for session in () if directories else sessions_in(out):
        try:
            yield from _open_targets(session)
        except SessionError as error:
            tell(f"left out: {error}")


def _open_targets(session: Session) -> list[tuple[Session, Target]]:
    targets = session.state.targets
    return [(session, each) for each in targets if submission_of(session, each).is_open]


def with_run(
    directories: Sequence[str], out: Path, run_id: str, url: str | None, key: str
) -> tuple[Session, Target]:
    """Give the named sessions, together, or the newest one, a run to be sent to.

    :raises SessionError: there is no such session, or two of them share a case.
    """
    sessions = [open_session(Path(each)) for each in directories]
    if len(sessions) > 1:
        session = merged_session(sessions, out)
    else:
        session = sessions[0] if sessions else newest_session(out)
    run_id = checked_id(run_id, "--run")
    state = session.state
    for target in state.targets:
        if target.run_id == run_id:
            return session, target
    address = url or DEFAULT_URL
    target = Target("evalguard", run_id, address, prove(key, address))
    with session.locked() as is_free:
        if not is_free:
            raise SessionError(
                f"{display_path(session.path)} is still running or being submitted: try"
                " again when that has ended"
            )
        # a run that accepted nothing is no longer wanted, it may have been a slip
        kept = [t for t in state.targets if submission_of(session, t).accepted]
        session.write(replace(session.state, targets=(*kept, target)))
    return session, target


def submit(
    session: Session, target: Target, url: str | None, key: str, deadline: Deadline
) -> Sent:
    """Submit one session to one target, unless another process is at it.

    :param url: where the user says the service is, None to go by the session.
    :raises ConfigurationError: the session names a URL, and not with this key.
    """
    if url is not None:
        target = replace(target, url=url, proof=prove(key, url))
    elif not is_proven(target, key):
        raise ConfigurationError(
            f"{display_path(session.path)} says it goes to {target.url}, but was not"
            " recorded with this API key: if that is where the key belongs, say so by"
            f" --url {target.url}"
        )
    with session.locked() as is_free:
        if not is_free:
            error = "another process is running or submitting this session"
            return Sent(target, _left(session, target, error))
        return Sent(target, built_in_service(target, key).submit(session, deadline))


def given_url(option: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the service's URL as the user says it, None when nothing is said.

    :raises ConfigurationError: it is no URL that a key may be sent to.
    """
    url = option or environ.get("EVALGUARD_BASE_URL")
    return checked_url(url) if url else None


def _left(session: Session, target: Target, error: str) -> Submission:
    try:
        return replace(submission_of(session, target), error=error)
    except SessionError:
        return Submission(target.service, error=error)
