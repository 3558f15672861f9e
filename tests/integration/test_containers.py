"""Archives and mail by command and upload: each contained file is a separate source."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from app.embeddings.word_pieces import estimated_pieces
from app.ingest.expansion import TOO_DEEP, Expander, Expansion
from app.ingest.file_reader import FileReader
from app.ingest.ingest_request import IngestRequest
from app.ingest.loaders.members import MAX_MEMBERS
from tests.harness.documents import archive, docx
from tests.harness.mail import message
from tests.harness.serving import serving
from tests.harness.sse import Frame, frames

NOTE = b"# Tea\n\nGreen tea is steeped for two minutes.\n"
TALK = b"WEBVTT\n\n00:01.000 --> 00:03.000\n<v Ana>Boil the kettle.\n"


@pytest.fixture(scope="module")
def reader() -> Iterator[FileReader]:
    with closing(FileReader(estimated_pieces)) as reader:
        yield reader


async def expanded(reader: FileReader, folder: Path, name: str, data: bytes) -> Expansion:
    path = folder / "given"
    path.write_bytes(data)
    (folder / "members").mkdir()
    request = IngestRequest(path, f"file:/{name}", name, tags=("t",))
    return await Expander(reader).expand(request, folder / "members")


async def test_files_in_files_are_found_at_every_depth(reader: FileReader, tmp_path: Path) -> None:
    mail = message("Tea", "See below.", attached={"note.md": NOTE, "note.md ": b"other"})
    inner = archive({"talk.vtt": TALK, "talk.mp3": b"ID3", "mail.eml": mail.as_bytes()})
    found = await expanded(reader, tmp_path, "a.zip", archive({"in/b.zip": inner, "c.txt": "x"}))
    assert [file.name for file in found.files] == [
        "a.zip/in/b.zip/talk.vtt",
        "a.zip/in/b.zip/mail.eml",
        "a.zip/in/b.zip/mail.eml/note.md",
        "a.zip/in/b.zip/mail.eml/note (2).md",
        "a.zip/c.txt",
    ]
    assert found.failures == []
    talk, mailed, note = found.files[:3]
    assert talk.audio is not None
    assert (talk.audio.read_bytes(), talk.audio.suffix) == (b"ID3", ".mp3")
    assert note.path.read_bytes() == NOTE
    assert note.origin == "file:/a.zip/in/b.zip/mail.eml/note.md"
    assert mailed.tags == ("t",)


async def test_depth_is_limited(reader: FileReader, tmp_path: Path) -> None:
    data = archive({"a.txt": "x"})
    for name in ("d.zip", "c.zip", "b.zip"):
        data = archive({name: data})
    found = await expanded(reader, tmp_path, "a.zip", data)
    assert (found.files, found.failures) == ([], [("a.zip/b.zip/c.zip/d.zip", TOO_DEEP)])


async def test_the_number_of_files_is_limited(reader: FileReader, tmp_path: Path) -> None:
    data = archive({f"{number}.txt": "x" for number in range(MAX_MEMBERS + 5)})
    found = await expanded(reader, tmp_path, "a.zip", data)
    assert len(found.files) == MAX_MEMBERS
    assert found.failures == [("a.zip", "only its first 1,000 files are read; divide it")]


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.zip", b"PK\x03\x04 nothing", "its ZIP archive cannot be opened"),
        ("a.zip", archive({}), "this is not a .zip file"),
        ("a.zip", archive({".hidden": "x"}), "the archive contains no files"),
        ("a.zip", archive({"a.png": b"\x89PNG"}), "the archive contains only pictures"),
        ("a.zip", archive({"a.txt": b"\0" * 30_000_000}), "unpacks to far more"),
        ("a.eml", b"no headers", "this is not a mail message"),
    ],
)
async def test_what_cannot_be_opened_says_why(
    reader: FileReader, tmp_path: Path, name: str, data: bytes, why: str
) -> None:
    found = await expanded(reader, tmp_path, name, data)
    ((failed, reason),) = found.failures
    assert failed == name
    assert why in reason
    assert found.files == []


async def test_an_office_file_called_zip_is_itself(reader: FileReader, tmp_path: Path) -> None:
    found = await expanded(reader, tmp_path, "a.zip", docx([("Normal", "Text")]))
    assert [file.name for file in found.files] == ["a.zip"]


@pytest.fixture
async def http(
    database_dsn: str, tmp_path: Path, embedder: MiniLM
) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings.model_validate(
        {
            "database_url": database_dsn,
            "data_dir": tmp_path,
            "sample_library": False,
            "llm_provider": "extractive",
        }
    )
    async with (
        serving(settings, embedder) as running,
        httpx.AsyncClient(base_url=running.url, timeout=20) as client,
    ):
        yield client


async def sent(http: httpx.AsyncClient, name: str, data: bytes) -> list[Frame]:
    response = await http.post("/sources", files={"file": (name, data)})
    assert response.status_code == 202, response.text
    url = f"/jobs/{response.json()['job_id']}/events"
    async with http.stream("GET", url) as answer:
        return [frame async for frame in frames(answer)]


def ends(told: list[Frame]) -> dict[str, tuple[str, str | None]]:
    files = (frame.content for frame in told if frame.type == "file")
    return {one["name"]: (one["status"], one["message"]) for one in files}


async def test_an_uploaded_archive_becomes_its_files(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    data = archive(
        {"a/tea.md": NOTE, "b.txt": "Kettles are heavy.", "c.png": b"\x89PNG", "d.bin": b"\0"}
    )
    told = await sent(http, "all.zip", data)
    refused = ends(told)["all.zip/d.bin"][1]
    assert refused is not None
    assert ends(told) == {
        "all.zip/a/tea.md": ("added", None),
        "all.zip/b.txt": ("added", None),
        "all.zip/d.bin": ("failed", refused),
        "all.zip": ("added", f"d.bin: {refused}"),
    }
    last = [frame.content for frame in told if frame.type == "file"][-1]
    assert "/" not in last["file_id"]
    assert last["notes"] == [{"kind": "pictures", "count": 1, "total": None}]
    counts = {name: told[-1].content[name] for name in ("added", "unchanged", "failed")}
    assert counts == {"added": 2, "unchanged": 0, "failed": 1}
    listed = (await http.get("/sources")).json()["items"]
    assert {one["name"] for one in listed} == {"all.zip/a/tea.md", "all.zip/b.txt"}
    assert not list((tmp_path / "files" / "incoming").iterdir())
    again = await sent(http, "all.zip", data)
    assert ends(again)["all.zip"][0] == "unchanged"


async def test_an_uploaded_mail_is_a_source_beside_its_attachments(
    http: httpx.AsyncClient,
) -> None:
    data = message("Opening hours", "We open at nine.", attached={"tea.md": NOTE}).as_bytes()
    told = await sent(http, "mail.eml", data)
    assert ends(told) == {"mail.eml/tea.md": ("added", None), "mail.eml": ("added", None)}
    listed = (await http.get("/sources")).json()["items"]
    assert {one["title"] for one in listed} == {"Opening hours", "Tea"}


async def test_a_mail_says_which_attachments_were_not_read(http: httpx.AsyncClient) -> None:
    attached = {"tea.md": NOTE, "a.bin": b"\0", "cup.jpg": b"\xff\xd8\xff", "b.zip": b"PK"}
    data = message("Opening hours", "We open at nine.", attached=attached).as_bytes()
    notes = [
        {"kind": "pictures", "count": 1, "total": None},
        {"kind": "attachments", "count": 2, "total": 3},
    ]
    for change in ("added", "unchanged"):
        told = await sent(http, "mail.eml", data)
        assert {name: one[0] for name, one in ends(told).items()} == {
            "mail.eml": change,
            "mail.eml/tea.md": change,
            "mail.eml/a.bin": "failed",
            "mail.eml/b.zip": "failed",
        }
        last = [frame.content for frame in told if frame.type == "file"][-1]
        assert last["notes"] == notes
        listed = {one["name"]: one for one in (await http.get("/sources")).json()["items"]}
        assert listed["mail.eml"]["notes"] == notes
    attached["a.bin"] = b"Plain words."
    del attached["b.zip"]
    attached["a.txt"] = attached.pop("a.bin")
    data = message("Opening hours", "We open at nine.", attached=attached).as_bytes()
    await sent(http, "mail.eml", data)
    listed = {one["name"]: one for one in (await http.get("/sources")).json()["items"]}
    assert listed["mail.eml"]["notes"] == notes[:1]


async def test_an_archive_of_nothing_readable_fails(http: httpx.AsyncClient) -> None:
    told = await sent(http, "all.zip", archive({"a.png": b"\x89PNG", "b.png": b"\x89PNG"}))
    assert ends(told)["all.zip"][0] == "failed"
    assert told[-1].type == "error"
    broken = await sent(http, "all.zip", b"PK\x03\x04 nothing")
    assert broken[-1].type == "error"
    assert "cannot be opened" in broken[-1].content["message"]
