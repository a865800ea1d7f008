"""The summary as a comment: what stands first, and what stays of one too long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.model.case import Case, ScorerResult
from pytest_evalguard.reporting.markdown import MOST_CHARACTERS, comment
from pytest_evalguard.reporting.report import Report
from pytest_evalguard.storage.session import Gate, SessionState

ENDED = SessionState("x", "2026-01-01", status="finished", selected=3)
MET = Gate("pass rate", "90%", "at least 80%", passed=True)
UNMET = replace(MET, passed=False)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"gates": (MET, MET)}, ["**2 gates met**"]),
        ({"gates": (MET, UNMET)}, ["**1 of 2 gates FAILED**"]),
        ({"missing": 2}, ["**2 cases missing**"]),
        (
            {"status": "interrupted", "gates": (MET,)},
            ["**the session was interrupted**", "**1 gate met**"],
        ),
        ({"status": "running"}, ["**the session was not finished**"]),
        ({"status": "running", "selected": 0}, []),
        ({}, []),
    ],
)
def test_what_is_not_whole_is_said_before_its_gates(
    changes: dict[str, object], expected: list[str]
) -> None:
    state = replace(ENDED, **changes)  # type: ignore[arg-type] # fields of the state
    text = comment(Report(Path("session"), state, Totals.of([Case("a", "passed")])))
    assert [line for line in text.splitlines() if line.startswith("**")] == expected


def test_what_is_wrong_stays_in_a_summary_that_is_cut() -> None:
    scores = {f"{n}{'<' * 60}": ScorerResult(0.5, True) for n in range(2_000)}
    totals = Totals.of([Case("a", "passed", scores=scores)])
    state = replace(ENDED, status="interrupted")
    notes = [f"a hook failed {n} {'&' * 500}" for n in range(20)]
    text = comment(Report(Path("session"), state, totals, notes=notes))
    cut = text.index("The rest was too long and is left out.")
    assert text.index("\n- the session was interrupted\n") > cut
    assert text.count("The rest was too long and is left out.") == 2
    assert len(text) < MOST_CHARACTERS + 200
