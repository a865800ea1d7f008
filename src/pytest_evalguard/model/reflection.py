"""What a dataclass holds, found by the types of its fields and of theirs.

A field that is added to a class is found as well. `str` is text: as it is, optional,
in a list, as the key of a dict, in another dataclass. What may hold anything is data:
`Any`, a union, a dict from names to texts, as what stands under a name may be secret
because of it. Numbers and a `Literal` are neither.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from inspect import isabstract
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

from .json_data import unused_key

_Change = Callable[[Any], Any]


class Plan(Protocol):
    """The way to all that is text, or all that is data, in values of one type."""

    def found(self, value: Any) -> Iterable[Any]:
        """Return what there is of it in the value."""

    def changed(self, value: Any, change: Callable[[Any], Any]) -> Any:
        """Return the value with it changed; a dataclass is changed in place."""


@cache
def texts_of(kind: Any) -> Plan | None:
    """Return the way to the texts in values of a type, None if it has none."""
    return _itself if kind is str else _plan(kind, texts_of)


@cache
def data_of(kind: Any) -> Plan | None:
    """Return the way to the data in values of a type, None if it has none."""
    return _itself if _is_data(kind) else _plan(kind, data_of)


@cache
def fields_of(kind: Any, part: Callable[[Any], Plan | None]) -> Mapping[str, Plan]:
    """Return the plans of those fields of a dataclass that have one.

    :param part: `texts_of` or `data_of`.
    """
    types = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return {name: plan for name in names if (plan := part(types[name]))}


def _plan(kind: Any, part: Callable[[Any], Plan | None]) -> Plan | None:
    origin, types = get_origin(kind), get_args(kind)
    if _is_optional(kind):
        plan = part(next(each for each in types if each is not NoneType))
        return plan and _Optional(plan)
    if dataclasses.is_dataclass(kind):
        plans = fields_of(kind, part)  # type: ignore[arg-type] # classes are hashable
        return _Fields(plans) if plans else None
    if _is_elements(kind):
        plan = part(types[0])
        return plan and _Elements(plan, list if isabstract(origin) else origin)
    if _is_mapping(kind) and not _is_data(kind):
        keys, values = map(part, types)
        return _Mapping(keys, values) if keys or values else None
    return None


def _is_data(kind: Any) -> bool:
    if _is_mapping(kind):
        values = get_args(kind)[1]
        return values is str or _is_data(values)
    if isinstance(kind, type) and get_origin(kind) is None:
        is_scalar = issubclass(kind, (str, int, float, NoneType))
        return not is_scalar and not dataclasses.is_dataclass(kind)
    is_literal = get_origin(kind) is Literal
    return not (is_literal or _is_optional(kind) or _is_elements(kind))


def _is_optional(kind: Any) -> bool:
    types = get_args(kind)
    is_union = get_origin(kind) in (Union, UnionType)
    return is_union and len(types) == 2 and NoneType in types


def _is_mapping(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_elements(kind: Any) -> bool:
    origin, types = get_origin(kind), get_args(kind)
    is_collection = isinstance(origin, type) and issubclass(origin, Collection)
    return is_collection and len(types) == 1 + (types[-1:] == (Ellipsis,))


class _Itself:
    def found(self, value: Any) -> Iterable[Any]:
        return (value,)

    def changed(self, value: Any, change: _Change) -> Any:
        return change(value)


_itself = _Itself()


class _Optional:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def found(self, value: Any) -> Iterable[Any]:
        return () if value is None else self.plan.found(value)

    def changed(self, value: Any, change: _Change) -> Any:
        return None if value is None else self.plan.changed(value, change)


class _Elements:
    def __init__(self, plan: Plan, collection: Any) -> None:
        self._plan = plan
        self._collection = collection

    def found(self, value: Any) -> Iterable[Any]:
        return [leaf for each in value for leaf in self._plan.found(each)]

    def changed(self, value: Any, change: _Change) -> Any:
        return self._collection(self._plan.changed(each, change) for each in value)


class _Mapping:
    def __init__(self, keys: Plan | None, values: Plan | None) -> None:
        self._keys = keys
        self._values = values

    def found(self, value: Any) -> Iterable[Any]:
        found = list(value) if self._keys else []
        if self._values:
            for each in value.values():
                found += self._values.found(each)
        return found

    def changed(self, value: Any, change: _Change) -> Any:
        changed: dict[Any, Any] = {}
        for key, each in value.items():
            name = unused_key(change(key), changed) if self._keys else key
            values = self._values
            changed[name] = values.changed(each, change) if values else each
        return changed


class _Fields:
    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self._plans = plans
        direct = [name for name, plan in plans.items() if _is_direct(plan)]
        self._others = [each for each in plans.items() if each[0] not in direct]
        # after two other names, as it returns a tuple of two or more
        self._get_direct = attrgetter("__class__", "__class__", *direct)

    def found(self, value: Any) -> Iterable[Any]:
        found = list(filter(None, self._get_direct(value)[2:]))
        for name, plan in self._others:
            if each := getattr(value, name):
                found += plan.found(each)
        return found

    def changed(self, value: Any, change: _Change) -> Any:
        for name, plan in self._plans.items():
            if each := getattr(value, name):
                setattr(value, name, plan.changed(each, change))
        return value


def _is_direct(plan: Plan) -> bool:
    return plan is _itself or (isinstance(plan, _Optional) and plan.plan is _itself)
