"""Reader processes end by limits, crashes, cancellation and with the server."""

import asyncio
import gc
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import psutil
import pytest

from app.embeddings.word_pieces import estimated_pieces
from app.ingest.file_reader import FileReader
from app.ingest.parsed_document import IngestError
from app.ingest.reader_client import MEGABYTE, ReadLimits
from app.ingest.reader_frames import Request
from app.ingest.reading import ReadDocument, read_document
from tests.harness.documents import docx, epub, flowing, pdf, pptx, xlsx
from tests.harness.hostile_counters import breaks_without_memory, counts_words, misbehaves

SMALL: Final = ReadLimits(processor_s=1, memory=200 * MEGABYTE, output=MEGABYTE, wall_s=30)
TALK: Final = "WEBVTT\n\n00:01.000 --> 00:03.000\n<v Ana>Boil the kettle.\n"
FILES: Final = {
    "tea.md": b"# Tea\n\nGreen tea.\n\n## Time\n\nTwo minutes.",
    "tea.txt": "Größe der Kanne: 2 l.".encode("cp1252"),
    "tea.html": b"<html><h1>Tea</h1><p>Green tea.</p></html>",
    "tea.csv": b"Tea,Minutes\nGreen,2\nBlack,4\n",
    "talk.vtt": TALK.encode(),
    "talk.json": b'{"segments": [{"start": 1, "end": 2, "text": "Boil.", "speaker": "Ana"}]}',
    "tea.pdf": pdf([flowing(["Green tea is steeped for two minutes."])], title="Tea time"),
    "tea.docx": docx([("Title", "Tea"), ("Normal", "Green tea.")]),
    "tea.pptx": pptx([("Tea", ["Green tea."], "Two minutes.")]),
    "tea.xlsx": xlsx({"Teas": [["Tea", "Minutes"], ["Green", 2]]}),
    "tea.epub": epub(["<h1>Tea</h1><p>Green tea.</p>"], title="Tea"),
}


@pytest.fixture
def read(tmp_path: Path) -> Callable[[FileReader, str, bytes], Awaitable[ReadDocument]]:
    async def read(reader: FileReader, name: str, data: bytes) -> ReadDocument:
        path = tmp_path / name
        path.write_bytes(data)
        return await reader.read(Request(str(path), name, hashlib.sha256(data).hexdigest()))

    return read


Read = Callable[[FileReader, str, bytes], Awaitable[ReadDocument]]


@pytest.fixture
def hostile() -> Iterator[FileReader]:
    with closing(FileReader(misbehaves, limits=SMALL)) as reader:
        yield reader
    assert children() == set()


def children() -> set[int]:
    found = set[int]()
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has just ended
            if "app.ingest.reader_process" in child.cmdline():
                found.add(child.pid)
    return found


async def child() -> int:
    """The running reader process, as soon as there is one."""
    while not (running := children()):
        await asyncio.sleep(0.01)
    (pid,) = running
    return pid


async def test_what_comes_back_is_what_was_read(read: Read) -> None:
    with closing(FileReader(estimated_pieces)) as reader:
        for name, data in FILES.items():
            assert await read(reader, name, data) == read_document(name, data, estimated_pieces)
        assert len(children()) == 1  # one after the other, by the same process
    assert children() == set()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("SPIN", "this file took too long to read"),
        ("HOLD", "this file took too long to read"),
        ("HOARD", "this file needs too much memory to read: more than 200 MB"),
        ("CRASH", "it breaks its reader"),
        ("PRINT", None),
        ("BREAK", r"cannot be read \(IndexError\)"),
    ],
)
async def test_what_a_file_does_to_its_reader_is_told_and_costs_nothing_else(
    read: Read, hostile: FileReader, words: str, complaint: str | None
) -> None:
    if complaint is None:
        assert (await read(hostile, "bad.txt", words.encode())).title == "Bad"
    else:
        with pytest.raises(IngestError, match=complaint) as raised:
            await read(hostile, "bad.txt", words.encode())
        assert "\n" not in str(raised.value)
    assert (await read(hostile, "good.txt", b"Green tea.")).passages[0].text == "Green tea."


async def test_a_file_that_blocks_without_working_is_given_up(read: Read) -> None:
    limits = ReadLimits(processor_s=60, wall_s=0.3)
    with (
        closing(FileReader(misbehaves, limits=limits)) as reader,
        pytest.raises(IngestError, match="took too long to read"),
    ):
        await read(reader, "bad.txt", b"SLEEP")


async def test_a_reader_that_breaks_after_it_freed_its_memory_had_too_little(read: Read) -> None:
    limits = replace(SMALL, memory=400 * MEGABYTE)
    with (
        closing(FileReader(breaks_without_memory, limits=limits)) as reader,
        pytest.raises(IngestError, match="needs too much memory to read: more than 400 MB"),
    ):
        await read(reader, "bad.txt", b"Green tea.")


async def test_a_file_that_becomes_too_much_text_is_refused(read: Read) -> None:
    much = b"Some words of a sentence. " * 15_000
    limits = replace(SMALL, output=len(much) // 2)
    with (
        closing(FileReader(misbehaves, limits=limits)) as reader,
        pytest.raises(IngestError, match="contains too much text to read"),
    ):
        await read(reader, "much.txt", much)


async def test_a_file_that_changes_meanwhile_is_not_mixed_up(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Green tea.")
    with closing(FileReader(counts_words)) as reader:
        with pytest.raises(IngestError, match="changed while it was read"):
            await reader.read(Request(str(path), "a.txt", hashlib.sha256(b"other").hexdigest()))
        with pytest.raises(IngestError, match="No such file"):
            await reader.read(Request(str(tmp_path / "b.txt"), "b.txt", ""))


@pytest.mark.parametrize("words", [b"SPIN", b"HOLD", b"SLEEP"])
async def test_whoever_cancels_ends_the_process(read: Read, words: bytes) -> None:
    before = open_files()
    with closing(FileReader(misbehaves)) as reader:
        work = asyncio.ensure_future(read(reader, "bad.txt", words))
        pid = await child()
        await asyncio.sleep(0.1)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert not psutil.pid_exists(pid)
    assert open_files() == before


async def test_whoever_cancels_twice_leaves_nothing_either(
    read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(FileReader(misbehaves)) as reader:
        work = asyncio.ensure_future(read(reader, "bad.txt", b"SPIN"))
        pid = await child()
        work.cancel()
        asyncio.get_running_loop().call_soon(work.cancel)
        await asyncio.wait({work})
        while psutil.pid_exists(pid):
            await asyncio.sleep(0.01)
    del work
    gc.collect()
    assert caplog.records == []


async def test_closing_ends_what_is_being_read(read: Read) -> None:
    reader = FileReader(misbehaves)
    work = asyncio.ensure_future(read(reader, "bad.txt", b"SPIN"))
    pid = await child()
    await asyncio.to_thread(reader.close)
    with pytest.raises(IngestError):
        await work
    assert not psutil.pid_exists(pid)
    with pytest.raises(IngestError, match="shutting down"):
        await read(reader, "good.txt", b"Green tea.")


async def test_two_files_are_read_beside_each_other(read: Read) -> None:
    with closing(FileReader(misbehaves)) as reader:
        slow = asyncio.ensure_future(read(reader, "slow.txt", b"SLEEP"))
        await child()
        assert (await read(reader, "good.txt", b"Green tea.")).title == "Good"
        slow.cancel()
        await asyncio.wait({slow})


async def test_an_idle_process_ends(read: Read) -> None:
    with closing(FileReader(counts_words, idle_s=0.2)) as reader:
        await read(reader, "good.txt", b"Green tea.")
        while children():
            await asyncio.sleep(0.05)
        assert (await read(reader, "good.txt", b"Green tea.")).title == "Good"


@pytest.mark.faults
@pytest.mark.parametrize("word", ["SPIN", "HOLD", "SLEEP"])
def test_a_server_that_is_killed_leaves_no_process(tmp_path: Path, word: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(word)
    script = f"""
        import asyncio, hashlib
        from app.ingest.file_reader import FileReader
        from app.ingest.reader_frames import Request
        from tests.harness.hostile_counters import misbehaves
        request = Request({str(path)!r}, "bad.txt", hashlib.sha256({word.encode()!r}).hexdigest())
        asyncio.run(FileReader(misbehaves).read(request))
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)]) as server:
        watched = psutil.Process(server.pid)
        while not (readers := watched.children()):
            assert server.poll() is None
        while readers[0].cpu_times().user < 0.2 and word != "SLEEP":
            assert server.poll() is None
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
    gone, alive = psutil.wait_procs(readers, timeout=30)
    assert (len(gone), alive) == (1, [])


def test_secrets_of_the_server_are_not_given_to_its_readers() -> None:
    with closing(FileReader(counts_words, environment={"LANG": "C.UTF-8"})) as reader:
        process = reader._take()
        names = set(psutil.Process(process.pid).environ())
        reader._give_back(process)
    assert not names & {"PATH", "HOME"}


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
