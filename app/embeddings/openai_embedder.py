"""Embeddings of an OpenAI-compatible service, behind the same port as the local ones."""

import asyncio
import weakref
from collections.abc import Sequence
from typing import Final

import httpx2
import numpy as np
from langchain_openai import OpenAIEmbeddings
from numpy.typing import NDArray
from openai import OpenAIError
from pydantic import SecretStr

from app.domain.errors import RunFailure
from app.domain.library_ports import EncodedPassage
from app.domain.ports import Vector
from app.domain.proxies import DIRECT, ProxyRules
from app.domain.setting_values import split_query
from app.embeddings.word_pieces import estimated_pieces

DEFAULT_MODEL: Final = "text-embedding-3-small"
OPENAI_URL: Final = "https://api.openai.com/v1"
BATCH: Final = 64
_TIMEOUT_S: Final = 30.0
_DIMENSIONS: Final = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}


class OpenAIEmbedder:
    """Implements `PassageEncoder`; its passages have no token states.

    Requests are made in threads, so one client serves every event loop of the process.
    """

    count = staticmethod(estimated_pieces)

    def __init__(
        self,
        *,
        model: str | None,
        api_key: str | None,
        base_url: str | None,
        proxies: ProxyRules = DIRECT,
    ) -> None:
        """`api_key` may be left out for endpoints without keys."""
        self._model = model or DEFAULT_MODEL
        self._dimensions = _DIMENSIONS.get(self._model, 0)
        base_url, query = split_query(base_url or OPENAI_URL)
        http = httpx2.Client(
            proxy=proxies.url_for(base_url),
            trust_env=False,
            verify=httpx2.create_ssl_context(trust_env=True),  # honours SSL_CERT_FILE
        )
        weakref.finalize(self, http.close)
        self._client = OpenAIEmbeddings(
            model=self._model,
            api_key=SecretStr(api_key or "none"),
            base_url=base_url,
            default_query=query,
            # Otherwise texts are sent as token ids, which needs a downloaded tokenizer.
            check_embedding_ctx_length=False,
            chunk_size=BATCH,
            timeout=_TIMEOUT_S,
            openai_proxy=None,
            http_client=http,
        )

    @property
    def name(self) -> str:
        """The service's model, prefixed to distinguish it from a local one of the same name."""
        return f"openai:{self._model}"

    @property
    def dimensions(self) -> int:
        """0 for an unknown model until its first answer."""
        return self._dimensions

    @property
    def max_pieces(self) -> int:
        """As for the local model: passages of this size also suit reading and citing."""
        return 254

    async def embed_query(self, text: str) -> Vector:
        """One unit vector. Raises `RunFailure` when the service does not answer."""
        vectors: NDArray[np.float32] = await self.embed_passages([text])
        row: Vector = vectors[0]
        return row

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, one row per text. Raises `RunFailure` when the service does not answer."""
        if not texts:
            return np.empty((0, self._dimensions), np.float32)
        try:
            answer = await asyncio.to_thread(self._client.embed_documents, list(texts))
        except OpenAIError as error:
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
