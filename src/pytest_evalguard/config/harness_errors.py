"""Exceptions that keep a verdict from being reached, by the names of their classes.

Lost connections, time-outs, rate limits and failures of the server. A name stands for
the class and for those that inherit from it. Where a library has one class for every
answer that is no success, the statuses that are meant follow.
"""

from __future__ import annotations

_RETRIED = "408 429 5xx"

_OPENAI = (
    "openai.APIConnectionError",  # and APITimeoutError
    "openai.RateLimitError",
    "openai.InternalServerError",
    "openai.APIStatusError 408",
    "openai.WebSocketConnectionClosedError",
)
_ANTHROPIC = (
    "anthropic.APIConnectionError",  # and APITimeoutError
    "anthropic.RateLimitError",
    "anthropic.InternalServerError",
    # these three did not inherit from InternalServerError in older versions
    "anthropic.ServiceUnavailableError",
    "anthropic.DeadlineExceededError",
    "anthropic.OverloadedError",
    "anthropic.APIStatusError 408",
)
_GOOGLE = (
    "google.genai.errors.ServerError",
    "google.genai.errors.ClientError 408 429",
    # what its async client connects by, where it is installed
    "aiohttp.ClientConnectionError",
    "aiohttp.ClientPayloadError",
)
# those of openai are their bases, but for 5xx
_LITELLM = (
    "litellm.ServiceUnavailableError",
    "litellm.BadGatewayError",
    f"litellm.APIError {_RETRIED}",
)
_HTTPX = tuple(
    f"{library}.{name}"
    for library in ("httpx", "httpx2")
    for name in (
        "TimeoutException",
        "NetworkError",
        "RemoteProtocolError",
        "ProxyError",
        f"HTTPStatusError {_RETRIED}",
    )
)
_REQUESTS = (
    "requests.ConnectionError",
    "requests.Timeout",
    "requests.exceptions.ChunkedEncodingError",
    "requests.exceptions.RetryError",
    f"requests.HTTPError {_RETRIED}",
)
_BOTOCORE = (
    "botocore.exceptions.ConnectionError",
    "botocore.exceptions.HTTPClientError",
    f"botocore.exceptions.ClientError {_RETRIED}",
    # made from a service's model; older services throttle with a 400
    "botocore.errorfactory.ThrottlingException",
    "botocore.errorfactory.TooManyRequestsException",
)

HARNESS_ERRORS: tuple[str, ...] = (
    *_OPENAI,
    *_ANTHROPIC,
    *_GOOGLE,
    *_LITELLM,
    *_HTTPX,
    *_REQUESTS,
    *_BOTOCORE,
)
"""The default of the setting `errors`."""
