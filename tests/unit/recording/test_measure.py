"""`measure()` adds up time; what several of them time at once counts once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.recording.recorder import EvalCase
from pytest_evalguard.recording.run import close


class Timed(EvalCase):
    """An `EvalCase` whose clock stands where it was set, in seconds."""

    __slots__ = ()
    now = 0.0

    @staticmethod
    def _clock() -> float:
        return Timed.now


intervals = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda each: sorted(each))
)


def measured_ms(spans: list[list[int]]) -> float | None:
    """Return what is measured of several uses, given as [start, end] in seconds."""
    case = Timed("n")
    uses = [case.measure() for _ in spans]
    starts = [(start, 0, use) for (start, _), use in zip(spans, uses, strict=True)]
    ends = [(end, 1, use) for (_, end), use in zip(spans, uses, strict=True)]
    for Timed.now, is_end, use in sorted([*starts, *ends], key=lambda each: each[:2]):
        if is_end:
            use.__exit__(None, None, None)
        else:
            use.__enter__()
    return case.latency_ms


@settings(deadline=None)
@given(intervals)
def test_each_moment_counts_once(spans: list[list[int]]) -> None:
    seconds = {second for start, end in spans for second in range(start, end)}
    assert measured_ms(spans) == (len(seconds) * 1000 if spans else None)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([[0, 1], [2, 4]], 3000),
        ([[0, 2]] * 10, 2000),
        ([[0, 3], [1, 2]], 3000),
        ([[0, 2], [1, 4], [6, 7]], 5000),
    ],
    ids=["apart", "together", "nested", "overlapping"],
)
def test_spans_add_up(spans: list[list[int]], expected: float) -> None:
    assert measured_ms(spans) == expected


def test_a_use_that_outlives_its_test_is_told_and_not_counted() -> None:
    case = Timed("n")
    use = case.measure()
    use.__enter__()
    close(case)
    with pytest.raises(RuntimeError, match="has finished"):
        use.__exit__(None, None, None)
    assert case.latency_ms is None
