"""Hooks for your ``conftest.py``; docs/hooks.md has an example of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from .delivery.outbox import Service, Submission
    from .model.case import Case
    from .model.figures import Metric, Table

    Metrics = Iterable[Metric | Table | Mapping[str, float]] | Mapping[str, float]

__all__ = [
    "pytest_evalguard_make_service",
    "pytest_evalguard_metrics",
    "pytest_evalguard_modify_case",
    "pytest_evalguard_submitted",
]


def __dir__() -> list[str]:  # pluggy looks at each name, at length
    return __all__


def pytest_evalguard_modify_case(
    config: pytest.Config, case: Case, item: pytest.Item | None
) -> bool | None:
    """Change or drop a case before it is stored, shown or sent.

    Called once per case, in the process where its test ran. If it raises, the case
    keeps its outcome, its values are withheld and the session fails.

    :param config: the pytest config.
    :param case: the case; its attributes may be set.
    :param item: its test, of a sub-case the one that it is in, or None when the worker
        that ran it died.
    :return: False to drop the case, anything else to keep it.
    """


def pytest_evalguard_metrics(
    config: pytest.Config, cases: Collection[Case]
) -> Metrics | None:
    """Return figures over all cases of the session, such as precision and recall.

    Called once, at the end of a session that has results and was not interrupted; with
    pytest-xdist, in the controller. Each conftest may return its own figures. If one
    raises, or a figure can't be kept, the session fails; the cases and all other
    figures are kept. Commands on stored sessions call no hooks.

    :param config: the pytest config.
    :param cases: all cases of the session except dropped ones, ordered by node id. You
        can iterate more than once; each iteration reads them from disk. `len` counts
        them.
    :return: `Metric` and `Table` objects in a list, or a mapping from names to numbers.
    """


def pytest_evalguard_submitted(
    config: pytest.Config, service: str, submission: Submission
) -> None:
    """Learn what became of the results at a service, at the end of the session.

    Called once per service; a later ``pytest-evalguard submit`` calls no hooks.

    :param config: the pytest config.
    :param service: the name of the service: ``evalguard`` or ``agent``.
    :param submission: counts of results in ``accepted``, ``rejected`` and ``unsent``,
        and ``error``, None when all were accepted.
    """


@pytest.hookspec(firstresult=True)
def pytest_evalguard_make_service(config: pytest.Config, name: str) -> Service | None:
    """Replace the service that a session is submitted to; the first result is used.

    :param config: the pytest config.
    :param name: the name of the service: ``evalguard`` or ``agent``.
    :return: an object with ``submit(session, deadline)`` that returns a `Submission`,
        or None to keep the built-in service.
    """
