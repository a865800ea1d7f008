"""What pytest-xdist can't carry of a report is made into what it can."""

from __future__ import annotations

import datetime
import enum
import json
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import execnet
import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.controller.xdist import (
    is_portable,
    make_portable,
    pack,
    unpack,
)


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Colour(str, enum.Enum):
    RED = "red"


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def shared(levels: int) -> Any:
    """A list of 2 ** levels elements, were it written out."""
    value: Any = []
    for _ in range(levels):
        value = [value, value]
    return value


def endless() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


NOT_CARRIED = {
    "lone surrogate": ("half \ud800", "half \\ud800"),
    "date": (datetime.date(2026, 1, 2), "2026-01-02"),
    "decimal": (Decimal("1.50"), "1.50"),
    "path": (PurePosixPath("a/b"), "a/b"),
    "huge": (10**5000, "<int of 16,610 bits>"),
    "small": (-(2**40), "-1099511627776"),
    "str subclass": (Text("a"), "a"),
    "int subclass": (Number(3), 3),
    "enum": (Colour.RED, "red"),
    "bytearray": (bytearray(b"a"), "a"),
    "in a dict": ({"a": Decimal(1)}, {"a": "1"}),
    "as a key": ({PurePosixPath("a"): 1}, {"a": 1}),
    "as a tuple's": ({("\ud800",): 1}, {'["\\\\ud800"]': 1}),
    "small inside": ([[-(2**40)]], [["-1099511627776"]]),
}
anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.complex_numbers(),
        st.binary(),
        st.text(st.characters()),
        st.text().map(Text),
        st.integers().map(Number),
        st.dates(),
        st.decimals(),
        st.just(Colour.RED),
        st.builds(object),
    ),
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(st.text(st.characters()), inner),
        st.dictionaries(st.dates() | st.tuples(st.text(st.characters())), inner),
        st.frozensets(st.text(st.characters()) | st.dates()),
    ),
)


def carried(value: object) -> Any:
    """Return a property's value as it arrives at the other end."""
    data = {"user_properties": [("name", value)]}
    make_portable(data)
    ((_, arrived),) = execnet.loads(execnet.dumps(data))["user_properties"]
    return arrived


@pytest.mark.parametrize(("value", "expected"), NOT_CARRIED.values(), ids=NOT_CARRIED)
def test_what_is_not_carried_becomes_what_a_case_would_hold(
    value: object, expected: object
) -> None:
    assert not is_portable(value)
    assert carried(value) == expected


@pytest.mark.parametrize("value", [nested(600), shared(60), endless()])
def test_what_has_no_end_is_cut(value: object) -> None:
    assert len(repr(carried(value))) < 1_000_000


@settings(deadline=None)
@given(anything)
def test_anything_arrives(value: object) -> None:
    carried(value)


@settings(deadline=None)
@given(anything)
def test_what_can_be_carried_stays_as_it_is(value: object) -> None:
    if is_portable(value):
        data = {"user_properties": [("name", value)]}
        make_portable(data)
        assert data["user_properties"][0][1] is value


@pytest.mark.parametrize("owner", ["report", "traceback"])
def test_sections_hold_text_only(owner: str) -> None:
    holder: dict[str, Any] = {"sections": [(PurePosixPath("a"), b"b"), ("c", 1)]}
    data = holder if owner == "report" else {"longrepr": holder}
    make_portable(data)
    holder = data if owner == "report" else data["longrepr"]
    assert holder["sections"] == [("a", "b"), ("c", "1")]


def test_a_traceback_keeps_its_form() -> None:
    crash = {"path": "a.py", "lineno": 1, "message": "half \ud800"}
    lines = [{"type": "ReprEntryNative", "data": {"lines": ["E half \ud800"]}}]
    chain = [({"reprentries": lines}, crash, None)]
    data: dict[str, Any] = {"longrepr": {"reprcrash": crash, "chain": chain}}
    make_portable(data)
    ((traceback, its_crash, reason),) = data["longrepr"]["chain"]
    assert its_crash == {**crash, "message": "half \\ud800"}
    assert traceback["reprentries"][0]["data"] == {"lines": ["E half \\ud800"]}
    assert reason is None


@settings(deadline=None)
@given(anything)
def test_a_packed_report_arrives_as_one_that_is_only_portable(value: object) -> None:
    data = {"location": ("a.py", 1, "test"), "user_properties": [("name", value)]}
    portable = dict(data)
    make_portable(portable)
    pack(data)
    assert list(map(type, data.values())) == [str]
    json.dumps(data)  # as plugins do that run each test in a process of its own
    arrived = {**execnet.loads(execnet.dumps(data)), "worker_id": "gw0"}
    unpack(arrived)
    assert repr(arrived) == repr({"worker_id": "gw0", **portable})
