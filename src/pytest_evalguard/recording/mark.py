"""The `eval` mark: what it may say, checked before any test runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import pytest

from ..config.settings import MOST_TRIALS
from ..model.case import is_prompt_id
from .item_state import ItemState, state_of


class Plan(NamedTuple):
    """How often a test runs, and how many of these trials have to pass."""

    trials: int
    require: int


@dataclass(frozen=True, slots=True)
class EvalMark:
    """What the marks of a test say together; key by key, the closest mark wins.

    `seen` is how many marks there were, of any name.
    """

    given: Mapping[str, Any]
    trials: int
    seen: int

    @property
    def plan(self) -> Plan | None:
        """Its trials, None for a test that runs once."""
        if self.trials == 1:
            return None
        return Plan(self.trials, self.given.get("require", self.trials))

    @property
    def threshold(self) -> float | None:
        """The least score with which the test passes."""
        threshold: float | None = self.given.get("threshold")
        return threshold


def current_mark(
    item: pytest.Item, state: ItemState, name: str, default_trials: int
) -> EvalMark:
    """Return what the marks of a test say by now, and keep it with the test.

    They are read again only where a mark was added meanwhile, as by a fixture.

    :param default_trials: how many a marked test has whose marks do not say.
    """
    known = state.mark
    node: pytest.Item | pytest.Collector | None = item
    seen = 0
    while node is not None:  # `listchain` makes a list of them each time
        seen += len(node.own_markers)
        node = node.parent
    if known is None or known.seen != seen:
        known = state.mark = _parsed(item, name, default_trials, seen)
    return known


def _parsed(item: pytest.Item, name: str, default_trials: int, seen: int) -> EvalMark:
    # a mark of one set of parameters is closer than those of its function
    marks = [*_parameter_marks(item, name), *item.iter_markers(name)]
    if not marks:
        return _no_mark(seen)
    given: dict[str, Any] = {}
    for each in marks:
        given = {**_valid(each.kwargs), **given}
    return EvalMark(given, given.get("trials", default_trials), seen)


@cache
def _no_mark(seen: int) -> EvalMark:
    """Return what a test without a mark has, one for all of them."""
    return EvalMark({}, 1, seen)


def _valid(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be said; what is wrong is told, and fails the test or more."""
    return {k: v for k, v in given.items() if k in KEYWORDS and KEYWORDS[k][0](v)}


def _parameter_marks(item: pytest.Item, name: str) -> list[pytest.Mark]:
    callspec = getattr(item, "callspec", None)
    marks = () if callspec is None else callspec.marks
    return [each for each in marks if each.name == name]


def note_marks(
    items: Iterable[pytest.Item], name: str, default_trials: int
) -> list[tuple[pytest.Item, EvalMark]]:
    """Keep with each test what its marks say; return both.

    They are read once for the items of a parametrized test, which share them.
    """
    marked: list[tuple[pytest.Item, EvalMark]] = []
    known: dict[tuple[int, ...], EvalMark] = {}
    for item in items:
        state, key = state_of(item), _objects_of(item)
        state.mark = known.get(key)
        if state.mark is None:
            known[key] = current_mark(item, state, name, default_trials)
        marked.append((item, known[key]))
    return marked


def _objects_of(item: pytest.Item) -> tuple[int, ...]:
    """Return the ids of the objects that the marks of a test are read from."""
    if not isinstance(item, pytest.Function):
        return (id(item),)  # it may have marks in a way of its own
    callspec = getattr(item, "callspec", None)
    of_parameters = () if callspec is None else callspec.marks
    return (id(item.parent), *map(id, item.own_markers), *map(id, of_parameters))


def mark_problems(items: Iterable[pytest.Item], mark: str) -> list[str]:
    """Return what is wrong with the marks of `items`, one message a mark."""
    return [
        f"{item.nodeid}: {problem}"
        for item, each in _marks(items, mark)
        for problem in problems_of(each)
    ]


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


def problems_of(mark: pytest.Mark) -> Iterator[str]:
    """Yield what is wrong with a mark, as sentences."""
    found = _problems(mark)
    if _seems_foreign(mark):
        yield (
            f"{next(found)}. If the mark belongs to another library, rename"
            " pytest-evalguard's with the ini option evalguard_mark"
        )
    yield from found


def _seems_foreign(mark: pytest.Mark) -> bool:
    """Whether another library may own a mark; one misspelt keyword does not say so."""
    if not KEYWORDS.keys().isdisjoint(mark.kwargs):
        return False
    if mark.args or len(mark.kwargs) > 1:
        return True
    return any(not _close_to(each, KEYWORDS) for each in mark.kwargs)


def _problems(mark: pytest.Mark) -> Iterator[str]:
    from ..model.values import describe  # only a session with cases needs it

    shown = f"@pytest.mark.{mark.name}"
    if mark.args:
        yield (
            f"{shown} takes keywords only, got {describe(mark.args[0])};"
            f" write for instance input={describe(mark.args[0])}"
        )
    yield from keyword_problems(mark.kwargs, shown, KEYWORDS)


def keyword_problems(
    given: Mapping[str, object], shown: str, known: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong with keywords, as sentences.

    :param shown: what they were given to.
    :param known: those that it has.
    """
    from ..model.values import describe  # only a session with cases needs it

    for keyword, value in given.items():
        if keyword not in known:
            yield f"{shown} has no keyword {keyword!r}{suggestion(keyword, known)}"
            continue
        is_valid, wanted = KEYWORDS[keyword]
        if not is_valid(value):
            yield f"{shown}: {keyword}= must be {wanted}, got {describe(value)}"


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return a sentence with the known name that was probably meant, else with all."""
    if close := _close_to(given, known):
        return f"; did you mean {close[0]!r}?"
    return "; there are " + ", ".join(known)


def _close_to(given: str, known: Iterable[str]) -> list[str]:
    import difflib

    return difflib.get_close_matches(given, known, n=1)


def _is_any(value: object) -> bool:
    return True


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


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


KEYWORDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "input": (_is_any, "any value"),
    "expected": (_is_any, "any value"),
    "name": (_is_name, "a string that is not blank"),
    "prompt_id": (is_prompt_id, "a whole number of at least 0"),
    "threshold": (_is_threshold, "a number within 0..1"),
    "trials": (_is_count, f"a whole number within 1..{MOST_TRIALS}"),
    "require": (_is_count, f"a whole number within 1..{MOST_TRIALS}"),
    "tags": (_is_tags, "a list, tuple or set of strings"),
    "metadata": (_is_metadata, "a mapping with string keys"),
}
