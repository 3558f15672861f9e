"""The figures of a process, wired to what they are of."""

import asyncio
import time

from app.api.frame_gap_sampler import GapSampler
from app.config import Settings
from app.db.pool import Database
from app.observability.exposition import Exposition, LiveCollector, workers_folder
from app.observability.metrics import Metrics
from app.observability.run_metrics import RequestMetrics, RunMetrics
from app.runs.supervisor import BackgroundLoop, Supervisor

TICK_S = 0.5
WRITE_EVERY_S = 4.0


class Telemetry:
    """One per process."""

    def __init__(self, settings: Settings) -> None:
        self.figures = Metrics()
        self.runs = RunMetrics(self.figures, tell_text=settings.log_text)
        self.requests = RequestMetrics(self.figures)
        self.gaps = GapSampler(self.figures.frame_gap.observe)
        self._folder = workers_folder()

    def exposition(self, database: Database, supervisor: Supervisor) -> Exposition:
        """What `GET /metrics` answers on the event loop of this pool."""
        database.observe_waits(self.figures.pool_wait.observe)
        momentary = LiveCollector(self.figures, self.runs, database.usage, supervisor.states)
        return Exposition(momentary, self._folder)


def metrics_loops(figures: Metrics, exposition: Exposition) -> tuple[BackgroundLoop, ...]:
    """Measure how late this event loop is, and leave the metrics for other workers."""

    async def measure() -> None:
        began = time.monotonic()
        await asyncio.sleep(TICK_S)
        figures.loop_delay.observe(max(0.0, time.monotonic() - began - TICK_S))

    async def write() -> None:
        exposition.write()

    return (
        BackgroundLoop(name="event loop delay", step=measure, every_s=0),
        BackgroundLoop(name="metrics of workers", step=write, every_s=WRITE_EVERY_S),
    )
