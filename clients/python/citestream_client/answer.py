"""A streaming answer: an iterator over its events that survives lost connections."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Final, Self

import httpx
from pydantic import ValidationError

from citestream_client.errors import ClientError, Refused, Unreachable
from citestream_client.events import EVENT, Citation, Citations, Done, Error, Event, Reset, Token
from citestream_client.sse import Block, BlockReader

Opened = AbstractAsyncContextManager[httpx.Response]

_FIRST_WAIT_S: Final = 0.1
_MAX_WAIT_S: Final = 5.0
_RETRYABLE: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOST: Final = (httpx.RequestError, httpx.StreamError)


class Answer:
    """Iterate over it to read the events; each one updates `text`, `citations` and `ended`.

    A lost connection is reopened after the last event (`Last-Event-ID`), so that every event
    arrives once. A `Reset` replaces `text` and `citations`. Leaving the block before the end stops
    the answer, unless `leave()` was called.
    """

    def __init__(
        self,
        run_id: str,
        *,
        follow: Callable[[int], Opened],
        stop: Callable[[], Awaitable[object]],
        ask: Callable[[], Opened] | None = None,
        after: int = 0,
        patience_s: float = 60.0,
    ) -> None:
        """`ask` may be repeated until it gets a response, because it has an idempotency key."""
        self.run_id = run_id
        self.session_id: str | None = None
        self.position = after
        self.connections = 0
        self.ended: Done | Error | None = None
        self.citations: tuple[Citation, ...] = ()
        self._pieces: list[str] = []
        self._ask = ask
        self._follow = follow
        self._stop = stop
        self._patience_s = patience_s
        self._moved_at = time.monotonic()
        self._left = ask is None
        self._nothing_follows = False
        self._response: httpx.Response | None = None
        self._stack = AsyncExitStack()

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._pieces)

    def leave(self) -> None:
        """Let the server finish the answer after the block is left."""
        self._left = True

    async def cut(self) -> None:
        """Close the connection, as a network failure would; iteration continues on a new one."""
        if self._response is not None:
            await self._response.aclose()

    async def __aenter__(self) -> Self:
        try:
            await self._connect()
        except httpx.ConnectError as error:
            raise Unreachable(f"cannot connect: {error}") from error
        except httpx.RequestError:
            await self._reconnect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
        if self.ended is None and not self._left:
            with suppress(ClientError):  # do not hide the exception that ended the block
                await self._stop()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yields events up to the terminal one. Raises `Unreachable` and `Refused`."""
        while not self._nothing_follows:
            async for event in self._of_this_connection():
                yield event
            if self.ended is not None:
                return
            await self._reconnect()

    async def _of_this_connection(self) -> AsyncIterator[Event]:
        if self._response is None:
            return
        reader = BlockReader()
        try:
            async for data in self._response.aiter_bytes():
                for block in reader.feed(data):
                    event = self._taken(block)
                    if event is not None:
                        yield event
        except _LOST:
            return

    def _taken(self, block: Block) -> Event | None:
        """The event of a block; None for a repeat and for a type not known here."""
        seq = int(block.id) if block.id.isdigit() else 0
        event = _event(block.data)
        if seq <= self.position and not isinstance(event, Reset):
            return None
        self.position, self._moved_at = seq, time.monotonic()
        if event is not None:
            self._add(event)
        return event

    def _add(self, event: Event) -> None:
        match event:
            case Token():
                self._pieces.append(event.content)
            case Citations():
                self.citations = event.content.citations
            case Reset():
                self._pieces = [event.content.text]
                self.citations = event.content.citations
            case Done() | Error():
                self.ended = event
            case _:
                pass

    async def _reconnect(self) -> None:
        """Another connection. Raises `Unreachable` after `patience_s` without a new event."""
        wait = _FIRST_WAIT_S
        while True:
            await self._stack.aclose()
            try:
                return await self._connect()
            except httpx.RequestError as error:
                if self._impatient():
                    raise Unreachable(f"no connection for {self._patience_s:g} s") from error
            except Refused as refused:
                if refused.status not in _RETRYABLE or self._impatient():
                    raise
            await asyncio.sleep(wait * random.uniform(0.5, 1))
            wait = min(wait * 2, _MAX_WAIT_S)

    def _impatient(self) -> bool:
        return time.monotonic() - self._moved_at > self._patience_s

    async def _connect(self) -> None:
        """Ask until that got a response, follow from then on."""
        self._response = None
        request = self._follow(self.position) if self._ask is None else self._ask()
        self.connections += 1
        response = await self._stack.enter_async_context(request)
        if response.status_code not in {200, 204}:
            raise await refusal(response)
        self._ask = None
        self.session_id = response.headers.get("X-Session-Id", self.session_id)
        self._nothing_follows = response.status_code == 204
        self._response = response


async def refusal(response: httpx.Response) -> Refused:
    """What a response that is no success says."""
    try:
        error: Mapping[str, Any] = json.loads(await response.aread())["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        error, code, message = {}, "unknown", f"The server answered {response.status_code}."
    after = response.headers.get("Retry-After", "")
    return Refused(
        response.status_code,
        code,
        message,
        details=error.get("details"),
        retry_after_s=float(after) if after.isdigit() else None,
    )


def _event(data: bytes) -> Event | None:
    given = json.loads(data)
    if given["type"] == "token":
        return Token.model_construct(content=given["content"], timestamp=given["timestamp"])
    try:
        return EVENT.validate_python(given, extra="ignore")
    except ValidationError:
        return None  # of a newer server: clients ignore what they do not know
