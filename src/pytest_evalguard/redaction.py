"""Secrets replaced by ``[REDACTED]`` before anything leaves the process.

The shapes are those that vendors publish for their keys; the words are the field names
under which secrets travel. Every pattern starts at a literal that `str.find` can look
for, so that text without one costs a few microseconds, and none can backtrack.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable

from .case import Attempt
from .case import Case
from .case import ScorerResult
from .values import Json

REDACTED = "[REDACTED]"

SHORTEST_KEY = 8
"""Shorter values of a live key are no key, and stand in too many other words."""

_SHAPES = re.compile(
    r"""
      (?<![A-Za-z0-9_-])(?:                 # a key starts where a word starts
          eg_[A-Za-z0-9_-]{8,}
        | sk-[A-Za-z0-9_-]{16,}             # OpenAI, Anthropic (sk-ant-), OpenRouter
        | [sr]k_(?:live|test)_[A-Za-z0-9]{8,}
        | xox[a-z]-[A-Za-z0-9-]{8,}
        | gh[pousr]_[A-Za-z0-9]{16,}
        | github_pat_[A-Za-z0-9_]{16,}
        | glpat-[A-Za-z0-9_-]{16,}
        | hf_[A-Za-z0-9]{16,}
        | npm_[A-Za-z0-9]{16,}
        | (?:AKIA|ASIA)[A-Z0-9]{12,}
        | AIza[A-Za-z0-9_-]{20,}
        | ya29\.[A-Za-z0-9._-]{16,}
        | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?
      )
    | -----BEGIN\ [A-Z ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----
      (?:[^-]|-(?!----)){0,20000}           # the body ends before five dashes
      (?:-----END\ [A-Z ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----)?
    """,
    re.VERBOSE,
)
_BEARER = re.compile(
    r"(?<![A-Za-z0-9])((?i:bearer)\s{1,4})"
    r"(?=[A-Za-z._~+/-]{0,200}(?:[0-9]|[a-z][A-Z]))([A-Za-z0-9._~+/=-]{8,})"
)
_BASIC = re.compile(r"(?<![A-Za-z0-9])((?i:basic)\s{1,4})([A-Za-z0-9+/]{6,}={0,2})")
_AUTHORIZATION = re.compile(
    r"(?i)(?<![a-z0-9])(authorization\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?"
    r"(?:[a-z]{2,20}\s{1,4})?)([a-z0-9._~+/=-]{6,})"
)
_USERINFO = re.compile(r"(?<=://)([^\s/:@\"'<>]{0,200}):([^\s/@\"'<>]{1,500})@")
_WORDS = (
    r"(?:(?:[a-z0-9]{1,40}[_-]){0,4}"
    r"(?:api[_ -]?key|secret(?:[_ -]?(?:access[_ -]?)?key)?|passw(?:or)?d|passphrase"
    r"|authorization|(?:access|auth|refresh|session|id|bearer)[_ -]?token"
    r"|private[_ -]?key|client[_ -]?secret|(?:set-)?cookie))"
)
_NAME = re.compile(_WORDS, re.IGNORECASE)
_QUOTED = re.compile(
    rf"""(?<![A-Za-z0-9])({_WORDS}\\?["']\s{{0,4}}[:=]\s{{0,4}}\\?["'])"""
    r"""((?:[^"'\\]|\\[^"'])+)""",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    rf"""(?<![A-Za-z0-9_-])({_WORDS}=)([^\s"'&;,<>\\]{{4,}})""", re.IGNORECASE
)

_LITERALS = (
    *("eg_", "sk-", "k_live_", "k_test_", "xox", "gh", "glpat-", "hf_", "npm_"),
    *("AKIA", "ASIA", "AIza", "ya29.", "eyJ", "-----BEGIN"),
)
_WORD_STEMS = (
    "key",
    "secret",
    "passw",
    "passphrase",
    "authorization",
    "token",
    "cookie",
)


class Redactor:
    """Replaces secrets in text.

    :param keys: live keys; their literal values are replaced, whatever their shape.
    :param shapes: whether known shapes and names of secrets are replaced as well.
    """

    def __init__(self, keys: Iterable[str] = (), *, shapes: bool = True) -> None:
        self._keys = sorted(filter(_is_key, set(keys)), key=len, reverse=True)
        self._shapes = shapes

    def __call__(self, text: str) -> str:
        for key in self._keys:
            if key in text:
                text = text.replace(key, REDACTED)
        return _redact_shapes(text) if self._shapes else text

    def data(self, value: Json) -> Json:
        """Return JSON data redacted: its strings, and all under a secret's name."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.data(element) for element in value]
        if isinstance(value, dict):
            return {self(key): self.field(key, each) for key, each in value.items()}
        return value

    def field(self, key: str, value: Json) -> Json:
        """Return data redacted, all of it when `key` is the name of a secret."""
        if self._shapes and isinstance(value, str) and _NAME.fullmatch(key):
            return REDACTED
        return self.data(value)


def _is_key(text: str) -> bool:
    return len(text) >= SHORTEST_KEY


def _redact_shapes(text: str) -> str:
    folded = text.lower()
    if any(literal in text for literal in _LITERALS):
        text = _SHAPES.sub(REDACTED, text)
    if "authorization" in folded:
        text = _AUTHORIZATION.sub(_keep_name, text)
    if "bearer" in folded:
        text = _BEARER.sub(_keep_name, text)
    if "basic" in folded:
        text = _BASIC.sub(_redact_credentials, text)
    if "://" in text and "@" in text:
        text = _USERINFO.sub(f"{REDACTED}@", text)
    if any(stem in folded for stem in _WORD_STEMS):
        text = _QUOTED.sub(_keep_name, text)
        text = _ASSIGNED.sub(_keep_name, text)
    return text


def _redact_credentials(match: re.Match[str]) -> str:
    """Redact what RFC 7617 calls credentials: base64 of ``user:password``."""
    try:
        decoded = binascii.a2b_base64(match[2] + "==")
    except binascii.Error:
        return match[0]
    return match[1] + REDACTED if b":" in decoded else match[0]


def _keep_name(match: re.Match[str]) -> str:
    return match[0] if match[2].startswith(REDACTED) else match[1] + REDACTED


_TEXTS = (
    *("nodeid", "input", "expected", "actual", "reason", "name"),
    *("ambiguous", "hallucination_label"),
)


def redact_case(case: Case, redact: Redactor) -> None:
    """Replace the secrets in everything that a case holds."""
    texts = {name: text for name in _TEXTS if (text := getattr(case, name))}
    joined = "\0".join(texts.values())
    if redact(joined) != joined:
        for name, text in texts.items():
            setattr(case, name, redact(text))
    if case.tags:
        case.tags = [redact(tag) for tag in case.tags]
    explained: list[ScorerResult | Attempt] = [*case.scores.values(), *case.attempts]
    for each in explained:
        if each.reason:
            each.reason = redact(each.reason)
    if case.scores:
        case.scores = {redact(name): each for name, each in case.scores.items()}
    case.metadata = {redact(k): redact.field(k, v) for k, v in case.metadata.items()}
    case.findings = [redact.data(finding) for finding in case.findings]
