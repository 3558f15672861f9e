"""Embeddings from a Databricks serving endpoint, behind the same port as the local ones."""

from typing import Any, Final

from typing_extensions import override

from app.domain.errors import SettingError
from app.embeddings.service_embedder import ServiceEmbedder

DEFAULT_ENDPOINT: Final = "databricks-gte-large-en"
INSTALL: Final = "pip install --no-deps --require-hashes -r requirements-databricks.lock"
_DIMENSIONS: Final = {"databricks-gte-large-en": 1024, "databricks-bge-large-en": 1024}
_HTTP_S: Final = 30
_RETRY_S: Final = 20  # how long the SDK retries while the endpoint is busy


class DatabricksEmbedder(ServiceEmbedder):
    """Vectors from a Databricks serving endpoint."""

    errors = (OSError, ValueError, LookupError)  # the SDK's errors are OSErrors

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
        endpoint = endpoint or DEFAULT_ENDPOINT
        super().__init__(endpoint, _DIMENSIONS.get(endpoint, 0))
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
        # Without a client it would create MLflow's, which only reads the environment.
        self._embeddings = DatabricksEmbeddings.model_construct(
            endpoint=endpoint, query_params={}, documents_params={}
        )
        self._embeddings._client = _Endpoints(workspace)

    @property
    def name(self) -> str:
        """The endpoint, prefixed to distinguish it from a local model of the same name."""
        return f"databricks:{self._model}"

    @override
    def request(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._embeddings.embed_documents(texts)
        return vectors


class _Endpoints:
    """The deployment client that `DatabricksEmbeddings` needs, based on the workspace client."""

    def __init__(self, workspace: Any) -> None:  # noqa: ANN401 - from an optional package
        self._workspace = workspace

    def predict(self, *, endpoint: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """One request for at most 20 texts. The SDK retries while the endpoint is busy."""
        answer: dict[str, Any] = self._workspace.api_client.do(
            "POST", f"/serving-endpoints/{endpoint}/invocations", body=inputs
        )
        return answer
