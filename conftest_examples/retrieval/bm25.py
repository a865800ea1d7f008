"""Okapi BM25 in plain Python: ranks documents by how well they fit a question."""

import re
from collections import Counter
from collections.abc import Mapping
from math import log


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case and without a plural's s."""
    words = re.findall(r"[a-z]+", text.lower())
    return [re.sub(r"(?<=[a-z]{2}[^su])s$", "", word) for word in words]


class Index:
    """Documents by name, ready to be searched.

    :param k1: how soon further uses of the same word stop to count.
    :param b: how much longer documents are held back, 0..1.
    """

    def __init__(self, documents: Mapping[str, str], k1: float = 1.2, b: float = 0.75):
        self.uses = {name: Counter(words_of(text)) for name, text in documents.items()}
        self.holders = Counter(word for uses in self.uses.values() for word in uses)
        lengths = {name: sum(uses.values()) for name, uses in self.uses.items()}
        mean = sum(lengths.values()) / len(lengths)
        self.k1 = k1
        self.damping = {
            name: k1 * (1 - b + b * length / mean) for name, length in lengths.items()
        }

    def search(self, question: str) -> list[str]:
        """Return the names of all documents, the best first."""
        words = sorted(set(words_of(question)))
        fit = {name: sum(self._fits(name, words)) for name in self.uses}
        return sorted(fit, key=lambda name: (-fit[name], name))

    def _fits(self, name: str, words: list[str]):
        for word in words:
            used, holders = self.uses[name][word], self.holders[word]
            rarity = log(1 + (len(self.uses) - holders + 0.5) / (holders + 0.5))
            yield rarity * used * (self.k1 + 1) / (used + self.damping[name])
