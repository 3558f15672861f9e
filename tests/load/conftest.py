"""The same library, model service and servers as the stream tests."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.stream.conftest import (
    client,
    embedder,
    server,
    settings,
    stocked_dsn,
    stocked_template,
    upstream,
)

__all__ = [
    "client",
    "embedder",
    "server",
    "settings",
    "stocked_dsn",
    "stocked_template",
    "upstream",
]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A client without a limit on connections."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client:
        yield client
