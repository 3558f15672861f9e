"""One request to the fake OpenAI server, from the script's reply to the bytes and the record."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, assert_never

import orjson

from tests.fakes.http_body import Body, Ending
from tests.fakes.http_wire import Connection, response_head
from tests.fakes.openai_embeddings import embeddings
from tests.fakes.openai_frames import (
    CREATED,
    Ask,
    ChunkWriter,
    End,
    Send,
    Step,
    Wait,
    completion,
    error_body,
    stream_plan,
    tokens_of,
)
from tests.fakes.openai_rerank import reranked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.fakes.openai_script import Record, Reply

_MADE_FROM_TEXTS: Final = {"embeddings": embeddings, "rerank": reranked}
_BURST: Final = 16
"""Frames written without pace before the event loop gets a turn, so that closes are seen."""
_LOOK_S: Final = 0.001
"""Seconds between polls for a permit, and for a close."""


class Exchange:
    """One request and its answer. `changed` is called whenever the record changes."""

    def __init__(
        self,
        connection: Connection,
        record: Record,
        *,
        reply: Reply,
        model: str,
        completion_id: str,
        changed: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._record = record
        self._reply = reply
        self._model = str(record.body.get("model", model))
        self._id = completion_id
        self._changed = changed

    async def run(self) -> bool:
        """Answers; returns True when the connection may serve another request."""
        self._connection.on_gone = self._note_gone
        self._changed()
        try:
            return await self._run() and self._connection.alive
        finally:
            self._connection.on_gone = None
            self._record.finished_at = time.monotonic()
            self._changed()

    def _note_gone(self, at: float) -> None:
        self._record.closed_by_client_at = at
        self._changed()

    async def _run(self) -> bool:
        reply, record = self._reply, self._record
        if reply.headers_delay_s:
            await self._connection.pause(reply.headers_delay_s)
        if not self._connection.alive:
            return False
        if reply.body is not None:
            return await self._send_body(reply.status, reply.body.encode())
        if reply.refuse is not None:
            refusal = reply.refuse(record)
            if refusal is not None:
                status = 400 if reply.status == 200 else reply.status
                return await self._send_body(status, error_body(refusal, status, code=None))
        elif reply.status != 200:
            body = error_body(reply.error_message, reply.status, code=reply.error_code)
            return await self._send_body(reply.status, body)
        if reply.refuse_stream and record.stream:
            message = "Streaming is not supported by this model."
            body = error_body(message, 400, code="unsupported_value", param="stream")
            return await self._send_body(400, body)
        if record.route == "chat" and record.stream:
            return await self._send_stream()
        return await self._send_unstreamed()

    async def _send_unstreamed(self) -> bool:
        if self._record.route == "models":
            model = {"id": self._model, "object": "model", "created": CREATED, "owned_by": "fake"}
            return await self._send_body(200, orjson.dumps({"object": "list", "data": [model]}))
        make = _MADE_FROM_TEXTS.get(self._record.route)
        if make is not None:
            try:
                body = make(self._record, model=self._model)
            except ValueError as error:
                body = error_body(str(error), 400, code="invalid_input", param="input")
                return await self._send_body(400, body)
        else:
            body = completion(self._reply, self._record, completion_id=self._id, model=self._model)
            count = len(tokens_of(self._reply, self._record))
            await self._connection.pause(
                self._reply.first_token_delay_s + count * self._reply.pace_s
            )
        if self._reply.stall_after is not None:
            await self._connection.pause(None)
        if not self._connection.alive:
            return False
        return await self._send_body(200, body)

    async def _send_body(self, status: int, body: bytes) -> bool:
        reply = self._reply
        headers = {"content-type": reply.content_type, "x-request-id": self._id, **reply.headers}
        if reply.retry_after is not None:
            headers["retry-after"] = reply.retry_after
        half = body[: len(body) // 2]
        if reply.malformed_at is not None:
            body = half
        self._note_status(status)
        if reply.cut_after is None:
            await self._connection.write(response_head(status, headers, length=len(body)) + body)
            self._record.completed = True
            return True
        return await self._cut_body(status, headers, half)

    async def _cut_body(self, status: int, headers: dict[str, str], half: bytes) -> bool:
        chunked = self._reply.cut != "close"
        await self._connection.write(response_head(status, headers, chunked=chunked))
        sink = Body(self._connection, chunked=chunked)
        await sink.write(half)
        return await sink.finish(self._reply.cut)

    async def _send_stream(self) -> bool:
        reply = self._reply
        chunked = reply.cut != "close"
        headers = {"content-type": "text/event-stream; charset=utf-8", "x-request-id": self._id}
        headers |= reply.headers
        self._note_status(200)
        await self._connection.write(response_head(200, headers, chunked=chunked))
        self._sink = Body(
            self._connection,
            chunked=chunked,
            split_at=tuple(reply.split_at),
            trickle=reply.trickle,
            trickle_pace_s=reply.trickle_pace_s,
        )
        writer = ChunkWriter(completion_id=self._id, model=self._model, newline=reply.newline)
        return await self._play(stream_plan(reply, self._record, writer))

    async def _play(self, plan: Iterable[Step]) -> bool:
        """Performs the plan; waits are measured from its start, so that the pace does not drift."""
        due = time.monotonic()
        batch: list[Send] = []
        unpaced = 0
        for step in plan:
            match step:
                case Send():
                    batch.append(step)
                    if len(batch) < self._reply.frames_per_chunk:
                        continue
                    unpaced += 1
                    await self._flush(batch, give_way=unpaced % _BURST == 0)
                case Wait(None):
                    await self._flush(batch)
                    await self._silence(None)
                case Wait(seconds):
                    due += seconds or 0.0
                    await self._silence(max(0.0, due - time.monotonic()))
                case Ask(permits):
                    await self._flush(batch)
                    await self._permitted(permits)
                case End(ending, whole):
                    await self._flush(batch)
                    return await self._end(ending, whole=whole)
                case _:
                    assert_never(step)
            if not self._connection.alive:
                return False
        return False

    async def _flush(self, batch: list[Send], *, give_way: bool = False) -> None:
        if not batch:
            return
        await self._sink.write(b"".join(send.data for send in batch))
        tokens = sum(send.tokens for send in batch)
        batch.clear()
        if tokens and self._record.first_token_at is None:
            self._record.first_token_at = time.monotonic()
        self._record.tokens_sent += tokens
        self._changed()
        if give_way:
            await asyncio.sleep(0)

    async def _permitted(self, permits: asyncio.Semaphore) -> None:
        while self._connection.alive:
            if not permits.locked():
                await permits.acquire()
                return
            await self._connection.pause(_LOOK_S)

    async def _silence(self, seconds: float | None) -> None:
        every = self._reply.comment_every_s
        if every is None:
            await self._connection.pause(seconds)
            return
        until = None if seconds is None else time.monotonic() + seconds
        while self._connection.alive:
            left = every if until is None else until - time.monotonic()
            if left <= 0:
                return
            await self._connection.pause(min(every, left))
            if left >= every and self._connection.alive:
                await self._sink.write(f": keep-alive{self._reply.newline * 2}".encode())

    async def _end(self, ending: Ending, *, whole: bool) -> bool:
        """An answer counts as finished before its last bytes are sent, so that a close
        right after them does not count as early."""
        if whole:
            self._record.completed = True
            ending = "close" if self._reply.cut == "close" else "end"
        self._connection.on_gone = None
        return await self._sink.finish(ending)

    def _note_status(self, status: int) -> None:
        self._record.status = status
        self._record.first_byte_at = time.monotonic()
