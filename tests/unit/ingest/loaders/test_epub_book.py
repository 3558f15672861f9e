"""EPUB: the whole book is text; a bad chapter affects only itself."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.epub_book import load_epub
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.harness.documents import epub, with_part

BROKEN = bytes(range(256)) * 4


def texts(source: ParsedDocument) -> list[str]:
    return [source.text[b.start : b.end] for b in source.blocks]


@pytest.mark.parametrize(
    "markup",
    [
        '<aside epub:type="footnote" id="n"><p>Kept.</p></aside>',
        '<aside epub:type="footnote" hidden="hidden"><p>Kept.</p></aside>',
        "<header><p>Kept.</p></header>",
        "<footer><p>Kept.</p></footer>",
        "<aside><p>Kept</p></aside>",
        "<section><header>Kept</header></section>",
        "<svg:svg><svg:text>Kept</svg:text></svg:svg>",
    ],
)
def test_headers_footers_and_asides_of_a_book_are_text(markup: str) -> None:
    assert any("Kept" in text for text in texts(load_epub(epub([f"<p>x</p>{markup}"], title="T"))))


def test_its_menus_are_not() -> None:
    contents = '<nav epub:type="toc"><ol><li><a href="c1">One</a></li></ol></nav>'
    assert texts(load_epub(epub([contents, "<p>x</p>"], title="T"))) == ["x"]


def test_one_bad_chapter_is_counted_and_costs_only_itself() -> None:
    book = epub(["<p>Good one.</p>", "<p>x</p>", "<p>Good two.</p>"], title="T")
    source = load_epub(with_part(book, "OEBPS/text/c 1.xhtml", BROKEN))
    assert texts(source) == ["Good one.", "Good two."]
    assert source.notes == (FidelityNote("unreadable_chapters", 1, 3),)


def test_a_book_of_bad_chapters_is_damaged() -> None:
    book = with_part(epub(["<p>x</p>"], title="T"), "OEBPS/text/c 0.xhtml", BROKEN)
    with pytest.raises(IngestError, match="none of its chapters can be read"):
        load_epub(book)


def test_a_book_of_pictures_says_so() -> None:
    book = epub(['<img src="p1.jpg"/>'], title="T", extra={"OEBPS/p1.jpg": "x"})
    with pytest.raises(IngestError, match=r"pictures and no text; .*OCR"):
        load_epub(book)


def test_pages_of_other_types_and_without_an_order_are_read() -> None:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest>'
        '<item id="a" href="a.svg" media-type="image/svg+xml"/>'
        '<item id="b" href="b.xhtml" media-type="wrong"/></manifest>%s</package>'
    )
    files = {
        "OEBPS/a.svg": '<svg xmlns="http://www.w3.org/2000/svg"><text>Drawn</text></svg>',
        "OEBPS/b.xhtml": "<html><body><p>Written</p></body></html>",
    }
    ordered = '<spine><itemref idref="b"/><itemref idref="a"/></spine>'
    for spine, expected in (("", ["Drawn", "Written"]), (ordered, ["Written", "Drawn"])):
        book = epub([], title="T", extra={**files, "OEBPS/book.opf": package % spine})
        assert texts(load_epub(book)) == expected


def test_chapters_say_their_encoding() -> None:
    declaration = '<?xml version="1.0" encoding="iso-8859-2"?>'
    page = f"{declaration}<html><body><p>Příliš žluťoučký</p></body></html>"
    book = with_part(
        epub(["<p>x</p>"], title="T"), "OEBPS/text/c 0.xhtml", page.encode("iso-8859-2")
    )
    assert texts(load_epub(book)) == ["Příliš žluťoučký"]
