"""The cases as data of the page, in blocks of JSON that end no script."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile

from ...model.case import Case
from ...model.outcome import Outcome

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
