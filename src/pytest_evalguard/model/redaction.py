"""Secrets replaced by ``[REDACTED]`` before anything leaves the process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from .json_data import Json, unused_key
from .secret_names import (
    is_secret_number,
    may_have_name,
    spans_of_names,
    value_test,
)
from .secret_shapes import Span, may_have_shape, spans_of_shapes
from .secret_values import IsValue

REDACTED = "[REDACTED]"

SHORTEST_KEY = 8
"""Shorter values of a live key are no key, and stand in too many other words."""

_MOST_CHAINED = 20  # keys with nothing between them
_SHORTEST_ALNUM = 11  # of what is a secret and nothing but letters and digits


class Redactor:
    """Replaces secrets in text.

    :param keys: live keys; their literal values are replaced, whatever their shape.
    :param shapes: whether known shapes and names of secrets are replaced as well.
    """

    def __init__(self, keys: Iterable[str] = (), *, shapes: bool = True) -> None:
        spellings = {each for key in filter(_is_key, keys) for each in _spellings(key)}
        self._keys = sorted(spellings, key=len, reverse=True)
        self._keys_in_json = [_in_json(key) for key in self._keys]
        self._shapes = shapes

    def __call__(self, text: str) -> str:
        for key in self._keys:
            text = text.replace(key, REDACTED)
        if not self._shapes or (len(text) < _SHORTEST_ALNUM and text.isalnum()):
            return text
        # a key right behind another begins a word only when that is replaced
        for _ in range(_MOST_CHAINED):
            if not (spans := spans_of_shapes(text)):
                break
            text = _without(spans, text)
        spans = spans_of_names(text)
        return _without(spans, text) if spans else text

    def may_change(self, line: str) -> bool:
        """Whether a line of ASCII JSON may hold a secret; most do not.

        Where anything in it would be redacted, this is true.
        """
        if any(key in line for key in self._keys_in_json):
            return True
        return self._shapes and (may_have_shape(line) or may_have_name(line))

    def data(self, value: Json) -> Json:
        """Return JSON data redacted, as its text would be."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, (list, tuple)):
            return [self.data(element) for element in value]
        if isinstance(value, dict):
            return self.fields(value)
        return value

    def fields(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Return JSON data redacted, with the values that stand under a secret's name.

        What is nested under such a name is no value of it: a JSON schema has one there.
        """
        data: dict[str, Json] = {}
        for key, value in values.items():
            is_value = value_test(key) if self._shapes else None
            if is_value and type(value) is int and is_secret_number(is_value, value):
                each: Json = REDACTED
            else:
                each = self._hidden(value, is_value) if is_value else self.data(value)
            data[unused_key(self(key), data)] = each
        return data

    def _hidden(self, value: Json, is_value: IsValue) -> Json:
        if isinstance(value, list):
            return [self._hidden(element, is_value) for element in value]
        if isinstance(value, str) and is_value(value):
            return REDACTED
        return self.data(value)


def _is_key(text: str) -> bool:
    return len(text) >= SHORTEST_KEY


def _spellings(key: str) -> tuple[str, ...]:
    """Return a key as it may stand in text: as it is, in JSON, in a URL."""
    return key, _in_json(key), quote(key, safe="")


def _in_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _without(spans: Iterable[Span], text: str) -> str:
    parts: list[str] = []
    place = 0
    for start, end in sorted(spans):
        if start >= place:
            parts += (text[place:start], REDACTED)
        place = max(place, end)
    return "".join((*parts, text[place:]))
