"""How many tokens a response took, in the shapes in which services report it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import isroutine
from typing import NamedTuple

from .json_data import first
from .scorers import checked_count, is_number, plain_number
from .text import lazy
from .values import describe


class _Count(NamedTuple):
    """The name of a count, and of those that may have to be added to it."""

    name: str
    extras: tuple[str, ...] = ()


_CACHE = ("cache_creation_input_tokens", "cache_read_input_tokens")
_PROMPT = (
    _Count("prompt_tokens"),  # OpenAI's chat API: of which some may be cached
    # Anthropic and Bedrock count the cache apart, OpenAI's responses do not
    _Count("input_tokens", (*_CACHE, "cache_write_input_tokens")),
    _Count("prompt_token_count", ("tool_use_prompt_token_count",)),  # Google
    *map(_Count, ("input_token_count", "request_tokens", "prompt_eval_count")),
)
_COMPLETION = (
    *map(_Count, ("completion_tokens", "output_tokens")),
    # Google counts thoughts apart, and may have nothing else
    _Count("candidates_token_count", ("thoughts_token_count",)),
    _Count("response_token_count", ("thoughts_token_count",)),
    *map(_Count, ("thoughts_token_count", "output_token_count")),
    *map(_Count, ("generated_token_count", "response_tokens", "eval_count")),
)
_TOTAL = ("total_tokens", "total_token_count")

_PLACES = (
    *(("usage",), ("usage_metadata",)),
    # Cohere bills for less than it reads
    *(("usage", "tokens"), ("meta", "tokens"), ("tokens",)),
    *(("usage", "billed_units"), ("meta", "billed_units"), ("billed_units",)),
    ("meta", "usage"),
    ("response", "usage"),  # the last event of a stream of OpenAI's responses
    ("metadata", "usage"),  # the last event of Bedrock's stream
    *(("llm_output", "token_usage"), ("llm_output", "usage")),  # LangChain's LLMResult
    *(("response_metadata", "token_usage"), ("metrics", "accumulated_usage")),
)
"""Where a response has its usage, if it is not one itself."""


def read_usage(response: object) -> tuple[int, int]:
    """Return prompt and completion tokens of a response, or of its usage itself.

    Understood are OpenAI's two APIs, Anthropic, Google, Bedrock, Cohere and Ollama, in
    Python's spelling and in JSON's, what copies them, and LangChain's results and
    handlers. A list holds the events of one stream. Tokens read from and written to a
    cache count as prompt, a model's thoughts as completion.

    :raises TypeError: there is no usage, or its counts don't make up its total.
    :raises ValueError: a count is negative.
    """
    if isinstance(response, (list, tuple)):
        return _of_events(response)
    used = _find(response)
    if used is None:
        raise TypeError(
            "add_tokens() takes prompt= and completion=, or a response whose usage has"
            f" prompt_tokens or input_tokens, got {describe(response)}"
        )
    return used


def _find(response: object) -> tuple[int, int] | None:
    kind = first(response, "type")
    if kind == "message_start":  # the next event's completion has that of this one
        used = _read(_at(response, ("message", "usage")))
        return None if used is None else (used[0], 0)
    if kind == "message_delta":
        used = _read(first(response, "usage"))
        return None if used is None else (0, used[1])
    usages: list[object] = []
    for place in (*_PLACES, ()):
        usage = _at(response, place)
        if (used := _read(usage)) is not None:
            return used
        usages.append(usage)
    by_model = (each for each in map(_of_models, usages) if each is not None)
    return next(by_model, None) or _of_generations(response)


def _at(source: object, place: tuple[str, ...]) -> object:
    for name in place:
        source = first(source, name)
        if name == "usage" and isroutine(source):  # as in pydantic-ai
            source = source()
    return source


def _of_models(usage: object) -> tuple[int, int] | None:
    """Read usage by the name of the model, as LangChain's handlers keep it."""
    if not isinstance(usage, Mapping) or not usage:
        return None
    used = [_read(each) for each in usage.values()]
    known = [each for each in used if each is not None]
    return _sum(known) if len(known) == len(used) else None


def _of_generations(response: object) -> tuple[int, int] | None:
    """Read what LangChain keeps of each prompt, where it has no sum of them."""
    generations = first(response, "generations")
    if not isinstance(generations, list) or not generations:
        return None
    ones = [each[0] if isinstance(each, list) else each for each in generations if each]
    used = [_find(first(one, "message", "generation_info")) for one in ones]
    known = [each for each in used if each is not None]
    return _sum(known) if known and len(known) == len(used) else None


def _of_events(events: Sequence[object]) -> tuple[int, int]:
    """Read the events of one stream."""
    if messages := _of_messages(events):
        return _sum(messages)
    used = [each for each in map(_find, events) if each is not None]
    if len(used) != 1:
        raise TypeError(
            "add_tokens() takes one response, or a list of the events of one stream,"
            f" got a list of {len(events)}, of which {len(used)} have a usage: add each"
            " response separately"
        )
    return used[0]


def _of_messages(events: Sequence[object]) -> list[tuple[int, int]]:
    """Read Anthropic's events, whose later counts hold the earlier ones."""
    messages: list[tuple[int, int]] = []
    for event in events:
        kind = first(event, "type")
        if kind == "message_start":
            messages.append(_read(_at(event, ("message", "usage"))) or (0, 0))
        elif kind == "message_delta":
            prompt, completion = messages.pop() if messages else (0, 0)
            used = _read(first(event, "usage")) or (0, 0)
            messages.append((max(prompt, used[0]), max(completion, used[1])))
    return messages


def _read(usage: object) -> tuple[int, int] | None:
    """Return the counts of a usage, None where it names none that are known.

    A total says whether counts that may be parts of others are so. What it has beyond
    them is the model's thoughts, which some services leave out of the completion.
    """
    if usage is None:
        return None
    prompt, completion = _count(usage, _PROMPT), _count(usage, _COMPLETION)
    if prompt is None and completion is None:
        return None
    (into, more_into), (out, more_out) = prompt or (0, 0), completion or (0, 0)
    both = (into + more_into, out + more_out)
    total = first(usage, *_TOTAL)
    total = 0 if total is None else checked_count(total, "the total of tokens")
    for used in (both, (into, out), (into, both[1]), (both[0], out)):
        if total and sum(used) == total:
            return used
    is_whole = prompt is not None and completion is not None
    if total > sum(both) and is_whole:
        return both[0], total - both[0]
    if total or (not is_whole and _has_unknown(usage)):
        raise TypeError(_misfit(usage, both))
    return both


def _count(usage: object, names: Iterable[_Count]) -> tuple[int, int] | None:
    """Return a count and what may be added to it, of the names that are there."""
    best: tuple[int, int] | None = None
    for name, extras in names:
        if (value := first(usage, name)) is None:
            continue
        # a wrapper may have the names of two services, and fill those of one
        if best is None or value != 0:
            parts = ((extra, first(usage, extra)) for extra in extras)
            more = sum(checked_count(n, part) for part, n in parts if n is not None)
            best = checked_count(value, name), more
        if value != 0:
            break
    return best


def _sum(used: Iterable[tuple[int, int]]) -> tuple[int, int]:
    prompts, completions = zip(*used, strict=True)
    return sum(prompts), sum(completions)


def _misfit(usage: object, used: tuple[int, int]) -> str:
    counts = _counts(usage).items()
    found = ", ".join(f"{name}={describe(count)}" for name, count in sorted(counts))
    return (
        f"add_tokens() reads {used[0]} prompt and {used[1]} completion tokens, which"
        f" doesn't match the usage: {found or describe(usage)}. Pass the counts"
        " yourself: add_tokens(prompt=..., completion=...)"
    )


_KNOWN = frozenset(
    name.replace("_", "")
    for count in (*_PROMPT, *_COMPLETION)
    for name in (count.name, *count.extras)
)
_SPENT = lazy("token|completion|output|generated")


def _has_unknown(usage: object) -> bool:
    """Whether a usage has counts of tokens under other names, and not of a cache."""
    names = {name.replace("_", "").lower() for name in _counts(usage)} - _KNOWN
    return any("cache" not in name and _SPENT.search(name) for name in names)


def _counts(usage: object) -> dict[str, object]:
    """Return the numbers that a usage has, but for zeros."""
    if isinstance(usage, Mapping):
        fields = {str(name): value for name, value in usage.items()}
    else:
        extra = getattr(usage, "model_extra", None)  # what a model did not declare
        fields = {**getattr(usage, "__dict__", {}), **(extra or {})}
    return {
        name: value
        for name, value in fields.items()
        if is_number(plain_number(value)) and plain_number(value) != 0
    }
