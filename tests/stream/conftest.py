"""A small library, a fake model service and a real server on the test's loop."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import httpx
import pytest

from app.config import Settings
from app.db.embedded.server import EmbeddedServer
from app.db.library_store import LibraryStore
from app.db.pool import Database
from app.domain.library_ports import NewPassage, NewSource, SourceVersion
from app.domain.principals import LOCAL
from app.embeddings.minilm import MiniLM
from tests.conftest import _run
from tests.fakes.openai_server import FakeOpenAI
from tests.harness.databases import Databases
from tests.harness.serving import Serving, serving

QUESTION = "What are the side effects of aripiprazole?"
TEXTS = (
    "Common side effects of aripiprazole include nausea, vomiting, headache and insomnia.",
    "Serious side effects of aripiprazole include tardive dyskinesia and high blood sugar.",
    "Aripiprazole is usually taken once a day, with or without food.",
)


@cache
def loaded() -> MiniLM:
    """Shared by all test packages: an imported fixture would be created once per package."""
    return MiniLM.load()


@pytest.fixture(scope="session")
def embedder() -> MiniLM:
    """The real embedding model, loaded once."""
    return loaded()


_stocked: dict[str, str] = {}


async def stock(dsn: str, embedder: MiniLM) -> None:
    database = await Database.open(dsn)
    try:
        encoded = await embedder.encode_passages([f"Aripiprazole\n{text}" for text in TEXTS])
        offsets = [sum(len(t) + 1 for t in TEXTS[:i]) for i in range(len(TEXTS))]
        passages = [
            NewPassage(text=text, char_start=at, char_end=at + len(text))
            for text, at in zip(TEXTS, offsets, strict=True)
        ]
        source = NewSource(
            origin="aripiprazole.md",
            name="aripiprazole.md",
            title="Aripiprazole",
            kind="document",
            media_type="text/markdown",
            content_hash="0" * 64,
        )
        await LibraryStore(database).replace(
            LOCAL,
            [SourceVersion(source, list(zip(passages, encoded, strict=True)))],
            embedder=embedder.name,
            now=datetime(2026, 11, 20, tzinfo=UTC),
        )
    finally:
        await database.close()


@pytest.fixture(scope="session")
def stocked_template(
    postgres: EmbeddedServer, databases: Databases, migrated_template: str, embedder: MiniLM
) -> str:
    """A migrated database with one document of three passages, shared by all test packages."""
    name = _stocked.get(postgres.dsn)
    if name is None:
        name = _stocked[postgres.dsn] = f"stocked_{len(_stocked)}"
        databases.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
        _run(stock(postgres.dsn_of(name), embedder))
    return name


@pytest.fixture
def stocked_dsn(
    postgres: EmbeddedServer, databases: Databases, stocked_template: str
) -> Iterator[str]:
    """A fresh database with the small library."""
    name = databases.lease(stocked_template)
    yield postgres.dsn_of(name)
    databases.give_back(name, stocked_template)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    """The fake model service."""
    async with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def settings(stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path) -> Settings:
    """An application with the small library and the fake model service."""
    return app_settings(stocked_dsn, upstream, tmp_path)


def app_settings(dsn: str, upstream: FakeOpenAI, data_dir: Path, **changes: object) -> Settings:
    values = {
        "database_url": dsn,
        "data_dir": data_dir,
        "sample_library": False,
        "llm_provider": "openai",
        "openai_api_key": "test",
        "openai_base_url": upstream.base_url,
        "llm_model": "fake",
        "first_token_timeout_s": 5,
        "idle_timeout_s": 5,
        **changes,
    }
    return Settings.model_validate(values)


@pytest.fixture
async def server(settings: Settings, embedder: MiniLM) -> AsyncIterator[Serving]:
    async with serving(settings, embedder) as running:
        yield running


@pytest.fixture
async def client(server: Serving) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `server`."""
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as http:
        yield http
