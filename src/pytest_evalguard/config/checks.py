"""What a setting or an argument may be: ids, URLs, keys, numbers, paths."""

from __future__ import annotations

import builtins
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from ..errors import ConfigurationError
from .urls import TRACE_ID, checked_trace_link

T = TypeVar("T")

_DIGITS = 18
_STATUS = re.compile("[1-5](?:[0-9]{2}|xx)")
_TRUE = frozenset(("1", "true", "yes", "on"))
_FALSE = frozenset(("0", "false", "no", "off"))
_FAILED = ":failed"


class Given(NamedTuple):
    """A value as it was given, and the directory that a path in it is relative to."""

    value: Any
    base: Path


class Kind(Generic[T]):
    """What the values of a setting are.

    :param wanted: what a value must do, in words for a message: ``be a number``.
    :param read: returns the value, or raises ValueError or TypeError where it is wrong.
    """

    def __init__(self, wanted: str, read: Callable[[Given], T]) -> None:
        self.wanted = wanted
        self._read = read

    def checked(self, given: Given, what: str) -> T | tuple[T, ...]:
        """Return what was given for `what`; of a list each value.

        :raises ConfigurationError: it is wrong; the message says what it must be.
        """
        if isinstance(given.value, list):
            return tuple(self.one(given._replace(value=v), what) for v in given.value)
        return self.one(given, what)

    def one(self, given: Given, what: str) -> T:
        """Return a single value that was given for `what`.

        :raises ConfigurationError: it is wrong; the message says what it must be.
        """
        try:
            return self._read(given)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"{what} must {self.wanted}, got {given.value!r}"
            ) from error


class Limit(NamedTuple):
    """The least that a figure may be, 0..1; of one tag or scorer where it is named.

    Of a drop it is the most.
    """

    least: float
    name: str | None = None


class Resume(NamedTuple):
    """An earlier session to go on with: `last` or its directory.

    `with_failed` says that what failed there runs again, too.
    """

    session: str
    with_failed: bool = False


class MetricLimit(NamedTuple):
    """The least or the most that a metric may be."""

    name: str
    bound: float


GROUPED_BY = ("param", "metadata")
"""What names a group of cases before a colon; what stands there alone is a tag."""


class LatencyLimit(NamedTuple):
    """The most that a percentile of the latencies may be, in milliseconds."""

    most: float
    percent: float = 95.0


def whole_number(least: int, most: int | None = None) -> Kind[int]:
    """Return the kind of a whole number within bounds, given as a number or as text."""

    def read(given: Given) -> int:
        text = str(given.value).strip()
        # none has more digits than are of use
        if not text.isdecimal() or len(text) > _DIGITS:
            raise ValueError(text)
        if int(text) < least or (most is not None and int(text) > most):
            raise ValueError(text)
        return int(text)

    wanted = f"of at least {least}" if most is None else f"within {least}..{most}"
    return Kind(f"be a whole number {wanted}", read)


def one_of(choices: Sequence[T]) -> Kind[T]:
    """Return the kind of a value that is one of a few."""

    def read(given: Given) -> T:
        return choices[choices.index(given.value)]

    return Kind(f"be {' or '.join(map(str, choices))}", read)


def _seconds(given: Given) -> float:
    seconds = float(given.value)
    if not math.isfinite(seconds) or seconds <= 0:
        raise ValueError(given.value)
    return seconds


def _switch(given: Given) -> bool:
    text = str(given.value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(text)
    return text in _TRUE


def _share(given: Given) -> float:
    share = float(given.value)
    if not 0 <= share <= 1:
        raise ValueError(given.value)
    return share


def _limit(given: Given) -> Limit:
    name, _, figure = str(given.value).rpartition(":")
    least = float(figure)
    if not 0 <= least <= 1:
        raise ValueError(figure)
    return Limit(least, name.strip() or None)


def _metric_limit(given: Given) -> MetricLimit:
    name, _, figure = str(given.value).rpartition(":")
    bound = float(figure)
    if not name.strip() or not math.isfinite(bound):
        raise ValueError(given.value)
    return MetricLimit(name.strip(), bound)


def _group_limit(given: Given) -> Limit:
    limit = _limit(given)
    kind, colon, rest = (limit.name or "").partition(":")
    name, equals, _ = rest.partition("=")
    if colon and kind in GROUPED_BY and not (name and equals):
        raise ValueError(given.value)
    return limit


def _group_key(given: Given) -> str:
    text = str(given.value).strip()
    kind, _, name = text.partition(":")
    if text != "tag" and not (kind in GROUPED_BY and name):
        raise ValueError(text)
    return text


def _amount(given: Given) -> float:
    amount = float(given.value)
    if not math.isfinite(amount) or amount < 0:
        raise ValueError(given.value)
    return amount


def _latency_limit(given: Given) -> LatencyLimit:
    percentile, colon, figure = str(given.value).rpartition(":")
    most = _amount(given._replace(value=figure))
    if not colon:
        return LatencyLimit(most)
    letter, percent = percentile.strip()[:1], float(percentile.strip()[1:])
    if letter != "p" or not 0 < percent <= 100:
        raise ValueError(percentile)
    return LatencyLimit(most, percent)


def _error_name(given: Given) -> str:
    name, *statuses = str(given.value).split()
    parts = name.split(".")
    if not all(map(str.isidentifier, parts)) or not all(
        _STATUS.fullmatch(each) for each in statuses
    ):
        raise ValueError(given.value)
    if len(parts) == 1 and not _is_builtin_error(name):
        raise ValueError(name)
    return " ".join((name, *statuses))


def _is_builtin_error(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


def _drop(given: Given) -> Limit:
    name, _, figure = str(given.value).rpartition(":")
    most = float(figure)
    # metrics are on scales of their own
    if not 0 <= most <= (sys.float_info.max if name.strip() else 1):
        raise ValueError(figure)
    return Limit(most, name.strip() or None)


def _identifier(given: Given) -> str:
    if not given.value.isidentifier():
        raise ValueError(given.value)
    return str(given.value)


def _run_link(given: Given) -> str:
    if "{run_id}" not in given.value:
        raise ValueError(given.value)
    return str(given.value)


def _session(given: Given) -> str:
    return "last" if given.value == "last" else str(given.base / given.value)


def _resume(given: Given) -> Resume:
    name = given.value.removesuffix(_FAILED)
    session = _session(given._replace(value=name))
    return Resume(session, with_failed=name != given.value)


def _dollars(given: Given) -> float:
    dollars = float(given.value)
    if not math.isfinite(dollars) or dollars <= 0:
        raise ValueError(given.value)
    return dollars


SECONDS = Kind("be a number of seconds above 0", _seconds)
SHARE = Kind("be a number within 0..1", _share)
SWITCH = Kind("be 1 or 0, true or false", _switch)
LIMIT = Kind(
    "be a number within 0..1, optionally after a name and a colon, such as tone:0.9",
    _limit,
)
METRIC_LIMIT = Kind(
    "be the name of a metric, a colon and a number, such as f1:0.9", _metric_limit
)
GROUP_LIMIT = Kind(
    "be a number within 0..1, optionally after a tag or a group of cases and a colon,"
    " such as smoke:0.9, param:model=large:0.9 or metadata:team=search:0.9",
    _group_limit,
)
GROUP_KEY = Kind("be tag, param:NAME or metadata:KEY, such as param:model", _group_key)
LATENCY_LIMIT = Kind(
    "be a number of milliseconds, at least 0, optionally after a percentile and a"
    " colon, such as p99:800",
    _latency_limit,
)
COST = Kind("be a number of US dollars, at least 0", _amount)
ERROR_NAME = Kind(
    "be the dotted name of an exception, such as httpx.ConnectError, optionally with"
    " HTTP statuses, such as httpx.HTTPStatusError 429 5xx",
    _error_name,
)
DROP = Kind(
    "be a number within 0..1, such as 0.03 for 3 points, or a number after a name and"
    " a colon, such as relevance:0.05",
    _drop,
)
IDENTIFIER = Kind("be a name for pytest.mark", _identifier)
RUN_LINK = Kind("contain {run_id}", _run_link)
TRACE_LINK = Kind(
    f"be an https URL with {TRACE_ID} behind its host, as https://host/{TRACE_ID}",
    lambda given: checked_trace_link(given.value),
)
PATH = Kind("be a path", lambda given: given.base / given.value)
SESSION = Kind("be a directory, a file or last", _session)
RESUME = Kind("be a directory or last", _resume)
DOLLARS = Kind("be a number of US dollars above 0", _dollars)
TEXT = Kind("be text", lambda given: str(given.value))


def checked_seconds(value: object, what: str) -> float:
    """Return a positive finite number of seconds.

    :raises ConfigurationError: it is another thing.
    """
    return SECONDS.one(Given(value, Path()), what)


def checked_id(value: str, what: str) -> str:
    """Return an id that may become part of a URL.

    :raises ConfigurationError: it is blank or holds control characters.
    """
    if not value.strip() or not value.isprintable():
        raise ConfigurationError(f"{what} is blank or not printable, got {value!r}")
    if value.strip() in (".", ".."):  # in a path these are no names
        raise ConfigurationError(f"{what} can't be {value!r}")
    return value.strip()


def is_id(value: str) -> bool:
    """Whether a text may become part of a URL, as `checked_id` wants it."""
    return value.isprintable() and value.strip() not in ("", ".", "..")


def key_in(environ: Mapping[str, str], name: str) -> str | None:
    """Return what an environment variable has for a key, unchecked."""
    return environ.get(name, "").strip(" ") or None


def checked_key(
    environ: Mapping[str, str], name: str, *, required: bool = True
) -> str | None:
    """Return an API key from the environment, None when it is neither set nor required.

    :raises ConfigurationError: it is missing, or no header could carry it.
    """
    key = key_in(environ, name)
    if key is None and not required:
        return None
    if key is None:
        raise ConfigurationError(
            f"{name} is not set: put the API key into that environment variable; it is"
            " not read from anywhere else"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            f"{name} contains a space, a line break or another character that no key"
            " has: set it to the key alone (not shown here)"
        )
    return key
