"""Replies of services: what they hold, and how it is told to people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_SHOWN = 200
_READ = 10_000  # of a message, so that a secret in it is seen whole


@dataclass(frozen=True)
class Reply:
    """What a service answered; `is_cut` says that `body` is only the start of it.

    :param clean: replaces secrets in what is shown of it: services quote keys.
    """

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    clean: Callable[[str], str] = field(default=str, repr=False, compare=False)
    is_cut: bool = False

    @cached_property
    def data(self) -> Any:
        """The body read as JSON, None when it is not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def is_html(self) -> bool:
        """Whether the body is a page for people."""
        return self.body.lstrip()[:1] == b"<"

    @property
    def request_id(self) -> str | None:
        """The service's name for the request, for its support."""
        error = _error_of(self.data)
        said = error.get("requestId") if error else None
        value = said or self.headers.get("x-request-id")
        return self._printable(str(value)) if value else None

    def explain(self, reasons: Mapping[int, str] | None = None) -> str:
        """Say what the service answered: status, its own words, the request's id.

        :param reasons: what a status means, in words that help.
        """
        parts = [f"HTTP {self.status}"]
        is_of_proxy = self.is_html and self.status in (401, 403)  # it knows no key
        if reasons and self.status in reasons and not is_of_proxy:
            parts.append(reasons[self.status])
        if self.is_html:
            parts.append("an HTML page: is the base URL right?")
        elif self.is_cut and self.status < 300:
            most = len(self.body) // 1_000_000
            parts.append(f"the answer is larger than {most} MB, too large to be read")
        elif message := self._message():
            parts.append(f"the service said: {message}")
        text = ", ".join(parts)
        return f"{text} (request {self.request_id})" if self.request_id else text

    def _message(self) -> str:
        error = _error_of(self.data)
        if error:
            parts = (error.get("code"), error.get("message"))
            return self._printable(": ".join(str(each) for each in parts if each))
        return self._printable(self.body[:_READ].decode("utf-8", "replace"))

    def _printable(self, text: str) -> str:
        return one_line(self.clean(text[:_READ]))


def _error_of(data: object) -> dict[str, Any] | None:
    """Return message and code of a failure in any of the shapes services use."""
    if not isinstance(data, dict):
        return None
    error = data.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        details = data.get("message") or data.get("details")
        return {"message": f"{error}: {details}" if details else error}
    return (
        {"message": data["message"]} if isinstance(data.get("message"), str) else None
    )


def one_line(text: str) -> str:
    """Return a text from elsewhere in one short line that can be shown."""
    line = " ".join(text[:_READ].split())
    line = "".join(char if char.isprintable() else "?" for char in line)
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
