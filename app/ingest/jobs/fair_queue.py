"""A round-robin queue: a bulk upload never delays another user's single file."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

Work = TypeVar("Work")


class FairQueue(Generic[Work]):
    """FIFO per owner, round-robin over owners. Belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Work]] = {}  # in round-robin order
        self._some = asyncio.Event()

    def put(self, owner: str, work: Work) -> None:
        """Append to this owner's queue."""
        self._waiting.setdefault(owner, deque()).append(work)
        self._some.set()

    async def get(self) -> Work:
        """Wait for and remove the next item in round-robin order."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        owner = next(iter(self._waiting))
        waiting = self._waiting.pop(owner)
        work = waiting.popleft()
        if waiting:
            self._waiting[owner] = waiting
        return work
