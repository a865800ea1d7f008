"""Calls users' `pytest_evalguard_modify_case` and checks what it left of a case."""

from __future__ import annotations

from typing import Any
from typing import get_args

import pytest

from .case import Case
from .case import Outcome
from .case import ScorerResult
from .scorers import checked_score
from .values import HOSTILE
from .values import as_data
from .values import as_text
from .values import cut
from .values import describe

HOOK = "pytest_evalguard_modify_case"
_TEXTS = ("input", "expected", "actual", "reason", "name", "ambiguous")
_RAISED = (*HOSTILE, pytest.fail.Exception, pytest.skip.Exception)


def modified(hook: Any, config: pytest.Config, item: Any, case: Case) -> Case:
    """Return the case as the hooks leave it; outcome `dropped` where one says False.

    A hook that raises, or leaves what no row can hold, may have been about to redact:
    then the outcome is kept and every value withheld.
    """
    if not hook.pytest_evalguard_modify_case.get_hookimpls():
        return case
    identity, outcome = case.nodeid, case.outcome
    try:
        answers = hook.pytest_evalguard_modify_case(config=config, case=case, item=item)
        if any(answer is False for answer in answers):
            return Case(identity, "dropped")
        return _checked(case, identity)
    except _RAISED as error:
        said = cut(" ".join(as_text(describe(error)).split()), 300)
        return Case(identity, outcome, reason=f"{HOOK}: {said}", withheld=True)


def _checked(case: Case, identity: str) -> Case:
    case.nodeid = identity
    if case.outcome not in get_args(Outcome):
        raise ValueError(f"no such outcome: {describe(case.outcome)}")
    for name in _TEXTS:
        value = getattr(case, name)
        if value is not None:
            setattr(case, name, as_text(value))
    if case.score is not None:
        case.score = checked_score(case.score)
    case.scores = {as_text(name): _score(each) for name, each in case.scores.items()}
    case.tags = [as_text(tag) for tag in case.tags]
    case.metadata = {as_text(key): as_data(each) for key, each in case.metadata.items()}
    case.findings = [as_data(finding) for finding in case.findings]
    return case


def _score(result: ScorerResult) -> ScorerResult:
    reason = None if result.reason is None else as_text(result.reason)
    return ScorerResult(checked_score(result.score), bool(result.passed), reason)
