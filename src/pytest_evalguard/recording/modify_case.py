"""What is done to a finished case before it goes anywhere: users' hook, then secrets.

What `pytest_evalguard_modify_case` left of a case is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, get_args

import pytest

from ..model.case import Attempt, Case, ScorerResult
from ..model.json_data import Json
from ..model.outcome import Outcome
from ..model.redaction import Redactor
from ..model.reflection import data_of, fields_of, texts_of
from ..model.scorer_results import kept_raw
from ..model.scorers import (
    checked_count,
    checked_metric,
    checked_number,
    checked_score,
)
from ..model.values import HOSTILE, as_data, as_text, cut, describe

HOOK = "pytest_evalguard_modify_case"
_FACTS = (
    *("nodeid", "prompt_id", "threshold", "default_input", "flaky", "silent"),
    *("withheld", "require", "differs_at", "types", "declared", "carried"),
    "test",
)
_RUNS = ("attempts", "trials")
RAISED = (*HOSTILE, pytest.fail.Exception, pytest.skip.Exception)
"""What a hook of a user's may raise without ending the session."""


def modified(
    config: pytest.Config, item: pytest.Item | None, case: Case, redact: Redactor
) -> tuple[Case, str]:
    """Return the case as the hooks leave it, without secrets, and its line.

    Its outcome is `dropped` where a hook says False. A hook that raises, or leaves what
    no row can hold, may have been about to redact: then the outcome is kept and every
    value withheld.
    """
    case = _by_hooks(config, item, case, redact)
    line = case.to_line()
    if redact.may_change(line):
        redact_case(case, redact)
        line = case.to_line()
    return case, line


def _by_hooks(
    config: pytest.Config,
    item: pytest.Item | None,
    case: Case,
    clean: Callable[[str], str],
) -> Case:
    if not config.hook.pytest_evalguard_modify_case.get_hookimpls():
        return case
    # one of its own, as cases may share the lists and dicts that are empty
    given = {name: each for name, each in vars(case).items() if each not in ([], {})}
    case = Case(**given)
    # those of the folders that the test is in
    hook = config.hook if item is None else item.ihook
    identity, outcome, test = case.nodeid, case.outcome, case.test
    facts = {name: getattr(case, name) for name in _FACTS}
    runs = {name: list(map(replace, getattr(case, name))) for name in _RUNS}
    try:
        answers = hook.pytest_evalguard_modify_case(config=config, case=case, item=item)
        if any(answer is False for answer in answers):
            return Case(identity, "dropped", test=test)
        for name, fact in facts.items():
            setattr(case, name, fact)  # what happened is not a hook's to say
        for name, before in runs.items():
            setattr(case, name, _with_texts(before, getattr(case, name)))
        return _checked(case)
    except RAISED as error:
        said = cut(" ".join(describe(error, clean).split()), 300)
        why = f"{HOOK}: {said}"
        return Case(identity, outcome, reason=why, withheld=True, test=test)


def _checked(case: Case) -> Case:
    if case.outcome not in get_args(Outcome):
        raise ValueError(f"no such outcome: {describe(case.outcome)}")
    case.input = "" if case.input is None else case.input
    _normalise(case, omit=(*_FACTS, *_RUNS, "scores", "params"))
    case.latency_ms = checked_number(case.latency_ms, "latency_ms")
    if case.score is not None:
        case.score = checked_score(case.score)
    if case.cost_usd is not None:
        case.cost_usd = checked_number(case.cost_usd, "cost_usd")
    for name in ("prompt_tokens", "completion_tokens"):
        if (count := getattr(case, name)) is not None:
            setattr(case, name, checked_count(count, name))
    case.params = {as_text(name): as_text(v) for name, v in case.params.items()}
    case.scores = {as_text(name): _score(each) for name, each in case.scores.items()}
    case.metrics = {
        name: checked_metric(each, f"the metric {name!r}")
        for name, each in case.metrics.items()
    }
    return case


def _normalise(case: Case, omit: Collection[str]) -> None:
    """Make what a hook left of texts text, and of data JSON data."""
    for part, change in ((texts_of, as_text), (data_of, _as_data)):
        kind: Any = type(case)  # to mypy a class is not hashable
        for name, plan in fields_of(kind, part).items():
            if name not in omit:
                setattr(case, name, plan.changed(getattr(case, name), change))


def _as_data(value: Any) -> Json:
    """Return JSON data; each value of a dict has all the room that a value has."""
    if type(value) is dict:
        return {as_text(key): as_data(each) for key, each in value.items()}
    return as_data(value)


def _with_texts(before: list[Attempt], after: Any) -> list[Attempt]:
    """Return attempts or trials with the texts that a hook left of each of them."""
    if not isinstance(after, list) or len(after) != len(before):
        return before
    plans = fields_of(Attempt, texts_of)
    for was, became in zip(before, after, strict=True):
        for name in ("actual", "reason"):
            setattr(was, name, plans[name].changed(getattr(became, name), as_text))
    return before


def _score(result: ScorerResult) -> ScorerResult:
    reason = None if result.reason is None else as_text(result.reason)
    raw = None if result.raw is None else kept_raw(result.raw)
    return ScorerResult(checked_score(result.score), bool(result.passed), reason, raw)


def redact_case(case: Case, redact: Redactor) -> None:
    """Replace the secrets in everything that a case holds."""
    kind: Any = type(case)  # to mypy a class is not hashable
    texts, data = texts_of(kind), data_of(kind)
    if texts:
        # one look at all texts, as most have no secret; a line break ends any value
        joined = "\n".join(texts.found(case))
        if redact(joined) != joined:
            texts.changed(case, redact)
    if data:
        data.changed(case, redact.data)
