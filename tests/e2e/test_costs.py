"""What a case costs, counted and not timed; `tools/benchmark.py` has the times."""

from __future__ import annotations

import json
import weakref

import pytest

from pytest_evalguard.model.case import Case
from pytest_evalguard.storage import journal
from standin import StandIn, Status
from suite import Suite

COUNT_WRITES = """
    import json, pathlib
    import pytest
    from pytest_evalguard.model.case import Case
    from pytest_evalguard.storage import journal

    CALLS = {"write": 0, "open_file": 0, "to_line": 0}

    def counting(owner, name):
        real = getattr(owner, name)
        def call(*args):
            CALLS[name] += 1
            return real(*args)
        setattr(owner, name, call)

    def pytest_configure(config):
        counting(journal, "write")
        counting(journal, "open_file")
        counting(Case, "to_line")
        config.stash[KEY] = CALLS

    KEY = pytest.StashKey()

    def pytest_unconfigure(config):
        where = "worker" if hasattr(config, "workerinput") else "controller"
        name = getattr(config, "workerinput", {}).get("workerid", "")
        path = config.rootpath / f"calls-{where}{name}.json"
        path.write_text(json.dumps(CALLS))
"""
HELD = """
    import gc, json, tracemalloc
    import pytest

    def pytest_configure(config):
        if not hasattr(config, "workerinput"):
            tracemalloc.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(session):
        result = yield
        if not hasattr(session.config, "workerinput"):
            gc.collect()
            held = tracemalloc.get_traced_memory()[0]
            (session.config.rootpath / "held.json").write_text(json.dumps(held))
        return result
"""


@pytest.mark.parametrize("count", [5, 25])
@pytest.mark.real_process("its conftest.py changes the plugin")
def test_a_case_is_encoded_once_and_appended_once_to_a_file_that_stays_open(
    everywhere: Suite, count: int
) -> None:
    """A controller appends the lines that it gets."""
    everywhere.write("conftest.py", COUNT_WRITES)
    everywhere.test(f"""
        @pytest.mark.parametrize("n", range({count}))
        def test_it(eval_case, n):
            eval_case.record(input="i", actual="a" * 5_000, score=1)
            eval_case.add_score("tone", 0.5)
        """)
    everywhere.run()
    encoded = 0
    for path in everywhere.directory.glob("calls-*.json"):
        calls = json.loads(path.read_text())
        encoded += calls["to_line"]
        assert calls["open_file"] <= 1, path
        if "controller" in path.name:
            assert calls["write"] == count
    assert encoded == count


def test_a_case_needs_no_fixture_set_up(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        def pytest_fixture_setup(fixturedef):
            assert fixturedef.argname != "eval_case"
        """,
    )
    suite.test("""
        @pytest.mark.parametrize("n", range(3))
        def test_it(eval_case, n):
            eval_case.actual = n
    """)
    cases = suite.run().session.cases
    assert [case["outcome"] for case in cases.values()] == ["passed"] * 3


@pytest.mark.fresh_process("it measures what the process holds")
def test_what_is_held_does_not_grow_with_the_size_of_values(everywhere: Suite) -> None:
    everywhere.write("conftest.py", HELD)
    everywhere.is_measured = False
    held = []
    for size in (10, 50_000):
        everywhere.test(f"""
            @pytest.mark.parametrize("n", range(60))
            def test_it(eval_case, n):
                eval_case.record(input="i" * {size}, actual="a" * {size})
                eval_case.metadata["more"] = "m" * {size}
                assert n % 2
            """)
        everywhere.run("--tb=no", "-q")
        path = everywhere.directory / "held.json"
        held.append(json.loads(path.read_text()))
    small, large = held
    # 60 cases with 150,000 characters each would be 9 MB
    assert large - small < 1_500_000


def counted_lines(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return a list to which each stored line is added when it is parsed."""
    parsed: list[bytes] = []
    real = journal._parsed

    def counting(line: bytes) -> Case | None:
        parsed.append(line)
        return real(line)

    monkeypatch.setattr(journal, "_parsed", counting)
    return parsed


@pytest.mark.parametrize(
    "command", ["show", "html -o page.html", "bless -o b.json", "submit --run RUN"]
)
def test_a_stored_line_is_parsed_once_a_command(
    suite: Suite, standin: StandIn, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", range(4))
        def test_it(eval_case, n): eval_case.score = n / 4
        """)
    suite.run()
    parsed = counted_lines(monkeypatch)
    words = command.replace("RUN", standin.add_run()).split()
    assert suite.script(*words, standin=standin).status == 0
    assert len(parsed) == len(set(parsed)) == 4


def test_a_session_parses_its_own_lines_once_to_send_them(
    suite: Suite, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And those of its baseline; what it compares it has in memory."""
    suite.test("""
        @pytest.mark.parametrize("n", range(4))
        def test_it(eval_case, n): eval_case.score = n / 4
        """)
    suite.run()
    parsed = counted_lines(monkeypatch)
    args = ("--evalguard-baseline=last", f"--evalguard-run={standin.add_run()}")
    assert suite.run(*args, standin=standin, check=False).status == 0
    assert len(parsed) == 4 + 4


def test_a_frozen_session_is_sent_without_its_cases_being_parsed(
    suite: Suite, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", range(4))
        def test_it(eval_case, n): eval_case.score = n / 4
        """)
    run_id = standin.add_run()
    standin.plan(Status(401))
    suite.run(f"--evalguard-run={run_id}", standin=standin)
    parsed = counted_lines(monkeypatch)
    assert suite.script("submit", standin=standin).status == 0
    assert len(standin.runs[run_id].rows) == 4
    assert parsed == []


def test_a_batch_is_encoded_row_by_row(
    suite: Suite, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand cases at a time kept the garbage collector busy."""
    suite.test("""
        @pytest.mark.parametrize("n", range(50))
        def test_it(eval_case, n): eval_case.score = 1
        """)
    suite.run()
    alive: list[weakref.ref[Case]] = []
    most = 0
    real = journal._parsed

    def watching(line: bytes) -> Case | None:
        nonlocal most
        case = real(line)
        if case is not None:
            alive.append(weakref.ref(case))
        most = max(most, sum(each() is not None for each in alive))
        return case

    monkeypatch.setattr(journal, "_parsed", watching)
    done = suite.script("submit", "--run", standin.add_run(), standin=standin)
    assert done.status == 0
    assert len(alive) == 50
    assert most <= 3
