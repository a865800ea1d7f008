"""The same in a unittest class; an autouse fixture gives its tests the recorder."""

import unittest

import pytest

from guardrails import violations


@pytest.mark.eval(tags=["guardrails", "length"])
class LengthTest(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _use_recorder(self, eval_case):
        self.eval_case = eval_case

    def check(self, reply, expected):
        self.eval_case.record(input=reply, expected=expected)
        self.eval_case.actual = violations(reply)
        self.assertEqual(self.eval_case.actual, expected)

    def test_sixty_words_may_leave(self):
        self.check("word " * 60, [])

    def test_one_more_is_held_back(self):
        self.check("word " * 61, ["too long"])
