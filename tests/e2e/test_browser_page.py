"""The report page as a whole: hostile text, sizes, colours, what a screen reader needs.

Run as a command, this measures a large page.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest

from browser import BROWSERS, ESCAPE, TAB
from pytest_evalguard.model.case import Attempt, Case, ScorerResult
from pytest_evalguard.model.figures import Table
from pytest_evalguard.reporting.html.charts import TrendPoint
from pytest_evalguard.reporting.html.page import Page, Since
from pytest_evalguard.storage.session import Gate
from reader import PAGE, Reader

CAPITALS = [
    Case("t.py::test_a[1]", "passed", input="Where is Rome?", score=1.0),
    Case("t.py::test_a[2]", "failed", expected='{"a": 1}', actual='{"a": 2}'),
    Case("t.py::test_b", "error", reason="no such fixture", tags=["smoke"]),
    Case("t.py::test_c", "passed", name="sums", params={"model": "big"}),
]
POINT = TrendPoint("first", "2026-01-02T03:04:05+00:00", 20, 0.95, 0.875)


def full() -> tuple[Page, list[Case]]:
    """A page with a part of each kind."""
    scores = {"tone": ScorerResult(0.5, False, "curt")}
    attempts = [Attempt("failed", 0.5, 12.0, "too slow", actual="no")]
    case = Case("t.py::test_d", "failed", scores=scores, trials=attempts, require=1)
    return Page(
        title="a session",
        verdict="1 gate FAILED",
        facts=[("build", "https://ci.example/1")],
        figures=[("cases", "5 in all"), ("pass rate", "40.0% (2 of 5)")],
        notes=["a note"] * 30,
        gates=[Gate("pass rate", "40.0%", "at least 90%", passed=False)],
        trend=[POINT],
        since=Since("last", ["1 new"], {"t.py::test_a[1]": "new"}, {"gone": ["x"]}),
        tables=[Table("Confusion", ["a", "b"], [[1, 2]])],
        group_tables=[Table("By param:model", ["model"], [["big"]])],
        sides={"model": ["big"]},
        keys=["param:model"],
        scores={"tone": [1, 0]},
    ), [*CAPITALS, case]


# Screen readers and keyboards


@pytest.mark.parametrize(
    ("fragment", "scheme"),
    [("#case=t.py::test_a[2]", "light"), ("#case=t.py::test_d", "dark")],
    ids=["keys", "trials"],
)
def test_there_is_no_serious_obstacle(
    reader: Reader, fragment: str, scheme: str
) -> None:
    if find_spec("axe_core_python") is None:
        pytest.skip("not installed: axe-core-python")
    if scheme not in reader.browser.schemes:
        pytest.skip(f"{reader.browser.name} is told its colours where it starts")
    reader.browser.prefer(scheme)
    reader.show(full, fragment)
    if not reader.browser.run("return 'axe' in window"):
        axe = files("axe_core_python") / "axe.min.js"
        reader.browser.run(axe.read_text(encoding="utf-8"))
    found = reader.browser.run("return axe.run().then(({ violations }) => violations)")
    assert {
        each["id"]: [node["html"] for node in each["nodes"]]
        for each in found
        if each["impact"] in ("serious", "critical")
    } == {}


def test_what_is_there_has_a_name(reader: Reader) -> None:
    reader.show(full, "#case=t.py::test_b")
    names = reader.browser.run(
        "return [...document.querySelectorAll('svg[role=img], [aria-label]')]"
        ".map(each => each.getAttribute('aria-label'))"
    )
    assert {
        *("pass rate over 1 session: 95.0%", "Search the cases", "Cases", "Close"),
        *("Next case", "Previous case", "Trend", "Confusion", "By param:model"),
    } <= set(names)
    assert reader.browser.run(
        "return document.getElementById("
        "document.getElementById('pane').getAttribute('aria-labelledby')).innerText"
    ).endswith("test_b")


def test_all_is_reached_by_the_tab_key(reader: Reader) -> None:
    reader.show(full)
    reached = set()
    for _ in range(40):
        reader.browser.press(TAB)
        reached.add(reader.browser.run("return document.activeElement.id"))
    assert {"skip", "search", "sort", "reverse", "from", "to"} <= reached


def test_the_head_of_the_page_can_be_skipped(reader: Reader) -> None:
    reader.browser.resize(375, 300)
    reader.show(full)
    reader.browser.click("#skip")
    top = "return document.querySelector('main').getBoundingClientRect().top"
    assert reader.browser.run(top) < 300


def test_it_is_dark_where_that_is_preferred(reader: Reader) -> None:
    colours = {"light": "rgb(252, 251, 248)", "dark": "rgb(22, 23, 24)"}
    reader.show(full)
    for scheme in reader.browser.schemes:
        reader.browser.prefer(scheme)
        assert reader.browser.style("body", "backgroundColor") == colours[scheme]


# Without JavaScript, and with a script that got in


def test_without_javascript_the_totals_are_there(reader: Reader) -> None:
    reader.show(full)
    html = reader.page.read_text(encoding="utf-8")
    reader.browser.navigate("about:blank")
    # a frame that may run no scripts
    reader.browser.run(
        "const frame = document.createElement('iframe');"
        "frame.sandbox = 'allow-same-origin';"
        "frame.srcdoc = arguments[0];"
        "frame.width = 1400;"
        "document.body.append(frame);"
        "return new Promise(done => { frame.onload = () => done(null) })",
        html,
    )
    texts = reader.browser.run(
        "const inside = document.querySelector('iframe').contentDocument;"
        "const text = (of) => inside.querySelector(of).innerText;"
        "return ['noscript', '.figures', '.outcome', '.filters ul'].map(text)"
        ".concat([inside.querySelector('#search').checkVisibility()])"
    )
    reader.forget()
    assert "need JavaScript" in texts[0]
    assert texts[1].split() == [
        "cases",
        "5",
        "in",
        "all",
        "pass",
        "rate",
        "40.0%",
        "(2",
        "of",
        "5)",
    ]
    assert texts[2] == "1 gate FAILED"
    assert texts[3].split() == ["passed", "2", "failed", "2", "error", "1"]
    assert texts[4] is False


SCRIPT = "<script>document.title = 'ran'</script>"
IMAGE = "<img src='http://127.0.0.1:9/' onerror='document.title = `ran`'>"


def test_a_script_that_got_in_would_not_run(reader_once: Reader) -> None:
    reader_once.open(CAPITALS)
    page = reader_once.page
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        html = page.read_text(encoding="utf-8")
        image = f"<img src={url} onerror={SCRIPT}>"
        html = html.replace("</main>", f"{SCRIPT}{image}</main>")
        page.write_text(html, encoding="utf-8")
        reader_once.again("")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert reader_once.browser.run("return document.title") == "a session · evalguard"
    assert reader_once.browser.text("#status") == "4 cases"
    reader_once.browser.problems()


# Hostile text

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


def hostile_case(text: str) -> Case:
    return Case(
        text,
        "failed",
        input=text,
        expected=text,
        actual=f"{text}!",
        reason=text,
        name=text,
        tags=[text],
        scores={text: ScorerResult(0.5, True, text)},
        params={"model": text, text: text},
        metadata={text: {text: text}},
        attempts=[Attempt("failed", reason=text)],
        shard=text,
        carried=text,
    )


def hostile() -> tuple[Page, list[Case]]:
    texts = [*SHOWN]
    return Page(
        title=" ".join(texts),
        verdict=" ".join(texts),
        facts=[("build", text) for text in texts],
        figures=[(text, text) for text in texts],
        notes=texts,
        gates=[Gate(text, text, text, passed=True) for text in texts],
        trend=[TrendPoint(text, text, 1, 0.5, 0.5) for text in texts],
        since=Since(
            " ".join(texts), texts, dict.fromkeys(texts, "new"), {"gone": texts}
        ),
        group_tables=[Table(text, [text], [[text]]) for text in texts],
        sides={"model": texts} | {text: [text] for text in texts},
        keys=[f"param:{text}" for text in texts],
        shards={text: text for text in texts},
        scores={text: [1, 0] for text in texts},
    ), [hostile_case(text) for text in texts]


_PLACES = (
    *("#title .name", "#title .path", ".reason", ".input pre", ".expected pre"),
    *(".actual pre", ".scores td", ".attempts td:last-child"),
)
_HOSTILE_SEEN = """
    const text = (of) => document.querySelector(`#case ${of}`)?.textContent;
    return PLACES.map(text);
"""


def test_hostile_text_is_shown_and_does_nothing(reader: Reader) -> None:
    script = _HOSTILE_SEEN.replace("PLACES", json.dumps(_PLACES))
    reader.show(hostile)
    # half a character can't stand in a URL
    whole = [text.replace("\ud83d", "\ufffd") for text in SHOWN]
    links = [f"#case={quote(text)}" for text in whole]
    seen = reader.visit(hostile, links, script)
    for shown, found in zip(SHOWN.values(), seen.values(), strict=True):
        assert found == [*[shown] * 5, f"{shown}!", shown, shown]
    labels = reader.browser.texts("[data-group=tag] .label")
    assert sorted(labels) == sorted(SHOWN.values())
    heads = reader.visit(
        hostile,
        ["#beside=model"],
        "return [...document.querySelectorAll('#sides .label')]"
        ".map(each => each.textContent)",
    )
    assert heads["#beside=model"] == [*SHOWN.values()]
    browser = reader.browser
    assert browser.run("return document.title") == f"{browser.text('h1')} · evalguard"
    assert browser.text("h1") == " ".join(SHOWN.values())
    assert browser.count("a[href^=javascript], img, #case script") == 0


# Sizes

WIDTHS = (1400, 1000, 700, 375)
LONG = "x" * 2_000


def wide() -> tuple[Page, list[Case]]:
    """A page with texts that nothing breaks, and more sides than there is room for."""
    names = [f"{n} {'x' * 90}" for n in range(20)]
    scores = {LONG: ScorerResult(1.0, True, LONG)}
    case = Case(f"t.py::{LONG}", "failed", expected=LONG, actual=f"{LONG} y")
    case = replace(case, tags=[LONG], scores=scores, reason=LONG, shard=LONG)
    found = {"a": [LONG], LONG: 1}
    as_json = replace(case, nodeid="t.py::json", expected=json.dumps(found))
    sides = [Case(f"t.py::q[{e}]", "error", params={"model": e}) for e in names]
    return Page(
        title=LONG,
        verdict=LONG,
        facts=[("build", f"https://ci.example/{LONG}"), ("branch", LONG)],
        figures=[(LONG, LONG), ("cost", "1")],
        notes=[LONG],
        gates=[Gate("pass rate", f"72.1% {'of 86 cases ' * 9}", "90%", passed=False)],
        since=Since(LONG, [LONG], {}, {LONG: [LONG]}),
        tables=[Table(LONG, [LONG], [[LONG]])],
        group_tables=[Table("By param:model", ["model"], [[each] for each in names])],
        sides={"model": names},
        keys=["param:model"],
        scores={LONG: [1] * 10},
    ), [case, replace(as_json, actual=json.dumps({"b": LONG})), *sides]


WIDE_CASES = ("", "#case=t.py::json", f"#case=t.py::{LONG}", "#beside=model")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_its_place(reader: Reader, width: int) -> None:
    reader.browser.resize(width)
    script = (
        "const article = document.getElementById('case');"
        "return [document.documentElement.scrollWidth - innerWidth,"
        " article.scrollWidth - article.clientWidth]"
    )
    found = reader.visit(wide, WIDE_CASES, script)
    assert all(max(each) <= 0 for each in found.values()), found
    assert "8 more values are not shown" in reader.browser.text("#sides")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_gate_has_room_for_its_name(reader: Reader, width: int) -> None:
    reader.browser.resize(width)
    reader.show(wide)
    script = (
        "const name = document.querySelector('.gates li > span:nth-child(2)');"
        "return name.getBoundingClientRect().height"
    )
    assert reader.browser.run(script) < 30


def test_a_very_long_text_scrolls_in_its_place(reader: Reader) -> None:
    case = Case("t.py::test_a", "failed", expected="x" * 100_000, actual="y z" * 33_000)
    reader.open([case], "#case=t.py::test_a")
    for name in ("expected", "actual"):
        place = f"#case .{name} pre"
        assert reader.browser.value(place, "clientHeight") < 500
        assert reader.browser.value(place, "scrollHeight") > 2_000
    assert reader.overflow <= 0


def test_a_case_takes_the_whole_of_a_narrow_window(reader: Reader) -> None:
    reader.browser.resize(375)
    reader.show(full)
    reader.browser.run("document.querySelector('#rows a').click()")
    pane = reader.browser.run(
        "const { x, width, height } = "
        "document.getElementById('pane').getBoundingClientRect();"
        "return [x, width, height]"
    )
    assert pane == [0, 375, 800]
    reader.browser.click("#next")
    assert reader.title == "t.py::test_d"
    reader.browser.press(ESCAPE)
    reader.browser.until(lambda: not reader.title)
    assert "test_d" in reader.focused


def test_a_case_stays_open_when_the_window_becomes_narrow(reader: Reader) -> None:
    reader.show(full, "#case=t.py::test_b")
    assert reader.browser.value("#pane", "offsetWidth") < 900
    reader.browser.resize(375)
    reader.browser.until(lambda: reader.browser.count("#pane:modal") == 1)
    assert reader.browser.value("#pane", "offsetWidth") == 375
    assert reader.title == "t.py::test_b"


# Measurements, by hand: PYTHONPATH=tests/support python tests/e2e/test_browser_page.py

_LOADED = "return performance.getEntriesByType('navigation')[0].loadEventEnd"
_SEARCHED = """
    const box = document.getElementById("search");
    const start = performance.now();
    box.value = arguments[0];
    box.dispatchEvent(new Event("input"));
    document.body.offsetHeight;
    return performance.now() - start;
"""
_SORTED = """
    const box = document.getElementById("sort");
    const start = performance.now();
    box.value = arguments[0];
    box.dispatchEvent(new Event("change"));
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
            latency_ms=number * 7 % 1000 + 1.0,
            tags=[f"tag-{number % 7}", f"tag-{number % 11}"],
            params={"model": f"model-{number % 4}", "n": f"{number // 4}"},
            metadata={"model": "m", "temperature": 0.2},
        )


def measure(name: str, count: int = 20_000) -> dict[str, float]:
    """Return milliseconds until a page is loaded, and of steps on it."""
    with tempfile.TemporaryDirectory() as folder, BROWSERS[name]() as browser:
        browser.resize(1400)
        reader = Reader(browser, Path(folder))
        models = [f"model-{each}" for each in range(4)]
        page = replace(PAGE, sides={"model": models}, keys=["param:model"])
        reader.open(realistic_cases(count), page=page)
        times = {"load": browser.run(_LOADED)}
        for text in ("word12", "word12 word976", "", "no such word", "", "e"):
            times[f"search {text!r}"] = browser.run(_SEARCHED, text)
        browser.run(_SEARCHED, "")
        for sort in ("latency", "name", ""):
            times[f"sort {sort!r}"] = browser.run(_SORTED, sort)
        for selector in (
            "[data-group=outcome] button",
            "[data-group=tag] button",
            "#rows a",
            "#close",
            "[data-view=model]",
            "#rows [data-place]",
        ):
            times[f"click {selector}"] = browser.run(_CLICKED, selector)
        return times


if __name__ == "__main__":
    json.dump(measure((sys.argv[1:] or ["chromium"])[0]), sys.stdout, indent=1)
