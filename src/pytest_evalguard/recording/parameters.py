"""What a case keeps of its parameters: a short text of each, to group cases by.

That is the id where somebody gave one, as ``pytest.param(config, id="large")``, else
the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ..model.text import distinct_line
from ..model.values import as_text, clean_text

MAX_PARAMETER = 100
"""Longest text kept of a parameter, in columns."""

_MOST_READ = 10_000
_SCALARS = (int, float, bool, type(None))
_COUNTER = re.compile("_?[0-9]+|")  # what pytest adds where ids are equal


def parameters_of(
    item: pytest.Item, callspec: Any, clean: Callable[[str], str]
) -> dict[str, str]:
    """Return the parameters of a test by name, those of its fixtures included.

    :param clean: applied to each text before it is cut.
    """
    ids = _ids(item, callspec)
    return {
        clean_text(name): _text(name, value, ids.get(name), callspec.indices, clean)
        for name, value in callspec.params.items()
    }


def _ids(item: pytest.Item, callspec: Any) -> dict[str, str]:
    """Return the ids of the parameters that have one of their own.

    A set of several parameters has one id for all of them, a hidden one has none.
    """
    names, ids = list(callspec.params), list(callspec._idlist)
    if len(names) == len(ids):
        return dict(zip(names, ids, strict=True))
    sizes: dict[str, int] = {}
    for mark in item.iter_markers("parametrize"):
        together = _names_in(mark)
        sizes |= dict.fromkeys(together, len(together))
    found: dict[str, str] = {}
    # those of marks come last; how the others belong together is not known
    while names and ids and (size := sizes.get(names[-1])):
        own = ids.pop()
        if size == 1:
            found[names[-1]] = own
        del names[-size:]
    if len(names) == len(ids):
        return found | dict(zip(names, ids, strict=True))
    return found if 0 < len(ids) < len(names) else {}


def _names_in(mark: pytest.Mark) -> list[str]:
    names = mark.args[0] if mark.args else mark.kwargs["argnames"]
    return [*map(str.strip, names.split(","))] if isinstance(names, str) else [*names]


def _text(
    name: str,
    value: object,
    known_as: str | None,
    indices: Mapping[str, int],
    clean: Callable[[str], str],
) -> str:
    own = _own_text(value)
    if (
        known_as is None
        or known_as == own
        or _is_made_up(known_as, name, own, indices.get(name))
    ):
        text = as_text(value if own is None else own, clean)
    else:
        text = clean(clean_text(known_as))
    return distinct_line(text, MAX_PARAMETER)


def _own_text(value: Any) -> str | None:
    """Return the text that a value is or has in an id, None where it has none."""
    kind = type(value)
    if issubclass(kind, str):
        return str.__getitem__(value, slice(_MOST_READ))
    try:
        return str(value) if kind in _SCALARS else None
    except ValueError:  # Python converts no int of thousands of digits
        return None


def _is_made_up(known_as: str, name: str, own: str | None, index: int | None) -> bool:
    """Whether pytest made an id of the value, or of the name and a number."""
    texts = [f"{name}{index}"]
    if own is not None:
        texts += (own, own.encode("unicode_escape").decode())
    return any(
        known_as.startswith(text) and _COUNTER.fullmatch(known_as[len(text) :])
        for text in texts
    )


def places_of(callspec: Any) -> dict[str, int]:
    """Return the place of each parameter among the values of its parametrize.

    The first one's, 0, is left out.
    """
    indices = callspec.indices.items()
    return {clean_text(name): index for name, index in indices if index}
