"""Embedders by their name in `EMBEDDINGS`. A new provider is one factory and one entry here."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from app.domain.adapter_settings import EmbeddingSettings
from app.domain.errors import SettingError
from app.domain.library_ports import LibraryVectors, PassageEncoder

log = logging.getLogger(__name__)


def _local(settings: EmbeddingSettings) -> PassageEncoder:
    from app.embeddings.minilm import MiniLM

    return MiniLM.load()


def _openai(settings: EmbeddingSettings) -> PassageEncoder:
    from app.embeddings.openai_embedder import OpenAIEmbedder

    key = settings.api_key
    if key is None and settings.base_url is None:
        raise SettingError(
            "OPENAI_API_KEY: got nothing, takes the key of your endpoint "
            "(EMBEDDINGS=openai needs it, or OPENAI_BASE_URL for an endpoint without keys)"
        )
    return OpenAIEmbedder(
        model=settings.model,
        api_key=key.get_secret_value() if key else None,
        base_url=settings.base_url,
        proxies=settings.proxies,
    )


def _databricks(settings: EmbeddingSettings) -> PassageEncoder:
    from app.embeddings.databricks_embedder import DatabricksEmbedder

    login = settings.databricks
    return DatabricksEmbedder(endpoint=settings.model, host=login.host, token=login.token_text())


FACTORIES: Final[Mapping[str, Callable[[EmbeddingSettings], PassageEncoder]]] = {
    "local": _local,
    "openai": _openai,
    "databricks": _databricks,
}


def make_embedder(settings: EmbeddingSettings) -> PassageEncoder:
    """The embedder of `settings.provider`. Blocks while a local model loads (0.3 s).

    Raises `SettingError` for an unknown provider, or a missing key or missing weights.
    """
    factory = FACTORIES.get(settings.provider)
    if factory is None:
        known = " or ".join(FACTORIES)
        raise SettingError(f"EMBEDDINGS: got {settings.provider}, takes {known}")
    return factory(settings)


async def check_vectors(library: LibraryVectors, embedder: PassageEncoder) -> None:
    """Raise `SettingError` when the library holds vectors of another embedder."""
    others = [name for name in await library.embedders() if name != embedder.name]
    if others:
        raise SettingError(
            f"EMBEDDINGS: got {embedder.name}, takes {', '.join(others)}, which the library was "
            "embedded with; to change it run: .venv/bin/python -m app.ingest --reembed"
        )
