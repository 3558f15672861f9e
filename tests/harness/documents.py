"""Generates small files of every format."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence

from docx import Document
from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches

Placed = tuple[float, float, float, str]  # size, x, y, words


def pdf(pages: Iterable[Sequence[Placed]], *, title: str | None = None) -> bytes:
    """A PDF with Helvetica at the given places; each page is 595 x 842 points."""
    streams = [_content(page) for page in pages]
    kids = " ".join(f"{5 + 2 * at} 0 R" for at in range(len(streams)))
    info = f"<< /Title ({title}) >>" if title else "<< >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(streams)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        info.encode(),
    ]
    for at, stream in enumerate(streams):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (6 + 2 * at),
            b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        ]
    return numbered(objects)


def _content(page: Sequence[Placed]) -> bytes:
    lines = []
    for size, x, y, words in page:
        escaped = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        lines.append(f"BT /F1 {size} Tf {x} {y} Td ({escaped}) Tj ET")
    return "\n".join(lines).encode("cp1252")


def numbered(objects: Sequence[bytes]) -> bytes:
    """The objects as a file; the first is the catalog, the fourth the properties."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\n" % (len(objects) + 1)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def flowing(lines: Sequence[str], *, top: float = 760, size: float = 11) -> list[Placed]:
    """Lines below each other; an empty one leaves a gap."""
    placed = []
    for number, line in enumerate(lines):
        if line:
            placed.append((size, 72.0, top - number * size * 1.2, line))
    return placed


def docx(paragraphs: Iterable[tuple[str, str]], *, table: Sequence[Sequence[str]] = ()) -> bytes:
    """Paragraphs as (style, text), then a table."""
    document = Document()
    for style, text in paragraphs:
        document.add_paragraph(text, style=style)
    if table:
        made = document.add_table(rows=len(table), cols=len(table[0]))
        for row, values in zip(made.rows, table, strict=True):
            for cell, value in zip(row.cells, values, strict=True):
                cell.text = value
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pptx(slides: Iterable[tuple[str, Sequence[str], str]]) -> bytes:
    """Slides as (title, points, notes)."""
    deck = Presentation()
    for title, points, notes in slides:
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        if slide.shapes.title is not None:
            slide.shapes.title.text_frame.text = title
        box = slide.shapes.add_textbox(Inches(1), Inches(2), Inches(6), Inches(3))
        box.text_frame.text = "\n".join(points)
        if notes and (frame := slide.notes_slide.notes_text_frame) is not None:
            frame.text = notes
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def xlsx(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Sheets by name."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
)


def epub(chapters: Sequence[str], *, title: str, extra: Mapping[str, str] | None = None) -> bytes:
    """A book; each chapter is the body of a page."""
    items = "".join(
        f'<item id="c{n}" href="text/c%20{n}.xhtml" media-type="application/xhtml+xml"/>'
        for n in range(len(chapters))
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    package = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{title}</dc:title></metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    files = {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": package, **(extra or {})}
    for number, chapter in enumerate(chapters):
        files[f"OEBPS/text/c {number}.xhtml"] = (
            '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml">'
            f"<head><title>x</title></head><body>{chapter}</body></html>"
        )
    return archive({"mimetype": "application/epub+zip", **files})


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """A compressed ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def with_part(data: bytes, name: str, content: str | bytes) -> bytes:
    """The archive with one entry replaced or added."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        files: dict[str, str | bytes] = {one: old.read(one) for one in old.namelist()}
    return archive({**files, name: content})


TRANSITIONAL = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
    "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "v": "urn:schemas-microsoft-com:vml",
}
_STRICT = (
    ("http://schemas.openxmlformats.org/wordprocessingml/2006", "wordprocessingml"),
    ("http://schemas.openxmlformats.org/presentationml/2006", "presentationml"),
    ("http://schemas.openxmlformats.org/drawingml/2006", "drawingml"),
    ("http://schemas.openxmlformats.org/officeDocument/2006", "officeDocument"),
)


def office_part(root: str, content: str) -> str:
    """An XML part of an Office file; `root` and `content` use the usual prefixes."""
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in TRANSITIONAL.items())
    return f'<?xml version="1.0"?><{root} {declared}>{content}</{root.split()[0]}>'


def relationships(*targets: tuple[str, str]) -> str:
    """Relationships rId1, rId2, ... of (type, target)."""
    kinds = TRANSITIONAL["r"]
    rows = "".join(
        f'<Relationship Id="rId{n}" Type="{kinds}/{type_}" Target="{target}"/>'
        for n, (type_, target) in enumerate(targets, start=1)
    )
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<?xml version="1.0"?><Relationships xmlns="{package}">{rows}</Relationships>'


def word(body: str, parts: Mapping[str, tuple[str, str]] | None = None) -> bytes:
    """A Word file with this body. `parts`: their type and content by name, related in order."""
    parts = parts or {}
    files: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relationships(("officeDocument", "word/document.xml")),
        "word/document.xml": office_part("w:document", f"<w:body>{body}</w:body>"),
        "word/_rels/document.xml.rels": relationships(
            *((type_, name) for name, (type_, _) in parts.items())
        ),
    }
    return archive(files | {f"word/{name}": content for name, (_, content) in parts.items()})


def strict(data: bytes) -> bytes:
    """The Office file as "Strict Open XML" is saved."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        files = {name: old.read(name).decode() for name in old.namelist()}
    for name, content in files.items():
        for uri, part in _STRICT:
            content = content.replace(f"{uri}/", f"http://purl.oclc.org/ooxml/{part}/")
        files[name] = content
    return archive(files)
