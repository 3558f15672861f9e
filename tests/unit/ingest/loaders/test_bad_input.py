"""Bad files: damaged, encrypted, mislabelled and exploding ones each get one clear line."""

import struct
import zlib

import pytest

from app.ingest.loaders.archives import MAX_ENTRIES, MAX_XML_DEPTH, check_xml
from app.ingest.loaders.html_page import load_html
from app.ingest.loaders.registry import check_size, loader_for
from app.ingest.parsed_document import IngestError
from app.ingest.reading import read_document
from tests.harness.compound_files import compound_file
from tests.harness.documents import archive, docx, epub, flowing, pdf, pptx, with_part, xlsx

WORD = docx([("Normal", "Text")])
BOOK = xlsx({"S": [["Name", "Price"], ["a", 1]]})
DECK = pptx([("Title", ["point"], "")])
PDF = pdf([flowing(["Some text."])])
ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    '<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
)
STRANGE = '<?xml version="1.0" encoding="klingon"?><x/>'
DEEP = "<a>" * (MAX_XML_DEPTH + 1) + "</a>" * (MAX_XML_DEPTH + 1)
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
LOCKED = (
    '<encryption><EncryptionMethod xmlns="http://www.w3.org/2001/04/xmlenc#" '
    'Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></encryption>'
)
MIXED = ("Größe, Höhe, Länge. " * 9).encode() + "Größe".encode("cp1252")


def encrypted_pdf() -> bytes:
    """Declares the standard security handler; no password fits."""
    lock = b"/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <%b> /U <%b> >> " % (
        b"41" * 32,
        b"42" * 32,
    )
    return PDF.replace(b"/Root", b"/ID [<61> <61>] " + lock + b"/Root")


def encrypted_zip() -> bytes:
    """Marks every entry of the workbook as encrypted."""
    data = bytearray(BOOK)
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    return bytes(data)


def png_chunk(name: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("a.pdf", b"%PDF-1.7\nnothing", "the PDF is damaged"),
        ("a.pdf", PDF[:200], "the PDF is damaged"),
        ("a.pdf", encrypted_pdf(), "the PDF is encrypted"),
        ("a.pdf", pdf([[], []]), "no text layer"),
        ("a.pdf", b"Only words", "this is not a .pdf file"),
        ("a.docx", b"Only words", "this is not a .docx file"),
        ("a.docx", WORD[:-30], "the file is damaged"),
        ("a.docx", WORD[:200], "the file is damaged"),
        ("a.docx", with_part(WORD, "word/document.xml", "<w:document"), "not well-formed"),
        ("a.docx", with_part(WORD, "word/document.xml", ENTITIES), "declares a document type"),
        ("a.docx", with_part(WORD, "word/document.xml", DEEP), "nested too deeply"),
        ("a.docx", with_part(WORD, "word/document.xml", STRANGE), "not well-formed"),
        ("a.docx", with_part(WORD, "word/document.xml", "<x/>"), "the file is damaged"),
        ("a.docx", docx([]), "contains no text"),
        ("a.xlsx", with_part(BOOK, "xl/worksheets/sheet1.xml", ENTITIES), "a document type"),
        ("a.xlsx", with_part(BOOK, "xl/workbook.xml", "<x/>"), "the file is damaged"),
        ("a.xlsx", with_part(BOOK, "xl/worksheets/sheet1.xml", "<x>"), "not well-formed"),
        ("a.xlsx", encrypted_zip(), "the file is encrypted"),
        ("a.xlsx", xlsx({"S": []}), "contains no text"),
        ("a.pptx", with_part(DECK, "ppt/slides/slide1.xml", ENTITIES), "a document type"),
        ("a.pptx", with_part(DECK, "ppt/presentation.xml", "<x/>"), "the file is damaged"),
        ("a.pptx", pptx([]), "contains no text"),
        ("a.epub", epub(["<p>x</p>"], title="&undefined;"), "the file is damaged"),
        (
            "a.epub",
            epub(["<p>x</p>"], title="T", extra={"META-INF/encryption.xml": LOCKED}),
            "the book is encrypted",
        ),
        ("a.epub", epub([], title="T"), "contains no text"),
        ("a.epub", archive({"META-INF/container.xml": "<x/>"}), "its description is missing"),
        ("a.zip", archive({"a.txt": "x"}), "a ZIP archive; rename it"),
        ("bomb.docx", with_part(WORD, "word/x.bin", b"\0" * 30_000_000), "far more than its size"),
        (
            "many.docx",
            archive({"[Content_Types].xml": "", **{f"word/{n}": "" for n in range(MAX_ENTRIES)}}),
            "more than 10,000 entries",
        ),
        ("a.xls", OLD_OFFICE, "the file is damaged"),
        ("a.doc", compound_file({"VisioDocument": b"x"}), "a compound file of an unknown kind"),
        ("a.xlsx", compound_file({"EncryptedPackage": b"x"}), "is encrypted"),
        ("a.html", b"<html><script>x</script></html>", "contains no text"),
        ("a.html", b"\0\1\2\3" * 90, "a binary file"),
        ("a.csv", b'a,b\n"' + b"x" * 200_000 + b'",1\n', "not a table"),
        ("a.txt", MIXED, "mixes encodings"),
        ("a.srt", b"1\nno times\n", "not an SRT transcript"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.json", b"{}", "contains no text"),
        ("a.jsonl", b'{"a": 1}\n{"b"', r"not JSON \(line 2\)"),
        ("a.json", b'{"segments": [{"start": 1, "text": " "}]}', "no cues"),
        ("talk.mp3", b"ID3 sound", r"needs its transcript beside it \(talk\.vtt\)"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", b"\0" * 13), r"type \.png is unknown"),
    ],
)
def test_what_cannot_be_read_says_why_in_one_line(name: str, data: bytes, complaint: str) -> None:
    with pytest.raises(IngestError, match=complaint) as raised:
        loader_for(name, data).load(data)
    assert "\n" not in str(raised.value)


def test_a_sheet_that_claims_to_be_huge_is_read_no_further_than_it_is() -> None:
    far = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>end</t></is></c></row>'
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<dimension ref="A1:XFD1048576"/><sheetData>{far}</sheetData></worksheet>'
    )
    data = with_part(BOOK, "xl/worksheets/sheet1.xml", sheet)
    assert "end" in loader_for("a.xlsx", data).load(data).text


@pytest.mark.parametrize("markup", ["<div>", "<ul><li>", "<table><tr><td>", "<b>", "<blockquote>"])
def test_deeply_nested_markup_is_read_all_the_same(markup: str) -> None:
    page = f"<html><body>{markup * 2_000}deep<p>after</p></body></html>"
    source = load_html(page.encode())
    assert "deep" in source.text
    assert "after" in source.text


def test_sizes_are_refused_before_reading() -> None:
    with pytest.raises(IngestError, match="the file is 1,024 MB; the limit is 256 MB"):
        check_size("a.pdf", 2**30)
    with pytest.raises(IngestError, match="the limit is 32 MB"):
        check_size("a.html", 33 * 2**20)
    with pytest.raises(IngestError, match="the limit is 1 MB"):
        check_size("a.pdf", 2**21, largest=2**20)
    check_size("a.pdf", 2**28)


def test_xml_that_is_whole_and_flat_is_taken() -> None:
    check_xml(("<a>" * MAX_XML_DEPTH + "</a>" * MAX_XML_DEPTH).encode())


@pytest.mark.parametrize("error", [IndexError("x"), RecursionError("x")])
def test_a_parser_that_breaks_costs_one_file(error: Exception) -> None:
    def broken(text: str) -> int:
        raise error

    with pytest.raises(IngestError, match=rf"cannot be read \({type(error).__name__}\)"):
        read_document("a.txt", b"Some words.", broken)
