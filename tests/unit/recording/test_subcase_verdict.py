"""Sub-cases by themselves: their names, their verdicts, what a test's end says."""

from __future__ import annotations

import asyncio
from bdb import BdbQuit
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.model.case import Case, EndedTest
from pytest_evalguard.model.redaction import Redactor
from pytest_evalguard.recording.harness_errors import HarnessErrors
from pytest_evalguard.recording.mark import EvalMark
from pytest_evalguard.recording.recorder import EvalCase
from pytest_evalguard.recording.run import CaseContext
from pytest_evalguard.recording.subcase_verdict import (
    FailedSubcases,
    Verdict,
    verdict_of,
)
from pytest_evalguard.recording.subcases import MAX_NAME, Subcases

ERRORS = HarnessErrors(["builtins.ConnectionError"])
NO_MARK = EvalMark({}, 1, 0)


@pytest.fixture
def item(request: pytest.FixtureRequest) -> Any:
    return request.node


def verdict(item: pytest.Item, error: BaseException | None) -> Verdict:
    return verdict_of(item, EvalCase("t"), NO_MARK, error, ERRORS)


class GroupOf(BaseException):
    """A group as Python 3.10 has none."""

    def __init__(self, *exceptions: BaseException) -> None:
        self.exceptions = exceptions


GroupOf.__name__ = "BaseExceptionGroup"
Cancelled = type("Cancelled", (BaseException,), {})


@pytest.mark.parametrize(
    ("error", "outcome", "is_passed_on"),
    [
        (None, "passed", False),
        (AssertionError(), "failed", False),
        (pytest.fail.Exception("no"), "failed", False),
        (ConnectionError(), "error", False),
        (pytest.skip.Exception("no"), "skipped", False),
        (pytest.xfail.Exception("no"), "xfailed", False),
        (KeyboardInterrupt(), "not run", True),
        (pytest.exit.Exception("enough"), "not run", True),
        (BdbQuit(), "not run", True),
        (asyncio.CancelledError(), "not run", True),
        (Cancelled(), "not run", True),
        (GeneratorExit(), "not run", True),
        (SystemExit(1), "failed", True),
        (GroupOf(ValueError(), pytest.fail.Exception("no")), "failed", False),
        (GroupOf(ValueError(), KeyboardInterrupt()), "not run", True),
        (GroupOf(ConnectionError()), "error", False),
    ],
)
def test_what_leaves_a_block_decides(
    item: pytest.Item,
    error: BaseException | None,
    outcome: str,
    is_passed_on: bool,
) -> None:
    found = verdict(item, error)
    assert (found.outcome, found.is_passed_on) == (outcome, is_passed_on)


def a_test() -> Any:
    """Return what stands for a test without parameters, and without users' hooks."""
    hook = SimpleNamespace(get_hookimpls=list)
    hooks = SimpleNamespace(pytest_evalguard_modify_case=hook)
    config = SimpleNamespace(hook=hooks)
    session = SimpleNamespace(stash=pytest.Stash(), items=[])
    test = {"nodeid": "t.py::t", "config": config, "session": session}
    return SimpleNamespace(stash=pytest.Stash(), **test)


@pytest.fixture
def published() -> list[Case]:
    return []


@pytest.fixture
def make(published: list[Case]) -> Callable[..., Subcases]:
    """Makes the sub-cases of a test."""

    def publish(case: Case | EndedTest, line: str, report: object) -> None:
        assert isinstance(case, Case)
        published.append(case)

    context = CaseContext(publish, Redactor([]), ERRORS)
    return lambda mark=NO_MARK: Subcases(a_test(), mark, context)


NAME = st.text(max_size=MAX_NAME + 20).filter(str.strip)


@settings(deadline=None)
@given(st.lists(NAME, unique=True, max_size=8))
def test_each_name_has_a_label_of_its_own(names: list[str]) -> None:
    context = CaseContext(lambda *_: None, Redactor(["secret-key"]), ERRORS)
    subcases = Subcases(a_test(), NO_MARK, context)
    labels = [subcases.add(name, {}).label for name in names]
    assert len(set(labels)) == len(names)
    assert all(label.isprintable() and label.strip() for label in labels)
    for name in names:
        with pytest.raises(ValueError, match="already"):
            subcases.add(name, {})


def test_a_sub_case_is_published_as_it_begins_and_as_it_ends(
    make: Callable[..., Subcases], published: list[Case]
) -> None:
    subcases = make(EvalMark({"tags": ["a"], "name": "test", "prompt_id": 7}, 1, 1))
    with subcases.add("row", {"threshold": 0.5}) as case:
        assert [each.outcome for each in published] == ["not run"]
        case.score = 1
    assert [each.outcome for each in published] == ["not run", "passed"]
    ended = published[1]
    assert (ended.tags, ended.threshold, ended.prompt_id) == (["a"], 0.5, None)
    assert (ended.name, ended.nodeid) == ("row", f"{ended.test}::row")


def test_sub_cases_begin_and_end_in_any_number_of_threads(
    make: Callable[..., Subcases], published: list[Case]
) -> None:
    subcases = make()

    def run(n: int) -> None:
        with subcases.add(f"{n}", {}) as case:
            case.actual = n

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(200)))
    assert len(published) == 400
    answers = {each.name: each.actual for each in published if each.actual}
    assert answers == {f"{n}": f"{n}" for n in range(200)}


def failing(count: int) -> FailedSubcases:
    node: Any = None
    failed = FailedSubcases(node)
    for place in reversed(range(count)):
        error = AssertionError(f"no {place}")
        verdict = Verdict("failed" if place % 2 else "error", error)
        failed.add(place, f"row-{place}", verdict, f"no {place}")
    return failed


def test_the_first_ones_are_named_in_the_order_of_the_test() -> None:
    call: Any = SimpleNamespace(excinfo=None, when="call")
    failing(2_000).raise_in(call, 3_000)
    head, *reasons = str(call.excinfo.value).splitlines()
    assert head == (
        "2,000 of 3,000 cases did not pass (1,000 failed, 1,000 ended in an error):"
        " row-0, row-1, row-2, row-3, row-4, row-5, row-6, row-7, row-8, row-9 and"
        " 1,990 more"
    )
    assert reasons == [f"  row-{n}: no {n}" for n in range(10)]
