"""A person who reads report pages, and loads one anew only where that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from browser import Browser
from pytest_evalguard.model.case import Case
from pytest_evalguard.reporting.html.page import Page, write_page
from pytest_evalguard.reporting.html.parts import CaseData

PAGE = Page("a session")

_GO = """
    const go = (fragment) => {
      history.pushState(null, "", location.href.split("#")[0] + fragment);
      dispatchEvent(new PopStateEvent("popstate"));
    };
"""
# as if it were loaded anew; what is sought twice is found again
_RESET = f"""{_GO}
    go("#search=%20");
    document.activeElement.blur();
    go(arguments[0]);
    if (!document.querySelector("#pane[open]")) document.activeElement.blur();
    scrollTo(0, 0);
    dispatchEvent(new Event("scroll"));
"""
NAMES = "return [...document.querySelectorAll('#rows .name')].map(e => e.textContent);"


class Reader:
    """Opens pages in a browser.

    :param folder: where they are written.
    """

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser = browser
        self.page = folder / "page.html"
        self._shown: Callable[[], object] | None = None

    def open(
        self, cases: Iterable[Case], fragment: str = "", page: Page = PAGE
    ) -> None:
        """Load a page of its own."""
        write_page(self.page, page, CaseData.of(cases))
        self.again(fragment)

    def show(
        self, sample: Callable[[], tuple[Page, Iterable[Case]]], fragment: str = ""
    ) -> None:
        """Show a page as if it were just loaded."""
        if self._shown is sample:
            self.browser.run(_RESET, fragment)
        else:
            page, cases = sample()
            self.open(cases, fragment, page)
            self._shown = sample

    def visit(
        self,
        sample: Callable[[], tuple[Page, Iterable[Case]]],
        fragments: Iterable[str],
        script: str,
    ) -> dict[str, Any]:
        """Return what a script finds at each fragment of a page; nothing is drawn."""
        self.show(sample)
        found = "Object.fromEntries(arguments[0].map(e => [e, (go(e), find())]))"
        script = f"{_GO} const find = () => {{ {script} }}; return {found};"
        return dict(self.browser.run(script, [*fragments]))

    def again(self, fragment: str) -> None:
        """Load the page that is shown once more."""
        self.browser.open(self.page, fragment)
        self.forget()

    def forget(self) -> None:
        """Load the next page, whatever was shown."""
        self._shown = None

    def search(self, text: str) -> list[str]:
        """Return what is listed when that is sought."""
        return self._enter("search", text, "input")

    def _enter(self, box: str, value: str, event: str) -> list[str]:
        script = (
            "const box = document.getElementById(arguments[0]);"
            "box.value = arguments[1];"
            "box.dispatchEvent(new Event(arguments[2]));"
        )
        self.browser.run(script, box, value, event)
        return self.names

    def choose(self, group: str, value: str) -> list[str]:
        """Return what is listed after a press of that filter."""
        script = (
            "[...document.querySelectorAll(`[data-group='${arguments[0]}'] button`)]"
            ".filter(each => each.textContent.startsWith(arguments[1]))"
            ".forEach(each => each.click())"
        )
        self.browser.run(script, group, value)
        return self.names

    def sort(self, name: str) -> list[str]:
        """Return what is listed when it is sorted by that."""
        return self._enter("sort", name, "change")

    def bound(self, name: str, value: str) -> list[str]:
        """Return what is listed when scores are from or to a value."""
        return self._enter(name, value, "change")

    def filters(self, group: str) -> dict[str, str]:
        """Return the values of a group, with how many cases each has."""
        texts = self.browser.texts(f"[data-group='{group}'] button")
        return dict(text.rsplit("\n", 1) for text in texts)

    @property
    def names(self) -> list[str]:
        """What is listed."""
        names: list[str] = self.browser.run(NAMES)
        return names

    @property
    def rows(self) -> list[str]:
        """What is listed, with all that is said of it."""
        return [" ".join(each.split()) for each in self.browser.texts("#rows li")]

    @property
    def title(self) -> str:
        """The title of the open case; nothing when none is open."""
        titles = self.browser.texts("#pane[open] #title")
        return " ".join(titles[0].split()) if titles else ""

    @property
    def fragment(self) -> str:
        return str(self.browser.run("return location.hash.slice(1)"))

    @property
    def focused(self) -> str:
        """The text of what has the focus."""
        return str(self.browser.run("return document.activeElement.innerText"))

    @property
    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        width = "document.documentElement.scrollWidth"
        return int(self.browser.run(f"return {width} - innerWidth"))
