"""Secrets that are known by what they are assigned to, and by the word before them.

In a sentence these words stand as often as in a setting, so that what is assigned has
to look like a value. A password may be any word, a token is no word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from .secret_shapes import Span
from .secret_values import (
    COOKIES,
    LEAST,
    NUMBER,
    PLACEHOLDER,
    IsValue,
    is_cookie,
    is_long_password,
    is_long_token,
    is_mixed,
    is_password,
    is_pwd,
    is_token,
    is_userinfo,
    is_variable_value,
)
from .text import lazy

_ASSIGNS = (
    r"{named}\\{{0,31}}[\"']\]?)?[ \t]{{0,16}}{sign}=>|:=|[:=])"
    r"[ \t]{{0,16}}{open}\\{{0,31}}[\"'])?"
)
_IS_ASSIGNED = _ASSIGNS.format(named="(?:", sign="(?:", open="(?:")
_ASSIGNED = _ASSIGNS.format(named="(?P<quoted>", sign="(?P<sign>", open="(?P<open>")


class _Name(NamedTuple):
    """A kind of names that end alike, in lower case.

    `pattern` is theirs with what assigns behind it. What stands in no quotes may be
    code or prose: `is_bare` tells it.
    """

    pattern: re.Pattern[str]
    is_value: IsValue
    is_bare: IsValue


def _name(pattern: str, is_value: IsValue, is_bare: IsValue | None = None) -> _Name:
    whole = lazy(f"(?:{pattern}){_ASSIGNED}")
    return _Name(whole, is_value, is_bare or is_value)


def _behind(words: str, stem: str, look: str) -> list[str]:
    """Return what looks for any of `words` before the stem that was just found."""
    by_width: dict[int, list[str]] = {}
    for word in words.split():
        by_width.setdefault(len(word), []).append(word)
        by_width.setdefault(len(word) + 1, []).append(f"{word}[_. -]")
    return [f"({look}(?:{'|'.join(each)}){stem})" for each in by_width.values()]


def _after(words: str, stem: str, *more: str) -> str:
    return f"(?:{'|'.join((*_behind(words, stem, '?<='), *more))})"


def _not_after(words: str, stem: str) -> str:
    return "".join(_behind(words, stem, "?<!"))


_KEYS = (
    "api secret access private account signing encryption subscription master storage"
    " shared role"
)
_NO_KEYS = (
    "public primary foreign sort partition cache object idempotency routing group join"
    " unique natural lookup index row item parent"
)
_TOKENS = "access auth refresh session bearer api bot deploy"
_ID_TOKENS = [
    rf"(?<={start}id{sep}token)"
    for start in ("(?<![a-z])", r"(?<=\\[nrt])")
    for sep in ("", "[_ -]")
]
# parts of a text, places in a list, and what a parser did not expect
_NO_TOKENS = (
    "max min num n eos bos pad unk sep cls mask stop start end special next prev per"
    " prompt completion input output total cached reasoning first last page cursor"
    " continuation sync new unexpected this each every image audio video lang prefix"
    " suffix tool think"
)
_LOGINS = (
    "db database sql pg postgres redis mongo smtp mail imap ftp ssh admin root user"
    " login auth proxy app ldap"
)
_NO_PASSES = (
    "first second third next last final one two multi low high band by test did"
)
# by the word that is looked for in text, and what a value starts with there
_NAMES = {
    "key": (
        _name(f"key{_after(_KEYS, 'key')}s?", is_password),
        _name(f"(?<=_)key{_not_after(_NO_KEYS, 'key')}", is_long_token),
    ),
    "token": (
        _name(f"token{_after(_TOKENS, 'token', *_ID_TOKENS)}", is_long_password),
        _name(f"token{_not_after(_NO_TOKENS, 'token')}", is_mixed, is_token),
    ),
    "secret": (_name("secret", is_password),),
    "pass": (
        _name("pass(?:(?:word|wd)s?|phrase)", is_password),
        _name(f"pass{_after(_LOGINS, 'pass')}", is_password),
        _name(f"(?<=_)pass{_not_after(_NO_PASSES, 'pass')}", is_mixed, is_token),
        _name("(?<![a-z_])pass", is_mixed, is_token),
    ),
    "pwd": (_name("pwd", is_pwd),),
    "credential": (_name("credentials?", is_mixed, is_token),),
    "auth": (
        _name("authorization", is_password),
        _name("(?<![a-z])auth", is_long_token),
    ),
    "sig": (_name("(?<=[?&;-])sig(?:nature)?", is_long_token),),
    "cookie": (_name("cookie", is_cookie),),
}
# where each may be: what follows is the rarest
_ASSIGNED_WORDS = {
    word: lazy(
        rf"{word}(?=[a-z]{{0,9}}{_IS_ASSIGNED}{LEAST if word == 'token' else ''})"
    )
    for word in _NAMES
}


@lru_cache(maxsize=1024)
def value_test(name: str) -> IsValue | None:
    """Return what tells a secret from other values of a field; None if none is one."""
    assigned = f"{name.lower()}:"
    for word, names in _NAMES.items():
        if word in assigned:
            for each in names:
                found = each.pattern.search(assigned)
                if found and found.end() == len(assigned):
                    return _test(each.is_value, found, name)
    return None


def is_secret_number(is_value: IsValue, number: int) -> bool:
    """Whether a number may be a password; under other names it is a count."""
    return is_value is is_password and number > 999


def _test(is_value: IsValue, found: re.Match[str], text: str) -> IsValue:
    if is_value is not is_mixed and is_value is not is_token:
        return is_value
    if _is_variable(found, text) or _is_in_query(found, text):
        return is_variable_value
    # a word of two parts is a setting's, as in my_token=tok_abc123
    is_compound = text[found.start() - 1 : found.start()] in ("_", "-")
    return is_mixed if is_compound else is_value


def _is_variable(found: re.Match[str], text: str) -> bool:
    """Whether it is one of an environment, as DB_PASS, MY_TOKEN and TOKEN=."""
    start = found.start()
    before = text[start - 1 : start]
    is_whole = before == "_" or (found["sign"] == "=" and not before.isalnum())
    return is_whole and text[start : start + 3].isupper()


_NAME = lazy("[A-Za-z_.-]*")


def _is_in_query(found: re.Match[str], text: str) -> bool:
    start = found.start()
    mark = max(text.rfind(each, max(0, start - 21), start) for each in "?&")
    return mark >= 0 and _NAME.fullmatch(text, mark + 1, start) is not None


# What is assigned to them in text


def spans_of_names(text: str) -> list[Span]:
    """Return where secrets are that are known by their name, in any order."""
    folded = _folded(text)
    spans: list[Span] = []
    if ":" in text or "=" in text:
        for word in _NAMES:
            if word in folded:
                spans += _assigned(word, text, folded)
    if "bearer" in folded:
        spans += _after_word(_BEARER, is_token, text, folded)
    if "basic" in folded:
        spans += _after_word(_BASIC, is_userinfo, text, folded)
    if "<" in text:
        spans += _elements_of_xml(text)
    if "-" in text:
        spans += _after_word(_OPTION, is_password, text, folded)
    return spans


def may_have_name(line: str) -> bool:
    """Whether a line of ASCII JSON may hold what is secret because of a name.

    Where `spans_of_names` finds something in a text of it, or `value_test` knows one
    of its keys, this is true.
    """
    folded = line.lower()
    for word, trace in _TRACES.items():
        if word in folded and trace.search(folded):
            return True
    return False


# as a line has it, a tab is an escape; there are more quotes and backslashes
_MAY_BE_ASSIGNED = r"[a-z]{0,9}[\\\"'\] t]*[:=>]"
_TRACES = {
    **{word: lazy(word + _MAY_BE_ASSIGNED) for word in _NAMES},
    # no name ends like "passed" or "tokens", as fields of a case do
    "pass": lazy(f"pass(?!ed){_MAY_BE_ASSIGNED}"),
    "token": lazy(f"token(?!s){_MAY_BE_ASSIGNED}"),
    "bearer": lazy(r"bearer(?: |\\t)"),
    "basic": lazy(r"basic(?: |\\t)"),
    "-": lazy(r"-(?:pass(?:word|wd)?|token|secret|key|u|user)(?:[ =]|\\t)"),
    # letters that become one of ASCII's
    "\\u": lazy(r"\\u(?:0130|212a)"),
}


def _folded(text: str) -> str:
    """Return text in lower case, as long as before: one letter would become two."""
    return text.lower() if text.isascii() else text.replace("\u0130", "i").lower()


# what is passed over may end with the next of its kind
_BEARER = lazy(r"bearer[ \t]{1,4}(?=([a-z0-9._~+/=-]{8,}))")
_BASIC = lazy(r"basic[ \t]{1,4}(?=([a-z0-9+/]{6,}={0,2}))")
_OPTION = lazy(
    r"-(?:-(?:[a-z]{1,20}-){0,3}(?:pass(?:word|wd)?|token|secret|key)[ \t]{1,4}"
    r"|(?:u|-user)[ =]{1,4}[\"']?[^\s:\"']{1,60}:)"
    r"[\"']?(?=((?=[^\s\"']{0,99}[a-z])(?=[^\s\"']{0,99}[0-9])[a-z0-9!@#%^&*+./=_~-]{6,}))"
)


def _after_word(
    pattern: re.Pattern[str], is_secret: IsValue, text: str, folded: str
) -> Iterator[Span]:
    for found in pattern.finditer(folded):
        start, end = found.span(1)
        if is_secret(text[start:end]):
            yield start, end


def _elements_of_xml(text: str) -> Iterator[Span]:
    for found in _XML.finditer(text):
        is_value = value_test(found[1])
        if is_value and is_value(found[2]):
            yield found.span(2)


_XML = lazy(r"<([A-Za-z0-9_.:-]{1,60})>([^<>\s]{1,500})</\1>")


def _assigned(word: str, text: str, folded: str) -> Iterator[Span]:
    place = 0
    while at := _ASSIGNED_WORDS[word].search(folded, place):
        place = at.end()
        for name in _NAMES[word]:
            if found := name.pattern.match(folded, at.start()):
                spans, place = _values(name, text, found)
                yield from spans
                break


def _values(name: _Name, text: str, found: re.Match[str]) -> tuple[list[Span], int]:
    """Return the secrets that are assigned, and where to look on."""
    if found["open"]:
        is_value = _test(name.is_value, found, text)
        start, end, is_secret = _quoted(text, found, is_value)
    elif found["quoted"] and text.startswith("[", found.end()):
        is_value = _test(name.is_value, found, text)
        return list(_elements(text, found.end(), is_value)), found.end()
    else:
        is_value = _test(name.is_bare, found, text)
        start, end, is_secret = _bare(text, found, is_value)
    # what is passed over may hold a secret; a long word is not looked at twice
    is_over = is_secret or (not found["open"] and end - found.end() > 200)
    return [(start, end)] if is_secret else [], end if is_over else found.end()


_STOPS = {mark: lazy(rf"(?<!\\)(\\*)([{mark}\n])") for mark in "\"'"}
# none is a colon: a name is no element
_STEP = lazy(
    r"(?:[\s,]|\\{1,31}[nrt])*"
    r"(?:(?P<mark>[\[\]])|(?P<open>\\{0,31}[\"'])|[^\s,:\[\]\"'{}\\]+)"
)


def _elements(text: str, place: int, is_value: IsValue) -> Iterator[Span]:
    """Return where the values are of a list, and of lists in it."""
    depth = 0
    while step := _STEP.match(text, place):
        place = step.end()
        if opened := step["open"]:
            end = _closing(text, place, opened)
            if is_value(text[place:end]):
                yield place, end
            place = end + len(opened)
        elif mark := step["mark"]:
            depth += 1 if mark == "[" else -1
            if depth == 0:
                return


def _quoted(
    text: str, found: re.Match[str], is_value: IsValue
) -> tuple[int, int, bool]:
    start = found.end()
    end = _closing(text, start, found["open"])
    value = text[start:end]
    if not found["quoted"]:
        # prose has a colon before a quotation
        is_part = text[found.start() - 1 : found.start()] in ("_", "-")
        is_prose = found["sign"] == ":" and " " in value and not is_part
        if len(value) < 4 or is_prose:
            return start, end, False
    return start, end, is_value(value)


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


_RUN = lazy(r"[^\s\"'&;,<>\\]{4,}")
_WORD = lazy(r"[^\s\"'<>{}()\[\],;\\]{4,}")
_SCHEME = lazy(r"(?i)(?:bearer|basic|token|api-?key|digest|negotiate)[ \t]{1,4}")
_LINE_END = lazy(r"[,;]?[ \t]*(?:[\r\n]|\\{1,31}[nr]|\\{0,31}[\"']|\Z)")
_DIGIT = lazy("[0-9]")
_CODE = lazy(
    r"(?:self|cls|os|settings|config|cfg|args|options|env|process)\.|[A-Za-z_.]+[(\[]"
)
_VARIABLE = lazy(
    r"(?i:(?:[\w.]*[_.])?(?:pass(?:word|wd)?|pwd|secret|token|api_?key|key|cookie))"
    r"|[a-z]+(?:[A-Z][a-z]+)*(?:Pass(?:word)?|Pwd|Secret|Token|Key|Cookie)"
)
_ARGUMENT = lazy("[A-Za-z]+(?:[_.][A-Za-z]+)+|[a-z]+(?:[A-Z][a-z]+)+")


def _bare(text: str, found: re.Match[str], is_value: IsValue) -> tuple[int, int, bool]:
    """Tell the value of a setting or a header from code and prose."""
    start = found.end()
    if found[0].startswith("authorization") and not found["quoted"]:
        return _header(text, start)
    is_header = is_value is is_cookie and found["sign"] == ":"
    if is_header and (value := COOKIES.match(text, start)):
        return start, value.end(), True
    is_tight = found["sign"] == "=" and not found[0].endswith((" ", "\t", " ="))
    value = (_RUN if is_tight else _WORD).match(text, start)
    if value is None:
        return start, start, False
    end, word = value.end(), value[0].rstrip(")]}.:")
    if PLACEHOLDER.fullmatch(value[0]):
        return start, end, False
    is_variable = _is_variable(found, text)
    if not is_tight:
        is_alone = found["quoted"] or _LINE_END.match(text, end)
        if not is_alone or not (is_variable or _DIGIT.search(word)):
            return start, end, False
        if NUMBER.fullmatch(word):
            is_whole = word.isdecimal() and is_secret_number(is_value, int(word[:9]))
            return start, end, is_whole
    is_argument = text.startswith((")", ","), start + len(word))
    is_code = _CODE.match(word) or (not is_variable and _VARIABLE.fullmatch(word))
    is_code = is_code or (is_argument and _ARGUMENT.fullmatch(word))
    return start, end, not is_code and is_value(word)


def _header(text: str, start: int) -> tuple[int, int, bool]:
    scheme = _SCHEME.match(text, start)
    start = scheme.end() if scheme else start
    value = _RUN.match(text, start)
    if value is None or not is_password(value[0]):
        return start, start, False
    is_long = len(value[0]) >= 20 or _DIGIT.search(value[0])
    ends = scheme and _LINE_END.match(text, value.end())
    return start, value.end(), bool(is_long or ends)
