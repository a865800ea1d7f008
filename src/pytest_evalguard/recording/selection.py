"""Which cases are to run: all of them, or those that an earlier session has left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from ..model.redaction import REDACTED
from ..model.values import as_text
from .collection import identify, indices_of, note_identities
from .item_state import ItemState, state_of
from .mark import EvalMark

HIDDEN = "hidden"
"""In the place of a digest, where secrets were taken out of what it would be of."""

_COMPARED = ("input", "expected", "threshold", "tags")
_PLAIN = frozenset({str, int, float, bool, type(None)})
_BYTES = 8
_Pair = tuple[str, Any]


@dataclass(frozen=True)
class Earlier:
    """What is known of an earlier session where tests are collected.

    `verdicts` has what each case declared by its identity, empty for nothing; `since`
    is when the session began, in seconds since the epoch, None where the times of files
    say nothing.
    """

    verdicts: Mapping[str, str]
    since: float | None = None

    def to_text(self) -> str:
        """Return it as a text that can be carried to another process."""
        return json.dumps([self.verdicts, self.since])

    @classmethod
    def from_text(cls, text: str) -> Earlier:
        """Return what `to_text` was called on."""
        return cls(*json.loads(text))


@dataclass(frozen=True)
class Selection:
    """The cases that are to run, by identity, and those that are carried over.

    `problems` are sentences on what stops the session before its first test.
    `changed_files` are those of carried tests that changed since; `has_errors` says
    that some tests could not be collected, `with_trials` that one that is to run has
    trials.
    """

    names: Sequence[str] = ()
    problems: Sequence[str] = ()
    carried: Sequence[str] = ()
    changed_files: Sequence[str] = ()
    has_errors: bool = False
    with_trials: bool = False


def select(
    session: pytest.Session,
    cases: list[pytest.Item],
    clean: Callable[[str], str],
    earlier: Earlier | None = None,
    suffix: str = "",
) -> tuple[list[pytest.Item], Selection]:
    """Take the cases that have a verdict out of a session; return those that are left.

    All that any of the processes of a session is told of them comes from here, so that
    each leaves out the same.

    :param clean: replaces secrets.
    :param suffix: appended to each identity.
    """
    names = identify(cases, clean, suffix)
    states = list(map(state_of, cases))
    _note_declared(cases, states, names, clean)
    selection = Selection(names)
    if earlier is not None:
        cases, selection = _deselect(session, cases, names, earlier)
        states = list(map(state_of, cases))
    note_identities(cases, states, selection.names, session.items)
    marks = [state.mark for state in states]
    with_trials = any(mark is not None and mark.trials > 1 for mark in marks)
    return cases, replace(selection, with_trials=with_trials)


def _note_declared(
    cases: Sequence[pytest.Item],
    states: Sequence[ItemState],
    names: Sequence[str],
    clean: Callable[[str], str],
) -> None:
    """Keep on each test a digest of what its mark and its parameters say now.

    Later a fixture may add a mark, and the test may change its parameters.

    :param names: their identities.
    """
    marks: dict[int, list[_Pair]] = {}
    said: list[tuple[ItemState, str]] = []
    for item, state in zip(cases, states, strict=True):
        pairs: list[_Pair] = []
        if (mark := state.mark) is not None:
            # the items of a parametrized test share it
            if id(mark) not in marks:
                marks[id(mark)] = _said_by(mark)
            pairs += marks[id(mark)]
        if (callspec := getattr(item, "callspec", None)) is not None:
            pairs += callspec.params.items()
        if pairs:
            said.append((state, _text_of(pairs)))
    # one look at all of them, as most have no secret
    joined = "\n".join([text for _, text in said])
    has_secrets = clean(joined) != joined
    for state, text in said:
        if has_secrets and clean(text) != text:
            state.declared = HIDDEN
        else:
            digest = blake2b(text.encode(), digest_size=_BYTES)
            state.declared = digest.hexdigest()
    for state, name in zip(states, names, strict=True):
        if REDACTED in name and REDACTED not in state.item.nodeid:
            state.declared = HIDDEN


def _said_by(mark: EvalMark) -> list[_Pair]:
    """Return what a mark says, as pairs with plain values."""
    pairs = [(key, mark.given[key]) for key in _COMPARED if key in mark.given]
    if mark.plan is not None:
        pairs.append(("trials", [*mark.plan]))
    return pairs if _are_plain(pairs) else [("mark", as_text(pairs))]


def _text_of(pairs: list[_Pair]) -> str:
    # most are plain, and a text of them takes a tenth of the time; as pairs, as what is
    # under a secret's name in a dict would be taken out of it, and never differ
    try:
        return repr(pairs) if _are_plain(pairs) else as_text(pairs)
    except ValueError:  # Python converts no int of thousands of digits
        return as_text(pairs)


def _are_plain(pairs: list[_Pair]) -> bool:
    return _PLAIN.issuperset([type(value) for _, value in pairs])


def _deselect(
    session: pytest.Session,
    cases: Sequence[pytest.Item],
    names: Sequence[str],
    earlier: Earlier,
) -> tuple[list[pytest.Item], Selection]:
    indices, verdicts = indices_of(cases, session.items), earlier.verdicts
    found = list(zip(indices, cases, names, strict=True))
    done = {
        index: (item, name)
        for index, item, name in found
        if verdicts.get(name, HIDDEN) == (state_of(item).declared or "") != HIDDEN
    }
    if done:
        items = enumerate(session.items)
        session.items[:] = [each for index, each in items if index not in done]
        left_out = [item for item, _ in done.values()]
        session.config.hook.pytest_deselected(items=left_out)
    rest = [(item, name) for index, item, name in found if index not in done]
    goes_on = session.config.option.continue_on_collection_errors
    paths = {item.path for item, _ in done.values()}
    return [item for item, _ in rest], Selection(
        [name for _, name in rest],
        carried=[name for _, name in done.values()],
        changed_files=sorted(_changed(paths, session.config.rootpath, earlier.since)),
        has_errors=bool(session.testsfailed) and not goes_on,
    )


def _changed(paths: set[Path], root: Path, since: float | None) -> Iterator[str]:
    """Yield the files that changed since, by the time that the system has of them."""
    for path in paths:
        if since is not None and _changed_at(path) > since:
            is_inside = path.is_relative_to(root)
            yield (path.relative_to(root) if is_inside else path).as_posix()


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # not every test is in a file
        return 0.0
