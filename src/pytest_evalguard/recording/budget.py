"""The budget of a session: no further test starts when it is spent."""

from __future__ import annotations

from collections.abc import Callable
from math import fsum
from threading import Lock

import pytest

from ..model.case import Case, EndedTest
from ..model.figures import reaches
from ..model.text import dollars

Publish = Callable[[Case | EndedTest, str, "pytest.TestReport | None"], None]
_REASON = "evalguard: the budget"


class Budget:
    """Adds up what the tests of this process cost, and stops them.

    :param limit: what all processes of the session together may spend, in US dollars.
    :param tell: takes what this process has spent, each time that it is more.
    """

    def __init__(
        self, limit: float, tell: Callable[[float], object] = lambda spent: None
    ) -> None:
        self.limit = limit
        self.spent = 0.0
        self._tell = tell
        self._is_stopped = False
        self._adding = Lock()  # tests may run in threads

    @property
    def is_spent(self) -> bool:
        """Whether no further test may start."""
        return self._is_stopped or reaches(self.spent, self.limit)

    def stop(self) -> None:
        """Take it from the controller that all processes together have spent it."""
        self._is_stopped = True

    def counting(self, publish: Publish) -> Publish:
        """Return what takes finished cases, and counts each of them before."""

        def publish_counted(
            case: Case | EndedTest, line: str, report: pytest.TestReport | None
        ) -> None:
            if (
                isinstance(case, Case) and not case.trials
            ):  # those have been counted one by one
                self._add(_own_cost(case))
            publish(case, line, report)

        return publish_counted

    def add_trial(self, case: Case) -> None:
        """Count a finished trial."""
        self._add(case.cost_usd or 0.0)

    def _add(self, cost: float) -> None:
        if cost:
            with self._adding:
                self.spent += cost
            self._tell(self.spent)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Start no test when it is spent."""
        if not self.is_spent:
            return None
        item.session.shouldfail = self._reason
        return True

    def check(self, session: pytest.Session) -> None:
        """Start no further trial when it is spent.

        :raises pytest.Session.Failed: it is, and the test remains without a verdict.
        """
        if self.is_spent:
            session.shouldfail = self._reason
            raise session.Failed(self._reason)

    @property
    def _reason(self) -> str:
        return f"{_REASON} of {dollars(self.limit)} is spent"


def _own_cost(case: Case) -> float:
    """Return what a case cost, of a sub-case the last attempt: the others were told."""
    cost = case.cost_usd or 0.0
    if case.test is None:
        return cost
    return cost - fsum(each.cost_usd or 0.0 for each in case.attempts)


def is_spent_budget(reason: object) -> bool:
    """Whether a session was stopped for its budget, by what pytest says of that."""
    return str(reason).startswith(_REASON)
