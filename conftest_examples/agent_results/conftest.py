from pathlib import Path

import pytest

from agent import Agent

FACTS = Path(__file__).with_name("facts.txt")


@pytest.fixture(scope="session")
def agent():
    return Agent(FACTS.read_text(encoding="utf-8").splitlines())
