"""Scores how the words of a query occur in a passage: coverage, proximity, word pairs. Pure.

Words are weighted by their idf in the library, so that the specific words decide.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from app.text.stop_words import FUNCTION_WORDS, foreign_function_words
from app.text.tokens import norm, normalized_words, word_spans

_REQUESTS: Final = """
    summarize summarise summary discuss discussed discussion discussions discussing think thought
    say said saying talk talked talking mention mentioned describe described explain explained tell
    told opinion opinions debate debated
"""
REQUEST_WORDS: Final = frozenset(norm(word) for word in _REQUESTS.split())
"""Words that say what to do with the evidence; passages need not contain them."""

_FRAME: Final = """
    group groups team teams meeting meetings member members mate mates participant participants
    speaker speakers decide decided decision decisions conclude concluded conclusion conclusions
    agree agreed agreement disagree disagreed argue argued argument suggest suggested suggestion
    suggestions recommend recommended recommendation recommendations propose proposed proposal view
    views comment comments commented overview respond responded response elaborate elaborated
    elaboration introduce introduced present presented presenting raise raised advice topic topics
    issue issues reason reasons want wanted consider considered considering regarding concerning
    towards get gets got getting obtain receive stand stands mean means meaning happen happens
    happened need needs needed allowed able possible exist exists like much many
"""
FRAMING_WORDS: Final = frozenset(norm(word) for word in _FRAME.split())
"""Who speaks, and how: people ask so of every recording, and those who spoke did not say so. They
are searched and ranked by like any other word, but are no evidence of the topic."""

PROXIMITY_WINDOW: Final = 20
"""Maximum distance, in words, within one window: about a sentence."""

Span = tuple[int, int]


def without_request_words(query: str) -> str:
    """The query without request words and, if it is not English, its function words.

    Unchanged when nothing else would be left.
    """
    words = query.split()
    foreign = foreign_function_words(word.lower().strip("?!.,;:") for word in words)
    kept = [
        word
        for word in words
        if not set(normalized_words(word)) & REQUEST_WORDS
        and word.lower().strip("?!.,;:") not in foreign
    ]
    return " ".join(kept) if set(normalized_words(" ".join(kept))) - FUNCTION_WORDS else query


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """The words of a query, prepared for scoring many passages."""

    spans: tuple[Span, ...]  # of every word
    words: tuple[str, ...]  # every word as it is compared, in order
    weights: Mapping[str, float]  # of the words that count: how rare they are
    bigrams: frozenset[tuple[str, str]]  # of neighbouring words

    @classmethod
    def from_query(cls, query: str, rarity: Sequence[float]) -> "QueryTerms":
        """`rarity`: one for each of `word_spans(query)`, 0 for stop words."""
        words = tuple(normalized_words(query))
        weights: dict[str, float] = {}
        spoken = (query[start:end].lower() for start, end in word_spans(query))
        ignored = REQUEST_WORDS | {norm(word) for word in foreign_function_words(spoken)}
        for word, weight in zip(words, rarity, strict=True):
            if weight > 0 and word not in ignored:
                weights[word] = max(weight, weights.get(word, 0.0))
        return cls(tuple(word_spans(query)), words, weights, frozenset(pairwise(words)))

    @property
    def topic(self) -> "QueryTerms":
        """Without the weights of framing words; itself when nothing else would be left."""
        weights = {
            word: weight for word, weight in self.weights.items() if word not in FRAMING_WORDS
        }
        if not weights or len(weights) == len(self.weights):
            return self
        return replace(self, weights=weights)

    def proximity(self, words: Sequence[str]) -> float:
        """The largest share of the query's weight that one stretch of the passage says, 0..1."""
        total = sum(self.weights.values())
        if self.weights.keys().isdisjoint(words):
            return 0.0
        matches = [(place, word) for place, word in enumerate(words) if word in self.weights]
        in_window: Counter[str] = Counter()
        first, current, best = 0, 0.0, 0.0
        for place, word in matches:
            if not in_window[word]:
                current += self.weights[word]
            in_window[word] += 1
            while place - matches[first][0] > PROXIMITY_WINDOW:
                dropped = matches[first][1]
                in_window[dropped] -= 1
                if not in_window[dropped]:
                    current -= self.weights[dropped]
                first += 1
            best = max(best, current)
        return best / total if total else 0.0

    def bigram_overlap(self, words: Sequence[str]) -> float:
        """The share of the query's neighbouring words that are neighbours there too, 0..1."""
        met = self.bigrams.intersection(pairwise(words))
        return len(met) / len(self.bigrams) if met else 0.0

    def title_coverage(self, title: Sequence[str]) -> float:
        """The share of a title's words that the query says, 0..1: whether it is asked for."""
        content = set(title) - FUNCTION_WORDS
        return len(content & self.weights.keys()) / len(content) if content else 0.0
