"""The real chain from graph to bytes, with the clock, the ids and the outside world fixed.

Real: graph, translation, producer, citations, log, cursors, reaper and encoder. Played: the library
(found passages), the model (pieces of text) and the time, which moves only when it is read.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from typing_extensions import override

from app.api.streaming import FrameEncoder, sse_frames
from app.config import Settings
from app.domain.errors import RunFailure
from app.domain.models import (
    Candidate,
    Filters,
    FinishReason,
    Passage,
    Reranked,
    SearchResult,
    Usage,
)
from app.domain.ports import REASONING, RETRACTED
from app.domain.principals import LOCAL, Principal
from app.graph.build import build_graph
from app.graph.engine import GraphEngine
from app.graph.nodes.plan import Planner
from app.llm.answering import answer_text
from app.runs.active_run import LiveRun
from app.runs.cursors import LiveCursor, StoredCursor
from app.runs.ports import Created, EngineResult, NewRun, Question, RunRecord
from app.runs.producer import Producer
from app.runs.recorder import Recorder
from app.runs.run_signals import RunSignals
from app.runs.tasks import TaskTracker
from app.server.answer_engines import event_path
from app.text.citations import cite
from tests.fakes.memory_run_log import MemoryRunLog
from tests.fakes.word_lookup import FixedWords
from tests.harness.memory_library import MemoryLibrary, no_similarity

RUN_ID = "7f0c2c5e-3f0b-4c39-9a57-0d5b6a0f3e11"
MESSAGE_ID = "2b8f4d1a-6c1e-4a67-8f35-91c2d7e4b022"
QUESTION_ID = "c4d9e6f0-1a2b-4c3d-8e5f-607182930433"
SESSION_ID = "550e8400-e29b-41d4-a716-446655440000"
QUESTION = "What are the side effects of aripiprazole?"
ASKED_AT = datetime(2026, 11, 20, 10, 30, 40, tzinfo=UTC)
SILENCE_S = 600.0
TURNS = 60  # of the event loop: more than a piece needs from the model to the reader's frame

USAGE = Usage(input_tokens=212, output_tokens=18, estimated=False)


class SteppingClock:
    """Each reading of the wall clock advances it by 10 ms; the other clock only follows."""

    def __init__(self) -> None:
        self._steps = 0

    def now(self) -> datetime:
        at = ASKED_AT + timedelta(milliseconds=10 * self._steps)
        self._steps += 1
        return at

    def monotonic(self) -> float:
        return self._steps / 100

    def skip(self, seconds: float) -> None:
        self._steps += round(seconds * 100)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def passage(number: int, text: str, *, title: str = "Aripiprazole", heading: str = "") -> Passage:
    return Passage(
        passage_id=f"aripiprazole-{number}",
        source_id="aripiprazole",
        title=title,
        kind="document",
        position=number - 1,
        text=text,
        heading=heading or None,
    )


def clear(found: Passage) -> Candidate:
    """Clear evidence."""
    return Candidate(found, score=0.91, cosine=0.74, bm25=11.2, coverage=1.0)


def doubtful(found: Passage) -> Candidate:
    """Evidence in the grey band, where the model is asked."""
    return Candidate(found, score=0.42, cosine=0.38, bm25=2.1, coverage=0.4)


EFFECTS = passage(
    1,
    "Common side effects are nausea, headache and restlessness.",
    heading="Side effects",
)
DOSAGE = passage(2, "The usual dose is 10 mg once a day.", heading="Dosage")


class FakeChatModel(BaseChatModel):
    """Streams its pieces one by one, and lets the reader catch up after each."""

    pieces: tuple[str | AIMessageChunk, ...]

    @property
    @override
    def _llm_type(self) -> str:
        return "played"

    @override
    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        whole = AIMessage("".join(str(_message(piece).content) for piece in self.pieces))
        return ChatResult(generations=[ChatGeneration(message=whole)])

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for piece in self.pieces:
            yield ChatGenerationChunk(message=_message(piece))
            for _turn in range(TURNS):
                await asyncio.sleep(0)


def _message(piece: str | AIMessageChunk) -> AIMessageChunk:
    return AIMessageChunk(content=piece) if isinstance(piece, str) else piece


def thought(text: str) -> AIMessageChunk:
    """A piece of reasoning."""
    return AIMessageChunk(content="", additional_kwargs={REASONING: text})


RETRACTION = AIMessageChunk(content="", response_metadata={RETRACTED: True})


@dataclass
class Script:
    """The behaviour of external systems in one answer."""

    pieces: tuple[str | AIMessageChunk, ...] = ()
    searches: tuple[tuple[Candidate, ...], ...] = ((clear(EFFECTS), clear(DOSAGE)),)
    replies: tuple[tuple[str, ...], ...] = ()  # of the model as judge, also in pieces
    finish_reason: FinishReason = "stop"
    failure: RunFailure | None = None
    filters: Filters = field(default_factory=Filters)
    hangs: bool = False  # the model streams its pieces and then stays silent

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        candidates, *rest = self.searches
        self.searches = tuple(rest) or (candidates,)
        return SearchResult(candidates, searched_passages=42, searched_sources=3)

    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        return Reranked(tuple(candidates))

    async def answer(
        self,
        messages: Sequence[BaseMessage],
        *,
        question: Question,
        passages: tuple[Passage, ...],
        quote: str | None,
    ) -> tuple[EngineResult, str]:
        if self.pieces:
            async for _ in FakeChatModel(pieces=self.pieces).astream(list(messages)):
                pass
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure
        return EngineResult(self.finish_reason, USAGE), ""

    async def judge(self, messages: Sequence[BaseMessage]) -> str | None:
        """Streams like an answer on purpose: none of it may be shown."""
        pieces, *rest = self.replies
        self.replies = tuple(rest)
        said = [
            chunk.content async for chunk in FakeChatModel(pieces=pieces).astream(list(messages))
        ]
        return "".join(str(part) for part in said)


@dataclass
class ScenarioRun:
    """One run on a separate log."""

    log: MemoryRunLog
    clock: SteppingClock
    tasks: TaskTracker
    recorder: Recorder
    record: RunRecord
    run: LiveRun

    def live(self, after: int = 0) -> LiveCursor:
        return LiveCursor(self.run, after, self.clock, self.stored(after))

    def stored(self, after: int = 0) -> StoredCursor:
        return StoredCursor(
            self.log, LOCAL, self.record, after=after, clock=self.clock, signals=RunSignals()
        )

    def start(self, script: Script, *, continues: str | None = None) -> None:
        """Begin to answer."""
        graph = build_graph(
            planner=Planner(
                library=MemoryLibrary(),
                search=script,
                similarity=no_similarity,
                quotes_only=not script.replies,
                answers_by="",
                clock=self.clock.monotonic,
            ),
            search=script,
            words=FixedWords(),
            reranker=script,
            answerer=script.answer,
            judge=script.judge if script.replies else None,
            clock=self.clock.monotonic,
        )
        producer = Producer(
            run_log=self.log,
            engine=GraphEngine(
                graph,
                model_name="played",
                now=self.clock.now,
                text_of=answer_text,
                **event_path(fast=Settings().llm_fast_path),
            ),
            cite=cite,
            recorder=self.recorder,
            tasks=self.tasks,
            clock=self.clock,
            run_timeout_s=SILENCE_S,
        )
        question = Question(
            run_id=RUN_ID,
            session_id=SESSION_ID,
            message_id=MESSAGE_ID,
            principal=LOCAL,
            text=QUESTION,
            filters=script.filters,
            continues=continues,
        )

        async def ask() -> Question:
            return question

        self.tasks.spawn(producer.produce(self.run, ask), name="run")


@asynccontextmanager
async def scenario_run(filters: Filters | None = None) -> AsyncIterator[ScenarioRun]:
    """A run that was created but has not started."""
    clock = SteppingClock()
    log = MemoryRunLog(clock_s=clock.monotonic)
    await log.beat("process-1")
    created = await log.create(
        NewRun(
            run_id=RUN_ID,
            principal=LOCAL,
            session_id=SESSION_ID,
            route="chat",
            message_id=MESSAGE_ID,
            question_id=QUESTION_ID,
            question=QUESTION,
            model="played",
            filters=filters or Filters(),
            on_disconnect="continue",
            process_id="process-1",
            created_at=clock.now(),
        )
    )
    assert isinstance(created, Created)
    run = LiveRun(created.record, cancel_on_disconnect=False, started_at=clock.monotonic())
    tasks = TaskTracker()
    try:
        yield ScenarioRun(log, clock, tasks, Recorder(log, clock), created.record, run)
    finally:
        await tasks.close()


async def stream(
    cursor: LiveCursor | StoredCursor,
    *,
    encode: FrameEncoder = sse_frames,
    watch: Callable[[bytes], None] = lambda frame: None,
) -> bytes:
    """All bytes that a viewer gets; `watch` sees each frame as it arrives."""
    parts: list[bytes] = []
    frames: AsyncGenerator[bytes, None] = encode(cursor, heartbeat_s=SILENCE_S)
    async for frame in frames:
        parts.append(frame)
        watch(frame)
    return b"".join(parts)
