"""The text and paragraph properties of a Word 97 to 2003 file ([MS-DOC])."""

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from app.ingest.loaders.compound_file import DAMAGED, CompoundFile
from app.ingest.loaders.symbols import symbol
from app.ingest.parsed_document import IngestError

HIDDEN: Final = "\0"
"""Replaces deleted and hidden characters, so that positions stay valid."""
_MARK: Final = re.compile("[\r\x07\x0c]")
"""Ends a paragraph: of text, of a cell or row, of a page or section."""
_WORD_97: Final = 193
_ENCRYPTED, _TABLE_1, _COMPLEX = 0x0100, 0x0200, 0x0004
_PARTS: Final = ("text", "footnote", "header", "macro", "comment", "endnote", "box", "header box")
_PAGE: Final = 512
_MAX_CHARACTERS: Final = 20_000_000
_MAX_CHAIN: Final = 20  # length of a chain of base styles
_PARAGRAPH_ENTRY, _CHARACTER_ENTRY = 13, 1
# Indices of (offset, length) pairs in the FIB, the first block of the file.
STYLES, FOOTNOTES, FOOTNOTE_TEXTS, COMMENTS, COMMENT_TEXTS, HEADERS = 1, 2, 3, 4, 5, 11
_CHARACTERS, _PARAGRAPHS, _FONTS, _PIECES, AUTHORS = 12, 13, 15, 33, 36
SHAPES, HEADER_SHAPES, BOXES, HEADER_BOXES = 40, 41, 56, 58
ENDNOTES, ENDNOTE_TEXTS, LISTS, LIST_USES = 46, 47, 73, 74
_VANISHED, _DELETED, _SYMBOL = 0x083C, 0x0800, 0x6A09
_OPERANDS: Final = (1, 1, 2, 4, 2, 2, 0, 3)
_LONG_OPERAND: Final = 0xD608
_ELSEWHERE: Final = 0x6646  # properties stored in the stream "Data"


@dataclass(frozen=True, slots=True)
class Properties:
    """Paragraph properties. `list_use` is the list id (0 for none); `outline` 0 is the highest."""

    style: int = 0
    list_use: int = 0
    list_level: int = 0
    outline: int | None = None
    in_table: bool = False
    ends_row: bool = False
    ends_inner_cell: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters `start`..`end` of the text, stored at `place` in the file."""

    start: int
    end: int
    place: int
    width: int  # bytes per character


@dataclass(slots=True)
class _Runs:
    """Runs by file offset, each with its property data."""

    starts: list[int] = field(default_factory=list)
    runs: list[tuple[int, bytes]] = field(default_factory=list)  # (end, data)

    def at(self, place: int) -> bytes:
        found = bisect_right(self.starts, place) - 1
        return self.runs[found][1] if found >= 0 and place < self.runs[found][0] else b""


class DocFile:
    """Raises `IngestError` for damaged and encrypted files."""

    def __init__(self, file: CompoundFile) -> None:
        word = file.read("WordDocument")
        if word is None or len(word) < 0x60:
            raise IngestError(DAMAGED)
        self._word = word
        flags = _u16(word, 0x0A)
        if flags & _ENCRYPTED:
            raise IngestError("the Office file is encrypted; save it without a password")
        self._data = file.read("Data") or b""
        self.is_old = _u16(word, 2) < _WORD_97
        self.table = b"" if self.is_old else file.read(f"{int(bool(flags & _TABLE_1))}Table") or b""
        at, ends = 0x34 if self.is_old else 0x4C, 0
        self.parts: dict[str, tuple[int, int]] = {}
        for offset, name in enumerate(_PARTS):
            start, ends = ends, ends + _u32(word, at + 4 * offset)
            self.parts[name] = (start, ends)
        if ends > _MAX_CHARACTERS:
            raise IngestError(DAMAGED)
        self._pieces = self._old_pieces(flags, ends) if self.is_old else self._read_pieces(ends)
        self._paragraphs = self._runs(_PARAGRAPHS, _PARAGRAPH_ENTRY)
        self.text = self._read_text(ends)

    def structure(self, index: int) -> bytes:
        """The structure at this FIB index; empty when missing."""
        if self.is_old:
            return b""
        at = 0x9A + 8 * index
        place, length = _u32(self._word, at), _u32(self._word, at + 4)
        return self.table[place : place + length]

    def place_after(self, index: int) -> int:
        """The offset in the table stream after a structure."""
        at = 0x9A + 8 * index
        return _u32(self._word, at) + _u32(self._word, at + 4)

    def paragraphs(self, start: int, end: int) -> Iterator[tuple[int, str, Properties]]:
        """Start, text without the paragraph mark, and properties of each paragraph."""
        at = start
        while at < end:
            found = _MARK.search(self.text, at, end)
            stop = found.start() if found else end
            yield at, self.text[at:stop], self._properties(stop)
            at = stop + 1

    def mark_at(self, position: int) -> str:
        """The character at this position; empty past the end."""
        return self.text[position : position + 1]

    def _properties(self, position: int) -> Properties:
        place = self._place(position)
        if place is None:
            return Properties()
        stored = self._paragraphs.at(place)
        if len(stored) < 2:
            return Properties()
        style = _u16(stored, 0)
        inherited = self._styles.get(style, Properties())
        return self._changed(replace(inherited, style=style), stored[2:])

    def _place(self, position: int) -> int | None:
        at = bisect_right(self._starts, position) - 1
        if at < 0 or position >= self._pieces[at].end:
            return None
        piece = self._pieces[at]
        return piece.place + (position - piece.start) * piece.width

    @cached_property
    def _starts(self) -> list[int]:
        return [one.start for one in self._pieces]

    def _changed(self, known: Properties, modifiers: bytes) -> Properties:
        for code, operand in _modifiers(modifiers):
            value = int.from_bytes(operand, "little")
            match code:
                case 0x2416:
                    known = replace(known, in_table=value != 0)
                case 0x2417:
                    known = replace(known, ends_row=value != 0)
                case 0x244B:
                    known = replace(known, ends_inner_cell=value != 0)
                case 0x460B:
                    known = replace(known, list_use=value if value < 0x8000 else 0)
                case 0x260A:
                    known = replace(known, list_level=min(value, 8))
                case 0x2640:
                    known = replace(known, outline=value if value < 9 else None)
                case 0x6646:
                    size = _u16(self._data, value)
                    inner = self._data[value + 2 : value + 2 + size]
                    modified = (one for one in _modifiers(inner) if one[0] != _ELSEWHERE)
                    known = self._changed(known, b"".join(_packed(*one) for one in modified))
                case _:
                    continue
        return known

    @cached_property
    def _styles(self) -> dict[int, Properties]:
        return {number: self._style(number, 0) for number in self._stored_styles}

    def _style(self, number: int, depth: int) -> Properties:
        stored = self._stored_styles.get(number)
        if stored is None or depth > _MAX_CHAIN:
            return Properties(number)
        base, modifiers = stored
        inherited = self._style(base, depth + 1) if base != number else Properties()
        if 1 <= number <= 9:  # "Heading 1" to "Heading 9" in any language
            inherited = replace(inherited, outline=number - 1)
        return self._changed(replace(inherited, style=number), modifiers)

    @cached_property
    def _stored_styles(self) -> dict[int, tuple[int, bytes]]:
        """The base style and the property changes of each paragraph style."""
        return {number: (base, data) for number, (_, base, data) in self._style_sheet.items()}

    @cached_property
    def built_in(self) -> dict[int, int]:
        """Built-in style number by the file's own style number."""
        return {number: known for number, (known, _, _) in self._style_sheet.items()}

    @cached_property
    def _style_sheet(self) -> dict[int, tuple[int, int, bytes]]:
        sheet = self.structure(STYLES)
        head, size = _u16(sheet, 0), _u16(sheet, 4)
        found = {}
        at, number = head + 2, 0
        while at + 2 <= len(sheet):
            length = _u16(sheet, at)
            style = sheet[at + 2 : at + 2 + length]
            if len(style) >= 6 and _u16(style, 2) & 0xF == 1:
                found[number] = (_u16(style, 0) & 0xFFF, _u16(style, 2) >> 4, _changes(style, size))
            at += 2 + length + length % 2
            number += 1
        return found

    def _old_pieces(self, flags: int, ends: int) -> list[_Piece]:
        """Text pieces of Word 6 and 95 files. Raises `IngestError` for fast-saved files."""
        if flags & _COMPLEX:
            raise IngestError("this file was saved by Word 6 or 95 in parts; save it as .docx")
        return [_Piece(0, ends, _u32(self._word, 0x18), 1)]

    def _read_pieces(self, ends: int) -> list[_Piece]:
        stored, at = self.structure(_PIECES), 0
        while stored[at : at + 1] == b"\x01":
            at += 3 + _u16(stored, at + 1)
        if stored[at : at + 1] != b"\x02":
            raise IngestError(DAMAGED)
        table = stored[at + 5 : at + 5 + _u32(stored, at + 1)]
        count = max(0, (len(table) - 4) // 12)
        positions = [_u32(table, 4 * one) for one in range(count + 1)]
        pieces: list[_Piece] = []
        for number in range(count):
            place = _u32(table, 4 * (count + 1) + 8 * number + 2)
            start, end = positions[number], min(positions[number + 1], ends)
            narrow = bool(place & 0x40000000)
            place &= 0x3FFFFFFF
            if start >= ends:
                break
            if (pieces and start != pieces[-1].end) or end < start:
                raise IngestError(DAMAGED)
            pieces.append(_Piece(start, end, place // 2 if narrow else place, 1 if narrow else 2))
        return pieces

    def _runs(self, index: int, entry: int) -> _Runs:
        """Property runs by file offset, from pages of 512 bytes."""
        found = _Runs()
        table = self.structure(index)
        count = max(0, (len(table) - 4) // 8)
        for number in range(count):
            page = self._word[(at := _u32(table, 4 * (count + 1 + number)) * _PAGE) : at + _PAGE]
            if len(page) < _PAGE:
                continue
            runs = min(page[-1], (_PAGE - 5) // (4 + entry))
            for run in range(runs):
                place = page[4 * (runs + 1) + entry * run] * 2
                begins, ends = _u32(page, 4 * run), _u32(page, 4 * run + 4)
                if not found.starts or begins >= found.starts[-1]:
                    found.starts.append(begins)
                    found.runs.append((ends, _stored(page, place, entry) if place else b""))
        return found

    def _read_text(self, ends: int) -> str:
        parts = [self._piece_text(one) for one in self._pieces]
        return "".join(parts)[:ends]

    def _piece_text(self, piece: _Piece) -> str:
        size = (piece.end - piece.start) * piece.width
        data = self._word[piece.place : piece.place + size].ljust(size, b"\0")
        if piece.width == 1:
            text = data.decode(self._encoding if self.is_old else "cp1252", "replace")
        else:
            text = data.decode("utf-16-le", "surrogatepass")
            if len(text) * 2 != size:  # positions count surrogates; keep one character per unit
                text = "".join(map(chr, struct.unpack(f"<{size // 2}H", data)))
        return self._without_hidden(text, piece)

    def _without_hidden(self, text: str, piece: _Piece) -> str:
        """Blank hidden characters and replace those of symbol fonts."""
        end = piece.place + len(text) * piece.width
        at = max(0, bisect_right(self._special.starts, piece.place) - 1)
        out, done = [], 0
        for begins, (ends, stored) in zip(
            self._special.starts[at:], self._special.runs[at:], strict=True
        ):
            if begins >= end:
                break
            first = max(done, (begins - piece.place) // piece.width)
            last = min(len(text), (ends - piece.place) // piece.width)
            if last <= first:
                continue
            known = self._symbol(stored)
            out += [text[done:first], *(_shown(one, known) for one in text[first:last])]
            done = last
        return "".join([*out, text[done:]])

    @cached_property
    def _special(self) -> _Runs:
        """Runs of hidden or symbol-font characters."""
        found = _Runs()
        every = self._runs(_CHARACTERS, _CHARACTER_ENTRY)
        for begins, (ends, stored) in zip(every.starts, every.runs, strict=True):
            codes = dict(_modifiers(stored))
            off = (b"", b"\0")
            hidden = codes.get(_VANISHED, b"") not in off or codes.get(_DELETED, b"") not in off
            if hidden or _SYMBOL in codes:
                found.starts.append(begins)
                found.runs.append((ends, b"" if hidden else codes[_SYMBOL]))
        return found

    def _symbol(self, stored: bytes) -> str:
        if len(stored) < 4:
            return HIDDEN
        font = _u16(stored, 0)
        name = self._fonts[font] if font < len(self._fonts) else ""
        return symbol(f"{_u16(stored, 2):X}", name)[:1] or HIDDEN

    @cached_property
    def _fonts(self) -> list[str]:
        stored, at = self.structure(_FONTS), 4
        names = []
        while at < len(stored):
            length = stored[at]
            name = stored[at + 40 : at + 1 + length]
            names.append(name.decode("utf-16-le", "replace").partition("\0")[0])
            at += 1 + length
        return names

    @cached_property
    def _encoding(self) -> str:
        """The encoding of a Word 6 or 95 file, derived from its language."""
        language = _u16(self._word, 6) & 0x3FF
        return _CODE_PAGES.get(language, "cp1252")


_CODE_PAGES: Final = {
    **dict.fromkeys((0x02, 0x19, 0x22, 0x23, 0x2F), "cp1251"),
    **dict.fromkeys((0x05, 0x0E, 0x15, 0x18, 0x1A, 0x1B, 0x1C, 0x24), "cp1250"),
    **dict.fromkeys((0x25, 0x26, 0x27), "cp1257"),
    0x08: "cp1253",
    0x1F: "cp1254",
    0x0D: "cp1255",
    0x01: "cp1256",
}


def _shown(char: str, known: str) -> str:
    """`known`, unless `char` is a paragraph mark."""
    return char if _MARK.match(char) else known


def _stored(page: bytes, place: int, entry: int) -> bytes:
    size = page[place] if place < _PAGE else 0
    if entry == _CHARACTER_ENTRY:
        return page[place + 1 : place + 1 + size]
    if size == 0:
        size = page[place + 1] if place + 1 < _PAGE else 0
        return page[place + 2 : place + 2 + 2 * size]
    return page[place + 1 : place + 2 * size]


def _changes(style: bytes, size: int) -> bytes:
    """A style's paragraph modifiers. They follow its name, which ends with two zero bytes."""
    at = size + 2 + 2 * _u16(style, size) + 2
    length = _u16(style, at)
    return style[at + 4 : at + 2 + length]


def _modifiers(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 3 <= len(data):
        code = _u16(data, at)
        at += 2
        size = _OPERANDS[code >> 13]
        if code == _LONG_OPERAND:
            size = 1 + _u16(data, at)
        elif not size:
            size = 1 + data[at]
        yield code, data[at : at + size]
        at += size


def _packed(code: int, operand: bytes) -> bytes:
    return code.to_bytes(2, "little") + operand


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
