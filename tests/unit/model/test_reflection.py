"""All that is text or data in a dataclass is found by the types of its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from pytest_evalguard.model.reflection import data_of, texts_of


@dataclass
class Inner:
    text: str
    number: int = 1


@dataclass
class Outer:
    kind: Literal["a", "b"] = "a"
    text: str = "t1"
    optional: str | None = "t2"
    listed: list[str] = field(default_factory=lambda: ["t3", "t4"])
    row: tuple[str, ...] = ("t5",)
    read_only: Sequence[str] = ("t6",)
    inner: Inner = field(default_factory=lambda: Inner("t7"))
    inners: list[Inner] | None = field(default_factory=lambda: [Inner("t8")])
    named: dict[str, Inner] = field(default_factory=lambda: {"t9": Inner("t10")})
    numbers: dict[str, float] = field(default_factory=lambda: {"t11": 1.5})
    deep: list[list[str | None]] = field(default_factory=lambda: [["t12", None]])
    empty: str | None = None
    number: float = 0.5
    anything: Any = "d1"
    pairs: dict[str, str] = field(default_factory=lambda: {"password": "d2"})
    read: Mapping[str, Any] = field(default_factory=lambda: {"k": "d3"})
    either: str | int = "d4"
    things: list[Any] = field(default_factory=lambda: ["d5"])
    bare: dict = field(default_factory=dict)  # type: ignore[type-arg] # is data


def test_each_text_is_found_and_nothing_else() -> None:
    plan = texts_of(Outer)
    assert plan is not None
    assert sorted(plan.found(Outer())) == sorted(f"t{n}" for n in range(1, 13))


def test_what_may_hold_anything_is_data_and_found_whole() -> None:
    plan = data_of(Outer)
    assert plan is not None
    assert list(plan.found(Outer())) == [
        "d1",
        {"password": "d2"},
        {"k": "d3"},
        "d4",
        "d5",
    ]


def test_texts_are_changed_and_all_else_stays() -> None:
    plan = texts_of(Outer)
    assert plan is not None
    changed = plan.changed(Outer(), str.upper)
    assert changed == Outer(
        text="T1",
        optional="T2",
        listed=["T3", "T4"],
        row=("T5",),
        read_only=["T6"],
        inner=Inner("T7"),
        inners=[Inner("T8")],
        named={"T9": Inner("T10")},
        numbers={"T11": 1.5},
        deep=[["T12", None]],
    )


def test_keys_that_become_one_all_stay() -> None:
    plan = texts_of(dict[str, int])
    assert plan is not None
    assert plan.changed({"a": 1, "A": 2}, str.upper) == {"A": 1, "A #2": 2}


@pytest.mark.parametrize("kind", [int, bool, float | None, Literal["a"], list[int]])
def test_numbers_and_literals_are_neither_text_nor_data(kind: Any) -> None:
    assert texts_of(kind) is None
    assert data_of(kind) is None
