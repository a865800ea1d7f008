"""The README and docs/: every block runs or is read, every name and link exists.

A block of Python is a whole file, whose first line says its name: the blocks of a page
are written into one folder, and into the next one when a name comes again. What needs
a neighbour that may not be installed says `# NAME, with DISTRIBUTION` and is compiled.
A block of a console is a command and lines that it prints, in that order.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
import yaml

from pytest_evalguard import hookspecs
from pytest_evalguard.config.harness_errors import HARNESS_ERRORS
from pytest_evalguard.config.resolution import read_settings
from pytest_evalguard.config.settings import PROJECT_VARIABLE, TABLE
from pytest_evalguard.recording.recorder import EvalCase
from pytest_evalguard.start import SERVICES, add_options, all_options
from standin import StandIn
from suite import Suite

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
SOURCE = ROOT / "src" / "pytest_evalguard"

# what the examples call, and a test for those that have none of their own
APP = """
    from types import SimpleNamespace

    def ask(question):
        return "Sydney" if "Australia" in question else "Paris"

    def complete(question):
        usage = {"prompt_tokens": 12, "completion_tokens": 1}
        return SimpleNamespace(text=ask(question), usage=usage, model="small")
"""
TEST = """
    import pytest

    def test_reply(eval_case):
        eval_case.record(input="I am Jane Doe", actual="Hello Jane Doe")

    @pytest.mark.eval(tags=["draft"])
    def test_draft():
        pass
"""

# names of the plugins that docs/migration.md puts beside ours
THEIRS = {
    *("--evalguard", "--evalguard-project", "--evalguard-api-key"),
    *("--evalguard-base-url", "evalguard_test", "evalguard_client"),
}
LANGUAGES = {"console", "ini", "python", "sh", "text", "toml", "yaml"}


@dataclass(frozen=True)
class Block:
    """A block of code on a page."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """The name of the file that it is, as its first line says."""
        return self.text.partition("\n")[0].removeprefix("# ")

    @property
    def runs(self) -> bool:
        return ", with " not in self.name


_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)((?: {4}.*\n)+)")


EXAMPLES = sorted((ROOT / "conftest_examples").rglob("test_*.py"))


@cache
def blocks_of(name: str) -> list[Block]:
    text = (ROOT / name).read_text("utf-8")
    found = _FENCED.findall(text)
    fenced = [Block(name, language or "console", code) for language, code in found]
    rest = _FENCED.sub("", text)
    return [*fenced, *(Block(name, "sh", each) for each in _INDENTED.findall(rest))]


def blocks(*languages: str) -> list[Block]:
    return [b for name in NAMES for b in blocks_of(name) if b.language in languages]


@dataclass
class Options:
    """What `add_options` adds, by name: metavars of options, kinds of ini settings."""

    metavars: dict[str, str | None] = field(default_factory=dict)
    helps: dict[str, str] = field(default_factory=dict)
    inis: dict[str, str] = field(default_factory=dict)

    def getgroup(self, *words: str) -> Options:
        return self

    def addoption(self, name: str, **given: Any) -> None:
        self.metavars[name] = given.get("metavar")
        self.helps[name] = given["help"]

    def addini(self, name: str, text: str, type: str, default: object) -> None:
        self.inis[name] = type


@pytest.fixture(scope="module")
def options() -> Options:
    found = Options()
    add_options(cast(pytest.Parser, found))
    return found


VARIABLES = {
    *(each.variable for each in all_options() if each.variable is not None),
    *(each.key_variable for each in SERVICES),
    PROJECT_VARIABLE,
}


# Names


@pytest.mark.parametrize("name", NAMES)
def test_every_name_on_a_page_is_known(name: str, options: Options) -> None:
    text = (ROOT / name).read_text("utf-8")
    known = {
        *(*options.metavars, *options.inis, *VARIABLES, *THEIRS),
        *(each for each in vars(hookspecs) if each.startswith("pytest_evalguard_")),
        "pytest_evalguard",
    }
    found = re.findall(
        r"(?<![\w-])(?:--evalguard|EVALGUARD_|\w*evalguard_)[\w-]*", text
    )
    assert {each for each in found if each not in known} == set()


def test_all_that_the_recorder_has_is_told_and_nothing_else() -> None:
    there = {name for name in dir(EvalCase) if not name.startswith("_")}
    text = "".join((ROOT / name).read_text("utf-8") for name in NAMES)
    assert set(re.findall(r"eval_case\.(\w+)", text)) == there


def test_all_keywords_of_the_mark_are_told_and_no_others(
    suite: Suite,
) -> None:
    text = (ROOT / "docs/recording.md").read_text("utf-8")
    text = text[text.index("## The mark") : text.index("## Many cases")]
    told = {word for row in rows(text) for word in re.findall(r"`(\w+)`", row[0])}
    lines = suite.run("--markers").out.splitlines()
    (mark,) = [line for line in lines if "(pytest-evalguard)" in line]
    assert told == set(re.findall(r"(\w+)=[,)]", mark))


# The table of settings


def rows(text: str) -> Iterator[list[str]]:
    """Yield the rows of all tables, cell by cell, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if not line.startswith("|--") and not after.startswith("|--"):
            yield [cell.strip() for cell in line[1:-1].split("|")]


def settings_rows() -> list[list[str]]:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    return [row for row in rows(text[: text.index("## Ini files")]) if len(row) == 5]


def bare(cell: str) -> str:
    return cell.strip("`")


def test_the_table_of_settings_has_all_of_them_and_no_others(options: Options) -> None:
    table = settings_rows()
    told = {bare(row[0]) for row in table if row[0]}
    there = {f"{n}={m}" if m else n for n, m in options.metavars.items()}
    assert told == there
    assert {bare(row[1]) for row in table if row[1]} == VARIABLES
    assert {bare(row[2]) for row in table if row[2]} == set(options.inis)


def test_a_setting_has_the_names_that_belong_together(options: Options) -> None:
    for option, variable, ini, *_ in settings_rows():
        name = bare(option).partition("=")[0]
        if not name:
            continue
        dest = name.removeprefix("--").replace("-", "_")
        assert bare(ini) == (dest if dest in options.inis else "")
        env = re.search(r"env:\s+(\w+)", options.helps[name])
        assert bare(variable) == (env[1] if env else "")


DEFAULTS = {each.option.dest: each.default for each in TABLE} | {
    f"evalguard_{each.url_setting}": each.default_url for each in SERVICES
}


def shown(value: object) -> str:
    """Return a default as the table has it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value in (None, ()):
        return "none"
    if isinstance(value, tuple):
        return "[a list](outcomes.md#errors)"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def test_a_setting_has_the_default_that_is_told() -> None:
    for option, variable, ini, default, _ in settings_rows():
        name = bare(option).partition("=")[0].removeprefix("--").replace("-", "_")
        name = name or bare(ini) or bare(variable)
        assert default == shown(DEFAULTS.get(name)), name


def test_the_list_of_errors_is_told_as_it_is() -> None:
    page = (ROOT / "docs" / "outcomes.md").read_text("utf-8")
    _, _, table = page.partition("| library | |\n|---|---|\n")
    assert re.findall("`(.*?)`", table.partition("\n\n")[0]) == list(HARNESS_ERRORS)


# Files of settings


@pytest.mark.parametrize("block", blocks("ini", "toml"), ids=lambda block: block.page)
def test_a_file_of_settings_is_read(
    block: Block, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    is_ini = block.language == "ini"
    path = pytester.path / ("pytest.ini" if is_ini else "pyproject.toml")
    path.write_text(block.text, encoding="utf-8")
    config = pytester.parseconfig("-p", "pytest-evalguard", "--strict-config")
    assert config.inipath == path
    found = read_settings(config, {}).values
    assert any(found.get(s.name, s.default) != s.default for s in TABLE)


# Commands


class Parsed(Exception):
    """The arguments were understood; nothing is run."""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The console script, which stops when its arguments are parsed."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser: argparse.ArgumentParser, *args: Any) -> NoReturn:
        parse(parser, *args)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    (found,) = entry_points(group="console_scripts", name="pytest-evalguard")
    return found.load()


_SUBSTITUTED = re.compile(r"\$+\(([^()]*)\)")


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the commands of shell lines, each as words, without what goes before."""
    text = text.replace("\\\n", " ")
    for inner in _SUBSTITUTED.findall(text):
        yield from commands_in(inner)
    for line in _SUBSTITUTED.sub("OUTPUT", text).splitlines():
        for part in re.split(r"&&|\|", line.removeprefix("$ ")):
            words = shlex.split(part, comments=True)
            while words and re.match(r"\w+=", words[0]):
                words.pop(0)
            if words:
                yield words


def strings_in(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for each in data.values() if isinstance(data, dict) else data:
            yield from strings_in(each)


def commands_on(name: str) -> Iterator[list[str]]:
    for block in blocks_of(name):
        if block.language == "sh":
            yield from commands_in(block.text)
        elif block.language == "console":
            yield from commands_in(block.text.partition("\n")[0])
        elif block.language == "yaml":
            for text in strings_in(yaml.safe_load(block.text)):
                if re.search(r"\bpytest", text):
                    yield from commands_in(text)


INLINE = re.compile(r"`(pytest-evalguard (?:prompts )?[a-z-]+)`")


def require_options(words: list[str], options: Options) -> None:
    for word in words:
        name, has_value, _ = word.partition("=")
        if name.startswith("--evalguard"):
            assert name in options.metavars, words
            assert bool(has_value) is (options.metavars[name] is not None), words


@pytest.mark.parametrize("name", NAMES)
def test_every_command_on_a_page_is_understood(
    name: str, options: Options, script: Any
) -> None:
    for words in commands_on(name):
        if words[0] == "pytest-evalguard":
            with pytest.raises(Parsed):
                script(words[1:])
        elif "pytest" in {Path(word).name for word in words}:
            require_options(words, options)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_is_mentioned_is_there(
    name: str, script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in INLINE.findall((ROOT / name).read_text("utf-8")):
        with pytest.raises(SystemExit) as stopped:
            script([*command.split()[1:], "--help"])
        assert stopped.value.code == 0, command
        assert command in capsys.readouterr().out


# Blocks


def test_every_block_is_in_a_language_that_is_checked() -> None:
    assert {each.language for name in NAMES for each in blocks_of(name)} <= LANGUAGES


def folders() -> dict[str, dict[str, str]]:
    """Return the files of each example, by the name of its folder."""
    found: dict[str, dict[str, str]] = {}
    for name in NAMES:
        number = 0
        for block in blocks_of(name):
            if block.language == "python" and block.runs:
                number += block.name in found.get(f"{Path(name).stem}_{number}", ())
                files = found.setdefault(f"{Path(name).stem}_{number}", {})
                files[block.name] = block.text
    return found


def test_what_needs_a_neighbour_is_python() -> None:
    beside = [each for each in blocks("python") if not each.runs]
    assert len(beside) == 7
    for block in beside:
        compile(block.text, block.name, "exec")


def write(suite: Suite, chosen: dict[str, dict[str, str]]) -> None:
    suite.ini("pythonpath = .")
    suite.write("my_app.py", APP)
    for folder, files in chosen.items():
        assert all(re.fullmatch(r"(conftest|test_\w+)\.py", name) for name in files)
        if not any(name.startswith("test_") for name in files):
            files = {**files, "test_it.py": TEST}
        for name, text in files.items():
            suite.write(f"{folder}/{name}", text)


def replaces_the_service(files: dict[str, str]) -> bool:
    return any("pytest_evalguard_make_service" in text for text in files.values())


FAILING = "README_0"  # on purpose: what it prints is shown below it


ARGS = ("--import-mode=importlib", "-Werror", "--evalguard-run=new")


def test_all_examples_run(suite: Suite, standin: StandIn) -> None:
    chosen = {n: f for n, f in folders().items() if not replaces_the_service(f)}
    del chosen[FAILING]
    assert len(chosen) > 5
    write(suite, chosen)
    result = suite.run(*ARGS, standin=standin)
    assert result.status == 0, result.out + result.err
    cases = result.session.state["rows"]
    assert {"failed", "error"}.isdisjoint(result.session.state["counts"])
    assert f"\nevalguard: {cases} results stored, 0 missing\n" in result.out
    (post,) = standin.posts
    assert b"Hello [NAME]" in post.body
    assert result.session.state["counts"]["dropped"] == 1


def test_a_service_of_ones_own_runs(suite: Suite, standin: StandIn) -> None:
    chosen = {n: f for n, f in folders().items() if replaces_the_service(f)}
    (name,) = chosen
    write(suite, chosen)
    result = suite.run(*ARGS, name, standin=standin)
    assert result.status == 0, result.out + result.err
    stored = json.loads((suite.directory / "results.json").read_text())
    assert [each["passed"] for each in stored] == [True, True]
    assert standin.requests == []


# What is printed

# what differs from run to run
_VARIES = re.compile(r"\d[\d,.]* ms|\.evalguard/\S+|=+")


def steady(line: str) -> str:
    return _VARIES.sub("…", line.removeprefix("conftest_examples/"))


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.page)
def test_a_command_prints_what_is_shown(
    block: Block, suite: Suite, standin: StandIn
) -> None:
    first, *wanted = block.text.splitlines()
    (words,) = commands_in(first)
    assert words[0] == "pytest"
    if block.page == "README.md":
        write(suite, {".": folders()[FAILING]})
    else:
        hidden = shutil.ignore_patterns(".*", "__pycache__")
        shutil.copytree(ROOT / words[1], suite.directory / words[1], ignore=hidden)
    result = suite.run(*words[1:], standin=standin)
    printed = iter(map(steady, result.out.splitlines()))
    missing = [line for line in wanted if steady(line) not in printed]
    assert missing == [], result.out


# Messages


def said_by_the_source() -> str:
    """Return all texts in the source, with "…" where a value is put in."""
    texts: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (
                    p.value if isinstance(p, ast.Constant) else "…" for p in node.values
                )
                texts.append("".join(map(str, parts)))
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("page", "begins"),
    [("troubleshooting", "## Before the first test"), ("failed-builds", "## Gate")],
)
def test_every_message_in_a_table_is_one_that_is_said(page: str, begins: str) -> None:
    said = said_by_the_source()
    text = (ROOT / f"docs/{page}.md").read_text("utf-8")
    text = text[text.index(begins) :]
    messages = [each for row in rows(text) for each in re.findall(r"`([^`]+)`", row[0])]
    assert len(messages) > 20
    parts = {part.strip() for each in messages for part in each.split("…")}
    assert {part for part in parts if part not in said} == set()


# Links


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = _FENCED.sub("", path.read_text("utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}


@pytest.mark.parametrize("name", [*NAMES, "CONTRIBUTING.md", "SECURITY.md"])
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    text = _FENCED.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\((?!https:)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_the_readme_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)\)", text))
    assert linked == {name for name in NAMES if name.startswith("docs/")}


def test_examples_record_the_answer_before_what_may_fail() -> None:
    """A response without usage is an error; what was recorded before it is kept."""
    texts = [block.text for block in blocks("python")]
    for text in [*texts, *(path.read_text("utf-8") for path in EXAMPLES)]:
        for part in text.split("def test_")[1:]:
            answer = re.search(r"\bactual\b", part)
            counted = re.search(r"add_tokens\(|add_score\(", part)
            assert not (answer and counted) or answer.start() < counted.start(), part
