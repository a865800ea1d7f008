"""Hooks for users' ``conftest.py``.

.. code-block:: python

    # conftest.py
    def pytest_evalguard_modify_case(config, case, item):
        if case.actual:
            case.actual = case.actual.replace("Jane Doe", "[NAME]")
        case.metadata["team"] = "search"
        if "draft" in case.tags:
            return False  # leaves this case out of the session


    def pytest_evalguard_submitted(config, service, submission):
        if submission.error:
            notify(f"{submission.unsent} results not at {service}: {submission.error}")


    def pytest_evalguard_metrics(config, cases):
        lengths = [len(case.actual) for case in cases if case.actual]
        return {"longest_answer": max(lengths, default=0)}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from .delivery.outbox import Service, Submission
    from .model.case import Case
    from .model.metrics import Metric, Table

    Metrics = Iterable[Metric | Table | Mapping[str, float]] | Mapping[str, float]


def pytest_evalguard_modify_case(
    config: pytest.Config, case: Case, item: pytest.Item | None
) -> bool | None:
    """Change a case, or drop it, before it is written, shown or sent.

    Called once for each case, in the process where its test ran. If it raises, the
    case keeps its outcome, its values are withheld and the session fails.

    :param config: the pytest config.
    :param case: the case; its attributes may be set.
    :param item: its test, of a sub-case the one that it is in, or None when the worker
        that ran it died.
    :return: False to drop the case, anything else to keep it.
    """


def pytest_evalguard_metrics(
    config: pytest.Config, cases: Collection[Case]
) -> Metrics | None:
    """Return figures of the session as a whole: precision and recall, a cost, a table.

    .. code-block:: python

        # conftest.py
        from collections import Counter

        from pytest_evalguard import Metric, Table


        def pytest_evalguard_metrics(config, cases):
            rows = [case for case in cases if case.has_row]
            agreed = [case.actual == case.expected for case in rows]
            answers = Counter(case.actual for case in rows).most_common(10)
            return [
                Metric("agreement", 100 * sum(agreed) / len(rows), unit="%"),
                Table("answers", ["answer", "cases"], answers),
            ]

    Called once, at the end of a session that has results and was not interrupted, in
    the plain process or the controller of pytest-xdist. Each conftest may return its
    own. If one raises, or a figure can't be kept, the session fails; the cases and all
    other figures are kept. Commands on stored sessions call no hooks.

    :param config: the pytest config.
    :param cases: all cases of the session, in the order of their node ids, but those
        that were dropped; they may be gone through more than once, and are read from
        disk each time. `len` counts them.
    :return: `Metric` and `Table` objects in a list, or a mapping from names to numbers.
    """


def pytest_evalguard_submitted(
    config: pytest.Config, service: str, submission: Submission
) -> None:
    """Learn what became of the results at a service, at the end of the session.

    :param config: the pytest config.
    :param service: the name of the service, as ``evalguard``.
    :param submission: counts of results in ``accepted``, ``rejected`` and ``unsent``,
        and ``error``, None when all were accepted.
    """


@pytest.hookspec(firstresult=True)
def pytest_evalguard_make_service(config: pytest.Config, name: str) -> Service | None:
    """Make the service that a session is submitted to; the first one returned is used.

    :param config: the pytest config.
    :param name: the name of the service, as ``evalguard``.
    :return: an object with ``submit(session, deadline)`` that returns a `Submission`,
        or None to leave it to the built-in service.
    """
