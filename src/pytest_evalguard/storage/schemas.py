"""What is read must be what the types of a dataclass's fields say.

pydantic's core checks that. The rest of pydantic would make the same schemas, and take
more time for it than to send 10,000 results; its plugins, such as the official SDK's
tracer and logfire, would send away what is read, also that of a dry run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

_PLAIN = {
    Any: "any",
    bool: "bool",
    bytes: "bytes",
    datetime: "datetime",
    float: "float",
    int: "int",
    str: "str",
}


@cache
def validator(kind: Any) -> SchemaValidator:
    """Return what checks values of a type, and makes them of JSON.

    :raises KeyError: it has to do with a type that none of ours has so far.
    """
    from pydantic_core import SchemaValidator

    return SchemaValidator(_schema(kind))


def _schema(kind: Any) -> Any:
    """Return a type's schema, as pydantic's core takes it."""
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _dataclass_schema(kind)
    if origin is Annotated:
        return parts[1].__get_pydantic_core_schema__(parts[0], None)
    if origin is Literal:
        return {"type": "literal", "expected": list(parts)}
    if origin in (Union, UnionType):
        return _union_schema(parts)
    if origin in (list, Sequence):
        return {"type": "list", "items_schema": _schema(parts[0])}
    if origin in (dict, Mapping):
        keys, values = map(_schema, parts)
        return {"type": "dict", "keys_schema": keys, "values_schema": values}
    if origin is tuple:
        items = [_schema(each) for each in parts if each is not ...]
        schema = {"type": "tuple", "items_schema": items}
        return {**schema, "variadic_item_index": 0} if ... in parts else schema
    return {"type": _PLAIN[kind]}


def _union_schema(parts: Sequence[Any]) -> Any:
    choices = [_schema(each) for each in parts if each is not NoneType]
    one = choices[0] if len(choices) == 1 else {"type": "union", "choices": choices}
    return {"type": "nullable", "schema": one} if NoneType in parts else one


def _dataclass_schema(kind: Any) -> Any:
    types = get_type_hints(kind, include_extras=True)
    has_post_init = hasattr(kind, "__post_init__")
    return {
        "type": "dataclass",
        "cls": kind,
        "fields": [each.name for each in fields(kind)],
        "slots": hasattr(kind, "__slots__"),
        "post_init": has_post_init,
        "schema": {
            "type": "dataclass-args",
            "dataclass_name": kind.__name__,
            "fields": [_field_schema(each, types[each.name]) for each in fields(kind)],
            "collect_init_only": has_post_init,
        },
    }


def _field_schema(field: Field[Any], kind: Any) -> Any:
    schema = _schema(kind)
    if field.default is not MISSING:
        schema = {"type": "default", "schema": schema, "default": field.default}
    elif field.default_factory is not MISSING:
        factory = field.default_factory
        schema = {"type": "default", "schema": schema, "default_factory": factory}
    return {"type": "dataclass-field", "name": field.name, "schema": schema}
