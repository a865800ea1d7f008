"""What a process has spent, and when that is all that it may."""

from __future__ import annotations

import pytest

from pytest_evalguard.model.case import Attempt, Case, EndedTest
from pytest_evalguard.model.text import dollars
from pytest_evalguard.recording.budget import Budget


def case(cost: float | None, trials: int = 0) -> Case:
    return Case("t", "passed", cost_usd=cost, trials=[Attempt("passed")] * trials)


def test_costs_add_up_to_the_limit_but_for_rounding() -> None:
    told: list[float] = []
    budget = Budget(0.3, told.append)
    publish = budget.counting(lambda case, line, report: None)
    for _ in range(3):
        assert not budget.is_spent
        publish(case(0.1), "", None)
        publish(case(None), "", None)
    assert budget.is_spent
    assert len(told) == 3


def test_a_trial_counts_when_it_ends_and_its_case_no_more() -> None:
    budget = Budget(1)
    budget.add_trial(case(0.25))
    budget.add_trial(case(0.25))
    budget.counting(lambda case, line, report: None)(case(0.5, trials=2), "", None)
    assert budget.spent == 0.5


def test_each_attempt_of_a_sub_case_counts_once() -> None:
    budget = Budget(1)
    publish = budget.counting(lambda case, line, report: None)
    first = Case("t::a", "failed", cost_usd=0.25, test="t")
    publish(first, "", None)
    attempts = [Attempt("failed", cost_usd=0.25)]
    publish(
        Case("t::a", "passed", cost_usd=0.75, test="t", attempts=attempts), "", None
    )
    publish(EndedTest("t", {}), "", None)
    assert budget.spent == 0.75


def test_what_other_processes_spent_counts(suite_budget: Budget) -> None:
    suite_budget.stop()
    assert suite_budget.is_spent


@pytest.fixture
def suite_budget() -> Budget:
    return Budget(1)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (5, "$5.00"),
        (1234.5, "$1,234.50"),
        (0.1 + 0.2, "$0.30"),
        (0.0123, "$0.0123"),
        (0.0000004, "$0.00"),
    ],
)
def test_an_amount_has_the_digits_that_it_has(amount: float, text: str) -> None:
    assert dollars(amount) == text
