"""What is done to a finished case before it goes anywhere: users' hook, then secrets.

What `pytest_evalguard_modify_case` left of a case is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import Any, get_args

import pytest

from ..model.case import Attempt, Case, ScorerResult
from ..model.data import unused_key
from ..model.outcome import Outcome
from ..model.redaction import Redactor
from ..model.scorer_results import kept_raw
from ..model.scorers import checked_count, checked_number, checked_score
from ..model.values import HOSTILE, as_data, as_text, cut, describe

HOOK = "pytest_evalguard_modify_case"
_TEXTS = (
    *("input", "expected", "actual", "reason", "name", "ambiguous"),
    "hallucination_label",
)
_get_texts = attrgetter("nodeid", *_TEXTS)
_FACTS = (
    *("nodeid", "prompt_id", "threshold", "default_input", "flaky", "silent"),
    *("withheld", "require", "differs_at", "types"),
)
_RUNS = ("attempts", "trials")
RAISED = (*HOSTILE, pytest.fail.Exception, pytest.skip.Exception)
"""What a hook of a user's may raise without ending the session."""


def modified(
    config: pytest.Config, item: pytest.Item | None, case: Case, redact: Redactor
) -> Case:
    """Return the case as the hooks leave it, and without secrets.

    Its outcome is `dropped` where a hook says False. A hook that raises, or leaves what
    no row can hold, may have been about to redact: then the outcome is kept and every
    value withheld.
    """
    case = _by_hooks(config, item, case, redact)
    redact_case(case, redact)
    return case


def _by_hooks(
    config: pytest.Config,
    item: pytest.Item | None,
    case: Case,
    clean: Callable[[str], str],
) -> Case:
    if not config.hook.pytest_evalguard_modify_case.get_hookimpls():
        return case
    # those of the folders that the test is in
    hook = config.hook if item is None else item.ihook
    identity, outcome = case.nodeid, case.outcome
    facts = {name: getattr(case, name) for name in _FACTS}
    runs = {name: list(map(replace, getattr(case, name))) for name in _RUNS}
    try:
        answers = hook.pytest_evalguard_modify_case(config=config, case=case, item=item)
        if any(answer is False for answer in answers):
            return Case(identity, "dropped")
        for name, fact in facts.items():
            setattr(case, name, fact)  # what happened is not a hook's to say
        for name, before in runs.items():
            setattr(case, name, _with_texts(before, getattr(case, name)))
        return _checked(case)
    except RAISED as error:
        said = cut(" ".join(describe(error, clean).split()), 300)
        return Case(identity, outcome, reason=f"{HOOK}: {said}", withheld=True)


def _checked(case: Case) -> Case:
    if case.outcome not in get_args(Outcome):
        raise ValueError(f"no such outcome: {describe(case.outcome)}")
    for name in _TEXTS:
        value = getattr(case, name)
        if value is not None:
            setattr(case, name, as_text(value))
    case.input = "" if case.input is None else case.input
    case.latency_ms = checked_number(case.latency_ms, "latency_ms")
    if case.score is not None:
        case.score = checked_score(case.score)
    if case.cost_usd is not None:
        case.cost_usd = checked_number(case.cost_usd, "cost_usd")
    for name in ("prompt_tokens", "completion_tokens"):
        if (count := getattr(case, name)) is not None:
            setattr(case, name, checked_count(count, name))
    case.scores = {as_text(name): _score(each) for name, each in case.scores.items()}
    case.tags = [as_text(tag) for tag in case.tags]
    case.metadata = {as_text(key): as_data(each) for key, each in case.metadata.items()}
    case.findings = [as_data(finding) for finding in case.findings]
    return case


def _with_texts(before: list[Attempt], after: Any) -> list[Attempt]:
    """Return attempts or trials with the texts that a hook left of each of them."""
    if not isinstance(after, list) or len(after) != len(before):
        return before
    for was, became in zip(before, after, strict=True):
        was.actual = None if became.actual is None else as_text(became.actual)
        was.reason = None if became.reason is None else as_text(became.reason)
    return before


def _score(result: ScorerResult) -> ScorerResult:
    reason = None if result.reason is None else as_text(result.reason)
    raw = None if result.raw is None else kept_raw(result.raw)
    return ScorerResult(checked_score(result.score), bool(result.passed), reason, raw)


def redact_case(case: Case, redact: Redactor) -> None:
    """Replace the secrets in everything that a case holds."""
    # one look at all texts, as most have no secret; a line break ends any value
    joined = "\n".join(filter(None, _texts_of(case)))
    if redact(joined) != joined:
        _redact_texts(case, redact)
    if case.metadata:
        case.metadata = redact.fields(case.metadata)
    if case.findings:
        case.findings = [redact.data(finding) for finding in case.findings]


def _texts_of(case: Case) -> list[str | None]:
    texts = [*_get_texts(case), *case.tags]
    for name, result in case.scores.items():
        texts += (name, result.reason)
        if isinstance(result.raw, str):
            texts.append(result.raw)
    for run in (*case.attempts, *case.trials):
        texts += (run.reason, run.actual, *(run.scores or ()))
    return texts


def _redact_texts(case: Case, redact: Redactor) -> None:
    for name in ("nodeid", *_TEXTS):
        if text := getattr(case, name):
            setattr(case, name, redact(text))
    case.tags = [redact(tag) for tag in case.tags]
    scores: dict[str, ScorerResult] = {}
    for name, result in case.scores.items():
        result.reason = result.reason and redact(result.reason)
        if isinstance(result.raw, str):
            result.raw = redact(result.raw)
        scores[unused_key(redact(name), scores)] = result
    case.scores = scores
    for run in (*case.attempts, *case.trials):
        run.reason = run.reason and redact(run.reason)
        run.actual = run.actual and redact(run.actual)
        run.scores = run.scores and {redact(n): each for n, each in run.scores.items()}
