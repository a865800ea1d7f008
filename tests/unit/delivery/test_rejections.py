"""Rejected results are kept, halved, sent again or frozen anew; none is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from pytest_evalguard.cli.main import main
from pytest_evalguard.config.settings import Access, service_named
from pytest_evalguard.config.urls import checked_url
from pytest_evalguard.controller.retention import remove_old_sessions
from pytest_evalguard.delivery.evalguard import RunTarget
from pytest_evalguard.delivery.evalguard.rows import freeze, halves, stored_rows
from pytest_evalguard.delivery.outbox import Answer, FrozenRequest, Note, Outbox
from pytest_evalguard.delivery.sending import Progress, deliver
from pytest_evalguard.delivery.target import proof_of
from pytest_evalguard.errors import SessionError
from pytest_evalguard.model.case import Case
from pytest_evalguard.storage.journal import CASES
from pytest_evalguard.storage.session import (
    PassedOver,
    Session,
    SessionState,
    create_session,
)
from standin import Fault, Hang, Reply, Reset, StandIn, Status

WRONG_ROWS = Status(
    400,
    {
        "success": False,
        "error": {"message": "results[0].output: required", "code": "INVALID"},
    },
)

TARGET = RunTarget(run_id="run", url="https://h.example", proof="proof")


class Sessions:
    """Sessions on disk that go to a run, and the console script, in this process."""

    def __init__(self, out: Path, standin: StandIn) -> None:
        self.out = out
        self.standin = standin
        self.run_id = standin.add_run()

    def add(self, count: int, *, batch_size: int = 1000, wide: int = -1) -> Session:
        """Record that many cases; the one numbered `wide` is long."""
        session = Session(self.out / f"20260101T00000{len(list(self.out.glob('2*')))}Z")
        access = Access(
            service_named("evalguard"),
            checked_url(self.standin.url),
            key=self.standin.key,
        )
        target = RunTarget(
            run_id=self.run_id,
            url=access.url,
            proof=proof_of(access),
            batch_size=batch_size,
        )
        created = "2026-01-01T00:00:00+00:00"
        state = SessionState(
            session.path.name,
            created,
            status="finished",
            exit_status=0,
            selected=count,
            counts={"passed": count},
            rows=count,
            targets=(asdict(target),),
        )
        create_session(session, state)
        lines = (
            Case(
                f"test_it.py::test_{n:04}",
                "passed",
                f"question {n}",
                actual="x" * 5_000 if n == wide else f"answer {n}",
                latency_ms=n / 7,
            ).to_line()
            for n in range(count)
        )
        (session.path / CASES).write_text("".join(f"{line}\n" for line in lines))
        return session

    def submit(self, *args: str) -> int:
        return main(["submit", "--out", str(self.out), *args])

    @property
    def inputs(self) -> list[str]:
        """What is stored, one entry a row, in the order of arrival."""
        return [row["input"] for row in self.standin.runs[self.run_id].rows]

    @property
    def sent(self) -> list[tuple[str, bytes]]:
        return [(p.headers["idempotency-key"], p.body) for p in self.standin.posts]


@pytest.fixture
def sessions(
    tmp_path: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> Sessions:
    for name, value in standin.environment.items():
        monkeypatch.setenv(name, value)
    return Sessions(tmp_path / "out", standin)


Out = pytest.CaptureFixture[str]


def questions(*numbers: int) -> list[str]:
    return [f"question {n}" for n in numbers]


# Told and kept


@pytest.mark.parametrize("status", [400, 405, 418, 422])
def test_rejected_results_are_told_as_not_submitted_with_the_command(
    sessions: Sessions, capsys: Out, status: int
) -> None:
    session = sessions.add(3)
    sessions.standin.plan(Status(status))
    assert sessions.submit() == 1
    out = capsys.readouterr().out
    assert f"not submitted: 3 results to run {sessions.run_id}: rejected: HTTP" in out
    assert f"pytest-evalguard submit --rejected {session.path}" in out


def test_without_being_named_rejected_results_are_not_touched_but_told(
    sessions: Sessions, capsys: Out
) -> None:
    session = sessions.add(3)
    sessions.standin.plan(Status(400))
    sessions.submit()
    capsys.readouterr()
    assert sessions.submit() == 0
    assert sessions.submit(str(session.path)) == 0
    out = capsys.readouterr().out
    assert out.count("not submitted: 3 results") == 2
    assert len(sessions.sent) == 1


def test_list_tells_what_was_rejected_and_the_command(
    sessions: Sessions, capsys: Out
) -> None:
    session = sessions.add(3)
    sessions.standin.plan(Status(422))
    sessions.submit()
    capsys.readouterr()
    main(["list", "--out", str(sessions.out)])
    out = capsys.readouterr().out
    assert "0 accepted, 3 rejected, 0 unsent" in out
    assert f"not submitted: 3 results to run {sessions.run_id}: rejected: HTTP" in out
    assert f"pytest-evalguard submit --rejected {session.path}" in out


def test_what_is_unsent_and_what_is_rejected_have_each_its_reason(
    sessions: Sessions, capsys: Out
) -> None:
    sessions.add(4, batch_size=2)
    sessions.standin.plan(Status(400), Status(401))
    sessions.submit()
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if line.startswith("not submitted: 2 results")]
    assert ["HTTP 401" in line for line in told] == [True, False]
    assert ["rejected: HTTP 400" in line for line in told] == [False, True]


def test_a_session_with_rejected_results_is_never_removed(sessions: Sessions) -> None:
    rejected = sessions.add(1)
    sessions.standin.plan(Status(400))
    sessions.submit()
    accepted = [sessions.add(1) for _ in range(3)]
    sessions.submit()
    remove_old_sessions(sessions.out, 1, [], PassedOver())
    assert rejected.path.exists()
    assert [each.path.exists() for each in accepted] == [False, False, True]


# Sent again


def test_rejected_results_are_sent_again_with_the_same_bytes_and_key(
    sessions: Sessions,
) -> None:
    sessions.add(6, batch_size=2)
    sessions.standin.plan(None, Status(400), None)
    sessions.submit()
    assert sessions.submit("--rejected") == 0
    assert len(sessions.sent) == 4
    assert sessions.sent[3] == sessions.sent[1]
    assert sessions.inputs == questions(0, 1, 4, 5, 2, 3)


def test_rejected_again_results_can_be_sent_again(
    sessions: Sessions, capsys: Out
) -> None:
    sessions.add(2)
    sessions.standin.plan(Status(400), Status(422))
    sessions.submit()
    assert sessions.submit("--rejected") == 1
    assert "rejected: HTTP 422" in capsys.readouterr().out
    assert sessions.submit("--rejected") == 0
    assert len(set(sessions.sent)) == 1
    assert sessions.inputs == questions(0, 1)


def test_all_answers_are_kept_as_history(sessions: Sessions) -> None:
    session = sessions.add(1)
    sessions.standin.plan(Status(400))
    sessions.submit()
    sessions.submit("--rejected", "--batch-size", "5")
    (path,) = session.path.glob("*.answers.jsonl")
    states = [json.loads(line)["state"] for line in path.read_text().splitlines()]
    assert states == ["sent", "rejected", "replaced", "sent", "accepted"]


@pytest.mark.parametrize(
    "args", [["--dialect", "documented"], ["--batch-size", "2"], []], ids=" ".join
)
def test_the_settings_it_was_frozen_with_keep_bytes_and_key(
    sessions: Sessions, args: list[str]
) -> None:
    sessions.add(2, batch_size=2)
    sessions.standin.plan(Status(400))
    sessions.submit()
    sessions.submit("--rejected", *args)
    assert len(set(sessions.sent)) == 1


def test_another_dialect_is_frozen_anew_with_a_new_key(sessions: Sessions) -> None:
    session = sessions.add(3)
    sessions.standin.dialect = "sdk"
    sessions.submit()
    assert sessions.submit("--rejected", "--dialect", "sdk") == 0
    (first, second) = sessions.sent
    assert first[0] != second[0]
    assert b'"output"' in second[1]
    assert sessions.inputs == questions(0, 1, 2)
    kept = [*session.path.glob("*.requests.jsonl")]
    assert any(first[0] in path.read_text() for path in kept)


def test_a_row_of_the_sdk_dialect_keeps_its_position_in_the_session(
    sessions: Sessions,
) -> None:
    sessions.add(6, batch_size=2)
    sessions.standin.plan(None, Status(400), None)
    sessions.submit()
    sessions.standin.dialect = "sdk"
    sessions.submit("--rejected", "--dialect", "sdk", "--batch-size", "1")
    rows = [json.loads(body)["results"] for _, body in sessions.sent[3:]]
    assert [[row["test_case_index"] for row in each] for each in rows] == [[2], [3]]
    assert [[row["input"] for row in each] for each in rows] == [
        questions(2),
        questions(3),
    ]


def test_rejected_batches_are_joined_where_more_rows_fit(sessions: Sessions) -> None:
    sessions.add(7, batch_size=1)
    sessions.standin.plan(Status(400), None, Status(400), Status(400), None)
    sessions.submit()
    assert sessions.submit("--rejected", "--batch-size", "2") == 0
    assert sessions.inputs == questions(1, 4, 5, 6, 0, 2, 3)
    assert len(sessions.sent) == 9


def test_what_was_frozen_anew_remembers_its_settings(sessions: Sessions) -> None:
    sessions.add(4)
    sessions.standin.plan(*[Status(400)] * 4)
    sessions.submit()
    sessions.submit("--rejected", "--dialect", "sdk", "--batch-size", "2")
    sessions.submit("--rejected", "--dialect", "sdk")  # refused, by the stand-in
    sent = sessions.sent
    assert sent[1:3] == sent[3:5]
    assert sessions.submit("--rejected", "--dialect", "documented") == 0
    rows = [json.loads(body)["results"] for _, body in sessions.sent[5:]]
    assert [len(each) for each in rows] == [2, 2]
    assert sessions.inputs == questions(0, 1, 2, 3)


def test_only_what_was_rejected_is_frozen_anew(sessions: Sessions) -> None:
    sessions.add(4, batch_size=2)
    sessions.standin.plan(Status(400), Status(401))
    sessions.submit()
    assert sessions.submit("--rejected", "--batch-size", "1") == 0
    assert len({key for key, _ in sessions.sent}) == 4
    assert sessions.inputs == questions(0, 1, 2, 3)


def test_other_settings_without_rejected_are_a_usage_error(
    sessions: Sessions, capsys: Out
) -> None:
    sessions.add(1)
    assert sessions.submit("--dialect", "sdk") == 2
    assert "--rejected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--dialect", "odd"), "--dialect must be documented or sdk, got 'odd'"),
        (("--batch-size", "0"), "--batch-size must be a whole number within 1..1000"),
        (("--batch-size", "x"), "--batch-size must be a whole number within 1..1000"),
    ],
)
def test_settings_that_are_none_are_a_usage_error(
    sessions: Sessions, capsys: Out, args: tuple[str, str], told: str
) -> None:
    sessions.add(1)
    assert sessions.submit("--rejected", *args) == 2
    assert told in capsys.readouterr().err
    assert sessions.sent == []


def test_cases_that_were_changed_are_not_frozen_anew(
    sessions: Sessions, capsys: Out
) -> None:
    session = sessions.add(3)
    sessions.standin.plan(Status(400))
    sessions.submit()
    journal = session.path / CASES
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:2]))
    assert sessions.submit("--rejected", "--batch-size", "1") == 2
    assert "has 2 rows now, and had 3" in capsys.readouterr().err
    assert sessions.submit("--rejected") == 0
    assert sessions.inputs == questions(0, 1, 2)


def test_the_hint_of_another_dialect_is_a_command_that_works(
    sessions: Sessions, capsys: Out
) -> None:
    sessions.add(2)
    sessions.standin.dialect = "sdk"
    sessions.standin.plan(WRONG_ROWS)
    sessions.submit()
    out = capsys.readouterr().out
    assert "evalguard_dialect = sdk" in out
    command = "pytest-evalguard submit --rejected --dialect sdk"
    assert command in out
    assert sessions.submit(*command.split()[2:]) == 0
    assert sessions.inputs == questions(0, 1)


# Too large


def test_a_batch_too_large_is_halved_until_all_of_it_fits(sessions: Sessions) -> None:
    sessions.add(13)
    sessions.standin.limit = 600
    assert sessions.submit() == 0
    assert sessions.inputs == questions(*range(13))
    assert all(len(b) <= 600 for _, b in sessions.sent[-2:])


def test_only_a_single_row_too_large_is_rejected(
    sessions: Sessions, capsys: Out
) -> None:
    sessions.add(9, wide=4)
    sessions.standin.limit = 2_000
    assert sessions.submit() == 1
    assert sessions.inputs == questions(0, 1, 2, 3, 5, 6, 7, 8)
    out = capsys.readouterr().out
    assert f"submitted 8 results to run {sessions.run_id}" in out
    assert (
        f"not submitted: 1 result to run {sessions.run_id}: rejected: HTTP 413" in out
    )
    assert "a single row can't be halved" in out
    sessions.standin.limit = None
    assert sessions.submit("--rejected") == 0
    assert sessions.sent[-1] in sessions.sent[:-1]
    assert sorted(sessions.inputs) == questions(*range(9))


def test_halves_are_on_disk_before_their_first_byte(sessions: Sessions) -> None:
    session = sessions.add(4)
    seen: list[bool] = []

    class Look:
        def play(self, exchange: Any) -> None:
            key = exchange.received.headers["idempotency-key"]
            files = session.path.glob("*.requests.jsonl")
            lines = [
                json.loads(line) for f in files for line in f.read_text().splitlines()
            ]
            bodies = {each["key"]: each["body"].encode() for each in lines}
            seen.append(bodies[key] == exchange.received.body)
            exchange.send(exchange.answer())

    sessions.standin.limit = 300
    sessions.standin.plan(*[Look()] * 9)
    sessions.submit()
    assert len(seen) == 7
    assert all(seen)


def test_halves_of_the_sdk_dialect_keep_their_positions(sessions: Sessions) -> None:
    sessions.add(5)
    sessions.standin.dialect = "sdk"
    sessions.submit()
    sessions.standin.limit = 500
    assert sessions.submit("--rejected", "--dialect", "sdk") == 0
    rows = sessions.standin.runs[sessions.run_id].rows
    found = {row["test_case_index"]: row["input"] for row in rows}
    assert found == dict(enumerate(questions(0, 1, 2, 3, 4)))


def test_halving_ends_with_the_time_and_goes_on_later(
    sessions: Sessions, capsys: Out
) -> None:
    sessions.add(8)
    sessions.standin.limit = 500
    sessions.standin.plan(None, None, Hang(seconds=3))
    assert sessions.submit("--timeout", "1") == 1
    assert "not submitted: 8 results" in capsys.readouterr().out
    whole = sessions.sent[0]
    assert sessions.submit() == 0
    assert sessions.sent.count(whole) == 1
    assert sorted(sessions.inputs) == questions(*range(8))


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_kills_while_halving_leave_each_row_to_be_sent_once(
    data: st.DataObject,
) -> None:
    count = data.draw(st.integers(1, 12))
    kills = data.draw(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=4))
    target = RunTarget(**{**asdict(TARGET), "batch_size": data.draw(st.integers(1, 9))})
    stored: dict[str, list[int]] = {}
    left = 0

    def send(request: FrozenRequest) -> Answer:
        nonlocal left
        left -= 1
        rows = json.loads(request.body)["results"]
        if left == -1 and kills and not kills.pop()[1]:
            raise KeyboardInterrupt
        # what it has stored it knows by its key, whatever its limit is by now; that a
        # forgotten key is read back is seen in the tests above
        if len(rows) > limit and request.key not in stored:
            return Answer("too large")
        stored.setdefault(request.key, [int(row["input"]) for row in rows])
        if left == -1:
            raise KeyboardInterrupt
        return Answer("accepted")

    with TemporaryDirectory() as name:
        session = a_session(Path(name), count, target)
        is_done = False
        while not is_done:
            left = kills[-1][0] if kills else -2
            limit = data.draw(st.integers(1, 12))
            split = partial(halves, session, target)
            with suppress(KeyboardInterrupt):
                outbox = freeze(session, target)
                is_done = not deliver(outbox, send, Progress(), halves=split)
    assert sorted(row for rows in stored.values() for row in rows) == [*range(count)]


def a_session(directory: Path, count: int, target: RunTarget) -> Session:
    session = Session(directory)
    cases = (Case(f"{n:02}", "passed", str(n)).to_line() for n in range(count))
    (directory / CASES).write_text("".join(f"{line}\n" for line in cases))
    created = "2026-01-01T00:00:00+00:00"
    session.write(SessionState("s", created, status="finished", rows=count))
    return session


def test_halving_makes_the_same_keys_on_every_machine(
    sessions: Sessions, tmp_path: Path
) -> None:
    session = sessions.add(4)
    box = freeze(session, RunTarget(**session.state.targets[0]))
    (whole,) = box.requests()
    target = RunTarget(**session.state.targets[0])
    assert halves(session, target, whole) == halves(session, target, whole)
    keys = {each.key for each in (whole, *halves(session, target, whole))}
    assert len(keys) == 3


# After an attempt whose answer was lost


LOST: list[Callable[[], Fault]] = [
    lambda: Reset("after"),
    lambda: Reset("middle"),
    lambda: StoredThen(Status(502)),
    lambda: StoredThen(Status(409)),
    lambda: StoredThen(Reply(200, b"<html></html>", "text/html")),
]


class StoredThen:
    """Store, then answer something else: a gateway that lost patience."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def play(self, exchange: Any) -> None:
        exchange.answer()
        self.fault.play(exchange)


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_arrived_without_an_answer_is_not_there_twice(
    sessions: Sessions, lost: Callable[[], Fault], status: int
) -> None:
    sessions.add(4)
    sessions.standin.plan(lost(), Status(status), Status(status))
    sessions.submit()
    sessions.submit()
    sessions.submit("--rejected", "--batch-size", "1")
    assert sessions.inputs == questions(0, 1, 2, 3)


@pytest.mark.parametrize("status", [400, 413])
def test_what_was_lost_on_its_way_is_halved_or_frozen_anew(
    sessions: Sessions, status: int
) -> None:
    sessions.add(4)
    sessions.standin.plan(Reset("before"), Status(status))
    sessions.submit()
    sessions.submit("--rejected", "--batch-size", "1")
    assert sessions.inputs == questions(0, 1, 2, 3)
    whole = sessions.sent[0]
    assert sessions.sent.count(whole) == 2


@pytest.mark.parametrize("status", [400, 413])
def test_what_a_run_does_not_tell_is_only_sent_as_it_was(
    sessions: Sessions, capsys: Out, status: int
) -> None:
    sessions.add(4)
    sessions.standin.plan(*[Status(404)] * 9, method="GET", path_contains="/evals/")
    sessions.standin.plan(Reset("after"), Status(status))
    assert sessions.submit() == 1
    out = capsys.readouterr().out
    assert "the run does not tell whether it arrived" in out
    assert "pytest-evalguard submit --rejected" in out
    assert sessions.submit("--rejected", "--batch-size", "1") == 0
    assert len(set(sessions.sent)) == 1
    assert sessions.inputs == questions(0, 1, 2, 3)


def test_what_can_t_be_asked_now_stays_unsent(sessions: Sessions, capsys: Out) -> None:
    sessions.add(4)
    sessions.standin.plan(
        *[Status(503)] * 9, method="GET", path_contains=sessions.run_id
    )
    sessions.standin.plan(Reset("after"), Status(413))
    assert sessions.submit("--timeout", "3") == 1
    out = capsys.readouterr().out
    assert "not submitted: 4 results" in out
    assert "whether it arrived before can't be found out" in out
    sessions.standin.forget_faults()
    assert sessions.submit() == 0
    assert sessions.inputs == questions(0, 1, 2, 3)


@pytest.mark.parametrize("limit", [300, 100])
def test_what_arrived_before_a_kill_is_not_halved(
    sessions: Sessions, limit: int
) -> None:
    session = sessions.add(4)
    sessions.standin.plan(StoredThen(Status(401)))
    sessions.submit()
    (path,) = session.path.glob("*.answers.jsonl")
    (sent, _) = path.read_text().splitlines(keepends=True)
    path.write_text(sent)  # as a kill leaves it that comes before the answer
    sessions.standin.limit = limit
    assert sessions.submit() == 0
    assert sessions.inputs == questions(0, 1, 2, 3)
    assert len(sessions.sent) == 2


def test_a_half_whose_answer_was_lost_is_sent_with_its_own_key(
    sessions: Sessions,
) -> None:
    sessions.add(4)
    sessions.standin.plan(Status(413), Reset("after"), Status(401))
    sessions.submit()
    sessions.standin.limit = None
    assert sessions.submit() == 0
    assert sessions.inputs == questions(0, 1, 2, 3)
    assert len(set(sessions.sent)) == 3


ROW = {"input": "i", "actualOutput": "a", "latency": 0.5}


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ([], False),
        ([ROW], True),
        ([{**ROW, "id": 7}], True),
        ([{**ROW, "latency": 0.25}], False),
        ([{**ROW, "input": "j"}], False),
        ([{**ROW, "input": "j"}, ROW], True),
        (None, None),
        ({}, None),
        ([{"input": "i", "output": "a"}], None),
        ([{"question": "i"}], None),
        (["i"], None),
    ],
)
def test_rows_are_found_in_what_a_run_has(stored: Any, told: bool | None) -> None:
    assert stored_rows(stored, [ROW]) is told


def test_equal_rows_have_to_be_there_as_often_as_they_were_sent() -> None:
    assert stored_rows([ROW], [ROW, ROW]) is False
    assert stored_rows([ROW, ROW], [ROW, ROW]) is True


# On disk


def request(name: str, results: int) -> FrozenRequest:
    return FrozenRequest(name, results, name.encode())


def keys_of(outbox: Outbox) -> list[str]:
    return [each.key for each in outbox.requests()]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    outbox = Outbox(Session(tmp_path), TARGET)
    outbox.freeze([request("a", 4), request("b", 2)])
    return outbox


def replacements(directory: Path) -> Path:
    (path,) = directory.glob("*.replacements.requests.jsonl")
    return path


def test_halves_stand_where_the_whole_stood(outbox: Outbox, tmp_path: Path) -> None:
    outbox.replace(["a"], [request("a1", 2), request("a2", 2)])
    outbox.replace(["a1"], [request("a11", 1), request("a12", 1)])
    for each in (outbox, Outbox(Session(tmp_path), TARGET)):
        assert keys_of(each) == ["a11", "a12", "a2", "b"]
        assert each.submission().unsent == 6


def test_what_replaces_several_has_the_rows_of_all_in_order(outbox: Outbox) -> None:
    outbox.replace(["a"], [request("a1", 1), request("a2", 3)])
    outbox.replace(["b", "a2"], [request("c", 2), request("d", 3)])
    assert outbox.rows_of(["c"]) == [1, 2]
    assert outbox.rows_of(["d"]) == [3, 4, 5]
    assert keys_of(outbox) == ["a1", "c", "d"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_group_cut_at_any_byte_replaces_nothing(data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        outbox = Outbox(Session(directory), TARGET)
        outbox.freeze([request("a", 4), request("b", 2)])
        outbox.replace(["a"], [request("a1", 2), request("a2", 2)])
        kept = len(replacements(directory).read_bytes())
        outbox.replace(["a2"], [request("a3", 1), request("a4", 1)])
        whole = replacements(directory).read_bytes()
        cut = data.draw(st.integers(kept, len(whole) - 1))
        replacements(directory).write_bytes(whole[:cut])
        torn = Outbox(Session(directory), TARGET)
        assert keys_of(torn) == ["a1", "a2", "b"]
        torn.replace(["a2"], [request("a3", 1), request("a4", 1)])
        assert replacements(directory).read_bytes() == whole
        assert keys_of(Outbox(Session(directory), TARGET)) == ["a1", "a3", "a4", "b"]


def test_a_damaged_group_is_told(outbox: Outbox, tmp_path: Path) -> None:
    outbox.replace(["a"], [request("a1", 2), request("a2", 2)])
    path = replacements(tmp_path)
    path.write_text("{}\n" + path.read_text())
    with pytest.raises(SessionError, match="damaged"):
        keys_of(Outbox(Session(tmp_path), TARGET))


def test_what_was_accepted_can_not_be_opened_again(outbox: Outbox) -> None:
    outbox.settle("a", Answer("accepted"))
    outbox.note("a", Note.AGAIN)
    outbox.reopen()
    assert outbox.submission().accepted == 4


def test_a_doubt_lasts_until_an_answer(outbox: Outbox) -> None:
    outbox.note("a", Note.SENT)
    outbox.note("b", Note.SENT)
    outbox.note("b", Note.UNSENT)
    assert outbox.doubts() == {"a"}
    outbox.settle("a", Answer("rejected", "no", is_in_doubt=True))
    assert outbox.doubts() == set()
    outbox.reopen()
    assert outbox.doubts() == {"a"}
