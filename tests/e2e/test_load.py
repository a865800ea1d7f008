"""What the plugin loads, prints and writes when it is not used, and what it exports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import pytest_evalguard
from standin import StandIn
from suite import Suite

REPORT_MODULES = """
    import json, sys
    def pytest_unconfigure(config):
        (config.rootpath / f"modules-{hasattr(config, 'workerinput')}.json").write_text(
            json.dumps(sorted(sys.modules)))
"""
COUNTING = """
    import json
    from collections import Counter
    from pytest_evalguard.model.case import Case
    from pytest_evalguard.storage import journal

    COUNTS = Counter()

    def counting(name, function):
        def counted(*args):
            COUNTS[name] += 1
            return function(*args)
        return counted

    def count_hooks(name, impls, kwargs):
        for each in impls:
            if each.function.__module__.startswith("pytest_evalguard."):
                COUNTS[name] += 1
                COUNTS["wrappers"] += each.wrapper and name.startswith("pytest_runtest")

    def pytest_configure(config):
        config.pluginmanager.add_hookcall_monitoring(count_hooks, lambda *_: None)
        Case.to_line = counting("encoded", Case.to_line)
        journal.write = counting("appended", journal.write)

    def pytest_unconfigure(config):
        worker = getattr(config, "workerinput", {"workerid": "main"})["workerid"]
        (config.rootpath / f"counts-{worker}.json").write_text(json.dumps(COUNTS))
"""
FIXTURES = """
    import pytest

    MADE = []

    def pytest_collection_finish():
        real = pytest.FixtureDef.__init__

        def making(self, *args, **kwargs):
            MADE.append(kwargs["argname"])
            real(self, *args, **kwargs)

        pytest.FixtureDef.__init__ = making

    def pytest_unconfigure(config):
        worker = getattr(config, "workerinput", {"workerid": "main"})["workerid"]
        (config.rootpath / f"made-{worker}.txt").write_text(" ".join(MADE))
"""
START = ("plugin", "start", "hookspecs")
HEAVY = {"httpx", "pydantic", "pydantic_core", "anyio", "ssl", "http.client"}


def modules(suite: Suite, *, of_worker: bool = False) -> set[str]:
    path = suite.directory / f"modules-{of_worker}.json"
    return set(json.loads(path.read_text()))


def test_the_entry_point_loads_nothing_that_pytest_has_not(tmp_path: Path) -> None:
    code = (
        "import sys, pytest, _pytest.config, json\n"
        "config = _pytest.config.get_config(); before = set(sys.modules)\n"
        "import pytest_evalguard.plugin\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["pytest_evalguard", "pytest_evalguard.plugin"]


@pytest.mark.fresh_process("it looks at the modules that are loaded")
def test_an_unused_plugin_loads_prints_and_writes_nothing(everywhere: Suite) -> None:
    everywhere.write("conftest.py", REPORT_MODULES)
    everywhere.test("def test_it(): pass")
    result = everywhere.run("-pno:cacheprovider")
    assert HEAVY & modules(everywhere) == set()
    assert "evalguard" not in result.out.replace("plugins: evalguard", "")
    assert result.err == ""
    assert not (everywhere.directory / ".evalguard").exists()
    if not everywhere.is_distributed:
        loaded = {name for name in modules(everywhere) if "pytest_evalguard" in name}
        assert loaded == {"pytest_evalguard", *map("pytest_evalguard.{}".format, START)}


@pytest.mark.fresh_process("it looks at the modules that are loaded")
def test_a_session_that_sends_nothing_loads_no_http_and_no_models(
    everywhere: Suite,
) -> None:
    everywhere.write("conftest.py", REPORT_MODULES)
    everywhere.ini("evalguard_keep = 1")
    everywhere.test("def test_it(eval_case): eval_case.score = 1")
    for _ in range(3):  # the last one removes the first
        everywhere.run("-pno:cacheprovider")
    assert HEAVY & modules(everywhere) == set()
    if everywhere.is_distributed:
        assert HEAVY & modules(everywhere, of_worker=True) == set()


@pytest.mark.real_process("it replaces functions of ours")
def test_what_is_done_for_a_case_is_counted(everywhere: Suite) -> None:
    """Time can't be tested on a busy machine; what takes it can be counted."""
    everywhere.write("conftest.py", COUNTING)
    everywhere.test("""
        @pytest.mark.parametrize("n", range(10))
        def test_it(eval_case, n):
            eval_case.record(input="Hi", actual="Ho", score=0.5)
    """)
    everywhere.run()
    found: Counter[str] = Counter()
    for path in everywhere.directory.glob("counts-*.json"):
        found.update(json.loads(path.read_text()))
    controller = 30 if everywhere.is_distributed else 0  # it takes cases off reports
    assert found["encoded"] == 10
    assert found["appended"] == (20 if everywhere.is_distributed else 10)
    assert found["wrappers"] == 0
    assert found["pytest_runtest_setup"] == 20
    assert found["pytest_runtest_call"] == 10
    assert found["pytest_runtest_makereport"] == 30
    assert found["pytest_runtest_logreport"] == 30 + controller
    assert found["pytest_runtest_protocol"] == 0


@pytest.mark.real_process("it replaces a function of pytest's")
def test_a_recorder_is_handed_over_without_a_fixture_being_made(
    everywhere: Suite,
) -> None:
    """Pytest makes one of `request` for each test in which a fixture asks for it."""
    everywhere.write("conftest.py", FIXTURES)
    everywhere.test("def test_it(eval_case): eval_case.score = 1")
    everywhere.run()
    made = [each.read_text() for each in everywhere.directory.glob("made-*.txt")]
    assert "".join(made) == ""


@pytest.mark.parametrize("command", ["--help", "submit --help", "list", "submit"])
def test_the_script_loads_no_pytest_no_http_and_no_models_before_it_reads(
    tmp_path: Path, command: str
) -> None:
    loaded = _loaded_by_script(tmp_path, *command.split())
    assert {"pytest", "_pytest", "httpx", "pydantic"} & loaded == set()
    is_helping = "--help" in command
    assert is_helping != ("pytest_evalguard.storage.session" in loaded)


@pytest.mark.parametrize("command", ["list", "submit"])
def test_the_script_reads_a_session_without_pytest_http_and_pydantic_but_its_core(
    tmp_path: Path, command: str
) -> None:
    state = tmp_path / ".evalguard" / "20260102T030405.678Z-1a2b3c4d" / "session.json"
    state.parent.mkdir(parents=True)
    state.write_text('{"schema": 1, "id": "a", "created": "2026-01-02"}')
    loaded = _loaded_by_script(tmp_path, command)
    assert "pydantic_core" in loaded
    assert {
        "pytest",
        "_pytest",
        "httpx",
        "pydantic",
        "pytest_evalguard.analysis.comparison",
    } & loaded == set()


def test_a_submission_loads_what_it_needs_of_pydantic_and_of_us(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("def test_it(eval_case): eval_case.score = 1")
    suite.run()
    arguments = ("submit", "--run", standin.add_run())
    env = suite.environment(standin, {})
    loaded = _loaded_by_script(suite.directory, *arguments, env=env)
    assert {"httpx", "pydantic_core"} <= loaded
    assert {
        "pytest",
        "pydantic",
        "pytest_evalguard.analysis.totals",
        "pytest_evalguard.delivery.agent.prompts",
    } & loaded == set()


@pytest.mark.parametrize("args", ["bless -o b.json", "compare last last", "list"])
def test_a_command_that_needs_no_test_loads_no_pytest(suite: Suite, args: str) -> None:
    suite.test("def test_it(eval_case): eval_case.score = 1")
    suite.run()
    assert "pytest" not in _loaded_by_script(suite.directory, *args.split())


def _loaded_by_script(
    directory: Path, *args: str, env: Mapping[str, str] | None = None
) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pytest_evalguard", *args],
        cwd=directory,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


def test_the_plugin_is_found_by_its_entry_point(suite: Suite) -> None:
    suite.test("def test_it(eval_case): eval_case.score = 1")
    env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""}
    found = {each.name for each in entry_points(group="pytest11")}
    others = (f"-pno:{name}" for name in found - {"pytest-evalguard"})
    command = [sys.executable, "-m", "pytest", *others]
    suite.is_measured = False
    for args, passed in (([], True), (["-pno:pytest-evalguard"], False)):
        done = subprocess.run(
            [*command, *args],
            cwd=suite.directory,
            env=suite.environment(None, env),
            capture_output=True,
            text=True,
        )
        assert ("1 passed" in done.stdout) == passed, done.stdout


def test_every_public_name_can_be_imported() -> None:
    for name in pytest_evalguard.__all__:
        assert getattr(pytest_evalguard, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = pytest_evalguard.missing  # type: ignore[attr-defined] # as a typo is


@pytest.mark.parametrize("home", pytest_evalguard._HOMES)
def test_a_public_name_is_looked_for_where_there_is_a_module(home: str) -> None:
    import_module(f"pytest_evalguard.{home}")
