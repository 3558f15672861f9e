"""The service that owns runs: ask, attach, stop, drain. One per process and event loop."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from app.domain.context import current_run
from app.domain.errors import (
    Draining,
    IdempotencyMismatch,
    NotFound,
    RequestError,
    RunInProgress,
    ServerBusy,
)
from app.domain.principals import Principal
from app.runs.active_run import LiveRun
from app.runs.asking import Ask, RunHandle
from app.runs.citation_check import Citer
from app.runs.cursors import LiveCursor, StoredCursor
from app.runs.kept_runs import EXPIRE_EVERY_S, KeptRuns
from app.runs.observer import NullRunObserver, RunObserver
from app.runs.ownership import CHECK_S, Ownership
from app.runs.ports import (
    AnswerEngine,
    Clock,
    Created,
    DuplicateRequest,
    NewRun,
    Notice,
    Question,
    Receipt,
    RunLog,
    RunRecord,
)
from app.runs.producer import Producer
from app.runs.reaper import BEAT_S, OBSERVE_S, Reaper
from app.runs.recorder import Recorder
from app.runs.run_signals import RunSignals
from app.runs.shutdown import Shutdown
from app.runs.stop import REQUEST_POLL_S, Stopper
from app.runs.supervisor import BackgroundLoop, Supervisor
from app.runs.tasks import TaskTracker

log = logging.getLogger(__name__)

HISTORY_TURNS = 20
OLDER_TURNS = 480  # read in abridged form, for the summary in the prompt
STOPPING_WAIT_S = 2.0
NOTICE_GRACE_S = 0.3  # a closed connection may only be noticed after the next question arrives
KEEP_EVENTS = timedelta(hours=26)
PURGE_EVERY_S = 600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Concurrent runs per owner over all replicas (None: no limit), and per process."""

    per_owner: int | None
    per_process: int
    run_timeout_s: float


class RunService:
    """The runs of this process, and access to those of other processes."""

    def __init__(
        self,
        run_log: RunLog,
        engine: AnswerEngine,
        *,
        cite: Citer,
        clock: Clock,
        limits: Limits,
        tasks: TaskTracker,
        process_id: str,
        observer: RunObserver | None = None,
        supervisor: Supervisor | None = None,
        elapsed: Callable[[], float] | None = None,
    ) -> None:
        """`elapsed`: seconds including suspended time; by default the clock's monotonic time."""
        self._log = run_log
        self._engine = engine
        self._observer = observer or NullRunObserver()
        self._clock = clock
        self._limits = limits
        self._tasks = tasks
        self._supervisor = supervisor or Supervisor(tasks, clock)
        self._process_id = process_id
        self._live: dict[str, LiveRun] = {}
        self._kept = KeptRuns(self._live, clock)
        self._ownership = Ownership(
            run_log, self._live, process_id=process_id, clock=clock, elapsed=elapsed
        )
        self._recorder = Recorder(run_log, clock, is_confirmed=self._ownership.is_confirmed)
        self._reaper = Reaper(
            run_log, live=self._live, process_id=process_id, cite=cite, clock=clock
        )
        self._signals = RunSignals()
        self._stopper = Stopper(
            run_log, self._live, signals=self._signals, clock=clock, process_id=process_id
        )
        self._producer = Producer(
            run_log=run_log,
            engine=engine,
            cite=cite,
            recorder=self._recorder,
            tasks=tasks,
            clock=clock,
            run_timeout_s=limits.run_timeout_s,
            observer=self._observer,
            confirm_ownership=self._ownership.until_confirmed,
        )
        self._unsubscribe: Callable[[], None] | None = None
        self._shutdown = Shutdown(clock)
        self.draining = False

    @property
    def active(self) -> int:
        """Runs of this process that have not ended."""
        return sum(not run.closed.is_set() for run in self._live.values())

    async def start(self) -> None:
        """Register the lease, subscribe to notices and start the background loops."""
        await self._log.beat(self._process_id)
        self._unsubscribe = self._log.subscribe(self._on_notice)
        for loop in self._loops():
            self._supervisor.start(loop)

    def _loops(self) -> tuple[BackgroundLoop, ...]:
        return (
            BackgroundLoop(name="recorder", step=self._recorder.step, every_s=0),
            BackgroundLoop(name="lease", step=self._reaper.beat, every_s=BEAT_S),
            BackgroundLoop(name="ownership", step=self._ownership.check, every_s=CHECK_S),
            BackgroundLoop(name="reaper", step=self._reaper.check, every_s=OBSERVE_S),
            BackgroundLoop(name="stop requests", step=self._stopper.poll, every_s=REQUEST_POLL_S),
            BackgroundLoop(name="kept runs", step=self._kept.expire, every_s=EXPIRE_EVERY_S),
            BackgroundLoop(
                name="purge", step=self._purge, every_s=PURGE_EVERY_S, first_after_s=PURGE_EVERY_S
            ),
        )

    async def ask(self, ask: Ask) -> RunHandle:
        """Accept a question and return a handle that follows its run from the start.

        The run belongs to the application, not to the request: cancelling the caller meanwhile
        counts as a closed connection. Raises `RequestError`s and `StoreUnavailable`.
        """
        task = self._tasks.spawn(self._ask(ask), name="ask", awaited=True)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_close_unclaimed)
            raise

    async def _ask(self, ask: Ask) -> RunHandle:
        if ask.text is not None and self._refusal() is None:
            self._engine.expect(ask.text)
        created = await self._create(ask)
        if isinstance(created, DuplicateRequest):
            return self._replay(ask, created.record)
        record = created.record
        run = LiveRun(
            record,
            cancel_on_disconnect=record.on_disconnect == "cancel",
            started_at=self._clock.monotonic(),
        )
        if created.stop_requested:
            run.cancel("stopped", at=self._clock.monotonic())
        self._live[run.run_id] = run
        current_run.set(run.run_id)
        self._observer.started(run, ask.text if ask.text is not None else ask.question_text)
        if created.is_new_conversation and ask.history is None:
            ask = replace(ask, history=())
        self._tasks.spawn(self._answer(run, ask), name=f"run {run.run_id}")
        return RunHandle(record, self._live_cursor(run, ask.principal, 0), self._releaser(run))

    async def _create(self, ask: Ask) -> Created | DuplicateRequest:
        new = self._new_run(ask)
        deadline = self._clock.monotonic() + STOPPING_WAIT_S
        notice_deadline = self._clock.monotonic() + NOTICE_GRACE_S
        while True:
            try:
                return await self._log.create(replace(new, refusal=self._refusal()))
            except RunInProgress as busy:
                run_id = str((busy.details or {})["run_id"])
                now = self._clock.monotonic()
                if now >= deadline or (
                    now >= notice_deadline and not await self._stopping(ask, run_id)
                ):
                    raise
                await self._signals.wait_for(run_id, 0.05)

    def _refusal(self) -> RequestError | None:
        """The reason for accepting no new run now. Repeats of known requests are still followed."""
        if self.draining:
            return Draining("The server is restarting. Please try again in a moment.")
        limit = self._limits.per_process
        if len(self._live) >= limit and self.active >= limit:
            return ServerBusy(
                "The server is answering as many questions as it can. Try again soon."
            )
        return None

    async def _stopping(self, ask: Ask, run_id: str) -> bool:
        run = self._live.get(run_id)
        if run is not None:
            return run.stopping or run.closed.is_set()
        record = await self._log.record(ask.principal, run_id)
        return record is None or record.stop_requested or record.status != "running"

    def _new_run(self, ask: Ask) -> NewRun:
        now = self._clock.now()
        return NewRun(
            run_id=ask.run_id or str(uuid.uuid4()),
            principal=ask.principal,
            session_id=ask.session_id,
            route=ask.route,
            message_id=str(uuid.uuid4()),
            question_id=ask.question_id or str(uuid.uuid4()),
            question=ask.text,
            model=ask.model or self._engine.model_name,
            remember_model=ask.remember_model,
            filters=ask.filters,
            on_disconnect=ask.on_disconnect,
            process_id=self._process_id,
            created_at=now,
            expires_at=now + KEEP_EVENTS if ask.is_ephemeral else None,
            idempotency_key=ask.idempotency_key,
            request_hash=ask.request_hash,
            max_runs_per_owner=self._limits.per_owner,
            continues=ask.continues,
        )

    def _replay(self, ask: Ask, record: RunRecord) -> RunHandle:
        if record.request_hash != ask.request_hash:
            raise IdempotencyMismatch(
                "This Idempotency-Key was used with another request. Use a new key."
            )
        run = self._live.get(record.run_id)
        if run is None:
            return RunHandle(record, self._stored_cursor(record, ask.principal, 0), lambda: None)
        run.posts += 1
        return RunHandle(record, self._live_cursor(run, ask.principal, 0), self._releaser(run))

    async def _answer(self, run: LiveRun, ask: Ask) -> None:
        try:
            await self._producer.produce(run, lambda: self._question(run, ask))
        finally:
            if not run.closed.is_set():  # a bug: the reaper closes the run as an orphan
                run.fence(at=self._clock.monotonic())
            self._observer.closed(run)
            self._signals.notify(run.run_id)
            if run.fenced:
                self._live.pop(run.run_id, None)
            else:
                self._kept.add(run)

    async def _question(self, run: LiveRun, ask: Ask) -> Question:
        history = ask.history
        if history is None:
            history = await self._log.history(
                ask.principal,
                ask.session_id,
                before=run.record.question_id,
                limit=OLDER_TURNS + HISTORY_TURNS,
                whole=HISTORY_TURNS,
            )
        question = Question(
            run_id=run.run_id,
            session_id=ask.session_id,
            message_id=run.record.message_id,
            principal=ask.principal,
            text=ask.text if ask.text is not None else ask.question_text,
            filters=ask.filters,
            model=run.record.model,
            history=history[-HISTORY_TURNS:],
            older=history[:-HISTORY_TURNS][-OLDER_TURNS:],
        )
        earlier = ask.continues or ask.reuses
        if earlier is None:
            return question
        text, evidence = await self._log.partial(ask.principal, earlier)
        return replace(
            question, continues=text if ask.continues else None, reused_evidence=evidence
        )

    def _releaser(self, run: LiveRun) -> Callable[[], None]:
        def release() -> None:
            run.posts -= 1
            if run.posts == 0 and run.cancel_on_disconnect:
                self._stopper.cancel(run, "disconnected")

        return release

    def _live_cursor(self, run: LiveRun, principal: Principal, after: int) -> LiveCursor:
        stored = self._stored_cursor(run.record, principal, after)
        return LiveCursor(run, after, self._clock, stored, ownership=self._ownership)

    def _stored_cursor(self, record: RunRecord, principal: Principal, after: int) -> StoredCursor:
        return StoredCursor(
            self._log, principal, record, after=after, clock=self._clock, signals=self._signals
        )

    async def attach(
        self, principal: Principal, run_id: str, *, after: int
    ) -> LiveCursor | StoredCursor | None:
        """A cursor after `after`; None when that is the terminal event. Raises `NotFound`."""
        run = self._live.get(run_id)
        if run is not None and not run.fenced:
            if run.record.owner_id != principal.owner_id:
                raise NotFound("There is no such run.")
            if run.terminal is not None and run.terminal.seq == after:
                return None
            return self._live_cursor(run, principal, after)
        record = await self._log.record(principal, run_id)
        if record is None:
            raise NotFound("There is no such run.")
        if record.terminal is not None and record.terminal.seq == after:
            return None
        return self._stored_cursor(record, principal, after)

    async def stop(self, principal: Principal, run_id: str) -> Receipt | None:
        return await self._stopper.stop(principal, run_id)

    def _on_notice(self, notice: Notice) -> None:
        for run_id in notice.run_ids:
            if notice.kind == "stop":
                self._stopper.requested(run_id)
            else:
                self._signals.notify(run_id)

    async def _purge(self) -> None:
        await self._log.purge(ended_before=self._clock.now() - KEEP_EVENTS)

    async def drain(self, grace_s: float) -> None:
        """Accept nothing new, give running answers `grace_s`, then end them as interrupted.

        At the end, viewers of other processes' runs are disconnected; they resume elsewhere.
        """
        self.draining = True
        try:
            await self._shutdown.end(self._live.values(), grace_s)
        finally:
            self._signals.close()

    def end_now(self) -> None:
        self._shutdown.end_now()

    async def close(self) -> None:
        """Unsubscribe. The owner of the task tracker cancels the tasks."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None


def _close_unclaimed(task: "asyncio.Task[RunHandle]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
