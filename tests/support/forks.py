"""Starts processes by forks of one that has loaded pytest.

Loading it takes 0.6 s, all the rest of a short run 0.1. A fork has an environment,
files, signals and end of its own. What looks at the modules that are loaded, or is told
to Python at its start, needs a process that is started afresh.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any
from unittest import mock

import coverage
import pytest
from execnet import gateway_io
from execnet.gateway_base import ExecModel, Popen2IO

import in_process

ARE_POSSIBLE = sys.platform == "linux"  # elsewhere, libraries do not bear forks

_MAX_ORDER = 1 << 17
_ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")},
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}
_LOADED = ("httpx", "pytest_evalguard.cli.main")


class Fork:
    """A process, as far as `subprocess.Popen` is asked here.

    :param code: what it runs.
    :param words: its arguments.
    :param files: its stdin, stdout and stderr.
    """

    def __init__(
        self,
        code: str,
        words: Sequence[str],
        files: Sequence[int],
        *,
        directory: Path,
        env: Mapping[str, str],
        is_leader: bool,
    ) -> None:
        order = {
            "code": code,
            "words": ["-c", *words],
            "directory": str(directory),
            "env": dict(env),
            "is_leader": is_leader,
        }
        told, tell = os.pipe()
        socket.send_fds(_server(), [json.dumps(order).encode()], [*files, tell])
        os.close(tell)
        self._told = os.fdopen(told)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status, which a signal makes negative."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("pytest", timeout or 0)
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Run(Fork):
    """A module that runs as by ``python -m``, in a process group of its own."""

    def __init__(
        self, module: str, words: Sequence[str], directory: Path, env: Mapping[str, str]
    ) -> None:
        self._streams = TemporaryFile(), TemporaryFile()  # noqa: SIM115 # till it ends
        code = f"import runpy; runpy.run_module({module!r}, None, '__main__', True)"
        with open(os.devnull) as nothing:
            files = [each.fileno() for each in (nothing, *self._streams)]
            super().__init__(
                code, words, files, directory=directory, env=env, is_leader=True
            )

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait, and return what it wrote."""
        self.wait(timeout)
        out, err = map(in_process.written, self._streams)
        for stream in self._streams:
            stream.close()
        return out, err


class WorkerIO(Popen2IO):
    """The pipes to a worker, in the place of execnet's `Popen2IOMaster`."""

    def __init__(self, args: list[str], execmodel: ExecModel) -> None:
        *python, code = args
        assert python == [sys.executable, "-u", "-c"]
        stdin, to_worker = os.pipe()
        from_worker, stdout = os.pipe()
        self._fork = Fork(
            code,
            [],
            [stdin, stdout, 2],
            directory=Path.cwd(),
            env=os.environ,
            is_leader=False,
        )
        os.close(stdin)
        os.close(stdout)
        pipes = os.fdopen(to_worker, "wb"), os.fdopen(from_worker, "rb")
        super().__init__(*pipes, execmodel)

    def wait(self) -> int:
        return self._fork.wait()

    def kill(self) -> None:
        self._fork.send_signal(signal.SIGKILL)


def as_workers() -> AbstractContextManager[object]:
    """Have pytest-xdist start its workers so."""
    if not ARE_POSSIBLE:
        return nullcontext()
    return mock.patch.object(gateway_io, "Popen2IOMaster", WorkerIO)


@cache
def _server() -> socket.socket:
    """Start what forks. It ends when nobody has the socket any more."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        number = theirs.fileno()
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", f"import forks; forks.serve({number})"],
            cwd=Path(__file__).parent,
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[number],
        )
    atexit.register(_stop, ours, process)
    return ours


def _stop(asking: socket.socket, process: subprocess.Popen[bytes]) -> None:
    asking.close()
    process.wait()


def serve(number: int) -> None:
    """Fork whenever it is asked for by that socket."""
    _load()
    with socket.socket(fileno=number) as asked:
        while True:
            order, files, *_ = socket.recv_fds(asked, _MAX_ORDER, 4)
            if not order:
                return
            if os.fork() == 0:
                asked.close()
                _watch(files, json.loads(order))
            for file in files:
                os.close(file)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _load() -> None:
    """Run one test, for what is loaded when it is first needed."""

    def main(words: list[str]) -> int:
        for name in _LOADED:
            importlib.import_module(name)
        return pytest.main(words)

    with TemporaryDirectory() as directory:
        Path(directory, "test_it.py").write_text("def test_it(eval_case): pass\n")
        in_process.call(
            main,
            ["-p", "pytest-evalguard", "-p", "xdist"],
            directory=Path(directory),
            env=_ENVIRONMENT,
            program="pytest",
        )
    gc.freeze()


def _watch(files: list[int], order: dict[str, Any]) -> None:
    """Fork again, and tell how that ends."""
    *streams, tell = files
    if (pid := os.fork()) == 0:
        _become(streams, tell, **order)
    for file in streams:
        os.close(file)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(tell, f"{status}\n".encode())
    os._exit(0)


def _become(
    streams: list[int],
    tell: int,
    *,
    code: str,
    words: list[str],
    directory: str,
    env: dict[str, str],
    is_leader: bool,
) -> None:
    """Be the process that was asked for, to its end."""
    if is_leader:
        os.setsid()
    os.write(tell, f"{os.getpid()}\n".encode())
    os.close(tell)
    for number, file in enumerate(streams):
        os.dup2(file, number)
        os.close(file)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(env)
    sys.argv, sys.path[0] = words, directory
    coverage.process_startup()

    def main(words: list[str]) -> int:
        exec(code, {})  # noqa: S102 # as by python -c
        return 0

    status = in_process.status_of(main, words)
    in_process.flush()
    atexit._run_exitfuncs()
    os._exit(status)
