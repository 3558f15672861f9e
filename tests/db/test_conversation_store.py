import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.db.conversation_store import ConversationStore
from app.db.pool import Database
from app.db.run_creation import title_of
from app.db.run_log import PostgresRunLog
from app.domain.conversation_models import Conversation, Match, Message, StageRecord
from app.domain.errors import InvalidInput, NotFound, RunInProgress
from app.domain.models import Feedback, Filters
from app.domain.ports import Conversations
from app.domain.principals import Principal
from app.runs.log_entries import LogEntry
from app.runs.ports import AnswerRecord, ClosedRun, Created, NewRun
from app.text.snippets import MAX_SNIPPET_LENGTH, snippet

NOW = datetime(2026, 11, 20, 10, 30, 40, 123456, tzinfo=UTC)
ANN = Principal("ann")
BOB = Principal("bob")
LATER = NOW + timedelta(seconds=10)


@pytest.fixture
def store(database: Database) -> Conversations:
    return ConversationStore(database)


def new_run(run_id: str, session_id: str = "s", *, at: datetime = NOW) -> NewRun:
    return NewRun(
        run_id=run_id,
        principal=ANN,
        session_id=session_id,
        route="chat",
        message_id=f"{run_id}-answer",
        question_id=f"{run_id}-question",
        question=f"Question of {run_id}",
        model="quoting",
        filters=Filters(tags=("hr",)),
        on_disconnect="cancel",
        process_id="p",
        created_at=at,
    )


def outcome(run_id: str, *, at: datetime = NOW) -> ClosedRun:
    return ClosedRun(
        run_id=run_id,
        epoch=1,
        status="complete",
        entries=(LogEntry(1, "done", b'{"type":"done"}'),),
        message=AnswerRecord("complete", "Yes.", "stop", (), (StageRecord("x", None),), None, None),
        receipt=None,
        ended_at=at,
    )


async def converse(log: PostgresRunLog, run_id: str, session_id: str = "s") -> None:
    assert isinstance(await log.create(new_run(run_id, session_id)), Created)
    assert await log.finish(outcome(run_id))


async def test_a_conversation_is_born_with_its_first_question(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    await postgres_run_log.create(new_run("r1"))
    expected = Conversation(
        session_id="s",
        title="Question of r1",
        filters=Filters(tags=("hr",)),
        created_at=NOW,
        updated_at=NOW,
        model=None,
        active_run_id="r1",
    )
    assert await store.get(ANN, "s") == expected
    await postgres_run_log.finish(outcome("r1", at=LATER))
    assert await store.get(ANN, "s") == replace(expected, updated_at=LATER, active_run_id=None)


async def test_the_list_is_newest_first_in_pages(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    for n in range(5):
        await postgres_run_log.create(new_run(f"r{n}", f"s{n}", at=NOW + timedelta(seconds=n // 2)))
    seen: list[str] = []
    cursor = None
    while True:
        page = await store.recent(ANN, limit=2, cursor=cursor)
        seen += [item.session_id for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == ["s4", "s3", "s2", "s1", "s0"]
    assert (await store.recent(BOB, limit=2)).items == ()


async def asked(
    log: PostgresRunLog,
    run_id: str,
    question: str,
    answer: str = "Yes.",
    *,
    principal: Principal = ANN,
    at: datetime = NOW,
) -> None:
    run = replace(new_run(run_id, run_id, at=at), question=question, principal=principal)
    assert isinstance(await log.create(run), Created)
    end = outcome(run_id, at=at)
    assert await log.finish(replace(end, message=replace(end.message, content=answer)))


async def found(store: Conversations, query: str) -> list[str]:
    page = await store.search(ANN, query, limit=99)
    return [item.conversation.session_id for item in page.items]


async def test_conversations_are_found_by_questions_and_answers(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    log = postgres_run_log
    await asked(log, "a", "How is tea made?", "Steep it for two minutes [1].")
    await asked(log, "b", "And Über-Grüner Tee?", "It's 3.14 % stronger, see foo-bar.example/x.")
    await asked(log, "c", "Coffee?", "Tea is not coffee.")
    await asked(log, "theirs", "Tea?", principal=BOB)
    for query, expected in {
        "tea": ["c", "a"],
        "TEA mad": ["a"],
        "minutes, steep": ["a"],
        "über-grü": ["b"],
        "grüner": ["b"],
        "it's": ["b"],
        "3.14": ["b"],
        "foo-bar": ["b"],
        "steep 'two\\ minutes'": ["a"],
        "steep coffee": [],
        "eep": [],
        "%": [],
        "' | !": [],
        "nothing": [],
    }.items():
        assert sorted(await found(store, query)) == sorted(expected), query
    page = await store.search(ANN, "steep", limit=9)
    assert page.items[0].match == Match("a-answer", "assistant", "Steep it for two minutes [1].")


async def test_conversations_are_found_by_any_part_of_their_title(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    await asked(postgres_run_log, "a", "Anything")
    for title, query in (("Kettle log", "ttle"), ("100 %_\\", "%_\\"), ("🫖🫖", "🫖")):
        await store.rename(ANN, "a", title)
        page = await store.search(ANN, query, limit=9)
        assert [(one.conversation.title, one.match) for one in page.items] == [(title, None)]
    assert await found(store, "☕") == []
    await store.delete(ANN, "a", at=NOW)
    assert await found(store, "anything") == []


async def test_found_conversations_come_newest_first_in_pages(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    for n in range(5):
        await asked(postgres_run_log, f"s{n}", "Tea?", at=NOW + timedelta(seconds=n // 2))
    seen: list[str] = []
    cursor = None
    while True:
        page = await store.search(ANN, "tea", limit=2, cursor=cursor)
        seen += [item.conversation.session_id for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == ["s4", "s3", "s2", "s1", "s0"]
    with pytest.raises(InvalidInput, match="cursor"):
        await store.search(ANN, "tea", limit=1, cursor="made up")


async def test_of_a_very_long_text_the_beginning_is_found(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    long = " ".join(f"w{n}" for n in range(400_000))
    await asked(postgres_run_log, "a", "Long?", f"{long} {'x' * 5_000}")
    assert await found(store, "w1234") == ["a"]
    assert await found(store, "w399999") == []


def test_an_excerpt_shows_the_words_in_one_line() -> None:
    text = "word " * 60 + "needle\n\nhay " + "more " * 60
    shown = snippet(text, ["Needle?"])
    assert shown.startswith("…word")
    assert "needle hay more" in shown
    assert shown.endswith("more…")
    assert len(shown) <= MAX_SNIPPET_LENGTH + 2
    assert snippet("short", ["absent"]) == "short"
    assert snippet("x" * 999, ["y"]) == "x" * MAX_SNIPPET_LENGTH + "…"


async def test_messages_are_oldest_first_in_pages(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    await converse(postgres_run_log, "r1")
    await postgres_run_log.create(new_run("r2"))
    first = await store.messages(ANN, "s", limit=3)
    assert first.items[0] == Message(
        message_id="r1-question",
        role="user",
        content="Question of r1",
        status="complete",
        finish_reason=None,
        citations=(),
        evidence=(),
        usage=None,
        timings=None,
        error_code=None,
        error_message=None,
        run_id="r1",
        question_id="r1-question",
        model=None,
        filters=Filters(tags=("hr",)),
        created_at=NOW,
        ended_at=NOW,
        feedback=None,
    )
    assert first.items[1].content == "Yes."
    assert first.items[1].evidence == (StageRecord("x", None),)
    rest = await store.messages(ANN, "s", limit=3, cursor=first.next)
    assert [m.message_id for m in rest.items] == ["r2-answer"]
    assert (rest.items[0].status, rest.next) == ("streaming", None)


async def test_messages_are_read_from_the_end_too(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    await converse(postgres_run_log, "r1")
    await postgres_run_log.create(new_run("r2"))
    last = await store.messages(ANN, "s", limit=3, newest_first=True)
    assert [m.message_id for m in last.items] == ["r2-answer", "r2-question", "r1-answer"]
    rest = await store.messages(ANN, "s", limit=3, cursor=last.next, newest_first=True)
    assert [m.message_id for m in rest.items] == ["r1-question"]
    assert rest.next is None


async def test_one_message_is_read_within_its_conversation(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    await converse(postgres_run_log, "r1")
    await converse(postgres_run_log, "r2", "other")
    assert (await store.message(ANN, "s", "r1-answer")).content == "Yes."
    for principal, message_id in ((BOB, "r1-answer"), (ANN, "r2-answer"), (ANN, "unknown")):
        with pytest.raises(NotFound):
            await store.message(principal, "s", message_id)
    await store.delete(ANN, "s", at=NOW)
    with pytest.raises(NotFound):
        await store.message(ANN, "s", "r1-answer")


async def test_rename_and_filters(store: Conversations, postgres_run_log: PostgresRunLog) -> None:
    await converse(postgres_run_log, "r1")
    assert (await store.rename(ANN, "s", "Leave")).title == "Leave"
    chosen = Filters(source_ids=("s1",), kinds=("recording",))
    assert (await store.set_filters(ANN, "s", chosen)).filters == chosen
    await converse(postgres_run_log, "r2")
    kept = await store.get(ANN, "s")
    assert (kept.title, kept.filters) == ("Leave", chosen)


async def test_a_deleted_conversation_is_hidden_and_comes_back_within_30_seconds(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    await converse(postgres_run_log, "r1")
    before = await store.get(ANN, "s")
    await store.delete(ANN, "s", at=NOW)
    assert (await store.recent(ANN, limit=9)).items == ()
    for hidden in (
        store.get(ANN, "s"),
        store.messages(ANN, "s", limit=9),
        store.rename(ANN, "s", "x"),
        store.set_filters(ANN, "s", Filters()),
        store.delete(ANN, "s", at=NOW),
        postgres_run_log.partial(ANN, "r1-answer"),
        postgres_run_log.create(replace(new_run("r2"), question=None, question_id="r1-question")),
        store.restore(ANN, "s", at=NOW + timedelta(seconds=31)),
    ):
        with pytest.raises(NotFound):
            await hidden
    assert await store.restore(ANN, "s", at=NOW + timedelta(seconds=30)) == before
    with pytest.raises(NotFound):
        await store.restore(ANN, "s", at=NOW)


async def test_asking_in_a_deleted_conversation_starts_it_anew(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    await converse(postgres_run_log, "r1")
    await store.delete(ANN, "s", at=NOW)
    await converse(postgres_run_log, "r2")
    messages = await store.messages(ANN, "s", limit=9)
    assert [m.message_id for m in messages.items] == ["r2-question", "r2-answer"]
    assert (await store.get(ANN, "s")).title == "Question of r2"
    assert await postgres_run_log.record(ANN, "r1") is None
    assert await postgres_run_log.entries("r1", after=0, limit=9) == ()
    with pytest.raises(NotFound):
        await store.restore(ANN, "s", at=NOW)


async def test_deleting_leaves_the_active_run_to_be_stopped(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    await postgres_run_log.create(new_run("r1"))
    await store.delete(ANN, "s", at=NOW)
    assert await store.purge(deleted_before=LATER) == 0
    with pytest.raises(RunInProgress):
        await postgres_run_log.create(new_run("r2"))
    assert await postgres_run_log.finish(outcome("r1"))
    assert await store.purge(deleted_before=NOW) == 0
    assert await store.purge(deleted_before=LATER) == 1
    assert await postgres_run_log.record(ANN, "r1") is None
    assert await postgres_run_log.entries("r1", after=0, limit=9) == ()


async def test_foreign_and_unknown_look_the_same(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    await converse(postgres_run_log, "r1")
    for principal, session_id in ((BOB, "s"), (ANN, "unknown")):
        for attempt in (
            store.get(principal, session_id),
            store.messages(principal, session_id, limit=9),
            store.rename(principal, session_id, "x"),
            store.set_filters(principal, session_id, Filters()),
            store.delete(principal, session_id, at=NOW),
            store.restore(principal, session_id, at=NOW),
        ):
            with pytest.raises(NotFound):
                await attempt


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "%",
        "żółw",
        encoded("{}"),
        encoded('["yesterday","s"]'),
        encoded('["2026-11-20T10:30:40","s"]'),
        encoded('["2026-11-20T10:30:40Z","\\u0000"]'),
        encoded("[-1]"),
        encoded("[9223372036854775808]"),
        encoded("[1,2]"),
    ],
)
async def test_a_cursor_made_up_is_refused(
    store: Conversations, postgres_run_log: PostgresRunLog, cursor: str
) -> None:
    await converse(postgres_run_log, "r1")
    with pytest.raises(InvalidInput, match="cursor"):
        await store.recent(ANN, limit=1, cursor=cursor)
    with pytest.raises(InvalidInput, match="cursor"):
        await store.messages(ANN, "s", limit=1, cursor=cursor)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How many days?", "How many days?"),
        ("  two\n lines ", "two lines"),
        ("word " * 11 + "wordy is more", "word " * 11 + "wordy…"),
        ("word " * 11 + "words is more", "word " * 11 + "words…"),
        ("word " * 11 + "wordless", "word " * 10 + "word…"),
        ("x" * 61, "x" * 60 + "…"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_title_is_the_question_cut_at_a_word(question: str, title: str) -> None:
    assert title_of(question) == title


async def test_feedback_is_kept_with_its_answer_until_it_is_taken_back(
    store: Conversations, postgres_run_log: PostgresRunLog
) -> None:
    await converse(postgres_run_log, "r")
    for said in (Feedback(rating="up", comment=""), Feedback(rating="down", comment="Too short")):
        await store.rate(ANN, "s", "r-answer", said)
        assert (await store.message(ANN, "s", "r-answer")).feedback == said
    await store.rate(ANN, "s", "r-answer", None)
    assert (await store.message(ANN, "s", "r-answer")).feedback is None


@pytest.mark.parametrize(
    ("principal", "session_id", "message_id"),
    [
        (BOB, "s", "r-answer"),
        (ANN, "other", "r-answer"),
        (ANN, "s", "r-question"),
        (ANN, "s", "unknown"),
    ],
)
async def test_feedback_is_for_ones_own_answers(
    store: Conversations,
    postgres_run_log: PostgresRunLog,
    principal: Principal,
    session_id: str,
    message_id: str,
) -> None:
    await converse(postgres_run_log, "r")
    with pytest.raises(NotFound):
        await store.rate(principal, session_id, message_id, Feedback(rating="up", comment=""))
    assert (await store.message(ANN, "s", "r-answer")).feedback is None
