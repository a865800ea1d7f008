"""What `eval_case` records, seen on disk after a real session."""

from __future__ import annotations

import pytest

from standin import StandIn
from suite import Suite, rows_of


def test_every_attribute_is_kept(everywhere: Suite) -> None:
    everywhere.test("""
        @pytest.mark.eval
        def test_all(eval_case):
            eval_case.input = "question"
            eval_case.expected = {"answer": 42}
            eval_case.actual = ["a", 1]
            eval_case.score = 0.87
            eval_case.latency_ms = 812.4
            eval_case.cost_usd = 0.0031
            eval_case.add_score("relevance", 0.9, passed=True, reason="close")
            eval_case.add_tokens(prompt=12, completion=80)
            eval_case.metadata["model"] = "m-1"
            eval_case.add_finding({"label": "x"})
            eval_case.hallucination_label = "FactIsPresent"
    """)
    case = everywhere.run().session.cases["test_all"]
    assert case == {
        "nodeid": "test_it.py::test_all",
        "outcome": "passed",
        "input": "question",
        "expected": '{"answer": 42}',
        "actual": '["a", 1]',
        "score": 0.87,
        "latency_ms": 812.4,
        "cost_usd": 0.0031,
        "scores": {"relevance": {"score": 0.9, "passed": True, "reason": "close"}},
        "prompt_tokens": 12,
        "completion_tokens": 80,
        "metadata": {"model": "m-1"},
        "findings": [{"label": "x"}],
        "hallucination_label": "FactIsPresent",
    }


def test_record_sets_several_at_once(suite: Suite) -> None:
    suite.test("""
        def test_all(eval_case):
            eval_case.record(input="i", expected="e", actual="a", score=1, latency_ms=2,
                tokens={"prompt": 3, "completion": 4}, metadata={"k": "v"})
            eval_case.record(metadata={"k2": 5}, cost_usd=0.5)
    """)
    case = suite.run().session.cases["test_all"]
    assert case["input"] == "i"
    assert case["score"] == 1.0
    assert case["prompt_tokens"] == 3
    assert case["completion_tokens"] == 4
    assert case["metadata"] == {"k": "v", "k2": 5}
    assert case["cost_usd"] == 0.5


def test_scores_are_counted_within_0_and_1_and_kept_as_they_were(
    everywhere: Suite,
) -> None:
    everywhere.test("""
        from types import SimpleNamespace as Result
        def test_all(eval_case):
            eval_case.add_score("helpfulness", 4, scale=(1, 5))
            eval_case.add_score("harm", 4, scale=(5, 1), reason="mild")
            eval_case.add_score("tone", "formal", values={"formal": 1, "rude": 0})
            eval_case.add_score(Result(name="bias", score=1.0, direction="minimize"))
            eval_case.add_score("faithful", {"score": 0.25, "passing": True})
            eval_case.add_score([Result(name="a", score=1), {"key": "b", "score": 0}])
            eval_case.add_score("cosine", 1.0000000000000002)
    """)
    case = everywhere.run().session.cases["test_all"]
    assert case["scores"] == {
        "helpfulness": {"score": 0.75, "passed": True, "raw": 4},
        "harm": {"score": 0.25, "passed": False, "reason": "mild", "raw": 4},
        "tone": {"score": 1, "passed": True, "raw": "formal"},
        "bias": {"score": 0, "passed": False, "raw": 1},
        "faithful": {"score": 0.25, "passed": True},
        "a": {"score": 1, "passed": True},
        "b": {"score": 0, "passed": False},
        "cosine": {"score": 1, "passed": True},
    }


def test_what_a_scorer_gave_is_kept_and_not_sent(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("""
        def test_it(eval_case):
            eval_case.add_score("tone", "formal", values={"formal": 1})
    """)
    suite.run("--evalguard-run=new", standin=standin)
    (row,) = rows_of(standin)
    assert row["scorerResults"]["tone"] == {"score": 1, "passed": True}


def test_a_secret_in_a_label_is_replaced(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            key = "sk-proj-" + "a1" * 16
            eval_case.add_score("key", key, values={key: 1})
    """)
    scores = suite.run().session.cases["test_it"]["scores"]
    assert scores["key"]["raw"] == "[REDACTED]"


def test_of_a_list_with_a_result_that_failed_none_is_kept(suite: Suite) -> None:
    suite.test("""
        from pytest_evalguard import EvalguardError, ScorerError
        def test_it(eval_case):
            results = [{"key": "a", "score": 1}, {"key": "b", "score": 0, "error": "?"}]
            with pytest.raises(ScorerError, match="the scorer 'b' gave no") as one:
                eval_case.add_score(results)
            assert isinstance(one.value, (TypeError, EvalguardError))
            eval_case.add_score("c", 1)
    """)
    result = suite.run()
    assert result.tally == {"passed": 1}
    assert list(result.session.cases["test_it"]["scores"]) == ["c"]


def test_cost_and_tokens_add_up_from_nothing(suite: Suite) -> None:
    suite.test("""
        def test_spent(eval_case):
            assert eval_case.cost_usd == 0
            for _ in range(3):
                eval_case.cost_usd += 0.25
            eval_case.add_tokens({"usage": {"inputTokens": 2, "outputTokens": 3}})
            eval_case.add_tokens(prompt=1.0)
        def test_free(eval_case):
            eval_case.cost_usd += 0
        def test_unknown(eval_case):
            eval_case.actual = eval_case.cost_usd
    """)
    cases = suite.run().session.cases
    assert cases["test_spent"]["cost_usd"] == 0.75
    assert cases["test_spent"]["prompt_tokens"] == 3
    assert cases["test_free"]["cost_usd"] == 0
    assert "cost_usd" not in cases["test_unknown"]


def test_a_score_reaches_a_threshold_that_arithmetic_took_from_it(
    suite: Suite,
) -> None:
    suite.test("""
        @pytest.mark.eval(threshold=0.7)
        def test_mean(eval_case):
            for name in "abc":
                eval_case.add_score(name, 0.7)
        @pytest.mark.eval(threshold=0.7)
        def test_below(eval_case):
            eval_case.score = 0.69999999
        @pytest.mark.eval
        def test_named(eval_case):
            eval_case.add_score("tone", 0.1 + 0.1 + 0.1 + 0.2 - 1e-16)
            eval_case.add_score("sum", 0.3 - 0.1 + 0.3)
            eval_case.add_score("low", 0.4999)
    """)
    result = suite.run()
    assert result.session.outcomes == {
        "test_mean": "passed",
        "test_below": "failed",
        "test_named": "passed",
    }
    assert "score 0.69999999 is below the threshold of 0.7" in result.out
    scores = result.session.cases["test_named"]["scores"]
    assert [each["passed"] for each in scores.values()] == [True, True, False]


def test_what_was_set_can_be_read_back(suite: Suite) -> None:
    suite.test("""
        def test_all(eval_case):
            answer = {"a": [1]}
            eval_case.actual = answer
            assert eval_case.actual is answer
            assert eval_case.expected is None
            assert eval_case.latency_ms is None
            eval_case.latency_ms = 5
            assert eval_case.latency_ms == 5.0
            eval_case.metadata = {"k": (1, 2)}
            assert eval_case.metadata["k"] == [1, 2]
            assert "test_all" in repr(eval_case)
    """)
    assert suite.run().tally == {"passed": 1}


def test_a_fixture_may_ask_for_the_recorder_when_it_ends(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        import pytest
        @pytest.fixture
        def late(request):
            yield
            request.getfixturevalue("eval_case").score = 0.5
        """,
    )
    suite.test("""
        @pytest.fixture
        def other(request):
            def end():
                request.getfixturevalue("eval_case").score = 0.5
            request.addfinalizer(end)
        def test_fixture(eval_case, other): pass
        def test_dynamic(eval_case, request):
            request.getfixturevalue("other")
        class TestOverridden:
            @pytest.fixture
            def late(self, late):
                yield
            def test_it(self, eval_case, late): pass
    """)
    result = suite.run()
    assert result.tally == {"passed": 3}
    scores = [case["score"] for case in result.session.cases.values()]
    assert scores == [0.5, 0.5, 0.5]


def test_metadata_takes_any_value_by_an_operator_too(suite: Suite) -> None:
    suite.test("""
        def test_all(eval_case):
            metadata = eval_case.metadata
            metadata |= {"k": (1, 2), 3: {4}}
            eval_case.metadata |= {"token": "eg_abcdefghijkl"}
            assert metadata | {"l": 1} == {**metadata, "l": 1}
            assert {"l": 1, "k": 0} | metadata == {"l": 1, **metadata}
    """)
    result = suite.run()
    assert result.tally == {"passed": 1}
    assert result.session.cases["test_all"]["metadata"] == {
        "k": [1, 2],
        "3": [4],
        "token": "[REDACTED]",
    }


def test_a_value_is_kept_as_it_was_when_it_was_recorded(suite: Suite) -> None:
    suite.test("""
        def test_all(eval_case):
            history = ["hello"]
            eval_case.actual = history
            history.append("changed later")
    """)
    assert suite.run().session.cases["test_all"]["actual"] == '["hello"]'


def test_measure_adds_up_and_works_around_awaits(suite: Suite) -> None:
    suite.test("""
        import asyncio, time
        def test_all(eval_case):
            async def ask():
                with eval_case.measure():
                    await asyncio.sleep(0.02)
            asyncio.run(ask())
            with eval_case.measure():
                time.sleep(0.02)
            assert 40 <= eval_case.latency_ms < 4000
    """)
    case = suite.run().session.cases["test_all"]
    assert case["outcome"] == "passed"
    assert case["latency_ms"] >= 40


def test_measure_counts_a_call_that_raises(suite: Suite) -> None:
    suite.test("""
        import time
        def test_all(eval_case):
            with pytest.raises(ValueError), eval_case.measure():
                time.sleep(0.01)
                raise ValueError
    """)
    assert suite.run().session.cases["test_all"]["latency_ms"] >= 10


def test_latency_defaults_to_the_duration_of_the_body(suite: Suite) -> None:
    suite.test("""
        import time
        @pytest.fixture
        def slow():
            time.sleep(0.2)
        @pytest.mark.eval
        def test_all(slow):
            time.sleep(0.02)
    """)
    assert 20 <= suite.run().session.cases["test_all"]["latency_ms"] < 200


def test_latency_is_timed_by_a_clock_that_no_test_moves(suite: Suite) -> None:
    """freezegun rebinds `perf_counter` in every module, pytest's own included."""
    suite.test("""
        import time
        from _pytest import timing

        REAL = time.perf_counter

        def move(clock):
            time.perf_counter = timing.perf_counter = clock

        @pytest.mark.eval
        def test_starts():
            move(lambda: 1e9)

        @pytest.mark.eval
        def test_ends():
            move(REAL)

        @pytest.mark.eval(trials=2)
        def test_trials():
            move(lambda: next(MOVED))

        MOVED = iter([1e9, -1e9] * 100)

        @pytest.mark.eval
        def test_last():
            move(REAL)
    """)
    cases = suite.run().session.cases
    assert len(cases) == 4
    assert all(0 <= case["latency_ms"] < 5000 for case in cases.values())


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        (
            "@pytest.mark.eval(input='marked')\n"
            "def test_a(eval_case): eval_case.input = 'r'",
            "r",
        ),
        ("@pytest.mark.eval(input={'a': 1})\ndef test_a(eval_case): pass", '{"a": 1}'),
        (
            "@pytest.mark.eval\n@pytest.mark.parametrize('q,n', [('x', 2)])\n"
            "def test_a(q, n): pass",
            '{"q": "x", "n": 2}',
        ),
        ("@pytest.mark.eval\ndef test_a(): pass", "test_it.py::test_a"),
    ],
    ids=["recorded", "marked", "parameters", "node id"],
)
def test_the_input_has_a_default(suite: Suite, test: str, wanted: str) -> None:
    suite.test(test)
    (case,) = suite.run().session.cases.values()
    assert case["input"] == wanted


def test_a_fixture_and_threads_can_record(everywhere: Suite) -> None:
    everywhere.test("""
        from concurrent.futures import ThreadPoolExecutor
        @pytest.fixture
        def agent(eval_case):
            eval_case.metadata["agent"] = "v2"
            yield lambda question: question.upper()
            eval_case.metadata["closed"] = True
        def test_it(agent, eval_case):
            eval_case.actual = agent("hi")
            def work(n):
                for _ in range(100):
                    eval_case.add_tokens(prompt=1, completion=2)
                eval_case.add_score(f"s{n}", 1)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(work, range(8)))
    """)
    case = everywhere.run().session.cases["test_it"]
    assert case["metadata"] == {"agent": "v2", "closed": True}
    assert case["prompt_tokens"] == 800
    assert case["completion_tokens"] == 1600
    assert len(case["scores"]) == 8


def test_a_unittest_class_records_through_an_autouse_fixture(everywhere: Suite) -> None:
    everywhere.test("""
        import unittest
        class TestIt(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _case(self, eval_case):
                self.case = eval_case
            def test_one(self):
                self.case.actual = "one"
            def test_two(self):
                self.case.actual = "two"
                self.assertEqual(1, 2)
    """)
    cases = everywhere.run().session.cases
    assert cases["TestIt::test_one"]["actual"] == "one"
    assert cases["TestIt::test_two"]["actual"] == "two"
    assert cases["TestIt::test_two"]["outcome"] == "failed"


@pytest.mark.parametrize("plugin", ["asyncio", "anyio"])
def test_async_tests_record(suite: Suite, plugin: str) -> None:
    suite.test(f"""
        import asyncio
        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        @pytest.mark.eval(threshold=0.5)
        @pytest.mark.{plugin}
        async def test_low(eval_case):
            with eval_case.measure():
                await asyncio.sleep(0.01)
            eval_case.actual = "a"
            eval_case.score = 0.4
    """)
    if plugin == "asyncio":
        suite.ini("asyncio_default_fixture_loop_scope = function")
    case = suite.run(plugins=[plugin]).session.cases["test_low"]
    assert case["outcome"] == "failed"
    assert case["actual"] == "a"
    assert case["latency_ms"] >= 10


def test_the_fixture_may_be_asked_for_at_run_time(everywhere: Suite) -> None:
    everywhere.test("""
        def test_it(request):
            request.getfixturevalue("eval_case").actual = "late"
        def test_that_is_no_case():
            pass
    """)
    session = everywhere.run().session
    assert session.outcomes == {"test_it": "passed"}
    assert session.cases["test_it"]["actual"] == "late"


def test_recording_after_the_test_is_an_error_that_says_so(suite: Suite) -> None:
    suite.test("""
        kept = []
        def test_one(eval_case):
            kept.append(eval_case)
        def test_two():
            with pytest.raises(RuntimeError, match="test_one has finished"):
                kept[0].actual = "too late"
            with pytest.raises(RuntimeError, match="test_one has finished"):
                kept[0].add_tokens(prompt=1)
    """)
    assert suite.run().tally == {"passed": 2}


def test_a_score_below_the_threshold_fails_and_shows_both(everywhere: Suite) -> None:
    everywhere.test("""
        @pytest.mark.eval(threshold=0.8)
        def test_low(eval_case):
            eval_case.actual = "kept"
            eval_case.score = 0.75
        @pytest.mark.eval(threshold=0.8)
        def test_mean_of_named_scores(eval_case):
            eval_case.add_score("a", 1)
            eval_case.add_score("b", 0.5)
        @pytest.mark.eval(threshold=0.8)
        def test_at_the_threshold(eval_case):
            eval_case.score = 0.8
        @pytest.mark.eval(threshold=0.8)
        def test_without_a_score():
            pass
    """)
    result = everywhere.run()
    assert result.tally == {"failed": 2, "passed": 2}
    assert "score 0.75 is below the threshold of 0.8" in result.out
    mean = "score 0.75 (mean of a 1, b 0.5) is below the threshold of 0.8"
    assert mean in result.out
    assert (
        "1 case passed a threshold without recording a score:\n"
        "  test_it.py::test_without_a_score"
    ) in result.summary
    low = result.session.cases["test_low"]
    assert low["actual"] == "kept"
    assert low["reason"].startswith("Failed: score 0.75 is below the threshold of 0.8")
    assert result.session.outcomes["test_mean_of_named_scores"] == "failed"


def test_what_was_recorded_before_a_failure_is_kept(everywhere: Suite) -> None:
    everywhere.test("""
        def test_it(eval_case):
            eval_case.actual = "partial"
            raise KeyError("lost")
    """)
    case = everywhere.run().session.cases["test_it"]
    assert case["actual"] == "partial"
    assert case["reason"] == "KeyError: 'lost', at test_it.py:5"


def test_a_case_that_recorded_nothing_is_named(everywhere: Suite) -> None:
    everywhere.test("""
        def test_forgotten(eval_case):
            eval_case.input = "only this"
        def test_scored(eval_case):
            eval_case.score = 1
        @pytest.mark.eval
        def test_only_marked():
            pass
    """)
    summary = everywhere.run().summary
    assert (
        "1 case recorded neither actual nor score:\n  test_it.py::test_forgotten"
        in summary
    )


def test_a_misspelt_attribute_is_an_error(suite: Suite) -> None:
    suite.test("""
        def test_it(eval_case):
            with pytest.raises(AttributeError, match="scores"):
                eval_case.scores = 0.1
    """)
    assert suite.run().tally == {"passed": 1}


def test_a_mark_with_a_surrogate_in_its_name_loses_nothing(suite: Suite) -> None:
    suite.test(r"""
        @pytest.mark.eval(name="half \ud800", tags=["\ud800"])
        def test_it():
            pass
    """)
    case = suite.run().session.cases["test_it"]
    assert case["name"] == r"half \ud800"
