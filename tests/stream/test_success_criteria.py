"""FR-019, SC-001 to SC-003, P10: what the sources ask of streams and log, by order, not by clock.

Each word is sent only once the previous one was read, so that a buffered word never completes.
`make bench` measures the duration of words and stages (F2b, F3, F4) beside its baseline.
"""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.run_client import asking, is_token
from tests.harness.serving import Serving
from tests.harness.sse import Viewer, parse
from tests.stream.conftest import QUESTION

PACE_S = 0.02
PIECES = [f"word{number} " for number in range(60)]
MEANT_TO_STALL = 12


async def test_the_first_token_waits_for_no_second_and_its_time_is_logged(
    client: httpx.AsyncClient, upstream: FakeOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    upstream.script(Reply(tokens=PIECES, stall_after=1))
    async with asking(client, QUESTION) as asked:
        await asked.until(is_token)
        assert asked.viewer.text == PIECES[0]
    assert sum(line.startswith("First token after") for line in caplog.messages) == 1


async def test_no_token_waits_for_another(client: httpx.AsyncClient, upstream: FakeOpenAI) -> None:
    permits = asyncio.Semaphore(1)
    upstream.script(Reply(tokens=PIECES, permits=permits))
    async with asking(client, QUESTION) as asked:
        for count in range(1, len(PIECES) + 1):
            await asked.until(is_token)
            assert asked.viewer.text == "".join(PIECES[:count])
            permits.release()
        await asked.rest()


async def test_a_change_of_stage_waits_for_nothing(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    """All events before the model's are available while the model is silent."""
    upstream.script(Reply(tokens=PIECES, permits=asyncio.Semaphore(0)))
    async with asking(client, QUESTION) as asked:
        await asked.until(lambda frame: frame.type == "generation_start")
        assert not any(frame.type == "token" for frame in asked.seen)
        assert upstream.requests[-1:] == [] or upstream.requests[-1].tokens_sent == 0
        stages = [frame.type for frame in asked.seen]
    assert stages[0] == "run_start"
    assert stages.index("retrieval_start") < stages.index("retrieval_complete")


async def test_a_lost_client_is_logged(
    client: httpx.AsyncClient, upstream: FakeOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    upstream.script(Reply(tokens=PIECES, stall_after=3))
    async with asking(client, QUESTION) as asked:
        await asked.until(is_token)
        run_id = asked.run_id
    await upstream.wait_for(lambda record: record.closed_by_client_at is not None)
    assert f"Stream cancelled by client (run {run_id})" in caplog.messages


@pytest.fixture
async def unread(server: Serving) -> AsyncIterator[list[socket.socket]]:
    """Sockets that can follow a run and receive next to nothing until someone reads."""
    sockets = [socket.socket() for _ in range(MEANT_TO_STALL)]
    for one in sockets:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", server.port))
    yield sockets
    for one in sockets:
        one.close()


async def test_viewers_that_do_not_read_hold_nobody_up_and_lose_nothing(
    client: httpx.AsyncClient, upstream: FakeOpenAI, unread: list[socket.socket]
) -> None:
    loop = asyncio.get_running_loop()
    pieces = [f"{number:04d} {'x' * 2000} " for number in range(1200)]
    upstream.script(Reply(tokens=pieces, pace_s=0.001))
    async with asking(client, QUESTION) as asked:
        await asked.until(is_token)
        for one in unread:
            request = f"GET /runs/{asked.run_id}/events HTTP/1.1"
            headers = "Host: localhost\r\nConnection: close"
            await loop.sock_sendall(one, f"{request}\r\n{headers}\r\n\r\n".encode())
        await asked.rest()
    whole = "".join(pieces)
    assert asked.viewer.text == whole
    for one in unread[:3]:
        viewer = await read_late(one)
        assert viewer.text == whole
        assert viewer.terminal is not None


async def read_late(one: socket.socket) -> Viewer:
    """The events for a viewer that starts reading only now."""
    data = b""
    while chunk := await asyncio.get_running_loop().sock_recv(one, 1 << 20):
        data += chunk
    viewer = Viewer()
    body = unchunked(data.partition(b"\r\n\r\n")[2])
    for block in body.removesuffix(b"\n\n").split(b"\n\n"):
        viewer.take(parse(block))
    return viewer


def unchunked(data: bytes) -> bytes:
    """The body of a chunked response."""
    parts: list[bytes] = []
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        parts.append(rest[:length])
        data = rest[length + 2 :]
    return b"".join(parts)
