"""Charts of the page, as SVG, and the trend as a table, too."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...model.outcome import Outcome
from ...model.text import counted
from .parts import css_class, escaped

_HISTOGRAM, _TALL = 160, 40
_BAR = 1000
_SLIVER = 4


@dataclass(frozen=True)
class TrendPoint:
    """A kept session's figures, 0..1; `created` is UTC, ISO 8601.

    `without_errors` is its pass rate without them, None where it has none.
    """

    name: str
    created: str
    rows: int
    pass_rate: float | None
    score: float | None
    without_errors: float | None = None


def outcome_bar(counts: Mapping[Outcome, int]) -> str:
    """Return one bar in parts, a part for each outcome; the rarest is in sight."""
    total = sum(counts.values())
    shares = {name: max(_SLIVER, _BAR * n / total) for name, n in counts.items()}
    scale = _BAR / sum(shares.values()) if shares else 0
    parts, x = [], 0.0
    for name, share in shares.items():
        width = share * scale
        place = f'x="{x:.1f}" width="{width:.1f}" height="10"'
        parts.append(f'<rect class="{css_class(name)}" {place}/>')
        x += width
    return "".join(parts)


def histograms(scores: Mapping[str, Sequence[int]]) -> str:
    """Return how each score is distributed over the parts of 0..1, as small charts."""
    charts = "".join(_histogram(*each) for each in scores.items())
    if not charts:
        return ""
    section = f'<section class="scores"><h2>Scores</h2>{charts}</section>'
    return f'<div class="summary">{section}</div>'


def _histogram(name: str, counts: Sequence[int]) -> str:
    most, width = max(*counts, 1), _HISTOGRAM / len(counts)
    bars = []
    for index, count in enumerate(counts):
        height = max(_SLIVER / 4 if count else 0, count / most * _TALL)
        low, high = index / len(counts), (index + 1) / len(counts)
        place = f'x="{index * width:.1f}" y="{_TALL - height:.1f}"'
        size = f'width="{width - 1:.1f}" height="{height:.1f}"'
        title = f"{low:.1f} to {high:.1f}: {counted(count, 'case')}"
        bars.append(f"<rect {place} {size}><title>{title}</title></rect>")
    spread = ", ".join(f"{count:,}" for count in counts)
    label = f"{name}, cases by tenths from 0 to 1: {spread}"
    return (
        f"<figure><figcaption>{escaped(name)}</figcaption>"
        f'<svg viewBox="0 0 {_HISTOGRAM} {_TALL + 12}" role="img"'
        f' aria-label="{escaped(label)}">{"".join(bars)}'
        f'<path class="grid" d="M0 {_TALL + 0.5}H{_HISTOGRAM}"/>'
        f"{_text(0, _TALL + 11, 'start', '0')}"
        f"{_text(_HISTOGRAM, _TALL + 11, 'end', '1')}</svg></figure>"
    )


def trend(points: Sequence[TrendPoint]) -> str:
    """Return pass rate and mean score over sessions as charts and as a table."""
    rates = _chart(_Series(_RATE, [each.pass_rate for each in points]), points)
    scores = _chart(_Series("mean score", [each.score for each in points]), points)
    if not rates and not scores:
        return ""
    charts = f"<h2>Trend</h2>{rates}{scores}{_table(points)}"
    return f'<section class="trend">{charts}</section>'


# Charts

_RATE = "pass rate"
_WIDTH, _HEIGHT = 210, 92
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 202, 10, 70


class _Series(NamedTuple):
    """Figures within 0..1, one a session; None where a session has none."""

    name: str
    values: Sequence[float | None]

    @property
    def known(self) -> list[float]:
        return [value for value in self.values if value is not None]

    @property
    def bounds(self) -> tuple[float, float]:
        """The twentieths below and above all values."""
        low = math.floor(round(min(self.known) * 20, 6))
        high = math.ceil(round(max(self.known) * 20, 6))
        if low == high:
            low = max(0, low - 1)
        return low / 20, max(high, low + 1) / 20

    def text(self, value: float | None) -> str:
        form = _percent if self.name == _RATE else _decimal
        return _or_dash(value, form)


class _Dot(NamedTuple):
    x: float
    y: float
    title: str


def _chart(series: _Series, points: Sequence[TrendPoint]) -> str:
    if not series.known:
        return ""
    dots = _dots(series, points)
    parts = (*_axes(series, points), _line(dots), *map(_circle, filter(None, dots)))
    last = series.text(series.values[-1])
    return (
        f"<figure><figcaption>{series.name} <b>{last}</b></figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{_described(series)}">{"".join(parts)}</svg></figure>'
    )


def _described(series: _Series) -> str:
    first, last = series.text(series.known[0]), series.text(series.known[-1])
    over = f"{series.name} over {counted(len(series.values), 'session')}"
    return f"{over}: {last}" if len(series.known) == 1 else f"{over}: {first} to {last}"


def _dots(series: _Series, points: Sequence[TrendPoint]) -> list[_Dot | None]:
    low, high = series.bounds
    dots: list[_Dot | None] = []
    for index, (value, point) in enumerate(zip(series.values, points, strict=True)):
        if value is None:
            dots.append(None)
            continue
        y = _BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP)
        title = f"{point.name}: {series.text(value)}, {counted(point.rows, 'row')}"
        if series.name == _RATE and point.without_errors is not None:
            title += f"; without errors {_percent(point.without_errors)}"
        dots.append(_Dot(_across(index, len(points)), y, title))
    return dots


def _across(index: int, count: int) -> float:
    start = _LEFT + 8
    return start + (_RIGHT - start) * (index / (count - 1) if count > 1 else 0.5)


def _axes(series: _Series, points: Sequence[TrendPoint]) -> Iterator[str]:
    for y, bound in zip((_BOTTOM, _TOP), series.bounds, strict=True):
        yield f'<path class="grid" d="M{_LEFT} {y}H{_WIDTH}"/>'
        yield _text(_LEFT - 6, y + 3.5, "end", series.text(bound))
    first, last = _times(points[0].created, points[-1].created)
    if len(points) == 1:
        yield _text(_across(0, 1), _HEIGHT - 4, "middle", last)
    else:
        yield _text(_LEFT, _HEIGHT - 4, "start", first)
        yield _text(_WIDTH, _HEIGHT - 4, "end", last)


def _times(first: str, last: str) -> tuple[str, str]:
    """Return two times of ISO 8601 as dates, or as times of the day that they share."""
    if first[:10] == last[:10]:
        return first[11:16], last[:16].replace("T", " ")
    return first[:10], last[:10]


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escaped(text)}</text>'


def _line(dots: Sequence[_Dot | None]) -> str:
    """Return a line through the dots, with a gap where there is none."""
    steps, pen = [], "M"
    for dot in dots:
        if dot is not None:
            steps.append(f"{pen}{dot.x:.1f} {dot.y:.1f}")
        pen = "M" if dot is None else "L"
    return f'<path class="line" d="{"".join(steps)}"/>'


def _circle(dot: _Dot) -> str:
    title = f"<title>{escaped(dot.title)}</title>"
    return f'<circle cx="{dot.x:.1f}" cy="{dot.y:.1f}" r="3">{title}</circle>'


# The table

_COLUMNS = ("session", "created", "rows", _RATE, "mean score")


def _table(points: Sequence[TrendPoint]) -> str:
    has_errors = any(each.without_errors is not None for each in points)
    names = (*_COLUMNS, f"{_RATE} without errors") if has_errors else _COLUMNS
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "".join(_row(each, has_errors) for each in points)
    return (
        '<details><summary>As a table</summary><div class="scroll" tabindex="0"'
        ' role="region" aria-label="Trend"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )


def _row(point: TrendPoint, has_errors: bool) -> str:
    cells = [
        escaped(point.created[:10]),
        f"{point.rows:,}",
        _or_dash(point.pass_rate, _percent),
        _or_dash(point.score, _decimal),
    ]
    if has_errors:
        cells.append(_or_dash(point.without_errors, _percent))
    data = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{escaped(point.name)}</th>{data}</tr>'


def _or_dash(value: float | None, form: Callable[[float], str]) -> str:
    return "-" if value is None else form(value)


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _decimal(value: float) -> str:
    return f"{value:.3f}"
