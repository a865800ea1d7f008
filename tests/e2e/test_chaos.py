"""A few schedules of the chaos test; `python tools/chaos.py` plays many."""

from __future__ import annotations

import pytest

from chaos import play


@pytest.mark.parametrize("seed", [f"suite-{number}" for number in range(8)])
def test_whatever_happens_each_case_arrives_once(seed: str) -> None:
    assert play(seed) == []
