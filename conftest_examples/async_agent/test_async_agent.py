import asyncio

import pytest

pytestmark = pytest.mark.eval(tags=["weather-agent"])

QUESTIONS = [
    pytest.param("Is it warmer in Oslo or in Rome?", "Rome", id="two-cities"),
    pytest.param("Cairo, Lima or Oslo: where do I need a coat?", "Oslo", id="coat"),
]


@pytest.mark.parametrize(("question", "city"), QUESTIONS)
async def test_agent_names_the_right_city(eval_case, agent, question, city):
    eval_case.record(input=question, expected=city)
    with eval_case.measure():
        answer = await agent.ask(question)
    eval_case.actual = answer.text
    for response in answer.responses:
        eval_case.add_tokens(response)
    assert answer.text == city


async def test_agent_looks_cities_up_at_the_same_time(eval_case, agent, weather):
    eval_case.record(input="Which is colder, Cairo, Lima or Rome?", expected="Lima")
    with eval_case.measure():
        answer = await agent.ask(eval_case.input)
    eval_case.record(actual=answer.text, metadata={"lookups at once": weather.peak})
    assert answer.text == "Lima"
    assert weather.peak == 3


@pytest.mark.eval(threshold=0.6)
async def test_most_of_five_samples_agree_on_the_answer(eval_case, agent):
    eval_case.record(input="Is it warmer in Lima or in Cairo?", expected="Cairo")
    with eval_case.measure():  # once around all: the time that a user would wait
        samples = [agent.ask(eval_case.input) for _ in range(5)]
        answers = await asyncio.gather(*samples)
    eval_case.actual = [answer.text for answer in answers]
    eval_case.score = eval_case.actual.count("Cairo") / len(answers)
    for answer in answers:
        for response in answer.responses:
            eval_case.add_tokens(response)
