"""Secrets replaced by ``[REDACTED]`` before anything leaves the process.

The shapes are those that vendors publish for their keys; the names are those of fields
under which secrets travel. Every pattern starts at a literal that `str.find` looked for
first, so that text without one costs a microsecond or two, and none backtracks far: the
time is linear in the text, whatever is in it.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote

from .data import Json, unused_key

REDACTED = "[REDACTED]"

SHORTEST_KEY = 8
"""Shorter values of a live key are no key, and stand in too many other words."""


class Redactor:
    """Replaces secrets in text.

    :param keys: live keys; their literal values are replaced, whatever their shape.
    :param shapes: whether known shapes and names of secrets are replaced as well.
    """

    def __init__(self, keys: Iterable[str] = (), *, shapes: bool = True) -> None:
        spellings = {each for key in filter(_is_key, keys) for each in _spellings(key)}
        self._keys = sorted(spellings, key=len, reverse=True)
        self._shapes = shapes

    def __call__(self, text: str) -> str:
        for key in self._keys:
            text = text.replace(key, REDACTED)
        return _redact_names(_redact_shapes(text)) if self._shapes else text

    def data(self, value: Json) -> Json:
        """Return JSON data redacted."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.data(element) for element in value]
        if isinstance(value, dict):
            return self.fields(value)
        return value

    def fields(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Return JSON data redacted, with all that stands under a secret's name."""
        data: dict[str, Json] = {}
        for key, value in values.items():
            is_secret = self._shapes and _NAME.search(key.lower())
            each = _hidden(value) if is_secret else self.data(value)
            data[unused_key(self(key), data)] = each
        return data


def _is_key(text: str) -> bool:
    return len(text) >= SHORTEST_KEY


def _spellings(key: str) -> tuple[str, ...]:
    """Return a key as it may stand in text: as it is, in JSON, in a URL."""
    return key, json.dumps(key)[1:-1], quote(key, safe="")


def _hidden(value: Json) -> Json:
    if isinstance(value, list):
        return [_hidden(element) for element in value]
    if isinstance(value, dict):
        return {key: _hidden(element) for key, element in value.items()}
    return value if value is None or isinstance(value, bool) else REDACTED


# Secrets that are known by their shape


class _Shape(NamedTuple):
    """A pattern, looked for where the needle is; `proof` must be in what it finds.

    A proof within the pattern would be looked for again from each place in a long word.
    """

    needle: str
    pattern: re.Pattern[str]
    proof: re.Pattern[str]

    def hide(self, found: re.Match[str]) -> str:
        return REDACTED if self.proof.search(found[0]) else found[0]


def _shape(needle: str, prefix: str, rest: str, proof: str = "") -> _Shape:
    """Return a shape that starts where a word or a part of one does.

    What stands before is looked at after the prefix, so that the search is for a
    literal. An escape of JSON or of a URL is no part of a word.
    """
    start = (
        rf"(?:(?<![A-Za-z0-9]{prefix})|(?<=\\[bfnrt]{prefix})"
        rf"|(?<=\\u[0-9A-Fa-f]{{4}}{prefix})|(?<=%[0-9A-Fa-f]{{2}}{prefix}))"
    )
    return _Shape(needle, re.compile(f"{prefix}{start}{rest}"), re.compile(proof))


# by a character that each of them has, as a rarer one is looked for in no time
_SHAPES = {
    "A": (
        # an AWS id has 20 characters; longer words in capitals, as a region's, no digit
        _shape(
            "IA", "A[KS]IA", "(?:[A-Z0-9]{16}(?![A-Z0-9])|(?=[A-Z]*[0-9])[A-Z0-9]{12,})"
        ),
        _shape("AIza", "AIza", "[A-Za-z0-9_-]{20,}"),
    ),
    "J": (
        _shape(
            "eyJ",
            "eyJ",
            r"[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3})?",
            r"\.",
        ),
    ),
    "9": (_shape("ya29.", r"ya29\.", "[A-Za-z0-9._-]{16,}"),),
    "_": (
        _shape("eg_", "eg_", "[A-Za-z0-9_-]{8,}"),
        _shape("hf_", "hf_", "[A-Za-z0-9]{16,}"),
        _shape("npm_", "npm_", "[A-Za-z0-9]{16,}"),
        _shape("gh", "gh[pousr]_", "[A-Za-z0-9]{16,}"),
        _shape("github_pat_", "github_pat_", "[A-Za-z0-9_]{16,}"),
        _shape("k_", "[sr]k_(?:live|test)_", "[A-Za-z0-9]{8,}"),
    ),
    "-": (
        # OpenAI, Anthropic (sk-ant-), OpenRouter; the class names of scikit-learn's
        # pages (sk-toggleable__label) have neither a digit nor a capital
        _shape("sk-", "sk-", "[A-Za-z0-9_-]{16,}", "[A-Z0-9]|[a-z]{16}"),
        _shape("xox", "xox[a-z]-", "[A-Za-z0-9-]{8,}", "[0-9]|[A-Za-z]{8}"),
        _shape("glpat-", "glpat-", "[A-Za-z0-9_-]{16,}"),
        _Shape(
            "PRIVATE KEY",
            re.compile(
                r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
                r"(?:[^-]*(?:-(?!----)[^-]*)*-----END [A-Z0-9 ]{0,40}KEY[A-Z ]*-----"
                # or its end is cut off: as long as it looks like a key
                r"|(?=(?:\\{1,31}[nr]|[\"'\s]){0,16}"
                r"(?:[A-Za-z0-9+/]{16}|[A-Za-z-]{3,20}: ))"
                r"(?:[A-Za-z0-9+/=\s:,.\"']|\\.|-(?!----))*)"
            ),
            re.compile(""),
        ),
    ),
}
_USERINFO = re.compile(
    r"://(?![^\s/:@\"'<>]{0,200}:[0-9]{1,5}[?#])"  # a port, and an @ in the query
    r"[^\s/:@\"'<>]{0,200}:[^\s/\"'<>]{1,500}@"
)


def _redact_shapes(text: str) -> str:
    for mark, shapes in _SHAPES.items():
        if mark in text:
            for shape in shapes:
                if shape.needle in text:
                    text = shape.pattern.sub(shape.hide, text)
    if "@" in text and "://" in text:
        text = _USERINFO.sub(f"://{REDACTED}@", text)
    return text


# Secrets that are known by their name


def _after(words: str, stem: str) -> str:
    """Return the pattern of `stem` where one of `words` stands before it."""
    before = [f"(?<={each}{stem})|(?<={each}[_ -]{stem})" for each in words.split()]
    return f"{stem}(?:{'|'.join(before)})"


_WORD_START = r"(?:(?<![a-z])|(?<=\\[nrt]))"
_WORDS = {
    "key": _after("api secret access private account signing", "key"),
    "token": _after(rf"access auth refresh session bearer {_WORD_START}id", "token"),
    "secret": "secret",
    "pass": "pass(?:word|wd|phrase)",
    "authorization": "authorization",
    "cookie": "cookie",
}
_ASSIGNS = (
    r"(?P<quoted>\\{0,31}[\"']\]?)?[ \t]{0,16}(?P<sign>=>|:=|[:=])"
    r"[ \t]{0,16}(?P<open>\\{0,31}[\"'])?"
)
# these are for text in lower case: with re.IGNORECASE there is no literal to look for
_NAME = re.compile(rf"(?:{'|'.join(_WORDS.values())})\Z")
_NAMED = tuple((word, re.compile(each + _ASSIGNS)) for word, each in _WORDS.items())
# what is passed over may end with the next of its kind
_BEARER = re.compile(r"bearer[ \t]{1,4}(?=([a-z0-9._~+/=-]{8,}))")
_BASIC = re.compile(r"basic[ \t]{1,4}(?=([a-z0-9+/]{6,}={0,2}))")


def _redact_names(text: str) -> str:
    folded = _folded(text)
    spans: list[_Span] = []
    if ":" in text or "=" in text:
        for word, pattern in _NAMED:
            if word in folded:
                spans += _assigned(pattern, text, folded)
    if "bearer" in folded:
        spans += _credentials(_BEARER, _is_token, text, folded)
    if "basic" in folded:
        spans += _credentials(_BASIC, _is_userinfo, text, folded)
    return _without(spans, text) if spans else text


_Span = tuple[int, int]


def _folded(text: str) -> str:
    """Return text in lower case, as long as before: one letter would become two."""
    return text.lower() if text.isascii() else text.replace("\u0130", "i").lower()


def _without(spans: list[_Span], text: str) -> str:
    parts: list[str] = []
    place = 0
    for start, end in sorted(spans):
        if start >= place:
            parts += (text[place:start], REDACTED)
        place = max(place, end)
    return "".join((*parts, text[place:]))


def _credentials(
    pattern: re.Pattern[str], is_secret: Callable[[str], bool], text: str, folded: str
) -> Iterator[_Span]:
    for found in pattern.finditer(folded):
        start, end = found.span(1)
        if is_secret(text[start:end]):
            yield start, end


def _is_token(value: str) -> bool:
    """Whether what follows "bearer" is more than the next word of a sentence."""
    is_long = len(value) >= (20 if _HUMP.search(value) else 32)
    return is_long or _DIGIT.search(value) is not None


def _is_userinfo(value: str) -> bool:
    """Whether it is what RFC 7617 sends: base64 of ``user:password``."""
    try:
        decoded = binascii.a2b_base64(f"{value}==").decode()
    except ValueError:
        return False
    return ":" in decoded and decoded.isprintable()


_HUMP = re.compile("[a-z][A-Z]")
_DIGIT = re.compile("[0-9]")


def _assigned(pattern: re.Pattern[str], text: str, folded: str) -> Iterator[_Span]:
    place = 0
    while found := pattern.search(folded, place):
        start, end, is_secret = (_quoted if found["open"] else _bare)(text, found)
        if is_secret:
            yield start, end
        # what is passed over may hold a secret; a long word is not looked at twice
        is_over = is_secret or (not found["open"] and end - found.end() > 200)
        place = end if is_over else found.end()


_STOPS = {mark: re.compile(rf"(?<!\\)(\\*)([{mark}\n])") for mark in "\"'"}


def _quoted(text: str, found: re.Match[str]) -> tuple[int, int, bool]:
    start = found.end()
    end = _closing(text, start, found["open"])
    value = text[start:end]
    if found["quoted"]:
        return start, end, not _PLACEHOLDER.fullmatch(value)
    # prose has a colon before a quotation
    is_prose = found["sign"] == ":" and " " in value
    is_secret = len(value) >= 4 and not is_prose
    return start, end, is_secret and not _PLACEHOLDER.fullmatch(value)


def _closing(text: str, start: int, opened: str) -> int:
    """Return where a quoted value ends: at its closing quote, or with the line.

    In JSON within JSON the quotes have 1, 3 or 7 backslashes, and those of the value's
    own more than that.
    """
    depth = len(opened) - 1
    for stop in _STOPS[opened[-1]].finditer(text, start):
        more = len(stop[1]) - depth
        if stop[2] == "\n" or more <= 0 or more % (2 * depth + 2) == 0:
            return stop.start(2) - min(depth, len(stop[1]))
    return len(text)


_RUN = re.compile(r"[^\s\"'&;,<>\\]{4,}")
_WORD = re.compile(r"[^\s\"'<>{}()\[\],;\\]{4,}")
_COOKIES = re.compile(r"[^\s=;\"'\\]{1,100}=[^\r\n\"'\\]*")
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|api-?key|digest|negotiate)[ \t]{1,4}")
_LINE_END = re.compile(r"[,;]?[ \t]*(?:[\r\n]|\\{1,31}[nr]|\\{0,31}[\"']|\Z)")
_PLACEHOLDER = re.compile(
    r"\$\{?[A-Z_]+\}?|\$?\{+[\w. ]*\}+|<[^<>]*>|\*+|"
    r"(?i:none|null|true|false|undefined|string)"
)
_CODE = re.compile(
    r"(?:self|cls|os|settings|config|cfg|args|options|env|process)\.|[A-Za-z_.]+[(\[]"
)


def _bare(text: str, found: re.Match[str]) -> tuple[int, int, bool]:
    """Tell the value of a setting or a header from code and prose."""
    start = found.end()
    if found[0].startswith("authorization"):
        return _header(text, start)
    is_cookie = found[0].startswith("cookie") and found["sign"] == ":"
    if is_cookie and (value := _COOKIES.match(text, start)):
        return start, value.end(), True
    is_tight = found["sign"] == "=" and not found[0].endswith((" ", "\t", " ="))
    value = (_RUN if is_tight else _WORD).match(text, start)
    if value is None:
        return start, start, False
    if is_tight:
        return start, value.end(), not _is_code(value[0])
    is_alone = found["quoted"] or _LINE_END.match(text, value.end())
    return start, value.end(), bool(is_alone and _DIGIT.search(value[0]))


def _header(text: str, start: int) -> tuple[int, int, bool]:
    scheme = _SCHEME.match(text, start)
    start = scheme.end() if scheme else start
    value = _RUN.match(text, start)
    if value is None:
        return start, start, False
    is_long = len(value[0]) >= 20 or _DIGIT.search(value[0])
    ends = scheme and _LINE_END.match(text, value.end())
    return start, value.end(), bool(is_long or ends)


def _is_code(value: str) -> bool:
    """Whether an assigned value is an expression or another variable, no secret."""
    bare = value.rstrip(")]}.:")
    return bool(
        _CODE.match(value)
        or _PLACEHOLDER.fullmatch(value)
        or _NAME.search(bare.lower())
    )
