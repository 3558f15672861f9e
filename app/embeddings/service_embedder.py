"""Embeddings from a service, behind the same port as the local ones."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import RunFailure
from app.domain.library_ports import EncodedPassage
from app.domain.ports import Vector
from app.embeddings.word_pieces import estimated_pieces


class ServiceEmbedder(ABC):
    """Implements `PassageEncoder` except for the name. Its passages have no token states.

    Requests are made in threads, so one client serves every event loop of the process.
    """

    count = staticmethod(estimated_pieces)
    errors: tuple[type[Exception], ...]
    """Raised by `request` when the service does not respond."""

    def __init__(self, model: str, dimensions: int) -> None:
        """`model`: the service's name for it; `dimensions`: 0 when unknown."""
        self._model = model
        self._dimensions = dimensions

    @abstractmethod
    def request(self, texts: list[str]) -> list[list[float]]:
        """One vector per text. Blocks."""

    @property
    def dimensions(self) -> int:
        """0 for an unknown model until its first response."""
        return self._dimensions

    @property
    def max_pieces(self) -> int:
        """Same as for the local model: passages of this size also suit reading and citing."""
        return 254

    async def embed_query(self, text: str) -> Vector:
        """One unit vector. Raises `RunFailure` when the service does not respond."""
        vectors: NDArray[np.float32] = await self.embed_passages([text])
        row: Vector = vectors[0]
        return row

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, one row per text. Raises `RunFailure` when the service does not respond."""
        if not texts:
            return np.empty((0, self._dimensions), np.float32)
        try:
            answer = await asyncio.to_thread(self.request, list(texts))
        except self.errors as error:
            raise RunFailure(
                "RETRIEVAL_FAILED",
                f"The embedding service gave no vectors ({type(error).__name__}).",
            ) from error
        vectors = np.asarray(answer, np.float32)
        self._dimensions = vectors.shape[1]
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    async def encode_passages(self, texts: Sequence[str]) -> list[EncodedPassage]:
        return [EncodedPassage(vector, None) for vector in await self.embed_passages(texts)]
