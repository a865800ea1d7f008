"""Baselines: what counts of an earlier session's cases, in memory and in a file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, EvalguardError
from ..model.case import Case
from ..model.figures import Finite, Share
from ..model.outcome import PASSING, Outcome
from ..model.text import counted
from ..storage.files import read_checked, replace_shared_file
from ..storage.session import (
    PassedOver,
    Session,
    SessionState,
    newest_first,
    open_session,
)

LAST = "last"
SCHEMA = 2
WITHOUT_DIGESTS = 1
"""The schema of files that have outcomes and scores alone."""

_DIGITS = 12
_DEFAULT = "~"
_LONGEST = 100


@dataclass(slots=True)
class BaselineCase:
    """What counts of a case in a comparison; scores 0..1, latency in milliseconds.

    `input` and `expected` are digests, empty where there is nothing to tell by. Of
    `trials` those that ended in an error are left out; a case without any is one.
    """

    outcome: Outcome
    score: Share
    scores: Mapping[str, Share] = field(default_factory=dict)
    input: str = ""
    expected: str = ""
    trials: tuple[int, int] | None = None
    latency_ms: Finite | None = None
    tokens: int | None = None
    cost_usd: Finite | None = None
    metrics: Mapping[str, Finite] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether its row counted as a pass."""
        return self.outcome in PASSING

    @property
    def share(self) -> float:
        """Its share of passed trials, 0..1."""
        passed, trials = self.trials or (int(self.passed), 1)
        return min(1.0, max(0.0, passed / trials)) if trials else float(self.passed)

    @property
    def question(self) -> tuple[str, str] | None:
        """What tells its question from others, None where that is not known."""
        is_recorded = self.input and not self.input.startswith(_DEFAULT)
        return (self.input, self.expected) if is_recorded or self.expected else None

    def asks_the_same(self, other: BaselineCase) -> bool:
        """Whether nothing says that it had another input or expected value.

        What only one of them recorded says nothing: a test may fail before it does.
        """
        mine, others = (self.input, self.expected), (other.input, other.expected)
        return all(map(_is_alike, mine, others))

    def fields(self) -> dict[str, Any]:
        """Return what is not at its default, as a file has it."""
        return {
            name: value
            for name, value in asdict(self).items()
            if value not in (None, "", {})
        }


def _is_alike(one: str, other: str) -> bool:
    if not one or not other:
        return True
    return one.startswith(_DEFAULT) != other.startswith(_DEFAULT) or one == other


class BaselineCases(Mapping[str, BaselineCase]):
    """Cases by node id, each a short text: a hundred thousand have to fit."""

    def __init__(self, cases: Iterable[tuple[str, BaselineCase]] = ()) -> None:
        self._rows: dict[str, str] = {}
        for nodeid, case in cases:
            self.add(nodeid, case)

    def add(self, nodeid: str, case: BaselineCase) -> None:
        """Keep a case, in place of an earlier one of the same name."""
        values = [getattr(case, name) for name in BaselineCase.__slots__]
        while values[-1] in (None, {}):
            values.pop()
        self._rows[nodeid] = json.dumps(values, separators=(",", ":"))

    def __getitem__(self, nodeid: str) -> BaselineCase:
        case = BaselineCase(*json.loads(self._rows[nodeid]))
        case.trials = None if case.trials is None else (case.trials[0], case.trials[1])
        return case

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, nodeid: object) -> bool:
        return nodeid in self._rows

    def discard(self, nodeid: str) -> None:
        """Forget a case, if there is one of that name."""
        self._rows.pop(nodeid, None)


@dataclass(frozen=True)
class Origin:
    """Where the figures of a session come from.

    `created` is when it began, ISO 8601; `blessed` the day of its file. `metadata` are
    short values that all of its cases have, `metrics` those of the session as a whole.
    """

    created: str | None = None
    blessed: str | None = None
    commit: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Finite] = field(default_factory=dict)

    @property
    def day(self) -> date | None:
        """The day that it was blessed or recorded, if that can be read."""
        try:
            return date.fromisoformat((self.blessed or self.created or "")[:10])
        except ValueError:
            return None


class SharedMetadata:
    """The short metadata that all cases so far have, those with errors left out."""

    def __init__(self) -> None:
        self._found: dict[str, str] | None = None

    @property
    def found(self) -> dict[str, str]:
        return dict(sorted((self._found or {}).items()))

    def add(self, case: Case) -> None:
        """Keep what this case has, too."""
        if not case.has_row or case.outcome == "error":
            return
        if self._found is None:
            self._found = dict(_short(case.metadata))
        elif self._found:
            found = dict(_short(case.metadata)).items()
            self._found = dict(self._found.items() & found)


def _short(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in metadata.items():
        text = value if isinstance(value, str) else json.dumps(value)
        if isinstance(value, (str, int, float)) and len(text) <= _LONGEST:
            yield name, text


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
    origin: Origin = Origin()


@dataclass(frozen=True)
class _File:
    cases: Mapping[str, BaselineCase]
    schema: int
    created: str | None = None
    blessed: str | None = None
    commit: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Finite] = field(default_factory=dict)


def counting(case: Case) -> BaselineCase:
    """Return what counts of a case with a row."""
    tokens = (case.prompt_tokens, case.completion_tokens)
    decided = case.trials_decided
    return BaselineCase(
        case.outcome,
        round(case.overall_score, 6),
        {name: round(each.score, 6) for name, each in case.scores.items()},
        *_digests(case),
        trials=(case.trials_passed, decided) if decided else None,
        latency_ms=round(case.latency_ms, 3),
        tokens=None if tokens == (None, None) else sum(each or 0 for each in tokens),
        cost_usd=case.cost_usd,
        metrics=dict(case.metrics),
    )


def _digests(case: Case) -> tuple[str, str]:
    if case.withheld:
        return "", ""
    is_named = case.default_input and case.input == case.nodeid
    start = _DEFAULT if case.default_input else ""
    asked = "" if is_named else start + digest(case.input)
    return asked, "" if case.expected is None else digest(case.expected)


def digest(text: str) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of a text."""
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()[:_DIGITS]


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
            " file written by pytest-evalguard bless"
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
        return _from_file(path)
    except (EvalguardError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"the baseline {path} can't be read: {error}; use another one, or write it"
            " again with pytest-evalguard bless"
        ) from error


def _from_file(path: Path) -> Baseline:
    found = read_checked(path, _File, WITHOUT_DIGESTS, SCHEMA)
    doubts: tuple[str, ...] = ()
    if found.schema == WITHOUT_DIGESTS:
        doubts = (
            f"{path.name} was written by an older version, which kept no digests, so"
            " changed questions can't be recognised: bless a session again",
        )
    return Baseline(
        BaselineCases(found.cases.items()),
        doubts=doubts,
        path=path,
        origin=Origin(
            found.created, found.blessed, found.commit, found.metadata, found.metrics
        ),
    )


def session_baseline(session: Session) -> Baseline:
    """Return the baseline that a session is, with what may be missing in it.

    :raises SessionError: it can't be read.
    """
    stored, state = session.cases(), session.state
    cases, without_row, shared = BaselineCases(), set(), SharedMetadata()
    for case in stored:
        shared.add(case)
        if case.has_row:
            cases.add(case.nodeid, counting(case))
        else:
            without_row.add(case.nodeid)
    doubts = list(_doubts(session))
    if stored.damaged:
        doubts.append(f"{counted(stored.damaged, 'line')} of it can't be read")
    name = session.path.name
    return Baseline(
        cases,
        without_row,
        tuple(f"session {name}: {each}" for each in doubts),
        session.path,
        origin_of(state, shared),
    )


def origin_of(state: SessionState, shared: SharedMetadata) -> Origin:
    """Return where the figures of a session come from."""
    metrics = {each.name: each.value for each in state.metrics}
    return Origin(state.created, None, state.commit, shared.found, metrics)


def _doubts(session: Session) -> Iterator[str]:
    status = session.status
    if status != "finished":
        yield {"running": "it is still running"}.get(status, f"it was {status}")


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a file to be committed, sorted by node id, one line a case.

    :raises OSError: it can't be written.
    """
    today = datetime.now(timezone.utc).date().isoformat()
    origin = asdict(replace(baseline.origin, blessed=today))
    head = {"schema": SCHEMA, **{k: v for k, v in origin.items() if v}}
    lines = (
        f"{json.dumps(nodeid)}: {json.dumps(case.fields(), sort_keys=True)}"
        for nodeid, case in sorted(baseline.cases.items())
    )
    body = ",\n".join(lines)
    opening = json.dumps(head)[:-1]
    replace_shared_file(path, [f'{opening}, "cases": {{\n{body}\n}}}}\n'])


def _is_finished(session: Session) -> bool:
    try:
        return session.state.status == "finished"
    except EvalguardError:
        return False  # another version's, or damaged
