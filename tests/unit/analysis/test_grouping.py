"""Figures by group, and the groups of a parameter against the first one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, strategies as st

from pytest_evalguard.analysis.groups import (
    MOST_GROUPS,
    GroupComparison,
    Grouping,
    Key,
    groupings_of,
)
from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.model.case import Attempt, Case, ScorerResult
from pytest_evalguard.model.outcome import Outcome
from pytest_evalguard.reporting.tables import groups_data


def answer(
    model: str, question: str, outcome: Outcome = "passed", **fields: Any
) -> Case:
    """Return the case of a question that a model answered; "big" is the first one."""
    name = fields.pop("nodeid", f"t.py::test_q[{model}-{question}]")
    fields.setdefault("params", {"model": model, "question": question})
    place = {"big": 0, "a": 1, "b": 2}.get(model, 3)
    fields.setdefault("param_indices", {"model": place} if place else {})
    return Case(name, outcome, **fields)


def grouping_of(cases: Iterable[Case], key: str = "param:model") -> Grouping:
    (grouping,) = Totals.of(cases, group_by=[key]).groupings
    return grouping


def compared(cases: Iterable[Case]) -> GroupComparison:
    (found,) = grouping_of(cases).compared
    return found


def counts(found: GroupComparison) -> tuple[int, ...]:
    side = found.pass_rate
    return found.pairs, side.better, side.worse, side.same, found.alone, found.errors


def test_a_group_has_its_figures() -> None:
    scores = {"relevance": ScorerResult(0.25, True)}
    cases = [
        answer("big", "1", scores=scores, latency_ms=5.0, cost_usd=0.25),
        answer("big", "2", "failed", score=0.5, latency_ms=9.0, cost_usd=0.5),
        answer("big", "3", "error", latency_ms=1.0),
        answer("big", "4", "skipped", score=1.0),
    ]
    (group,) = grouping_of(cases).groups
    assert (group.rows, group.passed, group.errors) == (3, 1, 1)
    assert group.score.value == 0.25
    assert {name: mean.value for name, mean in group.scores.items()} == {
        "relevance": 0.25
    }
    assert (group.latencies.quantile(0.95), group.costs.total) == (9.0, 0.75)


def test_groups_of_a_parameter_are_in_the_order_of_its_parametrize() -> None:
    cases = [answer(model, "1") for model in ("zz", "b", "a", "big", "c")]
    for some in permutations(cases):
        groups = grouping_of(some).groups
        assert [each.value for each in groups] == ["big", "a", "b", "c", "zz"]


def test_a_group_has_the_earliest_place_of_its_cases() -> None:
    places = [("late", 5), ("late", 1), ("middle", 2)]
    cases = [answer(m, f"{n}", param_indices={"model": n}) for m, n in places]
    for some in permutations(cases):
        groups = grouping_of(some).groups
        assert [each.value for each in groups] == ["late", "middle"]


@pytest.mark.parametrize("key", ["tag", "metadata:team"])
def test_other_groups_are_in_the_order_of_their_names(key: str) -> None:
    cases = [
        Case(name, "passed", tags=[name], metadata={"team": name})
        for name in ("b", "c", "a")
    ]
    found = grouping_of([*cases, Case("none", "passed")], key)
    assert [each.value for each in found.groups] == ["a", "b", "c"]
    assert (found.without, found.compared) == (1, [])


PAIRS = [
    pytest.param([("passed", "failed")], (1, 0, 1, 0, 0, 0), id="worse"),
    pytest.param([("failed", "passed")], (1, 1, 0, 0, 0, 0), id="better"),
    pytest.param([("failed", "xfailed")], (1, 0, 0, 1, 0, 0), id="same"),
    pytest.param([("error", "passed")], (0, 0, 0, 0, 0, 1), id="an error"),
    pytest.param([("failed", None), (None, "passed")], (0, 0, 0, 0, 2, 0), id="alone"),
    pytest.param([("passed", "skipped")], (0, 0, 0, 0, 1, 0), id="skipped"),
]


@pytest.mark.parametrize(("outcomes", "wanted"), PAIRS)
def test_cases_of_two_groups_are_pairs(
    outcomes: Sequence[Sequence[Outcome | None]], wanted: tuple[int, ...]
) -> None:
    cases = [
        answer(model, f"{question}", outcome)
        for question, both in enumerate(outcomes)
        for model, outcome in zip(("big", "a"), both, strict=True)
        if outcome is not None
    ]
    # so that there are both groups in any case
    cases += [answer(model, "last") for model in ("big", "a")]
    pairs, better, worse, same, alone, errors = counts(compared(cases))
    assert (pairs - 1, better, worse, same - 1, alone, errors) == wanted


APART: dict[str, dict[str, Any]] = {
    "another test": {"nodeid": "t.py::test_r[a-1]"},
    "another module": {"nodeid": "u.py::test_q[a-1]"},
    "a part of it": {"nodeid": "t.py::test_q[a-1]::row-1"},
    "another parameter": {"params": {"model": "a", "question": "2"}},
    "one parameter more": {"params": {"model": "a", "question": "1", "n": "1"}},
}


@pytest.mark.parametrize("fields", APART.values(), ids=APART)
def test_cases_that_differ_in_more_are_no_pair(fields: dict[str, Any]) -> None:
    assert counts(compared([answer("big", "1"), answer("a", "1", **fields)])) == (
        *(0, 0, 0, 0),
        *(2, 0),
    )


def test_brackets_and_colons_of_ids_are_no_part_of_a_test() -> None:
    names = ("x[1]/t.py::test_q[a[0]::b-big]", "x[1]/t.py::test_q[other]")
    big, a = (
        answer(model, "1", nodeid=name)
        for model, name in zip(("big", "a"), names, strict=True)
    )
    assert compared([big, a]).pairs == 1


def test_of_several_cases_that_may_be_a_partner_none_is() -> None:
    again = answer("a", "1", "failed", nodeid="t.py::test_q[a-1-again]")
    cases = [answer("big", "1"), answer("a", "1"), again]
    assert counts(compared(cases)) == (0, 0, 0, 0, 3, 0)


def test_trials_count_by_their_share() -> None:
    trials = [Attempt("passed"), Attempt("failed"), Attempt("error")]
    found = compared([answer("big", "1"), answer("a", "1", trials=trials)])
    assert counts(found) == (1, 0, 1, 0, 0, 0)


def test_scores_are_compared_apart_from_outcomes() -> None:
    cases = [
        answer(model, f"{n}", score=(0.5 if model == "big" else 0.9))
        for n in range(8)
        for model in ("big", "a")
    ]
    found = compared(cases)
    assert (found.score.better, found.pass_rate.same) == (8, 8)
    change = found.score.change
    assert change is not None
    assert (round(change.change, 9), change.is_noise) == (0.4, False)
    assert found.pass_rate.change is not None
    assert found.pass_rate.change.is_noise


def test_few_pairs_are_counted_and_not_judged() -> None:
    found = compared(answer(m, f"{n}") for n in range(5) for m in ("big", "a"))
    assert (found.pairs, found.pass_rate.change, found.score.change) == (5, None, None)


CASES = st.lists(
    st.builds(
        answer,
        st.sampled_from(["big", "a", "b", "c"]),
        st.sampled_from("12345678"),
        st.sampled_from(["passed", "failed", "error", "skipped"]),
        score=st.one_of(st.none(), st.floats(0, 1)),
        latency_ms=st.floats(0, 1e6),
    ),
    max_size=30,
)


@given(CASES, st.randoms())
def test_the_order_of_cases_changes_nothing(cases: list[Case], random: Any) -> None:
    one = groups_data([grouping_of(cases)])
    random.shuffle(cases)
    assert groups_data([grouping_of(cases)]) == one


@pytest.mark.parametrize("step", [1, -1])
def test_of_very_many_groups_the_first_by_name_are_kept(step: int) -> None:
    names = [f"{n:05}" for n in range(MOST_GROUPS + 500)][::step]
    found = grouping_of(Case(n, "passed", metadata={"id": n}) for n in names * 2)
    fully = grouping_of([], "metadata:id")
    for name in names * 2:
        fully.add(Case(name, "passed", metadata={"id": name}))
    values = [each.value for each in fully.groups]
    assert values == [f"{n:05}" for n in range(MOST_GROUPS)]
    assert {each.rows for each in fully.groups} == {2}
    assert fully.left_out == 1_000
    assert found.without == 2 * len(names)


def test_a_long_value_is_a_short_name_of_its_own() -> None:
    texts = [f"{'x' * 10_000}{n}" for n in range(2)]
    cases = [Case(text[-1], "passed", metadata={"prompt": text}) for text in texts]
    names = [each.value for each in grouping_of(cases, "metadata:prompt").groups]
    assert len({*names}) == 2
    assert max(map(len, names)) <= 100


def test_a_key_is_grouped_by_once() -> None:
    assert [each.key for each in groupings_of(["tag", "param:a", "tag"])] == [
        Key("tag"),
        Key("param", "a"),
    ]


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("param:modle", "no result has the parameter modle; there are: model, n"),
        ("metadata:x", "no result has the metadata x"),
        ("tag", "no result has a tag"),
    ],
)
def test_a_key_without_groups_says_which_there_are(key: str, wanted: str) -> None:
    case = Case("a", "passed", params={"model": "m", "n": "1"})
    assert grouping_of([case], key).nothing == wanted


def test_a_comparison_is_made_anew_when_a_case_is_added() -> None:
    grouping = grouping_of([answer("big", "1"), answer("a", "1")])
    assert grouping.compared is grouping.compared
    grouping.add(answer("a", "2"))
    assert asdict(grouping.compared[0])["alone"] == 1


OUTCOME_OF: dict[str, Outcome] = {"big": "passed", "a": "failed"}


def test_sub_cases_pair_by_their_names_whatever_these_hold() -> None:
    names = ["row[1]", "row[2]", "a]b", "::[", "row[1] #2"]
    cases = [
        answer(model, "q", outcome, nodeid=f"{test}::{name}", test=test)
        for model, outcome in OUTCOME_OF.items()
        for test in [f"t.py::test_q[{model}-q]"]
        for name in names
    ]
    assert counts(compared(cases)) == (5, 0, 5, 0, 0, 0)
