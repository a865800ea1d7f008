"""The `eval` mark: what it may say, checked before any test runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from ..config.settings import MOST_TRIALS


def read_mark(item: pytest.Item, mark: str) -> dict[str, Any]:
    """Return what an item's marks say; key by key, the closest mark wins.

    A mark of one set of parameters is closer than those of its function.
    """
    merged: dict[str, Any] = {}
    for each in (*_parameter_marks(item, mark), *item.iter_markers(mark)):
        merged = {**each.kwargs, **merged}
    return merged


def _parameter_marks(item: pytest.Item, mark: str) -> list[pytest.Mark]:
    callspec = getattr(item, "callspec", None)
    marks = () if callspec is None else callspec.marks
    return [each for each in marks if each.name == mark]


class Plan(NamedTuple):
    """How often a test runs, and how many of these trials have to pass."""

    trials: int
    require: int


def _has_trials(item: pytest.Item, mark: str, default: int) -> bool:
    return any(default > 1 or _says_trials(each) for each in item.iter_markers(mark))


def _says_trials(mark: pytest.Mark) -> bool:
    return "trials" in mark.kwargs or "require" in mark.kwargs


def plan_of(item: pytest.Item, mark: str, default: int) -> Plan | None:
    """Return the trials of a test, None for one that runs once.

    :param default: how many a marked test has whose marks do not say.
    """
    if not _has_trials(item, mark, default):
        return None
    marked = read_mark(item, mark)
    trials = marked.get("trials", default)
    return Plan(trials, marked.get("require", trials)) if trials > 1 else None


def mark_problems(items: Iterable[pytest.Item], mark: str) -> list[str]:
    """Return what is wrong with the marks of `items`, one message a mark."""
    return [
        f"{item.nodeid}: {problem}"
        for item, each in _marks(items, mark)
        for problem in _problems(each)
    ]


def repeated(
    items: Sequence[pytest.Item], mark: str, default: int
) -> list[pytest.Item]:
    """Return those of the items that may run more than once."""
    if default == 1 and not any(_says_trials(each) for _, each in _marks(items, mark)):
        return []
    return [item for item in items if _has_trials(item, mark, default)]


def _marks(
    items: Iterable[pytest.Item], name: str
) -> Iterator[tuple[pytest.Item, pytest.Mark]]:
    """Yield each mark of that name once, with the first item that has it."""
    nodes: set[pytest.Collector] = set()
    marks: set[int] = set()
    for item in items:
        node: Any = item
        while node is not None and node not in nodes:
            for each in node.own_markers:
                # the items of a parametrized test share their marks
                if each.name == name and id(each) not in marks:
                    marks.add(id(each))
                    yield item, each
            if node is not item:
                nodes.add(node)
            node = node.parent


def _problems(mark: pytest.Mark) -> Iterable[str]:
    from ..model.values import describe  # only a session with cases needs it

    shown = f"@pytest.mark.{mark.name}"
    if mark.args:
        yield (
            f"{shown} takes keywords only, got {describe(mark.args[0])};"
            f" write for instance input={describe(mark.args[0])}"
        )
    for keyword, value in mark.kwargs.items():
        if keyword not in _KEYWORDS:
            yield f"{shown} has no keyword {keyword!r}{suggestion(keyword, _KEYWORDS)}"
            continue
        is_valid, wanted = _KEYWORDS[keyword]
        if not is_valid(value):
            yield f"{shown}: {keyword}= must be {wanted}, got {describe(value)}"


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return a sentence with the known name that was probably meant, else with all."""
    import difflib

    close = difflib.get_close_matches(given, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return "; there are " + ", ".join(known)


def _is_any(value: object) -> bool:
    return True


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_prompt_id(value: object) -> bool:
    from ..delivery.agent.prompts import (
        is_prompt_id,  # only a mark that has one needs it
    )

    return is_prompt_id(value)


def _is_count(value: object) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 1 <= value <= MOST_TRIALS


def _is_threshold(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value <= 1


def _is_tags(value: object) -> bool:
    return isinstance(value, (list, tuple, set, frozenset)) and all(
        isinstance(tag, str) for tag in value
    )


def _is_metadata(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


_KEYWORDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "input": (_is_any, "any value"),
    "expected": (_is_any, "any value"),
    "name": (_is_name, "a string that is not blank"),
    "prompt_id": (_is_prompt_id, "a whole number of at least 0"),
    "threshold": (_is_threshold, "a number within 0..1"),
    "trials": (_is_count, f"a whole number within 1..{MOST_TRIALS}"),
    "require": (_is_count, f"a whole number within 1..{MOST_TRIALS}"),
    "tags": (_is_tags, "a list, tuple or set of strings"),
    "metadata": (_is_metadata, "a mapping with string keys"),
}
