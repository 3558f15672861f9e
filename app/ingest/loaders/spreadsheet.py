"""XLSX: each sheet is a heading, each row a line; drawings and comments follow."""

from collections.abc import Iterator
from itertools import chain, dropwhile
from typing import Final

from app.ingest.loaders.charts import chart_rows, chart_titles, diagram_items, paragraph_texts
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.open_xml import Element, Package, Relationship, child, descendants, kind
from app.ingest.loaders.sheet_cells import (
    Book,
    read_rows,
    read_strings,
    read_styles,
    sheets_of,
    table_heads,
)
from app.ingest.loaders.sheet_comments import Places, read_comments
from app.ingest.loaders.tables import add_table
from app.ingest.loaders.titles import useful_title
from app.ingest.parsed_document import IngestError, ParsedDocument

_OTHER: Final = "other"  # type of a missing relationship


def load_xlsx(data: bytes) -> ParsedDocument:
    """Title: the title property. Hidden sheets are counted but not read."""
    package = Package(data, "workbook")
    name, workbook = package.main("s:workbook")
    properties = child(workbook, "s:workbookPr")
    since_1904 = properties is not None and properties.get("date1904") in ("1", "true")
    strings = [
        text
        for one in package.related(name, "sharedStrings")
        for text in read_strings(package, one)
    ]
    styles = next(iter(package.related(name, "styles")), _OTHER)
    book = Book(strings, read_styles(package, styles), since_1904)
    out = ExtractedText()
    relations = package.relationships(name)
    sheets = list(sheets_of(workbook))
    damaged = 0
    for title, relation, visible in sheets:
        part = relations.get(relation)
        if not visible or part is None:
            continue
        try:
            _add_sheet(out, package, part, book, title)
        except IngestError:
            if book.left < 0 or len(sheets) == 1:
                raise
            damaged += 1
    hidden = sum(not visible for _, _, visible in sheets)
    out.add_note("hidden_sheets", hidden, len(sheets))
    out.add_note("damaged_sheets", damaged, len(sheets))
    out.add_note("formulas_without_values", book.without_values)
    return out.document(useful_title(package.title()))


def _add_sheet(
    out: ExtractedText, package: Package, part: Relationship, book: Book, title: str
) -> None:
    """Add the sheet's name and rows, then its drawings and comments."""
    drawn = [*_drawn(package, part.target)]
    places = Places(read_comments(package, part.target))
    rows = _rows(package, part, book, places)
    first = next(rows, None)
    if first is not None or drawn or places.comments:
        out.add_heading(title, 2)
    if first is not None:
        add_table(out, chain([first], rows))
    for line in (*drawn, *places.described()):
        out.add_block(line)


def _rows(package: Package, part: Relationship, book: Book, places: Places) -> Iterator[list[str]]:
    """Rows from the first non-empty one. A chart sheet has none."""
    if part.type == "worksheet":
        heads = table_heads(package, part.target)
        numbered = read_rows(package.content(part.target), book, heads)
        yield from dropwhile(lambda row: not any(row), places.noting(numbered))


def _drawn(package: Package, sheet: str) -> Iterator[str]:
    """The text of text boxes, charts and diagrams, and the alternative text of pictures."""
    for drawing in package.related(sheet, "drawing"):
        tree = package.optional(drawing)
        if tree is None:
            continue
        for node in descendants(tree, "xdr:cNvPr", "xdr:txBody"):
            if kind(node) == "xdr:txBody":
                yield "\n".join(paragraph_texts(node))
            elif description := " ".join((node.get("descr") or "").split()):
                yield description
        for relation in package.relationships(drawing).values():
            part = package.optional(relation.target) if relation.type in _DRAWN else None
            if part is not None:
                yield from _DRAWN[relation.type](part)


def _chart(part: Element) -> Iterator[str]:
    yield from chart_titles(part)
    yield from chart_rows(part)


def _diagram(part: Element) -> Iterator[str]:
    yield from (text for _, text in diagram_items(part))


_DRAWN: Final = {"chart": _chart, "chartEx": _chart, "diagramData": _diagram}
