"""OpenDocument (ODT, ODS, ODP, ODG), in an archive or as one XML file."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from app.ingest.loaders.archives import Archive
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.open_document_styles import (
    DUBLIN_CORE,
    DocumentStyles,
    Element,
    kind,
    number_of,
    value_of,
)
from app.ingest.loaders.raised_text import LOOK_BACK
from app.ingest.loaders.table_headers import USUAL, HeaderRow, Spanned
from app.ingest.loaders.tables import add_table
from app.ingest.loaders.titles import useful_title
from app.ingest.loaders.xml_document import parse_xml
from app.ingest.parsed_document import IngestError, ParsedDocument

MAX_CELLS: Final = 5_000_000
_MAX_REPEATED: Final = 1_000  # rows or cells repeated more often than this are not expanded
_MAX_GAP: Final = 100  # consecutive empty cells or spaces
_CONTENT: Final = "content.xml"
_SKIPPED: Final = frozenset(
    {"text:tracked-changes", "text:table-of-content", "text:sequence-decls", "office:forms"}
    | {"text:ruby-text", "text:note-citation", "dc:creator", "dc:date", "office:event-listeners"}
    | {"text:variable-decls", "text:user-field-decls", "table:shapes", "office:scripts"}
)
_ASIDES: Final = frozenset({"text:note", "text:footnote", "text:endnote", "office:annotation"})
_ROW_GROUPS: Final = frozenset(
    {"table:table-row-group", "table:table-header-rows", "table:table-rows"}
)
_PARAGRAPHS: Final = frozenset({"text:p", "text:h"})
_COVERED: Final = "table:covered-table-cell"
_CELLS: Final = frozenset({"table:table-cell", _COVERED})
_LISTS: Final = frozenset({"text:list", "text:ordered-list", "text:unordered-list"})


def load_open_document(data: bytes) -> ParsedDocument:
    """Title: the title property unless a program generated it, else the first paragraph in the
    style "Title", level-1 heading or slide title."""
    if not data.startswith(b"PK"):
        root = parse_xml(data)
        if kind(root) != "office:document":
            raise IngestError("the file is damaged (it is not a complete OpenDocument file)")
        return _read(root, [root], lambda name: None)
    archive = Archive(data)
    _refuse_locked(archive)
    content = parse_xml(archive.read(_CONTENT))
    others = (_optional(archive, name) for name in ("styles.xml", "meta.xml"))
    parts = [content, *(one for one in others if one is not None)]
    return _read(content, parts, lambda name: _optional(archive, f"{name}/content.xml"))


def _refuse_locked(archive: Archive) -> None:
    manifest = "META-INF/manifest.xml"
    if manifest in archive.names and b"encryption-data" in archive.read(manifest):
        raise IngestError("the file is encrypted; save it without a password")


def _optional(archive: Archive, name: str) -> Element | None:
    try:
        return parse_xml(archive.read(name))
    except IngestError:
        return None


def _read(
    content: Element, parts: Sequence[Element], embedded: Callable[[str], Element | None]
) -> ParsedDocument:
    body = next((one for one in content if kind(one) == "office:body"), None)
    if body is None:
        raise IngestError("the file is damaged (it is not a complete OpenDocument file)")
    reader = _Reader(DocumentStyles(parts), embedded)
    reader.blocks(body)
    for part in parts:
        reader.page_frames(part)
    titles = (one.text for part in parts for one in part.iter(f"{{{DUBLIN_CORE}}}title"))
    title = next((text for text in map(useful_title, titles) if text), None)
    return reader.out.document(title or reader.title or reader.first_heading, pages=reader.page)


class _Reader:
    """Reads a document in one pass."""

    def __init__(self, styles: DocumentStyles, embedded: Callable[[str], Element | None]) -> None:
        """`embedded` returns the content of an embedded object by name, if it is in the archive."""
        self.out = ExtractedText()
        self.page: int | None = None
        self.title: str | None = None  # from the first paragraph in that style
        self.first_heading: str | None = None
        self._styles = styles
        self._embedded = embedded
        self._cells = MAX_CELLS
        self._aside: list[Element] = []
        self._places: dict[Element, str] = {}  # comments on cells, with the row they belong to

    def blocks(self, node: Element) -> None:
        """Add every block below the node. Code lines form one block."""
        code: list[str] = []
        for child in node:
            if kind(child) == "text:p" and self._styles.is_code(child):
                code.append(self._text(child))
                continue
            self._code(code)
            self._block(child)
        self._code(code)

    def _code(self, lines: list[str]) -> None:
        self.out.add_block("\n".join(lines), "code", page=self.page)
        lines.clear()
        self._asides()

    def page_frames(self, part: Element) -> None:
        """Add page headers and footers, each distinct text once."""
        texts: dict[str, None] = {}
        for one in part.iter():
            if kind(one) in ("style:header", "style:footer"):
                paragraphs = (self._text(p) for p in one.iter() if kind(p) in _PARAGRAPHS)
                texts |= dict.fromkeys(text for text in paragraphs if any(map(str.isalpha, text)))
        for text in texts:
            self.out.add_block(text)

    def _block(self, node: Element) -> None:
        match kind(node):
            case "text:h":
                self._heading(node)
            case "text:p":
                self._paragraph(node)
            case name if name in _LISTS:
                self._list(node, depth=0)
            case "table:table":
                self._table(node)
            case "draw:object":
                self._object(node)
            case "draw:page":
                self._slide(node)
            case "svg:title" | "svg:desc":
                self.out.add_block(self._text(node), page=self.page)
            case name if name in _SKIPPED or not name or _is_placeholder(node):
                return
            case _:
                self.blocks(node)

    def _paragraph(self, node: Element) -> None:
        text = self._text(node)
        if self.title is None and text.strip() and self._styles.is_title(node):
            self.title = " ".join(text.split())
            self.out.add_heading(self.title, 1, named=False, page=self.page)
        else:
            self.out.add_block(text, page=self.page)
        self._asides()

    def _heading(self, node: Element) -> None:
        level = number_of(node, "outline-level", number_of(node, "level"))
        text = " ".join(self._text(node).split())
        if level == 1:
            self.first_heading = self.first_heading or text
        self.out.add_heading(text, level, page=self.page)
        self._asides()

    def _object(self, node: Element) -> None:
        """Add a formula as a line, a chart as its data table."""
        found = self._content(node)
        if found is None:
            self.blocks(node)
        elif (formula := _formula(found)) is not None:
            self.out.add_block(formula, page=self.page)
        else:
            self.blocks(found)

    def _content(self, node: Element) -> Element | None:
        return self._embedded(value_of(node, "href").removeprefix("./").rstrip("/"))

    def _inline_formula(self, frame: Element) -> str | None:
        """The formula of a frame that contains nothing else."""
        only = next(iter(frame), None)
        if only is None or kind(only) != "draw:object":
            return None
        found = self._content(only)
        return None if found is None else _formula(found)

    def _list(self, node: Element, *, depth: int, style: str = "") -> None:
        style = value_of(node, "style-name") or style
        numbered = self._styles.is_numbered(style, depth + 1)
        ordered = numbered or kind(node) == "text:ordered-list"
        number = 1
        for item in node:
            if kind(item) not in ("text:list-item", "text:list-header"):
                continue
            mark = f"{number}. " if ordered else "- "
            number += 1
            for part in item:
                if kind(part) in _LISTS:
                    self._list(part, depth=depth + 1, style=style)
                elif kind(part) in _PARAGRAPHS:
                    text = self._text(part)
                    line = f"{'  ' * depth}{mark}{text}" if text.strip() else ""
                    self.out.add_block(line, "item", page=self.page)
                    self._asides()
                    mark = " " * len(mark)
                else:
                    self._block(part)

    def _slide(self, node: Element) -> None:
        self.page = (self.page or 0) + 1
        title = next((one for one in node if value_of(one, "class") == "title"), None)
        words = "" if title is None else " ".join(self._words(title).split())
        self.first_heading = self.first_heading or words
        heading = words or value_of(node, "name") or f"Slide {self.page}"
        self.out.add_heading(heading, 1, written=bool(words), page=self.page)
        for child in node:
            if child is not title:
                self._block(child)

    def _table(self, node: Element) -> None:
        if value_of(node, "style-name") in self._styles.hidden:
            self.out.add_note("hidden_sheets", 1)
            return
        parent = node.getparent()
        if parent is not None and kind(parent) in ("office:spreadsheet", "office:body"):
            self.out.add_heading(value_of(node, "name"), 2, written=False)
        for part in node:
            if kind(part) == "table:shapes":
                self.blocks(part)
        is_sheet = parent is not None and kind(parent) == "office:spreadsheet"
        rows = self._rows(node, {})
        add_table(self.out, rows, page=self.page, prior=USUAL if is_sheet else 0.0)
        self._asides()

    def _rows(
        self, node: Element, merged: dict[int, tuple[str, int]], *, head: bool = False
    ) -> Iterator[list[str]]:
        """`merged` maps a column to a text and the number of further rows it spans."""
        for child in node:
            name = kind(child)
            if name in _ROW_GROUPS:
                is_head = head or name == "table:table-header-rows"
                yield from self._rows(child, merged, head=is_head)
            elif name == "table:table-row":
                row = self._row(child, merged)
                times = number_of(child, "number-rows-repeated")
                for _ in range(times if any(row) and times <= _MAX_REPEATED else 1):
                    self._count(len(row) + 1)
                    yield HeaderRow(row) if head else row

    def _row(self, node: Element, merged: dict[int, tuple[str, int]]) -> list[str]:
        cells: list[str] = []
        covered = 0  # columns to the right spanned by the last cell
        for cell in node:
            if kind(cell) not in _CELLS:
                continue
            at, known = len(cells), len(self._aside)
            text = self._words(cell) or value_of(cell, "string-value") or value_of(cell, "value")
            times = number_of(cell, "number-columns-repeated")
            most = min(times, _MAX_REPEATED if text else _MAX_GAP)
            self._count(most)
            if kind(cell) == _COVERED and not text:
                cells += self._covered(cells, merged, most, covered)
                covered = max(0, covered - most)
                continue
            label = ", ".join(dict.fromkeys(one for one in (*cells[:1], text) if one))
            self._places |= dict.fromkeys(self._aside[known:], label)
            cells += [text] * most
            covered = number_of(cell, "number-columns-spanned") - 1
            height = number_of(cell, "number-rows-spanned") - 1
            if height > 0 and text:
                merged[at] = (text, height)
                merged |= {
                    at + n: (Spanned(text), height) for n in range(1, min(covered, _MAX_GAP) + 1)
                }
        return cells

    @staticmethod
    def _covered(
        cells: Sequence[str], merged: dict[int, tuple[str, int]], count: int, beside: int
    ) -> list[str]:
        """The text of the cells that span these positions."""
        found: list[str] = []
        for at in range(len(cells), len(cells) + count):
            text, left = merged.pop(at, ("", 0))
            if left > 1:
                merged[at] = (text, left - 1)
            if not left and len(found) < beside and cells:
                text = Spanned(cells[-1])
            found.append(text)
        return found

    def _count(self, cells: int) -> None:
        self._cells -= cells
        if self._cells < 0:
            raise IngestError(f"the workbook has more than {MAX_CELLS:,} cells")

    def _words(self, node: Element) -> str:
        """All paragraphs below the node, joined."""
        return " ".join(self._text(one) for one in _outer(node, _PARAGRAPHS, _SKIPPED, self._aside))

    def _asides(self) -> None:
        """Add notes, comments and text boxes after the paragraph they are anchored to."""
        while self._aside:
            waiting, self._aside = self._aside, []
            for one in waiting:
                if kind(one) == "office:annotation":
                    self._comment(one)
                else:
                    self.blocks(one)

    def _comment(self, node: Element) -> None:
        author = next((" ".join((one.text or "").split()) for one in node if _is_creator(one)), "")
        place = self._places.pop(node, "")
        text = " ".join(self._text(one) for one in _outer(node, _PARAGRAPHS, _SKIPPED, self._aside))
        label = f"Comment{f' ({author})' if author else ''}{f' on {place}' if place else ''}"
        self.out.add_block(f"{label}: {' '.join(text.split())}" if text.strip() else "")

    def _text(self, node: Element) -> str:
        words: list[str] = []
        for text in self._strings(node, words):
            words.append(text)  # noqa: PERF402 - read while it grows
        return "".join(words)

    def _strings(self, node: Element, before: Sequence[str]) -> Iterator[str]:
        """`before` is the paragraph's text so far."""
        yield node.text or ""
        for child in node:
            match kind(child):
                case "text:s":
                    yield " " * min(number_of(child, "c"), _MAX_GAP)
                case "text:tab" | "text:tab-stop":
                    yield "\t"
                case "text:line-break":
                    yield "\n"
                case "draw:frame" if (formula := self._inline_formula(child)) is not None:
                    yield formula
                case name if name in _ASIDES or name.startswith("draw:"):
                    self._aside.append(child)
                case name if name in _SKIPPED or not name or _is_placeholder(child):
                    pass
                case "text:span" if (shown := self._styles.shift(child)) and before:
                    yield shown("".join(before[-LOOK_BACK:]), self._text(child))
                case _:
                    yield from self._strings(child, before)
            yield child.tail or ""


def _is_creator(node: Element) -> bool:
    return kind(node) == "dc:creator"


def _is_placeholder(node: Element) -> bool:
    """Whether the field only shows a prompt for what to enter."""
    return kind(node) == "text:placeholder" or value_of(node, "showing-place-holder") == "true"


def _formula(root: Element) -> str | None:
    """The formula source if stored, else its symbols in order; None if it is no formula."""
    if root.tag.rpartition("}")[2] != "math":
        return None
    notes = (one.text for one in root.iter() if str(one.tag).endswith("annotation"))
    typed = next((text for text in notes if (text or "").strip()), None)
    return typed or " ".join("".join(root.itertext()).split())


def _outer(
    node: Element, wanted: frozenset[str], skipped: frozenset[str], aside: list[Element]
) -> Iterator[Element]:
    """The outermost wanted elements below the node; notes and comments are collected in `aside`."""
    for child in node:
        name = kind(child)
        if name in wanted:
            yield child
        elif name in _ASIDES:
            aside.append(child)
        elif name not in skipped:
            yield from _outer(child, wanted, skipped, aside)
