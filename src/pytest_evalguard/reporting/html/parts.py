"""Parts of the page that need no JavaScript, its data, and text made fit for HTML."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from tempfile import TemporaryFile
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...model.case import Case
from ...model.outcome import OUTCOMES, Outcome
from ...model.text import counted
from ..tables import cell_text

if TYPE_CHECKING:
    from ...model.figures import Table
    from ...storage.session import Gate


def definitions(pairs: Iterable[tuple[str, str]], form: Callable[[str], str]) -> str:
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
        f"<p>{with_lead(gate.figure)}, wanted {escaped(gate.limit)}</p></li>"
    )


_MOST_OPEN = 12


def figure_tables(tables: Sequence[Table], name: str = "tables") -> str:
    """Return tables of figures: those of a session's own, or those by group.

    They are folded where they would push the cases far down.
    """
    is_open = sum(len(each.rows) + 1 for each in tables) <= _MOST_OPEN
    found = "".join(_figure_table(each, is_open) for each in tables)
    return f'<div class="summary {name}">{found}</div>' if found else ""


def _figure_table(table: Table, is_open: bool) -> str:
    head = "".join(map(_head, table.columns))
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    name, state = escaped(table.name), " open" if is_open else ""
    rows = counted(len(table.rows), "row")
    return (
        f'<details class="table"{state}><summary><h2>{name}</h2> {rows}</summary>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        "</details>"
    )


def _head(name: str) -> str:
    return f'<th scope="col">{escaped(name)}</th>' if name else "<td></td>"


def _cell(cell: object) -> str:
    return f"<td>{escaped(cell_text(cell))}</td>"


def since_baseline(
    origin: str, sentences: Iterable[str], absent: Mapping[str, Sequence[str]]
) -> str:
    """Return what changed, and the node ids of the cases that are not listed below.

    :param absent: those by what became of them.
    """
    items = "".join(f"<li>{escaped(each)}</li>" for each in sentences)
    lists = "".join(_absent(what, names) for what, names in absent.items() if names)
    return (
        f'<section class="since"><h2>Since {escaped(origin)}</h2><ul>{items}</ul>'
        f"{lists}</section>"
    )


def _absent(what: str, names: Sequence[str]) -> str:
    items = "".join(f"<li>{escaped(each)}</li>" for each in names)
    summary = f"<summary>{counted(len(names), 'case')} {escaped(what)}</summary>"
    return f'<details>{summary}<ul class="scroll">{items}</ul></details>'


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


def with_lead(figure: str) -> str:
    """Return a figure in which the number that it begins with stands out."""
    lead = _LEAD.match(figure)
    if lead is None:
        return escaped(figure)
    return f"<b>{lead[0]}</b>{escaped(figure[lead.end() :])}"


# The cases as data, in blocks of JSON that end no script

_BLOCK = 500
"""Cases in a block of data: a browser bounds how long one text can be."""

_OPENING = '<script type="application/json" class="cases">\n'
CLOSING = "</script>\n"


class CaseData:
    """Cases as data of the page, in a temporary file: read once, written often.

    `counts` are those of the outcomes.
    """

    def __init__(self) -> None:
        self.counts: Counter[Outcome] = Counter()
        self._file = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 # see __del__

    def __del__(self) -> None:
        # a file that closes by itself warns of it
        if file := getattr(self, "_file", None):
            file.close()

    @classmethod
    def of(cls, cases: Iterable[Case]) -> CaseData:
        """Return the data of `cases`.

        :raises OSError: there is no room for it.
        """
        data = cls()
        for _ in data.keep(cases):
            pass
        return data

    def keep(self, cases: Iterable[Case]) -> Iterator[Case]:
        """Yield cases on, and keep the data of each."""
        for case in cases:
            self.counts[case.outcome] += 1
            self._file.write(_line(case))
            yield case

    def blocks(self) -> Iterator[str]:
        """Yield the data in blocks, each an element of the page."""
        self._file.seek(0)
        yield _OPENING
        for index, line in enumerate(self._file):
            if index and index % _BLOCK == 0:
                yield CLOSING + _OPENING
            yield line
        yield CLOSING


def _line(case: Case) -> str:
    line = case.to_line()
    if _INEXACT.search(line):
        line = json.dumps(json.loads(line, parse_constant=str, parse_int=_exact))
    return harmless(line)


def harmless(line: str) -> str:
    """Return a line of JSON that ends no script: no "</script>", no "<!--"."""
    return line.replace("<", "\\u003c") + "\n"


_INEXACT = re.compile("NaN|Infinity|[0-9]{16}")
"""What may be a number that JavaScript can't read, or not exactly."""


def _exact(digits: str) -> int | str:
    return int(digits) if len(digits) < 16 else digits
