"""The fault proxy cuts, stalls and splits exactly where scripted."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.fakes.fault_proxy import FaultProxy, Faults, Flow
from tests.fakes.fault_proxy_thread import FaultProxyThread
from tests.fakes.openai_server import FakeOpenAI, Reply, closed_port
from tests.fakes.proxied import Sizes, open_upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.fakes.proxied import Cut, Ends

LONG = bytes(range(256)) * 40


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()


@asynccontextmanager
async def echoing() -> AsyncIterator[tuple[str, int]]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()


@asynccontextmanager
async def connected(proxy: FaultProxy) -> AsyncIterator[Ends]:
    reader, writer = await open_upstream(("127.0.0.1", proxy.port))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@pytest.mark.asyncio
async def test_bytes_pass_unchanged_and_are_counted() -> None:
    async with echoing() as upstream, FaultProxy(upstream=upstream) as proxy:
        async with connected(proxy) as (reader, writer):
            writer.write(LONG)
            writer.write_eof()
            assert await reader.read(-1) == LONG
        await proxy.wait_until(lambda: proxy.open_connections == 0)
        (connection,) = proxy.connections
        assert proxy.stats() == {
            "connections": 1,
            "open_connections": 0,
            "bytes_up": len(LONG),
            "bytes_down": len(LONG),
        }
    assert connection.ended_by == "client"


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_cut_after_exactly_n_bytes(how: Cut) -> None:
    faults = Faults(down=Flow(cut_after=1_000, cut=how))
    async with echoing() as upstream, FaultProxy(upstream=upstream) as proxy:
        proxy.script(faults)
        async with connected(proxy) as (reader, writer):
            writer.write(LONG)
            assert await reader.readexactly(1_000) == LONG[:1_000]
            if how == "fin":
                assert await reader.read(1) == b""
            else:
                with pytest.raises(ConnectionResetError):
                    await reader.read(1)
        assert proxy.bytes_down == 1_000
        assert proxy.connections[0].ended_by == "proxy"
        async with connected(proxy) as (reader, writer):
            writer.write(LONG)
            assert await reader.readexactly(len(LONG)) == LONG


@pytest.mark.asyncio
async def test_cut_of_the_question_before_a_byte_passed_and_at_a_time() -> None:
    async with echoing() as upstream, FaultProxy(upstream=upstream) as proxy:
        proxy.script(Faults(up=Flow(cut_after=0)), Faults(down=Flow(cut_at_s=0.05)))
        async with connected(proxy) as (reader, _):
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
        async with connected(proxy) as (reader, writer):
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
        timed = proxy.connections[1]
    assert timed.ended_at is not None
    assert timed.ended_at - timed.opened_at >= 0.045


@pytest.mark.asyncio
async def test_a_stall_holds_bytes_until_released() -> None:
    async with echoing() as upstream, FaultProxy(upstream=upstream) as proxy:
        proxy.script(Faults(down=Flow(stall_after=10)))
        async with connected(proxy) as (reader, writer):
            writer.write(LONG)
            assert await reader.readexactly(10) == LONG[:10]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.05)
            assert proxy.bytes_down == 10
            proxy.release()
            assert await reader.readexactly(len(LONG) - 10) == LONG[10:]
            proxy.stall_all()
            writer.write(b"more")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.05)
            proxy.release()
            assert await reader.readexactly(4) == b"more"


@pytest.mark.asyncio
async def test_delay_and_throttle_take_their_time() -> None:
    async with echoing() as upstream, FaultProxy(upstream=upstream) as proxy:
        proxy.script(Faults(up=Flow(delay_s=0.05)), Faults(down=Flow(bytes_per_s=20_000)))
        for sent, least_s in ((b"x", 0.045), (LONG[:2_000], 0.095)):
            async with connected(proxy) as (reader, writer):
                before = time.monotonic()
                writer.write(sent)
                assert await reader.readexactly(len(sent)) == sent
                assert time.monotonic() - before >= least_s


def test_writes_have_the_sizes_asked_for_and_stop_at_a_cut() -> None:
    plan = Sizes(Flow(chunk_sizes=(1, 2, 5), cut_after=14))
    sizes: list[int] = []
    while (passed := sum(sizes)) < 14:
        sizes.append(plan.take(100, passed=passed))
    assert sizes == [1, 2, 5, 1, 2, 3]


@pytest.mark.asyncio
async def test_an_answer_in_small_pieces_is_still_the_answer() -> None:
    async with FakeOpenAI() as fake, FaultProxy(upstream=("127.0.0.1", fake.port)) as proxy:
        proxy.default = Faults(up=Flow(chunk_sizes=(7,)), down=Flow(chunk_sizes=(1, 2, 5)))
        fake.script(Reply(tokens=["whole"]))
        async with httpx.AsyncClient() as client:
            url = f"http://127.0.0.1:{proxy.port}/v1/chat/completions"
            response = await client.post(url, json={"messages": []})
    assert response.json()["choices"][0]["message"]["content"] == "whole"


@pytest.mark.asyncio
async def test_refusing_and_accepting_again_on_the_same_port() -> None:
    async with echoing() as upstream, FaultProxy(upstream=upstream) as proxy:
        port = proxy.port
        await proxy.refuse(True)
        with pytest.raises(ConnectionRefusedError):
            await open_upstream(("127.0.0.1", port))
        await proxy.refuse(False)
        async with connected(proxy) as (reader, writer):
            writer.write(b"again")
            assert await reader.readexactly(5) == b"again"
        assert proxy.port == port


@pytest.mark.asyncio
async def test_an_upstream_that_refuses_resets_the_client() -> None:
    with closed_port() as port:
        async with FaultProxy(upstream=("127.0.0.1", port)) as proxy, connected(proxy) as ends:
            with pytest.raises(ConnectionResetError):
                await ends[0].read(1)
            assert proxy.connections[0].ended_by == "upstream"


@pytest.mark.asyncio
async def test_the_close_of_a_client_reaches_the_upstream_through_the_proxy() -> None:
    async with FakeOpenAI() as fake, FaultProxy(upstream=("127.0.0.1", fake.port)) as proxy:
        fake.script(Reply(stall_after=1))
        url = f"http://127.0.0.1:{proxy.port}/v1/chat/completions"
        async with (
            httpx.AsyncClient() as client,
            client.stream("POST", url, json={"stream": True, "messages": []}),
        ):
            await fake.wait_for(lambda r: r.tokens_sent == 1)
        record = await fake.wait_for(lambda r: r.closed_by_client_at is not None)
    assert not record.completed


@pytest.mark.asyncio
async def test_unix_sockets_under_a_postgresql_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "faulty").mkdir()
    real = tmp_path / "real" / ".s.PGSQL.5432"
    faulty = tmp_path / "faulty" / ".s.PGSQL.5432"
    server = await asyncio.start_unix_server(echo, real)
    async with FaultProxy(upstream=real, listen=faulty) as proxy:
        reader, writer = await open_upstream(faulty)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        assert proxy.cut_all() == 1
        assert await reader.read(1) == b""
        writer.close()
        await proxy.refuse(True)
        with pytest.raises(ConnectionRefusedError):
            await open_upstream(faulty)
        await proxy.refuse(False)
        reader, writer = await open_upstream(faulty)
        writer.write(b"back")
        assert await reader.readexactly(4) == b"back"
        writer.close()
    server.close()
    assert not faulty.exists()


def test_from_a_thread_for_synchronous_harnesses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with FaultProxyThread(upstream=server.getsockname()[:2]) as proxy:
            proxy.script(Faults(up=Flow(stall_after=2)))
            with socket.create_connection(("127.0.0.1", proxy.port)) as client:
                answer, _ = server.accept()
                with answer:
                    client.sendall(b"abcd")
                    assert answer.recv(4) == b"ab"
                    proxy.release()
                    assert answer.recv(4) == b"cd"
                    assert proxy.cut_all("fin") == 1
                    assert client.recv(1) == b""
            proxy.wait_until(lambda: proxy.proxy.open_connections == 0)
            proxy.refuse(True)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", proxy.port))
        assert proxy.proxy.stats()["bytes_up"] == 4


@pytest.mark.asyncio
async def test_as_a_process_with_a_control_port() -> None:
    async with echoing() as (host, port):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fakes.fault_proxy_process"),
            *("--upstream", f"{host}:{port}"),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            words = (await process.stdout.readline()).decode().split()
            ports = {k: int(v) for k, _, v in (w.partition("=") for w in words) if v}
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['control']}") as client:
                order = {"script": [{"down": {"cut_after": 3, "cut": "fin"}}]}
                assert (await client.post("/_control", json=order)).status_code == 200
                reader, writer = await open_upstream(("127.0.0.1", ports["listen"]))
                writer.write(b"abcdef")
                assert await reader.read(-1) == b"abc"
                writer.close()
                bad = [
                    (await client.post("/_control", json=order)).status_code
                    for order in ({"cut": "rst"}, {"script": [{"down": {"after": 1}}]})
                ]
                stats = (await client.get("/_stats")).json()
        finally:
            process.terminate()
            await process.wait()
    assert bad == [400, 400]
    assert (stats["connections"], stats["bytes_down"]) == (1, 3)
