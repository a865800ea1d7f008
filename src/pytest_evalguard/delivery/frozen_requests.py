"""Frozen requests: their lines on disk, and those that replace others.

A request that can't be accepted as it is, is replaced by a group of others: by its
halves, or by what is frozen anew with other settings. A group counts from its last line
on; what comes after the last whole group was left by a kill, and was never sent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import SessionError
from ..storage.files import sync_directory, validator


@dataclass(frozen=True)
class FrozenRequest:
    """A request as it is sent in every attempt: its key, its bytes, its results.

    `nodeid` is the case that it is of, where it is of a single one. `settings` are
    those by which it was frozen, where they are not the target's.
    """

    key: str
    results: int
    body: bytes
    nodeid: str | None = None
    settings: Mapping[str, str | int] = field(default_factory=dict)


def request_data(request: FrozenRequest) -> dict[str, Any]:
    """Return a request as JSON can hold it."""
    data = {**asdict(request), "body": request.body.decode()}
    if request.nodeid is None:
        del data["nodeid"]
    if not request.settings:
        del data["settings"]
    return data


def read_request(line: bytes, most: int) -> FrozenRequest | None:
    """Return a request from its line of JSON, None where somebody changed it.

    :param most: how many results it may have.
    """
    try:
        request: FrozenRequest = validator(FrozenRequest).validate_json(
            line, strict=True
        )
    except ValueError:
        return None
    return request if 1 <= request.results <= most else None


def damaged(path: Path) -> SessionError:
    """Return the error that says that somebody changed a file."""
    return SessionError(
        f"{path} is damaged, perhaps edited by hand: run the tests again"
    )


class _Place(NamedTuple):
    """A request of a group: its key, how many results it has, where its line is."""

    key: str
    results: int
    offset: int


class _Group(NamedTuple):
    """Requests that replace others, and where their lines end."""

    replaced: tuple[str, ...]
    places: tuple[_Place, ...]
    end: int


class Replacements:
    """The requests of a session that replace others, in a file of their own.

    :param read: reads a request from its line, None where it is none.
    """

    def __init__(
        self, path: Path, read: Callable[[bytes], FrozenRequest | None]
    ) -> None:
        self._path = path
        self._read = read
        self._known: dict[str, _Group] | None = None  # by each key that it replaced

    def exists(self) -> bool:
        """Whether anything was ever replaced."""
        return self._path.is_file()

    def of(self, request: FrozenRequest) -> Iterator[FrozenRequest]:
        """Yield what is to be sent for a request: itself, or what replaces it."""
        groups = self._groups()
        if request.key not in groups:
            yield request
            return
        waiting = _places(groups, request.key)
        while waiting:
            place = waiting.pop()
            if place.key in groups:
                waiting += _places(groups, place.key)
            else:
                yield self._at(place)

    def rows(self, first: Iterable[tuple[str, int]]) -> dict[str, Sequence[int]]:
        """Return the positions of the rows of each request, by its key.

        :param first: the key and the number of rows of what was frozen at first.
        """
        rows: dict[str, Sequence[int]] = {}
        start = 0
        for key, results in first:
            rows[key] = range(start, start + results)
            start += results
        for key, group in self._groups().items():
            if key == group.replaced[0]:
                own = sorted(chain.from_iterable(map(rows.__getitem__, group.replaced)))
                for place in group.places:
                    rows[place.key], own = own[: place.results], own[place.results :]
        return rows

    def add(
        self, replaced: Sequence[str], requests: Iterable[FrozenRequest]
    ) -> dict[str, int]:
        """Put a group on disk, safe from a power cut; return its results by key."""
        groups = self._groups()
        is_new = not self.exists()
        end = max((each.end for each in groups.values()), default=0)
        places = []
        with open(self._path, "ab", opener=open_no_link) as file:
            file.truncate(end)
            for request, is_last in _marking_last(requests):
                data = {"replaces": replaced, "is_last": is_last}
                line = json.dumps({**data, **request_data(request)}) + "\n"
                places.append(_Place(request.key, request.results, end))
                end += file.write(line.encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_directory(self._path.parent)
        group = _Group(tuple(replaced), tuple(places), end)
        groups.update(dict.fromkeys(group.replaced, group))
        return {each.key: each.results for each in places}

    def _at(self, place: _Place) -> FrozenRequest:
        with self._path.open("rb") as file:
            file.seek(place.offset)
            request = self._read(file.readline())
        if request is None:
            raise damaged(self._path)
        return request

    def _groups(self) -> dict[str, _Group]:
        if self._known is None:
            found = self._read_groups() if self.exists() else ()
            self._known = {key: each for each in found for key in each.replaced}
        return self._known

    def _read_groups(self) -> Iterator[_Group]:
        places: list[_Place] = []
        end, is_torn = 0, False
        with self._path.open("rb") as file:
            for line in file:
                request = self._read(line)
                if is_torn:
                    raise damaged(self._path)
                if request is None or not line.endswith(b"\n"):
                    is_torn = True
                    continue
                places.append(_Place(request.key, request.results, end))
                end += len(line)
                data = json.loads(line)
                if data.get("is_last"):
                    replaced = tuple(map(str, data.get("replaces", ())))
                    yield _Group(replaced, tuple(places), end)
                    places = []


def _places(groups: Mapping[str, _Group], key: str) -> list[_Place]:
    """Return what stands in the place of a request, the last one first.

    What replaces several stands where the first of them was.
    """
    group = groups[key]
    return list(reversed(group.places)) if key == group.replaced[0] else []


def _marking_last(
    requests: Iterable[FrozenRequest],
) -> Iterator[tuple[FrozenRequest, bool]]:
    before = None
    for request in requests:
        if before is not None:
            yield before, False
        before = request
    if before is not None:
        yield before, True


def open_no_link(path: str, flags: int) -> int:
    """Open a file of a session, which may come from elsewhere: never through a link."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
