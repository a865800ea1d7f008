"""Which tests are cases. Every start of pytest loads this, and nothing else of here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

FIXTURE = "eval_case"


def is_case(item: pytest.Item, mark: str) -> bool:
    """Whether a test carries the mark or asks for the fixture."""
    return (
        FIXTURE in getattr(item, "fixturenames", ())
        or item.get_closest_marker(mark) is not None
    )


def select_cases(items: Sequence[pytest.Item], mark: str) -> list[pytest.Item]:
    """Return the items that are cases, in their order."""
    return [item for item in items if is_case(item, mark)]
