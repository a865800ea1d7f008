"""What a hook may return of a session as a whole, and what is said of the rest."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from pytest_evalguard.controller.metrics_hook import checked, figures_in
from pytest_evalguard.model.figures import Metric, Table, exact_mean
from pytest_evalguard.model.scorers import checked_metric
from pytest_evalguard.model.text import number_text


class Tensor:
    """A scalar as torch has it."""

    dtype = "torch.float32"

    def item(self) -> float:
        return 0.699999988079071


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7.0),
        (-3.5, -3.5),
        (-0.0, 0.0),
        (1e300, 1e300),
        (Decimal("0.1"), 0.1),
        (Fraction(1, 4), 0.25),
        (np.float32(0.7), 0.7),
        (np.int64(12), 12.0),
        (np.array([5.0]), 5.0),
        (Tensor(), 0.7),
    ],
)
def test_a_metric_is_any_finite_number(value: object, number: float) -> None:
    found = checked_metric(value, "it")
    assert found == number
    assert math.copysign(1, found) == math.copysign(1, number)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (
            True,
            TypeError,
            "must be a number, got True: record a verdict with add_score",
        ),
        (np.bool_(True), TypeError, "record a verdict with add_score"),
        ("7", TypeError, "must be a number, got '7'"),
        (None, TypeError, "must be a number, got None"),
        (1j, TypeError, "must be a number"),
        (np.array([1, 2]), TypeError, "must be a number"),
        (math.nan, ValueError, "must be a finite number, got nan"),
        (-math.inf, ValueError, "must be a finite number, got -inf"),
        (10**400, ValueError, "must be a finite number"),
        (Decimal("sNaN"), ValueError, "must be a finite number"),
    ],
)
def test_what_is_no_metric_is_told(
    value: object, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        checked_metric(value, "it")
    assert text in str(caught.value)


@given(st.lists(FINITE, min_size=1, max_size=9))
@example([sys.float_info.max] * 3)
@example([-sys.float_info.max] * 7)
def test_a_mean_is_within_its_values(values: list[float]) -> None:
    assert math.isfinite(exact_mean(values))
    slack = 1e-9 * max(map(abs, values))
    assert min(values) - slack <= exact_mean(values) <= max(values) + slack


def numbers() -> Iterable[object]:
    yield Metric("a", 1)
    yield {"b": 2}


@pytest.mark.parametrize(
    ("returned", "figures"),
    [
        (None, []),
        ([], []),
        (Metric("a", 1), [Metric("a", 1)]),
        ({"a": 1, "b": 2}, [("a", 1), ("b", 2)]),
        (numbers(), [Metric("a", 1), ("b", 2)]),
        ([Table("t", ["a"], []), {"b": 2}], [Table("t", ["a"], []), ("b", 2)]),
        ((("a", 1),), [("a", 1)]),
        ("word", ["word"]),
    ],
)
def test_a_hook_may_return_figures_in_several_ways(
    returned: object, figures: list[object]
) -> None:
    assert list(figures_in(returned)) == figures


def test_a_metric_is_kept_with_floats() -> None:
    metric = Metric("f1", np.float32(0.7), Decimal("0.6"), 1, "%")  # type: ignore[arg-type] # as users have them
    assert checked(metric) == Metric("f1", 0.7, 0.6, 1.0, "%")
    assert checked(("n", 3)) == Metric("n", 3.0)


def test_cells_are_kept_as_numbers_and_text() -> None:
    row = [np.int64(3), 0.5, math.nan, None, True, "x" * 300, ["a", 1]]
    table = checked(Table("t", list("abcdefg"), [row]))
    assert isinstance(table, Table)
    ((*short, long, listed),) = table.rows
    assert short == [3, 0.5, "NaN", None, "true"]
    assert len(long) == 200
    assert listed == '["a", 1]'


def test_names_and_cells_have_no_secrets() -> None:
    def clean(text: str) -> str:
        return text.replace("secret", "[REDACTED]")

    table = checked(
        Table("t secret", ["c secret"], [["r secret"], [["secret"]]]), clean
    )
    assert "secret" not in repr(table)
    metric = checked(Metric("m secret", 1, unit="secret"), clean)
    assert "secret" not in repr(metric)


def rows(number: int, columns: int = 1) -> Table:
    return Table("t", [str(n) for n in range(columns)], [[0] * columns] * number)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (("f1", "0.9"), "the metric 'f1' must be a number, got '0.9'"),
        (Metric("f1", 1, low=math.nan, high=1), "low= of the metric 'f1' must be a"),
        (Metric("f1", 1, low=0), "one end: give both low= and high="),
        (Metric("f1", 1, high=2), "one end: give both low= and high="),
        (Metric("f1", 1, 2, 1), "must be at most its high=, got 2 and 1"),
        ((3, 1), "a metric's name must be a string, got 3"),
        ((" ", 1), "a metric's name can't be ' '"),
        (("pytest", 1), "a metric's name can't be 'pytest'"),
        (Table("", ["a"], []), "a table's name can't be ''"),
        (Table("t", [], []), "the table 't' has no columns"),
        (Table("t", "abc", []), "needs columns in a list and rows in a list of lists"),
        (Table("t", ["a"], ["b"]), "got 'b'"),
        (Table("t", ["a"], [["b", "c"]]), "row 1 of the table 't' has 2 cells for 1"),
        (rows(1_001), "has 1,001 rows and 1 column, a table may have 1,000 and 200"),
        (rows(1, 201), "has 1 row and 201 columns"),
        (7, "it must return Metric and Table objects in a list, or a mapping from"),
    ],
)
def test_what_can_not_be_kept_is_told(figure: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        checked(figure)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0, 4, "0"),
        (7.0, 4, "7"),
        (0.912345, 4, "0.9123"),
        (0.9, 4, "0.9"),
        (-12.3456, 4, "-12.35"),
        (999.96, 4, "1,000"),
        (12345.678, 4, "12,346"),
        (1234567, 4, "1,234,567"),
        (100, 4, "100"),
        (0.00001234, 4, "1.234e-05"),
        (1.5e20, 4, "1.5e+20"),
        (0.912345, 6, "0.912345"),
    ],
)
def test_a_number_is_shown_with_few_digits(
    value: float, digits: int, text: str
) -> None:
    assert number_text(value, digits) == text


@given(st.floats(-1e308, 1e308), st.integers(3, 15))
def test_a_shown_number_is_near_what_it_shows(value: float, digits: int) -> None:
    shown = float(number_text(value, digits).replace(",", ""))
    assert math.isclose(shown, value, rel_tol=10 ** (1 - digits))
