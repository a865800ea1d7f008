"""A headless Chromium that opens the report page from disk and keeps what it says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

Value = TypeVar("Value")

_ARGUMENTS = (
    *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
    "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_LOGS = {"browser": "ALL", "performance": "ALL"}


def missing_packages() -> list[str]:
    """Return the Debian packages whose programs are not installed."""
    programs = {"chromium": "chromium", "chromedriver": "chromium-driver"}
    return [each for name, each in programs.items() if shutil.which(name) is None]


class Browser:
    """A window; `problems` is all that went wrong since it was last asked.

    :param profile: an empty directory.
    """

    def __init__(self, profile: Path) -> None:
        options = ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for argument in (*_ARGUMENTS, f"user-data-dir={profile}"):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", _LOGS)
        service = ChromeService(shutil.which("chromedriver"))
        self.driver = Chrome(options, service)
        self.driver.set_page_load_timeout(20)
        self._opened = count()

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.driver.quit()

    def reset(self) -> None:
        """Make the window wide, light and able to run scripts."""
        self.command("Emulation.setScriptExecutionDisabled", value=False)
        self.command("Emulation.setEmulatedMedia", features=[])
        self.resize(1400)
        self.problems()

    def command(self, name: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)

    def resize(self, width: int, height: int = 800) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.command("Emulation.setDeviceMetricsOverride", mobile=False, **size)

    def open(self, path: Path, fragment: str = "") -> None:
        # the same address with another fragment would not be loaded anew
        self.driver.get(f"{path.as_uri()}?{next(self._opened)}{fragment}")

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """Return the texts that can be seen, an empty one for what is hidden."""
        texts: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])]"
            ".map(each => each.checkVisibility() ? each.innerText : '')",
            selector,
        )
        return texts

    def text(self, selector: str) -> str:
        return self.one(selector).text

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def until(self, condition: Callable[[], Value]) -> Value:
        """Wait for something to hold."""
        wait = WebDriverWait(self.driver, 10, poll_frequency=0.02)
        return wait.until(lambda _: condition())

    def problems(self) -> list[str]:
        """Return what the console said, and requests for anything but a local page."""
        said = [str(entry["message"]) for entry in self._log("browser")]
        sent = [
            json.loads(entry["message"])["message"]
            for entry in self._log("performance")
        ]
        urls = [
            each["params"]["request"]["url"]
            for each in sent
            if each["method"] == "Network.requestWillBeSent"
        ]
        return said + [url for url in urls if not url.startswith("file:")]

    def _log(self, name: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]]
        entries = self.driver.get_log(name)  # type: ignore[no-untyped-call]
        return entries
