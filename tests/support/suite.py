"""Runs a folder of tests by a real pytest, and checks what must hold after any run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import forks
import in_process
import pytest_evalguard
from measuring import measured
from pytest_evalguard.cli.main import main
from pytest_evalguard.model.case import ENDED_START
from pytest_evalguard.storage.journal import StoredCases
from standin import StandIn, validate_body

KEY = "eg_standin_key"
AGENT_KEY = "agent_standin_key"
DISTRIBUTIONS: tuple[tuple[str, ...], ...] = ((), ("-n", "2"))
Process = subprocess.Popen[str] | forks.Run
WITHOUT_ROW = ("skipped", "not run", "dropped")

# what the machine that runs the tests says of itself must not leak into the inner runs
_FOREIGN = re.compile(
    "EVALGUARD|PYTEST|COLUMNS|CI$|CI_|GITHUB|GITLAB|BUILDKITE|CIRCLE|JENKINS|TF_BUILD"
)
_ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "80"}
# what Python reads when it starts, so that it needs a start
_OF_PYTHON = re.compile("PYTHON|LANG(UAGE)?$|LC_|TZ$")
# plugins that change pytest or keep what a session said
_OF_PROCESS = ("flaky", "pytest-retry", "pytest_retry")
# plugins of whose name another module is loaded, of which pytest warns
_OF_START = ("asyncio", "anyio")


@dataclass(frozen=True)
class Stored:
    """A session directory after a run."""

    path: Path

    @cached_property
    def state(self) -> dict[str, Any]:
        return dict(json.loads((self.path / "session.json").read_text()))

    @cached_property
    def cases(self) -> dict[str, dict[str, Any]]:
        lines = (self.path / "cases.jsonl").read_text().splitlines()
        lines = [line for line in lines if not line.startswith(ENDED_START)]
        cases = [json.loads(line) for line in lines]
        return {case["nodeid"].partition("::")[2]: case for case in cases}

    @property
    def outcomes(self) -> dict[str, str]:
        return {name: case["outcome"] for name, case in self.cases.items()}

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The frozen requests."""
        files = sorted(self.path.glob("*.requests.jsonl"))
        return [json.loads(line) for f in files for line in f.read_text().splitlines()]


@dataclass(frozen=True)
class Result:
    """What a run of pytest or of the console script left."""

    status: int
    out: str
    err: str
    directory: Path

    @property
    def sessions(self) -> list[Stored]:
        out = self.directory / ".evalguard"
        return [Stored(path) for path in sorted(out.glob("*/")) if path.is_dir()]

    @property
    def session(self) -> Stored:
        """The newest session."""
        return self.sessions[-1]

    @property
    def summary(self) -> str:
        """The section `evalguard` of the terminal output."""
        match = re.search(
            r"=+ evalguard =+\n(.*?)(?=\n=+ |\n\d+ \w+ in |\Z)", self.out, re.S
        )
        return match[1] if match else ""

    @property
    def tally(self) -> dict[str, int]:
        """Pytest's own closing counts, as ``{"passed": 2}``."""
        pairs = re.findall(r"(\d+) ([a-z ]+?)(?=,| in )", self.out.splitlines()[-1])
        return {name: int(count) for count, name in pairs}


class Suite:
    """A folder with tests in it.

    :param distribution: arguments that every run of pytest gets.

    Its runs count for the coverage unless `is_measured` is false, for measuring doubles
    their time. Workers do not: what they run is what a plain session runs.
    """

    def __init__(self, directory: Path, distribution: Sequence[str] = ()) -> None:
        self.directory = directory
        self.distribution = tuple(distribution)
        self.is_measured = True
        self.are_workers_measured = not distribution
        self.needs_process = False
        self.needs_start = False
        self.ini("")

    @property
    def is_distributed(self) -> bool:
        return bool(self.distribution)

    def ini(self, text: str) -> None:
        (self.directory / "pytest.ini").write_text(f"[pytest]\n{textwrap.dedent(text)}")

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def test(self, text: str) -> None:
        """Write the one test file."""
        self.write("test_it.py", f"import pytest\n{textwrap.dedent(text)}")

    def environment(
        self, standin: StandIn | None, env: Mapping[str, str]
    ) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not _FOREIGN.match(k)}
        if not (self.is_measured and self.are_workers_measured):
            for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
                clean.pop(name, None)
        return {**clean, **_ALONE, **(standin.environment if standin else {}), **env}

    def command(self, *args: str, plugins: Sequence[str] = ()) -> list[str]:
        """The command that starts pytest."""
        return [sys.executable, "-m", "pytest", *self.words(*args, plugins=plugins)]

    def words(self, *args: str, plugins: Sequence[str] = ()) -> list[str]:
        """The arguments of pytest."""
        names = [
            "pytest-evalguard",
            *(["xdist"] if self.distribution else []),
            *plugins,
        ]
        loaded = [word for name in names for word in ("-p", name)]
        return [*loaded, *self.distribution, *args]

    def start(
        self,
        *args: str,
        standin: StandIn | None = None,
        plugins: Sequence[str] = (),
        env: Mapping[str, str] = {},
    ) -> Process:
        """Start pytest, in a process group of its own."""
        words = self.words(*args, plugins=plugins)
        is_fresh = any(name in _OF_START for name in plugins)
        return self._start("pytest", words, standin, env, self.directory, is_fresh)

    def _start(
        self,
        module: str,
        words: Sequence[str],
        standin: StandIn | None,
        env: Mapping[str, str],
        cwd: Path,
        is_fresh: bool = False,
    ) -> Process:
        full = self.environment(standin, env)
        is_fresh = is_fresh or self.needs_start or _is_for_python(env)
        if forks.ARE_POSSIBLE and not is_fresh:
            return forks.Run(module, words, cwd, full)
        return subprocess.Popen(
            [sys.executable, "-m", module, *words],
            cwd=cwd,
            env=full,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self,
        *args: str,
        standin: StandIn | None = None,
        plugins: Sequence[str] = (),
        env: Mapping[str, str] = {},
        check: bool = True,
    ) -> Result:
        """Run pytest to its end, and check what must hold after any run.

        :param check: false where the test breaks what must hold.
        """
        before = {each.path for each in Result(0, "", "", self.directory).sessions}
        if self._is_process(env, plugins):
            process = self.start(*args, standin=standin, plugins=plugins, env=env)
            result = self.finish(process)
        else:
            words = self.words(*args, plugins=plugins)
            result = self._call(pytest.main, pytest.__file__, words, standin, env)
        if check:
            check_invariants(result, standin)
            new = [each for each in result.sessions if each.path not in before]
            assert {s.state["exit_status"] for s in new} <= {result.status, None}
        return result

    def _is_process(self, env: Mapping[str, str], plugins: Sequence[str] = ()) -> bool:
        names = (*_OF_PROCESS, *_OF_START)
        is_for_plugin = any(name.startswith(names) for name in plugins)
        needs_process = self.needs_process or self.needs_start
        return needs_process or _is_for_python(env) or is_for_plugin

    def _call(
        self,
        main: in_process.Main,
        program: str,
        words: Sequence[str],
        standin: StandIn | None,
        env: Mapping[str, str],
        cwd: Path | None = None,
    ) -> Result:
        with forks.as_workers(), measured(self.is_measured):
            done = in_process.call(
                main,
                words,
                directory=cwd or self.directory,
                env=self.environment(standin, env),
                program=str(Path(program).with_name("__main__.py")),
            )
        return Result(*done, self.directory)

    def finish(self, process: Process, seconds: float = 60) -> Result:
        """Wait for a started pytest."""
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"pytest did not end:\n{out}\n{err}") from None
        return Result(process.wait(), out, err, self.directory)

    def script(
        self,
        *args: str,
        standin: StandIn | None = None,
        env: Mapping[str, str] = {},
        cwd: Path | None = None,
    ) -> Result:
        """Run the console script."""
        if not self._is_process(env):
            program = pytest_evalguard.__file__
            return self._call(main, program, args, standin, env, cwd)
        words = [*args]
        process = self._start(
            "pytest_evalguard", words, standin, env, cwd or self.directory
        )
        return self.finish(process)


def _is_for_python(env: Mapping[str, str]) -> bool:
    return any(map(_OF_PYTHON.match, env))


def wait_for(directory: Path, pattern: str, count: int) -> None:
    """Wait until that many files are there."""
    end = time.monotonic() + 30
    while len(list(directory.glob(pattern))) < count:
        assert time.monotonic() < end
        time.sleep(0.01)


def rows_of(standin: StandIn) -> list[dict[str, Any]]:
    """Return the rows of the one run that has any."""
    (run,) = [run for run in standin.runs.values() if run.rows]
    return run.rows


def check_invariants(result: Result, standin: StandIn | None) -> None:
    """The count closes, bodies keep the contract, no traceback, no key on disk."""
    assert "INTERNALERROR" not in result.out, result.out + result.err
    assert "Traceback" not in result.err, result.err
    for stored in result.sessions:
        _check_count(stored)
    for path in result.directory.rglob(".evalguard/*/*"):
        for key in (KEY, AGENT_KEY):
            assert key.encode() not in path.read_bytes(), path
    for post in standin.posts if standin else []:
        assert validate_body("addResults", post.body) == []
        assert post.headers["idempotency-key"]
    for post in standin.agent_posts if standin else []:
        assert validate_body("addResult", post.body) == []
    assert not standin or standin.resets == []


def _check_count(stored: Stored) -> None:
    state = stored.state
    if state["status"] == "running":
        return
    counts = Counter(state["counts"])
    rows = sum(count for name, count in counts.items() if name not in WITHOUT_ROW)
    assert rows == state["rows"]
    read = StoredCases(stored.path)
    assert not read.damaged
    assert sum(case.has_row for case in read) == rows
    assert state["selected"] == sum(counts.values()), state
