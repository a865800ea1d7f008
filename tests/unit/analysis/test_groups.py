"""Groups of cases: what names one, and which cases are in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from pytest_evalguard.analysis.groups import Group, GroupRate, Key
from pytest_evalguard.model.case import Case

CASE = Case(
    "a",
    "passed",
    tags=["smoke", "fast", "smoke"],
    params={"model": "large", "n": "1"},
    metadata={"team": "search", "n": 1, "cached": True, "sizes": [1, "ü"], "x": None},
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("tag", ["fast", "smoke"]),
        ("param:model", ["large"]),
        ("param:team", []),
        ("metadata:team", ["search"]),
        ("metadata:n", ["1"]),
        ("metadata:cached", ["True"]),
        ("metadata:sizes", ['[1, "ü"]']),
        ("metadata:x", ["None"]),
        ("metadata:model", []),
    ],
)
def test_a_key_has_the_groups_of_a_case(text: str, values: list[str]) -> None:
    key = Key.of(text)
    assert key.values(CASE) == values
    assert str(key) == text


@pytest.mark.parametrize("text", ["", "tags", "param", "param:", "model", "tag:x"])
def test_other_texts_are_no_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"no tag, param:NAME or metadata:KEY"):
        Key.of(text)


@pytest.mark.parametrize(
    ("text", "kind", "name", "value"),
    [
        ("smoke", "tag", "", "smoke"),
        ("a=b", "tag", "", "a=b"),
        ("parameter:a=b", "tag", "", "parameter:a=b"),
        ("param:model=large", "param", "model", "large"),
        ("param:model=", "param", "model", ""),
        ("metadata:url=http://x:1?a=b", "metadata", "url", "http://x:1?a=b"),
    ],
)
def test_a_group_is_a_tag_or_one_value_of_a_key(
    text: str, kind: Any, name: str, value: str
) -> None:
    group = Group.of(text)
    assert group == Group(Key(kind, name), value)
    assert str(group) == text


def rates(text: str, cases: list[Case]) -> Iterator[GroupRate]:
    for ordered in permutations(cases):
        rate = GroupRate(Group.of(text))
        for case in ordered:
            rate.add(case)
        yield rate


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fats", "no result has this tag; there are: fast, smoke"),
        (
            "param:model=huge",
            "no result has model=huge; there are: large, small",
        ),
        ("param:size=1", "no result has the parameter size; there are: model, n"),
        ("metadata:size=1", "no result has the metadata size; there are: team"),
        ("metadata:team=x", "no result has team=x; there are: search"),
    ],
)
def test_what_there_is_instead_is_told_whatever_the_order(text: str, told: str) -> None:
    others = [
        Case("b", "failed", tags=["smoke"], params={"model": "small"}),
        Case("c", "error"),
    ]
    case = Case(
        "a",
        "passed",
        tags=["fast"],
        params={"model": "large", "n": "1"},
        metadata={"team": "search"},
    )
    assert {each.nothing for each in rates(text, [case, *others])} == {told}


def test_of_many_the_first_are_told() -> None:
    cases = [Case(f"{n}", "passed", params={"n": f"{n:02}"}) for n in range(12)]
    rate = GroupRate(Group.of("param:n=x"))
    for case in reversed(cases):
        rate.add(case)
    names = ", ".join(f"{n:02}" for n in range(10))
    assert rate.nothing == f"no result has n=x; there are: {names} and more"


def test_without_anything_of_the_kind_nothing_is_told() -> None:
    (rate,) = rates("param:model=large", [Case("a", "passed")])
    assert rate.nothing == "no result has the parameter model"
