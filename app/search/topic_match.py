"""Matches each word of a question's topic with the nearest tokens of passages. Pure.

A name without a similar token in the library is strong evidence that the answer is not there, even
if the rest of the question matches. Token similarity is used, not spelling, so that inflected forms
and most typing errors still match; a word that a passage or its title says is met all the same.
"""

from collections.abc import Sequence, Set
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.search.query_terms import QueryTerms

RAREST_SHARE: Final = 0.8
"""Words with at least this share of the largest weight are the rarest of the question."""
UNMET_SIMILARITY: Final = 0.3
MET_SIMILARITY: Final = 0.6
"""A word is unmet below the first similarity to its nearest token, and met from the second on."""

Scores = NDArray[np.float64]


class TopicMatch(NamedTuple):
    """The similarity of the words of a topic to their nearest tokens."""

    words: tuple[str, ...]
    similarities: Scores  # passages × words
    weights: Scores  # how rare the words are

    def rare_maxsim(self) -> Scores:
        """For each passage, the similarity of the rarest words."""
        chosen = self.weights >= RAREST_SHARE * np.max(self.weights)
        mean: Scores = np.average(
            self.similarities[:, chosen], axis=1, weights=self.weights[chosen]
        )
        return mean

    def missing_share(
        self, passages: Sequence[int], absent_weight: float, *, said: Set[str]
    ) -> float:
        """The share of rare words that none of these passages meets, 0..1.

        A word is rare from half of `absent_weight`, the weight of a word outside the library. One
        that is `said` is met, also if its token there means something else.
        """
        nearest = self.similarities[passages].max(axis=0)
        unmet = 1 - np.clip(
            (nearest - UNMET_SIMILARITY) / (MET_SIMILARITY - UNMET_SIMILARITY), 0, 1
        )
        unmet *= [word not in said for word in self.words]
        rare = np.clip(2 * self.weights / absent_weight - 1, 0, 1)
        return float(np.average(rare * unmet, weights=self.weights))


def match_topic(
    best: NDArray[np.float32], owners: Sequence[str | None], topic: QueryTerms
) -> TopicMatch | None:
    """`best`: passages × pieces; `owners`: the word of each piece. None without a topic."""
    pieces = {word: [i for i, owner in enumerate(owners) if owner == word] for word in set(owners)}
    words = [word for word in topic.weights if word in pieces]
    if not words:
        return None
    similarities = np.stack([best[:, pieces[word]].mean(axis=1) for word in words], axis=1)
    weights = np.array([topic.weights[word] for word in words])
    return TopicMatch(tuple(words), similarities.astype(float), weights)
