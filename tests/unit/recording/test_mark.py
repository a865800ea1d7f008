"""The mark: what it may say, and which of several counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_evalguard.recording.item_state import state_of
from pytest_evalguard.recording.mark import (
    EvalMark,
    Plan,
    current_mark,
    mark_problems,
    suggestion,
)
from pytest_evalguard.start import is_case


def a_mark(*args: object, **kwargs: object) -> pytest.Mark:
    return pytest.Mark("eval", args, kwargs, _ispytest=True)


class AnItem(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment] # nodes can be in sets


def an_item(*marks: pytest.Mark, **fields: Any) -> Any:
    """An item with these marks, the closest first."""

    def iter_markers(name: str) -> list[pytest.Mark]:
        return [each for each in marks if each.name == name]

    def get_closest_marker(name: str) -> pytest.Mark | None:
        return next(iter(iter_markers(name)), None)

    item = AnItem(
        nodeid="t.py::a",
        stash=pytest.Stash(),
        own_markers=marks,
        parent=None,
        iter_markers=iter_markers,
        get_closest_marker=get_closest_marker,
        **fields,
    )
    item.listchain = lambda: [item]
    return item


def mark_of(item: Any, default_trials: int = 1) -> EvalMark:
    return current_mark(item, state_of(item), "eval", default_trials)


@pytest.mark.parametrize(
    ("keyword", "valid"),
    [
        ("input", [None, 1, "q"]),
        ("expected", [None, object()]),
        ("name", ["a"]),
        ("prompt_id", [0, 2**63 - 1]),
        ("threshold", [0, 1, 0.5]),
        ("trials", [1, 1000]),
        ("require", [1, 1000]),
        ("tags", [[], ["a"], ("a",), {"a"}, frozenset("a")]),
        ("metadata", [{}, {"a": 1}]),
    ],
)
def test_a_right_value_is_no_problem(keyword: str, valid: list[object]) -> None:
    for value in valid:
        assert mark_problems([an_item(a_mark(**{keyword: value}))], "eval") == []


@pytest.mark.parametrize(
    ("keyword", "wrong", "wanted"),
    [
        ("name", ["", " ", 3], "a string that is not blank"),
        ("prompt_id", [-1, 2**63, True, "1"], "a whole number of at least 0"),
        ("threshold", [-0.1, 1.1, True, "1", None], "a number within 0..1"),
        ("trials", [0, 1001, True, 1.0], "a whole number within 1..1000"),
        ("require", [0, 1001, False, "1"], "a whole number within 1..1000"),
        ("tags", ["abc", [1], ["a", 1], None], "a list, tuple or set of strings"),
        (
            "metadata",
            [[1], ["a"], {1: 2}, {"a": 1, 2: 3}],
            "a mapping with string keys",
        ),
    ],
)
def test_a_wrong_value_is_told_with_what_is_wanted(
    keyword: str, wrong: list[object], wanted: str
) -> None:
    for value in wrong:
        assert mark_problems([an_item(a_mark(**{keyword: value}))], "eval") == [
            f"t.py::a: @pytest.mark.eval: {keyword}= must be {wanted}, got {value!r}"
        ]


def test_every_problem_of_a_mark_is_told() -> None:
    item = an_item(a_mark("q", "r", nmae="x", tags=1))
    assert mark_problems([item], "eval") == [
        "t.py::a: @pytest.mark.eval takes keywords only, got 'q'; write for instance"
        " input='q'",
        "t.py::a: @pytest.mark.eval has no keyword 'nmae'; did you mean 'name'?",
        "t.py::a: @pytest.mark.eval: tags= must be a list, tuple or set of strings,"
        " got 1",
    ]


@pytest.mark.parametrize(
    "mark",
    [
        a_mark("question"),
        a_mark("question", scorers=[len]),
        a_mark(dataset="qa.yaml", evaluators=[len]),
        a_mark(max_concurrency=4, treshold=0.5, repeat=3),
        a_mark(dataset="qa.yaml"),
    ],
)
def test_a_mark_that_may_be_another_librarys_is_told_with_the_way_out(
    mark: pytest.Mark,
) -> None:
    first, *others = mark_problems([an_item(mark)], "eval")
    assert first.endswith(
        ". If the mark belongs to another library, rename pytest-evalguard's with"
        " the ini option evalguard_mark"
    )
    assert not any("evalguard_mark" in each for each in others)


@pytest.mark.parametrize(
    "mark",
    [
        a_mark(treshold=0.5),
        a_mark(treshold=0.5, input="q"),
        a_mark(dataset="qa.yaml", evaluators=[len], tags=["smoke"]),
        a_mark("question", expected="answer"),
        a_mark(threshold=2),
    ],
)
def test_a_mark_that_is_ours_is_told_without_it(mark: pytest.Mark) -> None:
    assert "evalguard_mark" not in " ".join(mark_problems([an_item(mark)], "eval"))


def test_a_bare_mark_has_no_problem() -> None:
    assert mark_problems([an_item(a_mark())], "eval") == []


def test_a_mark_that_items_share_is_told_once() -> None:
    shared = a_mark(tags=1)
    assert len(mark_problems([an_item(shared), an_item(shared)], "eval")) == 1
    assert len(mark_problems([an_item(shared), an_item(a_mark(tags=1))], "eval")) == 2


def test_a_name_like_no_other_is_answered_with_all() -> None:
    assert suggestion("colour", ["name", "tags"]) == "; there are name, tags"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (an_item(), False),
        (an_item(a_mark()), True),
        (an_item(fixturenames=["eval_case"]), True),
        (an_item(fixturenames=["tmp_path"]), False),
        (an_item(a_mark(), fixturenames=["tmp_path"]), True),
    ],
)
def test_a_case_has_the_mark_or_the_fixture(item: Any, expected: bool) -> None:
    assert is_case(item, "eval") == expected


def test_the_mark_of_parameters_is_closest_and_others_do_not_count() -> None:
    other = pytest.Mark("other", (), {"name": "other"}, _ispytest=True)
    callspec = SimpleNamespace(marks=[other, a_mark(name="parameter")])
    item = an_item(
        a_mark(name="function", tags=["f"]), a_mark(tags=["m"]), callspec=callspec
    )
    assert mark_of(item).given == {"name": "parameter", "tags": ["f"]}


@pytest.mark.parametrize(
    ("kwargs", "default", "plan"),
    [
        ({}, 1, None),
        ({}, 3, Plan(3, 3)),
        ({"trials": 5}, 1, Plan(5, 5)),
        ({"trials": 5, "require": 2}, 3, Plan(5, 2)),
        ({"require": 2}, 3, Plan(3, 2)),
        ({"require": 1}, 1, None),
        ({"trials": 1}, 3, None),
        ({"trials": 2}, 1, Plan(2, 2)),
    ],
)
def test_a_plan_is_that_of_the_mark_or_the_default(
    kwargs: dict[str, object], default: int, plan: Plan | None
) -> None:
    assert mark_of(an_item(a_mark(**kwargs)), default).plan == plan


def test_a_default_is_none_for_a_test_without_the_mark() -> None:
    assert mark_of(an_item(), 3).plan is None


def test_a_mark_is_parsed_once() -> None:
    item = an_item(a_mark(name="a"))
    assert mark_of(item) is mark_of(item)


def test_a_mark_that_is_added_later_counts() -> None:
    marks = [a_mark(name="a")]
    item = an_item(*marks)
    assert mark_of(item).given == {"name": "a"}
    item.own_markers = (a_mark(name="b"), *marks)
    item.iter_markers = lambda name: item.own_markers
    assert mark_of(item).given == {"name": "b"}
