"""A case on the report page: what it recorded, what differs, cases side by side."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from pytest_evalguard.model.case import Attempt, Case, ScorerResult
from pytest_evalguard.reporting.html.page import Page
from reader import PAGE, Reader

RECORDED = Case(
    "t.py::recorded",
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
    carried="an earlier session",
    shard="5aad0001",
)
TRIED = Case(
    "t.py::tried",
    "failed",
    trials=[
        Attempt("passed", 1.0, 800.0, actual="Paris", trace_id="first"),
        Attempt("error", reason="timed out"),
    ],
    require=2,
)
WORDS = [f"word{number}" for number in range(10_000)]
UNLIKE = " ".join(f"a{number}" for number in range(5_000))
# expected, actual, and what is marked in each
DIFFERENCES: list[tuple[str, str, list[str], list[str]]] = [
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
    ("the cat sat", "one of them is here", ["the cat sat"], ["one of them is here"]),
    ("naïve 日本 é", "naïve 日本 e", ["é"], ["e"]),
    ("", "new", [], ["new"]),
    # what differs and would not be seen is shown as an escape
    ("a b", "a\u00a0b", [" "], ["\\u00a0"]),
    ("a b", "a\tb", ["\\x20"], ["\\t"]),
    ("a", "a\n", [], ["\\n\n"]),
    ("a", "a  ", [], ["\\x20\\x20"]),
    ("a b", "a\u200b b", [], ["\\u200b"]),
    ("\u06cc\u200c\u062e", "\u06cc\u062e", ["\u06cc\\u200c\u062e"], ["\u06cc\u062e"]),
    ("Caf\u00e9 x", "Cafe\u0301 x", ["Caf\\u00e9"], ["Cafe\\u0301"]),
    ("Paris x", "P\u0430ris x", ["Paris"], ["P\\u0430ris"]),
    ("a ❤\ufe0f x", "a ❤ x", ["❤\\ufe0f"], ["❤"]),
    ("a 👩\u200d👧 x", "a 👩\u200d👦 x", ["👩\u200d👧"], ["👩\u200d👦"]),
    ("Le prix\u00a0: 5", "Le prix\u00a0: 6", ["5"], ["6"]),
    # a few words in long texts, and long texts with little in common
    (
        " ".join(WORDS),
        " ".join([*WORDS[:10], "X", *WORDS[11:9_000], *WORDS[9_001:]]),
        ["word10", " word9000"],
        ["X"],
    ),
    (
        f"same {UNLIKE}",
        f"same {UNLIKE}".replace(" a", " b"),
        [UNLIKE],
        [UNLIKE.replace("a", "b")],
    ),
]
# expected, actual, what is said of the keys, and the rows of those that differ
JSON: list[tuple[str, str, str, list[list[str]]]] = [
    (
        '{"a": 1, "b": {"c": [1, 2]}, "same": null}',
        '{"b": {"c": [1, 3, 4]}, "a": "1", "same": null}',
        "3 keys differ, 2 the same",
        [["a", "1", '"1"'], ["b.c[1]", "2", "3"], ["b.c[2]", "missing", "4"]],
    ),
    (
        '{"id": 12345678901234567890, "x": 1.0}',
        '{"id": 12345678901234567891, "x": 1}',
        "2 keys differ",
        [["id", "12345678901234567890", "12345678901234567891"], ["x", "1.0", "1"]],
    ),
    (
        '{"a key": {}, "": [], "__proto__": 1}',
        '{"a key": [], "": [], "__proto__": 2}',
        "2 keys differ, 1 the same",
        [['["a key"]', "{}", "[]"], ["__proto__", "1", "2"]],
    ),
    ('["\\u00e9"]', '[ "é" ]', "no key differs, 1 the same", []),
    (
        json.dumps(dict.fromkeys(map(str, range(500)), 1)),
        json.dumps(dict.fromkeys(map(str, range(500)), 2)),
        "500 keys differ, the first 200 are shown",
        [[f"{n}", "1", "2"] for n in range(200)],
    ),
]
# not both objects, or both lists: the texts are compared
NO_KEYS = [
    ('{"a": 1}', '["a", 1]'),
    ('{"a": 1}', '{"a": 1'),
    ("1", "2"),
    ("[" * 20_000 + "]" * 20_000, "[" * 19_999 + "]" * 19_999),
]
NOTES: dict[str, dict[str, Any]] = {
    "the same as expected": {},
    "the same text, of another type: int and str": {"types": "int and str"},
    "differs at character 1,234, which is not kept": {"differs_at": 1234},
}
LISTED_JSON = Case("t.py::pretty", "passed", input='{"a": [1, {}], "b": 1.50}')


def pair(name: str, expected: str, actual: str, **fields: Any) -> Case:
    return Case(f"t.py::{name}", "failed", expected=expected, actual=actual, **fields)


def details() -> tuple[Page, list[Case]]:
    cases = [RECORDED, TRIED, LISTED_JSON]
    cases += [pair(f"words-{n}", *e[:2]) for n, e in enumerate(DIFFERENCES)]
    cases += [pair(f"json-{n}", *each[:2]) for n, each in enumerate(JSON)]
    cases += [pair(f"text-{n}", *each) for n, each in enumerate(NO_KEYS)]
    cases += [
        pair(f"note-{n}", "1", "1", **fields) for n, fields in enumerate(NOTES.values())
    ]
    return replace(PAGE, shards={"5aad0001": "5aad0001 (1/2)"}), cases


_SEEN = """
    const all = (selector) => [...document.querySelectorAll(`#case ${selector}`)];
    const texts = (selector) => all(selector).map((each) => each.innerText);
    return {
      lost: texts(".expected del"),
      found: texts(".actual ins"),
      actual: all(".actual pre").map((each) => each.textContent),
      note: texts(".actual small"),
      said: texts(".by-key small"),
      keys: all(".by-key tbody tr").map((e) => [...e.cells].map((c) => c.innerText)),
      open: all(".texts > details").map((each) => each.open),
      input: all(".input pre").map((each) => each.textContent),
    };
"""


@pytest.fixture(scope="module")
def seen(reader_once: Reader) -> dict[str, dict[str, Any]]:
    """What is seen of each case, by the last part of its node id."""
    _, cases = details()
    links = [f"#case={quote(each.nodeid)}" for each in cases]
    found = reader_once.visit(details, links, _SEEN)
    return {link.rpartition("%3A")[2]: each for link, each in found.items()}


@pytest.mark.parametrize("number", range(len(DIFFERENCES)))
def test_words_that_differ_are_marked(seen: dict[str, Any], number: int) -> None:
    _, actual, lost, found = DIFFERENCES[number]
    case = seen[f"words-{number}"]
    assert (case["lost"], case["found"]) == (lost, found)
    if number < 8:  # the others have escapes in it
        assert case["actual"] == [actual]


@pytest.mark.parametrize("number", range(len(JSON)))
def test_json_is_compared_by_key(seen: dict[str, Any], number: int) -> None:
    _, _, said, rows = JSON[number]
    case = seen[f"json-{number}"]
    assert case["said"] == [said]
    assert case["keys"] == rows
    assert case["open"] == [not rows]


@pytest.mark.parametrize("number", range(len(NO_KEYS)))
def test_what_is_no_json_alike_is_compared_as_text(
    seen: dict[str, Any], number: int
) -> None:
    case = seen[f"text-{number}"]
    assert case["keys"] == case["said"] == case["open"] == []
    assert case["lost"] + case["found"]


def test_json_alone_is_indented_as_it_was_written(seen: dict[str, Any]) -> None:
    assert seen["pretty"]["input"] == [
        '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": 1.50\n}'
    ]


@pytest.mark.parametrize("number", range(len(NOTES)))
def test_it_is_said_in_what_equal_texts_differ(
    seen: dict[str, Any], number: int
) -> None:
    assert seen[f"note-{number}"]["note"] == [[*NOTES][number]]


def table(reader: Reader, name: str) -> list[str]:
    rows = reader.browser.texts(f"#case .{name} tbody tr")
    return [" ".join(row.split()) for row in rows]


def test_all_that_was_recorded_is_shown(reader: Reader) -> None:
    reader.show(details, "#case=t.py::recorded")
    browser = reader.browser
    assert browser.value("#case .input pre", "textContent") == RECORDED.input
    assert browser.text("#case .expected .missing") == "empty"
    assert browser.text("#case .actual .missing") == "not recorded"
    assert [text.replace("\n", " ") for text in browser.texts("#case .facts div")] == [
        "score 0.625",
        "threshold 0.5",
        "latency 1.23 s",
        "tokens 1,200 prompt, 80 completion",
        "cost $0.0031",
        "prompt id 7",
        "hallucination FactIsPresent",
        "tags geo, smoke",
        "shard 5aad0001 (1/2)",
    ]
    assert browser.texts("#case .remark") == [
        "ambiguous: judges disagree",
        "passed only when rerun",
        "recorded neither actual nor score",
        "carried over from an earlier session",
    ]
    assert table(reader, "scores") == [
        "exact 1.000 passed",
        "tone 0.250 from 2 failed dull",
    ]
    # each heading stands above its column
    lefts = browser.run(
        "const left = (row) => [...row.cells].map(e => e.getBoundingClientRect().left);"
        "return [...document.querySelector('#case table.scores').rows].map(left)"
    )
    assert lefts[0] == lefts[1] == lefts[2]
    assert table(reader, "metrics") == ["calls -7", "share 0.3"]
    assert table(reader, "attempts") == ["1 0.500 failed 12.0 ms too slow"]
    *_, metadata, findings = browser.texts("#case section > pre")
    assert json.loads(metadata) == RECORDED.metadata
    assert json.loads(findings) == RECORDED.findings


def test_every_trial_is_shown(reader: Reader) -> None:
    reader.show(details, "#case=t.py::tried")
    assert table(reader, "trials") == [
        "1 1.000 passed 800 ms actual trace first",
        "2 error timed out",
    ]
    assert reader.browser.texts("#case .badges .trials") == ["1 of 2 trials"]
    assert reader.browser.texts("#case .remark") == ["2 of 2 trials had to pass"]
    reader.browser.click("#case .trials summary")
    assert reader.browser.texts("#case .trials pre") == ["Paris"]


def test_a_trace_is_a_link_where_there_is_one(reader: Reader) -> None:
    case = replace(TRIED, trace_id="a/b\ud800")
    link = "https://traces.test/{trace_id}?<"
    for template in (None, link):
        page = replace(PAGE, trace_link=template)
        reader.open([case], "#case=t.py::tried", page=page)
        reader.browser.run(_KEEP, False)
        reader.browser.click("#copy")
        reader.browser.until(lambda: reader.browser.run("return window.copied"))
        text = reader.browser.run("return window.copied")
        links = "return [...document.querySelectorAll('#case a')].map(e => e.href)"
        shown = reader.browser.texts("#case .facts div")
        assert shown == ["trace\na/b\\ud800"]
        if template is None:
            assert reader.browser.run(links) == []
            assert "- trace: `a/b\\ud800`" in text
        else:
            urls = ["a%2Fb%EF%BF%BD", "first"]
            urls = [f"https://traces.test/{each}?%3C" for each in urls]
            assert reader.browser.run(links) == urls
            assert f"- trace: <{urls[0]}>" in text


# Copied as Markdown

_KEEP = """
    Object.defineProperty(navigator, "clipboard", { configurable: true, value: {
      writeText: (text) =>
        arguments[0] ? Promise.reject() : void (window.copied = text),
    } });
    window.addEventListener("copy", (event) => {
      window.copied = event.clipboardData.getData("text/plain");
    });
"""


def copied(reader: Reader, fragment: str, *, is_refused: bool = False) -> str:
    reader.show(details, fragment)
    reader.browser.run(_KEEP, is_refused)
    reader.browser.click("#copy")
    reader.browser.until(lambda: reader.browser.text("#copied") == "copied")
    return str(reader.browser.run("return window.copied"))


def test_a_case_is_copied_as_markdown(reader: Reader) -> None:
    text = copied(reader, "#case=t.py::recorded")
    assert text.startswith("**passed** `t.py::recorded`\n\n- score: `0.625`\n")
    assert "- `tone` 0.250, failed: `dull`\n" in text
    assert text.endswith("input:\n\n```text\ntwo  spaces\n\tand a tab\n```\n")
    again = copied(reader, "#case=t.py::recorded", is_refused=True)
    assert again == text


def test_no_recorded_text_is_markup_where_it_is_pasted(reader: Reader) -> None:
    case = Case(
        "t.py::a[`<b>`]",
        "failed",
        input="````\n</details> @all\u202e",
        scores={"``": ScorerResult(0.5, False, "# title\nand more")},
    )
    reader.open([case], "#case=" + quote(case.nodeid))
    reader.browser.run(_KEEP, False)
    reader.browser.click("#copy")
    reader.browser.until(lambda: reader.browser.run("return window.copied"))
    assert reader.browser.run("return window.copied") == (
        "**failed** `` t.py::a[`<b>`] ``\n\n"
        "- score: `0.500`\n\n"
        "- ``` `` ``` 0.500, failed: `# title and more`\n\n"
        "input:\n\n`````text\n````\n</details> @all\\u202e\n`````\n"
    )


# Side by side


def answer(model: str, n: int, actual: str, **fields: Any) -> Case:
    params = {"model": model, "n": f"{n}"}
    name = f"t.py::test_q[{model}-{n}]"
    fields.setdefault("outcome", "passed")
    return Case(name, input=f"question {n}", actual=actual, params=params, **fields)


def sides() -> tuple[Page, list[Case]]:
    return replace(PAGE, sides={"model": ["big", "tiny"]}), [
        answer("big", 1, "Rome it is", score=1.0),
        answer("big", 2, "Paris", score=0.75),
        answer("tiny", 1, "Rome it was", score=0.5),
        answer("tiny", 2, "Lyon", outcome="failed", reason="no"),
        answer("tiny", 3, "Oslo"),
        answer("tiny", 4, "Bern"),
        answer("big", 4, "Bern", score=0.5),
        replace(answer("big", 4, "Berne"), nodeid="t.py::test_q[big-4-again]"),
        Case("t.py::other", "passed"),
    ]


def test_cases_stand_side_by_side(reader: Reader) -> None:
    reader.show(sides)
    assert len(reader.names) == 9
    reader.browser.click("[data-view=model]")
    assert reader.browser.text("#sides").split() == ["model", "big", "tiny"]
    assert reader.rows == [
        "t.py:: test_q[2] question 2 big: passed 0.750 tiny: failed",
        "t.py:: test_q[1] question 1 big: passed 1.000 tiny: passed 0.500",
        "t.py:: test_q[3] question 3 big: - tiny: passed",
        "t.py:: test_q[4] question 4 big: passed 2 cases tiny: passed",
    ]
    assert reader.browser.text("#status") == "4 rows"
    assert reader.choose("outcome", "failed") == ["test_q[2]"]
    assert reader.browser.text("#status") == "1 of 4"
    reader.show(sides, f"#{reader.fragment}")
    assert reader.names == ["test_q[2]"]
    reader.browser.click("[data-view='']")
    assert reader.names == ["test_q[tiny-2]"]


def test_a_cell_opens_the_answers_beside_each_other(reader: Reader) -> None:
    reader.show(sides, "#beside=model")
    browser = reader.browser
    browser.click("#rows li:nth-child(2) [data-place]", 1)
    assert reader.title == "t.py::test_q[1]"
    assert browser.texts("#case > section pre") == ["question 1"]
    assert browser.texts("#case .side h3 b") == ["big", "tiny"]
    assert browser.text("#case .chosen b") == "tiny"
    assert browser.texts("#case .side del") == ["is"]
    assert browser.texts("#case .side ins") == ["was"]
    browser.press("k")
    assert reader.title == "t.py::test_q[2]"
    assert "no" in browser.texts("#case .side .remark")
    browser.click("#case .side a", 1)
    browser.until(lambda: reader.title == "t.py::test_q[tiny-2]")
    assert len(reader.names) == 9


def test_cases_that_share_a_cell_are_all_opened(reader: Reader) -> None:
    reader.show(sides, "#beside=model&case=t.py::test_q[big-4]")
    assert reader.browser.texts("#case .side h3 b") == ["big", "big", "tiny"]


def test_sub_cases_stand_beside_those_of_the_same_name(reader: Reader) -> None:
    cases = [
        Case(f"{test}::{name}", "passed", params={"model": model}, test=test)
        for model in ("big", "tiny")
        for name in ("row[1]", "row[2]", "a]b")
        for test in [f"t.py::test_q[{model}]"]
    ]
    page = replace(PAGE, sides={"model": ["big", "tiny"]})
    reader.open(cases, "#beside=model", page)
    assert reader.rows == [
        f"t.py::test_q:: {name} big: passed tiny: passed"
        for name in ("row[1]", "row[2]", "a]b")
    ]
