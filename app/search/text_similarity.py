"""Compares short texts with a topic by meaning."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np

from app.domain.ports import Embedder, Vector

_REMEMBERED: Final = 2_000  # texts


class TextSimilarity:
    """Cosines of a topic and texts; remembers the vectors of texts."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: OrderedDict[str, Vector] = OrderedDict()

    async def __call__(self, topic: str, texts: Sequence[str]) -> Sequence[float]:
        """One cosine per text, -1..1."""
        if not texts:
            return ()
        query = await self._embedder.embed_query(topic)
        known = {text: self._vectors[text] for text in texts if text in self._vectors}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known |= dict(zip(new, await self._embedder.embed_passages(new), strict=True))
        for text in new:
            self._vectors[text] = known[text]
        while len(self._vectors) > _REMEMBERED:
            self._vectors.popitem(last=False)
        return [float(cosine) for cosine in np.stack([known[text] for text in texts]) @ query]
