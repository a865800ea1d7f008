import asyncio
import csv
from pathlib import Path

import pytest

from assistant import MOST_AT_ONCE, Assistant

with Path(__file__).with_name("questions.csv").open(encoding="utf-8") as file:
    QUESTIONS = list(csv.DictReader(file))


@pytest.mark.eval(metadata={"assistant": "table"})
def test_assistant_knows_the_elements(eval_case):
    assistant = Assistant()
    limit = asyncio.Semaphore(MOST_AT_ONCE)

    async def ask(row):
        async with limit:
            with eval_case.subcase(
                row["id"],
                input=row["question"],
                expected=row["answer"],
                tags=[row["topic"]],
            ) as case:
                case.actual = await assistant.answer(case.input)
                case.add_score("exact", case.actual == case.expected)
                if row["known_gap"]:
                    pytest.xfail(row["known_gap"])
                assert case.actual == case.expected

    async def ask_all():
        await asyncio.gather(*map(ask, QUESTIONS))

    asyncio.run(ask_all())
