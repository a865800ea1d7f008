"""Where a session and its results are: how places are called, and what became there."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..config.settings import Settings
from ..delivery.outbox import Sent
from ..delivery.target import Target
from ..model.text import counted, display_path, field, name_list, printable

_UNKNOWN = "no reason is known"
_RESUME = Settings.resume.option.flag
# what passed in the meantime is not even collected with them
_BY_LAST_RUN = frozenset(
    ("--lf", "--last-failed", "--sw", "--stepwise", "--sw-skip", "--stepwise-skip")
)


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
        placeholder = f"{{{_noun(sent.target)}_id}}"
        yield f"submitted {results}{f' ({batches})' if sent.target.is_batched else ''}"
        if link and placeholder in link and not submission.is_open:
            url = link.replace(placeholder, str(submission.target_id))
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
        there = f"submit --{_noun(sent.target)} {shlex.quote(sent.target.id)}"
        yield f"  send them with: {command(there, path)}"


def unsent_lines(sent: Sent, path: Path) -> Iterator[str]:
    """Yield what must be known of results that were not accepted, and what to do."""
    submission, there = sent.submission, destination(sent)
    why = printable(submission.error or _UNKNOWN)
    if submission.unsent:
        yield f"not submitted: {counted(submission.unsent, 'result')} to {there}: {why}"
    elif submission.is_open:
        yield f"not submitted: the final status of {there}: {why}"
    if submission.is_open and sent.is_stored:
        yield f"  send them with: {command('submit', path)}"
    yield from rejected_lines(sent, path)


def rejected_lines(sent: Sent, path: Path) -> Iterator[str]:
    """Yield what a service rejected, why, and what sends it when that is mended."""
    submission, there = sent.submission, destination(sent)
    if not submission.rejected:
        return
    results = counted(submission.rejected, "result")
    why = printable(submission.rejection or submission.error or _UNKNOWN)
    yield f"not submitted: {results} to {there}: rejected: {why}"
    if sent.is_stored:
        again = command("submit --rejected", path)
        yield f"  once that is fixed, send them with: {again}"
    if sent.target.finish:
        yield f"  {there} is still open: pytest-evalguard finish-run ID finishes it"


def destination(sent: Sent) -> str:
    """Return how the run or agent is called that results go to."""
    return _name(sent.target, sent.submission.target_id or sent.target.id)


def command(name: str, path: Path) -> str:
    """Return a command of the console script on a session, fit to be pasted."""
    return f"pytest-evalguard {name} {shlex.quote(display_path(path))}"


def resume_command(path: Path, arguments: Iterable[str] = ()) -> str:
    """Return the command that goes on with a session, fit to be pasted.

    :param arguments: those that pytest was started with.
    """
    option = f"{_RESUME}={display_path(path)}"
    return printable(shlex.join(["pytest", option, *_kept(arguments)]))


def _kept(arguments: Iterable[str]) -> Iterator[str]:
    """Yield arguments but those that would leave out what the session has.

    That is the option that names an earlier session, and its value, and options by
    which pytest takes fewer tests than before.
    """
    is_value = False
    for each in arguments:
        is_resume = each == _RESUME or each.startswith(f"{_RESUME}=")
        if not is_value and not is_resume and each not in _BY_LAST_RUN:
            yield each
        is_value = each == _RESUME


def _name(target: Target, identity: str | None) -> str:
    if identity is None:
        return f"a new {_noun(target)}"
    return f"{_noun(target)} {printable(identity)}"


def _noun(target: Target) -> str:
    return target.info.noun
