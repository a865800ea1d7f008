"""Baselines: an earlier session to compare with, from its directory or a small file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

from .case import PASSING
from .case import Case
from .case import Outcome
from .errors import ConfigurationError
from .errors import EvalguardError
from .figures import Share
from .session import Session
from .session import open_session
from .session import replace_shared_file
from .session import sessions_in

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
    """The cases with a row of an earlier session, by node id."""

    cases: Mapping[str, BaselineCase]
    schema: int = SCHEMA


def baseline_of(cases: Iterable[Case]) -> Baseline:
    """Return what counts of `cases`."""
    return Baseline(
        {
            case.nodeid: BaselineCase(
                case.outcome,
                round(case.overall_score, 6),
                {name: round(each.score, 6) for name, each in case.scores.items()},
            )
            for case in cases
            if case.has_row
        }
    )


def find_baseline(name: str, out: Path) -> Path | None:
    """Return the directory or file that is meant by a name; None for no `last` yet.

    :param out: where sessions are kept.
    :raises ConfigurationError: there is nothing of that name.
    """
    if name == LAST:
        finished = [each for each in sessions_in(out) if _is_finished(each)]
        return finished[-1].path if finished else None
    path = Path(name)
    if not path.exists():
        raise ConfigurationError(
            f"there is no baseline {name}: name a session's directory, 'last', or a"
            " file that pytest-evalguard bless wrote"
        )
    return path


def read_baseline(path: Path) -> Baseline:
    """Return the baseline in a session's directory or in a file.

    :raises ConfigurationError: it is neither, or another version wrote it.
    """
    try:
        if path.is_dir():
            return baseline_of(open_session(path).cases())
        baseline: Baseline = _adapter().validate_json(path.read_bytes())
    except (EvalguardError, OSError, ValueError) as error:
        what = " ".join(str(error).split())[:200]
        raise ConfigurationError(
            f"the baseline {path} can't be read: {what}"
        ) from error
    if baseline.schema != SCHEMA:
        raise ConfigurationError(
            f"the baseline {path} has schema version {baseline.schema}, this"
            f" pytest-evalguard reads {SCHEMA}: bless a session anew"
        )
    return baseline


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


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Baseline)
