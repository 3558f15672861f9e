"""`make soak`: mixed load, stops, reconnects, kills and restarts of two replicas behind nginx.

Runs for `SOAK_S` seconds (default 3600). Users ask, read, leave and return, stop, and lose their
connections, while replicas are killed, paused, restarted by hand and rolled. At the end, every
answer that a user saw is compared with the stored one, and the report is printed.
"""

import asyncio
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.config import environment
from app.db.pool import connect
from tests.fakes.openai_server import FakeOpenAI, Record, Reply
from tests.harness.nginx import nginx
from tests.harness.probes import LOST, processes, server_env
from tests.harness.process import ServerProcess
from tests.harness.sse import Viewer, frames
from tests.load.soak_report import Tally
from tests.stream.conftest import QUESTION

SOAK_S = float(environment("SOAK_S") or 3600)
PEOPLE = 24
GRACE_S = 4
FAULT_EVERY_S = (8.0, 20.0)
END_S = 60.0  # time for running requests to end once the time is up
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"

pytestmark = [pytest.mark.soak, pytest.mark.nginx, pytest.mark.faults]


def words(record: Record) -> list[str]:
    """Different in every answer, so that no text can be mistaken for another answer's."""
    return [f"{id(record) % 9973}w{number} " for number in range(150)]


@dataclass
class Soak:
    """The state of the test: where to ask, until when, and what happened."""

    url: str
    until: float
    rng: random.Random
    tally: Tally = field(default_factory=Tally)
    seen: list[tuple[str, str, Viewer]] = field(default_factory=list)  # session, run, viewer

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.until


async def person(soak: Soak, http: httpx.AsyncClient, number: int) -> None:
    """Asks one question after another, in a different way each time."""
    turn = 0
    while not soak.over:
        manner = soak.rng.choice(("read", "read", "leave", "stop", "cut", "second tab"))
        session = f"person-{number}-{turn // 5}"
        turn += 1
        try:
            await ask(soak, http, session, manner)
        except LOST:
            soak.tally.refused["connection"] += 1
            await asyncio.sleep(0.2)


async def ask(soak: Soak, http: httpx.AsyncClient, session: str, manner: str) -> None:
    viewer, began = Viewer(), time.monotonic()
    body = {"message": QUESTION, "session_id": session, "on_disconnect": "continue"}
    async with http.stream("POST", f"{soak.url}/chat", json=body) as response:
        if response.status_code != 200:
            await response.aread()
            soak.tally.refused[str(response.status_code)] += 1
            await asyncio.sleep(0.3)
            return
        soak.tally.asked += 1
        run_id = response.headers["x-run-id"]
        soak.seen.append((session, run_id, viewer))
        leave_after = soak.rng.randrange(1, 120)
        with suppress(*LOST):
            async for frame in frames(response):
                if frame.type == "token" and not viewer.text:
                    soak.tally.waited_s.append(time.monotonic() - began)
                take(viewer, frame)
                leave_after -= frame.type == "token"
                if manner != "read" and leave_after <= 0:
                    break
    if viewer.terminal is None:
        await after_leaving(soak, http, run_id, viewer, manner)


async def after_leaving(
    soak: Soak, http: httpx.AsyncClient, run_id: str, viewer: Viewer, manner: str
) -> None:
    """Stops, or reconnects as often as necessary; a second tab reads from the start."""
    if manner == "stop":
        with suppress(*LOST):
            receipt = await http.post(f"{soak.url}/runs/{run_id}/stop")
            soak.tally.stops[str(receipt.status_code)] += 1
    if manner == "leave":
        await asyncio.sleep(soak.rng.uniform(0, 2))
    readers = [viewer, Viewer()] if manner == "second tab" else [viewer]
    await asyncio.gather(*(follow(soak, http, run_id, reader) for reader in readers))
    if len(readers) == 2 and readers[0].text != readers[1].text:
        soak.tally.wrong.append(f"{run_id}: two tabs show different texts")


async def follow(soak: Soak, http: httpx.AsyncClient, run_id: str, viewer: Viewer) -> None:
    """Reconnects until the terminal event."""
    deadline = time.monotonic() + END_S
    while viewer.terminal is None:
        if time.monotonic() > deadline:
            soak.tally.wrong.append(f"{run_id}: no end within {END_S:g} s")
            return
        soak.tally.reconnects += 1
        headers = {"Last-Event-ID": str(viewer.position)} if viewer.position else {}
        with suppress(*LOST):
            url = f"{soak.url}/runs/{run_id}/events"
            async with http.stream("GET", url, headers=headers) as response:
                if response.status_code == 200:
                    async for frame in frames(response):
                        take(viewer, frame)
        if viewer.terminal is None:
            await asyncio.sleep(0.2)


def take(viewer: Viewer, frame: Any) -> None:
    viewer.take(frame)


async def trouble(soak: Soak, replicas: list[ServerProcess]) -> None:
    """One fault after another, never on both replicas at once."""
    while not soak.over:
        await asyncio.sleep(soak.rng.uniform(*FAULT_EVERY_S))
        replica = soak.rng.choice(replicas)
        fault = soak.rng.choice(("kill -9", "restart", "pause"))
        soak.tally.faults[fault] += 1
        if fault == "kill -9":
            await asyncio.to_thread(replica.kill)
        elif fault == "restart":
            replica.signal(signal.SIGTERM)
            await asyncio.to_thread(replica.wait)
        else:
            replica.signal(signal.SIGSTOP)
            await asyncio.sleep(soak.rng.uniform(0.5, 3))
            replica.signal(signal.SIGCONT)
            continue
        await asyncio.to_thread(replica.start, wait_s=120)


async def watch(soak: Soak, replicas: list[ServerProcess]) -> None:
    began = time.monotonic()
    while not soak.over:
        for number, replica in enumerate(replicas):
            soak.tally.measure(time.monotonic() - began, f"replica {number}", replica.pid)
        await asyncio.sleep(5)


async def compare(soak: Soak, http: httpx.AsyncClient) -> None:
    """Every text that was read to its end is the stored one, and every question is stored."""
    stored: dict[str, dict[str, Any]] = {}
    for session in {session for session, _, _ in soak.seen}:
        path = f"{soak.url}/conversations/{session}/messages?limit=100"
        for message in (await http.get(path)).json()["items"]:
            if message["run_id"]:
                stored[message["run_id"]] = message
    for _, run_id, viewer in soak.seen:
        message = stored.get(run_id)
        if message is None:
            soak.tally.wrong.append(f"{run_id}: is not stored")
            continue
        terminal = viewer.terminal
        end = terminal.content if terminal else {}
        soak.tally.ends[str(end.get("finish_reason") or end.get("code"))] += 1
        soak.tally.resets += viewer.resets
        soak.tally.tokens += viewer.text.count(" ")
        if message["status"] == "streaming":
            soak.tally.wrong.append(f"{run_id}: is still running")
        if terminal is None or viewer.text != message["content"]:
            soak.tally.wrong.append(
                f"{run_id}: {len(viewer.text)} characters were shown, "
                f"{len(message['content'])} are stored ({end})"
            )


@asynccontextmanager
async def patient_client() -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=30, limits=limits, trust_env=False) as http:
        yield http


@pytest.mark.timeout(SOAK_S + 600)
async def test_an_hour_of_everything(
    stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    upstream.always(Reply(tokens=words, pace_s=0.02))
    upstream.keep = 100  # it shares this process
    env = server_env(stocked_dsn, upstream, tmp_path, SHUTDOWN_GRACE_S=str(GRACE_S))
    connection = await connect(stocked_dsn)
    async with processes(2, env, forked=False) as replicas, patient_client() as http:
        with nginx(*(replica.port for replica in replicas)) as url:
            began = time.monotonic()
            soak = Soak(url, began + SOAK_S, random.Random(10))
            before = await connection.fetchval(CONNECTIONS)
            people = (person(soak, http, number) for number in range(PEOPLE))
            await asyncio.gather(*people, trouble(soak, replicas), watch(soak, replicas))
            await asyncio.sleep(15)  # the reaper closes the runs of the last kill
            await compare(soak, http)
            after = await connection.fetchval(CONNECTIONS)
        logs = "".join(replica.log for replica in replicas)
    await connection.close()
    soak.tally.wrong += sorted({line for line in logs.splitlines() if "Traceback" in line})
    sys.stdout.write(f"\n{soak.tally.report(time.monotonic() - began, (before, after))}\n")
    assert not soak.tally.wrong
    assert soak.tally.asked > SOAK_S
    assert after <= 2 * 20 + 1
