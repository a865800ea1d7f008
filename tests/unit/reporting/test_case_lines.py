"""A case on the terminal: a line, its values, and all of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.model.case import Case, ScorerResult
from pytest_evalguard.reporting.cases import short_lines, whole_lines
from pytest_evalguard.reporting.report import Report
from pytest_evalguard.reporting.terminal import lines
from pytest_evalguard.storage.session import SessionState

CASE = Case("t.py::a", "failed", "t.py::a", reason="Failed: no, at t.py:2")
NAMED = ScorerResult(0.25, False), ScorerResult(0.75, True, raw=4.0)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, []),
        ({"input": "a\nb"}, [r"  input     a\nb"]),
        ({"expected": "yes"}, ["  expected  yes"]),
        ({"actual": "no"}, ["  actual    no"]),
        ({"expected": "", "actual": "a"}, ["  expected  (empty)", "  actual    a"]),
        (
            {"scores": dict(zip("ab", NAMED, strict=True))},
            ["  scores    a 0.25, b 0.75 from 4"],
        ),
        ({"carried": "before"}, ["  from      before, carried over"]),
        (
            {"expected": '{"k": {"a": 1}}', "actual": '{"k": {"a": 2}}'},
            ["  expected  k.a: 1", "  actual    k.a: 2"],
        ),
    ],
)
def test_values_that_were_recorded_are_shown(
    changes: dict[str, object], shown: list[str]
) -> None:
    case = replace(CASE, **changes)  # type: ignore[arg-type] # fields of a case
    assert list(short_lines([case], 80))[1:] == shown
    _, *rest = whole_lines(case, 80)
    assert [line for line in rest if not line.startswith(("  score ", "  reason"))] == (
        shown
    )


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("AssertionError: wrong, at t.py:2", "wrong"),
        ("AssertionError: a, at b.py:1, at sub/t.py:2\nwhole", "a, at b.py:1"),
        (
            "2 of 3 trials passed: AssertionError: no, at t.py:2",
            "2 of 3 trials passed: no",
        ),
        ("failed: by hand", "by hand"),
        (None, ""),
    ],
)
def test_a_line_has_what_matters_of_a_reason(reason: str | None, shown: str) -> None:
    (line,) = short_lines([replace(CASE, reason=reason)], 80)
    assert line == f"failed  t.py::a  {shown}".rstrip()


def test_a_reason_is_not_told_twice() -> None:
    long = "a" * 50
    case = replace(CASE, expected=long, actual="b")
    for reason, shown in (
        (f"AssertionError: assert 'b' == '{long}', at t.py:2", False),
        (f"AssertionError: assert '{long}' == 'b', at t.py:2", False),
        (f"AssertionError: assert 'c' == '{long}', at t.py:2", True),
    ):
        found = [*short_lines([replace(case, reason=reason)], 60)]
        assert found[0] == "failed  t.py::a"
        assert any(line.startswith("  reason") for line in found) == shown


def test_all_lines_of_a_reason_are_shown_with_all_of_a_case() -> None:
    case = replace(CASE, reason="one, at t.py:2\ntwo", trace_id="4bf9")
    assert list(whole_lines(case, 80)) == [
        "failed t.py::a",
        "  trace     4bf9",
        "  reason    one, at t.py:2",
        "            two",
    ]


def test_what_can_not_be_read_again_is_shown_in_short(tmp_path: Path) -> None:
    totals = Totals.of(replace(CASE, nodeid=f"t.py::{n}") for n in range(30))
    state = SessionState("x", "2026-01-01", status="finished")
    report = Report(tmp_path / "gone", state, totals)
    shown = list(lines(report, is_verbose=True))
    assert "30 cases did not pass, the first 5 with values:" in shown
    assert sum(line.startswith("failed") for line in shown) == 20
    assert "and 10 more: -v or the report page shows them" in shown
