"""Viewers of several server processes on one database, which may be killed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from zlib import crc32

import httpx

from tests.fakes.openai_server import FakeOpenAI, Record
from tests.harness.process import ServerProcess
from tests.harness.sse import Frame, Viewer, frames

T = TypeVar("T")

LOST = (httpx.TransportError, httpx.StreamError)
"""The errors of a client whose server dies: every kind of broken connection."""


def server_env(dsn: str, upstream: FakeOpenAI, data_dir: Path, **more: str) -> dict[str, str]:
    """The environment of a replica that uses the fake model service."""
    return {
        "DATABASE_URL": dsn,
        "DATA_DIR": str(data_dir),
        "LLM_PROVIDER": "openai",
        "OPENAI_API_KEY": "test",
        "OPENAI_BASE_URL": upstream.base_url,
        "LLM_MODEL": "fake",
        **more,
    }


@asynccontextmanager
async def processes(
    count: int, env: dict[str, str], *, plain_uvicorn: bool = False, forked: bool = True
) -> AsyncIterator[list[ServerProcess]]:
    """Starts that many replicas in parallel; stops those still alive at the end."""
    servers = [
        ServerProcess(plain_uvicorn=plain_uvicorn, port=None, forked=forked, **env)
        for _ in range(count)
    ]
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
        yield servers
    finally:
        for server in servers:
            await asyncio.to_thread(server.__exit__, None, None, None)


def numbered_words(count: int) -> Callable[[Record], Sequence[str]]:
    """Distinct tokens, so that every repeat or gap is detected."""
    words = [f"w{number} " for number in range(count)]
    return lambda _: words


@dataclass
class ViewerProbe:
    """A client of one run that records each event with its number and time.

    `texts[id]` is the length and checksum of its whole text once it had taken frame `id`,
    `arrived[id]` the monotonic time.
    """

    run_id: str
    screen: Viewer = field(default_factory=Viewer)
    texts: dict[int, tuple[int, int]] = field(default_factory=dict)
    checksum: int = 0
    arrived: dict[int, float] = field(default_factory=dict)
    reset_ids: list[int] = field(default_factory=list)
    reading: "asyncio.Task[None] | None" = None

    def take(self, frame: Frame) -> None:
        """Apply a frame as a careful client does."""
        self.screen.take(frame)
        if frame.type == "reset":
            self.checksum = crc32(self.screen.text.encode())
        elif frame.type == "token":
            self.checksum = crc32(frame.content.encode(), self.checksum)
        now = (len(self.screen.text), self.checksum)
        assert self.texts.setdefault(frame.id, now) == now, f"number {frame.id} was used twice"
        self.arrived.setdefault(frame.id, time.monotonic())
        if frame.type == "reset":
            self.reset_ids.append(frame.id)

    async def read(self, response: httpx.Response) -> None:
        """Until the stream ends."""
        async for frame in frames(response):
            self.take(frame)

    async def finish(self) -> None:
        """Wait until the background reading has ended."""
        assert self.reading is not None
        await self.reading

    async def follow(self, client: httpx.AsyncClient, url: str) -> None:
        """One connection from the position reached so far, until it ends."""
        async with client.stream(
            "GET",
            f"{url}/runs/{self.run_id}/events",
            headers={"Last-Event-ID": str(self.screen.position)},
        ) as response:
            assert response.status_code == 200, await response.aread()
            await self.read(response)

    async def follow_to_the_end(
        self, client: httpx.AsyncClient, urls: Sequence[str], *, within_s: float
    ) -> None:
        """Reconnect to each replica in turn until the terminal event arrives."""
        async with asyncio.timeout(within_s):
            attempt = 0
            while self.screen.terminal is None:
                try:
                    await self.follow(client, urls[attempt % len(urls)])
                except LOST:
                    await asyncio.sleep(0.05)
                attempt += 1


async def ask_and_leave(
    client: httpx.AsyncClient, url: str, message: str, **body: object
) -> tuple[str, httpx.Response]:
    """Ask; the run continues if the connection is lost. The caller closes the response."""
    request = client.build_request(
        "POST",
        f"{url}/chat",
        json={"message": message, "on_disconnect": "continue", **body},
    )
    response = await client.send(request, stream=True)
    assert response.status_code == 200, await response.aread()
    return response.headers["x-run-id"], response


async def eventually(
    look: Callable[[], Awaitable[T | None]], *, within_s: float, every_s: float = 0.05
) -> T:
    """The first answer that is not None. Raises `TimeoutError`."""
    async with asyncio.timeout(within_s):
        while (found := await look()) is None:
            await asyncio.sleep(every_s)
    return found
