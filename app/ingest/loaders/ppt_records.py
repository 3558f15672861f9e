"""The records of a PowerPoint file, and which versions of them are current ([MS-PPT])."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.ingest.loaders.compound_file import DAMAGED, CompoundFile
from app.ingest.parsed_document import IngestError

DOCUMENT, SLIDE, NOTES = 1000, 1006, 1008
_USER_EDIT, _PERSIST_DIRECTORY, _TEXT_CHARS, _TEXT_BYTES, _CSTRING = 4085, 6002, 4000, 4008, 4026
_TAG_DATA: Final = 5003  # contains records, although its header does not say so
_HEADER: Final = struct.Struct("<HHI")
_CURRENT_USER: Final = struct.Struct("<8xIII")
_EDIT: Final = struct.Struct("<4xHBBIII")
_ENCRYPTED: Final = 0xF3D1C4DF
_MAX_EDITS: Final = 10_000
_MAX_DEPTH: Final = 40


@dataclass(frozen=True, slots=True)
class Record:
    """A record; `content` excludes the header."""

    type: int
    instance: int
    is_container: bool
    content: memoryview


def records(data: memoryview) -> Iterator[Record]:
    """Consecutive records, up to the first incomplete one."""
    at = 0
    while at + _HEADER.size <= len(data):
        head, type_, length = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        container = head & 0xF == 0xF or type_ == _TAG_DATA
        yield Record(type_, head >> 4, container, data[at : at + length])
        at += length


def children(record: Record, type_: int) -> Iterator[Record]:
    """Records of this type directly inside a container."""
    return (one for one in records(record.content) if one.type == type_)


def descendants(record: Record, type_: int, depth: int = 0) -> Iterator[Record]:
    """Records of this type at any depth. Raises `IngestError` when nested too deeply."""
    if depth > _MAX_DEPTH:
        raise IngestError("the file is nested too deeply")
    for one in records(record.content):
        if one.type == type_:
            yield one
        elif one.is_container:
            yield from descendants(one, type_, depth + 1)


def text_of(record: Record) -> str:
    """The text; paragraphs end with \\n, lines with \\v. Empty for other records."""
    if record.type in (_TEXT_CHARS, _CSTRING):
        text = bytes(record.content).decode("utf-16-le", "replace")
    elif record.type == _TEXT_BYTES:
        text = bytes(record.content).decode("latin-1")
    else:
        return ""
    return text.replace("\r", "\n").strip("\0\n")


class Presentation:
    """Resolves the current version of each object; a file also keeps those of earlier edits."""

    def __init__(self, file: CompoundFile) -> None:
        """Raises `IngestError` for damaged and encrypted files."""
        stream = file.read("PowerPoint Document")
        if stream is None:
            raise IngestError(DAMAGED)
        self._data = memoryview(stream)
        self._places: dict[int, int] = {}
        self._document = 0
        self._read_edits(file.read("Current User") or b"")

    def document(self) -> Record:
        """The document of the last edit, else the last one in the file."""
        found = self.record(self._document, DOCUMENT)
        if found is None:
            for one in records(self._data):
                found = one if one.type == DOCUMENT else found
        if found is None:
            raise IngestError(DAMAGED)
        return found

    def record(self, persist: int, type_: int) -> Record | None:
        """The object with this persist id; None if it does not exist or has another type."""
        place = self._places.get(persist)
        return None if place is None else self._at(place, type_)

    def _at(self, place: int, type_: int) -> Record | None:
        found = next(records(self._data[place:]), None)
        return found if found is not None and found.type == type_ else None

    def _read_edits(self, user: bytes) -> None:
        if len(user) < _CURRENT_USER.size:
            return
        _, token, place = _CURRENT_USER.unpack_from(user)
        if token == _ENCRYPTED:
            raise IngestError("the Office file is encrypted; save it without a password")
        for _ in range(_MAX_EDITS):
            edit = self._at(place, _USER_EDIT)
            if edit is None or len(edit.content) < _EDIT.size:
                return
            _, _, _, earlier, directory, document = _EDIT.unpack_from(edit.content)
            self._document = self._document or document
            self._read_directory(directory)
            if not 0 < earlier < place:
                return
            place = earlier

    def _read_directory(self, place: int) -> None:
        """Walks from the newest edit to the oldest; newer entries win."""
        found = self._at(place, _PERSIST_DIRECTORY)
        if found is None:
            return
        whole = len(found.content) // 4
        numbers = struct.unpack(f"<{whole}I", found.content[: whole * 4])
        at = 0
        while at < whole:
            first, count = numbers[at] & 0xFFFFF, numbers[at] >> 20
            for offset, one in enumerate(numbers[at + 1 : at + 1 + count]):
                self._places.setdefault(first + offset, one)
            at += 1 + count
