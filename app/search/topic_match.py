"""How well passages meet each word of a question's topic, by their nearest tokens. Pure.

A name that nothing in the library resembles is strong evidence that the answer is not there,
however much the rest of the question is at home. Nearest tokens decide, not spelling: other forms
of a word and most typing errors are near something.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.search.query_terms import QueryTerms

RAREST: Final = 0.8
"""Of the largest weight: words from here on are the rarest of the question."""
UNLIKE: Final = 0.3
ALIKE: Final = 0.6
"""A word whose nearest token is less alike than the first is not met, from the second on it is."""

Scores = NDArray[np.float64]


class TopicMatch(NamedTuple):
    """How alike the words of a topic are to their nearest tokens."""

    similar: Scores  # passages × words
    weights: Scores  # how rare the words are

    def rarest(self) -> Scores:
        """Of each passage how well it meets the rarest words."""
        chosen = self.weights >= RAREST * self.weights.max()
        mean: Scores = np.average(self.similar[:, chosen], axis=1, weights=self.weights[chosen])
        return mean

    def lacking(self, passages: Sequence[int], absent: float) -> float:
        """The share of the topic that is rare words which none of these passages meets, 0..1.

        A word is rare from half the weight on that a word has which is `absent` from the library.
        """
        nearest = self.similar[passages].max(axis=0)
        unmet = 1 - np.clip((nearest - UNLIKE) / (ALIKE - UNLIKE), 0, 1)
        rare = np.clip(2 * self.weights / absent - 1, 0, 1)
        return float(np.average(rare * unmet, weights=self.weights))


def match_topic(
    best: NDArray[np.float32], owners: Sequence[str | None], topic: QueryTerms
) -> TopicMatch | None:
    """`best`: passages × pieces; `owners`: the word of each piece. None without a topic."""
    pieces = {word: [i for i, owner in enumerate(owners) if owner == word] for word in set(owners)}
    words = [word for word in topic.weights if word in pieces]
    if not words:
        return None
    similar = np.stack([best[:, pieces[word]].mean(axis=1) for word in words], axis=1)
    return TopicMatch(similar.astype(float), np.array([topic.weights[word] for word in words]))
