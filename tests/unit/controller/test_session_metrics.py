"""What hooks return of a session, each asked by itself, and where it has an end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_evalguard import hookspecs
from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.controller.metrics_hook import CollectedMetrics, SessionCases
from pytest_evalguard.model.case import Case
from pytest_evalguard.model.figures import Metric, Table
from pytest_evalguard.storage.session import Session

CASES = [Case("a", "passed"), Case("b", "dropped"), Case("c", "skipped")]


@pytest.fixture
def cases(tmp_path: Path) -> SessionCases:
    lines = "".join(f"{case.to_line()}\n" for case in CASES)
    (tmp_path / "cases.jsonl").write_text(lines)
    totals = Totals.of(CASES)
    totals.outcomes["not run"] += 1
    return SessionCases(Session(tmp_path), totals)


Hook = Callable[[SessionCases], object]


def collected(cases: SessionCases, *hooks: Hook) -> CollectedMetrics:
    """Return what hooks give that are registered in that order."""
    manager = pytest.PytestPluginManager()
    manager.add_hookspecs(hookspecs)

    class Plugin:
        def __init__(self, hook: Hook) -> None:
            self._hook = hook

        def pytest_evalguard_metrics(self, cases: SessionCases) -> object:
            return self._hook(cases)

    for number, hook in enumerate(hooks):
        manager.register(Plugin(hook), f"plugin {number}")
    config = SimpleNamespace(
        hook=manager.hook, pluginmanager=manager, rootpath=Path(__file__).parent
    )
    found = CollectedMetrics(["calls"])
    found.ask(cast(Any, config), cases)
    return found


def test_cases_may_be_gone_through_twice_and_are_counted(cases: SessionCases) -> None:
    for _ in range(2):
        assert [case.nodeid for case in cases] == ["a", "c"]
    assert len(cases) == 2
    assert CASES[0] in cases
    assert CASES[1] not in cases


def test_a_hook_that_raises_takes_nothing_from_others(cases: SessionCases) -> None:
    def fail(_: SessionCases) -> object:
        pytest.fail("no metrics today")

    found = collected(cases, lambda _: {"a": 1}, fail, lambda _: {"b": 2})
    assert found.metrics == [Metric("a", 1.0), Metric("b", 2.0)]
    (problem,) = found.problems
    assert "test_session_metrics.py raised Failed: no metrics today, at" in problem


def test_a_name_is_given_once(cases: SessionCases) -> None:
    found = collected(
        cases,
        lambda _: {"a": 1, "calls": 2},
        lambda _: [{"a": 3}, Table("a", ["x"], [])],
    )
    assert found.metrics == [Metric("a", 1.0)]
    assert [each.name for each in found.tables] == ["a"]
    of_cases, of_hook = found.problems
    assert "'calls' already, from eval_case.add_metric(): give it another" in of_cases
    assert "'a' already, from test_session_metrics.py: give it another" in of_hook


@pytest.mark.parametrize(
    ("returned", "metrics", "tables", "problem"),
    [
        (
            {str(n): n for n in range(501)},
            500,
            0,
            "a session can have at most 500 metrics",
        ),
        (
            [Table(str(n), ["a"], []) for n in range(51)],
            0,
            50,
            "at most 50, of 20,000 cells together; '50' is one too many",
        ),
        (
            [Table(str(n), list("abcdefghijk"), [range(11)] * 1000) for n in range(2)],
            0,
            1,
            "of 20,000 cells together; '1' is one too many",
        ),
    ],
)
def test_what_is_kept_has_an_end(
    cases: SessionCases, returned: object, metrics: int, tables: int, problem: str
) -> None:
    found = collected(cases, lambda _: returned)
    assert (len(found.metrics), len(found.tables)) == (metrics, tables)
    assert problem in found.problems[0]


def test_of_many_problems_a_few_are_told(cases: SessionCases) -> None:
    found = collected(cases, lambda _: {str(n): "x" for n in range(100)})
    assert len(found.problems) == 11
    assert found.problems[-1] == "pytest_evalguard_metrics: 90 more like these"
