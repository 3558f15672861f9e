"""Records metrics of runs and requests, and logs one line at the end of each run."""

import logging
from collections.abc import Mapping
from typing import Final

from app.domain.conversation_models import StageRecord
from app.observability.metrics import Metrics
from app.runs.active_run import LiveRun
from app.runs.ports import ClosedRun

log = logging.getLogger(__name__)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STAGES: Final[Mapping[str, str]] = {
    "planning_complete": "planning",
    "retrieval_complete": "retrieval",
    "reranking_complete": "reranking",
    "grading_complete": "grading",
    "rewriting_complete": "rewriting",
}


class RunMetrics:
    """Implements `RunObserver`. `log_text`: log questions and answers (`LOG_TEXT`)."""

    def __init__(self, metrics: Metrics, *, log_text: bool) -> None:
        self._metrics = metrics
        self._tell_text = log_text
        self._active: dict[str, LiveRun] = {}
        self._ended_tokens = 0

    @property
    def active(self) -> int:
        """Number of active answers."""
        return len(self._active)

    @property
    def tokens(self) -> int:
        """The number of deltas received from models since the start."""
        return self._ended_tokens + sum(r.upstream.deltas for r in self._active.values())

    @property
    def unflushed(self) -> int:
        """The number of events not stored yet, which a kill would lose."""
        return sum(len(run.entries) - run.flushed for run in self._active.values())

    def started(self, run: LiveRun, question: str) -> None:
        self._active[run.run_id] = run
        self._metrics.runs_started.labels(run.record.route).inc()
        if self._tell_text:
            log.info("Question: %s", question, extra={"run_id": run.run_id})

    def first_token(self, seconds: float) -> None:
        self._metrics.first_token.observe(seconds)

    def ended(self, run: LiveRun, outcome: ClosedRun) -> None:
        metrics, message = self._metrics, outcome.message
        reason = message.finish_reason or message.error_code or "unknown"
        metrics.runs_ended.labels(outcome.status, reason).inc()
        if run.cancel_reason is not None:
            metrics.stops.labels(run.cancel_reason).inc()
        if outcome.receipt is not None and outcome.receipt.upstream_closed_ms is not None:
            metrics.stop_seconds.observe(outcome.receipt.upstream_closed_ms / 1000)
        if message.timings is not None:
            metrics.run_seconds.observe(message.timings.total_ms / 1000)
        for item in message.evidence:
            self._stage(item)
        self._log_end(run, outcome, reason)

    def unsaved(self) -> None:
        self._metrics.unsaved.inc()

    def closed(self, run: LiveRun) -> None:
        if self._active.pop(run.run_id, None) is not None:
            self._ended_tokens += run.upstream.deltas

    def _stage(self, record: StageRecord) -> None:
        stage, content = STAGES.get(record.type), record.content
        if stage is None or not isinstance(content, Mapping):
            return
        took = content.get("ms")
        if isinstance(took, int | float):
            self._metrics.stage.labels(stage).observe(took / 1000)

    def _log_end(self, run: LiveRun, outcome: ClosedRun, reason: str) -> None:
        timings = outcome.message.timings
        total = None if timings is None else timings.total_ms
        fields: dict[str, object] = {
            "run_id": run.run_id,
            "status": outcome.status,
            "reason": reason,
            "tokens": run.upstream.deltas,
            "first_token_ms": None if timings is None else timings.first_token_ms,
            "total_ms": total,
        }
        seconds = (total or 0) / 1000
        log.info(
            "Answer ended: %s after %.1f s (run %s)", reason, seconds, run.run_id, extra=fields
        )
        if self._tell_text:
            log.info("Answer: %s", outcome.message.content, extra={"run_id": run.run_id})


class RequestMetrics:
    """Implements `RequestObserver` of `api/middleware/request_context.py`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def request_ended(
        self, method: str, route: str, status: int, seconds: float, *, streamed: bool
    ) -> None:
        """Streams last as long as their answers, so their duration is not recorded."""
        known = method if method in METHODS else "other"
        self._metrics.requests.labels(known, route, str(status)).inc()
        if not streamed:
            self._metrics.request_seconds.labels(route).observe(seconds)

    def viewers(self, change: int) -> None:
        self._metrics.viewers.inc(change)
