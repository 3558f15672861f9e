"""The PostgreSQL run log with timed statements."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from typing_extensions import override

from app.db.listener import Listener
from app.db.pool import Database
from app.db.run_log import PostgresRunLog
from app.domain.errors import StoreUnavailable
from app.observability.metrics import Metrics
from app.runs.ports import Batch, ClosedRun, Created, DuplicateRequest, NewRun


class MeasuredRunLog(PostgresRunLog):
    """Records duration and failures of each statement."""

    def __init__(self, database: Database, notices: Listener, metrics: Metrics) -> None:
        super().__init__(database, notices)
        self._metrics = metrics

    @override
    async def create(self, new: NewRun) -> Created | DuplicateRequest:
        with self._timed("create"):
            return await super().create(new)

    @override
    async def flush(self, batches: Sequence[Batch]) -> frozenset[str]:
        with self._timed("flush"):
            refused = await super().flush(batches)
        self._metrics.flushed.observe(sum(len(batch.entries) for batch in batches))
        return refused

    @override
    async def finish(self, outcome: ClosedRun) -> bool:
        with self._timed("finish"):
            return await super().finish(outcome)

    @override
    async def beat(self, process_id: str) -> None:
        with self._timed("beat"):
            await super().beat(process_id)

    @contextmanager
    def _timed(self, statement: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except StoreUnavailable:
            self._metrics.store_failures.labels(statement).inc()
            raise
        self._metrics.store.labels(statement).observe(time.monotonic() - began)
