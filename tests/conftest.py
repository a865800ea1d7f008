from __future__ import annotations

import compileall
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import coverage
import pytest

import pytest_evalguard
from measuring import measured
from pytest_evalguard.model.case import Case
from standin import StandIn
from suite import DISTRIBUTIONS, Suite

if TYPE_CHECKING:
    from reader import Reader

NAMES = [" ".join(each) or "plain" for each in DISTRIBUTIONS]


MARKS = (
    "real_process(reason): each run of the suite is a process of its own",
    "unmeasured(reason): no coverage is measured while it runs",
    "fresh_process(reason): each run of the suite is a process that has loaded nothing",
)


def pytest_configure(config: pytest.Config) -> None:
    """Name our marks; compile what tests start once, for they start it often."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    # none are there: to load a whole bundle takes each client 20 ms
    os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)
    # a shell's background job ignores Ctrl-C, and so would what the tests start
    signal.signal(signal.SIGINT, signal.default_int_handler)
    compileall.compile_dir(str(Path(pytest_evalguard.__file__).parent), quiet=2)
    if not hasattr(config, "workerinput"):
        _compile_plugins()


def _compile_plugins() -> None:
    """Have pytest keep what it makes of plugins, also where Python writes nothing."""
    env = {"PYTHONDONTWRITEBYTECODE": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with TemporaryDirectory() as directory:
        Path(directory, "test_it.py").write_text("def test_it(eval_case): pass\n")
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "pytest-evalguard",
                "-n",
                "1",
                "-pxdist",
            ],
            cwd=directory,
            env={**os.environ, **env},
            stdout=subprocess.DEVNULL,
            check=False,
        )


def pytest_unconfigure() -> None:
    """Save what was measured: pytest-xdist kills a worker that is slow to exit."""
    if (current := coverage.Coverage.current()) is not None:
        current.save()


@pytest.fixture(scope="session", autouse=True)
def shared_defaults() -> Iterator[None]:
    """Fail if anything has changed what cases share that were made of a few fields."""
    yield
    changed = [
        each.name
        for each in fields(Case)
        if each.default_factory is not MISSING and getattr(Case, each.name)
    ]
    assert changed == []


@pytest.fixture(scope="session", params=["chromium", "firefox"])
def reader_once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    """A person with a browser, which the tests share."""
    from browser import BROWSERS
    from reader import Reader

    chosen = BROWSERS[request.param]
    if packages := chosen.missing():
        pytest.skip(f"not installed: {', '.join(packages)}")
    with chosen() as browser:
        yield Reader(browser, tmp_path_factory.mktemp("pages"))


@pytest.fixture
def reader(reader_once: Reader) -> Iterator[Reader]:
    """A person with a browser; nothing may be said on its console, or loaded."""
    reader_once.browser.resize(1400)
    yield reader_once
    assert reader_once.browser.problems() == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Measure no more than what `measured` names."""
    with measured(False):
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_pyfunc_call(
    pyfuncitem: pytest.Function,
) -> Generator[None, object, object]:
    """Measure what unit tests call, but for Hypothesis: it covers things by chance."""
    is_by_chance = getattr(pyfuncitem.obj, "is_hypothesis_test", False)
    is_left_out = pyfuncitem.get_closest_marker("unmeasured") or is_by_chance
    with measured(_is_unit_test(pyfuncitem) and not is_left_out):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    request: pytest.FixtureRequest,
) -> Generator[None, object, object]:
    """Measure also what their fixtures call."""
    with measured(_is_unit_test(request.node)):
        return (yield)


def _is_unit_test(node: pytest.Item) -> bool:
    return node.nodeid.startswith("tests/unit")


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """The services on loopback, with state and planned faults."""
    with StandIn() as server:
        yield server


def make_suite(
    request: pytest.FixtureRequest, directory: Path, distribution: tuple[str, ...] = ()
) -> Suite:
    suite = Suite(directory, distribution)
    suite.is_measured = _has_first_parameters(request.node) and not (
        request.node.get_closest_marker("unmeasured")
    )
    suite.needs_process = request.node.get_closest_marker("real_process") is not None
    suite.needs_start = request.node.get_closest_marker("fresh_process") is not None
    return suite


def _has_first_parameters(node: pytest.Item) -> bool:
    """Whether a test is not one that was measured already with other parameters."""
    callspec = getattr(node, "callspec", None)
    indices = {} if callspec is None else callspec.indices
    return not any(indices[name] for name in indices if "everywhere" not in name)


@pytest.fixture
def suite(request: pytest.FixtureRequest, tmp_path: Path) -> Suite:
    """A folder of tests, run by a real pytest."""
    return make_suite(request, tmp_path)


@pytest.fixture(params=DISTRIBUTIONS, ids=NAMES)
def everywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Suite:
    """The same, once in a plain session and once distributed over two workers."""
    return make_suite(request, tmp_path, request.param)


@pytest.fixture(scope="module", params=DISTRIBUTIONS, ids=NAMES)
def everywhere_once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Suite:
    """The same for all tests of a module that need one run of one folder."""
    return make_suite(request, tmp_path_factory.mktemp("once"), request.param)


@pytest.fixture(scope="module")
def suite_once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Suite:
    """The plain suite for all tests of a module that need one run of one folder."""
    return make_suite(request, tmp_path_factory.mktemp("once"))
