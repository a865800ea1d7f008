"""Which exceptions are the harness's failure, and not that of the thing under test.

They are known by the names of their classes: nothing is imported to compare with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from ..model.values import HOSTILE
from .outcome import group_members

_ALWAYS = ("pytest_evalguard.errors.ScorerError",)
_STATUSES = ("status_code", "code", "status")
_VERDICTS = (AssertionError, pytest.fail.Exception)


class HarnessErrors:
    """The exceptions that keep a verdict from being reached.

    :param names: dotted names, each with the statuses that it is narrowed down to.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._known: dict[str, list[tuple[str, list[str]]]] = {}
        for each in (*names, *_ALWAYS):
            name, *statuses = each.split()
            *place, last = name.split(".")
            while place and place[-1].startswith("_"):
                place.pop()  # openai._exceptions: what is defined there is openai's
            known = self._known.setdefault(last, [])
            known.append((".".join(place) or "builtins", statuses))

    def include(self, error: BaseException) -> bool:
        """Whether an exception that leaves a test's body is one of them.

        It is where it, or what it was raised from, has one of the names; a group is
        where all that is in it is. What an assertion was raised from does not count:
        that the test failed is what it says.
        """
        waiting, seen, has_name = [error], {id(error)}, False
        while waiting:
            found = self._look_behind(waiting.pop())
            if found is None:
                return False
            has_name = has_name or not found
            new = [each for each in found if id(each) not in seen]
            seen.update(map(id, new))
            waiting += new
        return has_name

    def _look_behind(self, error: BaseException) -> list[BaseException] | None:
        """Return what else must be one for `error` to be, None where it is none."""
        link: BaseException | None = error
        seen: set[int] = set()
        while link is not None and id(link) not in seen:
            seen.add(id(link))
            if self._has_name(link):
                return []
            if members := group_members(link):
                return members
            if isinstance(link, _VERDICTS):
                return None
            link = link.__cause__
        return None

    def _has_name(self, error: BaseException) -> bool:
        return any(
            _is_defined_in(module, kind) and _has_status(error, statuses)
            for kind in type(error).__mro__
            for module, statuses in self._known.get(kind.__name__, ())
        )


def _is_defined_in(module: str, kind: type) -> bool:
    """Whether a class is of a module or of one below, as names are re-exported."""
    place, _, _ = f"{kind.__module__}.{kind.__qualname__}".rpartition(".")
    return f"{place}.".startswith(f"{module}.")


def _has_status(error: BaseException, wanted: list[str]) -> bool:
    if not wanted:
        return True
    status = _status_of(error)
    return status is not None and not {f"{status}", f"{status // 100}xx"}.isdisjoint(
        wanted
    )


def _status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an exception is about, wherever it has it."""
    try:
        response = getattr(error, "response", None)
        found = [getattr(error, name, None) for name in _STATUSES]
        if isinstance(response, Mapping):  # botocore's
            found.append(response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
        else:
            found.append(getattr(response, "status_code", None))
    except HOSTILE:
        return None
    return next((each for each in found if isinstance(each, int)), None)
