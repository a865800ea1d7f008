"""Screenshots of the report page of four fixed sessions, to see what a change does.

    python tools/screenshots.py screenshots --widths 1400 375 --schemes light dark

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

from sample_sessions import make_sessions

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from browser import BROWSERS, Browser
from pytest_evalguard.cli.main import main as pytest_evalguard

HEIGHT, TALL = 900, 1600
_FIRST = "return document.querySelector('#rows a').hash"
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
            browser.run("document.getElementById('main').scrollIntoView()")
        path = page.with_name(f"{page.stem}-{name}-{width}-{scheme}.png")
        browser.screenshot(path)
        print(path)


def main() -> None:
    """Make pages of the sessions, and screenshots of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sessions", nargs="+")
    parser.add_argument("--widths", nargs="+", type=int, default=[1400, 1000, 700, 375])
    parser.add_argument("--schemes", nargs="+", default=["light", "dark"])
    parser.add_argument("--browser", choices=BROWSERS, default="chromium")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = BROWSERS[options.browser]
    with tempfile.TemporaryDirectory() as name, chosen() as browser:
        with contextlib.redirect_stdout(io.StringIO()):
            sessions = make_sessions(Path(name))
            for session, path in sessions.items():
                page = options.folder / f"{session}.html"
                pytest_evalguard(["html", str(path), "-o", str(page)])
        for session in options.sessions or sessions:
            for width in options.widths:
                for scheme in options.schemes:
                    page = options.folder / f"{session}.html"
                    take(browser, page, width, scheme)


if __name__ == "__main__":
    main()
