import zlib

import pytest

from agent import Agent


@pytest.fixture(scope="module")
def agents():
    return {}


@pytest.fixture
def agent(agents, question):
    """One agent a question, which goes on from trial to trial."""
    seed = zlib.crc32(question.encode())
    return agents.setdefault(question, Agent(seed))
