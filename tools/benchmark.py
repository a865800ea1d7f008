"""What the plugin costs, as ratios of runs that alternate on this machine.

    python tools/benchmark.py [--runs 7] [--only start recording subcases sending ...]

Each figure is a median over the runs, CPU time (of all processes) and wall time; only
ratios within one run of this command mean anything. `others` makes an environment for
each of some plugins that record test results, from PyPI, and times the same suite.
`instructions` needs valgrind: they are the same however busy the machine is.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from benchmark_suites import BAG, LEAST, MARKED, NO_OP, POST, SIX, SUBCASES, TESTS
from instructions import can_count, counted, per_case
from standin import StandIn, Status

ROOT = Path(__file__).parent.parent
OURS = "pytest-evalguard"


class Other(NamedTuple):
    """What else records results, and how it is turned on.

    :param packages: what is installed for it; {} in `args` is a folder to write to.
    :param plugin: what takes the place of the fixture that does nothing.
    """

    packages: Sequence[str] = ()
    args: Sequence[str] = ()
    plugin: str = "noop"


OTHERS = {
    OURS: Other(),
    "junitxml": Other(args=("--junitxml={}/junit.xml",)),
    "pytest-json-report": Other(
        ("pytest-json-report",), ("--json-report", "--json-report-file={}/r.json")
    ),
    "pytest-reportlog": Other(("pytest-reportlog",), ("--report-log={}/log.jsonl",)),
    "pytest-html": Other(("pytest-html",), ("--html={}/report.html",)),
    "langsmith": Other(("langsmith[pytest]",)),
    "evalguardai": Other(("evalguardai",), ("--evalguard",), "marked"),
    "pytest-evals": Other(("pytest-evals",), ("--run-eval", "--out-path={}/o"), "bag"),
}


@dataclass(frozen=True)
class Cost:
    """Of one run: seconds of CPU and by the clock, peak memory in MB."""

    cpu: float
    wall: float
    memory: float


def measured(command: Sequence[str], directory: Path, **env: str) -> Cost:
    """Run a command, and return what it cost with all of its children."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=directory,
        env={**_environment(), **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed in {directory}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("EVALGUARD")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def suite(directory: Path, count: int, tests: str = TESTS) -> Path:
    """Write the suite with that many cases."""
    path = Path(tempfile.mkdtemp(dir=directory, prefix=f"suite-{count}-"))
    tests = tests if count else "def test_it(): pass"
    text = textwrap.dedent(tests).replace("COUNT", str(count))
    (path / "test_it.py").write_text(text)
    plugins = {"noop": NO_OP, "least": LEAST, "marked": MARKED, "bag": BAG}
    for name, plugin in plugins.items():
        (path / f"{name}.py").write_text(textwrap.dedent(plugin))
    (path / "pytest.ini").write_text("[pytest]\n")
    return path


def pytest_command(*args: str, python: str = sys.executable) -> list[str]:
    return [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args]


def alternating(
    runs: int, ours: Callable[[], Cost], bare: Callable[[], Cost]
) -> tuple[list[Cost], list[Cost]]:
    """Run both in turn, after one run of each that only warms up."""
    ours(), bare()
    pairs = [(ours(), bare()) for _ in range(runs)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def ratio_line(name: str, ours: Sequence[Cost], bare: Sequence[Cost]) -> str:
    pairs = list(zip(ours, bare, strict=True))
    cpu = statistics.median(one.cpu / other.cpu for one, other in pairs)
    wall = statistics.median(one.wall / other.wall for one, other in pairs)
    seconds = statistics.median(each.cpu for each in bare)
    return f"{name:<34} cpu x{cpu:.3f}   wall x{wall:.3f}   (bare {seconds:.2f} s cpu)"


def start(directory: Path, runs: int) -> Iterator[str]:
    """(a) an empty start with the plugin installed, against without it.

    Both environments have what it needs, and look for the plugins that are installed.
    """
    path = suite(directory, 0)
    ours, bare = (
        partial(
            measured,
            pytest_command(python=python),
            path,
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="",
        )
        for python in _with_and_without(directory)
    )
    yield ratio_line("empty start, unused", *alternating(runs * 5, ours, bare))


def recording(directory: Path, runs: int) -> Iterator[str]:
    """(b) recording all fields, against the same suite with a no-op fixture."""
    for count in (1_000, 10_000, 100_000):
        path = suite(directory, count)
        for arguments in ((), ("-p", "xdist", "-n", "2")):
            bare_command = pytest_command("-p", "noop", *arguments)
            ours, bare = alternating(
                max(1, runs if count < 100_000 else runs // 3),
                partial(_recorded, path, arguments),
                partial(measured, bare_command, path),
            )
            name = f"{count:,} cases{' -n 2' if arguments else ''}"
            yield ratio_line(name, ours, bare)


def _recorded(path: Path, more: Sequence[str]) -> Cost:
    shutil.rmtree(path / ".evalguard", ignore_errors=True)
    return measured(pytest_command("-p", OURS, *more), path)


def subcases(directory: Path, runs: int) -> Iterator[str]:
    """Sub-cases of one test, against as many tests, and against a tenth of them."""
    for arguments in ((), ("-p", "xdist", "-n", "2")):
        where = " -n 2" if arguments else ""
        many, few = (suite(directory, n, SUBCASES) for n in (10_000, 1_000))
        tests = suite(directory, 10_000)
        for name, path in (("10,000 tests", tests), ("1,000 sub-cases", few)):
            ours, bare = alternating(
                runs,
                partial(_recorded, many, arguments),
                partial(_recorded, path, arguments),
            )
            yield ratio_line(f"10,000 sub-cases / {name}{where}", ours, bare)


def sending(directory: Path, runs: int) -> Iterator[str]:
    """(c) submitting 10,000 cases, against bare POSTs of the same bytes."""
    path = suite(directory, 10_000 + 1)
    measured(pytest_command("-p", OURS), path)
    (path / "post.py").write_text(textwrap.dedent(POST))
    with StandIn(schema=False) as standin:
        measured(_submission(standin), path, **standin.environment)
        (frozen,) = path.glob(".evalguard/*/*.requests.jsonl")
        ours, bare = alternating(
            runs,
            lambda: measured(_submission(standin), path, **standin.environment),
            lambda: measured(_post(standin, frozen), path),
        )
    yield ratio_line("sending 10,001 cases", ours, bare)


def _submission(standin: StandIn) -> list[str]:
    command = [sys.executable, "-m", "pytest_evalguard", "submit"]
    return [*command, "--run", standin.add_run()]


def _post(standin: StandIn, frozen: Path) -> list[str]:
    run_id = standin.add_run()  # and other keys: an answer that is repeated is quick
    url = f"{standin.url}/api/v1/evals/{run_id}/results"
    return [sys.executable, "post.py", str(frozen), url, standin.key, run_id]


def memory(directory: Path, runs: int) -> Iterator[str]:
    """(d) peak memory with 100,000 cases, against the same suite without us."""
    path = suite(directory, 100_000 + 2)
    for name, more in (("plain", ()), ("-n 2", ("-p", "xdist", "-n", "2"))):
        ours = _recorded(path, more)
        bare = measured(pytest_command("-p", "noop", *more), path)
        change = f"{ours.memory - bare.memory:+.0f} MB, cpu x{ours.cpu / bare.cpu:.3f}"
        yield f"{'peak memory, 100,002 cases, ' + name:<34} {change}"


def instructions(directory: Path, runs: int) -> Iterator[str]:
    """(f) instructions, which do not swing with the load of the machine."""
    if not can_count():
        yield f"{'instructions':<34} skipped: valgrind is not installed"
        return
    env = _environment()
    empty = suite(directory, 0)
    pythons = _with_and_without(directory / "counted")
    # the second one lets pytest keep what it compiles
    for name, more in ((", no bytecode", {"PYTHONDONTWRITEBYTECODE": "1"}), ("", {})):
        loading = {**env, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "", **more}
        ours, bare = (
            counted(pytest_command(python=python), empty, loading) for python in pythons
        )
        yield f"{'empty start' + name:<34} {ours - bare:+,} (x{ours / bare:.3f})"
    distributed = ("-p", "xdist", "-n", "2")
    for name, plugin, tests, arguments in (
        ("all fields", OURS, TESTS, ()),
        ("all fields, -n 2", OURS, TESTS, distributed),
        ("six fields", OURS, SIX, ()),
        ("all fields, least plugin", "least", TESTS, ()),
    ):
        make = partial(suite, directory, tests=tests)
        ours, bare = (
            per_case(pytest_command("-p", each, *arguments), make, env)
            for each in (plugin, "noop")
        )
        yield f"{'a case, ' + name:<34} {ours - bare:+,} (x{ours / bare:.3f})"
    for count in (1, 10_001):
        ours, bare = _instructions_of_sending(suite(directory, count))
        name = f"sending, cases: {count:,}"
        yield f"{name:<34} {ours - bare:+,} (x{ours / bare:.3f})"


def _instructions_of_sending(path: Path) -> tuple[int, int]:
    measured(pytest_command("-p", OURS), path)
    (path / "post.py").write_text(textwrap.dedent(POST))
    with StandIn(schema=False) as standin:
        env = {**_environment(), **standin.environment}
        ours = counted(_submission(standin), path, env, _submission(standin))
        frozen, _ = path.glob(".evalguard/*/*.requests.jsonl")
        bare = counted(_post(standin, frozen), path, env, _post(standin, frozen))
    return ours, bare


def others(directory: Path, runs: int) -> Iterator[str]:
    """(e) the same suite with other plugins, each in an environment of its own."""
    path = suite(directory, 5_000)
    with StandIn(schema=False) as standin:
        standin.plan(Status(200, {"success": True}), path_contains="/evals/ci")
        for name, other in OTHERS.items():
            packages = (str(ROOT),) if name == OURS else other.packages
            python = _environment_with(directory / name, *packages)
            if python is None:
                yield f"{name:<34} skipped: it can't be installed"
                continue
            command = pytest_command(*_arguments(name, other, path), python=python)
            bare_command = pytest_command("-p", "noop", python=python)
            env = {
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "",
                "LANGSMITH_TRACING": "false",
                "LANGSMITH_TEST_TRACKING": "false",
            }
            if name == "evalguardai":
                env |= standin.environment
            ours, bare = alternating(
                runs,
                partial(measured, command, path, **env),
                partial(measured, bare_command, path),
            )
            yield ratio_line(f"5,000 cases, {name}", ours, bare)


def _arguments(name: str, other: Other, path: Path) -> list[str]:
    plugin = OURS if name == OURS else other.plugin
    return ["-p", plugin, *(each.format(path) for each in other.args)]


def _with_and_without(directory: Path) -> list[str]:
    """Return two Pythons with all that the plugin needs; the first one has it, too."""
    needs = ("httpx", "pydantic")
    return [
        str(_environment_with(directory / "with", *needs, str(ROOT))),
        str(_environment_with(directory / "without", *needs)),
    ]


def _environment_with(directory: Path, *packages: str) -> str | None:
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    python = str(directory / "bin" / "python")
    install = [python, "-m", "pip", "install", "-q", "pytest", *packages]
    done = subprocess.run(install, capture_output=True, check=False)
    return python if done.returncode == 0 else None


PARTS = {
    part.__name__: part
    for part in (start, recording, subcases, sending, memory, others, instructions)
}


def main() -> int:
    """Print the figures asked for."""
    parser = argparse.ArgumentParser(description="Measure what the plugin costs.")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS])
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {limit} files")
    for name in options.only:
        with tempfile.TemporaryDirectory() as directory:
            for line in PARTS[name](Path(directory), options.runs):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
