"""PPTX: each slide is a page under its title, in reading order, with notes and comments."""

from collections.abc import Iterable, Iterator
from typing import Final

from app.ingest.loaders.charts import (
    chart_rows,
    chart_titles,
    diagram_items,
    drawn_text,
    paragraph_level,
)
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.open_xml import (
    Element,
    Package,
    Relationship,
    attribute,
    child,
    children,
    descendants,
    kind,
)
from app.ingest.loaders.slide_order import Placed, reading_order
from app.ingest.loaders.table_headers import HeaderRow, Spanned
from app.ingest.loaders.tables import add_table
from app.ingest.loaders.titles import useful_title
from app.ingest.loaders.word_text import described
from app.ingest.parsed_document import BlockKind, ParsedDocument

MAX_GROUP_DEPTH: Final = 20
MAX_LEVEL: Final = 8
_TITLES: Final = ("title", "ctrTitle")
_NUMBERS: Final = ("sldNum", "sldImg")
_EDGES: Final = ("dt", "ftr", "hdr")  # repeated on every slide; kept once
_FORMS: Final = ("p:sp", "p:pic", "p:graphicFrame", "p:grpSp", "p:cxnSp")
Piece = tuple[str, BlockKind]
_TRUE: Final = ("1", "true")


def load_pptx(data: bytes) -> ParsedDocument:
    """Title: the title property, else the title of the first slide."""
    package = Package(data, "presentation")
    deck = _Deck(package)
    pages = deck.read()
    return deck.out.document(useful_title(package.title()) or deck.first_title, pages=pages)


class _Deck:
    """Reads all slides in order."""

    def __init__(self, package: Package) -> None:
        self.out = ExtractedText()
        self.first_title: str | None = None
        self._package = package
        self._edges: set[str] = set()
        self._authors: dict[str, str] = {}
        self._only_pictures = 0
        self._places: dict[str, dict[str, Placed]] = {}

    def read(self) -> int:
        """Read the slides. Returns how many there are."""
        name, presentation = self._package.main("p:presentation")
        relations = self._package.relationships(name)
        ids = [attribute(one, "r:id") or "" for one in descendants(presentation, "p:sldId")]
        slides = [relations[one] for one in ids if one in relations]
        if not slides and ids:
            raise self._package.damaged()
        self._read_authors(relations.values())
        unreadable = sum(not self._slide(one.target, n) for n, one in enumerate(slides, start=1))
        self.out.add_note("unreadable_pages", unreadable, len(slides))
        self.out.add_note("pages_without_text", self._only_pictures, len(slides))
        if unreadable and unreadable == len(slides):
            self._package.part(slides[0].target)  # raises the reason
        return len(slides)

    def _slide(self, name: str, number: int) -> bool:
        """Add one slide. Returns whether it could be read."""
        root = self._package.optional(name)
        if root is None:
            return False
        relations = self._package.relationships(name)
        slide = _Slide(self._package, relations, self._inherited_places(relations))
        shapes = slide.shapes(child(root, "p:cSld", "p:spTree"))
        title = next((text for one in shapes if (text := _title(one))), None)
        if number == 1:
            self.first_title = title
        written, before = title is not None, len(self.out.blocks)
        self.out.add_heading(title or f"Slide {number}", 2, written=written, page=number)
        for shape in shapes:
            if title is not None and _title(shape) == title:
                title = None  # only the first one becomes the heading
            else:
                self._shape(slide, shape, number)
        self.out.add_note("pictures", slide.pictures)
        self.out.add_note("embedded_files", slide.embedded)
        if slide.pictures and not written and len(self.out.blocks) == before:
            self._only_pictures += 1
        self._notes(relations, number)
        self._comments(relations, number)
        return True

    def _shape(self, slide: "_Slide", shape: Element, number: int) -> None:
        placeholder = _placeholder(shape)
        if placeholder in _NUMBERS:
            return
        for table in _tables(shape):
            add_table(self.out, _table_rows(table), page=number, prior=0.0)
        for text, form in slide.texts(shape):
            if placeholder in _EDGES and text in self._edges:
                continue
            if placeholder in _EDGES:
                self._edges.add(text)
            self.out.add_block(text, form, page=number)

    def _notes(self, relations: dict[str, Relationship], number: int) -> None:
        """Add the speaker notes."""
        texts: list[str] = []
        for name in _targets(relations, "notesSlide"):
            root = self._package.optional(name)
            for shape in [] if root is None else descendants(root, "p:sp"):
                if _placeholder(shape) not in (*_NUMBERS, *_EDGES):
                    texts += [drawn_text(one).strip() for one in descendants(shape, "a:p")]
        if notes := "\n".join(text for text in texts if text):
            self.out.add_heading("Notes", 3, written=False)
            self.out.add_block(notes, page=number)

    def _read_authors(self, relations: Iterable[Relationship]) -> None:
        for relation in relations:
            if relation.type in ("commentAuthors", "authors"):
                root = self._package.optional(relation.target)
                for one in [] if root is None else root:
                    self._authors[one.get("id") or ""] = " ".join((one.get("name") or "").split())

    def _comments(self, relations: dict[str, Relationship], number: int) -> None:
        for name in _targets(relations, "comments"):
            root = self._package.optional(name)
            for one in [] if root is None else descendants(root, "p:cm", "p188:cm"):
                lines = [drawn_text(line) for line in descendants(one, "a:p")]
                lines += [line.text or "" for line in descendants(one, "p:text")]
                text = " ".join(" ".join(lines).split())
                author = self._authors.get(one.get("authorId") or "")
                label = f"Comment ({author})" if author else "Comment"
                self.out.add_block(f"{label}: {text}" if text else "", page=number)

    def _inherited_places(self, relations: dict[str, Relationship]) -> dict[str, Placed]:
        """Placeholder positions from the slide's layout and its master."""
        layout = next(iter(_targets(relations, "slideLayout")), None)
        if layout is None:
            return {}
        if layout not in self._places:
            found: dict[str, Placed] = {}
            for master in _targets(self._package.relationships(layout), "slideMaster"):
                found |= _places(self._package.optional(master))
            self._places[layout] = found | _places(self._package.optional(layout))
        return self._places[layout]


def _targets(relations: dict[str, Relationship], type_: str) -> list[str]:
    return [one.target for one in relations.values() if one.type == type_]


def _places(root: Element | None) -> dict[str, Placed]:
    found: dict[str, Placed] = {}
    for shape in [] if root is None else descendants(root, "p:sp", "p:pic"):
        place = _own_place(shape)
        if place is not None:
            for key in _keys(shape):
                found[key] = place
    return found


def _keys(shape: Element) -> list[str]:
    """Keys for placeholder inheritance, best match last."""
    placeholder = _placeholder_element(shape)
    if placeholder is None:
        return []
    type_ = _placeholder(shape) or ""
    index = placeholder.get("idx")
    return [f"type {'title' if type_ in _TITLES else type_}", *([f"idx {index}"] if index else [])]


def _placeholder_element(shape: Element) -> Element | None:
    for one in shape:
        if kind(one).startswith("p:nv"):
            return child(one, "p:nvPr", "p:ph")
    return None


def _placeholder(shape: Element) -> str | None:
    """The placeholder type; None for other shapes."""
    found = _placeholder_element(shape)
    return None if found is None else found.get("type") or "obj"


def _title(shape: Element) -> str | None:
    if _placeholder(shape) not in _TITLES:
        return None
    lines = (drawn_text(one) for one in descendants(shape, "a:p"))
    return " ".join(" ".join(lines).split()) or None


def _own_place(shape: Element) -> Placed | None:
    for properties in ("p:spPr", "p:grpSpPr"):
        frame = child(shape, properties, "a:xfrm")
        if frame is not None:
            break
    else:
        frame = child(shape, "p:xfrm")
    offset, extent = child(frame, "a:off"), child(frame, "a:ext")
    if offset is None or extent is None:
        return None
    x, y = _length(offset.get("x")), _length(offset.get("y"))
    return Placed(x, y, abs(_length(extent.get("cx"))), abs(_length(extent.get("cy"))), shape)


def _length(text: str | None) -> int:
    """A length in EMU; the value is untrusted."""
    text = text or "0"
    digits = text.removeprefix("-")
    if not digits.isdecimal() or len(digits) > 15:
        return 0
    return -int(digits) if text.startswith("-") else int(digits)


class _Slide:
    """The content of one slide."""

    def __init__(
        self,
        package: Package,
        relations: dict[str, Relationship],
        inherited: dict[str, Placed],
    ) -> None:
        self.pictures = 0
        self.embedded = 0
        self._package = package
        self._relations = relations
        self._inherited = inherited

    def shapes(self, tree: Element | None, depth: int = 0) -> list[Element]:
        """Shapes in reading order, titles first. A group is placed as a whole."""
        if tree is None:
            return []
        own = [one for one in children(tree) if kind(one) in _FORMS]
        first = [one for one in own if _title(one)]
        rest = [one for one in own if not _title(one)]
        places = [self._place(one) for one in rest]
        ordered = reading_order([one for one in places if one is not None])
        unplaced = [one for one, place in zip(rest, places, strict=True) if place is None]
        found: list[Element] = []
        for shape in [*first, *(one.content for one in ordered), *unplaced]:
            found.append(shape)
            if kind(shape) == "p:grpSp" and depth < MAX_GROUP_DEPTH:
                found += self.shapes(shape, depth + 1)
        return found

    def _place(self, shape: Element) -> Placed | None:
        own = _own_place(shape)
        if own is not None:
            return own
        for key in reversed(_keys(shape)):
            if (found := self._inherited.get(key)) is not None:
                return Placed(found.x, found.y, found.width, found.height, shape)
        return None

    def texts(self, shape: Element) -> Iterator[Piece]:
        """The texts of one shape, without those of the shapes in a group."""
        name = kind(shape)
        if name == "p:sp":
            yield from _lines(child(shape, "p:txBody"))
        elif name == "p:graphicFrame":
            yield from self._frame(shape)
        elif name == "p:pic":
            self.pictures += 1
        if text := _description(shape):
            yield text, "paragraph"

    def _frame(self, frame: Element) -> Iterator[Piece]:
        data = child(frame, "a:graphic", "a:graphicData")
        for one in [] if data is None else children(data):
            match kind(one):
                case "c:chart" | "cx:chart":
                    yield from self._chart(attribute(one, "r:id") or "")
                case "dgm:relIds":
                    yield from self._diagram(attribute(one, "r:dm") or "")
                case "p:oleObj":
                    self.embedded += 1
                case _:
                    continue

    def _part(self, relation: str) -> Element | None:
        found = self._relations.get(relation)
        return None if found is None else self._package.optional(found.target)

    def _chart(self, relation: str) -> Iterator[Piece]:
        chart = self._part(relation)
        if chart is not None:
            yield from ((title, "paragraph") for title in chart_titles(chart))
            yield from ((row, "row") for row in chart_rows(chart))

    def _diagram(self, relation: str) -> Iterator[Piece]:
        model = self._part(relation)
        for depth, text in [] if model is None else diagram_items(model):
            yield f"{'  ' * min(depth, MAX_LEVEL)}- {text}", "item"


def _description(shape: Element) -> str:
    """Alternative text that a person wrote for a picture, chart or shape."""
    named = next((child(one, "p:cNvPr") for one in shape if kind(one).startswith("p:nv")), None)
    return "" if named is None else described(named.get("descr"))


def _lines(frame: Element | None) -> list[Piece]:
    """A single paragraph as it is, several as a list."""
    if frame is None:
        return []
    paragraphs = [(one, drawn_text(one)) for one in descendants(frame, "a:p")]
    filled = [(one, text.strip()) for one, text in paragraphs if text.strip()]
    if len(filled) == 1:
        return [(filled[0][1], "paragraph")]
    return [
        (f"{'  ' * paragraph_level(one)}- {' '.join(text.split())}", "item") for one, text in filled
    ]


def _tables(shape: Element) -> list[Element]:
    data = child(shape, "a:graphic", "a:graphicData") if kind(shape) == "p:graphicFrame" else None
    return [] if data is None else [one for one in children(data) if kind(one) == "a:tbl"]


def _table_rows(table: Element) -> Iterator[list[str]]:
    """The cells of each row. A merged cell is repeated in each row and column it covers."""
    properties = child(table, "a:tblPr")
    headed = properties is not None and properties.get("firstRow") in _TRUE
    above: list[str] = []
    for number, row in enumerate(descendants(table, "a:tr")):
        cells: list[str] = []
        for column, cell in enumerate(descendants(row, "a:tc")):
            text = " ".join(" ".join(drawn_text(one) for one in descendants(cell, "a:p")).split())
            if cell.get("vMerge") in _TRUE:
                text = above[column] if column < len(above) else text
            if cell.get("hMerge") in _TRUE:
                text = Spanned(cells[-1] if cells else text)
            cells.append(text)
        above = cells
        yield HeaderRow(cells) if headed and number == 0 else cells
