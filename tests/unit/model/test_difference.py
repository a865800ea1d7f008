"""A difference of two texts or values is seen, whatever it is that differs."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.model.case import Case
from pytest_evalguard.model.difference import (
    aligned,
    compared,
    difference_place,
    first_difference,
    note_unseen,
    sameness,
)
from pytest_evalguard.model.text import cells, shortened

WIDE = st.text("日本 a,😀", max_size=150)
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


def test_a_difference_far_inside_is_found_at_once() -> None:
    text = "a" * 3_000_000
    assert first_difference(text + "x", text + "y") == 3_000_000


# What would not be seen

SEEN = {
    ("a\nb", "a\\nb"): ("a\\nb", "a\\\\nb", 1),
    ("a\r\nb", "a\nb"): ("a\\r\\nb", "a\\nb", 1),
    ("x\\\n", "x\\n"): ("x\\\\\\n", "x\\\\n", 3),
    ("a\u200bb", "a\\u200bb"): ("a\\u200bb", "a\\\\u200bb", 1),
    ("\x1b[31m", "\\x1b[31m"): ("\\x1b[31m", "\\\\x1b[31m", 0),
    ("a b", "a\u00a0b"): ("a b", "a\\u00a0b", 1),
    ("a\u202fb", "a\u00a0b"): ("a\\u202fb", "a\\u00a0b", 1),
    ("a\u3000b", "a b"): ("a\\u3000b", "a b", 1),
    ("a\tb", "a b"): ("a\\tb", "a b", 1),
    ("a", "a "): ("a", "a\\x20", 1),
    ("a  b", "a b"): ("a \\x20b", "a b", 2),
    (" a", "a"): ("\\x20a", "a", 0),
    ("", " "): ("", "\\x20", 0),
    ("a\n", "a"): ("a\\n", "a", 1),
    ("ab", "a\u200db"): ("ab", "a\\u200db", 1),
    ("می\u200cخوانم", "میخوانم"): ("می\\u200cخوانم", "میخوانم", 2),
    ("❤\ufe0f", "❤"): ("❤\\ufe0f", "❤", 1),
    ("Caf\u00e9", "Cafe\u0301"): ("Caf\\u00e9", "Cafe\\u0301", 3),
    ("각", "\u1100\u1161\u11a8"): ("\\uac01", "\\u1100\\u1161\\u11a8", 0),
    ("Paris", "P\u0430ris"): ("Paris", "P\\u0430ris", 1),
    ("well-known", "well\u2011known"): ("well-known", "well\\u2011known", 4),
    (": :error::", "::error::"): (": :error::", ":\\x3aerror::", 1),
}


@pytest.mark.parametrize(("one", "other"), SEEN, ids=ascii)
def test_what_would_not_be_seen_is_shown_as_an_escape(one: str, other: str) -> None:
    assert compared(one, other, 68) == SEEN[one, other]
    first, second, index = SEEN[one, other]
    assert compared(other, one, 68) == (second, first, index)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("New York", "NewYork"),
        ('{"a": "x\\\\ny"}', '{"a": "x\\\\nz"}'),
        ("C:\\new", "C:\\old"),
        ("Café déjà", "Café deja"),
        ("हिन्दी क", "हिन्दी ख"),
        ("کتاب\u200cها", "کتاب\u200cهای"),
        ("👩\u200d👧 x", "👩\u200d👦 x"),
        ("Москва", "Moskau"),
        ("a  b c", "a  b d"),
    ],
)
def test_what_is_seen_stays_as_it_is(one: str, other: str) -> None:
    assert compared(one, other, 68)[:2] == (one, other)


def test_a_blank_that_does_not_differ_is_no_escape() -> None:
    shown = compared("Le prix\u00a0: 5", "Le prix\u00a0: 6", 68)
    assert shown == ("Le prix : 5", "Le prix : 6", 10)


@pytest.mark.parametrize(
    ("before", "column"),
    [
        ("e\u0301a\u0308", 2),
        ("👩\u200d👩\u200d👧\u200d👦 ❤\ufe0f", 5),
        ("🇩🇪1\ufe0f\u20e3👍🏽", 6),
        ("می\u200cخوانم ", 8),
        ("हिन्दी ", 5),
        ("日本\u3000", 5),
        ("a\nb", 4),
    ],
)
def test_a_difference_has_its_column(before: str, column: int) -> None:
    one, other, index = compared(f"{before}x", f"{before}y", 68)
    assert (cells(one[:index]), cells(other[:index])) == (column, column)


@pytest.mark.parametrize(
    ("one", "other"),
    [("e\u0301", "e\u0300"), ("🇩🇪", "🇩🇰"), ("👍🏽", "👍🏿"), ("हि", "ही")],
)
def test_a_difference_within_what_is_seen_as_one_is_at_its_start(
    one: str, other: str
) -> None:
    assert compared(f"ab{one}", f"ab{other}", 68) == (f"ab{one}", f"ab{other}", 2)


ALIKE = st.lists(
    st.sampled_from(
        [
            *("a", "b", " ", "\u00a0", "\u202f", "\t", "\n", "\\", "n", "x20", "u00a0"),
            *(
                "\u200b",
                "\u200c",
                "\u200d",
                "\ufe0f",
                "\u0301",
                "é",
                "\u0430",
                "ی",
                "👩",
            ),
            *(
                "::",
                "error",
                "##",
                "[",
                "\u202e",
                "\u2800",
                "日",
                "\U000e0061",
                "a" * 30,
            ),
        ]
    ),
    max_size=30,
).map("".join)


def seen(text: str) -> str:
    """What a person sees of a line that has no escapes for it."""
    folded = unicodedata.normalize("NFC", text).replace("\u0430", "a")
    return folded.translate(dict.fromkeys([0x200C, 0x200D, 0xFE0F])).rstrip()


@settings(max_examples=250)
@given(ALIKE, ALIKE, ALIKE, st.integers(30, 120))
def test_any_two_texts_that_differ_look_different(
    start: str, one: str, other: str, width: int
) -> None:
    texts = start + one, start + other
    first, second, index = compared(*texts, width)
    assert max(cells(first), cells(second)) <= width
    if texts[0] == texts[1]:
        assert index is None
        return
    assert index is not None
    assert first[:index] == second[:index]
    assert seen(first) != seen(second)


# Values with the same text


def noted(expected: object, actual: object, *texts: str) -> Case:
    case = Case("a", "failed", expected=texts[0], actual=texts[-1])
    note_unseen(case, expected, actual)
    return case


@pytest.mark.parametrize(
    ("expected", "actual", "types"),
    [
        (1, "1", "int and str"),
        (None, "null", "NoneType and str"),
        ([1, 2], (1, 2), "list and tuple"),
        ({1: "a"}, {"1": "a"}, "int and str"),
        ({"a": [1, (2,)]}, {"a": [1, [2]]}, "tuple and list"),
        ({"a": 1}, {"a": 1}, None),
        ("1", "1", None),
    ],
)
def test_types_that_differ_are_noted_where_texts_do_not(
    expected: object, actual: object, types: str | None
) -> None:
    assert noted(expected, actual, "same").types == types
    assert noted(expected, actual, "one", "other").types is None


def test_values_that_hold_themselves_are_compared_to_an_end() -> None:
    one: list[object] = [1]
    other: list[object] = [1]
    one += [one, one]
    other += [other, other]
    assert noted(one, other, "same").types is None


@pytest.mark.parametrize(
    ("expected", "actual", "place"),
    [
        ("a" * 150_000 + "x", "a" * 150_000 + "y", 150_001),
        ("a" * 150_000, "a" * 150_001, 150_001),
        ("\ud800", "\\ud800", 1),
        ("a", "a", None),
    ],
)
def test_a_difference_that_is_not_kept_has_its_place(
    expected: str, actual: str, place: int | None
) -> None:
    case = noted(expected, actual, "same")
    assert case.differs_at == place
    said = None if place is None else f"at character {place:,}, which is not kept"
    assert difference_place(case, 68) == said


def test_a_difference_that_is_kept_needs_no_note() -> None:
    assert noted("ax", "ay", "ax", "ay").differs_at is None
    assert noted("a", None, "a").differs_at is None


@pytest.mark.parametrize(("place", "said"), [(68, None), (1_069, "at character 1,069")])
def test_a_place_is_told_where_it_is_not_in_sight(place: int, said: str | None) -> None:
    case = Case("a", "failed", expected="x", actual="y", differs_at=place)
    assert difference_place(case, 68) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "the same"),
        ("key [REDACTED]", "the same, apart from secrets"),
        ("a… [cut: 1 of 2 characters kept]", "the same, as far as it is kept"),
    ],
)
def test_texts_are_the_same_as_far_as_that_is_known(text: str, said: str) -> None:
    assert sameness(text) == said
