"""Where a session and its results are: how places are called, and what became there."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from ..delivery.outbox import Sent
from ..model.text import counted, printable
from ..storage.target import Target
from .layout import field, name_list


def header(target: Target, dry_run: bool) -> str:
    """Return the line of pytest's header that says where results will go."""
    line = f"evalguard: results go to {_name(target, target.id)} at {target.url}"
    return f"{line} (dry run: nothing is sent)" if dry_run else line


def sent_lines(sent: Sent, path: Path, link: str | None = None) -> Iterator[str]:
    """Yield the results that were submitted, and those that were not, with why."""
    submission, there = sent.submission, destination(sent)
    if submission.accepted:
        results = f"{counted(submission.accepted, 'result')} to {there}"
        batches = counted(submission.requests, "batch", "batches")
        is_run = sent.target.kind == "run"
        yield f"submitted {results} ({batches})" if is_run else f"submitted {results}"
        if link and is_run and not submission.is_open:
            url = link.replace("{run_id}", str(submission.target_id))
            yield field("", printable(url))
    elif sent.target.finish and submission.is_complete:
        yield f"ended {there}: it has no results"
    yield from left_out_lines(sent)
    yield from unsent_lines(sent, path)


def left_out_lines(sent: Sent) -> Iterator[str]:
    """Yield the cases that a service takes no result of, and why."""
    for each in sent.submission.left_out:
        what = f"{counted(each.count, 'case')} {printable(each.why)}"
        title = f"not for {destination(sent)}: {what}:"
        yield from name_list(title, each.count, each.first)


def dry_run_lines(sent: Sent, path: Path) -> Iterator[str]:
    """Yield what would have been sent, and the command that does it."""
    results = counted(sent.submission.unsent, "result")
    yield f"dry run: {results} for {destination(sent)}, not sent"
    yield from left_out_lines(sent)
    if sent.target.id is not None:
        there = f"submit --{sent.target.kind} {shlex.quote(sent.target.id)}"
        yield f"  send them by: {command(there, path)}"


def unsent_lines(sent: Sent, path: Path) -> Iterator[str]:
    """Yield what must be known of results that were not accepted, and what to do."""
    submission, there = sent.submission, destination(sent)
    why = printable(submission.error or "no reason is known")
    if submission.rejected:
        yield f"rejected: {counted(submission.rejected, 'result')} by {there}: {why}"
        if sent.target.finish:
            yield f"  {there} is left open: pytest-evalguard finish-run ID ends it"
    if submission.unsent:
        yield f"not submitted: {counted(submission.unsent, 'result')} to {there}: {why}"
    elif submission.is_open:
        yield f"not submitted: the end of {there}: {why}"
    if submission.is_open and sent.is_stored:
        yield f"  send them by: {command('submit', path)}"


def destination(sent: Sent) -> str:
    """Return how the run or agent is called that results go to."""
    return _name(sent.target, sent.submission.target_id or sent.target.id)


def display_path(path: Path) -> str:
    """Return a path as a user in the working directory would write it."""
    try:
        is_below = path.is_relative_to(Path.cwd())
        return printable(os.path.relpath(path) if is_below else str(path))
    except OSError:  # the working directory is gone
        return printable(str(path))


def command(name: str, path: Path) -> str:
    """Return a command of the console script on a session, fit to be pasted."""
    return f"pytest-evalguard {name} {shlex.quote(display_path(path))}"


def _name(target: Target, identity: str | None) -> str:
    if identity is None:
        return f"a new {target.kind}"
    return f"{target.kind} {printable(identity)}"
