"""Comparisons by themselves: what became of each case, and the sentences on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_evalguard.analysis.comparison import (
    Baseline,
    BaselineCase,
    Comparison,
    compare,
    read_comparison,
    verdict_lines,
    write_comparison,
)
from pytest_evalguard.errors import SessionError
from pytest_evalguard.model.outcome import Outcome

OUTCOMES: dict[str, Outcome] = {"p": "passed", "f": "failed", "x": "xpassed"}
COMPARED = Comparison("last", 20, 20, 20)


def baseline(without_row: str = "", **cases: str) -> Baseline:
    """A baseline of cases by name, as ``a="p"``, or with a score as ``a="p0.5"``."""
    found = {
        name: BaselineCase(OUTCOMES[each[0]], float(each[1:] or each[0] != "f"))
        for name, each in cases.items()
    }
    return Baseline(found, without_row=without_row.split())


def many(letters: str) -> dict[str, str]:
    return {f"c{at:02}": letter for at, letter in enumerate(letters)}


def test_every_case_is_where_it_belongs() -> None:
    before = baseline(worse="p", better="f", bad="f", good="p", away="p", skipped="p")
    after = baseline(
        "skipped other", worse="f", better="x", bad="f", good="x", added="p", z="p"
    )
    assert compare("last", before, after) == Comparison(
        "last",
        before=6,
        after=6,
        paired=4,
        regressed=("worse",),
        fixed=("better",),
        still_failing=("bad",),
        new=("added", "z"),
        gone=("away",),
        not_compared=("skipped",),
        moved=("better", "worse"),
    )


def test_names_are_sorted() -> None:
    before = baseline(b="p", a="p", d="f", c="f", f="f", e="f")
    after = baseline(b="f", a="f", d="p", c="p", f="f", e="f")
    found = compare("last", before, after)
    assert (found.regressed, found.fixed) == (("a", "b"), ("c", "d"))
    assert found.still_failing == ("e", "f")
    eight = baseline(**many("p" * 8))
    names, none = tuple(sorted(eight.cases)), Baseline({})
    assert compare("last", eight, none).gone == names
    assert compare("last", none, eight).new == names
    skipped = Baseline({}, without_row=set(names))
    assert compare("last", eight, skipped).not_compared == names


# of 0.75 - 0.7 and 0.8 - 0.75 no float is exactly a twentieth
@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        *(("p0.5", "p0.44", ("a",)), ("p0.5", "p0.56", ("a",))),
        *(("p0", "p0.05", ()), ("p0.7", "p0.75", ()), ("p0.8", "p0.75", ())),
    ],
)
def test_a_score_that_differs_by_more_than_a_twentieth_has_moved(
    before: str, after: str, moved: tuple[str, ...]
) -> None:
    assert compare("last", baseline(a=before), baseline(a=after)).moved == moved


def test_ten_pairs_are_judged() -> None:
    found = compare("last", baseline(**many("p" * 10)), baseline(**many("f" + "p" * 9)))
    assert found.p_value == 1
    assert found.score_change == pytest.approx(-0.1)
    assert found.score_interval == (-0.3, 0.0)


def test_one_that_is_mended_is_judged_too() -> None:
    found = compare("last", baseline(**many("f" + "p" * 9)), baseline(**many("p" * 10)))
    assert found.p_value == 1
    assert found.score_change == pytest.approx(0.1)


def test_nine_pairs_are_too_few() -> None:
    found = compare("last", baseline(**many("p" * 9)), baseline(**many("f" * 9)))
    assert (found.p_value, found.score_change, found.score_interval) == (None,) * 3


def test_outcomes_that_did_not_change_have_no_p_value() -> None:
    found = compare("last", baseline(**many("p" * 10)), baseline(**many("p" * 10)))
    assert (found.p_value, found.score_change) == (None, 0)


def test_a_change_is_told_in_words_before_a_move() -> None:
    found = replace(
        COMPARED,
        regressed=("a",),
        fixed=("b",),
        still_failing=("c",),
        new=("d",),
        gone=("e",),
        not_compared=("f",),
        moved=("a", "m"),
    )
    assert found.changes == {
        "a": "regressed",
        "m": "score moved",
        "b": "fixed",
        "c": "still failing",
        "d": "new",
    }
    assert found.named == {
        "regressed": ("a",),
        "fixed": ("b",),
        "new": ("d",),
        "gone": ("e",),
        "not compared": ("f",),
    }


@pytest.mark.parametrize(
    ("before", "after", "paired", "expected"),
    [(10, 20, 1, True), (20, 10, 1, True), (10, 20, 2, False), (0, 0, 0, False)],
)
def test_fewer_than_a_fifth_in_both_are_of_another_suite(
    before: int, after: int, paired: int, expected: bool
) -> None:
    assert Comparison("last", before, after, paired).is_of_another_suite == expected


COUNTS = (
    "1 regressed, 2 fixed, 0 still failing, 0 new, 0 gone, 0 moved in score by more"
    " than 0.05"
)
NOTHING = COUNTS.replace("1", "0").replace("2", "0")


def test_what_changed_is_told_with_its_chance() -> None:
    found = replace(
        COMPARED,
        regressed=("a",),
        fixed=("b", "c"),
        not_compared=("d",),
        p_value=0.04999,
        score_change=-0.0125,
        score_interval=(-0.5, 0.25),
    )
    assert list(verdict_lines(found)) == [
        COUNTS,
        "1 not compared: skipped or not run now",
        "outcomes: more than noise (exact McNemar p = 0.05, 20 cases in both)",
        "mean score: -0.013, 95% interval -0.500 to +0.250",
    ]


def test_from_5_percent_on_a_change_is_no_more_than_noise() -> None:
    found = list(verdict_lines(replace(COMPARED, p_value=0.05)))
    noise = "no more than noise (exact McNemar p = 0.05, 20 cases in both)"
    assert found[1:] == [f"outcomes: {noise}"]


def test_no_change_is_told() -> None:
    found = list(verdict_lines(replace(COMPARED, paired=10)))
    assert found[1:] == ["outcomes: none changed, 10 cases in both"]


def test_a_mean_without_its_interval_is_not_told() -> None:
    change = replace(COMPARED, score_change=0.5)
    interval = replace(COMPARED, score_interval=(0.25, 0.5))
    assert len(list(verdict_lines(change))) == len(list(verdict_lines(interval))) == 2


@pytest.mark.parametrize(
    ("comparison", "lines"),
    [
        (
            Comparison("last", 5000, 6000, 9),
            [
                "of the baseline's 5,000 cases only 9 can be compared: is it of another"
                " suite?",
                "too few cases to tell: 9 in both, 10 are needed",
            ],
        ),
        (
            Comparison("last", 3, 3, 1, gone=("a", "b"), new=("c", "d")),
            [
                "of the baseline's 3 cases only 1 can be compared: are tests renamed?",
                "too few cases to tell: 1 in both, 10 are needed",
            ],
        ),
        (
            Comparison("last", 3, 1, 1, not_compared=("a", "b")),
            [
                "of the baseline's 3 cases only 1 can be compared",
                "2 not compared: skipped or not run now",
                "too few cases to tell: 1 in both, 10 are needed",
            ],
        ),
        (
            Comparison("last", 9, 1900, 9),
            [
                "the baseline has 9 cases and this session 1,900: is it of a part of"
                " the suite?",
                "too few cases to tell: 9 in both, 10 are needed",
            ],
        ),
        (
            Comparison("last", 9, 18, 9),
            ["too few cases to tell: 9 in both, 10 are needed"],
        ),
    ],
)
def test_doubts_come_first(comparison: Comparison, lines: list[str]) -> None:
    told = [line for line in verdict_lines(comparison) if " regressed," not in line]
    assert told == lines


def test_a_comparison_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_comparison(tmp_path) is None
    interval = (-0.5, 0.25)
    found = replace(COMPARED, regressed=("a",), p_value=0.5, score_interval=interval)
    write_comparison(tmp_path, found)
    assert read_comparison(tmp_path) == found
    text = (tmp_path / "comparison.json").read_text()
    assert text.startswith('{\n "baseline": "last",\n')
    assert text.endswith("\n}\n")


def test_a_damaged_comparison_is_told(tmp_path: Path) -> None:
    path = tmp_path / "comparison.json"
    path.write_text("{")
    with pytest.raises(SessionError) as caught:
        read_comparison(tmp_path)
    assert (
        str(caught.value) == f"{path} is damaged, it was changed by somebody: remove it"
    )
