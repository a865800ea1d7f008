"""Comparisons by themselves: what became of each case, and the sentences on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_evalguard.analysis.baseline import (
    Baseline,
    BaselineCase,
    Origin,
    SharedMetadata,
    origin_of,
)
from pytest_evalguard.analysis.comparison import (
    Comparison,
    compare,
    read_comparison,
    write_comparison,
)
from pytest_evalguard.analysis.statistics import PairedChange
from pytest_evalguard.errors import SessionError
from pytest_evalguard.model.outcome import Outcome
from pytest_evalguard.reporting.comparison import origin_text, verdict_lines
from pytest_evalguard.storage.session import SessionState

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


def test_six_pairs_are_judged() -> None:
    found = compare("last", baseline(**many("p" * 6)), baseline(**many("f" * 6)))
    assert found.pass_rate is not None
    assert (found.pass_rate.pairs, found.pass_rate.change) == (6, -1)
    assert found.pass_rate.p_value == 2 / 2**6
    assert not found.pass_rate.is_noise
    assert found.score == found.pass_rate


def test_five_pairs_are_too_few() -> None:
    found = compare("last", baseline(**many("p" * 5)), baseline(**many("f" * 5)))
    assert (found.pass_rate, found.score) == (None, None)


def test_outcomes_that_did_not_change_are_noise() -> None:
    found = compare("last", baseline(**many("p" * 10)), baseline(**many("p" * 10)))
    assert found.pass_rate is not None
    assert (found.pass_rate.change, found.pass_rate.p_value) == (0, 1)
    assert found.pass_rate.is_noise


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
    assert {name: each for name, each in found.named.items() if each} == {
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
    rate = PairedChange(20, -0.05, -0.2, 0.1, 0.5, 0.3)
    score = PairedChange(20, -0.0125, -0.5, -0.01, 0.0123, 0.3)
    found = replace(
        COMPARED,
        regressed=("a",),
        fixed=("b", "c"),
        not_compared=("d",),
        pass_rate=rate,
        score=score,
        scores={"tone": replace(score, pairs=12)},
        metrics={"calls": replace(rate, change=2.5, low=-1.0, high=4.0)},
        usage={"cost_usd": (0.5, 1.25), "latency_ms": (1, 1200), "tokens": (9, 1e4)},
    )
    assert list(verdict_lines(found)) == [
        COUNTS,
        "1 not compared: skipped or not run now",
        "pass rate: -5.0 points, 95% interval -20.0 to +10.0, no more than noise"
        " (p = 0.5, 20 cases in both)",
        "mean score: -0.013, 95% interval -0.500 to -0.010, more than noise"
        " (p = 0.0123, 20 cases in both)",
        "tone: -0.013, 95% interval -0.500 to -0.010, more than noise (p = 0.0123,"
        " 12 cases in both)",
        "calls: +2.500, 95% interval -1.000 to +4.000, no more than noise (p = 0.5,"
        " 20 cases in both)",
        "cost $0.5000 → $1.2500, mean latency 1.0 → 1,200.0 ms, tokens 9 → 10,000",
    ]


def test_of_many_scores_the_first_are_told() -> None:
    change = PairedChange(20, 0.0, 0.0, 0.0, 1.0, 0.3)
    scores = {f"s{n:02}": change for n in range(12)}
    *_, last = verdict_lines(replace(COMPARED, scores=scores))
    assert last == "and 2 more scores and metrics"


def test_what_is_apart_is_told_in_lines_of_its_own() -> None:
    found = replace(
        COMPARED,
        weaker=("a", "b"),
        stronger=("c",),
        input_changed=("d",),
        errors=("e", "f"),
        renamed={"new": "old"},
        metadata={"model": ("A", "B")},
    )
    assert list(verdict_lines(found)) == [
        "model A → B",
        NOTHING,
        "2 weaker, 1 stronger: fewer or more of their trials passed",
        "1 input changed: another question or expected answer, not compared",
        "2 errors, then or now: not compared",
        "1 renamed: the same question under another name",
    ]
    assert found.named["renamed"] == ("old → new",)
    assert found.changes == {
        "a": "weaker",
        "b": "weaker",
        "c": "stronger",
        "d": "input changed",
        "e": "errors",
        "f": "errors",
        "new": "renamed",
    }


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({}, "last"),
        ({"age_days": 0}, "last, recorded today"),
        ({"age_days": 1, "is_blessed": True}, "last, blessed 1 day ago"),
        (
            {"age_days": 41, "is_blessed": True, "commit": "abc" * 10},
            "last, blessed 41 days ago, at commit abcabcabca",
        ),
        ({"commit": "abc"}, "last, at commit abc"),
    ],
)
def test_how_old_a_baseline_is_and_of_which_commit_is_told(
    facts: dict[str, Any], text: str
) -> None:
    assert origin_text(replace(COMPARED, **facts)) == text


# What is compared with what


def asked(
    question: str, outcome: Outcome = "passed", trials: tuple[int, int] | None = None
) -> BaselineCase:
    """A case by the digests of its input and expected value, as ``in-out``."""
    asked, _, expected = question.partition("-")
    score = float(outcome == "passed")
    return BaselineCase(outcome, score, {}, asked, expected, trials)


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        *(("a-x", "a-x", True), ("a-x", "b-x", False), ("a-x", "a-y", False)),
        # a test that fails before it records either says nothing of its question
        *(
            ("a-x", "a", True),
            ("a-x", "", True),
            ("a-x", "~b", True),
            ("~a", "b", True),
        ),
        *(("~a", "~b", False), ("~a", "~a", True), ("-x", "-y", False)),
    ],
)
def test_a_case_with_another_question_never_regresses_nor_gets_fixed(
    before: str, after: str, is_same: bool
) -> None:
    for old, new in (("passed", "failed"), ("failed", "passed")):
        kind = "regressed" if old == "passed" else "fixed"
        found = compare(
            "last",
            Baseline({"t": asked(before, old)}),  # type: ignore[arg-type] # an outcome
            Baseline({"t": asked(after, new)}),  # type: ignore[arg-type] # an outcome
        )
        assert getattr(found, kind) == (("t",) if is_same else ())
        assert found.input_changed == (() if is_same else ("t",))
        assert (found.paired, found.in_both) == (int(is_same), 1)


@pytest.mark.parametrize("outcome", ["passed", "failed", "error"])
def test_an_error_then_or_now_is_apart(outcome: Outcome) -> None:
    for pair in (
        (asked("a", outcome), asked("b", "error")),
        (asked("a", "error"),) * 2,
    ):
        for old, new in (pair, pair[::-1]):
            found = compare("last", Baseline({"t": old}), Baseline({"t": new}))
            assert found.errors == ("t",)
            assert (found.regressed, found.fixed, found.input_changed) == ((), (), ())
            assert found.paired == 0


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (("passed", (10, 10)), ("passed", (6, 10)), {"weaker"}),
        (("passed", (3, 5)), ("passed", (4, 5)), {"stronger"}),
        (("failed", (2, 5)), ("failed", (1, 5)), {"weaker", "still_failing"}),
        (("passed", (5, 5)), ("failed", (1, 5)), {"regressed"}),
        (("passed", (5, 5)), ("passed", None), set()),
        (("passed", (4, 5)), ("passed", (8, 10)), set()),
    ],
)
def test_a_case_whose_share_of_passed_trials_fell_is_weaker(
    before: tuple[Outcome, tuple[int, int]],
    after: tuple[Outcome, tuple[int, int]],
    kinds: set[str],
) -> None:
    old, new = asked("a", *before), asked("a", *after)
    found = compare("last", Baseline({"t": old}), Baseline({"t": new}))
    names = ("regressed", "fixed", "weaker", "stronger", "still_failing")
    assert {name for name in names if getattr(found, name)} == kinds


def test_a_case_with_trials_counts_by_its_share_in_the_pass_rate() -> None:
    before = Baseline({f"t{n}": asked("a", "passed", (5, 5)) for n in range(8)})
    after = Baseline({f"t{n}": asked("a", "passed", (4, 5)) for n in range(8)})
    found = compare("last", before, after)
    assert found.pass_rate is not None
    assert found.pass_rate.change == pytest.approx(-0.2)
    assert len(found.weaker) == 8


def test_a_renamed_case_is_compared_under_its_new_name() -> None:
    before = Baseline({"old": asked("a-x"), "twin1": asked("b"), "twin2": asked("b")})
    after = Baseline({"new": asked("a-x", "failed"), "twin": asked("b")})
    found = compare("last", before, after)
    assert found.renamed == {"new": "old"}
    assert found.regressed == ("new",)
    assert (found.new, found.gone) == (("twin",), ("twin1", "twin2"))
    assert found.changes["new"] == "regressed"


@pytest.mark.parametrize("question", ["", "~a"])
def test_a_question_that_nobody_recorded_tells_no_rename(question: str) -> None:
    before = Baseline({"old": asked(question)})
    found = compare("last", before, Baseline({"new": asked(question)}))
    assert (found.renamed, found.new, found.gone) == ({}, ("new",), ("old",))


def test_a_case_that_is_skipped_now_was_not_renamed() -> None:
    after = Baseline({"new": asked("a")}, without_row={"old"})
    found = compare("last", Baseline({"old": asked("a")}), after)
    assert (found.renamed, found.not_compared) == ({}, ("old",))


def test_where_sessions_come_from_is_compared() -> None:
    old = Origin(
        "2026-01-02T03:04:05", "2026-01-03", "abc", {"model": "A", "judge": "J"}
    )
    new = Origin(
        "2026-02-13T00:00:00", None, "def", {"model": "B", "judge": "J", "x": ""}
    )
    found = compare("b.json", Baseline({}, origin=old), Baseline({}, origin=new))
    assert found.metadata == {"model": ("A", "B")}
    assert (found.age_days, found.is_blessed, found.commit) == (41, True, "abc")
    odd = Baseline({}, origin=Origin("yesterday"))
    assert compare("b.json", odd, Baseline({}, origin=new)).age_days is None


def test_what_both_recorded_is_compared_pair_by_pair() -> None:
    one = BaselineCase(
        *("passed", 1.0, {"tone": 0.5, "old": 1.0}),
        latency_ms=100.0,
        tokens=10,
        metrics={"calls": 7.0},
    )
    two = replace(
        one, scores={"tone": 0.25}, latency_ms=300.0, cost_usd=0.1, metrics={"calls": 9}
    )
    names = [f"t{n}" for n in range(8)]
    found = compare(
        "last", Baseline(dict.fromkeys(names, one)), Baseline(dict.fromkeys(names, two))
    )
    assert found.usage == {"latency_ms": (100, 300), "tokens": (80, 80)}
    assert {name: each.change for name, each in found.scores.items()} == {"tone": -0.25}
    assert {name: each.change for name, each in found.metrics.items()} == {"calls": 2}
    assert found.named_pairs == {"calls": 8, "tone": 8}
    assert found.change_of("tone") == (found.scores["tone"], 8)
    assert found.change_of("calls") == (found.metrics["calls"], 8)
    assert found.change_of("score") == (found.score, 8)
    assert found.change_of(None) == (found.pass_rate, 8)
    assert found.change_of("old") == (None, 0)


@pytest.mark.parametrize(
    ("comparison", "lines"),
    [
        (
            Comparison("last", 5000, 6000, 5),
            [
                "of the baseline's 5,000 cases only 5 can be compared: is it from"
                " another suite?",
                "too few cases to tell: 5 in both, 6 are needed",
            ],
        ),
        (
            Comparison("last", 3, 3, 1, gone=("a", "b"), new=("c", "d")),
            [
                "of the baseline's 3 cases only 1 can be compared: were tests renamed?",
                "too few cases to tell: 1 in both, 6 are needed",
            ],
        ),
        (
            Comparison("last", 3, 1, 1, not_compared=("a", "b")),
            [
                "of the baseline's 3 cases only 1 can be compared",
                "2 not compared: skipped or not run now",
                "too few cases to tell: 1 in both, 6 are needed",
            ],
        ),
        (
            Comparison("last", 5, 1900, 5),
            [
                "the baseline has 5 cases and this session 1,900: does it cover only"
                " part of the suite?",
                "too few cases to tell: 5 in both, 6 are needed",
            ],
        ),
        (
            Comparison("last", 5, 10, 5),
            ["too few cases to tell: 5 in both, 6 are needed"],
        ),
    ],
)
def test_doubts_come_first(comparison: Comparison, lines: list[str]) -> None:
    told = [line for line in verdict_lines(comparison) if " regressed," not in line]
    assert told == lines


def test_a_comparison_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_comparison(tmp_path) is None
    change = PairedChange(20, -0.05, -0.2, 0.1, 0.5, 0.3)
    found = replace(
        COMPARED,
        regressed=("a",),
        renamed={"b": "c"},
        pass_rate=change,
        scores={"tone": change},
        named_pairs={"tone": 20},
        usage={"tokens": (1.0, 2.0)},
        metadata={"model": ("A", "B")},
        age_days=3,
    )
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
    assert str(caught.value) == f"{path} is damaged, perhaps edited by hand: remove it"


@pytest.mark.parametrize(("ci", "commit"), [({}, "git's"), ({"commit": "ci"}, "ci")])
def test_a_commit_is_that_of_ci_else_of_git(ci: dict[str, str], commit: str) -> None:
    created, versions = "2026-01-02T03:04:05+00:00", {"commit": "git's"}
    state = SessionState("1", created, ci=ci, versions=versions)
    assert origin_of(state, SharedMetadata()).commit == commit
