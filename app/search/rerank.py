"""A finer order of the best candidates, without another model.

The score blends the fused one with late interaction (over the whole query, and over what the title
leaves unsaid, which is the aspect asked for), with what the passage says together, with how far its
title is asked for, and with the query's word pairs. The weights were measured over four collections
(`docs/measurements.md`); MaxSim alone as the order does harm.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from app.domain.library_ports import RerankFeatures
from app.domain.models import Candidate, Reranked
from app.domain.ports import Embedder
from app.embeddings.inference_executor import INFERENCE_EXECUTOR
from app.embeddings.minilm import EncodedQuery
from app.search.late_interaction import best_cosines
from app.search.query_terms import QueryTerms
from app.search.topic_match import TopicMatch, match_topic
from app.text.tokens import normalized_words, word_spans

DEPTH: Final = 50
FUSED: Final = 0.8
TOKENS: Final = 0.3
ASPECT: Final = 0.5
TOGETHER: Final = 0.2
PAIRS: Final = 0.2
NEIGHBOURS: Final = (0.5, 0.25)
"""The share of the score of the windows one and two places away."""
WEIGHED: Final = 0.5
"""Within a recording: MaxSim by how rare the words are. Its windows share a title and a manner of
speaking, so that what they say of the rare words tells them apart."""
LEAST: Final = 0.3
"""What a stop word's tokens count beside the idf of the others."""
JUDGED: Final = 8
"""Of the best, those that grading sees: where it is looked for the rare words."""

Scores = NDArray[np.float64]


class _Tokens(NamedTuple):
    """MaxSim of each candidate; not a number where there are no token states."""

    all: Scores
    unsaid: Scores  # over what the title leaves unsaid
    weighed: Scores  # by how rare the words are
    rarest: Scores  # of the rarest words of the topic alone
    topic: TopicMatch | None = None  # of the candidates that have token states


class _States(NamedTuple):
    """Token states: of the query, and packed ones of the candidates in `rows`."""

    query: EncodedQuery
    rows: list[int]
    passages: list[bytes]


class _Words(NamedTuple):
    """The words of a passage as they are compared."""

    title: list[str]
    text: list[str]  # with the heading
    named: frozenset[str]  # those of the title


@runtime_checkable
class QueryEncoder(Protocol):
    """An embedder that also gives the states of the query's tokens."""

    async def encode_query(self, text: str) -> EncodedQuery:
        """Vector and token states."""
        ...


class PassageDetails(Protocol):
    """An index that can be asked for more about what it found."""

    async def fetch_rerank_features(
        self, passage_ids: Sequence[str], words: Sequence[str]
    ) -> RerankFeatures:
        """More about these passages, and these words of the query."""
        ...


class FeatureReranker:
    """Implements `Reranker`, and fills in what grading decides from.

    `together`, `rarest` and `lacking` are of the question's topic, without the words that frame it.

    With an embedder that is no `QueryEncoder`, the words alone refine the order.
    """

    def __init__(self, index: PassageDetails, embedder: Embedder) -> None:
        self._index = index
        self._encoder = embedder if isinstance(embedder, QueryEncoder) else None

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """All candidates, best first; those beyond the first 50 keep their places behind them."""
        top, rest = candidates[:DEPTH], candidates[DEPTH:]
        if not top:
            return Reranked(())
        words = [query[start:end] for start, end in word_spans(query)]
        ids = [] if self._encoder is None else [one.passage.passage_id for one in top]
        # Milliseconds of arithmetic, in which others go on; some of it while the index looks.
        thinking = partial(asyncio.get_running_loop().run_in_executor, INFERENCE_EXECUTOR)
        look, encoded, said = await asyncio.gather(
            self._index.fetch_rerank_features(ids, words),
            self._encoded(query),
            thinking(_words, top),
        )
        states = None if encoded is None else _states(encoded, top, look)
        wording = QueryTerms.of(query, look.weights)
        ranked = partial(_ranked, wording, top, rest, said, states, absent=look.absent)
        return Reranked(await thinking(ranked))

    async def _encoded(self, query: str) -> EncodedQuery | None:
        return None if self._encoder is None else await self._encoder.encode_query(query)


def _states(encoded: EncodedQuery, top: Sequence[Candidate], look: RerankFeatures) -> _States:
    """The token states of the query and of the candidates that have some."""
    stored = [look.states.get(one.passage.passage_id) for one in top]
    rows = [i for i, states in enumerate(stored) if states]
    return _States(encoded, rows, [states for states in stored if states])


def _ranked(
    wording: QueryTerms,
    top: Sequence[Candidate],
    rest: Sequence[Candidate],
    words: Sequence[_Words],
    states: _States | None,
    *,
    absent: float,
) -> tuple[Candidate, ...]:
    """All candidates with their new scores, best first; `words` are those of `top`."""
    tokens = _token_scores(wording, words, states)
    said = [[*one.title, *one.text] for one in words]
    together = [wording.together(one) for one in said]
    scores = FUSED * np.array([candidate.score for candidate in top])
    # Squared: a title of which the query says half is rarely the one that is asked for.
    named = np.array([wording.names(one.title) for one in words]) ** 2
    scores += TOKENS * _scaled(tokens.all) + ASPECT * named * _scaled(tokens.unsaid)
    scores += TOGETHER * np.array(together)
    scores += PAIRS * np.array([wording.in_pairs(one) for one in said])
    scores = _with_neighbours(top, scores, scores + WEIGHED * _scaled(tokens.weighed))
    order = np.argsort(-scores, kind="stable")
    topic = wording.topic
    if topic is not wording:
        together = [topic.together(one) for one in said]
    around = float(np.mean([one.cosine for one in (*top, *rest)]))
    lacking = _lacking(tokens, states, order[:JUDGED], absent)
    ranked = [
        replace(
            top[i],
            score=float(scores[i]),
            together=together[i],
            met=_known(tokens.weighed[i]),
            rarest=_known(tokens.rarest[i]),
            token_similarity=_known(tokens.all[i]),
            around=around,
            lacking=lacking,
        )
        for i in order
    ]
    floor = ranked[-1].score
    behind = (replace(c, score=min(floor, FUSED * c.score)) for c in rest)
    return (*ranked, *behind)


def _token_scores(wording: QueryTerms, words: Sequence[_Words], states: _States | None) -> _Tokens:
    """MaxSim of each candidate."""
    tokens = _Tokens(*np.full((4, len(words)), np.nan))
    if states is None or not states.rows:
        return tokens
    best = best_cosines(states.query.states, states.passages)
    owners = _owners(states.query.starts, wording)
    rows = np.array(states.rows)
    tokens.all[rows] = best.mean(axis=1)
    tokens.weighed[rows] = np.average(best, axis=1, weights=_piece_weights(owners, wording))
    unsaid = np.array([_unsaid(owners, words[row].named) for row in states.rows])
    tokens.unsaid[rows] = (best * unsaid).sum(axis=1) / unsaid.sum(axis=1)
    topic = match_topic(best, owners, wording.topic)
    tokens.rarest[rows] = tokens.all[rows] if topic is None else topic.rarest()
    return tokens._replace(topic=topic)


def _lacking(
    tokens: _Tokens, states: _States | None, judged: NDArray[np.intp], absent: float
) -> float:
    """The share of the topic that none of the judged meets; none where not all can be compared."""
    if states is None or tokens.topic is None:
        return 0.0
    rows = [states.rows.index(i) for i in judged if i in states.rows]
    return tokens.topic.lacking(rows, absent) if len(rows) == len(judged) else 0.0


def _unsaid(owners: Sequence[str | None], named: frozenset[str]) -> list[bool]:
    """Which pieces a title leaves unsaid, but for the two special ones; all when it says all."""
    inner = [word not in named for word in owners[1:-1]]
    return [False, *inner, False] if any(inner) else [True] * len(owners)


def _words(top: Sequence[Candidate]) -> list[_Words]:
    """The words of each candidate."""
    titles = {title: normalized_words(title) for title in {one.passage.title for one in top}}
    names = {title: frozenset(words) for title, words in titles.items()}
    passages = [candidate.passage for candidate in top]
    return [
        _Words(
            titles[one.title], normalized_words(f"{one.heading or ''} {one.text}"), names[one.title]
        )
        for one in passages
    ]


def _owners(starts: Sequence[int], wording: QueryTerms) -> list[str | None]:
    """The word that each word piece belongs to; None for punctuation and the special pieces."""
    owners: list[str | None] = [None] * len(starts)
    for (start, end), word in zip(wording.spans, wording.words, strict=True):
        for i, begin in enumerate(starts):
            if start <= begin < end:
                owners[i] = word
    return owners


def _piece_weights(owners: Sequence[str | None], wording: QueryTerms) -> NDArray[np.float32]:
    """Each word counts as much as it is rare, shared among its pieces."""
    pieces = Counter(owners)
    weights = [
        LEAST if word is None else max(wording.weights.get(word, 0.0), LEAST) / pieces[word]
        for word in owners
    ]
    if len(weights) > 2:
        weights[0] = weights[-1] = 0.0  # [CLS] and [SEP]
    return np.array(weights, np.float32)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _scaled(values: Scores) -> Scores:
    """To 0..1 over these candidates; what is not a number gets the mean of the others."""
    if np.isnan(values).all():
        return np.zeros(len(values))
    low, high = np.nanmin(values), np.nanmax(values)
    scaled = (values - low) / (high - low) if high > low else np.ones(len(values))
    return np.where(np.isnan(values), np.nanmean(scaled), scaled)


def _with_neighbours(top: Sequence[Candidate], scores: Scores, refined: Scores) -> Scores:
    """Orders the windows of each recording by `refined` plus a share of their neighbours'.

    What is talked about goes on from one window to the next; paragraphs of a document stand alone.
    The windows of a recording share out the scores that they had, so that they neither gain nor
    lose against other sources.
    """
    windows: dict[str, dict[int, int]] = {}  # of each recording: position to index
    for i, candidate in enumerate(top):
        passage = candidate.passage
        if passage.kind == "recording":
            windows.setdefault(passage.source_id, {})[passage.position] = i
    shared = scores.copy()
    for places in windows.values():
        warmth = {
            i: refined[i]
            + sum(
                share * refined[places[position + step]]
                for distance, share in enumerate(NEIGHBOURS, start=1)
                for step in (-distance, distance)
                if position + step in places
            )
            for position, i in places.items()
        }
        order = sorted(warmth, key=lambda i: -warmth[i])
        shared[order] = np.sort(scores[order])[::-1]
    return shared
