"""Drives the engine for one run and ends it exactly once, whatever happens.

    asked ── engine ── tokens ── Ended ──────────────┐
      │         └─ RunFailure / timeout ─────────────┤
      └─ cancel (stop, disconnect, drain) ───────────┼─ citations ─ transaction ─ terminal
                                                     │
                 fenced: nothing is written, viewers go on from the stored log

Generating is a task of its own, so that cancelling it never reaches the saving of its result.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from app.domain.encoding import timestamp
from app.domain.errors import RunFailure, StoreUnavailable, release_frames
from app.domain.events import RunStartEvent, RunStartPayload, Token
from app.domain.ports import current_upstream
from app.runs.active_run import LiveRun
from app.runs.citation_check import Citer, cited
from app.runs.observer import NullRunObserver, RunObserver
from app.runs.outcome import (
    SHUT_DOWN,
    STOPPED,
    RunOutcome,
    answer_record,
    citations_event,
    evidence_of,
    receipt_of,
    terminal_event,
    timings_of,
    usage_of,
)
from app.runs.ports import AnswerEngine, Clock, EngineResult, LogEntry, Outcome, Question, RunLog
from app.runs.recorder import Recorder
from app.runs.search_limiter import Turns
from app.runs.tasks import TaskTracker

log = logging.getLogger(__name__)

SEARCHING = 24
"""Runs of a process that search at once. Each has a database connection half of the time, and each
of its steps waits until all streams had their turn."""
_SEARCHED = frozenset({"reranking_complete", "generation_start"})
"""What comes after them waits for the model, if for anything."""
MAX_ANSWER_CHARACTERS = 4_000_000
MAX_ANSWER_EVENTS = 200_000
"""A model that never ends fills the memory of its neighbours long before its time is over."""
UNSAVED_AFTER_S = 5.0
SAVE_RETRY_S = 0.5


async def _at_once() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Producer:
    """Everything a run needs to be answered. One per process."""

    run_log: RunLog
    engine: AnswerEngine
    cite: Citer
    recorder: Recorder
    tasks: TaskTracker
    clock: Clock
    run_timeout_s: float
    observer: RunObserver = field(default_factory=NullRunObserver)
    known_ours: Callable[[], Awaitable[None]] = _at_once  # see `Ownership.known`
    turns: Turns = field(default_factory=lambda: Turns(SEARCHING))

    async def produce(self, run: LiveRun, ask: Callable[[], Awaitable[Question]]) -> None:
        """Answer and finish. Never raises for a failed answer; not to be cancelled.

        `ask` reads what the engine needs to know; it is part of generating, so it may fail too.
        """
        # Before anything can be cancelled: whatever happens, `run_start` comes first.
        self._open(run)
        generating = self.tasks.spawn(
            self._generate(run, ask), name=f"answer {run.run_id}", awaited=True
        )
        run.produced_by(generating)
        await asyncio.wait({generating})
        # What came after this process stood still may not be ours to end.
        await self.known_ours()
        if run.fenced:
            return
        ending = self._ending(run, generating)
        await self._finish(run, ending)

    def _ending(self, run: LiveRun, generating: "asyncio.Task[EngineResult]") -> RunOutcome:
        if run.cancel_reason is not None:
            return RunOutcome(failure=SHUT_DOWN) if run.cancel_reason == "drained" else STOPPED
        if generating.cancelled():
            return RunOutcome(failure=SHUT_DOWN)
        error = generating.exception()
        if error is None:
            return RunOutcome(finished=generating.result())
        if isinstance(error, RunFailure):
            release_frames(error)
            return RunOutcome(failure=error)
        raise error

    async def _generate(self, run: LiveRun, ask: Callable[[], Awaitable[Question]]) -> EngineResult:
        """The answer's events into the run's log. Raises only `RunFailure` or cancellation."""
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
        except Exception:  # the producer's boundary: no run may stay unfinished
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
            self.turns.take() as turn,
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
                            log.warning("Run %s was ended: its answer does not end", run.run_id)
                            return EngineResult("length", None)
                    case _:
                        if item.type == "retrieval_complete":
                            run.retrieved_at = self.clock.monotonic()
                        elif item.type in _SEARCHED:
                            turn.over()
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

    async def _finish(self, run: LiveRun, ending: RunOutcome) -> None:
        run.finishing = True
        if run.evidence.withheld:
            # The beginning of a marker that will not be finished is text like any other.
            run.append(Token(content=run.evidence.withheld, timestamp=timestamp(self.clock.now())))
        text = run.text
        if ending.finished is not None or text:
            citations = await cited(self.cite, text, run.evidence.passages)
            run.append(citations_event(citations, self.clock.now()))
        outcome = self._outcome(run, ending, saved=True)
        self.observer.ended(run, outcome)
        saving = self.tasks.spawn(self._save(outcome), name=f"save {run.run_id}")
        # A database that is silent, not only one that refuses, must not hold the answer back.
        await asyncio.wait({saving}, timeout=UNSAVED_AFTER_S)
        if not saving.done():
            log.warning("Run %s ended but cannot be saved yet", run.run_id)
            self.observer.unsaved()
        if not saving.done() and outcome.entries[-1].seq < run.reserved:
            run.receipt = outcome.receipt
            run.close_with(self._outcome(run, ending, saved=False).entries[-1])
        terminal = await saving
        if terminal is None:
            run.fence(at=self.clock.monotonic())
            return
        run.receipt = outcome.receipt
        if run.terminal is None:
            run.flushed = len(run.entries) + 1
            run.close_with(terminal)

    async def _save(self, outcome: Outcome) -> LogEntry | None:
        """Try until the database took it; None when the run is not ours any more.

        The ending of one that was closed as dead meanwhile is replaced; it then has another number.
        """
        while True:
            try:
                if await self.run_log.finish(outcome):
                    return outcome.entries[-1]
                return await self.run_log.replace_ending(outcome)
            except StoreUnavailable as error:
                log.debug("Run %s could not be saved: %s", outcome.run_id, error)
                await self.clock.sleep(SAVE_RETRY_S)

    def _outcome(self, run: LiveRun, ending: RunOutcome, *, saved: bool) -> Outcome:
        now = self.clock.now()
        usage = usage_of(run, ending.finished)
        timings = timings_of(run, self.clock.monotonic())
        event = terminal_event(
            ending,
            message_id=run.record.message_id,
            saved=saved,
            partial=bool(run.text),
            usage=usage,
            timings=timings,
            at=now,
        )
        entries = (*run.entries[run.flushed :], run.terminal_entry(event))
        message = answer_record(
            ending,
            text=run.text,
            citations=run.citations,
            evidence=evidence_of(run.entries),
            usage=usage,
            timings=timings,
        )
        return Outcome(
            run_id=run.run_id,
            epoch=run.epoch,
            status=ending.status,
            entries=entries,
            message=message,
            receipt=receipt_of(run),
            ended_at=now,
        )
