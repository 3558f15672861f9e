"""Waiting for news of a run that another process owns."""

import asyncio
from contextlib import suppress
from weakref import WeakValueDictionary


class RunSignals:
    """One bell per run that somebody waits for; it is gone when nobody does."""

    def __init__(self) -> None:
        self._bells: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self.closed = False

    def close(self) -> None:
        """Wake everybody for the last time: this process serves no more viewers."""
        self.closed = True
        for run_id in tuple(self._bells):
            self.ring(run_id)

    def ring(self, run_id: str) -> None:
        """Wake everybody who waits for this run."""
        bell = self._bells.pop(run_id, None)
        if bell is not None:
            bell.set()

    def hang(self, run_id: str) -> asyncio.Event:
        """A bell to be hung before looking, so that news which comes meanwhile is not missed."""
        bell = self._bells.get(run_id)
        if bell is None:
            bell = self._bells[run_id] = asyncio.Event()
        return bell

    async def rung(self, bell: asyncio.Event, seconds: float) -> None:
        """Until the bell rang, or `seconds` passed."""
        if self.closed:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await bell.wait()

    async def wait(self, run_id: str, seconds: float) -> None:
        """Until the run is heard of from now on, or `seconds` passed."""
        await self.rung(self.hang(run_id), seconds)
