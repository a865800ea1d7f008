"""Headless browsers that open the report page from disk, driven by WebDriver BiDi.

https://www.w3.org/TR/webdriver-bidi/
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, TypeVar

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

Value = TypeVar("Value")

ENTER, ESCAPE, TAB, DOWN = "\ue007", "\ue00c", "\ue004", "\ue015"

_SECONDS = 30
_LOCAL = ("file:", "about:", "data:")
_CLICKED = """
    const [selector, index] = arguments;
    const element = document.querySelectorAll(selector)[index];
    element.scrollIntoView({ block: "nearest" });
    const { x, y, width, height } = element.getBoundingClientRect();
    const place = [Math.round(x + width / 2), Math.round(y + height / 2)];
    const there = document.elementFromPoint(...place);
    if (!element.contains(there)) throw new Error(`${selector} is covered`);
    return place;
"""


def _program(names: str) -> str | None:
    """Return where a program is that has one of some names, None if nowhere."""
    return next(filter(None, map(shutil.which, names.split())), None)


class Browser(ABC):
    """A window; `problems` is all that went wrong since it was last asked."""

    name: ClassVar[str]
    programs: ClassVar[dict[str, str]]
    """What it needs, under any of its names, each with Debian's package."""

    schemes: ClassVar[tuple[str, ...]]
    """The colour schemes that it can be made to prefer."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._open = ExitStack()
        self._process = self._start(Path(self._folder.name))
        try:
            self._socket = self._connect()
            self._ids, self._loads = count(1), count(1)
            self._events: list[dict[str, Any]] = []
            self._size: dict[str, int] = {}
            self._prepare()
        except BaseException:
            self._stop()
            raise

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(ConnectionClosed):
            self.command("browser.close")
        self._stop()

    @classmethod
    def missing(cls) -> list[str]:
        """Return the Debian packages whose programs are not installed."""
        return [e for names, e in cls.programs.items() if _program(names) is None]

    @abstractmethod
    def _start(self, profile: Path) -> subprocess.Popen[str]:
        """Start what is to be connected to."""

    @abstractmethod
    def _connect(self) -> ClientConnection:
        """Return the connection of a new session."""

    @abstractmethod
    def prefer(self, scheme: str) -> None:
        """Prefer one of `schemes`."""

    def _prepare(self) -> None:
        self._context = self.command("browsingContext.getTree")["contexts"][0][
            "context"
        ]
        events = ["log.entryAdded", "network.beforeRequestSent"]
        self.command("session.subscribe", events=events)

    def _stop(self) -> None:
        self._open.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in filter(None, (self._process.stdout, self._process.stderr)):
            pipe.close()
        self._folder.cleanup()

    def _said(self, pattern: str) -> str:
        """Return what the program said where it listens."""
        lines = self._process.stdout or self._process.stderr or ()
        for line in lines:
            if found := re.search(pattern, line):
                return found[1]
        raise RuntimeError(f"{self.name} did not start")

    def command(self, method: str, /, **parameters: object) -> Any:
        number = self._send(method, **parameters)
        while True:
            message = json.loads(self._socket.recv(_SECONDS))
            if message.get("id") == number:
                break
            self._events.append(message)
        if message["type"] == "error":
            raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    def _send(self, method: str, /, **parameters: object) -> int:
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        return number

    def resize(self, width: int, height: int = 800) -> None:
        size = {"width": width, "height": height}
        if size == self._size:
            return
        self._size = size
        self.command(
            "browsingContext.setViewport", context=self._context, viewport=size
        )

    def open(self, path: Path, fragment: str = "") -> None:
        """Load a page, also if it is there already."""
        self.navigate(f"{path.as_uri()}?{next(self._loads)}{fragment}")

    def navigate(self, url: str) -> None:
        place = {"context": self._context, "url": url}
        self.command("browsingContext.navigate", wait="complete", **place)

    def run(self, script: str, *arguments: object) -> Any:
        """Return what the body of a function returns, as far as JSON has it."""
        result = self.command(
            "script.callFunction",
            functionDeclaration=f"async (given) => JSON.stringify(await (function () {{"
            f"{script}}}).apply(null, JSON.parse(given)) ?? null)",
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            target={"context": self._context},
            awaitPromise=True,
        )
        if result["type"] == "exception":
            raise RuntimeError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])

    def texts(self, selector: str) -> list[str]:
        """Return the texts that can be seen, an empty one for what is hidden."""
        texts: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])]"
            ".map(each => each.checkVisibility() ? each.innerText : '')",
            selector,
        )
        return texts

    def text(self, selector: str) -> str:
        return self.texts(selector)[0]

    def value(self, selector: str, name: str) -> Any:
        """Return a property of the first element that is found."""
        script = "return document.querySelector(arguments[0])[arguments[1]]"
        return self.run(script, selector, name)

    def style(self, selector: str, name: str) -> str:
        script = "return getComputedStyle(document.querySelector(arguments[0]))"
        return str(self.run(f"{script}[arguments[1]]", selector, name))

    def count(self, selector: str) -> int:
        script = "return document.querySelectorAll(arguments[0]).length"
        return int(self.run(script, selector))

    def click(self, selector: str, index: int = 0) -> None:
        """Click in the middle of what is found, as a mouse does."""
        x, y = self.run(_CLICKED, selector, index)
        move = {"type": "pointerMove", "x": x, "y": y}
        press = {"type": "pointerDown", "button": 0}
        release = {"type": "pointerUp", "button": 0}
        self._perform("pointer", [move, press, release])

    def press(self, *keys: str) -> None:
        self._perform(
            "key",
            [
                {"type": kind, "value": key}
                for key in "".join(keys)
                for kind in ("keyDown", "keyUp")
            ],
        )

    def _perform(self, kind: str, actions: Sequence[dict[str, Any]]) -> None:
        source = {"type": kind, "id": kind, "actions": actions}
        self.command("input.performActions", context=self._context, actions=[source])

    def until(self, condition: Callable[[], Value]) -> Value:
        """Wait for something to hold."""
        end = time.monotonic() + 10
        while not (value := condition()):
            assert time.monotonic() < end, "it did not come to hold"
            time.sleep(0.01)
        return value

    def screenshot(self, path: Path) -> None:
        """Write what is in sight as a PNG."""
        method = "browsingContext.captureScreenshot"
        shown = self.command(method, context=self._context)
        path.write_bytes(base64.b64decode(shown["data"]))

    def problems(self) -> list[str]:
        """Return what the console said, and requests for anything but a local page."""
        self.run("")
        events = [(each["method"], each["params"]) for each in self._events]
        self._events.clear()
        said = [str(e["text"]) for name, e in events if name == "log.entryAdded"]
        urls = [
            str(each["request"]["url"])
            for name, each in events
            if name == "network.beforeRequestSent"
        ]
        return said + [url for url in urls if not url.startswith(_LOCAL)]


class Chromium(Browser):
    name = "chromium"
    programs: ClassVar[dict[str, str]] = {
        "chromium google-chrome": "chromium",
        "chromedriver": "chromium-driver",
    }
    schemes = ("light", "dark")

    def _start(self, profile: Path) -> subprocess.Popen[str]:
        self._profile = profile
        command = ["chromedriver", "--port=0"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def _connect(self) -> ClientConnection:
        port = self._said(r"started successfully on port (\d+)")
        arguments = (
            *("headless=new", "no-sandbox", "disable-gpu", "disable-quic"),
            *("hide-scrollbars",),
            *("no-first-run", "disable-background-networking", "disable-sync"),
            *("disable-component-update", f"user-data-dir={self._profile}"),
            "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        )
        options = {
            "binary": _program("chromium google-chrome"),
            "args": [f"--{each}" for each in arguments],
        }
        wanted = {"webSocketUrl": True, "goog:chromeOptions": options}
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/session",
            json.dumps({"capabilities": {"alwaysMatch": wanted}}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            url = json.load(answer)["value"]["capabilities"]["webSocketUrl"]
        return self._open.enter_context(connect(url, max_size=None))

    def prefer(self, scheme: str) -> None:
        found = self.command("goog:cdp.getSession", context=self._context)
        self.command(
            "goog:cdp.sendCommand",
            method="Emulation.setEmulatedMedia",
            params={"features": [{"name": "prefers-color-scheme", "value": scheme}]},
            session=found["session"],
        )


_PREFERENCES = {
    "remote.active-protocols": 1,
    "layout.css.prefers-color-scheme.content-override": 0,
    "browser.startup.page": 0,
    "fission.autostart": False,
    "dom.ipc.processPrelaunch.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.unified": False,
    "app.normandy.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}


class Firefox(Browser):
    name = "firefox"
    programs: ClassVar[dict[str, str]] = {"firefox-esr firefox": "firefox-esr"}
    schemes = ("dark",)

    def _start(self, profile: Path) -> subprocess.Popen[str]:
        lines = (
            f'user_pref("{name}", {json.dumps(value)});\n'
            for name, value in _PREFERENCES.items()
        )
        (profile / "user.js").write_text("".join(lines))
        command = [
            _program("firefox-esr firefox") or "firefox",
            "--headless",
            "--no-remote",
            "--profile",
            str(profile),
        ]
        return subprocess.Popen(
            [*command, "--remote-debugging-port=0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _connect(self) -> ClientConnection:
        url = self._said(r"WebDriver BiDi listening on (ws://\S+)")
        session = connect(f"{url}/session", max_size=None)
        connection = self._open.enter_context(session)
        message = {"id": 0, "method": "session.new", "params": {"capabilities": {}}}
        connection.send(json.dumps(message))
        connection.recv(_SECONDS)
        return connection

    def prefer(self, scheme: str) -> None:
        assert scheme in self.schemes  # set where it starts


BROWSERS: dict[str, type[Browser]] = {"chromium": Chromium, "firefox": Firefox}
