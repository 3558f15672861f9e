"""Asks questions one by one and records the arrival time of each event.

`python -m bench.speed_asker SPEC` takes a JSON object and prints one.
"""

import asyncio
import sys
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

import httptools
import orjson
import uvloop
from typing_extensions import override

from bench.speed_client import Busy, percentiles

STAGES: Final = ("retrieval", "reranking", "grading")


@dataclass(frozen=True, slots=True)
class Asking:
    """The job. `one_conversation`: all questions belong to one conversation."""

    port: int = 0
    questions: list[str] = field(default_factory=list)
    runs: int = 100
    one_conversation: bool = False
    pids: dict[str, int] = field(default_factory=dict)


class Answer(asyncio.Protocol):
    """One answer, whose frames are parsed as they arrive."""

    def __init__(self, request: bytes, over: "asyncio.Future[None]") -> None:
        self._request = request
        self._over = over
        self._parser = httptools.HttpResponseParser(self)
        self._rest = b""
        self.events: list[tuple[float, dict[str, Any]]] = []  # wall clock, event

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._request)

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        now = time.time()
        *frames, self._rest = (self._rest + body).split(b"\n\n")
        for frame in frames:
            data = frame.partition(b"data: ")[2]
            if data:
                self.events.append((now, orjson.loads(data)))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self._over.done():
            self._over.set_result(None)


def _request(question: str, session_id: str | None) -> bytes:
    asked = {"message": question} | ({"session_id": session_id} if session_id else {})
    body = orjson.dumps(asked)
    return (
        b"POST /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )


async def ask(asking: Asking) -> dict[str, Any]:
    """Asks all questions; returns the times."""
    loop = asyncio.get_running_loop()
    session_id = str(uuid.uuid4()) if asking.one_conversation else None
    times: dict[str, list[float]] = defaultdict(list)
    busy = Busy(asking.pids)
    for number in range(asking.runs):
        request = _request(asking.questions[number % len(asking.questions)], session_id)
        over = loop.create_future()
        answer = Answer(request, over)
        began = time.time()
        await loop.create_connection(lambda: answer, "127.0.0.1", asking.port)  # noqa: B023
        await over
        for name, seconds in _times(began, answer):
            times[name].append(seconds)
    told = {name: percentiles(sorted(values)) for name, values in times.items()}
    first = times["first token"]
    return {
        "runs": len(first),
        "times": told,
        "first": percentiles(sorted(first[10:30])),
        "last": percentiles(sorted(first[-20:])),
        "cpu": busy.seconds(),
    }


def _times(began: float, answer: Answer) -> list[tuple[str, float]]:
    """Named durations of one run, in seconds."""
    found: list[tuple[str, float]] = []
    seen: dict[str, float] = {}
    for at, event in answer.events:
        kind = event["type"]
        seen.setdefault(kind, at)
        if kind != "token" and "timestamp" in event:
            found.append(("event to reader", at - _seconds(event["timestamp"])))
        if kind.endswith("_complete"):
            found.append((event["content"]["stage"], event["content"]["ms"] / 1000))
    if "token" in seen:
        found.append(("first token", seen["token"] - began))
    if "run_start" in seen and "generation_start" in seen:
        found.append(("accepting", seen["run_start"] - began))
        found.append(("generation to token", seen["token"] - seen["generation_start"]))
    return found


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


if __name__ == "__main__":
    result = uvloop.run(ask(Asking(**orjson.loads(sys.argv[1]))))
    sys.stdout.write(orjson.dumps(result).decode())
