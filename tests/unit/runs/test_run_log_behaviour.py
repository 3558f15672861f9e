"""One suite for every adapter of `RunLog`."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.domain.conversation_models import StageRecord
from app.domain.errors import NotFound, RunIdTaken, RunInProgress, TooManyRuns
from app.domain.models import Citation, Filters, Timings, Turn, Usage
from app.domain.principals import Principal
from app.runs.log_entries import LogEntry
from app.runs.ports import (
    ABRIDGED_CHARACTERS,
    RESERVE_AHEAD,
    AnswerRecord,
    Batch,
    ClosedRun,
    Created,
    DuplicateRequest,
    Lease,
    NewRun,
    Notice,
    Receipt,
    RunLog,
    RunRecord,
)
from tests.fakes.memory_run_log import MemoryRunLog

if TYPE_CHECKING:
    from app.db.run_log import PostgresRunLog

NOW = datetime(2026, 11, 20, 10, 30, 40, tzinfo=UTC)
ANN = Principal("ann")
BOB = Principal("bob")
FILTERS = Filters(source_ids=("s1",), tags=("hr",))
CITATION = Citation(
    marker=1,
    passage_id="p1",
    source_id="s1",
    title="Leave policy",
    kind="document",
    quote="20 days",
    quote_start=3,
    quote_end=10,
    page=2,
    start_s=None,
    end_s=None,
    speaker=None,
    url=None,
    verified=True,
    support="entailed",
)
ANSWER = AnswerRecord(
    status="complete",
    content="20 days [1].",
    finish_reason="stop",
    citations=(CITATION,),
    evidence=(StageRecord("retrieval_start", {"attempt": 1}),),
    usage=Usage(input_tokens=10, output_tokens=5, estimated=False),
    timings=Timings(retrieval_ms=1.5, first_token_ms=2.5, total_ms=3.5),
)
RECEIPT = Receipt(
    stopped=True,
    already=False,
    upstream_closed=True,
    upstream_closed_ms=1.25,
    tokens_kept=7,
    message_id="run-1-answer",
)


@pytest.fixture(params=["memory", "postgres"])
def run_log(request: pytest.FixtureRequest) -> RunLog:
    if request.param == "memory":
        return MemoryRunLog()
    log: PostgresRunLog = request.getfixturevalue("postgres_run_log")
    return log


def new_run(run_id: str = "run-1", principal: Principal = ANN, session_id: str = "s") -> NewRun:
    return NewRun(
        run_id=run_id,
        principal=principal,
        session_id=session_id,
        route="chat",
        message_id=f"{run_id}-answer",
        question_id=f"{run_id}-question",
        question=f"What is asked by {run_id}?",
        model="quoting",
        filters=FILTERS,
        on_disconnect="cancel",
        process_id="process-1",
        created_at=NOW,
        request_hash="hash",
    )


async def created(log: RunLog, new: NewRun) -> RunRecord:
    result = await log.create(new)
    assert isinstance(result, Created)
    return result.record


def tokens(*seqs: int) -> tuple[LogEntry, ...]:
    return tuple(LogEntry(n, "token", b'{"type":"token","content":"%d"}' % n, str(n)) for n in seqs)


def done(seq: int) -> LogEntry:
    return LogEntry(seq, "done", b'{"type":"done","content":{}, "seq":%d}' % seq)


def batch(run_id: str, *seqs: int, epoch: int = 1) -> Batch:
    return Batch(run_id, epoch, tokens(*seqs), seqs[-1] + RESERVE_AHEAD)


def outcome(run_id: str = "run-1", *entries: LogEntry, epoch: int = 1) -> ClosedRun:
    return ClosedRun(
        run_id=run_id,
        epoch=epoch,
        status="complete",
        entries=entries or (done(1),),
        message=ANSWER,
        receipt=None,
        ended_at=NOW + timedelta(seconds=5),
    )


async def record(log: RunLog, run_id: str = "run-1", principal: Principal = ANN) -> RunRecord:
    found = await log.record(principal, run_id)
    assert found is not None
    return found


async def lease_of(log: RunLog, run_id: str) -> Lease:
    return next(x for x in (await log.leases()).leases if x.run_id == run_id)


# An owner that was presumed dead


async def closed_as_dead(log: RunLog, *stored: int) -> RunRecord:
    """A run whose owner was cut off after these tokens, as closed by a reaper."""
    await log.create(new_run())
    await log.flush([batch("run-1", *stored)])
    taken = await log.take_over(await lease_of(log, "run-1"), process_id="reaper")
    assert taken is not None
    dead = replace(ANSWER, status="error", content="1", error_code="INTERRUPTED")
    entries = (
        LogEntry(taken.reserved, "citations", b'{"type":"citations","content":{}}'),
        LogEntry(taken.reserved + 1, "error", INTERRUPTED),
    )
    ending = ClosedRun(
        run_id="run-1",
        epoch=taken.epoch,
        status="error",
        entries=entries,
        message=dead,
        receipt=None,
        ended_at=NOW,
    )
    assert await log.finish(ending)
    return await record(log)


INTERRUPTED = b'{"type":"error","content":{"code":"INTERRUPTED"}}'


def whole(*seqs: int) -> ClosedRun:
    """The additions of the owner of the first epoch: unsaved tokens, and its end."""
    return outcome("run-1", *tokens(*seqs), done(seqs[-1] + 1))


async def test_an_owner_that_lives_replaces_the_ending_it_was_given(run_log: RunLog) -> None:
    closed = await closed_as_dead(run_log, 1, 2)
    assert closed.terminal is not None
    assert not await run_log.finish(whole(3, 4))
    terminal = await run_log.replace_ending(whole(3, 4))
    assert terminal is not None
    # Two above the end that some viewers have seen: the number between is for their reset.
    assert terminal == done(5)._replace(seq=closed.terminal.seq + 2)
    assert await run_log.entries("run-1", after=0, limit=4) == tokens(1, 2, 3, 4)
    assert await run_log.entries("run-1", after=4, limit=4) == (terminal,)
    now = await record(run_log)
    assert (now.status, now.terminal, now.epoch) == ("complete", terminal, closed.epoch + 1)
    assert await run_log.answer_text(ANN, "run-1") == (ANSWER.content, ANSWER.citations)
    assert await run_log.replace_ending(whole(3, 4)) == terminal, "repeated when its answer is lost"
    assert await run_log.entries("run-1", after=4, limit=99) == (terminal,)


async def test_whoever_closes_a_run_whose_owner_was_faster_changes_nothing(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.flush([batch("run-1", 1)])
    taken = await run_log.take_over(await lease_of(run_log, "run-1"), process_id="reaper")
    assert taken is not None
    terminal = await run_log.replace_ending(whole(2))
    assert terminal is not None
    assert terminal.seq > taken.reserved + 1
    assert not await run_log.finish(outcome("run-1", done(taken.reserved + 1), epoch=taken.epoch))
    assert (await record(run_log)).terminal == terminal


async def test_an_ending_that_nobody_gave_for_dead_stays(run_log: RunLog) -> None:
    await run_log.create(new_run())
    assert await run_log.replace_ending(whole(1)) is None, "the run is still the owner's"
    taken = await run_log.take_over(await lease_of(run_log, "run-1"), process_id="reaper")
    assert taken is not None
    ended = outcome("run-1", done(taken.reserved + 1)._replace(data=b'{"type":"done"}'), epoch=2)
    assert await run_log.finish(ended)
    assert await run_log.replace_ending(whole(1)) is None
    assert await run_log.replace_ending(replace(whole(1), run_id="unknown")) is None


async def test_an_answer_that_was_continued_keeps_the_ending_it_was_continued_from(
    run_log: RunLog,
) -> None:
    closed = await closed_as_dead(run_log, 1)
    more = replace(
        new_run("run-2"), question=None, question_id="run-1-question", continues="run-1-answer"
    )
    await run_log.create(more)
    assert await run_log.replace_ending(whole(2)) is None
    assert await record(run_log) == closed


async def test_an_owner_that_ran_beyond_its_reservation_replaces_nothing(run_log: RunLog) -> None:
    closed = await closed_as_dead(run_log, 1)
    assert closed.terminal is not None
    assert await run_log.replace_ending(whole(closed.terminal.seq - 1)) is None
    assert await record(run_log) == closed


async def test_purged_events_are_not_brought_back(run_log: RunLog) -> None:
    await closed_as_dead(run_log, 1)
    await run_log.purge(ended_before=NOW + timedelta(days=2))
    assert await run_log.replace_ending(whole(2)) is None


# Creation


async def test_a_new_run_has_everything_it_was_given(run_log: RunLog) -> None:
    expected = RunRecord(
        run_id="run-1",
        owner_id="ann",
        session_id="s",
        message_id="run-1-answer",
        question_id="run-1-question",
        route="chat",
        status="running",
        epoch=1,
        process_id="process-1",
        head=0,
        reserved=RESERVE_AHEAD,
        model="quoting",
        filters=FILTERS,
        on_disconnect="cancel",
        created_at=NOW,
        request_hash="hash",
        stop_requested=False,
        terminal=None,
        receipt=None,
    )
    created = await run_log.create(new_run())
    assert created == Created(expected, stop_requested=False, is_new_conversation=True)
    assert await record(run_log) == expected


async def test_a_run_id_is_used_once_even_by_another_owner(run_log: RunLog) -> None:
    await run_log.create(new_run())
    with pytest.raises(RunIdTaken):
        await run_log.create(new_run(session_id="other"))
    with pytest.raises(RunIdTaken):
        await run_log.create(new_run(principal=BOB))


async def test_a_conversation_has_one_active_run(run_log: RunLog) -> None:
    await run_log.create(new_run())
    with pytest.raises(RunInProgress) as refused:
        await run_log.create(new_run("run-2"))
    assert refused.value.details == {"run_id": "run-1"}


async def test_two_owners_may_use_the_same_session_id(run_log: RunLog) -> None:
    await run_log.create(new_run())
    assert (await created(run_log, new_run("run-2", BOB))).owner_id == "bob"


async def test_a_conversation_goes_on_after_its_run_ended(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.finish(outcome())
    assert (await created(run_log, new_run("run-2"))).session_id == "s"


async def test_a_refused_run_leaves_no_trace(run_log: RunLog) -> None:
    await run_log.create(new_run())
    with pytest.raises(RunInProgress):
        await run_log.create(replace(new_run("run-2"), idempotency_key="k"))
    assert await run_log.record(ANN, "run-2") is None
    await run_log.finish(outcome())
    assert (await created(run_log, replace(new_run("run-2"), idempotency_key="k"))).head == 0
    assert await run_log.history(ANN, "s", before="run-2-question", limit=9) == (
        Turn("What is asked by run-1?", ANSWER.content, interrupted=False),
    )


async def test_the_owners_limit_counts_running_runs_only(run_log: RunLog) -> None:
    limited = replace(new_run("run-3", session_id="s3"), max_runs_per_owner=2)
    foreign = replace(new_run("run-4", BOB, session_id="s3"), max_runs_per_owner=2)
    await run_log.create(new_run())
    await run_log.create(new_run("run-2", session_id="s2"))
    with pytest.raises(TooManyRuns, match="2 answers"):
        await run_log.create(limited)
    assert (await created(run_log, foreign)).run_id == "run-4"
    await run_log.finish(outcome())
    assert (await created(run_log, limited)).run_id == "run-3"


async def test_the_active_run_is_named_before_the_limit(run_log: RunLog) -> None:
    await run_log.create(new_run())
    with pytest.raises(RunInProgress):
        await run_log.create(replace(new_run("run-2"), max_runs_per_owner=1))


async def test_another_answer_needs_its_question(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.finish(outcome())
    again = replace(
        new_run("run-2"), question=None, question_id="run-1-question", route="regenerate"
    )
    with pytest.raises(NotFound):
        await run_log.create(replace(again, question_id="unknown"))
    with pytest.raises(NotFound):
        await run_log.create(replace(again, principal=BOB))
    with pytest.raises(NotFound):
        await run_log.create(replace(again, session_id="other"))
    assert (await created(run_log, again)).question_id == "run-1-question"


# Idempotency


async def test_a_key_answers_with_the_run_it_made(run_log: RunLog) -> None:
    keyed = replace(new_run(), idempotency_key="k")
    first = await created(run_log, keyed)
    repeat = replace(keyed, run_id="run-2", message_id="m2", question_id="q2", request_hash="x")
    assert await run_log.create(repeat) == DuplicateRequest(first)
    await run_log.finish(outcome())
    assert await run_log.create(repeat) == DuplicateRequest(await record(run_log))


async def test_a_key_is_looked_up_before_run_id_active_run_and_limit(run_log: RunLog) -> None:
    keyed = replace(new_run(), idempotency_key="k", max_runs_per_owner=1)
    await run_log.create(keyed)
    assert isinstance(await run_log.create(keyed), DuplicateRequest)


async def test_a_key_belongs_to_its_owner_and_route(run_log: RunLog) -> None:
    keyed = replace(new_run(), idempotency_key="k")
    await run_log.create(keyed)
    other = replace(keyed, run_id="run-2", message_id="m2", question_id="q2", session_id="s2")
    assert isinstance(await run_log.create(replace(other, principal=BOB)), Created)
    third = replace(other, run_id="run-3", message_id="m3", question_id="q3")
    assert isinstance(await run_log.create(replace(third, route="api_chat_stream")), Created)


async def test_identical_requests_at_once_make_one_run(run_log: RunLog) -> None:
    same = [
        replace(new_run(f"run-{n}"), idempotency_key="k", session_id=f"s{n}") for n in range(20)
    ]
    results = await asyncio.gather(*(run_log.create(new) for new in same))
    assert sum(isinstance(result, Created) for result in results) == 1
    assert len({result.record.run_id for result in results}) == 1


async def test_questions_at_once_in_one_conversation_start_one_run(run_log: RunLog) -> None:
    attempts = (run_log.create(new_run(f"run-{n}")) for n in range(20))
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(result, Created) for result in results) == 1
    assert sum(isinstance(result, RunInProgress) for result in results) == 19


async def test_runs_at_once_keep_the_owners_limit(run_log: RunLog) -> None:
    attempts = (
        run_log.create(replace(new_run(f"run-{n}", session_id=f"s{n}"), max_runs_per_owner=3))
        for n in range(12)
    )
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(result, Created) for result in results) == 3
    assert sum(isinstance(result, TooManyRuns) for result in results) == 9


# Numbering and fencing


async def test_events_come_back_exactly_as_given_and_in_order(run_log: RunLog) -> None:
    await run_log.create(new_run())
    odd = LogEntry(1, "token", b'{"type":"token","content":"\\u2028 z\xc3\xb3 "}', "\u2028 zó ")
    stage = LogEntry(2, "retrieval_start", b'{"type":"retrieval_start"}')
    assert await run_log.flush([Batch("run-1", 1, (odd, stage), 90)]) == frozenset()
    await run_log.flush([batch("run-1", 3, 4, 5)])
    assert await run_log.entries("run-1", after=0, limit=9) == (odd, stage, *tokens(3, 4, 5))
    assert await run_log.entries("run-1", after=2, limit=2) == tokens(3, 4)
    assert await run_log.entries("run-1", after=5, limit=2) == ()
    assert await run_log.entries("unknown", after=0, limit=2) == ()


async def test_events_are_read_in_any_pages(run_log: RunLog) -> None:
    await run_log.create(new_run())
    given = tokens(*range(1, 41))
    for start, end in ((0, 1), (1, 8), (8, 10), (10, 33)):
        await run_log.flush([Batch("run-1", 1, given[start:end], 99)])
    await run_log.finish(outcome("run-1", *given[33:], *tokens(60), done(61)))
    whole = (*given, *tokens(60), done(61))
    for limit in (1, 2, 3, 7, 40, 99):
        read: list[LogEntry] = []
        while page := await run_log.entries(
            "run-1", after=read[-1].seq if read else 0, limit=limit
        ):
            assert len(page) <= limit
            read.extend(page)
        assert tuple(read) == whole
    for after in (40, 45, 58, 59):
        assert (await run_log.entries("run-1", after=after, limit=1))[0].seq == 60


async def test_a_flush_raises_head_and_reservation_together(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.flush([Batch("run-1", 1, tokens(1, 2, 3), 20_003)])
    found = await record(run_log)
    assert (found.head, found.reserved) == (3, 20_003)


async def test_a_reservation_is_never_taken_back(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.flush([Batch("run-1", 1, tokens(1), 5)])
    assert (await record(run_log)).reserved == RESERVE_AHEAD


async def test_a_flush_without_events_can_only_reserve(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.flush([batch("run-1", 1, 2)])
    assert await run_log.flush([Batch("run-1", 1, (), 30_000)]) == frozenset()
    found = await record(run_log)
    assert (found.head, found.reserved) == (2, 30_000)


async def test_one_flush_writes_all_runs_but_the_fenced_and_ended(run_log: RunLog) -> None:
    for n in (1, 2, 3):
        await run_log.create(new_run(f"run-{n}", session_id=f"s{n}"))
    await run_log.finish(outcome("run-2"))
    refused = await run_log.flush(
        [
            batch("run-1", 1),
            batch("run-2", 2),
            batch("run-3", 1, epoch=2),
            batch("unknown", 1),
        ]
    )
    assert refused == {"run-2", "run-3", "unknown"}
    assert await run_log.entries("run-1", after=0, limit=9) == tokens(1)
    assert await run_log.entries("run-2", after=0, limit=9) == (done(1),)
    assert await run_log.entries("run-3", after=0, limit=9) == ()


async def test_writing_the_same_events_again_changes_nothing(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.flush([batch("run-1", 1, 2)])
    assert await run_log.flush([batch("run-1", 1, 2, 3)]) == frozenset()
    assert await run_log.entries("run-1", after=0, limit=9) == tokens(1, 2, 3)


async def test_nothing_to_flush_is_nothing_refused(run_log: RunLog) -> None:
    assert await run_log.flush([]) == frozenset()


# The end


async def test_finish_stores_everything_at_once(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.flush([batch("run-1", 1)])
    end = replace(outcome("run-1", *tokens(2), done(3)), receipt=RECEIPT, status="stopped")
    assert await run_log.finish(end) is True
    found = await record(run_log)
    assert (found.status, found.head, found.receipt) == ("stopped", 3, RECEIPT)
    assert found.terminal == done(3)
    assert await run_log.entries("run-1", after=0, limit=9) == (*tokens(1, 2), done(3))
    assert await run_log.answer_text(ANN, "run-1") == (ANSWER.content, (CITATION,))
    assert await run_log.partial(ANN, "run-1-answer") == (ANSWER.content, ANSWER.evidence)


async def test_a_run_ends_once(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.finish(outcome("run-1", done(1)))
    assert await run_log.finish(outcome("run-1", done(2))) is False
    assert (await record(run_log)).terminal == done(1)
    assert await run_log.entries("run-1", after=0, limit=9) == (done(1),)


async def test_a_fenced_owner_cannot_end_the_run(run_log: RunLog) -> None:
    await run_log.create(new_run())
    lease = await lease_of(run_log, "run-1")
    await run_log.take_over(lease, process_id="process-2")
    assert await run_log.finish(outcome(epoch=1)) is False
    assert (await record(run_log)).status == "running"
    assert await run_log.finish(outcome("unknown")) is False


async def test_a_failed_answer_is_kept(run_log: RunLog) -> None:
    await run_log.create(new_run())
    failed = AnswerRecord(
        status="error",
        content="half",
        finish_reason=None,
        citations=(),
        evidence=(),
        usage=None,
        timings=None,
        error_code="TIMEOUT",
        error_message="It took too long.",
    )
    await run_log.finish(replace(outcome(), status="error", message=failed))
    assert (await record(run_log)).status == "error"
    assert await run_log.answer_text(ANN, "run-1") == ("half", ())


# Reading


async def test_foreign_and_unknown_look_the_same(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.finish(outcome())
    assert await run_log.record(BOB, "run-1") is None
    assert await run_log.record(ANN, "unknown") is None
    for principal, run_id in ((BOB, "run-1"), (ANN, "unknown")):
        with pytest.raises(NotFound):
            await run_log.answer_text(principal, run_id)
    for principal, message_id in ((BOB, "run-1-answer"), (ANN, "unknown"), (ANN, "run-1-question")):
        with pytest.raises(NotFound):
            await run_log.partial(principal, message_id)
    assert await run_log.history(BOB, "s", before="x", limit=9) == ()


async def test_a_running_answer_reads_as_its_flushed_tokens(run_log: RunLog) -> None:
    await run_log.create(new_run())
    assert await run_log.answer_text(ANN, "run-1") == ("", ())
    await run_log.flush(
        [Batch("run-1", 1, (LogEntry(1, "run_start", b'{"type":"run_start"}'), *tokens(2, 3)), 99)]
    )
    assert await run_log.answer_text(ANN, "run-1") == ("23", ())
    with pytest.raises(NotFound):
        await run_log.partial(ANN, "run-1-answer")


async def test_a_reset_takes_back_the_text_before_it(run_log: RunLog) -> None:
    await run_log.create(new_run())
    reset = LogEntry(4, "reset", b'{"type":"reset","content":{"text":""}}')
    entries = (
        LogEntry(1, "run_start", b'{"type":"run_start"}'),
        *tokens(2, 3),
        reset,
        *tokens(5, 6),
    )
    await run_log.flush([Batch("run-1", 1, entries[:3], 99)])
    await run_log.flush([Batch("run-1", 1, entries[2:], 99)])
    assert await run_log.answer_text(ANN, "run-1") == ("56", ())
    assert await run_log.entries("run-1", after=2, limit=9) == entries[2:]


async def test_history_is_oldest_first_and_ends_before_the_question(run_log: RunLog) -> None:
    for n in (1, 2, 3):
        made = await run_log.create(new_run(f"run-{n}"))
        assert isinstance(made, Created)
        assert made.is_new_conversation == (n == 1)
        answer = replace(ANSWER, content=f"answer {n}", status="stopped" if n == 2 else "complete")
        await run_log.finish(replace(outcome(f"run-{n}"), message=answer))
    one = Turn("What is asked by run-1?", "answer 1", interrupted=False)
    two = Turn("What is asked by run-2?", "answer 2", interrupted=True)
    three = Turn("What is asked by run-3?", "answer 3", interrupted=False)
    assert await run_log.history(ANN, "s", before="run-3-question", limit=9) == (one, two)
    assert await run_log.history(ANN, "s", before="run-3-question", limit=1) == (two,)

    assert await run_log.history(ANN, "s", before="run-1-question", limit=9) == ()
    assert await run_log.history(ANN, "s", before="not yet", limit=9) == (one, two, three)
    assert await run_log.history(ANN, "other", before="not yet", limit=9) == ()


@pytest.mark.parametrize(("whole", "kept"), [(None, (900, 900)), (1, (ABRIDGED_CHARACTERS, 900))])
async def test_old_answers_are_read_in_short(
    run_log: RunLog, whole: int | None, kept: tuple[int, int]
) -> None:
    for run_id in ("run-1", "run-2"):
        await run_log.create(new_run(run_id))
        long = replace(ANSWER, content="x" * 900)
        await run_log.finish(replace(outcome(run_id), message=long))
    turns = await run_log.history(ANN, "s", before="run-3-question", limit=9, whole=whole)
    assert tuple(len(turn.answer) for turn in turns) == kept


async def test_history_tells_answers_from_refusals(run_log: RunLog) -> None:
    cited = replace(ANSWER, citations=(CITATION,))
    answers = (
        (cited, True),
        (replace(ANSWER, finish_reason="no_evidence", citations=()), False),
        (replace(ANSWER, citations=()), False),
        (replace(ANSWER, status="stopped", citations=()), True),
    )
    for n, (answer, _) in enumerate(answers):
        await run_log.create(new_run(f"run-{n}"))
        await run_log.finish(replace(outcome(f"run-{n}"), message=answer))
    history = await run_log.history(ANN, "s", before="next", limit=9)
    assert [turn.answered for turn in history] == [answered for _, answered in answers]


async def test_history_has_the_newest_ended_answer_of_each_question(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.finish(replace(outcome(), message=replace(ANSWER, content="first")))
    again = replace(new_run("run-2"), question=None, question_id="run-1-question")
    await run_log.create(again)
    turn = Turn("What is asked by run-1?", "first", interrupted=False)
    assert await run_log.history(ANN, "s", before="next", limit=9) == (turn,)
    second = replace(ANSWER, content="second", status="error")
    await run_log.finish(replace(outcome("run-2"), message=second))
    turn = Turn("What is asked by run-1?", "second", interrupted=True)
    assert await run_log.history(ANN, "s", before="next", limit=9) == (turn,)


async def test_a_question_without_any_ended_answer_is_left_out(run_log: RunLog) -> None:
    await run_log.create(new_run())
    assert await run_log.history(ANN, "s", before="next", limit=9) == ()


# Stopping


async def test_a_stop_is_flagged_for_the_owner_of_the_run(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.create(new_run("run-2", session_id="s2"))
    stopped = await run_log.request_stop(ANN, "run-1", at=NOW)
    assert stopped is not None
    assert stopped.stop_requested
    assert stopped == await record(run_log)
    assert await run_log.stops_requested("process-1") == ("run-1",)
    assert await run_log.stops_requested("process-2") == ()
    await run_log.finish(outcome())
    assert await run_log.stops_requested("process-1") == ()


async def test_a_stop_after_the_end_only_reads(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.finish(outcome())
    ended = await record(run_log)
    assert await run_log.request_stop(ANN, "run-1", at=NOW) == ended


async def test_a_stop_may_come_before_its_run(run_log: RunLog) -> None:
    at = NOW - timedelta(seconds=59)
    assert await run_log.request_stop(ANN, "run-1", at=at) is None
    result = await run_log.create(new_run())
    assert isinstance(result, Created)
    assert result.stop_requested
    assert result.record.stop_requested


async def test_a_remembered_stop_counts_once_and_for_60_seconds(run_log: RunLog) -> None:
    await run_log.request_stop(ANN, "run-1", at=NOW - timedelta(seconds=61))
    result = await run_log.create(new_run())
    assert isinstance(result, Created)
    assert not result.stop_requested


async def test_nobody_stops_the_run_of_another(run_log: RunLog) -> None:
    assert await run_log.request_stop(BOB, "run-1", at=NOW) is None
    result = await run_log.create(new_run())
    assert isinstance(result, Created)
    assert not result.stop_requested
    assert await run_log.request_stop(BOB, "run-1", at=NOW) is None
    assert not (await record(run_log)).stop_requested


# Leases


async def test_leases_are_of_running_runs_with_their_owners_heartbeat(run_log: RunLog) -> None:
    assert (await run_log.leases()).leases == ()
    await run_log.create(new_run())
    await run_log.create(new_run("run-2", session_id="s2"))
    await run_log.finish(outcome("run-2"))
    assert (await run_log.leases()).leases == (Lease("run-1", 1, "process-1", None),)
    await run_log.beat("process-1")
    first = await lease_of(run_log, "run-1")
    await run_log.beat("process-1")
    second = await lease_of(run_log, "run-1")
    assert first.beat is not None
    assert second.beat == first.beat + 1


async def test_the_clock_of_leases_never_goes_back(run_log: RunLog) -> None:
    first, second = await run_log.leases(), await run_log.leases()
    assert first.now_s <= second.now_s


async def test_a_taken_run_has_a_new_owner_and_epoch(run_log: RunLog) -> None:
    before = await created(run_log, new_run())
    taken = await run_log.take_over(await lease_of(run_log, "run-1"), process_id="process-2")
    assert taken == replace(before, epoch=2, process_id="process-2")
    assert await run_log.flush([batch("run-1", 1)]) == {"run-1"}
    closing = (
        LogEntry(taken.reserved, "citations", b'{"type":"citations"}'),
        done(taken.reserved + 1),
    )
    assert await run_log.finish(outcome("run-1", *closing, epoch=2)) is True
    found = await record(run_log)
    assert (found.head, found.terminal) == (taken.reserved + 1, closing[1])
    assert await run_log.entries("run-1", after=0, limit=9) == closing


async def test_only_one_takes_a_run_over(run_log: RunLog) -> None:
    await run_log.create(new_run())
    lease = await lease_of(run_log, "run-1")
    takers = (run_log.take_over(lease, process_id=f"process-{n}") for n in range(2, 6))
    assert sum(taken is not None for taken in await asyncio.gather(*takers)) == 1


async def test_a_run_that_lives_or_ended_is_not_taken_over(run_log: RunLog) -> None:
    await run_log.create(new_run())
    lease = await lease_of(run_log, "run-1")
    await run_log.beat("process-1")
    assert await run_log.take_over(lease, process_id="process-2") is None
    lease = await lease_of(run_log, "run-1")
    await run_log.finish(outcome())
    assert await run_log.take_over(lease, process_id="process-2") is None


# Purging


async def test_a_purge_drops_old_events_and_keeps_the_end(run_log: RunLog) -> None:
    await run_log.create(new_run())
    await run_log.finish(outcome("run-1", *tokens(1), done(2)))
    await run_log.create(new_run("run-2", session_id="s2"))
    await run_log.flush([batch("run-2", 1)])
    ended_at = outcome().ended_at
    assert await run_log.purge(ended_before=ended_at) == 0
    assert await run_log.purge(ended_before=ended_at + timedelta(seconds=1)) == 1
    assert await run_log.purge(ended_before=ended_at + timedelta(seconds=1)) == 0
    assert await run_log.entries("run-1", after=0, limit=9) == ()
    assert await run_log.entries("run-2", after=0, limit=9) == tokens(1)
    found = await record(run_log)
    assert (found.terminal, found.head) == (done(2), 2)
    assert (await run_log.answer_text(ANN, "run-1"))[0] == ANSWER.content


async def test_an_idempotency_key_lives_as_long_as_the_events(run_log: RunLog) -> None:
    keyed = replace(new_run(), idempotency_key="k")
    await run_log.create(keyed)
    await run_log.finish(outcome())
    await run_log.purge(ended_before=NOW + timedelta(days=1))
    again = replace(keyed, run_id="run-2", message_id="m2", question_id="q2")
    assert (await created(run_log, again)).run_id == "run-2"


# Notifications


async def test_listeners_hear_of_progress_stop_and_end(run_log: RunLog) -> None:
    heard: asyncio.Queue[Notice] = asyncio.Queue()
    deaf: list[Notice] = []
    run_log.subscribe(heard.put_nowait)
    run_log.subscribe(deaf.append)()
    await run_log.create(new_run())
    await run_log.create(new_run("run-2", session_id="s2"))
    await run_log.flush([batch("run-1", 1), batch("run-2", 1)])
    assert await heard.get() == Notice("progress", ("run-1", "run-2"))
    await run_log.request_stop(ANN, "run-1", at=NOW)
    assert await heard.get() == Notice("stop", ("run-1",))
    await run_log.finish(outcome("run-1", done(2)))
    assert await heard.get() == Notice("ended", ("run-1",))
    assert heard.empty()
    assert deaf == []
