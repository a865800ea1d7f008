import csv
from pathlib import Path

import pytest

from bm25 import Index
from corpus import MODULES, read_module

KNOWN_GAP = pytest.mark.xfail(reason="asks in other words than the documentation")


def question(kind, module, question):
    marks = [pytest.mark.eval(tags=[kind]), *([KNOWN_GAP] if kind == "gap" else [])]
    return pytest.param(question, module, id=module, marks=marks)


with Path(__file__).with_name("questions.csv").open(encoding="utf-8") as file:
    QUESTIONS = [question(**row) for row in csv.DictReader(file)]


@pytest.fixture(scope="session")
def index():
    return Index({name: read_module(name) for name in MODULES})


@pytest.mark.eval(threshold=1 / 3)
@pytest.mark.parametrize(("question", "module"), QUESTIONS)
def test_the_right_module_is_among_the_first_three(eval_case, index, question, module):
    eval_case.record(input=question, expected=module)
    with eval_case.measure():
        found = index.search(question)
    eval_case.actual = found[:3]
    eval_case.score = 1 / (1 + found.index(module))
    eval_case.add_score("reciprocal_rank", eval_case.score)
    eval_case.add_score("recall_at_3", module in found[:3])
