"""The events of `astream_events` on one event loop.

LangChain passes each event through a thread-safe queue, which wakes the event loop by a system
call.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from app.llm.fast_path.versions import LANGCHAIN_CORE

WRITTEN_FOR: Final = (LANGCHAIN_CORE,)


class EventQueue:
    """Events in order, sent and read on one event loop: both ends of LangChain's memory stream."""

    def __init__(self) -> None:
        self._sent: deque[object] = deque()
        self._closed = False
        self._reader: asyncio.Future[None] | None = None

    def send_nowait(self, event: object) -> None:
        """Add one event."""
        self._sent.append(event)
        self._wake()

    async def aclose(self) -> None:
        """Closes the queue; events already sent can still be read."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def __aiter__(self) -> AsyncIterator[object]:
        """The events, until the queue is closed and empty."""
        while True:
            while self._sent:
                yield self._sent.popleft()
            if self._closed:
                return
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
