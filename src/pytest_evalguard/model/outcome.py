"""The outcomes of cases: one table, which everything that tells them apart reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

Outcome = Literal[
    "passed",
    "failed",
    "error",
    "skipped",
    "xfailed",
    "xpassed",
    "ambiguous",
    "not run",
    "dropped",
]
"""What became of a case; `dropped` is one that a hook took out of the session."""

AgentStatus = Literal["passed", "failed", "ambiguous"]


class OutcomeInfo(NamedTuple):
    """What an outcome means.

    `letter` shows it in a row of trials, `mark` on the report page. The one with the
    highest `severity` speaks for a case whose trials did not pass. `agent_status` is
    what an agent-evaluation service is told of it, None where nothing is sent.
    """

    letter: str
    mark: str
    passes: bool
    has_row: bool
    severity: int
    agent_status: AgentStatus | None


# in the order in which they are shown
OUTCOMES: dict[Outcome, OutcomeInfo] = {
    "passed": OutcomeInfo(".", "✓", True, True, 0, "passed"),
    "failed": OutcomeInfo("F", "F", False, True, 8, "failed"),
    "error": OutcomeInfo("E", "E", False, True, 7, "failed"),
    "xfailed": OutcomeInfo("x", "x", False, True, 5, "failed"),
    "xpassed": OutcomeInfo("X", "X", True, True, 1, "passed"),
    "ambiguous": OutcomeInfo("?", "?", False, True, 6, "ambiguous"),
    "skipped": OutcomeInfo("s", "s", False, False, 4, None),
    "not run": OutcomeInfo("-", "-", False, False, 3, None),
    "dropped": OutcomeInfo("-", "d", False, False, 2, None),
}

_MADE_UP = OutcomeInfo("-", "-", False, True, -1, "failed")

PASSING = frozenset(name for name, info in OUTCOMES.items() if info.passes)
WITHOUT_ROW = frozenset(name for name, info in OUTCOMES.items() if not info.has_row)
VERDICTS = frozenset(OUTCOMES) - WITHOUT_ROW - {"error"}

_MOST_LETTERS = 20


def info_of(outcome: Outcome) -> OutcomeInfo:
    """Return what an outcome means; a hook of a user's may have made one up."""
    return OUTCOMES.get(outcome, _MADE_UP)


def rate_without_errors(counts: Mapping[str, int]) -> float | None:
    """Return passed rows over those with a verdict, 0..1; None where there is none.

    :param counts: how many cases have each outcome.
    """
    without_verdict = WITHOUT_ROW | {"error"}
    rows = sum(n for name, n in counts.items() if name not in without_verdict)
    passed = sum(counts.get(name, 0) for name in PASSING)
    return passed / rows if rows else None


def letters_of(outcomes: Iterable[Outcome]) -> str:
    """Return the outcomes of trials, a letter each; of many only the first ones."""
    letters = "".join(info_of(each).letter for each in outcomes)
    more = len(letters) > _MOST_LETTERS
    return f"{letters[:_MOST_LETTERS]}…" if more else letters


def worst(outcomes: Sequence[Outcome]) -> int:
    """Return the index of the first of the worst outcomes."""
    severities = [info_of(each).severity for each in outcomes]
    return severities.index(max(severities))
