"""P14: the long-term memory growth of a server per kind of request.

Each kind runs against its own server for a third of `SOAK_S` seconds (default 3600), at `SOAK_RATE`
requests a second (default 10; uploads at a quarter of it). The rate is fixed because memory that is
kept for a while follows the rate, so that a drifting rate would look like a leak. The slope is that
of a line through the resident memory after the warm-up, in which caches fill. It is compared with
the limit if enough time is left after the warm-up; a short run only reports it.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import linear_regression
from typing import Final

import httpx
import psutil
import pytest

from app.config import environment
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import numbered_words, processes, server_env
from tests.harness.run_client import asking, is_token
from tests.stream.conftest import QUESTION

SOAK_S: Final = float(environment("SOAK_S") or 3600)
RATE: Final = float(environment("SOAK_RATE") or 10)
BEGINNING_S: Final = 600.0
GATE_MB_AN_HOUR: Final = 10.0
AT_MOST: Final = 64
"""Requests that may wait for the server; with more, the rate falls and the report says so."""
FILES: Final = 4
MEGABYTE: Final = 2**20
LONG: Final = Reply(tokens=numbered_words(2_000), pace_s=0.01)
SHORT: Final = Reply(tokens=numbered_words(100))
V1: Final = {"model": "citestream", "messages": [{"role": "user", "content": QUESTION}]}

pytestmark = pytest.mark.soak


async def question(http: httpx.AsyncClient, number: int) -> None:
    async with asking(http, QUESTION, session_id=f"q-{number}") as asked:
        await asked.rest()


async def upload(http: httpx.AsyncClient, number: int) -> None:
    """The same few files with new contents, so that the library does not grow."""
    text = f"Oolong number {number} is brewed at ninety degrees for three minutes.".encode()
    files = [("file", (f"oolong-{number % FILES}.txt", text))]
    uploaded = await http.post("/sources", files=files)
    assert uploaded.status_code == 202, uploaded.text
    await http.get(f"/jobs/{uploaded.json()['job_id']}/events")


async def completion(http: httpx.AsyncClient, number: int) -> None:
    body = {**V1, "stream": number % 2 == 0}
    assert (await http.post("/v1/chat/completions", json=body)).status_code == 200


async def stop(http: httpx.AsyncClient, number: int) -> None:
    async with asking(http, QUESTION, session_id=f"s-{number}") as asked:
        await asked.until(is_token)
        assert (await http.post(f"/runs/{asked.run_id}/stop")).status_code == 200
        await asked.rest()


async def disconnect(http: httpx.AsyncClient, number: int) -> None:
    async with asking(http, QUESTION, session_id=f"d-{number}") as asked:
        await asked.until(is_token)


@dataclass(frozen=True)
class Kind:
    """Requests of one kind, their expected responses, and their share of the rate."""

    ask: Callable[[httpx.AsyncClient, int], Awaitable[None]]
    reply: Reply
    share: float = 1.0


KINDS: Final = {
    "questions": Kind(question, SHORT),
    "uploads": Kind(upload, SHORT, share=0.25),
    "/v1": Kind(completion, SHORT),
    "stops": Kind(stop, LONG),
    "disconnects": Kind(disconnect, LONG),
}


@dataclass
class Memory:
    """Resident memory of one server over time.

    Its pages of files (libraries, the model) come and go with what else the machine does, so what
    is left without them is reported too.
    """

    requests: int = 0
    samples: list[tuple[float, float, int]] = field(default_factory=list)  # seconds, MB, requests
    anonymous: list[float] = field(default_factory=list)  # MB without pages of files, per sample

    def sample(self, at_s: float, pid: int) -> None:
        memory = psutil.Process(pid).memory_info()
        self.samples.append((at_s, memory.rss / MEGABYTE, self.requests))
        self.anonymous.append((memory.rss - memory.shared) / MEGABYTE)

    def after(self, beginning_s: float) -> "Memory":
        """Without the warm-up."""
        left = sum(one[0] >= beginning_s for one in self.samples)
        return Memory(self.requests, self.samples[-left:], self.anonymous[-left:])

    def mb_an_hour(self) -> float:
        seconds, resident, _ = zip(*self.samples, strict=True)
        return linear_regression(seconds, resident).slope * 3600

    def anonymous_mb_an_hour(self) -> float:
        seconds = [at_s for at_s, _, _ in self.samples]
        return linear_regression(seconds, self.anonymous).slope * 3600

    def kb_a_request(self) -> float:
        _, resident, requests = zip(*self.samples, strict=True)
        return linear_regression(requests, resident).slope * 1024


async def drive(kind: Kind, url: str, pid: int, seconds: float) -> Memory:
    """Ask at the kind's rate, however long the answers take."""
    memory, began, every_s = Memory(), time.monotonic(), 1 / (RATE * kind.share)
    room = asyncio.Semaphore(AT_MOST)

    async def ask(http: httpx.AsyncClient, number: int) -> None:
        try:
            await kind.ask(http, number)
            memory.requests += 1
        finally:
            room.release()

    async def watcher() -> None:
        while (at := time.monotonic() - began) < seconds:
            memory.sample(at, pid)
            await asyncio.sleep(1)

    limits = httpx.Limits(max_keepalive_connections=0)
    async with (
        httpx.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as http,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(watcher())
        due_s = 0.0
        for number in count():
            await asyncio.sleep(due_s - (time.monotonic() - began))
            await room.acquire()
            if (at_s := time.monotonic() - began) >= seconds:
                break
            tasks.create_task(ask(http, number))
            due_s = max(due_s + every_s, at_s)  # requests that are late are dropped
    return memory


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.timeout(SOAK_S + 600)
async def test_memory_levels_off(
    name: str,
    stocked_dsn: str,
    upstream: FakeOpenAI,
    tmp_path: Path,
) -> None:
    upstream.keep = 100  # it shares this process
    upstream.always(KINDS[name].reply)
    seconds = SOAK_S / 3
    async with processes(1, server_env(stocked_dsn, upstream, tmp_path), forked=False) as (server,):
        memory = await drive(KINDS[name], server.url, server.pid, seconds)
    beginning_s = min(BEGINNING_S, seconds / 2)
    steady = memory.after(beginning_s)
    sys.stdout.write(
        f"\n{name}: {memory.requests} requests in {seconds:.0f} s "
        f"({memory.requests / seconds:.1f}/s of {RATE * KINDS[name].share:g}), "
        f"{memory.samples[0][1]:.0f} -> {memory.samples[-1][1]:.0f} MB; after the first "
        f"{beginning_s:.0f} s {steady.mb_an_hour():+.1f} MB an hour, "
        f"{steady.kb_a_request():+.2f} KB a request; without pages of files "
        f"{memory.anonymous[0]:.0f} -> {memory.anonymous[-1]:.0f} MB, "
        f"{steady.anonymous_mb_an_hour():+.1f} MB an hour\n"
    )
    if seconds > BEGINNING_S:
        assert steady.mb_an_hour() <= GATE_MB_AN_HOUR
