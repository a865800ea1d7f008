"""A question-answering agent that needs no model: it looks an answer up in facts."""

import re
from collections import Counter
from dataclasses import dataclass
from math import log


@dataclass(frozen=True)
class Answer:
    """An answer, and the fact that it rests on."""

    text: str
    fact: str


class Agent:
    """Answers from sentences: what the best one names and the question does not."""

    def __init__(self, facts: list[str]):
        self.facts = {fact: set(words_of(fact)) for fact in facts}
        self.uses = Counter(word for words in self.facts.values() for word in words)

    def ask(self, question: str) -> list[Answer]:
        """Return all answers that fit equally well, none when no fact does."""
        asked = set(words_of(question))
        fit = {fact: self._weight(words & asked) for fact, words in self.facts.items()}
        best = max(fit.values())
        facts = [fact for fact in fit if fit[fact] == best > 0]
        return [Answer(named_in(fact, asked), fact) for fact in facts]

    def _weight(self, words: set[str]) -> float:
        return round(sum(log(len(self.facts) / self.uses[word]) for word in words), 6)


def named_in(fact: str, asked: set[str]) -> str:
    """Return the names and numbers in a fact that were not asked with."""
    words = re.findall(r"[\w+]+", fact)
    named = [word for word in words if word[0].isupper() or word[0].isdigit()]
    return " ".join(word for word in named if not asked.intersection(words_of(word)))


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, and without the s of a verb."""
    return [word.removesuffix("s") for word in re.findall(r"[\w+]+", text.lower())]
