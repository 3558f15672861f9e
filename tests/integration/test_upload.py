"""Uploads to the real application: accepted, reported, edited, deleted."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from app.api.uploads import storage_full
from app.config import Settings
from app.db.job_log import PostgresJobLog
from app.db.library_store import LibraryStore
from app.domain.errors import NotFound, ServerBusy
from app.domain.job_ports import UploadedFile
from app.domain.principals import LOCAL, Principal
from app.embeddings.minilm import MiniLM
from app.ingest.file_reader import FileReader
from app.ingest.files import FileStore
from app.ingest.ingest_request import IngestRequest
from app.ingest.jobs.queue import MAX_PER_PERSON, MAX_WAITING
from app.ingest.parsed_document import IngestError
from app.ingest.pipeline import Ingestor
from tests.harness.bombs import BOMBS
from tests.harness.disk import no_room_beyond
from tests.harness.documents import docx, flowing, pdf, xlsx
from tests.harness.serving import Serving, serving, serving_replicas
from tests.harness.sse import Frame, frames

NOTE = b"# Tea\n\nGreen tea is steeped for two minutes.\n"
TALK = b"WEBVTT\n\n00:01.000 --> 00:03.000\n<v Ana>Boil the kettle.\n"
STAGES = ["read", "cut", "embed", "store", "file"]
Part = tuple[str, tuple[str, bytes]]


@pytest.fixture
def settings(database_dsn: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "database_url": database_dsn,
            "data_dir": tmp_path,
            "sample_library": False,
            "llm_provider": "extractive",
            "extractive_tokens_per_s": 0,
            "max_upload_mb": 1,
        }
    )


@pytest.fixture
async def server(settings: Settings, embedder: MiniLM) -> AsyncIterator[Serving]:
    async with serving(settings, embedder) as running:
        yield running


@pytest.fixture
async def http(server: Serving) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        yield client


def part(name: str, content: bytes) -> Part:
    return "file", (name, content)


async def story(http: httpx.AsyncClient, job_id: str, *, after: int = 0) -> list[Frame]:
    headers = {"Last-Event-ID": str(after)} if after else {}
    async with http.stream("GET", f"/jobs/{job_id}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        return [frame async for frame in frames(response)]


async def sent(
    http: httpx.AsyncClient, *parts: Part, tags: tuple[str, ...] = ()
) -> tuple[dict[str, Any], list[Frame]]:
    """The response to the upload, and all events of its job."""
    response = await http.post("/sources", files=list(parts), data={"tags": list(tags)})
    assert response.status_code == 202, response.text
    answer: dict[str, Any] = response.json()
    return answer, await story(http, answer["job_id"])


def ends(told: list[Frame]) -> dict[str, dict[str, Any]]:
    return {frame.content["name"]: frame.content for frame in told if frame.type == "file"}


async def sources(http: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in (await http.get("/sources")).json()["items"]}


def kept(settings: Settings) -> list[Path]:
    return [path for path in (settings.data_dir / "files").rglob("*") if path.is_file()]


async def test_an_upload_is_told_stage_by_stage_and_can_be_asked(
    http: httpx.AsyncClient, settings: Settings
) -> None:
    answer, told = await sent(http, part("tea.md", NOTE), tags=("kitchen", "home, tea"))
    (file,) = answer["files"]
    assert [frame.id for frame in told] == list(range(1, len(told) + 1))
    assert list(dict.fromkeys(frame.type for frame in told)) == [*STAGES, "done"]
    for frame in told[:-1]:
        assert frame.content["stage"] == frame.type
        assert (frame.content["file_id"], frame.content["name"]) == (file["file_id"], "tea.md")
    read = told[0].content
    assert (read["status"], read["done"], read["total"]) == ("complete", len(NOTE), len(NOTE))
    end = ends(told)["tea.md"]
    assert (end["status"], end["title"], end["passages"]) == ("added", "Tea", 1)
    counts = {"added": 1, "replaced": 0, "unchanged": 0, "failed": 0, "passages": 1}
    assert told[-1].content == counts
    source = (await sources(http))["tea.md"]
    assert source["tags"] == ["kitchen", "home", "tea"]
    assert source["source_id"] == end["source_id"]
    asked = await http.post(
        "/chat",
        json={"message": "How long is green tea steeped?"},
        headers={"Accept": "application/json"},
    )
    assert "two minutes" in asked.json()["answer"]
    assert len(kept(settings)) == 1
    assert not list((settings.data_dir / "files" / "incoming").iterdir())


async def test_what_of_a_file_is_not_in_its_text_is_told(http: httpx.AsyncClient) -> None:
    pages = pdf([flowing(["Green tea is steeped for two minutes."]), [], []])
    _, told = await sent(http, part("tea.pdf", pages), part("tea.md", NOTE))
    notes = [{"kind": "pages_without_text", "count": 2, "total": 3}]
    end = ends(told)
    assert end["tea.pdf"]["notes"] == notes
    assert "notes" not in end["tea.md"]
    listed = await sources(http)
    assert (listed["tea.pdf"]["notes"], listed["tea.md"]["notes"]) == (notes, [])
    source_id = listed["tea.pdf"]["source_id"]
    assert (await http.get(f"/sources/{source_id}")).json()["notes"] == notes
    _, again = await sent(http, part("tea.pdf", pages))
    assert (ends(again)["tea.pdf"]["status"], ends(again)["tea.pdf"]["notes"]) == (
        "unchanged",
        notes,
    )


async def test_several_files_of_which_some_fail(http: httpx.AsyncClient) -> None:
    _, told = await sent(
        http,
        part("tea.md", NOTE),
        part("talk.vtt", TALK),
        part("talk.mp3", b"ID3 sound"),
        part("empty.txt", b" "),
        part("stock.xlsx", xlsx({"Stock": [["Name", "Price"], ["Kettle", 3]]})),
        part("scan.pdf", pdf([[]])),
        part("lone.mp3", b"ID3 lonely"),
    )
    end = ends(told)
    assert {name: one["status"] for name, one in end.items()} == {
        "tea.md": "added",
        "talk.vtt": "added",
        "empty.txt": "failed",
        "stock.xlsx": "added",
        "scan.pdf": "failed",
        "lone.mp3": "failed",
    }
    assert end["empty.txt"]["message"] == "the file is empty"
    assert "no text layer" in end["scan.pdf"]["message"]
    assert "needs its transcript" in end["lone.mp3"]["message"]
    assert (told[-1].type, told[-1].content["failed"]) == ("done", 3)
    talk = (await sources(http))["talk.vtt"]
    assert (talk["audio"], talk["kind"]) == (True, "recording")
    sound = await http.get(f"/sources/{talk['source_id']}/file")
    assert (sound.content, sound.headers["content-type"]) == (b"ID3 sound", "audio/mpeg")


async def test_a_bomb_costs_the_other_files_and_the_answers_nothing(
    settings: Settings, embedder: MiniLM
) -> None:
    bombs = {name: BOMBS[name](1) for name in ("paragraphs.html", "span.docx")}
    files = [part(name, data) for name, data in bombs.items()] + [part("a.md", NOTE)]
    async with large_uploads(settings, embedder) as http:
        response = await http.post("/sources", files=files)
        told = asyncio.ensure_future(story(http, response.json()["job_id"]))
        while not told.done():  # the bomb is being read
            assert (await http.get("/health")).status_code == 200
            await asyncio.sleep(0.05)
    end = ends(told.result())
    assert end["paragraphs.html"]["status"] == "failed"
    assert "this file needs too much memory to read" in end["paragraphs.html"]["message"]
    assert (end["span.docx"]["status"], end["a.md"]["status"]) == ("added", "added")
    assert told.result()[-1].type == "done"
    assert not list((settings.data_dir / "files" / "incoming").iterdir())


async def test_a_server_that_ends_ends_what_it_reads(settings: Settings, embedder: MiniLM) -> None:
    async with large_uploads(settings, embedder) as http:
        slow = await http.post("/sources", files=[part("a.md", BOMBS["brackets.md"](1))])
        assert slow.status_code == 202
        while not (readers := busy_readers()):
            await asyncio.sleep(0.05)
    gone, alive = psutil.wait_procs(readers, timeout=20)
    assert (len(gone), alive) == (1, [])


@asynccontextmanager
async def large_uploads(settings: Settings, embedder: MiniLM) -> AsyncIterator[httpx.AsyncClient]:
    larger = settings.model_copy(update={"max_upload_mb": 10})
    async with (
        serving(larger, embedder) as server,
        httpx.AsyncClient(base_url=server.url, timeout=20) as http,
    ):
        yield http


def busy_readers() -> list[psutil.Process]:
    """Processes that have been reading a file for a while."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if "app.ingest.reader_process" in child.cmdline() and child.cpu_times().user > 1:
                found.append(child)
    return found


async def test_when_no_file_comes_through_the_job_is_an_error(http: httpx.AsyncClient) -> None:
    _, told = await sent(http, part("broken.docx", b"PK\x03\x04 nothing"))
    assert [frame.type for frame in told] == ["read", "file", "error"]
    assert told[-1].content["code"] == "INGEST_FAILED"
    assert told[-1].content["message"].startswith("broken.docx: the file is damaged")


async def test_the_same_name_replaces_and_the_same_content_is_told(
    http: httpx.AsyncClient, settings: Settings
) -> None:
    _, first = await sent(http, part("tea.md", NOTE))
    _, again = await sent(http, part("tea.md", NOTE))
    _, copy = await sent(http, part("copy of tea.md", NOTE))
    _, newer = await sent(http, part("tea.md", NOTE.replace(b"two", b"three")))
    assert ends(again)["tea.md"]["status"] == "unchanged"
    copied = ends(copy)["copy of tea.md"]
    assert (copied["status"], copied["same_as"]) == ("unchanged", "tea.md")
    replaced = ends(newer)["tea.md"]
    assert replaced["status"] == "replaced"
    assert replaced["source_id"] == ends(first)["tea.md"]["source_id"]
    assert set(await sources(http)) == {"tea.md"}
    assert len(kept(settings)) == 1  # the file of the former version is gone


async def test_near_duplicates_are_kept_and_told(http: httpx.AsyncClient) -> None:
    text = " ".join(f"Rule {n} of the kitchen says that cup {n * 7} is washed." for n in range(60))
    _, _ = await sent(http, part("rules.txt", text.encode()))
    _, told = await sent(http, part("rules (1).txt", text.replace("cup 70 ", "jug ").encode()))
    end = ends(told)["rules (1).txt"]
    assert end["status"] == "added"
    (similar,) = end["similar"]
    assert similar["title"] == "Rules"
    assert 0.8 <= similar["similarity"] < 1
    assert len(await sources(http)) == 2
    shown = (await http.get(f"/sources/{end['source_id']}")).json()
    assert shown["similar"] == [similar]
    other = (await http.get(f"/sources/{similar['source_id']}")).json()
    assert [one["source_id"] for one in other["similar"]] == [end["source_id"]]
    await http.delete(f"/sources/{end['source_id']}")
    other = (await http.get(f"/sources/{similar['source_id']}")).json()
    assert other["similar"] == []


async def test_a_job_can_be_followed_from_any_position_and_only_by_its_owner(
    http: httpx.AsyncClient, server: Serving
) -> None:
    answer, told = await sent(http, part("tea.md", NOTE))
    for after in range(len(told)):
        assert await story(http, answer["job_id"], after=after) == told[after:]
    address = f"/jobs/{answer['job_id']}/events"
    for position, status in ((str(len(told)), 204), (str(len(told) + 5), 204), ("x", 422)):
        assert (await http.get(address, params={"last_event_id": position})).status_code == status
    assert (await http.get("/jobs/nothing/events")).status_code == 404
    with pytest.raises(NotFound):
        await server.runtime.services.jobs.follow(
            Principal("somebody else"), answer["job_id"], after=0
        )


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.md", "..\\..\\boot.md", "/etc/cron.md", "a\0b\n.md", "\u202egnp.md", "..md"],
)
async def test_a_name_is_never_a_path(
    http: httpx.AsyncClient, settings: Settings, name: str, tmp_path: Path
) -> None:
    before = set(tmp_path.parent.rglob("*.md"))
    _, told = await sent(http, part(name, NOTE))
    (shown,) = await sources(http)
    assert "/" not in shown
    assert ".." not in shown or shown == "..md"
    assert told[-1].type == "done"
    after = set(tmp_path.parent.rglob("*.md"))
    assert {path.parent for path in after - before} == {settings.data_dir / "files"}


async def test_a_file_that_is_too_large_is_refused_while_it_is_read(
    http: httpx.AsyncClient, settings: Settings
) -> None:
    response = await http.post("/sources", files=[part("big.txt", b"x" * (2**20 + 1))])
    assert response.status_code == 413
    assert response.json()["error"] == {
        "code": "too_large",
        "message": "big.txt is larger than 1 MB (MAX_UPLOAD_MB).",
    }
    many = [part(f"{n}.txt", b"x" * 2**20) for n in range(12)]
    assert (await http.post("/sources", files=many)).status_code == 413
    few = [part(f"{n}.txt", b"x") for n in range(101)]
    assert (await http.post("/sources", files=few)).status_code == 413
    assert not kept(settings)
    assert await sources(http) == {}


BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
WHOLE = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\nText\r\n--b--\r\n'
)


@pytest.mark.parametrize(
    ("headers", "content", "status", "field"),
    [
        ({"Content-Type": "multipart/form-data"}, WHOLE, 422, "file"),
        (BOUNDARY, b"garbage", 422, "file"),
        (BOUNDARY, WHOLE[:-8], 422, "file"),
        (BOUNDARY, b"--b--\r\n", 422, "file"),
        (BOUNDARY, WHOLE.replace(b"; filename", b"; file_name"), 422, "file"),
        (BOUNDARY, WHOLE.replace(b'"file"', b'"path"'), 422, "path"),
        ({"Content-Type": "application/json"}, b"{}", 415, None),
        ({"Content-Type": "text/plain"}, b"text", 415, None),
        ({**BOUNDARY, "Sec-Fetch-Site": "cross-site"}, WHOLE, 403, None),
        ({**BOUNDARY, "Origin": "http://evil.example"}, WHOLE, 403, None),
        ({**BOUNDARY, "Sec-Fetch-Site": "same-origin"}, WHOLE, 202, None),
    ],
)
async def test_a_body_that_is_no_upload_is_refused(
    http: httpx.AsyncClient,
    headers: dict[str, str],
    content: bytes,
    status: int,
    field: str | None,
) -> None:
    response = await http.post("/sources", headers=headers, content=content)
    assert response.status_code == status, response.text
    if field is not None:
        assert response.json()["error"]["details"] == {"field": field}


async def test_multipart_is_taken_nowhere_else(http: httpx.AsyncClient) -> None:
    assert (await http.post("/chat", files=[part("a.md", NOTE)])).status_code == 415


async def test_a_source_is_renamed_tagged_and_found_by_its_new_title(
    http: httpx.AsyncClient,
) -> None:
    _, told = await sent(http, part("tea.md", NOTE))
    address = f"/sources/{ends(told)['tea.md']['source_id']}"
    changed = await http.patch(address, json={"title": " Zephyr ", "tags": ["a", "a", "b"]})
    assert changed.status_code == 200
    assert (changed.json()["title"], changed.json()["tags"]) == ("Zephyr", ["a", "b"])
    (passage,) = (await http.get(f"{address}/passages")).json()["items"]
    assert passage["title"] == "Zephyr"
    asked = await http.post(
        "/chat", json={"message": "Zephyr?"}, headers={"Accept": "application/json"}
    )
    assert asked.json()["finish_reason"] == "stop"
    for bad in ({}, {"title": " "}, {"tags": [""]}, {"title": "x", "owner": "y"}):
        assert (await http.patch(address, json=bad)).status_code == 422
    assert (await http.patch("/sources/none", json={"title": "x"})).status_code == 404
    assert (await http.patch("/sources/none", json={"tags": []})).status_code == 404


async def test_delete_removes_everything(
    http: httpx.AsyncClient, server: Serving, settings: Settings
) -> None:
    word = docx([("Heading 1", "Cups"), ("Normal", "Cups are blue.")])
    _, told = await sent(http, part("cups.docx", word), part("talk.vtt", TALK))
    for end in ends(told).values():
        assert (await http.delete(f"/sources/{end['source_id']}")).status_code == 204
        assert (await http.delete(f"/sources/{end['source_id']}")).status_code == 404
    assert await sources(http) == {}
    runtime = server.runtime
    gone = await runtime.services.library_writer.purge(
        deleted_before=runtime.services.now(), discard=runtime.jobs.discard
    )
    assert gone == 2
    assert kept(settings) == []
    database = runtime.database
    for table in (
        "sources",
        "passages",
        "passage_vectors",
        "passage_terms",
        "passage_lexemes",
        "passage_tokens",
        "source_sketches",
    ):
        assert await database.fetchval(f"SELECT count(*) FROM {table}") == 0, table  # noqa: S608


async def test_others_sources_can_be_neither_changed_nor_deleted(
    http: httpx.AsyncClient, server: Serving
) -> None:
    _, told = await sent(http, part("tea.md", NOTE))
    source_id = ends(told)["tea.md"]["source_id"]
    editing, other = server.runtime.services.library_writer, Principal("somebody else")
    now = server.runtime.services.now()
    assert not await editing.set_title(other, source_id, "Mine", now=now)
    assert not await editing.delete(other, source_id, at=now)
    await http.delete(f"/sources/{source_id}")
    assert not await editing.restore(other, source_id, at=now)
    assert (await http.post(f"/sources/{source_id}/restore")).status_code == 200
    assert (await sources(http))["tea.md"]["title"] == "Tea"


async def test_a_pdf_is_shown_and_a_page_is_only_saved(http: httpx.AsyncClient) -> None:
    made = pdf([flowing(["Kettles are hot."])])
    page = b"<html><body><p>Kettles.</p><script>steal()</script></body></html>"
    _, told = await sent(http, part("k.pdf", made), part("k.html", page))
    shown = await http.get(f"/sources/{ends(told)['k.pdf']['source_id']}/file")
    assert (shown.headers["content-type"], shown.content) == ("application/pdf", made)
    saved = await http.get(f"/sources/{ends(told)['k.html']['source_id']}/file")
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"] == 'attachment; filename="k.html"'
    assert saved.headers["x-content-type-options"] == "nosniff"


async def test_another_replica_tells_the_same_story(settings: Settings, embedder: MiniLM) -> None:
    async with serving_replicas(settings, embedder, count=2) as (first, second):
        async with httpx.AsyncClient(base_url=first.url, timeout=20) as http:
            answer, told = await sent(http, part("tea.md", NOTE))
        async with httpx.AsyncClient(base_url=second.url, timeout=20) as http:
            assert await story(http, answer["job_id"]) == told


async def test_a_server_that_ends_says_so_and_the_old_version_stays(
    settings: Settings, embedder: MiniLM
) -> None:
    long = b"\n\n".join(b"# Part %d\n\nText number %d." % (n, n) for n in range(400))
    async with (
        serving(settings, embedder) as running,
        httpx.AsyncClient(base_url=running.url, timeout=20) as http,
    ):
        await sent(http, part("tea.md", NOTE))
        response = await http.post("/sources", files=[part("tea.md", long)])
        job_id = response.json()["job_id"]
        async with http.stream("GET", f"/jobs/{job_id}/events") as stream:
            async for frame in frames(stream):
                if frame.type == "embed":
                    break
    async with (
        serving(settings, embedder) as running,
        httpx.AsyncClient(base_url=running.url, timeout=20) as http,
    ):
        told = await story(http, job_id)
        assert (told[-1].type, told[-1].content["code"]) == ("error", "INTERRUPTED")
        source = (await sources(http))["tea.md"]
        assert source["passage_count"] == 1
        (passage,) = (await http.get(f"/sources/{source['source_id']}/passages")).json()["items"]
        assert "two minutes" in passage["text"]


async def test_the_job_of_a_process_that_died_is_closed_by_its_reader(
    http: httpx.AsyncClient, server: Serving
) -> None:
    await PostgresJobLog(server.runtime.database).create(LOCAL, "orphan", files=1)
    await server.runtime.database.fetch(
        "UPDATE ingest_jobs SET beat_at = now() - interval '2 min' WHERE job_id = 'orphan'"
    )
    (end,) = await story(http, "orphan")
    assert (end.type, end.content["code"]) == ("error", "INTERRUPTED")
    assert await story(http, "orphan") == [end]


async def test_the_queue_has_an_end(server: Serving) -> None:
    jobs = server.runtime.services.jobs
    jobs.check(MAX_WAITING)
    with pytest.raises(ServerBusy):
        jobs.check(MAX_WAITING + 1)


async def test_one_person_leaves_room_for_others(
    server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if they upload at the same moment."""
    jobs = server.runtime.services.jobs
    monkeypatch.setattr(jobs, "_file", lambda *_: asyncio.Event().wait())  # none is ever done

    async def submitted(owner: str, files: int) -> bool:
        uploads = [
            UploadedFile(f"{owner}-{number}", f"{number}.md", tmp_path / f"{number}.md")
            for number in range(files)
        ]
        try:
            await jobs.submit(Principal(owner), uploads, tags=(), largest=1)
        except ServerBusy:
            return False
        return True

    hundreds = await asyncio.gather(*(submitted("ann", 100) for _ in range(11)))
    assert hundreds.count(True) == MAX_PER_PERSON / 100
    assert not await submitted("ann", 1)
    assert await submitted("ben", 1)
    assert await submitted("ben", MAX_PER_PERSON - 1)
    with pytest.raises(ServerBusy):
        jobs.check(1)


async def test_a_broken_off_upload_leaves_nothing(server: Serving, settings: Settings) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"POST /sources HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n" + WHOLE[:-12]
    )
    await writer.drain()
    incoming = settings.data_dir / "files" / "incoming"
    async with asyncio.timeout(10):
        while not (incoming.is_dir() and list(incoming.iterdir())):
            await asyncio.sleep(0.01)
        writer.close()
        while list(incoming.iterdir()):
            await asyncio.sleep(0.01)
    assert kept(settings) == []
    reader.feed_eof()


ROOM = 40_000
NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_an_upload_without_room_is_refused_and_leaves_nothing(
    http: httpx.AsyncClient, settings: Settings
) -> None:
    large = b"# Large\n\n" + b"word " * (ROOM // 4)
    for parts in ([part("a.md", large)], [part("b.md", NOTE), part("a.md", large)]):
        with no_room_beyond(ROOM):
            refused = await http.post("/sources", files=parts)
        assert refused.status_code == 507
        assert refused.json()["error"]["code"] == "storage_full"
        assert "Nothing was stored." in refused.json()["error"]["message"]
        assert list((settings.data_dir / "files" / "incoming").iterdir()) == []
    assert await sources(http) == {}
    _, told = await sent(http, part("a.md", large))
    assert told[-1].type == "done"


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left"),
        (errno.EROFS, "cannot write"),
    ],
)
def test_a_refused_upload_says_why(number: int, says: str) -> None:
    assert says in storage_full(OSError(number, os.strerror(number))).message


async def test_a_file_that_cannot_be_kept_says_so_and_leaves_nothing(
    http: httpx.AsyncClient,
    settings: Settings,
    server: Serving,
    embedder: MiniLM,
    tmp_path: Path,
) -> None:
    folder = settings.data_dir / "files"
    library = LibraryStore(server.runtime.database)
    talk, sound = tmp_path / "talk.vtt", tmp_path / "talk.mp3"
    talk.write_bytes(TALK)
    sound.write_bytes(bytes(ROOM + 1))
    incoming = IngestRequest(talk, "o", "talk.vtt", audio=sound)
    with closing(FileReader(embedder.count)) as reader:
        ingestor = Ingestor(library, embedder, FileStore(folder), reader, now=lambda: NOW)
        with no_room_beyond(ROOM), pytest.raises(IngestError, match="cannot keep the file"):
            await ingestor.ingest(LOCAL, incoming)
    assert everything_below(folder) == []
    assert await sources(http) == {}


def test_a_file_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    with no_room_beyond(ROOM), pytest.raises(OSError, match="File too large"):
        store.put(bytes(2 * ROOM), ".bin", "application/octet-stream")
    assert list(tmp_path.iterdir()) == []
    assert store.path(store.put(b"x", ".bin", "application/octet-stream").key).read_bytes() == b"x"
