"""How the words of a query stand in a passage: said together, or scattered over it.

Words are weighed by how rare they are in the library, so that those which say what is asked for
decide, not "what" and "describe". Pure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from app.text.stop_words import FUNCTION_WORDS
from app.text.tokens import norm, normalized_words, word_spans

_REQUESTS: Final = """
    summarize summarise summary discuss discussed discussion discussions discussing think thought
    say said saying talk talked talking mention mentioned describe described explain explained tell
    told opinion opinions debate debated
"""
REQUESTS: Final = frozenset(norm(word) for word in _REQUESTS.split())
"""What is to be done with the evidence; it need not say so itself."""

_FRAME: Final = """
    group groups team teams meeting meetings member members mate mates participant participants
    speaker speakers decide decided decision decisions conclude concluded conclusion conclusions
    agree agreed agreement disagree disagreed argue argued argument suggest suggested suggestion
    suggestions recommend recommended recommendation recommendations propose proposed proposal view
    views comment comments commented overview respond responded response elaborate elaborated
    elaboration introduce introduced present presented presenting raise raised advice topic topics
    issue issues reason reasons want wanted consider considered considering regarding concerning
    towards
"""
FRAME: Final = frozenset(norm(word) for word in _FRAME.split())
"""Who speaks, and how: people ask so of every recording, and those who spoke did not say so. They
are searched and ranked by like any other word, but are no evidence of the topic."""

STRETCH: Final = 20
"""Words that are said together stand at most so far apart: about a sentence."""

Span = tuple[int, int]


def subject_of(query: str) -> str:
    """The query without words of request; all of it when nothing else is left."""
    kept = [word for word in query.split() if not set(normalized_words(word)) & REQUESTS]
    return " ".join(kept) if set(normalized_words(" ".join(kept))) - FUNCTION_WORDS else query


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """A query's words, ready to be looked for in many passages."""

    spans: tuple[Span, ...]  # of every word
    words: tuple[str, ...]  # every word as it is compared, in order
    weights: Mapping[str, float]  # of the words that count: how rare they are
    pairs: frozenset[tuple[str, str]]  # of neighbouring words

    @classmethod
    def of(cls, query: str, rarity: Sequence[float]) -> "QueryTerms":
        """`rarity`: one for each of `word_spans(query)`, 0 for stop words."""
        words = tuple(normalized_words(query))
        weights: dict[str, float] = {}
        for word, weight in zip(words, rarity, strict=True):
            if weight > 0 and word not in REQUESTS:
                weights[word] = max(weight, weights.get(word, 0.0))
        return cls(tuple(word_spans(query)), words, weights, frozenset(pairwise(words)))

    @property
    def topic(self) -> "QueryTerms":
        """Without the weights of words that frame a question; itself when nothing else is left."""
        weights = {word: weight for word, weight in self.weights.items() if word not in FRAME}
        if not weights or len(weights) == len(self.weights):
            return self
        return replace(self, weights=weights)

    def together(self, words: Sequence[str]) -> float:
        """The largest share of the query's weight that one stretch of the passage says, 0..1."""
        total = sum(self.weights.values())
        if self.weights.keys().isdisjoint(words):
            return 0.0
        hits = [(place, word) for place, word in enumerate(words) if word in self.weights]
        inside: Counter[str] = Counter()
        first, now, best = 0, 0.0, 0.0
        for place, word in hits:
            if not inside[word]:
                now += self.weights[word]
            inside[word] += 1
            while place - hits[first][0] > STRETCH:
                gone = hits[first][1]
                inside[gone] -= 1
                if not inside[gone]:
                    now -= self.weights[gone]
                first += 1
            best = max(best, now)
        return best / total if total else 0.0

    def in_pairs(self, words: Sequence[str]) -> float:
        """The share of the query's neighbouring words that are neighbours there too, 0..1."""
        met = self.pairs.intersection(pairwise(words))
        return len(met) / len(self.pairs) if met else 0.0

    def names(self, title: Sequence[str]) -> float:
        """The share of a title's words that the query says, 0..1: whether it is asked for."""
        content = set(title) - FUNCTION_WORDS
        return len(content & self.weights.keys()) / len(content) if content else 0.0
