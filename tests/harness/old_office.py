"""Office files of 1993 to 2003, for cases that the real sample files do not cover."""

import gzip
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.harness.compound_files import Storage, compound_file

_KEPT: Final = Path(__file__).parent.parent / "unit" / "ingest" / "loaders" / "old_office"
_FIRST_BLOCK: Final = 0x400
_TEXT_AT: Final = 0x400


def kept(name: str) -> bytes:
    """A file that LibreOffice wrote: `tea.doc`, `tea.xls` or `tea.ppt`."""
    return gzip.decompress((_KEPT / f"{name}.gz").read_bytes())


def word_97(
    pieces: Sequence[str | bytes], *, flags: int = 0x0200, more: "Mapping[str, bytes] | None" = None
) -> bytes:
    """The text in pieces; bytes are characters of Windows-1252, strings are UTF-16."""
    head, body = bytearray(_FIRST_BLOCK), b""
    struct.pack_into("<HH", head, 0, 0xA5EC, 193)
    struct.pack_into("<H", head, 0x0A, flags)
    positions, places = [0], []
    for piece in pieces:
        stored = piece if isinstance(piece, bytes) else piece.encode("utf-16-le")
        count = len(stored) if isinstance(piece, bytes) else len(stored) // 2
        place = _TEXT_AT + len(body)
        places.append(place * 2 | 0x40000000 if isinstance(piece, bytes) else place)
        positions.append(positions[-1] + count)
        body += stored
    struct.pack_into("<I", head, 0x4C, positions[-1])
    table = struct.pack(f"<{len(positions)}I", *positions)
    table += b"".join(struct.pack("<HIH", 0, place, 0) for place in places)
    modifiers = b"\x01\x03\x00abc"  # which come before the pieces
    stored = modifiers + b"\x02" + struct.pack("<I", len(table)) + table
    struct.pack_into("<II", head, 0x9A + 8 * 33, 0, len(stored))
    streams: Storage = {"WordDocument": bytes(head) + body, "1Table": stored}
    return compound_file({**streams, **(more or {})})


def word_95(text: bytes, *, language: int = 0x0409, flags: int = 0) -> bytes:
    """All text in one place."""
    head = bytearray(_FIRST_BLOCK)
    struct.pack_into("<HHxxH", head, 0, 0xA5DC, 104, language)
    struct.pack_into("<H", head, 0x0A, flags)
    struct.pack_into("<I", head, 0x18, _TEXT_AT)
    struct.pack_into("<I", head, 0x34, len(text))
    return compound_file({"WordDocument": bytes(head) + text})


def workbook(*records: tuple[int, bytes], stream: str | None = "Workbook") -> bytes:
    """Without a stream, as the versions before Excel 5 wrote them."""
    data = b"".join(record(*one) for one in records)
    return data if stream is None else compound_file({stream: data})


def record(kind: int, content: bytes) -> bytes:
    """Of a workbook."""
    return struct.pack("<HH", kind, len(content)) + content


def part(kind: int, *content: bytes, instance: int = 0, container: bool = True) -> bytes:
    """A record of a presentation."""
    joined = b"".join(content)
    return struct.pack("<HHI", instance << 4 | 0xF * container, kind, len(joined)) + joined


def atom(kind: int, content: bytes, *, instance: int = 0) -> bytes:
    """A record without nested records."""
    return part(kind, content, instance=instance, container=False)


def shape(kind: int, text: str, *, left: int = 0, top: int = 0, more: bytes = b"") -> bytes:
    """A box with text; `kind`: 0 a title, 1 a body, 4 other text."""
    anchor = atom(0xF010, struct.pack("<4h", top, left, left + 100, top + 50))
    return part(0xF004, atom(0xF00A, bytes(8)), anchor, more, part(0xF00D, *words(kind, text)))


def words(kind: int, text: str) -> tuple[bytes, bytes]:
    """The records of a text; plain ones with a byte for each character."""
    head = atom(3999, kind.to_bytes(4, "little"))
    narrow = text.isascii()
    stored = text.encode("latin-1" if narrow else "utf-16-le")
    return head, atom(4008 if narrow else 4000, stored)


def slide(*shapes: bytes, more: bytes = b"") -> bytes:
    """A slide with these shapes on it."""
    group = part(0xF003, part(0xF004, atom(0xF009, bytes(16))), *shapes)
    return part(1006, part(1036, part(0xF002, group)), more)


def presentation(
    versions: Sequence[tuple[Sequence[bytes], Sequence[bytes]]], *, token: int = 0xE391C05F
) -> bytes:
    """Each version: the records of its slides, and for each the texts that the document lists.

    Later versions are appended, as a program does that saves fast.
    """
    stream, edit = b"", 0
    for slides, listed in versions:
        places = []
        for one in slides:
            places.append(len(stream))
            stream += one
        persisted = b"".join(
            atom(1011, struct.pack("<5I", number + 2, 0, 0, 256 + number, 0)) + outline
            for number, outline in enumerate(listed)
        )
        document = len(stream)
        stream += part(1000, part(4080, persisted))
        directory = len(stream)
        stream += atom(
            6002,
            struct.pack(f"<{len(places) + 2}I", 1 | (len(places) + 1) << 20, document, *places),
        )
        earlier, edit = edit, len(stream)
        stream += atom(4085, struct.pack("<IHBBIIIII", 0, 0, 0, 3, earlier, directory, 1, 9, 0))
    user = atom(4086, struct.pack("<III", 20, token, edit))
    return compound_file({"PowerPoint Document": stream, "Current User": user})
