"""Cases that did not pass, on the terminal: a line each, and the values of some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model.case import Case
from ..model.difference import (
    KeyDifference,
    compared,
    difference_place,
    differing_keys,
    sameness,
)
from ..model.text import (
    ELLIPSIS,
    LABEL,
    VALUE,
    WIDTH,
    cells,
    counted,
    field,
    fits,
    hanging,
    labelled,
    lazy,
    printable,
    shortened,
    shortened_end,
)
from .report import trace_url

WITH_VALUES = 5
"""How many cases are shown with their values where not all are."""

_GAP = "  "
_LONGEST_NAME = 5 * WIDTH
_LONGEST_REASON = 15 * VALUE
_LONGEST_KEY = 30
_MISSING = "(missing)"
_PLACE = lazy(r", at \S+:\d+$")
_MOST_KEYS, _MOST_KEYS_OF_ALL = 3, 30


def short_lines(cases: Sequence[Case], width: int) -> Iterator[str]:
    """Yield a line for each case, and below the first ones their values.

    :param width: the most columns that a line takes.
    """
    room = _room_for_names(cases, width)
    names = [_short_name(printable(each.nodeid), room) for each in cases]
    longest = max(map(cells, names))
    outcomes = max(len(each.outcome) for each in cases)
    scores = max(map(len, map(score_text, cases)))
    for index, (case, name) in enumerate(zip(cases, names, strict=True)):
        parts = [
            f"{case.outcome:<{outcomes}}",
            name + " " * (longest - cells(name)),
            *([f"{score_text(case):>{scores}}"] if scores else ()),
        ]
        start, reason = _GAP.join(parts), short_reason(case)
        line = f"{start}{_GAP}{reason}".rstrip()
        if index >= WITH_VALUES:
            yield shortened_end(line, width)
            continue
        is_whole = fits(line, width)
        yield line if is_whole else start.rstrip()
        yield from _values(case, width, _MOST_KEYS)
        if not is_whole and not _is_shown(case, reason):
            yield field("  reason", shortened_end(reason, width - LABEL))


def whole_lines(case: Case, width: int, link: str | None = None) -> Iterator[str]:
    """Yield a case with all that is shown of it.

    :param link: the template of a link to its trace.
    """
    name = shortened(printable(case.nodeid), _LONGEST_NAME)
    yield from hanging(f"{case.outcome} {name}", width)
    yield from _values(case, width, _MOST_KEYS_OF_ALL)
    if case.is_scored:
        yield field("  score", f"{case.overall_score:g}")
    if case.trace_id is not None:
        trace = trace_url(link, case.trace_id) or case.trace_id
        yield field("  trace", printable(trace))  # a link that is wrapped is none
    label = "  reason"
    for line in (case.reason or "").splitlines():
        yield from labelled(label, shortened(printable(line), _LONGEST_REASON), width)
        label = ""


def _is_shown(case: Case, reason: str) -> bool:
    """Whether a reason says no more than that the answer is not what was expected."""
    pair = [repr(case.actual), repr(case.expected)]
    return reason in (f"assert {' == '.join(each)}" for each in (pair, pair[::-1]))


def _room_for_names(cases: Sequence[Case], width: int) -> int:
    """Return the columns that there are for node ids: reasons need some, too."""
    reasons = max(cells(short_reason(each)) for each in cases)
    scores = max(map(len, map(score_text, cases)))
    columns = [max(len(each.outcome) for each in cases), scores]
    columns.append(min(reasons, width * 3 // 10))
    used = sum(each + len(_GAP) for each in columns if each)
    return width - used


def _short_name(name: str, room: int) -> str:
    """Return a node id cut to a width: its directories go first, then its file."""
    path, separator, test = name.partition("::")
    file = path.rpartition("/")[2]
    forms = (
        name,
        f"{ELLIPSIS}/{file}{separator}{test}",
        f"{ELLIPSIS}{separator}{test}",
    )
    return next(
        (each for each in forms if fits(each, room)), shortened(forms[-1], room)
    )


def score_text(case: Case) -> str:
    """Return a case's score as figures have it, nothing where none was recorded."""
    return f"{case.overall_score:.3f}" if case.is_scored else ""


def short_reason(case: Case) -> str:
    """Return a reason without what its line can do without, as its place."""
    reason = (case.reason or "").partition("\n")[0].removeprefix(f"{case.outcome}: ")
    return printable(_PLACE.sub("", reason.replace("AssertionError: ", "", 1)))


def _values(case: Case, width: int, most_keys: int) -> Iterator[str]:
    """Yield what a case was given, what was wanted, what came, and its scores."""
    room = width - LABEL
    if case.input and case.input != case.nodeid:
        yield field("  input", shortened(printable(case.input), room))
    if case.expected is not None and case.actual is not None:
        yield from _difference(case, case.expected, case.actual, room, most_keys)
    elif case.expected is not None:
        yield field("  expected", shortened(printable(case.expected), room))
    elif case.actual is not None:
        yield field("  actual", shortened(printable(case.actual), room))
    if case.scores:
        scores = ", ".join(f"{name} {each.text}" for name, each in case.scores.items())
        yield field("  scores", shortened(printable(scores), room))
    if case.carried:
        yield field("  from", f"{printable(case.carried)}, carried over")


def _difference(
    case: Case, expected: str, actual: str, room: int, most_keys: int
) -> Iterator[str]:
    if keys := differing_keys(expected, actual):
        for label, text in key_fields(keys, room, most_keys):
            yield field(label and f"  {label}", text)
        return
    wanted, came, index = compared(expected, actual, room)
    place = difference_place(case, seen=room)
    if index is None and place is None:
        came = sameness(expected)
    yield field("  expected", wanted or "(empty)")
    yield field("  actual", came or "(empty)")
    if index:
        yield " " * (LABEL + cells(wanted[:index])) + "^"
    if place is not None:
        yield field("  differs", place)


def key_fields(
    keys: Sequence[KeyDifference], room: int, most: int
) -> Iterator[tuple[str, str]]:
    """Yield what was wanted of each key and what came, each with a label.

    :param room: the most columns that a text takes.
    :param most: how many keys are shown.
    """
    for each in keys[:most]:
        start = f"{shortened(printable(each.key), _LONGEST_KEY)}: "
        wanted, came = _key_texts(each, room - cells(start))
        yield "expected", f"{start}{wanted}"
        yield "actual", f"{start}{came}"
    if (rest := len(keys) - most) > 0:
        verb = "differs" if rest == 1 else "differ"
        yield "", f"and {counted(rest, 'more key')} that {verb}"


def _key_texts(found: KeyDifference, width: int) -> tuple[str, str]:
    if found.expected is None:
        return _MISSING, shortened(printable(found.actual or ""), width)
    if found.actual is None:
        return shortened(printable(found.expected), width), _MISSING
    wanted, came, _ = compared(found.expected, found.actual, width)
    return wanted, came
