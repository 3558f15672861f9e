"""Drives the engine for one run and ends the run exactly once, whatever happens.

    asked ── engine ── tokens ── EngineResult ───────┐
      │         └─ RunFailure / timeout ─────────────┤
      └─ cancel (stop, disconnect, drain) ───────────┼─ citations ─ transaction ─ terminal
                                                     │
                 fenced: nothing is written, viewers continue from the stored log

Generation is a separate task, so that cancelling it never interrupts saving its result.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from app.domain.encoding import timestamp
from app.domain.errors import RunFailure, StoreUnavailable, release_frames
from app.domain.events import RunStartEvent, RunStartPayload, Token, to_json
from app.domain.ports import current_upstream
from app.runs.active_run import LiveRun
from app.runs.citation_check import Citer
from app.runs.log_entries import LogEntry, fold_entries
from app.runs.observer import NullRunObserver, RunObserver
from app.runs.outcome import (
    SHUT_DOWN,
    STOPPED,
    Closing,
    RunOutcome,
    citations_event,
    close_run,
    receipt_of,
    timings_of,
    usage_of,
)
from app.runs.ports import AnswerEngine, Clock, ClosedRun, EngineResult, Question, RunLog
from app.runs.recorder import Recorder
from app.runs.search_limiter import SearchLimiter
from app.runs.tasks import TaskTracker

log = logging.getLogger(__name__)

MAX_CONCURRENT_SEARCHES = 24
"""Concurrent searches per process. Each uses a database connection half of the time, and each of
its steps waits for one iteration of the event loop, in which all streams are served."""
_SEARCH_DONE = frozenset({"reranking_complete", "generation_start"})
"""After these events a run waits for nothing but the model, so its search slot is released."""
MAX_ANSWER_CHARACTERS = 4_000_000
MAX_ANSWER_EVENTS = 200_000
"""Limit. An endless answer would exhaust the memory long before its timeout."""
UNSAVED_AFTER_S = 5.0
SAVE_RETRY_S = 0.5


async def _already_confirmed() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Producer:
    """Everything needed to answer runs. One per process."""

    run_log: RunLog
    engine: AnswerEngine
    cite: Citer
    recorder: Recorder
    tasks: TaskTracker
    clock: Clock
    run_timeout_s: float
    observer: RunObserver = field(default_factory=NullRunObserver)
    confirm_ownership: Callable[[], Awaitable[None]] = _already_confirmed
    search_limiter: SearchLimiter = field(
        default_factory=lambda: SearchLimiter(MAX_CONCURRENT_SEARCHES)
    )

    async def produce(self, run: LiveRun, ask: Callable[[], Awaitable[Question]]) -> None:
        """Answer and finish. Does not raise for a failed answer. Must not be cancelled.

        `ask` reads the engine's input. It is part of generation, so it may fail too.
        """
        # First of all, so that `run_start` is always the first event.
        self._open(run)
        generating = self.tasks.spawn(
            self._generate(run, ask), name=f"answer {run.run_id}", awaited=True
        )
        run.set_producer(generating)
        await asyncio.wait({generating})
        # After a pause of this process, the run may belong to another one.
        await self.confirm_ownership()
        if run.fenced:
            return
        outcome = self._run_outcome(run, generating)
        await self._finish(run, outcome)

    def _run_outcome(self, run: LiveRun, generating: "asyncio.Task[EngineResult]") -> RunOutcome:
        if run.cancel_reason is not None:
            return RunOutcome(failure=SHUT_DOWN) if run.cancel_reason == "drained" else STOPPED
        if generating.cancelled():
            return RunOutcome(failure=SHUT_DOWN)
        error = generating.exception()
        if error is None:
            return RunOutcome(result=generating.result())
        if isinstance(error, RunFailure):
            release_frames(error)
            return RunOutcome(failure=error)
        raise error

    async def _generate(self, run: LiveRun, ask: Callable[[], Awaitable[Question]]) -> EngineResult:
        """Append the answer's events to the run's log. Raises `RunFailure` or `CancelledError`."""
        current_upstream.set(run.upstream)
        try:
            async with asyncio.timeout(self.run_timeout_s):
                return await self._follow_engine(run, await ask())
        except TimeoutError:
            raise RunFailure(
                "TIMEOUT", f"The answer took longer than {self.run_timeout_s:g} seconds."
            ) from None
        except (RunFailure, asyncio.CancelledError):
            raise
        except StoreUnavailable:
            log.warning("Run %s cannot reach the database", run.run_id)
            raise RunFailure(
                "RETRIEVAL_FAILED", "The library cannot be searched right now. Please try again."
            ) from None
        except Exception:  # outermost handler: every run must end
            log.exception("Run %s failed", run.run_id)
            raise RunFailure("INTERNAL", "Something went wrong while answering.") from None

    def _open(self, run: LiveRun) -> None:
        content = RunStartPayload(
            run_id=run.run_id,
            session_id=run.record.session_id,
            message_id=run.record.message_id,
            model=run.record.model,
            filters=run.record.filters,
        )
        run.append(RunStartEvent(content=content, timestamp=timestamp(self.clock.now())))
        self.recorder.touch(run)

    async def _follow_engine(self, run: LiveRun, question: Question) -> EngineResult:
        ended: EngineResult | None = None
        length = 0
        async with (
            self.search_limiter.acquire() as slot,
            aclosing(self.engine.answer(question, run.evidence)) as items,
        ):
            async for item in items:
                match item:
                    case EngineResult():
                        ended = item
                    case Token():
                        if run.first_token_at is None:
                            self._first_token(run)
                        run.append(item)
                        self.recorder.touch(run)
                        length += len(item.content)
                        if length > MAX_ANSWER_CHARACTERS or len(run.entries) > MAX_ANSWER_EVENTS:
                            log.warning("Run %s was ended: its answer is too long", run.run_id)
                            return EngineResult("length", None)
                    case _:
                        if item.type == "retrieval_complete":
                            run.retrieved_at = self.clock.monotonic()
                        elif item.type in _SEARCH_DONE:
                            slot.release()
                        run.append(item)
                        self.recorder.touch(run)
        if ended is None:
            raise RunFailure("UPSTREAM_TRUNCATED", "The model's answer ended before it was whole.")
        return ended

    def _first_token(self, run: LiveRun) -> None:
        run.first_token_at = self.clock.monotonic()
        took = run.first_token_at - run.started_at
        self.observer.first_token(took)
        log.info("First token after %.0f ms (run %s)", took * 1000, run.run_id)

    async def _finish(self, run: LiveRun, outcome: RunOutcome) -> None:
        run.finishing = True
        if run.evidence.withheld:
            # The start of a marker that is never completed is ordinary text.
            run.append(Token(content=run.evidence.withheld, timestamp=timestamp(self.clock.now())))
        answer = fold_entries(run.entries)
        citations = await citations_event(
            self.cite, outcome, answer.text, run.evidence.passages, now=self.clock.now
        )
        if citations is not None:
            run.append(citations)
            answer.add(citations.content)
        closing = self._closing(run, outcome, answer.text)
        unsaved, last_seq = run.entries[run.flushed :], len(run.entries) + 1
        closed_run = close_run(closing, answer, unsaved=unsaved, last_seq=last_seq)
        self.observer.ended(run, closed_run)
        saving = self.tasks.spawn(self._save(closed_run), name=f"save {run.run_id}")
        # An unresponsive database must not delay the answer either.
        await asyncio.wait({saving}, timeout=UNSAVED_AFTER_S)
        if not saving.done():
            log.warning("Run %s ended but cannot be saved yet", run.run_id)
            self.observer.unsaved()
        if not saving.done() and last_seq < run.reserved:
            run.receipt = closed_run.receipt
            event = closing.terminal(partial=bool(answer.text), saved=False)
            run.close_with(LogEntry(last_seq, event.type, to_json(event)))
        terminal = await saving
        if terminal is None:
            run.fence(at=self.clock.monotonic())
            return
        run.receipt = closed_run.receipt
        if run.terminal is None:
            run.flushed = len(run.entries) + 1
            run.close_with(terminal)

    async def _save(self, closed_run: ClosedRun) -> LogEntry | None:
        """Retry until the database stores it; None when the run is no longer ours.

        If the run was closed as dead meanwhile, its ending is replaced and gets another number.
        """
        while True:
            try:
                if await self.run_log.finish(closed_run):
                    return closed_run.entries[-1]
                return await self.run_log.replace_ending(closed_run)
            except StoreUnavailable as error:
                log.debug("Run %s could not be saved: %s", closed_run.run_id, error)
                await self.clock.sleep(SAVE_RETRY_S)

    def _closing(self, run: LiveRun, outcome: RunOutcome, text: str) -> Closing:
        return Closing(
            record=run.record,
            outcome=outcome,
            at=self.clock.now(),
            usage=usage_of(run, outcome.result, text),
            timings=timings_of(run, self.clock.monotonic()),
            receipt=receipt_of(run),
        )
