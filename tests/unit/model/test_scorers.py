"""What a score, a count and a name may be, and how scales and labels count."""

from __future__ import annotations

import math
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from typing import Any
from unittest.mock import MagicMock, Mock

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.model.scorers import (
    MAX_COUNT,
    Measure,
    checked_count,
    checked_name,
    checked_number,
    checked_score,
    checked_trace_id,
)
from pytest_evalguard.model.values import describe

# Scores


class Grade(IntEnum):
    GOOD = 1


class LikeTorch:
    """A tensor of one element."""

    dtype = "float32"

    def item(self) -> float:
        return 0.5


class OnlyWithItem:
    def item(self) -> float:
        return 0.5


class OnlyWithDtype:
    dtype = "float32"


class Unready:
    """A tensor that has no value to give."""

    dtype = "float32"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def item(self) -> float:
        raise self._error


@pytest.mark.parametrize(
    ("value", "score"),
    [
        *((True, 1.0), (False, 0.0), (0, 0.0), (1, 1.0), (0.25, 0.25), (-0.0, 0.0)),
        *((Decimal("0.5"), 0.5), (Fraction(1, 4), 0.25), (Grade.GOOD, 1.0)),
        *((np.float32(0.5), 0.5), (np.float64(1), 1.0), (np.int8(1), 1.0)),
        *((np.bool_(True), 1.0), (np.array(0.5), 0.5), (np.array([0.5]), 0.5)),
        *((np.longdouble(0.5), 0.5), (LikeTorch(), 0.5), (5e-324, 5e-324)),
    ],
    ids=describe,
)
def test_a_score_is_any_number_within_0_and_1(value: object, score: float) -> None:
    assert checked_score(value) == score
    assert type(checked_score(value)) is float
    assert math.copysign(1, checked_score(value)) == 1


@pytest.mark.parametrize(
    "value",
    [
        *("0.5", "", None, 1j, [0.5], {"score": 1}, b"1", object(), float, lambda: 1),
        *(
            np.str_("0.5"),
            np.complex128(1),
            np.array([0.5, 1.0]),
            np.datetime64("2026"),
        ),
        *(Mock(), MagicMock(), MagicMock(spec=float), MagicMock(spec=int)),
        *(OnlyWithItem(), OnlyWithDtype()),
        *(Unready(TypeError()), Unready(ValueError()), Unready(RuntimeError())),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_is_no_number_is_no_score(value: object) -> None:
    with pytest.raises(TypeError, match=r"^score must be a number, got ") as caught:
        checked_score(value)
    assert len(str(caught.value)) < 1_200


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (-0.1, "-0.1")),
        *((1.0000011, "1.0000011"), (2, "2"), (-1, "-1"), (10**400, "1000000000")),
        *((10**5000, "int"), (Decimal("sNaN"), "Decimal('sNaN')"), (100, "100")),
        *((np.float64("nan"), "nan"), (Fraction(3, 2), "Fraction(3, 2)")),
    ],
    ids=lambda each: describe(each)[:12],
)
def test_a_number_outside_is_no_score_and_is_shown(value: object, shown: str) -> None:
    with pytest.raises(ValueError, match=r"^score must be .*, got ") as caught:
        checked_score(value)
    assert shown in str(caught.value)


@given(st.floats() | st.floats(-2e-6, 2e-6) | st.floats(1 - 2e-6, 1 + 2e-6))
def test_a_float_is_a_score_or_is_refused(value: float) -> None:
    if -1e-6 <= value <= 1 + 1e-6:
        assert checked_score(value) == min(max(0, value), 1)
    else:
        with pytest.raises(ValueError, match="score"):
            checked_score(value)


@pytest.mark.parametrize(
    ("value", "score"),
    [
        *((1.0000000000000002, 1.0), (np.float32(1.0000001), 1.0), (1.000001, 1.0)),
        *((-1e-17, 0.0), (np.float32(-1e-8), 0.0), (Decimal("-0.000001"), 0.0)),
    ],
    ids=describe,
)
def test_what_rounding_put_just_outside_is_the_nearest_score(
    value: object, score: float
) -> None:
    assert checked_score(value) == score


@pytest.mark.parametrize("number", [0.7, 0.1, 0.9999999, 1 / 3])
def test_a_float32_is_the_number_that_it_shows(number: float) -> None:
    assert checked_score(np.float32(number)) == pytest.approx(number, abs=1e-7)
    assert checked_score(np.float32(0.7)) == 0.7


def test_rounding_does_not_make_a_latency_or_a_cost_positive() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        checked_number(-1e-9, "cost_usd")


def test_a_number_of_another_kind_may_be_large() -> None:
    assert checked_number(812.5, "latency_ms") == 812.5
    with pytest.raises(ValueError, match=r"^latency_ms must be a finite number"):
        checked_number(-1, "latency_ms")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
def test_a_number_is_finite(value: float) -> None:
    with pytest.raises(ValueError, match=r"^latency_ms must be a finite number"):
        checked_number(value, "latency_ms")


# Counts and names


@pytest.mark.parametrize(
    "value",
    [
        *(0, 12, np.int64(0), np.int64(12), Grade.GOOD, MAX_COUNT, np.int64(MAX_COUNT)),
        *(12.0, -0.0, np.float64(12), np.float32(12), Decimal("12"), Fraction(12)),
    ],
    ids=describe,
)
def test_a_count_is_a_whole_number(value: int) -> None:
    assert checked_count(value, "prompt") == value
    assert type(checked_count(value, "prompt")) is int


@pytest.mark.parametrize(
    "value",
    [
        *(True, 1.5, "1", None, np.bool_(True), MagicMock(), np.float32(1.5), 1j),
        *(math.nan, math.inf, Decimal("sNaN"), Fraction(1, 2)),
    ],
    ids=describe,
)
def test_what_is_not_whole_is_no_count(value: object) -> None:
    with pytest.raises(TypeError, match=r"^prompt must be a whole number, got "):
        checked_count(value, "prompt")


@pytest.mark.parametrize("value", [-1, MAX_COUNT + 1, 10**5000], ids=describe)
def test_a_count_has_bounds(value: int) -> None:
    with pytest.raises(ValueError, match=r"^prompt must be within 0.*, got ") as caught:
        checked_count(value, "prompt")
    assert str(caught.value) == (
        f"prompt must be within 0..9,007,199,254,740,992, got {describe(value)}"
    )


@pytest.mark.parametrize("name", ["", " \n", "pytest", "_metadata"])
def test_a_name_is_not_blank_and_not_reserved(name: str) -> None:
    with pytest.raises(ValueError, match="a scorer's name can't be") as caught:
        checked_name(name)
    assert str(caught.value) == (
        f"a scorer's name can't be {name!r}: blank names, '_metadata' and 'pytest' are"
        " reserved"
    )


@pytest.mark.parametrize("name", [None, 5, b"x", MagicMock(spec=str)], ids=describe)
def test_a_name_is_a_string(name: object) -> None:
    with pytest.raises(TypeError, match=r"^a scorer's name must be a string, got "):
        checked_name(name)


def test_a_name_is_text_that_can_be_sent() -> None:
    assert checked_name("a \ud800") == "a \\ud800"


# Scales and labels


@pytest.mark.parametrize(
    ("scale", "value", "score"),
    [
        *(((1, 5), 4, 0.75), ((1, 5), 1, 0.0), ((1, 5), 5.0, 1.0), ([0, 10], 7, 0.7)),
        *(((5, 1), 4, 0.25), ((5, 1), 1, 1.0), ((1, 0), 0.25, 0.75)),
        *(((-1, 1), -0.5, 0.25), ((0, 100), Decimal("12.5"), 0.125)),
        *(((1, 5), 5.0000001, 1.0), ((1, 5), np.float32(3), 0.5)),
    ],
)
def test_a_number_counts_by_its_place_on_the_scale(
    scale: object, value: Any, score: float
) -> None:
    assert Measure(scale, None)(value, "x") == (score, float(value))


@pytest.mark.parametrize(
    ("scale", "value", "text"),
    [
        ((1, 5), 7, "outside its scale=(1.0, 5.0): it must be within 1..5, got 7"),
        ((5, 1), 0, "outside its scale=(5.0, 1.0): it must be within 1..5, got 0"),
        ((0, 1), 1.1, "outside its scale=(0.0, 1.0): it must be within 0..1, got 1.1"),
    ],
)
def test_a_number_off_its_scale_is_told_with_the_scale(
    scale: object, value: object, text: str
) -> None:
    with pytest.raises(ValueError, match="scale=") as caught:
        Measure(scale, None)(value, "x")
    assert str(caught.value) == f"the score of 'x' is {text}"


@pytest.mark.parametrize("value", [4, -1, 100.0, 1.5])
def test_a_number_out_of_bounds_is_told_that_there_are_scales(value: object) -> None:
    with pytest.raises(ValueError, match=r"must be within 0..1, got .*scale=\(1, 5\)"):
        Measure(None, None)(value, "x")


@pytest.mark.parametrize(
    ("scale", "error"),
    [
        *((5, TypeError), ((1, 2, 3), TypeError), (("1", 5), TypeError)),
        *(((5, 5), ValueError), ((0, math.inf), ValueError), ("15", TypeError)),
    ],
)
def test_a_scale_is_two_numbers_that_differ(
    scale: object, error: type[Exception]
) -> None:
    with pytest.raises(error, match="scale="):
        Measure(scale, None)


def test_where_less_is_better_a_score_is_turned_and_kept_beside() -> None:
    assert Measure(None, None)(0.25, "x", is_less_better=True) == (0.75, 0.25)
    assert Measure((1, 5), None)(4, "x", is_less_better=True) == (0.25, 4.0)
    # whoever gave the scale has turned it already
    assert Measure((5, 1), None)(4, "x", is_less_better=True) == (0.25, 4.0)


class Tone(Enum):
    FORMAL = "formal"
    RUDE = "rude"


@pytest.mark.parametrize(
    ("values", "label", "score", "raw"),
    [
        ({"formal": 1, "rude": 0}, "formal", 1.0, "formal"),
        ({"A": 1, "B": 0.75, "C": 0.5}, "C", 0.5, "C"),
        ({True: 1, False: 0}, False, 0.0, False),
        ({Tone.FORMAL: 1, Tone.RUDE: 0}, Tone.FORMAL, 1.0, "formal"),
        ({"formal": 1, "rude": 0}, Tone.RUDE, 0.0, "rude"),
        ({1: 0, 2: 0.5, 3: 1}, 2, 0.5, 2),
    ],
)
def test_a_label_counts_as_its_value(
    values: object, label: object, score: float, raw: object
) -> None:
    assert Measure(None, values)(label, "x") == (score, raw)


@pytest.mark.parametrize("label", ["polite", "Formal", "", 1, None, ["formal"]])
def test_a_label_that_values_lack_is_told_with_those_there_are(label: object) -> None:
    with pytest.raises(ValueError, match="values=") as caught:
        Measure(None, {"formal": 1, "rude": 0})(label, "tone")
    assert str(caught.value) == (
        f"the score of 'tone' is {label!r}, which is not in values=: 'formal', 'rude'"
    )


@pytest.mark.parametrize(
    ("values", "error"),
    [
        *(({}, TypeError), (["formal"], TypeError), ("formal", TypeError)),
        *(({"formal": 2}, ValueError), ({"formal": "good"}, TypeError)),
    ],
)
def test_values_say_what_each_label_counts_as(
    values: object, error: type[Exception]
) -> None:
    with pytest.raises(error, match="values="):
        Measure(None, values)


def test_a_score_has_a_scale_or_labels() -> None:
    with pytest.raises(TypeError, match="not both"):
        Measure((1, 5), {"formal": 1})


@pytest.mark.parametrize("label", ["formal", "0.5", ""])
def test_a_label_without_values_is_no_score(label: str) -> None:
    with pytest.raises(TypeError, match=r"^the score of 'x' must be a number.*values="):
        Measure(None, None)(label, "x")


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "x" * 201])
def test_a_trace_is_named_on_one_line(value: str) -> None:
    with pytest.raises(ValueError, match="trace_id must be one line of at most 200"):
        checked_trace_id(value)


@pytest.mark.parametrize("value", [True, 1.5, b"ab", ["a"]])
def test_a_trace_is_named_by_text_an_int_or_a_uuid(value: object) -> None:
    with pytest.raises(TypeError, match="trace_id must be text, an int or a UUID"):
        checked_trace_id(value)


def test_a_traces_id_has_no_blanks_around_it() -> None:
    assert checked_trace_id(" 4bf92f35 ") == "4bf92f35"
