"""The abort conformance kit: the required effects of a stop at every moment of a run.

A `Moment` scripts the model service and detects, by the service's record, when it is reached; a
`Place` defines where questions and stops are sent. `stop_at` and `disconnect_at` run one moment at
one place and assert all of promise P5 on both sides: the client's response, and the time at which
the service saw its socket close. Other models, proxies or numbers of replicas are new places.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from app.graph.prompts import DECOMPOSE
from tests.fakes.openai_server import FakeOpenAI, Record, Reply
from tests.harness.run_client import Following, asking, last_answer
from tests.harness.sse import Frame
from tests.stream.conftest import QUESTION

DOUBTFUL = "Should the tablet be taken with food?"
"""A question of borderline relevance in the small library, so that the model grades it."""
STEPS = "What are the side effects of aripiprazole that are serious?"
"""A question about which the model is asked what else to search."""
LONG_S = 30.0
WORDS = tuple(f"word{n} " for n in range(1000))


@dataclass(frozen=True)
class Moment:
    """When a run is stopped. `keeps`: part of the answer exists by then."""

    name: str
    replies: tuple[Reply, ...]
    reached: Callable[[Record], bool]
    question: str = QUESTION
    keeps: bool = False


def _asked(record: Record) -> bool:
    return record.route == "chat"


def _unstreamed(record: Record) -> bool:
    return _asked(record) and not record.stream


MOMENTS = (
    Moment("before the headers", (Reply(headers_delay_s=LONG_S),), _asked),
    Moment(
        "before the first token",
        (Reply(first_token_delay_s=LONG_S),),
        lambda record: record.first_byte_at is not None,
    ),
    Moment(
        "while it reasons",
        (Reply(reasoning=["hm "] * 1000, pace_s=0.02),),
        lambda record: record.first_byte_at is not None,
    ),
    Moment(
        "in the middle",
        (Reply(tokens=WORDS, pace_s=0.01),),
        lambda record: record.tokens_sent >= 10,
        keeps=True,
    ),
    Moment(
        "in a stall",
        (Reply(tokens=WORDS, stall_after=5),),
        lambda record: record.tokens_sent == 5,
        keeps=True,
    ),
    Moment("while the model grades", (Reply(headers_delay_s=LONG_S),), _unstreamed, DOUBTFUL),
    Moment(
        "while the model rewrites",
        (Reply(tokens=['{"relevant": []}']), Reply(headers_delay_s=LONG_S)),
        lambda record: _unstreamed(record) and "search query" in record.prompt,
        DOUBTFUL,
    ),
    Moment(
        "while the model names further searches",
        (Reply(headers_delay_s=LONG_S),),
        lambda record: _unstreamed(record) and DECOMPOSE in record.prompt,
        STEPS,
    ),
    Moment(
        "without streaming",
        (Reply(refuse_stream=True), Reply(headers_delay_s=LONG_S)),
        _unstreamed,
    ),
)


@dataclass(frozen=True)
class Place:
    """The URLs for questions and for stops."""

    ask: httpx.AsyncClient
    stop: httpx.AsyncClient
    upstream: FakeOpenAI


@dataclass(frozen=True)
class Stopped:
    """A stop that passed. Seconds from sending it until the service saw its socket close."""

    closed_s: float
    receipt: Any


async def stop_at(moment: Moment, place: Place, session_id: str) -> Stopped:
    """Ask, wait for the moment, stop, and check it."""
    place.upstream.script(*moment.replies)
    before = len(place.upstream.requests)
    async with asking(
        place.ask, moment.question, session_id=session_id, on_disconnect="continue"
    ) as asked:
        record = await _reach(moment, place, asked, before)
        sent_at = time.monotonic()
        response = await place.stop.post(f"/runs/{asked.run_id}/stop")
        await _closed(place, record)
        terminal = await asked.rest()
        assert response.status_code == 200, response.text
        receipt = response.json()
        _check_receipt(receipt, record)
        await _check_end(moment, place, asked, terminal, session_id, record, receipt["tokens_kept"])
        again = (await place.stop.post(f"/runs/{asked.run_id}/stop")).json()
        assert again == {**receipt, "already": True}
    assert record.closed_by_client_at is not None
    return Stopped(record.closed_by_client_at - sent_at, receipt)


async def disconnect_at(moment: Moment, place: Place, session_id: str) -> float:
    """Ask, wait for the moment, close the connection; seconds until the service saw it."""
    place.upstream.script(*moment.replies)
    before = len(place.upstream.requests)
    async with asking(place.ask, moment.question, session_id=session_id) as asked:
        record = await _reach(moment, place, asked, before)
        left_at = time.monotonic()
    await _closed(place, record)
    assert record.closed_by_client_at is not None
    receipt = (await place.stop.post(f"/runs/{asked.run_id}/stop")).json()
    assert receipt["already"] is True
    _check_receipt({**receipt, "already": False}, record)
    answer = await last_answer(place.ask, session_id)
    assert answer["status"] == "stopped"
    assert answer["content"].startswith(asked.viewer.text)
    return record.closed_by_client_at - left_at


async def _reach(moment: Moment, place: Place, asked: Following, before: int) -> Record:
    if moment.keeps:
        await asked.until(lambda frame: frame.type == "token")
    await place.upstream.wait_until(
        lambda: any(moment.reached(r) for r in place.upstream.requests[before:]), 10
    )
    return next(r for r in place.upstream.requests[before:] if moment.reached(r))


async def _closed(place: Place, record: Record) -> None:
    await place.upstream.wait_until(
        lambda: record.closed_by_client_at is not None or record.completed, 10
    )
    assert record.closed_by_client_at is not None, "the answer ran to its end"


def _check_receipt(receipt: Any, record: Record) -> None:
    assert (receipt["stopped"], receipt["already"]) == (True, False)
    assert receipt["upstream_closed"] is True
    assert receipt["upstream_closed_ms"] >= 0
    assert 0 <= receipt["tokens_kept"] <= record.tokens_sent


async def _check_end(
    moment: Moment,
    place: Place,
    asked: Following,
    terminal: Frame,
    session_id: str,
    record: Record,
    tokens_kept: int,
) -> None:
    """The viewer's text equals the stored text and the service's output."""
    assert asked.seen[0].type == "run_start"
    assert [frame.type for frame in asked.seen[-2:]] == ["citations", "done"]
    assert terminal.content["finish_reason"] == "stopped"
    answer = await last_answer(place.ask, session_id)
    assert (answer["status"], answer["finish_reason"]) == ("stopped", "stopped")
    assert answer["content"] == asked.viewer.text
    assert bool(asked.viewer.text) is moment.keeps
    if moment.keeps:
        assert asked.viewer.text == "".join(WORDS[:tokens_kept])
    assert terminal.content["message_id"] == answer["message_id"]
    assert record.completed is False
