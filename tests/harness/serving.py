"""The real application behind a real uvicorn on the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from app.config import Settings
from app.domain.library_ports import PassageEncoder
from app.main import create_app
from app.server.container import Container
from tests.harness.openapi_conformance import Described, Watch


@dataclass
class Serving:
    """A running server; `url` has no trailing slash."""

    app: FastAPI
    url: str
    port: int
    runtime: Container
    described: Described
    """The conformance of its responses to the OpenAPI document."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serving(settings: Settings, embedder: PassageEncoder) -> AsyncIterator[Serving]:
    """Serve with lifespan until the block ends; then all responses must conform to OpenAPI."""
    app = create_app(settings, embedder=embedder)
    described = Described()
    app.add_middleware(Watch, described=described)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    config = uvicorn.Config(app, log_config=None, timeout_keep_alive=65, lifespan="on")
    server = uvicorn.Server(config)
    # The test runner keeps its own signal handlers.
    serve = asyncio.ensure_future(server._serve([sock]))
    async with asyncio.timeout(15):
        while not server.started and not serve.done():
            await asyncio.sleep(0.005)
    if serve.done():
        await serve
        raise AssertionError("the server did not start")
    runtime = await app.state.containers.get()
    try:
        yield Serving(app, f"http://127.0.0.1:{port}", port, runtime, described)
    finally:
        server.should_exit = True
        await serve
    assert not described.wrong, "\n".join(described.wrong)


@asynccontextmanager
async def serving_replicas(
    settings: Settings, embedder: PassageEncoder, *, count: int
) -> AsyncIterator[Sequence[Serving]]:
    """Separate applications that share the database and this event loop."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving(settings, embedder)) for _ in range(count)]
