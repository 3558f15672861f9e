"""Counts the resources of a process, and asks questions whose client disconnects."""

import asyncio
import gc
import random
from dataclasses import dataclass

import httpx
import psutil
import pytest

from app.db.pool import connect
from tests.harness.probes import LOST, eventually
from tests.harness.serving import Serving
from tests.stream.conftest import QUESTION

AT_ONCE = 20


@dataclass(frozen=True)
class Held:
    """The resources that must be equal before and after."""

    tasks: int
    sockets: int
    database_connections: int
    runs: int


def rss_mb() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss / 2**20)


async def held(server: Serving, dsn: str) -> Held:
    """Counted by asking the operating system and the database, not the code under test."""
    connection = await connect(dsn)
    try:
        open_connections = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        running = await connection.fetchval("SELECT count(*) FROM runs WHERE status = 'running'")
    finally:
        await connection.close()
    return Held(
        tasks=len(asyncio.all_tasks()),
        sockets=len(psutil.Process().net_connections(kind="all")),
        database_connections=int(open_connections),
        runs=int(running) + server.runtime.services.runs.active,
    )


async def settled(server: Serving, dsn: str, *, like: Held | None = None) -> Held:
    """The resources once they are stable, or equal to `like`."""
    last: list[Held] = []

    async def look() -> Held | None:
        now = await held(server, dsn)
        last.append(now)
        if like is not None:
            return now if now == like else None
        return now if last[-6:] == [now] * 6 else None

    try:
        return await eventually(look, within_s=20, every_s=0.2)
    except TimeoutError:
        return last[-1]


async def walk_away(client: httpx.AsyncClient, chance: random.Random) -> None:
    """Ask on a new connection, read a little, and close it."""
    pieces = chance.randint(0, 12)
    try:
        async with client.stream("POST", "/chat", json={"message": QUESTION}) as response:
            assert response.status_code == 200, await response.aread()
            received = response.aiter_raw()
            for _ in range(pieces):
                await anext(received)
    except LOST as error:
        pytest.fail(f"the server cut a connection: {error!r}")


async def cycles(url: str, count: int) -> None:
    """That many visits, `AT_ONCE` at a time."""
    chance = random.Random(count)
    visits = iter(range(count))
    limits = httpx.Limits(max_keepalive_connections=0)

    async with (
        httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client,
        asyncio.TaskGroup() as group,
    ):

        async def visitor() -> None:
            for _ in visits:
                await walk_away(client, chance)

        for _ in range(AT_ONCE):
            group.create_task(visitor())
