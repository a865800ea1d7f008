"""A session while it runs takes each case once, from whichever thread it comes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from pytest_evalguard.controller.live_session import LiveSession, new_session
from pytest_evalguard.model.case import Case, EndedTest
from pytest_evalguard.model.outcome import Outcome

THREADS, EACH = 8, 100


def test_cases_that_finish_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    live = LiveSession(*new_session(tmp_path))
    names = [[f"t::{n}-{m}" for m in range(EACH)] for n in range(THREADS)]
    live.select([name for group in names for name in group])

    def add(group: list[str]) -> None:
        for name in group:
            case = Case(name, "passed", "x" * 1000)
            live.add(case, case.to_line())

    threads = [threading.Thread(target=add, args=(group,)) for group in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    live.close(status="finished")
    live.release()
    assert live.lost == 0
    assert len(live.session.cases()) == THREADS * EACH
    assert live.totals.rows == THREADS * EACH
    assert len(live.session.journal_path.read_text().splitlines()) == THREADS * EACH


@pytest.fixture
def live(tmp_path: Path) -> LiveSession:
    live = LiveSession(*new_session(tmp_path))
    live.select(["t::a", "t::b"])
    return live


def take(live: LiveSession, name: str, outcome: Outcome = "passed") -> None:
    test = name.partition(" ")[0]
    case = Case(name, outcome, test=test if name != test else None)
    live.add(case, case.to_line())


def end(live: LiveSession, test: str) -> None:
    ended = EndedTest(test, {})
    live.add(ended, ended.to_line())


def closed(live: LiveSession) -> dict[str, Any]:
    live.close(status="finished")
    live.release()
    stored = live.session.cases()
    assert len(stored) + live.unfinished == live.state.selected
    assert sum(live.state.counts.values()) == live.state.selected
    return dict(live.state.counts)


def test_a_test_with_sub_cases_is_no_case_itself(live: LiveSession) -> None:
    for name in ("t::a 1", "t::a 2"):
        take(live, name, "not run")
        take(live, name, "failed")
    end(live, "t::a")
    take(live, "t::b")
    assert closed(live) == {"failed": 2, "passed": 1}


def test_a_sub_case_that_did_not_end_is_counted_and_named(live: LiveSession) -> None:
    take(live, "t::a 1", "not run")
    take(live, "t::a 2", "not run")
    take(live, "t::a 2", "passed")
    assert closed(live) == {"passed": 1, "not run": 3}
    assert live.totals.unended.first == ["t::a 1"]


def test_what_a_test_says_when_it_runs_again_counts(live: LiveSession) -> None:
    for outcome in ("failed", "passed"):
        take(live, "t::a 1", "not run")
        take(live, "t::a 1", outcome)
    take(live, "t::a", "error")
    end(live, "t::a")
    end(live, "t::a")
    take(live, "t::b")
    assert closed(live) == {"passed": 2}


def test_a_test_may_be_a_case_after_it_was_none(live: LiveSession) -> None:
    take(live, "t::a 1")
    end(live, "t::a")
    take(live, "t::a", "failed")
    take(live, "t::b")
    assert closed(live) == {"passed": 2, "failed": 1}


def test_what_comes_after_the_end_is_not_taken(live: LiveSession) -> None:
    take(live, "t::a")
    take(live, "t::b")
    assert closed(live) == {"passed": 2}
    take(live, "t::a late")
    assert len(live.session.cases()) == 2


def test_until_it_is_closed_a_session_counts_what_it_can_know(
    live: LiveSession,
) -> None:
    for name in ("t::a 1", "t::a 2"):
        take(live, name, "not run")
    take(live, "t::a 1")
    stored, state = live.session.cases(), live.session.state
    assert (stored.finished, stored.selected(state.selected, state.status)) == (1, 4)
    end(live, "t::a")
    stored = live.session.cases()
    assert stored.selected(state.selected, state.status) == 3
    assert closed(live) == {"passed": 1, "not run": 2}
