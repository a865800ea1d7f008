"""A case is identified by its node id, whatever that holds."""

from __future__ import annotations

from textwrap import dedent

import pytest

from standin import StandIn
from suite import Suite, rows_of

IDS = [
    "a::b",
    "a/b",
    "a b",
    "été",
    "",
    "x" * 10_000,
    "[",
    "]",
    "#2",
    "@g",
    "-",
    "\\d",
    "1.0",
]


def test_ids_of_parameters_may_hold_anything(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test(f"""
        IDS = {IDS!r}
        @pytest.mark.parametrize("q", IDS, ids=IDS)
        def test_it(eval_case, q):
            eval_case.actual = q
    """)
    result = everywhere.run("--evalguard-run=new", standin=standin)
    rows = rows_of(standin)
    assert sorted(row["actualOutput"] for row in rows) == sorted(IDS)
    assert len(result.session.cases) == len(IDS)


def test_the_group_of_loadgroup_is_no_part_of_it(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.xdist_group("one")
        @pytest.mark.parametrize("q", ["a@b", "c"])
        def test_it(eval_case, q):
            pass
    """)
    result = suite.run("-pxdist", "-n2", "--dist=loadgroup")
    assert sorted(result.session.cases) == ["test_it[a@b]", "test_it[c]"]


def test_ids_that_differ_only_in_a_secret_stay_two_cases(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test("""
        KEYS = ["sk-" + letter * 32 for letter in "ba"]
        @pytest.mark.parametrize("key", KEYS, ids=KEYS)
        def test_it(eval_case, key):
            eval_case.actual = str(KEYS.index(key))
    """)
    result = everywhere.run("--evalguard-run=new", standin=standin)
    actual = {name: case["actual"] for name, case in result.session.cases.items()}
    assert actual == {"test_it[[REDACTED]]": "1", "test_it[[REDACTED]] #2": "0"}
    assert len(rows_of(standin)) == 2
    assert b"sk-" not in standin.posts[0].body


def test_items_may_say_in_a_way_of_their_own_which_marks_they_have(
    everywhere: Suite,
) -> None:
    everywhere.write(
        "conftest.py",
        """
        import pytest

        class Line(pytest.Item):
            def iter_markers_with_node(self, name=None):
                if name in (None, "eval"):
                    yield self, pytest.mark.eval(input=f"in {self.name}").mark

            def runtest(self):
                pass

        class Questions(pytest.File):
            def collect(self):
                for name in self.path.read_text().split():
                    yield Line.from_parent(self, name=name)

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".questions":
                return Questions.from_parent(parent, path=file_path)
        """,
    )
    everywhere.write("one.questions", "a b")
    cases = everywhere.run().session.cases
    assert {name: case["input"] for name, case in cases.items()} == {
        "a": "in a",
        "b": "in b",
    }


def test_copies_of_an_item_are_recorded_with_their_own_parameters(
    suite: Suite,
) -> None:
    suite.write(
        "conftest.py",
        """
        from copy import copy

        def pytest_collection_modifyitems(items):
            twin = copy(items[0])
            twin.callspec = copy(twin.callspec)
            object.__setattr__(twin.callspec, "params", {"n": 100})
            twin._initrequest()
            items.append(twin)
        """,
    )
    suite.test("""
        @pytest.mark.parametrize("n", [1])
        def test_it(eval_case, n): pass
    """)
    cases = suite.run().session.cases.values()
    assert {case["input"] for case in cases} == {'{"n": 1}', '{"n": 100}'}


def test_doctests_and_items_that_are_not_python_can_be_cases(everywhere: Suite) -> None:
    everywhere.write(
        "conftest.py",
        """
        import pytest

        class Line(pytest.Item):
            def runtest(self):
                assert "bad" not in self.name
            def reportinfo(self):
                return self.path, None, self.name

        class Questions(pytest.File):
            def collect(self):
                for line in self.path.read_text().splitlines():
                    yield Line.from_parent(self, name=line)

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".questions":
                return Questions.from_parent(parent, path=file_path)

        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.eval(tags=["all"]))
        """,
    )
    everywhere.write("one.questions", "good question\nbad question\n")
    everywhere.write("mod.py", '"""\n>>> 1 + 1\n2\n"""\n')
    outcomes = everywhere.run("--doctest-modules").session.outcomes
    assert outcomes == {
        "good question": "passed",
        "bad question": "failed",
        "mod": "passed",
    }


TWICE = """
    def pytest_collection_modifyitems(items):
        items[:] = items * 2
"""
COUNTED = """
    from contextlib import suppress
    from itertools import count
    from pathlib import Path

    def runs(path):
        '''Return how often it was called, by all processes together.'''
        for number in count(1):
            with suppress(FileExistsError):
                Path(f"{path}.{number}").touch(exist_ok=False)
                return number
"""


def test_a_test_that_is_scheduled_twice_is_two_cases(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.write("conftest.py", TWICE)
    everywhere.ini("pythonpath = .")
    everywhere.write("counting.py", COUNTED)
    everywhere.test("""
        from counting import runs

        @pytest.mark.eval
        def test_it():
            assert runs("it") != 1

        @pytest.mark.eval(trials=2, require=1)
        def test_trials():
            assert runs("trials") != 1

        def test_other(): pass
    """)
    result = everywhere.run("--evalguard-run=new", standin=standin)
    assert result.tally == {"failed": 1, "passed": 5}
    assert sorted(result.session.outcomes) == [
        "test_it",
        "test_it #2",
        "test_trials",
        "test_trials #2",
    ]
    assert sorted(row["passed"] for row in rows_of(standin)) == [
        False,
        True,
        True,
        True,
    ]
    (failed,) = (c for c in result.session.cases.values() if c["outcome"] == "failed")
    assert "assert 1 != 1" in failed["reason"]


def test_the_same_test_twice_in_a_row_is_no_rerun(suite: Suite) -> None:
    suite.write("conftest.py", TWICE)
    suite.test("""
        RUNS = []

        @pytest.mark.eval
        def test_it():
            RUNS.append(1)
            assert len(RUNS) != 1
    """)
    result = suite.run()
    assert result.session.outcomes == {"test_it": "failed", "test_it #2": "passed"}
    assert "1 flaky" not in result.summary


def test_a_second_run_that_does_not_ask_for_the_fixture_is_no_case(
    suite: Suite,
) -> None:
    suite.write("conftest.py", TWICE)
    suite.test("""
        RUNS = []

        def test_it(request):
            RUNS.append(1)
            if len(RUNS) == 1:
                request.getfixturevalue("eval_case").actual = "Hi"

        def test_other(): pass
    """)
    result = suite.run()
    assert result.tally == {"passed": 4}
    assert result.session.outcomes == {"test_it": "passed"}


def test_a_run_that_nobody_announced_overwrites_none(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        def pytest_runtestloop(session):
            for item in session.items * 2:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            return True
        """,
    )
    suite.test("""
        RUNS = []

        @pytest.mark.eval
        def test_it():
            RUNS.append(1)
            assert len(RUNS) != 1
    """)
    outcomes = suite.run().session.outcomes
    assert outcomes == {"test_it": "failed", "test_it #2": "passed"}


RENAMED = {
    "in place": """
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item):
            report = yield
            report.nodeid = f"renamed {item.name}"
            return report
    """,
    "all alike": """
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item):
            report = yield
            report.nodeid = item.nodeid.partition("[")[0]
            return report
    """,
    "in a copy": """
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item):
            report = copy.copy((yield))
            report.nodeid = f"renamed {item.name}"
            return report
    """,
    "not logged": """
        def pytest_runtest_protocol(item, nextitem):
            runtestprotocol(item, log=False, nextitem=nextitem)
            return True
    """,
}


@pytest.mark.parametrize("conftest", RENAMED.values(), ids=RENAMED)
def test_a_test_whose_reports_have_another_id_is_found_by_itself(
    suite: Suite, conftest: str
) -> None:
    imports = "import copy\nimport pytest\nfrom _pytest.runner import runtestprotocol\n"
    suite.write("conftest.py", imports + dedent(conftest))
    suite.test("""
        @pytest.mark.parametrize("n", range(3))
        def test_it(eval_case, n):
            eval_case.actual = f"answer {n}"
            assert n != 1
    """)
    result = suite.run()
    assert result.session.outcomes == {
        "test_it[0]": "passed",
        "test_it[1]": "failed",
        "test_it[2]": "passed",
    }
    assert "not run" not in result.summary


def test_a_case_without_any_report_is_missing(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        def pytest_runtest_protocol(item):
            return True
        """,
    )
    suite.test("@pytest.mark.eval\ndef test_it(): pass")
    result = suite.run()
    assert result.status == 1
    assert "missing: 1 selected case" in result.summary
