"""Cases as rows of a table, for spreadsheets and data frames: CSV and JSON Lines.

The columns are known before the first row is written, so that the cases are gone
through twice and none is kept.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..model.case import Attempt, Case
from ..model.figures import exact_mean

_TEXTS = ("name", "input", "expected", "actual", "reason", "ambiguous", "trace_id")
_NUMBERS = ("prompt_tokens", "completion_tokens", "cost_usd", "threshold", "prompt_id")
_ORIGIN = ("carried", "shard")
_NAMED = ("scores", "metrics", "params", "metadata")
_PREFIXES = {"scores": "score", "metrics": "metric", "params": "param"}
_OF_ONE_TRIAL = ("latency_ms", "actual", "reason", "trace_id")
_OF_ALL_TRIALS = ("prompt_tokens", "completion_tokens", "cost_usd", "ambiguous")

# https://owasp.org/www-community/attacks/CSV_Injection, and the null character of ASVS
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001 # full-width ones, too

Row = Mapping[str, Any]


class Table:
    """Cases as rows with the same columns, one for each case or for each trial.

    :param cases: returns the cases; it is called once for the columns, once for rows.
    :param by_trial: whether each trial has a row; a case without trials has one.
    """

    def __init__(
        self, cases: Callable[[], Iterable[Case]], *, by_trial: bool = False
    ) -> None:
        self._cases = cases
        self._by_trial = by_trial
        self.size = 0

    def csv_lines(self) -> Iterator[str]:
        """Yield lines of CSV, the first with the columns' names.

        Texts that a spreadsheet would run as a formula begin with an apostrophe.
        """
        columns = self._columns()
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)  # which quotes what is in its line ends only
        writer.writerow(columns)
        for row in self._rows():
            yield _taken(buffer)
            writer.writerow([_cell(row.get(name)) for name in columns])
        yield _taken(buffer)

    def json_lines(self) -> Iterator[str]:
        """Yield lines of JSON, an object each with all columns."""
        columns = self._columns()
        for row in self._rows():
            yield f"{_json({name: row.get(name) for name in columns})}\n"

    def _columns(self) -> list[str]:
        found: dict[str, set[str]] = {name: set() for name in _NAMED}
        for case in self._cases():
            for name, columns in found.items():
                columns.update(getattr(case, name))
            for trial in case.trials if self._by_trial else ():
                found["scores"].update(trial.scores or ())
        first = ["nodeid", *(["trial"] if self._by_trial else [])]
        named = [_column(kind, n) for kind in _NAMED for n in sorted(found[kind])]
        return [*first, *_FIXED, *named]

    def _rows(self) -> Iterator[Row]:
        self.size = 0
        for case in self._cases():
            for row in _trial_rows(case) if self._by_trial else [_row(case)]:
                self.size += 1
                yield row


_FIXED = (
    *("outcome", "passed", "score", "latency_ms"),
    *_TEXTS,
    *_NUMBERS,
    *("tags", "trials", "trials_passed", "require", "flaky"),
    *_ORIGIN,
)


def _row(case: Case) -> dict[str, Any]:
    fields = (*_TEXTS, *_NUMBERS, *_ORIGIN, "nodeid", "outcome", "require")
    row = {name: getattr(case, name) for name in fields}
    row.update(
        passed=case.passed if case.has_row else None,
        score=case.overall_score if case.has_row else None,
        latency_ms=case.latency_ms if case.has_row else None,
        tags=", ".join(case.tags),
        trials=len(case.trials) or None,
        trials_passed=case.trials_passed if case.trials else None,
        flaky=case.flaky,
    )
    for kind in _NAMED:
        for name, value in getattr(case, kind).items():
            row[_column(kind, name)] = value.score if kind == "scores" else value
    return row


def _trial_rows(case: Case) -> Iterator[dict[str, Any]]:
    """Yield a row for each trial; what is known of all of them only is left out."""
    row = _row(case)
    if not case.trials:
        yield {**row, "trial": 1}
        return
    shared = {
        name: value
        for name, value in row.items()
        if name not in _OF_ALL_TRIALS and not name.startswith(("score.", "metric."))
    }
    for number, trial in enumerate(case.trials, 1):
        yield {**shared, "trial": number, **_of_trial(trial)}


def _of_trial(trial: Attempt) -> dict[str, Any]:
    scores, score = trial.scores or {}, trial.score
    if score is None and scores:
        score = exact_mean(list(scores.values()))
    as_case = Case("", trial.outcome, score=score)
    return {
        "outcome": trial.outcome,
        "passed": as_case.passed if as_case.has_row else None,
        "score": as_case.overall_score if as_case.has_row else None,
        **{name: getattr(trial, name) for name in _OF_ONE_TRIAL},
        **{_column("scores", name): value for name, value in scores.items()},
    }


def _column(kind: str, name: str) -> str:
    return f"{_PREFIXES.get(kind, kind)}.{name}"


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue().removesuffix("\r\n") + "\n"
    buffer.seek(0)
    buffer.truncate()
    return text


def _cell(value: object) -> object:
    """Return what stands in a cell: a number as it is, any other thing as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return value
    text = value if isinstance(value, str) else _json(value)
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return text.replace("\0", "\ufffd")  # a reader of CSV may stop at it


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if "NaN" in text or "Infinity" in text:  # JSON has no such numbers
        text = json.dumps(json.loads(text, parse_constant=str), ensure_ascii=False)
    return text
