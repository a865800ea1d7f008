"""The parts of the page that need no JavaScript, and text made fit for HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...model.outcome import OUTCOMES, Outcome
from ...model.text import counted

if TYPE_CHECKING:
    from ...storage.session import Gate


def terms(pairs: Iterable[tuple[str, str]], form: Callable[[str], str]) -> str:
    """Return labels with their values, each value as `form` makes it."""
    return "".join(
        f"<div><dt>{escaped(label)}</dt><dd>{form(value)}</dd></div>"
        for label, value in pairs
    )


def gate_list(gates: Sequence[Gate]) -> str:
    """Return the gates with their figures."""
    if not gates:
        return ""
    items = "".join(map(_gate, gates))
    return f'<section><h2>Gates</h2><ul class="gates">{items}</ul></section>'


def _gate(gate: Gate) -> str:
    verdict: Outcome = "passed" if gate.passed else "failed"
    return (
        f'<li>{_mark(verdict)}<span><span class="unseen">{verdict}: </span>'
        f"{escaped(gate.name)}</span>"
        f"<span><b>{escaped(gate.figure)}</b> {escaped(gate.limit)}</span></li>"
    )


def gone_list(names: Sequence[str]) -> str:
    """Return the node ids of the cases that only the baseline has."""
    if not names:
        return ""
    are = "is" if len(names) == 1 else "are"
    summary = f"{counted(len(names), 'case')} of the baseline {are} not in this session"
    items = "".join(f"<li>{escaped(each)}</li>" for each in names)
    listed = f'<summary>{summary}</summary><ul class="gone">{items}</ul>'
    return f"<details>{listed}</details>"


def outcome_items(counts: Mapping[Outcome, int]) -> str:
    """Return how many cases had each outcome."""
    return "".join(
        f"<li>{_mark(name)}{name} <b>{count:,}</b></li>"
        for name, count in counts.items()
    )


def _mark(outcome: Outcome) -> str:
    letter = escaped(OUTCOMES[outcome].mark)
    name = css_class(outcome)
    return (
        f'<span class="mark {name}" data-letter="{letter}" aria-hidden="true"></span>'
    )


def css_class(outcome: str) -> str:
    """Return the class that gives an outcome its colour and letter."""
    return outcome.replace(" ", "-")


# Text

# controls, what turns or hides text, halves of characters; elements.js has them too
_HIDDEN = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def escaped(text: str) -> str:
    """Return text for an element or a quoted attribute; what hides is shown."""
    return html.escape(_HIDDEN.sub(_escape, text))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def linked(text: str) -> str:
    """Return text for an element, as a link where it is an https URL."""
    if not _is_https(text):
        return escaped(text)
    return f'<a href="{escaped(text)}" rel="noopener noreferrer">{escaped(text)}</a>'


def _is_https(text: str) -> bool:
    if _HIDDEN.search(text) or " " in text:
        return False
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return url.scheme == "https" and bool(url.netloc)


_LEAD = re.compile(r"\$?[0-9][0-9.,]*%?(?= |$)")


def led(figure: str) -> str:
    """Return a figure in which the number that it begins with stands out."""
    lead = _LEAD.match(figure)
    if lead is None:
        return escaped(figure)
    return f"<b>{lead[0]}</b>{escaped(figure[lead.end() :])}"
