"""Files that are small, or look ordinary, but are expensive to read."""

import zlib
from collections.abc import Callable
from typing import Final

from tests.harness.documents import docx, with_part

MEGABYTE: Final = 2**20


def filled(unit: str, size: int) -> bytes:
    """`unit` repeated."""
    return (unit * (size // len(unit))).encode()


def markdown_table(size: int) -> bytes:
    row = "| alpha 12 | beta | some words in a cell | 3.50 |\n"
    return ("| a | b | c | d |\n|---|---|---|---|\n" + row * (size // len(row))).encode()


def wide_csv(columns: int, rows: int) -> bytes:
    lines = [",".join(f"name {n}" for n in range(columns))]
    lines += [",".join(str(n * r % 97) for n in range(columns)) for r in range(rows)]
    return "\n".join(lines).encode()


def wide_markdown(columns: int, rows: int) -> bytes:
    lines = ["|" + "|".join(f"c{n}" for n in range(columns)), "|" + "-|" * columns]
    lines += ["|" + "|".join(str(n * r % 97) for n in range(columns)) for r in range(rows)]
    return "\n".join(lines).encode()


def latin_1(size: int) -> bytes:
    return ("Größe und Höhe der Säule über dem Fluß. \n" * (size // 40)).encode("latin-1")


def grid_span(span: int) -> bytes:
    """A Word document with one cell that spans that many columns."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = (
        f'<w:document xmlns:w="{word}"><w:body><w:tbl><w:tr><w:tc><w:tcPr>'
        f'<w:gridSpan w:val="{span}"/></w:tcPr><w:p><w:r><w:t>wide</w:t></w:r></w:p></w:tc></w:tr>'
        "</w:tbl></w:body></w:document>"
    )
    return with_part(docx([("Normal", "Text")]), "word/document.xml", body)


def inflating_pdf(size: int, unit: bytes) -> bytes:
    """One page whose content stream inflates to that many bytes."""
    packer = zlib.compressobj(9)
    block = unit * max(1, MEGABYTE // len(unit))
    content = b"".join(packer.compress(block) for _ in range(size // len(block)))
    content += packer.flush()
    return _pdf(
        [b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(content), content)],
        1,
    )


def repeated_page(times: int, words: int = 2_000) -> bytes:
    """One page that is referenced that many times."""
    text = b"BT /F1 9 Tf 50 800 Td 11 TL " + b"(Some words of a page) Tj T* " * (words // 5) + b"ET"
    return _pdf([b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text)], times)


def _pdf(contents: list[bytes], times: int) -> bytes:
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 840] /Contents 5 0 R "
        b"/Resources << /Font << /F1 4 0 R >> >> >>"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%b] >>" % (times, b"3 0 R " * times),
        page,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *contents,
    ]
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


BOMBS: Final[dict[str, Callable[[int], bytes]]] = {
    "stars.md": lambda part: filled("*a ", 4 * MEGABYTE // part),
    "list.md": lambda part: filled("- x\n", 4 * MEGABYTE // part),
    "quotes.md": lambda part: filled("> ", 4 * MEGABYTE // part),
    "brackets.md": lambda part: filled("[a](", 4 * MEGABYTE // part),
    "table.md": lambda part: markdown_table(MEGABYTE // part),
    "dense.md": lambda part: b"|a|b|c|\n|-|-|-|\n" + filled("|1|2|3|\n", MEGABYTE // part),
    "wide.md": lambda part: wide_markdown(10_000 // part, 200),
    "paragraphs.html": lambda part: filled("<p>x", 4 * MEGABYTE // part),
    "bold.html": lambda part: filled("<b>", 4 * MEGABYTE // part),
    "wide.csv": lambda part: wide_csv(10_000 // part, 200),
    "letters.txt": lambda part: filled("a", 8 * MEGABYTE // part),
    "letters.md": lambda part: filled("a", 8 * MEGABYTE // part),
    "returns.txt": lambda part: filled("\r", 8 * MEGABYTE // part),
    "short lines.txt": lambda part: filled("a\r", 8 * MEGABYTE // part),
    "words.txt": lambda part: filled("a b ", 8 * MEGABYTE // part),
    "latin.txt": lambda part: latin_1(MEGABYTE // part),
    "span.docx": lambda part: grid_span(10**9 // part),
    "operators.pdf": lambda part: inflating_pdf(200 * MEGABYTE // part, b"BT /F1 9 Tf (a) Tj ET\n"),
    "inflating.pdf": lambda part: inflating_pdf(1024 * MEGABYTE // part, b" "),
    "pages.pdf": lambda part: repeated_page(9_999 // part),
}
"""The files by name. The argument divides their size; 1 is the size in the bug reports."""
ORDINARY: Final = (
    *("table.md", "dense.md", "wide.csv", "wide.md"),
    *("letters.txt", "letters.md", "latin.txt", "span.docx"),
)
"""Large but legitimate files that must be read."""
