"""Duration and failures of the run log's statements."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.errors import StoreUnavailable
from app.observability.metrics import Metrics


class StatementMetrics:
    """Implements the run log's `StatementObserver`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    @contextmanager
    def timed(self, statement: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except StoreUnavailable:
            self._metrics.store_failures.labels(statement).inc()
            raise
        self._metrics.store.labels(statement).observe(time.monotonic() - began)

    def flushed(self, events: int) -> None:
        self._metrics.flushed.observe(events)
