"""What progress says, by a clock that stands still."""

from __future__ import annotations

from pytest_evalguard.delivery.sending import Progress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def drawn(clock: Clock, waiting: str = "") -> list[str]:
    lines: list[str] = []
    progress = Progress(lines.append, clock)
    progress.begin(1200)
    clock.now += 0.9
    progress.draw()
    progress.advance(300)
    progress.wait_for(waiting)
    clock.now += 1.1
    progress.draw()
    progress.end()
    return lines


def test_it_says_how_many_how_fast_and_what_is_waited_for() -> None:
    shown, end = drawn(Clock(), "HTTP 503, again")
    assert shown.startswith("evalguard: sent 300 of 1,200 results, 150.0 a second, ")
    assert shown.endswith("waiting: HTTP 503, again")
    assert end == ""


def test_what_is_quick_shows_nothing() -> None:
    lines: list[str] = []
    progress = Progress(lines.append, Clock())
    progress.begin(10)
    progress.advance(10)
    progress.draw()
    progress.end()
    assert lines == []


def test_an_answer_ends_the_wait() -> None:
    assert drawn(Clock())[0] == "evalguard: sent 300 of 1,200 results, 150.0 a second"


def test_a_hostile_reason_can_not_act_on_the_terminal() -> None:
    assert "\x1b" not in drawn(Clock(), "\x1b[2J")[0]
