"""Long strings are cut in the middle, each by its share, and say how much."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, strategies as st

from pytest_evalguard.model.json_data import SHORTEST_SHARE, Json, fitted, shortened

MARK = re.compile(r"… \[cut: ([\d,]+) of ([\d,]+) characters kept\] …")


def test_what_fits_stays() -> None:
    assert shortened("x" * 100, 100) == "x" * 100


@given(st.integers(1, 3_000), st.integers(SHORTEST_SHARE, 2_000))
def test_the_mark_says_truly_how_much_was_cut(length: int, limit: int) -> None:
    text = "".join(chr(0x4E00 + n) for n in range(length))
    short = shortened(text, limit)
    assert len(short) <= limit
    if length > limit:
        head, kept, whole, tail = MARK.split(short)
        assert (int(kept.replace(",", "")), whole) == (len(head + tail), f"{length:,}")
        assert text.startswith(head)
        assert text.endswith(tail)
        assert len(head) - 2 <= 2 * len(tail) <= len(head)


def test_cleaning_that_makes_it_fit_is_enough() -> None:
    assert shortened("secret " * 30, 100, lambda text: text[:50]) == "secret " * 7 + "s"


def test_a_short_beginning_lets_the_long_ones_have_more() -> None:
    data: Any = fitted(["a", "b" * 1_000, "c" * 9_000], 5_000, str, "")
    assert data[:2] == ["a", "b" * 1_000]
    assert 3_900 < len(data[2]) <= 3_999


TREES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.integers() | st.builds(lambda n: "x" * n, st.integers(0, 3_000)),
    lambda inner: (
        st.lists(inner, max_size=9)
        | st.lists(inner, max_size=9).map(
            lambda each: {f"{n}" * 50 * n: inside for n, inside in enumerate(each)}
        )
    ),
    max_leaves=30,
)


def length(data: Json) -> int:
    """Return the length of all strings, without the marks of what was cut off."""
    if isinstance(data, str):
        return 0 if data.startswith("[cut: ") else len(data)
    if isinstance(data, dict):
        keys = sum(len(key) for key in data if key != "…")
        return keys + sum(map(length, data.values()))
    return sum(map(length, data)) if isinstance(data, list) else 0


@given(TREES, st.integers(1_000, 10_000))
def test_all_strings_together_fit(data: Json, room: int) -> None:
    fit = fitted(data, room, str, "")
    assert length(fit) <= room + 2 * SHORTEST_SHARE  # of a key and a value
    if length(data) <= room:
        assert fit == data


def test_where_there_are_too_many_the_last_go_and_it_says_so() -> None:
    data: Any = fitted([["x" * 500] * 30, {"k": 1}], 1_000, str, "the most")
    assert data[0][-1] == "[cut: 30 elements here, the most]"
    assert data[1] == "[cut: 2 elements here, the most]"
