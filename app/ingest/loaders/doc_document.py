"""DOC (Word 97 to 2003): headings, paragraphs, lists, tables, notes, comments and text boxes."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from app.ingest.loaders.compound_file import CompoundFile
from app.ingest.loaders.doc_format import (
    AUTHORS,
    BOXES,
    COMMENT_TEXTS,
    COMMENTS,
    ENDNOTE_TEXTS,
    ENDNOTES,
    FOOTNOTE_TEXTS,
    FOOTNOTES,
    HEADER_BOXES,
    HEADER_SHAPES,
    HEADERS,
    HIDDEN,
    SHAPES,
    DocFile,
    Properties,
)
from app.ingest.loaders.doc_lists import read_lists
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.tables import add_table
from app.ingest.loaders.titles import useful_title
from app.ingest.parsed_document import ParsedDocument

_TITLE: Final = 62  # number of the style "Title", the same in every file
_PICTURE, _CELL = "\x01", "\x07"
_BEGINS, _SEPARATES, _ENDS = "\x13", "\x14", "\x15"
_CHARACTERS: Final = {
    HIDDEN: "",
    "\x0b": "\n",
    "\x0e": "\n",
    "\x1e": "\u2011",
    "\x1f": "",
    **dict.fromkeys("\x01\x02\x03\x04\x05\x06\x08\x15", ""),
}
_TABLE: Final = str.maketrans(_CHARACTERS)
_FIELD: Final = re.compile("([\x13\x14\x15])")
_NOTES: Final = (
    ("footnote", FOOTNOTES, FOOTNOTE_TEXTS),
    ("endnote", ENDNOTES, ENDNOTE_TEXTS),
    ("comment", COMMENTS, COMMENT_TEXTS),
)
_COMMENT_SIZE, _BOX_SIZE, _SHAPE_SIZE = 30, 22, 26
_FEW_LETTERS: Final = 12  # letters allowed beside a page number: "Page 3 of 9"
_SEPARATORS: Final = 6  # stories before the page headers: note separators
_PAGE_NUMBERS: Final = ("PAGE", "NUMPAGES", "SECTIONPAGES")


def load_doc(data: bytes) -> ParsedDocument:
    """Title: a paragraph in the style "Title", else the title property."""
    file = CompoundFile(data)
    reader = _Reader(DocFile(file))
    reader.read()
    return reader.out.document(reader.title or useful_title(file.title()))


class _Reader:
    """Reads the text in one pass, then the page headers and footers."""

    def __init__(self, doc: DocFile) -> None:
        self.out = ExtractedText()
        self.title: str | None = None
        self._doc = doc
        self._lists = read_lists(doc)
        self._pictures = 0
        self._fields: list[bool] = []  # for each open field, whether its result is being read
        notes = [note for one in _NOTES for note in self._read_notes(*one)]
        self._notes = sorted([*notes, *self._read_boxes("box", BOXES, SHAPES)])
        self._note_number = 0
        self._cells: list[str] = []
        self._cell: list[str] = []
        self._rows: list[list[str]] = []

    def read(self) -> None:
        start, end = self._doc.parts["text"]
        for at, text, properties in self._doc.paragraphs(start, end):
            self._paragraph(text, properties, self._doc.mark_at(at + len(text)))
            if not self._cells and not self._cell and not self._rows:
                self._add_notes(at + len(text) + 1)
        self._end_table()
        self._add_notes(end)
        self.out.add_note("pictures", self._pictures)
        lines = dict.fromkeys(self._edges())
        if lines:
            self.out.add_heading("Headers and footers", 1, written=False)
        for line in lines:
            self.out.add_block(line)

    def _paragraph(self, raw: str, properties: Properties, mark: str) -> None:
        text = self._words(raw)
        if not properties.in_table and not (self._doc.is_old and mark == _CELL):
            self._end_table()
            if text.strip():
                self._add(text, properties)
            return
        if text.strip():
            self._cell.append(" ".join(text.split()))
        if properties.ends_row:
            self._end_row()
        elif mark == _CELL:
            self._cells.append(" ".join(self._cell))
            self._cell = []
            if self._doc.is_old:  # the old format does not mark row ends
                self._end_row()

    def _end_row(self) -> None:
        cells = [*self._cells, " ".join(self._cell)] if self._cell else self._cells
        self._cells, self._cell = [], []
        if self._doc.is_old:
            self.out.add_block(" | ".join(cells))
        else:
            self._rows.append(cells)

    def _end_table(self) -> None:
        self._end_row()
        rows, self._rows = self._rows, []
        add_table(self.out, rows, prior=0.0)

    def _add(self, text: str, properties: Properties) -> None:
        line = " ".join(text.split())
        mark = self._mark(properties)
        if self._doc.built_in.get(properties.style) == _TITLE and self.title is None:
            self.title = line
            self.out.add_heading(line, 1, named=False)
        elif properties.outline is not None:
            numbered = f"{mark} " if mark and mark != "-" else ""
            self.out.add_heading(numbered + line, properties.outline + 2)
        elif mark is not None:
            self.out.add_block(f"{'  ' * properties.list_level}{mark} {line}", "item")
        else:
            self.out.add_block(text)

    def _mark(self, properties: Properties) -> str | None:
        if not properties.list_use:
            return None
        return self._lists.mark(str(properties.list_use), properties.list_level)

    def _words(self, raw: str) -> str:
        """The text without field codes, which may continue across paragraphs."""
        shown = []
        for part in _FIELD.split(raw):
            if part == _BEGINS:
                self._fields.append(False)
            elif part == _SEPARATES and self._fields:
                self._fields[-1] = True
            elif part == _ENDS and self._fields:
                self._fields.pop()
            elif all(self._fields):
                shown.append(part)
                self._pictures += part.count(_PICTURE)
        return _text("".join(shown))

    def _read_notes(self, kind: str, places: int, texts: int) -> Iterator[tuple[int, str, str]]:
        """Position of each reference, the note's label, and its text."""
        stored = self._doc.structure(places)
        size = _COMMENT_SIZE if kind == "comment" else 2
        count = max(0, (len(stored) - 4) // (4 + size))
        starts = _numbers(self._doc.structure(texts))
        begin, end = self._doc.parts[kind]
        owners = self._owners() if kind == "comment" else []
        for number, place in enumerate(_numbers(stored)[:count]):
            if number + 1 >= len(starts):
                return
            first, last = begin + starts[number], min(end, begin + starts[number + 1])
            label = kind.capitalize()
            if kind == "comment":
                at = 4 * (count + 1) + size * number + 20
                owner = int.from_bytes(stored[at : at + 2], "little")
                label += f" ({owners[owner]})" if owner < len(owners) and owners[owner] else ""
            yield place, label, " ".join(self._plain(first, last))

    def _read_boxes(self, part: str, texts: int, shapes: int) -> Iterator[tuple[int, str, str]]:
        """Text boxes by anchor position; those without an anchor come last."""
        anchors = self._doc.structure(shapes)
        count = max(0, (len(anchors) - 4) // (4 + _SHAPE_SIZE))
        places = _numbers(anchors)[:count]
        ids = (4 * (count + 1) + _SHAPE_SIZE * number for number in range(count))
        known = dict(zip((anchors[at : at + 4] for at in ids), places, strict=True))
        stored = self._doc.structure(texts)
        count = max(0, (len(stored) - 4) // (4 + _BOX_SIZE))
        begin, end = self._doc.parts[part]
        starts = _numbers(stored)
        for number in range(count):
            at = 4 * (count + 1) + _BOX_SIZE * number + 14
            place = known.get(stored[at : at + 4], self._doc.parts["text"][1])
            lines = self._plain(begin + starts[number], min(end, begin + starts[number + 1]))
            yield place, "", "\n".join(lines)

    def _owners(self) -> list[str]:
        stored, at = self._doc.structure(AUTHORS), 0
        names = []
        while at + 2 <= len(stored):
            length = 2 * int.from_bytes(stored[at : at + 2], "little")
            name = stored[at + 2 : at + 2 + length].decode("utf-16-le", "replace")
            names.append(" ".join(name.split()))
            at += 2 + length
        return names

    def _add_notes(self, end: int) -> None:
        """Add the notes referenced before this position."""
        while self._notes and self._notes[0][0] < end:
            _, label, text = self._notes.pop(0)
            if label in ("Footnote", "Endnote"):
                self._note_number += 1
                label += f" {self._note_number}"
            self.out.add_block(f"{label}: {text}" if label and text else text)

    def _plain(self, start: int, end: int) -> Iterator[str]:
        """The lines of another story."""
        fields, self._fields = self._fields, []
        for _, raw, _ in self._doc.paragraphs(start, end):
            if line := " ".join(self._words(raw).split()):
                yield line
        self._fields = fields

    def _edges(self) -> Iterator[str]:
        """Header and footer lines that are more than a page number."""
        places = _numbers(self._doc.structure(HEADERS))[_SEPARATORS:]
        begin, end = self._doc.parts["header"]
        for first, last in pairwise(places):
            for _, raw, _ in self._doc.paragraphs(begin + first, min(end, begin + last)):
                shown = _without_page_numbers(raw)
                line = " ".join(_text(shown).split())
                few = _FEW_LETTERS if len(shown) < len("".join(_FIELD.split(raw))) else 0
                if sum(map(str.isalpha, line)) > few:
                    yield line
        for _, _, text in self._read_boxes("header box", HEADER_BOXES, HEADER_SHAPES):
            yield from text.split("\n")


def _without_page_numbers(raw: str) -> str:
    shown: list[str] = []
    open_fields: list[list[str]] = []
    results: list[bool] = []
    for part in _FIELD.split(raw):
        if part == _BEGINS:
            open_fields.append([])
            results.append(False)
        elif part == _SEPARATES and results:
            code = "".join(open_fields[-1]).split()
            results[-1] = not code or code[0].upper() not in _PAGE_NUMBERS
        elif part == _ENDS and results:
            open_fields.pop()
            results.pop()
        elif all(results):
            shown.append(part)
        elif open_fields:
            open_fields[-1].append(part)
    return "".join(shown)


def _text(raw: str) -> str:
    """Combine surrogate pairs, which encode characters above U+FFFF."""
    text = raw.translate(_TABLE)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _numbers(stored: bytes) -> list[int]:
    return [int.from_bytes(stored[at : at + 4], "little") for at in range(0, len(stored) - 3, 4)]
