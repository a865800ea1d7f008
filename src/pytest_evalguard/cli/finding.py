"""Where sessions are, and the lock file of prompts."""

from __future__ import annotations

import os
from pathlib import Path

from ..config.settings import DEFAULT_OUT, OUT_VARIABLE, PROMPTS_LOCK
from ..errors import SessionError
from ..reporting.whereabouts import display_path
from ..storage.session import Session, open_session, sessions_in


def find_out(given: str | None) -> Path:
    """Return where sessions are: as given, EVALGUARD_OUT, the nearest `.evalguard`."""
    said = given or os.environ.get(OUT_VARIABLE)
    if said:
        return Path(said)
    here = Path.cwd()
    for directory in (here, *here.parents):
        if (directory / DEFAULT_OUT).is_dir():
            return directory / DEFAULT_OUT
    return here / DEFAULT_OUT


def find_project(place: Path) -> Path:
    """Return the directory that has the lock file of prompts, or would have it.

    It is the nearest one at or above `place`, else at or above the working directory,
    which is where it would be.
    """
    here = Path.cwd()
    for start in (place.absolute(), here):
        for directory in (start, *start.parents):
            if (directory / PROMPTS_LOCK).is_file():
                return directory
    return here


def project_of(out: Path) -> Path:
    """Return the directory whose tests are recorded in `out`, as far as that shows."""
    is_beside = out.name == DEFAULT_OUT and out.is_dir()
    return out.parent if is_beside else find_project(out)


def find_session(name: str | None, out: str | None) -> Session:
    """Return the session in the directory of that name, the newest without a name.

    :param out: where sessions are, as the user says it.
    :raises SessionError: there is none.
    """
    return newest_session(find_out(out)) if name is None else open_session(Path(name))


def newest_session(out: Path) -> Session:
    """Return the newest session below `out`.

    :raises SessionError: there is none.
    """
    sessions = sessions_in(out)
    if not sessions:
        raise SessionError(
            f"there are no sessions in {display_path(out)}: name a session's directory,"
            " or where sessions are kept by --out DIR"
        )
    return sessions[-1]
