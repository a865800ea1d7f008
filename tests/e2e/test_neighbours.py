"""The plugin beside other plugins: each does its own work, and neither the other's."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from typing import Any

import pytest

from standin import Received, StandIn, Status
from suite import DISTRIBUTIONS, Result, Suite, rows_of

ANSWERS = """
    def answer():
        return "Paris"
"""
CASES = """
    from answers import answer

    @pytest.mark.MARK(input="capital of France", expected="Paris")
    def test_passes(eval_case):
        eval_case.actual = answer()

    def test_fails(eval_case):
        eval_case.actual = answer()
        assert eval_case.actual == "Rome"

    @pytest.mark.MARK
    def test_skipped():
        pytest.skip("not today")
"""
OUTCOMES = {"test_passes": "passed", "test_fails": "failed", "test_skipped": "skipped"}
MARK_ALL = """
    import pytest

    def pytest_collection_modifyitems(items):
        for item in items:
            item.add_marker(pytest.mark.MARK)
"""
ALIAS = """
    import sys
    import httpx2

    httpx2.alias_httpx()

    def pytest_unconfigure(config):
        if not hasattr(config, "workerinput"):
            path = config.rootpath / "http.txt"
            path.write_text(sys.modules["httpx"].__name__)
"""


EVALS = ("xdist", "harvest", "evals")


@dataclass(frozen=True)
class Neighbour:
    """Another plugin, and how it is put to work.

    :param plugins: the names of its entry points.
    :param mark: what the eval mark is called beside it.
    """

    plugins: Sequence[str] = ()
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    conftest: str = ""
    mark: str = "eval"


NEIGHBOURS = {
    "anyio": Neighbour(["anyio"]),
    "deepeval": Neighbour(
        ["deepeval"],
        # where both are installed, the official SDK traces what deepeval is made of
        env={"DEEPEVAL_TELEMETRY_OPT_OUT": "YES", "EVALGUARD_PYDANTIC_DISABLED": "1"},
    ),
    "evalguardai": Neighbour(
        ["evalguard"],
        ["--evalguard"],
        conftest=MARK_ALL.replace("MARK", "evalguard_test"),
    ),
    "httpx2": Neighbour(conftest=ALIAS),
    "hypothesis": Neighbour(["hypothesispytest"], ["--hypothesis-show-statistics"]),
    "langsmith": Neighbour(
        ["langsmith_plugin"],
        env={"LANGSMITH_TEST_TRACKING": "false", "LANGSMITH_TRACING": "false"},
        conftest=MARK_ALL.replace("MARK", "langsmith"),
    ),
    "pytest-cov": Neighbour(
        ["pytest_cov"],
        ["--cov=answers", "--cov-report=json:coverage.json"],
        env={"COVERAGE_FILE": ".coverage"},  # not where these tests are measured
    ),
    "pytest-evals": Neighbour(EVALS, ["-Wdefault"], mark="llm"),  # has warnings itself
    "pytest-github-actions-annotate-failures": Neighbour(
        ["pytest_github_actions_annotate_failures"], env={"GITHUB_ACTIONS": "true"}
    ),
    "pytest-html": Neighbour(
        ["pytest_html.plugin", "metadata"],  # "html" is also one of Python's modules
        ["--html=page.html", "--self-contained-html"],
    ),
    "pytest-json-report": Neighbour(
        ["pytest_jsonreport", "metadata"],
        ["--json-report", "--json-report-file=report.json"],
    ),
    "pytest-metadata": Neighbour(["metadata"], ["--metadata", "team", "search", "-v"]),
    "pytest-reportlog": Neighbour(["pytest_reportlog"], ["--report-log=log.jsonl"]),
    "pytest-subtests": Neighbour(["subtests"]),
}


@dataclass(frozen=True)
class Ran:
    """What a run beside a neighbour left."""

    result: Result
    rows: list[dict[str, Any]]
    requests: list[Received]

    def text(self, name: str) -> str:
        return (self.result.directory / name).read_text(encoding="utf-8")


Beside = Callable[[str], Ran]


def need(distribution: str) -> None:
    """Skip the test where another plugin is not installed."""
    if distribution == "pytest-subtests" and pytest.version_tuple >= (9,):
        pytest.skip("pytest 9 has subtests of its own")
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{distribution} is not installed; tools/matrix.py installs it")


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, tuple[str, ...]], Ran]:
    """Runs the cases beside a neighbour, once for all tests that look at it."""

    @cache
    def run(name: str, distribution: tuple[str, ...]) -> Ran:
        suite = Suite(tmp_path_factory.mktemp(name), distribution)
        suite.needs_process = True
        suite.needs_start = name == "httpx2"  # httpx is loaded where all are forked
        with StandIn() as standin:
            result = run_beside(suite, NEIGHBOURS[name], standin)
            return Ran(result, rows_of(standin), list(standin.requests))

    return run


@pytest.fixture(params=DISTRIBUTIONS, ids=lambda each: " ".join(each) or "plain")
def beside(
    request: pytest.FixtureRequest, runs: Callable[[str, tuple[str, ...]], Ran]
) -> Beside:
    """The cases, run beside a neighbour, plain and distributed."""

    def run(name: str) -> Ran:
        need(name)
        return runs(name, request.param)

    return run


def run_beside(suite: Suite, neighbour: Neighbour, standin: StandIn) -> Result:
    """Run the cases, and submit them."""
    standin.plan(Status(200, {"success": True}), path_contains="/evals/ci")
    suite.write("answers.py", ANSWERS)
    suite.ini(f"pythonpath = .\nevalguard_mark = {neighbour.mark}")
    suite.write("conftest.py", neighbour.conftest)
    suite.test(CASES.replace("MARK", neighbour.mark))
    suite.is_measured = False  # it would be in the place of pytest-cov
    return suite.run(
        "--evalguard-run=new",
        "--strict-markers",
        "-Werror",
        *neighbour.args,
        plugins=neighbour.plugins,
        standin=standin,
        env={"LANGSMITH_ENDPOINT": standin.url, **neighbour.env},
    )


# What holds beside all of them


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_each_case_has_its_outcome_and_its_row(beside: Beside, name: str) -> None:
    ran = beside(name)
    assert ran.result.session.outcomes == OUTCOMES
    assert ran.result.status == 1
    rows = [(row["actualOutput"], row["passed"]) for row in ran.rows]
    assert rows == [("Paris", False), ("Paris", True)]


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_nothing_is_said_twice_or_warned_of(beside: Beside, name: str) -> None:
    result = beside(name).result
    assert result.out.count("= evalguard =") == 1
    assert result.out.count("submitted 2 results") == 1
    tally = {
        name: each for name, each in result.tally.items() if name in OUTCOMES.values()
    }
    assert tally == {"passed": 1, "failed": 1, "skipped": 1}
    if name != "pytest-github-actions-annotate-failures":
        assert result.err == ""


# What each of them makes of the same tests


def test_pytest_cov_measures_what_it_is_told_to(beside: Beside) -> None:
    files = json.loads(beside("pytest-cov").text("coverage.json"))["files"]
    assert files["answers.py"]["missing_lines"] == []


def test_pytest_html_lists_every_test_once(beside: Beside) -> None:
    page = unescape(beside("pytest-html").text("page.html"))
    assert [page.count(f'"testId": "test_it.py::{name}"') for name in OUTCOMES] == [
        1
    ] * 3
    assert page.count("evalguard: cases 3 cases: 1 passed, 1 failed, 1 skipped") == 1


def test_pytest_json_report_counts_every_test_once(beside: Beside) -> None:
    ran = beside("pytest-json-report")
    summary = json.loads(ran.text("report.json"))["summary"]
    assert {name: summary[name] for name in ("passed", "failed", "skipped")} == {
        "passed": 1,
        "failed": 1,
        "skipped": 1,
    }


def test_pytest_reportlog_logs_every_test_once_and_no_case(beside: Beside) -> None:
    ran = beside("pytest-reportlog")
    logged = [json.loads(line) for line in ran.text("log.jsonl").splitlines()]
    calls = [each for each in logged if each.get("when") == "call"]
    outcomes = {each["nodeid"].partition("::")[2]: each["outcome"] for each in calls}
    assert len(calls) == 3
    assert outcomes == OUTCOMES
    assert "evalguard_case" not in ran.text("log.jsonl")


def test_pytest_metadata_shows_where_results_go_beside_its_own(beside: Beside) -> None:
    out = beside("pytest-metadata").result.out
    assert "'team': 'search'" in out
    assert "'evalguard': 'run new'" in out


def test_each_failed_test_is_annotated_once(beside: Beside) -> None:
    result = beside("pytest-github-actions-annotate-failures").result
    lines = [*result.out.splitlines(), *result.err.splitlines()]
    (annotation,) = [line for line in lines if line.startswith("::")]
    assert annotation.startswith("::error file=test_it.py,")
    assert "test_fails" in annotation


def test_the_official_plugin_reports_as_without_us(beside: Beside) -> None:
    ran = beside("evalguardai")
    own = [each for each in ran.requests if each.path.endswith("/evals/ci")]
    cases = [case for each in own for case in json.loads(each.body)["cases"]]
    names = sorted(case["displayName"] for case in cases)
    assert names == sorted(OUTCOMES)


def test_the_official_tracer_sends_nothing_of_ours(beside: Beside) -> None:
    """It is a plugin of pydantic, active wherever the SDK is installed."""
    requests = beside("evalguardai").requests
    assert [each.path for each in requests if "traces" in each.path] == []


def test_langsmith_without_tracking_sends_nothing(beside: Beside) -> None:
    requests = beside("langsmith").requests
    assert {each.path.partition("/evals")[0] for each in requests} == {"/api/v1"}


def test_an_alias_of_httpx_is_what_sends(beside: Beside) -> None:
    assert beside("httpx2").text("http.txt") == "httpx2"


# Other kinds of tests as cases


@pytest.mark.real_process("anyio is loaded here already")
def test_async_cases_run_on_each_backend_of_anyio(everywhere: Suite) -> None:
    need("trio")
    everywhere.test("""
        import anyio, sniffio

        @pytest.mark.anyio
        @pytest.mark.eval
        async def test_it(eval_case):
            async def ask(text):
                await anyio.sleep(0)
                answers.append(text)
            answers = []
            with eval_case.measure():
                async with anyio.create_task_group() as group:
                    group.start_soon(ask, "a")
            eval_case.actual = sniffio.current_async_library()
            assert eval_case.actual == "asyncio"
    """)
    session = everywhere.run("-Werror", plugins=["anyio"]).session
    assert session.outcomes == {"test_it[asyncio]": "passed", "test_it[trio]": "failed"}
    assert session.cases["test_it[trio]"]["actual"] == "trio"


def test_a_property_of_hypothesis_is_one_case(everywhere: Suite) -> None:
    everywhere.test("""
        from hypothesis import HealthCheck, given, settings, strategies as st

        one_case = settings(
            database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
        )

        @pytest.mark.eval
        @given(st.integers())
        def test_holds(n):
            assert n == n

        @one_case
        @given(n=st.integers(0, 1000))
        def test_is_refuted(eval_case, n):
            eval_case.actual = n
            assert n < 100
    """)
    result = everywhere.run("-Werror", plugins=["hypothesispytest"])
    assert result.session.outcomes == {
        "test_holds": "passed",
        "test_is_refuted": "failed",
    }
    refuted = result.session.cases["test_is_refuted"]
    assert refuted["actual"] == "100"
    assert "assert 100 < 100" in refuted["reason"]
    assert "    n=100,\n" in result.out  # what hypothesis shows


def test_a_plugin_that_looks_at_what_was_deselected_bears_carried_cases(
    everywhere: Suite,
) -> None:
    everywhere.test("def test_it(eval_case): pass")
    everywhere.run()
    # at the end hypothesis reads attributes of all that pytest counts
    result = everywhere.run("--evalguard-resume=last", plugins=["hypothesispytest"])
    assert result.status == 0
    assert result.tally == {"deselected": 1}
    assert "1 case carried over" in result.summary


def test_a_metric_of_deepeval_is_a_named_score(everywhere: Suite) -> None:
    need("deepeval")
    everywhere.test("""
        from deepeval import assert_test
        from deepeval.metrics import BaseMetric
        from deepeval.test_case import LLMTestCase

        class Length(BaseMetric):
            threshold = 0.5
            async_mode = False
            def measure(self, test_case, *args, **kwargs):
                self.score = len(test_case.actual_output) / 10
                self.success = self.score >= self.threshold
                self.reason = "counted"
                return self.score
            async def a_measure(self, test_case, *args, **kwargs):
                return self.measure(test_case)
            def is_successful(self):
                return self.success
            @property
            def __name__(self):
                return "length"

        @pytest.mark.parametrize("text", ["long enough", "short"[:3]])
        def test_it(eval_case, text):
            metric = Length()
            case = LLMTestCase(input="say something", actual_output=text[:10])
            eval_case.record(input=case.input, actual=case.actual_output)
            metric.measure(case)
            eval_case.add_score(metric)
            assert_test(case, [metric], run_async=False)
    """)
    neighbour = NEIGHBOURS["deepeval"]
    result = everywhere.run(plugins=neighbour.plugins, env=neighbour.env)
    cases = result.session.cases
    assert result.session.outcomes == {
        "test_it[long enough]": "passed",
        "test_it[sho]": "failed",
    }
    assert cases["test_it[sho]"]["scores"]["length"]["score"] == 0.3
    assert "length" in cases["test_it[sho]"]["reason"].lower()


# Trials beside plugins that follow a test through its protocol

TRIALS = """
    RUNS = []

    @pytest.fixture(scope="module")
    def leaking():
        yield
        raise OSError("not cleaned up")

    @pytest.mark.eval(trials=3, require=2)
    def test_enough(eval_case):
        RUNS.append(1)
        print(f"printed in {len(RUNS)}")
        eval_case.actual = answer()
        assert len(RUNS) != 1

    @pytest.mark.eval(trials=2)
    def test_fails(eval_case):
        RUNS.append(1)
        print(f"printed in {len(RUNS)}")
        assert len(RUNS) % 2

    @pytest.mark.eval(trials=2)
    def test_leaks(eval_case, leaking): pass
"""
LOOKING = """
    import pytest

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(item):
        item.kept = {}
        result = yield
        del item.kept
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item, call):
        report = yield
        item.kept[call.when] = sorted(item.funcargs), item._request.node
        return report
"""
FOLLOWING = {
    "a conftest": Neighbour(conftest=LOOKING),
    "pytest-asyncio": Neighbour(
        ["asyncio"], ["--override-ini=asyncio_default_fixture_loop_scope=function"]
    ),
    "pytest-json-ctrf": Neighbour(["ctrf"], ["--ctrf=ctrf.json"]),
    "pytest-rerunfailures": Neighbour(["rerunfailures"]),
    "pytest-timeout": Neighbour(["timeout"], ["--timeout=30"]),
    **{
        name: NEIGHBOURS[name]
        for name in ("pytest-cov", "pytest-html", "pytest-json-report")
    },
    "pytest-reportlog": NEIGHBOURS["pytest-reportlog"],
    "pytest-subtests": NEIGHBOURS["pytest-subtests"],
}


def run_trials(suite: Suite, name: str) -> Result:
    if name != "a conftest":
        need(name)
    neighbour = FOLLOWING[name]
    suite.is_measured = False
    suite.ini("pythonpath = .")
    suite.write("answers.py", ANSWERS)
    suite.write("conftest.py", neighbour.conftest)
    suite.test(f"    from answers import answer\n{TRIALS}")
    together = ["--dist=loadfile"] if suite.is_distributed else []
    return suite.run(*neighbour.args, *together, plugins=neighbour.plugins)


@pytest.mark.parametrize("name", FOLLOWING)
def test_trials_are_one_test_beside_it(everywhere: Suite, name: str) -> None:
    result = run_trials(everywhere, name)
    cases = result.session.cases
    found = {
        name: (case["outcome"], [each["outcome"] for each in case["trials"]])
        for name, case in cases.items()
    }
    assert found == {
        "test_enough": ("passed", ["failed", "passed", "passed"]),
        "test_fails": ("failed", ["failed", "passed"]),
        "test_leaks": ("error", ["passed", "passed"]),
    }
    counted = {key: n for key, n in result.tally.items() if key != "warnings"}
    assert counted == {"failed": 1, "passed": 2, "error": 1}


def test_pytest_json_report_has_the_output_of_the_trial_that_decided(
    everywhere: Suite,
) -> None:
    run_trials(everywhere, "pytest-json-report")
    report = json.loads((everywhere.directory / "report.json").read_text())
    tests = {each["nodeid"].partition("::")[2]: each for each in report["tests"]}
    assert report["summary"]["total"] == 3
    assert tests["test_enough"]["call"]["stdout"] == "printed in 3\n"
    assert tests["test_fails"]["call"]["stdout"] == "printed in 4\n"
    assert tests["test_leaks"]["outcome"] == "error"


# pytest-evals, which owns a mark of the same name

BOTH = """
    @pytest.mark.eval(name="mine")
    @pytest.mark.llm(expected="Paris")
    def test_both(eval_case, eval_bag):
        eval_case.actual = eval_bag.answer = "Paris"
"""


@pytest.fixture
def evals(everywhere: Suite) -> Suite:
    need("pytest-evals")
    return everywhere


@pytest.mark.parametrize("mark", ["eval", 'eval(name="mine")'])
def test_two_owners_of_the_mark_are_a_usage_error(evals: Suite, mark: str) -> None:
    evals.test(f"@pytest.mark.{mark}\ndef test_it(): pass")
    result = evals.run(plugins=EVALS)
    assert result.status == 4
    assert "'-p no:evals'" in result.err
    assert "evalguard_mark" in result.err
    assert result.sessions == []


def test_without_pytest_evals_the_mark_is_ours(evals: Suite) -> None:
    evals.test("@pytest.mark.eval\ndef test_it(): pass")
    result = evals.run("-pno:evals", plugins=EVALS)
    assert result.status == 0
    assert result.session.outcomes == {"test_it": "passed"}


def test_pytest_evals_and_a_mark_of_another_name_work_together(evals: Suite) -> None:
    evals.ini("evalguard_mark = llm")
    evals.test(BOTH)
    result = evals.run("--run-eval", plugins=EVALS)
    assert result.status == 0
    assert result.session.cases["test_both"]["actual"] == "Paris"
    raw = json.loads((evals.directory / "test-out/eval-results-raw.json").read_text())
    (theirs,) = raw.values()
    assert theirs["eval_name"] == "mine"
    assert theirs["fixtures"]["eval_bag"] == {"answer": "Paris"}
