"""Reranks the best candidates without another model.

The score combines the fused score with late interaction (over the whole query, and over the query
words that the title does not contain: the aspect), the proximity of the query's words, the coverage
of the title, and shared word pairs. The weights were measured over four collections
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
from app.search.late_interaction import maxsim_cosines
from app.search.query_terms import QueryTerms
from app.search.topic_match import TopicMatch, match_topic
from app.text.stop_words import seems_english
from app.text.tokens import normalized_words, word_spans

DEPTH: Final = 50
FUSED_WEIGHT: Final = 0.8
MAXSIM_WEIGHT: Final = 0.3
ASPECT_WEIGHT: Final = 0.5
PROXIMITY_WEIGHT: Final = 0.2
BIGRAM_WEIGHT: Final = 0.2
NEIGHBOUR_WEIGHTS: Final = (0.5, 0.25)
"""The share of the score of the windows one and two places away."""
IDF_MAXSIM_WEIGHT: Final = 0.5
"""Within a recording: idf-weighted MaxSim. Its windows share title and style, so the rare words
distinguish them."""
MIN_TOKEN_WEIGHT: Final = 0.3
"""The minimum weight of a token, for stop words."""
GRADED_CANDIDATES: Final = 8
"""The number of candidates that are graded, and searched for the rare words."""

Scores = NDArray[np.float64]


class _TokenScores(NamedTuple):
    """MaxSim of each candidate; NaN without token states."""

    all: Scores
    aspect: Scores  # over what the title leaves unsaid
    idf_weighted: Scores  # by how rare the words are
    rare_maxsim: Scores  # of the rarest words of the topic alone
    topic: TopicMatch | None = None  # of the candidates that have token states


class _TokenStates(NamedTuple):
    """Token states: of the query, and packed ones of the candidates in `rows`."""

    query: EncodedQuery
    rows: list[int]
    passages: list[bytes]


class _CandidateWords(NamedTuple):
    """The words of a passage as they are compared."""

    title: list[str]
    text: list[str]  # with the heading
    title_words: frozenset[str]  # those of the title


@runtime_checkable
class QueryEncoder(Protocol):
    """An embedder that also gives the states of the query's tokens."""

    async def encode_query(self, text: str) -> EncodedQuery:
        """Vector and token states."""
        ...


class RerankFeatureSource(Protocol):
    """An index that can be asked for more about what it found."""

    async def fetch_rerank_features(
        self, passage_ids: Sequence[str], words: Sequence[str]
    ) -> RerankFeatures:
        """More about these passages, and these words of the query."""
        ...


class FeatureReranker:
    """Implements `Reranker`, and sets the signals that grading uses.

    `proximity`, `rare_maxsim` and `missing_share` refer to the topic, without framing words. With
    an embedder that is not a `QueryEncoder`, only words are used.
    """

    def __init__(self, index: RerankFeatureSource, embedder: Embedder) -> None:
        self._index = index
        self._encoder = embedder if isinstance(embedder, QueryEncoder) else None

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """All candidates, best first; those beyond the first 50 keep their places behind them."""
        top, rest = candidates[:DEPTH], candidates[DEPTH:]
        if not top:
            return Reranked(())
        words = [query[start:end] for start, end in word_spans(query)]
        ids = [] if self._encoder is None else [one.passage.passage_id for one in top]
        # Milliseconds of arithmetic in a thread, partly while the index is queried.
        in_executor = partial(asyncio.get_running_loop().run_in_executor, INFERENCE_EXECUTOR)
        features, encoded, words_of = await asyncio.gather(
            self._index.fetch_rerank_features(ids, words),
            self._encoded(query),
            in_executor(_candidate_words, top),
        )
        states = None if encoded is None else _token_states(encoded, top, features)
        terms = QueryTerms.from_query(query, features.weights)
        ranked = partial(
            _rank, terms, top, rest, words_of, states, absent_weight=features.absent_weight
        )
        return Reranked(await in_executor(ranked))

    async def _encoded(self, query: str) -> EncodedQuery | None:
        return None if self._encoder is None else await self._encoder.encode_query(query)


def _token_states(
    encoded: EncodedQuery, top: Sequence[Candidate], features: RerankFeatures
) -> _TokenStates:
    """The token states of the query and of the candidates that have some."""
    stored = [features.states.get(one.passage.passage_id) for one in top]
    rows = [i for i, states in enumerate(stored) if states]
    return _TokenStates(encoded, rows, [states for states in stored if states])


def _rank(
    terms: QueryTerms,
    top: Sequence[Candidate],
    rest: Sequence[Candidate],
    words: Sequence[_CandidateWords],
    states: _TokenStates | None,
    *,
    absent_weight: float,
) -> tuple[Candidate, ...]:
    """All candidates with their new scores, best first; `words` are those of `top`."""
    tokens = _token_scores(terms, words, states)
    words_of = [[*one.title, *one.text] for one in words]
    proximity = [terms.proximity(one) for one in words_of]
    scores = FUSED_WEIGHT * np.array([candidate.score for candidate in top])
    # Squared: a half-covered title is rarely the one that is asked for.
    title_words = np.array([terms.title_coverage(one.title) for one in words]) ** 2
    scores += MAXSIM_WEIGHT * _scaled(tokens.all) + ASPECT_WEIGHT * title_words * _scaled(
        tokens.aspect
    )
    scores += PROXIMITY_WEIGHT * np.array(proximity)
    scores += BIGRAM_WEIGHT * np.array([terms.bigram_overlap(one) for one in words_of])
    scores = _smooth_recordings(
        top, scores, scores + IDF_MAXSIM_WEIGHT * _scaled(tokens.idf_weighted)
    )
    order = np.argsort(-scores, kind="stable")
    topic = terms.topic
    if topic is not terms:
        proximity = [topic.proximity(one) for one in words_of]
    mean_cosine = float(np.mean([one.cosine for one in (*top, *rest)]))
    # The model of the tokens knows English: in other languages even a usual word has no neighbour.
    missing_share = (
        _missing_share(tokens, states, words_of, order[:GRADED_CANDIDATES], absent_weight)
        if seems_english(map(str.lower, terms.words))
        else None
    )
    ranked = [
        replace(
            top[i],
            score=float(scores[i]),
            proximity=proximity[i],
            maxsim=_or_none(tokens.idf_weighted[i]),
            rare_maxsim=_or_none(tokens.rare_maxsim[i]),
            token_similarity=_or_none(tokens.all[i]),
            mean_cosine=mean_cosine,
            missing_share=missing_share,
        )
        for i in order
    ]
    floor = ranked[-1].score
    unranked = (replace(c, score=min(floor, FUSED_WEIGHT * c.score)) for c in rest)
    return (*ranked, *unranked)


def _token_scores(
    terms: QueryTerms, words: Sequence[_CandidateWords], states: _TokenStates | None
) -> _TokenScores:
    """MaxSim of each candidate."""
    tokens = _TokenScores(*np.full((4, len(words)), np.nan))
    if states is None or not states.rows:
        return tokens
    best = maxsim_cosines(states.query.states, states.passages)
    owners = _piece_owners(states.query.starts, terms)
    rows = np.array(states.rows)
    tokens.all[rows] = best.mean(axis=1)
    tokens.idf_weighted[rows] = np.average(best, axis=1, weights=_piece_weights(owners, terms))
    aspect = np.array([_aspect_mask(owners, words[row].title_words) for row in states.rows])
    tokens.aspect[rows] = (best * aspect).sum(axis=1) / aspect.sum(axis=1)
    topic = match_topic(best, owners, terms.topic)
    tokens.rare_maxsim[rows] = tokens.all[rows] if topic is None else topic.rare_maxsim()
    return tokens._replace(topic=topic)


def _missing_share(
    tokens: _TokenScores,
    states: _TokenStates | None,
    words: Sequence[Sequence[str]],
    graded: NDArray[np.intp],
    absent_weight: float,
) -> float:
    """The share of the topic that none of the judged meets; none where not all can be compared."""
    if states is None or tokens.topic is None:
        return 0.0
    rows = [states.rows.index(i) for i in graded if i in states.rows]
    if len(rows) < len(graded):
        return 0.0
    said = frozenset[str]().union(*(words[i] for i in graded))
    return tokens.topic.missing_share(rows, absent_weight, said=said)


def _aspect_mask(owners: Sequence[str | None], title_words: frozenset[str]) -> list[bool]:
    """The pieces whose words are not in the title; all pieces when the title has every word."""
    inner = [word not in title_words for word in owners[1:-1]]
    return [False, *inner, False] if any(inner) else [True] * len(owners)


def _candidate_words(top: Sequence[Candidate]) -> list[_CandidateWords]:
    """The words of each candidate."""
    titles = {title: normalized_words(title) for title in {one.passage.title for one in top}}
    title_coverage = {title: frozenset(words) for title, words in titles.items()}
    passages = [candidate.passage for candidate in top]
    return [
        _CandidateWords(
            titles[one.title],
            normalized_words(f"{one.heading or ''} {one.text}"),
            title_coverage[one.title],
        )
        for one in passages
    ]


def _piece_owners(starts: Sequence[int], terms: QueryTerms) -> list[str | None]:
    """The word that each word piece belongs to; None for punctuation and the special pieces."""
    owners: list[str | None] = [None] * len(starts)
    for (start, end), word in zip(terms.spans, terms.words, strict=True):
        for i, begin in enumerate(starts):
            if start <= begin < end:
                owners[i] = word
    return owners


def _piece_weights(owners: Sequence[str | None], terms: QueryTerms) -> NDArray[np.float32]:
    """The idf of each word, divided among its pieces."""
    pieces = Counter(owners)
    weights = [
        MIN_TOKEN_WEIGHT
        if word is None
        else max(terms.weights.get(word, 0.0), MIN_TOKEN_WEIGHT) / pieces[word]
        for word in owners
    ]
    if len(weights) > 2:
        weights[0] = weights[-1] = 0.0  # [CLS] and [SEP]
    return np.array(weights, np.float32)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _scaled(values: Scores) -> Scores:
    """Scaled to 0..1 over these candidates; NaN becomes the mean of the others."""
    if np.isnan(values).all():
        return np.zeros(len(values))
    low, high = np.nanmin(values), np.nanmax(values)
    scaled = (values - low) / (high - low) if high > low else np.ones(len(values))
    return np.where(np.isnan(values), np.nanmean(scaled), scaled)


def _smooth_recordings(top: Sequence[Candidate], scores: Scores, refined: Scores) -> Scores:
    """Orders the windows of each recording by `refined` plus a share of their neighbours'.

    A topic continues from one window to the next; paragraphs of a document are independent.
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
        smoothed = {
            i: refined[i]
            + sum(
                share * refined[places[position + step]]
                for distance, share in enumerate(NEIGHBOUR_WEIGHTS, start=1)
                for step in (-distance, distance)
                if position + step in places
            )
            for position, i in places.items()
        }
        order = sorted(smoothed, key=lambda i: -smoothed[i])
        shared[order] = np.sort(scores[order])[::-1]
    return shared
