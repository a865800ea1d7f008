"""Secrets that are known by their shape, as their vendors publish it.

Each pattern starts at a literal that is looked for first, so that text without one
costs next to nothing, and none backtracks far: the time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from .text import lazy

Span = tuple[int, int]
"""Where in a text something starts and ends."""

# an escape of JSON or of a URL is no part of a word
_STARTS = (
    r"(?<![A-Za-z0-9])",
    r"(?<=\\[bfnrt])",
    r"(?<=\\u[0-9A-Fa-f]{4})",
    r"(?<=%[0-9A-Fa-f]{2})",
)


def spans_of_shapes(text: str) -> list[Span]:
    """Return where secrets are that are known by their shape, in any order."""
    spans: list[Span] = []
    for mark, begun in _BEGUN.items():
        if mark in text and begun.search(text):
            spans += _keys(_prefixed(mark), text)
    for mark, shapes in _SHAPES.items():
        if mark in text:
            for shape in shapes:
                if shape.needle in text:
                    spans += _found(shape, text)
    if "@" in text and "://" in text:
        for found in _USERINFO.finditer(text):
            if not _NO_PASSWORD.search(found[1]):
                spans.append(found.span(1))
    return spans


def may_have_shape(text: str) -> bool:
    """Whether `spans_of_shapes` may find something; where it does, this is true."""
    for mark, begun in _BEGUN.items():
        if mark in text and begun.search(text):
            return True
    for mark, shapes in _SHAPES.items():
        if mark in text:  # a rare character is looked for in no time
            for shape in shapes:
                if shape.needle in text:
                    return True
    return "@" in text and "://" in text


# Whether what has the place of a key is one

_CHANGE = lazy("[a-z](?=[A-Z0-9])|[A-Z](?=[0-9])|[0-9](?=[A-Za-z])")
_LONG_RUN = lazy("(?=[A-Za-z]{0,15}[0-9])[A-Za-z0-9]{16}|[a-z]{21}|[A-Z]{21}")
_WORDS = lazy("[a-z]{3,11}(?:[_-][a-z]{3,11})*")


def is_random(word: str) -> bool:
    """Whether a word looks drawn by chance: no name, as of a voice or a CSS class.

    Its letters change to digits and back more often than once in seven characters.
    """
    changes = len(_CHANGE.findall(word))
    return changes >= max(3, len(word) / 7) or _LONG_RUN.search(word) is not None


def _is_no_words(word: str) -> bool:
    return not _WORDS.fullmatch(word)


def _is_sk_key(rest: str) -> bool:
    is_of_vendor = _SK_VENDOR.match(rest) and _is_no_words(rest)
    return bool(is_of_vendor or _NO_CLASS_NAME.search(rest)) or is_random(rest)


def _is_slack_key(rest: str) -> bool:
    return _SLACK_KEY.search(rest) is not None


def _is_key(_: str) -> bool:
    return True


_SLACK_KEY = lazy("[0-9]|[A-Za-z]{8}")
_NO_CLASS_NAME = lazy("[a-z]{16}")
_SK_VENDOR = lazy("(?:proj|svcacct|admin|None|ant-[a-z]+[0-9]*|or-v1|lf)-")


# Keys that have a prefix


class _Kind(NamedTuple):
    """Keys that have one of these prefixes, each of which ends with the same mark."""

    prefixes: str
    rest: str
    is_key: Callable[[str], bool] = _is_key


_ALNUM, _URL_SAFE = "[A-Za-z0-9]", "[A-Za-z0-9_-]"
_KINDS = (
    _Kind("eg_", _URL_SAFE + "{8,}", _is_no_words),
    # GitHub, GitLab, npm, PyPI, Docker
    _Kind("ghp_ gho_ ghu_ ghs_ ghr_ npm_", _ALNUM + "{16,}"),
    _Kind("github_pat_", "[A-Za-z0-9_]{16,}"),
    _Kind(
        "glpat- gldt- glrt- glptt- glcbt- glsoat- glft- glimt- glagent- gloas-",
        r"[A-Za-z0-9_-]{16,}(?:\.[a-z0-9]{2,}){0,2}",
    ),
    _Kind("pypi-", "AgE[A-Za-z0-9_-]{16,}"),
    _Kind("dckr_pat_ dckr_oat_", _URL_SAFE + "{16,}", _is_no_words),
    # models and their tools: OpenAI, Anthropic, OpenRouter, Langfuse, Hugging Face,
    # Groq, Replicate, Fireworks, E2B, Jina, RunPod, Cerebras, xAI, Perplexity,
    # Firecrawl, Together, NVIDIA, Tavily, LangSmith, Weights & Biases, Pinecone, Voyage
    _Kind("sk-", _URL_SAFE + "{16,}", _is_sk_key),
    _Kind("pk-lf-", _URL_SAFE + "{16,}", _is_no_words),
    _Kind("hf_ api_org_", _ALNUM + "{16,}"),
    _Kind(
        "gsk_ r8_ fw_ e2b_ jina_ rpa_ csk- xai- pplx- fc-",
        "(?=[A-Za-z]{0,19}[0-9])[A-Za-z0-9]{16,}|[A-Za-z0-9]{20,}",
    ),
    _Kind("tgp_v1_ nvapi- tvly-", _URL_SAFE + "{16,}", _is_no_words),
    _Kind("lsv2_pt_ lsv2_sk_ wandb_v1_ pcsk_", "[A-Za-z0-9_]{16,}", _is_no_words),
    _Kind("pa-", _URL_SAFE + "{40,}", is_random),
    # clouds: DigitalOcean, Supabase, Vercel, Cloudflare, PlanetScale, Grafana, PostHog,
    # Prefect, Sentry, Pulumi, Tailscale, Postman, New Relic, Google, Figma
    _Kind("dop_v1_ doo_v1_ dor_v1_ sbp_ sbp_v0_ vcp_ vci_ vca_ vck_", _ALNUM + "{20,}"),
    _Kind("sb_secret_ cfat_ cfut_ cfk_ figd_", _URL_SAFE + "{20,}", _is_no_words),
    _Kind("pscale_tkn_ pscale_pw_", "[A-Za-z0-9_.-]{20,}", _is_no_words),
    _Kind("glsa_ glc_ phx_ pnu_ sntryu_ sntrys_", "[A-Za-z0-9_+/=]{20,}", is_random),
    _Kind("pul- tskey- PMAK- NRAK- GOCSPX-", _URL_SAFE + "{20,}", is_random),
    # Stripe, Shopify, Linear, Notion, Brevo, Resend, Slack
    _Kind("sk_live_ sk_test_ rk_live_ rk_test_", _ALNUM + "{8,}"),
    _Kind("whsec_", "[A-Za-z0-9+/=]{16,}", _is_no_words),
    _Kind("shpat_ shpca_ shppa_ shpss_ lin_api_ lin_oauth_ ntn_", _ALNUM + "{16,}"),
    _Kind("secret_", _ALNUM + "{40,}"),
    _Kind("xkeysib- re_", "[A-Za-z0-9_-]{24,}", is_random),
    _Kind(
        "xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-",
        "[A-Za-z0-9-]{8,}",
        _is_slack_key,
    ),
)


class _Prefixed(NamedTuple):
    """The pattern of all prefixes that end with one mark, and what follows each."""

    pattern: re.Pattern[str]
    rests: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]]


_FOLLOWS = "[A-Za-z0-9_.+/=-]{8}"
_PREFIXES = " ".join(kind.prefixes for kind in _KINDS).split()
_BEGUN = {
    mark: lazy(
        f"{mark}(?={_FOLLOWS})"
        f"(?:{'|'.join(f'(?<={each})' for each in _PREFIXES if each.endswith(mark))})"
    )
    for mark in "_-"
}


@cache
def _prefixed(mark: str) -> _Prefixed:
    rests = {
        prefix: (lazy(kind.rest), kind.is_key)
        for kind in _KINDS
        for prefix in kind.prefixes.split()
        if prefix.endswith(mark)
    }
    by_length: dict[int, list[str]] = {}
    # sb_secret_ is looked for before secret_
    for prefix in sorted(rests, key=len, reverse=True):
        by_length.setdefault(len(prefix), []).append(prefix)
    starts = "|".join(_STARTS)
    # which of them it is before where it starts, as that takes longer
    groups = [
        f"(?<=(?=({'|'.join(each)}))(?:{starts}).{{{length}}})"
        for length, each in by_length.items()
    ]
    pattern = f"{mark}(?<=[A-Za-z0-9]{mark})(?={_FOLLOWS})(?:{'|'.join(groups)})"
    return _Prefixed(lazy(pattern), rests)


def _keys(prefixed: _Prefixed, text: str) -> Iterator[Span]:
    place = 0
    while found := prefixed.pattern.search(text, place):
        prefix = found[found.lastindex or 0]
        rest, is_key = prefixed.rests[prefix]
        place = found.end()
        if key := rest.match(text, place):
            if is_key(key[0]):
                yield place - len(prefix), key.end()
            place = key.end()


# Other shapes


class _Shape(NamedTuple):
    """A pattern; `needle` is in what it finds, and `proof` must be.

    The needle is looked for first, as a pattern is compiled when it is used. A proof
    within the pattern would be looked for again from each place in a long word.
    """

    needle: str
    pattern: re.Pattern[str]
    proof: str = ""


def _shape(needle: str, prefix: str, rest: str, proof: str = "") -> _Shape:
    """Return a shape that starts where a word or a part of one does.

    What stands before is looked at after the prefix, so that the search is for a
    literal.
    """
    starts = "|".join(f"{each[:-1]}{prefix})" for each in _STARTS)
    return _Shape(needle, lazy(f"{prefix}(?:{starts})(?:{rest})"), proof)


def _anywhere(needle: str, pattern: str) -> _Shape:
    """Return a shape whose first group is replaced, or all where there is none."""
    return _Shape(needle, lazy(pattern))


def _found(shape: _Shape, text: str) -> Iterator[Span]:
    group = shape.pattern.groups and 1
    for found in shape.pattern.finditer(text):
        if shape.proof in found[0]:
            yield found.span(group)


# by a character that each of them has, as a rarer one is looked for in no time
_SHAPES = {
    "A": (
        # an AWS id has 20 characters; longer words in capitals, as a region's, no digit
        _shape(
            "IA",
            "A(?:KIA|SIA)",
            "(?:[A-Z0-9]{16}(?![A-Z0-9])|(?=[A-Z]*[0-9])[A-Z0-9]{12,})",
        ),
        _shape("AIza", "AIza", _URL_SAFE + "{20,}"),
        _shape("ABSK", "ABSK", "[A-Za-z0-9+/_=-]{50,}"),  # Bedrock
        _shape("ATAT", "ATAT", "[A-Za-z0-9+/_=-]{50,}"),  # Atlassian
        _anywhere(":AA", "A(?<=[0-9]:A)A[A-Za-z0-9_-]{30,40}"),  # a Telegram bot
    ),
    "J": (
        _shape(
            "eyJ",
            "eyJ",
            r"[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3})?",
            ".",
        ),
    ),
    "9": (_shape("ya29.", r"ya29\.", "[A-Za-z0-9._-]{16,}"),),
    "G": (_shape("SG.", r"SG\.", r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),),
    "K": (_shape("SK", "SK", "[0-9a-f]{32}(?![A-Za-z0-9])"),),  # Twilio
    "dapi": (_shape("dapi", "dapi", "[0-9a-f]{32}(?:-[0-9])?(?![A-Za-z0-9])"),),
    # Azure AD
    "~": (_anywhere("Q~", "[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),),
    "/": (
        _anywhere(
            "slack.com",
            r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_-]{20,})",
        ),
        _anywhere(
            "discord", r"discord(?:app)?\.com/api/webhooks/[0-9]+/([A-Za-z0-9_-]{20,})"
        ),
    ),
    "-": (
        _anywhere(
            "PRIVATE KEY",
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[^-]*(?:-(?!----)[^-]*)*-----END [A-Z0-9 ]{0,40}KEY[A-Z ]*-----"
            # or its end is cut off: as long as it looks like a key
            r"|(?=(?:\\{1,31}[nr]|[\"'\s]){0,16}"
            r"(?:[A-Za-z0-9+/]{16}|[A-Za-z-]{3,20}: ))"
            r"(?:[A-Za-z0-9+/=\s:,.\"']|\\.|-(?!----))*)",
        ),
    ),
}

_USER = r"[^\s/:@\"'<>?#,;()\[\]|\\]{0,200}"
_USERINFO = lazy(
    rf"://(?!{_USER}:[0-9]{{1,5}}[?#])"  # a port, and an @ in the query
    # a port of a host, and a mail address after it
    r"(?!(?:localhost|(?:[A-Za-z0-9-]{1,63}\.){1,9}[A-Za-z0-9-]{2,63}):[0-9]{1,5}[^A-Za-z0-9@%])"
    rf"({_USER}:(?:[^\s/\"'<>\\]|\\(?![nrt])){{1,500}})@"
)
_NO_PASSWORD = lazy(r"\A[^:]*:(?:\*+|\$?\{+[\w. ]*\}+|\$[A-Z_]+|%s)\Z")
