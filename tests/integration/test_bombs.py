"""Expensive files are read, or refused with one sentence, within limits."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import sleep
from typing import Final

import psutil
import pytest

from app.embeddings.minilm import MiniLM
from app.embeddings.word_pieces import WordPieces
from app.ingest.file_reader import BREAKS_READER, FileReader
from app.ingest.parsed_document import IngestError
from app.ingest.reader_client import MEGABYTE, ReadLimits
from app.ingest.reader_frames import Request
from tests.harness.bombs import BOMBS, ORDINARY

SCALE: Final = 32
LITTLE: Final = ReadLimits(processor_s=2, memory=220 * MEGABYTE)
ODD_MEMORY: Final = 16 * MEGABYTE  # shared pages, and allocations between two samples


@pytest.fixture(scope="module")
def count() -> Iterator[WordPieces]:
    model = MiniLM.load()
    yield model.count
    model.close()


class Peak:
    """The peak memory and CPU time of every child that this process starts from now on."""

    def __init__(self) -> None:
        self._parent = psutil.Process()
        self._others = frozenset(self._parent.children())
        self.memory = 0
        self.processor_s = 0.0
        self.ended = False

    def watch(self) -> None:
        own = self._parent.cmdline()
        children: list[psutil.Process] = []
        while not self.ended:
            if not children:  # finding them reads all processes of the machine
                children = [one for one in self._parent.children() if one not in self._others]
            for child in tuple(children):
                try:
                    if child.cmdline() == own:  # just forked, and still with this process's memory
                        continue
                    times = child.cpu_times()
                    self.memory = max(self.memory, child.memory_info().rss)
                    self.processor_s = max(self.processor_s, times.user + times.system)
                except psutil.Error:
                    children.remove(child)
            sleep(0.02)


@contextmanager
def watched() -> Iterator[Peak]:
    peak = Peak()
    thread = threading.Thread(target=peak.watch)
    thread.start()
    try:
        yield peak
    finally:
        peak.ended = True
        thread.join()


async def outcome(
    name: str, data: bytes, folder: Path, count: WordPieces, limits: ReadLimits
) -> tuple[str | None, Peak]:
    """The error of the refused file, and the resources used."""
    path = folder / name
    path.write_bytes(data)
    request = Request(str(path), name, hashlib.sha256(data).hexdigest())
    with closing(FileReader(count, limits=limits)) as reader, watched() as peak:
        try:
            document = await reader.read(request)
        except IngestError as error:
            return str(error), peak
    assert document.passages
    return None, peak


def check(refusal: str | None, peak: Peak, limits: ReadLimits) -> None:
    assert refusal is None or (0 < len(refusal) < 200 and "\n" not in refusal)
    assert peak.memory <= limits.memory + ODD_MEMORY
    assert peak.processor_s <= limits.processor_s + 3  # its start, and whole seconds


@pytest.mark.parametrize("name", BOMBS)
async def test_bombs_are_read_or_refused_within_limits(
    name: str, tmp_path: Path, count: WordPieces
) -> None:
    """What is only large is read, with the ordinary limits if not with little."""
    data = BOMBS[name](SCALE)
    refusal, peak = await outcome(name, data, tmp_path, count, LITTLE)
    check(refusal, peak, LITTLE)
    if refusal is not None and name in ORDINARY:
        refusal, _ = await outcome(name, data, tmp_path, count, ReadLimits())
        assert refusal is None


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", BOMBS)
async def test_bombs_of_full_size(name: str, tmp_path: Path, count: WordPieces) -> None:
    limits = ReadLimits()
    refusal, peak = await outcome(name, BOMBS[name](1), tmp_path, count, limits)
    print(  # noqa: T201 - a measurement
        f"\n{name}: {refusal or 'read'}; {peak.processor_s:.1f} s of processor time, "
        f"{peak.memory / MEGABYTE:.0f} MB"
    )
    check(refusal, peak, limits)
    assert refusal is None or name not in ORDINARY
    assert refusal != BREAKS_READER  # the reason is a limit, which is named
