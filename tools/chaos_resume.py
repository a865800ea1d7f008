"""Sessions that are stopped at random and resumed until nothing is left to run.

A schedule runs a folder of tests, plain or distributed, and stops it in some way: by a
signal at a random moment, `-x`, a worker that dies, a fixture that fails, a spent
budget. Then it is resumed, in another way perhaps, and stopped again, until it is let
run to its end. `chaos.py` plays them. At the end, whatever happened:

- each case is at the service exactly once, with what its hook did to it once,
- all of it came from one session, no other is offered by `submit`,
- no test whose verdict was on disk when a session was resumed was started again,
- a session that was resumed had all of these verdicts, whenever it was stopped itself.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

from pytest_evalguard.storage.session import Session, sessions_in
from standin import Fault, Reset, Slow, StandIn, Status
from suite import Process, Suite

CONFTEST = """
    import os, pathlib, pytest

    HERE = pathlib.Path(__file__).parent

    def pytest_evalguard_modify_case(case):
        if case.actual is not None:
            case.actual += " (hooked)"

    def happens_once(name):
        try:
            (HERE / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    @pytest.fixture(autouse=True)
    def harness(request):
        yield
        if request.node.name in FAILING and happens_once(f"failed-{request.node.name}"):
            raise RuntimeError("the harness failed")
"""
TESTS = """
    import os, pathlib, time
    from conftest import HERE, happens_once

    @pytest.mark.parametrize("n", range(COUNT))
    @pytest.mark.eval(tags=["all"], trials=TRIALS)
    def test_it(eval_case, n):
        with open(HERE / "started", "a") as file:
            file.write(f"{n}\\n")
        eval_case.record(input=f"case {n}", actual=f"answer {n}", cost_usd=0.01)
        time.sleep(PAUSE)
        if n in DEADLY and happens_once(f"died-{n}"):
            os._exit(1)
        assert n % 3
"""
FAULTS: list[Fault] = [Status(503), Status(429), Reset("after"), Slow(0.2)]
DISTRIBUTIONS = [(), (), ("-n", "2"), ("-n", "2", "--dist", "loadfile")]
STEPS = ["signal", "signal", "signal", "-x", "budget"]
SIGNALS = [signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM]


class ResumeSchedule:
    """One random course of stops and resumptions."""

    def __init__(self, seed: str, directory: Path, standin: StandIn) -> None:
        self.chance = random.Random(seed)
        self.standin = standin
        self.suite = Suite(directory, ("-n", "0"))
        self.suite.is_measured = False
        self.out = directory / ".evalguard"
        self.run_id = standin.add_run()
        self.count = self.chance.randint(1, 20)
        self.found: list[str] = []

    def play(self) -> None:
        """Stop and resume the session, then let it end, and send it."""
        self._write()
        steps = self.chance.choices(STEPS, k=self.chance.randint(1, 4))
        for step in (*steps, "end", "end"):  # a plain session may die in the first
            if not self._is_frozen():
                self._step(step)
        self.standin.forget_faults()
        for _ in range(2):
            self.suite.script("submit", "--rejected", standin=self.standin)

    def _write(self) -> None:
        numbers = range(self.count)
        deadly = self.chance.sample(numbers, self.chance.choice([0, 0, 1]))
        failing = self.chance.sample(numbers, self.chance.choice([0, 0, 1]))
        values = {
            "COUNT": self.count,
            "TRIALS": self.chance.choice([1, 1, 1, 3]),
            "PAUSE": self.chance.choice([0, 0.01, 0.05]),
            "DEADLY": deadly,
        }
        tests = TESTS
        for name, value in values.items():
            tests = tests.replace(name, str(value))
        names = [f"test_it[{n}]" for n in failing]
        self.suite.ini(f"evalguard_batch_size = {self.chance.randint(1, 7)}")
        self.suite.write("conftest.py", CONFTEST.replace("FAILING", str(names)))
        self.suite.test(tests)

    def _step(self, step: str) -> None:
        """Run or resume the tests, and stop them in some way."""
        before, known = self._newest(), self._verdicts()
        started = self._started()
        args = [*self.chance.choice(DISTRIBUTIONS)]
        args += [] if before is None else ["--evalguard-resume=last"]
        if step == "budget":
            args.append(f"--evalguard-budget={self.chance.randint(1, 10) / 100}")
        # what is sent already would be sent again: one that may end badly is local
        if step in ("signal", "budget", "end"):
            faults = self.chance.choices(FAULTS, k=self.chance.randint(0, 3))
            self.standin.plan(*faults, method="POST", path_contains="/evals/")
            args += [f"--evalguard-run={self.run_id}", "--evalguard-timeout=3"]
        else:
            args.append(step)
        process = self.suite.start(*args, standin=self.standin)
        if step == "signal":
            self._signal(process)
        result = self.suite.finish(process)
        again = known & {
            f"test_it.py::test_it[{n}]" for n in self._started()[len(started) :]
        }
        self.found += [f"{name} ran again" for name in sorted(again)]
        lost = known - self._verdicts()
        self.found += [f"the verdict of {name} was lost" for name in sorted(lost)]
        if "INTERNALERROR" in result.out or result.status == 4:
            self.found.append(f"{args}: {result.out} {result.err}")

    def _signal(self, process: Process) -> None:
        time.sleep(self.chance.uniform(0.05, 2.0))
        try:
            os.killpg(process.pid, self.chance.choice(SIGNALS))
        except ProcessLookupError:
            return  # it was faster

    def _newest(self) -> Session | None:
        return next(reversed(sessions_in(self.out)), None)

    def _verdicts(self) -> set[str]:
        """Return what the newest session has verdicts of."""
        session = self._newest()
        cases = () if session is None else session.cases()
        return {case.nodeid for case in cases if case.has_verdict}

    def _started(self) -> list[str]:
        path = self.suite.directory / "started"
        return path.read_text().split() if path.exists() else []

    def _is_frozen(self) -> bool:
        """Whether all tests have ended, and results may be on their way."""
        session = self._newest()
        return session is not None and any(session.path.glob("*.requests.jsonl"))

    def problems(self) -> list[str]:
        """Return what does not hold, one sentence each."""
        rows = self.standin.runs[self.run_id].rows
        there = Counter(self._number(str(row["input"])) for row in rows)
        found = [
            f"case {n} is there {there[n]} times"
            for n in range(self.count)
            if there[n] != 1
        ]
        hooked = (str(row["actualOutput"]).count("(hooked)") for row in rows)
        found += [f"a hook was called {n} times" for n in hooked if n > 1]
        entries = json.loads(self.suite.script("list", "--json").out)
        last = [each for each in entries if each["resumed_by"] is None]
        found += [f"{len(last)} sessions are nobody's"] if len(last) != 1 else []
        frozen = [*self.out.glob("*/*.requests.jsonl")]
        found += [f"{len(frozen)} sessions were sent"] if len(frozen) != 1 else []
        offered = self.suite.script("submit", standin=self.standin).out
        found += [] if "nothing to submit" in offered else [offered]
        return [*self.found, *found]

    def _number(self, text: str) -> int:
        """Return the number of a case by its input, or by its node id if it died."""
        digits = "".join(filter(str.isdigit, text))
        return int(digits)
