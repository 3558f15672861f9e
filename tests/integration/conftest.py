"""The application without a lifespan, with an embedded database in an empty folder."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.config import Settings
from app.embeddings.minilm import MiniLM
from app.main import create_app
from tests.harness.openapi_conformance import Described, Watch
from tests.stream.conftest import embedder

__all__ = ["embedder"]


@pytest.fixture(scope="module")
def app(embedder: MiniLM) -> Iterator[FastAPI]:
    """One application for the event loops of all tests, started by its first request."""
    data_dir = Path(tempfile.mkdtemp(prefix="citestream-tests-"))
    data_dir.chmod(0o755)
    settings = Settings.model_validate(
        {
            "data_dir": data_dir,
            "database_url": None,
            "sample_library": False,
            "llm_provider": "extractive",
            "extractive_tokens_per_s": 0,
        }
    )
    app = create_app(settings, embedder=embedder)
    described = Described()
    app.add_middleware(Watch, described=described)
    yield app
    app.state.containers.process.release()
    shutil.rmtree(data_dir)
    assert not described.wrong, "\n".join(described.wrong)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the application on the test's own loop, without a server."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http
