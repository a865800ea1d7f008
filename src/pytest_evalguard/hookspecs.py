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
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .delivery.outbox import Service, Submission
    from .model.case import Case


def pytest_evalguard_modify_case(
    config: pytest.Config, case: Case, item: pytest.Item | None
) -> bool | None:
    """Change a case, or drop it, before it is written, shown or sent.

    Called once for each case, in the process where its test ran. If it raises, the
    case keeps its outcome, its values are withheld and the session fails.

    :param config: the pytest config.
    :param case: the case; its attributes may be set.
    :param item: its test, or None when the worker that ran it died.
    :return: False to drop the case, anything else to keep it.
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
