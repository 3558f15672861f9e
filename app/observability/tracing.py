"""OpenTelemetry traces: one per answer, with spans for graph nodes and model calls.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set; then nothing is imported or wrapped. Spans contain
ids, counts and durations, never the text of questions or answers.
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
    """The hooks that the container installs."""

    continue_trace: Callable[[Mapping[str, str]], None] | None

    def engine(self, engine: AnswerEngine) -> AnswerEngine:
        """Wrap the engine: one trace per answer."""
        ...

    def node(self, name: str, node: Node) -> Node:
        """Wrap the node: one span per execution."""
        ...

    def call(self, name: str) -> AbstractContextManager[None]:
        """A span for a model call."""
        ...

    def close(self) -> None:
        """Flush pending spans. Blocks."""
        ...


class NoTracing:
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
    """Tracing to `endpoint`, or none. Raises `SettingError` without the tracing extra."""
    if endpoint is None:
        return NoTracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise SettingError(MISSING) from error
    return OpenTelemetry(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"))


class OpenTelemetry:
    """Exports spans in batches from a background thread."""

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
        """Continue the trace of the request's `traceparent` header, if there is one.

        Each request has its own context, which ends with the request.
        """
        if "traceparent" in headers:
            self._context.attach(self._propagator.extract(dict(headers)))

    def engine(self, engine: AnswerEngine) -> AnswerEngine:
        return TracedEngine(engine, self)

    def node(self, name: str, node: Node) -> Node:
        async def traced(state: AnswerState) -> AnswerState:
            with self.span(name) as span:
                update = await node(state)
                for key, value in _node_attributes(update).items():
                    span.set_attribute(key, value)
                return update

        return traced

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        with self.span(name):
            yield

    @contextmanager
    def span(self, name: str, attributes: Attributes | None = None) -> Iterator["Span"]:
        """A child of the current span. Failures are recorded by their code only."""
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
    """Implements `AnswerEngine`. The span lasts as long as generation."""

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
        fields = {"citestream.run_id": question.run_id, "citestream.model": self.model_name}
        with self._tracing.span("answer", fields) as span:
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


def _node_attributes(update: AnswerState) -> Attributes:
    """Span attributes from a node's update, without text."""
    fields: dict[str, str | int | float | bool] = {}
    if "decision" in update:
        fields["citestream.decision"] = update["decision"]
        fields["citestream.judge"] = update["judge"]
    if "attempt" in update:
        fields["citestream.attempt"] = update["attempt"]
        fields["citestream.candidates"] = len(update["found"].candidates)
    return fields
