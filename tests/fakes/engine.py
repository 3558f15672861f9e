"""A scripted answer engine: a test double of the model's side of a run."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from app.domain.encoding import timestamp
from app.domain.errors import RunFailure
from app.domain.events import GenerationStartEvent, GenerationStartPayload, Stage, Token
from app.domain.models import FinishReason, Usage
from app.domain.ports import current_upstream
from app.runs.ports import EngineResult, Evidence, Question

NOW = timestamp(datetime(2026, 11, 20, 10, 30, 40, tzinfo=UTC))


@dataclass
class ScriptedEngine:
    """Emits `tokens`; waits at `gates[i]` before token i; then fails or ends."""

    tokens: Sequence[str] = ("Nausea", " is", " common", " [1].")
    finish_reason: FinishReason = "stop"
    failure: Exception | None = None
    gates: dict[int, asyncio.Event] = field(default_factory=dict)
    usage: Usage | None = None
    model_name: str = "scripted"
    asked: list[Question] = field(default_factory=list)
    closed: int = 0
    expected: list[str] = field(default_factory=list)

    def expect(self, text: str) -> None:
        self.expected.append(text)

    async def answer(
        self, question: Question, evidence: Evidence
    ) -> AsyncGenerator[Stage | Token | EngineResult, None]:
        self.asked.append(question)
        upstream = current_upstream.get()
        try:
            yield GenerationStartEvent(content=GenerationStartPayload(passages=()), timestamp=NOW)
            for index, text in enumerate(self.tokens):
                if index in self.gates:
                    await self.gates[index].wait()
                if upstream is not None:
                    upstream.deltas += 1
                yield Token(content=text, timestamp=NOW)
            if len(self.tokens) in self.gates:
                await self.gates[len(self.tokens)].wait()
            if self.failure is not None:
                raise self.failure
            yield EngineResult(self.finish_reason, self.usage)
        finally:
            self.closed += 1


FAILED = RunFailure("UPSTREAM_UNAVAILABLE", "The model service cannot be reached.")
