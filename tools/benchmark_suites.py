"""What the benchmark runs: suites of cases, and what takes the place of the plugin."""

from __future__ import annotations

TESTS = """
    import pytest

    @pytest.mark.parametrize("n", range(COUNT))
    def test_it(eval_case, n):
        eval_case.input = f"What is {n} times two?"
        eval_case.expected = f"{2 * n}"
        eval_case.actual = f"It is {2 * n}."
        eval_case.score = 0.9
        eval_case.latency_ms = 12.5
        eval_case.add_score("relevance", 0.8, reason="close enough")
        eval_case.add_tokens(prompt=12, completion=3)
        eval_case.cost_usd = 0.0003
        eval_case.metadata["model"] = "none"
"""
SIX = """
    import pytest

    @pytest.mark.parametrize("n", range(COUNT))
    def test_it(eval_case, n):
        eval_case.input = f"What is {n} times two?"
        eval_case.expected = f"{2 * n}"
        eval_case.actual = f"It is {2 * n}."
        eval_case.latency_ms = 12.5
        eval_case.add_score("relevance", 0.8)
"""
SUBCASES = """
    def test_all(eval_case):
        for n in range(COUNT):
            with eval_case.subcase(f"row-{n}") as case:
                case.input = f"What is {n} times two?"
                case.expected = f"{2 * n}"
                case.actual = f"It is {2 * n}."
                case.score = 0.9
                case.latency_ms = 12.5
                case.add_score("relevance", 0.8, reason="close enough")
                case.add_tokens(prompt=12, completion=3)
                case.cost_usd = 0.0003
                case.metadata["model"] = "none"
"""
NO_OP = """
    import pytest

    class NoOp:
        def __init__(self):
            self.metadata = {}
        def add_score(self, *args, **kwargs): pass
        def add_tokens(self, *args, **kwargs): pass

    @pytest.fixture
    def eval_case():
        return NoOp()
"""
LEAST = """
    import json, os
    import pytest

    OPEN = {}
    FILE = os.open("least.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    class Recorder:
        def __init__(self):
            self.metadata, self.scores = {}, {}
        def add_score(self, name, score, reason=None):
            self.scores[name] = {"score": score, "reason": reason}
        def add_tokens(self, prompt, completion):
            self.tokens = [prompt, completion]

    @pytest.fixture
    def eval_case():
        OPEN["case"] = Recorder()
        return OPEN["case"]

    def pytest_runtest_logreport(report):
        if report.when == "call":
            OPEN["outcome"] = report.outcome
        elif report.when == "teardown" and "case" in OPEN:
            case = {"nodeid": report.nodeid, **vars(OPEN.pop("case"))}
            line = json.dumps({**case, "outcome": OPEN["outcome"]})
            os.write(FILE, f"{line}\\n".encode())
"""
POST = """
    import json, sys, httpx
    requests = [json.loads(line) for line in open(sys.argv[1])]
    with httpx.Client() as client:
        for each in requests:
            headers = {"authorization": f"Bearer {sys.argv[3]}",
                       "content-type": "application/json",
                       "idempotency-key": "bare-" + each["key"] + sys.argv[4]}
            client.post(sys.argv[2], content=each["body"].encode(), headers=headers)
"""
MARKED = """
    import pytest
    from noop import eval_case

    def pytest_collection_modifyitems(items):
        for item in items:
            item.add_marker(pytest.mark.evalguard_test)
"""
BAG = """
    import pytest

    class Bag:
        def __init__(self, bag):
            vars(self).update(bag=bag, metadata={})
            bag.metadata = self.metadata
        def __setattr__(self, name, value): setattr(self.bag, name, value)
        def add_score(self, name, score, reason): self.bag[name] = [score, reason]
        def add_tokens(self, **counts): self.bag.tokens = counts

    @pytest.fixture
    def eval_case(eval_bag):
        return Bag(eval_bag)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(items):
        for item in items:
            item.add_marker(pytest.mark.eval(name="suite"))
"""
