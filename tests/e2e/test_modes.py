"""The same cases under pytest's own switches, and in unusual places."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

import pytest

from standin import StandIn, Status
from suite import Result, Stored, Suite, rows_of

CASES = """
    @pytest.mark.eval(tags=["smoke"])
    def test_passes(eval_case):
        eval_case.score = 1
        print("from the test")

    def test_fails(eval_case):
        eval_case.actual = "no"
        assert eval_case.actual == "yes"

    @pytest.mark.eval
    def test_skipped():
        pytest.skip("not today")
"""
OUTCOMES = {"test_passes": "passed", "test_fails": "failed", "test_skipped": "skipped"}
SUMMARY = "3 cases: 1 passed, 1 failed, 1 skipped"

# arguments of pytest, and whether the summary is shown
MODES = {
    "-W error --strict-markers --strict-config --import-mode=importlib": True,
    "-p no:terminal": False,
    "--no-summary": pytest.version_tuple >= (9,),  # 8.4 calls no hook for it then
    "-p no:cacheprovider -p no:logging -p no:warnings -p no:evalguard": True,
    "-p no:junitxml -p no:doctest -p no:unittest": True,
    "-s": True,
    "--capture=tee-sys": True,
}


@pytest.mark.parametrize("mode", MODES)
def test_cases_are_recorded_sent_and_summed_up(
    everywhere: Suite, standin: StandIn, mode: str
) -> None:
    everywhere.ini("evalguard_keep = 5")
    everywhere.test(CASES)
    result = everywhere.run("--evalguard-run=new", *mode.split(), standin=standin)
    assert result.status == 1
    assert result.session.outcomes == OUTCOMES
    assert [row["passed"] for row in rows_of(standin)] == [False, True]
    assert result.err.replace("from the test\n", "") == ""
    assert result.out.count(SUMMARY) == MODES[mode]


# Turned off by name


def without_p(suite: Suite, *args: str) -> Result:
    """Run pytest with the plugins that it finds: this one and pytest-xdist."""
    found = {each.name for each in entry_points(group="pytest11")}
    others = found - {"pytest-evalguard", "xdist", "xdist.looponfail"}
    words = [sys.executable, "-m", "pytest", *suite.distribution]
    suite.is_measured = False
    done = subprocess.run(
        [*words, *(f"-pno:{name}" for name in others), *args],
        cwd=suite.directory,
        env=suite.environment(None, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""}),
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr, suite.directory)


def test_turned_off_it_is_not_there_at_all(everywhere: Suite) -> None:
    everywhere.write(
        "conftest.py",
        """
        import sys
        def pytest_unconfigure(config):
            assert not [name for name in sys.modules if "pytest_evalguard" in name]
        """,
    )
    everywhere.test("def test_it(): pass")
    result = without_p(everywhere, "-pno:pytest-evalguard")
    assert result.status == 0, result.out + result.err
    assert result.sessions == []


SHOWN = {
    "--markers": "(pytest-evalguard)",
    "--fixtures": "eval_case",
    "--help": "--evalguard-run=",
}


@pytest.mark.parametrize("option", SHOWN)
def test_turned_off_it_is_not_shown(suite: Suite, option: str) -> None:
    assert SHOWN[option] in without_p(suite, option).out
    assert SHOWN[option] not in without_p(suite, "-pno:pytest-evalguard", option).out


def test_turned_off_its_options_are_unknown(suite: Suite) -> None:
    result = without_p(suite, "-pno:pytest-evalguard", "--evalguard-run=new")
    assert result.status == 4
    assert "unrecognized arguments: --evalguard-run=new" in result.err


def test_the_official_plugins_name_does_not_turn_it_off(everywhere: Suite) -> None:
    everywhere.test(CASES)
    result = without_p(everywhere, "-pno:evalguard")
    assert result.session.outcomes == OUTCOMES
    assert result.out.count(SUMMARY) == 1


# The settings as native TOML

TOML = """
    [tool.pytest]
    addopts = ["--strict-config"]
    evalguard_mark = "llm"
    evalguard_out = "kept"
    evalguard_min_pass_rate = ["0.5", "smoke:1"]
    evalguard_redact = false
    evalguard_strict = true
    evalguard_keep = 1
    evalguard_batch_size = 1
    evalguard_timeout = 7.5
    evalguard_trials = 2
    evalguard_baseline = "last"
    evalguard_max_regressions = 0
"""


@pytest.fixture
def native(suite: Suite) -> Suite:
    if pytest.version_tuple < (9,):
        pytest.skip("pytest 8 does not read [tool.pytest]")
    (suite.directory / "pytest.ini").unlink()
    suite.test("""
        @pytest.mark.llm(tags=["smoke"])
        @pytest.mark.parametrize("n", range(2))
        def test_it(eval_case, n):
            eval_case.actual = "sk-" + "a" * 32
    """)
    return suite


def test_native_toml_has_lists_and_switches_and_numbers(
    native: Suite, standin: StandIn
) -> None:
    native.write("pyproject.toml", TOML)
    result = native.run("--evalguard-run=new", standin=standin)
    assert result.status == 0, result.out + result.err
    assert len(standin.posts) == 2
    assert b"sk-aaa" in standin.posts[0].body
    assert "gate" in result.summary
    assert "pass rate of smoke" in result.summary
    (path,) = (native.directory / "kept").glob("*/session.json")
    assert len(Stored(path.parent).cases["test_it[0]"]["trials"]) == 2


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('evalguard_keep = "1"', "within 1..1000000: "),
        ("evalguard_keep = 0", "within 1..1000000, got 0"),
        (
            "evalguard_min_pass_rate = 0.5",
            "evalguard_min_pass_rate must be a number within 0..1",
        ),
        ("evalguard_max_regressions = -1", "of at least 0, got -1"),
        ('evalguard_timeout = "soon"', "a number of seconds above 0: "),
        ("evalguard_strict = 1", "evalguard_strict must be 1 or 0, true or false: "),
    ],
)
def test_native_toml_of_another_type_is_a_usage_error(
    native: Suite, line: str, wanted: str
) -> None:
    native.write("pyproject.toml", f"[tool.pytest]\nevalguard_mark = 'llm'\n{line}")
    result = native.run()
    assert result.status == 4
    assert wanted in result.err


# Unusual places


def test_a_file_in_the_place_of_the_sessions_is_a_usage_error(
    everywhere: Suite,
) -> None:
    everywhere.test(CASES)
    everywhere.write(".evalguard", "a file")
    result = everywhere.run()
    assert result.status == 4
    assert "can't be written" in result.err
    assert (everywhere.directory / ".evalguard").read_text() == "a file"


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && "$@"'


def run_read_only(suite: Suite, *args: str) -> Result:
    """Run pytest where its folder is on a file system that takes no writes."""
    words = ["unshare", "-rm", "sh", "-c", READ_ONLY, str(suite.directory)]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be made read-only here")
    done = subprocess.run(
        [*words, *suite.command("-pno:cacheprovider", *args)],
        env=suite.environment(None, {"PYTHONDONTWRITEBYTECODE": "1"}),
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr, suite.directory)


def test_a_read_only_rootdir_is_told_before_the_first_test(everywhere: Suite) -> None:
    everywhere.test(CASES)
    result = run_read_only(everywhere)
    assert result.status == 4
    assert "Read-only file system" in result.err
    assert "--evalguard-out=DIR" in result.err
    assert "passed" not in result.out


def test_a_read_only_rootdir_is_no_matter_without_cases(everywhere: Suite) -> None:
    everywhere.test("def test_it(): pass")
    result = run_read_only(everywhere)
    assert (result.status, result.err) == (0, "")


def test_sessions_of_a_read_only_rootdir_can_be_kept_elsewhere(
    everywhere: Suite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    everywhere.test(CASES)
    out = tmp_path_factory.mktemp("out")
    result = run_read_only(everywhere, f"--evalguard-out={out}")
    (path,) = out.glob("*/session.json")
    assert Stored(path.parent).outcomes == OUTCOMES
    assert SUMMARY in result.summary


def test_no_ini_file_is_needed(suite: Suite) -> None:
    suite.test(CASES)
    (suite.directory / "pytest.ini").unlink()
    assert suite.run().session.outcomes == OUTCOMES


def test_from_a_subdirectory_sessions_are_kept_in_the_rootdir(
    everywhere: Suite, standin: StandIn
) -> None:
    below = Suite(everywhere.write("below/here/empty", "").parent)
    below.distribution = everywhere.distribution
    (below.directory / "pytest.ini").unlink()
    below.test(CASES)
    standin.plan(Status(401))
    result = below.run(f"--evalguard-run={standin.add_run()}", standin=standin)
    (path,) = (everywhere.directory / ".evalguard").glob("*/session.json")
    nodeids = path.with_name("cases.jsonl").read_text()
    assert '"below/here/test_it.py::test_passes"' in nodeids
    command = re.search("pytest-evalguard (submit.*)", result.summary)
    assert command is not None
    below.script(*shlex.split(command[1]), standin=standin)
    assert len(rows_of(standin)) == 2


PLACES = ["with two  blanks", "été 測試 🎈", "it's %s {} $HOME"]


@pytest.mark.parametrize("name", PLACES)
def test_a_folder_may_have_any_name(
    tmp_path: Path, standin: StandIn, name: str
) -> None:
    directory = tmp_path / name
    directory.mkdir()
    suite = Suite(directory, ("-n", "2"))
    suite.test(CASES)
    standin.plan(Status(401))
    args = (f"--evalguard-run={standin.add_run()}", f"--evalguard-out={name}")
    result = suite.run(*args, standin=standin)
    (path,) = (directory / name).glob("*/session.json")
    assert Stored(path.parent).outcomes == OUTCOMES
    command = re.search("pytest-evalguard (submit.*)", result.summary)
    assert command is not None
    suite.script(*shlex.split(command[1]), standin=standin)
    assert len(rows_of(standin)) == 2


def test_a_file_may_have_any_name(everywhere: Suite, standin: StandIn) -> None:
    everywhere.write("sub dir/été/test_ünï code.py", f"import pytest\n{dedent(CASES)}")
    result = everywhere.run(
        "--import-mode=importlib", "--evalguard-run=new", standin=standin
    )
    assert result.session.outcomes == OUTCOMES
    inputs = [row["input"] for row in rows_of(standin)]
    assert inputs[0] == "sub dir/été/test_ünï code.py::test_fails"
    assert "/test_ünï code.py::test_fails\n" in result.summary


def test_items_of_other_kinds_may_have_fixtures(everywhere: Suite) -> None:
    everywhere.write(
        "conftest.py",
        """
        import pytest

        class Question(pytest.Item):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                find = self.session._fixturemanager.getfixtureinfo
                self._fixtureinfo = find(self, lambda eval_case: None, None)

            def runtest(self):
                pass

        class Questions(pytest.File):
            def collect(self):
                item = Question.from_parent(self, name="question")
                item.add_marker(pytest.mark.eval)
                yield item

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".txt":
                return Questions.from_parent(parent, path=file_path)
        """,
    )
    everywhere.write("one.txt", "")
    assert everywhere.run().session.outcomes == {"question": "passed"}


def test_node_ids_may_have_paths_of_windows(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.write(
        "conftest.py",
        r"""
        import pytest

        class Question(pytest.Item):
            def runtest(self):
                assert "bad" not in self.name
            def reportinfo(self):
                return self.path, None, self.name

        class Questions(pytest.File):
            def collect(self):
                for name in ("C:\\evals\\good.txt", "C:\\evals\\bad.txt"):
                    nodeid = f"C:\\evals\\one.txt::{name}"
                    yield Question.from_parent(self, name=name, nodeid=nodeid)

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".txt":
                return Questions.from_parent(parent, path=file_path)

        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.eval)
        """,
    )
    everywhere.write("one.txt", "")
    result = everywhere.run("--evalguard-run=new", standin=standin)
    bad, good = (
        r"C:\evals\one.txt::C:\evals\bad.txt",
        r"C:\evals\one.txt::C:\evals\good.txt",
    )
    assert [row["input"] for row in rows_of(standin)] == [bad, good]
    assert f"failed  {bad}" in result.summary
