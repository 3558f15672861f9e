"""The same library, model service and servers as the stream tests."""

import pytest

from app.db.server import EmbeddedServer
from app.retrieval.minilm import MiniLM
from tests.conftest import _execute, _run
from tests.stream.conftest import embedder, server, settings, stock, stocked_dsn, upstream

__all__ = ["embedder", "server", "settings", "stocked_dsn", "upstream"]


@pytest.fixture(scope="session")
def stocked_template(postgres: EmbeddedServer, migrated_template: str, embedder: MiniLM) -> str:
    """Under a name of its own: the stream tests may run in the same session."""
    name = "stocked_to_deploy"
    _run(_execute(postgres.dsn, f"CREATE DATABASE {name} TEMPLATE {migrated_template}"))
    _run(stock(postgres.dsn_of(name), embedder))
    return name
