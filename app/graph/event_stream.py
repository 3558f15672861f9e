"""How the graph tells its events: at once, and by the shortest way.

LangChain makes a task for each of forty calls of a start, and passes every event through a queue
that is made for threads, which wakes the event loop by a system call.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from langchain_core.callbacks import AsyncCallbackManager, BaseCallbackHandler
from typing_extensions import override


class InlineCallbackManager(AsyncCallbackManager):
    """Tells its handlers in turn, and lets the one of `astream_events` tell its reader directly."""

    @override
    def add_handler(self, handler: BaseCallbackHandler, inherit: bool = True) -> None:
        handler.run_inline = True
        if hasattr(handler, "send_stream") and hasattr(handler, "receive_stream"):
            handler.send_stream = handler.receive_stream = Events()
        super().add_handler(handler, inherit)


class Events:
    """Events in order, told and read on one event loop: both ends of LangChain's memory stream."""

    def __init__(self) -> None:
        self._told: deque[object] = deque()
        self._closed = False
        self._reader: asyncio.Future[None] | None = None

    def send_nowait(self, event: object) -> None:
        """Tell one event."""
        self._told.append(event)
        self._wake()

    async def aclose(self) -> None:
        """What was told is still read."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def __aiter__(self) -> AsyncIterator[object]:
        """What is told, until it is closed and read."""
        while True:
            while self._told:
                yield self._told.popleft()
            if self._closed:
                return
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
