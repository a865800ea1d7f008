"""Token usage is read in the shapes in which services report it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pydantic
import pytest

from pytest_evalguard.model.usage import read_usage
from pytest_evalguard.model.values import describe


class Own:
    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)


OPENAI = Own(prompt_tokens=12, completion_tokens=80, total_tokens=92)
RESPONSES = Own(
    input_tokens=12,
    input_tokens_details=Own(cached_tokens=8),
    output_tokens=80,
    output_tokens_details=Own(reasoning_tokens=50),
    total_tokens=92,
)
ANTHROPIC = Own(
    input_tokens=2,
    cache_creation_input_tokens=4,
    cache_read_input_tokens=6,
    output_tokens=80,
)
ANTHROPIC_WITHOUT_CACHE = Own(
    input_tokens=12,
    cache_creation_input_tokens=None,
    cache_read_input_tokens=None,
    output_tokens=80,
)
# LiteLLM keeps Anthropic's counts beside the sums that hold them
LITELLM = Own(
    prompt_tokens=12,
    completion_tokens=80,
    cache_creation_input_tokens=4,
    cache_read_input_tokens=6,
)
LANGCHAIN = {
    "input_tokens": 12,
    "output_tokens": 80,
    "total_tokens": 92,
    "input_token_details": {"cache_creation": 4, "cache_read": 6},
}
GOOGLE = Own(
    prompt_token_count=10,
    tool_use_prompt_token_count=2,
    candidates_token_count=30,
    thoughts_token_count=50,
    cached_content_token_count=5,
    total_token_count=92,
)
GOOGLE_JSON = {
    "promptTokenCount": 12,
    "candidatesTokenCount": 30,
    "thoughtsTokenCount": 50,
    "totalTokenCount": 92,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
}
# one of Google's services counts thoughts in, its total says which
GOOGLE_WITH_THOUGHTS = {**GOOGLE_JSON, "candidatesTokenCount": 80}
GOOGLE_ONLY_THOUGHTS = Own(
    prompt_token_count=12, thoughts_token_count=80, total_token_count=92
)
BEDROCK = {
    "inputTokens": 2,
    "outputTokens": 80,
    "totalTokens": 92,
    "cacheReadInputTokens": 6,
    "cacheWriteInputTokens": 4,
}
# a proxy in front of Anthropic that counts the cache in, as its total says
PROXY = {
    "input_tokens": 12,
    "cache_read_input_tokens": 6,
    "output_tokens": 80,
    "total_tokens": 92,
}
# what xAI and Google's OpenAI API leave out of the completion is in the total
THINKING = Own(prompt_tokens=12, completion_tokens=30, total_tokens=92)
OLLAMA = {"prompt_eval_count": 12, "eval_count": 80, "eval_duration": 4_709_213_000}
COHERE = Own(
    billed_units=Own(input_tokens=5.0, output_tokens=80.0),
    tokens=Own(input_tokens=12.0, output_tokens=80.0),
    cached_tokens=4.0,
)
COHERE_BILL = {"billed_units": {"input_tokens": 12, "output_tokens": 80}}
HANDLER = Own(
    total_tokens=92,
    prompt_tokens=12,
    completion_tokens=80,
    successful_requests=1,
    total_cost=0.01,
)
BY_MODEL = {
    "gpt-5": {"input_tokens": 5, "output_tokens": 40, "total_tokens": 45},
    "claude": {"input_tokens": 7, "output_tokens": 40, "total_tokens": 47},
}
VERCEL = {"promptTokens": 12, "completionTokens": 80, "totalTokens": 92}
FRAMEWORK = Own(input_token_count=12, output_token_count=80, total_token_count=92)
PYDANTIC_AI = Own(requests=1, request_tokens=12, response_tokens=80, total_tokens=92)
FLOATS = {"prompt_tokens": 12.0, "completion_tokens": 80.0, "total_tokens": 92.0}
TWO_NAMES = {
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "input_tokens": 12,
    "output_tokens": 80,
    "total_tokens": 92,
}
USAGES = [
    *(
        OPENAI,
        RESPONSES,
        ANTHROPIC,
        ANTHROPIC_WITHOUT_CACHE,
        LITELLM,
        LANGCHAIN,
        GOOGLE,
    ),
    *(GOOGLE_JSON, GOOGLE_WITH_THOUGHTS, GOOGLE_ONLY_THOUGHTS, BEDROCK, PROXY),
    *(THINKING, OLLAMA, COHERE, COHERE_BILL, HANDLER, BY_MODEL, VERCEL, FRAMEWORK),
    *(PYDANTIC_AI, FLOATS, TWO_NAMES),
]


@pytest.mark.parametrize("usage", USAGES)
def test_usage_is_read_from_a_response(usage: Any) -> None:
    assert read_usage({"usage": usage}) == (12, 80)
    assert read_usage(Own(usage=usage)) == (12, 80)


@pytest.mark.parametrize("usage", USAGES)
def test_usage_is_read_by_itself(usage: Any) -> None:
    assert read_usage(usage) == (12, 80)


@pytest.mark.parametrize("usage", [GOOGLE, GOOGLE_JSON, LANGCHAIN, BY_MODEL])
def test_usage_is_read_from_metadata(usage: Any) -> None:
    assert read_usage(Own(usage_metadata=usage)) == (12, 80)
    assert read_usage({"usage": None, "usageMetadata": usage}) == (12, 80)


class Run:
    """Tells its usage when it is asked, as those of pydantic-ai."""

    def usage(self) -> object:
        return RESPONSES


@pytest.mark.parametrize(
    "response",
    [
        *(Run(), Own(usage=lambda: RESPONSES), {"metadata": {"usage": BEDROCK}}),
        {"type": "response.completed", "response": {"usage": RESPONSES}},
        *({"meta": COHERE_BILL}, Own(meta={"usage": OPENAI})),
        *(Own(llm_output={"token_usage": OPENAI}), Own(llm_output={"usage": BEDROCK})),
        Own(content="Paris", response_metadata={"token_usage": OPENAI}),
        Own(metrics=Own(accumulated_usage=BEDROCK)),
    ],
)
def test_a_response_has_its_usage_in_a_place_of_its_librarys(response: Any) -> None:
    assert read_usage(response) == (12, 80)


def test_each_prompt_of_langchains_result_is_counted() -> None:
    one, two = (Own(message=Own(usage_metadata=usage)) for usage in BY_MODEL.values())
    assert read_usage(Own(generations=[[one, one], [two]])) == (12, 80)
    result = Own(generations=[[one], [two]], llm_output={"token_usage": {}})
    assert read_usage(result) == (12, 80)
    assert read_usage(Own(generations=[[Own(generation_info=OLLAMA)]])) == (12, 80)


# Streams


START = {
    "type": "message_start",
    "message": {"usage": {"input_tokens": 12, "output_tokens": 1}},
}
DELTA = {"type": "message_delta", "usage": {"output_tokens": 80}}
CHUNKS = [Own(choices=[]), Own(choices=[], usage=None), Own(choices=[], usage=OPENAI)]


@pytest.mark.parametrize(
    "events",
    [
        [START, {"type": "ping"}, DELTA, {"type": "message_stop"}],
        [START, {"type": "message_delta", "usage": {"output_tokens": 20}}, DELTA],
        # the counts of a delta hold those of all events before
        [START, {"type": "message_delta", "usage": ANTHROPIC}],
        [Own(**START), Own(**DELTA)],
        (START, DELTA),
        CHUNKS,
        [
            {"type": "response.created", "response": {"usage": None}},
            {"type": "response.completed", "response": {"usage": RESPONSES}},
        ],
    ],
)
def test_the_events_of_a_stream_are_read_together(events: Any) -> None:
    assert read_usage(events) == (12, 80)


def test_the_first_and_last_event_of_anthropic_add_up_one_by_one() -> None:
    assert read_usage(START) == (12, 0)
    assert read_usage(DELTA) == (0, 80)
    assert read_usage({"type": "message_delta", "usage": ANTHROPIC}) == (0, 80)


def test_streams_of_several_messages_are_summed() -> None:
    assert read_usage([START, DELTA, START, DELTA]) == (24, 160)


@pytest.mark.parametrize("responses", [[], [{}], [CHUNKS[-1], CHUNKS[-1]]])
def test_a_list_of_responses_is_refused(responses: Any) -> None:
    with pytest.raises(TypeError, match="add each response separately"):
        read_usage(responses)


# Counts that don't add up


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 12, "generated_tokens": 80, "total_tokens": 92},
        {"prompt_tokens": 12, "generated_tokens": 80},
        {"prompt_tokens": 12, "sampled": 80, "total_tokens": 92},
        {"input_tokens": 12, "answerTokens": 80},
        {"promptTokenCount": 12, "answerTokenCount": 80, "totalTokenCount": 92},
        {"question_tokens": 12, "output_tokens": 80},
        {"question_tokens": 12, "output_tokens": 80, "total_tokens": 92},
        {"prompt_tokens": 12, "completion_tokens": 80, "total_tokens": 50},
        {"prompt_tokens": 12, "completion_tokens": None, "total_tokens": 92},
    ],
    ids=describe,
)
@pytest.mark.parametrize("kind", [dict, Own])
def test_counts_that_do_not_make_up_the_usage_are_shown(
    kind: Callable[..., object], usage: dict[str, int | None]
) -> None:
    with pytest.raises(TypeError, match="doesn't match the usage") as caught:
        read_usage({"usage": kind(**usage)})
    for name, count in usage.items():
        assert count is None or f"{name}={count}" in str(caught.value)


class Model(pydantic.BaseModel, extra="allow"):
    prompt_tokens: int
    total_tokens: int


def test_a_count_that_a_model_does_not_declare_is_shown() -> None:
    counts = {"prompt_tokens": 12, "total_tokens": 92}
    with pytest.raises(TypeError) as caught:
        read_usage(Model.model_validate({**counts, "sampled_tokens": 80}))
    assert str(caught.value) == (
        "add_tokens() reads 12 prompt and 0 completion tokens, which doesn't match the"
        " usage: prompt_tokens=12, sampled_tokens=80, total_tokens=92. Pass the counts"
        " yourself: add_tokens(prompt=..., completion=...)"
    )


@pytest.mark.parametrize(
    ("usage", "used"),
    [
        ({"input_tokens": 12}, (12, 0)),
        ({"input_tokens": 12, "cached_tokens": 4, "requests": 2}, (12, 0)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (0, 0)),
        ({"prompt_tokens": 12, "completion_tokens": 80, "total_tokens": 0}, (12, 80)),
        ({"input_tokens": 0, "cache_read_input_tokens": 12}, (12, 0)),
    ],
)
def test_counts_that_agree_are_taken(usage: object, used: tuple[int, int]) -> None:
    assert read_usage(usage) == used


def test_usage_may_be_one_sided() -> None:
    assert read_usage({"usage": {"prompt_tokens": 5, "total_tokens": 5}}) == (5, 0)
    assert read_usage(Own(prompt_token_count=5, candidates_token_count=None)) == (5, 0)
    assert read_usage({"candidates_token_count": 5}) == (0, 5)
    assert read_usage(MetricTokens()) == (3, 0)


class MetricTokens:
    input_tokens = 3
    output_tokens = None


@pytest.mark.parametrize("response", [None, "text", {}, {"usage": None}, Own(usage=5)])
def test_a_response_without_usage_is_refused(response: object) -> None:
    with pytest.raises(
        TypeError, match=r"^add_tokens\(\) takes prompt= and completion="
    ):
        read_usage(response)


@pytest.mark.parametrize(
    "response",
    [MagicMock(), {"usage": {"prompt_tokens": "12"}}, Own(input_tokens=1.5)],
    ids=describe,
)
def test_counts_of_a_response_are_strict(response: object) -> None:
    with pytest.raises(TypeError, match="_tokens must be a whole number"):
        read_usage(response)
