"""Compound files (OLE2): the container of Outlook messages and Office 97 to 2003 files."""

import io
import re
import struct
from collections.abc import Sequence
from typing import Final

import olefile

from app.ingest.parsed_document import IngestError

DAMAGED: Final = "the file is damaged (it is not a complete compound file)"
BROKEN: Final = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError),
    *(OverflowError, RecursionError, struct.error, AssertionError),
)
"""Raised by olefile on damaged files."""
_INVENTED: Final = re.compile(
    r"(?i)(?:microsoft (?:word|powerpoint|excel)\b|powerpoint[- ]pr|présentation powerpoint"
    r"|(?:slide|folie|document|dokument) ?\d{0,4}\Z)"
)
_FORMATS: Final = {
    "__properties_version1.0": "msg",
    "worddocument": "doc",
    "workbook": "xls",
    "book": "xls",
    "powerpoint document": "ppt",
}


class CompoundFile:
    """Streams by path. Reads at most twice the file's size in total."""

    def __init__(self, data: bytes) -> None:
        """Raises `IngestError` when the file is damaged."""
        try:
            self._file = olefile.OleFileIO(io.BytesIO(data))
            self._paths = {
                tuple(part.lower() for part in path): path
                for path in self._file.listdir(streams=True, storages=True)
            }
        except BROKEN as error:
            raise IngestError(DAMAGED) from error
        self._left = 2 * len(data)  # in damaged files, entries may share bytes

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """Paths of all streams and storages, in lower case."""
        return tuple(self._paths)

    def names(self, storage: Sequence[str]) -> list[str]:
        """The names of a storage's direct children, in lower case."""
        depth = len(storage)
        inside = tuple(part.lower() for part in storage)
        return [path[-1] for path in self._paths if path[:-1] == inside and len(path) == depth + 1]

    def read(self, *path: str) -> bytes | None:
        """The content of a stream; None if it does not exist. Raises `IngestError` if damaged."""
        found = self._paths.get(tuple(part.lower() for part in path))
        if found is None:
            return None
        try:
            self._left -= self._file.get_size(found)
            if self._left < 0:
                raise IngestError(DAMAGED)
            content = self._file.openstream(found).read()
        except BROKEN as error:
            raise IngestError(DAMAGED) from error
        return bytes(content)

    def title(self) -> str | None:
        """The title property of an Office file, unless a program generated it."""
        try:
            properties = self._file.get_metadata()
            title, codepage = properties.title, properties.codepage
        except BROKEN:
            return None
        if isinstance(title, bytes):
            encoding = "utf-8" if codepage in (-535, 65001) else f"cp{codepage or 1252}"
            try:
                title = title.decode(encoding, "replace")
            except LookupError:
                title = title.decode("cp1252", "replace")
        title = " ".join(str(title or "").replace("\0", " ").split())
        return None if not title or _INVENTED.match(title) else title


def compound_format(data: bytes) -> str:
    """`msg`, `doc`, `xls` or `ppt`. Raises `IngestError` for other and for encrypted files."""
    names = {path[0] for path in CompoundFile(data).paths if len(path) == 1}
    if "encryptedpackage" in names:
        raise IngestError("the Office file is encrypted; save it without a password")
    for name, known in _FORMATS.items():
        if name in names:
            return known
    raise IngestError(
        "this is a compound file of an unknown kind; takes Outlook messages (.msg) and "
        "Office files (.doc .xls .ppt)"
    )
