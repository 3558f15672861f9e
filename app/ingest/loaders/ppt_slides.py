"""PPT (PowerPoint 97 to 2003): each slide is a page under its title, with notes and comments.

Record names follow [MS-PPT] and [MS-ODRAW].
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from app.ingest.loaders.compound_file import CompoundFile
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.ppt_records import (
    NOTES,
    SLIDE,
    Presentation,
    Record,
    children,
    descendants,
    records,
    text_of,
)
from app.ingest.loaders.slide_order import Placed, reading_order
from app.ingest.loaders.tables import add_table
from app.ingest.loaders.titles import useful_title
from app.ingest.parsed_document import IngestError, ParsedDocument

_SLIDE_ATOM, _NOTES_ATOM, _PERSIST_ATOM, _LIST_WITH_TEXT = 1007, 1009, 1011, 4080
_DRAWING, _TEXT_HEADER, _OUTLINE_REF, _PLACEHOLDER = 1036, 3999, 3998, 3011
_COMMENT, _CSTRING, _FOOTERS, _EMBEDDED = 12000, 4026, 4057, 4044
_GROUP, _SHAPE, _SHAPE_FLAGS, _TEXTBOX, _ANCHOR, _CHILD_ANCHOR = (
    *(0xF003, 0xF004, 0xF00A, 0xF00D, 0xF010, 0xF00F),
)
_OPTIONS: Final = (0xF00B, 0xF122)
_TABLE_PROPERTY: Final = 0x039F
_PICTURE_FRAME: Final = 75
_TITLES: Final = (0, 6)
_BODIES: Final = (1, 5, 7, 8)
_EDGES: Final = (7, 8, 9, 10)  # placeholders for date, number, footer and header
_NOTES_TEXT: Final = 2
_MAX_DEPTH: Final = 30


@dataclass(frozen=True, slots=True)
class _Text:
    """The text of one box; `kind` as in TextHeaderAtom."""

    kind: int
    text: str


@dataclass(frozen=True, slots=True)
class _Table:
    rows: list[list[str]]


@dataclass(slots=True)
class _Listed:
    """A slide in the document's slide list, with its placeholder texts."""

    persist: int
    identifier: int
    outline: list[_Text] = field(default_factory=list)


def load_ppt(data: bytes) -> ParsedDocument:
    """Title: the title property, else the title of the first slide."""
    file = CompoundFile(data)
    deck = _Deck(Presentation(file))
    pages = deck.read()
    return deck.out.document(useful_title(file.title()) or deck.first_title, pages=pages)


class _Deck:
    def __init__(self, presentation: Presentation) -> None:
        self.out = ExtractedText()
        self.first_title: str | None = None
        self._presentation = presentation

    def read(self) -> int:
        """Read the slides. Returns how many there are."""
        document = self._presentation.document()
        slides = _listed(document, 0)
        notes = {}
        for one in _listed(document, 2):
            record = self._presentation.record(one.persist, NOTES)
            atom = next(children(record, _NOTES_ATOM), None) if record else None
            if record and atom and len(atom.content) >= 4:
                notes[int.from_bytes(atom.content[:4], "little")] = record
        unreadable = 0
        for number, one in enumerate(slides, 1):
            slide = self._presentation.record(one.persist, SLIDE)
            unreadable += slide is None
            self._slide(slide, one, number)
            self._notes(notes.get(one.identifier), number)
        self.out.add_note("unreadable_pages", unreadable, len(slides))
        self.out.add_note("embedded_files", sum(1 for _ in descendants(document, _EMBEDDED)))
        for text in dict.fromkeys(_footers(document)):
            self.out.add_block(text)
        return len(slides)

    def _slide(self, slide: Record | None, listed: _Listed, number: int) -> None:
        pictures: list[Record] = []
        placed = list(_placed(slide, listed.outline, pictures)) if slide else []
        found = [one.content for one in reading_order(placed)] or listed.outline
        title = next((one for one in found if isinstance(one, _Text) and one.kind in _TITLES), None)
        words = " ".join(title.text.split()) if title else ""
        if number == 1:
            self.first_title = words or None
        self.out.add_heading(words or f"Slide {number}", 2, written=bool(words), page=number)
        for one in found:
            if isinstance(one, _Table):
                add_table(self.out, one.rows, page=number, prior=0.0)
            elif one is not title:
                self._add(one, number)
        self.out.add_note("pictures", len(pictures))
        for comment in descendants(slide, _COMMENT) if slide else ():
            self._comment(comment, number)

    def _add(self, box: _Text, number: int) -> None:
        paragraphs = [one for one in box.text.split("\n") if one.strip()]
        listed = box.kind in _BODIES and len(paragraphs) > 1
        for one in paragraphs:
            text = one.replace("\v", "\n").strip()
            self.out.add_block(
                f"- {text}" if listed else text, "item" if listed else "paragraph", page=number
            )

    def _notes(self, notes: Record | None, number: int) -> None:
        if notes is None:
            return
        boxes = (one.content for one in _placed(notes, [], []))
        texts = [one.text for one in boxes if isinstance(one, _Text) and one.kind == _NOTES_TEXT]
        if words := "\n".join(text.replace("\v", "\n").strip() for text in texts if text.strip()):
            self.out.add_heading("Notes", 3, written=False)
            self.out.add_block(words, page=number)

    def _comment(self, comment: Record, number: int) -> None:
        texts = {
            one.instance: " ".join(text_of(one).split()) for one in children(comment, _CSTRING)
        }
        label = f"Comment ({texts[0]})" if texts.get(0) else "Comment"
        if texts.get(1):
            self.out.add_block(f"{label}: {texts[1]}", page=number)


def _listed(document: Record, instance: int) -> list[_Listed]:
    """Slides (instance 0) or notes (2) in order."""
    found: list[_Listed] = []
    for one in children(document, _LIST_WITH_TEXT):
        if one.instance != instance:
            continue
        kind = 4
        for record in records(one.content):
            if record.type == _PERSIST_ATOM and len(record.content) >= 16:
                persist, _, _, identifier = struct.unpack_from("<4I", record.content)
                found.append(_Listed(persist, identifier))
            elif record.type == _TEXT_HEADER:
                kind = int.from_bytes(record.content[:4], "little")
                if found:
                    found[-1].outline.append(_Text(kind, ""))
            elif found and found[-1].outline and (text := text_of(record)):
                found[-1].outline[-1] = _Text(kind, text)
    return found


def _footers(document: Record) -> Iterator[str]:
    for one in children(document, _FOOTERS):
        yield from (" ".join(text_of(text).split()) for text in children(one, _CSTRING))


def _placed(slide: Record, outline: list[_Text], pictures: list[Record]) -> Iterator[Placed]:
    """The boxes and tables with text."""
    for drawing in children(slide, _DRAWING):
        for root in records(drawing.content):
            for group in children(root, _GROUP):
                yield from _in_group(group, outline, pictures, 0)


def _in_group(
    group: Record, outline: list[_Text], pictures: list[Record], depth: int
) -> Iterator[Placed]:
    if depth > _MAX_DEPTH:
        raise IngestError("the file is nested too deeply")
    shapes = [one for one in records(group.content) if one.type in (_SHAPE, _GROUP)]
    own = shapes[0] if shapes and shapes[0].type == _SHAPE else None
    if own is not None and _is_table(own):
        cells = [one for shape in shapes[1:] for one in _box(shape, outline, pictures)]
        if rows := _rows(cells):
            yield Placed(*_place(own), _Table(rows))
        return
    for shape in shapes:
        if shape.type == _GROUP:
            inner = list(_in_group(shape, outline, pictures, depth + 1))
            yield from inner if depth == 0 else reading_order(inner)
        else:
            yield from _box(shape, outline, pictures)


def _box(shape: Record, outline: list[_Text], pictures: list[Record]) -> Iterator[Placed]:
    if shape.type != _SHAPE:
        return
    for one in records(shape.content):
        if one.type == _SHAPE_FLAGS and one.instance == _PICTURE_FRAME:
            pictures.append(one)
        elif one.type == _TEXTBOX and not _is_edge(shape):
            text = _text(one, outline)
            if text.text.strip(" *\n\v"):
                yield Placed(*_place(shape), text)


def _text(box: Record, outline: list[_Text]) -> _Text:
    kind, text = 4, ""
    for one in records(box.content):
        if one.type == _TEXT_HEADER:
            kind = int.from_bytes(one.content[:4], "little")
        elif one.type == _OUTLINE_REF:
            at = int.from_bytes(one.content[:4], "little")
            if at < len(outline):
                return outline[at]
        else:
            text = text_of(one) or text
    return _Text(kind, text)


def _is_edge(shape: Record) -> bool:
    return any(
        len(one.content) >= 5 and one.content[4] in _EDGES
        for one in descendants(shape, _PLACEHOLDER)
    )


def _is_table(shape: Record) -> bool:
    for one in records(shape.content):
        if one.type in _OPTIONS:
            count = min(one.instance, len(one.content) // 6)
            ids = (
                entry[0] & 0x3FFF for entry in struct.iter_unpack("<HI", one.content[: count * 6])
            )
            if _TABLE_PROPERTY in ids:
                return True
    return False


def _place(shape: Record) -> tuple[int, int, int, int]:
    """x, y, width and height."""
    for one in records(shape.content):
        if one.type == _CHILD_ANCHOR and len(one.content) >= 16:
            left, top, right, bottom = struct.unpack_from("<4i", one.content)
        elif one.type == _ANCHOR and len(one.content) >= 8:
            form = "<4i" if len(one.content) >= 16 else "<4h"
            top, left, right, bottom = struct.unpack_from(form, one.content)
        else:
            continue
        return left, top, right - left, bottom - top
    return 0, 0, 0, 0


def _rows(cells: list[Placed]) -> list[list[str]]:
    """Arrange cells into rows by position; gaps become empty cells."""
    lefts = {x: at for at, x in enumerate(sorted({one.x for one in cells}))}
    rows: dict[int, list[str]] = {}
    for one in sorted(cells, key=lambda one: (one.y, one.x)):
        row = rows.setdefault(one.y, [""] * len(lefts))
        row[lefts[one.x]] = " ".join(one.content.text.split())
    return list(rows.values())
