"""Session directories: what a session recorded and where it is to go.

<out>/<UTC time>-<id>/    session.json    state, replaced as a whole
                          cases.jsonl     the case journal
                          lock            held by who runs or submits the session
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Literal

from ..errors import SessionError
from ..model.figures import Share
from .journal import CASES, StoredCases
from .target import Target
from .validators import read_checked

SCHEMA = 1
STATE = "session.json"
LOCK = "lock"
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
    targets: tuple[Target, ...] = ()
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


class Lock:
    """Held by the one process that runs or submits a session.

    The system releases it when that process ends, however that happens.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Take the lock, or return False at once when another process has it.

        :raises OSError: the directory can't be written.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        # a pipe in a directory from elsewhere must not hold us
        file = os.open(self._path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
        self._file = os.fdopen(file, "r+b", buffering=0)
        return _lock(file)

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None


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


def remove_session(session: Session) -> None:
    """Remove a session directory unless a process holds it."""
    try:
        with session.locked() as is_free:
            pass  # Windows removes no file that is open
        if is_free:
            shutil.rmtree(session.path)
    except OSError:
        return  # another session may be removing it, or it is not ours to remove


def replace_file(path: Path, lines: Iterable[str], mode: int = 0o600) -> None:
    """Write a file, safe from a power cut; a reader sees the old or the new one."""
    number, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, mode)
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
    _sync_directory(path.parent)


def replace_shared_file(path: Path, lines: Iterable[str]) -> None:
    """Write a file that is for others, too: a report, or one to be committed.

    Written to where a link leads; what is no regular file, as a pipe, is not replaced.
    """
    if path.exists() and not path.is_file():
        with open(path, "w", encoding="utf-8", opener=_open_to_reader) as file:
            file.writelines(lines)
    else:
        replace_file(Path(os.path.realpath(path)), lines, 0o644)


def _open_to_reader(path: str, flags: int) -> int:
    # a pipe that nobody reads must not hold us
    file = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if os.name == "posix":
        os.set_blocking(file, True)
    return file


def _sync_directory(path: Path) -> None:
    if os.name != "posix":  # pragma: no cover # a directory can't be opened there
        return
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


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


if sys.platform == "win32":  # pragma: no cover # not run where the tests run
    import msvcrt

    def _lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a file system without locks
        return True
