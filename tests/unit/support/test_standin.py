from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import standin as standin_module
from standin import (
    Drip,
    Fault,
    Hang,
    Redirect,
    Reply,
    Reset,
    Slow,
    StandIn,
    Status,
    validate_body,
)

COMMAND = [sys.executable, str(Path(standin_module.__file__))]
ROW = {
    "input": "2+2",
    "actualOutput": "4",
    "score": 1,
    "passed": True,
    "latency": 1.5,
}
SDK_ROW = {
    "test_case_index": 0,
    "input": "2+2",
    "output": "4",
    "scores": {"exact": {"score": 1}, "_metadata": {"any": [1]}},
    "latency_ms": 1.5,
    "passed": True,
    "score": 1.0,
}
NEW_RUN = {
    "name": "nightly",
    "projectId": standin_module.PROJECT_ID,
    "model": "m",
    "prompt": "",
    "cases": [],
    "scorers": [],
    "external": True,
}
OUTCOME = {"status": "passed", "summary": {"score": 0.5, "passRate": 1}}
RESULT = {"status": "passed", "response": "Paris", "hallucinationFindings": []}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn() as standin:
        yield standin


@pytest.fixture
def run_id(standin: StandIn) -> str:
    return standin.add_run()


@pytest.fixture
def client(standin: StandIn) -> Iterator[httpx.Client]:
    headers = {
        "Authorization": f"Bearer {standin.key}",
        "x-api-key": standin.agent_key,
    }
    # No TLS here, and reading the certificates takes longer than a test.
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with httpx.Client(
        base_url=standin.url, headers=headers, trust_env=False, verify=empty
    ) as client:
        yield client


def as_bytes(value: object) -> bytes:
    return json.dumps(value).encode()


def post_body(
    client: httpx.Client, run_id: str, body: bytes, key: str = "k1", **headers: str
) -> httpx.Response:
    return client.post(
        f"/api/v1/evals/{run_id}/results",
        content=body,
        headers={**JSON, "Idempotency-Key": key, **headers},
    )


def post_rows(
    client: httpx.Client, run_id: str, *rows: object, key: str = "k1"
) -> httpx.Response:
    return post_body(client, run_id, as_bytes({"results": rows}), key)


def message_of(response: httpx.Response, status: int = 400) -> str:
    """Check that a failure has the envelope, and give its message."""
    answer = response.json()
    assert response.status_code == status
    assert answer["success"] is False
    assert answer["error"].keys() == {"message", "code", "requestId"}
    assert answer["error"]["requestId"] == response.headers["X-Request-Id"]
    message: str = answer["error"]["message"]
    return message


def flat_message_of(response: httpx.Response, status: int) -> str:
    answer = response.json()
    assert response.status_code == status
    assert answer.keys() == {"error", "message", "details"}
    message: str = answer["message"]
    return message


# Runs


def test_a_created_run_is_running(standin: StandIn, client: httpx.Client) -> None:
    response = client.post("/api/v1/evals", json=NEW_RUN)
    data = response.json()["data"]
    assert response.status_code == 201
    assert data["status"] == "running"
    assert standin.runs[data["id"]].name == "nightly"
    assert str(uuid.UUID(data["id"])) == data["id"]


def test_a_run_of_an_unknown_project_is_not_created(
    standin: StandIn, client: httpx.Client
) -> None:
    response = client.post("/api/v1/evals", json={**NEW_RUN, "projectId": "other"})
    assert message_of(response, 404) == "Project not found"
    assert standin.runs == {}


@pytest.mark.parametrize(
    "change", [{"external": False}, {"external": 1}, {"cases": [1]}, {"more": 1}]
)
def test_a_run_that_is_not_external_is_refused(
    client: httpx.Client, change: dict[str, object]
) -> None:
    response = client.post("/api/v1/evals", json={**NEW_RUN, **change})
    assert next(iter(change)) in message_of(response)


def test_a_run_is_read_with_its_rows(client: httpx.Client, run_id: str) -> None:
    post_rows(client, run_id, ROW)
    data = client.get(f"/api/v1/evals/{run_id}").json()["data"]
    assert data["status"] == data["run"]["status"] == "running"
    assert data["results"] == [ROW]
    assert data["score"] is None


def test_a_finished_run_tells_its_outcome(client: httpx.Client, run_id: str) -> None:
    assert client.patch(f"/api/v1/evals/{run_id}", json=OUTCOME).status_code == 200
    data = client.get(f"/api/v1/evals/{run_id}").json()["data"]
    assert (data["status"], data["score"], data["passRate"]) == ("passed", 0.5, 1)


def test_a_finished_run_can_not_be_finished_again(
    client: httpx.Client, run_id: str
) -> None:
    client.patch(f"/api/v1/evals/{run_id}", json=OUTCOME)
    again = client.patch(f"/api/v1/evals/{run_id}", json=OUTCOME)
    assert message_of(again, 409) == "Eval run is passed already"


def test_a_run_can_not_be_finished_as_running(
    client: httpx.Client, run_id: str
) -> None:
    change = {**OUTCOME, "status": "running"}
    assert "status" in message_of(client.patch(f"/api/v1/evals/{run_id}", json=change))


def test_a_pass_rate_in_percent_is_refused(client: httpx.Client, run_id: str) -> None:
    change = {"status": "failed", "summary": {"score": 0, "passRate": 50}}
    response = client.patch(f"/api/v1/evals/{run_id}", json=change)
    assert "summary.passRate: 50 is greater" in message_of(response)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_an_unknown_run_is_not_found(client: httpx.Client, method: str) -> None:
    response = client.request(method, "/api/v1/evals/nowhere", json=OUTCOME)
    assert message_of(response, 404) == "Eval run not found"


def test_a_run_id_may_be_percent_encoded(
    standin: StandIn, client: httpx.Client
) -> None:
    standin.add_run("a/b ?", status="queued")
    data = client.get("/api/v1/evals/a%2Fb%20%3F").json()["data"]
    assert (data["run"]["id"], data["status"]) == ("a/b ?", "queued")


# Access and routes


@pytest.mark.parametrize("header", ["Bearer wrong", "", "Basic eg_standin_key"])
def test_a_wrong_key_is_refused(
    standin: StandIn, client: httpx.Client, run_id: str, header: str
) -> None:
    body = as_bytes({"results": [ROW]})
    response = post_body(client, run_id, body, Authorization=header)
    assert message_of(response, 401) == "Invalid API key"
    assert standin.runs[run_id].rows == []


def test_a_method_that_a_route_lacks_is_told_the_ones_it_has(
    client: httpx.Client, run_id: str
) -> None:
    response = client.put(f"/api/v1/evals/{run_id}")
    assert message_of(response, 405) == "PUT is not allowed here"
    assert response.headers["Allow"] == "GET, PATCH"


def test_an_unknown_route_of_the_api_is_not_found(client: httpx.Client) -> None:
    response = client.get("/api/v1/elsewhere")
    assert message_of(response, 404) == "No such route: /api/v1/elsewhere"


def test_a_path_outside_the_api_is_a_web_page(client: httpx.Client) -> None:
    response = client.get("/evals")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "text/html"


def test_an_answer_to_head_has_no_body(client: httpx.Client) -> None:
    for _ in range(2):
        response = client.head("/api/v1/evals")
        assert (response.status_code, response.content) == (405, b"")


def test_a_trailing_slash_is_redirected_to_the_path_without_it(
    standin: StandIn, client: httpx.Client
) -> None:
    response = client.post("/api/v1/evals/?a=/b/", json=NEW_RUN)
    assert response.status_code == 308
    assert response.headers["Location"] == f"{standin.url}/api/v1/evals?a=/b/"


def test_following_the_redirect_of_a_trailing_slash_stores_the_rows(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    response = client.post(
        f"/api/v1/evals/{run_id}/results/",
        json={"results": [ROW]},
        headers={"Idempotency-Key": "k"},
        follow_redirects=True,
    )
    assert response.status_code == 200
    assert [post.status for post in standin.posts] == [308, 200]


def test_a_body_without_a_length_is_refused(
    standin: StandIn, client: httpx.Client
) -> None:
    response = client.post("/api/v1/evals", content=iter([b"{}"]))
    assert message_of(response, 411) == "Content-Length is missing"


def test_one_connection_serves_many_requests(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    streams = {
        id(post_rows(client, run_id, ROW, key=str(n)).extensions["network_stream"])
        for n in range(5)
    }
    assert len(streams) == 1


def test_every_request_is_logged(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    client.get(f"/api/v1/evals/{run_id}")
    response = post_rows(client, run_id, ROW)
    read, post = standin.requests
    assert (read.method, read.path, read.status) == (
        "GET",
        f"/api/v1/evals/{run_id}",
        200,
    )
    assert post.headers["idempotency-key"] == "k1"
    assert post.body == as_bytes({"results": [ROW]})
    assert post.request_id == response.headers["X-Request-Id"]
    assert read.time <= post.time
    assert standin.posts == [post]


# Rows


def test_rows_are_stored_in_order_of_arrival(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    rows = [{**ROW, "input": str(n)} for n in range(3)]
    assert post_rows(client, run_id, rows[0], rows[1]).json() == {"success": True}
    assert post_rows(client, run_id, rows[2], key="k2").status_code == 200
    assert standin.runs[run_id].rows == rows
    assert [batch.key for batch in standin.runs[run_id].batches] == ["k1", "k2"]


def test_a_row_with_every_documented_field_is_stored(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    row = {
        **ROW,
        "expectedOutput": "4",
        "tokenUsage": {"prompt": 1, "completion": 2, "total": 3},
        "scorerResults": {"pytest": {"score": 0, "passed": False, "reason": "no"}},
    }
    assert post_rows(client, run_id, row).status_code == 200
    assert standin.runs[run_id].rows == [row]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"id": 1}, "results[1]: Additional properties are not allowed ('id'"),
        ({"input": 3}, "results[1].input: 3 is not of type 'string'"),
        ({"actualOutput": None}, "results[1].actualOutput: None is not of type"),
        ({"expectedOutput": None}, "results[1].expectedOutput: None is not of type"),
        ({"score": True}, "results[1].score: True is not of type 'number'"),
        ({"score": "1"}, "results[1].score: '1' is not of type 'number'"),
        ({"score": 1.01}, "results[1].score: 1.01 is greater than"),
        ({"score": -0.1}, "results[1].score: -0.1 is less than"),
        ({"passed": 1}, "results[1].passed: 1 is not of type 'boolean'"),
        ({"latency": False}, "results[1].latency: False is not of type 'number'"),
        ({"tokenUsage": {"prompt": 1}}, "results[1].tokenUsage: 'completion' is a"),
        (
            {"tokenUsage": {"prompt": 1.5, "completion": 0, "total": 1}},
            "results[1].tokenUsage.prompt: 1.5 is not of type 'integer'",
        ),
        (
            {"scorerResults": {"a": {"score": 2, "passed": True}}},
            "results[1].scorerResults.a.score: 2 is greater",
        ),
        (
            {"scorerResults": {"a": {"score": 1}}},
            "results[1].scorerResults.a: 'passed' is a required property",
        ),
        (
            {"scorerResults": {"a": {"score": 1, "passed": True, "reason": None}}},
            "results[1].scorerResults.a.reason: None is not of type 'string'",
        ),
    ],
)
def test_a_wrong_field_is_refused_by_name_and_row(
    standin: StandIn,
    client: httpx.Client,
    run_id: str,
    change: dict[str, object],
    expected: str,
) -> None:
    message = message_of(post_rows(client, run_id, ROW, {**ROW, **change}))
    assert message.startswith(expected)
    assert standin.runs[run_id].rows == []


@pytest.mark.parametrize("name", sorted(ROW))
def test_a_missing_field_is_refused_by_name_and_row(
    client: httpx.Client, run_id: str, name: str
) -> None:
    row = {key: value for key, value in ROW.items() if key != name}
    expected = f"results[0]: '{name}' is a required property"
    assert message_of(post_rows(client, run_id, row)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "the body is not JSON in UTF-8: Expecting value"),
        (b"\xef\xbb\xbf{}", "the body is not JSON in UTF-8: Unexpected UTF-8 BOM"),
        (b'{"results": "\xff"}', "the body is not JSON in UTF-8: 'utf-8' codec"),
        (b"[" * 100_000, "the body is not JSON in UTF-8: "),
        (b"[" * 500 + b"]" * 500, "[0][0][0]"),
        (b"null", "body: None is not of type 'object'"),
        (b'{"results": []}', "results: [] should be non-empty"),
        (b'{"results": [1], "more": 1}', "body: Additional properties"),
        (b'{"results": [{"score": NaN}]}', "results[0].score: nan is not a JSON"),
        (b'{"results": [{"a": {"b": -Infinity}}]}', "results[0].a.b: -inf is not"),
        (b'{"results": [{"score": 1e999}]}', "results[0].score: inf is not a JSON"),
        (b'{"results": [{"a": 1, "a": 1}]}', "results[0]: key 'a' appears twice"),
        (b'{"results": [], "results": []}', "body: key 'results' appears twice"),
        (b'{"results": [{"a": "\\ud800"}]}', "results[0].a: lone surrogate"),
        (b'{"results": [{"a\\udfff": 1}]}', "results[0]: lone surrogate in key"),
    ],
)
def test_a_body_that_is_no_proper_json_is_refused(
    client: httpx.Client, run_id: str, body: bytes, expected: str
) -> None:
    assert message_of(post_body(client, run_id, body)).startswith(expected)


def test_a_whole_surrogate_pair_is_text(client: httpx.Client, run_id: str) -> None:
    row = {**ROW, "input": "\N{GRINNING FACE}"}
    assert post_rows(client, run_id, row).status_code == 200


@pytest.mark.parametrize(("count", "status"), [(1000, 200), (1001, 400)])
def test_a_batch_has_at_most_a_thousand_rows(
    client: httpx.Client, run_id: str, count: int, status: int
) -> None:
    response = post_rows(client, run_id, *[ROW] * count)
    assert response.status_code == status
    if status == 400:
        assert message_of(response).endswith("is too long")


def test_a_long_list_of_flaws_is_cut(client: httpx.Client, run_id: str) -> None:
    bad = {**ROW, "score": 7}
    assert message_of(post_rows(client, run_id, *[bad] * 9)).endswith("; and 4 more")


def test_another_content_type_is_refused(client: httpx.Client, run_id: str) -> None:
    response = post_body(client, run_id, b"{}", **{"Content-Type": "text/plain"})
    assert message_of(response) == (
        "Content-Type must be application/json, not 'text/plain'"
    )


def test_a_compressed_body_is_refused(client: httpx.Client, run_id: str) -> None:
    response = post_body(client, run_id, b"{}", **{"Content-Encoding": "gzip"})
    assert message_of(response) == "Content-Encoding is not taken"


def test_rows_are_not_checked_when_told_so() -> None:
    with StandIn(schema=False) as standin:
        run_id = standin.add_run()
        headers = {"Authorization": f"Bearer {standin.key}"}
        with httpx.Client(
            base_url=standin.url, headers=headers, trust_env=False
        ) as client:
            assert post_rows(client, run_id, {"any": 1}).status_code == 200
        assert standin.runs[run_id].rows == [{"any": 1}]


# Dialects


def test_rows_of_the_other_dialect_are_refused_by_their_fields(
    client: httpx.Client, run_id: str
) -> None:
    message = message_of(post_rows(client, run_id, SDK_ROW))
    assert "results[0]: Additional properties" in message
    assert "'latency_ms'" in message


def test_documented_rows_are_refused_when_the_sdk_dialect_is_spoken(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.dialect = "sdk"
    assert "'actualOutput'" in message_of(post_rows(client, run_id, ROW))


def test_an_sdk_row_replaces_the_one_of_the_same_index(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.dialect = "sdk"
    first, second = SDK_ROW, {**SDK_ROW, "test_case_index": 1}
    third = {**SDK_ROW, "output": "5"}
    post_rows(client, run_id, first, second)
    assert post_rows(client, run_id, third, key="k2").status_code == 200
    assert standin.runs[run_id].rows == [third, second]


@pytest.mark.parametrize("rows", [[ROW], [SDK_ROW]])
def test_validate_body_takes_either_dialect(rows: list[dict[str, object]]) -> None:
    assert validate_body("addResults", as_bytes({"results": rows})) == []


def test_validate_body_takes_no_mixture_of_dialects() -> None:
    assert validate_body("addResults", as_bytes({"results": [ROW, SDK_ROW]})) != []


def test_validate_body_can_hold_to_one_dialect() -> None:
    body = as_bytes({"results": [SDK_ROW]})
    assert validate_body("addResults", body, "sdk") == []
    assert validate_body("addResults", body, "documented") != []


def test_validate_body_judges_by_the_closer_dialect() -> None:
    body = as_bytes({"results": [{**SDK_ROW, "score": 2}]})
    assert validate_body("addResults", body) == [
        "results[0].score: 2 is greater than the maximum of 1"
    ]


# Idempotency


def test_a_batch_without_a_key_is_refused(client: httpx.Client, run_id: str) -> None:
    response = post_rows(client, run_id, ROW, key="")
    assert message_of(response) == "Idempotency-Key is missing"


def test_the_same_key_and_body_are_stored_once(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    answers = [post_rows(client, run_id, ROW) for _ in range(3)]
    run = standin.runs[run_id]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert run.rows == [ROW]
    assert [batch.replays for batch in run.batches] == [2]


def test_the_same_key_with_another_body_is_refused(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    post_rows(client, run_id, ROW)
    response = post_rows(client, run_id, ROW, ROW)
    assert message_of(response, 422) == "Idempotency-Key was used with another body"
    assert len(standin.runs[run_id].rows) == 1


def test_the_same_rows_in_other_bytes_are_another_body(
    client: httpx.Client, run_id: str
) -> None:
    body = as_bytes({"results": [ROW]})
    post_body(client, run_id, body)
    assert post_body(client, run_id, body + b" ").status_code == 422


def test_a_refused_batch_does_not_use_its_key_up(
    client: httpx.Client, run_id: str
) -> None:
    assert post_rows(client, run_id, {}).status_code == 400
    assert post_rows(client, run_id, ROW).status_code == 200


def test_a_key_counts_for_one_run(standin: StandIn, client: httpx.Client) -> None:
    for run_id in (standin.add_run(), standin.add_run()):
        assert post_rows(client, run_id, ROW).status_code == 200
        assert standin.runs[run_id].rows == [ROW]


# Faults


def test_planned_faults_come_one_a_request_and_then_no_more(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(Status(503), None, Status(502))
    statuses = [post_rows(client, run_id, ROW).status_code for _ in range(4)]
    assert statuses == [503, 200, 502, 200]
    assert [post.status for post in standin.posts] == statuses


def test_faults_that_nobody_met_are_pending(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(None, Status(503), Status(502))
    post_rows(client, run_id, ROW)
    post_rows(client, run_id, ROW)
    assert standin.pending_faults == [Status(502)]


def test_a_fault_meets_only_the_requests_that_it_is_planned_for(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(Status(500), method="GET", path_contains="/evals/")
    assert post_rows(client, run_id, ROW).status_code == 200
    assert client.get(f"/api/v1/evals/{run_id}").status_code == 500


def test_a_plan_may_be_for_every_method(standin: StandIn, client: httpx.Client) -> None:
    standin.plan(Status(500), Status(501), method=None, path_contains="")
    statuses = [client.get("/").status_code, client.post("/").status_code]
    assert statuses == [500, 501]


def test_a_planned_status_stores_nothing_and_is_an_envelope(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(Status(429, headers={"Retry-After": "7"}))
    response = post_rows(client, run_id, ROW)
    assert message_of(response, 429) == "Planned fault"
    assert response.headers["Retry-After"] == "7"
    assert standin.runs[run_id].batches == []


def test_a_planned_status_may_bring_its_body(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(Status(200, {"success": False}))
    assert post_rows(client, run_id, ROW).json() == {"success": False}


@pytest.mark.parametrize("body", [b"", b"null", b"<html>", b"x" * 1_000_000])
def test_a_planned_reply_comes_as_it_is(
    standin: StandIn, client: httpx.Client, run_id: str, body: bytes
) -> None:
    standin.plan(Reply(200, body, "text/html"))
    response = post_rows(client, run_id, ROW)
    assert response.content == body
    assert response.headers["Content-Type"] == "text/html"
    assert "X-Request-Id" in response.headers
    assert standin.runs[run_id].rows == []


def test_a_planned_redirect_names_its_place(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(Redirect("http://127.0.0.2/", code=307))
    response = post_rows(client, run_id, ROW)
    assert response.status_code == 307
    assert response.headers["Location"] == "http://127.0.0.2/"


@pytest.mark.parametrize(
    ("fault", "stored"),
    [(Reset("before"), 0), (Reset("middle"), 1), (Reset("after"), 1)],
)
def test_a_reset_breaks_the_connection_before_or_after_storing(
    standin: StandIn, client: httpx.Client, run_id: str, fault: Fault, stored: int
) -> None:
    standin.plan(fault)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        post_rows(client, run_id, ROW)
    assert len(standin.runs[run_id].rows) == stored
    assert [post.status for post in standin.posts] == [None]


def test_a_retry_after_a_reset_is_a_replay(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(Reset("after"))
    with pytest.raises(httpx.ReadError):
        post_rows(client, run_id, ROW)
    assert post_rows(client, run_id, ROW).status_code == 200
    assert standin.runs[run_id].batches[0].replays == 1


@pytest.mark.parametrize(("store", "stored"), [(False, 0), (True, 1)])
def test_a_hanging_request_is_never_answered(
    standin: StandIn, client: httpx.Client, run_id: str, store: bool, stored: int
) -> None:
    standin.plan(Hang(store=store))
    client.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.ReadTimeout):
        post_rows(client, run_id, ROW)
    assert len(standin.runs[run_id].rows) == stored


def test_a_hanging_request_ends_after_its_time(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(Hang(0.1))
    with pytest.raises(httpx.ReadError):
        post_rows(client, run_id, ROW)
    assert standin.posts[0].status is None


def test_a_slow_request_is_answered_late(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(Slow(0.1))
    start = time.monotonic()
    assert post_rows(client, run_id, ROW).status_code == 200
    assert time.monotonic() - start >= 0.1


def test_a_dripping_body_comes_a_byte_at_a_time(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(Drip(0.01))
    request = client.build_request(
        "POST",
        f"/api/v1/evals/{run_id}/results",
        json={"results": [ROW]},
        headers={"Idempotency-Key": "k"},
    )
    response = client.send(request, stream=True)
    pieces = list(response.iter_raw())
    assert len(pieces) > 3
    assert b"".join(pieces) == b'{"success":true}'


def test_dripping_headers_outlast_a_timeout_per_read(
    standin: StandIn, client: httpx.Client, run_id: str
) -> None:
    standin.plan(Drip(0.004, "headers"))
    client.timeout = httpx.Timeout(0.3)
    start = time.monotonic()
    assert post_rows(client, run_id, ROW).json() == {"success": True}
    assert time.monotonic() - start > 0.4


@pytest.mark.parametrize("fault", [Hang(), Slow(60), Drip(60), Drip(60, "headers")])
def test_closing_lets_go_of_every_request(fault: Fault) -> None:
    with StandIn() as standin:
        run_id = standin.add_run()
        standin.plan(fault)
        head = f"POST /api/v1/evals/{run_id}/results HTTP/1.1\r\nHost: x\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port_of(standin))) as connection:
            connection.sendall(head.encode())
            while standin.pending_faults:
                time.sleep(0.01)
            start = time.monotonic()
            standin.__exit__(None, None, None)
    assert time.monotonic() - start < 1
    assert standin.runs[run_id].rows == []


def test_closing_lets_go_of_idle_connections(
    standin: StandIn, client: httpx.Client
) -> None:
    client.get("/api/v1/evals")
    start = time.monotonic()
    standin.__exit__(None, None, None)
    assert time.monotonic() - start < 1


def test_entered_again_it_is_back_with_what_it_knew() -> None:
    standin = StandIn()
    with standin:
        url, run_id = standin.url, standin.add_run()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    with standin:
        headers = {"Authorization": f"Bearer {standin.key}"}
        path = f"{url}/api/v1/evals/{run_id}"
        assert httpx.get(path, headers=headers, trust_env=False).status_code == 200


def test_a_client_that_leaves_is_no_error(
    standin: StandIn, run_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    head = f"POST /api/v1/evals/{run_id}/results HTTP/1.1\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port_of(standin))) as connection:
        connection.sendall(head.encode())
    standin.plan(Slow(0.1))
    with socket.create_connection(("127.0.0.1", port_of(standin))) as connection:
        connection.sendall(head.encode() + b"123456789")
        while standin.pending_faults:
            time.sleep(0.01)
    standin.__exit__(None, None, None)
    assert capfd.readouterr().err == ""


def port_of(standin: StandIn) -> int:
    return httpx.URL(standin.url).port or 0


# Agents


def agent_path(standin: StandIn, rest: str) -> str:
    return f"/api/agents/{standin.agent_id}/{rest}"


@pytest.mark.parametrize(
    "path", ["", "/nobody/test-prompts", "/nobody/test-results", "/nobody/elsewhere"]
)
def test_a_wrong_agent_key_gets_a_flat_error(client: httpx.Client, path: str) -> None:
    response = client.get(f"/api/agents{path}", headers={"x-api-key": "wrong"})
    assert flat_message_of(response, 401) == "Invalid API key"


def test_the_key_of_one_service_is_none_of_the_other(
    standin: StandIn, client: httpx.Client
) -> None:
    response = client.get("/api/agents", headers={"x-api-key": standin.key})
    assert response.status_code == 401


def test_an_unknown_agent_is_not_found(client: httpx.Client) -> None:
    response = client.get(f"/api/agents/{uuid.uuid4()}/test-prompts")
    assert flat_message_of(response, 404) == "Agent not found"


def test_a_created_agent_is_listed(client: httpx.Client) -> None:
    asked = {"name": "mine", "seed": 1, "numNodes": 2}
    created = client.post("/api/agents", json=asked)
    listed = client.get("/api/agents", params={"label": "eval"}).json()
    assert created.status_code == 201
    assert created.json() in listed
    assert client.get("/api/agents?label=other").json() == []


def test_created_prompts_are_listed(standin: StandIn, client: httpx.Client) -> None:
    asked = [{"prompt": text, "expectedAnswer": text.upper()} for text in ("a", "b")]
    path = agent_path(standin, "test-prompts")
    created = client.post(path, json={"prompts": asked})
    assert created.status_code == 201
    # The order of the answer is not the one of the question.
    assert [one["prompt"] for one in created.json()] == ["b", "a"]
    assert client.get(path).json() == standin.prompts == created.json()[::-1]


@pytest.mark.parametrize(
    "prompt", [{"prompt": "a"}, {"prompt": "a", "expectedAnswer": "b", "id": 1}]
)
def test_a_prompt_of_another_shape_is_refused(
    standin: StandIn, client: httpx.Client, prompt: dict[str, object]
) -> None:
    path = agent_path(standin, "test-prompts")
    response = client.post(path, json={"prompts": [prompt]})
    assert flat_message_of(response, 400).startswith("prompts[0]: ")


def test_a_result_is_stored_under_its_prompt(
    standin: StandIn, client: httpx.Client
) -> None:
    prompt_id = standin.add_prompt("Capital of France?", "Paris")
    path = agent_path(standin, f"test-results/{prompt_id}")
    answer = client.post(path, json=RESULT).json()
    assert answer.items() >= {**RESULT, "promptId": prompt_id}.items()
    assert standin.results == {prompt_id: [answer]}
    assert [post.path for post in standin.agent_posts] == [path]


def test_results_are_read_back_with_the_latest_first(
    standin: StandIn, client: httpx.Client
) -> None:
    prompt_id = standin.add_prompt("Capital of France?")
    for status in ("failed", "ambiguous"):
        path = agent_path(standin, f"test-results/{prompt_id}")
        client.post(path, json={**RESULT, "status": status})
    results = client.get(agent_path(standin, "test-results")).json()
    assert [one["status"] for one in results] == ["ambiguous", "failed"]
    assert results[0]["updated_at"] > results[1]["updated_at"]


@pytest.mark.parametrize("prompt_id", ["7", "0", "-1", "x", "9" * 5000])
def test_an_unknown_prompt_is_not_found(
    standin: StandIn, client: httpx.Client, prompt_id: str
) -> None:
    path = agent_path(standin, f"test-results/{prompt_id}")
    response = client.post(path, json=RESULT)
    assert flat_message_of(response, 404) == "Prompt not found"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"response": None}, "response: None is not of type 'string'"),
        ({"status": "error"}, "status: 'error' is not one of"),
        ({"hallucinationFindings": None}, "hallucinationFindings: None is not of"),
        ({"hallucinationFindings": ["x"]}, "hallucinationFindings[0]: 'x' is not of"),
        ({"expectedAnswer": 4}, "expectedAnswer: 4 is not of type"),
        ({"score": 1}, "body: Additional properties are not allowed ('score'"),
    ],
)
def test_a_result_of_another_shape_is_refused(
    standin: StandIn, client: httpx.Client, change: dict[str, object], expected: str
) -> None:
    path = agent_path(standin, f"test-results/{standin.add_prompt('a')}")
    response = client.post(path, json={**RESULT, **change})
    assert flat_message_of(response, 400).startswith(expected)
    assert standin.results == {}


def test_agent_routes_have_faults_too(standin: StandIn, client: httpx.Client) -> None:
    path = agent_path(standin, f"test-results/{standin.add_prompt('a')}")
    standin.plan(Status(429), path_contains="/test-results/")
    assert flat_message_of(client.post(path, json=RESULT), 429) == "Planned fault"
    assert client.post(path, json=RESULT).status_code == 200


def test_the_reset_routes_fail_and_are_remembered(
    standin: StandIn, client: httpx.Client
) -> None:
    posted = client.post(agent_path(standin, "test-results/reset"))
    deleted = client.delete(agent_path(standin, "test-results"))
    assert [posted.status_code, deleted.status_code] == [500, 500]
    assert [one.method for one in standin.resets] == ["POST", "DELETE"]
    assert standin.agent_posts == []


# The contract


def test_every_operation_of_the_contract_is_served(
    standin: StandIn, client: httpx.Client
) -> None:
    for path, item in standin_module._contract()["paths"].items():
        for method in item.keys() & {"get", "post", "patch"}:
            response = client.request(method, path.replace("{promptId}", "1"))
            assert response.status_code != 405
            assert "No such route" not in response.text


def test_the_contract_is_valid_openapi_schemas() -> None:
    for name in standin_module._contract()["components"]["schemas"]:
        validator = standin_module._validator(f"#/components/schemas/{name}")
        validator.check_schema(
            standin_module._contract()["components"]["schemas"][name]
        )
        validator.is_valid({})


# The command

SENDER = f"""
import json, os, urllib.request

def send(method, path, body):
    headers = {{
        "Authorization": "Bearer " + os.environ["EVALGUARD_API_KEY"],
        "Content-Type": "application/json",
        "Idempotency-Key": "key-1",
    }}
    url = os.environ["EVALGUARD_BASE_URL"] + "/api/v1/evals" + path
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    request.method = method
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
    with opener.open(request) as answer:
        return json.load(answer)

new = {NEW_RUN!r} | {{"projectId": os.environ["EVALGUARD_PROJECT_ID"]}}
run = send("POST", "", new)["data"]["id"]
send("POST", "/" + run + "/results", {{"results": [{ROW!r}]}})
send("PATCH", "/" + run, {OUTCOME!r})
raise SystemExit(3)
"""


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=30, check=False
    )


def test_the_command_shows_what_arrived_and_exits_as_its_child() -> None:
    done = run_command("--", sys.executable, "-c", SENDER)
    first, _, rest = done.stdout.partition("\n")
    assert done.returncode == 3, done.stderr
    assert first.startswith("run ")
    assert first.endswith(": 1 batch, 1 results, key key-1, status passed")
    assert json.loads(rest) == ROW


def test_the_command_tells_when_nothing_arrived() -> None:
    done = run_command("--", sys.executable, "-c", "")
    assert (done.returncode, done.stdout) == (0, "nothing arrived\n")


def test_the_command_tells_that_there_is_no_such_program() -> None:
    done = run_command("--", "no-such-program")
    assert done.returncode == 127
    assert "no-such-program" in done.stderr


def test_the_command_points_its_child_at_both_services() -> None:
    script = "import os; print(*[k for k in os.environ if k.startswith('EVALGUARD')])"
    done = run_command("--", sys.executable, "-c", script)
    assert set(done.stdout.split()) >= {
        "EVALGUARD_BASE_URL",
        "EVALGUARD_API_KEY",
        "EVALGUARD_PROJECT_ID",
        "EVALGUARD_AGENT_URL",
        "EVALGUARD_AGENT_API_KEY",
    }


def test_the_command_has_help_with_an_example() -> None:
    done = run_command("--help")
    assert done.returncode == 0
    assert "python tests/support/standin.py -- pytest" in done.stdout


def test_the_command_serves_until_interrupted() -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        exports = dict(read_export(server.stdout.readline()) for _ in range(5))
        httpx.get(exports["EVALGUARD_BASE_URL"], trust_env=False)
        server.send_signal(signal.SIGINT)
        rest = server.stdout.read()
    assert server.returncode == 0
    assert "GET /: answered 404" in rest


def read_export(line: str) -> tuple[str, Any]:
    name, _, value = line.removeprefix("export ").strip().partition("=")
    return name, value
