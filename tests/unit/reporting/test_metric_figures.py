"""Metrics and tables as they are shown."""

from __future__ import annotations

import pytest

from pytest_evalguard.analysis.totals import Totals, metric_values
from pytest_evalguard.model.case import Case
from pytest_evalguard.model.figures import Metric, Table
from pytest_evalguard.reporting.html.parts import figure_tables
from pytest_evalguard.reporting.tables import metric_figures, table_lines

CASES = [Case(str(n), "passed", metrics={"calls": float(n)}) for n in range(1, 21)]
WIDE = Table("wide", [f"a long name {n}" for n in range(9)], [list(range(9))])


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        (Metric("f1", 0.91234), "f1 0.9123"),
        (Metric("f1", 0.9, 0.85, 0.95), "f1 0.9, interval 0.85 to 0.95"),
        (
            Metric("time", 812.6, 700, 900, "ms"),
            "time 812.6 ms, interval 700 to 900 ms",
        ),
        (Metric("right", 91.2, unit="%"), "right 91.2%"),
        (Metric("a\nb", 1, unit="\x1b"), "a\\nb 1 \\x1b"),
    ],
)
def test_a_metric_is_shown_with_its_interval_and_unit(
    metric: Metric, text: str
) -> None:
    assert list(metric_figures([metric], Totals())) == [("metrics", text)]


def test_metrics_of_cases_have_mean_and_quantiles() -> None:
    totals = Totals.of(CASES)
    shown = list(metric_figures([Metric("f1", 1)], totals))
    calls = "calls mean 10.5, p50 10, p95 19 (20 cases)"
    assert shown == [("metrics", "f1 1"), ("", calls)]
    assert metric_values([Metric("f1", 1)], totals) == {"calls": 10.5, "f1": 1}


def test_of_many_metrics_the_rest_is_counted() -> None:
    metrics = [Metric(str(n), n) for n in range(5)]
    shown = [text for _, text in metric_figures(metrics, Totals(), most=3)]
    assert shown == ["0 0", "1 1", "2 2", "and 2 more"]


def test_a_table_is_shown_in_columns_with_numbers_at_the_right() -> None:
    table = Table("matrix", ["", "ja", "nein"], [["日本", 1234, None], ["b", 2, 0.5]])
    assert list(table_lines(table)) == [
        "table       matrix",
        "                     ja  nein",
        "            日本  1,234",
        "            b         2   0.5",
    ]


@pytest.mark.parametrize(
    ("table", "size"),
    [
        (WIDE, "1 row, 9 columns"),
        (Table("long", ["n"], [[n] for n in range(40)]), "40 rows, 1 column"),
    ],
)
def test_of_a_large_table_the_size_is_told(table: Table, size: str) -> None:
    _, line = table_lines(table)
    assert line.strip() == f"{size}: they are on the report page"


def test_a_table_without_rows_has_its_columns() -> None:
    assert list(table_lines(Table("t", ["a", "b"], []))) == [
        "table       t",
        "            a  b",
    ]


def test_a_table_on_the_page_is_escaped() -> None:
    shown = figure_tables([Table("<t>", ["<c>"], [["<b>\u202e"], [1.5]])])
    assert "<h2>&lt;t&gt;</h2>" in shown
    assert '<th scope="col">&lt;c&gt;</th>' in shown
    assert "<td>&lt;b&gt;\\u202e</td>" in shown
    assert "<td>1.5</td>" in shown
