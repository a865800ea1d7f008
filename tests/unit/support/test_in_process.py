"""A call that is as good as a process: what it does stays its own."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from in_process import call

Called = tuple[int, str, str]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Called]:
    """Calls a function of no arguments as the main function of a program."""

    def run(main: Callable[[], object], seconds: float = 60) -> Called:
        def status(words: list[str]) -> int:
            main()
            return len(words)

        env = {"PATH": os.environ["PATH"], "ONLY": "here"}
        return call(
            status,
            ["one", "two"],
            directory=tmp_path,
            env=env,
            program="/a/program",
            seconds=seconds,
        )

    return run


Run = Callable[..., Called]


def test_it_has_the_arguments_environment_and_directory_of_its_own(
    run: Run, tmp_path: Path
) -> None:
    def main() -> None:
        assert sys.argv == ["/a/program", "one", "two"]
        assert Path.cwd() == tmp_path
        assert os.environ == {"PATH": os.environ["PATH"], "ONLY": "here"}
        assert sys.path[0] == str(tmp_path)
        assert str(Path(__file__).parents[2] / "support") not in sys.path

    assert run(main)[0] == 2


@pytest.mark.parametrize(
    ("code", "status", "told"), [(None, 0, ""), (3, 3, ""), ("why", 1, "why\n")]
)
def test_it_may_exit_as_a_process_does(
    run: Run, code: object, status: int, told: str
) -> None:
    def main() -> None:
        sys.exit(code)  # type: ignore[arg-type] # as some do

    assert run(main) == (status, "", told)


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, -signal.SIGINT), (OSError, 1)]
)
def test_what_it_raises_is_shown_and_goes_no_further(
    run: Run, error: type[BaseException], status: int
) -> None:
    def main() -> None:
        raise error

    found, _, err = run(main)
    assert found == status
    assert err.startswith("Traceback")


def test_all_that_is_written_to_the_streams_is_its_output(run: Run) -> None:
    def main() -> None:
        sys.stdout.write("printed é\r\n")
        sys.stdout.flush()
        os.write(1, b"by its number\n")
        sys.__stderr__.write("an error\n")  # type: ignore[union-attr]
        subprocess.run(["sh", "-c", "echo by a child; echo there >&2"], check=True)

    assert run(main) == (
        2,
        "printed é\nby its number\nby a child\n",
        "an error\nthere\n",
    )


def test_nothing_can_be_read_from_it(run: Run) -> None:
    def main() -> None:
        assert sys.stdin.read() == ""
        assert not sys.stdin.isatty()

    assert run(main)[0] == 2


def state() -> list[object]:
    root = logging.getLogger()
    return [
        *(dict(os.environ), Path.cwd(), [*sys.path], [*sys.meta_path], [*sys.argv]),
        *(signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)),
        *([*root.handlers], root.level, [*warnings.filters]),
        *({**sys.modules}, sys.stdin, sys.stdout, sys.stderr, sys.__stdout__),
    ]


@pytest.mark.parametrize("raised", [None, SystemExit, OSError])
def test_nothing_of_it_is_left(
    run: Run, tmp_path: Path, raised: type[BaseException] | None
) -> None:
    def main() -> None:
        os.chdir(tmp_path)
        Path("own.py").write_text("")
        import own  # type: ignore[import-not-found] # noqa: F401

        assert "own" in sys.modules
        os.environ["LEFT"] = "behind"
        os.chdir("/")
        sys.path.insert(0, "/left")
        sys.argv.append("left")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        logging.getLogger().addHandler(logging.NullHandler())
        logging.getLogger().setLevel(logging.DEBUG)
        warnings.simplefilter("ignore")
        del sys.modules["json"]
        if raised is not None:
            raise raised

    before = state()
    run(main)
    assert state() == before


def test_helpers_of_the_tests_are_not_loaded_and_libraries_stay(run: Run) -> None:
    def main() -> None:
        assert "in_process" not in sys.modules
        assert __name__ not in sys.modules

    assert run(main)[0] == 2
    assert sys.modules["in_process"].__dict__["call"] is call
    run(lambda: __import__("colorsys"))
    assert "colorsys" in sys.modules


def test_the_filters_of_warnings_are_those_of_a_fresh_process(run: Run) -> None:
    def main() -> None:
        warnings.warn("told", UserWarning, stacklevel=1)
        warnings.warn("not told", DeprecationWarning, stacklevel=1)

    status, _, err = run(main)
    assert status == 2
    assert "UserWarning: told" in err
    assert "not told" not in err


def test_its_garbage_is_gone_when_it_returns(run: Run) -> None:
    class Node:
        def __init__(self) -> None:
            self.me = self

    left: list[weakref.ref[Node]] = []
    assert run(lambda: left.append(weakref.ref(Node())))[0] == 2
    assert left[0]() is None


def test_a_module_that_is_written_again_is_read_again(run: Run, tmp_path: Path) -> None:
    for value in ("1", "2"):
        (tmp_path / "own.py").write_text(f"VALUE = {value}")
        status, out, _ = run(lambda: sys.stdout.write(str(__import__("own").VALUE)))
        assert (status, out) == (2, value)


def test_what_does_not_end_is_stopped(run: Run) -> None:
    def main() -> None:
        sys.stdout.write("so far")
        try:
            time.sleep(30)
        except KeyboardInterrupt:
            return

    with pytest.raises(AssertionError, match=r"did not end:\nso far"):
        run(main, seconds=0.1)
