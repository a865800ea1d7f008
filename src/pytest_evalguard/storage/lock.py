"""The lock that one process at a time has on a session directory."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from .files import identity_of

_LOCK = "lock"


class Lock:
    """Held by the one process that runs or submits a session.

    The system releases it when that process ends, however that happens; a child that
    it forked meanwhile does not hold it.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / _LOCK
        self._file: int | None = None
        self._identity = (0, 0)

    def acquire(self) -> bool:
        """Take the lock, or return False at once when another process has it.

        :raises OSError: the directory can't be written.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        # a pipe in a directory from elsewhere must not hold us
        file = os.open(self._path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
        self._file, self._identity = file, identity_of(file)
        _open_locks.add(self)
        return _lock(file)

    def is_held(self) -> bool:
        """Whether another process has the lock; nothing is written to see that.

        :raises OSError: it can't be seen.
        """
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            file = os.open(self._path, os.O_RDWR | flags)
        except FileNotFoundError:
            return False
        except OSError:  # another user's, or on a file system that takes no writes
            file = os.open(self._path, os.O_RDONLY | flags)
        try:
            return not _lock(file)
        finally:
            os.close(file)

    def release(self) -> None:
        """Give the lock back, also where another process has the file open."""
        if self._is_ours():
            _unlock(self._file or 0)
        self.forget()

    def forget(self) -> None:
        """Close the file, and leave the lock to the process that took it."""
        if self._is_ours():
            os.close(self._file or 0)
        self._file = None
        _open_locks.discard(self)

    def _is_ours(self) -> bool:
        """Whether the descriptor is still that of the file: a test may close any."""
        try:
            return self._file is not None and identity_of(self._file) == self._identity
        except OSError:
            return False


_open_locks: set[Lock] = set()


def _forget_locks() -> None:
    """Close the files of locks in a forked child: the parent's lock lives as long."""
    for lock in tuple(_open_locks):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks)


if sys.platform == "win32":  # pragma: no cover # not run where the tests run
    import msvcrt

    def _lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: int) -> None:
        """Closing the file is enough."""

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

    def _unlock(file: int) -> None:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_UN)
