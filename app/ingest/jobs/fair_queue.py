"""A queue that serves people in turn: who brings a thousand files delays nobody's one."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

Work = TypeVar("Work")


class FairQueue(Generic[Work]):
    """First in, first out for each owner; one of each owner's in turn. Of one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Work]] = {}  # in the order of their turns
        self._some = asyncio.Event()

    def put(self, owner: str, work: Work) -> None:
        """Behind what this owner has waiting."""
        self._waiting.setdefault(owner, deque()).append(work)
        self._some.set()

    async def get(self) -> Work:
        """The next one of whoever's turn it is; waits for one."""
        while not self._waiting:
            self._some.clear()
            await self._some.wait()
        owner = next(iter(self._waiting))
        waiting = self._waiting.pop(owner)
        work = waiting.popleft()
        if waiting:
            self._waiting[owner] = waiting
        return work
