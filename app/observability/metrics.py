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
        Info("citestream_build", "The version that runs.", registry=registry).info(
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
            "From the accepted question to its first piece of text.",
            buckets=FIRST_TOKEN_S,
            registry=registry,
        )
        self.run_seconds = Histogram(
            "citestream_run_seconds", "A whole answer.", buckets=WHOLE_S, registry=registry
        )
        self.stage = Histogram(
            "citestream_stage_seconds",
            "One step of finding passages: retrieval, reranking, grading, rewriting.",
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
            "From cancelling to the closed socket of the model.",
            buckets=SHORT_S,
            registry=registry,
        )
        self.unsaved = Counter(
            "citestream_runs_unsaved",
            "Answers whose viewers were let go before the database took them.",
            registry=registry,
        )
        self.frame_gap = Histogram(
            "citestream_frame_gap_seconds",
            "Between two frames of text of one viewer, on one stream in sixteen.",
            buckets=SHORT_S,
            registry=registry,
        )

    def _store(self, registry: CollectorRegistry) -> None:
        self.store = Histogram(
            "citestream_store_seconds",
            "Statements of the run log: create, flush, finish, beat.",
            ["statement"],
            buckets=SHORT_S,
            registry=registry,
        )
        self.store_failures = Counter(
            "citestream_store_failures",
            "The same, when the database did not take them.",
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
            "Waiting for a connection of the pool.",
            buckets=SHORT_S,
            registry=registry,
        )

    def _server(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "citestream_http_requests",
            "Requests by route template and status; 0: the client left before there was one.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "citestream_http_request_seconds",
            "Requests that are no event stream.",
            ["route"],
            buckets=SHORT_S,
            registry=registry,
        )
        self.viewers = Gauge(
            "citestream_viewers", "Event streams that are open.", registry=registry
        )
        self.loop_delay = Histogram(
            "citestream_event_loop_delay_seconds",
            "How much later than asked the event loop woke a waiting task.",
            buckets=SHORT_S,
            registry=registry,
        )
