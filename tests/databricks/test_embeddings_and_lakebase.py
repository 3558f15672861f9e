"""Embeddings from an endpoint, and a database whose password expires."""

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.db.lakebase import RENEW_BEFORE, LakebasePassword, lakebase_password
from app.db.pool import Database, connect
from app.domain.errors import RunFailure, StoreUnavailable
from app.embeddings.databricks_embedder import DatabricksEmbedder
from tests.fakes.databricks_workspace import DatabricksWorkspace


@pytest.fixture
async def vectors(workspace: DatabricksWorkspace) -> DatabricksEmbedder:
    return await asyncio.to_thread(
        lambda: DatabricksEmbedder(endpoint="embedder", host=workspace.host, token=workspace.pat)
    )


async def test_vectors_are_of_unit_length_in_the_order_of_the_texts(
    vectors: DatabricksEmbedder, workspace: DatabricksWorkspace
) -> None:
    texts = [f"passage {number} of tea" for number in range(45)]
    rows = await vectors.embed_passages(texts)
    assert rows.shape == (45, 384)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.allclose(await vectors.embed_query(texts[44]), rows[44], atol=1e-6)
    assert vectors.name == "databricks:embedder"
    assert vectors.dimensions == 384
    assert len(workspace.calls) == 4  # twenty texts per request


async def test_a_busy_endpoint_is_tried_again(
    vectors: DatabricksEmbedder, workspace: DatabricksWorkspace
) -> None:
    workspace.busy = 1
    assert (await vectors.embed_query("tea")).shape == (384,)


async def test_an_expired_token_is_a_failed_retrieval(
    vectors: DatabricksEmbedder, workspace: DatabricksWorkspace
) -> None:
    workspace.expire_tokens()
    with pytest.raises(RunFailure, match="gave no vectors"):
        await vectors.embed_query("tea")


async def test_the_credential_is_the_password_of_new_connections(
    workspace: DatabricksWorkspace, stocked_dsn: str
) -> None:
    password = await asyncio.to_thread(
        lambda: lakebase_password("library", host=workspace.host, token=workspace.pat)
    )
    assert await password() == "pg-1"
    connection = await connect(stocked_dsn, password=password)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    database = await Database.open(stocked_dsn, max_size=2, password=password)
    await database.close()
    assert workspace.credentials == 1


async def test_it_is_renewed_before_it_expires_once_however_many_ask() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    issued: list[datetime] = []

    def issue() -> tuple[str, datetime]:
        issued.append(now)
        return f"token-{len(issued)}", now + timedelta(hours=1)

    password = LakebasePassword(issue, now=lambda: now)
    assert set(await asyncio.gather(*(password() for _ in range(8)))) == {"token-1"}
    now += timedelta(hours=1) - RENEW_BEFORE - timedelta(seconds=1)
    assert await password() == "token-1"
    now += timedelta(seconds=2)
    assert set(await asyncio.gather(*(password() for _ in range(8)))) == {"token-2"}


async def test_no_credential_is_a_database_that_cannot_be_reached(
    workspace: DatabricksWorkspace,
) -> None:
    password = await asyncio.to_thread(
        lambda: lakebase_password("library", host=workspace.host, token=workspace.pat)
    )
    workspace.expire_tokens()
    with pytest.raises(StoreUnavailable, match="no database credential"):
        await password()
