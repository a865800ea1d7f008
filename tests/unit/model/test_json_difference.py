"""Two JSON values are told apart by the keys that differ."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.model.difference import differing_keys

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
)


def keys(expected: object, actual: object) -> list[tuple[str | None, ...]]:
    return [
        tuple(each) for each in differing_keys(json.dumps(expected), json.dumps(actual))
    ]


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ({"a": 1}, {"a": 2}, [("a", "1", "2")]),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, [("a.b", '"x"', '"y"')]),
        ({"a": 1}, {}, [("a", "1", None)]),
        ({}, {"a": None}, [("a", None, "null")]),
        ({"a": 1}, {"a": True}, [("a", "1", "true")]),
        ({"a": 1}, {"a": 1.0}, [("a", "1", "1.0")]),
        ({"a": [1, 2]}, {"a": [1]}, [("a", "[1, 2]", "[1]")]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [("a[0].b", "1", "2")]),
        ([{"a": 1}], [], [("[0]", '{"a": 1}', None)]),
        ({"a": {}}, {"a": []}, [("a", "{}", "[]")]),
        ({"ä": "日"}, {"ä": ""}, [("ä", '"日"', '""')]),
        ({"b": 1, "a": 1}, {"a": 2, "b": 2}, [("b", "1", "2"), ("a", "1", "2")]),
    ],
)
def test_keys_that_differ_are_found_in_order(
    expected: object, actual: object, found: object
) -> None:
    assert keys(expected, actual) == found


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("{}", "{}"),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}'),
        ("[1, 2]", "[1, 3]"),
        ("{}", "[]"),
        ('{"a": 1}', "text"),
        ("{no json}", "{}"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_other_texts_have_no_keys_that_differ(expected: str, actual: str) -> None:
    assert differing_keys(expected, actual) == []


@given(JSON, JSON)
def test_a_value_has_no_key_that_differs_from_itself(
    one: object, other: object
) -> None:
    assert keys({"k": one}, {"k": one}) == []
    is_same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert bool(keys({"k": one}, {"k": other})) != is_same
