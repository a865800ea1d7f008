import pytest

from agent import ANSWERS

HARD = "What is the capital of Bolivia?"


def question(text, answer):
    marks = [pytest.mark.eval(require=1)] if text == HARD else []
    return pytest.param(text, answer, id=text.removesuffix("?"), marks=marks)


QUESTIONS = [question(text, answer) for text, (answer, _) in ANSWERS.items()]


@pytest.mark.eval(trials=10, require=4)
@pytest.mark.parametrize(("question", "answer"), QUESTIONS)
def test_the_agent_is_right_often_enough(eval_case, agent, question, answer):
    eval_case.record(input=question, expected=answer)
    with eval_case.measure():
        eval_case.actual = agent.ask(question)
    assert eval_case.actual == eval_case.expected
