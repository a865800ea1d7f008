"""Gates and baselines: what turns recorded results into a decision."""

from __future__ import annotations

import json
from typing import Any

import pytest

from standin import StandIn
from suite import Result, Suite

TESTS = """
    import os

    BAD = os.environ.get("BAD", "").split()

    @pytest.mark.eval(tags=["smoke"])
    @pytest.mark.parametrize("n", range(4))
    def test_smoke(eval_case, n):
        eval_case.add_score("relevance", 0.8)
        assert f"s{n}" not in BAD

    @pytest.mark.parametrize("n", range(16))
    def test_other(eval_case, n):
        eval_case.actual = "secret text"
        assert f"o{n}" not in BAD
    """


def run(suite: Suite, *args: str, bad: str = "", standin: Any = None) -> Result:
    return suite.run(*args, env={"BAD": bad}, standin=standin)


def text(result: Result) -> str:
    return " ".join(result.summary.split())


@pytest.mark.parametrize(
    ("gate", "bad", "is_met", "figure"),
    [
        ("--evalguard-min-pass-rate=0.95", "o1", True, "pass rate: 95.0% (19 of 20)"),
        ("--evalguard-min-pass-rate=0.96", "o1", False, "pass rate: 95.0% (19 of 20)"),
        ("--evalguard-min-pass-rate=smoke:1", "o1", True, "smoke: 100.0% (4 of 4)"),
        ("--evalguard-min-pass-rate=smoke:0.8", "s1", False, "smoke: 75.0% (3 of 4)"),
        ("--evalguard-min-pass-rate=smokee:0", "", False, "no result has this tag"),
        ("--evalguard-min-score=0.9", "", True, "mean score: 0.960 (20 cases)"),
        ("--evalguard-min-score=0.97", "", False, "mean score: 0.960 (20 cases)"),
        (
            "--evalguard-min-score=relevance:0.8 -oevalguard_min_coverage=0.2",
            "",
            True,
            "relevance: 0.800 (4 of 20 cases)",
        ),
        (
            "--evalguard-min-score=relevance:0.8",
            "",
            False,
            "relevance: 0.800 (4 of 20 cases)",
        ),
        ("--evalguard-min-score=relevance:0.81", "", False, "relevance: 0.800"),
        ("--evalguard-min-score=tone:0", "", False, "no result has this score"),
    ],
)
def test_a_gate_decides_by_its_figure(
    suite: Suite, gate: str, bad: str, is_met: bool, figure: str
) -> None:
    suite.test(TESTS)
    result = run(suite, *gate.split(), bad=bad)
    (line,) = text(result).split("gate ")[1:]
    assert line.startswith("met " if is_met else "FAILED ")
    assert figure in line
    assert result.status == (0 if is_met and not bad else 1)
    assert result.session.state["exit_status"] == result.status


def test_renamed_tests_are_told_beside_the_gate_on_regressions(suite: Suite) -> None:
    one = "def test_{}(eval_case): eval_case.actual = 'x'\n"
    suite.test("".join(map(one.format, "abc")))
    suite.run()
    suite.test("".join(map(one.format, "ade")))
    gate = "--evalguard-max-regressions=0"
    result = suite.run("--evalguard-baseline=last", gate)
    told = text(result)
    assert (
        "gate met regressions: 0 of 1 case compared, only a few of the baseline's 3,"
        " wanted at most 0"
    ) in told
    assert (
        "of the baseline's 3 cases only 1 can be compared: were tests renamed?" in told
    )


def test_only_a_gate_that_fails_changes_the_exit_status(everywhere: Suite) -> None:
    everywhere.test(TESTS)
    met = run(everywhere, "--evalguard-min-score=0.9")
    failed = run(everywhere, "--evalguard-min-score=0.99")
    assert (met.status, failed.status) == (0, 1)
    assert failed.tally == {"passed": 20}


def test_a_rate_is_shown_with_its_interval(suite: Suite) -> None:
    suite.test(TESTS)
    result = run(suite, bad="o1")
    assert "95.0% (19 of 20), 95% interval 76.4% to 99.1%" in text(result)


def test_a_mean_that_is_its_limit_meets_it(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", range(10))
        def test_it(eval_case, n):
            eval_case.score = 0.8
            eval_case.add_score("tone", 0.8)
        """)
    gates = ("0.8", "tone:0.8", "tone:0.8000000007", "tone:0.80001")
    result = suite.run(*(f"--evalguard-min-score={gate}" for gate in gates))
    assert text(result).count("gate met") == 3
    assert text(result).count("gate FAILED") == 1


def test_gates_may_be_repeated_and_come_from_the_ini_file(suite: Suite) -> None:
    suite.ini("""
        evalguard_min_pass_rate =
            0.5
            smoke:0.5
        evalguard_min_score = relevance:0.9
        """)
    suite.test(TESTS)
    result = run(suite)
    assert text(result).count("gate met") == 2
    assert text(result).count("gate FAILED") == 1
    given = run(suite, "--evalguard-min-pass-rate=1", "--evalguard-min-score=0")
    assert text(given).count("gate met") == 2


def test_a_gate_on_a_session_without_cases_fails(suite: Suite) -> None:
    suite.test("def test_plain(): pass")
    result = suite.run("--evalguard-min-pass-rate=0.5")
    assert "no eval cases were selected" in result.summary
    assert "gate FAILED pass rate: there are no results" in text(result)
    assert result.status == 1


def test_gates_leave_a_session_without_any_test_alone(suite: Suite) -> None:
    suite.test("")
    assert suite.run("--evalguard-min-pass-rate=0.5").status == 5


def test_a_gate_that_is_met_turns_no_red_session_green(suite: Suite) -> None:
    suite.test(TESTS)
    assert run(suite, "--evalguard-min-pass-rate=0.1", bad="o1").status == 1


def test_a_gate_hides_no_collection_error(everywhere: Suite) -> None:
    everywhere.test(TESTS)
    everywhere.write("test_broken.py", "import nowhere_to_be_found")
    result = everywhere.run("--evalguard-min-pass-rate=0.1")
    assert result.status in (1, 2)
    assert "error" in result.out.splitlines()[-1]


def test_an_interrupted_session_is_not_judged(everywhere: Suite) -> None:
    everywhere.test("""
        def test_first(eval_case): pass
        def test_second(eval_case): raise KeyboardInterrupt
        """)
    result = everywhere.run("--evalguard-min-score=1")
    assert "gates were not judged" in result.summary
    assert "gate " not in result.summary.replace("gates", "")
    assert result.status == 2


def test_a_run_that_a_gate_fails_ends_as_failed(
    everywhere: Suite, standin: StandIn
) -> None:
    everywhere.test(TESTS)
    args = ("--evalguard-run=new", "--evalguard-min-score=0.99")
    run(everywhere, *args, standin=standin)
    (ended,) = standin.runs.values()
    assert ended.status == "failed"


WRONG = {
    "--evalguard-min-pass-rate=95": "within 0..1",
    "--evalguard-min-pass-rate=smoke": "within 0..1",
    "--evalguard-min-score=nan": "within 0..1",
    "--evalguard-min-score=x:-0.1": "within 0..1",
    "--evalguard-min-metric=0.9": "the name of a metric, a colon and a number",
    "--evalguard-max-metric=f1:inf": "the name of a metric, a colon and a number",
    "--evalguard-max-regressions=-1": "whole number",
    "--evalguard-max-regressions=1": "--evalguard-baseline",
    "--evalguard-baseline=nowhere": "there is no baseline",
    "--evalguard-baseline=pytest.ini": "can't be read",
    "--evalguard-baseline=empty": "can't be read",
    "--evalguard-baseline=next.json": "schema version 3, this pytest-evalguard reads 1"
    " and 2",
    "--evalguard-baseline=rows.json": "schema version 4",
    "--evalguard-max-drop=3": "within 0..1, such as 0.03",
    "--evalguard-max-drop=relevance:-1": "within 0..1",
    "--evalguard-max-drop=relevance:inf": "within 0..1",
    "--evalguard-max-drop=0.03": "pass one with --evalguard-baseline",
    "--evalguard-baseline=none.json": "schema version None",
    "--evalguard-baseline=deep.json": "can't be read",
    f"--evalguard-baseline={'a' * 300}": "there is no baseline",
    f"--evalguard-max-regressions={'9' * 5000}": "whole number",
    f"--evalguard-trials={'9' * 5000}": "whole number",
}


@pytest.fixture(scope="module")
def stopped(suite_once: Suite) -> dict[str, Result]:
    """What pytest did with each wrong setting."""
    suite_once.test(TESTS)
    (suite_once.directory / "empty").mkdir()
    suite_once.write("next.json", '{"schema": 3, "cases": {}}')
    suite_once.write("rows.json", '{"schema": 4, "rows": []}')
    suite_once.write("none.json", '{"cases": {}}')
    suite_once.write("deep.json", "[" * 100_000)
    results = [suite_once.run(each) for each in WRONG]
    return dict(zip(WRONG, results, strict=True))


@pytest.mark.parametrize("argument", WRONG, ids=lambda each: each[:40])
def test_a_wrong_setting_stops_before_the_first_test(
    stopped: dict[str, Result], argument: str
) -> None:
    result = stopped[argument]
    assert result.status == 4
    assert WRONG[argument] in result.err + result.out
    assert result.sessions == []


# Baselines


def test_changes_since_the_last_session_are_told(suite: Suite) -> None:
    suite.test(TESTS)
    first = run(suite, "--evalguard-baseline=last", bad="o1 o2")
    assert "there is no earlier session to compare with yet" in first.summary
    name = first.session.path.name
    result = run(suite, "--evalguard-baseline=last", bad="o2 o3 s0")
    told = text(result)
    assert f"baseline {name}" in told
    assert "2 regressed, 1 fixed, 1 still failing, 0 new, 0 gone" in told
    figures = "pass rate: -5.0 points, 95% interval -26.6 to +16.5"
    assert f"{figures}, no more than noise (p = 1, 20 cases in both)" in told
    assert "regressed: test_it.py::test_other[3] test_it.py::test_smoke[0]" in told
    assert "fixed: test_it.py::test_other[1]" in told


def test_a_difference_that_is_more_than_noise_is_said_to_be_that(
    suite: Suite,
) -> None:
    suite.test(TESTS)
    run(suite)
    bad = " ".join(f"o{n}" for n in range(8))
    told = text(run(suite, "--evalguard-baseline=last", bad=bad))
    # exact McNemar with 8 and 0 discordant pairs: 2 / 2**8
    figures = "pass rate: -40.0 points, 95% interval -61.3 to -15.8"
    assert f"{figures}, more than noise (p = 0.00781, 20 cases in both)" in told
    assert "mean score: -0.400, 95% interval" in told


def test_few_cases_are_too_few_to_tell(suite: Suite) -> None:
    suite.test(TESTS)
    run(suite, "-k", "smoke")
    told = text(run(suite, "-k", "smoke", "--evalguard-baseline=last", bad="s0"))
    assert "1 regressed" in told
    assert "too few cases to tell: 4 in both, 6 are needed" in told


def test_new_and_gone_cases_are_no_regressions(suite: Suite) -> None:
    suite.test(TESTS)
    run(suite, "-k", "smoke or other-1")
    args = ("--evalguard-baseline=last", "--evalguard-max-regressions=0")
    suite.test(TESTS.replace("range(4)", "range(2, 6)"))
    result = run(suite, *args, "-k", "smoke", bad="s5")
    assert "0 regressed, 0 fixed, 0 still failing, 2 new, 2 gone" in text(result)
    assert "gate met regressions: 0 of 2 cases" in text(result)


@pytest.mark.parametrize(("most", "status"), [(2, "met"), (1, "FAILED")])
def test_regressions_are_bounded(suite: Suite, most: int, status: str) -> None:
    suite.test(TESTS)
    run(suite)
    args = ("--evalguard-baseline=last", f"--evalguard-max-regressions={most}")
    result = run(suite, *args, bad="o2 o3")
    assert f"gate {status} regressions: 2 of 20 cases, wanted at most" in text(result)


def test_without_a_last_session_no_regression_is_counted(suite: Suite) -> None:
    suite.test(TESTS)
    args = ("--evalguard-baseline=last", "--evalguard-max-regressions=0")
    result = run(suite, *args)
    assert result.status == 0
    assert "gate" not in result.summary


def test_a_baseline_of_another_suite_is_said_to_be_that(suite: Suite) -> None:
    suite.test(TESTS)
    run(suite)
    suite.test(TESTS.replace("test_other", "test_more").replace("smoke(", "quick("))
    args = ("--evalguard-baseline=last", "--evalguard-max-regressions=0")
    result = run(suite, *args)
    assert (
        "of the baseline's 20 cases only 0 can be compared: is it from another suite?"
        in text(result)
    )
    assert "gate FAILED regressions: no case is in both sessions" in text(result)


def test_the_last_session_is_the_newest_that_finished(suite: Suite) -> None:
    suite.test(TESTS)
    name = run(suite).session.path.name
    suite.test("def test_it(eval_case): raise KeyboardInterrupt")
    suite.run()
    suite.test(TESTS)
    result = run(suite, "--evalguard-baseline=last")
    assert f"baseline {name}" in text(result)


def test_skipped_cases_are_not_compared(suite: Suite) -> None:
    suite.test(TESTS)
    run(suite)
    suite.test(TESTS.replace('assert f"o{n}" not in BAD', "pytest.skip('today')"))
    told = text(run(suite, "--evalguard-baseline=last"))
    assert "0 new, 0 gone" in told
    assert "16 not compared: skipped or not run now" in told
    assert "not compared: test_it.py::test_other[0]" in told


def test_a_blessed_file_is_small_sorted_and_holds_no_text(suite: Suite) -> None:
    suite.test(TESTS)
    run(suite, bad="o3")
    blessed = suite.script("bless", "-o", "baseline.json")
    assert "20 cases of .evalguard/" in blessed.out
    path = suite.directory / "baseline.json"
    lines = path.read_text().splitlines()
    cases = json.loads(path.read_text())["cases"]
    assert [*cases] == sorted(cases)
    assert len(lines) == 22
    smoke = cases["test_it.py::test_smoke[0]"]
    assert smoke.pop("latency_ms") > 0
    assert smoke == {
        "input": "~3a7596abc0fb",  # the parameters, as nothing was recorded
        "outcome": "passed",
        "score": 0.8,
        "scores": {"relevance": 0.8},
    }
    assert "secret text" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_blessed_file_is_a_baseline(suite: Suite) -> None:
    suite.test(TESTS)
    run(suite)
    suite.script("bless", "-o", "baseline.json")
    result = run(suite, "--evalguard-baseline=baseline.json", bad="o3")
    assert "baseline baseline.json, blessed today 1 regressed" in text(result)
    suite.ini("evalguard_baseline = baseline.json")
    assert "1 regressed" in text(run(suite, bad="o3"))


def test_the_script_compares_sessions_and_files(suite: Suite) -> None:
    suite.test(TESTS)
    first = str(run(suite).session.path)
    suite.script("bless", "-o", "baseline.json")
    second = str(run(suite, bad="o3").session.path)
    for before in ("baseline.json", first):
        args = ("compare", before, second)
        compared = suite.script(*args)
        assert compared.status == 0
        assert "1 regressed, 0 fixed" in " ".join(compared.out.split())
        assert suite.script(*args, "--fail-on-regression").status == 1
    backwards = ("compare", "last", "baseline.json", "--fail-on-regression")
    assert suite.script(*backwards).status == 0
    data = json.loads(suite.script("compare", "baseline.json", "last", "--json").out)
    assert data["regressed"] == ["test_it.py::test_other[3]"]
    assert data["paired"] == 20


@pytest.mark.parametrize(
    "args", [("compare", "last", "last"), ("compare", "a", "b"), ("bless", "-o", "x")]
)
def test_nothing_to_compare_is_told(suite: Suite, args: tuple[str, ...]) -> None:
    result = suite.script(*args)
    assert result.status == 2
    assert "there " in result.err
    assert "Traceback" not in result.err


def test_show_tells_what_the_session_told(suite: Suite) -> None:
    suite.test(TESTS)
    run(suite)
    args = ("--evalguard-baseline=last", "--evalguard-min-pass-rate=0.99")
    result = run(suite, *args, bad="o3")
    shown = suite.script("show").out
    assert shown.strip() == result.summary.strip()


def test_a_limit_is_shown_as_given_and_its_figure_apart_from_it(suite: Suite) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", range(3))
        def test_it(eval_case, n):
            eval_case.score = 0.7996
            assert n
        """)
    gates = ("--evalguard-min-pass-rate=0.66667", "--evalguard-min-score=0.8")
    told = text(suite.run(*gates))
    assert "FAILED pass rate: 66.6667% (2 of 3)" in told
    assert "wanted at least 66.667%" in told
    assert "FAILED mean score: 0.7996 (3 cases), wanted at least 0.8" in told


QUIET = [
    ("-qq",),
    ("-p", "no:terminal"),
    ("--no-summary",),
    ("-qq", "--evalguard-dry-run"),
]


@pytest.mark.parametrize("args", QUIET, ids=" ".join)
def test_a_failed_gate_is_told_where_there_is_no_summary(
    suite: Suite, args: tuple[str, ...]
) -> None:
    suite.test(TESTS)
    gate = "--evalguard-min-score=0.99"
    env = {"GITHUB_ACTIONS": "true"}
    result = suite.run(gate, "--evalguard-min-score=0.1", *args, env=env)
    told = result.out + result.err
    assert told.count("gate FAILED mean score: 0.960") == 1
    assert told.count("::error title=evalguard: gates failed::mean score") == 1
    assert result.status == 1


SECRET = "ghp_" + "a1B2" * 9


def test_a_gate_on_a_name_that_holds_a_secret_is_judged_and_hides_it(
    suite: Suite,
) -> None:
    suite.test(f"""
        @pytest.mark.eval(tags=["{SECRET}"])
        def test_it(eval_case): eval_case.add_score("{SECRET}", 0.5)
        """)
    gates = ("--evalguard-min-pass-rate", "--evalguard-min-score")
    result = suite.run(*(f"{gate}={SECRET}:0.5" for gate in gates))
    assert text(result).count("gate met") == 2
    assert SECRET not in result.summary
    assert SECRET not in (result.session.path / "session.json").read_text()


def test_a_gate_on_a_name_that_is_no_text_leaves_a_session_to_be_read(
    suite: Suite,
) -> None:
    suite.test(r"""
        @pytest.mark.eval(tags=["\udcff"])
        def test_it(): pass
        """)
    result = suite.run("--evalguard-min-pass-rate=\udcff:1")
    assert text(result).count("gate met") == 1
    assert r"\udcff: 100.0%" in suite.script("show").out


@pytest.mark.real_process("its conftest.py changes the plugin")
def test_what_can_not_be_judged_is_still_submitted(
    suite: Suite, standin: StandIn
) -> None:
    suite.write(
        "conftest.py",
        """
        from pytest_evalguard.controller import session_end

        def compare(*args):
            raise OverflowError("too large")

        session_end.compare = compare
        """,
    )
    suite.test(TESTS)
    run(suite)
    args = ("--evalguard-baseline=last", f"--evalguard-run={standin.add_run()}")
    result = run(suite, *args, standin=standin)
    assert "the session could not be judged: too large" in result.summary
    assert "submitted 20 results" in result.summary
    assert result.status == 1


def test_cases_that_did_not_run_now_are_not_gone(everywhere: Suite) -> None:
    everywhere.test(TESTS)
    run(everywhere)
    told = text(run(everywhere, "-x", "--evalguard-baseline=last", bad="s0"))
    assert "0 new, 0 gone" in told
    assert "not compared: skipped or not run now" in told
    assert "not compared: test_it.py::" in told


def test_a_baseline_of_a_part_of_the_suite_is_said_to_be_that(suite: Suite) -> None:
    suite.test(TESTS)
    run(suite, "-k", "smoke")
    told = text(run(suite, "--evalguard-baseline=last"))
    assert "the baseline has 4 cases and this session 20: does it cover" in told
    again = text(run(suite, "--evalguard-baseline=last"))
    assert "does it cover" not in again


def test_nothing_in_common_is_no_success(suite: Suite) -> None:
    suite.write(
        "a.json", '{"schema": 1, "cases": {"x": {"outcome": "passed", "score": 1}}}'
    )
    suite.write("b.json", '{"schema": 1, "cases": {}}')
    args = ("compare", "a.json", "b.json")
    assert suite.script(*args).status == 0
    result = suite.script(*args, "--fail-on-regression")
    assert result.status == 1
    assert "no case is in both: nothing was compared" in result.err


def test_what_may_be_missing_in_a_session_is_told_where_it_is_compared(
    suite: Suite,
) -> None:
    suite.test("""
        def test_first(eval_case): pass
        def test_second(eval_case): raise KeyboardInterrupt
        """)
    path = suite.run().session.path
    with (path / "cases.jsonl").open("a") as file:
        file.write("garbage\n")
    blessed = suite.script("bless", "-o", "b.json")
    compared = suite.script("compare", str(path), "b.json")
    told = f"session {path.name}: it was interrupted"
    lost = f"session {path.name}: 1 line of it can't be read"
    for result in (blessed, compared):
        assert result.status == 0
        assert told in result.err
        assert lost in result.err
    judged = suite.run(f"--evalguard-baseline={path}", "-k", "first", check=False)
    assert f"baseline: {told}" in judged.out


@pytest.mark.real_process("it ends by os._exit")
def test_a_session_that_was_killed_is_said_to_be_that(suite: Suite) -> None:
    suite.test("""
        import os
        def test_first(eval_case): pass
        def test_second(eval_case): os._exit(1)
        """)
    suite.run()
    assert "it was killed" in suite.script("bless", "-o", "b.json").err


def test_a_session_without_results_is_not_blessed(suite: Suite) -> None:
    suite.test("def test_it(eval_case): pytest.skip()")
    suite.run()
    result = suite.script("bless", "-o", "b.json")
    assert result.status == 2
    assert "has no case with a result" in result.err
    assert not (suite.directory / "b.json").exists()


def test_a_usage_error_is_not_followed_by_a_verdict(suite: Suite) -> None:
    suite.test("@pytest.mark.eval(inptu=1)\ndef test_it(): pass")
    args = ("--evalguard-min-score=1", "--evalguard-html=report.html")
    result = suite.run(*args)
    assert result.status == 4
    assert "no eval cases" not in result.out
    assert "gate" not in result.summary
    assert not (suite.directory / "report.html").exists()


def test_the_session_that_just_ended_is_kept_however_old_it_seems(
    suite: Suite,
) -> None:
    suite.ini("evalguard_keep = 1")
    suite.test(TESTS)
    first = run(suite).session.path
    # as if the clock had been set back since
    later = first.rename(first.with_name("20990101T000000.000Z-aaaaaaaa"))
    result = run(suite, "--evalguard-html=r.html")
    (own,) = [each for each in result.sessions if each.path != later]
    assert len(own.cases) == 20
    assert (suite.directory / "r.html").read_text().count('"nodeid"') == 20


def test_the_baseline_is_kept_however_old_it_is(suite: Suite) -> None:
    suite.ini("evalguard_keep = 1")
    suite.test(TESTS)
    first = run(suite).session.path
    run(suite, f"--evalguard-baseline={first}")
    assert first.is_dir()
    run(suite)
    assert not first.exists()
