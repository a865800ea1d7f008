"""Baselines: an earlier session to compare with, from its directory or a small file."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ..errors import ConfigurationError, EvalguardError
from ..model.case import Case
from ..model.figures import Share
from ..model.outcome import PASSING, Outcome
from ..model.text import counted
from ..storage.files import read_checked, replace_shared_file
from ..storage.session import Session, open_session, sessions_in

LAST = "last"
SCHEMA = 1


@dataclass(frozen=True)
class BaselineCase:
    """What counts of a case in a comparison; scores 0..1."""

    outcome: Outcome
    score: Share
    scores: Mapping[str, Share] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether its row counted as a pass."""
        return self.outcome in PASSING


@dataclass(frozen=True)
class Baseline:
    """The cases with a row of an earlier session, by node id.

    Of a session in a directory, `without_row` names those that were skipped or did not
    run, and `doubts` are sentences on what may be missing. `path` is where it is from.
    """

    cases: Mapping[str, BaselineCase]
    without_row: Collection[str] = ()
    doubts: tuple[str, ...] = ()
    path: Path | None = None


@dataclass(frozen=True)
class _File:
    cases: Mapping[str, BaselineCase]
    schema: int


def baseline_of(cases: Iterable[Case]) -> Baseline:
    """Return what counts of `cases`."""
    compared, without_row = {}, set()
    for case in cases:
        if case.has_row:
            compared[case.nodeid] = counting(case)
        else:
            without_row.add(case.nodeid)
    return Baseline(compared, without_row=without_row)


def counting(case: Case) -> BaselineCase:
    """Return what counts of a case with a row."""
    scores = {name: round(each.score, 6) for name, each in case.scores.items()}
    return BaselineCase(case.outcome, round(case.overall_score, 6), scores)


def find_baseline(name: str, out: Path) -> Path | None:
    """Return the directory or file that is meant by a name; None for no `last` yet.

    :param out: where sessions are kept.
    :raises ConfigurationError: there is nothing of that name.
    """
    if name == LAST:
        finished = [each for each in sessions_in(out) if _is_finished(each)]
        return finished[-1].path if finished else None
    path = Path(name)
    if not os.path.exists(path):  # whatever the system says of the name
        raise ConfigurationError(
            f"there is no baseline {name}: name a session's directory, 'last', or a"
            " file that pytest-evalguard bless wrote"
        )
    return path


def load_baseline(name: str, out: Path) -> Baseline | None:
    """Return the baseline that is meant by a name; None for no `last` yet.

    :param out: where sessions are kept.
    :raises ConfigurationError: there is nothing of that name, or it can't be read.
    """
    path = find_baseline(name, out)
    return None if path is None else read_baseline(path)


def read_baseline(path: Path) -> Baseline:
    """Return the baseline in a session's directory or in a file.

    :raises ConfigurationError: it is neither, or another version wrote it.
    """
    try:
        if path.is_dir():
            return session_baseline(open_session(path))
        return Baseline(read_checked(path, _File, SCHEMA).cases, path=path)
    except (EvalguardError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"the baseline {path} can't be read: {error}; name another, or write it"
            " anew by pytest-evalguard bless"
        ) from error


def session_baseline(session: Session) -> Baseline:
    """Return the baseline that a session is, with what may be missing in it.

    :raises SessionError: it can't be read.
    """
    stored = session.cases()
    baseline = baseline_of(stored)
    doubts = list(_doubts(session))
    if stored.damaged:
        doubts.append(f"{counted(stored.damaged, 'line')} of it can't be read")
    name = session.path.name
    told = tuple(f"session {name}: {each}" for each in doubts)
    return replace(baseline, doubts=told, path=session.path)


def _doubts(session: Session) -> Iterator[str]:
    status = session.status
    if status != "finished":
        yield {"running": "it is still running"}.get(status, f"it was {status}")


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a file to be committed, sorted by node id, one line a case.

    :raises OSError: it can't be written.
    """
    lines = (
        f"{json.dumps(nodeid)}: {json.dumps(asdict(case), sort_keys=True)}"
        for nodeid, case in sorted(baseline.cases.items())
    )
    body = ",\n".join(lines)
    replace_shared_file(path, [f'{{"schema": {SCHEMA}, "cases": {{\n{body}\n}}}}\n'])


def _is_finished(session: Session) -> bool:
    try:
        return session.state.status == "finished"
    except EvalguardError:
        return False  # another version's, or damaged
