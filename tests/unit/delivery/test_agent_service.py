"""What an agent service answers, and what is on disk of it: read, or refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_evalguard.delivery.agent import AgentTarget, results
from pytest_evalguard.delivery.agent.prompts import (
    Prompt,
    PromptIds,
    assign,
    prompt_of,
    read_lock,
    text_hash,
)
from pytest_evalguard.delivery.agent.results import (
    Arrived,
    entries,
    is_acceptance,
    prompt_id_of,
    read_prompts,
)
from pytest_evalguard.delivery.agent.service import AgentApi, _ReadBack
from pytest_evalguard.delivery.deadline import Deadline, Overdue, within
from pytest_evalguard.delivery.evalguard.service import EvalGuard
from pytest_evalguard.delivery.http import Reply
from pytest_evalguard.delivery.outbox import (
    FrozenRequest,
    LeftOut,
    Outbox,
    Sent,
    Submission,
)
from pytest_evalguard.delivery.sending import Progress, deliver
from pytest_evalguard.errors import ConfigurationError, ServiceError, SessionError
from pytest_evalguard.model.case import Case
from pytest_evalguard.reporting.submissions import left_out_lines
from pytest_evalguard.storage.session import Session
from standin import Reply as Bytes, StandIn

NOW = datetime.now(timezone.utc)
BODY = b'{"status":"passed","response":"a"}'
REQUEST = FrozenRequest("1", 1, BODY, "test_it.py::test_it")
TARGET = AgentTarget(agent_id="agent", url="https://h.example", proof="proof")


def reply(data: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(data).encode())


def dated(data: object, date: str) -> Reply:
    return Reply(200, json.dumps(data).encode(), {"date": date})


# Prompt ids


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((0, 0), (7, 7), (7.0, 7), ("7", 7), ("007", 7), (2**63 - 1, 2**63 - 1)),
        *((True, None), (-1, None), (2**63, None), (7.5, None), ("-7", None)),
        *(("7.0", None), ("\u0667", None), ("9" * 19, None), ("1" * 5000, None)),
        *((float("inf"), None), (float("nan"), None), (None, None), ([7], None)),
    ],
)
def test_a_prompts_id_is_read_however_its_number_is_written(
    value: object, number: int | None
) -> None:
    assert prompt_id_of(value) == number


@pytest.mark.parametrize("number", ["true", "1.0", '"1"', "-1", str(2**63), "null"])
def test_a_lock_file_with_an_id_that_is_none_is_refused(
    tmp_path: Path, number: str
) -> None:
    path = tmp_path / "lock"
    path.write_text(f'{{"schema":1,"agents":{{"a":[{{"id":{number},"sha256":""}}]}}}}')
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_lock(path)


def test_a_lock_file_may_have_the_largest_id(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    entry = {"id": 2**63 - 1, "sha256": "", "nodeids": ["t"]}
    path.write_text(json.dumps({"schema": 1, "agents": {"a": [entry]}}))
    assert read_lock(path).agents["a"] == (Prompt(2**63 - 1, "", ("t",)),)


# Which prompt a case answers

KNOWN = PromptIds([Prompt(5, text_hash("asked before"), ("t",))])


def test_a_recorded_input_is_not_matched_by_its_node_id() -> None:
    assert prompt_of(Case("t", "passed", "another question"), KNOWN) is None
    assert prompt_of(Case("u", "passed", "asked before"), KNOWN) == 5


def test_a_case_without_an_input_is_matched_by_its_node_id() -> None:
    assert prompt_of(Case("t", "passed", "t", default_input=True), KNOWN) == 5


@pytest.mark.parametrize("number", [-1, 2**63])
def test_a_number_that_no_prompt_has_is_no_prompt_id(number: int) -> None:
    case = Case("t", "passed", "asked before", prompt_id=number)
    assert prompt_of(case, KNOWN) is None


def test_what_is_frozen_keeps_its_prompt_and_is_not_assigned_again() -> None:
    cases = [Case(each, "passed", each, actual="a") for each in ("one", "two", "new")]
    texts = {1: "two", 2: "one", 3: "new"}
    known = PromptIds(Prompt(key, text_hash(text)) for key, text in texts.items())
    ids, (shared,) = assign(cases, [known], {1: "one"})
    assert ids == {"new": 3}
    assert shared.first == ("two (prompt 1)",)


# Lists in replies


@pytest.mark.parametrize(
    "wrap",
    [
        lambda found: found,
        lambda found: {"prompts": found},
        lambda found: {"total": 1, "data": {"prompts": found}},
        lambda found: {"errors": [], "prompts": found},
        lambda found: {"links": [{"rel": "self"}], "prompts": found},
        lambda found: [None, 3, "text", *found],
    ],
)
def test_a_list_is_found_where_it_is(wrap: Callable[[Any], Any]) -> None:
    prompts = read_prompts(wrap([{"id": 7, "prompt": "q"}]))
    assert prompts == [Prompt(7, text_hash("q"))]


@pytest.mark.parametrize("data", [[], {"prompts": []}, {"data": {"prompts": []}}])
def test_an_empty_list_is_a_list(data: object) -> None:
    assert entries(data, "prompt") == []


@pytest.mark.parametrize(
    "data",
    [
        *({}, {"data": None}, {"a": {"b": {"c": [{"prompt": "q"}]}}}, {"errors": []}),
        *([3], [{"text": "q", "id": 1}], [{"id": "x", "prompt": "q"}]),
        [{"id": 1, "prompt": "r"}, {"prompt": "q"}],
    ],
)
def test_a_reply_without_readable_prompts_is_an_error(data: object) -> None:
    with pytest.raises(ValueError, match=r"there is no list|has no id"):
        read_prompts(data)


# Acceptance


@pytest.mark.parametrize("data", [{}, [], {"promptId": 1}, {"promptId": "1"}])
def test_a_yes_of_any_form_is_an_acceptance(data: object) -> None:
    assert is_acceptance(reply(data, 201), REQUEST)


@pytest.mark.parametrize(
    "data",
    [
        *(None, 5, "yes", {"error": "no"}, {"errors": ["no"]}, {"success": False}),
        *({"promptId": 2}, {"promptId": "x"}),
    ],
)
def test_another_word_is_no_acceptance(data: object) -> None:
    assert not is_acceptance(reply(data), REQUEST)


# What has arrived


def has_arrived(entry: dict[str, Any], date: str = "", created: datetime = NOW) -> bool:
    stored = {"status": "passed", "response": "a", **entry}
    return Arrived(dated([stored], date), created, {"1"}).has(REQUEST)


@pytest.mark.parametrize("number", [1, 1.0, "1"])
def test_a_stored_result_is_known_however_its_id_is_written(number: object) -> None:
    assert has_arrived({"promptId": number, "updated_at": NOW.isoformat()})


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 22 Nov 99999999999999999999 01:54:17 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Sat, 01 Jan 0001 00:00:00 GMT",
        *("Sun, 22 Nov", "22", "", "Sun, 22 Nov 2026 01:54:17 -0000"),
    ],
)
def test_a_date_that_is_none_stops_no_reading(date: str) -> None:
    arrived = Arrived(dated([], date), NOW + timedelta(days=365), {"1"})
    assert not arrived.has(REQUEST)


def test_the_services_clock_says_what_is_of_this_session() -> None:
    created = datetime.now(timezone.utc)
    there = created - timedelta(days=1)
    date = format_datetime(there, usegmt=True)
    for moment, is_new in ((there, True), (there - timedelta(minutes=1), False)):
        entry = {"promptId": 1, "updated_at": moment.isoformat()}
        assert has_arrived(entry, date, created) is is_new


def test_a_clock_that_a_test_has_moved_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Moved(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime(2012, 1, 1, tzinfo=tz)

    monkeypatch.setattr(results, "datetime", Moved)
    date = format_datetime(datetime.now(timezone.utc), usegmt=True)
    assert has_arrived({"promptId": 1, "updated_at": NOW.isoformat()}, date=date)


def test_of_prompts_that_nobody_asked_for_nothing_is_kept() -> None:
    many = [{"promptId": n, "updated_at": NOW.isoformat()} for n in range(100)]
    assert set(Arrived(reply(many), NOW, {"1"})._newest) == {"1"}


class Counted(AgentApi):
    """Answers by itself, and counts how often it is asked."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__("https://h.example", "agent", "key")
        self.replies = list(replies)

    def results(self, deadline: Deadline) -> Reply:
        return self.replies.pop(0)


def test_one_reading_serves_all_that_was_in_doubt_before_it(outbox: Outbox) -> None:
    api = Counted(reply([]), reply([]))
    read_back, deadline = _ReadBack(api, outbox, NOW), Deadline(9)
    first = read_back.after(0, deadline)
    assert read_back.after(0, deadline) is first
    assert read_back.after(1, deadline) is not first
    assert api.replies == []


def test_a_reading_that_fails_serves_nobody(outbox: Outbox) -> None:
    api = Counted(reply([]), reply({}, 503), reply([]))
    read_back, deadline = _ReadBack(api, outbox, NOW), Deadline(9)
    first = read_back.after(0, deadline)
    assert read_back.after(1, deadline) == reply({}, 503)
    again = read_back.after(1, deadline)
    assert isinstance(again, Arrived)
    assert again is not first


def test_a_reply_is_parsed_once() -> None:
    found = reply([1])
    assert found.data is found.data


def test_a_reply_that_was_cut_is_told_as_too_large() -> None:
    cut = Reply(200, b"[" * 2_000_000, is_cut=True)
    assert "larger than 2 MB" in cut.explain()


# On disk


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    outbox = Outbox(Session(tmp_path), TARGET)
    outbox.freeze([REQUEST], [LeftOut("why", 1, ("t",))])
    return outbox


def test_a_frozen_request_keeps_its_case(outbox: Outbox) -> None:
    assert list(outbox.requests()) == [REQUEST]


@pytest.mark.parametrize(
    "change",
    [
        *({"key": "reset"}, {"key": "1/../reset"}, {"key": "\ud800"}, {"key": ""}),
        *({"key": "-1"}, {"key": "\u0667"}, {"key": "1\n"}, {"key": 1}),
        *({"results": float("inf")}, {"results": 0}, {"results": -3}),
        *({"results": True}, {"results": 1.0}, {"results": "1"}, {"results": 10**400}),
        *({"body": "\ud800"}, {"body": None}, {"nodeid": 5}),
    ],
    ids=repr,
)
def test_a_request_that_somebody_changed_is_refused(
    outbox: Outbox, tmp_path: Path, change: dict[str, object]
) -> None:
    (path,) = tmp_path.glob("*.requests.jsonl")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}) + "\n")
    with pytest.raises(SessionError, match="damaged"):
        list(outbox.requests())


@pytest.mark.parametrize("count", ["0", "-3", '"1"', "1.5", "true", "Infinity"])
def test_a_count_of_what_is_left_out_is_a_count(
    outbox: Outbox, tmp_path: Path, count: str
) -> None:
    (path,) = tmp_path.glob("*.left-out.json")
    path.write_text(path.read_text().replace('"count": 1', f'"count": {count}'))
    with pytest.raises(SessionError, match="damaged"):
        outbox.left_out()


def test_why_something_is_left_out_can_not_act_on_a_terminal() -> None:
    left_out = LeftOut("x\n::error::pwned\x1b[31m", 1, ())
    lines = left_out_lines(Sent(TARGET, Submission("agent", left_out=(left_out,))))
    assert all(line.isprintable() for line in lines)


def test_what_is_open_counts_as_unsent(outbox: Outbox) -> None:
    outbox.freeze([REQUEST], [LeftOut("why", 2, ("t",), is_open=True)])
    sent = outbox.submission()
    assert (sent.unsent, sent.left_out) == (3, ())


@pytest.mark.parametrize("first", [True, False], ids=["frozen first", "frozen again"])
def test_a_kill_between_the_files_loses_no_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """Without its requests a session is not frozen; with all of them none is lost."""
    outbox = Outbox(Session(tmp_path), TARGET)
    if not first:
        outbox.freeze([], [LeftOut("no prompt", 1, ("t",))])
    written: list[str] = []

    def killed(path: Path, lines: object) -> None:
        written.append(path.name.partition(".")[2])
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_evalguard.delivery.outbox.replace_file", killed)
    with pytest.raises(KeyboardInterrupt):
        outbox.freeze([REQUEST], [LeftOut("another", 1, ("u",))])
    assert written == ["left-out.json" if first else "requests.jsonl"]


@pytest.mark.parametrize("agent_id", ["", " ", ".", "..", "a\nb", "\ud800", "\x1b"])
def test_an_id_that_no_option_takes_is_taken_from_no_file(agent_id: str) -> None:
    with pytest.raises(ValueError, match="the id"):
        AgentTarget(agent_id=agent_id, url="https://h.example", proof="proof")


@pytest.mark.parametrize("run_id", ["..", "a\nb", "\ud800", " "])
def test_an_id_that_no_option_takes_is_taken_from_no_service(
    standin: StandIn, run_id: str
) -> None:
    created = json.dumps({"success": True, "data": {"id": run_id}}).encode()
    standin.plan(Bytes(201, created), path_contains="/evals")
    api = EvalGuard(standin.url, standin.key)
    with pytest.raises(ServiceError, match="no run was created"):
        api.create_run("project", "name", "", Deadline(9))
    api.close()


def test_a_request_that_outlasts_the_deadline_is_left_behind(outbox: Outbox) -> None:
    never = threading.Event()

    def send(request: FrozenRequest) -> Any:
        never.wait(30)

    with pytest.raises(Overdue, match="no answer in time"):
        within(Deadline(0.05), lambda: deliver(outbox, send, Progress()))
    never.set()
    assert outbox.unsettled == 1
