"""Recorded text can't act on a terminal or on the log of a CI service."""

from __future__ import annotations

import re
import textwrap
import unicodedata

import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.model.text import (
    aligned,
    cells,
    counted,
    first_difference,
    printable,
    shortened,
    shortened_end,
    wrapped,
)

TEXTS = st.text(max_size=150)
WIDTHS = st.integers(1, 80)
WIDE = st.text("日本 a,😀", max_size=150)


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
    ],
)
def test_what_can_act_or_hide_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


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
            st.sampled_from(COMMANDS), st.sampled_from(list(":# [\n\terror")), TEXTS
        )
    ).map("".join)
)
def test_any_text_becomes_one_safe_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert not COMMAND.search(shown)
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in shown)
    assert printable(shown) == shown


@given(st.one_of(TEXTS, WIDE), WIDTHS)
def test_a_text_is_cut_in_its_middle_to_its_width(text: str, width: int) -> None:
    cut = shortened(text, width)
    if cells(text) <= width:
        assert cut == text
        return
    assert width - 2 <= cells(cut) <= width  # half of a wide one is none
    cuts = (place for place, char in enumerate(cut) if char == "…")
    ends = [(cut[:place], cut[place + 1 :]) for place in cuts]
    assert any(text.startswith(head) and text.endswith(tail) for head, tail in ends)


@given(st.one_of(TEXTS, WIDE), WIDTHS)
def test_a_text_is_cut_at_its_end_to_its_width(text: str, width: int) -> None:
    cut = shortened_end(text, width)
    if cells(text) <= width:
        assert cut == text
        return
    assert text.startswith(cut[:-1])
    assert cut[-1] == "…"
    assert width - 1 <= cells(cut) <= width


@given(st.one_of(TEXTS, WIDE), st.integers(3, 80))
def test_no_line_is_wider_than_it_may_be(text: str, width: int) -> None:
    lines = list(wrapped(printable(text), width))
    assert max(map(cells, lines)) <= width
    assert all(lines) or lines == [""]
    assert "".join("".join(lines).split()) == "".join(printable(text).split())


def test_a_wide_character_takes_two_columns() -> None:
    assert (cells("abc"), cells("日本語"), cells("é😀")) == (3, 6, 3)


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


PARTS = st.one_of(st.text(max_size=90), WIDE)
PAIRS = st.tuples(PARTS, PARTS, PARTS).map(
    lambda parts: (parts[0] + parts[1], parts[0] + parts[2])
)


@settings(max_examples=300)
@given(PAIRS)
def test_the_first_difference_is_where_two_texts_part(pair: tuple[str, str]) -> None:
    one, other = pair
    index = first_difference(one, other)
    if index is None:
        assert one == other
    else:
        assert one[:index] == other[:index]
        assert one[index : index + 1] != other[index : index + 1]


@settings(max_examples=300)
@given(PAIRS, st.integers(9, 80))
def test_two_texts_are_cut_at_the_same_place(pair: tuple[str, str], width: int) -> None:
    one, other = pair
    index = first_difference(one, other)
    first, second, place = aligned(one, other, width)
    assert max(cells(first), cells(second)) <= width
    if index is None or place is None:
        assert (index, place) == (None, None)
        assert first == second == shortened(one, width)
        return
    assert first[:place] == second[:place]
    assert cells(first[:place]) < width


@pytest.mark.parametrize(
    ("one", "other", "cut"),
    [
        ("abcdefgh", "abcdefgX", ("abcdefgh", "abcdefgX", 7)),
        ("abcdefghijkl", "abXdefghijkl", ("abcdefgh…", "abXdefgh…", 2)),
        ("abcdefghijkl", "abcdXfghijkl", ("…bcdefgh…", "…bcdXfgh…", 4)),
        ("abcdefghijklmnopq", "abcdefghijXlmnopq", ("…hijklmn…", "…hijXlmn…", 4)),
        ("abcdefg", "abcdefgXijklmno", ("…efg", "…efgXijk…", 4)),
    ],
)
def test_a_third_of_what_is_shown_stands_before_the_difference(
    one: str, other: str, cut: tuple[str, str, int]
) -> None:
    assert aligned(one, other, 9) == cut


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
