import pytest

from solvers import SOLVERS


def pytest_addoption(parser):
    group = parser.getgroup("human-eval")
    group.addoption(
        "--solver", choices=sorted(SOLVERS), default="reference", help="who answers"
    )
    group.addoption("--problems", type=int, metavar="N", help="only the first N")


@pytest.fixture
def solver(request, eval_case):
    name = request.config.getoption("solver")
    eval_case.metadata["solver"] = name
    return SOLVERS[name]
