"""PPTX: each slide is a page under its title, with its notes."""

import io
from collections.abc import Iterable
from typing import Final

from lxml.etree import LxmlError
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PythonPptxError
from pptx.shapes.autoshape import Shape
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.shapes.group import GroupShape
from pptx.slide import Slide
from pptx.table import Table
from pptx.text.text import TextFrame

from app.ingest.loaders.archives import BROKEN, Archive
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.parsed_document import IngestError, ParsedDocument

MAX_GROUP_DEPTH: Final = 20
_FURNITURE: Final = (
    PP_PLACEHOLDER.DATE,
    PP_PLACEHOLDER.FOOTER,
    PP_PLACEHOLDER.HEADER,
    PP_PLACEHOLDER.SLIDE_NUMBER,
)


def load_pptx(data: bytes) -> ParsedDocument:
    """Title: the one in the file's properties, else that of the first slide."""
    Archive(data).check_markup()
    out = ExtractedText()
    try:
        deck = Presentation(io.BytesIO(data))
        slides = list(deck.slides)
        for number, slide in enumerate(slides, start=1):
            _add_slide(out, slide, number)
        title = _chosen(deck.core_properties.title) or (_title(slides[0]) if slides else None)
    except (*BROKEN, PythonPptxError, LxmlError, KeyError, ValueError, AttributeError) as error:
        raise IngestError("the file is damaged (it is no whole presentation)") from error
    return out.document(title, pages=len(slides))


def _chosen(title: str | None) -> str | None:
    """Not the one that every new file has."""
    return None if title in ("PowerPoint Presentation", "PowerPoint-Präsentation") else title


def _title(slide: Slide) -> str | None:
    shape = slide.shapes.title
    return " ".join(shape.text_frame.text.split()) or None if shape is not None else None


def _add_slide(out: ExtractedText, slide: Slide, number: int) -> None:
    title = _title(slide)
    out.add_heading(title or f"Slide {number}", 2, written=title is not None, page=number)
    heading = slide.shapes.title
    rest = [s for s in slide.shapes if heading is None or s.shape_id != heading.shape_id]
    _add_shapes(out, rest, number, depth=0)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text
        if notes.strip():
            out.add_heading("Notes", 3)
            out.add_block(_cleaned(notes), page=number)


def _add_shapes(
    out: ExtractedText, shapes: Iterable[BaseShape], number: int, *, depth: int
) -> None:
    for shape in shapes:
        if shape.is_placeholder and shape.placeholder_format.type in _FURNITURE:
            continue
        if isinstance(shape, GroupShape):
            if depth < MAX_GROUP_DEPTH:
                _add_shapes(out, shape.shapes, number, depth=depth + 1)
        elif isinstance(shape, GraphicFrame):
            if shape.has_table:
                _add_table(out, shape.table, number)
        elif isinstance(shape, Shape):
            _add_frame(out, shape.text_frame, number)


def _add_table(out: ExtractedText, table: Table, number: int) -> None:
    for row in table.rows:
        cells = [_cleaned(cell.text_frame.text) for cell in row.cells if not cell.is_spanned]
        out.add_block(" | ".join(" ".join(cell.split()) for cell in cells), "row", page=number)


def _add_frame(out: ExtractedText, frame: TextFrame, number: int) -> None:
    lines = [(p.level, _cleaned(p.text)) for p in frame.paragraphs if p.text.strip()]
    if len(lines) == 1:
        out.add_block(lines[0][1], page=number)
        return
    for level, text in lines:
        mark = "  " * min(level, 8) + "- "
        out.add_block(mark + " ".join(text.split()), "item", page=number)


def _cleaned(text: str) -> str:
    return text.replace("\v", "\n").strip()
