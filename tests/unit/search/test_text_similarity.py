"""I20.1: texts are compared with a topic by meaning, and embedded only once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.ports import Vector
from app.search.text_similarity import TextSimilarity

VECTORS = {"topic": (1.0, 0.0), "same": (1.0, 0.0), "other": (0.0, 1.0), "between": (0.6, 0.8)}


class Table:
    """Replaces the embedding model."""

    name = "table"
    dimensions = 2

    def __init__(self) -> None:
        self.embedded: list[str] = []

    async def embed_query(self, text: str) -> Vector:
        return np.array(VECTORS[text], dtype=np.float32)

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded += texts
        return np.array([VECTORS[text] for text in texts], dtype=np.float32)


async def test_similarities_come_in_order_and_texts_are_embedded_once() -> None:
    table = Table()
    similarity = TextSimilarity(table)
    found = await similarity("topic", ["other", "same", "between", "same"])
    assert np.allclose(found, [0.0, 1.0, 0.6, 1.0])
    assert np.allclose(await similarity("topic", ["between"]), [0.6])
    assert table.embedded == ["other", "same", "between"]
    assert await similarity("topic", []) == ()
