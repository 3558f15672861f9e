"""ZIP archives from untrusted sources (Office files, EPUB), checked before unpacking."""

import io
import zipfile
import zlib
from typing import Final
from xml.parsers import expat

from app.ingest.parsed_document import IngestError

MAX_ENTRIES: Final = 10_000
MAX_ENTRY_BYTES: Final = 200 * 2**20  # bytes unpacked
MAX_TOTAL_BYTES: Final = 400 * 2**20
MAX_COMPRESSION_RATIO: Final = 200  # unpacked to packed size; text rarely exceeds 30
SMALL: Final = 5 * 2**20  # bytes; smaller entries may have any ratio
MAX_XML_DEPTH: Final = 200

_MARKUP: Final = (".xml", ".rels", ".opf", ".ncx")
BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""Raised when reading an entry of a damaged, encrypted or unsupported archive."""


ENCRYPTED: Final = "the file is encrypted; save it without a password"


class Archive:
    """Entries by name. Never unpacks more than an entry's declared size."""

    def __init__(self, data: bytes, *, locked_entries: bool = False) -> None:
        """Raises `IngestError` for damaged archives and those that would unpack to far too much.

        Encrypted entries are refused here or, with `locked_entries`, when they are read.
        """
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (*BROKEN, ValueError, OSError) as error:
            raise IngestError("the file is damaged (its ZIP archive cannot be opened)") from error
        self._entries = {entry.filename: entry for entry in self._zip.infolist()}
        if not locked_entries and any(map(_is_locked, self._entries.values())):
            raise IngestError(ENCRYPTED)
        self._check(self._zip.infolist(), len(data))

    @property
    def names(self) -> frozenset[str]:
        """The names of all entries."""
        return frozenset(self._entries)

    @property
    def names_in_order(self) -> tuple[str, ...]:
        """Entry names in archive order, without duplicates."""
        return tuple(self._entries)

    def read(self, name: str) -> bytes:
        """Unpack the entry. Raises `IngestError` when it is missing or damaged."""
        entry = self._entries.get(name)
        if entry is None:
            raise IngestError(f"the file is damaged ({name[:100]} is missing)")
        if _is_locked(entry):
            raise IngestError(ENCRYPTED)
        try:
            return self._zip.read(entry)
        except (*BROKEN, ValueError, OSError) as error:  # also raised for a negative offset
            raise IngestError("the file is damaged (part of it cannot be unpacked)") from error

    def check_markup(self) -> None:
        """Raise `IngestError` when any XML in it is damaged, declares entities or nests too deeply.

        Office formats do not allow document types, so a document type is treated as hostile.
        """
        for name in self._entries:
            if name.lower().endswith(_MARKUP):
                check_xml(self.read(name))

    @staticmethod
    def _check(entries: list[zipfile.ZipInfo], packed: int) -> None:
        total = sum(entry.file_size for entry in entries)
        if len(entries) > MAX_ENTRIES:
            raise IngestError(f"the archive has more than {MAX_ENTRIES:,} entries")
        too_large = total > MAX_TOTAL_BYTES or any(e.file_size > MAX_ENTRY_BYTES for e in entries)
        if too_large or (total > SMALL and total > packed * MAX_COMPRESSION_RATIO):
            raise IngestError("the archive unpacks to far more than its size; it is not opened")


def _is_locked(entry: zipfile.ZipInfo) -> bool:
    return bool(entry.flag_bits & 1)


def check_xml(data: bytes, *, document_types: bool = False) -> None:
    """Raise `IngestError` unless the XML is well-formed, not too deep and has no document type.

    With `document_types`, document types that declare no entities are allowed.
    """
    parser = expat.ParserCreate()
    depth = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_XML_DEPTH:
            raise IngestError("the file is nested too deeply")

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*declaration: object) -> None:
        what = "entities" if document_types else "a document type"
        raise IngestError(f"the file declares {what} in its XML; it is not read")

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    if document_types:
        parser.EntityDeclHandler = refuse
    else:
        parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # also for an unknown encoding
        raise IngestError("the file is damaged (its XML is not well-formed)") from error
