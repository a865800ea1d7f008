"""The summary as a comment: what stands first, and what stays of one too long."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from pytest_evalguard.analysis.baseline import Baseline, BaselineCases
from pytest_evalguard.analysis.comparison import compare
from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.model.case import Case, ScorerResult
from pytest_evalguard.model.figures import Table
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


def heads(text: str) -> list[str]:
    """The first words of what stands below each other: tables, headings, parts."""
    starts = ("**", "| gate", "| figure", "### ", "<details>")
    return [" ".join(x.split()[:3]) for x in text.splitlines() if x.startswith(starts)]


def test_what_decides_stands_before_figures_and_cases() -> None:
    cases = [
        Case(
            "t.py::a", "failed", params={"model": "x"}, reason="Failed: no, at t.py:2"
        ),
        Case("t.py::b", "passed", params={"model": "y"}),
    ]
    totals = Totals.of(cases, group_by=["param:model"])
    baseline = Baseline(BaselineCases())
    comparison = compare("before", baseline, baseline)
    state = replace(ENDED, gates=(UNMET,))
    text = comment(Report(Path("session"), state, totals, comparison))
    assert heads(text) == [
        "**1 of 1",
        "| gate |",
        "### Since before",
        "| figure |",
        "### By param&#58;model",
        "### param&#58;model&#58; against",
        "### Did not",
        "<details><summary>failed t.py&#58;&#58;a&#58; Failed&#58;",
    ]


def test_a_case_is_told_by_its_keys_and_its_whole_reason() -> None:
    case = Case(
        "t.py::a",
        "failed",
        "t.py::a",
        expected='{"a": 1, "b": 2}',
        actual='{"a": 1}',
        score=0.5,
        reason="AssertionError: assert x: f() is False, at t.py:2\n"
        "assert False + where",
    )
    text = unescape(comment(Report(Path("session"), ENDED, Totals.of([case]))))
    assert "<summary>failed t.py::a 0.500: assert x: f() is False</summary>" in text
    assert text.partition("| --- | --- |\n")[2].partition("| --- | --- |\n")[2] == (
        "| expected | b: 2 |\n"
        "| actual | b: (missing) |\n"
        "| score | 0.5 |\n"
        "| reason | AssertionError: assert x: f() is False, at t.py:2 |\n"
        "|  | assert False + where |\n\n"
        "</details>\n\n\n"
    )


def test_a_large_session_is_below_the_limit_of_a_comment() -> None:
    text = "日<&" * 3_000
    metrics = {f"{text[:30]}{n}": 1.0 for n in range(300)}
    cases = [
        Case(
            f"t.py::{n}{text}",
            "failed",
            text,
            expected=f'{{"{text}": {n}}}',
            actual=f'{{"{text}": -1}}',
            reason=text,
            scores={text[:n]: ScorerResult(0.5, True, text)},
            metrics=metrics,
            params={"model": f"{n}{text[:100]}"},
            trace_id=text[:200],
        )
        for n in range(1, 300)
    ]
    totals = Totals.of(cases, group_by=["param:model"])
    tables = tuple(Table(text, ["a"] * 9, [[text] * 9] * 40) for _ in range(5))
    gates = tuple(replace(UNMET, name=f"{n}{text}") for n in range(50))
    link = "https://traces.test/{trace_id}"
    state = replace(ENDED, gates=gates, tables=tables, trace_link=link)
    cut = comment(Report(Path("session"), state, totals, notes=[text] * 50))
    assert len(cut) < 65_536
    assert cut.isascii()
    assert cut.count("<details>") == cut.count("</details>")
    assert cut.index("50 of 50 gates FAILED") < 300
