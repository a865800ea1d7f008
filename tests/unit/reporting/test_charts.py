"""Charts by themselves: where each part, dot and word of a chart is."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from pytest_evalguard.reporting.html.charts import TrendPoint, outcome_bar, trend


def point(
    rate: float | None, score: float | None = None, day: int = 1, rows: int = 4
) -> TrendPoint:
    return TrendPoint(f"s{day}", f"2026-01-{day:02}T03:04:05Z", rows, rate, score)


def circles(shown: str) -> list[tuple[str, str]]:
    return re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', shown)


def texts(shown: str) -> list[tuple[str, str, str, str]]:
    """The words of a chart: x, y, anchor and text."""
    pattern = r'<text x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">(.*?)</text>'
    return re.findall(pattern, shown)


def bounds(*rates: float) -> list[str]:
    shown = trend([point(rate, day=day) for day, rate in enumerate(rates, start=1)])
    return [text for x, _, _, text in texts(shown) if x == "34"]


def test_a_bar_has_a_part_for_each_outcome() -> None:
    assert outcome_bar({"passed": 3, "not run": 1}) == (
        '<rect class="passed" x="0.0" width="750.0" height="10"/>'
        '<rect class="not-run" x="750.0" width="250.0" height="10"/>'
    )


def test_a_rare_outcome_has_a_sliver() -> None:
    widths = re.findall(r'width="([\d.]+)"', outcome_bar({"passed": 9999, "error": 1}))
    assert widths == ["996.0", "4.0"]


def test_no_outcome_is_no_bar() -> None:
    assert outcome_bar({}) == ""


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ((0.81, 0.93), ["80.0%", "95.0%"]),
        ((0.8, 0.95), ["80.0%", "95.0%"]),
        ((0.15, 0.3), ["15.0%", "30.0%"]),
        ((0.5,), ["45.0%", "50.0%"]),
        ((0.51,), ["50.0%", "55.0%"]),
        ((0.0,), ["0.0%", "5.0%"]),
        ((1.0,), ["95.0%", "100.0%"]),
    ],
)
def test_a_chart_is_between_twentieths(
    rates: tuple[float, ...], expected: list[str]
) -> None:
    assert bounds(*rates) == expected


def test_dots_are_where_their_figures_are() -> None:
    shown = trend([point(0.5), point(0.7, day=2), point(0.6, day=3)])
    assert circles(shown) == [("48.0", "70.0"), ("125.0", "10.0"), ("202.0", "40.0")]
    assert 'd="M48.0 70.0L125.0 10.0L202.0 40.0"' in shown
    assert "<title>s2: 70.0%, 4 rows</title>" in shown


def test_a_line_has_a_gap_where_a_session_has_no_figure() -> None:
    shown = trend([point(0.5), point(None, day=2), point(0.7, day=3)])
    assert 'd="M48.0 70.0M202.0 10.0"' in shown


def test_the_axes_are_named() -> None:
    shown = trend([point(0.5), point(0.7, day=2)])
    assert texts(shown) == [
        ("34", "73.5", "end", "50.0%"),
        ("34", "13.5", "end", "70.0%"),
        ("40", "88", "start", "2026-01-01"),
        ("210", "88", "end", "2026-01-02"),
    ]
    assert circles(shown) == [("48.0", "70.0"), ("202.0", "10.0")]
    assert 'd="M40 70H210"' in shown
    assert 'd="M40 10H210"' in shown


def test_one_session_stands_in_the_middle() -> None:
    shown = trend([point(0.51)])
    assert circles(shown) == [("125.0", "58.0")]
    assert texts(shown)[2:] == [("125", "88", "middle", "2026-01-01 03:04")]


def test_sessions_of_one_day_are_named_by_their_time() -> None:
    later = TrendPoint("b", "2026-01-01T09:10:11Z", 1, 0.5, None)
    ends = [text for *_, text in texts(trend([point(0.5), later]))][2:]
    assert ends == ["03:04", "2026-01-01 09:10"]


def test_a_chart_says_what_it_shows() -> None:
    shown = trend([point(0.5, 0.25), point(None, 0.75, day=2)])
    assert "<figcaption>pass rate <b>-</b></figcaption>" in shown
    assert 'aria-label="pass rate over 2 sessions: 50.0%"' in shown
    assert "<figcaption>mean score <b>0.750</b></figcaption>" in shown
    assert 'aria-label="mean score over 2 sessions: 0.250 to 0.750"' in shown


@pytest.mark.parametrize(
    ("figures", "names"),
    [
        ((0.5, 0.25), ["pass rate", "mean score"]),
        ((0.5, None), ["pass rate"]),
        ((None, 0.25), ["mean score"]),
    ],
)
def test_a_chart_is_only_of_figures_that_there_are(
    figures: tuple[float | None, float | None], names: list[str]
) -> None:
    shown = trend([point(*figures)])
    assert re.findall("<figcaption>(.*?) <b>", shown) == names


def test_no_figures_are_no_trend() -> None:
    assert trend([point(None)]) == ""


def test_nothing_else_stands_in_a_trend() -> None:
    section = ElementTree.fromstring(trend([point(0.5)]))
    assert section.attrib == {"class": "trend"}
    assert list(section.itertext()) == [
        *("Trend", "pass rate ", "50.0%", "45.0%", "50.0%", "2026-01-01 03:04"),
        *("s1: 50.0%, 4 rows", "As a table"),
        *("session", "created", "rows", "pass rate", "mean score"),
        *("s1", "2026-01-01", "4", "50.0%", "-"),
    ]
    (drawing,) = section.iter("svg")
    label = "pass rate over 1 session: 50.0%"
    expected = {"viewBox": "0 0 210 92", "role": "img", "aria-label": label}
    assert drawing.attrib == expected


def test_the_table_has_a_row_for_each_session() -> None:
    shown = trend([point(0.5, 0.25, rows=1200), point(None, day=2)])
    cells = re.findall("<t[hd](?: [^>]*)?>(.*?)</t[hd]>", shown)
    assert cells == [
        *("session", "created", "rows", "pass rate", "mean score"),
        *("s1", "2026-01-01", "1,200", "50.0%", "0.250"),
        *("s2", "2026-01-02", "4", "-", "-"),
    ]
    assert '</tr><tr><th scope="row">s2' in shown
