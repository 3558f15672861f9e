"""Builds the answer engine of each model: the graph over one loop's database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypedDict

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.messages import BaseMessage

from app.config import Settings
from app.db.library_store import LibraryStore
from app.domain.errors import RunFailure
from app.domain.events import Token
from app.domain.library_ports import PassageEncoder
from app.domain.models import Passage
from app.domain.ports import Reranker
from app.graph.build import build_graph
from app.graph.engine import GraphEngine
from app.graph.model_engines import ModelEngines
from app.graph.nodes.plan import Planner
from app.llm.answer_model import AnswerModel
from app.llm.answering import AnswerLimits, answer_text, ask, stream_answer
from app.llm.catalog import ModelCatalog
from app.llm.extractive_answer import quote as choose_quotes
from app.llm.fast_path.versions import is_usable
from app.observability.tracing import Tracing
from app.runs.clock import SystemClock
from app.runs.ports import AnswerEngine, EngineResult, Question
from app.search.hybrid import HybridSearch
from app.search.passage_index import PostgresPassageIndex
from app.search.text_similarity import TextSimilarity
from app.search.vocabulary import LibraryVocabulary

JUDGE_TIMEOUT_S = 15.0


def make_engine(
    settings: Settings,
    tracing: Tracing,
    embedder: PassageEncoder,
    library: LibraryStore,
    index: PostgresPassageIndex,
    words: LibraryVocabulary,
    models: ModelCatalog,
    reranker: Reranker,
    clock: SystemClock,
) -> AnswerEngine:
    """Build the graph over this loop's database for one of the process's models."""
    search = HybridSearch(index, embedder, words)
    planner = Planner(
        library=library,
        search=search,
        similarity=TextSimilarity(embedder),
        quotes_only=True,
        answers_by="",
        clock=clock.monotonic,
    )

    def make(name: str) -> AnswerEngine:
        return _engine_of(
            settings,
            tracing,
            models.model(name),
            name,
            planner=planner,
            words=words,
            expect=search.expect,
            reranker=reranker,
            clock=clock,
        )

    return ModelEngines(models.default, make)


def _engine_of(
    settings: Settings,
    tracing: Tracing,
    model: AnswerModel,
    name: str,
    *,
    planner: Planner,
    words: LibraryVocabulary,
    expect: Callable[[str], None],
    reranker: Reranker,
    clock: SystemClock,
) -> AnswerEngine:
    limits = AnswerLimits(
        first_token_s=settings.first_token_timeout_s, idle_s=settings.idle_timeout_s
    )
    calls = _ModelCalls(model, name, tracing, limits)
    graph = build_graph(
        planner=replace(planner, quotes_only=not model.can_judge, answers_by=_answers_by(model)),
        search=planner.search,
        words=words,
        reranker=reranker,
        answerer=calls.answer,
        judge=calls.judge if model.can_judge else None,
        quoting=None if model.can_judge else (choose_quotes, planner.library),
        clock=clock.monotonic,
        wrap=tracing.node,
    )
    engine = GraphEngine(
        graph,
        model_name=name,
        now=clock.now,
        text_of=answer_text,
        expect=expect,
        normalize_markers=model.can_judge,
        max_prompt_tokens=lambda: model.max_prompt_tokens,
        **event_path(fast=is_usable(settings.llm_fast_path)),
    )
    return tracing.engine(engine)


@dataclass(frozen=True, slots=True)
class _ModelCalls:
    """The graph's calls to one model."""

    model: AnswerModel
    name: str
    tracing: Tracing
    limits: AnswerLimits

    async def answer(
        self,
        messages: Sequence[BaseMessage],
        *,
        question: Question,
        passages: tuple[Passage, ...],
        quote: str | None,
    ) -> tuple[EngineResult, str]:
        with self.tracing.call("model: answer"), failures_named(self.model, self.name):
            end = await stream_answer(
                self.model,
                messages,
                passages=passages,
                question=question.text,
                limits=self.limits,
                prefix=question.continues or "",
                quote=quote,
                drops_turns=False,
            )
        return EngineResult(end.finish_reason, end.usage), "" if end.streamed else end.text

    async def judge(self, messages: Sequence[BaseMessage]) -> str | None:
        with self.tracing.call("model: judge"):
            return await ask(
                self.model, messages, timeout_s=JUDGE_TIMEOUT_S, load_s=self.limits.first_token_s
            )


@contextmanager
def failures_named(model: AnswerModel, name: str) -> Iterator[None]:
    """Add the model's name to a failure when there are several models."""
    try:
        yield
    except RunFailure as failure:
        if model.is_listed:
            failure.message = f"{name} at {model.sends_to}: {failure.message}"
        raise


def _answers_by(model: AnswerModel) -> str:
    """The sentence about the model, for users who ask who answers."""
    if not model.can_judge:
        return "No model is connected: answers are quoted from the passages, word for word."
    where = f", to which passages are sent ({model.sends_to})" if model.sends_to else ""
    return f"Answers are written by the model {model.name}{where}."


class EventPath(TypedDict, total=False):
    """How the graph's events are created, where it differs from stock LangChain and pydantic."""

    make_callbacks: Callable[[], BaseCallbackManager]
    make_token: Callable[[str, str], Token]


def event_path(*, fast: bool) -> EventPath:
    """Keyword arguments for `GraphEngine`."""
    if not fast:
        return {}
    from app.llm.fast_path.inline_callbacks import make_callbacks
    from app.llm.fast_path.unvalidated import token

    return {"make_callbacks": make_callbacks, "make_token": token}
