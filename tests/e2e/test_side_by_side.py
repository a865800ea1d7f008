"""Figures by group in every report of a session, whatever order its tests ran in."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from suite import Result, Suite

TESTS = """
    MODELS = ["large", pytest.param({"size": 1}, id="a-small"), "none"]

    @pytest.fixture(params=MODELS)
    def model(request): return request.param

    @pytest.mark.eval(tags=["geo"])
    @pytest.mark.parametrize("question", range(7))
    class TestAnswers:
        def test_it(self, eval_case, model, question):
            if model == "none":
                pytest.skip("not now")
            is_large = model == "large"
            eval_case.metadata["team"] = "search"
            eval_case.record(actual=f"{model}", latency_ms=question + 1)
            eval_case.cost_usd = 0.01
            eval_case.add_score("relevance", 0.9 if is_large else 0.25)
            assert is_large or not question

    def test_other(eval_case):
        eval_case.actual = "x"
    """

KEYS = ("param:model", "tag", "metadata:tean")
FOUND = {
    "by param:model:",
    "  model    cases  pass rate   95% interval  score  relevance     p95     cost",
    "  large        7     100.0%  64.6 to 100.0  0.900      0.900  7.0 ms  $0.0700",
    "  a-small      7      14.3%    2.6 to 51.3  0.250      0.250  7.0 ms  $0.0700",
    "  1 case without model",
    "by metadata:tean: no result has the metadata tean; there are: team",
}
AGAINST = (
    "a-small against large, 7 pairs: pass rate -85.7 points, 95% interval -97.4 to",
    "more than noise (p = 0.0312) (0 better, 6 worse, 1 same); mean score -0.650,",
)


@pytest.fixture(scope="module")
def told(everywhere_once: Suite) -> Result:
    suite = everywhere_once
    suite.ini("evalguard_group_by =\n    param:model\n    tag")
    suite.test(TESTS)
    keys = [f"--evalguard-group-by={key}" for key in KEYS]
    return suite.run(*keys, "--evalguard-html=p.html", "--evalguard-markdown=m.md")


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_session_shows_its_groups_in_the_order_of_parametrize(told: Result) -> None:
    assert {*told.summary.splitlines()} >= FOUND
    assert all(part in flat(told.summary) for part in AGAINST)
    assert told.session.state["group_by"] == [*KEYS]


def test_a_stored_session_shows_the_same_groups(
    told: Result, everywhere_once: Suite
) -> None:
    shown = everywhere_once.script("show").out
    assert {*shown.splitlines()} >= FOUND
    assert all(part in flat(shown) for part in AGAINST)
    for name, command in (("p.html", "html"), ("m.md", "markdown")):
        everywhere_once.script(command, "-o", f"again-{name}")
        again = (told.directory / f"again-{name}").read_text()
        assert again == (told.directory / name).read_text()
        assert "no result has the metadata tean" in again


def test_groups_are_there_for_scripts(told: Result, everywhere_once: Suite) -> None:
    found: dict[str, Any] = json.loads(everywhere_once.script("show", "--json").out)
    groups = found["groups"]["param:model"]
    assert groups["without"] == 1
    assert [each["value"] for each in groups["groups"]] == ["large", "a-small"]
    assert groups["groups"][0]["scores"] == {"relevance": 0.9}
    (against,) = groups["compared"]
    assert (against["first"], against["pairs"], against["alone"]) == ("large", 7, 0)
    assert against["pass_rate"]["worse"] == 6
    assert against["score"]["change"]["pairs"] == 7
    assert found["groups"]["metadata:tean"]["groups"] == []


def test_the_page_has_what_stands_side_by_side(told: Result) -> None:
    page = (told.directory / "p.html").read_text()
    (facts,) = re.findall(r'id="facts">\n(.*)\n', page)
    assert json.loads(facts)["groups"] == {"model": ["large", "a-small"]}
    assert "By param:model" in page
    assert (
        "relevance, cases by tenths from 0 to 1: 0, 0, 7, 0, 0, 0, 0, 0, 0, 7" in page
    )


def test_a_merged_session_has_the_groups_of_its_parts(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.parametrize("model", ["z", "a"])
        def test_it(eval_case, model):
            eval_case.actual = model
    """)
    for key, part in (("param:model", "z"), ("tag", "a")):
        suite.run(f"--evalguard-group-by={key}", f"test_it.py::test_it[{part}]")
    parts = [str(each.path) for each in suite.run("--collect-only").sessions]
    merged = suite.script("merge", *parts, "-o", "merged")
    assert merged.status == 0, merged.err
    shown = suite.script("show", "merged").out
    assert "by tag: no result has a tag" in shown
    assert "a against z, 1 pair:" in flat(shown)
