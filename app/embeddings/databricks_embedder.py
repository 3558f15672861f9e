"""Embeddings of a Databricks serving endpoint, behind the same port as the local ones."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import RunFailure, SettingError
from app.domain.library_ports import EncodedPassage
from app.domain.ports import Vector
from app.embeddings.word_pieces import estimated_pieces

DEFAULT_ENDPOINT: Final = "databricks-gte-large-en"
INSTALL: Final = "pip install --no-deps --require-hashes -r requirements-databricks.lock"
_DIMENSIONS: Final = {"databricks-gte-large-en": 1024, "databricks-bge-large-en": 1024}
_HTTP_S: Final = 30
_RETRY_S: Final = 20  # how long the SDK retries while the endpoint is busy


class DatabricksEmbedder:
    """Implements `PassageEncoder`; its passages have no token states.

    Requests are made in threads, so one client serves every event loop of the process.
    """

    count = staticmethod(estimated_pieces)

    def __init__(self, *, endpoint: str | None, host: str | None, token: str | None) -> None:
        """Raises `SettingError` without the extra or a sign-in. Blocks for seconds."""
        try:
            from databricks.sdk import WorkspaceClient
            from databricks.sdk.config import Config
            from databricks_langchain import DatabricksEmbeddings
        except ImportError as error:
            raise SettingError(
                "EMBEDDINGS: got databricks, takes a provider that is installed. "
                f"Install it: {INSTALL}"
            ) from error
        self._endpoint = endpoint or DEFAULT_ENDPOINT
        self._dimensions = _DIMENSIONS.get(self._endpoint, 0)
        try:
            config = Config(
                host=host,
                token=token,
                http_timeout_seconds=_HTTP_S,
                retry_timeout_seconds=_RETRY_S,
            )
            workspace = WorkspaceClient(config=config)
        except ValueError as error:
            raise SettingError(
                "DATABRICKS_HOST: got no workspace that can be signed in to, takes its address, "
                "with DATABRICKS_TOKEN or another sign-in that the Databricks SDK finds"
            ) from error
        # Without a client it would create MLflow's, which reads only the environment.
        self._embeddings = DatabricksEmbeddings.model_construct(
            endpoint=self._endpoint, query_params={}, documents_params={}
        )
        self._embeddings._client = _Endpoints(workspace)

    @property
    def name(self) -> str:
        """The endpoint, prefixed to distinguish it from a local model of the same name."""
        return f"databricks:{self._endpoint}"

    @property
    def dimensions(self) -> int:
        """0 for an unknown endpoint until its first answer."""
        return self._dimensions

    @property
    def max_pieces(self) -> int:
        """As for the local model: passages of this size also suit reading and citing."""
        return 254

    async def embed_query(self, text: str) -> Vector:
        """One unit vector. Raises `RunFailure` when the endpoint does not answer."""
        vectors: NDArray[np.float32] = await self.embed_passages([text])
        row: Vector = vectors[0]
        return row

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, one row per text. Raises `RunFailure` when the endpoint does not answer."""
        if not texts:
            return np.empty((0, self._dimensions), np.float32)
        try:
            answer = await asyncio.to_thread(self._embeddings.embed_documents, list(texts))
        except (OSError, ValueError, LookupError) as error:  # the SDK's errors are OSErrors
            raise RunFailure(
                "RETRIEVAL_FAILED",
                f"The embedding endpoint gave no vectors ({type(error).__name__}).",
            ) from error
        vectors = np.asarray(answer, np.float32)
        self._dimensions = vectors.shape[1]
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    async def encode_passages(self, texts: Sequence[str]) -> list[EncodedPassage]:
        return [EncodedPassage(vector, None) for vector in await self.embed_passages(texts)]


class _Endpoints:
    """The deployment client that `DatabricksEmbeddings` needs, on top of the workspace client."""

    def __init__(self, workspace: Any) -> None:  # noqa: ANN401 - from an optional package
        self._workspace = workspace

    def predict(self, *, endpoint: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """One request for at most 20 texts, retried by the SDK while the endpoint is busy."""
        answer: dict[str, Any] = self._workspace.api_client.do(
            "POST", f"/serving-endpoints/{endpoint}/invocations", body=inputs
        )
        return answer
