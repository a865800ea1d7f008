"""A stand-in for both services: real HTTP on loopback, strict, with planned faults.

    with StandIn() as standin:
        run_id = standin.add_run()
        standin.plan(Status(503), Reset("after"))
        ...
        assert standin.runs[run_id].rows

As a command it runs another one against itself and shows what arrived there:

    python tests/support/standin.py -- pytest --evalguard-run=new
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import os
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Literal, Protocol
from urllib.parse import parse_qs, unquote

Dialect = Literal["documented", "sdk"]

CONTRACT = Path(__file__).parent / "contract" / "openapi.yaml"
PROJECT_ID = "6a1f0f0e-3c5b-4a53-9d0c-8f2f5d1c7b10"
AGENT_ID = "0d9b8a52-7f4e-4b0f-a1de-2c6c5e7f9a31"

_COMPONENTS = "#/components/schemas/"
_BATCHES = {
    "documented": f"{_COMPONENTS}DocumentedBatch",
    "sdk": f"{_COMPONENTS}SdkBatch",
}
_NO_PAGE = b"<!doctype html><title>404</title><h1>This page could not be found.</h1>"
_FINISHED = frozenset({"passed", "failed", "error"})
_MOST_LEVELS = 100
_MOST_MESSAGES = 5
_SURROGATE = re.compile("[\ud800-\udfff]")


# Request bodies against the contract


def validate_body(
    operation_id: str, body: bytes, dialect: Dialect | None = None
) -> list[str]:
    """Say what the contract has against a request body; nothing when it is valid.

    Without a dialect, rows may be of either, but all of one.
    """
    return _examine(operation_id, body, dialect)[1]


def _examine(
    operation_id: str, body: bytes, dialect: Dialect | None, *, schema: bool = True
) -> tuple[Any, list[str]]:
    try:
        value = json.loads(body.decode(), object_pairs_hook=_Object)
    except (ValueError, RecursionError) as exc:
        return None, [f"the body is not JSON in UTF-8: {exc}"]
    found = list(_flaws(value))
    if schema and not found:
        found = _schema_errors(operation_id, value, dialect)
    return value, [_tidy(message) for message in found]


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys it was given twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.twice: list[str] = []
        if len(pairs) > len(self):
            keys = [key for key, _ in pairs]
            self.twice = [key for key in self if keys.count(key) > 1]


def _flaws(value: object) -> Iterator[str]:
    """Find what a schema can't say, without recursion, to survive any nesting."""
    waiting = deque([("", 0, value)])
    while waiting:
        path, level, item = waiting.popleft()
        yield from _own_flaws(path, item)
        if level == _MOST_LEVELS:
            yield f"{path[:80]}: nested deeper than {_MOST_LEVELS} levels"
            return
        waiting.extend((name, level + 1, child) for name, child in _parts(path, item))


def _own_flaws(path: str, item: object) -> Iterator[str]:
    path = path or "body"
    if isinstance(item, str) and _SURROGATE.search(item):
        yield f"{path}: lone surrogate"
    elif isinstance(item, float) and not math.isfinite(item):
        yield f"{path}: {item} is not a JSON number"
    elif isinstance(item, _Object):
        yield from (f"{path}: key {key!r} appears twice" for key in item.twice)
        bad_keys = filter(_SURROGATE.search, item)
        yield from (f"{path}: lone surrogate in key {key!r}" for key in bad_keys)


def _parts(path: str, item: object) -> Iterator[tuple[str, object]]:
    if isinstance(item, dict):
        yield from ((f"{path}.{key}".lstrip("."), item[key]) for key in item)
    elif isinstance(item, list):
        yield from ((f"{path}[{index}]", child) for index, child in enumerate(item))


def _tidy(message: str) -> str:
    """Keep both ends: the field is named first, what is wrong with it last."""
    text = message.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 300 else f"{text[:120]} ... {text[-120:]}"


def _schema_errors(
    operation_id: str, value: object, dialect: Dialect | None
) -> list[str]:
    """Judge by the alternative that comes closest, so that messages fit the sender."""
    allowed = [_BATCHES[dialect]] if dialect else _body_schemas()[operation_id]
    return min((_errors_under(ref, value) for ref in allowed), key=len)


def _errors_under(ref: str, value: object) -> list[str]:
    return [
        f"{error.json_path.removeprefix('$').lstrip('.') or 'body'}: {error.message}"
        for error in _validator(ref).iter_errors(value)
    ]


@functools.cache
def _contract() -> dict[str, Any]:
    import yaml

    spec: dict[str, Any] = yaml.safe_load(CONTRACT.read_text("utf-8"))
    return spec


@functools.cache
def _body_schemas() -> dict[str, list[str]]:
    """Map each operation with a body to the schemas that the body may follow."""
    found = {}
    for item in _contract()["paths"].values():
        for operation in (item[key] for key in item.keys() & {"post", "patch"}):
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            choices = schema.get("anyOf", [schema])
            found[operation["operationId"]] = [choice["$ref"] for choice in choices]
    return found


@functools.cache
def _validator(ref: str) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    resource = DRAFT202012.create_resource(_contract())
    registry = Registry().with_resource("urn:contract", resource)
    return Draft202012Validator({"$ref": f"urn:contract{ref}"}, registry=registry)


# What arrives and what is answered


@dataclass
class Received:
    """A request as it arrived; header names in lower case, `time` is monotonic."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    time: float = field(default_factory=time.monotonic)
    status: int | None = None
    """The status of a whole answer, once its first byte goes out."""

    @property
    def clean_path(self) -> str:
        """The path without query and without trailing slashes."""
        return self.path.partition("?")[0].rstrip("/")

    @property
    def for_agents(self) -> bool:
        """Whether this is for the agent service, by its path."""
        return f"{self.clean_path}/".startswith("/api/agents/")


@dataclass(frozen=True)
class Answer:
    """A whole response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, status: int, value: object, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Build an answer whose body is a JSON value."""
        body = json.dumps(value, separators=(",", ":")).encode()
        return cls(
            status, body, {"Content-Type": "application/json", **(headers or {})}
        )

    def head(self, more: Mapping[str, str]) -> bytes:
        """Give the status line and the headers as they go over the wire."""
        length = {"Content-Length": str(len(self.body))}
        fields = {**length, **more, **self.headers}
        lines = [f"HTTP/1.1 {self.status} {responses.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Refused(Exception):
    """A request that gets a failure for an answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers

    def answer(self, received: Received) -> Answer:
        """Spell the failure as the service that was asked does."""
        error = {"message": str(self), "code": self.code}
        value = {
            "success": False,
            "error": {**error, "requestId": received.request_id},
        }
        flat = {"error": self.code, "message": str(self), "details": None}
        shown = flat if received.for_agents else value
        return Answer.of(self.status, shown, self.headers)


@dataclass(frozen=True)
class Call:
    """A request that found its route: the path's arguments, and the body on demand."""

    received: Received
    args: Sequence[str]
    schema: bool

    def json(self, operation_id: str, dialect: Dialect | None = None) -> Any:
        """Read the body, or refuse it with what is wrong and where."""
        self._check_headers()
        body = self.received.body
        schema = self.schema or operation_id != "addResults"
        value, found = _examine(operation_id, body, dialect, schema=schema)
        if found:
            more = len(found) - _MOST_MESSAGES
            tail = [f"and {more} more"] if more > 0 else []
            message = "; ".join([*found[:_MOST_MESSAGES], *tail])
            raise Refused(400, "validation_error", message)
        return value

    def _check_headers(self) -> None:
        headers = self.received.headers
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            message = f"Content-Type must be application/json, not {media_type!r}"
            raise Refused(400, "validation_error", message)
        if "content-encoding" in headers:
            raise Refused(400, "validation_error", "Content-Encoding is not taken")


# The two services


@dataclass
class Batch:
    """The rows stored under one key; `replays` counts the later sendings."""

    key: str
    body: bytes
    rows: list[dict[str, Any]]
    replays: int = 0


@dataclass
class Run:
    """A run of EvalGuard and what was stored in it, in order of arrival."""

    id: str
    name: str = "added"
    project_id: str = PROJECT_ID
    model: str = ""
    external: bool = True
    status: str = "running"
    summary: dict[str, Any] | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)

    def store(self, batch: Batch, dialect: Dialect) -> None:
        """Add a batch; a row of the sdk dialect replaces the one of the same index."""
        self.batches.append(batch)
        if dialect == "documented":
            self.rows += batch.rows
            return
        rows = {row.get("test_case_index"): row for row in [*self.rows, *batch.rows]}
        self.rows[:] = rows.values()

    def shown(self) -> dict[str, Any]:
        """Give the run as the service tells it."""
        return {
            "id": self.id,
            "name": self.name,
            "projectId": self.project_id,
            "model": self.model,
            "external": self.external,
            "status": self.status,
        }


class _EvalGuard:
    def __init__(self, project_id: str) -> None:
        self.project_id = project_id
        self.runs: dict[str, Run] = {}
        self.dialect: Dialect = "documented"

    def create_run(self, call: Call) -> Answer:
        asked = call.json("createRun")
        if asked["projectId"] != self.project_id:
            raise Refused(404, "not_found", "Project not found")
        run = Run(str(uuid.uuid4()), asked["name"], self.project_id, asked["model"])
        self.runs[run.id] = run
        return Answer.of(201, {"success": True, "data": run.shown()})

    def get_run(self, call: Call) -> Answer:
        run = self._run(call)
        outcome = run.summary or {"score": None, "passRate": None}
        more = {"run": run.shown(), "results": run.rows, "summary": run.summary}
        data = {"status": run.status, **outcome, **more}
        return Answer.of(200, {"success": True, "data": data})

    def finish_run(self, call: Call) -> Answer:
        run = self._run(call)
        asked = call.json("finishRun")
        if run.status in _FINISHED:
            raise Refused(409, "conflict", f"Eval run is {run.status} already")
        run.status = asked["status"]
        run.summary = dict(asked["summary"])
        return Answer.of(200, {"success": True, "data": run.shown()})

    def add_results(self, call: Call) -> Answer:
        run = self._run(call)
        key = call.received.headers.get("idempotency-key", "")
        if not key:
            raise Refused(400, "validation_error", "Idempotency-Key is missing")
        known = next((batch for batch in run.batches if batch.key == key), None)
        if known is None:
            rows = call.json("addResults", self.dialect)["results"]
            run.store(Batch(key, call.received.body, rows), self.dialect)
        elif known.body == call.received.body:
            known.replays += 1
        else:
            message = "Idempotency-Key was used with another body"
            raise Refused(422, "idempotency_conflict", message)
        return Answer.of(200, {"success": True})

    def _run(self, call: Call) -> Run:
        run = self.runs.get(call.args[0])
        if run is None:
            raise Refused(404, "not_found", "Eval run not found")
        return run


class _AgentService:
    def __init__(self, agent_id: str) -> None:
        self.agents = {agent_id: {"id": agent_id, "name": "stand-in"}}
        self.prompts: list[dict[str, Any]] = []
        self.results: dict[int, list[dict[str, Any]]] = {}
        self._owners: dict[int, str] = {}
        self._last_stamp = datetime.now(timezone.utc)

    def create_agent(self, call: Call) -> Answer:
        agent = {"id": str(uuid.uuid4()), **call.json("createAgent")}
        self.agents[agent["id"]] = agent
        return Answer.of(201, agent)

    def list_agents(self, call: Call) -> Answer:
        query = parse_qs(call.received.path.partition("?")[2])
        every = query.get("label", ["eval"]) == ["eval"]
        return Answer.of(200, list(self.agents.values()) if every else [])

    def create_prompts(self, call: Call) -> Answer:
        agent_id = self._agent(call)
        asked = call.json("createPrompts")["prompts"]
        added = [
            self.add_prompt(agent_id, one["prompt"], one["expectedAnswer"])
            for one in asked
        ]
        # Backwards, because the order is not promised.
        return Answer.of(201, added[::-1])

    def add_prompt(self, agent_id: str, prompt: str, expected: str) -> dict[str, Any]:
        added: dict[str, Any] = {
            "id": len(self.prompts) + 1,
            "prompt": prompt,
            "expectedAnswer": expected,
            "testAnswer": None,
            **self._stamps(),
        }
        self.prompts.append(added)
        self._owners[added["id"]] = agent_id
        return added

    def list_prompts(self, call: Call) -> Answer:
        agent_id = self._agent(call)
        mine = [one for one in self.prompts if self._owners[one["id"]] == agent_id]
        return Answer.of(200, mine)

    def list_results(self, call: Call) -> Answer:
        agent_id = self._agent(call)
        results = [one for stored in self.results.values() for one in stored]
        mine = [one for one in results if one["agentId"] == agent_id]
        # Newest first, so that a client can't take the last for the latest.
        return Answer.of(200, sorted(mine, key=lambda one: -int(one["id"])))

    def add_result(self, call: Call) -> Answer:
        agent_id = self._agent(call)
        prompt_id = int(call.args[1]) if re.fullmatch("[0-9]{1,9}", call.args[1]) else 0
        if self._owners.get(prompt_id) != agent_id:
            raise Refused(404, "not_found", "Prompt not found")
        ids = {"agentId": agent_id, "promptId": prompt_id, "sessionId": None}
        blank = {"expectedAnswer": None, "hallucinationLabel": None}
        asked = call.json("addResult")
        number = sum(map(len, self.results.values())) + 1
        result = {"id": number, **ids, **blank, **asked, **self._stamps()}
        self.results.setdefault(prompt_id, []).append(result)
        return Answer.of(200, result)

    def reset_results(self, call: Call) -> Answer:
        raise Refused(500, "never", "The reset route is never to be called")

    def _agent(self, call: Call) -> str:
        if call.args[0] not in self.agents:
            raise Refused(404, "not_found", "Agent not found")
        return call.args[0]

    def _stamps(self) -> dict[str, str]:
        """Stamp what is stored; later is greater, however fast it went."""
        least = self._last_stamp + timedelta(microseconds=1)
        self._last_stamp = max(datetime.now(timezone.utc), least)
        stamp = self._last_stamp.isoformat(timespec="microseconds")
        return {"created_at": stamp, "updated_at": stamp}


# Faults


class Fault(Protocol):
    """A way to treat one request, planned by a test."""

    def play(self, exchange: Exchange) -> None:
        """Answer, or fail to."""


@dataclass(frozen=True)
class Status:
    """Answer with this status and store nothing; the default body is a failure."""

    code: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def play(self, exchange: Exchange) -> None:
        if self.body is None:
            refused = Refused(self.code, "planned", "Planned fault", self.headers)
            exchange.send(refused.answer(exchange.received))
        else:
            exchange.send(Answer.of(self.code, self.body, self.headers))


@dataclass(frozen=True)
class Reply:
    """Answer with these very bytes and store nothing."""

    code: int
    raw_body: bytes = b""
    content_type: str = "application/json"

    def play(self, exchange: Exchange) -> None:
        headers = {"Content-Type": self.content_type}
        exchange.send(Answer(self.code, self.raw_body, headers))


@dataclass(frozen=True)
class Redirect:
    """Send the client elsewhere."""

    location: str
    code: int = 308

    def play(self, exchange: Exchange) -> None:
        exchange.send(Answer(self.code, headers={"Location": self.location}))


@dataclass(frozen=True)
class Reset:
    """Break the connection: before storing, in the middle of the answer, or after."""

    when: Literal["before", "middle", "after"] = "before"

    def play(self, exchange: Exchange) -> None:
        if self.when == "middle":
            wire = b"".join(exchange.wire(exchange.answer()))
            exchange.write(wire[: len(wire) // 2])
        elif self.when == "after":
            exchange.answer()
        exchange.reset()


@dataclass(frozen=True)
class Hang:
    """Never answer: for these seconds, or until the stand-in closes."""

    seconds: float | None = None
    store: bool = False

    def play(self, exchange: Exchange) -> None:
        if self.store:
            exchange.answer()
        exchange.wait(self.seconds)
        exchange.reset()


@dataclass(frozen=True)
class Slow:
    """Wait before storing and answering."""

    seconds: float

    def play(self, exchange: Exchange) -> None:
        if exchange.wait(self.seconds):
            exchange.reset()
        else:
            exchange.send(exchange.answer())


@dataclass(frozen=True)
class Drip:
    """Store, then answer a byte at a time, from the first header or from the body."""

    interval: float = 0.05
    where: Literal["headers", "body"] = "body"

    def play(self, exchange: Exchange) -> None:
        answer = exchange.answer()
        exchange.received.status = answer.status
        head, body = exchange.wire(answer)
        if self.where == "body":
            exchange.write(head)
        slowly = body if self.where == "body" else head + body
        for value in slowly:
            exchange.write(bytes([value]))
            if exchange.wait(self.interval):
                exchange.reset()
                return


@dataclass
class _Plan:
    faults: deque[Fault | None]
    method: str | None
    path_contains: str

    def covers(self, received: Received) -> bool:
        fits = self.method in (None, received.method)
        return bool(self.faults) and fits and self.path_contains in received.path


# The server


class Exchange:
    """One request with the connection that it came on: what a fault plays with."""

    def __init__(self, handler: _Handler, received: Received) -> None:
        self._handler = handler
        self.received = received

    def answer(self) -> Answer:
        """Do what is asked, and give the answer that is due."""
        return self._handler.server.standin._answer(self.received)

    def wire(self, answer: Answer) -> tuple[bytes, bytes]:
        """Give the head and the body of an answer as bytes."""
        more = {"X-Request-Id": self.received.request_id}
        if self._handler.close_connection:
            more["Connection"] = "close"
        body = b"" if self.received.method == "HEAD" else answer.body
        return answer.head(more), body

    def send(self, answer: Answer) -> None:
        """Answer in one write."""
        self.received.status = answer.status
        self.write(b"".join(self.wire(answer)))

    def write(self, data: bytes) -> None:
        """Put bytes on the wire at once."""
        self._handler.wfile.write(data)

    def wait(self, seconds: float | None) -> bool:
        """Wait, and tell whether the stand-in is closing."""
        return self._handler.server.closing.wait(seconds)

    def reset(self) -> None:
        """Close the connection with an RST."""
        connection = self._handler.connection
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._handler.close_connection = True
        # The socket closes for real only when no file made of it is open.
        self._handler.rfile.close()
        connection.close()


def _length(headers: Mapping[str, str]) -> int | None:
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not re.fullmatch("[0-9]{1,12}", length):
        return None
    return int(length)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._read_body(headers)
        standin = self.server.standin
        received = standin._log(self.command, self.path, headers, body)
        exchange = Exchange(self, received)
        fault = standin._take_fault(received)
        if fault is None:
            exchange.send(exchange.answer())
        else:
            fault.play(exchange)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve
    do_OPTIONS = do_TRACE = do_QUERY = _serve

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        length = _length(headers)
        if length is None:
            self.close_connection = True
            return b""
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client left in the middle of its body")
        return body

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent: the stand-in keeps its own log."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, port: int, standin: StandIn) -> None:
        self.standin = standin
        self.closing = threading.Event()
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", port), _Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    def server_bind(self) -> None:
        # HTTPServer's own looks the host's name up, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            daemon=True,
        )
        self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        super().process_request_thread(request, client_address)
        self._open.pop(threading.current_thread())

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Let go of everything that hangs or idles, and wait for it."""
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        for thread, connection in list(self._open.items()):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)


def _path_args(template: str, path: str) -> list[str] | None:
    """Give the arguments in a path, or None when the path is another."""
    found = re.fullmatch(template.replace("{}", "([^/]+)"), path)
    return [unquote(part) for part in found.groups()] if found else None


@dataclass(frozen=True)
class _Route:
    method: str
    path: str
    handle: Callable[[Call], Answer]


def _routes(evals: _EvalGuard, agents: _AgentService) -> list[_Route]:
    runs, every = "/api/v1/evals", "/api/agents"
    prompts, results = f"{every}/{{}}/test-prompts", f"{every}/{{}}/test-results"
    return [
        _Route("POST", runs, evals.create_run),
        _Route("GET", f"{runs}/{{}}", evals.get_run),
        _Route("PATCH", f"{runs}/{{}}", evals.finish_run),
        _Route("POST", f"{runs}/{{}}/results", evals.add_results),
        _Route("POST", every, agents.create_agent),
        _Route("GET", every, agents.list_agents),
        _Route("GET", prompts, agents.list_prompts),
        _Route("POST", prompts, agents.create_prompts),
        _Route("GET", results, agents.list_results),
        _Route("DELETE", results, agents.reset_results),
        _Route("POST", f"{results}/reset", agents.reset_results),
        _Route("POST", f"{results}/{{}}", agents.add_result),
    ]


class StandIn:
    """Both services on one loopback port, while it is entered.

    :param schema: False trusts the rows that are sent: for measuring time.
    :param port: 0 takes a free one.
    """

    def __init__(
        self,
        key: str = "eg_standin_key",
        agent_key: str = "agent_standin_key",
        schema: bool = True,
        port: int = 0,
    ) -> None:
        self.key = key
        self.agent_key = agent_key
        self.schema = schema
        self.url = ""
        self.requests: list[Received] = []
        self._port = port
        self._plans: list[_Plan] = []
        self._lock = threading.RLock()
        self._evals = _EvalGuard(PROJECT_ID)
        self._agents = _AgentService(AGENT_ID)
        self._routes = _routes(self._evals, self._agents)
        self.project_id = PROJECT_ID
        self.agent_id = AGENT_ID
        self.limit: int | None = None  # bytes of a body, above it: 413
        self.runs = self._evals.runs
        self.prompts = self._agents.prompts
        self.results = self._agents.results

    def __enter__(self) -> StandIn:
        self._server = _Server(self._port, self)
        # Entered again, it is back at the same address.
        self._port = self._server.server_port
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()

    @property
    def dialect(self) -> Dialect:
        """The only shape of rows that is taken."""
        return self._evals.dialect

    @dialect.setter
    def dialect(self, dialect: Dialect) -> None:
        self._evals.dialect = dialect

    @property
    def environment(self) -> dict[str, str]:
        """The settings that point the plugin here."""
        return {
            "EVALGUARD_BASE_URL": self.url,
            "EVALGUARD_API_KEY": self.key,
            "EVALGUARD_PROJECT_ID": self.project_id,
            "EVALGUARD_AGENT_URL": self.url,
            "EVALGUARD_AGENT_API_KEY": self.agent_key,
        }

    def add_run(self, run_id: str | None = None, status: str = "running") -> str:
        """Make a run that exists, and give its id."""
        run = Run(run_id or str(uuid.uuid4()), status=status)
        with self._lock:
            self.runs[run.id] = run
        return run.id

    def add_prompt(self, prompt: str, expected: str = "") -> int:
        """Make a prompt of the agent that exists, and give its id."""
        with self._lock:
            added = self._agents.add_prompt(self.agent_id, prompt, expected)
        prompt_id: int = added["id"]
        return prompt_id

    def plan(
        self,
        *faults: Fault | None,
        method: str | None = "POST",
        path_contains: str = "/results",
    ) -> None:
        """Treat the next requests that fit like this, one fault each.

        :param faults: None answers as usual.
        :param method: None fits every method.
        """
        with self._lock:
            self._plans.append(_Plan(deque(faults), method, path_contains))

    def forget_faults(self) -> None:
        """From now on, answer as usual."""
        with self._lock:
            self._plans.clear()

    @property
    def pending_faults(self) -> list[Fault]:
        """The planned faults that no request has met yet."""
        with self._lock:
            return [fault for plan in self._plans for fault in plan.faults if fault]

    @property
    def posts(self) -> list[Received]:
        """The requests that sent rows to a run, whatever they were answered."""
        return self._sent("POST", "/api/v1/evals/{}/results")

    @property
    def agent_posts(self) -> list[Received]:
        """The requests that sent an agent's result, whatever they were answered."""
        sent = self._sent("POST", "/api/agents/{}/test-results/{}")
        return [one for one in sent if not one.clean_path.endswith("/reset")]

    @property
    def resets(self) -> list[Received]:
        """The calls of the agent service's reset routes, which nobody should make."""
        posted = self._sent("POST", "/api/agents/{}/test-results/reset")
        return posted + self._sent("DELETE", "/api/agents/{}/test-results")

    def _sent(self, method: str, path: str) -> list[Received]:
        with self._lock:
            log = list(self.requests)
        return [
            one
            for one in log
            if one.method == method and _path_args(path, one.clean_path) is not None
        ]

    def _log(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Received:
        with self._lock:
            request_id = f"req_{len(self.requests) + 1:06d}"
            received = Received(method, path, headers, body, request_id)
            self.requests.append(received)
        return received

    def _take_fault(self, received: Received) -> Fault | None:
        with self._lock:
            plan = next((plan for plan in self._plans if plan.covers(received)), None)
            return plan.faults.popleft() if plan else None

    def _answer(self, received: Received) -> Answer:
        try:
            with self._lock:
                return self._dispatch(received)
        except Refused as refused:
            return refused.answer(received)

    def _dispatch(self, received: Received) -> Answer:
        path = received.clean_path
        if _length(received.headers) is None:
            raise Refused(411, "length_required", "Content-Length is missing")
        if not f"{path}/".startswith("/api/"):
            return Answer(404, _NO_PAGE, {"Content-Type": "text/html"})
        if received.path.partition("?")[0] != path:
            return Answer(308, headers={"Location": self._without_slash(received)})
        self._authorise(received)
        if self.limit is not None and len(received.body) > self.limit:
            message = f"The body is larger than {self.limit} bytes"
            raise Refused(413, "payload_too_large", message)
        call, handle = self._find(received)
        return handle(call)

    def _without_slash(self, received: Received) -> str:
        _, mark, query = received.path.partition("?")
        return f"{self.url}{received.clean_path}{mark}{query}"

    def _authorise(self, received: Received) -> None:
        if received.for_agents:
            known = received.headers.get("x-api-key") == self.agent_key
        else:
            known = received.headers.get("authorization") == f"Bearer {self.key}"
        if not known:
            raise Refused(401, "unauthorized", "Invalid API key")

    def _find(self, received: Received) -> tuple[Call, Callable[[Call], Answer]]:
        path = received.clean_path
        found = {
            route.method: (Call(received, args, self.schema), route.handle)
            for route in reversed(self._routes)
            if (args := _path_args(route.path, path)) is not None
        }
        if not found:
            raise Refused(404, "not_found", f"No such route: {path}")
        if received.method not in found:
            allow = {"Allow": ", ".join(sorted(found))}
            message = f"{received.method} is not allowed here"
            raise Refused(405, "method_not_allowed", message, allow)
        return found[received.method]


# The command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="standin.py",
        usage="%(prog)s [options] [-- command ...]",
        description="Run a command with the plugin's settings pointed at a stand-in of "
        "both services, and show what arrived. Without a command: serve until Ctrl-C.",
        epilog="example: python tests/support/standin.py -- pytest --evalguard-run=new",
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--dialect", choices=sorted(_BATCHES), default="documented")
    return parser


def _run(command: Sequence[str], standin: StandIn) -> int:
    # The command gets Ctrl-C too, and ends by itself.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        environment = {**os.environ, **standin.environment}
        code = subprocess.run(command, env=environment, check=False).returncode
    except OSError as exc:
        print(f"standin.py: {exc}", file=sys.stderr)
        return 127
    return code if code >= 0 else 128 - code


def _serve(standin: StandIn) -> int:
    for name, value in standin.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f"# the agent's id is {standin.agent_id}; Ctrl-C ends", flush=True)
    # A shell's background job inherits an ignored Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    return 0


def _report(standin: StandIn) -> Iterator[str]:
    for run in standin.runs.values():
        yield from _report_run(run)
    for prompt_id, results in standin.results.items():
        yield f"prompt {prompt_id}: {', '.join(one['status'] for one in results)}"
    for one in standin.requests:
        if one.status is None or one.status >= 400:
            yield f"{one.method} {one.path}: answered {one.status or 'nothing'}"
    if not standin.requests:
        yield "nothing arrived"


def _report_run(run: Run) -> Iterator[str]:
    many = len(run.batches)
    for number, batch in enumerate(run.batches, 1):
        count = "1 batch" if many == 1 else f"batch {number} of {many}"
        stored = f"{count}, {len(batch.rows)} results, key {batch.key}"
        yield f"run {run.id}: {stored}, status {run.status}"
    if run.rows:
        yield json.dumps(run.rows[0], indent=2)
    else:
        yield f"run {run.id}: no results, status {run.status}"


def main(argv: Sequence[str]) -> int:
    """Run the command after `--` against a stand-in, or serve."""
    cut = argv.index("--") if "--" in argv else len(argv)
    options = _parser().parse_args(argv[:cut])
    command = argv[cut + 1 :]
    if not all(map(find_spec, ("jsonschema", "yaml"))):
        _parser().error(
            "it needs jsonschema and pyyaml: install them, and run it again"
        )
    with StandIn(port=options.port) as standin:
        standin.dialect = options.dialect
        status = _run(command, standin) if command else _serve(standin)
        for line in _report(standin):
            print(line)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
