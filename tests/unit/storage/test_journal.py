"""What is on disk is read after any kill: cases, requests, answers, figures."""

from __future__ import annotations

import json
import math
import os
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import pytest_evalguard.storage.journal as journal_module
from pytest_evalguard.analysis.totals import Totals
from pytest_evalguard.delivery.evalguard import RunTarget
from pytest_evalguard.delivery.outbox import Answer, FrozenRequest, Outbox
from pytest_evalguard.errors import SessionError
from pytest_evalguard.model.case import (
    Attempt,
    Case,
    EndedTest,
    ScorerResult,
    case_from_line,
)
from pytest_evalguard.model.outcome import Outcome
from pytest_evalguard.storage.journal import CASES, Journal, StoredCases
from pytest_evalguard.storage.session import Session

SETTINGS = settings(max_examples=40, deadline=None)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCORES = st.floats(0, 1)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | SCORES | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=5,
)
# few names, so that many cases have the same
NAMES = st.sampled_from(["t.py::a", "t.py::b", "t.py::é[\u2028]", "t.py::a #2", ""])
OUTCOMES = st.sampled_from(get_args(Outcome))
RAW = st.none() | TEXT | st.floats(-1e6, 1e6)
RESULTS = st.builds(ScorerResult, SCORES, st.booleans(), st.none() | TEXT, RAW)
CASE = st.builds(
    Case,
    nodeid=NAMES,
    outcome=OUTCOMES,
    input=TEXT,
    expected=st.none() | TEXT,
    actual=st.none() | TEXT,
    score=st.none() | SCORES,
    latency_ms=st.floats(0, 1e12),
    reason=st.none() | TEXT,
    scores=st.dictionaries(TEXT, RESULTS, max_size=2),
    prompt_tokens=st.none() | st.integers(0, 2**53),
    cost_usd=st.none() | st.floats(0, 1e6),
    tags=st.lists(TEXT, max_size=2),
    metadata=st.dictionaries(TEXT, DATA, max_size=2),
    ambiguous=st.none() | TEXT,
    findings=st.lists(DATA, max_size=2),
    flaky=st.booleans(),
    attempts=st.lists(
        st.builds(
            Attempt,
            OUTCOMES,
            reason=st.none() | TEXT,
            prompt_tokens=st.none() | st.integers(0, 2**53),
            cost_usd=st.none() | st.floats(0, 1e6),
        ),
        max_size=2,
    ),
)
JOURNALS = st.lists(CASE, max_size=6)


def written(cases: list[Case]) -> list[bytes]:
    return [f"{case.to_line()}\n".encode("ascii") for case in cases]


def last_words(cases: list[Case]) -> dict[str, Case]:
    return {case.nodeid: case for case in cases}


class Directory:
    """A session directory, for as long as it is entered."""

    def __enter__(self) -> Directory:
        self._temporary = TemporaryDirectory()
        self.path = Path(self._temporary.name)
        return self

    def __exit__(self, *error: object) -> None:
        self._temporary.cleanup()

    def read(self, **files: bytes) -> StoredCases:
        """Write the files and read the cases, as two readers that must agree."""
        for name, data in files.items():
            (self.path / f"{name.replace('_', '-')}.jsonl").write_bytes(data)
        one, other = StoredCases(self.path), StoredCases(self.path)
        assert list(one) == list(other)
        assert (one.damaged, one.identities) == (other.damaged, other.identities)
        assert one.only_from_workers == other.only_from_workers
        assert [case.nodeid for case in one] == one.identities == sorted(one.identities)
        assert len(one) == len(one.identities)
        return one


def read(**files: bytes) -> tuple[dict[str, Case], int]:
    with Directory() as directory:
        stored = directory.read(**files)
        return last_words(list(stored)), stored.damaged


# The journal of cases


@SETTINGS
@given(CASE)
def test_a_case_is_the_same_after_its_way_over_a_line(case: Case) -> None:
    line = case.to_line()
    assert line.isascii()
    assert "\n" not in line
    assert case_from_line(line) == case
    assert case_from_line(line).to_line() == line


@SETTINGS
@given(JOURNALS)
def test_the_last_line_of_each_case_counts(cases: list[Case]) -> None:
    assert read(cases=b"".join(written(cases))) == (last_words(cases), 0)


@SETTINGS
@given(JOURNALS, st.data())
def test_a_journal_cut_at_any_byte_gives_every_whole_line(
    cases: list[Case], data: st.DataObject
) -> None:
    lines = written(cases)
    whole = b"".join(lines)
    place = data.draw(st.integers(0, len(whole)))
    ends = [sum(map(len, lines[: index + 1])) for index in range(len(lines))]
    # a line is whole without its line break
    kept = sum(end - 1 <= place for end in ends)
    start = ends[kept - 1] if kept else 0
    found, damaged = read(cases=whole[:place])
    assert found == last_words(cases[:kept])
    assert damaged == (place > start)


JUNK = st.one_of(
    st.binary(max_size=30).filter(lambda raw: b"\n" not in raw and raw.strip()),
    CASE.flatmap(lambda case: cut_lines(case.to_line().encode())),
    st.sampled_from(
        [
            b'{"outcome":"passed"}',
            b'{"nodeid":"t.py::a"}',
            b'{"nodeid":"t.py::a","outcome":"great"}',
            b'{"nodeid":5,"outcome":"passed"}',
            b'{"nodeid":"t.py::a","outcome":"passed","score":"1"}',
            b'{"nodeid":"t.py::a","outcome":"passed","prompt_tokens":1.5}',
            b'{"nodeid":"\\ud800","outcome":"passed"}',
            b'{"nodeid":"t.py::a","outcome":"passed","metadata":[]}',
            *(b"null", b"[]", b"5", b'"text"', b"\x00" * 50, b"\xff\xfe", b"[" * 5_000),
        ]
    ),
)


def cut_lines(line: bytes) -> st.SearchStrategy[bytes]:
    return st.integers(1, len(line) - 1).map(lambda place: line[:place])


@SETTINGS
@given(JOURNALS, st.lists(JUNK, min_size=1, max_size=5), st.randoms())
def test_lines_that_are_no_cases_are_counted_and_passed_over(
    cases: list[Case], junk: list[bytes], chance: Any
) -> None:
    lines = written(cases)
    for raw in junk:
        lines.insert(chance.randint(0, len(lines)), raw + b"\n")
    assert read(cases=b"".join(lines)) == (last_words(cases), len(junk))


def test_blank_lines_are_no_damage() -> None:
    (line,) = written([Case("a", "passed")])
    found, damaged = read(cases=b"\n\n" + line + b"\n  \r\n" + line)
    assert (list(found), damaged) == (["a"], 0)


@pytest.mark.parametrize(
    "line",
    [
        '{"nodeid":"é","outcome":"passed"}',
        '{"nodeid":"a","outcome":"passed","of_a_later_version":1}',
        '{"nodeid":"a","outcome":"passed","scores":{"x":{"score":1,"passed":true,"y":2}}}',
        '{"nodeid":"a","nodeid":"b","outcome":"passed"}',
        ' {"nodeid":"a","outcome":"passed"} \r',
        '{"nodeid":"a","outcome":"passed","score":1,"latency_ms":5}',
    ],
)
def test_a_line_that_is_counted_can_be_read(line: str) -> None:
    with Directory() as directory:
        stored = directory.read(cases=f"{line}\n".encode())
        assert len(list(stored)) + stored.damaged == 1
        assert [case.nodeid for case, _ in stored.with_lines()] == (stored.identities)


@SETTINGS
@given(JOURNALS, JOURNALS, JOURNALS)
def test_the_controllers_word_counts_before_those_of_workers(
    controllers: list[Case], first: list[Case], second: list[Case]
) -> None:
    with Directory() as directory:
        stored = directory.read(
            cases=b"".join(written(controllers)),
            worker_gw0=b"".join(written(first)),
            worker_gw1=b"".join(written(second)),
        )
        known, told = last_words(controllers), last_words([*first, *second])
        assert last_words(list(stored)) == {**told, **known}
        assert stored.only_from_workers == sorted(told.keys() - known.keys())


def test_a_directory_without_a_journal_has_no_cases() -> None:
    with Directory() as directory:
        assert list(directory.read()) == []
        (directory.path / CASES).mkdir()
        assert list(directory.read()) == []


# Writing it


@SETTINGS
@given(JOURNALS)
def test_what_is_appended_is_read_at_once(cases: list[Case]) -> None:
    with Directory() as directory:
        journal = Journal(directory.path / CASES)
        for number, case in enumerate(cases):
            journal.append(case.to_line())
            assert last_words(list(StoredCases(directory.path))) == (
                last_words(cases[: number + 1])
            )
        journal.close()
        journal.close()


def test_a_disk_that_takes_half_a_line_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (Case(name, "passed").to_line() for name in "abc")
    write = os.write
    journal = Journal(tmp_path / CASES)
    journal.append(first)
    with monkeypatch.context() as patch:
        patch.setattr(
            journal_module,
            "write",
            lambda file, data: write(file, data[: len(data) // 2]),
        )
        with pytest.raises(OSError, match="bytes written to"):
            journal.append(second)
    journal.append(second)
    journal.append(third)
    journal.close()
    stored = StoredCases(tmp_path)
    assert (stored.identities, stored.damaged) == (["a", "b", "c"], 1)


# Requests and answers

TARGET = RunTarget(run_id="run", url="https://h.example", proof="proof")
REQUESTS = [
    FrozenRequest(f"key-{n}", n, f'{{"n":{n},"é":1}}'.encode()) for n in (1, 2, 3)
]
ANSWERS = [Answer("accepted"), Answer("rejected", "HTTP 400: no"), Answer("accepted")]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    outbox = Outbox(Session(tmp_path), TARGET)
    outbox.freeze(REQUESTS)
    return outbox


def answers_file(directory: Path) -> Path:
    (path,) = directory.glob("*.answers.jsonl")
    return path


def settle(outbox: Outbox) -> None:
    for request, answer in zip(REQUESTS, ANSWERS, strict=True):
        outbox.settle(request.key, answer)


def test_frozen_requests_are_read_as_they_were(outbox: Outbox) -> None:
    assert outbox.is_frozen
    assert list(outbox.requests()) == REQUESTS
    assert outbox.answers() == {}
    sent = outbox.submission()
    assert (sent.accepted, sent.rejected, sent.unsent) == (0, 0, 6)


def test_answers_are_counted_by_result(outbox: Outbox) -> None:
    settle(outbox)
    sent = outbox.submission()
    assert (sent.accepted, sent.rejected, sent.unsent) == (4, 2, 0)
    assert (sent.requests, sent.error) == (2, "HTTP 400: no")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_answers_cut_at_any_byte_give_every_whole_one(data: st.DataObject) -> None:
    with Directory() as directory:
        outbox = Outbox(Session(directory.path), TARGET)
        outbox.freeze(REQUESTS)
        settle(outbox)
        path = answers_file(directory.path)
        whole = path.read_bytes()
        place = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:place])
        lines = whole[: place + 1].count(b"\n")
        keys = [request.key for request in REQUESTS]
        assert outbox.answers() == dict(zip(keys[:lines], ANSWERS, strict=False))


def test_an_answer_after_a_torn_one_is_kept(outbox: Outbox, tmp_path: Path) -> None:
    outbox.settle("key-1", Answer("accepted"))
    path = answers_file(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"key": "key-2", "sta')
    outbox.settle("key-3", Answer("accepted"))
    assert set(outbox.answers()) == {"key-1", "key-3"}


@pytest.mark.parametrize(
    "line",
    [
        *("", " ", "null", "[]", "5", '"text"', "{}", "{", "\x00", "\x1c", "é"),
        '{"key":"key-1"}',
        '{"key":"key-1","state":"accepted"}',
        '{"key":"key-1","state":"unsent","error":null}',
        '{"key":"key-1","state":"odd","error":null}',
        '{"key":"key-1","state":["accepted"],"error":null}',
        '{"key":"key-1","state":{"accepted":1},"error":null}',
        '{"key":["key-1"],"state":"accepted","error":null}',
        '{"key":"unknown","state":"accepted","error":null}',
        "[" * 5_000,
    ],
)
def test_a_line_that_is_no_answer_changes_nothing(
    outbox: Outbox, tmp_path: Path, line: str
) -> None:
    outbox.settle("key-2", Answer("accepted"))
    path = answers_file(tmp_path)
    path.write_bytes(path.read_bytes() + f"{line}\n".encode())
    sent = outbox.submission()
    assert (sent.accepted, sent.rejected, sent.unsent) == (2, 0, 4)


@pytest.mark.parametrize(
    "line",
    [
        *("{", "null", "{}", '{"key":1,"results":"x","body":""}', '{"body":5}'),
        "é",
    ],
)
def test_requests_that_somebody_changed_are_refused(
    outbox: Outbox, tmp_path: Path, line: str
) -> None:
    (path,) = tmp_path.glob("*.requests.jsonl")
    path.write_bytes(path.read_bytes() + f"{line}\n".encode())
    with pytest.raises(SessionError, match="damaged"):
        list(outbox.requests())


# Figures

LATENCIES = st.lists(st.floats(0, 1e9) | st.integers(0, 50).map(float), min_size=1)


def totals_of(latencies: list[float]) -> Totals:
    cases = (
        Case(str(n), "passed", latency_ms=each) for n, each in enumerate(latencies)
    )
    return Totals.of(cases)


@SETTINGS
@given(LATENCIES, st.sampled_from([0.0, 0.05, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_quantile_is_what_numpy_calls_inverted_cdf(
    latencies: list[float], quantile: float
) -> None:
    expected = np.quantile(latencies, quantile, method="inverted_cdf")
    assert totals_of(latencies).latency(quantile) == expected


@pytest.mark.parametrize("count", [1, 2, 19, 20, 21, 40, 60, 99, 100, 101, 1000])
def test_a_quantile_is_the_smallest_that_so_many_do_not_pass(count: int) -> None:
    totals = totals_of([float(n) for n in range(1, count + 1)])
    assert totals.latency(0.95) == -(-95 * count // 100)
    assert totals.latency(0.5) == -(-count // 2)


@SETTINGS
@given(JOURNALS)
def test_figures_are_those_of_the_rows(cases: list[Case]) -> None:
    totals = Totals.of(cases)
    rows = [case for case in cases if case.has_row]
    assert totals.rows == len(rows)
    assert sum(totals.outcomes.values()) == len(cases)
    assert totals.passed == sum(case.passed for case in rows)
    assert totals.prompt_tokens == sum(case.prompt_tokens or 0 for case in rows)
    assert totals.cost_usd == pytest.approx(sum(case.cost_usd or 0 for case in rows))
    if not rows:
        assert totals.pass_rate is totals.score.value is totals.latency(0.5) is None
        return
    assert totals.pass_rate == totals.passed / len(rows)
    mean = statistics.fmean(case.overall_score for case in rows)
    assert totals.score.value == pytest.approx(mean)
    for name, scorer in totals.scorers.items():
        scores = [case.scores[name].score for case in rows if name in case.scores]
        assert scorer.count == len(scores)
        assert scorer.value == pytest.approx(statistics.fmean(scores))


@SETTINGS
@given(st.lists(CASE, max_size=30), st.randoms())
def test_figures_do_not_depend_on_the_order_of_cases(
    cases: list[Case], chance: Any
) -> None:
    shuffled = list(last_words(cases).values())
    one = Totals.of(shuffled, most=3)
    chance.shuffle(shuffled)
    other = Totals.of(shuffled, most=3)
    assert one.outcomes == other.outcomes
    assert [case.nodeid for case in one.failed] == [
        case.nodeid for case in other.failed
    ]
    assert one.flaky.first == other.flaky.first
    assert one.latency(0.95) == other.latency(0.95)
    assert math.isclose(one.score.value or 0, other.score.value or 0, abs_tol=1e-9)


def test_nothing_that_is_kept_of_a_case_is_long() -> None:
    text = "x" * 100_000
    case = Case("a", "failed", text, text, text, metadata={"k": text}, findings=[text])
    (kept,) = Totals.of([case]).failed
    assert len(json.dumps(kept.to_line())) < 10_000


# Sub-cases, and tests that have ended


def lines(*said: str | Case) -> bytes:
    """Lines of a journal, a name alone for a test that has ended."""
    made = (EndedTest(each, {}) if isinstance(each, str) else each for each in said)
    return "".join(f"{each.to_line()}\n" for each in made).encode()


BEGUN = Case("t::a", "not run", test="t")
ENDED = Case("t::a", "passed", test="t")


@pytest.mark.parametrize(
    ("controllers", "first", "second", "outcome"),
    [
        ([BEGUN], [ENDED], [], "passed"),
        ([BEGUN], [BEGUN], [], "not run"),
        ([ENDED], [BEGUN], [], "passed"),
        ([ENDED, BEGUN], [], [], "not run"),
        ([], [ENDED], [BEGUN], "passed"),
        ([], [BEGUN], [ENDED], "passed"),
        ([], [ENDED, BEGUN], [], "not run"),
    ],
)
def test_what_has_ended_counts_before_what_another_process_says_has_begun(
    controllers: list[Case], first: list[Case], second: list[Case], outcome: str
) -> None:
    found, damaged = read(
        cases=lines(*controllers), worker_gw0=lines(*first), worker_gw1=lines(*second)
    )
    assert {name: each.outcome for name, each in found.items()} == {"t::a": outcome}
    assert damaged == 0


@pytest.mark.parametrize(
    ("said", "ended", "cases"),
    [
        ([ENDED, "t"], ["t"], ["t::a"]),
        ([ENDED, Case("t", "error"), "t"], ["t"], ["t::a"]),
        ([ENDED, "t", Case("t", "error")], [], ["t", "t::a"]),
    ],
)
def test_a_test_that_has_ended_is_no_case_unless_it_was_one_later(
    said: list[str | Case], ended: list[str], cases: list[str]
) -> None:
    with Directory() as directory:
        stored = directory.read(cases=lines(*said))
        assert (list(stored.ended), stored.identities) == (ended, cases)
        assert stored.damaged == 0


@pytest.mark.parametrize(
    "line", ['{"test":1,"outcomes":{}}', '{"test":"t"}', '{"test":"t","outcomes":{}']
)
def test_a_damaged_word_of_an_end_is_counted(line: str) -> None:
    with Directory() as directory:
        stored = directory.read(cases=f"{line}\n".encode())
        assert (stored.ended, stored.damaged) == ({}, 1)
