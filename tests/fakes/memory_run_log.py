"""The run log in memory: the reference for the behaviour suite and for tests without a database.

Not durable. Several services may share one instance, to simulate several replicas.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.domain.conversation_models import StageRecord
from app.domain.errors import NotFound, RunIdTaken, RunInProgress, TooManyRuns
from app.domain.models import Citation, Turn
from app.domain.principals import Principal
from app.runs.log_entries import LogEntry, fold_entries
from app.runs.outcome import is_replaceable
from app.runs.ports import (
    ABRIDGED_CHARACTERS,
    AnswerRecord,
    Batch,
    ClosedRun,
    Created,
    DuplicateRequest,
    Lease,
    Leases,
    NewRun,
    Notice,
    RunRecord,
    new_run_record,
    replacement_seq,
)

PENDING_STOP = timedelta(seconds=60)


@dataclass(slots=True)
class _Answer:
    message_id: str
    question_id: str
    record: AnswerRecord | None = None


@dataclass(slots=True)
class _Conversation:
    questions: dict[str, str] = field(default_factory=dict)  # question_id -> text, in order
    answers: list[_Answer] = field(default_factory=list)


class MemoryRunLog:
    """Implements `RunLog`. All writes are immediate."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._runs: dict[str, RunRecord] = {}
        self._keys: dict[tuple[str, str, str], str] = {}
        self._entries: dict[str, list[LogEntry]] = {}
        self._ended_at: dict[str, datetime] = {}
        self._conversations: dict[tuple[str, str], _Conversation] = {}
        self._pending: dict[tuple[str, str], datetime] = {}
        self._beats: dict[str, int] = {}
        self._continued: set[str] = set()
        self._listeners: list[Callable[[Notice], None]] = []

    async def create(self, new: NewRun) -> Created | DuplicateRequest:
        owner = new.principal.owner_id
        if new.idempotency_key is not None:
            known = self._keys.get((owner, new.route, new.idempotency_key))
            if known is not None:
                return DuplicateRequest(self._runs[known])
        if new.refusal is not None:
            raise new.refusal
        if new.run_id in self._runs:
            raise RunIdTaken("This run_id exists already. Choose a new random one.")
        running = [r for r in self._runs.values() if r.owner_id == owner and r.status == "running"]
        for record in running:
            if record.session_id == new.session_id:
                raise RunInProgress(record.run_id)
        if new.max_runs_per_owner is not None and len(running) >= new.max_runs_per_owner:
            raise TooManyRuns(new.max_runs_per_owner)
        conversation = self._conversations.setdefault((owner, new.session_id), _Conversation())
        if new.question is not None:
            conversation.questions[new.question_id] = new.question
        elif new.question_id not in conversation.questions:
            raise NotFound("There is no such message.")
        return self._store(new, conversation)

    def _store(self, new: NewRun, conversation: _Conversation) -> Created:
        owner = new.principal.owner_id
        conversation.answers.append(_Answer(new.message_id, new.question_id))
        if new.continues is not None:
            self._continued.add(new.continues)
        asked = self._pending.pop((owner, new.run_id), None)
        stop = asked is not None and new.created_at - asked <= PENDING_STOP
        record = new_run_record(new, stop_requested=stop)
        self._runs[new.run_id] = record
        self._entries[new.run_id] = []
        if new.idempotency_key is not None:
            self._keys[owner, new.route, new.idempotency_key] = new.run_id
        return Created(record, stop, is_new_conversation=len(conversation.answers) == 1)

    async def flush(self, batches: Sequence[Batch]) -> frozenset[str]:
        refused: set[str] = set()
        for batch in batches:
            record = self._owned(batch.run_id, batch.epoch)
            if record is None:
                refused.add(batch.run_id)
                continue
            self._append(batch.run_id, batch.entries)
            self._runs[batch.run_id] = replace(
                self._runs[batch.run_id], reserved=max(record.reserved, batch.reserved)
            )
        written = tuple(b.run_id for b in batches if b.run_id not in refused)
        self._notify(Notice("progress", written))
        return frozenset(refused)

    def _owned(self, run_id: str, epoch: int) -> RunRecord | None:
        record = self._runs.get(run_id)
        if record is None or record.epoch != epoch or record.status != "running":
            return None
        return record

    def _append(self, run_id: str, entries: Sequence[LogEntry]) -> None:
        stored = self._entries[run_id]
        head = stored[-1].seq if stored else 0
        stored.extend(entry for entry in entries if entry.seq > head)
        if stored:
            self._runs[run_id] = replace(self._runs[run_id], head=stored[-1].seq)

    async def finish(self, outcome: ClosedRun) -> bool:
        record = self._owned(outcome.run_id, outcome.epoch)
        if record is None:
            return False
        self._append(outcome.run_id, outcome.entries)
        self._close(outcome, outcome.entries[-1], epoch=record.epoch)
        return True

    async def replace_ending(self, outcome: ClosedRun) -> LogEntry | None:
        record, terminal = self._runs.get(outcome.run_id), outcome.entries[-1]
        if record is None:
            return None
        if record.terminal is not None and record.terminal.data == terminal.data:
            return record.terminal
        closed_by = record.terminal.seq if record.terminal else None
        first = record.reserved if closed_by is None else closed_by - 1
        kept = [entry for entry in self._entries[outcome.run_id] if entry.seq < first]
        if (
            record.epoch <= outcome.epoch
            or not is_replaceable(record.terminal)
            or self._was_continued(record.message_id)
            or not kept
            or (len(outcome.entries) > 1 and outcome.entries[-2].seq >= first)
        ):
            return None
        terminal = terminal._replace(seq=replacement_seq(record.reserved, closed_by))
        self._entries[outcome.run_id] = kept
        self._append(outcome.run_id, (*outcome.entries[:-1], terminal))
        self._close(outcome, terminal, epoch=record.epoch + 1)
        return terminal

    def _was_continued(self, message_id: str) -> bool:
        return message_id in self._continued

    def _close(self, outcome: ClosedRun, terminal: LogEntry, *, epoch: int) -> None:
        record = self._runs[outcome.run_id]
        self._runs[outcome.run_id] = replace(
            record,
            status=outcome.status,
            epoch=epoch,
            reserved=max(record.reserved, terminal.seq),
            terminal=terminal,
            receipt=outcome.receipt,
        )
        self._ended_at[outcome.run_id] = outcome.ended_at
        self._answer(record).record = outcome.message
        self._notify(Notice("ended", (outcome.run_id,)))

    def _answer(self, record: RunRecord) -> _Answer:
        conversation = self._conversations[record.owner_id, record.session_id]
        return next(a for a in conversation.answers if a.message_id == record.message_id)

    async def record(self, principal: Principal, run_id: str) -> RunRecord | None:
        record = self._runs.get(run_id)
        return record if record and record.owner_id == principal.owner_id else None

    async def entries(self, run_id: str, *, after: int, limit: int) -> tuple[LogEntry, ...]:
        return tuple(e for e in self._entries.get(run_id, ()) if e.seq > after)[:limit]

    async def answer_text(
        self, principal: Principal, run_id: str
    ) -> tuple[str, tuple[Citation, ...]]:
        record = await self.record(principal, run_id)
        if record is None:
            raise NotFound("There is no such run.")
        answer = self._answer(record).record
        if answer is not None:
            return answer.content, answer.citations
        return fold_entries(self._entries[run_id]).text, ()

    async def request_stop(
        self, principal: Principal, run_id: str, *, at: datetime
    ) -> RunRecord | None:
        record = self._runs.get(run_id)
        if record is None or record.owner_id != principal.owner_id:
            self._pending[principal.owner_id, run_id] = at
            return None
        if record.status == "running":
            record = replace(record, stop_requested=True)
            self._runs[run_id] = record
            self._notify(Notice("stop", (run_id,)))
        return self._runs[run_id]

    async def stops_requested(self, process_id: str) -> tuple[str, ...]:
        return tuple(
            r.run_id
            for r in self._runs.values()
            if r.status == "running" and r.stop_requested and r.process_id == process_id
        )

    async def beat(self, process_id: str) -> None:
        self._beats[process_id] = self._beats.get(process_id, 0) + 1

    async def leases(self) -> Leases:
        running = (r for r in self._runs.values() if r.status == "running")
        leases = (
            Lease(r.run_id, r.epoch, r.process_id, self._beats.get(r.process_id)) for r in running
        )
        return Leases(self._clock_s(), tuple(leases))

    async def take_over(self, lease: Lease, *, process_id: str) -> RunRecord | None:
        record = self._owned(lease.run_id, lease.epoch)
        if record is None or self._beats.get(record.process_id) != lease.beat:
            return None
        record = replace(record, epoch=record.epoch + 1, process_id=process_id)
        self._runs[lease.run_id] = record
        return record

    async def history(
        self,
        principal: Principal,
        session_id: str,
        *,
        before: str,
        limit: int,
        whole: int | None = None,
    ) -> tuple[Turn, ...]:
        conversation = self._conversations.get((principal.owner_id, session_id), _Conversation())
        turns: list[Turn] = []
        for question_id, text in conversation.questions.items():
            if question_id == before:
                break
            ended = [a.record for a in conversation.answers if a.question_id == question_id]
            answer = next((a for a in reversed(ended) if a is not None), None)
            if answer is not None:
                interrupted = answer.status != "complete"
                grounded = answer.finish_reason != "no_evidence" and bool(answer.citations)
                turns.append(Turn(text, answer.content, interrupted, interrupted or grounded))
        first_whole = 0 if whole is None else len(turns) - whole
        cut = [
            turn if n >= first_whole else replace(turn, answer=turn.answer[:ABRIDGED_CHARACTERS])
            for n, turn in enumerate(turns)
        ]
        return tuple(cut[-limit:])

    async def partial(
        self, principal: Principal, message_id: str
    ) -> tuple[str, tuple[StageRecord, ...]]:
        for (owner, _), conversation in self._conversations.items():
            for answer in conversation.answers:
                mine = owner == principal.owner_id and answer.message_id == message_id
                if mine and answer.record is not None:
                    return answer.record.content, answer.record.evidence
        raise NotFound("There is no such message.")

    async def purge(self, *, ended_before: datetime) -> int:
        old = [run_id for run_id, at in self._ended_at.items() if at < ended_before]
        for run_id in old:
            self._entries[run_id] = []
            del self._ended_at[run_id]
        self._keys = {key: run_id for key, run_id in self._keys.items() if run_id not in old}
        return len(old)

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _notify(self, notice: Notice) -> None:
        for listener in tuple(self._listeners):
            listener(notice)
