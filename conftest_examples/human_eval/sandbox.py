"""Runs code that nobody has read yet, in a process of its own.

It guards against accidents: endless loops, full disks, keys in the environment. It is
no wall against malice; for that, run the whole session in a container.
"""

import os
import secrets
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SECONDS = 3
LIMITS = """\
try:
    import resource
    for name, most in (("CPU", 10), ("AS", 2**31), ("FSIZE", 2**20)):
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (most, most))
except (ImportError, AttributeError, ValueError, OSError):
    pass  # this system has no such limit
"""
# Python needs this one to start on Windows; nothing else is handed on
ENVIRONMENT = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}


class Verdict(NamedTuple):
    passed: bool
    reason: str


def run(program: str, folder: Path) -> Verdict:
    """Run a program in a folder; it passes when it gets to its end in time."""
    # exit(0) is not the end: only a program that got there prints what none can guess
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
    return read_verdict(output.read_text("utf-8", errors="replace"), proof)


def end(process: subprocess.Popen) -> None:
    """Kill a process, and what it started where the system has process groups."""
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def read_verdict(output: str, proof: str) -> Verdict:
    lines = [line.strip() for line in output.splitlines()] or ["no output"]
    if lines[-1] == proof:
        return Verdict(True, "all checks passed")
    checks = [line for line in lines if line.startswith("assert ")]
    return Verdict(False, ": ".join([lines[-1], *checks[-1:]]))
