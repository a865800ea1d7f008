"""A service that is registered from outside, and services of a user's own."""

from __future__ import annotations

import json
import time

import pytest

from standin import StandIn, Status
from suite import Result, Suite

ONE = "def test_it(eval_case): eval_case.record(input='i', actual='a', score=1)"

# a third service: its entry, its target, and what brings results there, into a file
REGISTERED = """
    from pytest_evalguard.start import SERVICES, ServiceInfo

    SERVICES.append(
        ServiceInfo(
            name="third",
            noun="shelf",
            url_setting="shelf_url",
            key_variable="SHELF_API_KEY",
            url_variable="SHELF_URL",
            default_url="https://shelf.example",
            package="third",
            title="the shelf",
            id_metavar="SHELF",
            id_help="put the results on this shelf",
        )
    )
"""
TARGET = """
    from dataclasses import dataclass

    from pytest_evalguard.delivery.target import Target, proof_of

    @dataclass(frozen=True, kw_only=True)
    class ShelfTarget(Target):
        service: str = "third"
        shelf: str

        @property
        def id(self):
            return self.shelf

    TARGET = ShelfTarget

    def new_target(settings, access):
        return ShelfTarget(shelf=access.id, url=access.url, proof=proof_of(access))
"""
SERVICE = """
    import pathlib

    from pytest_evalguard.delivery.outbox import Answer, FrozenRequest, Outbox
    from pytest_evalguard.delivery.sending import deliver

    HERE = pathlib.Path(__file__).parent

    class Shelf:
        def __init__(self, target, key, progress):
            self.target, self.key, self.progress = target, key, progress

        def prepare(self, name, deadline):
            return self.target

        def preview(self, session):
            return self.frozen(session).submission()

        def submit(self, session, deadline):
            outbox = self.frozen(session)
            return outbox.submission(deliver(outbox, self.put, self.progress))

        def frozen(self, session):
            outbox = Outbox(session, self.target)
            if not outbox.is_frozen:
                cases = [case for case in session.cases() if self.target.takes(case)]
                outbox.freeze(
                    FrozenRequest(f"key-{n}", 1, case.to_line().encode(), case.nodeid)
                    for n, case in enumerate(cases)
                )
            return outbox

        def put(self, request):
            if (HERE / "closed").exists():
                return Answer("unsent", "the shelf is closed")
            with (HERE / "shelf.jsonl").open("ab") as file:
                file.write(request.body + b"\\n")
            return Answer("accepted")

    def open_service(target, key, directory, progress):
        return Shelf(target, key, progress)
"""
KEY = {"SHELF_API_KEY": "key-of-the-shelf"}


@pytest.fixture
def third(everywhere: Suite) -> Suite:
    """A suite whose processes know a third service."""
    everywhere.write("site/sitecustomize.py", REGISTERED)
    everywhere.write("site/third/__init__.py", TARGET)
    everywhere.write("site/third/service.py", SERVICE)
    everywhere.test(ONE)
    return everywhere


def run(suite: Suite, *args: str, script: bool = False) -> Result:
    env = {**KEY, "PYTHONPATH": str(suite.directory / "site")}
    if script:
        return suite.script(*args, env=env)
    return suite.finish(suite.start(*args, env=env))


def shelved(suite: Suite) -> list[str]:
    path = suite.directory / "site" / "third" / "shelf.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["nodeid"] for line in lines]


def test_a_service_registered_from_outside_is_sent_to(third: Suite) -> None:
    result = run(third, "--evalguard-shelf=top")
    assert result.status == 0, result.out + result.err
    assert "evalguard: results go to shelf top at https://shelf.example" in result.out
    assert "submitted 1 result to shelf top" in result.summary
    assert shelved(third) == ["test_it.py::test_it"]
    (target,) = result.session.state["targets"]
    assert (target["service"], target["shelf"]) == ("third", "top")


def test_a_service_registered_from_outside_is_kept_listed_and_sent_again(
    third: Suite,
) -> None:
    closed = third.write("site/third/closed", "")
    result = run(third, "--evalguard-shelf=top")
    assert "not submitted: 1 result to shelf top: the shelf is closed" in result.summary
    assert (
        "shelf top: 0 accepted, 0 rejected, 1 unsent"
        in run(third, "list", script=True).out
    )
    closed.unlink()
    sent = run(third, "submit", script=True)
    assert sent.out.strip() == "submitted 1 result to shelf top"
    assert shelved(third) == ["test_it.py::test_it"]
    assert "1 accepted" in run(third, "list", script=True).out


def test_a_service_registered_from_outside_has_its_options(third: Suite) -> None:
    assert "--evalguard-shelf-url=URL" in run(third, "--help").out
    assert "--shelf-url URL" in run(third, "submit", "--help", script=True).out
    run(third)
    sent = run(third, "submit", "--shelf", "low", script=True)
    assert sent.out.strip() == "submitted 1 result to shelf low"


def test_a_missing_key_of_a_registered_service_stops_the_session(third: Suite) -> None:
    keyless = {"PYTHONPATH": str(third.directory / "site")}
    result = third.finish(third.start("--evalguard-shelf=top", env=keyless))
    assert result.status == 4
    assert "SHELF_API_KEY is not set" in result.err


def test_a_target_of_an_unknown_service_is_told(third: Suite) -> None:
    result = run(third, "--evalguard-shelf=top")
    assert "does not know" in third.script("submit", str(result.session.path)).err


# Services of a user's own


def test_a_service_of_ones_own_is_held_to_the_timeout(
    suite: Suite, standin: StandIn
) -> None:
    suite.write(
        "conftest.py",
        """
        import time
        from pytest_evalguard import Submission

        class Slow:
            def submit(self, session, deadline):
                time.sleep(30)
                return Submission("evalguard", accepted=1)

        def pytest_evalguard_make_service(config, name):
            return Slow()
        """,
    )
    suite.test(ONE)
    args = (f"--evalguard-run={standin.add_run()}", "--evalguard-timeout=1")
    started = time.monotonic()
    result = suite.run(*args, standin=standin)
    assert time.monotonic() - started < 15
    assert "not submitted: 1 result to run" in result.summary
    assert "no answer in time" in result.summary


def test_a_pause_longer_than_the_time_left_ends_at_once(
    suite: Suite, standin: StandIn
) -> None:
    suite.test("""
        @pytest.mark.parametrize("n", range(3))
        def test_it(eval_case, n): eval_case.score = 1
    """)
    suite.ini("evalguard_batch_size = 1")
    standin.plan(Status(429, headers={"retry-after": "3600"}))
    started = time.monotonic()
    args = (f"--evalguard-run={standin.add_run()}", "--evalguard-timeout=40")
    result = suite.run(*args, standin=standin)
    assert time.monotonic() - started < 20
    assert len(standin.posts) == 1
    assert "not submitted: 3 results" in result.summary
    assert "HTTP 429" in result.summary
