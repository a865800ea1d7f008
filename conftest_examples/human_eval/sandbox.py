"""Runs code that nobody has read yet, in a process of its own.

Guards against accidents: endless loops, full disks and memory, keys in the environment.
It is no wall against malice; for that, run the whole session in a container.
"""

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SECONDS = 5
LIMITS = """\
try:
    import resource
    for name, most in (("CPU", 10), ("AS", 2**31), ("FSIZE", 2**20)):
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (most, most))
except (ImportError, AttributeError, ValueError, OSError):
    pass  # this system has no such limit
"""
# without SYSTEMROOT, Python does not start on Windows; nothing else is handed on
ENVIRONMENT = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}


class Verdict(NamedTuple):
    passed: bool
    reason: str


def run(program: str, folder: Path) -> Verdict:
    """Run a program in a folder; it passes when it gets to its end in time."""
    # exit(0) is no end: only a program that ran through prints what nobody can guess
    proof = secrets.token_hex(8)
    script, output = folder / "program.py", folder / "output.txt"
    script.write_text(f"{LIMITS}\n{program}\nprint({proof!r})\n", encoding="utf-8")
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", script.name],
            cwd=folder,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return Verdict(False, f"timed out after {SECONDS} s")
        finally:
            end(process)
    last_line = (output.read_text("utf-8", errors="replace").splitlines() or ["no output"])[-1]
    if last_line == proof:
        return Verdict(True, "all checks passed")
    return Verdict(False, last_line)


def end(process: subprocess.Popen) -> None:
    """Kill a process, and all that it started where the system has process groups."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    else:
        process.kill()
    process.wait()
