"""Which exceptions are the harness's: by name, in groups, and what they come from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from pytest_evalguard.config.harness_errors import HARNESS_ERRORS
from pytest_evalguard.errors import ScorerError
from pytest_evalguard.recording.harness_errors import HarnessErrors

DEFAULT = HarnessErrors(HARNESS_ERRORS)


def kind(name: str, *bases: type, **attributes: object) -> Any:
    """Return a class as a library that is not installed would have it."""
    module, _, last = name.rpartition(".")
    fields = {"__module__": module, "__qualname__": last, **attributes}
    return type(last, bases or (Exception,), fields)


def of_status(name: str, status: object, *bases: type) -> BaseException:
    found: BaseException = kind(name, *bases, status_code=status)()
    return found


def by_response(name: str, status: object) -> BaseException:
    response = SimpleNamespace(status_code=status)
    found: BaseException = kind(name, response=response)()
    return found


def from_aws(name: str, status: object) -> BaseException:
    response = {"ResponseMetadata": {"HTTPStatusCode": status}}
    found: BaseException = kind(name, response=response)()
    return found


OPENAI_STATUS = kind("openai.APIStatusError")
OLD_ANTHROPIC = kind("anthropic.APIStatusError")


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (kind("openai.RateLimitError")(), True),
        (kind("openai._exceptions.RateLimitError")(), True),
        (kind("openai.APITimeoutError", kind("openai.APIConnectionError"))(), True),
        (of_status("openai.InternalServerError", 503), True),
        (of_status("openai.AuthenticationError", 401, OPENAI_STATUS), False),
        (of_status("openai.BadRequestError", 400, OPENAI_STATUS), False),
        (of_status("openai.OtherError", 408, OPENAI_STATUS), True),
        (kind("anthropic._exceptions.OverloadedError", OLD_ANTHROPIC)(), True),
        (kind("anthropic.NotFoundError", OLD_ANTHROPIC)(), False),
        (kind("google.genai.errors.ServerError", code=503)(), True),
        (kind("google.genai.errors.ClientError", code=429)(), True),
        (kind("google.genai.errors.ClientError", code=400)(), False),
        (kind("litellm.exceptions.ServiceUnavailableError", OPENAI_STATUS)(), True),
        (kind("litellm.exceptions.Timeout", kind("openai.APIConnectionError"))(), True),
        (of_status("litellm.exceptions.APIError", 500), True),
        (of_status("litellm.exceptions.APIError", 404), False),
        (httpx.ConnectError("no"), True),
        (httpx.ReadTimeout("late"), True),
        (httpx.RemoteProtocolError("cut"), True),
        (httpx.UnsupportedProtocol("ftp"), False),
        (by_response("httpx.HTTPStatusError", 502), True),
        (by_response("httpx.HTTPStatusError", 429), True),
        (by_response("httpx.HTTPStatusError", 422), False),
        (by_response("requests.exceptions.HTTPError", 503), True),
        (by_response("requests.exceptions.HTTPError", 404), False),
        (kind("requests.exceptions.HTTPError", response=None)(), False),
        (kind("requests.exceptions.ConnectionError")(), True),
        (kind("requests.exceptions.JSONDecodeError")(), False),
        (kind("x.Y", kind("botocore.exceptions.ConnectionError"))(), True),
        (from_aws("botocore.exceptions.ClientError", 429), True),
        (from_aws("botocore.exceptions.ClientError", 400), False),
        (from_aws("botocore.errorfactory.ThrottlingException", 400), True),
        (kind("my_openai.RateLimitError")(), False),
        (ConnectionError("refused"), False),
        (TimeoutError("late"), False),
        (ScorerError("judge failed"), True),
        (TypeError("not ours"), False),
        (AssertionError("no"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)
def test_lost_connections_timeouts_rate_limits_and_failures_of_servers_are_known(
    error: BaseException, is_one: bool
) -> None:
    assert DEFAULT.include(error) is is_one


@pytest.mark.parametrize(
    "name",
    [
        "lib.errors.Busy",
        "lib.Busy",
        "lib._errors.Busy",
        "lib.errors._private.Busy",
    ],
)
def test_a_name_stands_for_where_a_class_is_defined_and_where_it_is_exported(
    name: str,
) -> None:
    errors = HarnessErrors([name])
    assert errors.include(kind("lib.errors.Busy")())
    assert not errors.include(kind("lib.errors.Idle")())
    assert not errors.include(kind("library.errors.Busy")())


def test_a_class_in_a_class_and_one_of_python_have_names() -> None:
    inner = kind("lib.Busy", __qualname__="Client.Busy")
    assert HarnessErrors(["lib.Client.Busy"]).include(inner())
    assert HarnessErrors(["ConnectionError"]).include(ConnectionResetError())
    assert not HarnessErrors(["ConnectionError"]).include(TimeoutError())


def test_without_names_only_a_scorer_that_failed_is_one() -> None:
    none = HarnessErrors([])
    assert none.include(ScorerError("no score"))
    assert not none.include(httpx.ConnectError("no"))


@pytest.mark.parametrize(
    ("statuses", "is_one"),
    [("503", True), ("5xx", True), ("429 500", False), ("4xx", False)],
)
def test_statuses_narrow_a_name_down(statuses: str, is_one: bool) -> None:
    error = kind("lib.Failed", status=503)()
    assert HarnessErrors([f"lib.Failed {statuses}"]).include(error) is is_one


def test_what_has_no_status_or_does_not_tell_it_is_none() -> None:
    def explode(self: object) -> None:
        raise RuntimeError("closed")

    errors = HarnessErrors(["lib.Failed 503"])
    assert not errors.include(kind("lib.Failed")())
    assert not errors.include(kind("lib.Failed", code="503")())
    assert not errors.include(kind("lib.Failed", response=property(explode))())


BUSY = kind("lib.Busy")
ERRORS = HarnessErrors(["lib.Busy"])


class BaseExceptionGroup(BaseException):
    """A group as Python 3.10 has it from a package."""

    def __init__(self, *exceptions: object) -> None:
        self.exceptions = exceptions


Group = BaseExceptionGroup


def caused(error: BaseException, cause: BaseException | None) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (Group(BUSY(), BUSY()), True),
        (Group(BUSY(), ValueError()), False),
        (Group(BUSY(), Group(BUSY(), Group(BUSY()))), True),
        (Group(BUSY(), Group(KeyError())), False),
        (Group(), False),
        (Group(BUSY(), caused(ValueError(), BUSY())), True),
        (Group(BUSY(), AssertionError()), False),
        (kind("lib.Busy", Group)(ValueError()), True),
        (caused(ValueError("wrapped"), BUSY()), True),
        (caused(ValueError(), caused(KeyError(), BUSY())), True),
        (caused(ValueError(), Group(BUSY(), BUSY())), True),
        (caused(ValueError(), Group(BUSY(), KeyError())), False),
        (caused(BUSY(), ValueError()), True),
        (caused(AssertionError(), BUSY()), False),
        (caused(pytest.fail.Exception("no answer"), BUSY()), False),
        (caused(ValueError(), caused(AssertionError(), BUSY())), False),
        (caused(ValueError(), None), False),
    ],
)
def test_a_group_is_one_if_all_in_it_are_and_a_wrapper_if_its_cause_is(
    error: BaseException, is_one: bool
) -> None:
    assert ERRORS.include(error) is is_one


def test_what_was_handled_when_another_exception_came_does_not_count() -> None:
    error = ValueError("the fallback is wrong, too")
    error.__context__ = BUSY()
    assert not ERRORS.include(error)


def test_exceptions_in_a_circle_are_none() -> None:
    one, other = ValueError(), KeyError()
    caused(one, caused(other, one))
    group = Group(one)
    caused(other, group)
    assert not ERRORS.include(one)
    assert not ERRORS.include(group)
