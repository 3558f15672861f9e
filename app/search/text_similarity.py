"""Compares short texts with a topic by meaning."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.domain.bounded_cache import BoundedCache
from app.domain.ports import Embedder, Vector

_REMEMBERED: Final = 2_000  # texts


class TextSimilarity:
    """Cosines of a topic and texts; remembers the vectors of texts."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors = BoundedCache[str, Vector](_REMEMBERED)

    async def __call__(self, topic: str, texts: Sequence[str]) -> Sequence[float]:
        """One cosine per text, -1..1."""
        if not texts:
            return ()
        query = await self._embedder.embed_query(topic)
        stored = ((text, self._vectors.get(text)) for text in texts)
        known = {text: vector for text, vector in stored if vector is not None}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known |= dict(zip(new, await self._embedder.embed_passages(new), strict=True))
        for text in new:
            self._vectors.put(text, known[text])
        return [float(cosine) for cosine in np.stack([known[text] for text in texts]) @ query]
