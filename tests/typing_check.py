"""What users may write against the public names; only type-checked, never run.

mypy and pyright check it, both strict.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Collection
from typing import Any

import pytest
from typing_extensions import assert_type

import pytest_evalguard
from pytest_evalguard import (
    Attempt,
    Case,
    ConfigurationError,
    Deadline,
    EvalCase,
    EvalguardError,
    LeftOut,
    Metric,
    Outcome,
    ScorerResult,
    Service,
    ServiceError,
    Session,
    SessionError,
    Submission,
    Table,
)


@pytest.fixture
def model(eval_case: EvalCase) -> str:
    eval_case.metadata["model"] = "small"
    return "small"


@pytest.mark.eval(expected="Paris", tags=["smoke"], threshold=0.5, trials=3, require=2)
def test_attributes(eval_case: EvalCase, model: str) -> None:
    eval_case.input = {"question": "What is the capital of France?", "model": model}
    eval_case.expected = "Paris"
    with eval_case.measure():
        eval_case.actual = "Paris"
    eval_case.score = True
    eval_case.latency_ms = 812
    eval_case.cost_usd = 0.25
    eval_case.metadata = {"temperature": 0.0}
    eval_case.hallucination_label = "FactIsPresent"
    eval_case.hallucination_label = None
    assert eval_case.actual == eval_case.expected


def test_parts(eval_case: EvalCase) -> None:
    with eval_case.subcase("row-17", input=17, tags=("a",), threshold=0.5) as case:
        assert_type(case, EvalCase)
        case.actual = "Paris"
    with eval_case.subcase("row-18", metadata={"n": 18}, prompt_id=7, expected=None):
        pass


def test_reading(eval_case: EvalCase) -> None:
    assert_type(eval_case.actual, Any)
    assert_type(eval_case.score, float | None)
    assert_type(eval_case.latency_ms, float | None)
    assert_type(eval_case.cost_usd, float)
    assert_type(eval_case.metadata, UserDict[str, object])
    assert_type(eval_case.hallucination_label, str | None)


async def test_methods(eval_case: EvalCase) -> None:
    eval_case.add_score("relevance", 0.9, passed=True, reason="to the point")
    eval_case.add_score(object())
    eval_case.add_score("relevance", object())
    eval_case.add_score([object(), object()])
    eval_case.add_score("helpfulness", 4, scale=(1, 5))
    eval_case.add_score("tone", "formal", values={"formal": 1, "rude": 0})
    eval_case.add_metric("tool_calls", 7)
    eval_case.add_metric("distance", -0.5)
    eval_case.cost_usd += 0.01
    eval_case.add_tokens(prompt=12, completion=3)
    eval_case.add_tokens(object())
    eval_case.add_finding({"label": "FactIsPresent"})
    eval_case.mark_ambiguous()
    eval_case.mark_ambiguous("judges disagree")
    eval_case.record(input=1, expected=2, actual=3, score=0.5, latency_ms=812)
    eval_case.record(cost_usd=0.1, tokens={"prompt": 1}, metadata={"model": "small"})


def pytest_evalguard_modify_case(
    config: pytest.Config, case: Case, item: pytest.Item | None
) -> bool | None:
    if item is None or case.actual is None:
        return None
    outcome: Outcome = "failed"
    case.outcome = outcome
    case.actual = case.actual.replace("Jane Doe", "[NAME]")
    case.metadata["team"] = config.rootpath.name
    case.tags.append(item.name)
    case.scores["tone"] = ScorerResult(0.5, passed=True, reason=None)
    for attempt in (*case.attempts, *case.trials):
        assert_type(attempt, Attempt)
        attempt.reason = None
    assert_type(case.score, float | None)
    assert_type(case.overall_score, float)
    assert_type(case.passed, bool)
    return "draft" not in case.tags


def pytest_evalguard_submitted(
    config: pytest.Config, service: str, submission: Submission
) -> None:
    counts = (submission.accepted, submission.rejected, submission.unsent)
    assert_type(counts, tuple[int, int, int])
    assert_type(submission.error, str | None)
    assert_type(submission.left_out, tuple[LeftOut, ...])
    assert_type(submission.is_complete, bool)


def pytest_evalguard_metrics(
    config: pytest.Config, cases: Collection[Case]
) -> list[Metric | Table]:
    for case in cases:
        assert_type(case.metrics, dict[str, float])
    metric = Metric("f1", 0.9, low=0.85, high=0.95, unit="%")
    return [metric, Table("sizes", ["name", "n"], [["all", len(cases)]])]


class FileService:
    def submit(self, session: Session, deadline: Deadline) -> Submission:
        sent = 0
        for case in session.cases():
            assert_type(case, Case)
            sent += deadline.wait(0.1)
        assert_type(deadline.left, float)
        left_out = LeftOut("too late", len(session.cases()) - sent, first=())
        return Submission(session.state.id, accepted=sent, left_out=(left_out,))


def pytest_evalguard_make_service(config: pytest.Config, name: str) -> Service | None:
    return FileService() if name == "evalguard" else None


def read(session: Session) -> str:
    try:
        return session.status
    except (ConfigurationError, ServiceError, SessionError) as error:
        base: EvalguardError = error
        return f"{pytest_evalguard.__version__}: {base}"
