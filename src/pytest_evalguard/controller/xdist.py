"""Sessions that pytest-xdist distributes: what is said and carried between processes.

Cases travel on test reports. Which tests are cases is known in the workers only; they
say it over an execnet channel that the controller opens for each of them, and over that
goes what no report carries: sub-cases, which begin and end while their test runs, and
what was spent.

Execnet takes exact built-in types only, and fails on a few of their values: on text
that UTF-8 has no bytes for, on whole numbers below -2**31 or of thousands of digits,
on deep nesting. A report with one of them ends the worker's session.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property, partial
from os import getpid
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

import pytest

from ..config.resolution import WORKER_INPUT, settings_for_workers
from ..config.settings import Settings
from ..delivery.agent.prompts import Prompt, PromptIds
from ..model.case import Case, EndedTest
from ..model.redaction import Redactor
from ..model.values import as_data, as_text, clean_text
from ..recording.collection import indices_of
from ..recording.outcome import will_rerun
from ..recording.run import LINE
from ..recording.selection import Earlier, Selection
from ..storage.journal import WORKER_PREFIX, Journal, append_from_child
from .reporter import Reporter

# What can be carried of a report, and what becomes of the rest

_PACKED = "evalguard_report"
_FORMAT = 2  # of marshal: another Python may read it
_LEAST_INT = -(2**31)  # execnet packs what is below its largest int into four bytes
_MOST_INT = 2**10_000  # about 3,000 digits: Python converts 4,300 at the least
_DEEPEST = 50
_MOST_VALUES = 100_000
_LONGREPR_DEPTH = 9  # of pytest's own dicts and lists around the lines of a traceback
_OTHER_DEPTH = 2
# by exact type: a subclass of str in an exception (pytest-dev/pytest-xdist#1157) and
# an enum of a subtest (pytest-dev/pytest-xdist#1273) each ended a session
_SIMPLE = frozenset({bool, float, bytes, type(None)})
_CONTAINERS = frozenset({list, tuple, set, frozenset})


def make_portable(data: dict[str, Any]) -> None:
    """Change what pytest-xdist can't carry of a report's data into what it can.

    Text keeps its characters, lone surrogates escaped; other values become what they
    are in a recorded case. What can be carried stays as it is.
    """
    for name, value in data.items():
        kind = type(value)  # most are the simplest, and there are three reports a test
        if kind in _SIMPLE or (kind is str and value.isascii()):
            continue
        if (kind is not list or value) and not is_portable(value):
            depth = _LONGREPR_DEPTH if name == "longrepr" else _OTHER_DEPTH
            data[name] = _portable(value, depth)
    for owner in (data, data.get("longrepr")):
        if type(owner) is dict and owner.get("sections"):
            owner["sections"] = _as_texts(owner["sections"])


def pack(data: dict[str, Any]) -> None:
    """Make one text of a report's data, as execnet takes long over many values."""
    make_portable(data)
    # `json` would make lists of tuples; a text, as plugins write reports as JSON
    packed = marshal.dumps(data, _FORMAT).decode("latin-1")
    data.clear()
    data[_PACKED] = packed


def unpack(data: dict[str, Any]) -> None:
    """Restore the data of a report that `pack` was called on."""
    packed = data.pop(_PACKED, None)
    if packed is not None:
        # it is from one of our workers, whose code is the user's as ours is
        data.update(marshal.loads(packed.encode("latin-1")))  # noqa: S302


class Unpacking:
    """Plugin that restores the reports which `pack` was called on."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_from_serializable(
        self, data: dict[str, Any]
    ) -> Generator[None, object, object]:
        """Restore the data of a report before others look at it, wrappers, too."""
        unpack(data)
        return (yield)


def is_portable(value: object) -> bool:
    """Whether pytest-xdist can carry a value."""
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for each in level:
            kind = type(each)
            if kind is str:
                # a lone surrogate was an INTERNALERROR (pytest-dev/pytest-xdist#843)
                if not each.isascii() and each is not clean_text(each):
                    return False
            elif kind is int:
                if each < _LEAST_INT or each >= _MOST_INT:
                    return False
            elif kind is dict:
                inner += each
                inner += each.values()
            elif kind in _CONTAINERS:
                inner += each
            elif kind not in _SIMPLE:
                return False
        if not inner:
            return True
        if len(inner) > _MOST_VALUES:
            return False
        level = inner
    return False


def _portable(value: Any, depth: int) -> Any:
    """Return a value with all that can't be carried of it replaced.

    :param depth: to which level lists, tuples and dicts stay what they are.
    """
    if is_portable(value):
        return value
    kind = type(value)
    if issubclass(kind, str):
        return clean_text(value)
    if depth and (kind is list or kind is tuple):
        return kind(_portable(each, depth - 1) for each in value)
    if depth and kind is dict:
        return {
            key if is_portable(key) else as_text(key): _portable(each, depth - 1)
            for key, each in value.items()
        }
    return json.loads(json.dumps(as_data(value)), parse_int=_int_or_text)


def _int_or_text(digits: str) -> int | str:
    number = int(digits)
    return number if is_portable(number) else digits


def _as_texts(sections: Iterable[Any]) -> list[Any]:
    """Return sections as pytest shows them: of text only."""
    return [
        tuple(each if type(each) is str else str(as_data(each)) for each in section)
        if type(section) in (list, tuple)
        else section
        for section in sections
    ]


# What the controller and its workers say

_SECONDS_FOR_SELECTION = 10  # it was sent before what called us


class Controller(Unpacking):
    """Hands the workers what they need, and their cases to the reporter."""

    def __init__(self, reporter: Reporter, settings: Settings) -> None:
        self._reporter = reporter
        self._settings = settings
        self._channels: dict[Any, Any] = {}
        self._names: dict[str, dict[str, list[str]]] = {}
        self._keys = Redactor(settings.keys, shapes=False)
        self._is_spent = self._is_shown = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the session is, and open a channel for its answer."""
        channel = node.gateway.newchannel()
        self._channels[node] = channel
        is_each = node.config.getoption("dist") == "each"
        node.workerinput[WORKER_INPUT] = {
            "session": self._reporter.session_path,
            "settings": settings_for_workers(self._settings),
            "suffix": f" @{node.gateway.id}" if is_each else "",
            "prompts": _to_json(self._reporter.prompts),
            "earlier": self._earlier,
            "is_spent": self._is_spent,
            "channel": channel,
        }

    @cached_property
    def _earlier(self) -> str | None:
        earlier = self._reporter.earlier
        return None if earlier is None else earlier.to_text()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """Learn which of a worker's tests are cases."""
        channel = self._channels.get(node)
        if channel is None:
            return
        said = json.loads(self._receive(channel, node))
        names = {int(index): name for index, name in said["names"].items()}
        named = self._names[node.gateway.id] = {}
        for index, name in names.items():
            named.setdefault(ids[index], []).append(name)
        if said["with_trials"]:
            from ..recording.trials import show_letters

            show_letters(node.config)
        cases = [names.get(each, ids[each]) for each in _expand(said["cases"])]
        self._show_deselected(node.config, said["carried"])
        self._reporter.select(
            Selection(
                cases,
                said["problems"],
                said["carried"],
                said["changed_files"],
                said["has_errors"],
            )
        )
        channel.setcallback(partial(self._take, node.gateway.id))

    def _show_deselected(self, config: pytest.Config, names: list[str]) -> None:
        """Count in pytest's own summary what the workers have deselected."""
        terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None and not self._is_shown:
            self._is_shown = True
            # plugins expect what items have: an id, and attributes to look for
            left_out = [SimpleNamespace(nodeid=name) for name in names]
            terminal.stats.setdefault("deselected", []).extend(left_out)

    def _take(self, worker: str, sent: str | float) -> None:
        """Take a case, or how much was spent, from a worker.

        Called from a thread that receives what a worker sends.
        """
        if isinstance(sent, str):
            self._reporter.add_line(self._keys(sent))
        else:
            self._add_spending(worker, sent)

    def _add_spending(self, worker: str, spent: float) -> None:
        """Stop all workers when they have spent the budget together."""
        if self._reporter.add_spending(spent, worker) and not self._is_spent:
            self._is_spent = True
            for channel in list(self._channels.values()):
                with suppress(OSError):  # it has ended
                    channel.send(True)

    def _receive(self, channel: Any, node: Any) -> str:
        try:
            text: str = channel.receive(_SECONDS_FOR_SELECTION)
        except (channel.TimeoutError, channel.RemoteError, EOFError) as error:
            raise pytest.UsageError(
                f"the worker {node.gateway.id} did not say which tests are eval cases:"
                " pytest-evalguard must be installed and active where it runs"
            ) from error
        return text

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the case off a report, or make one for a test whose worker died."""
        line = report.__dict__.pop(LINE, None)
        if line is not None:
            self._reporter.add_line(self._keys(line))
        elif report.when == "???":  # type: ignore[comparison-overlap] # xdist's own word
            self._add_crashed(report)

    def _add_crashed(self, report: pytest.TestReport) -> None:
        node: Any = getattr(report, "node", None)
        names = self._names.get(node.gateway.id, {}) if node is not None else {}
        candidates = [report.nodeid, *names.get(report.nodeid, ())]
        reason = " ".join(str(report.longrepr).split())
        self._reporter.add_crashed(candidates, reason, is_last=not will_rerun(report))


class Worker(Unpacking):
    """Says which tests are cases, and puts each finished case on its report."""

    def __init__(self, config: pytest.Config, redact: Redactor) -> None:
        given: dict[str, Any] = config.workerinput  # type: ignore[attr-defined] # xdist's
        self._input = given.get(WORKER_INPUT, {})
        self._redact = redact
        self._process = getpid()
        self._writing = Lock()
        self._journal: Journal | None = None
        if self._input:
            directory = Path(self._input["session"])
            file = directory / f"{WORKER_PREFIX}{given['workerid']}.jsonl"
            self._journal = Journal(file)

    @property
    def prompts(self) -> PromptIds | None:
        """The prompts that the controller knows, where results are sent to an agent."""
        text = self._input.get("prompts")
        if text is None:
            return None
        return PromptIds(Prompt(**each) for each in json.loads(text))

    @cached_property
    def earlier(self) -> Earlier | None:
        """What the controller knows of the session that is resumed, if one is."""
        text = self._input.get("earlier")
        return None if text is None else Earlier.from_text(text)

    @property
    def suffix(self) -> str:
        """What is appended to each identity."""
        return str(self._input.get("suffix", ""))

    def announce(
        self,
        items: list[pytest.Item],
        cases: list[pytest.Item],
        selection: Selection | None,
    ) -> None:
        """Tell the controller which tests are cases, and what stops the session."""
        selection = selection or Selection()
        is_stopped = bool(selection.problems)
        indices = [] if is_stopped else indices_of(cases, items)
        pairs = zip(indices, selection.names, strict=True)
        said = {
            **vars(selection),
            "cases": _ranges(indices),
            "names": {i: name for i, name in pairs if name != items[i].nodeid},
        }
        if "channel" in self._input:
            self._input["channel"].send(json.dumps(said))

    def add_spending(self, spent: float) -> None:
        """Tell the controller what this process has spent."""
        with suppress(OSError):  # it has died
            self._input["channel"].send(spent)

    def listen(self, stop: Callable[[], object]) -> None:
        """Have it called when all processes together have spent the budget."""
        if self._input["is_spent"]:
            stop()
        self._input["channel"].setcallback(lambda _: stop())

    @property
    def make_portable(self) -> Callable[[dict[str, Any]], None]:
        """Changes the data of a report into what can be carried to the controller."""
        return pack if self._input else make_portable

    def publish(
        self, case: Case | EndedTest, line: str, report: pytest.TestReport | None
    ) -> None:
        """Keep a finished case on disk if this process can, and put it on its report.

        The file is for a controller that dies before it has read the report. A case
        that no report is for is sent at once.
        """
        is_child = getpid() != self._process  # of a test that forked
        if is_child and isinstance(case, Case) and case.test is not None:
            with suppress(OSError):
                append_from_child(Path(self._input["session"]), line)
            return
        if self._journal is not None:
            # another machine has no such directory; sub-cases may end in threads
            with suppress(OSError), self._writing:
                self._journal.append(line)
        if report is not None:
            setattr(report, LINE, line)
        elif "channel" in self._input and not is_child:
            with suppress(OSError):  # the controller has died
                self._input["channel"].send(line)


def _to_json(prompts: PromptIds | None) -> str | None:
    if prompts is None:
        return None
    return json.dumps([asdict(each) for each in prompts.prompts])


def _ranges(indices: list[int]) -> list[list[int]]:
    """Return ascending numbers as [first, last] pairs."""
    ranges: list[list[int]] = []
    for index in indices:
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ranges


def _expand(ranges: list[list[int]]) -> list[int]:
    return [each for first, last in ranges for each in range(first, last + 1)]
