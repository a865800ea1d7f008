"""Random faults, kills and resubmissions, from a seed; then what must still hold.

    python tools/chaos.py --schedules 300 --seed 1 [--resume]

A schedule runs a session, plain or distributed, against a stand-in with planned
faults, rejections and a limit of size, perhaps kills it at a random moment, then
submits what is left, with kills, two at once, and other settings for what was rejected,
until there are no faults any more. At its end, whatever happened:

- each case that had finished is at each service exactly once in effect,
- no key was seen with two bodies, and none after what replaced its request,
- no result is left as unsent or rejected,
- no secret was seen in a request or on disk.

With `--resume`, sessions are resumed instead: see `chaos_resume.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from chaos_resume import ResumeSchedule
from standin import Drip, Fault, Reply, Reset, Slow, StandIn, Status
from suite import Process, Suite

SECRET = "ghp_" + "Qq7" * 12

CONFTEST = """
    import pathlib

    HERE = pathlib.Path(__file__).parent

    def pytest_runtest_logfinish(nodeid):
        if not hasattr(pytest_runtest_logfinish, "config"):
            return
        config = pytest_runtest_logfinish.config
        if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
            (HERE / f"finished-{nodeid.partition('[')[2][:-1]}").touch()

    def pytest_configure(config):
        pytest_runtest_logfinish.config = config
"""
TESTS = """
    import os, time

    @pytest.mark.parametrize("n", range(COUNT))
    def test_it(eval_case, n):
        eval_case.record(input=f"case {n}", actual=f"answer {n}, token SECRET")
        time.sleep(PAUSE)
        if n in DEADLY and "PYTEST_XDIST_WORKER" in os.environ:
            os._exit(1)
        assert n % 3
"""

FAULTS: list[Callable[[random.Random], Fault]] = [
    lambda chance: Status(chance.choice([408, 425, 429, 500, 502, 503, 504])),
    lambda chance: Status(409),
    lambda chance: Status(401),
    lambda chance: Status(chance.choice([400, 413, 422])),
    lambda chance: Reset(chance.choice(["before", "middle", "after"])),
    lambda chance: Slow(chance.uniform(0, 0.5)),
    lambda chance: Drip(0.01, where=chance.choice(["headers", "body"])),
    lambda chance: Reply(200, b"", "application/json"),
    lambda chance: Reply(200, b"<html></html>", "text/html"),
]


class Schedule:
    """One random course of events."""

    def __init__(self, seed: str, directory: Path, standin: StandIn) -> None:
        self.chance = random.Random(seed)
        self.standin = standin
        distribution = self.chance.choice([(), ("-n", "2")])
        self.suite = Suite(directory, distribution)
        self.suite.is_measured = False
        self.run_id = standin.add_run()
        self.count = self.chance.randint(1, 20)
        self.targets = self.chance.choice([("run",), ("agent",), ("run", "agent")])
        self.has_killed = False
        self.wants_sdk = chance_of(self.chance, 0.15)
        if self.wants_sdk:
            standin.dialect = "sdk"
        for n in range(self.count):
            standin.add_prompt(f"case {n}")

    def play(self) -> None:
        self._write()
        self._plan(self.chance.randint(0, 6))
        self._limit()
        self._session()
        for _ in range(self.chance.randint(0, 2)):
            self._plan(self.chance.randint(0, 3))
            self._limit()
            self._submit(*self._settings(), kill=chance_of(self.chance, 0.5))
        self.standin.forget_faults()
        self.standin.limit = None
        self._submit("--rejected", *self._dialect(), kill=False)
        self._submit("--rejected", *self._dialect(), kill=False)

    def _limit(self) -> None:
        """Take bodies of any size, of a few rows, or of fewer than one."""
        self.standin.limit = self.chance.choice([None, None, 1000, 500, 150])

    def _settings(self) -> list[str]:
        """Leave alone what was rejected, or send it again, perhaps in other batches."""
        size = f"--batch-size={self.chance.randint(1, 7)}"
        choices: list[list[str]] = [[], ["--rejected"], ["--rejected", size]]
        found = self.chance.choice(choices)
        return [*found, *self._dialect()] if found else []

    def _dialect(self) -> list[str]:
        return ["--dialect=sdk"] if self.wants_sdk else []

    def _write(self) -> None:
        deadly = self.chance.sample(range(self.count), self.chance.choice([0, 0, 1]))
        self.deadly = deadly
        tests = TESTS.replace("COUNT", str(self.count)).replace("SECRET", SECRET)
        tests = tests.replace("PAUSE", str(self.chance.choice([0, 0.01, 0.05])))
        self.suite.ini(f"evalguard_batch_size = {self.chance.randint(1, 7)}")
        self.suite.write("conftest.py", CONFTEST)
        self.suite.test(tests.replace("DEADLY", str(deadly)))

    def _plan(self, count: int) -> None:
        for path in ("/evals/", "/test-results", "/test-prompts"):
            faults = [self.chance.choice(FAULTS)(self.chance) for _ in range(count)]
            method = None if path == "/test-results" else "POST"
            self.standin.plan(*faults, method=method, path_contains=path)

    def _session(self) -> None:
        ids = {"run": self.run_id, "agent": self.standin.agent_id}
        args = [f"--evalguard-{each}={ids[each]}" for each in self.targets]
        process = self.suite.start(*args, "--evalguard-timeout=3", standin=self.standin)
        self._perhaps_kill(process, chance_of(self.chance, 0.6))
        self.suite.finish(process)

    def _submit(self, *args: str, kill: bool) -> None:
        at_once = self.chance.choice([1, 1, 2])
        processes = [self._start_submit(*args) for _ in range(at_once)]
        for process in processes:
            self._perhaps_kill(process, kill)
        for process in processes:
            process.communicate(timeout=60)

    def _start_submit(self, *args: str) -> Process:
        script = [sys.executable, "-m", "pytest_evalguard"]
        return subprocess.Popen(
            [*script, "submit", "--timeout=20", *args],
            cwd=self.suite.directory,
            env=self.suite.environment(self.standin, {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _perhaps_kill(self, process: Process, kill: bool) -> None:
        if not kill:
            return
        time.sleep(self.chance.uniform(0.05, 1.5))
        number = self.chance.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
        self.has_killed = True
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return  # it was faster

    def problems(self) -> list[str]:
        """Return what does not hold, one sentence each."""
        finished = {
            f"case {path.name.partition('-')[2]}"
            for path in self.suite.directory.glob("finished-*")
        }
        found = self._at_run(finished) if "run" in self.targets else []
        found += self._at_agent(finished) if "agent" in self.targets else []
        return [
            *found,
            *self._left(),
            *self._keys(),
            *self._replaced(),
            *self._leaks(),
        ]

    def _left(self) -> list[str]:
        listed = json.loads(self.suite.script("list", "--json").out)
        sent = [each for entry in listed for each in entry.get("submissions", ())]
        return [
            f"{each['to']} has {each[what]} results {what}"
            for each in sent
            for what in ("unsent", "rejected")
            if each[what]
        ]

    def _replaced(self) -> list[str]:
        """Return the keys that were sent when what replaced them had been sent."""
        seen: dict[str, list[int]] = {}
        for number, post in enumerate(self.standin.posts):
            key = post.headers.get("idempotency-key", "")
            seen.setdefault(key, []).append(number)
        found = []
        pattern = ".evalguard/*/*.replacements.requests.jsonl"
        for path in self.suite.directory.glob(pattern):
            whole = path.read_text().rpartition("\n")[0]  # a kill may tear the last
            for line in whole.splitlines():
                data = json.loads(line)
                first = min(seen.get(data["key"], [len(self.standin.posts)]))
                late = [k for k in data["replaces"] if max(seen.get(k, [0])) > first]
                found += [f"key {key} was sent after {data['key']}" for key in late]
        return found

    def _at_run(self, finished: set[str]) -> list[str]:
        rows = Counter(row["input"] for row in self.standin.runs[self.run_id].rows)
        dead = {name for name in rows if name.startswith("test_it.py::")}
        found = [f"{name} is missing" for name in sorted(finished - rows.keys())]
        found = [each for each in found if not self._is_dead(each, dead)]
        return found + [
            f"{name} is there {n} times" for name, n in rows.items() if n > 1
        ]

    def _at_agent(self, finished: set[str]) -> list[str]:
        texts = {each["id"]: each["prompt"] for each in self.standin.prompts}
        found = []
        for prompt_id, results in self.standin.results.items():
            distinct = {(each["status"], each["response"]) for each in results}
            # what a killed process had on its way may arrive after it was looked for
            if len(distinct) > 1 or (len(results) > 1 and not self.has_killed):
                found.append(f"{texts[prompt_id]} has {len(results)} results")
        there = {texts[prompt_id] for prompt_id in self.standin.results}
        dead = {f"case {n}" for n in self.deadly}
        return found + [f"{each} has no result" for each in finished - there - dead]

    def _is_dead(self, problem: str, dead: set[str]) -> bool:
        """Whether a crashed test has a row under its node id instead."""
        number = problem.split()[1]
        return f"test_it.py::test_it[{number}]" in dead

    def _keys(self) -> list[str]:
        bodies: dict[str, bytes] = {}
        found = []
        for post in self.standin.posts:
            key = post.headers.get("idempotency-key", "")
            if key and bodies.setdefault(key, post.body) != post.body:
                found.append(f"key {key} came with two bodies")
        return found

    def _leaks(self) -> list[str]:
        sent = [*self.standin.posts, *self.standin.agent_posts]
        texts = {f"request {n}": p.body for n, p in enumerate(sent)}
        for path in self.suite.directory.glob(".evalguard/*/*"):
            texts[str(path)] = path.read_bytes()
        keys = (self.standin.key, self.standin.agent_key)
        secrets = [each.encode() for each in (SECRET, *keys)]
        return [
            f"a secret is in {name}"
            for name, text in texts.items()
            if any(secret in text for secret in secrets)
        ]


def chance_of(chance: random.Random, share: float) -> bool:
    """Decide by chance."""
    return chance.random() < share


def play(seed: str, kind: type[Schedule | ResumeSchedule] = Schedule) -> list[str]:
    """Play the schedule of a seed; return what did not hold."""
    with tempfile.TemporaryDirectory() as directory, StandIn() as standin:
        schedule = kind(seed, Path(directory), standin)
        schedule.play()
        return schedule.problems()


def main() -> int:
    """Play many schedules; the exit code says whether all held."""
    parser = argparse.ArgumentParser(description="Play random schedules of faults.")
    parser.add_argument("--schedules", type=int, default=300)
    parser.add_argument("--seed", default=str(random.randrange(10**6)))
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    kind = ResumeSchedule if options.resume else Schedule
    failed = 0
    for number in range(options.schedules):
        seed = f"{options.seed}-{number}"
        problems = play(seed, kind)
        failed += bool(problems)
        for problem in problems:
            print(f"schedule {seed}: {problem}", flush=True)
    print(f"seed {options.seed}: {options.schedules} schedules, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
