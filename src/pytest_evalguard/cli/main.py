"""The console script. It loads the one command that is run, and what that needs."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from ..errors import EvalguardError, ServiceError
from .console import DONE, REFUSED, USAGE, say_error
from .parser import make_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the console script; return its exit code: 0 done, 1 refused, 2 usage."""
    _replace_closed_streams()
    options = make_parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        module = import_module(f".{options.module}", __package__)
        code: int = getattr(module, options.function)(options)
        sys.stdout.flush()
    except EvalguardError as error:
        say_error(str(error))
        return REFUSED if isinstance(error, ServiceError) else USAGE
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        say_error(str(error))
        return USAGE
    except KeyboardInterrupt:
        say_error("interrupted")
        return REFUSED
    return code


def _replace_closed_streams() -> None:
    """Say to nobody what was to be said where a stream is closed, as by ``>&-``."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, io.StringIO())
