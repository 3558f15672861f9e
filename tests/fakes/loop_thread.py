"""An event loop in a thread, so that synchronous harnesses can use the fakes."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class LoopThread:
    """Runs an event loop in a daemon thread between `start` and `stop`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Starts the loop. Call once."""
        self._thread.start()

    def stop(self) -> None:
        """Stops the loop and its thread; running tasks are abandoned."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Awaits the coroutine on the loop; returns its result or raises its error here."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, work: Callable[[], T]) -> T:
        """Calls a function on the loop, where the fakes may be used."""

        async def called() -> T:
            return work()

        return self.run(called())
