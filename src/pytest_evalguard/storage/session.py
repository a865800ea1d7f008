"""Session directories: what a session recorded and where it is to go.

<out>/<UTC time>-<id>/    session.json    state, replaced as a whole
                          cases.jsonl     the case journal
                          lock            held by who runs or submits the session
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from ..config.settings import DEFAULT_OUT, OUT_VARIABLE
from ..errors import SessionError
from ..model.figures import Share
from ..model.text import display_path
from .files import Lock, read_checked, replace_file
from .journal import CASES, StoredCases

SCHEMA = 1
STATE = "session.json"
_FIRST_YEAR, _LAST_YEAR = 2000, 9000  # within which times can be added and compared
_TAG = """Signature: 8a477f597d28d172789f06886806bc55
# Made by pytest-evalguard; see https://bford.info/cachedir/
"""


@dataclass(frozen=True)
class Gate:
    """A demand on a session's figures, and whether it is met."""

    name: str
    figure: str
    limit: str
    passed: bool


@dataclass(frozen=True)
class SessionState:
    """What is known of a session besides its cases. Times are UTC, ISO 8601."""

    id: str
    created: str
    status: Literal["running", "finished", "interrupted"] = "running"
    exit_status: int | None = None
    selected: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    pass_rate: Share | None = None
    score: Share | None = None
    missing: int = 0
    targets: tuple[dict[str, Any], ...] = ()
    gates: tuple[Gate, ...] = ()
    ci: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def created_at(self) -> datetime:
        """When the session began; UTC where it does not say.

        :raises SessionError: `created` is no time, somebody changed it.
        """
        try:
            moment = datetime.fromisoformat(self.created)
            if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
                raise ValueError(f"it can't have begun in the year {moment.year}")
        except ValueError as error:
            raise SessionError(f"session {self.id}: {error}") from error
        return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Session:
    """A session directory."""

    path: Path

    @property
    def state(self) -> SessionState:
        """The state on disk.

        :raises SessionError: there is none, or another version wrote it.
        """
        return _read_state(self.path / STATE)

    @property
    def status(self) -> str:
        """How it ended; one that says it is running and is not, was killed.

        :raises SessionError: the state can't be read.
        """
        status = self.state.status
        if status != "running":
            return status
        with self.locked() as is_free:
            return "killed" if is_free else "running"

    def write(self, state: SessionState) -> None:
        """Replace the state on disk."""
        replace_file(self.path / STATE, [json.dumps(asdict(state), indent=2), "\n"])

    def cases(self) -> StoredCases:
        """Read which cases are on disk."""
        return StoredCases(self.path)

    @property
    def journal_path(self) -> Path:
        """Where the process that decides keeps its cases."""
        return self.path / CASES

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Try to hold the session alone; False while another process does."""
        lock = Lock(self.path)
        try:
            yield lock.acquire()
        finally:
            lock.release()


def create_session(session: Session, state: SessionState) -> None:
    """Make the directory of a planned session.

    :raises SessionError: it can't be written.
    """
    try:
        _make_out(session.path.parent)
        session.path.mkdir(mode=0o700, exist_ok=True)
        session.write(state)
    except OSError as error:
        raise _unwritable(error) from error


def open_session(path: Path) -> Session:
    """Return the session in a directory.

    :raises SessionError: there is none.
    """
    if not (path / STATE).is_file():
        raise SessionError(f"{path} holds no session: it has no {STATE}")
    return Session(path)


def sessions_in(out: Path) -> list[Session]:
    """Return the sessions below `out`, the oldest first; all else is passed over."""
    if not out.is_dir():
        return []
    paths = sorted(path for path in out.iterdir() if (path / STATE).is_file())
    return [Session(path) for path in paths]


def find_out(given: str | None) -> Path:
    """Return where sessions are: as given, EVALGUARD_OUT, the nearest `.evalguard`."""
    said = given or os.environ.get(OUT_VARIABLE)
    if said:
        return Path(said)
    here = Path.cwd()
    for directory in (here, *here.parents):
        if (directory / DEFAULT_OUT).is_dir():
            return directory / DEFAULT_OUT
    return here / DEFAULT_OUT


def find_session(name: str | None, out: str | None) -> Session:
    """Return the session in the directory of that name, the newest without a name.

    :param out: where sessions are, as the user says it.
    :raises SessionError: there is none.
    """
    return newest_session(find_out(out)) if name is None else open_session(Path(name))


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


def remove_session(session: Session) -> None:
    """Remove a session directory unless a process holds it."""
    try:
        with session.locked() as is_free:
            pass  # Windows removes no file that is open
        if is_free:
            shutil.rmtree(session.path)
    except OSError:
        return  # another session may be removing it, or it is not ours to remove


def _make_out(out: Path) -> None:
    if out.is_dir():
        return  # it may be a folder of the user's, where these have no place
    out.mkdir(parents=True)
    (out / ".gitignore").write_text("*\n")
    (out / "CACHEDIR.TAG").write_text(_TAG)


def check_out(out: Path) -> None:
    """Make the directory that sessions are kept in.

    :raises SessionError: it can't be written.
    """
    try:
        _make_out(out)
    except OSError as error:
        raise _unwritable(error) from error


def _unwritable(error: OSError) -> SessionError:
    return SessionError(
        f"the directory for recorded sessions can't be written: {error}; choose another"
        " by --evalguard-out=DIR, EVALGUARD_OUT or the ini option evalguard_out"
    )


def _read_state(path: Path) -> SessionState:
    try:
        return read_checked(path, SessionState, SCHEMA)
    except (OSError, ValueError) as error:
        raise SessionError(f"{path} can't be read: {error}") from error
