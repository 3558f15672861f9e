"""Traces for OpenTelemetry: one for each answer, a span for each step, the model calls inside.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Then nothing is imported, wrapped or called.
Spans carry ids, counts and durations, never what was asked or answered.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, aclosing, contextmanager
from typing import TYPE_CHECKING, Protocol

from app import __version__
from app.domain.errors import RunFailure, SettingError
from app.domain.events import Stage, Token
from app.graph.state import AnswerState, Node
from app.runs.ports import AnswerEngine, EngineResult, Evidence, Question

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

MISSING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT: got an address, takes one only where OpenTelemetry is installed: "
    ".venv/bin/pip install --no-deps --require-hashes -r requirements-tracing.lock"
)
Attributes = Mapping[str, str | int | float | bool]


class Tracing(Protocol):
    """What the composition root asks of traces."""

    continue_trace: Callable[[Mapping[str, str]], None] | None

    def engine(self, engine: AnswerEngine) -> AnswerEngine:
        """The engine, with a trace for each answer."""
        ...

    def node(self, name: str, node: Node) -> Node:
        """The node, with a span for each visit."""
        ...

    def call(self, name: str) -> AbstractContextManager[None]:
        """A span for a call of the model."""
        ...

    def close(self) -> None:
        """Send what is left. Blocks."""
        ...


class NoTracing:
    """Everything as it is."""

    continue_trace: Callable[[Mapping[str, str]], None] | None = None

    def engine(self, engine: AnswerEngine) -> AnswerEngine:
        return engine

    def node(self, name: str, node: Node) -> Node:
        return node

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        yield

    def close(self) -> None: ...


def make_tracing(endpoint: str | None) -> Tracing:
    """Traces to `endpoint`, or none. Raises `SettingError` without the packages of the extra."""
    if endpoint is None:
        return NoTracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise SettingError(MISSING) from error
    return OpenTelemetry(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"))


class OpenTelemetry:
    """Spans in batches to one exporter, from a thread of their own."""

    def __init__(self, exporter: "SpanExporter") -> None:
        from opentelemetry import context, trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        resource = Resource.create({"service.name": "citestream", "service.version": __version__})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("citestream")
        self._trace, self._context = trace, context
        self._propagator = TraceContextTextMapPropagator()
        self.continue_trace: Callable[[Mapping[str, str]], None] | None = self._continue

    def _continue(self, headers: Mapping[str, str]) -> None:
        """Answers of this request belong to the trace of its `traceparent`, if it has one.

        Each request has a context of its own, which ends with it.
        """
        if "traceparent" in headers:
            self._context.attach(self._propagator.extract(dict(headers)))

    def engine(self, engine: AnswerEngine) -> AnswerEngine:
        return TracedEngine(engine, self)

    def node(self, name: str, node: Node) -> Node:
        async def traced(state: AnswerState) -> AnswerState:
            with self.span(name) as span:
                update = await node(state)
                for key, value in _told(update).items():
                    span.set_attribute(key, value)
                return update

        return traced

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        with self.span(name):
            yield

    @contextmanager
    def span(self, name: str, attributes: Attributes | None = None) -> Iterator["Span"]:
        """A child of the current span. Failures are told by their code alone."""
        with self._tracer.start_as_current_span(
            name,
            attributes=dict(attributes or {}),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                code = error.code if isinstance(error, RunFailure) else type(error).__qualname__
                span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, code))
                raise

    def close(self) -> None:
        self._provider.shutdown()


class TracedEngine:
    """Implements `AnswerEngine`: the span lasts as long as the answer is written."""

    def __init__(self, engine: AnswerEngine, tracing: OpenTelemetry) -> None:
        self._engine = engine
        self._tracing = tracing

    @property
    def model_name(self) -> str:
        return self._engine.model_name

    def expect(self, text: str) -> None:
        self._engine.expect(text)

    async def answer(
        self, question: Question, evidence: Evidence
    ) -> AsyncGenerator[Stage | Token | EngineResult, None]:
        told = {"citestream.run_id": question.run_id, "citestream.model": self.model_name}
        with self._tracing.span("answer", told) as span:
            tokens = 0
            async with aclosing(self._engine.answer(question, evidence)) as items:
                async for item in items:
                    if isinstance(item, Token):
                        if not tokens:
                            span.add_event("first token")
                        tokens += 1
                    elif isinstance(item, EngineResult):
                        span.set_attribute("citestream.finish_reason", item.finish_reason)
                        span.set_attribute("citestream.tokens", tokens)
                    yield item


def _told(update: AnswerState) -> Attributes:
    """What a node set, without any words."""
    told: dict[str, str | int | float | bool] = {}
    if "decision" in update:
        told["citestream.decision"] = update["decision"]
        told["citestream.judge"] = update["judge"]
    if "attempt" in update:
        told["citestream.attempt"] = update["attempt"]
        told["citestream.candidates"] = len(update["found"].candidates)
    return told
