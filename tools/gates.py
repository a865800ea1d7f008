"""How often gates fail, by simulated sessions: the table of docs/gates.md.

    python tools/gates.py [--sessions 1000] [--cases 50 200 1000] [--trials 1 5]

The same cases are run twice, each with its own chance to pass: most nearly always do,
some seldom, 85% on average. Then either nothing has changed, or all chances are lower,
by 5 points on average. With trials a case passes when all of them do.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence

from pytest_evalguard.analysis.baseline import Baseline, counting
from pytest_evalguard.analysis.comparison import compare
from pytest_evalguard.analysis.gates import check_gates
from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.config.checks import Limit
from pytest_evalguard.config.settings import Settings
from pytest_evalguard.model.case import Attempt, Case

RATE = 0.85
DROP = 0.05
MARGIN = 0.02
CHANCES = (1.7, 0.3)  # of the beta distribution: mean 0.85, most near 1, some near 0
GATES = (  # in the order in which they are checked
    "`min-pass-rate`, 2 points below the baseline's",
    "`max-regressions=0`",
    "`max-drop=0`",
    "`max-drop=0.02`",
)


def session(chances: Sequence[float], trials: int, dice: random.Random) -> list[Case]:
    """Return the cases of one session."""
    return [
        _case(f"t.py::test[{number}]", [dice.random() < each for _ in range(trials)])
        for number, each in enumerate(chances)
    ]


def _case(name: str, passes: Sequence[bool]) -> Case:
    outcomes = [Attempt("passed" if each else "failed") for each in passes]
    case = Case(name, "passed" if all(passes) else "failed", input=name)
    case.trials = outcomes if len(outcomes) > 1 else []
    return case


def failures(before: list[Case], after: list[Case]) -> list[bool]:
    """Return of each gate whether it fails."""
    old, new = (Baseline({e.nodeid: counting(e) for e in c}) for c in (before, after))
    wanted = sum(case.passed for case in before) / len(before) - MARGIN
    settings = Settings(
        min_pass_rate=(Limit(max(0.0, wanted)),),
        max_regressions=0,
        max_drop=(Limit(0.0), Limit(MARGIN)),
    )
    found = compare("baseline", old, new)
    gates = check_gates(settings, Totals.of(after), found)
    return [not gate.passed for gate in gates]


def shares(
    sessions: int, cases: int, trials: int, drop: float, dice: random.Random
) -> list[float]:
    """Return in which share of sessions each gate fails."""
    failed = [0] * len(GATES)
    for _ in range(sessions):
        chances = [dice.betavariate(*CHANCES) for _ in range(cases)]
        lower = [each * (1 - drop / RATE) for each in chances]
        before, after = (session(each, trials, dice) for each in (chances, lower))
        found = failures(before, after)
        failed = [old + new for old, new in zip(failed, found, strict=True)]
    return [each / sessions for each in failed]


def table(sessions: int, sizes: Sequence[int], trials: Sequence[int]) -> Iterator[str]:
    """Yield the lines of the table, as Markdown: no change → 5 points less."""
    yield f"| cases | trials | {' | '.join(GATES)} |"
    yield f"|---|---|{'---|' * len(GATES)}"
    for cases in sizes:
        for count in trials:
            dice = random.Random(f"{cases} {count}")
            same = shares(sessions, cases, count, 0.0, dice)
            fell = shares(sessions, cases, count, DROP, dice)
            pairs = zip(same, fell, strict=True)
            cells = " | ".join(f"{one:.1%} → {other:.1%}" for one, other in pairs)
            yield f"| {cases:,} | {count} | {cells} |"


def main() -> None:
    """Print the table, line by line as it is found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1_000)
    parser.add_argument("--cases", type=int, nargs="*", default=(50, 200, 1_000))
    parser.add_argument("--trials", type=int, nargs="*", default=(1, 5))
    options = parser.parse_args()
    for line in table(options.sessions, options.cases, options.trials):
        print(line, flush=True)


if __name__ == "__main__":
    main()
