from __future__ import annotations

import compileall
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_evalguard
from standin import StandIn
from suite import DISTRIBUTIONS, Suite

NAMES = [" ".join(each) or "plain" for each in DISTRIBUTIONS]


def pytest_configure() -> None:
    """Compile the package once: most tests start processes that load it."""
    compileall.compile_dir(str(Path(pytest_evalguard.__file__).parent), quiet=2)


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """The services on loopback, with state and planned faults."""
    with StandIn() as server:
        yield server


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """A folder of tests, run by a real pytest in a process of its own."""
    return Suite(tmp_path)


@pytest.fixture(params=DISTRIBUTIONS, ids=NAMES)
def everywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Suite:
    """The same, once in a plain session and once distributed over two workers."""
    return Suite(tmp_path, request.param)


@pytest.fixture(scope="module", params=DISTRIBUTIONS, ids=NAMES)
def everywhere_once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Suite:
    """The same for all tests of a module that need one run of one folder."""
    return Suite(tmp_path_factory.mktemp("once"), request.param)


@pytest.fixture(scope="module")
def suite_once(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """The plain suite for all tests of a module that need one run of one folder."""
    return Suite(tmp_path_factory.mktemp("once"))
