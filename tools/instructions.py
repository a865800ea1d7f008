"""Counts the instructions of a run with valgrind: the same on a machine that is busy.

They say nothing of waiting, of memory that is far away, or of the kernel.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_FEW, _MANY = 100, 1_100
_COLLECTED = re.compile(r"Collected : (\d+)")


def can_count() -> bool:
    """Whether valgrind is there."""
    return shutil.which("valgrind") is not None


def counted(
    command: Sequence[str],
    directory: Path,
    env: Mapping[str, str],
    before: Sequence[str] = (),
) -> int:
    """Run a command under valgrind, and return how many instructions it took.

    The first run writes the bytecode, and is not counted. Children are counted, too.

    :param before: what is run first where the same command would do something else.
    """
    env = {**env, "PYTHONHASHSEED": "0"}
    first = before or command
    subprocess.run(first, cwd=directory, env=env, capture_output=True, check=True)
    command = [shutil.which(command[0]) or command[0], *command[1:]]
    tool = [
        *("valgrind", "--tool=callgrind", "--trace-children=yes"),
        f"--callgrind-out-file={os.devnull}",
    ]
    done = subprocess.run(
        [*tool, *command], cwd=directory, env=env, capture_output=True, text=True
    )
    if not (found := _COLLECTED.findall(done.stderr)):
        raise SystemExit(f"valgrind failed in {directory}:\n{done.stderr[-2000:]}")
    return sum(map(int, found))


def per_case(
    command: Sequence[str],
    suite: Callable[[int], Path],
    env: Mapping[str, str],
) -> int:
    """Return the instructions of a case: of two sizes, so that the start drops out.

    :param suite: returns the directory of a suite with that many cases.
    """
    few, many = (counted(command, suite(size), env) for size in (_FEW, _MANY))
    return (many - few) // (_MANY - _FEW)
