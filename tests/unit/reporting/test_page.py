"""The report page as a file: what is in it, and that nothing recorded is markup."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.errors import SessionError
from pytest_evalguard.model.case import Case, ScorerResult
from pytest_evalguard.model.outcome import OUTCOMES
from pytest_evalguard.reporting.html.charts import TrendPoint
from pytest_evalguard.reporting.html.page import Page, Since, write_page, write_report
from pytest_evalguard.reporting.html.parts import CaseData
from pytest_evalguard.reporting.report import Report
from pytest_evalguard.storage.session import Gate, SessionState

PAGE = Page("a session")
POINT = TrendPoint("first", "2026-01-02T03:04:05+00:00", 20, 0.95, 0.875)
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!-- <script> -->]]></style></title></noscript>",
    "\"><img src=x onerror=alert(1)> '",
    "&lt;b&gt; &#60; &copy",
    "$title ${script} $$ {0} %s \\u003c",
    "nul \0 rlo \u202e lre \u202a pdi \u2069 lone \ud800 \udfff line \u2028",
    "javascript:alert(1)",
    "__proto__",
]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))


@dataclass
class Document(HTMLParser):
    """A parsed page: its tags, and the text in each element."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    contents: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._raw = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._raw = tag if tag in ("script", "style") else ""
        self.contents.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        self._raw = ""

    def handle_data(self, data: str) -> None:
        if self._raw:
            self.contents[self._raw][-1] += data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All that is shown without JavaScript."""
        return " ".join("".join(self.texts).split())

    @property
    def names(self) -> list[str]:
        return [tag for tag, _ in self.tags]

    @property
    def links(self) -> list[str | None]:
        return [attributes["href"] for tag, attributes in self.tags if tag == "a"]

    @property
    def facts(self) -> dict[str, dict[str, Any]]:
        """What the script is told besides the cases."""
        return dict(json.loads(self.contents["script"][0]))

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The embedded cases."""
        _, *data, _ = self.contents["script"]
        return [
            json.loads(line) for block in data for line in block.split("\n") if line
        ]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page") / "page.html"


def written(path: Path, page: Page = PAGE, cases: Iterable[Case] = ()) -> Document:
    write_page(path, page, CaseData.of(cases))
    document = Document()
    document.feed(path.read_bytes().decode("utf-8"))
    document.close()
    return document


def test_the_figures_are_shown_without_javascript(path: Path) -> None:
    page = replace(
        PAGE,
        facts=[("commit", "7f3c2d9")],
        figures=[("pass rate", "95.0% (19 of 20), 95% interval 76.4% to 99.1%")],
        notes=["the session was interrupted"],
        gates=[Gate("min-score: 0.9", "0.875", "at least 0.900", passed=False)],
    )
    text = written(path, page).text
    assert "a session" in text
    assert "commit7f3c2d9" in text
    assert "pass rate95.0% (19 of 20), 95% interval 76.4% to 99.1%" in text
    assert "the session was interrupted" in text
    assert "failed: min-score: 0.9" in text
    assert "0.875, wanted at least 0.900" in text


def test_outcomes_are_counted_without_javascript(path: Path) -> None:
    outcomes = ("passed", "failed", "passed", "error", "not run")
    cases = [Case(f"t.py::{n}", outcome) for n, outcome in enumerate(outcomes)]  # type: ignore[arg-type]
    text = written(path, PAGE, cases).text
    assert "passed 2failed 1error 1not run 1" in text
    assert "5 cases" in text


def test_it_says_what_needs_javascript(path: Path) -> None:
    assert "need JavaScript" in written(path).text


def test_cases_are_embedded_as_they_are_kept(path: Path) -> None:
    case = Case("t.py::a", "failed", input="<b>", scores={"x": ScorerResult(0.5, True)})
    page = replace(PAGE, since=Since("last", [], {"t.py::a": "regressed"}))
    document = written(path, page, [case])
    assert document.lines == [json.loads(case.to_line())]
    assert document.facts["changes"] == {"t.py::a": "regressed"}


def test_the_page_is_told_all_outcomes(path: Path) -> None:
    outcomes = written(path).facts["outcomes"]
    assert list(outcomes) == list(OUTCOMES)
    assert outcomes["failed"] == {"mark": "F", "severity": 8, "passes": False}


def test_many_cases_are_in_several_blocks(path: Path) -> None:
    names = [f"t.py::{number:04}" for number in range(1001)]
    document = written(path, PAGE, [Case(name, "passed") for name in names])
    assert document.names.count("script") == 5
    assert [line["nodeid"] for line in document.lines] == names


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=9, max_size=9))
def test_no_text_of_a_case_is_markup(path: Path, texts: list[str]) -> None:
    nodeid, given, expected, actual, reason, tag, name, key, value = texts
    case = Case(
        nodeid,
        "failed",
        input=given,
        expected=expected,
        actual=actual,
        reason=reason,
        tags=[tag],
        scores={name: ScorerResult(1.0, True, value)},
        metadata={key: {key: value}},
    )
    document = written(path, PAGE, [case])
    assert document.lines == [json.loads(case.to_line())]
    assert document.names == written(path, PAGE, [Case("a", "failed")]).names


def page_of(texts: list[str]) -> Page:
    one, two, three, four = texts
    return Page(
        title=one,
        verdict=two,
        facts=[(two, f"x{three}")],
        figures=[(three, f"x{four}")],
        notes=[four],
        gates=[Gate(one, f"x{two}", three, passed=True)],
        trend=[TrendPoint(two, three, 1, 0.5, 0.5), replace(POINT, name=four)],
        since=Since(one, [two], {}, {three: [four]}),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_no_text_of_a_session_is_markup(path: Path, texts: list[str]) -> None:
    document = written(path, page_of(texts))
    assert document.names == written(path, page_of(["a", "b", "c", "d"])).names
    assert not re.search("[\u202a-\u202e\u2066-\u2069\ud800-\udfff\0]", document.text)


def test_what_hides_in_a_text_is_shown_as_an_escape(path: Path) -> None:
    document = written(path, replace(PAGE, notes=["a\u202eb \ud800 \0 <b>"]))
    assert "a\\u202eb \\ud800 \\x00 <b>" in document.text


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x"),
        *("http://ci.example/1", "//ci.example/1", "https:", "https:x", " https://a"),
        *("https://a b", "https://a\u202e", "https://[", "see https://a.example"),
    ],
)
def test_only_an_https_url_is_a_link(path: Path, url: str) -> None:
    document = written(path, replace(PAGE, facts=[("build", url)]))
    assert document.links == []


def test_an_https_url_is_a_link(path: Path) -> None:
    url = 'https://ci.example/1?a=b&c="d"'
    document = written(path, replace(PAGE, facts=[("build", url)]))
    assert document.links == [url]
    assert url in document.text


def policy(document: Document) -> Mapping[str, str]:
    contents = [attributes.get("content") for _, attributes in document.tags]
    (text,) = [each for each in contents if each and "default-src" in each]
    return dict(each.strip().split(" ", 1) for each in text.split(";"))


def hash_of(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def test_the_policy_allows_this_script_and_this_style_and_nothing_else(
    path: Path,
) -> None:
    document = written(path)
    (style,) = document.contents["style"]
    assert policy(document) == {
        "default-src": "'none'",
        "script-src": hash_of(document.contents["script"][-1]),
        "style-src": hash_of(style),
        "connect-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_nothing_is_loaded_and_nothing_is_inline(path: Path) -> None:
    case = Case("t.py::a", "failed", actual="b")
    document = written(path, page_of(["a", "b", "c", "d"]), [case])
    names = {name for _, attributes in document.tags for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"src", "srcset", "style", "action", "data", "href"}
    assert not {"link", "base", "form", "iframe", "object", "img"} & set(document.names)
    assert not re.search(r"url\(|@import", document.contents["style"][0])


def test_only_one_case_is_in_memory(path: Path) -> None:
    def cases() -> Iterator[Case]:
        for number in range(200):
            yield Case(f"t.py::{number}", "passed", actual=f"{number}" * 30_000)

    tracemalloc.start()
    try:
        write_page(path, PAGE, CaseData.of(cases()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 10_000_000
    assert peak < 2_000_000


def test_a_page_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    def cases() -> Iterator[Case]:
        yield Case("t.py::a", "passed")
        raise SessionError("the journal is gone")

    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(SessionError, match="journal is gone"):
        write_page(path, PAGE, CaseData.of(cases()))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["page.html"]


def test_directories_on_the_way_are_made(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "evals" / "page.html"
    write_page(path, PAGE, CaseData.of([]))
    assert path.is_file()


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.mkdir()
    with pytest.raises(SessionError, match=r"page\.html was not written: .*name anoth"):
        write_page(path, PAGE, CaseData.of([]))


def test_numbers_that_javascript_has_not_are_text(path: Path) -> None:
    metadata = {"id": 2**63, "small": 12, "nan": float("nan"), "low": -float("inf")}
    case = Case("t.py::a", "passed", metadata=metadata)
    (line,) = written(path, PAGE, [case]).lines
    assert line["metadata"] == {
        "id": "9223372036854775808",
        "small": 12,
        "nan": "NaN",
        "low": "-Infinity",
    }


def test_digits_in_a_text_stay_as_they_are(path: Path) -> None:
    case = Case("t.py::a", "passed", actual="NaN 12345678901234567890")
    (line,) = written(path, PAGE, [case]).lines
    assert line["actual"] == "NaN 12345678901234567890"


# Charts


def labels(document: Document) -> list[str | None]:
    return [
        each["aria-label"] for _, each in document.tags if each.get("role") == "img"
    ]


def test_a_trend_is_described_in_words(path: Path) -> None:
    before = replace(POINT, name="zeroth", pass_rate=0.8, score=0.75)
    document = written(path, replace(PAGE, trend=[before, POINT]))
    assert labels(document) == [
        "pass rate over 2 sessions: 80.0% to 95.0%",
        "mean score over 2 sessions: 0.750 to 0.875",
    ]


def test_a_trend_is_a_table_too(path: Path) -> None:
    document = written(path, replace(PAGE, trend=[POINT]))
    assert "first2026-01-022095.0%0.875" in document.text


def test_one_session_is_a_trend_of_one_point(path: Path) -> None:
    document = written(path, replace(PAGE, trend=[POINT]))
    assert document.names.count("circle") == 2
    assert labels(document)[0] == "pass rate over 1 session: 95.0%"
    assert "2026-01-02 03:04" in document.text


def test_a_session_without_rows_is_a_gap(path: Path) -> None:
    gap = replace(POINT, rows=0, pass_rate=None, score=None)
    document = written(path, replace(PAGE, trend=[POINT, gap, POINT, POINT]))
    (line, _) = [
        attributes["d"]
        for tag, attributes in document.tags
        if tag == "path" and attributes["class"] == "line"
    ]
    assert re.sub("[0-9. ]", "", str(line)) == "MML"
    assert document.names.count("circle") == 6


def test_no_figures_are_no_trend(path: Path) -> None:
    gap = replace(POINT, rows=0, pass_rate=None, score=None)
    assert "Trend" not in written(path, replace(PAGE, trend=[gap])).text


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=30).filter(any)
)
@settings(max_examples=60, deadline=None)
def test_every_point_is_within_its_chart(path: Path, rates: list[float | None]) -> None:
    points = [replace(POINT, pass_rate=rate, score=None) for rate in rates]
    document = written(path, replace(PAGE, trend=points))
    circles = [attributes for tag, attributes in document.tags if tag == "circle"]
    assert len(circles) == sum(rate is not None for rate in rates)
    for circle in circles:
        assert 40 <= float(circle["cx"] or 0) <= 210
        assert 9.9 <= float(circle["cy"] or 0) <= 70.1


def test_points_of_one_day_are_told_apart_by_their_time(path: Path) -> None:
    later = replace(POINT, created="2026-01-02T09:10:11+00:00")
    text = written(path, replace(PAGE, trend=[POINT, later])).text
    assert "03:042026-01-02 09:10" in text


def test_the_rarest_outcome_is_in_sight(path: Path) -> None:
    cases = [Case(f"t.py::{number}", "passed") for number in range(5000)]
    document = written(path, PAGE, [*cases, Case("t.py::x", "error")])
    widths = {
        attributes["class"]: float(attributes["width"] or 0)
        for tag, attributes in document.tags
        if tag == "rect"
    }
    assert widths["error"] > 3
    assert sum(widths.values()) == pytest.approx(1000, abs=0.2)


def test_what_changed_is_told_in_words(path: Path) -> None:
    absent = {"only in the baseline": ["t.py::old", "t.py::older"]}
    since = Since("nightly", ["1 regressed", "2 gone"], {}, absent)
    text = written(path, replace(PAGE, since=since)).text
    assert "Since nightly1 regressed2 gone" in text
    assert "2 cases only in the baselinet.py::oldt.py::older" in text


# The page of a session


MET = Gate("errors", "0", "at most 1", passed=True)
MISSED = replace(MET, passed=False)
DONE = SessionState("a", "2026-01-02T03:04:05+00:00", "finished")
TWO = [Case("t.py::a", "passed"), Case("t.py::b", "failed")]


@pytest.mark.parametrize(
    ("state", "cases", "verdict"),
    [
        (DONE, TWO[:1], "1 case passed"),
        (DONE, [], ""),
        (replace(DONE, gates=(MET,)), TWO, "1 gate met, 1 of 2 cases did not pass"),
        (
            replace(DONE, gates=(MET, MISSED)),
            TWO[:1],
            "1 of 2 gates FAILED, 1 case passed",
        ),
        (
            replace(DONE, status="interrupted"),
            TWO[:1],
            "the session was interrupted, 1 case passed",
        ),
        (replace(DONE, status="running"), [], "the session was not finished"),
    ],
)
def test_the_verdict_comes_first(
    tmp_path: Path, state: SessionState, cases: list[Case], verdict: str
) -> None:
    text = of_session(tmp_path, state, cases)
    assert text.startswith(f"s · evalguard eval session s {verdict}".strip())


@pytest.mark.parametrize(
    ("created", "shown"),
    [
        ("2026-01-02T03:04:05+00:00", "2026-01-02 03:04 UTC"),
        ("2026-01-02T03:04:05", "2026-01-02 03:04 UTC"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_time_is_shown_as_people_write_it(
    tmp_path: Path, created: str, shown: str
) -> None:
    text = of_session(tmp_path, replace(DONE, created=created), TWO)
    assert f"recorded{shown}" in text


def test_a_commit_is_shown_once_and_in_short(tmp_path: Path) -> None:
    commit = "7f3c2d9b41e85a60cc1d"
    state = replace(DONE, ci={"commit": commit}, versions={"commit": commit})
    assert of_session(tmp_path, state, TWO).count("7f3c2d9b41") == 1


def of_session(folder: Path, state: SessionState, cases: list[Case]) -> str:
    """Return the text of the page of a session."""
    report = Report(folder / "s", state, Totals.of(cases))
    write_report(report, folder / "page.html", CaseData.of(cases))
    document = Document()
    document.feed((folder / "page.html").read_text(encoding="utf-8"))
    return document.text
