"""A stored session is held against gates."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..analysis.baseline import LAST, Baseline, load_baseline, session_baseline
from ..analysis.comparison import Comparison, compare, write_comparison
from ..analysis.gates import check_gates, gated_groups
from ..analysis.totals import Totals
from ..config.checks import Given
from ..config.settings import Setting, Settings
from ..errors import ConfigurationError, SessionError
from ..model.text import counted, display_path
from ..reporting.terminal import comparison_lines, gate_annotations, gate_lines
from ..storage.session import (
    Gate,
    PassedOver,
    Session,
    SessionState,
    find_out,
    newest_first,
)
from .console import (
    DONE,
    REFUSED,
    judging_settings,
    say_error,
    say_lines,
    say_note,
    say_passed_over,
    session_named,
)


def judge(options: Namespace) -> int:
    """Hold a session against gates, and keep with it what came out."""
    settings = _settings(options)
    out = find_out(options.out)
    session = session_named(options.dir, out)
    comparison = _compared(session, settings, out)
    cases = session.cases()
    totals = Totals.of(cases, groups=gated_groups(settings))
    metrics = session.state.metrics
    gates = tuple(check_gates(settings, totals, comparison, metrics=metrics))
    if comparison is not None:
        say_lines(comparison_lines(comparison))
    say_lines((*gate_lines(gates), *gate_annotations(gates, os.environ)))
    _keep(session, gates, comparison)
    doubts = [*_doubts(session, cases.damaged)]
    if doubts:
        say_error(f"not met, whatever the gates say: {'; '.join(doubts)}")
    return DONE if not doubts and all(each.passed for each in gates) else REFUSED


def _settings(options: Namespace) -> Settings:
    """Return the gates that are asked for.

    :raises ConfigurationError: there are none, one is wrong, or one has no baseline.
    """
    values: dict[str, Any] = {}
    for setting in judging_settings():
        given = getattr(options, setting.name)
        if given is not None:
            what = _option(setting)
            values[setting.name] = setting.kind.checked(Given(given, Path()), what)
    settings = Settings(**values)
    if not settings.gates:
        known = ", ".join(_option(each) for each in judging_settings() if each.is_gate)
        raise ConfigurationError(f"no gate was given: pass at least one of {known}")
    if settings.baseline is None:
        _check_needs_no_baseline(settings)
    return settings


def _check_needs_no_baseline(settings: Settings) -> None:
    """Check that no gate says nothing, as those on a comparison do without one."""
    for name, wanted in settings.gates.items():
        one = Settings(**{name: wanted})
        if not [*check_gates(one, Totals(groups=gated_groups(one)), None)]:
            raise ConfigurationError(
                f"--{name.replace('_', '-')} needs a baseline: pass one with --baseline"
            )


def _option(setting: Setting[object]) -> str:
    return f"--{setting.name.replace('_', '-')}"


def _compared(session: Session, settings: Settings, out: Path) -> Comparison | None:
    """Compare a session with the baseline, if there is one."""
    if settings.baseline is None:
        return None
    baseline = _baseline(settings.baseline, session, out)
    if baseline is None or baseline.path is None:
        say_note("there is no earlier session to compare with yet")
        return None
    for doubt in baseline.doubts:
        say_note(f"baseline: {doubt}")
    return compare(baseline.path.name, baseline, session_baseline(session))


def _baseline(name: str, session: Session, out: Path) -> Baseline | None:
    passed_over = PassedOver()
    try:
        if name != LAST:
            return load_baseline(name, out, passed_over)
        return next(_earlier(session, out, passed_over), None)
    finally:
        say_passed_over(passed_over)


def _earlier(
    session: Session, out: Path, passed_over: PassedOver
) -> Iterator[Baseline]:
    """Yield the finished sessions before one; what it was merged from is none."""
    state = session.state
    own = {state.id, *(each.id for each in state.shards)}
    for each in newest_first(out, passed_over):
        with suppress(SessionError):
            other = each.state
            is_own = other.id in own or any(shard.id in own for shard in other.shards)
            is_before = _age(each, other) < _age(session, state)
            if other.status == "finished" and is_before and not is_own:
                yield session_baseline(each)


def _age(session: Session, state: SessionState) -> tuple[datetime, str]:
    # names tell apart what began in the same second
    return state.created_at, session.path.name


def _keep(
    session: Session, gates: tuple[Gate, ...], comparison: Comparison | None
) -> None:
    """Keep the verdict, so that show, html and markdown tell it."""
    try:
        with session.locked() as is_free:
            if not is_free:
                raise SessionError("another process is running or submitting it")
            session.write(replace(session.state, gates=gates))
            if comparison is not None:
                write_comparison(session.path, comparison)
    except (SessionError, OSError) as error:
        say_note(f"the verdict was not kept with the session: {error}")


def _doubts(session: Session, damaged: int) -> Iterator[str]:
    """Yield why the figures do not speak for all that the session selected."""
    state, status = session.state, session.status
    if status != "finished":
        is_running = status == "running"
        yield "the session still runs" if is_running else f"the session was {status}"
    if state.missing:
        yield f"{counted(state.missing, 'selected case')} left no result"
    if damaged:
        yield f"{counted(damaged, 'line')} of its journal can't be read"
    if state.missing or damaged or status != "finished":
        yield f"run the tests of {display_path(session.path)} again to have it judged"
