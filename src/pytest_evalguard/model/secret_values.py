"""Whether what is assigned to the name of a secret looks like one.

A password may be any word that is no placeholder, state, type or message. A token is no
word, number, name, path or address.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable

from .secret_shapes import is_random
from .text import lazy

IsValue = Callable[[str], bool]

NUMBER = lazy(r"[+-]?[0-9][0-9_,]*(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]+)?%?")
PLACEHOLDER = lazy(
    r"\$[A-Z_][A-Z0-9_]*|\$\{[^{}]*\}|\$\([^()]*\)|\$?\{+[^{}]*\}+|%\(\w+\)s|%s"
    r"|<[^<>]*>|\[[^\[\]]*\]|[*•]+|[.…xX]{3,}|\S{0,20}(?:\.{3}|…|\*{3,})"
    r"|(?:os\.environ|process\.env|env|ENV|secrets)\b[.:/\[(].*|(?:op|vault)://.*"
    r"|(?i:(?:your|insert|replace|change)[_ -][a-z0-9_ -]+)"
)
COOKIES = lazy(r"[^\s=;\"'\\]{1,100}=[^\r\n\"'\\]*")
LEAST = r"(?:\[|[^\s\"',;]{6})"
"""How a token starts, or a list of them; pieces of text are shorter, as a rule."""

_NO_TOKEN = lazy(r"\s|\\[nrtu]|[^\x00-\x7f]")
_LETTER, _DIGIT = lazy("[A-Za-z]"), lazy("[0-9]")
_WORDS = lazy(
    # names as gpt-4o, step-2a, eof12 and llama_70b, and words of any length
    r"[^A-Za-z0-9]*(?:(?:[A-Za-z]+[0-9]{0,4}|[0-9]{1,4}[A-Za-z]{0,2}|[0-9]+)"
    r"(?:[^A-Za-z0-9]+|\Z))+"
)
_URL = lazy("(?:https?|wss?|ftp|file)://")
_PATH = lazy(rf"(?:~|\.\.?)?/|[A-Za-z]:[\\/]|{_URL.pattern}")
_STATES = lazy(
    "(?i:n/?a|none|null|nil|true|false|yes|no|on|off|undefined|unset|unknown|empty"
    "|blank|missing|required|optional|invalid|valid|wrong|correct|incorrect|expired"
    "|hidden|masked|redacted|filtered|(?:un)?changed|(?:too[_ -])?(?:short|long|weak)"
    "|strong|string|str|text|u?int[0-9]*|bytes[0-9]*|integer|number|bool|boolean|object"
    "|array|any|secretstr|include|omit|same-origin|inherit|basic|bearer|digest)"
)
_SECRETS = "(?:password|passphrase|secret|token|key)s?"
_MESSAGE = lazy(
    r"(?is:(?:is|are|was|must|should|shall|may|can|can't|cannot|has|have|at|enter"
    r"|choose|confirm|forgot|reset|your|please|the|an?|this|that|no|not|too|invalid"
    r"|minimum|needs?|use|for|to|if|do|does|don't|never|what|which|how)"
    r"\s[a-z'-]+[\s,.!?].*"
    r"|(?:[a-z'-]+\s){2,}[a-z'-]+[.!?]"
    r"|(?:enter|confirm|forgot|reset|your|the|new|old|current)\s(?:api )?"
    rf"{_SECRETS}[?:*.]?)"
)
_LONG_ENOUGH = lazy(LEAST)


def is_password(value: str) -> bool:
    """Whether it is more than a placeholder, a state, the name of a type, a message."""
    is_none = PLACEHOLDER.fullmatch(value) or _STATES.fullmatch(value)
    is_other = _MESSAGE.fullmatch(value) or _URL.match(value)
    return bool(value) and not is_none and not is_other


def is_long_password(value: str) -> bool:
    """Whether it is a password that is long enough for a token."""
    return is_password(value) and _LONG_ENOUGH.match(value) is not None


def is_variable_value(value: str) -> bool:
    """Whether it is what an environment or a query has for a token."""
    return is_long_password(value) and not NUMBER.fullmatch(value)


def is_pwd(value: str) -> bool:
    """Whether it is a password and no directory, as a shell's PWD is."""
    return is_password(value) and not _PATH.match(value)


def is_mixed(value: str) -> bool:
    """Whether it is one word with letters and digits, as "tok_abc123"."""
    if not (
        _LETTER.search(value) and _DIGIT.search(value) and _LONG_ENOUGH.match(value)
    ):
        return False
    if _NO_TOKEN.search(value) or NUMBER.fullmatch(value) or value.startswith("<"):
        return False
    is_place = _PATH.match(value) and not is_random(value)
    return not (is_place or PLACEHOLDER.fullmatch(value))


def is_token(value: str) -> bool:
    """Whether its letters and digits are mixed in another way than those of names."""
    if len(value) < 8 or not is_mixed(value):
        return is_random(value) and _NO_TOKEN.search(value) is None
    return is_random(value) or not _WORDS.fullmatch(value)


def is_long_token(value: str) -> bool:
    """Whether it is a token that is as long as a key."""
    return len(value) >= 16 and is_token(value) and is_random(value)


def is_cookie(value: str) -> bool:
    """Whether it is what a browser sends, and not what is eaten."""
    return COOKIES.match(value) is not None or is_token(value)


def is_userinfo(value: str) -> bool:
    """Whether it is what RFC 7617 sends: base64 of ``user:password``."""
    try:
        decoded = binascii.a2b_base64(f"{value}==").decode()
    except ValueError:
        return False
    return ":" in decoded and decoded.isprintable()
