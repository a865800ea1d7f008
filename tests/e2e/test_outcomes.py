"""Every outcome that a test can have, as row, on disk, in the summary and in JUnit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from standin import StandIn
from suite import Result, Suite, rows_of

# name of the test -> its outcome and whether its row passed (None: no row)
EXPECTED: dict[str, tuple[str, bool | None]] = {
    "test_passes": ("passed", True),
    "test_fails": ("failed", False),
    "test_below_threshold": ("failed", False),
    "test_fixture_raises": ("error", False),
    "test_fixture_is_missing": ("error", False),
    "test_teardown_raises_after_a_pass": ("error", False),
    "test_teardown_raises_after_a_failure": ("failed", False),
    "test_teardown_raises_after_a_skip": ("error", False),
    "test_skip_mark": ("skipped", None),
    "test_skipif_mark": ("skipped", None),
    "test_skip_in_a_fixture": ("skipped", None),
    "test_skip_in_the_body": ("skipped", None),
    "test_xfail_mark": ("xfailed", False),
    "test_xfail_call": ("xfailed", False),
    "test_xfail_call_in_a_fixture": ("xfailed", False),
    "test_xfail_that_does_not_run": ("xfailed", False),
    "test_xfail_of_another_error": ("failed", False),
    "test_xfail_below_threshold": ("xfailed", False),
    "test_xpass": ("xpassed", True),
    "test_strict_xpass": ("failed", False),
    "test_ambiguous": ("ambiguous", False),
    "test_ambiguous_and_failed": ("failed", False),
    "test_exits": ("failed", False),
    "TestClass::test_passes": ("passed", True),
    "TestOther::test_passes": ("failed", False),
    "TestUnit::test_passes": ("passed", True),
    "TestUnit::test_fails": ("failed", False),
    "TestUnit::test_skips": ("skipped", None),
    "TestUnit::test_expected_failure": ("xfailed", False),
    "TestUnit::test_unexpected_success": ("failed", False),
    "TestUnit::test_subtest_fails": ("failed", False),
    "TestUnit::test_subtests_pass": ("passed", True),
}

TESTS = """
    import sys
    import unittest

    pytestmark = pytest.mark.eval

    @pytest.fixture
    def raises():
        raise RuntimeError("no database")

    @pytest.fixture
    def raises_later():
        yield
        raise RuntimeError("can't close")

    @pytest.fixture
    def skips():
        pytest.skip("not today")

    @pytest.fixture
    def xfails():
        pytest.xfail("known")

    def test_passes(eval_case):
        eval_case.actual = "yes"

    def test_fails(eval_case):
        eval_case.actual = "no"
        assert 1 == 2

    @pytest.mark.eval(threshold=0.5)
    def test_below_threshold(eval_case):
        eval_case.score = 0.4

    def test_fixture_raises(eval_case, raises):
        pass

    def test_fixture_is_missing(nowhere):
        pass

    def test_teardown_raises_after_a_pass(raises_later):
        pass

    def test_teardown_raises_after_a_failure(raises_later):
        assert 0

    def test_teardown_raises_after_a_skip(raises_later):
        pytest.skip("never mind")

    @pytest.mark.skip(reason="by mark")
    def test_skip_mark(eval_case):
        pass

    @pytest.mark.skipif(True, reason="by mark")
    def test_skipif_mark():
        pass

    def test_skip_in_a_fixture(skips):
        pass

    def test_skip_in_the_body(eval_case):
        eval_case.actual = "partly"
        pytest.skip("no key")

    @pytest.mark.xfail(reason="known gap")
    def test_xfail_mark():
        assert 0

    def test_xfail_call():
        pytest.xfail("known gap")

    def test_xfail_call_in_a_fixture(xfails):
        pass

    @pytest.mark.xfail(run=False, reason="hangs")
    def test_xfail_that_does_not_run():
        pass

    @pytest.mark.xfail(raises=KeyError)
    def test_xfail_of_another_error():
        raise ValueError

    @pytest.mark.eval(threshold=0.5)
    @pytest.mark.xfail(reason="known gap")
    def test_xfail_below_threshold(eval_case):
        eval_case.score = 0.1

    @pytest.mark.xfail
    def test_xpass():
        pass

    @pytest.mark.xfail(strict=True, reason="should be mended")
    def test_strict_xpass():
        pass

    def test_ambiguous(eval_case):
        eval_case.mark_ambiguous("judges disagree")

    def test_ambiguous_and_failed(eval_case):
        eval_case.mark_ambiguous()
        assert 0

    def test_exits():
        sys.exit(3)

    class TestClass:
        def test_passes(self):
            pass

    class TestOther:
        def test_passes(self):
            assert 0

    class TestUnit(unittest.TestCase):
        def test_passes(self):
            pass
        def test_fails(self):
            self.fail("no")
        def test_skips(self):
            self.skipTest("no")
        @unittest.expectedFailure
        def test_expected_failure(self):
            self.fail("no")
        @unittest.expectedFailure
        def test_unexpected_success(self):
            pass
        def test_subtest_fails(self):
            for n in range(3):
                with self.subTest(n=n):
                    self.assertEqual(n, 1)
        def test_subtests_pass(self):
            for n in range(3):
                with self.subTest(n=n):
                    pass

    def test_that_is_a_case_by_mark_alone():
        pass
"""
EXPECTED["test_that_is_a_case_by_mark_alone"] = ("passed", True)

WAYS = [
    (),
    ("-p", "xdist", "-n2"),
    ("-p", "xdist", "-n2", "--dist=loadfile"),
    ("-p", "xdist", "-n2", "--dist=worksteal"),
    ("-p", "xdist", "-n2", "--dist=loadgroup"),
    ("-p", "no:terminal"),
]


@pytest.fixture(
    scope="module", params=WAYS, ids=lambda way: " ".join(way[2:]) or "plain"
)
def table(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Result, StandIn, bool]]:
    """The table of tests, run in one of several ways and submitted."""
    suite = Suite(tmp_path_factory.mktemp("table"))
    suite.test(TESTS)
    way: tuple[str, ...] = request.param
    if way[1:] == ("no:terminal",):
        way = ("-pno:terminal",)
    args = ("--evalguard-run=new", "--junit-xml=junit.xml", *way)
    with StandIn() as standin:
        yield suite.run(*args, standin=standin), standin, "-pno:terminal" in way


def test_every_outcome_is_right_everywhere(
    table: tuple[Result, StandIn, bool],
) -> None:
    result, standin, is_silent = table
    outcomes = {name: outcome for name, (outcome, _) in EXPECTED.items()}
    assert result.session.outcomes == outcomes

    passed = {
        json.loads(json.dumps(row))["input"].partition("::")[2]: row["passed"]
        for row in rows_of(standin)
    }
    assert passed == {name: p for name, (_, p) in EXPECTED.items() if p is not None}

    counts = Counter(outcomes.values())
    assert result.session.state["counts"] == counts
    if not is_silent:
        first = " ".join(result.summary.split()).partition(" pass rate ")[0]
        for outcome, count in counts.items():
            assert f"{count} {outcome}" in first


def test_junit_agrees(table: tuple[Result, StandIn, bool]) -> None:
    """JUnit knows failures, errors and skips; xfail is a skip to it."""
    result, _, _ = table
    tree = ElementTree.parse(result.directory / "junit.xml")
    by_name: dict[str, str] = {}
    for case in tree.iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        name = f"{case.get('classname')}.{case.get('name')}"
        words = sorted({by_name.get(name, ""), *kinds} - {""})
        by_name[name] = " ".join(words)
    for name, (outcome, _) in EXPECTED.items():
        junit = by_name["test_it." + name.replace("::", ".")]
        assert junit in JUNIT[outcome], (name, junit)


JUNIT = {
    "passed": [""],
    "xpassed": [""],
    "ambiguous": [""],
    "failed": ["failure", "error failure"],
    "error": ["error", "error skipped"],
    "skipped": ["skipped"],
    "xfailed": ["skipped"],
}


EMPTY = """
    @pytest.mark.parametrize("x", [])
    def test_direct(eval_case, x): pass
    @pytest.mark.parametrize("x", [], ids=[])
    @pytest.mark.parametrize("y", [1, 2])
    def test_beside_another(eval_case, x, y): pass
    @pytest.mark.eval(trials=2)
    @pytest.mark.parametrize("x", [])
    class TestClass:
        def test_method(self, x): pass
    def pytest_generate_tests(metafunc):
        if "row" in metafunc.fixturenames:
            metafunc.parametrize("row", [], indirect=True)
    @pytest.fixture
    def row(request): return request.param
    def test_generated(eval_case, row): pass
    @pytest.fixture(params=[])
    def model(request): return request.param
    def test_fixture(eval_case, model): pass
    @pytest.mark.skip(reason="not today")
    def test_skipped(eval_case): pass
    @pytest.mark.xfail
    def test_known(eval_case): raise ValueError
"""


@pytest.mark.parametrize("mark", ["skip", "xfail"])
def test_cases_that_an_empty_parameter_set_kept_from_running_are_named(
    everywhere: Suite, mark: str
) -> None:
    everywhere.ini(f"empty_parameter_set_mark = {mark}")
    everywhere.test(EMPTY)
    summary = everywhere.run("-v").summary
    _, _, told = summary.partition("6 cases not run: empty parameter set:\n")
    assert sorted(line.split("::", 1)[1] for line in told.splitlines()[:6]) == [
        "TestClass::test_method[NOTSET]",
        "test_beside_another[1-NOTSET]",
        "test_beside_another[2-NOTSET]",
        "test_direct[NOTSET]",
        "test_fixture[NOTSET]",
        "test_generated[NOTSET]",
    ]


def test_an_empty_parameter_set_that_pytest_refuses_stops_the_session(
    suite: Suite,
) -> None:
    suite.ini("empty_parameter_set_mark = fail_at_collect")
    suite.test(EMPTY)
    result = suite.run()
    assert result.status == 2
    assert "Empty parameter set in" in result.out


OUTCOME_OF_ITS_OWN = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call" and report.failed:
        report.outcome = "known_issue"
    return report

def pytest_report_teststatus(report):
    if report.outcome == "known_issue":
        return "known_issue", "K", "KNOWN"
"""


def test_a_case_is_kept_whatever_outcome_a_conftest_gives_its_report(
    everywhere: Suite,
) -> None:
    everywhere.write("conftest.py", OUTCOME_OF_ITS_OWN)
    everywhere.test("""
        def test_it(eval_case):
            eval_case.actual = "precious"
            assert 0
        """)
    result = everywhere.run()
    assert result.session.cases["test_it"]["actual"] == "precious"
    assert "missing" not in result.summary
    assert result.status == 0


LATE = """
import pytest
from _pytest.runner import runtestprotocol

class RunsThem:
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            item.ihook.pytest_runtest_logreport(report=report)
        return True

def pytest_collection_finish(session):
    session.config.pluginmanager.register(RunsThem())
"""


def test_reasons_are_known_where_a_plugin_that_came_late_runs_the_tests(
    everywhere: Suite,
) -> None:
    everywhere.write("conftest.py", LATE)
    everywhere.test("def test_it(eval_case): raise ValueError('no')")
    case = everywhere.run().session.cases["test_it"]
    assert case["reason"].startswith("ValueError: no, at ")


def test_the_verdict_is_there_of_a_setup_that_a_conftest_fails_as_it_is_logged(
    everywhere: Suite,
) -> None:
    everywhere.write(
        "conftest.py",
        """
        def pytest_runtest_logreport(report):
            if report.when == "setup" and "bad" in report.nodeid:
                report.outcome, report.longrepr = "failed", "leaks a socket"
        """,
    )
    everywhere.test("""
        def test_bad(eval_case): pass
        def test_good(eval_case): eval_case.actual = "Hi"
    """)
    session = everywhere.run().session
    assert session.outcomes == {"test_bad": "error", "test_good": "passed"}
    assert session.cases["test_bad"]["reason"] == "leaks a socket"
