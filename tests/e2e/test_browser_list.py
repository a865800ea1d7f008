"""The list of the report page as a person uses it: search, filters, order, keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, get_args
from urllib.parse import quote

import pytest

from browser import DOWN, ENTER, ESCAPE
from pytest_evalguard.model.case import Case
from pytest_evalguard.model.outcome import Outcome
from pytest_evalguard.reporting.html.page import Page, Since
from reader import NAMES, PAGE, Reader

CAPITALS = [
    Case(
        "t.py::test_a[1]",
        "passed",
        input="Where is Rome?",
        score=1.0,
        latency_ms=300,
        cost_usd=0.3,
        tags=["geo", "smoke"],
        params={"model": "big"},
        metadata={"team": "a&b=c", "beta": True},
        shard="5aad0001",
    ),
    Case(
        "t.py::test_a[2]",
        "failed",
        expected="Paris",
        actual="Lyon",
        score=0.25,
        latency_ms=2000,
        cost_usd=0.1,
        tags=["geo"],
        params={"model": "tiny"},
        metadata={"team": "core", "beta": False},
        shard="5aad0002",
    ),
    Case("t.py::test_b", "error", reason="no such fixture", tags=["smoke"]),
    Case(
        "t.py::test_c",
        "passed",
        name="sums",
        actual="12 is 7 + 5",
        score=0.5,
        carried="an earlier session",
    ),
]
KEYS = ["param:model", "metadata:team", "metadata:beta"]
CHANGES = {"t.py::test_a[2]": "regressed", "t.py::test_c": "fixed"}


def capitals() -> tuple[Page, list[Case]]:
    shards = {"5aad0001": "5aad0001 (1/2)", "5aad0002": "5aad0002 (2/2)"}
    since = Since("last", [], CHANGES)
    return replace(PAGE, since=since, keys=KEYS, shards=shards), CAPITALS


# The list


def test_every_case_is_listed_what_did_not_pass_first(reader: Reader) -> None:
    reader.show(capitals)
    assert reader.rows == [
        "failed: t.py:: test_a[2] regressed 0.250 2.00 s",
        "error: t.py:: test_b no such fixture",
        "passed: t.py:: test_a[1] Where is Rome? 1.000 300 ms",
        "passed: sums t.py::test_c carried over fixed 0.500",
    ]
    assert reader.browser.text("#status") == "4 cases"


def many() -> tuple[Page, Iterable[Case]]:
    return PAGE, [Case(f"t.py::test_{number:04}", "passed") for number in range(3000)]


def test_only_rows_in_sight_are_in_the_document(reader: Reader) -> None:
    reader.show(many)
    browser = reader.browser
    assert browser.count("#rows li") < 40
    browser.run("scrollTo(0, document.body.scrollHeight)")
    browser.until(lambda: reader.names[-1:] == ["test_2999"])
    assert browser.count("#rows li") < 40
    position = "getAttribute('aria-posinset')"
    last = f"return document.querySelector('#rows li:last-child').{position}"
    assert browser.run(last) == "3000"


def test_a_row_that_is_moved_to_comes_in_sight(reader: Reader) -> None:
    reader.show(many)
    reader.browser.press("j" * 30)
    assert "test_0029" in reader.focused
    sight = reader.browser.run(
        "const { top, bottom } = document.activeElement.getBoundingClientRect();"
        "return [top >= 0, bottom <= innerHeight]"
    )
    assert sight == [True, True]


def test_every_outcome_has_a_letter_of_its_own(reader: Reader) -> None:
    outcomes: tuple[Outcome, ...] = get_args(Outcome)
    reader.open(Case(f"t.py::test_{each}", each) for each in outcomes)
    letters = reader.browser.run(
        "return [...document.querySelectorAll('#rows .mark')].map(mark =>"
        " [mark.dataset.letter, getComputedStyle(mark, '::before').content])"
    )
    assert len({letter for letter, _ in letters}) == len(outcomes)
    assert "none" not in {content for _, content in letters}
    assert reader.browser.texts("#rows .unseen") == [
        *("failed:", "error:", "ambiguous:", "xfailed:", "skipped:", "not run:"),
        *("dropped:", "xpassed:", "passed:"),
    ]


def test_a_session_without_cases_is_a_page(reader: Reader) -> None:
    reader.open([])
    assert reader.browser.text("#status") == "0 cases"
    reader.browser.press("j", ENTER, "k", ESCAPE)
    assert reader.title == ""


# Search and filters


SOUGHT = {
    "TEST_A[1": ["test_a[1]"],
    "rome": ["test_a[1]"],
    "paris": ["test_a[2]"],
    "lyon": ["test_a[2]"],
    "such fixture": ["test_b"],
    "sums": ["sums"],
    "5 12": ["sums"],
    "test_": ["test_a[2]", "test_b", "test_a[1]", "sums"],
    "test_a": ["test_a[2]", "test_a[1]"],
    "test_ab": [],
}
GROUPED = {
    "param:model=tiny": ["test_a[2]"],
    f"metadata:team={quote('a&b=c')}": ["test_a[1]"],
    "metadata:beta=True": ["test_a[1]"],
    "shard=5aad0002 (2/2)": ["test_a[2]"],
    "change=fixed": ["sums"],
    "from=0.5": ["test_a[1]", "sums"],
    "to=0.75": ["test_a[2]", "sums"],
    "from=.5&to=0.75": ["sums"],
    "from=much": ["test_a[2]", "test_b", "test_a[1]", "sums"],
}
ORDERED = {
    "": ["test_a[2]", "test_b", "test_a[1]", "sums"],
    "sort=score": ["test_a[2]", "sums", "test_a[1]", "test_b"],
    "sort=latency": ["test_a[2]", "test_a[1]", "test_b", "sums"],
    "sort=cost": ["test_a[1]", "test_a[2]", "test_b", "sums"],
    "sort=change": ["test_a[2]", "sums", "test_a[1]", "test_b"],
    "sort=name": ["test_a[1]", "test_a[2]", "test_b", "sums"],
    "sort=score&reverse=yes": ["test_a[1]", "sums", "test_a[2]", "test_b"],
    "sort=nothing": ["test_a[2]", "test_b", "test_a[1]", "sums"],
}
LISTED = {
    **{f"#search={quote(text)}": names for text, names in SOUGHT.items()},
    **{f"#{text}": names for text, names in (GROUPED | ORDERED).items()},
}


@pytest.fixture(scope="module")
def listed(reader_once: Reader) -> dict[str, Any]:
    """What is listed, by fragment."""
    reader_once.browser.resize(1400)
    return reader_once.visit(capitals, LISTED, NAMES)


@pytest.mark.parametrize("fragment", LISTED)
def test_a_search_a_group_a_range_or_an_order_lists_what_it_should(
    listed: dict[str, Any], fragment: str
) -> None:
    assert listed[fragment] == LISTED[fragment]


def test_filters_combine(reader: Reader) -> None:
    reader.show(capitals)
    assert reader.choose("outcome", "passed") == ["test_a[1]", "sums"]
    assert reader.choose("outcome", "failed") == ["test_a[2]", "test_a[1]", "sums"]
    assert reader.choose("tag", "geo") == ["test_a[2]", "test_a[1]"]
    assert reader.choose("change", "regressed") == ["test_a[2]"]
    assert reader.search("rome") == []
    reader.browser.click("#clear")
    assert len(reader.names) == 4


def test_a_range_of_scores_leaves_out_what_has_none(reader: Reader) -> None:
    reader.show(capitals)
    assert reader.bound("from", "0.5") == ["test_a[1]", "sums"]
    assert reader.bound("to", "0.75") == ["sums"]
    assert reader.browser.text("#chosen") == ""  # beside open filters
    assert reader.fragment == "from=0.5&to=0.75"
    assert reader.filters("outcome")["passed"] == "1"
    assert reader.bound("from", "nothing") == ["test_a[2]", "sums"]
    reader.browser.click("#clear")
    assert len(reader.names) == 4
    assert reader.browser.value("#to", "value") == ""


def test_a_filter_counts_what_it_would_show(reader: Reader) -> None:
    reader.show(capitals)
    assert reader.filters("outcome") == {"passed": "2", "failed": "1", "error": "1"}
    reader.choose("tag", "smoke")
    assert reader.filters("outcome") == {"passed": "1", "failed": "0", "error": "1"}
    assert reader.filters("tag") == {"geo": "2", "smoke": "2"}
    assert reader.filters("change") == {"regressed": "0", "fixed": "0"}


def tags() -> tuple[Page, list[Case]]:
    found = [f"tag-{number}" for number in range(1_000)]
    return PAGE, [Case("t.py::a", "passed", tags=found), Case("t.py::b", "failed")]


def test_of_very_many_tags_a_few_are_shown_and_the_rarer_counted(
    reader: Reader,
) -> None:
    reader.show(tags)
    shown = reader.browser.texts("[data-group=tag] li")
    assert (len(shown), len([each for each in shown if each])) == (200, 12)
    assert "and 800 rarer ones" in reader.browser.text("[data-group=tag]")
    reader.browser.click(".more")
    assert all(reader.browser.texts("[data-group=tag] li"))
    reader.show(tags, "#tag=tag-999")
    assert reader.names == ["a"]


def test_what_no_case_has_is_no_filter_and_no_order(reader: Reader) -> None:
    reader.open([Case("t.py::test_a", "passed")])
    assert [each for each in reader.browser.texts(".filters h2") if each] == ["Outcome"]
    orders = "return [...document.getElementById('sort')].map(each => each.text)"
    assert reader.browser.run(orders) == ["not passed first", "name"]


def test_a_name_of_every_object_is_a_filter_like_others(reader: Reader) -> None:
    names = ["__proto__", "constructor", "hasOwnProperty"]
    reader.open([Case("t.py::a", "passed", tags=names), Case("t.py::b", "passed")])
    assert reader.filters("tag") == dict.fromkeys(sorted(names), "1")
    assert reader.choose("tag", "__proto__") == ["a"]
    reader.again(f"#{reader.fragment}")
    assert reader.names == ["a"]


# Order


def test_an_order_is_chosen(reader: Reader) -> None:
    reader.show(capitals)
    assert reader.sort("score") == ORDERED["sort=score"]
    assert reader.fragment == "sort=score"
    assert reader.browser.value("#sort", "value") == "score"


def test_an_order_is_reversed_and_what_has_no_figure_stays_last(reader: Reader) -> None:
    reader.show(capitals, "#sort=score")
    reader.browser.click("#reverse")
    assert reader.names == ORDERED["sort=score&reverse=yes"]
    assert reader.fragment == "sort=score&reverse=yes"
    assert reader.browser.count("#reverse[aria-pressed=true]") == 1


def test_by_cost_the_cost_is_shown_at_any_width(reader: Reader) -> None:
    reader.show(capitals, "#sort=cost&outcome=failed")
    for width in (1400, 375):
        reader.browser.resize(width)
        assert reader.rows == ["failed: t.py:: test_a[2] regressed 0.250 $0.1"]


# Links and history


def links() -> tuple[Page, list[Case]]:
    return PAGE, [Case(FIRST, "passed"), *(Case(each, "failed") for each in IDS)]


FIRST = "t.py::test_0"
IDS = [
    "t.py::test_a[a&b=c#d%20e f+g]",
    "tests/日本.py::test_é[😀]",
    "t.py::test_a[100%]",
    "t.py::test_a[\ud800]",
]


def test_a_link_opens_its_case(reader: Reader) -> None:
    script = "return [...document.querySelectorAll('#rows a')].map(each => each.hash)"
    hashes = reader.visit(links, [""], script)[""]
    title = "return document.querySelector('#title').innerText"
    titles = [*reader.visit(links, hashes, title).values()]
    assert titles == [each.replace("\ud800", "\\ud800") for each in (*IDS, FIRST)]


def test_a_link_to_no_case_says_so(reader: Reader) -> None:
    reader.show(capitals, "#case=t.py::gone&%&tag")
    assert reader.browser.text("#status") == "4 cases; none is t.py::gone"
    assert reader.title == ""


def test_a_link_shows_the_same_view(reader: Reader) -> None:
    reader.show(capitals)
    reader.choose("outcome", "passed")
    reader.choose("outcome", "failed")
    reader.choose("tag", "geo")
    reader.search("test_a")
    reader.browser.click("#rows a", 0)
    reader.browser.until(lambda: "search" in reader.fragment)
    reader.again(f"#{reader.fragment}")
    assert reader.names == ["test_a[2]", "test_a[1]"]
    assert reader.browser.value("#search", "value") == "test_a"
    assert reader.browser.count(".filters [aria-pressed=true]") == 3
    assert reader.title == "t.py::test_a[2]"


def step(reader: Reader, by: int) -> None:
    reader.browser.run("history.go(arguments[0])", by)


def test_the_back_button_takes_one_step_back(reader: Reader) -> None:
    reader.show(capitals)
    reader.choose("outcome", "passed")
    reader.browser.click("#rows a", 1)
    step(reader, -1)
    reader.browser.until(lambda: not reader.title)
    assert len(reader.names) == 2
    step(reader, -1)
    reader.browser.until(lambda: len(reader.names) == 4)
    step(reader, +1)
    reader.browser.until(lambda: len(reader.names) == 2)
    step(reader, +1)
    reader.browser.until(lambda: reader.title == "sums t.py::test_c")


def test_moving_on_from_case_to_case_is_one_step_back(reader: Reader) -> None:
    reader.show(capitals)
    reader.browser.click("#rows a", 0)
    reader.browser.press("jj")
    assert reader.title == "t.py::test_a[1]"
    reader.browser.until(lambda: "test_a%5B1" in reader.fragment)
    step(reader, -1)
    reader.browser.until(lambda: not reader.title)
    assert reader.fragment == ""


def test_a_search_beside_an_open_case_stays_when_it_closes(reader: Reader) -> None:
    reader.show(capitals)
    reader.browser.click("#rows a", 0)
    assert len(reader.search("test_a")) == 2
    reader.browser.click("#close")
    reader.browser.until(lambda: reader.fragment == "search=test_a")
    assert len(reader.names) == 2


def test_two_escapes_close_one_case_and_no_more(reader: Reader) -> None:
    reader.show(capitals)
    reader.choose("outcome", "passed")
    reader.browser.click("#rows a", 0)
    reader.browser.press(ESCAPE, ESCAPE)
    reader.browser.until(lambda: reader.fragment == "outcome=passed")
    assert reader.title == ""
    assert len(reader.names) == 2


# Keys


def test_a_slash_goes_to_the_search(reader: Reader) -> None:
    reader.show(capitals)
    reader.browser.press("/rome")
    assert reader.browser.value("#search", "value") == "rome"
    assert reader.names == ["test_a[1]"]


def test_the_list_is_used_by_keys(reader: Reader) -> None:
    reader.show(capitals)
    reader.browser.press("jjjk")
    assert "test_b" in reader.focused
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    if reader.browser.run("return document.hasFocus()"):  # it is drawn there only
        assert reader.browser.run(outline) == "solid"
    reader.browser.press(DOWN)
    assert "test_a[1]" in reader.focused
    reader.browser.press(ENTER)
    assert reader.title == reader.focused == "t.py::test_a[1]"
    reader.browser.press("k")
    assert reader.title == reader.focused == "t.py::test_b"
    reader.browser.press(ESCAPE)
    reader.browser.until(lambda: not reader.title)
    assert "test_b" in reader.focused


def test_with_nothing_found_keys_leave_the_open_case(reader: Reader) -> None:
    reader.show(capitals, "#case=t.py::test_b&search=nowhere")
    assert reader.names == []
    reader.browser.press("j")
    assert reader.title == "t.py::test_b"


def test_arrows_leave_the_search_for_the_list(reader: Reader) -> None:
    reader.show(capitals)
    reader.browser.press("/test_", DOWN, ENTER)
    assert reader.title == "t.py::test_a[2]"


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [("#search", "jk/j", "jk/j"), ("#sort", "k/", ""), ("#from", "j/", "j/")],
)
def test_letters_in_a_field_are_no_commands(
    reader: Reader, field: str, typed: str, kept: str
) -> None:
    reader.show(capitals)
    reader.browser.run("document.querySelector(arguments[0]).focus()", field)
    reader.browser.press(typed)
    assert reader.browser.value(field, "value") == kept
    assert reader.browser.run("return document.activeElement.id") == field[1:]
