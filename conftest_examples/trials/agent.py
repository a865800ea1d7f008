"""An agent that does not answer twice the same: right as often as it is sure."""

import random

ANSWERS = {
    "What is the boiling point of water in degrees Celsius?": ("100", 1.0),
    "Which planet is the largest?": ("Jupiter", 0.9),
    "Who wrote Faust?": ("Goethe", 0.8),
    "What is the square root of 1764?": ("42", 0.5),
    "What is the capital of Bolivia?": ("Sucre", 0.2),
}


class Agent:
    """Draws each answer anew.

    :param seed: the same one gives the same answers in the same order.
    """

    def __init__(self, seed: int):
        self.chance = random.Random(seed)

    def ask(self, question: str) -> str:
        """Return the right answer, or else something made up."""
        answer, certainty = ANSWERS[question]
        return answer if self.chance.random() < certainty else "I am not sure."
