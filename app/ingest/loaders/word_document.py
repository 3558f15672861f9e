"""DOCX: headings, paragraphs, lists and tables, with notes, comments and text boxes."""

from collections.abc import Iterator
from typing import Final

from app.ingest.loaders.charts import chart_rows, chart_titles, diagram_items
from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.html_page import HtmlExtractor, decode_html, parse_html
from app.ingest.loaders.open_xml import (
    Element,
    Package,
    attribute,
    child,
    children,
    descendants,
    kind,
    value,
)
from app.ingest.loaders.table_headers import HeaderRow, Spanned
from app.ingest.loaders.tables import add_table, own_cells
from app.ingest.loaders.titles import useful_title
from app.ingest.loaders.word_styles import (
    Style,
    Styles,
    outline_level,
    read_numberings,
    small_number,
)
from app.ingest.loaders.word_text import Aside, Fields, WordText, clear_prompts
from app.ingest.parsed_document import IngestError, ParsedDocument

MAX_TABLE_DEPTH: Final = 20
MAX_PADDING: Final = 20  # leading empty columns to keep in a row
MAX_COLUMNS: Final = 63  # columns in a table; Word's own limit
_WRAPPERS: Final = frozenset(
    {"w:sdt", "w:sdtContent", "w:customXml", "w:smartTag", "w:ins", "w:moveTo"}
)
_REMOVED: Final = ("w:del", "w:moveFrom")
_ON: Final = ("1", "true", "on")
_NOTES: Final = ("footnote", "endnote", "comment")
_EDGES: Final = ("header", "footer")
_FEW_LETTERS: Final = 12  # letters allowed beside a page number: "Page 3 of 9"


def load_docx(data: bytes) -> ParsedDocument:
    """Title: a paragraph in the style "Title", else the title property unless a program generated
    it, else the first heading of level 1."""
    reader = _Reader(Package(data, "Word document"))
    reader.read()
    return reader.out.document(reader.title or reader.named or reader.first_heading)


class _Reader:
    """Reads the body in one pass, then headers, footers and unplaced comments."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.out = ExtractedText()
        self.title: str | None = None
        self.named = useful_title(package.title())
        self.first_heading: str | None = None
        self._name, document = package.main("w:document")
        self._document = clear_prompts(document)
        self._relations = package.relationships(self._name)
        self._styles = Styles(self._related("styles"))
        self._numberings = read_numberings(self._related("numbering"))
        self._notes = {name: self._notes_of(name) for name in _NOTES}
        self._fields = Fields()
        self._number = 0
        self._note_number = 0
        self._held = ""  # text of a paragraph whose end mark was deleted
        self._waiting: list[Aside] = []
        self._pictures = 0

    def read(self) -> None:
        body = child(self._document, "w:body")
        if body is None:
            raise self.package.damaged()
        self._blocks(body)
        self._add_held()
        self._read_rest()
        self.out.add_note("pictures", self._pictures)
        self.out.add_note("unreadable_parts", self.package.unreadable)

    def _related(self, type_: str) -> Element | None:
        named = (one.target for one in self._relations.values() if one.type == type_)
        found = next(named, None)
        return None if found is None else self._part(found)

    def _part(self, name: str) -> Element | None:
        root = self.package.optional(name)
        return None if root is None else clear_prompts(root)

    def _notes_of(self, name: str) -> dict[str, Element]:
        """Notes by id, without the separator lines above them."""
        root = self._related(f"{name}s")
        return {
            attribute(one, "w:id") or "": one
            for one in ([] if root is None else root)
            if kind(one) == f"w:{name}" and attribute(one, "w:type") in (None, "normal")
        }

    def _blocks(self, container: Element) -> None:
        for block in children(container):
            name = kind(block)
            if name == "w:p":
                self._paragraph(block)
            elif name == "w:tbl":
                self._add_held()
                self._table(block)
            elif name == "w:altChunk":
                self._add_file(attribute(block, "r:id") or "")
            elif name in _WRAPPERS:
                self._blocks(block)

    def _add_held(self) -> None:
        self.out.add_block(self._held)
        self._held = ""

    def _add_file(self, relation: str) -> None:
        """Add another file that Word shows here (altChunk); HTML and text files are read."""
        found = self._relations.get(relation)
        if found is None:
            return
        try:
            if found.target.lower().endswith((".htm", ".html", ".xhtml")):
                HtmlExtractor(self.out, None).page(
                    parse_html(decode_html(self.package.content(found.target)))
                )
            elif found.target.lower().endswith(".txt"):
                self.out.add_block(decode(self.package.content(found.target)))
            else:
                self.out.add_note("embedded_files", 1)
        except IngestError:
            self.package.unreadable += 1

    def _paragraph(self, paragraph: Element) -> None:
        words = WordText(self._fields)
        text = self._held + words.read(paragraph)
        self._waiting += words.asides
        properties = child(paragraph, "w:pPr")
        mark = child(properties, "w:rPr")
        if mark is not None and any(child(mark, name) is not None for name in _REMOVED):
            self._held = text
            return
        self._held = ""
        if text.strip():
            self._add(text, properties)
        self._add_waiting()

    def _add(self, text: str, properties: Element | None) -> None:
        style = self._styles.of(properties)
        level = outline_level(properties, style.heading)
        if style.name == "Title" and self.title is None:
            self.title = " ".join(text.split())
            self.out.add_heading(self.title, 1, named=False)
        elif level is not None:
            mark = self._mark(properties, style)
            self._add_heading(" ".join(text.split()), level, mark)
        elif (mark := self._mark(properties, style)) is not None:
            depth = _list_level(properties, style)
            self.out.add_block(f"{'  ' * depth}{mark} {' '.join(text.split())}", "item")
            return
        else:
            self.out.add_block(text)
        self._number = 0

    def _add_heading(self, text: str, level: int, mark: str | None) -> None:
        numbered = f"{mark} " if mark and mark != "-" else ""
        if level == 1 and not numbered:
            self.first_heading = self.first_heading or text
        self.out.add_heading(numbered + text, level + 1)

    def _mark(self, properties: Element | None, style: Style) -> str | None:
        """Return the mark of a list item or numbered heading, None for other paragraphs."""
        list_id = value(properties, "w:numPr", "w:numId") or style.list_id
        if list_id and list_id != "0":
            mark = self._numberings.mark(list_id, _list_level(properties, style))
            if mark is not None:
                return mark or None
        name = style.name.lower()
        if name.startswith("list number"):
            self._number += 1
            return f"{self._number}."
        return "-" if list_id not in (None, "0") or name.startswith("list") else None

    def _add_waiting(self) -> None:
        """Add what is anchored to the paragraph or table that was just added."""
        waiting, self._waiting = self._waiting, []
        for aside in waiting:
            match aside.kind:
                case "box":
                    self._blocks(aside.element)
                case "picture":
                    self._pictures += 1
                case "file":
                    self.out.add_note("embedded_files", 1)
                case "part":
                    self._add_part(aside.text)
                case "text":
                    self.out.add_block(aside.text)
                case "footnote" | "endnote" | "comment":
                    self._add_note(aside.kind, aside.text)

    def _add_part(self, relation: str) -> None:
        """Add a chart or diagram."""
        found = self._relations.get(relation)
        root = None if found is None else self.package.optional(found.target)
        if root is None:
            return
        if kind(root) == "dgm:dataModel":
            for depth, text in diagram_items(root):
                self.out.add_block(f"{'  ' * min(depth, 8)}- {text}", "item")
            return
        for title in chart_titles(root):
            self.out.add_block(title)
        for row in chart_rows(root):
            self.out.add_block(row, "row")

    def _add_note(self, name: str, note_id: str) -> None:
        """Add the note at its first reference only."""
        note = self._notes[name].pop(note_id, None)
        if note is None:
            return
        label = name.capitalize()
        if name == "comment":
            author = " ".join((attribute(note, "w:author") or "").split())
            label += f" ({author})" if author else ""
        else:
            self._note_number += 1
            label += f" {self._note_number}"
        if text := self._plain(note):
            self.out.add_block(f"{label}: {text}")

    def _plain(self, container: Element, depth: int = 0) -> str:
        """All paragraphs and tables in the container, on one line."""
        parts: list[str] = []
        for block in children(container):
            name = kind(block)
            if name == "w:p":
                parts += self._plain_paragraph(block, depth)
            elif name == "w:tbl" and depth < MAX_TABLE_DEPTH:
                parts += [" ".join(own_cells(cells)) for cells in self._rows(block, depth + 1)]
            elif name in _WRAPPERS:
                parts.append(self._plain(block, depth))
        return " ".join(" ".join(parts).split())

    def _plain_paragraph(self, paragraph: Element, depth: int) -> Iterator[str]:
        words = WordText(self._fields)
        text = words.read(paragraph)
        properties = child(paragraph, "w:pPr")
        mark = self._mark(properties, self._styles.of(properties))
        yield text if mark in (None, "-") else f"{mark} {text}"
        for aside in words.asides:
            if aside.kind == "box" and depth < MAX_TABLE_DEPTH:
                yield self._plain(aside.element, depth + 1)
            elif aside.kind == "text":
                yield aside.text
            else:
                self._waiting.append(aside)

    def _table(self, table: Element) -> None:
        self._number = 0
        if all(len(_cells(row)) < 2 for row in _table_rows(table)):  # a frame around text
            for row in _table_rows(table):
                for cell in _cells(row):
                    self._blocks(cell)
            return
        add_table(self.out, self._rows(table, 0), prior=0.0)
        self._add_waiting()

    def _rows(self, table: Element, depth: int) -> Iterator[list[str]]:
        """The cells of each row. A merged cell is repeated in each row and column it covers."""
        style = value(table, "w:tblPr", "w:tblStyle") or ""
        headed = _has_first_row(table) and style in self._styles.headed_tables
        above: list[str] = []
        for number, row in enumerate(_table_rows(table)):
            cells = [""] * min(_number(value(row, "w:trPr", "w:gridBefore"), 0), MAX_PADDING)
            for cell in _cells(row):
                properties = child(cell, "w:tcPr")
                text = self._plain(cell, depth)
                is_below = _goes_on(properties) and len(cells) < len(above)
                if is_below and not isinstance(above[len(cells)], Spanned):
                    text = above[len(cells)]
                width = max(1, _number(value(properties, "w:gridSpan"), 1))
                # A file can claim a span of a billion columns.
                cells += [text, *[Spanned(text)] * (min(width, MAX_COLUMNS - len(cells)) - 1)]
            above = cells
            is_header = (headed and number == 0) or _is_set_apart(row)
            yield HeaderRow(cells) if is_header else cells

    def _read_rest(self) -> None:
        """Add comments without an anchor, then each distinct line of the headers and footers."""
        self._waiting += [Aside("comment", note_id) for note_id in self._notes["comment"]]
        if self._waiting:
            self.out.add_heading("Comments", 1, written=False)
            self._add_waiting()
        lines = dict.fromkeys(line for name in _EDGES for line in self._edge_lines(name))
        if lines:
            self.out.add_heading("Headers and footers", 1, written=False)
        for line in lines:
            self.out.add_block(line)

    def _edge_lines(self, type_: str) -> Iterator[str]:
        for relation in self._relations.values():
            root = self._part(relation.target) if relation.type == type_ else None
            for paragraph in [] if root is None else descendants(root, "w:p"):
                yield from _edge_texts(paragraph)


def _edge_texts(paragraph: Element) -> Iterator[str]:
    words = WordText(Fields(), without_page_numbers=True)
    text = " ".join(words.read(paragraph).split())
    letters = sum(char.isalpha() for char in text)
    if letters > (_FEW_LETTERS if words.has_page_number else 0):
        yield text
    for aside in words.asides:
        if aside.kind == "box":
            for inner in descendants(aside.element, "w:p"):
                yield from _edge_texts(inner)
        elif aside.kind == "text":
            yield aside.text


def _list_level(properties: Element | None, style: Style) -> int:
    own = value(properties, "w:numPr", "w:ilvl")
    return style.list_level if own is None else small_number(own)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 11 else otherwise


def _goes_on(properties: Element | None) -> bool:
    merge = child(properties, "w:vMerge")
    return merge is not None and attribute(merge, "w:val") in (None, "continue")


def _has_first_row(table: Element) -> bool:
    """Whether the table applies its style's formatting for the first row."""
    look = child(table, "w:tblPr", "w:tblLook")
    if look is None:
        return False
    if (own := attribute(look, "w:firstRow")) is not None:
        return own in _ON
    bits = attribute(look, "w:val") or ""
    return len(bits) == 4 and bits.isalnum() and bits[2] in "2367abefABEF"


def _is_set_apart(row: Element) -> bool:
    """Whether the row is bold or repeated on each page as a header."""
    repeated = child(row, "w:trPr", "w:tblHeader")
    if repeated is not None and attribute(repeated, "w:val") in (None, *_ON):
        return True
    written = [one for one in descendants(row, "w:r") if child(one, "w:t") is not None]
    marks = [child(one, "w:rPr", "w:b") for one in written]
    return bool(marks) and all(
        mark is not None and attribute(mark, "w:val") in (None, *_ON) for mark in marks
    )


def _table_rows(node: Element) -> Iterator[Element]:
    for one in children(node):
        if kind(one) == "w:tr":
            if child(one, "w:trPr", "w:del") is None:
                yield one
        elif kind(one) in _WRAPPERS:
            yield from _table_rows(one)


def _cells(node: Element) -> list[Element]:
    found: list[Element] = []
    for one in children(node):
        if kind(one) == "w:tc":
            found.append(one)
        elif kind(one) in _WRAPPERS:
            found += _cells(one)
    return found
