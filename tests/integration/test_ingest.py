"""Ingestion into a real database, by the command line and by the application."""

import asyncio
import hashlib
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from rich.console import Console

from app.cli.ingest import main
from app.config import load_settings
from app.db.library_store import LibraryStore
from app.db.pool import Database
from app.domain.errors import RunFailure, SettingError
from app.domain.models import FidelityNote, Filters, Source
from app.domain.principals import LOCAL, Principal
from app.embeddings.minilm import MiniLM
from app.embeddings.openai_embedder import OpenAIEmbedder
from app.embeddings.providers import check_vectors, make_embedder
from app.ingest.file_discovery import discover
from app.ingest.file_reader import FileReader
from app.ingest.files import FileStore
from app.ingest.ingest_request import IngestRequest
from app.ingest.loaders.registry import LOADERS
from app.ingest.parsed_document import IngestError
from app.ingest.pipeline import Ingested, Ingestor, Progress
from app.ingest.progress import ProgressDisplay
from app.ingest.reembedding import reembed
from app.ingest.sample_library import SAMPLES, ingest_samples
from app.search.hybrid import HybridSearch
from app.search.passage_index import PostgresPassageIndex
from app.search.rerank import FeatureReranker
from tests.fakes.openai_script import Reply
from tests.fakes.openai_server import FakeOpenAI
from tests.harness.documents import archive, flowing, pdf
from tests.harness.mail import message

T = TypeVar("T")

TALK = "WEBVTT\n\nNOTE title: A talk\n\n00:01.000 --> 00:03.000\n<v Ana>Boil the kettle.\n"


def now() -> datetime:
    return datetime(2026, 5, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def model() -> Iterator[MiniLM]:
    model = MiniLM.load()
    yield model
    model.close()


@pytest.fixture(scope="module")
def reader(model: MiniLM) -> Iterator[FileReader]:
    with closing(FileReader(model.count)) as reader:
        yield reader


@pytest.fixture
def library(database: Database) -> LibraryStore:
    return LibraryStore(database)


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "stored")


@pytest.fixture
def ingestor(
    library: LibraryStore, model: MiniLM, files: FileStore, reader: FileReader
) -> Ingestor:
    return Ingestor(library, model, files, reader, now=now)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files, the working directory of the command."""
    folder = tmp_path / "my files"
    (folder / "deep" / ".hidden").mkdir(parents=True)
    (folder / "tea.md").write_text("# Tea\n\nGreen tea is steeped for two minutes.\n")
    (folder / "deep" / "note.txt").write_bytes("Größe der Kanne: 2 l.".encode("cp1252"))
    (folder / "talk.vtt").write_text(TALK)
    (folder / "talk.mp3").write_bytes(b"ID3 sound")
    (folder / "deep" / ".hidden" / "secret.md").write_text("Not read.")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def command(
    database_dsn: str,
    desk: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command line against this test's database: code, output, errors."""
    monkeypatch.setenv("DATABASE_URL", database_dsn)
    monkeypatch.setenv("DATA_DIR", str(desk.parent / "data"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def asked(dsn: str, question: Callable[[LibraryStore], Awaitable[T]]) -> T:
    """The library's answer, on a separate event loop."""

    async def ask() -> T:
        database = await Database.open(dsn, max_size=1)
        try:
            return await question(LibraryStore(database))
        finally:
            await database.close()

    return asyncio.run(ask())


def sources(dsn: str, owner: str = "local") -> dict[str, Source]:
    found = asked(dsn, lambda library: library.sources(Principal(owner))).items
    return {source.name: source for source in found}


HOSTILE = "\x1b[31m[link=x]red\x9b2J\u202egpj\r\x07"
"""Terminal escapes, rich markup, a bidirectional override, and a carriage return."""


def test_names_and_titles_do_nothing_to_the_terminal(
    command: Callable[..., tuple[int, str, str]], desk: Path
) -> None:
    (desk / f"{HOSTILE}.md").write_text(f"# Title {HOSTILE}\n\nCups are blue.\n")
    (desk / f"copy{HOSTILE}.md").write_text(f"# Title {HOSTILE}\n\nCups are blue.\n")
    (desk / f"{HOSTILE}.pdf").write_bytes(b"no pdf")
    os.mkdir(os.fsencode(desk) + b"/\xff\x1b")
    Path(os.fsdecode(os.fsencode(desk) + b"/\xff\x1b/a\xfe.md")).write_text("# Bytes\n\nTea.\n")
    code, output, errors = command(desk, desk / f"{HOSTILE}-missing.md")
    assert code == 1
    shown = output + errors
    assert [c for c in shown if not c.isprintable() and c != "\n"] == []
    assert "\\x1b[31m[link=x]red\\x9b2J\\u202egpj\\r\\x07" in shown.replace("\n", "")


def test_what_of_a_file_is_not_in_its_text_is_told(
    command: Callable[..., tuple[int, str, str]], desk: Path
) -> None:
    pages = [flowing(["Cups are blue."]), [], flowing(["Plates are white."])]
    (desk / "cups.pdf").write_bytes(pdf(pages))
    for _ in range(2):
        code, output, _ = command(desk / "cups.pdf")
        assert code == 0
        assert "cups.pdf: 1 of 3 pages has no text" in output.splitlines()


def test_a_folder_is_ingested(
    command: Callable[..., tuple[int, str, str]], desk: Path, database_dsn: str
) -> None:
    code, output, _ = command(desk, "--tag", "kitchen", "--tag", "home")
    assert code == 0
    assert re.search(r"^3 added; \d+ passages? embedded in", output, re.MULTILINE)
    found = sources(database_dsn)
    assert set(found) == {"tea.md", "note.txt", "talk.vtt"}
    assert {source.tags for source in found.values()} == {("kitchen", "home")}
    assert (found["tea.md"].title, found["note.txt"].title) == ("Tea", "Note")
    talk = found["talk.vtt"]
    assert (talk.kind, talk.title, talk.audio, talk.duration_s) == ("recording", "A talk", True, 3)
    assert talk.speakers == ("Ana",)
    file = asked(database_dsn, lambda library: library.file(LOCAL, talk.source_id))
    assert file is not None
    assert (desk.parent / "data" / "files" / file.key).read_bytes() == b"ID3 sound"
    (passage,) = asked(
        database_dsn, lambda library: library.passages(LOCAL, found["note.txt"].source_id)
    )
    assert passage.text == "Größe der Kanne: 2 l."


def test_ingesting_again_changes_nothing_and_changes_replace(
    command: Callable[..., tuple[int, str, str]], desk: Path, database_dsn: str
) -> None:
    command(desk)
    before = sources(database_dsn)
    code, output, _ = command(desk / "tea.md", desk)
    assert code == 0
    assert re.search(r"^3 unchanged; 0 passages embedded in", output, re.MULTILINE)
    assert sources(database_dsn) == before
    (desk / "tea.md").write_text("# Tea\n\nBlack tea takes four minutes.\n")
    (desk / "talk.mp3").write_bytes(b"ID3 other sound")
    _, output, _ = command(desk)
    assert re.search(r"^2 replaced, 1 unchanged; ", output, re.MULTILINE)
    after = sources(database_dsn)
    assert after["tea.md"].source_id == before["tea.md"].source_id
    assert after["tea.md"].content_hash != before["tea.md"].content_hash
    assert len(after) == 3


def test_ingesting_again_adds_tags_and_readers_and_takes_none_away(
    command: Callable[..., tuple[int, str, str]], desk: Path, database_dsn: str
) -> None:
    tea, copy = desk / "tea.md", desk / "copy.md"
    command(tea, "--tag", "drinks")
    assert not sources(database_dsn)["tea.md"].shared
    _, output, _ = command(tea, "--tag", "hot", "--tag", "drinks", "--shared")
    assert "unchanged" in output
    again = sources(database_dsn)["tea.md"]
    assert (again.tags, again.shared) == (("drinks", "hot"), True)
    command(tea)
    assert sources(database_dsn)["tea.md"] == again
    tea.write_text("# Tea\n\nWhite tea takes five minutes.\n")
    command(tea, "--tag", "white")
    replaced = sources(database_dsn)["tea.md"]
    assert (replaced.tags, replaced.shared) == (("drinks", "hot", "white"), True)
    copy.write_text("# Milk\n\nMilk is steeped in nothing.\n")
    command(copy)
    # The same content under another name gets tags, but does not become shared by it.
    (desk / "same.md").write_bytes(copy.read_bytes())
    command(desk / "same.md", "--tag", "cold", "--shared")
    labelled = sources(database_dsn)["copy.md"]
    assert (labelled.tags, labelled.shared) == (("cold",), False)


def test_a_file_that_fails_names_itself_and_does_not_stop_the_others(
    command: Callable[..., tuple[int, str, str]], desk: Path, database_dsn: str
) -> None:
    (desk / "empty.md").write_text("  \n")
    (desk / "noise.txt").write_bytes(bytes(range(256)))
    (desk / "picture.png").write_bytes(b"\x89PNG")
    code, output, _ = command(desk, desk / "missing.md")
    assert code == 1
    lines = [line for line in output.splitlines() if line.startswith(str(desk))]
    assert lines == [
        f"{desk}/empty.md: the file is empty",
        f"{desk}/noise.txt: this is a binary file, not text",
        f"{desk}/picture.png: the file type .png is unknown; takes "
        f"{' '.join(loader.suffixes[0] for loader in LOADERS)} and variants",
        f"{desk}/missing.md: the file cannot be read (No such file or directory)",
    ]
    assert re.search(r"^3 added, 4 failed; ", output, re.MULTILINE)
    assert len(sources(database_dsn)) == 3


def test_the_summary_counts_what_was_changed_by_kind(
    command: Callable[..., tuple[int, str, str]], desk: Path
) -> None:
    command(desk)
    (desk / "new.md").write_text("# New\n\nMilk is white.\n")
    (desk / "tea.md").write_text("# Tea\n\nWhite tea takes five minutes.\n")
    (desk / "empty.md").write_text("")
    code, output, _ = command(desk)
    assert code == 1
    assert re.search(r"^1 added, 1 replaced, 2 unchanged, 1 failed; ", output, re.MULTILINE)
    _, output, _ = command(desk / "empty.md")
    assert re.search(r"^1 failed; 0 passages embedded in", output, re.MULTILINE)


def test_owner_and_sharing_are_chosen(
    command: Callable[..., tuple[int, str, str]], desk: Path, database_dsn: str
) -> None:
    command(desk / "tea.md", "--owner", "ana")
    command(desk / "talk.vtt", "--owner", "ana", "--shared")
    assert set(sources(database_dsn, "ana")) == {"tea.md", "talk.vtt"}
    assert set(sources(database_dsn, "ben")) == {"talk.vtt"}


def test_wrong_settings_are_one_line(
    command: Callable[..., tuple[int, str, str]], desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDINGS", "openai")
    code, output, errors = command(desk)
    assert (code, output) == (1, "")
    assert errors.startswith("OPENAI_API_KEY: got nothing, takes the key of your endpoint")
    assert len(errors.splitlines()) == 1


def test_nothing_to_do_is_said(command: Callable[..., tuple[int, str, str]]) -> None:
    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == 2


def test_another_model_needs_reembedding_and_gets_it(
    command: Callable[..., tuple[int, str, str]],
    desk: Path,
    database_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def with_service() -> tuple[tuple[int, str, str], tuple[int, str, str]]:
        async with FakeOpenAI() as service:
            monkeypatch.setenv("OPENAI_BASE_URL", service.base_url)
            refused = await asyncio.to_thread(command, desk)
            accepted = await asyncio.to_thread(command, "--reembed", desk)
            return refused, accepted

    command(desk)
    monkeypatch.setenv("EMBEDDINGS", "openai")
    monkeypatch.setenv("LLM_PROVIDER", "extractive")
    refused, accepted = asyncio.run(with_service())
    assert refused[0] == 1
    assert "python -m app.ingest --reembed" in refused[2]
    assert accepted[0] == 0
    assert re.search(r"^3 unchanged; ", accepted[1], re.MULTILINE)
    embedders = asked(database_dsn, lambda library: library.embedders())
    assert embedders == ("openai:text-embedding-3-small",)


async def test_progress_is_told_stage_by_stage(ingestor: Ingestor, desk: Path) -> None:
    story: list[Progress] = []
    path = desk / "long.md"
    path.write_text("\n\n".join(f"# Part {n}\n\nText number {n}." for n in range(20)))
    await ingestor.ingest(
        LOCAL, IngestRequest(path, "o", "long.md"), report=lambda _, one: story.append(one)
    )
    size = path.stat().st_size
    assert story == [
        Progress("read", size, size),
        Progress("cut", 20, 20),
        Progress("embed", 0, 20),
        Progress("embed", 16, 20),
        Progress("embed", 20, 20),
        Progress("store", 20, 20),
    ]


async def test_a_cancelled_file_leaves_the_library_as_it_was(
    ingestor: Ingestor, library: LibraryStore, desk: Path
) -> None:
    path = desk / "long.md"
    path.write_text("\n\n".join(f"# Part {n}\n\nText number {n}." for n in range(40)))
    embedding = asyncio.Event()

    def report(_: IngestRequest, progress: Progress) -> None:
        if progress.stage == "embed":
            embedding.set()

    work = asyncio.create_task(
        ingestor.ingest(LOCAL, IngestRequest(path, "o", "long.md"), report=report)
    )
    await embedding.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await library.empty()


async def test_a_failing_embedding_service_is_one_line(
    library: LibraryStore, files: FileStore, reader: FileReader, desk: Path
) -> None:
    async with FakeOpenAI() as service:
        service.always(Reply(status=401, error_message="no such key"), route="embeddings")
        encoder = OpenAIEmbedder(model="m", api_key="wrong", base_url=service.base_url)
        ingestor = Ingestor(library, encoder, files, reader, now=now)
        with pytest.raises(RunFailure, match=r"gave no vectors \(AuthenticationError\)"):
            await ingestor.ingest(LOCAL, IngestRequest(desk / "tea.md", "o", "tea.md"))
    assert await library.empty()


async def test_a_service_embeds_and_is_searched(
    library: LibraryStore, database: Database, files: FileStore, reader: FileReader, desk: Path
) -> None:
    async with FakeOpenAI() as service:
        settings = load_settings(
            embeddings="openai", openai_base_url=service.base_url, llm_provider="extractive"
        )
        encoder = make_embedder(settings.embedding)
        ingestor = Ingestor(library, encoder, files, reader, now=now)
        (desk / "second edition.md").write_text(
            "# Tea\n\nGreen tea is steeped for two minutes.\n\n# Milk\n\nNot in green tea.\n"
        )
        for file in discover([desk]).files:
            await ingestor.ingest(LOCAL, file)
        index = PostgresPassageIndex(database)
        query = "how long is green tea steeped"
        found = await HybridSearch(index, encoder).search(LOCAL, query, filters=Filters(), limit=9)
        reranked = await FeatureReranker(index, encoder).rerank(query, found.candidates)
        ranked = reranked.candidates
        assert await encoder.embed_passages([]) is not None
    assert ranked[0].passage.title == "Tea"
    texts = [candidate.passage.text for candidate in ranked]
    assert len(texts) == len(set(texts)) == found.searched_passages - 1
    assert encoder.dimensions == 384
    assert all("text-embedding-3-small" in str(r.body) for r in service.requests)


async def test_a_library_of_another_model_stops_the_start(
    library: LibraryStore, ingestor: Ingestor, model: MiniLM, desk: Path
) -> None:
    await check_vectors(library, model)
    await ingestor.ingest(LOCAL, IngestRequest(desk / "tea.md", "o", "tea.md"))
    await check_vectors(library, model)
    other = OpenAIEmbedder(model=None, api_key=None, base_url="http://127.0.0.1:9")
    with pytest.raises(SettingError, match=r"^EMBEDDINGS: got openai:.* takes all-MiniLM-L6-v2"):
        await check_vectors(library, other)
    assert await reembed(library, model) == 0


def test_an_unknown_provider_is_a_setting_error() -> None:
    settings = load_settings(embeddings="databricks", llm_provider="extractive")
    with pytest.raises(
        SettingError, match=r"EMBEDDINGS: got databricks.*requirements-databricks.lock"
    ):
        make_embedder(settings.embedding)


async def test_the_samples_can_be_asked(
    ingestor: Ingestor,
    library: LibraryStore,
    database: Database,
    model: MiniLM,
    files: FileStore,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A few of them: the whole library takes too long for every test run."""
    folder = tmp_path / "samples"
    wanted = ("documents/aripiprazole.md", "documents/leave-policy.md")
    talk = "recordings/starting-aripiprazole"
    for name in (*wanted, f"{talk}.vtt", f"{talk}.mp3"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((SAMPLES / name).read_bytes())
    with caplog.at_level(logging.INFO):
        passages = await ingest_samples(ingestor, folder=folder)
        assert await ingest_samples(ingestor, folder=folder) == passages
    assert "Sample library: 1 of 3, Aripiprazole" in caplog.text
    index = PostgresPassageIndex(database)
    search, rerank = HybridSearch(index, model), FeatureReranker(index, model)
    query = "What are the side effects of aripiprazole?"
    visitor = Principal("visitor")
    found = await search.search(visitor, query, filters=Filters(), limit=50)
    assert (found.searched_passages, found.searched_sources) == (passages, 3)
    ranked = (await rerank.rerank(query, found.candidates)).candidates
    assert ranked[0].passage.heading == "Side effects of aripiprazole > Common side effects"
    assert "nausea" in ranked[0].passage.text
    assert ranked[0].cosine > 0.6
    assert ranked[0].coverage > 0.9
    talks = await search.search(visitor, query, filters=Filters(kinds=("recording",)), limit=50)
    assert {c.passage.kind for c in talks.candidates} == {"recording"}
    (recording,) = [s for s in (await library.sources(visitor)).items if s.kind == "recording"]
    assert recording.name == f"{talk}.vtt"
    sound = await library.file(visitor, recording.source_id)
    assert sound is not None
    assert sound.media_type == "audio/mpeg"
    assert files.path(sound.key).read_bytes() == (SAMPLES / f"{talk}.mp3").read_bytes()


def test_files_are_kept_by_their_content(files: FileStore) -> None:
    stored = files.put(b"sound", ".MP3", "audio/mpeg")
    assert stored.key == hashlib.sha256(b"sound").hexdigest() + ".mp3"
    assert files.put(b"sound", ".mp3", "audio/mpeg") == stored
    assert len(list(files.path(stored.key).parent.iterdir())) == 1
    for key in ("../etc/passwd", "", "x" * 64, stored.key + "/.."):
        with pytest.raises(ValueError, match="not a key"):
            files.path(key)


async def test_a_file_that_cannot_be_opened_says_so(ingestor: Ingestor, desk: Path) -> None:
    incoming = IngestRequest(desk / "talk.vtt", "o", "talk.vtt", audio=desk / "gone.mp3")
    with pytest.raises(IngestError, match="the file cannot be read"):
        await ingestor.ingest(LOCAL, incoming)
    shown = replace(incoming, audio=None, name="talk.bin")
    assert (await ingestor.ingest(LOCAL, shown)).kind == "recording"


async def test_what_is_no_regular_file_is_not_waited_for(
    ingestor: Ingestor, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    for path in (tmp_path / "pipe.txt", Path("/dev/zero"), tmp_path):
        with pytest.raises(IngestError, match="not a regular file"):
            await ingestor.ingest(LOCAL, IngestRequest(path, "o", path.name))


def test_sources_of_missing_files_are_named_and_removed_with_sync(
    command: Callable[..., tuple[int, str, str]], desk: Path, database_dsn: str
) -> None:
    (desk / "more").mkdir()
    (desk / "more" / "cup.md").write_text("# Cup\n\nThe cup is blue.\n")
    command(desk)
    (desk / "more" / "cup.md").unlink()
    code, output, _ = command(desk)
    assert code == 0
    assert "1 source of missing files kept (--sync removes them): cup.md" in output
    assert "cup.md" in sources(database_dsn)
    command(desk / "tea.md", "--sync")  # a single file does not imply its folder
    assert "cup.md" in sources(database_dsn)
    _, output, _ = command(desk, "--sync")
    assert "1 source removed: cup.md" in output
    assert "cup.md" not in sources(database_dsn)
    assert "source" not in command(desk, "--sync")[1].splitlines()[-1]


def test_an_archive_and_a_mail_become_sources_by_command(
    command: Callable[..., tuple[int, str, str]], desk: Path, database_dsn: str
) -> None:
    mail = message("Opening hours", "We open at nine.", attached={"list.csv": b"a,b\n1,2\n"})
    (desk / "mail.eml").write_bytes(mail.as_bytes())
    (desk / "all.zip").write_bytes(archive({"cups/cup.md": "# Cup\n\nTin.", "x.png": b"\x89PNG"}))
    code, output, _ = command(desk)
    assert code == 0
    assert "all.zip: 1 picture\n" in output
    assert re.search(r"^6 added; ", output, re.MULTILINE)
    found = sources(database_dsn)
    assert {"mail.eml", "mail.eml/list.csv", "all.zip/cups/cup.md"} <= set(found)
    assert "all.zip" not in found
    assert "removed" not in command(desk, "--sync")[1]


def test_what_is_no_longer_in_an_archive_is_named_and_removed_with_sync(
    command: Callable[..., tuple[int, str, str]], desk: Path, database_dsn: str
) -> None:
    path = desk / "all.zip"
    path.write_bytes(archive({"cup.md": "# Cup", "pot.md": "# Pot", "inner.zip": b"PK"}))
    command(desk)
    path.write_bytes(archive({"cup.md": "# Cup", "inner.zip": archive({"tin.md": "# Tin"})}))
    _, output, _ = command(path)
    assert "1 source of missing files kept (--sync removes them): all.zip/pot.md" in output
    path.write_bytes(archive({"cup.md": "# Cup", "inner.zip": b"PK"}))
    _, output, _ = command(desk, "--sync")
    assert "1 source removed: all.zip/pot.md" in output
    assert {"all.zip/cup.md", "all.zip/inner.zip/tin.md"} <= set(sources(database_dsn))
    path.write_bytes(b"PK damaged")
    assert "removed" not in command(desk, "--sync")[1]
    path.unlink()
    _, output, _ = command(desk, "--sync")
    assert "2 sources removed" in output


def test_a_mail_says_which_attachments_were_not_read(
    command: Callable[..., tuple[int, str, str]], desk: Path, database_dsn: str
) -> None:
    attached = {"a.bin": b"\0", "b.txt": b"Plain words.", "cup.png": b"\x89PNG"}
    mail = message("Opening hours", "We open at nine.", attached=attached)
    (desk / "mail.eml").write_bytes(mail.as_bytes())
    _, output, _ = command(desk / "mail.eml")
    assert "mail.eml: 1 picture; 1 of 2 attachments was not read\n" in output
    notes = sources(database_dsn)["mail.eml"].notes
    assert notes == (FidelityNote("pictures", 1), FidelityNote("attachments", 1, 2))


async def test_progress_is_a_line_now_and_then_without_a_terminal(
    ingestor: Ingestor, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        (desk / f"n{number}.md").write_text(f"# Note {number}\n\nValve {number} is open.\n")
    (desk / "z.zip").write_bytes(
        archive({f"z{number}.md": f"Pump {number}.".encode() for number in range(3)})
    )
    seconds = iter(range(0, 100_000, 6))
    display = ProgressDisplay(Console(force_terminal=False), clock=lambda: next(seconds))

    async def done(ended: object) -> None:
        return None

    async def expect(files: int) -> None:
        assert files == 2

    await display.ingest_all(ingestor, LOCAL, discover([desk]), done=done, expect=expect)
    output = capsys.readouterr().out
    lines = re.findall(r"^(\d+) of (\d+) files", output, re.MULTILINE)
    assert ("0", "8") in lines
    assert ("6", "10") in lines  # the archive is three files
    assert "files; embedding n0.md (1 of 1 passages)\n" in output


async def test_small_files_are_ingested_together(
    ingestor: Ingestor, library: LibraryStore, desk: Path
) -> None:
    text = " ".join(f"Rule {n}: valve {n} is opened before pump {n} runs." for n in range(40))
    for name, content in {
        "a.md": text,
        "b.md": text,
        "c.md": f"{text} Rule 41 is new.",
        "d.pdf": "no PDF",
        "e.md": "Milk is cold.",
    }.items():
        (desk / name).write_text(content)
    batch = [IngestRequest(desk / name, name, name) for name in ("a.md", "b.md", "c.md", "d.pdf")]
    batch += [IngestRequest(desk / "missing.md", "m", "m.md")]
    batch += [IngestRequest(desk / "e.md", "e.md", "e.md", tags=("cold",))]
    a, b, c, d, missing, e = await ingestor.ingest_batch(LOCAL, batch)
    assert isinstance(a, Ingested)
    assert isinstance(b, Ingested)
    assert isinstance(c, Ingested)
    assert isinstance(e, Ingested)
    assert (a.change, a.same_as, a.similar) == ("added", None, ())
    assert (b.change, b.same_as, b.source_id) == ("unchanged", "a.md", a.source_id)
    assert [one.source_id for one in c.similar] == [a.source_id]
    assert (e.change, e.passages) == ("added", 1)
    assert "this is not a .pdf file" in str(d)
    assert "No such file" in str(missing)
    stored = {source.name: source.tags for source in (await library.sources(LOCAL)).items}
    assert stored == {"a.md": (), "c.md": (), "e.md": ("cold",)}
    (desk / "c.md").write_text("Changed.")
    again = await ingestor.ingest_batch(LOCAL, batch)
    changes = [one.change for one in again if isinstance(one, Ingested)]
    assert changes == ["unchanged", "unchanged", "replaced", "unchanged"]


async def test_a_batch_that_is_cancelled_leaves_the_library_as_it_was(
    ingestor: Ingestor, library: LibraryStore, desk: Path
) -> None:
    names = ["tea.md", "talk.vtt"]
    embedded = asyncio.Event()

    def report(_: IngestRequest, progress: Progress) -> None:
        if progress.stage == "embed" and progress.done:
            embedded.set()

    batch = [IngestRequest(desk / name, name, name) for name in names]
    work = asyncio.create_task(ingestor.ingest_batch(LOCAL, batch, report=report))
    await embedded.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await library.empty()


async def test_what_a_service_refuses_costs_one_file(
    library: LibraryStore, files: FileStore, reader: FileReader, desk: Path
) -> None:
    async with FakeOpenAI() as service:
        refusal = Reply(status=400, error_message="no")
        service.when(lambda record: "Refused" in record.prompt, refusal)
        encoder = OpenAIEmbedder(model="m", api_key="key", base_url=service.base_url)
        ingestor = Ingestor(library, encoder, files, reader, now=now)
        (desk / "bad.md").write_text("Refused words.")
        batch = [IngestRequest(desk / name, name, name) for name in ("tea.md", "bad.md")]
        tea, bad = await ingestor.ingest_batch(LOCAL, batch)
    assert isinstance(tea, Ingested)
    assert isinstance(bad, RunFailure)
    assert [source.name for source in (await library.sources(LOCAL)).items] == ["tea.md"]
