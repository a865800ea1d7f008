"""Where the project is whose prompts a lock file lists."""

from __future__ import annotations

import os
from pathlib import Path

from ...config.settings import DEFAULT_OUT, PROMPTS_LOCK


def find_project(place: Path) -> Path:
    """Return the directory that has the lock file of prompts, or would have it.

    It is the nearest one at or above `place`, else at or above the working directory,
    which is where it would be.
    """
    here = Path.cwd()
    for start in (place.absolute(), here):
        for directory in (start, *start.parents):
            if os.path.isfile(directory / PROMPTS_LOCK):  # also where one can't look
                return directory
    return here


def project_of(out: Path) -> Path:
    """Return the directory whose tests are recorded in `out`, as far as that shows."""
    is_beside = out.name == DEFAULT_OUT and out.is_dir()
    return out.parent if is_beside else find_project(out)
