import csv
from pathlib import Path

import pytest

KNOWN_GAP = pytest.mark.xfail(reason="a small word is no part of a name")


def question(question, answer):
    return pytest.param(
        question,
        answer,
        id=question.removesuffix("?"),
        marks=[KNOWN_GAP] if " van " in answer else [],
    )


with Path(__file__).with_name("questions.csv").open(encoding="utf-8") as file:
    QUESTIONS = [question(**row) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("question", "answer"), QUESTIONS)
def test_the_agent_answers(eval_case, agent, question, answer):
    eval_case.record(input=question, expected=answer)
    with eval_case.measure():
        answers = agent.ask(question)
    eval_case.actual = " or ".join(each.text for each in answers)
    for each in answers:
        eval_case.add_finding({"fact": each.fact})
        eval_case.hallucination_label = "FactIsPresent"
    if len(answers) > 1:
        eval_case.mark_ambiguous("the facts give more than one answer")
    assert answer in eval_case.actual
