"""The application with the real Databricks packages, against a workspace of our own.

Not part of the default run: `make test-databricks`, with the extra in `.venv-databricks`.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import databricks_langchain
import httpx
import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from tests.fakes.databricks_workspace import DatabricksWorkspace
from tests.harness.run_client import http_client
from tests.harness.serving import Serving, serving
from tests.stream.conftest import app_settings, embedder, stocked_dsn, stocked_template

__all__ = ["embedder", "stocked_dsn", "stocked_template"]

# Imported before the first server starts, because the import is slow on a busy machine.
assert databricks_langchain.ChatDatabricks


@pytest.fixture(autouse=True)
def _no_sign_in_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOST", "TOKEN", "CLIENT_ID", "CLIENT_SECRET", "CONFIG_PROFILE"):
        monkeypatch.delenv(f"DATABRICKS_{name}", raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none.cfg"))


@pytest.fixture
async def workspace() -> AsyncIterator[DatabricksWorkspace]:
    fake = DatabricksWorkspace()
    async with fake:
        yield fake


@pytest.fixture
def settings(stocked_dsn: str, workspace: DatabricksWorkspace, tmp_path: Path) -> Settings:
    return app_settings(
        stocked_dsn,
        workspace,
        tmp_path,
        llm_provider="databricks",
        databricks_host=workspace.host,
        databricks_token=workspace.pat,
        databricks_endpoint="fake",
    )


@pytest.fixture
async def server(settings: Settings, embedder: MiniLM) -> AsyncIterator[Serving]:
    async with serving(settings, embedder) as running:
        yield running


@pytest.fixture
async def client(server: Serving) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(server.url) as http:
        yield http
