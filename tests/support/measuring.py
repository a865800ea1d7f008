"""Measures coverage where there is some to be had: tracing doubles the time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# those of coverage, which has started before it loads pytest
_TRACE = sys.gettrace()
_TRACE_THREADS = threading.gettrace()


@contextmanager
def measured(is_on: bool) -> Iterator[None]:
    """Trace what runs in the block, if anything is traced at all, or do not."""
    before = sys.gettrace()
    _set(is_on)
    try:
        yield
    finally:
        _set(before is not None)


def _set(is_on: bool) -> None:
    # not coverage's own start and stop, which take two milliseconds
    sys.settrace(_TRACE if is_on else None)
    threading.settrace(_TRACE_THREADS if is_on else None)
