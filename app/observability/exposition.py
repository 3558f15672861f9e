"""Renders `GET /metrics` for this process, or for all workers of a server.

Workers share one port, so a scrape reaches any of them. Each writes its metrics to a file every few
seconds; the scraped one adds those of the others, with the label `worker` on every sample.
"""

import logging
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from typing_extensions import override

from app.observability.metrics import Metrics
from app.observability.run_metrics import RunMetrics
from app.runs.supervisor import LoopState

log = logging.getLogger(__name__)


class LiveCollector(Collector):
    """Metrics that are read at scrape time and otherwise cost nothing."""

    def __init__(
        self,
        metrics: Metrics,
        runs: RunMetrics,
        pool: Callable[[], tuple[int, int, int]],
        loops: Callable[[], Iterable[LoopState]] = tuple,
    ) -> None:
        self._loops = loops
        self._metrics = metrics
        self._runs = runs
        self._pool = pool

    @override
    def collect(self) -> Iterator[Metric]:
        yield from self._metrics.registry.collect()
        yield _gauge("citestream_active_runs", "Answers in progress.", self._runs.active)
        tokens = "Answer deltas received from models."
        yield CounterMetricFamily("citestream_tokens", tokens, value=self._runs.tokens)
        unflushed = "Events not stored in the database yet."
        yield _gauge("citestream_unflushed_events", unflushed, self._runs.unflushed)
        size, idle, limit = self._pool()
        yield _gauge("citestream_pool_connections", "Open database connections.", size)
        yield _gauge("citestream_pool_idle", "Idle database connections.", idle)
        yield _gauge("citestream_pool_limit", "Limit of database connections.", limit)
        yield from _loop_metrics(self._loops())


def _loop_metrics(loops: Iterable[LoopState]) -> Iterator[Metric]:
    failures = CounterMetricFamily(
        "citestream_background_failures",
        "Failed passes of a background loop, which are retried.",
        labels=["loop"],
    )
    success = GaugeMetricFamily(
        "citestream_background_last_success_timestamp_seconds",
        "Time of a background loop's last successful pass (Unix time).",
        labels=["loop"],
    )
    for state in loops:
        failures.add_metric([state.loop.name], state.failures)
        if state.last_success_at is not None:
            success.add_metric([state.loop.name], state.last_success_at.timestamp())
    yield failures
    yield success


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


class _MetricList(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = tuple(metrics)

    @override
    def collect(self) -> Iterable[Metric]:
        return self._metrics


class Exposition:
    """`folder` None: this process is the server's only one."""

    def __init__(self, own: Collector, folder: Path | None) -> None:
        self._own = own
        self._folder = folder

    def render(self, accept: str | None) -> tuple[bytes, str]:
        """The metrics and their content type, negotiated by the `Accept` header."""
        encode, content_type = choose_encoder(accept or "")
        collector: Collector = self._own
        if self._folder is not None:
            collector = _MetricList(self._all_workers(self._folder))
        registry = CollectorRegistry()
        registry.register(collector)
        return encode(registry), content_type

    def write(self) -> None:
        """Write this worker's metrics for the others. A full disk is not an error."""
        if self._folder is None:
            return
        registry = CollectorRegistry()
        registry.register(self._own)
        path = self._folder / f"{os.getpid()}.prom"
        draft = path.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(generate_latest(registry))
            draft.replace(path)
        except OSError as error:
            log.debug("The metrics could not be written: %s", error)

    def _all_workers(self, folder: Path) -> Iterator[Metric]:
        """Every worker's samples, grouped by metric family."""
        families: dict[str, Metric] = {}
        _add(families, self._own.collect(), os.getpid())
        for path in sorted(folder.glob("*.prom")):
            worker = int(path.stem)
            if worker == os.getpid():
                continue
            if not psutil.pid_exists(worker):
                path.unlink(missing_ok=True)
                continue
            with suppress(OSError):
                _add(families, text_string_to_metric_families(path.read_text()), worker)
        yield from families.values()


def _add(families: dict[str, Metric], metrics: Iterable[Metric], worker: int) -> None:
    for metric in metrics:
        family = families.setdefault(
            metric.name, Metric(metric.name, metric.documentation, metric.type)
        )
        for sample in metric.samples:
            if not sample.name.endswith("_created"):
                labels = sample.labels | {"worker": str(worker)}
                family.samples.append(sample._replace(labels=labels))


def workers_folder() -> Path | None:
    """The folder where this server's workers share their metrics; None outside a worker.

    Not in `DATA_DIR`, which replicas share: process ids repeat across containers.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return None
    own = Path(tempfile.gettempdir()) / f"citestream-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    if own.is_symlink() or own.stat().st_uid != os.getuid():
        log.warning("%s belongs to another user: each worker reports its own metrics only", own)
        return None
    for old in own.glob("figures-*"):
        if not psutil.pid_exists(int(old.name.rpartition("-")[2])):
            shutil.rmtree(old, ignore_errors=True)
    return own / f"figures-{parent.pid}"
