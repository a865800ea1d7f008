"""A case is identified by its node id, whatever that holds."""

from __future__ import annotations

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
