"""The SSE encoder, and responses that end when their client disconnects.

Intentional differences from Starlette's `StreamingResponse`, which it extends:
1. It listens for `http.disconnect` whatever ASGI version the server announces.
2. `released` is called exactly once however the response ends, also when it never began, so a
   run learns that its connection closed even while a write was blocked.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Protocol

import anyio
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from app.api.response_models import json_response
from app.domain.answer_fold import AnswerFold, Step
from app.domain.conversation_models import StageRecord
from app.domain.encoding import compact_json
from app.domain.events import CitationsPayload, DonePayload, ErrorPayload, ResetPayload
from app.domain.job_ports import NumberedFrames
from app.runs.cursors import LiveCursor, StoredCursor
from app.runs.log_entries import step_of

PING = b": ping\n\n"
INTERRUPTED_TEXT = "The answer was interrupted."
RETRACTED_TEXT = (
    "The text sent so far was the model's reasoning, not its answer. Ask again: reasoning is "
    "withheld from now on."
)
"""For protocols in which sent text cannot be retracted."""
# no-transform (RFC 9110, 7.7): a proxy that compresses would delay events.
SSE_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}

Cursor = LiveCursor | StoredCursor


class FrameEncoder(Protocol):
    """Encodes the entries of a cursor as frames of one format."""

    def __call__(self, cursor: Cursor, *, heartbeat_s: float) -> AsyncGenerator[bytes, None]:
        """Yields complete frames, and a comment frame after each `heartbeat_s` of silence."""
        ...


async def sse_frames(cursor: NumberedFrames, *, heartbeat_s: float) -> AsyncGenerator[bytes, None]:
    """The frames of `POST /chat`, `GET /runs/{run_id}/events` and `GET /jobs/{job_id}/events`."""
    async with aclosing(cursor.frames(silence_s=heartbeat_s)) as entries:
        async for entry in entries:
            yield PING if entry is None else b"id: %d\ndata: %b\n\n" % (entry.seq, entry.data)


async def named_event_frames(cursor: Cursor, *, heartbeat_s: float) -> AsyncGenerator[bytes, None]:
    """The frames of `POST /api/chat/stream`: named events, always one `citations`.

    A `citations` event that is not in the log (error without text, `reset`) has no id.
    """
    fold, cited = AnswerFold(), False
    async with aclosing(cursor.frames(silence_s=heartbeat_s)) as entries:
        async for entry in entries:
            if entry is None:
                yield PING
                continue
            step = step_of(entry)
            fold.add(step)
            if isinstance(step, CitationsPayload):
                cited = True
            elif isinstance(step, ResetPayload):
                cited = False
            elif fold.ending is not None and not cited:
                data = compact_json({"citations": fold.citations})
                yield b"event: citations\ndata: %b\n\n" % data
            if (named := _named(step)) is not None:
                name, data = named
                yield b"id: %d\nevent: %b\ndata: %b\n\n" % (entry.seq, name, data)


def _named(step: Step) -> tuple[bytes, bytes] | None:
    """None for an unknown event that is not a stage. The next frame's id covers it."""
    match step:
        case str():
            return b"token", compact_json({"content": step})
        case CitationsPayload():
            return b"citations", compact_json({"citations": step.citations})
        case DonePayload():
            return b"done", b"{}"
        case ErrorPayload():
            return b"error", compact_json({"code": step.code, "message": step.message})
        case ResetPayload():
            return b"stage", compact_json(step)
        case StageRecord(type="reasoning_delta"):
            return None  # clients show a stage by its name
        case _:
            is_stage = isinstance(step.content, dict)
            return (b"stage", compact_json(step.content)) if is_stage else None


class EventStreamResponse(StreamingResponse):
    """`200 text/event-stream` that ends when its client disconnects."""

    media_type = "text/event-stream"

    def __init__(
        self,
        frames: AsyncIterator[bytes],
        *,
        headers: Mapping[str, str],
        released: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(frames, headers={**SSE_HEADERS, **headers})
        self._released = released

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the frames end or the client disconnects."""
        try:
            await _run_until_disconnect(receive, lambda: self.stream_response(send))
        finally:
            self._released()


class AnswerResponse(Response):
    """One JSON object, sent when the run ends. Also ends when its client disconnects."""

    def __init__(
        self,
        answer: Callable[[], Awaitable[tuple[int, BaseModel]]],
        *,
        headers: Mapping[str, str],
        released: Callable[[], None],
    ) -> None:
        super().__init__(headers=dict(headers))
        self._answer = answer
        self._extra = dict(headers)
        self._released = released

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the end of the run, then respond."""

        async def respond() -> None:
            status, body = await self._answer()
            await json_response(body, status, self._extra)(scope, receive, send)

        try:
            await _run_until_disconnect(receive, respond)
        finally:
            self._released()


async def _run_until_disconnect(receive: Receive, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work`; a disconnect cancels it.

    `work` has its own task, because otherwise each frame would resume every awaiting coroutine.
    """
    async with anyio.create_task_group() as group:

        async def working() -> None:
            # AnyIO keeps a cancelled task's exception in a reference cycle, which would hold the
            # cursor and its run until the next full garbage collection.
            with suppress(asyncio.CancelledError):
                await work()
            group.cancel_scope.cancel()

        group.start_soon(working)
        while (await receive())["type"] != "http.disconnect":
            pass
        group.cancel_scope.cancel()
