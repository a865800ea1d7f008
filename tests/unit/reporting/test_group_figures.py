"""Groups of cases as lines of the summary, as Markdown and as tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pytest_evalguard.analysis.groups import MOST_GROUPS
from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.errors import SessionError
from pytest_evalguard.model.case import Case, ScorerResult
from pytest_evalguard.model.text import cells
from pytest_evalguard.reporting.html.charts import histograms
from pytest_evalguard.reporting.markdown import MOST_CHARACTERS, comment
from pytest_evalguard.reporting.report import Report, report_of
from pytest_evalguard.reporting.tables import (
    comparison_table,
    group_lines,
    group_table,
)
from pytest_evalguard.storage.session import Session, SessionState, create_session


def cases_of(models: Iterable[str], count: int = 8, **fields: Any) -> list[Case]:
    """Return cases of models in that order; of the first one all pass."""
    return [
        Case(
            f"t.py::test_q[{model}-{n}]",
            "failed" if index and n < 7 else "passed",
            params={"model": model, "n": f"{n}"},
            param_indices={"model": index, "n": n},
            latency_ms=index + n / 10,
            **fields,
        )
        for index, model in enumerate(models)
        for n in range(count)
    ]


def totals_of(cases: Iterable[Case], *keys: str) -> Totals:
    return Totals.of(cases, group_by=keys or ["param:model"])


def lines_of(cases: Iterable[Case], *keys: str) -> list[str]:
    return [*group_lines(totals_of(cases, *keys).groupings)]


def test_each_group_has_a_line_and_is_compared_with_the_first() -> None:
    cases = cases_of(["z-big", "a-tiny"], cost_usd=0.01)
    shown = lines_of(cases, "param:model", "param:x")
    assert shown[:4] == [
        "by param:model:",
        "  model   cases  pass rate   95% interval  score     p95     cost",
        "  z-big       8     100.0%  67.6 to 100.0  1.000  0.7 ms  $0.0800",
        "  a-tiny      8      12.5%    2.2 to 47.1  0.125  1.7 ms  $0.0800",
    ]
    assert " ".join(" ".join(shown[4:-1]).split()) == (
        "a-tiny against z-big, 8 pairs: pass rate -87.5 points, 95% interval -97.8 to"
        " -40.1, more than noise (p = 0.0156) (0 better, 7 worse, 1 same); mean score"
        " -0.875, 95% interval -0.978 to -0.401, more than noise (p = 0.0156) (0"
        " better, 7 worse, 1 same)"
    )
    why = "by param:x: no result has the parameter x; there are: model, n"
    assert shown[-1] == why


def test_what_is_not_compared_is_counted() -> None:
    cases = [*cases_of(["big", "tiny"], 2)[:3], Case("t.py::other", "passed")]
    cases[2].outcome = "error"
    shown = " ".join(" ".join(lines_of(cases)).split())
    assert "1 case without model" in shown
    assert "0 pairs: pass rate 0 better, 0 worse, 0 same, too few pairs to" in shown
    apart = "1 pair with an error, not compared; 1 case without a partner"
    assert apart in shown
    table = comparison_table(totals_of(cases).groupings[0])
    assert table is not None
    assert (table.columns[-1], table.rows[0][-1]) == ("not compared", apart)


def test_the_terminal_shows_twenty_groups_and_counts_the_rest() -> None:
    shown = lines_of(cases_of([f"model-{n:02}" for n in range(30)], 1))
    assert sum(line.startswith("  model-") for line in shown) == 20 + 5
    assert "  and 10 more groups, on the report page" in shown
    assert "  and 24 more comparisons, on the report page" in shown
    (grouping,) = totals_of(cases_of([f"{n}" for n in range(30)], 1)).groupings
    assert len(group_table(grouping).rows) == 30
    table = comparison_table(grouping)
    assert table is not None
    assert len(table.rows) == 29


def test_the_scores_are_shown_that_there_is_room_for() -> None:
    scores = {f"score {n}": ScorerResult(0.5, True) for n in range(9)}
    cases = cases_of(["a" * 90, "漢字" * 20], scores=scores)
    shown = lines_of(cases)
    assert max(map(cells, shown)) <= 80
    assert any("more scores, on the report page" in line for line in shown)


def test_cases_beyond_the_groups_that_are_kept_are_counted() -> None:
    ids = [f"{n:05}" for n in range(MOST_GROUPS + 3)]
    shown = lines_of(
        (Case(n, "passed", metadata={"id": n}) for n in ids), "metadata:id"
    )
    assert "  3 cases of more groups: the first 1,000 by name are kept" in shown


def test_markdown_has_all_groups_and_stays_within_its_bounds() -> None:
    def text(count: int) -> str:
        cases = cases_of([f"m{n}" for n in range(count)], 1)
        state = SessionState("s", "2026-01-01T00:00:00+00:00")
        return comment(Report(Path("s"), state, totals_of(cases, "param:model", "tag")))

    small, many = text(3), text(900)
    assert "| m2 | 1 |" in small
    assert "no result has a tag" in small
    assert small.index("| m2 | 1 |") < small.index("Did not pass")
    assert many.index("Did not pass") < many.index("| m2 | 1 |")
    assert len(many) <= MOST_CHARACTERS
    assert all(f"| m{n} | 1 |" in many for n in range(100))


def test_scores_are_charts_that_say_their_counts() -> None:
    totals = Totals.of(
        Case(f"{n}", "passed", scores={"<b>": ScorerResult(n / 10, True)})
        for n in range(11)
    )
    counts = totals.scorers["<b>"].histogram(10)
    assert counts == [1] * 9 + [2]
    shown = histograms({"<b>": counts})
    assert "0.9 to 1.0: 2 cases" in shown
    assert "<b>" not in shown
    assert histograms({}) == ""


def test_a_state_with_another_key_is_told(tmp_path: Path) -> None:
    session = Session(tmp_path / "s")
    created = "2026-01-01T00:00:00+00:00"
    create_session(session, SessionState("s", created, group_by=("colour",)))
    with pytest.raises(SessionError, match=r"session.json can't be read: 'colour'"):
        report_of(session)
