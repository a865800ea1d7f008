"""The report page as a person uses it; run as a command, this measures a large one."""

from __future__ import annotations

import json
import socket
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import pytest
from selenium.webdriver.common.keys import Keys

from chromium import Browser, missing_packages
from pytest_evalguard.model.case import Attempt, Case, ScorerResult
from pytest_evalguard.model.metrics import Table
from pytest_evalguard.model.outcome import Outcome
from pytest_evalguard.reporting.html.page import CaseData, Page, write_page
from pytest_evalguard.reporting.html.parts import TrendPoint
from pytest_evalguard.storage.session import Gate

PAGE = Page("a session", (), (), (), (), (), {}, ())
CAPITALS = [
    Case("t.py::test_a[1]", "passed", input="Where is Rome?", tags=["geo", "smoke"]),
    Case("t.py::test_a[2]", "failed", expected="Paris", actual="Lyon", tags=["geo"]),
    Case("t.py::test_b", "error", reason="no such fixture", tags=["smoke"]),
    Case("t.py::test_c", "passed", name="sums", actual="12 is 7 + 5"),
]
CHANGES = {"t.py::test_a[2]": "regressed", "t.py::test_c": "fixed"}


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if packages := missing_packages():
        pytest.skip(f"not installed: {', '.join(packages)}")
    with Browser(tmp_path_factory.mktemp("profile")) as window:
        yield window


@pytest.fixture
def browser(window: Browser) -> Iterator[Browser]:
    """The window; nothing may be said on its console, or asked of any network."""
    window.reset()
    yield window
    assert window.problems() == []


@dataclass
class Reader:
    """Writes pages and opens them."""

    browser: Browser
    path: Path

    def open(
        self, cases: Iterable[Case] = CAPITALS, fragment: str = "", page: Page = PAGE
    ) -> None:
        write_page(self.path, page, CaseData.of(cases))
        self.browser.open(self.path, fragment)

    def again(self, fragment: str) -> None:
        self.browser.open(self.path, fragment)

    def search(self, text: str) -> list[str]:
        """Return what is listed when that is sought."""
        self.browser.one("#search").clear()
        self.browser.one("#search").send_keys(text)
        return self.names

    def choose(self, group: str, value: str) -> list[str]:
        """Return what is listed after a press of that filter."""
        for button in self.browser.all(f"[data-group={group}] button"):
            if button.text.startswith(value):
                button.click()
        return self.names

    def filters(self, group: str) -> dict[str, str]:
        texts = self.browser.texts(f"[data-group={group}] button")
        return dict(text.rsplit("\n", 1) for text in texts)

    @property
    def names(self) -> list[str]:
        """What is listed."""
        names: list[str] = self.browser.run(
            "return [...document.querySelectorAll('#rows .name')]"
            ".map(name => name.textContent)"
        )
        return names

    @property
    def title(self) -> str:
        """The title of the open case; nothing when none is open."""
        titles = self.browser.texts("#pane[open] #title")
        return " ".join(titles[0].split()) if titles else ""

    @property
    def fragment(self) -> str:
        return self.browser.driver.current_url.partition("#")[2]


@pytest.fixture
def reader(browser: Browser, tmp_path: Path) -> Reader:
    return Reader(browser, tmp_path / "page.html")


# List, search and filters


def test_every_case_is_listed_with_what_it_is_about(reader: Reader) -> None:
    reader.open()
    rows = [" ".join(text.split()) for text in reader.browser.texts("#rows li")]
    assert rows == [
        "passed: t.py:: test_a[1] Where is Rome?",
        "failed: t.py:: test_a[2]",
        "error: t.py:: test_b no such fixture",
        "passed: sums t.py::test_c",
    ]
    assert reader.browser.text("#status") == "4 cases"


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("TEST_A[1", "test_a[1]"),
        ("rome", "test_a[1]"),
        ("paris", "test_a[2]"),
        ("lyon", "test_a[2]"),
        ("such fixture", "test_b"),
        ("sums", "sums"),
        ("5 12", "sums"),
    ],
)
def test_a_search_finds_words_in_any_text(
    reader: Reader, sought: str, found: str
) -> None:
    reader.open()
    assert reader.search(sought) == [found]
    assert reader.browser.text("#status") == "1 of 4"


def test_a_longer_search_finds_less_and_a_shorter_one_more(reader: Reader) -> None:
    reader.open()
    assert len(reader.search("test_")) == 4
    assert len(reader.search("test_a")) == 2
    assert reader.search("test_ab") == []
    assert len(reader.search("test_")) == 4


def test_filters_combine(reader: Reader) -> None:
    reader.open(page=replace(PAGE, changes=CHANGES))
    assert reader.choose("outcome", "passed") == ["test_a[1]", "sums"]
    assert reader.choose("outcome", "failed") == ["test_a[1]", "test_a[2]", "sums"]
    assert reader.choose("tag", "geo") == ["test_a[1]", "test_a[2]"]
    assert reader.choose("change", "regressed") == ["test_a[2]"]
    assert reader.search("rome") == []
    reader.browser.one("#clear").click()
    assert len(reader.names) == 4


def test_a_filter_counts_what_it_would_show(reader: Reader) -> None:
    reader.open(page=replace(PAGE, changes=CHANGES))
    assert reader.filters("outcome") == {"passed": "2", "failed": "1", "error": "1"}
    reader.choose("tag", "smoke")
    assert reader.filters("outcome") == {"passed": "1", "failed": "0", "error": "1"}
    assert reader.filters("tag") == {"geo": "2", "smoke": "2"}
    assert reader.filters("change") == {"regressed": "0", "fixed": "0"}


def test_a_group_without_filters_is_not_shown(reader: Reader) -> None:
    reader.open([Case("t.py::test_a", "passed")])
    assert reader.browser.texts(".filters h2") == ["Outcome", "", ""]


def test_a_few_of_many_tags_are_shown_until_all_are_wanted(reader: Reader) -> None:
    reader.open([Case("t.py::test_a", "passed", tags=[f"tag-{n}" for n in range(30)])])
    shown = [each for each in reader.browser.texts("[data-group=tag] li") if each]
    assert len(shown) == 12
    reader.browser.one(".more").click()
    assert all(reader.browser.texts("[data-group=tag] li"))


def test_of_very_many_tags_the_rarer_are_only_counted(reader: Reader) -> None:
    tags = [f"tag-{number}" for number in range(1_000)]
    reader.open([Case("t.py::a", "passed", tags=tags), Case("t.py::b", "failed")])
    assert len(reader.browser.all("[data-group=tag] li")) == 200
    assert "and 800 rarer ones" in reader.browser.text("[data-group=tag]")
    reader.again("#tag=tag-999")
    assert reader.names == ["a"]


def test_only_rows_in_sight_are_in_the_document(reader: Reader) -> None:
    reader.open(Case(f"t.py::test_{number:04}", "passed") for number in range(3000))
    assert len(reader.browser.all("#rows li")) < 40
    reader.browser.run("scrollTo(0, document.body.scrollHeight)")
    reader.browser.until(lambda: reader.names[-1:] == ["test_2999"])
    assert len(reader.browser.all("#rows li")) < 40
    assert reader.browser.all("#rows li")[-1].get_attribute("aria-posinset") == "3000"


def test_every_outcome_has_a_letter_of_its_own(reader: Reader) -> None:
    outcomes: tuple[Outcome, ...] = get_args(Outcome)
    reader.open(Case(f"t.py::test_{each}", each) for each in outcomes)
    letters = reader.browser.run(
        "return [...document.querySelectorAll('#rows .mark')]"
        ".map(mark => getComputedStyle(mark, '::before').content)"
    )
    assert len(set(letters)) == len(outcomes)
    assert "none" not in letters
    assert reader.browser.texts("#rows .unseen") == [f"{each}:" for each in outcomes]


def test_a_session_without_cases_is_a_page(reader: Reader) -> None:
    reader.open([])
    assert reader.browser.text("#status") == "0 cases"
    reader.browser.press("j", Keys.ENTER, "k", Keys.ESCAPE)
    assert reader.title == ""


# A case


def table(browser: Browser, name: str) -> list[str]:
    rows = browser.texts(f"#case .{name} tbody tr")
    return [" ".join(row.split()) for row in rows]


def test_a_click_opens_a_case(reader: Reader) -> None:
    reader.open()
    reader.browser.all("#rows a")[2].click()
    assert reader.title == "t.py::test_b"
    assert reader.browser.text("#case .reason") == "no such fixture"
    assert reader.browser.text("#case .verdict") == "error"
    assert reader.browser.texts("#case .missing") == ["not recorded"] * 3


def test_all_that_was_recorded_is_shown(reader: Reader) -> None:
    case = Case(
        "t.py::test_a",
        "passed",
        input="two  spaces\n\tand a tab",
        expected="",
        latency_ms=1234.5,
        threshold=0.5,
        scores={
            "exact": ScorerResult(1.0, True),
            "tone": ScorerResult(0.25, False, "dull", 2.0),
        },
        metrics={"calls": -7.0, "share": 0.1 + 0.2},
        prompt_tokens=1200,
        completion_tokens=80,
        cost_usd=0.0031,
        prompt_id=7,
        tags=["geo", "smoke"],
        metadata={"model": {"name": "m"}},
        ambiguous="judges disagree",
        findings=[{"kind": "pii"}],
        hallucination_label="FactIsPresent",
        flaky=True,
        silent=True,
        attempts=[Attempt("failed", 0.5, 12.0, "too slow")],
    )
    reader.open([case], "#case=t.py::test_a")
    browser = reader.browser
    assert browser.one("#case .input pre").get_property("textContent") == case.input
    assert browser.text("#case .expected .missing") == "empty"
    assert [text.replace("\n", " ") for text in browser.texts("#case .facts div")] == [
        "score 0.625",
        "threshold 0.5",
        "latency 1.23 s",
        "tokens 1,200 prompt, 80 completion",
        "cost $0.0031",
        "prompt id 7",
        "hallucination FactIsPresent",
        "tags geo, smoke",
    ]
    assert browser.texts("#case .remark") == [
        "ambiguous: judges disagree",
        "passed only when run again",
        "recorded neither actual nor score",
    ]
    assert table(browser, "scores") == [
        "exact 1.000 passed",
        "tone 0.250 from 2 failed dull",
    ]
    assert table(browser, "metrics") == ["calls -7", "share 0.3"]
    assert table(browser, "attempts") == ["1 0.500 failed 12.0 ms too slow"]
    *_, metadata, findings = browser.all("#case section > pre")
    assert json.loads(metadata.text) == case.metadata
    assert json.loads(findings.text) == case.findings


@dataclass
class TriedCase(Case):
    """A case with trials, in the form that its line will have."""

    tried: list[dict[str, object]] = field(default_factory=list)

    def to_line(self) -> str:
        return f'{Case.to_line(self)[:-1]},"trials":{json.dumps(self.tried)}}}'


def test_every_trial_is_shown(reader: Reader) -> None:
    trials: list[dict[str, object]] = [
        {"outcome": "passed", "score": 1.0, "latency_ms": 800.0, "actual": "Paris"},
        {"outcome": "error", "reason": "timed out", "input": "Where?"},
    ]
    reader.open(
        [TriedCase("t.py::test_a", "passed", tried=trials)], "#case=t.py::test_a"
    )
    assert table(reader.browser, "trials") == [
        "1 1.000 passed 800 ms actual",
        "2 error timed out input",
    ]
    reader.browser.all("#case .trials summary")[0].click()
    assert reader.browser.texts("#case .trials pre") == ["Paris", ""]


def differing(browser: Browser) -> tuple[list[str], list[str]]:
    return browser.texts("#case .expected del"), browser.texts("#case .actual ins")


@pytest.mark.parametrize(
    ("expected", "actual", "lost", "found"),
    [
        (
            "It was Jane Austen.",
            "It was Emily Bronte.",
            ["Jane Austen"],
            ["Emily Bronte"],
        ),
        ("a b c d e f g h", "a b X d e f h", ["c", " g"], ["X"]),
        ("a b c d e f g h", "a X Y d e f Z h", ["b c", "g"], ["X Y", "Z"]),
        (
            "one in every ten",
            "about in general",
            ["one in every ten"],
            ["about in general"],
        ),
        ("same", "same", [], []),
        (
            "the cat sat",
            "one of them is here",
            ["the cat sat"],
            ["one of them is here"],
        ),
        ("naïve 日本 é", "naïve 日本 e", ["é"], ["e"]),
        ("", "new", [], ["new"]),
    ],
)
def test_words_that_differ_are_marked(
    reader: Reader, expected: str, actual: str, lost: list[str], found: list[str]
) -> None:
    case = Case("t.py::test_a", "failed", expected=expected, actual=actual)
    reader.open([case], "#case=t.py::test_a")
    assert differing(reader.browser) == (lost, found)
    assert reader.browser.text("#case .actual pre") == actual


@pytest.mark.parametrize(
    ("expected", "actual", "lost", "found"),
    [
        ("a b", "a\u00a0b", [" "], ["\\u00a0"]),
        ("a b", "a\tb", ["\\x20"], ["\\t"]),
        ("a", "a\n", [], ["\\n\n"]),
        ("a", "a  ", [], ["\\x20\\x20"]),
        ("a b", "a\u200b b", [], ["\\u200b"]),
        (
            "\u06cc\u200c\u062e",
            "\u06cc\u062e",
            ["\u06cc\\u200c\u062e"],
            ["\u06cc\u062e"],
        ),
        ("Caf\u00e9 x", "Cafe\u0301 x", ["Caf\\u00e9"], ["Cafe\\u0301"]),
        ("Paris x", "P\u0430ris x", ["Paris"], ["P\\u0430ris"]),
        ("a ❤\ufe0f x", "a ❤ x", ["❤\\ufe0f"], ["❤"]),
        ("a 👩\u200d👧 x", "a 👩\u200d👦 x", ["👩\u200d👧"], ["👩\u200d👦"]),
        ("Le prix\u00a0: 5", "Le prix\u00a0: 6", ["5"], ["6"]),
    ],
    ids=ascii,
)
def test_what_differs_and_would_not_be_seen_is_shown_as_an_escape(
    reader: Reader, expected: str, actual: str, lost: list[str], found: list[str]
) -> None:
    case = Case("t.py::test_a", "failed", expected=expected, actual=actual)
    reader.open([case], "#case=t.py::test_a")
    assert differing(reader.browser) == (lost, found)


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({}, "the same as expected"),
        ({"types": "int and str"}, "the same text, of another type: int and str"),
        ({"differs_at": 1234}, "differs at character 1,234, which is not kept"),
    ],
)
def test_it_is_said_in_what_equal_texts_differ(
    reader: Reader, fields: dict[str, Any], note: str
) -> None:
    case = Case("t.py::test_a", "failed", expected="1", actual="1", **fields)
    reader.open([case], "#case=t.py::test_a")
    assert reader.browser.text("#case .actual small") == note


def test_a_few_words_that_differ_in_long_texts_are_marked(reader: Reader) -> None:
    words = [f"word{number}" for number in range(10_000)]
    changed = [*words[:10], "X", *words[11:9_000], *words[9_001:]]
    case = Case(
        "t.py::test_a", "failed", expected=" ".join(words), actual=" ".join(changed)
    )
    reader.open([case], "#case=t.py::test_a")
    assert differing(reader.browser) == (["word10", " word9000"], ["X"])


def test_long_texts_with_little_in_common_are_marked_as_a_whole(
    reader: Reader,
) -> None:
    expected = "same " + " ".join(f"a{number}" for number in range(5_000))
    actual = "same " + " ".join(f"b{number}" for number in range(5_000))
    case = Case("t.py::test_a", "failed", expected=expected, actual=actual)
    reader.open([case], "#case=t.py::test_a")
    assert differing(reader.browser) == ([expected[5:]], [actual[5:]])


# Links and history


@pytest.mark.parametrize(
    "nodeid",
    [
        "t.py::test_a[a&b=c#d%20e f+g]",
        "tests/日本.py::test_é[😀]",
        "t.py::test_a[100%]",
        "t.py::test_a[\ud800]",
    ],
)
def test_a_link_opens_its_case(reader: Reader, nodeid: str) -> None:
    cases = [Case("t.py::test_0", "passed"), Case(nodeid, "failed")]
    reader.open(cases)
    reader.browser.all("#rows a")[1].click()
    link, title = f"#{reader.fragment}", reader.title
    reader.again(link)
    assert reader.title == title == nodeid.replace("\ud800", "\\ud800")


def test_a_link_that_was_written_by_hand_opens_its_case(reader: Reader) -> None:
    reader.open(fragment=f"#case={quote('t.py::test_a[2]')}")
    assert reader.title == "t.py::test_a[2]"


def test_a_link_to_no_case_says_so(reader: Reader) -> None:
    reader.open(fragment="#case=t.py::gone&%&tag")
    assert reader.browser.text("#status") == "4 cases; none is t.py::gone"
    assert reader.title == ""


def test_a_link_shows_the_same_view(reader: Reader) -> None:
    reader.open(page=replace(PAGE, changes=CHANGES))
    reader.choose("outcome", "passed")
    reader.choose("outcome", "failed")
    reader.choose("tag", "geo")
    reader.search("test_a")
    reader.browser.all("#rows a")[1].click()
    reader.browser.until(lambda: "search" in reader.fragment)
    reader.again(f"#{reader.fragment}")
    assert reader.names == ["test_a[1]", "test_a[2]"]
    assert reader.browser.one("#search").get_property("value") == "test_a"
    assert len(reader.browser.all("[aria-pressed=true]")) == 3
    assert reader.title == "t.py::test_a[2]"


def test_the_back_button_takes_one_step_back(reader: Reader) -> None:
    reader.open()
    reader.choose("outcome", "passed")
    reader.browser.all("#rows a")[1].click()
    reader.browser.driver.back()
    reader.browser.until(lambda: not reader.title)
    assert len(reader.names) == 2
    reader.browser.driver.back()
    reader.browser.until(lambda: len(reader.names) == 4)
    reader.browser.driver.forward()
    reader.browser.until(lambda: len(reader.names) == 2)
    reader.browser.driver.forward()
    reader.browser.until(lambda: reader.title == "sums t.py::test_c")


def test_moving_on_from_case_to_case_is_one_step_back(reader: Reader) -> None:
    reader.open()
    reader.browser.all("#rows a")[0].click()
    reader.browser.press("jj")
    assert reader.title == "t.py::test_b"
    reader.browser.until(lambda: "test_b" in reader.fragment)
    reader.browser.driver.back()
    reader.browser.until(lambda: not reader.title)
    assert reader.fragment == ""


def test_a_search_beside_an_open_case_stays_when_it_closes(reader: Reader) -> None:
    reader.open()
    reader.browser.all("#rows a")[0].click()
    assert len(reader.search("test_a")) == 2
    reader.browser.one("#close").click()
    reader.browser.until(lambda: reader.fragment == "search=test_a")
    assert len(reader.names) == 2


def test_two_escapes_close_one_case_and_no_more(reader: Reader) -> None:
    reader.open()
    reader.choose("outcome", "passed")
    reader.browser.all("#rows a")[0].click()
    reader.browser.press(Keys.ESCAPE, Keys.ESCAPE)
    reader.browser.until(lambda: reader.fragment == "outcome=passed")
    assert reader.title == ""
    assert len(reader.names) == 2


# Keys


def focused(browser: Browser) -> str:
    return browser.driver.switch_to.active_element.text


def test_a_slash_goes_to_the_search(reader: Reader) -> None:
    reader.open()
    reader.browser.press("/rome")
    assert reader.browser.one("#search").get_property("value") == "rome"
    assert reader.names == ["test_a[1]"]


def test_the_list_is_used_by_keys(reader: Reader) -> None:
    reader.open()
    reader.browser.press("jjjk")
    assert "test_a[2]" in focused(reader.browser)
    reader.browser.press(Keys.ARROW_DOWN)
    assert "test_b" in focused(reader.browser)
    reader.browser.press(Keys.ENTER)
    assert reader.title == "t.py::test_b"
    assert focused(reader.browser) == "t.py::test_b"
    reader.browser.press("k")
    assert reader.title == focused(reader.browser) == "t.py::test_a[2]"
    reader.browser.press(Keys.ESCAPE)
    reader.browser.until(lambda: not reader.title)
    assert "test_a[2]" in focused(reader.browser)


def test_with_nothing_found_keys_leave_the_open_case(reader: Reader) -> None:
    reader.open(fragment="#case=t.py::test_b&search=nowhere")
    assert reader.names == []
    reader.browser.press("j")
    assert reader.title == "t.py::test_b"


def test_arrows_leave_the_search_for_the_list(reader: Reader) -> None:
    reader.open()
    reader.browser.press("/test_", Keys.ARROW_DOWN, Keys.ENTER)
    assert reader.title == "t.py::test_a[1]"


def test_letters_in_the_search_are_no_commands(reader: Reader) -> None:
    reader.open()
    reader.browser.press("/jk/j")
    assert reader.browser.one("#search").get_property("value") == "jk/j"


def test_a_row_that_is_moved_to_comes_in_sight(reader: Reader) -> None:
    reader.open(Case(f"t.py::test_{number:04}", "passed") for number in range(200))
    reader.browser.press("j" * 60)
    assert "test_0059" in focused(reader.browser)
    sight = reader.browser.run(
        "const { top, bottom } = document.activeElement.getBoundingClientRect();"
        "return [top >= 0, bottom <= innerHeight]"
    )
    assert sight == [True, True]


def test_the_focus_is_seen(reader: Reader) -> None:
    reader.open()
    reader.browser.press("j")
    row = reader.browser.driver.switch_to.active_element
    assert row.value_of_css_property("outline-style") == "solid"


def test_what_is_there_has_a_name(reader: Reader) -> None:
    point = TrendPoint("first", "2026-01-02T03:04:05+00:00", 20, 0.95, 0.875)
    page = replace(PAGE, trend=[point], gates=[Gate("g", "1", "2", passed=True)])
    reader.open(fragment="#case=t.py::test_b", page=page)
    names = {
        "#search": "Search the cases",
        "#rows": "Cases",
        "#pane": "t.py::test_b",
        "#close": "Close",
        "#next": "Next case",
        "svg[role=img]": "pass rate over 1 session: 95.0%",
    }
    one = reader.browser.one
    assert {each: one(each).accessible_name for each in names} == names


# Side by side


def answer(model: str, n: int, actual: str, **fields: Any) -> Case:
    params = {"model": model, "n": f"{n}"}
    name = f"t.py::test_q[{model}-{n}]"
    fields.setdefault("outcome", "passed")
    return Case(name, input=f"question {n}", actual=actual, params=params, **fields)


ANSWERS = [
    answer("big", 1, "Rome it is", score=1.0),
    answer("big", 2, "Paris", score=0.75),
    answer("tiny", 1, "Rome it was", score=0.5),
    answer("tiny", 2, "Lyon", outcome="failed", reason="no"),
    answer("tiny", 3, "Oslo"),
    Case("t.py::other", "passed"),
]
SIDES = replace(PAGE, groups={"model": ["big", "tiny"]})


def sides(reader: Reader) -> list[str]:
    """Return what is listed side by side."""
    return [" ".join(text.split()) for text in reader.browser.texts("#rows li")]


def test_cases_stand_side_by_side(reader: Reader) -> None:
    reader.open(ANSWERS, page=SIDES)
    assert len(reader.names) == 6
    reader.browser.one("[data-view=model]").click()
    assert reader.browser.text("#sides").split() == ["model", "big", "tiny"]
    assert sides(reader) == [
        "t.py:: test_q[1] question 1 big: passed 1.000 tiny: passed 0.500",
        "t.py:: test_q[2] question 2 big: passed 0.750 tiny: failed",
        "t.py:: test_q[3] question 3 big: - tiny: passed",
    ]
    assert reader.browser.text("#status") == "3 rows"
    assert reader.choose("outcome", "failed") == ["test_q[2]"]
    assert reader.browser.text("#status") == "1 of 3"
    reader.again(f"#{reader.fragment}")
    assert reader.names == ["test_q[2]"]
    reader.browser.one("[data-view='']").click()
    assert reader.names == ["test_q[tiny-2]"]


def test_a_cell_opens_the_answers_beside_each_other(reader: Reader) -> None:
    reader.open(ANSWERS, "#beside=model", page=SIDES)
    browser = reader.browser
    browser.all("#rows [data-place]")[1].click()
    assert reader.title == "t.py::test_q[1]"
    assert browser.texts("#case > section pre") == ["question 1"]
    assert browser.texts("#case .side h3 b") == ["big", "tiny"]
    assert browser.text("#case .chosen b") == "tiny"
    assert browser.texts("#case .side del") == ["is"]
    assert browser.texts("#case .side ins") == ["was"]
    browser.press("j")
    assert reader.title == "t.py::test_q[2]"
    assert "no" in browser.texts("#case .side .remark")
    browser.all("#case .side a")[1].click()
    browser.until(lambda: reader.title == "t.py::test_q[tiny-2]")
    assert len(reader.names) == 6


def test_cases_that_share_a_cell_are_counted(reader: Reader) -> None:
    again = replace(ANSWERS[0], nodeid="t.py::test_q[big-1-again]")
    reader.open([*ANSWERS, again], "#beside=model", page=SIDES)
    assert "big: passed 2 cases tiny: passed 0.500" in sides(reader)[0]
    reader.browser.all("#rows a")[0].click()
    assert reader.browser.texts("#case .side h3 b") == ["big", "big", "tiny"]


def test_sub_cases_stand_beside_those_of_the_same_name(reader: Reader) -> None:
    cases = [
        Case(f"{test}::{name}", "passed", params={"model": model}, test=test)
        for model in ("big", "tiny")
        for name in ("row[1]", "row[2]", "a]b")
        for test in [f"t.py::test_q[{model}]"]
    ]
    reader.open(cases, "#beside=model", page=SIDES)
    assert sides(reader) == [
        f"t.py::test_q:: {name} big: passed tiny: passed"
        for name in ("row[1]", "row[2]", "a]b")
    ]


@pytest.mark.parametrize("width", [375, 1000, 1400])
def test_many_sides_are_no_wider_than_the_window(reader: Reader, width: int) -> None:
    reader.browser.resize(width)
    names = [f"{n} {'x' * 90}" for n in range(20)]
    table = Table("By param:model", ["model", "cases"], [[each, "1"] for each in names])
    page = replace(PAGE, groups={"model": names}, group_tables=[table])
    page = replace(page, scores={"x" * 200: [1] * 10})
    reader.open(
        [answer(each, 1, "y" * 300) for each in names], "#beside=model", page=page
    )
    assert "8 more values are not shown" in reader.browser.text("#sides")
    assert overflow(reader.browser) <= 0
    reader.browser.run("document.querySelector('#rows a').click()")
    assert overflow(reader.browser) <= 0
    article = reader.browser.one("#case")
    assert article.get_property("scrollWidth") == article.get_property("clientWidth")


# Hostile text

SCRIPT = "<script>document.title = 'ran'</script>"
IMAGE = "<img src='http://127.0.0.1:9/' onerror='document.title = `ran`'>"
SHOWN = {
    f"</script>{SCRIPT}{IMAGE}": f"</script>{SCRIPT}{IMAGE}",
    f"<!-- ]]>{SCRIPT}-->": f"<!-- ]]>{SCRIPT}-->",
    "javascript:alert(1)": "javascript:alert(1)",
    "__proto__": "__proto__",
    "a\u202eb\u2066c": "a\\u202eb\\u2066c",
    "a\0b\x1b[31m": "a\\x00b\\x1b[31m",
    "line\u2028line": "line\\u2028line",
    "half \ud83d of": "half \\ud83d of",
    "zero\u200bwidth \U000e0041": "zero\\u200bwidth \\U000e0041",
    "\u06cc\u200c\u062e 👩\u200d👧": "\u06cc\u200c\u062e 👩\u200d👧",
}


@pytest.mark.parametrize("text", SHOWN, ids=ascii)
def test_hostile_text_is_shown_and_does_nothing(reader: Reader, text: str) -> None:
    case = Case(
        text,
        "failed",
        input=text,
        expected=text,
        actual=f"{text}!",
        reason=text,
        name=text,
        tags=[text],
        scores={text: ScorerResult(0.5, True, text)},
        params={text: text},
        metadata={text: {text: text}},
        attempts=[Attempt("failed", reason=text)],
    )
    page = Page(
        title=text,
        facts=[("build", text)],
        figures=[("pass rate", text)],
        notes=[text],
        gates=[Gate(text, text, text, passed=True)],
        trend=[TrendPoint(text, text, 1, 0.5, 0.5)],
        changes={text: "new"},
        gone=[text],
        group_tables=[Table(text, [text], [[text]])],
        groups={text: [text]},
        scores={text: [1, 0]},
    )
    reader.open([case], page=page)
    reader.browser.all("#views button")[1].click()
    reader.browser.all("#rows a")[0].click()
    assert reader.browser.texts("#case .side h3 b") == [SHOWN[text]]
    label = reader.browser.one("#sides .label")
    assert label.get_property("textContent") == SHOWN[text]
    reader.open([case], page=page)
    browser, shown = reader.browser, SHOWN[text]
    browser.all("#rows a")[0].click()
    assert browser.text("h1") == shown
    assert (
        browser.text(".filters .label") or browser.texts(".filters .label")[-1] == shown
    )
    for place in (
        "#title .name",
        "#title .path",
        ".reason",
        ".input pre",
        ".expected pre",
    ):
        assert browser.text(f"#case {place}") == shown
    assert browser.text("#case .actual pre") == f"{shown}!"
    assert browser.text("#case .scores td") == shown
    assert browser.text("#case .attempts td:last-child") == shown
    assert browser.driver.title == f"{shown} · evalguard"
    assert browser.all("a[href^=javascript], img, #case script") == []


def test_a_name_of_every_object_is_a_filter_like_others(reader: Reader) -> None:
    tags = ["__proto__", "constructor", "hasOwnProperty"]
    reader.open([Case("t.py::a", "passed", tags=tags), Case("t.py::b", "passed")])
    assert reader.filters("tag") == dict.fromkeys(sorted(tags), "1")
    assert reader.choose("tag", "__proto__") == ["a"]
    reader.again(f"#{reader.fragment}")
    assert reader.names == ["a"]


def test_a_very_long_text_scrolls_in_its_place(reader: Reader) -> None:
    case = Case("t.py::test_a", "failed", expected="x" * 100_000, actual="y z" * 33_000)
    reader.open([case], "#case=t.py::test_a")
    for name in ("expected", "actual"):
        place = reader.browser.one(f"#case .{name} pre")
        assert place.size["height"] < 500
        assert int(str(place.get_property("scrollHeight"))) > 2_000
    assert overflow(reader.browser) <= 0


def test_a_script_that_got_in_would_not_run(window: Browser, tmp_path: Path) -> None:
    window.reset()
    path = tmp_path / "page.html"
    write_page(path, PAGE, CaseData.of(CAPITALS))
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        html = path.read_text(encoding="utf-8")
        html = html.replace(
            "</main>", f"{SCRIPT}<img src={url} onerror={SCRIPT}></main>"
        )
        path.write_text(html, encoding="utf-8")
        window.open(path)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert window.driver.title == "a session · evalguard"
    assert window.text("#status") == "4 cases"
    said = [each for each in window.problems() if each != url]
    assert said
    assert all("Content Security Policy" in each for each in said)


# Sizes, colours, no JavaScript


def overflow(browser: Browser) -> int:
    """Return by how many pixels the page is wider than the window."""
    width = browser.run("return document.documentElement.scrollWidth - innerWidth")
    return int(width)


@pytest.fixture
def wide_cases() -> list[Case]:
    """Cases with texts that nothing breaks."""
    long = "x" * 2_000
    scores = {long: ScorerResult(1.0, True, long)}
    case = Case(
        f"t.py::{long}", "failed", expected=long, actual=f"{long} y", tags=[long]
    )
    return [*CAPITALS, replace(case, scores=scores, reason=long, metadata={long: long})]


@pytest.mark.parametrize("width", [375, 900, 1400])
def test_the_page_is_no_wider_than_the_window(
    reader: Reader, wide_cases: list[Case], width: int
) -> None:
    reader.browser.resize(width)
    long = "x" * 2_000
    facts = [("build", f"https://ci.example/{long}")]
    page = Page(long, facts, [(long, long)], [long], (), (), {}, [long])
    reader.open(wide_cases, page=page)
    assert overflow(reader.browser) <= 0
    reader.browser.run("document.querySelectorAll('#rows a')[4].click()")
    article = reader.browser.one("#case")
    assert overflow(reader.browser) <= 0
    assert article.get_property("scrollWidth") == article.get_property("clientWidth")


def test_a_case_takes_the_whole_of_a_narrow_window(reader: Reader) -> None:
    reader.browser.resize(375)
    reader.open()
    reader.browser.run("document.querySelector('#rows a').click()")
    pane = reader.browser.one("#pane").rect
    assert (pane["x"], pane["width"], pane["height"]) == (0, 375, 800)
    reader.browser.one("#next").click()
    assert reader.title == "t.py::test_a[2]"
    reader.browser.press(Keys.ESCAPE)
    reader.browser.until(lambda: not reader.title)
    assert "test_a[2]" in focused(reader.browser)


def test_a_case_stays_open_when_the_window_becomes_narrow(reader: Reader) -> None:
    reader.open(fragment="#case=t.py::test_b")
    assert reader.browser.one("#pane").size["width"] < 900
    reader.browser.resize(375)
    reader.browser.until(lambda: reader.browser.one("#pane:modal").size["width"] == 375)
    assert reader.title == "t.py::test_b"


def test_the_head_of_the_page_can_be_skipped(reader: Reader) -> None:
    reader.browser.resize(375, 300)
    reader.open(page=replace(PAGE, notes=["a note"] * 30))
    reader.browser.one("#skip").click()
    top = reader.browser.run(
        "return document.querySelector('main').getBoundingClientRect().top"
    )
    assert top < 300


def test_it_is_dark_where_that_is_preferred(reader: Reader) -> None:
    reader.open()
    colours = []
    for value in ("light", "dark"):
        preference = {"name": "prefers-color-scheme", "value": value}
        reader.browser.command("Emulation.setEmulatedMedia", features=[preference])
        colours.append(
            reader.browser.one("body").value_of_css_property("background-color")
        )
    assert colours == ["rgba(252, 251, 248, 1)", "rgba(22, 23, 24, 1)"]


def test_without_javascript_the_totals_are_there(reader: Reader) -> None:
    reader.browser.command("Emulation.setScriptExecutionDisabled", value=True)
    page = replace(PAGE, figures=[("pass rate", "50.0% (2 of 4)")], notes=["a note"])
    reader.open(page=page)
    assert "need JavaScript" in reader.browser.text("noscript")
    assert reader.browser.text(".figures").split("\n") == [
        "pass rate",
        "50.0% (2 of 4)",
    ]
    assert reader.browser.text(".notes") == "a note"
    counts = reader.browser.text(".filters ul").split("\n")
    assert counts == ["passed", "2", "failed", "1", "error", "1"]
    assert not reader.browser.one("#search").is_displayed()


# Measurements, by hand: python tests/e2e/test_browser.py

_LOADED = "return performance.getEntriesByType('navigation')[0].loadEventEnd"
_SEARCHED = """
    const box = document.getElementById("search");
    const start = performance.now();
    box.value = arguments[0];
    box.dispatchEvent(new Event("input"));
    document.body.offsetHeight;
    return performance.now() - start;
"""
_CLICKED = """
    const start = performance.now();
    document.querySelector(arguments[0]).click();
    document.body.offsetHeight;
    return performance.now() - start;
"""


def realistic_cases(count: int) -> Iterator[Case]:
    """Yield cases of about 1.5 kB each."""
    for number in range(count):
        words = " ".join(f"word{number * each % 977}" for each in range(1, 60))
        failed = number % 9 == 0
        yield Case(
            f"tests/test_{number // 4 % 40}.py::test_reply[{number}]",
            "failed" if failed else "passed",
            input=f"{words} {words}",
            expected=words,
            actual=words.replace("word7", "other") if failed else words,
            reason="AssertionError: not the same" if failed else None,
            scores={"relevance": ScorerResult(0.5, True, words[:80])},
            tags=[f"tag-{number % 7}", f"tag-{number % 11}"],
            params={"model": f"model-{number % 4}", "n": f"{number // 4}"},
            metadata={"model": "m", "temperature": 0.2},
        )


def measure(count: int = 20_000) -> dict[str, float]:
    """Return milliseconds until a page is loaded, and of steps on it."""
    with (
        tempfile.TemporaryDirectory() as name,
        Browser(Path(name) / "profile") as window,
    ):
        path = Path(name) / "page.html"
        page = replace(PAGE, groups={"model": [f"model-{each}" for each in range(4)]})
        write_page(path, page, CaseData.of(realistic_cases(count)))
        window.reset()
        window.open(path)
        times = {"load": window.run(_LOADED)}
        for text in ("word12", "word12 word976", "", "no such word", "", "e"):
            times[f"search {text!r}"] = window.run(_SEARCHED, text)
        window.run(_SEARCHED, "")
        for selector in (
            "[data-group=outcome] button",
            "[data-group=tag] button",
            "#rows a",
            "#close",
            "[data-view=model]",
            "#rows [data-place]",
        ):
            times[f"click {selector}"] = window.run(_CLICKED, selector)
        return times


if __name__ == "__main__":
    json.dump(measure(), sys.stdout, indent=1)
