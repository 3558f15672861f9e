"""ZIP archives from strangers (Office files, EPUB): looked at before anything is unpacked."""

import io
import zipfile
import zlib
from typing import Final
from xml.parsers import expat

from app.ingest.parsed_document import IngestError

MAX_ENTRIES: Final = 10_000
MAX_ENTRY_BYTES: Final = 200 * 2**20  # bytes unpacked
MAX_TOTAL_BYTES: Final = 400 * 2**20
MAX_COMPRESSION_RATIO: Final = 200  # unpacked to packed; text hardly gets beyond 30
SMALL: Final = 5 * 2**20  # below this no ratio is suspicious
MAX_XML_DEPTH: Final = 200

_MARKUP: Final = (".xml", ".rels", ".opf", ".ncx")
BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What reading an entry of a damaged, encrypted or exotic archive raises."""


ENCRYPTED: Final = "the file is encrypted; save it without a password"


class Archive:
    """Entries by name. Sizes are those declared: more than declared is never unpacked."""

    def __init__(self, data: bytes, *, locked_entries: bool = False) -> None:
        """Raises `IngestError` for what is damaged, or would unpack to far too much.

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
        """Of all entries."""
        return frozenset(self._entries)

    @property
    def names_in_order(self) -> tuple[str, ...]:
        """As they stand in the archive, each once."""
        return tuple(self._entries)

    def read(self, name: str) -> bytes:
        """The entry unpacked. Raises `IngestError` when it is missing or damaged."""
        entry = self._entries.get(name)
        if entry is None:
            raise IngestError(f"the file is damaged ({name[:100]} is missing in it)")
        if _is_locked(entry):
            raise IngestError(ENCRYPTED)
        try:
            return self._zip.read(entry)
        except (*BROKEN, ValueError, OSError) as error:  # also of a place before its beginning
            raise IngestError("the file is damaged (part of it cannot be unpacked)") from error

    def check_markup(self) -> None:
        """Raise `IngestError` when any XML in it is damaged, declares entities or nests deeply.

        Office formats allow no document types, so those who come with one mean no good.
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
    """Raise `IngestError` unless it is well-formed, flat enough and without a document type.

    With `document_types`, those that declare no entities are allowed.
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
    except (expat.ExpatError, LookupError, ValueError) as error:  # an encoding nobody knows, too
        raise IngestError("the file is damaged (its XML is not well-formed)") from error
