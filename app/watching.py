"""The figures of a process, wired to what they are of."""

import asyncio
import time

from app.api.sampling import GapSampler
from app.config import Settings
from app.db.pool import Database
from app.metrics.exposition import Exposition, Momentary, workers_folder
from app.metrics.figures import Figures
from app.metrics.observing import RequestFigures, RunFigures

TICK_S = 0.5
WRITE_EVERY = 8  # ticks


class Watching:
    """One per process."""

    def __init__(self, settings: Settings) -> None:
        self.figures = Figures()
        self.runs = RunFigures(self.figures, tell_text=settings.log_text)
        self.requests = RequestFigures(self.figures)
        self.gaps = GapSampler(self.figures.frame_gap.observe)
        self._folder = workers_folder()

    def exposition(self, database: Database) -> Exposition:
        """What `GET /metrics` answers on the loop of this pool."""
        database.observe_waits(self.figures.pool_wait.observe)
        return Exposition(Momentary(self.figures, self.runs, database.usage), self._folder)


async def watch_loop(watching: Watching, exposition: Exposition) -> None:
    """Measure for ever how late this event loop is, and leave the figures for other workers."""
    ticks = 0
    while True:
        began = time.monotonic()
        await asyncio.sleep(TICK_S)
        watching.figures.loop_delay.observe(max(0.0, time.monotonic() - began - TICK_S))
        if ticks % WRITE_EVERY == 0:
            exposition.write()
        ticks += 1
