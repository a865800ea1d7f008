import pytest

from solvers import SOLVERS


def pytest_addoption(parser):
    group = parser.getgroup("human-eval")
    group.addoption(
        "--solver",
        action="append",
        choices=sorted(SOLVERS),
        help="who answers; several stand side by side",
    )
    group.addoption("--problems", type=int, metavar="N", help="only the first N")


def pytest_generate_tests(metafunc):
    names = metafunc.config.getoption("solver") or []
    if len(names) > 1:
        metafunc.parametrize("solver", names, indirect=True)


@pytest.fixture
def solver(request, eval_case):
    names = request.config.getoption("solver") or ["reference"]
    name = getattr(request, "param", names[0])
    eval_case.metadata["solver"] = name
    return SOLVERS[name]
