"""Two thousand mutated files of every format are read, or refused in one sentence."""

import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import pytest

from app.ingest.loaders.registry import LOADERS, Loader
from app.ingest.parsed_document import IngestError
from app.ingest.passages import cut_passages
from app.ingest.reader_client import ReadLimits
from tests.harness.documents import xlsx
from tests.harness.mutations import mutated
from tests.unit.ingest.loaders.test_altered_files import FILES as NEWER
from tests.unit.ingest.loaders.test_mutated_files import FILES as OFFICE
from tests.unit.ingest.loaders.test_pdf_damage import whole
from tests.unit.ingest.loaders.test_registry import TRANSCRIPT
from tests.unit.ingest.loaders.test_transcripts import SRT

pytestmark = pytest.mark.soak

TIMES: Final = 2_000
MEMORY: Final = 2**30
MAX_SENTENCE: Final = 300
TEXT: Final = "Title\n=====\n\nGröße.\n\n- one\n  two\n\nSHOUTED\nwords; чай\n".encode()
FLAT: Final = (
    b'<?xml version="1.0"?><office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:'
    b'office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
    b"<office:text><text:h>A</text:h><text:p>b <text:span>c</text:span></text:p></office:text>"
    b"</office:body></office:document>"
)
TABLE: Final = b'Name;Price\n"a; b";3,50\nGr\xc3\xb6\xc3\x9fe;1\n\nx;y;z\n1;2;3\n'
FILES: Final = {
    **OFFICE,
    **NEWER,
    "a.txt": TEXT,
    "a.pdf": whole(),
    "a.xlsx": xlsx({"S": [["Name", "Price"], ["Mug", 3.5], [None, True]], "T": [["x"]]}),
    "a.csv": TABLE,
    "a.fodt": FLAT,
    "a.vtt": TRANSCRIPT.encode(),
    "a.srt": SRT.encode(),
    "a.json": b'{"segments": [{"start": 0, "end": 1.5, "text": " Hi.", "speaker": "A"}], "x": 1}',
    "a.jsonl": b'{"a": 1, "b": [2, {"c": null}]}\n{"a": "x"}\n' * 5,
    "a.toml": b"[a]\nb = 1 # c\n\n[d.e]\nf = [1, 2]\n" * 3,
    "a.log": b"2026-11-02 10:00:00 INFO a\nTraceback:\n  b\n\x1b[31mERROR\x1b[0m c\n" * 5,
}


class TooLong(BaseException):
    """Not an error that a reader could catch as its own."""


@contextmanager
def processor_limit() -> Iterator[None]:
    """Raises `TooLong` where the product would stop reading a file."""

    def too_long(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, ReadLimits().processor_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def read(loader: Loader, data: bytes) -> str:
    """`read`, or the reason for a refusal. Raises any other error."""
    try:
        if loader.members is not None:
            list(loader.members(data))
        source = loader.load(data) if loader.own_text else None
    except IngestError as error:
        return str(error)
    for passage in cut_passages(source, title="T", count=len) if source is not None else ():
        verbatim = source is not None and source.text[passage.char_start : passage.char_end]
        assert passage.text == verbatim or passage.start_s is not None
    return "read"


def test_every_format_has_a_file() -> None:
    suffixes = {f".{name.rpartition('.')[2]}" for name in FILES}
    assert [one.format for one in LOADERS if not suffixes & set(one.suffixes)] == []


@pytest.mark.parametrize("name", FILES)
def test_altered_files_are_read_or_refused(name: str) -> None:
    suffix = f".{name.rpartition('.')[2]}"
    loader = next(one for one in LOADERS if suffix in one.suffixes)
    outcomes: Counter[str] = Counter()
    for seed in range(TIMES):
        data = mutated(FILES[name], random.Random(f"{seed} {name}"))
        try:
            with processor_limit():
                outcomes[read(loader, data)] += 1
        except (Exception, TooLong) as error:
            raise AssertionError(f"{name}, seed {seed}") from error
    said = f"{name}: {outcomes['read']:,} of {TIMES:,} read, {len(outcomes) - 1} reasons not to\n"
    sys.stderr.write(said)
    assert outcomes["read"]
    assert not [one for one in outcomes if "\n" in one or len(one) > MAX_SENTENCE]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < MEMORY
