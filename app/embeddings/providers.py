"""Embedders by the name in `EMBEDDINGS`. A new provider is one factory and one line here."""

import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from pydantic import SecretStr

from app.domain.errors import SettingError
from app.domain.library_ports import LibraryVectors, PassageEncoder
from app.domain.proxies import ProxyRules

log = logging.getLogger(__name__)


class EmbeddingSettings(Protocol):
    """The settings that concern embeddings."""

    @property
    def embeddings(self) -> str: ...

    @property
    def embedding_model(self) -> str | None: ...

    @property
    def openai_api_key(self) -> SecretStr | None:
        """The key of the OpenAI-compatible service."""
        ...

    @property
    def openai_base_url(self) -> str | None:
        """Its address; OpenAI's own when unset."""
        ...

    @property
    def proxies(self) -> ProxyRules:
        """How other machines are reached."""
        ...

    @property
    def databricks_host(self) -> str | None:
        """The workspace; None: where the Databricks SDK is signed in."""
        ...

    @property
    def databricks_token(self) -> SecretStr | None:
        """None: the SDK's own sign-in."""
        ...


def _local(settings: EmbeddingSettings) -> PassageEncoder:
    from app.embeddings.minilm import MiniLM

    return MiniLM.load()


def _openai(settings: EmbeddingSettings) -> PassageEncoder:
    from app.embeddings.openai_embedder import OpenAIEmbedder

    key = settings.openai_api_key
    if key is None and settings.openai_base_url is None:
        raise SettingError(
            "OPENAI_API_KEY: got nothing, takes the key of your endpoint "
            "(EMBEDDINGS=openai needs it, or OPENAI_BASE_URL for an endpoint without keys)"
        )
    return OpenAIEmbedder(
        model=settings.embedding_model,
        api_key=key.get_secret_value() if key else None,
        base_url=settings.openai_base_url,
        proxies=settings.proxies,
    )


def _databricks(settings: EmbeddingSettings) -> PassageEncoder:
    from app.embeddings.databricks_embedder import DatabricksEmbedder

    token = settings.databricks_token
    return DatabricksEmbedder(
        endpoint=settings.embedding_model,
        host=settings.databricks_host,
        token=token.get_secret_value() if token else None,
    )


FACTORIES: Final[Mapping[str, Callable[[EmbeddingSettings], PassageEncoder]]] = {
    "local": _local,
    "openai": _openai,
    "databricks": _databricks,
}


def make_embedder(settings: EmbeddingSettings) -> PassageEncoder:
    """The embedder of `settings.embeddings`; blocks while a local model loads (0.3 s).

    Raises `SettingError` for a provider that is not there, or lacks its key or weights.
    """
    factory = FACTORIES.get(settings.embeddings)
    if factory is None:
        known = " or ".join(FACTORIES)
        raise SettingError(f"EMBEDDINGS: got {settings.embeddings}, takes {known}")
    return factory(settings)


async def check_vectors(library: LibraryVectors, embedder: PassageEncoder) -> None:
    """Raise `SettingError` when the library holds vectors of another embedder."""
    others = [name for name in await library.embedders() if name != embedder.name]
    if others:
        raise SettingError(
            f"EMBEDDINGS: got {embedder.name}, takes {', '.join(others)}, which the library was "
            "embedded with; to change it run: .venv/bin/python -m app.ingest --reembed"
        )
