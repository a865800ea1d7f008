"""Any value becomes text and data: bounded, the same everywhere, and never an error."""

from __future__ import annotations

import dataclasses
import enum
import io
import itertools
import json
import math
import os
import re
import subprocess
import sys
import textwrap
import types
import uuid
from collections import UserDict, UserString, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import partial
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Any, ClassVar, NamedTuple
from unittest.mock import MagicMock, Mock

import attrs
import numpy as np
import pydantic
import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.model.json_data import MAX_TEXT
from pytest_evalguard.model.redaction import Redactor
from pytest_evalguard.model.values import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    as_data,
    as_text,
    cut,
    describe,
)

SECRET = "sk-" + "proj4" * 8


# Values that are what they seem


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Kind(str, enum.Enum):
    GOOD = "good"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass
class Answer:
    text: str
    score: float = 0.5
    parts: list[object] = dataclasses.field(default_factory=list)


@attrs.define
class Ticket:
    title: str
    tags: set[str] = attrs.field(factory=set)


class Turn(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")

    role: str
    key: str = pydantic.Field("k", exclude=True)
    old: str = pydantic.Field("o", deprecated=True)

    @property
    def broken(self) -> str:
        raise ValueError

    @pydantic.computed_field  # type: ignore[prop-decorator] # pydantic's own way
    @property
    def expensive(self) -> str:
        raise ValueError


class Names(pydantic.RootModel[list[str]]):
    pass


class Own(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter("ab")

    def __len__(self) -> int:
        return 2


UTC = timezone.utc
PLAIN: list[tuple[object, object]] = [
    (None, None),
    (True, True),
    (1, 1),
    (0.5, 0.5),
    ("text", "text"),
    ({"a": [1, (2, 3)]}, {"a": [1, [2, 3]]}),
    (Point(1, 2), {"x": 1, "y": 2}),
    ([Point(1, (2,))], [{"x": 1, "y": [2]}]),  # type: ignore[arg-type] # no matter
    (deque([1, 2]), [1, 2]),
    (range(3), [0, 1, 2]),
    ({"b": 1}.keys(), ["b"]),
    ({"b": 1}.values(), [1]),
    (Own(), {"a": 1, "b": 1}),
    (UserDict(a=1), {"a": 1}),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (UserString("abc"), "abc"),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset("ba"), ["a", "b"]),
    ({("b", 1), ("a", 2)}, [["a", 2], ["b", 1]]),
    (b"caf\xc3\xa9\n\x1b[1m", "café\n\x1b[1m"),
    (bytearray(b"ab"), "ab"),
    (memoryview(b"ab"), "ab"),
    (io.BytesIO(b"ab"), "ab"),
    (Colour.RED, "red"),
    (Level.HIGH, 3),
    (Kind.GOOD, "good"),
    (Rights.READ | Rights.WRITE, 3),
    (
        Answer("yes", parts=[Colour.RED]),
        {"text": "yes", "score": 0.5, "parts": ["red"]},
    ),
    (Ticket("t", {"b", "a"}), {"title": "t", "tags": ["a", "b"]}),
    (Turn(role="user", more=1), {"role": "user", "old": "o", "more": 1}),  # type: ignore[call-arg]
    (Names(["a"]), ["a"]),
    (Turn.model_construct(), {"role": "<not set>", "old": "o"}),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
    (date(2026, 1, 2), "2026-01-02"),
    (timedelta(seconds=90), "0:01:30"),
    (Decimal("1.10"), "1.10"),
    (Fraction(1, 3), "1/3"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (PurePosixPath("/a/b"), "/a/b"),
    (ip_address("127.0.0.1"), "127.0.0.1"),
    (2**63, str(2**63)),
    (-(2**63), -(2**63)),
    (10**400, "1" + "0" * 400),
    (10**5000, "<int of 16,610 bits>"),
    (math.nan, "NaN"),
    ({"a": [math.inf, -math.inf]}, {"a": ["Infinity", "-Infinity"]}),
    ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
    ({"\udfff": "\ud800"}, {"\\udfff": "\\ud800"}),
    (1 + 2j, "(1+2j)"),
    (ValueError("no"), "ValueError('no')"),
    (Answer, f"{__name__}.Answer"),
    (pydantic.SecretStr("hunter2"), "SecretStr('**********')"),
    (np.float32(0.5), 0.5),
    (np.float64("nan"), "NaN"),
    (np.int64(3), 3),
    (np.bool_(True), True),
    (np.str_("s"), "s"),
    (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (np.array([math.nan, 1.0]), ["NaN", 1.0]),
    (np.array([{"a"}, None], dtype=object), [["a"], None]),
    (np.datetime64("2026-01-02T03:04:05.000000006"), "2026-01-02T03:04:05.000000006"),
    (np.array(["2026-01-02"], dtype="M8[ns]"), ["2026-01-02T00:00:00.000000000"]),
    (np.zeros((1000, 1000)), "<ndarray of shape (1000, 1000), dtype('float64')>"),
    (np.longdouble(1), repr(np.longdouble(1))),
    (np.rec.array([(1, "x")], "i4,U1"), [{"f0": 1, "f1": "x"}]),
    (np.zeros((), dtype=[("a", "i4")]), {"a": 0}),
    (np.zeros(1, dtype=[("a", [("b", "f8", 2)])]), [{"a": {"b": [0.0, 0.0]}}]),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("value", "data"), PLAIN, ids=lambda each: type(each).__name__)
def test_a_value_becomes_data(value: object, data: object) -> None:
    assert as_data(value) == data
    assert type(as_data(value)) is type(data)


def test_a_string_stays_as_it_is_and_all_else_becomes_json() -> None:
    assert as_text('say "é"') == 'say "é"'
    assert as_text({"é": None}) == '{"é": null}'
    assert as_text(None) == "null"


# Generators and other iterators

ITERATORS = [
    lambda: (each for each in "ab"),
    lambda: iter([1]),
    lambda: map(str, [1]),
    lambda: zip([1], [2], strict=True),
    lambda: itertools.count(),
]


@pytest.mark.parametrize("make", ITERATORS)
def test_an_iterator_is_shown_and_not_consumed(make: Any) -> None:
    iterator = make()
    text = as_text({"it": iterator})
    assert " at 0x" not in text
    assert type(iterator).__name__ in text
    assert next(iterator) == next(make())


# Sizes


MARK = re.compile(r"… \[cut: ([\d,]+) of ([\d,]+) characters kept\] …")


def kept_and_whole(text: str) -> tuple[int, int]:
    """Return the two numbers of the mark in a shortened text."""
    found = MARK.search(text)
    assert found
    kept, whole = (int(number.replace(",", "")) for number in found.groups())
    assert kept == len(text) - len(found[0])
    return kept, whole


def test_a_long_string_is_cut_in_its_middle_and_says_so() -> None:
    text = as_text("a" * 1_500_000 + "z" * 1_500_000)
    kept, whole = kept_and_whole(text)
    assert whole == 3_000_000
    assert MAX_TEXT - 10 < len(text) <= MAX_TEXT
    assert text.count("z") == kept // 3


def test_a_long_string_in_a_structure_leaves_the_json_whole() -> None:
    data = json.loads(as_text({"a": "x" * 3_000_000, "b": 1}))
    assert kept_and_whole(data["a"])[0] > 80_000
    assert data["b"] == 1


@pytest.mark.parametrize("character", ['"', "\n", "\0", "é"])
def test_escapes_leave_the_json_whole_too(character: str) -> None:
    text = as_text({"a": character * 95_000, "after": "here"})
    data = json.loads(text)
    assert MAX_TEXT / 2 < len(text) <= MAX_TEXT
    assert kept_and_whole(data["a"])[1] == 95_000
    assert data["after"] == "here"


def test_what_comes_after_a_long_string_is_kept() -> None:
    messages = [
        {"role": "tool", "content": "result " * 30_000},
        {"role": "tool", "content": ["other " * 50_000, "short"]},
        {"role": "assistant", "content": "The answer is 42." * 100},
    ]
    data = json.loads(as_text(messages))
    assert data[2] == messages[2]
    assert data[1]["content"][1] == "short"
    first, second = kept_and_whole(data[0]["content"]), data[1]["content"][0]
    assert first[0] == kept_and_whole(second)[0] > 40_000


def test_short_strings_are_kept_among_many_long_ones() -> None:
    value = ["x" * 3_000, "y" * 90] * 100
    data: Any = as_data(value)
    assert data[1::2] == value[1::2]
    assert {kept_and_whole(each)[1] for each in data[::2]} == {3_000}


def test_many_strings_share_the_room_of_one() -> None:
    data = as_data([["x" * 60_000] for _ in range(1000)])
    assert len(json.dumps(data)) < MAX_TEXT + 2_000
    assert "[cut: 1,000 elements here" in json.dumps(data)


def test_strings_beyond_measure_are_not_all_looked_at() -> None:
    class Endless(Sequence[str]):
        read = 0

        def __getitem__(self, index: Any) -> Any:
            self.read += 1
            return f"{index}" * 100_000

        def __len__(self) -> int:
            return 2**40

    value = Endless()
    data: Any = as_data([value, "after"])
    assert value.read < 100
    assert data[0][-1].startswith("[cut: 1,099,511,627,776 elements here")
    assert data[1] == "after"


def test_long_keys_share_the_room_too() -> None:
    data = as_data({f"{n}" * 60_000: n for n in range(5)})
    assert len(json.dumps(data)) < MAX_TEXT + 1_000


def test_elements_are_counted_over_all_levels() -> None:
    data: Any = as_data({"a": list(range(MAX_ELEMENTS)), "b": [1]})
    assert data["a"][-1].startswith("[cut: 10,000 elements here, at most 10,000 ")
    assert 9_900 < len(data["a"]) < MAX_ELEMENTS


def test_what_comes_after_many_elements_is_kept() -> None:
    rows = [{"id": n, "name": "x"} for n in range(9_000)]
    after = {"role": "assistant", "content": ["The answer", {"is": 42}]}
    data: Any = as_data([{"role": "tool", "content": rows}, after])
    assert data[1] == after
    assert data[0]["content"][-1].startswith("[cut: 9,000 elements here")
    assert data[0]["content"][:1_000] == rows[:1_000]


def test_an_element_that_changes_what_holds_it_is_survived() -> None:
    class Adds:
        def __repr__(self) -> str:
            value.append(Adds())
            return "adds"

    value: list[object] = [Adds()]
    assert as_data(value) == ["adds"]


def test_2000_levels_end_at_a_mark() -> None:
    value: object = "deep"
    for _ in range(2_000):
        value = {"a": [value]}
    text = as_text(value)
    assert text.count("[") == MAX_DEPTH // 2
    assert "<dict: nested deeper than 50 levels>" in text


def test_references_that_multiply_stay_small() -> None:
    value: object = "x"
    for _ in range(40):
        value = [value] * 10
    assert len(as_text(value)) < 2 * MAX_TEXT


def test_a_cycle_ends_where_it_closes() -> None:
    value: dict[str, Any] = {"a": [1]}
    value["a"].append(value)
    assert as_data(value) == {"a": [1, "<dict: contains itself>"]}


def test_a_cycle_of_objects_ends_where_it_closes() -> None:
    value = Answer("x")
    value.parts.append(value)
    data: Any = as_data(value)
    assert data["parts"] == ["<Answer: contains itself>"]


def test_a_value_twice_side_by_side_is_no_cycle() -> None:
    shared = [1]
    assert as_data([shared, shared]) == [[1], [1]]


def test_cut_keeps_what_fits() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc… [cut: 3 of 4 characters kept]"


# Secrets at the cut


@pytest.mark.parametrize("before", range(-len(SECRET) - 2, 3))
def test_a_secret_across_the_cut_leaves_no_part_of_itself(before: int) -> None:
    limit = MAX_TEXT + before
    text = as_text("x" * (limit - 1) + " " + SECRET + " y" * 50_000, Redactor())
    assert "sk-" not in text


@pytest.mark.unmeasured("it takes long")
@pytest.mark.parametrize("place", range(len(SECRET) + 1))
def test_nor_does_one_where_the_cleaning_ends(place: int) -> None:
    # what is replaced makes room for what comes after it
    text = "x" * place + f" {SECRET}" * 4_000
    assert "sk-" not in as_text(text, Redactor())
    assert "sk-" not in as_text({"a": text}, Redactor())
    assert "sk-" not in json.dumps(as_data([text], Redactor()))


SECRETS = (SECRET, f"password: '{'q7W' * 9}'", "ghp_" + "Ab3" * 12)


def with_secrets(length: int, places: list[tuple[int, str]]) -> str:
    """Return text with secrets at these places, as far as they are free."""
    text = ""
    for place, secret in sorted(places):
        if len(text) <= place < length:
            text += f"{'. ' * length}"[: place - len(text)] + f" {secret}, "
    return text + ". " * ((length - len(text)) // 2)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(100_001, 150_000) | st.integers(500_000, 550_000),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(SECRETS)), max_size=20),
    st.lists(st.tuples(st.integers(-150, 150), st.sampled_from(SECRETS)), max_size=4),
)
def test_no_secret_leaves_a_part_of_itself_at_a_cut(
    length: int, anywhere: list[tuple[float, str]], at_edges: list[tuple[int, str]]
) -> None:
    places = [(int(share * length), secret) for share, secret in anywhere]
    for limit in (MAX_TEXT, 90_000, 45_000, 50_000):  # of one string, and of two
        back = (limit - 50) // 3
        for offset, secret in at_edges:
            places += [(2 * back + offset, secret), (length - back + offset, secret)]
    text = with_secrets(length, places)
    shown = as_text(text, Redactor())
    shown += as_text({"a": text}, Redactor())
    shown += as_text([text, {"a": text}], Redactor())
    shown += json.dumps(as_data([text, text], Redactor()))
    # as it is done with all texts of a case: what is whole goes, a part would stay
    shown = Redactor()(shown)
    assert not re.search("proj|q7W|7Wq|Wq7|Ab3|b3A|3Ab", shown)


@pytest.mark.parametrize("before", range(950, 1_003))
def test_nor_does_one_across_the_end_of_a_long_repr(before: int) -> None:
    class Shown:
        def __repr__(self) -> str:
            return f"{'x' * before} {SECRET} {'y' * 100}"

    assert "sk-" not in as_text(Shown(), Redactor())
    assert "sk-" not in json.dumps(as_data([Shown()], Redactor()))


def test_what_is_cut_off_is_not_cleaned_in_vain() -> None:
    seen: list[int] = []

    def clean(text: str) -> str:
        seen.append(len(text))
        return text

    as_text("x" * 10_000_000, clean)
    assert sum(seen) <= 2 * MAX_TEXT


# Keys


def test_keys_of_all_kinds_become_text() -> None:
    keys = {1: "a", None: "b", (1, "x"): "c", Colour.RED: "d", 0.5: "e", b"f": "f"}
    assert list(as_data(keys)) == ["1", "null", '[1, "x"]', "red", "0.5", "f"]  # type: ignore[arg-type]


def test_keys_with_one_text_all_stay() -> None:
    assert as_data({1: "a", "1": "b", 1.5: "c", "1.5": "d"}) == {
        "1": "a",
        "1 #2": "b",
        "1.5": "c",
        "1.5 #4": "d",
    }


def test_many_keys_with_one_text_take_no_time() -> None:
    class Same:
        def __repr__(self) -> str:
            return "same"

    data: Any = as_data({Same(): n for n in range(9_000)})
    assert list(data.values()) == list(range(9_000))
    assert max(map(len, data)) < 20


# Hostile values


class Boom(BaseException):
    """What no one expects from looking at a value."""


def raising(error: BaseException) -> Any:
    def method(*args: object, **kwargs: object) -> Any:
        raise error

    return method


SPECIAL = (
    *("__repr__", "__str__", "__len__", "__iter__", "__bool__", "__eq__", "__hash__"),
    *("__getattribute__", "__format__", "__contains__", "__getitem__", "__reduce__"),
    *("__float__", "__int__", "__index__", "__fspath__", "__lt__", "__dir__"),
)


def all_raising(base: type, error: BaseException) -> Any:
    """A subclass of which every method raises, and the class is asked in vain."""
    own = [name for name in dir(base) if not name.startswith("__")]
    methods = {name: raising(error) for name in (*SPECIAL, *own)}
    methods["__class__"] = property(raising(error))
    return type("Hostile", (base,), methods)


class LiesAboutItsClass:
    def __init__(self, kind: type) -> None:
        self.kind = kind

    __class__ = property(lambda self: self.kind)


class HasEverything:
    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *args: object) -> Any:
        return self


class LeavesByAttribute:
    def __getattr__(self, name: str) -> Any:
        raise SystemExit(name)


class HostileMeta(type):
    def __getattribute__(cls, name: str) -> Any:
        raise Boom(name)


class AnsweringMeta(type):
    def __getattr__(cls, name: str) -> Any:
        return 5


def instance(kind: Any) -> object:
    return object.__new__(kind)


class EndlessDict(dict[str, int]):
    def items(self) -> Any:
        return ((str(n), n) for n in itertools.count())

    def __len__(self) -> int:
        raise Boom


class EndlessList(list[int]):
    def __iter__(self) -> Iterator[int]:
        return itertools.count()


class EndlessTree(Sequence[object]):
    def __getitem__(self, index: Any) -> Any:
        return EndlessTree()

    def __len__(self) -> int:
        return 2**80


class EndlessEnum(enum.Enum):
    ONE = 1

    @property
    def value(self) -> Any:
        return EndlessEnum.ONE


class NotPairs(dict[str, int]):
    def items(self) -> Any:
        return [1, 2, 3]


class ReprIsNoText:
    def __repr__(self) -> Any:
        return 5


class ReprIsHostileText:
    def __repr__(self) -> str:
        return str(all_raising(str, Boom())("inner"))


class LikePandas:
    """As a data frame: no truth value, comparison by element, a long repr."""

    columns: ClassVar = ["a"]

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __repr__(self) -> str:
        return "   a\n0  1\n" * 1_000


@dataclasses.dataclass
class HalfBroken:
    good: int = 1

    @property
    def bad(self) -> int:
        raise Boom

    @bad.setter
    def bad(self, value: int) -> None:
        pass


HalfBroken.__annotations__["bad"] = int
HalfBroken = dataclasses.dataclass(HalfBroken)  # type: ignore[misc]


class BrokenMapping(Mapping[str, int]):
    __iter__ = __getitem__ = __len__ = raising(Boom())


BASES = (object, str, int, float, bytes, list, tuple, dict, set, frozenset, deque)
ERRORS = (ValueError, SystemExit, GeneratorExit, Boom)
LIES = (str, int, dict, list, set, bytes, type, enum.Enum, Mapping)
# by name: pytest and Hypothesis look at their parameters, and these look back
HOSTILE: dict[str, Callable[[], object]] = {
    **{
        f"{base.__name__} {error.__name__}": all_raising(base, error())
        for base in BASES
        for error in ERRORS
    },
    **{f"no {kind.__name__}": partial(LiesAboutItsClass, kind) for kind in LIES},
    "has everything": HasEverything,
    "leaves by attribute": LeavesByAttribute,
    "hostile class": lambda: HostileMeta("Hostile", (), {}),
    "of hostile class": lambda: instance(HostileMeta("Hostile", (), {})),
    "of hostile class all over": lambda: instance(
        HostileMeta("Hostile", (), {"__repr__": raising(Boom())})
    ),
    "answering class": lambda: AnsweringMeta("Answering", (), {}),
    "of answering class": lambda: instance(AnsweringMeta("Answering", (), {})),
    "endless dict": EndlessDict,
    "endless list": EndlessList,
    "endless tree": EndlessTree,
    "endless enum": lambda: EndlessEnum.ONE,
    "not pairs": lambda: NotPairs(a=1),
    "repr is no text": ReprIsNoText,
    "repr is hostile text": ReprIsHostileText,
    "like pandas": LikePandas,
    "half broken": HalfBroken,
    "broken mapping": BrokenMapping,
    "mock": Mock,
    "magic mock": MagicMock,
    "mock of dict": partial(MagicMock, spec=dict),
    "mock of str": partial(MagicMock, spec=str),
    "mock of float": partial(MagicMock, spec=float),
    "mock of dataclass": lambda: Mock(spec=Answer("x")),
    "object": object,
}
slow = [pytest.mark.unmeasured("it takes long")]
hostile = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=slow if name.startswith("endless") else [])
        for name in HOSTILE
    ],
)


def check(value: object) -> None:
    """Whatever was recorded is text and data that the rest of the way can carry."""
    text, data = as_text(value), as_data(value)
    assert type(text) is str
    assert len(text) <= MAX_TEXT
    text.encode()
    written = json.dumps(data, allow_nan=False)
    written.encode("ascii")
    json.dumps(data, ensure_ascii=False).encode()
    assert len(json.dumps(data, ensure_ascii=False)) < 20 * MAX_TEXT
    assert as_text(value) == text
    assert as_data(value) == data
    assert not re.search(r" at 0x|id='\d", written)
    assert json.loads(written) == data


@hostile
def test_a_hostile_value_is_survived(name: str) -> None:
    value = HOSTILE[name]()
    check(value)
    check([value, {"a": value}])


@hostile
def test_a_hostile_key_is_survived(name: str) -> None:
    value = HOSTILE[name]()

    class Items(dict[str, int]):
        def items(self) -> Any:
            return [(value, 1), (value, 2)]

    check(Items())


def test_what_a_hostile_value_did_is_shown() -> None:
    assert as_data(all_raising(object, Boom())()) == "<Hostile: repr() raised Boom>"
    assert as_data(HalfBroken()) == {"good": 1, "bad": "<raised Boom>"}
    assert as_data(NotPairs(a=1)) == "{'a': 1}"
    assert as_data(all_raising(str, Boom())("x")) == "x"
    assert as_data(all_raising(int, Boom())(7)) == 7


def test_an_endless_container_ends() -> None:
    data: Any = as_data({"dict": EndlessDict()})
    assert len(data["dict"]) == MAX_ELEMENTS
    assert data["dict"]["…"].startswith("[cut: more elements here")


def test_a_broken_element_does_not_hide_the_others() -> None:
    broken = all_raising(object, ValueError())()
    assert as_data([1, broken, 2]) == [1, "<Hostile: repr() raised ValueError>", 2]


@pytest.mark.parametrize("error", [KeyboardInterrupt, pytest.exit.Exception("bye")])
def test_what_ends_the_session_is_passed_on(error: Any) -> None:
    with pytest.raises((KeyboardInterrupt, pytest.exit.Exception)):
        as_text([all_raising(object, error)()])


def test_describe_is_short_and_the_same_everywhere() -> None:
    assert describe(lambda: 1).startswith("<function test_describe")
    assert " at 0x" not in describe(object())
    assert describe(Mock(name="x")) == "<Mock name='x'>"
    assert len(describe("x" * 10_000)) < 1_100


# Any nesting of anything


@dataclasses.dataclass(frozen=True)
class Holding(Mapping[str, object]):
    """Holds a hostile value out of Hypothesis' sight."""

    name: str

    def __getitem__(self, key: str) -> object:
        return HOSTILE[self.name]()

    def __iter__(self) -> Iterator[str]:
        return iter(["inside"])

    def __len__(self) -> int:
        return 1


LEAVES = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers()),
    *(st.binary(), st.decimals(), st.fractions(), st.uuids(), st.datetimes()),
    *(st.text(st.characters()), st.text(st.sampled_from('\ud800\udfff\0\n"\\é😀'))),
    *(st.times(), st.timedeltas(), st.sampled_from([10**400, -(10**4000), Colour.RED])),
    st.sampled_from([name for name in HOSTILE if "endless" not in name]).map(Holding),
)
KEYS = st.one_of(st.text(), st.integers(), st.none(), st.booleans(), st.binary())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(KEYS, inner, max_size=5),
        st.lists(inner, max_size=3).map(iter),
        st.builds(Answer, st.text(), parts=st.lists(inner, max_size=3)),
        st.lists(inner, max_size=3).map(lambda each: np.array([*each, None], object)),
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_any_nesting_of_anything_is_survived(value: object) -> None:
    check(value)


SHOW = """
    import threading
    from unittest.mock import Mock
    from pytest_evalguard.model.values import as_data, as_text
    words = {f"word {n}" for n in range(100)}
    class Plain: pass
    values = [
        words, frozenset(words), {(word, 1) for word in words}, {"k": words},
        {f"{n}" for n in range(20_000)}, {"x" * 50_000, "y" * 60_000}, {1, None, "a"},
        [{f"{n}" for n in range(6_000)}, {f"{n}" for n in range(6_000)}, "after"],
        {frozenset({word, word[::-1]}) for word in words},
        {"w" * n for n in range(9_000)}, {(tuple(range(5_000)),), ("a", "b"), "c"},
        [{(tuple(range(n)), f"{n}") for n in range(130)}, "after"], {b"\\xff", b"a"},
        Plain(), Plain, Plain.__init__, Mock(), threading.Lock(), iter([]), lambda: 0,
        [Plain(), {Plain(): Plain()}], {Plain()}, memoryview(b"ab"), object(),
    ]
    for value in values:
        print(as_text(value), as_data(value))
"""


def test_every_process_gives_the_same_bytes() -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SHOW)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "2")
    ]
    first, second = (process.communicate()[0] for process in started)
    assert len(first) > 10_000
    assert first == second
