"""All metrics of `GET /metrics`: name, unit, labels, meaning."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    ProcessCollector,
)

from app import __version__

SHORT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
FIRST_TOKEN_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60)
WHOLE_S = (0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
EVENTS = (1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000)


class Metrics:
    """One set per process, in its own registry, so that applications do not share metrics."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        Info("citestream_build", "The running version.", registry=registry).info(
            {"version": __version__}
        )
        self._runs(registry)
        self._store(registry)
        self._server(registry)

    def _runs(self, registry: CollectorRegistry) -> None:
        self.runs_started = Counter(
            "citestream_runs_started", "Questions accepted.", ["route"], registry=registry
        )
        self.runs_ended = Counter(
            "citestream_runs_ended",
            "Answers that ended, by status and reason (finish_reason or error code).",
            ["status", "reason"],
            registry=registry,
        )
        self.first_token = Histogram(
            "citestream_first_token_seconds",
            "Time from accepting a question to its first token.",
            buckets=FIRST_TOKEN_S,
            registry=registry,
        )
        self.run_seconds = Histogram(
            "citestream_run_seconds", "Duration of an answer.", buckets=WHOLE_S, registry=registry
        )
        self.stage = Histogram(
            "citestream_stage_seconds",
            "Duration of a stage: retrieval, reranking, grading, rewriting.",
            ["stage"],
            buckets=SHORT_S,
            registry=registry,
        )
        self.stops = Counter(
            "citestream_stops",
            "Answers cancelled: stopped, disconnected, drained, fenced.",
            ["reason"],
            registry=registry,
        )
        self.stop_seconds = Histogram(
            "citestream_stop_upstream_closed_seconds",
            "Time from cancellation until the model's socket is closed.",
            buckets=SHORT_S,
            registry=registry,
        )
        self.unsaved = Counter(
            "citestream_runs_unsaved",
            "Answers whose viewers were released before the database stored them.",
            registry=registry,
        )
        self.frame_gap = Histogram(
            "citestream_frame_gap_seconds",
            "Time between two frames of text, sampled on one stream in sixteen.",
            buckets=SHORT_S,
            registry=registry,
        )

    def _store(self, registry: CollectorRegistry) -> None:
        self.store = Histogram(
            "citestream_store_seconds",
            "Duration of run log statements: create, flush, finish, beat.",
            ["statement"],
            buckets=SHORT_S,
            registry=registry,
        )
        self.store_failures = Counter(
            "citestream_store_failures",
            "Run log statements that failed because the database was unavailable.",
            ["statement"],
            registry=registry,
        )
        self.flushed = Histogram(
            "citestream_flush_events",
            "Events written by one flush.",
            buckets=EVENTS,
            registry=registry,
        )
        self.pool_wait = Histogram(
            "citestream_pool_wait_seconds",
            "Time waited for a pooled connection.",
            buckets=SHORT_S,
            registry=registry,
        )

    def _server(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "citestream_http_requests",
            "Requests by route template and status; 0: the client left before the response.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "citestream_http_request_seconds",
            "Duration of requests other than event streams.",
            ["route"],
            buckets=SHORT_S,
            registry=registry,
        )
        self.viewers = Gauge("citestream_viewers", "Open event streams.", registry=registry)
        self.loop_delay = Histogram(
            "citestream_event_loop_delay_seconds",
            "Delay with which the event loop resumed a waiting task.",
            buckets=SHORT_S,
            registry=registry,
        )
