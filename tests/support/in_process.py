"""Runs a program's main function here, as if in a fresh process, and undoes its traces.

Starting a process and loading pytest takes half a second, a call a tenth of that. What
a process has to itself is put aside before the call and put back after it: the streams,
environment, working directory and arguments, where modules are found and those that
were loaded, what handles signals, warnings and log records.

Modules of installed packages stay loaded, for some can't be loaded twice. So what looks
at the modules that are loaded, ends its process, kills it or forks needs a real one.
"""

from __future__ import annotations

import gc
import importlib
import io
import logging
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import ModuleType
from typing import IO, Any

from _pytest.assertion import util
from _pytest.assertion.rewrite import AssertionRewritingHook

Main = Callable[[list[str]], int]

# what is installed may stay; these tests' own helpers are hidden from those they run
_OURS = Path(__file__).parents[2]
_HIDDEN = (str(_OURS / "tests"), str(_OURS / "tools"))
_INSTALLED = (sys.prefix, sys.base_prefix, str(_OURS / "src"), "built-in", "frozen")
_IGNORED = (
    DeprecationWarning,
    PendingDeprecationWarning,
    ImportWarning,
    ResourceWarning,
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGPIPE)


def call(
    main: Main,
    words: Sequence[str],
    *,
    directory: Path,
    env: Mapping[str, str],
    program: str,
    seconds: float = 60,
) -> tuple[int, str, str]:
    """Call a main function as a process of that program would.

    :param words: its arguments.
    :param program: the path that it has as ``sys.argv[0]``.
    :param seconds: after which it is stopped, by an AssertionError here.
    :returns: the exit status, and what was written to stdout and stderr, by whomever.
    """
    with ExitStack() as stack:
        stack.enter_context(_signals())
        stack.enter_context(_environment(env))
        stack.enter_context(_directory(directory))
        stack.enter_context(_loggers())
        stack.enter_context(_warnings())
        stack.enter_context(_collection())
        stack.enter_context(_modules(directory))
        out, err = stack.enter_context(_streams())
        stack.enter_context(_attribute(sys, "argv", [program, *words]))
        # a file that is written again within a second has the same byte code to Python
        stack.enter_context(_attribute(sys, "dont_write_bytecode", True))
        stack.enter_context(_attribute(util, "_config", None))
        is_late = stack.enter_context(_time_limit(seconds))
        status = status_of(main, list(words))
        texts = written(out), written(err)
    assert not is_late, f"{program} did not end:\n{texts[0]}\n{texts[1]}"
    return status, *texts


def status_of(main: Main, words: list[str]) -> int:
    """Return the exit status that `subprocess` has, and print what Python would."""
    try:
        return int(main(words))
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except KeyboardInterrupt:
        traceback.print_exc()
        return -signal.SIGINT
    except Exception:  # noqa: BLE001 # as at the top of any process
        traceback.print_exc()
        return 1


@contextmanager
def _attribute(owner: object, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _collection() -> Iterator[None]:
    """Collect the call's garbage alone: the caller's objects would make that slow."""
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()


@contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    _set_environment(env)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(env: Mapping[str, str]) -> None:
    for name in os.environ.keys() - env.keys():
        del os.environ[name]
    for name, value in env.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


@contextmanager
def _directory(path: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _time_limit(seconds: float) -> Iterator[list[bool]]:
    """End what takes longer as by Ctrl-C, and say so."""
    is_late: list[bool] = []
    main_thread = threading.main_thread()

    def interrupt() -> None:
        is_late.append(True)
        signal.pthread_kill(main_thread.ident or 0, signal.SIGINT)

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield is_late
    finally:
        timer.cancel()


@contextmanager
def _modules(directory: Path) -> Iterator[None]:
    """Give the call the paths of a fresh process, and forget what it loaded from there.

    Not by a copy of all that was loaded before: a library that was loaded for the first
    time would be loaded again by each call.
    """
    before = {**sys.modules}
    for name in [name for name, each in before.items() if _is_from(each, _HIDDEN)]:
        del sys.modules[name]
    try:
        with _paths(directory):
            yield
    finally:
        for name, module in [*sys.modules.items()]:
            if name not in before and not _is_from(module, _INSTALLED):
                del sys.modules[name]
        sys.modules.update(before)


@contextmanager
def _paths(directory: Path) -> Iterator[None]:
    paths, finders = [*sys.path], [*sys.meta_path]
    sys.path[:] = [str(directory), *(each for each in paths if _is_visible(each))]
    sys.meta_path[:] = [x for x in finders if not isinstance(x, AssertionRewritingHook)]
    workers_paths = getattr(sys.modules.get("xdist.plugin"), "_sys_path", [])
    workers_before = [*workers_paths]
    workers_paths[:] = sys.path  # which pytest-xdist copied when it was loaded
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:], sys.meta_path[:] = paths, finders
        workers_paths[:] = workers_before
        for name in [x for x in sys.path_importer_cache if _is_below(x, directory)]:
            del sys.path_importer_cache[name]


def _is_below(path: str, directory: Path) -> bool:
    return path.startswith(str(directory))


def _is_visible(entry: str) -> bool:
    return entry != str(_OURS) and not entry.startswith(_HIDDEN)


def _is_from(module: ModuleType, places: tuple[str, ...]) -> bool:
    """Whether a module has a file below one of several places."""
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None) or getattr(module, "__file__", None)
    return isinstance(origin, str) and origin.startswith(places)


@contextmanager
def _loggers() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, disabled = (
        [*root.handlers],
        root.level,
        logging.root.manager.disable,
    )
    root.handlers.clear()
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.disable(disabled)


@contextmanager
def _warnings() -> Iterator[None]:
    """Have the filters that Python starts with, and show what passes them."""

    def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
        sys.stderr.write(warnings.formatwarning(message, category, *place[:2]))

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment] # it takes them all
        warnings.resetwarnings()
        for category in _IGNORED:
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("default", "", DeprecationWarning, "__main__")
        yield


_STREAMS = ("stdin", "stdout", "stderr")


@contextmanager
def _streams() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Put files in the place of the streams, also for the processes that it starts."""
    with (
        open(os.devnull, "rb") as nothing,
        TemporaryFile() as out,
        TemporaryFile() as err,
        _descriptors([nothing, out, err]),
        _standard_streams(),
    ):
        yield out, err


@contextmanager
def _descriptors(files: Sequence[IO[bytes]]) -> Iterator[None]:
    before = [os.dup(number) for number in range(len(files))]
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        yield
    finally:
        for number, copy in enumerate(before):
            os.dup2(copy, number)
            os.close(copy)


@contextmanager
def _standard_streams() -> Iterator[None]:
    flush()
    names = [*_STREAMS, *(f"__{name}__" for name in _STREAMS)]
    before = [getattr(sys, name) for name in names]
    streams = [_text_stream(number) for number in range(3)]
    for name, stream in zip(names, streams * 2, strict=True):
        setattr(sys, name, stream)
    try:
        yield
    finally:
        flush()
        for name, kept in zip(names, before, strict=True):
            setattr(sys, name, kept)


def _text_stream(number: int) -> io.TextIOWrapper:
    """Make a stream as Python does at its start, where it is a pipe."""
    file = io.FileIO(number, "rb" if number == 0 else "wb", closefd=False)
    buffer = io.BufferedReader(file) if number == 0 else io.BufferedWriter(file)
    errors = "backslashreplace" if number == 2 else "strict"
    return io.TextIOWrapper(buffer, "utf-8", errors, line_buffering=number == 2)


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError, AttributeError):  # closed, or None
            stream.flush()


def written(file: IO[bytes]) -> str:
    """Return what is in a file, with newlines as `subprocess` has them for text."""
    flush()
    file.seek(0)
    return io.TextIOWrapper(io.BytesIO(file.read()), "utf-8").read()
