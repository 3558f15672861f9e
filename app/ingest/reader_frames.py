"""The protocol between the server and the reader process.

Requests are pickles, each after its length. Responses are frames of limited size that contain no
code: the kind (one byte), the length (four bytes, big-endian) and that many bytes. The reader
handles untrusted files, so its frames are parsed as data and validated against a schema.
"""

import pickle
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import orjson
from pydantic import TypeAdapter, ValidationError

from app.domain.library_ports import NewPassage
from app.domain.models import FidelityNote, SourceKind
from app.ingest.reading import Count, ReadDocument

LENGTH: Final = struct.Struct(">I")
HEAD: Final = struct.Struct(">cI")
MAX_FRAME: Final = 2**25
_PASSAGES: Final = 100

PASSAGES: Final = b"p"
DOCUMENT: Final = b"d"
FAILURE: Final = b"f"
MEMBERS: Final = b"m"


class BrokenFrame(ValueError):
    """The process sent an invalid frame or document."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first message to the process. `memory`: bytes it may allocate."""

    count: Count
    processor_s: float
    memory: int


@dataclass(frozen=True, slots=True)
class Request:
    """Read the file at `path`, provided that its content still has this SHA-256."""

    path: str
    name: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class UnpackRequest:
    """Extract the members of the file at `path` into `folder`."""

    path: str
    name: str
    folder: str
    max_members: int
    max_bytes: int  # all members together


@dataclass(frozen=True, slots=True)
class UnpackedMember:
    """`file` is its name in the folder; a member with a `problem` has none."""

    name: str
    file: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The members of a file, and the number of images, which are not extracted.

    `complete`: there are no further members; `size`: bytes written.
    """

    own_text: bool
    members: tuple[UnpackedMember, ...]
    complete: bool
    size: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason of a failure. `detail` goes to the log only."""

    reason: Literal["refused", "changed", "time", "memory", "output"]
    message: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Head:
    media_type: str
    suffix: str
    kind: SourceKind
    title: str
    pages: int | None
    duration_s: float | None
    speakers: tuple[str, ...]
    sketch: tuple[int, ...]
    notes: tuple[FidelityNote, ...]


@dataclass(frozen=True, slots=True)
class _Passages:
    passages: tuple[NewPassage, ...]
    contexts: tuple[str, ...]


_HEADS: Final = TypeAdapter(_Head)
_BATCHES: Final = TypeAdapter(_Passages)
_FAILURES: Final = TypeAdapter(Failure)
_MEMBERS: Final = TypeAdapter(Unpacked)

Outcome = ReadDocument | Unpacked | Failure


def message(content: Start | Request | UnpackRequest) -> bytes:
    """The message as written to the process."""
    pickled = pickle.dumps(content)
    return LENGTH.pack(len(pickled)) + pickled


def document_frames(document: ReadDocument) -> Iterator[bytes]:
    """The frames of a document: first its passages, then the head that completes it."""
    for begin in range(0, len(document.passages), _PASSAGES):
        end = begin + _PASSAGES
        batch = _Passages(document.passages[begin:end], document.contexts[begin:end])
        yield _frame(PASSAGES, orjson.dumps(batch))
    head = _Head(
        document.media_type,
        document.suffix,
        document.kind,
        document.title,
        document.pages,
        document.duration_s,
        document.speakers,
        document.sketch,
        document.notes,
    )
    yield _frame(DOCUMENT, orjson.dumps(head))


def members_frame(unpacked: Unpacked) -> bytes:
    """The single frame for an unpacked file."""
    return _frame(MEMBERS, orjson.dumps(unpacked))


def failure_frame(failure: Failure) -> bytes:
    """The single frame for a file that could not be read."""
    return _frame(FAILURE, orjson.dumps(failure))


def _frame(kind: bytes, payload: bytes) -> bytes:
    return HEAD.pack(kind, len(payload)) + payload


@dataclass(slots=True)
class Assembly:
    """Rebuilds a document from its frames."""

    _passages: list[NewPassage] = field(default_factory=list)
    _contexts: list[str] = field(default_factory=list)

    def add(self, kind: bytes, payload: bytes) -> Outcome | None:
        """Returns the outcome if the frame completes one. Raises `BrokenFrame`."""
        steps: dict[bytes, Callable[[bytes], Outcome | None]] = {
            PASSAGES: self._batch,
            DOCUMENT: self._document,
            FAILURE: _FAILURES.validate_json,
            MEMBERS: _MEMBERS.validate_json,
        }
        if kind not in steps:
            raise BrokenFrame("unknown kind of frame")
        try:
            return steps[kind](payload)
        except ValidationError as error:
            raise BrokenFrame("a frame does not fit its schema") from error

    def _batch(self, payload: bytes) -> None:
        batch = _BATCHES.validate_json(payload)
        self._passages += batch.passages
        self._contexts += batch.contexts

    def _document(self, payload: bytes) -> ReadDocument:
        head = _HEADS.validate_json(payload)
        if not self._passages or len(self._passages) != len(self._contexts):
            raise BrokenFrame("passages are missing")
        return ReadDocument(
            media_type=head.media_type,
            suffix=head.suffix,
            kind=head.kind,
            title=head.title,
            pages=head.pages,
            duration_s=head.duration_s,
            speakers=head.speakers,
            sketch=head.sketch,
            passages=tuple(self._passages),
            contexts=tuple(self._contexts),
            notes=head.notes,
        )
