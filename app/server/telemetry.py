"""Wires the metrics of a process to their sources."""

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
        self.metrics = Metrics()
        self.runs = RunMetrics(self.metrics, log_text=settings.log_text)
        self.requests = RequestMetrics(self.metrics)
        self.gaps = GapSampler(self.metrics.frame_gap.observe)
        self._folder = workers_folder()

    def exposition(self, database: Database, supervisor: Supervisor) -> Exposition:
        """The exposition for `GET /metrics` on this pool's event loop."""
        database.observe_waits(self.metrics.pool_wait.observe)
        live = LiveCollector(self.metrics, self.runs, database.usage, supervisor.states)
        return Exposition(live, self._folder)


def metrics_loops(metrics: Metrics, exposition: Exposition) -> tuple[BackgroundLoop, ...]:
    """Measure the delay of this event loop, and publish the metrics to other workers."""

    async def measure() -> None:
        began = time.monotonic()
        await asyncio.sleep(TICK_S)
        metrics.loop_delay.observe(max(0.0, time.monotonic() - began - TICK_S))

    async def write() -> None:
        exposition.write()

    return (
        BackgroundLoop(name="event loop delay", step=measure, every_s=0),
        BackgroundLoop(name="metrics of workers", step=write, every_s=WRITE_EVERY_S),
    )
