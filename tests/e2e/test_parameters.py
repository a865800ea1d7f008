"""Groups of cases by their parameters and metadata, and gates on them."""

from __future__ import annotations

from typing import Any

import pytest

from suite import Result, Suite

CONFTEST = """
    import pytest

    def pytest_generate_tests(metafunc):
        if "generated" in metafunc.fixturenames:
            metafunc.parametrize("generated", ["x", "y"], indirect=True)
        if "left" in metafunc.fixturenames:
            metafunc.parametrize(("left", "right"), [(1, 2)], ids=["both"])

    @pytest.fixture
    def generated(request): return request.param

    @pytest.fixture(params=[{"size": 1}, {"size": 2}], ids=["one", None])
    def client(request): return request.param

    @pytest.fixture
    def model(request): return request.param
    """

TESTS = """
    import enum
    import unittest

    class Tone(enum.Enum):
        DRY = "dry"

    def judge(): pass

    pytestmark = [
        pytest.mark.eval(metadata={"team": "search"}),
        pytest.mark.parametrize("region", ["eu"]),
    ]

    LARGE = pytest.param({"name": "gpt-large", "t": 0}, id="large")

    @pytest.mark.parametrize("model", [LARGE, {"name": "tiny"}], indirect=True)
    def test_indirect(model, region): pass

    @pytest.mark.parametrize("lang", ["de", "fr"])
    class TestClass:
        @pytest.mark.parametrize("n", [1, 2.5, True, None])
        def test_method(self, n, lang, region): pass

    def test_generated(generated, region): pass

    @pytest.mark.parametrize("model", ["a"], ids=["large"])
    def test_several(left, right, client, region, model): pass

    @pytest.mark.parametrize("q, a", [pytest.param("one?", "1", id="first")])
    @pytest.mark.parametrize("tone", [Tone.DRY])
    @pytest.mark.parametrize("scorer", [judge])
    def test_sets(q, a, tone, scorer, region): pass

    @pytest.mark.parametrize("config", [pytest.param({"t": 0}, id=pytest.HIDDEN_PARAM)])
    def test_hidden(config, region): pass

    @pytest.mark.parametrize("text", ["é", "a  b", "a  b", "x" * 300])
    def test_texts(text, region): pass

    @pytest.mark.parametrize("api_key", ["q9TzR4vXw1LmN8pK2sYd"])
    @pytest.mark.parametrize("note", ["sk-proj-abcdefghijklmnopqrstuvwxyz012345"])
    def test_secrets(api_key, note, region): pass

    @pytest.mark.eval(trials=2)
    def test_trials(region): pass

    class TestUnit(unittest.TestCase):
        def test_it(self): pass
    """

PARAMS: dict[str, dict[str, str]] = {
    "test_indirect[large-eu]": {"model": "large"},
    "test_indirect[model1-eu]": {"model": '{"name": "tiny"}'},
    "TestClass::test_method[1-de-eu]": {"lang": "de", "n": "1"},
    "TestClass::test_method[2.5-fr-eu]": {"lang": "fr", "n": "2.5"},
    "TestClass::test_method[True-fr-eu]": {"lang": "fr", "n": "True"},
    "TestClass::test_method[None-fr-eu]": {"lang": "fr", "n": "None"},
    "test_generated[x-eu]": {"generated": "x"},
    "test_several[one-both-large-eu]": {
        "left": "1",
        "right": "2",
        "client": '{"size": 1}',
        "model": "large",
    },
    "test_several[client1-both-large-eu]": {
        "left": "1",
        "right": "2",
        "client": '{"size": 2}',
        "model": "large",
    },
    "test_sets[judge-Tone.DRY-first-eu]": {
        "q": "one?",
        "a": "1",
        "tone": "Tone.DRY",
        "scorer": "judge",
    },
    "test_hidden[eu]": {"config": '{"t": 0}'},
    "test_texts[\\xe9-eu]": {"text": "é"},
    "test_texts[a  b0-eu]": {"text": "a b"},
    "test_texts[a  b1-eu]": {"text": "a b"},
    "test_texts[text3-eu]": {"text": "x" * 90 + "… 0d4e2ca9"},
    "test_trials[eu]": {},
}


@pytest.fixture(scope="module")
def table(everywhere_once: Suite) -> Result:
    """The table of tests, run once plain and once distributed."""
    everywhere_once.write("conftest.py", CONFTEST)
    everywhere_once.test(TESTS)
    gates = (
        "--evalguard-min-pass-rate=param:model=large:1",
        "--evalguard-min-pass-rate=param:region=eu:1",
        "--evalguard-min-pass-rate=metadata:team=search:1",
        "--evalguard-min-pass-rate=param:lang=en:0.5",
        "--evalguard-min-pass-rate=param:language=de:0.5",
    )
    return everywhere_once.run(*gates)


@pytest.mark.parametrize("name", PARAMS)
def test_a_case_keeps_its_parameters(table: Result, name: str) -> None:
    params: dict[str, Any] = table.session.cases[name].get("params", {})
    assert params == {"region": "eu", **PARAMS[name]}


def test_parameters_are_redacted(table: Result) -> None:
    names = [name for name in table.session.cases if "test_secrets" in name]
    params = table.session.cases[names[0]]["params"]
    assert params == {"region": "eu", "api_key": "[REDACTED]", "note": "[REDACTED]"}


def test_a_test_without_parameters_keeps_none(table: Result) -> None:
    assert "params" not in table.session.cases["TestUnit::test_it"]


HOSTILE = """
    import pytest

    class Array:  # as numpy's
        def __eq__(self, other): return self
        def __bool__(self): raise ValueError("ambiguous")

    class Text(str):
        def __eq__(self, other): raise RuntimeError("eq")
        def __getitem__(self, place): raise RuntimeError("getitem")
        __hash__ = str.__hash__

    VALUES = {"array": Array(), "text": Text("x"), "int": 10**5_000}

    @pytest.mark.eval(input=10**5_000)
    @pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
    def test_it(value): pass
    """


def test_what_can_not_be_compared_or_written_is_a_parameter_as_any_other(
    everywhere: Suite,
) -> None:
    everywhere.test(HOSTILE)
    assert everywhere.run().session.outcomes == {
        "test_it[array]": "passed",
        "test_it[text]": "passed",
        "test_it[int]": "passed",
    }
    resumed = everywhere.run("--evalguard-resume=last")
    assert "3 cases carried over" in resumed.summary


def test_gates_are_held_against_groups(table: Result) -> None:
    found = " ".join(table.summary.split())
    rows = len(table.session.cases)
    assert "gate met pass rate of param:model=large: 100.0% (3 of 3), 95%" in found
    assert f"met pass rate of metadata:team=search: 100.0% ({rows} of {rows})" in found
    assert (
        "gate FAILED pass rate of param:lang=en: no result has lang=en; there are: de,"
        " fr, wanted at least 50%"
    ) in found
    assert (
        "no result has the parameter language; there are: a, api_key, client, config,"
    ) in found
    assert table.status == 1


CHEAP = """
    @pytest.mark.parametrize("n", range(4))
    def test_it(eval_case, n):
        eval_case.latency_ms = 100 * n
        if n:
            eval_case.cost_usd = 0.1
            eval_case.add_tokens(prompt=10, completion=1)
        if n == 3:
            raise ConnectionError
    """


def test_errors_latency_cost_and_tokens_have_gates(everywhere: Suite) -> None:
    everywhere.ini("""
        evalguard_errors = ConnectionError
        evalguard_max_errors = 1
        evalguard_max_cost = 0.3
        evalguard_max_latency =
            p50:100
            299.9
        """)
    everywhere.test(CHEAP)
    result = everywhere.run("--evalguard-max-tokens=32")
    lines = " ".join(result.summary.split())
    for line in (
        "gate met errors: 1 of 4 cases, wanted at most 1",
        "gate met latency p50: 100 ms (4 cases), wanted at most 100 ms",
        "gate FAILED latency p95: 300 ms (4 cases), wanted at most 299.9 ms",
        "gate met cost: $0.3000 (3 of 4 cases), wanted at most $0.3",
        "gate FAILED tokens: 33 (3 of 4 cases), wanted at most 32",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        ("--evalguard-min-pass-rate=param:model:0.9", "param:model=large:0.9"),
        ("--evalguard-min-pass-rate=metadata:=x:0.9", "metadata:team=search:0.9"),
        ("--evalguard-min-pass-rate=param:n=1:9", "within 0..1"),
        ("--evalguard-max-errors=-1", "a whole number of at least 0"),
        ("--evalguard-group-by=model", "must be tag, param:NAME or metadata:KEY"),
        ("--evalguard-max-latency=-1", "number of milliseconds, at least 0"),
        (
            "--evalguard-max-latency=95:800",
            "after a percentile and a colon, such as p99:",
        ),
        (
            "--evalguard-max-latency=p0:800",
            "after a percentile and a colon, such as p99:",
        ),
        ("--evalguard-max-latency=p101:800", "after a percentile and a colon"),
        ("--evalguard-max-latency=pmax:800", "after a percentile and a colon"),
        ("--evalguard-max-cost=nan", "a number of US dollars, at least 0"),
        ("--evalguard-max-cost=$3", "a number of US dollars, at least 0"),
        ("--evalguard-max-tokens=1.5", "a whole number of at least 0"),
    ],
)
def test_what_is_no_limit_stops_the_session(
    suite: Suite, option: str, wanted: str
) -> None:
    suite.test(CHEAP)
    result = suite.run(option)
    assert result.status == 4
    assert wanted in result.err
    assert option.partition("=")[0] in result.err
