"""DOCX: headings, paragraphs, lists and tables; deleted text and page furniture are left out."""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from docx import Document
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError

from app.ingest.loaders.archives import BROKEN, Archive
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.parsed_document import IngestError, ParsedDocument

if TYPE_CHECKING:
    from docx.oxml.table import CT_Tc

MAX_TABLE_DEPTH: Final = 20
_HEADING: Final = re.compile(r"heading\s*([1-9])", re.IGNORECASE)
_LIST: Final = re.compile(r"list", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"list number", re.IGNORECASE)


def load_docx(data: bytes) -> ParsedDocument:
    """Title: a paragraph in the style "Title", else the one in the file's properties."""
    Archive(data).check_markup()
    walk = _Walk()
    try:
        document = Document(io.BytesIO(data))
        for block in document.iter_inner_content():
            walk.block(block)
        title = walk.title or document.core_properties.title
    except (*BROKEN, OpcError, LxmlError, KeyError, ValueError, AttributeError) as error:
        raise IngestError("the file is damaged (it is no whole Word document)") from error
    return walk.out.document(title)


class _Walk:
    """One pass over the body."""

    def __init__(self) -> None:
        self.out = ExtractedText()
        self.title: str | None = None
        self._number = 0

    def block(self, block: Paragraph | Table) -> None:
        if isinstance(block, Table):
            self._number = 0
            for cells in _rows(block):
                self.out.add_block(" | ".join(cells), "row")
            return
        text = _text(block)
        if text.strip():
            self._paragraph(block, text)

    def _paragraph(self, paragraph: Paragraph, text: str) -> None:
        style = _style(paragraph)
        if style == "Title" and self.title is None:
            self.title = " ".join(text.split())
            self.out.add_heading(self.title, 1, named=False)
        elif heading := _HEADING.match(style):
            self.out.add_heading(" ".join(text.split()), int(heading[1]) + 1)
        elif _is_item(paragraph, style):
            self._item(paragraph, style, text)
            return
        else:
            self.out.add_block(text)
        self._number = 0

    def _item(self, paragraph: Paragraph, style: str, text: str) -> None:
        """A numbering's own definition may look like anything; only its style is read."""
        mark = "- "
        if _NUMBERED.match(style):
            self._number += 1
            mark = f"{self._number}. "
        self.out.add_block("  " * _level(paragraph) + mark + " ".join(text.split()), "item")


def _style(paragraph: Paragraph) -> str:
    style = paragraph.style
    return (style.name if style is not None else None) or ""


def _is_item(paragraph: Paragraph, style: str) -> bool:
    return _LIST.match(style) is not None or bool(paragraph._p.xpath("./w:pPr/w:numPr"))


def _level(paragraph: Paragraph) -> int:
    levels = paragraph._p.xpath("./w:pPr/w:numPr/w:ilvl/@w:val")
    return min(int(levels[0]), 8) if levels else 0


def _text(paragraph: Paragraph) -> str:
    """What a reader sees: insertions and links too, deletions not."""
    words: list[str] = []
    for node in paragraph._p.iter(qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr")):
        if node.tag == qn("w:t"):
            words.append(node.text or "")
        elif node.getparent().tag == qn("w:r"):
            words.append("\t" if node.tag == qn("w:tab") else "\n")
    return "".join(words)


def _rows(table: Table, depth: int = 0) -> Iterator[list[str]]:
    """The cells of each row; a merged cell once."""
    above: dict[int, CT_Tc] = {}
    for row in table.rows:
        starts: dict[int, CT_Tc] = {}
        column = row.grid_cols_before
        for own in row._tr.tc_lst:
            # What goes on from the row above stands in each row. Columns are only counted: a cell
            # may claim a thousand million of them.
            starts[column] = above.get(column, own) if own.vMerge == "continue" else own
            column += own.grid_span
        above = starts
        cells = [_cell(_Cell(one, table), depth) for one in starts.values()]
        if any(cells):
            yield cells


def _cell(cell: _Cell, depth: int) -> str:
    parts: list[str] = []
    for block in cell.iter_inner_content():
        if isinstance(block, Paragraph):
            parts.append(_text(block))
        elif depth < MAX_TABLE_DEPTH:
            parts += [" ".join(inner) for inner in _rows(block, depth + 1)]
    return " ".join(" ".join(parts).split())
