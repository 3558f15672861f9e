"""Embeddings from an OpenAI-compatible service, behind the same port as the local ones."""

import weakref
from typing import Final

import httpx2
from langchain_openai import OpenAIEmbeddings
from openai import OpenAIError
from pydantic import SecretStr
from typing_extensions import override

from app.domain.proxies import DIRECT, ProxyRules
from app.domain.setting_values import split_query
from app.embeddings.service_embedder import ServiceEmbedder

DEFAULT_MODEL: Final = "text-embedding-3-small"
OPENAI_URL: Final = "https://api.openai.com/v1"
BATCH: Final = 64
_TIMEOUT_S: Final = 30.0
_DIMENSIONS: Final = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}


class OpenAIEmbedder(ServiceEmbedder):
    """Vectors from an OpenAI-compatible service."""

    errors = (OpenAIError,)

    def __init__(
        self,
        *,
        model: str | None,
        api_key: str | None,
        base_url: str | None,
        proxies: ProxyRules = DIRECT,
    ) -> None:
        """`api_key` may be omitted for endpoints without keys."""
        model = model or DEFAULT_MODEL
        super().__init__(model, _DIMENSIONS.get(model, 0))
        base_url, query = split_query(base_url or OPENAI_URL)
        http = httpx2.Client(
            proxy=proxies.url_for(base_url),
            trust_env=False,
            verify=httpx2.create_ssl_context(trust_env=True),  # honours SSL_CERT_FILE
        )
        weakref.finalize(self, http.close)
        self._client = OpenAIEmbeddings(
            model=model,
            api_key=SecretStr(api_key or "none"),
            base_url=base_url,
            default_query=query,
            # Otherwise texts are sent as token ids, which require a downloaded tokenizer.
            check_embedding_ctx_length=False,
            chunk_size=BATCH,
            timeout=_TIMEOUT_S,
            openai_proxy=None,
            http_client=http,
        )

    @property
    def name(self) -> str:
        """The service's model, prefixed to distinguish it from a local model of the same name."""
        return f"openai:{self._model}"

    @override
    def request(self, texts: list[str]) -> list[list[float]]:
        return self._client.embed_documents(texts)
