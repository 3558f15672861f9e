"""P9, M24: SIGTERM and Ctrl-C under load, with both ways of starting the server."""

import asyncio
import contextlib
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.metrics_scrape import scraped
from tests.harness.probes import (
    ViewerProbe,
    ask_and_leave,
    eventually,
    numbered_words,
    processes,
    server_env,
)
from tests.harness.process import ServerProcess
from tests.harness.run_client import http_client
from tests.stream.conftest import QUESTION

pytestmark = [pytest.mark.faults, pytest.mark.timeout(2 * 90)]

GRACE_S = 6
WAIT_S = 60
"""Limit of a wait that never completes. `make soak` measures the duration."""
# Slow enough that a busy machine can complete some of thirty within the grace period.
SHORT = Reply(tokens=numbered_words(12), pace_s=0.1)
LONG = Reply(tokens=numbered_words(600), pace_s=0.1)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=20, limits=limits) as http:
        yield http


async def read(probe: ViewerProbe, response: httpx.Response) -> None:
    try:
        await probe.read(response)
    finally:
        await response.aclose()


async def asked(client: httpx.AsyncClient, url: str, count: int) -> list[ViewerProbe]:
    """That many runs, each with a reader and past its first word."""
    opened = await asyncio.gather(*(ask_and_leave(client, url, QUESTION) for _ in range(count)))
    probes = []
    for run_id, response in opened:
        probe = ViewerProbe(run_id)
        probe.reading = asyncio.ensure_future(read(probe, response))
        probes.append(probe)

    async def all_begun() -> bool | None:
        return all(w.screen.text for w in probes) or None

    await eventually(all_begun, within_s=20)
    return probes


async def draining(client: httpx.AsyncClient, url: str) -> bool | None:
    ready = await client.get(f"{url}/health/ready")
    return True if ready.status_code == 503 and ready.json()["draining"] else None


async def drain_under_load(
    client: httpx.AsyncClient, server: ServerProcess, upstream: FakeOpenAI, streams: int
) -> tuple[Counter[str], float]:
    """SIGTERM with streams open; returns how they ended, and the seconds until the exit."""
    upstream.always(SHORT)
    probes = await asked(client, server.url, streams // 2)
    upstream.always(LONG)
    probes += await asked(client, server.url, streams // 2)
    server.signal(signal.SIGTERM)
    signalled = time.monotonic()
    await eventually(lambda: draining(client, server.url), within_s=WAIT_S)
    refused = await client.post(f"{server.url}/chat", json={"message": QUESTION})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
    assert "retry-after" in refused.headers
    late = ViewerProbe(probes[-1].run_id)
    following = asyncio.ensure_future(late.follow(client, server.url))
    stopped = await client.post(f"{server.url}/runs/{probes[-2].run_id}/stop")
    assert stopped.status_code == 200
    assert stopped.json()["stopped"] is True
    await asyncio.gather(following, *(w.reading for w in probes if w.reading))
    await asyncio.to_thread(server.wait, WAIT_S)
    seconds = time.monotonic() - signalled
    ends = Counter[str]()
    for probe in [*probes, late]:
        terminal = probe.screen.terminal
        assert terminal is not None
        assert terminal.content["saved"] is True
        ends[terminal.content.get("finish_reason") or terminal.content["code"]] += 1
    assert late.screen.text == probes[-1].screen.text
    return ends, seconds


async def check_saved(
    client: httpx.AsyncClient, dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    """All text shown is stored after a restart, and no run is still active."""
    async with processes(1, server_env(dsn, upstream, tmp_path)) as (server,):
        conversations = (await client.get(f"{server.url}/conversations?limit=100")).json()["items"]
        assert conversations
        for conversation in conversations:
            assert conversation["active_run_id"] is None
            path = f"{server.url}/conversations/{conversation['session_id']}/messages"
            messages = (await client.get(path)).json()["items"]
            assert messages[-1]["status"] in {"complete", "stopped", "error"}
            assert messages[-1]["content"].startswith("w0 ")


@pytest.mark.parametrize("plain_uvicorn", [False, True], ids=["app.main", "plain uvicorn"])
async def test_a_signal_under_load_lets_answers_end(
    plain_uvicorn: bool,
    client: httpx.AsyncClient,
    stocked_dsn: str,
    upstream: FakeOpenAI,
    tmp_path: Path,
) -> None:
    env = server_env(stocked_dsn, upstream, tmp_path, SHUTDOWN_GRACE_S=str(GRACE_S))
    async with processes(1, env, plain_uvicorn=plain_uvicorn) as (server,):
        ends, _ = await drain_under_load(client, server, upstream, 30)
        assert "Traceback" not in server.log, server.log
    assert ends["stop"] >= 5
    assert ends["INTERRUPTED"] >= 10
    assert ends["stopped"] == 1
    if not plain_uvicorn:
        await check_saved(client, stocked_dsn, upstream, tmp_path)


async def figures_of_both(server: ServerProcess) -> bool | None:
    """Each worker reports the state of both."""
    async with http_client(server.url) as http:
        now = await scraped(http)
    both = len(now.labels("worker")) == 2 and now.total("citestream_active_runs") == 8
    return both or None


async def test_two_workers_are_one_server_and_drain_as_one(
    client: httpx.AsyncClient, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    env = server_env(stocked_dsn, upstream, tmp_path, SHUTDOWN_GRACE_S="2", WORKERS="2")
    async with processes(1, env) as (server,):
        upstream.always(LONG)
        probes = await asked(client, server.url, 8)
        await eventually(lambda: figures_of_both(server), within_s=20)
        others = [ViewerProbe(w.run_id) for w in probes for _ in range(3)]
        for other in others:  # each on a new connection, which any worker may accept
            other.reading = asyncio.ensure_future(other.follow(client, server.url))
        stops = [client.post(f"{server.url}/runs/{w.run_id}/stop") for w in probes[:5]]
        for receipt in await asyncio.gather(*stops):
            assert receipt.status_code == 200
            assert receipt.json()["stopped"] is True
        stopped = {w.run_id for w in probes[:5]}
        ended = [w for w in (*probes, *others) if w.run_id in stopped]
        await asyncio.gather(*(w.reading for w in ended if w.reading))
        server.signal(signal.SIGTERM)
        await asyncio.gather(*(w.reading for w in probes if w.reading))
        await asyncio.gather(*(w.reading for w in others if w.reading))
        await asyncio.to_thread(server.wait, WAIT_S)
        assert "Traceback" not in server.log, server.log
    whole = {w.run_id: w.screen for w in probes}
    for probe in (*probes, *others):
        terminal = probe.screen.terminal
        if probe.run_id in stopped:
            assert terminal is not None
            assert terminal.content["finish_reason"] == "stopped"
        elif terminal is not None:
            assert terminal.content["code"] == "INTERRUPTED"
        assert whole[probe.run_id].text.startswith(probe.screen.text)
        assert terminal is None or probe.screen.text == whole[probe.run_id].text
    assert all(w.screen.terminal is not None for w in probes)


def connected(server: ServerProcess, request: str = "", *, buffer: int = 0) -> socket.socket:
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(f"GET {request or '/health'} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    if not request:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    return connection


@pytest.mark.parametrize("plain_uvicorn", [False, True], ids=["app.main", "plain uvicorn"])
async def test_ctrl_c_with_idle_pages_open_exits_quickly(
    plain_uvicorn: bool, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    """Long before the end of the grace period, which is for running answers."""
    env = server_env(stocked_dsn, upstream, tmp_path, SHUTDOWN_GRACE_S=str(10 * WAIT_S))
    async with processes(1, env, plain_uvicorn=plain_uvicorn) as (server,):
        with contextlib.ExitStack() as open_pages:
            for _ in range(10):
                open_pages.enter_context(await asyncio.to_thread(connected, server))
            server.signal(signal.SIGINT)
            await asyncio.to_thread(server.wait, WAIT_S)
        assert "Traceback" not in server.log, server.log


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("plain_uvicorn", [False, True], ids=["app.main", "plain uvicorn"])
async def test_a_second_ctrl_c_ends_answers_at_once_and_tells_their_readers(
    plain_uvicorn: bool,
    count: int,
    client: httpx.AsyncClient,
    stocked_dsn: str,
    upstream: FakeOpenAI,
    tmp_path: Path,
) -> None:
    upstream.always(LONG)
    env = server_env(stocked_dsn, upstream, tmp_path, SHUTDOWN_GRACE_S=str(10 * WAIT_S))
    async with processes(1, env, plain_uvicorn=plain_uvicorn) as (server,):
        probes = await asked(client, server.url, count)
        server.signal(signal.SIGINT)
        await eventually(lambda: draining(client, server.url), within_s=WAIT_S)
        server.signal(signal.SIGINT)
        await asyncio.gather(*(w.reading for w in probes if w.reading))
        await asyncio.to_thread(server.wait, WAIT_S)
        whose = "1 answer has" if count == 1 else f"{count} answers have"
        them = "it" if count == 1 else "them"
        told = f"{whose} {10 * WAIT_S} s to finish; a second Ctrl-C ends {them} now"
        assert server.log.count(told) == 1, server.log
        assert server.log.count("Shutting down now") == 1, server.log
        assert "Traceback" not in server.log, server.log
    for probe in probes:
        terminal = probe.screen.terminal
        assert terminal is not None
        assert (terminal.content["code"], terminal.content["saved"]) == ("INTERRUPTED", True)
    async with processes(1, env) as (server,):
        listed = (await client.get(f"{server.url}/conversations")).json()["items"]
        assert [one["active_run_id"] for one in listed] == [None] * count


async def test_the_supervisors_signal_is_no_second_ctrl_c(
    client: httpx.AsyncClient, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    """A terminal sends SIGINT to all workers; their supervisor then sends each a SIGTERM."""
    upstream.always(SHORT)
    env = server_env(stocked_dsn, upstream, tmp_path, SHUTDOWN_GRACE_S=str(10 * WAIT_S))
    async with processes(1, env) as (server,):
        probes = await asked(client, server.url, 2)
        server.signal(signal.SIGINT)
        await eventually(lambda: draining(client, server.url), within_s=WAIT_S)
        server.signal(signal.SIGTERM)
        await asyncio.gather(*(w.reading for w in probes if w.reading))
        await asyncio.to_thread(server.wait, WAIT_S)
        assert "Traceback" not in server.log, server.log
    for probe in probes:
        terminal = probe.screen.terminal
        assert terminal is not None
        assert terminal.content["finish_reason"] == "stop"


async def test_a_third_ctrl_c_prints_no_traceback(
    client: httpx.AsyncClient, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    upstream.always(LONG)
    env = server_env(stocked_dsn, upstream, tmp_path, SHUTDOWN_GRACE_S=str(10 * WAIT_S))
    async with processes(1, env) as (server,):
        probes = await asked(client, server.url, 2)
        server.signal(signal.SIGINT)
        await eventually(lambda: draining(client, server.url), within_s=WAIT_S)
        server.signal(signal.SIGINT)
        server.signal(signal.SIGINT)
        await asyncio.to_thread(server.wait, WAIT_S)
        readings = [w.reading for w in probes if w.reading]
        await asyncio.gather(*readings, return_exceptions=True)
        assert "Traceback" not in server.log, server.log


async def test_viewers_that_never_read_do_not_hold_the_server_back(
    client: httpx.AsyncClient, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    upstream.always(Reply(tokens=["word " * 200], length=4000))
    env = server_env(stocked_dsn, upstream, tmp_path, SHUTDOWN_GRACE_S="1")
    async with processes(1, env) as (server,):
        run_id, response = await ask_and_leave(client, server.url, QUESTION)
        await read(ViewerProbe(run_id), response)
        with contextlib.ExitStack() as deaf:
            for _ in range(10):
                path = f"/runs/{run_id}/events"
                viewer = await asyncio.to_thread(connected, server, path, buffer=4096)
                deaf.enter_context(viewer)
            server.signal(signal.SIGTERM)
            await asyncio.to_thread(server.wait, WAIT_S)
        assert "Traceback" not in server.log, server.log
