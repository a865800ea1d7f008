"""A case: what one test recorded and what became of it. One JSON line on disk."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from .figures import Finite, Share
from .outcome import PASSING, VERDICTS, WITHOUT_ROW, Outcome

ENDED_START = '{"test":'
"""How a line begins that says of a test that it has ended."""


@dataclass
class ScorerResult:
    """One named score, 0..1, with the scorer's own verdict and reason.

    `raw` is the original score if it was on another scale, lower-is-better or a label.
    """

    score: Share
    passed: bool
    reason: str | None = None
    raw: float | str | None = None

    @property
    def text(self) -> str:
        """The score, and the original one if it is different."""
        raw = f"{self.raw:g}" if isinstance(self.raw, (int, float)) else self.raw
        return f"{self.score:g}" if raw is None else f"{self.score:g} from {raw}"


@dataclass
class Attempt:
    """One run of a test that ran more than once: an earlier attempt, or a trial.

    `actual`, `scores` and `trace_id` are kept for trials, tokens and cost for earlier
    attempts.
    """

    outcome: Outcome
    score: Share | None = None
    latency_ms: float | None = None
    reason: str | None = None
    actual: str | None = None
    scores: dict[str, Share] | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    trace_id: str | None = None


@dataclass
class Case:
    """What one test or sub-case recorded, and what became of it.

    Times are in milliseconds, scores 0..1, cost in US dollars. Tokens and cost are
    totals over all attempts or trials.

    :var nodeid: pytest's node id; a sub-case has its test's, ``::`` and its name.
    :var outcome: what became of it.
    :var input: what was recorded, as the text that is sent; so are `expected` and
        `actual`.
    :var score: the recorded score, None if there is none; see `overall_score`.
    :var reason: why it did not pass.
    :var scores: the named scores.
    :var metrics: numbers that are not scores; with trials, the mean over them.
    :var params: the parameters of the test, a short text of each.
    :var param_indices: the position of each parameter in its ``parametrize``; 0, the
        first one, is left out.
    :var default_input: no input was recorded: it is the parameters or the node id.
    :var silent: the test used the fixture but recorded neither actual nor score.
    :var withheld: its values are left out because a hook failed on them.
    :var attempts: earlier runs of a test that was rerun.
    :var trials: the runs of a test with trials; `require` of them had to pass.
    :var differs_at: the first character, counted from 1, where expected and actual
        differ, if that may be beyond what is kept of them.
    :var types: the types that differ, as ``int and str``, if the texts are equal.
    :var declared: a digest of what the mark and the parameters said.
    :var carried: the session that it was carried over from.
    :var shard: the id of the session that a merged session has it from.
    :var trace_id: the trace of the call; with trials, of the one that decided.
    :var test: the node id of a sub-case's test, None for a whole test.
    """

    nodeid: str
    outcome: Outcome
    input: str = ""
    expected: str | None = None
    actual: str | None = None
    score: Share | None = None
    latency_ms: float = 0.0
    reason: str | None = None
    scores: dict[str, ScorerResult] = field(default_factory=dict)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    name: str | None = None
    prompt_id: int | None = None
    threshold: float | None = None
    tags: list[str] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    param_indices: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    ambiguous: str | None = None
    findings: list[Any] = field(default_factory=list)
    hallucination_label: str | None = None
    flaky: bool = False
    default_input: bool = False
    silent: bool = False
    withheld: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    trials: list[Attempt] = field(default_factory=list)
    require: int | None = None
    differs_at: int | None = None
    types: str | None = None
    declared: str | None = None
    carried: str | None = None
    metrics: dict[str, Finite] = field(default_factory=dict)
    shard: str | None = None
    trace_id: str | None = None
    test: str | None = None

    @property
    def trials_passed(self) -> int:
        """How many trials passed."""
        return sum(each.outcome in PASSING for each in self.trials)

    @property
    def trials_decided(self) -> int:
        """How many trials had a verdict: all that did not end by an error."""
        return sum(each.outcome != "error" for each in self.trials)

    @property
    def passed(self) -> bool:
        """Whether the row of this case counts as a pass."""
        return self.outcome in PASSING

    @property
    def has_row(self) -> bool:
        """Whether this case is sent and counts in the pass rate."""
        return self.outcome not in WITHOUT_ROW

    @property
    def has_verdict(self) -> bool:
        """Whether nothing would be learnt by running the test again."""
        return self.outcome in VERDICTS and not self.withheld

    @property
    def is_scored(self) -> bool:
        """Whether the test recorded a score of any kind."""
        return self.score is not None or bool(self.scores)

    @property
    def overall_score(self) -> float:
        """The recorded score, else the mean of named scores, else 1 for a pass or 0."""
        if self.score is not None:
            return self.score
        if self.scores:
            values = [each.score for each in self.scores.values()]
            return math.fsum(values) / len(values)
        return 1.0 if self.passed else 0.0

    @property
    def score_text(self) -> str:
        """The overall score, and what it is the mean of where that is so."""
        if self.score is not None:
            return f"{self.score:g}"
        parts = [f"{name} {each.text}" for name, each in self.scores.items()]
        mean = "mean of " if len(parts) > 1 else ""
        return f"{self.overall_score:g} ({mean}{', '.join(parts)})"

    @classmethod
    def of(cls, given: dict[str, Any]) -> Case:
        """Return the case of these fields, which it takes as they are.

        The others have their defaults, which such cases share: what may change a list
        or a dict in place needs a case of its own.
        """
        case = cls.__new__(cls)
        case.__dict__ = given
        return case

    def to_line(self) -> str:
        """Return the case as one line of ASCII JSON, fields at their default left out.

        ASCII, because a report that carries anything else may not survive the way from
        a worker process.
        """
        given = vars(self)
        if not all(given.values()):
            # most that are left out are None, empty or False
            given = {
                name: value
                for name, value in given.items()
                if value or (value is not None and name in _OPTIONAL)
            }
        return "".join(_encode(given, 0))


@dataclass(slots=True)
class EndedTest:
    """A test that has come to its end, and is no case but those in it.

    `outcomes` counts those by outcome, `declared` is a digest as that of a case.
    """

    test: str
    outcomes: dict[Outcome, int]
    declared: str | None = None

    def to_line(self) -> str:
        """Return it as one line of ASCII JSON, which no case begins like."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(said, separators=(",", ":"))


def is_prompt_id(value: object) -> bool:
    """Whether a value is a whole number as a service's database has them."""
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 0 <= value < 2**63


def case_from_line(line: str) -> Case:
    """Return the case that `to_line` of this version wrote."""
    data: dict[str, Any] = _decode(line)[0]
    if "scores" in data:
        scores = data["scores"].items()
        data["scores"] = {name: ScorerResult(**each) for name, each in scores}
    for name in ("attempts", "trials"):
        if name in data:
            data[name] = [Attempt(**each) for each in data[name]]
    return Case.of(data)


def record_from_line(line: str) -> Case | EndedTest:
    """Return what `to_line` of this version wrote of a case, or of a test's end."""
    if line.startswith(ENDED_START):
        return EndedTest(**json.loads(line))
    return case_from_line(line)


def _set_fields(value: ScorerResult | Attempt) -> dict[str, object]:
    return {name: each for name, each in vars(value).items() if each is not None}


# shared by the cases that `Case.of` makes: tests/conftest.py sees that they stay empty
for _each in fields(Case):
    if _each.default_factory is not MISSING:
        setattr(Case, _each.name, _each.default_factory())

# empty or zero, they say more than nothing
_OPTIONAL = {"nodeid", *(each.name for each in fields(Case) if each.default is None)}
_decode = json.JSONDecoder().raw_decode
# made once, as json makes one a call; what is recorded has been cleared of cycles
_encode = json.encoder.c_make_encoder(  # type: ignore[attr-defined] # not in typeshed
    None,
    _set_fields,
    json.encoder.encode_basestring_ascii,
    None,
    ":",
    ",",
    False,
    False,
    True,
)
