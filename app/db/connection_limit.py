"""Limits concurrent use of a pool to the connections that the server grants."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from app.domain.encoding import counted

log = logging.getLogger(__name__)

GROW_AFTER_S = 10.0


class ConnectionLimit:
    """Call `enter` before using a connection and `leave` afterwards. Waiters are served in order.

    The limit drops to the number of open connections when the server refuses another one, and grows
    by one every `GROW_AFTER_S`.
    """

    def __init__(self, limit: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self.current = limit
        self._monotonic = monotonic
        self._in_use = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._grow_at = 0.0

    async def enter(self) -> None:
        """Wait until a connection may be used."""
        if self.current < self.limit:
            self._try_grow()
        if self._in_use < self.current and not self._waiting:
            self._in_use += 1
            return
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(slot)
        try:
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():
                self.leave()  # the slot was granted at the same moment
            raise

    def leave(self) -> None:
        """Pass the connection on to the longest waiter."""
        self._in_use -= 1
        self._admit_waiting()

    def refused(self, open_now: int) -> None:
        """Limit use to `open_now` connections, because the server refused another one."""
        limit = max(1, open_now)
        if limit < self.current:
            log.warning(
                "The database grants no more than %s; they are shared", counted(limit, "connection")
            )
            self.current = limit
        self._grow_at = self._monotonic() + GROW_AFTER_S

    def _try_grow(self) -> None:
        if self._monotonic() >= self._grow_at:
            self._grow_at = self._monotonic() + GROW_AFTER_S
            self.current += 1
            self._admit_waiting()

    def _admit_waiting(self) -> None:
        while self._waiting and self._in_use < self.current:
            slot = self._waiting.popleft()
            if not slot.done():
                self._in_use += 1
                slot.set_result(None)
