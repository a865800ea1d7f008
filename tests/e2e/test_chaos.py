"""A few schedules of the chaos tests; `python tools/chaos.py` plays many."""

from __future__ import annotations

import pytest

from chaos import play
from chaos_resume import ResumeSchedule


@pytest.mark.parametrize("seed", [f"suite-{number}" for number in range(8)])
def test_whatever_happens_each_case_arrives_once(seed: str) -> None:
    assert play(seed) == []


@pytest.mark.parametrize("seed", [f"suite-{number}" for number in range(2)])
def test_whatever_stops_a_session_it_can_be_gone_on_with(seed: str) -> None:
    assert play(seed, ResumeSchedule) == []
