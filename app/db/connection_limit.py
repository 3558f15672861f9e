"""How many connections of a pool may be used at once: as many as the server gives."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from app.domain.encoding import counted

log = logging.getLogger(__name__)

GROW_AFTER_S = 10.0


class ConnectionLimit:
    """Whoever uses a connection enters and leaves; those who wait are served in order.

    Shrinks to the connections that are open when the server refuses another one, and tries one
    more every `GROW_AFTER_S`.
    """

    def __init__(self, most: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.now = most
        self._monotonic = monotonic
        self._used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._grow_at = 0.0

    async def enter(self) -> None:
        """Wait until a connection may be used."""
        if self.now < self.most:
            self._grow()
        if self._used < self.now and not self._waiting:
            self._used += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the turn came at the same moment
            raise

    def leave(self) -> None:
        """A connection is free again, for whoever waits longest."""
        self._used -= 1
        self._serve()

    def refused(self, open_now: int) -> None:
        """The server gives no more than the connections that are open now."""
        limit = max(1, open_now)
        if limit < self.now:
            log.warning(
                "The database gives no more than %s; they are shared", counted(limit, "connection")
            )
            self.now = limit
        self._grow_at = self._monotonic() + GROW_AFTER_S

    def _grow(self) -> None:
        if self._monotonic() >= self._grow_at:
            self._grow_at = self._monotonic() + GROW_AFTER_S
            self.now += 1
            self._serve()

    def _serve(self) -> None:
        while self._waiting and self._used < self.now:
            turn = self._waiting.popleft()
            if not turn.done():
                self._used += 1
                turn.set_result(None)
