"""The local embedding model, compared with an independent implementation in plain numpy."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from math import erf
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from app.domain.errors import SettingError
from app.domain.models import Filters, SearchResult
from app.domain.ports import Vector
from app.domain.principals import LOCAL, Principal
from app.embeddings import minilm
from app.embeddings.minilm import MiniLM
from app.embeddings.token_states import BYTES_PER_TOKEN, pack_tokens
from app.search.hybrid import MAX_QUERY_LENGTH, HybridSearch
from app.search.late_interaction import maxsim_cosines

Floats = NDArray[np.float64]


class NothingFound:
    """An index without a passage."""

    async def search(
        self,
        principal: Principal,
        query: str,
        vector: Awaitable[Vector],
        *,
        embedder: str,
        filters: Filters,
        limit: int,
    ) -> SearchResult:
        await vector
        return SearchResult((), searched_passages=0, searched_sources=0)


FOLDER = minilm.installed_model()


@pytest.fixture(scope="module")
def model() -> Iterator[MiniLM]:
    model = MiniLM.load()
    yield model
    model.close()


def reference(text: str) -> Floats:
    """Mean of BERT's last layer, unit length: one text, no batches, float64."""
    weights = {k: v.astype(np.float64) for k, v in load_file(FOLDER / "model.safetensors").items()
               if v.dtype == np.float32}  # fmt: skip
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    tokenizer.no_padding()
    ids = tokenizer.encode(text).ids
    at = "embeddings."
    x = weights[f"{at}word_embeddings.weight"][ids] + (
        weights[f"{at}position_embeddings.weight"][: len(ids)]
        + weights[f"{at}token_type_embeddings.weight"][0]
    )
    x = norm(x, weights, f"{at}LayerNorm")
    for layer in range(6):
        x = bert_layer(x, weights, f"encoder.layer.{layer}.")
    mean = x.mean(axis=0)
    unit: Floats = mean / np.linalg.norm(mean)
    return unit


def bert_layer(x: Floats, weights: dict[str, Floats], at: str) -> Floats:
    query, key, value = (
        dense(x, weights, f"{at}attention.self.{part}").reshape(len(x), 12, 32).swapaxes(0, 1)
        for part in ("query", "key", "value")
    )
    logits = query @ key.swapaxes(1, 2) / np.sqrt(32)
    share = np.exp(logits - logits.max(axis=-1, keepdims=True))
    share /= share.sum(axis=-1, keepdims=True)
    context = (share @ value).swapaxes(0, 1).reshape(len(x), 384)
    attended = dense(context, weights, f"{at}attention.output.dense") + x
    x = norm(attended, weights, f"{at}attention.output.LayerNorm")
    wide = dense(x, weights, f"{at}intermediate.dense")
    gelu = wide * 0.5 * (1 + np.vectorize(erf)(wide / np.sqrt(2)))
    return norm(dense(gelu, weights, f"{at}output.dense") + x, weights, f"{at}output.LayerNorm")


def dense(x: Floats, weights: dict[str, Floats], at: str) -> Floats:
    product: Floats = x @ weights[f"{at}.weight"].T + weights[f"{at}.bias"]
    return product


def norm(x: Floats, weights: dict[str, Floats], at: str) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    normed: Floats = scaled * weights[f"{at}.weight"] + weights[f"{at}.bias"]
    return normed


@pytest.mark.parametrize(
    "text",
    ["What are the side effects of aripiprazole?", "Ein Überblick: 25 °C, 雨, naïve — déjà-vu."],
)
async def test_a_vector_is_what_the_published_network_gives(model: MiniLM, text: str) -> None:
    vector = await model.embed_query(text)
    assert vector.shape == (model.dimensions,) == (384,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert float(vector @ reference(text)) > 0.999999


async def test_meaning_counts_more_than_words(model: MiniLM) -> None:
    question, answer, lookalike = await model.embed_passages(
        [
            "How do I recharge my phone?",
            "Plug the cable of the handset into a wall socket.",
            "How do I tune my violin?",
        ]
    )
    assert question @ answer > question @ lookalike


async def test_a_vector_does_not_depend_on_its_batch(model: MiniLM) -> None:
    texts = [f"Sentence {'long ' * n}number {n}." for n in range(0, 120, 5)]
    proximity = await model.embed_passages(texts)
    alone = np.stack([(await model.embed_passages([text]))[0] for text in texts])
    assert proximity.shape == (24, 384)
    np.testing.assert_allclose(proximity, alone, atol=2e-6)


async def test_queries_that_wait_are_encoded_together_as_if_alone(model: MiniLM) -> None:
    texts = [f"{number} kettles whistle" * (number + 1) for number in range(40)]
    proximity = await asyncio.gather(*map(model.encode_query, texts))
    for text, query in zip(texts, proximity, strict=True):
        [passage] = await model.encode_passages([text])
        assert query.vector == pytest.approx(passage.vector, abs=1e-5)
        assert len(query.states) == len(query.starts) == min(256, model.count(text) + 2)
        assert query.starts[0] == query.starts[-1] == -1


async def test_a_failing_pass_is_told_to_all_and_tried_again(
    model: MiniLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(model, "_session", None)
        for _ in range(2):
            with pytest.raises(AttributeError):
                await model.encode_query("tried again")
    assert (await model.encode_query("tried again")).vector.shape == (384,)


async def test_queries_and_passages_share_one_space(model: MiniLM) -> None:
    query = await model.embed_query("The ferry leaves at nine.")
    passage = (await model.embed_passages(["The ferry leaves at nine."]))[0]
    np.testing.assert_allclose(query, passage, atol=1e-6)


async def test_only_the_first_256_word_pieces_are_seen(model: MiniLM) -> None:
    seen = "ferry " * model.max_pieces
    assert model.count(seen) == model.max_pieces == 254
    full, longer, other = await model.embed_passages(
        [seen, seen + "battery " * 50, "ferry " * (model.max_pieces - 1) + "battery"]
    )
    np.testing.assert_allclose(full, longer, atol=1e-6)
    assert np.abs(full - other).max() > 1e-3


async def test_no_passages_are_no_vectors(model: MiniLM) -> None:
    assert (await model.embed_passages([])).shape == (0, 384)
    assert await model.encode_passages([]) == []


async def test_an_empty_query_has_a_vector(model: MiniLM) -> None:
    assert np.isfinite(await model.embed_query("")).all()


async def test_what_is_expected_is_what_is_embedded(model: MiniLM) -> None:
    """To the letter; otherwise it would be embedded twice."""

    class Noting:
        """The model, which records its inputs."""

        name, dimensions = model.name, model.dimensions
        noted: ClassVar[list[str]] = []

        def expect_query(self, text: str) -> None:
            self.noted.append(text)
            model.expect_query(text)

        async def embed_query(self, text: str) -> Vector:
            self.noted.append(text)
            return await model.embed_query(text)

        async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return await model.embed_passages(texts)

    search = HybridSearch(NothingFound(), Noting())
    asked = f"Which ferry leaves at nine? \ud800 {'x ' * MAX_QUERY_LENGTH}"
    search.expect(asked)
    await search.search(LOCAL, asked, filters=Filters(), limit=9)
    expected, embedded = Noting.noted
    assert expected == embedded
    assert await model.encode_query(embedded) is await model.encode_query(expected)


def test_word_pieces_add_up_over_words(model: MiniLM) -> None:
    words = ["Aripiprazole's", "half-life", "(75", "hours)", "isn't", "short;", "see", "CYP2D6."]
    assert sum(model.count(word) for word in words) == model.count("  ".join(words)) > len(words)
    assert model.count("") == 0


def test_the_model_serves_every_event_loop() -> None:
    model = MiniLM.load()
    first, second = (asyncio.run(model.embed_query("twice")) for _ in range(2))
    model.close()
    np.testing.assert_array_equal(first, second)


async def test_passages_keep_one_bit_for_each_dimension_of_each_piece(model: MiniLM) -> None:
    text = "Akathisia is an inner restlessness."
    query = await model.encode_query(text)
    (passage,) = await model.encode_passages([text])
    assert passage.tokens == pack_tokens(query.states)
    assert len(query.states) == model.count(text) + 2
    assert len(passage.tokens) == len(query.states) * BYTES_PER_TOKEN


async def test_late_interaction_prefers_the_passage_that_has_the_words(model: MiniLM) -> None:
    query = await model.encode_query("restlessness")
    passages = await model.encode_passages(
        ["An inner restlessness, called akathisia.", "The ferry charges at the quay.", "Restless"]
    )
    scores = maxsim_cosines(query.states, [p.tokens for p in passages if p.tokens]).mean(axis=1)
    assert scores.shape == (3,)
    assert scores[0] > scores[1] < scores[2]


def test_max_sim_is_the_mean_of_the_best_cosines() -> None:
    rng = np.random.default_rng(7)
    query = rng.normal(size=(5, 384)).astype(np.float32)
    passages = [rng.normal(size=(n, 384)).astype(np.float32) for n in (1, 9, 3)]
    unit = query / np.linalg.norm(query, axis=1, keepdims=True)
    signs = [np.where(passage > 0, 1, -1) / np.sqrt(384) for passage in passages]
    expected = [np.mean([max(q @ d for d in sign) for q in unit]) for sign in signs]
    found = maxsim_cosines(query, [pack_tokens(passage) for passage in passages]).mean(axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert maxsim_cosines(query, []).shape == (0, len(query))


def test_missing_weights_are_a_setting_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(SettingError, match="EMBEDDINGS: got local, but the model's weights"):
        MiniLM.load()
