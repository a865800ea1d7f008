"""`EvalCase`, what the `eval_case` fixture hands to a test: it records one case."""

from __future__ import annotations

import threading
import time
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import module_from_spec
from typing import TYPE_CHECKING, Any

from ..model.case import ScorerResult
from ..model.figures import reaches
from ..model.scorer_results import UNSET, NamedScore, kept_raw, read_scores
from ..model.scorers import (
    checked_count,
    checked_metric,
    checked_name,
    checked_named_score,
    checked_number,
    checked_score,
    checked_trace_id,
)
from ..model.values import as_data, as_text
from .metadata import Metadata
from .outcome import reason_text

if TYPE_CHECKING:
    import pytest
    from typing_extensions import Unpack

    from .subcases import Keywords, Subcase

PASSING_SCORE = 0.5
"""From here a named score counts as passed when its scorer did not say."""


class EvalCase:
    """Records one test as an eval case. Every attribute may be set more than once.

    Values are turned into text when they are set: later changes to a recorded object
    do not show. What was set can be read back as it was.
    """

    __slots__ = (
        *("_clean", "_fields", "_item", "_lock", "_marked", "_measured"),
        *("_measured_to", "_measuring", "_metadata", "_nodeid", "_open", "_values"),
    )

    # bound to the class, and from a module of its own: what freezes time for a test
    # rebinds it in all modules that are loaded, and may have done so before this one
    _clock: Callable[[], float] = staticmethod(
        module_from_spec(time.__spec__).perf_counter
    )

    def __init__(
        self,
        nodeid: str,
        clean: Callable[[str], str] = str,
        marked: Mapping[str, object] | None = None,
        item: pytest.Item | None = None,
    ) -> None:
        self._nodeid = nodeid
        self._item = item
        self._marked = marked or {}
        self._clean = clean
        self._lock = threading.Lock()
        self._open = True
        self._values: dict[str, object] = {}
        self._fields: dict[str, Any] = {}  # as those of a `Case`
        self._metadata: Metadata | None = None
        self._measured: float | None = None
        self._measured_to = 0.0
        self._measuring = 0

    def __repr__(self) -> str:
        return f"<EvalCase {self._nodeid}>"

    @property
    def input(self) -> Any:
        """What the thing under test was given; any value, that of the mark at first."""
        return self._read("input")

    @input.setter
    def input(self, value: object) -> None:
        self._set_text("input", value)

    @property
    def expected(self) -> Any:
        """The answer that was wanted; any value, that of the mark at first."""
        return self._read("expected")

    @expected.setter
    def expected(self, value: object) -> None:
        self._set_text("expected", value)

    @property
    def actual(self) -> Any:
        """The answer that came; any value."""
        return self._values.get("actual")

    @actual.setter
    def actual(self, value: object) -> None:
        self._set_text("actual", value)

    @property
    def hallucination_label(self) -> str | None:
        """The label that an agent-evaluation service shows, as ``FactIsPresent``."""
        return self._fields.get("hallucination_label")

    @hallucination_label.setter
    def hallucination_label(self, value: str | None) -> None:
        self._set_optional("hallucination_label", value)

    @property
    def trace_id(self) -> str | None:
        """The id of the trace of the call under test; an int is written in hex.

        :raises TypeError: the value is no text, no int and no UUID.
        :raises ValueError: it is blank, too long or has control characters.
        """
        return self._fields.get("trace_id")

    @trace_id.setter
    def trace_id(self, value: object) -> None:
        self._set_optional("trace_id", checked_trace_id(value))

    @property
    def score(self) -> float | None:
        """The overall score, 0..1; a bool counts as 1 or 0.

        :raises TypeError: the value is no number.
        :raises ValueError: the value is not finite or not within 0..1.
        """
        return self._fields.get("score")

    @score.setter
    def score(self, value: object) -> None:
        self._set("score", checked_score(value))

    @property
    def latency_ms(self) -> float | None:
        """How long the thing under test took, in milliseconds.

        What is set here wins over what `measure` timed.
        """
        return self._fields.get("latency_ms", self._measured)

    @latency_ms.setter
    def latency_ms(self, value: object) -> None:
        self._set("latency_ms", checked_number(value, "latency_ms"))

    @property
    def cost_usd(self) -> float:
        """What the calls under test cost, in US dollars; 0 where it was not recorded.

        So that ``eval_case.cost_usd += 0.01`` adds to it from the first call on.
        """
        cost: float = self._fields.get("cost_usd", 0.0)
        return cost

    @cost_usd.setter
    def cost_usd(self, value: object) -> None:
        self._set("cost_usd", checked_number(value, "cost_usd"))

    @property
    def metadata(self) -> UserDict[str, object]:
        """Facts about the case, as ``eval_case.metadata["model"] = "..."``."""
        if self._metadata is None:
            self._metadata = Metadata(self._clean, self._require_open)
        return self._metadata

    @metadata.setter
    def metadata(self, values: Mapping[str, object]) -> None:
        self._metadata = Metadata(self._clean, self._require_open, values)

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Time the call under test; several uses add up.

        What several of them time at once, in tasks or threads, counts once.
        """
        with self._lock:
            if self._measuring == 0:
                self._measured_to = self._clock()
            self._measuring += 1
        try:
            yield
        finally:
            with self._lock:
                now = self._clock()
                elapsed = (now - self._measured_to) * 1000
                self._measured_to = now
                self._measuring -= 1
                self._require_open()
                self._measured = (self._measured or 0.0) + elapsed

    def add_score(
        self,
        name: object,
        score: object = UNSET,
        *,
        passed: bool | None = None,
        reason: object = None,
        scale: tuple[float, float] | None = None,
        values: Mapping[Any, float] | None = None,
    ) -> None:
        """Record a named score, a scorer library's own result, or a list of those.

        A score whose scorer did not say whether it passed, passes from 0.5.

        :param scale: the worst and the best number where that is not 0 and 1.
        :param values: what each label counts as, where the score is a label.
        :raises ScorerError: a result has no score, as its scorer failed.
        :raises TypeError: there is no name, or the score is no number.
        :raises ValueError: the score is out of bounds, or the name is not free.
        """
        is_plain = passed is None and scale is None and values is None
        if is_plain and type(score) is float:
            self._add_number(name, score, reason)  # as nearly all are
            return
        given = read_scores(name, score, scale, values)
        said = None if reason is None else reason_text(reason, self._clean)
        results = {
            as_text(each.name): self._scorer_result(each, passed, said)
            for each in given
        }
        self._part("scores", {}).update(results)

    def _add_number(self, name: object, score: float, reason: object) -> None:
        known = checked_name(name)
        score = checked_named_score(score, known)
        said = None if reason is None else reason_text(reason, self._clean)
        result = ScorerResult(score, reaches(score, PASSING_SCORE), said)
        self._part("scores", {})[as_text(known)] = result

    def _scorer_result(
        self, given: NamedScore, passed: bool | None, reason: str | None
    ) -> ScorerResult:
        passed = given.passed if passed is None else passed
        if passed is None:
            passed = reaches(given.score, PASSING_SCORE)
        if reason is None and given.reason is not None:
            reason = reason_text(given.reason, self._clean)
        raw = None if given.raw is None else kept_raw(given.raw, self._clean)
        return ScorerResult(given.score, bool(passed), reason, raw)

    def add_metric(self, name: str, value: object) -> None:
        """Record a number that is no score, as how many tools were called.

        It is no verdict; of several by one name the last one counts.

        :raises TypeError: the name is no string, or the value no number.
        :raises ValueError: the value is not finite, or the name is not free.
        """
        known = checked_name(name, "a metric")
        number = checked_metric(value, f"the metric {known!r}")
        self._part("metrics", {})[as_text(known)] = number

    def add_tokens(
        self, response: object = None, *, prompt: int = 0, completion: int = 0
    ) -> None:
        """Add to the token counts, by number or from a response that has a usage.

        :raises TypeError: a count is no whole number, or the response has no usage.
        :raises ValueError: a count is negative.
        """
        prompt = checked_count(prompt, "prompt")
        completion = checked_count(completion, "completion")
        if response is not None:
            from ..model.usage import read_usage

            reported = read_usage(response)
            prompt, completion = prompt + reported[0], completion + reported[1]
        self._require_open()
        fields = self._fields
        with self._lock:
            fields["prompt_tokens"] = fields.get("prompt_tokens", 0) + prompt
            fields["completion_tokens"] = (
                fields.get("completion_tokens", 0) + completion
            )

    def mark_ambiguous(self, reason: object = "") -> None:
        """Say that no verdict was possible, for instance because judges disagree.

        The reason may be the exception that a judge ended by.
        """
        self._set("ambiguous", reason_text(reason, self._clean))

    def add_finding(self, finding: object) -> None:
        """Add a hallucination finding, for an agent-evaluation service."""
        data = as_data(finding, self._clean)
        self._part("findings", []).append(data)

    def record(
        self,
        *,
        input: object = UNSET,
        expected: object = UNSET,
        actual: object = UNSET,
        score: object = UNSET,
        latency_ms: object = UNSET,
        cost_usd: object = UNSET,
        trace_id: object = UNSET,
        tokens: object = UNSET,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Set several attributes at once; `metadata` is merged, `tokens` are added.

        `tokens` is a mapping with ``prompt`` and ``completion``, or a response.
        """
        given = {
            "input": input,
            "expected": expected,
            "actual": actual,
            "score": score,
            "latency_ms": latency_ms,
            "cost_usd": cost_usd,
            "trace_id": trace_id,
        }
        for name, value in given.items():
            if value is not UNSET:
                setattr(self, name, value)
        if isinstance(tokens, Mapping) and tokens.keys() <= {"prompt", "completion"}:
            self.add_tokens(**tokens)
        elif tokens is not UNSET:
            self.add_tokens(tokens)
        if metadata is not None:
            self.metadata.update(metadata)

    def subcase(self, name: str, **given: Unpack[Keywords]) -> Subcase:
        """Record what a block does as a case of its own, with the recorder it is given.

        What leaves the block decides its outcome, and is caught; the test fails at its
        end when a sub-case did not pass. Any number may run in tasks and threads.

        :raises TypeError: the name is no string, or a keyword is not known or wrong.
        :raises ValueError: the name is blank, or was there before in this test.
        :raises RuntimeError: the test has ended, or has trials.
        """
        from .subcases import subcase  # most tests have none

        self._require_open()
        return subcase(self, self._item, name, given)

    def _read(self, name: str) -> Any:
        return self._values.get(name, self._marked.get(name))

    def _set_text(self, name: str, value: object) -> None:
        self._set(name, as_text(value, self._clean))
        self._values[name] = value

    def _set_optional(self, name: str, value: str | None) -> None:
        if value is None:
            self._fields.pop(name, None)
        else:
            self._set_text(name, value)

    def _set(self, name: str, value: object) -> None:
        self._require_open()
        self._fields[name] = value

    def _part(self, name: str, empty: Any) -> Any:
        """Return the dict or list that is recorded under a name, to be added to."""
        self._require_open()
        return self._fields.setdefault(name, empty)

    def _require_open(self) -> None:
        if not self._open:
            raise ended_error(self)


def ended_error(case: EvalCase) -> RuntimeError:
    """Return what is raised where something is recorded too late."""
    return RuntimeError(
        f"the test {case._nodeid} has finished: its eval_case can't record any"
        " more. Join threads and await tasks before the test ends"
    )
