"""No field of a case keeps a secret, whatever fields it has."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass, make_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from pytest_evalguard.model.case import Case, case_from_line
from pytest_evalguard.model.redaction import REDACTED, Redactor
from pytest_evalguard.recording.modify_case import redact_case

KEY = "sk-proj-" + "a1B2" * 10


def filled(kind: Any) -> Any:
    """Return a value of a type with the key in each text that it can hold."""
    origin, types = get_origin(kind), get_args(kind)
    if kind in (str, Any):
        return f"the key is {KEY}."
    if kind in (int, float, bool):
        return kind(1)
    if origin is Literal:
        return types[0]
    if origin in (Union, UnionType):
        return filled(next(each for each in types if each is not NoneType))
    if origin is list:
        return [filled(types[0]), filled(types[0])]
    if origin is dict:
        return {KEY: filled(types[1]), f"{KEY} too": filled(types[1])}
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        names = [field.name for field in fields(kind)]
        return kind(**{name: filled(hints[name]) for name in names})
    raise AssertionError(f"say here what a {kind} holds")


def lines_of(case: Case) -> str:
    """Return all that a case holds as JSON, new fields of a subclass as well."""
    values = {field.name: getattr(case, field.name) for field in fields(case)}
    return case.to_line() + json.dumps(values, default=repr)


def test_each_field_of_a_case_is_filled_and_no_key_is_left() -> None:
    case = filled(Case)
    assert all(getattr(case, field.name) for field in fields(Case))
    planted = case.to_line().count(KEY)
    redact_case(case, Redactor())
    assert KEY not in lines_of(case)
    assert case.to_line().count(REDACTED) == planted


@pytest.mark.parametrize("name", get_type_hints(Case))
def test_a_key_in_one_field_alone_is_found(name: str) -> None:
    case = Case("t.py::t", "passed")
    setattr(case, name, filled(get_type_hints(Case)[name]))
    redact_case(case, Redactor())
    assert KEY not in lines_of(case)


def test_what_is_no_text_stays() -> None:
    case, before = filled(Case), filled(Case)
    redact_case(case, Redactor())
    for field in fields(Case):
        if isinstance(getattr(case, field.name), (int, float)):
            assert getattr(case, field.name) == getattr(before, field.name)
    assert case.outcome == before.outcome
    assert case_from_line(case.to_line()) == case


@dataclass
class Note:
    author: str
    lines: list[str]


@pytest.mark.parametrize(
    "kind",
    [
        *(str, str | None, list[str], dict[str, str], dict[str, float], Any),
        *(list[Any], dict[str, Any], Note, list[Note], dict[str, Note], Note | None),
    ],
    ids=str,
)
def test_a_field_that_is_added_is_redacted(kind: Any) -> None:
    more = make_dataclass("More", [("added", kind)], bases=(Case,), kw_only=True)
    case = more(nodeid="t.py::t", outcome="passed", added=filled(kind))
    assert KEY in lines_of(case)
    redact_case(case, Redactor())
    assert KEY not in lines_of(case)


def test_what_stands_under_the_name_of_a_secret_is_redacted_in_an_added_field() -> None:
    more = make_dataclass(
        "More", [("added", dict[str, str])], bases=(Case,), kw_only=True
    )
    case = more(nodeid="t.py::t", outcome="passed", added={"password": "hunter2"})
    redact_case(case, Redactor())
    assert case.added == {"password": REDACTED}
