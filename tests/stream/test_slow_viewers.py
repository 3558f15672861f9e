"""P10: viewers that never read do not affect others."""

import asyncio
import select
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import ViewerProbe, ask_and_leave, eventually, processes, server_env
from tests.harness.process import ServerProcess
from tests.harness.run_client import asking, http_client, is_token
from tests.stream.conftest import QUESTION

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

DEAF = 200
MORE_MB = 64
WORDS = [f"w{number} " for number in range(60)]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as http:
        yield http


def deaf_viewer(server: ServerProcess, run_id: str) -> socket.socket:
    """Requests the whole run and never reads a byte of it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    request = f"GET /runs/{run_id}/events HTTP/1.1\r\nHost: test\r\n\r\n"
    connection.sendall(request.encode())
    return connection


async def all_served(viewers: list[socket.socket]) -> bool | None:
    """The server has responded to each of them, and may continue as far as it can."""
    answered, _, _ = select.select(viewers, [], [], 0)
    return len(answered) == len(viewers) or None


async def settled_mb(process: psutil.Process) -> float:
    """Resident megabytes once they have stopped growing."""
    before, now = -1.0, process.memory_info().rss / 2**20
    async with asyncio.timeout(20):
        while now - before > 0.5:
            await asyncio.sleep(0.5)
            before, now = now, process.memory_info().rss / 2**20
    return float(now)


async def long_answer(client: httpx.AsyncClient, url: str) -> ViewerProbe:
    """A run that is larger than all buffers on the path."""
    run_id, response = await ask_and_leave(client, url, QUESTION)
    long = ViewerProbe(run_id)
    await long.read(response)
    await response.aclose()
    assert len(long.screen.text) > 1_000_000
    return long


async def test_two_hundred_viewers_that_never_read(
    client: httpx.AsyncClient, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    """Meanwhile another answer arrives word by word: each is sent once the previous was read."""
    upstream.script(Reply(tokens=["a long word, " * 1000], length=600))
    async with processes(1, server_env(stocked_dsn, upstream, tmp_path)) as (server,):
        process = psutil.Process(server.pid)
        long = await long_answer(client, server.url)
        before_mb = await settled_mb(process)
        with ExitStack() as deaf:
            viewers = [deaf.enter_context(deaf_viewer(server, long.run_id)) for _ in range(DEAF)]
            await eventually(lambda: all_served(viewers), within_s=60)
            more_mb = await settled_mb(process) - before_mb
            assert more_mb <= MORE_MB, f"{DEAF} deaf viewers take {more_mb:.1f} MB more"
            permits = asyncio.Semaphore(1)
            upstream.script(Reply(tokens=WORDS, permits=permits))
            async with http_client(server.url) as http, asking(http, QUESTION) as asked:
                for count in range(1, len(WORDS) + 1):
                    await asked.until(is_token)
                    assert asked.viewer.text == "".join(WORDS[:count])
                    permits.release()
                assert (await asked.rest()).type == "done"
            replay = ViewerProbe(long.run_id)
            await replay.follow(client, server.url)
            assert replay.screen.text == long.screen.text
