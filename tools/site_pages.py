"""What the documentation site has beside docs/, made from the same files.

MkDocs calls the functions here while it builds the site (mkdocs.yml, ``hooks``).
README, changelog and the like become pages, and so does each folder of
conftest_examples/ with its files. Links between files of the repository become links
between pages.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
EXAMPLES = "conftest_examples"
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
API = """
# Python API

Everything here can be imported from `pytest_evalguard`. Tests don't have to: the
fixture `eval_case` is an `EvalCase`. The others are for [hooks](hooks.md).

## EvalCase

::: pytest_evalguard.EvalCase
    options: {show_root_heading: false, show_root_toc_entry: false}

## Cases and figures

::: pytest_evalguard.Case
    options: {members: [passed, has_row, has_verdict, overall_score]}
::: pytest_evalguard.Outcome
::: pytest_evalguard.ScorerResult
    options: {members: []}
::: pytest_evalguard.Attempt
::: pytest_evalguard.Metric
::: pytest_evalguard.Table
    options: {members: []}

## Services

::: pytest_evalguard.Service
::: pytest_evalguard.Submission
::: pytest_evalguard.LeftOut
::: pytest_evalguard.Session
    options: {members: [state, status, cases]}
::: pytest_evalguard.Deadline
    options: {merge_init_into_class: false}

## Exceptions

::: pytest_evalguard.EvalguardError
::: pytest_evalguard.ConfigurationError
::: pytest_evalguard.ScorerError
::: pytest_evalguard.SessionError
::: pytest_evalguard.ServiceError

## Hooks

::: pytest_evalguard.hookspecs
    options: {show_root_heading: false, show_root_toc_entry: false}
"""
_LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[#)])")
_LANGUAGES = {".py": "python", ".ini": "ini", ".csv": "text", ".txt": "text"}
_MOST_LINES = 60


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    for source, page in PAGES.items():
        _add(files, config, page, (ROOT / source).read_text("utf-8"))
    folders = sorted(path.parent for path in ROOT.glob(f"{EXAMPLES}/*/README.md"))
    for folder in folders:
        _add(files, config, f"examples/{folder.name}.md", _example(folder))
    titles = [f"- [{_title(each)}]({each.name}.md)" for each in folders]
    text = "# Examples\n\nComplete folders to copy.\n\n" + "\n".join(titles)
    _add(files, config, "examples/index.md", text)
    _add(files, config, "api.md", API)
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Let links to files of the repository lead to their pages."""
    own = page.file.src_uri
    sources = {target: source for source, target in PAGES.items()}
    source = sources.get(own, f"docs/{own}")
    if own.startswith("examples/"):
        source = f"{EXAMPLES}/{Path(own).stem}/README.md"

    def there(link: re.Match[str]) -> str:
        return _link(link[1], source, own)

    return _LINK.sub(there, markdown)


def _add(files: Files, config: MkDocsConfig, page: str, text: str) -> None:
    files.append(File.generated(config, page, content=text))


def _link(target: str, source: str, page: str) -> str:
    """Return a link from a page, of one from a file of the repository."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if path in PAGES:
        there = PAGES[path]
    elif path == EXAMPLES:
        there = "examples/index.md"
    elif path.startswith(f"{EXAMPLES}/"):
        there = f"examples/{path.split('/')[1]}.md"
    elif path.startswith("docs/"):
        there = path.removeprefix("docs/")
    else:
        return target
    return posixpath.relpath(there, posixpath.dirname(page) or ".")


def _title(folder: Path) -> str:
    first, *_ = (folder / "README.md").read_text("utf-8").splitlines()
    return first.removeprefix("# ")


def _example(folder: Path) -> str:
    """Return an example's README and its files; of data, the first lines."""
    parts = [(folder / "README.md").read_text("utf-8")]
    for path in sorted(folder.iterdir()):
        language = _LANGUAGES.get(path.suffix)
        if language is not None:
            lines = path.read_text("utf-8").splitlines()
            if language == "text" and len(lines) > _MOST_LINES:
                lines = [*lines[:_MOST_LINES], "..."]
            text = "\n".join(lines)
            parts.append(f"## {path.name}\n\n````{language}\n{text}\n````\n")
    return "\n".join(parts)
