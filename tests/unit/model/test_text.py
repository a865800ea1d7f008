"""Recorded text can't act on a terminal or on the log of a CI service."""

from __future__ import annotations

import re
import textwrap

import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.model.text import (
    cells,
    clusters,
    counted,
    printable,
    shortened,
    shortened_end,
    wrapped,
)

TEXTS = st.text(max_size=150)
WIDTHS = st.integers(1, 80)
WIDE = st.text("日本 a,😀", max_size=150)
FAMILY, HEART, FLAG = "👩\u200d👩\u200d👧\u200d👦", "❤\ufe0f", "🇩🇪"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
PERSIAN, HINDI, THAI = "می\u200cخوانم", "हिन्दी", "ที่นี่"
SHARED = (
    FAMILY,
    HEART,
    FLAG,
    ENGLAND,
    PERSIAN,
    HINDI,
    THAI,
    "e\u0301",
    "👍🏽",
    "1\ufe0f\u20e3",
)
JOINED = st.lists(
    st.sampled_from([*SHARED, "a", " ", "日", "\u200d", "\u200c", "\ufe0f"])
)
ODD = JOINED.map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain — “text”, é, 日本語, 😀", "plain — “text”, é, 日本語, 😀"),
        ("a\nb\r\nc\td", "a\\nb\\r\\nc\\td"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x07\x00\x7f\x9b", "\\x07\\x00\\x7f\\x9b"),
        ("abc\u202edcba\u2066x\u2069", "abc\\u202edcba\\u2066x\\u2069"),
        ("zero\u200bwidth\ufeff\u00ad\u2060", "zero\\u200bwidth\\ufeff\\xad\\u2060"),
        ("\u2028\u2029\x85", "\\u2028\\u2029\\x85"),
        ("wide\u3000and\u00a0narrow\u202f", "wide and narrow "),
        ("lone \ud800", "lone \\ud800"),
        ("\U000e0041 tag", "\\U000e0041 tag"),
        ("a\u200db\u200cc \u200d", "a\\u200db\\u200cc \\u200d"),
        ("я\u200cя 日\u200d本", "я\\u200cя 日\\u200d本"),
        ("👩\u200d\u200d👩", "👩\\u200d\\u200d👩"),
        ("a\ufe0f ❤\ufe0f\ufe0f 1\ufe0f", "a\\ufe0f ❤\ufe0f\\ufe0f 1\\ufe0f"),
        ("\U0001f3f4\U000e0067 x", "\U0001f3f4\\U000e0067 x"),
        ("\u2800\u3164\u115f\u034f", "\\u2800\\u3164\\u115f\\u034f"),
    ],
)
def test_what_can_act_or_hide_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("text", SHARED)
def test_a_joiner_within_a_text_that_needs_it_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "کتاب\u200cها",
            "PDF\u200cها",
            "۱۴۰۰ ه\u200d.",
            "क्\u200dष",
            "क्\u200c",
            "ശ്രീ\u200d",
        ),
        *(
            "🏳\ufe0f\u200d🌈",
            "🏴\u200d☠\ufe0f",
            "👁\ufe0f\u200d🗨\ufe0f",
            "🤷🏽\u200d♂\ufe0f",
        ),
        *("葛\U000e0100", "☺\ufe0e", "©\ufe0f", "#\ufe0f\u20e3"),
    ],
)
def test_what_belongs_to_a_script_or_an_emoji_stays(text: str) -> None:
    assert printable(text) == text


COMMANDS = [
    *("::error::x", "  ::error file=a.py,line=1::x", "\t::set-output name=a::b"),
    *(
        "::add-mask::x",
        "::stop-commands::token",
        "::token::",
        "::group::x",
        "::ERROR::x",
    ),
    *("##[error]x", "say ##[group]x", "###[command]x", "##vso[task.setvariable a]b"),
    *(
        "x ##VSO[task.complete]",
        "##teamcity[testFailed]",
        "a\n::error::x",
        "a\r##[end]",
    ),
    *(
        "##\u200b[error]",
        ":\u200b:error::x",
        "x" * 68 + "::error::y",
        "x" * 68 + "::ERROR::y",
        "a ::error::b",
        ":::error::x",
        "x" * 66 + "::::error::y",
    ),
]

# as GitHub's, Azure's and TeamCity's own readers look for them
COMMAND = re.compile(r"(?m)^\s*::[\w-]+[^:\n]*::|##\w*\[")


@pytest.mark.parametrize("text", COMMANDS)
@pytest.mark.parametrize("width", [12, 20, 68, 200])
def test_a_command_to_a_ci_service_is_none_any_more(text: str, width: int) -> None:
    assert not COMMAND.search(printable(text))
    # nor is it one when the summary has wrapped or cut it
    for line in textwrap.wrap(printable(text), width):
        assert not COMMAND.search(f"            {line}")
    assert not COMMAND.search(shortened(printable(text), width))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("##[error]x", "## [error]x"),
        ("::error::x", ": :error::x"),
        ("x:::warning::y", "x: : :warning::y"),
    ],
)
def test_a_command_is_taken_apart_by_a_blank(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_stands_beside_an_escape_stays() -> None:
    assert printable("日本\n—é") == "日本\\n—é"


@pytest.mark.parametrize(
    "text",
    [
        "tests/test_it.py::TestIt::test_a[x::y]",
        "std::vector<int> and Foo::Bar::baz()",
        "# Title\n## Section\n### [link](x)".replace("\n", " "),
        "a: b, c :: d".replace(" ::", ","),
        "time 12:30::45",
    ],
)
def test_what_is_no_command_stays(text: str) -> None:
    assert printable(text) == text


@settings(max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(COMMANDS),
            st.sampled_from(list(":# [\n\terror\u200b\u2800")),
            TEXTS,
            ODD,
        )
    ).map("".join)
)
def test_any_text_becomes_one_safe_line(text: str) -> None:
    shown = printable(text)
    assert re.sub("[\u200c\u200d\U000e0030-\U000e007f]", "", shown).isprintable()
    assert not re.search(
        "[\u200c\u200d]{2}|[a-z0-9 ][\u200c\u200d]([a-z0-9 ]|$)", shown
    )
    assert not COMMAND.search(shown)
    assert printable(shown) == shown


@given(st.one_of(TEXTS, WIDE, ODD), WIDTHS)
def test_a_text_is_cut_in_its_middle_to_its_width(text: str, width: int) -> None:
    cut = shortened(text, width)
    if cells(text) <= width:
        assert cut == text
        return
    assert width - 2 <= cells(cut) <= width  # half of a wide one is none
    cuts = (place for place, char in enumerate(cut) if char == "…")
    ends = [(cut[:place], cut[place + 1 :]) for place in cuts]
    assert any(text.startswith(head) and text.endswith(tail) for head, tail in ends)


@given(st.one_of(TEXTS, WIDE, ODD), WIDTHS)
def test_a_text_is_cut_at_its_end_to_its_width(text: str, width: int) -> None:
    cut = shortened_end(text, width)
    if cells(text) <= width:
        assert cut == text
        return
    assert text.startswith(cut[:-1])
    assert cut[-1] == "…"
    assert width - 1 <= cells(cut) <= width


@given(st.one_of(TEXTS, WIDE, ODD), st.integers(3, 80))
def test_no_line_is_wider_than_it_may_be(text: str, width: int) -> None:
    lines = list(wrapped(printable(text), width))
    assert max(map(cells, lines)) <= width
    assert all(lines) or lines == [""]
    assert "".join("".join(lines).split()) == "".join(printable(text).split())


def test_a_wide_character_takes_two_columns() -> None:
    assert (cells("abc"), cells("日本語"), cells("é😀")) == (3, 6, 3)


# as wcwidth 0.9 has them
COLUMNS = {
    FAMILY: 2,
    HEART: 2,
    "❤": 1,
    "☺\ufe0e": 1,
    FLAG: 2,
    FLAG * 2: 4,
    ENGLAND: 2,
    "👍🏽": 2,
    "a🏽": 3,
    "🏴\u200d☠\ufe0f": 2,
    "🤷🏽\u200d♂\ufe0f": 2,
    "1\ufe0f\u20e3": 2,
    "e\u0301": 1,
    "x\u20dd": 1,
    "a\u0308\u0301b": 2,
    "か\u3099": 2,
    "ｶﾞ": 2,
    PERSIAN: 7,
    "שָׁלוֹם": 4,
    "بِالعالَم": 7,
    THAI: 2,
    "ສະບາຍດີ": 6,
    "བོད": 2,
    HINDI: 4,
    "प्रश्न": 4,
    "বাংলা": 4,
    "தமிழ்": 4,
    "ગુજરાતી": 6,
    "ශ්\u200dරී": 2,
    "မြန်မာ": 5,
    "ភាសាខ្មែរ": 7,
    "한글": 4,
    "\u1112\u1161\u11ab\u1100\u1173\u11af": 4,
}


@pytest.mark.parametrize("text", COLUMNS)
def test_what_shares_a_column_takes_none_of_its_own(text: str) -> None:
    assert cells(text) == COLUMNS[text]


@given(ODD)
def test_a_text_is_the_sum_of_its_clusters(text: str) -> None:
    assert "".join(clusters(text)) == text
    assert sum(map(cells, clusters(text))) == cells(text)


@pytest.mark.parametrize(
    "text", [FAMILY, HEART, FLAG, ENGLAND, "e\u0301", "हि", "👍🏽"]
)
@pytest.mark.parametrize("width", range(1, 12))
def test_what_is_seen_as_one_is_never_cut_in_two(text: str, width: int) -> None:
    long = text * 9
    lines = [shortened(long, width), shortened_end(long, width)]
    assert not "".join(lines).replace(text, "").replace("…", "")
    assert "".join(wrapped(long, max(width, 2))) == long


def test_marks_without_end_take_columns_in_the_end() -> None:
    assert cells("e" + "\u0301" * 10_000) > 600
    assert len(shortened("e" + "\u0301" * 10_000, 68)) < 1_200


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("abcdef", 3, ["abc", "def"]),
        ("left-right", 7, ["left-ri", "ght"]),
        ("日本語日本語", 5, ["日本", "語日", "本語"]),
        ("日本", 2, ["日", "本"]),
        ("", 5, [""]),
    ],
)
def test_a_line_is_as_full_as_it_can_be(
    text: str, width: int, lines: list[str]
) -> None:
    assert list(wrapped(text, width)) == lines


@pytest.mark.parametrize(
    ("width", "cut"),
    [(9, "abcdef…op"), (10, "abcdef…nop"), (11, "abcdefg…nop"), (1, "…")],
)
def test_the_end_that_is_kept_is_a_third(width: int, cut: str) -> None:
    assert shortened("abcdefghijklmnop", width) == cut


@pytest.mark.parametrize(
    ("number", "noun", "shown"),
    [
        (0, "result", "0 results"),
        (1, "result", "1 result"),
        (1200, "case", "1,200 cases"),
    ],
)
def test_a_number_stands_with_its_noun(number: int, noun: str, shown: str) -> None:
    assert counted(number, noun) == shown


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert counted(2, "batch", "batches") == "2 batches"
