"""Taking turns: how many runs search at once, so that the others go on evenly.

When more ask than can be served at once, every step of every search would come between the tokens
of the answers that have begun, and all would wait for the same few database connections until the
patience of each is over. In turns, new questions wait in the order in which they came.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Turn:
    """One of `Turns`, until it is over; that may be said any number of times."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns: asyncio.Semaphore | None = turns

    def over(self) -> None:
        """The next one may begin."""
        if self._turns is not None:
            self._turns.release()
            self._turns = None


class Turns:
    """At most `most` at once. Belongs to the running event loop."""

    def __init__(self, most: int) -> None:
        self._turns = asyncio.Semaphore(most)

    @asynccontextmanager
    async def take(self) -> AsyncGenerator[Turn, None]:
        """Wait for a turn; it is over with the block at the latest."""
        await self._turns.acquire()
        turn = Turn(self._turns)
        try:
            yield turn
        finally:
            turn.over()
