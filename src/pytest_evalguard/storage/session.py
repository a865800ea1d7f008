"""Session directories: what a session recorded and where it is to go.

<out>/<UTC time>-<id>/    session.json    state, replaced as a whole
                          cases.jsonl     the case journal
                          lock            held by who runs or submits the session
                          ended-*         how it ended, where the disk was full then
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from os import open as open_file  # what a test patches in `os` must not stop us
from pathlib import Path
from typing import Any, Literal

from ..config.settings import DEFAULT_OUT
from ..errors import SessionError
from ..model.figures import Metric, Share, Table
from ..model.text import display_path
from ..start import OUT_VARIABLE
from .files import (
    STATE as STATE,
    PassedOver as PassedOver,
    is_file,
    read_checked,
    replace_file,
    why_unreadable,
)
from .journal import CASES, StoredCases, figures_of
from .lock import Lock
from .resumed import Resumed, Spending

SCHEMA = 1
_FIRST_YEAR, _LAST_YEAR = 2000, 9000  # within which times can be added and compared
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}")
_READ = (".json", ".jsonl")
_ENDED = "ended"
_ENDING = re.compile(rf"{_ENDED}-(finished|interrupted)-([0-9]+)-([0-9]+)")
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
class Shard:
    """A session that was merged into another: `cases` is how many came from it.

    `accepted` is how many results had arrived before that, or may have, by where.
    """

    id: str
    created: str
    status: Literal["finished", "interrupted", "killed"]
    exit_status: int | None
    selected: int
    cases: int
    ci: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    accepted: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How it is called: by its id, and what CI says that it is."""
        said = ", ".join(self.ci[each] for each in ("job", "shard") if each in self.ci)
        return f"{self.id[:8]} ({said})" if said else self.id[:8]


@dataclass(frozen=True)
class SessionState:
    """What is known of a session besides its cases. Times are UTC, ISO 8601.

    `metrics` and `tables` are what the hook `pytest_evalguard_metrics` returned,
    `shards` the sessions that a merged one was made of, `group_by` what figures are
    shown by, each as in ``param:model``, `trace_link` is the link to a trace.
    """

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
    resumed: Resumed | None = None
    spending: Spending | None = None
    schema: int = SCHEMA
    metrics: tuple[Metric, ...] = ()
    tables: tuple[Table, ...] = ()
    shards: tuple[Shard, ...] = ()
    group_by: tuple[str, ...] = ()
    trace_link: str | None = None

    @property
    def commit(self) -> str | None:
        """The commit that CI says it ran at, else that of git's working copy."""
        return self.ci.get("commit", self.versions.get("commit"))

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
        """The state on disk, completed where the session's end could not write it.

        :raises SessionError: there is none, or another version wrote it.
        """
        state = _read_state(self.path / STATE)
        if state.exit_status is None:
            for path in self.path.glob(f"{_ENDED}-*"):
                if ending := _ENDING.fullmatch(path.name):
                    return self._completed(state, ending)
        return state

    def mark_ended(self, state: SessionState) -> None:
        """Keep how a session ended in the name of an empty file: a full disk takes it.

        :raises OSError: not even that can be written.
        """
        name = f"{_ENDED}-{state.status}-{state.exit_status}-{state.missing}"
        os.close(open_file(self.path / name, os.O_CREAT | os.O_WRONLY, 0o600))

    def _completed(self, state: SessionState, ending: re.Match[str]) -> SessionState:
        """Return a state with what the journal says, on disk if that takes it now."""
        status, exit_status, missing = ending.groups()
        stored = self.cases()
        completed = replace(
            state,
            **figures_of(stored, stored.selected(state.selected, state.status)),
            status="finished" if status == "finished" else "interrupted",
            exit_status=int(exit_status),
            missing=int(missing),
        )
        with suppress(OSError, SessionError), self.locked() as is_free:
            if is_free:
                self.write(completed)
                (self.path / ending[0]).unlink(missing_ok=True)
        return completed

    @property
    def status(self) -> str:
        """How it ended; one that says it is running and is not, was killed.

        :raises SessionError: the state can't be read.
        """
        status = self.state.status
        if status != "running":
            return status
        try:
            return "running" if Lock(self.path).is_held() else "killed"
        except OSError as error:
            raise unreadable(self.path, error) from error

    def write(self, state: SessionState) -> None:
        """Replace the state on disk."""
        replace_file(self.path / STATE, [json.dumps(asdict(state), indent=2), "\n"])

    def cases(self) -> StoredCases:
        """Read which cases are on disk.

        :raises SessionError: a journal can't be read.
        """
        try:
            is_file(self.journal_path)  # a journal that is none is not an empty one
            return StoredCases(self.path)
        except OSError as error:
            raise unreadable(self.path, error) from error

    def check_readable(self) -> None:
        """Open each file that commands read, without reading it.

        :raises OSError: it can't be read.
        """
        for path in self.path.iterdir():
            if path.suffix in _READ and is_file(path):
                path.open("rb").close()

    @property
    def journal_path(self) -> Path:
        """Where the process that decides keeps its cases."""
        return self.path / CASES

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Try to hold the session alone; False while another process does.

        :raises SessionError: its directory can't be written.
        """
        lock = Lock(self.path)
        try:
            is_free = lock.acquire()
        except OSError as error:
            raise SessionError(
                f"{display_path(self.path)} can't be written: {why_unreadable(error)};"
                " copy it to where it can, and name the copy"
            ) from error
        try:
            yield is_free
        finally:
            lock.release()


def create_session(session: Session, state: SessionState) -> None:
    """Make the directory of a planned session.

    :raises SessionError: it can't be written.
    """
    with making(session):
        session.write(state)


@contextmanager
def making(session: Session) -> Iterator[None]:
    """Make the directory of a planned session, which others see with its state.

    :raises SessionError: it can't be written, or what is done in the block failed.
    """
    try:
        _make_out(session.path.parent)
        session.path.mkdir(mode=0o700, exist_ok=True)
        yield
    except OSError as error:
        raise _unwritable(error) from error


def open_session(path: Path) -> Session:
    """Return the session in a directory.

    :raises SessionError: there is none, or it can't be read.
    """
    try:
        is_session = is_file(path / STATE)
    except OSError as error:
        raise unreadable(path, error) from error
    if not is_session:
        raise SessionError(f"{path} holds no session: it has no {STATE}")
    return Session(path)


def sessions_in(out: Path, passed_over: PassedOver | None = None) -> list[Session]:
    """Return the sessions below `out`, the oldest first; all else is passed over.

    :param passed_over: takes what looks like a session and can't be looked at.
    """
    passed_over = passed_over or PassedOver()
    found = []
    try:
        paths = sorted(out.iterdir()) if out.is_dir() else []
    except OSError as error:
        passed_over.add(out, error)
        return []
    for path in paths:
        try:
            if _is_session(path):
                found.append(Session(path))
        except OSError as error:
            passed_over.add(path, error)
    return found


def _is_session(path: Path) -> bool:
    if is_file(path / STATE):
        return True
    if _NAME.match(path.name) and not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "not a directory", str(path))
    return False


def find_out(given: str | None) -> Path:
    """Return where sessions are: as given, EVALGUARD_OUT, the nearest `.evalguard`."""
    said = given or os.environ.get(OUT_VARIABLE)
    if said:
        return Path(said)
    here = Path.cwd()
    for directory in (here, *here.parents):
        if os.path.isdir(directory / DEFAULT_OUT):  # also where one can't look
            return directory / DEFAULT_OUT
    return here / DEFAULT_OUT


def newest_session(out: Path, passed_over: PassedOver) -> Session:
    """Return the newest session below `out` that can be read.

    :param passed_over: takes those that can't.
    :raises SessionError: there is none.
    """
    for session in newest_first(out, passed_over):
        return session
    raise SessionError(
        f"there are no sessions in {display_path(out)}: name a session's directory, or"
        " say where sessions are kept with --out DIR"
    )


def newest_first(out: Path, passed_over: PassedOver) -> Iterator[Session]:
    """Yield the sessions below `out` that can be read, the newest first."""
    for session in reversed(sessions_in(out, passed_over)):
        try:
            session.check_readable()
        except OSError as error:
            passed_over.add(session.path, error)
        else:
            yield session


def remove_session(session: Session) -> None:
    """Remove a session directory unless a process holds it."""
    try:
        with session.locked() as is_free:
            pass  # Windows removes no file that is open
        if is_free:
            shutil.rmtree(session.path)
    except (OSError, SessionError):
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


def unreadable(path: Path, error: OSError) -> SessionError:
    """Return the error that says of a session that it can't be read, and why."""
    name = Path(error.filename).name if isinstance(error.filename, str) else ""
    place = path / name if name and name != path.name else path
    return SessionError(f"{place} can't be read: {why_unreadable(error)}")


def _unwritable(error: OSError) -> SessionError:
    return SessionError(
        f"the directory for recorded sessions can't be written: {error}; choose another"
        " one with --evalguard-out=DIR, EVALGUARD_OUT or the ini option evalguard_out"
    )


def _read_state(path: Path) -> SessionState:
    try:
        return read_checked(path, SessionState, SCHEMA)
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:
        raise SessionError(f"{path} can't be read: {error}") from error
