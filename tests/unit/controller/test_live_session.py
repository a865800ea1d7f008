"""A session while it runs takes each case once, from whichever thread it comes."""

from __future__ import annotations

import threading
from pathlib import Path

from pytest_evalguard.controller.live_session import LiveSession, new_session
from pytest_evalguard.model.case import Case

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
