"""Frames, rows and records keep their names; what is cut of them says so."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from pytest_evalguard.model.values import MAX_ELEMENTS, as_data, as_text

MANY = 1_000_000


# Stand-ins with the attributes of the real ones, which read no more than they must


class Parts:
    """What polars and pyarrow have in common."""

    def __init__(self, length: int, start: int = 0) -> None:
        self.numbers = range(start, start + length)

    def __len__(self) -> int:
        return len(self.numbers)

    def slice(self, offset: int, length: int) -> Any:
        found = self.numbers[offset : offset + length]
        return type(self)(len(found), found.start)

    def __repr__(self) -> str:
        return f"shape: ({len(self)}, 2) 0 1 … 9"


class Polars(Parts):
    """A frame of polars."""

    def to_dicts(self) -> list[dict[str, object]]:
        assert len(self) < MANY
        return [{"n": n, "word": f"w{n}"} for n in self.numbers]


class PolarsSeries(Parts):
    def to_list(self) -> list[int]:
        assert len(self) < MANY
        return list(self.numbers)


class HeadOnly:
    """A frame that has to_dicts, but neither slices nor parts."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length

    def head(self, length: int) -> HeadOnly:
        return HeadOnly(min(length, self._length))

    def to_dicts(self) -> list[dict[str, int]]:
        assert self._length < MANY
        return [{"n": n} for n in range(self._length)]


class Arrow(Parts):
    """A table of pyarrow, in which two columns may have one name."""

    column_names = ("n", "n")

    def rename_columns(self, names: list[str]) -> Any:
        renamed = type("Renamed", (Arrow,), {"column_names": names})
        return renamed(len(self))

    def to_pylist(self) -> list[dict[str, int]]:
        return [dict.fromkeys(self.column_names, n) for n in self.numbers]


class RangeIndex(Sequence[Any]):
    names = (None,)

    def __init__(self, start: int, stop: int) -> None:
        self.start, self.stop, self.step = start, stop, 1

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, place: Any) -> Any:
        return range(self.start, self.stop)[place]


class Pandas:
    """A frame of pandas, with an index."""

    def __init__(self, columns: list[object], rows: Any, index: Any = None) -> None:
        self.columns, self.rows = columns, rows
        self.index = RangeIndex(0, len(rows)) if index is None else index

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def iloc(self) -> Any:
        return self

    def __getitem__(self, part: slice) -> Pandas:
        return Pandas(self.columns, self.rows[part], self.index)

    def reset_index(self, *, allow_duplicates: bool) -> Pandas:
        assert allow_duplicates
        rows = [(each, *row) for each, row in zip(self.index, self.rows, strict=True)]
        return Pandas(["index", *self.columns], rows)

    def itertuples(self, *, index: bool, name: None) -> Iterator[Any]:
        assert not index
        assert len(self.rows) <= 256
        return iter(self.rows)


class PandasSeries:
    """A column of pandas; it has `tolist` and `dtype` as arrays have."""

    dtype = "int64"
    iloc = reset_index = None

    def __init__(self, values: Sequence[Any], index: Sequence[Any] | None) -> None:
        self.values = values
        self.index = RangeIndex(0, len(values)) if index is None else index

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def tolist(self) -> list[Any]:
        raise AssertionError("a million values")


class Tabled:
    """Something of columns that has a to_dict of its own."""

    columns: ClassVar = ["a"]

    def to_dict(self, orient: str = "dict") -> object:
        return [{"a": 1}] if orient == "records" else {"a": {0: 1}}


class Told:
    columns: ClassVar = ["a"]

    def to_dict(self) -> dict[str, object]:
        return {"a": [1]}


class XArray:
    dims = ("x", "y")

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return 2

    def to_dict(self) -> dict[str, object]:
        assert self.size < MANY
        return {"dims": self.dims, "data": [[1], [2]], "coords": {"x": ["a", "b"]}}


class XDataset(dict[str, XArray]):
    data_vars = None
    nbytes = 16

    def to_dict(self) -> dict[str, object]:
        return {"attrs": {"unit": "m"}, "data_vars": {"v": [1, 2]}}


class Tensor:
    """A tensor of torch: its size is a method."""

    def __init__(self, values: list[float], *shape: int) -> None:
        self.values = values
        self.shape = shape
        self.dtype = "torch.float32"

    def size(self) -> tuple[int, ...]:
        return self.shape

    def tolist(self) -> list[float]:
        return self.values


class Struct:
    """As msgspec's, with a tag and with names for JSON that are not those of Python."""

    __struct_fields__ = ("first_name", "age")
    __struct_encode_fields__ = ("firstName", "age")
    __struct_config__ = SimpleNamespace(tag="person", tag_field="type")

    first_name = "Ada"
    age = 36


def field(name: str, **more: object) -> SimpleNamespace:
    return SimpleNamespace(**{"name": name, "has_presence": False} | more)


KIND = SimpleNamespace(values_by_number={1: SimpleNamespace(name="GOOD")})


class Message:
    """As protobuf's: what is not set is there all the same."""

    DESCRIPTOR = SimpleNamespace(
        fields=[
            field("text"),
            field("score"),
            field("kind", enum_type=KIND),
            field("kinds", enum_type=KIND),
            field("inner", has_presence=True),
        ]
    )
    text, score, kind, kinds = "hello", 0.0, 1, (1, 2)

    @property
    def inner(self) -> Message:
        return Message()

    def HasField(self, name: str) -> bool:  # protobuf's name
        return False


class OldMessage:
    DESCRIPTOR = object()

    def ListFields(self) -> list[tuple[Any, object]]:  # protobuf's name
        return [(field("text"), "hello")]


class Timestamp:
    DESCRIPTOR = object()

    def ToJsonString(self) -> str:  # protobuf's name
        return "1970-01-01T00:00:01Z"


class Row(tuple[object, ...]):
    """As SQLAlchemy's, of which two columns may have one name."""

    @property
    def _fields(self) -> tuple[str, ...]:
        return ("id", "name", "id")

    @property
    def _mapping(self) -> Mapping[str, object]:
        raise ValueError("ambiguous")


class RowOfMapping:
    def __init__(self, **columns: object) -> None:
        self._mapping = columns


def sqlite_row() -> sqlite3.Row:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    row: sqlite3.Row = connection.execute("select 1 as id, 'x' as name").fetchone()
    connection.close()
    return row


Pair = namedtuple("Pair", "left right")  # what is tested


@dataclasses.dataclass
class Holder:
    pair: Pair


PAIR = {"left": 2, "right": 3}
NAMED: dict[str, tuple[object, object]] = {
    "polars": (Polars(2), [{"n": 0, "word": "w0"}, {"n": 1, "word": "w1"}]),
    "polars, empty": (Polars(0), []),
    "a column of polars": (PolarsSeries(3), [0, 1, 2]),
    "head only": (HeadOnly(1), [{"n": 0}]),
    "pyarrow, two of one name": (Arrow(1), [{"n": 0, "n #2": 0}]),
    "pandas": (Pandas(["a", "b"], [(1, "x")]), [{"a": 1, "b": "x"}]),
    "pandas, two of one name": (Pandas(["a", "a"], [(1, 2)]), [{"a": 1, "a #2": 2}]),
    "pandas, columns of levels": (Pandas([("a", 1)], [(5,)]), [{'["a", 1]': 5}]),
    "pandas, filtered": (
        Pandas(["a"], [(1,)], RangeIndex(7, 8)),
        [{"index": 7, "a": 1}],
    ),
    "pandas, index of names": (
        Pandas(["a"], [(1,), (2,)], ["p", "q"]),
        [{"index": "p", "a": 1}, {"index": "q", "a": 2}],
    ),
    "a column of pandas": (PandasSeries([1, float("nan")], None), [1, "NaN"]),
    "a column of names": (PandasSeries([1, 2], ["a", "b"]), {"a": 1, "b": 2}),
    "a column with one name twice": (
        PandasSeries([1, 2], ["a", "a"]),
        {"a": 1, "a #2": 2},
    ),
    "a column of levels": (PandasSeries([1], [("p", 1)]), {'["p", 1]': 1}),
    "records by to_dict": (Tabled(), [{"a": 1}]),
    "to_dict": (Told(), {"a": [1]}),
    "xarray": (
        XArray(2),
        {"dims": ["x", "y"], "data": [[1], [2]], "coords": {"x": ["a", "b"]}},
    ),
    "xarray's data set": (
        XDataset(),
        {"attrs": {"unit": "m"}, "data_vars": {"v": [1, 2]}},
    ),
    "tensor": (Tensor([0.5, 1.0], 2), [0.5, 1.0]),
    "msgspec": (Struct(), {"type": "person", "first_name": "Ada", "age": 36}),
    "protobuf": (
        Message(),
        {"text": "hello", "score": 0.0, "kind": "GOOD", "kinds": ["GOOD", 2]},
    ),
    "protobuf without fields": (OldMessage(), {"text": "hello"}),
    "protobuf's time": (Timestamp(), "1970-01-01T00:00:01Z"),
    "row": (Row((1, "x", 2)), {"id": 1, "name": "x", "id #3": 2}),
    "row of another make": (RowOfMapping(id=1), {"id": 1}),
    "row of sqlite3": (sqlite_row(), {"id": 1, "name": "x"}),
    "named tuple": (
        Pair(1, [Pair(2, 3)]),
        {"left": 1, "right": [{"left": 2, "right": 3}]},
    ),
    "named tuple in a set": ({Pair(2, 3)}, [PAIR]),
    "named tuple in a dataclass": (
        Holder(Pair(1, 2)),
        {"pair": {"left": 1, "right": 2}},
    ),
    "record": (np.rec.array([(1, "x")], "i4,U1")[0], {"f0": 1, "f1": "x"}),
    "dates in a structured array": (
        np.array([("2026-01-02",)], dtype=[("day", "M8[D]")]),
        [{"day": "2026-01-02"}],
    ),
    "grid of records": (
        np.zeros((1, 2), dtype=[("a", "i4")]),
        [[{"a": 0}, {"a": 0}]],
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_names_are_kept(name: str) -> None:
    value, data = NAMED[name]
    assert as_data(value) == data
    assert as_data({"nested": [value], "after": "x"}) == {
        "nested": [data],
        "after": "x",
    }


LARGE: dict[str, Any] = {
    "polars": Polars(MANY),
    "a column of polars": PolarsSeries(MANY),
    "head only": HeadOnly(MANY),
    "pandas": Pandas(["a"], [(n,) for n in range(20_000)]),
    "a column of pandas": PandasSeries(range(MANY), None),
    "a column of names": PandasSeries(range(MANY), range(MANY)),
    "structured array": np.zeros(MANY, dtype=[("a", "i4")]),
}


@pytest.mark.parametrize("name", LARGE)
def test_of_a_large_one_the_first_are_kept_and_it_says_so(name: str) -> None:
    value = LARGE[name]
    data: Any = as_data({"rows": value, "after": "x"})
    rows = (
        list(data["rows"].values()) if isinstance(data["rows"], dict) else data["rows"]
    )
    assert rows[-1].startswith(f"[cut: {len(value):,} elements here, at most 10,000 ")
    assert MAX_ELEMENTS / 4 < len(rows) <= MAX_ELEMENTS + 1
    assert data["after"] == "x"


def test_a_large_grid_is_told_and_not_unfolded() -> None:
    most = "1,000,000 elements, more than the 10,000 kept"
    assert as_data([XArray(MANY)]) == [f"<XArray: {most}>"]
    tensor = Tensor([], 1_000, 1_000)
    assert as_data(tensor) == "<Tensor of shape (1000, 1000), 'torch.float32'>"


def test_what_has_too_many_to_tell_and_no_parts_is_not_unfolded() -> None:
    class Rows:
        def __len__(self) -> int:
            return MANY

        def to_list(self) -> list[int]:
            raise AssertionError

    assert as_data(Rows()) == "<Rows: 1,000,000 elements, more than the 10,000 kept>"


def test_a_to_dict_that_fails_or_is_none_leaves_the_repr() -> None:
    class Fails:
        def to_dict(self) -> dict[str, object]:
            raise ValueError

        def __repr__(self) -> str:
            return "Fails(a=1)"

    class Needs(Fails):
        def to_dict(self, session: object = None) -> Any:
            return None

    assert as_data([Fails(), Needs()]) == ["Fails(a=1)", "Fails(a=1)"]


def test_a_to_dict_without_end_ends() -> None:
    class Endless:
        def to_dict(self) -> dict[str, object]:
            return {"next": Endless(), "other": Endless()}

    assert "nested deeper than 50 levels" in as_text(Endless())


# The real ones, where they are installed


def test_real_frames_keep_their_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.5, None]}, index=["p", "q"])
    assert as_data(frame) == [{"index": "p", "a": 1.5}, {"index": "q", "a": "NaN"}]
    assert as_data(frame.reset_index(drop=True)) == [{"a": 1.5}, {"a": "NaN"}]
    assert as_data(frame.a) == {"p": 1.5, "q": "NaN"}
    times = pandas.DataFrame({"t": pandas.to_datetime(["2026-01-02", None])})
    assert as_data(times) == [{"t": "2026-01-02T00:00:00"}, {"t": "NaT"}]


def test_real_tables_keep_their_names() -> None:
    polars = pytest.importorskip("polars")
    assert as_data(polars.DataFrame({"a": [1], "b": ["x"]})) == [{"a": 1, "b": "x"}]
    assert as_data(polars.Series("s", [1, None])) == [1, None]


def test_real_structs_keep_their_names() -> None:
    msgspec = pytest.importorskip("msgspec")
    kind = msgspec.defstruct("Kind", [("a_b", int)], rename="camel", tag="k")
    assert as_data(kind(1)) == {"type": "k", "a_b": 1}
