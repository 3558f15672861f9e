"""Waits for news of a run that another process owns."""

import asyncio
from contextlib import suppress
from weakref import WeakValueDictionary


class RunSignals:
    """One event per run that has waiters, dropped with the last waiter."""

    def __init__(self) -> None:
        self._events: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self.closed = False

    def close(self) -> None:
        """Wake every waiter for the last time, because this process serves no more viewers."""
        self.closed = True
        for run_id in tuple(self._events):
            self.notify(run_id)

    def notify(self, run_id: str) -> None:
        """Wake everyone who waits for this run."""
        event = self._events.pop(run_id, None)
        if event is not None:
            event.set()

    def subscribe(self, run_id: str) -> asyncio.Event:
        """Subscribe before reading the run, so that no notification is missed in between."""
        event = self._events.get(run_id)
        if event is None:
            event = self._events[run_id] = asyncio.Event()
        return event

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when `event` is set or after `seconds`."""
        if self.closed:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    async def wait_for(self, run_id: str, seconds: float) -> None:
        """Return at the run's next notification or after `seconds`."""
        await self.wait(self.subscribe(run_id), seconds)
