"""Turns what runs and requests tell into figures, and the end of a run into one log line."""

import logging
from collections.abc import Mapping
from typing import Final

from app.domain.models import StageRecord
from app.observability.metrics import Metrics
from app.runs.active_run import LiveRun
from app.runs.ports import ClosedRun

log = logging.getLogger(__name__)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STAGES: Final[Mapping[str, str]] = {
    "retrieval_complete": "retrieval",
    "reranking_complete": "reranking",
    "grading_complete": "grading",
    "rewriting_complete": "rewriting",
}


class RunMetrics:
    """Implements `RunObserver`. `tell_text`: questions and answers enter the log (`LOG_TEXT`)."""

    def __init__(self, figures: Metrics, *, tell_text: bool) -> None:
        self._figures = figures
        self._tell_text = tell_text
        self._under_way: dict[str, LiveRun] = {}
        self._tokens_over = 0

    @property
    def under_way(self) -> int:
        """Answers being written."""
        return len(self._under_way)

    @property
    def tokens(self) -> int:
        """Pieces of answers that came from the model since the start; asked when it is scraped."""
        return self._tokens_over + sum(r.upstream.deltas for r in self._under_way.values())

    @property
    def unflushed(self) -> int:
        """Events that only this process has: what a kill would lose now."""
        return sum(len(run.entries) - run.flushed for run in self._under_way.values())

    def started(self, run: LiveRun, question: str) -> None:
        self._under_way[run.run_id] = run
        self._figures.runs_started.labels(run.record.route).inc()
        if self._tell_text:
            log.info("Question: %s", question, extra={"run_id": run.run_id})

    def first_token(self, seconds: float) -> None:
        self._figures.first_token.observe(seconds)

    def ended(self, run: LiveRun, outcome: ClosedRun) -> None:
        figures, message = self._figures, outcome.message
        reason = message.finish_reason or message.error_code or "unknown"
        figures.runs_ended.labels(outcome.status, reason).inc()
        if run.cancel_reason is not None:
            figures.stops.labels(run.cancel_reason).inc()
        if outcome.receipt is not None and outcome.receipt.upstream_closed_ms is not None:
            figures.stop_seconds.observe(outcome.receipt.upstream_closed_ms / 1000)
        if message.timings is not None:
            figures.run_seconds.observe(message.timings.total_ms / 1000)
        for item in message.evidence:
            self._stage(item)
        self._tell(run, outcome, reason)

    def unsaved(self) -> None:
        self._figures.unsaved.inc()

    def closed(self, run: LiveRun) -> None:
        if self._under_way.pop(run.run_id, None) is not None:
            self._tokens_over += run.upstream.deltas

    def _stage(self, record: StageRecord) -> None:
        stage, content = STAGES.get(record.type), record.content
        if stage is None or not isinstance(content, Mapping):
            return
        took = content.get("ms")
        if isinstance(took, int | float):
            self._figures.stage.labels(stage).observe(took / 1000)

    def _tell(self, run: LiveRun, outcome: ClosedRun, reason: str) -> None:
        timings = outcome.message.timings
        total = None if timings is None else timings.total_ms
        told: dict[str, object] = {
            "run_id": run.run_id,
            "status": outcome.status,
            "reason": reason,
            "tokens": run.upstream.deltas,
            "first_token_ms": None if timings is None else timings.first_token_ms,
            "total_ms": total,
        }
        seconds = (total or 0) / 1000
        log.info("Answer ended: %s after %.1f s (run %s)", reason, seconds, run.run_id, extra=told)
        if self._tell_text:
            log.info("Answer: %s", outcome.message.content, extra={"run_id": run.run_id})


class RequestMetrics:
    """Implements `RequestObserver` of `api/requests.py`."""

    def __init__(self, figures: Metrics) -> None:
        self._figures = figures

    def request_ended(
        self, method: str, route: str, status: int, seconds: float, *, streamed: bool
    ) -> None:
        """Streams last as long as answers do: their length says nothing of the server."""
        known = method if method in METHODS else "other"
        self._figures.requests.labels(known, route, str(status)).inc()
        if not streamed:
            self._figures.request_seconds.labels(route).observe(seconds)

    def viewers(self, change: int) -> None:
        self._figures.viewers.inc(change)
