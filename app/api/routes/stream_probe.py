"""`GET /health/stream`: a synthetic stream that measures the network path to the client.

It needs no database, model or sign-in, so any delay is caused by the path.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.documented_responses import PROBED
from app.api.errors import error_response
from app.api.streaming import EventStreamResponse
from app.domain.encoding import compact_json

router = APIRouter(tags=["health"], default_response_class=Response)

MAX_CONCURRENT = 64
RETRY_AFTER_S = 2


class Probes:
    """Counts the open probes of this process, which are limited."""

    def __init__(self) -> None:
        self.open = 0

    def release(self) -> None:
        self.open -= 1


probes = Probes()


@router.get("/health/stream", responses=PROBED)
async def paced(
    frames: Annotated[int, Query(ge=1, le=100)] = 20,
    pause_ms: Annotated[int, Query(ge=5, le=1_000)] = 50,
    silence_s: Annotated[float, Query(ge=0, le=60)] = 0,
) -> Response:
    """Numbered frames, one every `pause_ms`, then `silence_s` of silence and a last frame."""
    if probes.open >= MAX_CONCURRENT:
        message = f"There are {MAX_CONCURRENT} probes already. Try again in a moment."
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return error_response(503, "busy", message, headers=headers)
    probes.open += 1
    return EventStreamResponse(
        _frames(frames, pause_ms / 1000, silence_s), headers={}, released=probes.release
    )


async def _frames(count: int, pause_s: float, silence_s: float) -> AsyncGenerator[bytes, None]:
    """Each frame contains its send time in milliseconds since the first frame."""
    began = time.monotonic()
    for seq in range(1, count + 1):
        yield _frame(seq, began)
        await asyncio.sleep(pause_s)
    if silence_s:
        await asyncio.sleep(silence_s)
        yield _frame(count + 1, began)


def _frame(seq: int, began: float) -> bytes:
    sent = round((time.monotonic() - began) * 1000, 1)
    return b"id: %d\ndata: %b\n\n" % (seq, compact_json({"seq": seq, "sent_ms": sent}))
