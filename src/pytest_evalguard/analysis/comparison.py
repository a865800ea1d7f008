"""Comparison with a baseline: what changed, and whether it is more than noise."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, EvalguardError, SessionError
from ..model.bounds import Change, Share
from ..model.case import Case
from ..model.outcome import PASSING, Outcome
from ..model.text import counted
from ..storage.files import read_checked, replace_file, replace_shared_file, validator
from ..storage.session import PassedOver, Session, newest_first, open_session

MOVED = 0.05
"""A case's score is said to have moved by more than this, 0..1."""

FEWEST = 10
"""Fewest cases in both from which a difference is judged."""

_SIGNIFICANT = 0.05
_OVERLAP = 0.2
_PART = 0.5
_FILE = "comparison.json"


@dataclass(frozen=True)
class Comparison:
    """What became of each case since the baseline, as sorted node ids.

    `paired` cases have a row in both sessions, `before` and `after` count the rows of
    each; those of the baseline that were skipped or did not run now are `not_compared`,
    not `gone`. `p_value` is that of the outcomes, None where nothing changed or there
    are too few cases; `score_change` is the mean over pairs, with its 95% interval.
    """

    baseline: str
    before: int
    after: int
    paired: int
    regressed: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    p_value: Share | None = None
    score_change: Change | None = None
    score_interval: tuple[Change, Change] | None = None

    @property
    def changes(self) -> dict[str, str]:
        """What became of a case, by node id, where there is something to say."""
        found = dict.fromkeys(self.moved, "score moved")
        for name in ("regressed", "fixed", "still_failing", "new"):
            found |= dict.fromkeys(getattr(self, name), name.replace("_", " "))
        return found

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """What is shown by name, by what became of it."""
        names = ("regressed", "fixed", "new", "gone", "not_compared")
        return {name.replace("_", " "): getattr(self, name) for name in names}

    @property
    def is_of_another_suite(self) -> bool:
        """Whether so few cases are in both that they can't be of the same tests."""
        return self.paired < _OVERLAP * min(self.before, self.after)

    @property
    def is_of_few(self) -> bool:
        """Whether fewer than half of the baseline's cases can be compared."""
        return self.paired < _PART * self.before


def compare(name: str, before: Baseline, after: Baseline) -> Comparison:
    """Return what changed from one session to another.

    :param name: what the baseline is called.
    """
    old, new = before.cases, after.cases
    common = sorted(old.keys() & new.keys())
    regressed = [each for each in common if old[each].passed and not new[each].passed]
    fixed = [each for each in common if not old[each].passed and new[each].passed]
    failing = [each for each in common if not (old[each].passed or new[each].passed)]
    differences = [new[each].score - old[each].score for each in common]
    pairs = zip(common, differences, strict=True)
    missing = old.keys() - new.keys()
    return Comparison(
        name,
        len(old),
        len(new),
        len(common),
        regressed=tuple(regressed),
        fixed=tuple(fixed),
        still_failing=tuple(failing),
        new=tuple(sorted(new.keys() - old.keys())),
        gone=tuple(sorted(missing.difference(after.without_row))),
        not_compared=tuple(sorted(missing.intersection(after.without_row))),
        moved=tuple(each for each, change in pairs if round(abs(change), 6) > MOVED),
        **_statistics(len(fixed), len(regressed), differences),
    )


def _statistics(fixed: int, regressed: int, differences: list[float]) -> dict[str, Any]:
    from .statistics import bootstrap_mean, mcnemar

    if len(differences) < FEWEST:
        return {}
    return {
        "p_value": mcnemar(fixed, regressed) if fixed or regressed else None,
        "score_change": math.fsum(differences) / len(differences),
        "score_interval": bootstrap_mean(differences),
    }


def verdict_lines(comparison: Comparison) -> Iterator[str]:
    """Yield what changed, and whether it is more than noise, as sentences."""
    found = comparison
    if found.is_of_another_suite:
        rows = counted(found.before, "case")
        yield (
            f"of the baseline's {rows} only {found.paired:,} can be compared: is it of"
            " another suite?"
        )
    elif found.is_of_few:
        rows = counted(found.before, "case")
        why = ": are tests renamed?" if found.gone else ""
        yield f"of the baseline's {rows} only {found.paired:,} can be compared{why}"
    elif found.before < found.after * _PART:
        yield (
            f"the baseline has {counted(found.before, 'case')} and this session"
            f" {found.after:,}: is it of a part of the suite?"
        )
    counts = {
        "regressed": found.regressed,
        "fixed": found.fixed,
        "still failing": found.still_failing,
        "new": found.new,
        "gone": found.gone,
        f"moved in score by more than {MOVED:g}": found.moved,
    }
    yield ", ".join(f"{len(each):,} {name}" for name, each in counts.items())
    if found.not_compared:
        yield f"{len(found.not_compared):,} not compared: skipped or not run now"
    if found.paired < FEWEST:
        yield f"too few cases to tell: {found.paired:,} in both, {FEWEST} are needed"
        return
    yield f"outcomes: {_outcomes(found)}"
    if found.score_change is not None and found.score_interval is not None:
        low, high = found.score_interval
        interval = f"95% interval {low:+.3f} to {high:+.3f}"
        yield f"mean score: {found.score_change:+.3f}, {interval}"


def _outcomes(comparison: Comparison) -> str:
    cases = f"{counted(comparison.paired, 'case')} in both"
    if comparison.p_value is None:
        return f"none changed, {cases}"
    is_noise = comparison.p_value >= _SIGNIFICANT
    verdict = "no more than noise" if is_noise else "more than noise"
    return f"{verdict} (exact McNemar p = {comparison.p_value:.3g}, {cases})"


def write_comparison(directory: Path, comparison: Comparison) -> None:
    """Keep a comparison with its session.

    :raises OSError: it can't be written.
    """
    replace_file(directory / _FILE, [json.dumps(asdict(comparison), indent=1), "\n"])


def read_comparison(directory: Path) -> Comparison | None:
    """Return the comparison that a session was judged by, None without one.

    :raises SessionError: it can't be read.
    """
    path = directory / _FILE
    if not path.is_file():
        return None
    try:
        comparison: Comparison = validator(Comparison).validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SessionError(
            f"{path} is damaged, it was changed by somebody: remove it"
        ) from error
    return comparison


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


def find_baseline(name: str, out: Path, passed_over: PassedOver) -> Path | None:
    """Return the directory or file that is meant by a name; None for no `last` yet.

    :param out: where sessions are kept.
    :param passed_over: takes the sessions there that can't be read.
    :raises ConfigurationError: there is nothing of that name.
    """
    if name == LAST:
        finished = filter(_is_finished, newest_first(out, passed_over))
        return next((each.path for each in finished), None)
    path = Path(name)
    if not os.path.exists(path):  # whatever the system says of the name
        raise ConfigurationError(
            f"there is no baseline {name}: name a session's directory, 'last', or a"
            " file that pytest-evalguard bless wrote"
        )
    return path


def load_baseline(name: str, out: Path, passed_over: PassedOver) -> Baseline | None:
    """Return the baseline that is meant by a name; None for no `last` yet.

    :param out: where sessions are kept.
    :param passed_over: takes the sessions there that can't be read.
    :raises ConfigurationError: there is nothing of that name, or it can't be read.
    """
    path = find_baseline(name, out, passed_over)
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
