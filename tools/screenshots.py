"""Screenshots of the report page of four fixed sessions, to see what a change does.

    python tools/screenshots.py screenshots --widths 1400 375 --schemes light dark
    python tools/screenshots.py --picture docs/report.png

Each session is shown as it opens, with its first case open and, where it has groups,
side by side. They are for the eye: nothing compares them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path

from sample_sessions import SESSIONS, make_sessions

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from browser import BROWSERS, Browser
from pytest_evalguard.cli.main import main as pytest_evalguard

HEIGHT, TALL = 900, 1600
_CASES = "document.getElementById('main').scrollIntoView()"
_FIRST = "return document.querySelector('#rows a').hash"
_PICTURE = (1160, 560)  # as small as its text can be read in the README
_HAS_SIDES = "return document.querySelector('[data-view=model]') !== null"


def take(browser: Browser, page: Path, width: int, scheme: str) -> None:
    """Write the screenshots of one page beside it."""
    browser.prefer(scheme)
    browser.resize(width, TALL)
    browser.open(page)
    views = {"page": "", "case": browser.run(_FIRST)}
    if browser.run(_HAS_SIDES):
        views["sides"] = "#beside=model"
    for name, fragment in views.items():
        browser.resize(width, TALL if name == "page" else HEIGHT)
        browser.open(page, fragment)
        if name == "sides":
            browser.run(_CASES)
        path = page.with_name(f"{page.stem}-{name}-{width}-{scheme}.png")
        browser.screenshot(path)
        print(path)


def take_picture(browser: Browser, page: Path, path: Path) -> None:
    """Write the picture of the README: the cases, and one that is open."""
    browser.prefer("light")
    browser.resize(*_PICTURE)
    browser.open(page)
    browser.open(page, browser.run(_FIRST))
    browser.run(_CASES)
    browser.screenshot(path)
    print(path)


def make_pages(folder: Path) -> dict[str, Path]:
    """Return pages of the sessions, by their names."""
    pages = {}
    with (
        tempfile.TemporaryDirectory() as name,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        for session, path in make_sessions(Path(name)).items():
            pages[session] = folder / f"{session}.html"
            pytest_evalguard(["html", str(path), "-o", str(pages[session])])
    return pages


def main() -> None:
    """Make pages of the sessions, and screenshots of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("screenshots"))
    parser.add_argument("--sessions", nargs="+", choices=SESSIONS, default=SESSIONS)
    parser.add_argument("--widths", nargs="+", type=int, default=[1400, 1000, 700, 375])
    parser.add_argument("--schemes", nargs="+", default=["light", "dark"])
    parser.add_argument("--browser", choices=BROWSERS, default="chromium")
    parser.add_argument("--picture", type=Path, help="make only that of the README")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, BROWSERS[options.browser]() as browser:
        if options.picture is not None:
            pages = make_pages(Path(name))
            take_picture(browser, pages["failing"], options.picture)
            return
        options.folder.mkdir(parents=True, exist_ok=True)
        pages = make_pages(options.folder)
        for session in options.sessions:
            for width in options.widths:
                for scheme in options.schemes:
                    take(browser, pages[session], width, scheme)


if __name__ == "__main__":
    main()
