"""Reranking: the effect of each of its parts, and no bias towards recordings."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from app.domain.library_ports import RerankFeatures
from app.domain.models import Candidate, Passage, Reranked, SourceKind
from app.embeddings.minilm import EncodedQuery
from app.embeddings.token_states import pack_tokens
from app.search.rerank import DEPTH, FUSED_WEIGHT, FeatureReranker

Floats = NDArray[np.float32]
RNG = np.random.default_rng(3)
QUERY = RNG.normal(size=(4, 384)).astype(np.float32)
VECTOR: Floats = QUERY[0]


class Embeddings:
    """Embeds nothing, like a service without visible tokens."""

    name, dimensions = "service", 384

    async def embed_query(self, text: str) -> Floats:
        return VECTOR

    async def embed_passages(self, texts: Sequence[str]) -> Floats:
        return QUERY[:0]


class TokenEmbeddings(Embeddings):
    async def encode_query(self, text: str) -> EncodedQuery:
        return EncodedQuery(VECTOR, QUERY, (-1, 0, 4, -1))


class Bits:
    """Token states of passages, by id."""

    def __init__(self, **states: Floats) -> None:
        self._bits = {name: pack_tokens(state) for name, state in states.items()}

    async def fetch_rerank_features(
        self, passage_ids: Sequence[str], words: Sequence[str]
    ) -> RerankFeatures:
        states = {name: bits for name, bits in self._bits.items() if name in passage_ids}
        weights = [0.0 if word in ("the", "of") else 5.0 for word in words]
        return RerankFeatures(states, weights, absent_weight=6.0)


def candidate(
    name: str,
    score: float,
    *,
    text: str = "",
    kind: SourceKind = "document",
    source: str = "s",
    position: int = 0,
) -> Candidate:
    passage = Passage(name, source, "Title", kind, position, text)
    return Candidate(passage, score, cosine=score, bm25=1.0, coverage=0.5)


async def order(reranker: FeatureReranker, query: str, *candidates: Candidate) -> list[str]:
    ranked = (await reranker.rerank(query, candidates)).candidates
    assert all(a.score >= b.score for a, b in pairwise(ranked))
    return [one.passage.passage_id for one in ranked]


async def test_nothing_is_nothing() -> None:
    assert await FeatureReranker(Bits(), TokenEmbeddings()).rerank("tea", ()) == Reranked(())


async def test_tokens_that_match_lift_a_passage() -> None:
    noise = RNG.normal(size=(9, 384)).astype(np.float32)
    reranker = FeatureReranker(Bits(a=noise, b=np.vstack([noise, QUERY])), TokenEmbeddings())
    assert await order(reranker, "tea", candidate("a", 0.8), candidate("b", 0.6)) == ["b", "a"]
    said = candidate("a", 0.9, text="A tea pot.")
    assert await order(reranker, "tea pot", said, candidate("b", -0.3)) == ["a", "b"]


async def test_a_passage_without_token_states_keeps_its_chance() -> None:
    reranker = FeatureReranker(Bits(b=QUERY), TokenEmbeddings())
    assert await order(reranker, "tea", candidate("a", 2.0), candidate("b", 0.5)) == ["a", "b"]


async def test_without_token_states_word_pairs_decide_between_equals() -> None:
    reranker = FeatureReranker(Bits(a=QUERY), Embeddings())
    words, pair = candidate("a", 0.5, text="effects side"), candidate("b", 0.5, text="Side Effects")
    assert await order(reranker, "side effects", words, pair) == ["b", "a"]
    assert await order(reranker, "effects", words, pair) == ["a", "b"]


async def test_signals_stay_as_they_were() -> None:
    reranked = await FeatureReranker(Bits(), Embeddings()).rerank("tea", [candidate("a", 0.8)])
    (ranked,) = reranked.candidates
    assert (ranked.cosine, ranked.bm25, ranked.coverage) == (0.8, 1.0, 0.5)
    assert ranked.score == pytest.approx(FUSED_WEIGHT * 0.8)


async def test_words_that_frame_a_question_count_for_the_order_but_not_as_topic() -> None:
    words, frame = candidate("a", 0.5, text="diesel"), candidate("b", 0.5, text="the group")
    reranker = FeatureReranker(Bits(a=QUERY), TokenEmbeddings())
    ranked = (await reranker.rerank("group diesel", [words, frame])).candidates
    by_name = {one.passage.passage_id: one for one in ranked}
    assert by_name["a"].proximity == 1
    assert by_name["b"].proximity == 0
    plain = (await reranker.rerank("diesel", [words, frame])).candidates
    gained = {one.passage.passage_id: one.score for one in plain}
    assert by_name["b"].score > gained["b"]  # what it says of the frame still ranks it
    assert {one.mean_cosine for one in ranked} == {0.5}
    assert by_name["a"].token_similarity is not None
    assert by_name["b"].token_similarity is None
    assert by_name["a"].rare_maxsim is not None
    assert by_name["b"].rare_maxsim is None


async def test_a_rare_word_that_none_of_the_best_resembles_is_lacking() -> None:
    """The query has the pieces of `tea` and `pot`; the states show what passages contain."""
    noise = RNG.normal(size=(9, 384)).astype(np.float32)

    async def missing_share(query: str, **states: Floats) -> set[float | None]:
        found = [candidate(name, 0.5) for name in ("a", "b")]
        ranked = await FeatureReranker(Bits(**states), TokenEmbeddings()).rerank(query, found)
        return {one.missing_share for one in ranked.candidates}

    tea, both = np.vstack([noise, QUERY[1]]), np.vstack([noise, QUERY[1:3]])
    [half] = await missing_share("tea pot", a=tea, b=noise)
    assert half == pytest.approx(0.5 * (2 * 5 / 6 - 1), abs=0.05)
    assert await missing_share("tea pot", a=both, b=noise) == {0}
    assert await missing_share("tea pot", a=tea) == {0}  # of b nothing is known
    assert await missing_share("the of", a=tea, b=noise) == {0}
    assert await missing_share("tea pot") == {0}


async def test_a_rare_word_that_a_passage_says_is_not_lacking_whatever_its_token_means() -> None:
    noise = RNG.normal(size=(9, 384)).astype(np.float32)
    tea = np.vstack([noise, QUERY[1]])

    async def missing_share(**said: str) -> float | None:
        passage = Passage("b", "s", said.get("title", "Title"), "document", 0, said.get("text", ""))
        passage = replace(passage, heading=said.get("heading"))
        found = [candidate("a", 0.5), replace(candidate("b", 0.5), passage=passage)]
        reranker = FeatureReranker(Bits(a=tea, b=noise), TokenEmbeddings())
        return (await reranker.rerank("tea pot", found)).candidates[0].missing_share

    assert await missing_share(text="x") != 0
    assert await missing_share(text="Pots of clay") == 0
    assert await missing_share(heading="The pot") == 0
    assert await missing_share(title="About pots") == 0


async def test_what_lies_beyond_the_depth_stays_behind_in_its_order() -> None:
    many = [candidate(f"c{n}", 1 - n / 100, text="a b" if n > 50 else "") for n in range(DEPTH + 9)]
    found = await order(FeatureReranker(Bits(), Embeddings()), "a b", *many)
    assert found == [one.passage.passage_id for one in many]


async def test_windows_of_a_recording_help_their_neighbours() -> None:
    reranker = FeatureReranker(Bits(), Embeddings())
    windows = [
        candidate(f"w{position}", score, kind="recording", position=position)
        for position, score in ((9, 0.80), (3, 0.79), (2, 0.75), (4, 0.70))
    ]
    assert (await order(reranker, "q", *windows))[0] == "w3"
    paragraphs = [candidate(f"w{n}", 0.8 - n / 100, position=n) for n in range(4)]
    assert await order(reranker, "q", *paragraphs) == ["w0", "w1", "w2", "w3"]


async def test_rare_words_tell_the_windows_of_a_recording_apart() -> None:
    """Both windows meet one of two word pieces; only the second word is rare."""
    the = np.vstack([QUERY[1]] * 2)
    tea = np.vstack([QUERY[2]] * 2)
    reranker = FeatureReranker(Bits(a=the, b=tea), TokenEmbeddings())
    windows = [
        candidate(name, score, kind="recording", position=position)
        for name, score, position in (("a", 1.2, 0), ("b", 0.8, 9))
    ]
    assert await order(reranker, "the tea", *windows) == ["b", "a"]
    paragraphs = [candidate("a", 1.2), candidate("b", 0.8, position=9)]
    assert await order(reranker, "the tea", *paragraphs) == ["a", "b"]


async def test_a_recording_gains_nothing_against_a_document() -> None:
    reranker = FeatureReranker(Bits(), Embeddings())
    windows = [
        candidate(f"w{n}", 0.7 - n / 100, kind="recording", source="r", position=n)
        for n in range(3)
    ]
    found = await order(reranker, "q", candidate("d", 0.75), *windows)
    assert found[0] == "d"
    scores = [one.score for one in (await reranker.rerank("q", windows)).candidates]
    assert scores == pytest.approx([FUSED_WEIGHT * s for s in (0.70, 0.69, 0.68)])
