"""Runs the tests under every supported Python and pytest, and beside heavy neighbours.

    python tools/matrix.py [--quick] [--only NAME ...] [--folder DIR]

Makes a virtual environment for each row of the table that it prints, with the Pythons
that are found, pyenv's or those on PATH. `lowest` has the lowest version that
pyproject.toml declares of everything, the others have the newest; `neighbours` has the
plugins that are too heavy for all environments. Exit status 1 when tests failed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
LEAST_PYTEST = ("pytest<9", "pytest-subtests>=0.15")
HEAVY = ("deepeval", "evalguardai", "langsmith", "pytest-evals")
QUICK = (
    "distribution",
    "load",
    "outcomes",
    "recording",
    "reruns",
    "sending",
    "settings",
    "trials",
)


@dataclass(frozen=True)
class Environment:
    """What is installed under which Python, and what of the tests runs there.

    :param packages: what is installed beside the plugin and its test dependencies.
    :param is_lowest: whether everything has the lowest version that is declared.
    """

    name: str
    python: str
    packages: Sequence[str] = ()
    quick: Sequence[str] = QUICK
    is_lowest: bool = False


@dataclass(frozen=True)
class Row:
    """What an environment gave."""

    name: str
    versions: str
    result: str
    failed: bool = False


def environments() -> Iterator[Environment]:
    """Yield the whole matrix, its corners first."""
    first, *_, last = PYTHONS
    yield Environment("lowest", first, LEAST_PYTEST, is_lowest=True)
    yield Environment("newest", last)
    yield Environment("neighbours", "3.12", HEAVY, ("neighbours",))
    for python in PYTHONS[1:]:
        yield Environment(f"{python}-pytest8", python, LEAST_PYTEST)
    for python in PYTHONS[:-1]:
        yield Environment(f"{python}-newest", python)


def lowest_versions(project: Mapping[str, Any]) -> list[str]:
    """Return constraints to the lowest version of all that a project declares."""
    declared = project["project"]["dependencies"] + project["dependency-groups"]["test"]
    matches = [re.match(r"([\w-]+)>=([\d.]+)[^;]*$", each) for each in declared]
    return [f"{match[1]}=={match[2]}" for match in matches if match]


def find_python(version: str) -> str | None:
    """Return the command of a Python that can make virtual environments."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = root.glob(f"versions/{version}.*/bin/python{version}")
    for command in (*map(str, found), shutil.which(f"python{version}")):
        if command is not None and _works(command):
            return command
    return None


def _works(command: str) -> bool:
    words = [command, "-c", "import ensurepip, venv"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def run(environment: Environment, folder: Path, *, is_quick: bool) -> Row:
    """Make an environment, run the tests in it, and return what that gave."""
    command = find_python(environment.python)
    if command is None:
        return Row(environment.name, "", f"skipped: no python{environment.python} here")
    log = folder / f"{environment.name}.log"
    log.unlink(missing_ok=True)
    try:
        python = _install(environment, command, folder, log)
    except subprocess.CalledProcessError:
        return Row(environment.name, "", f"not installed: see {log}", failed=True)
    versions = _output(python, "-c", VERSIONS)
    started = time.monotonic()
    status = _log(log, python, "-m", "pytest", "-n2", *_args(environment, is_quick))
    seconds = round(time.monotonic() - started)
    verdict = "FAILED" if status else "ok"
    result = f"{verdict}, {_last_line(log)} ({seconds} s, exit {status}; {log})"
    return Row(environment.name, versions, result, failed=status != 0)


VERSIONS = """
import importlib.metadata as installed, platform
names = ("pytest", "pluggy", "httpx", "pydantic")
print(platform.python_version(), *(f"{n} {installed.version(n)}" for n in names))
"""


def _install(environment: Environment, command: str, folder: Path, log: Path) -> str:
    home = folder / environment.name
    python = str(home / "bin" / "python")
    subprocess.run([command, "-m", "venv", "--clear", str(home)], check=True)
    packages = ["-e", str(ROOT), "--group", f"{ROOT}/pyproject.toml:test"]
    packages += environment.packages
    if environment.is_lowest:
        constraints = folder / "lowest.txt"
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        constraints.write_text("\n".join(lowest_versions(project)))
        packages += ["-c", str(constraints)]
    for words in (["-U", "pip"], packages):
        if status := _log(log, python, "-m", "pip", "install", "-q", *words):
            raise subprocess.CalledProcessError(status, words)
    return python


def _args(environment: Environment, is_quick: bool) -> list[str]:
    files = (
        [f"tests/e2e/test_{name}.py" for name in environment.quick] if is_quick else []
    )
    return ["-q", *files]


def _log(log: Path, *words: str) -> int:
    kept = {k: each for k, each in os.environ.items() if not _FOREIGN.match(k)}
    with log.open("a") as file:
        done = subprocess.run(
            words, cwd=ROOT, env=kept, stdout=file, stderr=file, check=False
        )
    return done.returncode


# what the run of this command is about must not leak into the tests
_FOREIGN = re.compile("COV|EVALGUARD|PYTEST|PYTHON|VIRTUAL_ENV")


def _output(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1].strip("= ") if lines else "no output"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [each.name for each in environments()]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--quick", action="store_true", help="one or two minutes each")
    parser.add_argument("--folder", type=Path, help="where the environments are kept")
    return parser.parse_args()


def main() -> int:
    """Run what was asked for, and print the table."""
    options = _options()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="matrix-"))
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for environment in environments():
        if environment.name in options.only:
            print(f"running {environment.name} ...", flush=True)
            rows.append(run(environment, folder.resolve(), is_quick=options.quick))
    for row in rows:
        print(f"{row.name:<14}{row.versions}\n{'':<14}{row.result}")
    return int(any(row.failed for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
