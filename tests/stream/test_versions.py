"""P16: replicas of two versions on one database, and a rollback, with a made-up newer version."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import orjson
import pytest

from app.api.ai_sdk.encoder import ui_frames
from app.api.openai.encoder import Completion, chunk_frames
from app.api.streaming import Cursor, named_event_frames
from app.db.listener import Listener
from app.db.pool import Database
from app.db.run_log import PostgresRunLog
from app.domain.models import Filters
from app.domain.principals import LOCAL
from app.embeddings.minilm import MiniLM
from app.runs.log_entries import LogEntry
from app.runs.ports import RESERVE_AHEAD, Batch, Created, NewRun
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import eventually
from tests.harness.run_client import following, http_client, last_answer
from tests.harness.serving import serving
from tests.harness.sse import Viewer
from tests.stream.conftest import QUESTION, app_settings

AT = "2026-11-20T10:30:40.000Z"
PASSAGE = {
    "marker": 1,
    "passage_id": "p1",
    "source_id": "s1",
    "title": "Aripiprazole",
    "kind": "image",
    "text": "Common side effects of aripiprazole include nausea.",
    "heading": None,
    "page": None,
    "start_s": None,
    "speaker": None,
    "region": [1, 2, 3, 4],
}
CITATION = {
    **{name: PASSAGE[name] for name in ("marker", "passage_id", "source_id", "title", "kind")},
    "quote": "nausea",
    "quote_start": 44,
    "quote_end": 50,
    "page": None,
    "start_s": None,
    "end_s": None,
    "speaker": None,
    "url": None,
    "verified": True,
    "support": "seen",
    "confidence": 0.97,
}
WORDS = ("Nausea ", "is common ", "[1].")


def event(kind: str, content: object, **more: object) -> bytes:
    return orjson.dumps({"type": kind, "content": content, "timestamp": AT, **more})


EVENTS: list[tuple[str, object]] = [
    (
        "run_start",
        {
            "stage": "run",
            "status": "started",
            "run_id": "r",
            "session_id": "s",
            "message_id": "m",
            "model": "m",
            "filters": {"regions": ["eu"]},
            "budget": 3,
        },
    ),
    ("planning_start", {"stage": "planning", "status": "started", "steps": [1, 2]}),
    ("hint", "a newer event that is no stage"),
    (
        "generation_start",
        {"stage": "generation", "status": "started", "passages": [PASSAGE], "tools": []},
    ),
    *(("token", word) for word in WORDS),
    (
        "citations",
        {"stage": "citations", "status": "complete", "citations": [CITATION], "unused": []},
    ),
]
DONE = event(
    "done",
    {
        "finish_reason": "stop",
        "message_id": "m",
        "saved": True,
        "usage": {"input_tokens": 3, "output_tokens": 2, "estimated": False, "cached": 1},
        "timings": {"retrieval_ms": 1, "first_token_ms": 2, "total_ms": 3, "queue_ms": 4},
        "cost": 0.1,
    },
)


def entries(**more: object) -> tuple[LogEntry, ...]:
    return tuple(
        LogEntry(
            number, kind, event(kind, content, **more), str(content) if kind == "token" else None
        )
        for number, (kind, content) in enumerate(EVENTS, 1)
    )


class Newer:
    """A replica of the next version, as visible in the database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log = PostgresRunLog(database, Listener(database, channels=()))

    async def migrate(self) -> None:
        """A migration that only adds, so that this version keeps working."""
        await self.database.execute(
            "INSERT INTO schema_migrations (version, name, needs) VALUES (999, 'next', 0)"
        )
        for table in ("runs", "messages", "conversations", "run_events", "sources"):
            await self.database.execute(f"ALTER TABLE {table} ADD COLUMN next jsonb DEFAULT '{{}}'")

    async def ask(self, name: str) -> str:
        """A run of the newer replica that has emitted everything but its terminal event."""
        await self.log.beat("newer")
        new = NewRun(
            run_id=f"0e3a1c1e-0000-4000-8000-{name:>012}",
            principal=LOCAL,
            session_id=f"s{name}",
            route="chat",
            message_id=f"answer-{name}",
            question_id=f"question-{name}",
            question=QUESTION,
            model="next",
            filters=Filters(),
            on_disconnect="continue",
            process_id="newer",
            created_at=datetime.now(UTC),
        )
        assert isinstance(await self.log.create(new), Created)
        await self.database.execute(
            "UPDATE runs SET filters = $2, route = 'voice' WHERE run_id = $1",
            new.run_id,
            {"kinds": ["image", "document"], "regions": ["eu"]},
        )
        assert not await self.log.flush(
            [Batch(new.run_id, 1, entries(), len(EVENTS) + RESERVE_AHEAD)]
        )
        return new.run_id

    async def end(self, run_id: str) -> None:
        """The end of a run as the newer version stores it."""
        seq = len(EVENTS) + 1
        async with self.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO run_events (run_id, seq, last_seq, data, text) "
                "VALUES ($1, $2, $2, $3, '')",
                *(run_id, seq, DONE.decode()),
            )
            await connection.execute(
                "UPDATE runs SET status = 'complete', head = $2, terminal_seq = $2, "
                "terminal_type = 'done', terminal_data = $3, receipt = $4, ended_at = now() "
                "WHERE run_id = $1",
                *(run_id, seq, DONE, {"stopped": True, "by": "somebody"}),
            )
            await connection.execute(
                "UPDATE messages SET status = 'complete', content = $2, "
                "finish_reason = 'verified', citations = $3, usage = $4, timings = $5, "
                "filters = $6, feedback = $7, evidence = $8, ended_at = now() "
                "WHERE run_id = $1 AND role = 'assistant'",
                *(run_id, "".join(WORDS), [CITATION, {"marker": 2, "kind": "video"}]),
                *({"input_tokens": 3, "output_tokens": 2, "estimated": False, "cached": 1},),
                *({"total_ms": "soon"}, {"regions": ["eu"]}, {"rating": "meh", "comment": ""}),
                [{"type": kind, "content": content} for kind, content in EVENTS[:4]],
            )
            await connection.execute("SELECT pg_notify('citestream_runs', 'ended:' || $1)", run_id)
            await connection.execute("SELECT pg_notify('citestream_runs', 'paused:' || $1)", run_id)


@asynccontextmanager
async def newer_beside(
    dsn: str, upstream: FakeOpenAI, embedder: MiniLM, data_dir: Path
) -> AsyncIterator[tuple[Newer, httpx.AsyncClient]]:
    """The newer replica, and a client of one of this version on the same database."""
    database = await Database.open(dsn, max_size=2)
    newer = Newer(database)
    await newer.migrate()
    try:
        async with (
            serving(app_settings(dsn, upstream, data_dir), embedder) as server,
            http_client(server.url) as http,
        ):
            yield newer, http
    finally:
        await database.close()


async def test_a_viewer_here_follows_a_run_of_a_newer_replica(
    stocked_dsn: str, upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> None:
    async with newer_beside(stocked_dsn, upstream, embedder, tmp_path) as (newer, http):
        run_id = await newer.ask("1")
        async with following(http, run_id) as viewer:
            await viewer.until(lambda frame: frame.type == "citations")
            await newer.end(run_id)
            terminal = await viewer.rest()
        assert viewer.viewer.text == "".join(WORDS)
        types = [frame.type for frame in viewer.seen]
        assert types[:4] == ["run_start", "planning_start", "hint", "generation_start"]
        assert [frame.id for frame in viewer.seen][:4] == [1, 2, 3, 4]
        assert (terminal.type, terminal.content["cost"]) == ("done", 0.1)
        position = {"Last-Event-ID": str(terminal.id)}
        assert (await http.get(f"/runs/{run_id}/events", headers=position)).status_code == 204
        for after in range(1, terminal.id):
            async with following(http, run_id, viewer=Viewer(position=after)) as again:
                assert (await again.rest(), again.viewer.resets) == (terminal, 0)
        stopped = await http.post(f"/runs/{run_id}/stop")
        assert (stopped.status_code, stopped.json()["already"]) == (200, True)


async def test_a_rollback_shows_lists_and_continues_what_the_newer_version_stored(
    stocked_dsn: str, upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> None:
    async with newer_beside(stocked_dsn, upstream, embedder, tmp_path) as (newer, http):
        run_id = await newer.ask("1")
        await newer.end(run_id)
        await newer.database.execute(
            "UPDATE conversations SET filters = $1", {"kinds": ["image"], "regions": ["eu"]}
        )
        answer = await last_answer(http, "s1")
        assert answer["content"] == "".join(WORDS)
        assert [c["marker"] for c in answer["citations"]] == [1]
        assert answer["citations"][0]["kind"] is None
        assert answer["usage"]["input_tokens"] == 3
        assert answer["timings"] is answer["feedback"] is None
        (listed,) = (await http.get("/conversations")).json()["items"]
        assert listed["filters"]["kinds"] == []
        exported = await http.get("/conversations/s1/export")
        assert (exported.status_code, "Nausea is common" in exported.text) == (200, True)
        upstream.script(Reply(tokens=["So ", "it is."]))
        async with http.stream("POST", "/chat", json={"message": "And?", "session_id": "s1"}) as r:
            assert r.status_code == 200, await r.aread()
            body = (await r.aread()).decode()
        assert '"type":"done"' in body
        asked = orjson.dumps(upstream.requests[-1].body).decode()
        assert "Nausea is common" in asked


async def test_the_run_of_a_dead_newer_replica_is_closed_with_its_text(
    stocked_dsn: str, upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> None:
    """The reaper survives events with unknown types and fields."""
    async with newer_beside(stocked_dsn, upstream, embedder, tmp_path) as (newer, http):
        names = ("1", "2")
        runs = [await newer.ask(name) for name in names]

        async def closed() -> Any:
            answers = [await last_answer(http, f"s{name}") for name in names]
            return answers if all(a["status"] == "error" for a in answers) else None

        for answer in await eventually(closed, within_s=30):
            assert answer["content"] == "".join(WORDS)
            assert answer["error"]["code"] == "INTERRUPTED"
            assert [c["marker"] for c in answer["citations"]] == [1]
        async with following(http, runs[0]) as viewer:
            assert (await viewer.rest()).content["code"] == "INTERRUPTED"
        ready = await http.get("/health/ready")
        assert (ready.status_code, ready.json()["failing"]) == (200, [])


class Stored:
    """A cursor over the events that the newer version stored."""

    async def frames(self, *, silence_s: float) -> AsyncGenerator[LogEntry | None, None]:
        for entry in (*entries(trace=1), LogEntry(len(EVENTS) + 1, "done", DONE)):
            yield entry
            await asyncio.sleep(0)


@pytest.mark.parametrize("encoder", [named_event_frames, ui_frames, "openai"])
async def test_every_format_sends_what_it_knows_of_newer_events(encoder: Any) -> None:
    cursor = cast("Cursor", Stored())
    if encoder == "openai":
        completion = Completion(
            completion_id="c", created=1, model="m", link=lambda _: "/", append_sources=True
        )
        stream = chunk_frames(cursor, completion, include_usage=True, heartbeat_s=5)
    else:
        stream = encoder(cursor, heartbeat_s=5)
    sent = b"".join([frame async for frame in stream]).decode()
    for word in ("Nausea ", "is common ", "[1]."):
        assert orjson.dumps(word).decode() in sent
    last = {named_event_frames: "event: done\ndata: {}\n\n"}.get(encoder, "data: [DONE]\n\n")
    assert sent.endswith(last)
    assert sent.count(last) == 1
    if encoder != "openai":
        assert "planning" in sent
