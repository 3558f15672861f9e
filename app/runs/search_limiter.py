"""Limits how many runs search at once, so that running streams stay even.

Without a limit, every step of every search runs between the tokens of other answers, and all
searches compete for the same few database connections until they time out. With it, new questions
are served in order of arrival.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class SearchSlot:
    """One slot of a `SearchLimiter`. Releasing it twice is safe."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots: asyncio.Semaphore | None = slots

    def release(self) -> None:
        """Free the slot for the next search."""
        if self._slots is not None:
            self._slots.release()
            self._slots = None


class SearchLimiter:
    """Grants at most `limit` slots at once. Belongs to the running event loop."""

    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[SearchSlot, None]:
        """Wait for a slot. It is released at the end of the block at the latest."""
        await self._slots.acquire()
        slot = SearchSlot(self._slots)
        try:
            yield slot
        finally:
            slot.release()
