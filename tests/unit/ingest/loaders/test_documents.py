"""HTML, PDF, Office files, EPUB and tables to text: structure kept, boilerplate dropped."""

import pytest

from app.ingest.loaders.html_page import load_html
from app.ingest.loaders.pdf_document import load_pdf
from app.ingest.loaders.registry import LOADERS, loader_for
from app.ingest.loaders.separated_values import load_csv
from app.ingest.loaders.slides import load_pptx
from app.ingest.loaders.spreadsheet import load_xlsx
from app.ingest.loaders.word_document import load_docx
from app.ingest.parsed_document import ParsedDocument
from app.ingest.passages import TARGET, cut_passages, embedded_text
from tests.harness.documents import docx, epub, flowing, pdf, pptx, xlsx


def blocks(source: ParsedDocument) -> list[tuple[str, str | None, str]]:
    return [(b.kind, b.heading, source.text[b.start : b.end]) for b in source.blocks]


def texts(source: ParsedDocument) -> list[str]:
    return [source.text[b.start : b.end] for b in source.blocks]


PAGE = """<!doctype html>
<html><head><title>Kettles - The Kitchen</title><style>p { color: red }</style></head><body>
<nav><a href="/">Home</a></nav><header><a>Logo</a></header><!-- a comment -->
<h1>Kettles</h1><p>They are <b>ho</b>t,<br>and&nbsp;heavy.</p><script>track()</script>
<ul><li>Copper<ul><li>old</li></ul></li><li><p>Steel</p></li></ul>
<ol><li>Fill<li>Boil</ol>
<h2>Prices</h2>
<table><tr><th>Name<th>Price<tr><td>A<td>3</table>
<table><tr><td><p>Layout only</p></td></tr></table>
<pre>boil()
  wait()</pre>Loose text<div>in a box</div>
<p hidden>unseen</p><p style="display: none">unseen</p><aside>Adverts</aside>
<footer>Imprint</footer></body></html>"""


def test_html_keeps_the_page_and_drops_what_frames_it() -> None:
    source = load_html(PAGE.encode())
    assert source.title == "Kettles"
    assert blocks(source) == [
        ("paragraph", None, "They are hot,\nand heavy."),
        ("item", None, "- Copper"),
        ("item", None, "  - old"),
        ("item", None, "- Steel"),
        ("item", None, "1. Fill"),
        ("item", None, "2. Boil"),
        ("row", "Prices", "Name: A; Price: 3"),
        ("paragraph", "Prices", "Layout only"),
        ("code", "Prices", "boil()\n  wait()"),
        ("paragraph", "Prices", "Loose text"),
        ("paragraph", "Prices", "in a box"),
    ]


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>Tea | Shop</title>", "<p>x</p>", "Tea"),
        ("<title>The Shop - Tea</title>", "<h1>Tea</h1><p>x</p>", "Tea"),
        ("<title>Tea</title>", "<h1>Other</h1><p>x</p>", "Tea"),
        ("", "<h1>Tea</h1><p>x</p>", "Tea"),
        ("", "<p>x</p>", None),
    ],
)
def test_the_title_of_a_page_is_without_its_site(head: str, body: str, title: str | None) -> None:
    markup = f"<html><head>{head}</head><body>{body}</body></html>"
    assert load_html(markup.encode()).title == title


def test_main_stands_for_the_page_unless_it_is_next_to_nothing() -> None:
    long = "word " * 50
    page = f"<div>Cookies!</div><main><p>{long}</p></main>"
    assert "Cookies" not in load_html(page.encode()).text
    page = f"<main></main><div>{long}</div>"
    assert "word" in load_html(page.encode()).text


def test_html_says_its_encoding() -> None:
    page = '<html><head><meta charset="iso-8859-2"></head><p>Příliš žluťoučký kůň</p></html>'
    assert texts(load_html(page.encode("iso-8859-2"))) == ["Příliš žluťoučký kůň"]


PROSE = [
    "Kettles are made of copper or of steel, and they are used by every-",
    "body who wants tea. This line goes on to the next one because the hyphen-",
    "ation of the printer broke it, and it ends here.",
    "",
    "A second paragraph follows after a gap.",
    "- a first point",
    "- a second point",
]


def test_a_pdf_is_put_back_into_paragraphs_with_pages_and_headings() -> None:
    source = load_pdf(pdf([[(20, 72, 800, "Kettle safety"), *flowing(PROSE)]], title="Kettles"))
    assert (source.title, source.pages) == ("Kettles", 1)
    assert blocks(source)[0] == ("paragraph", "Kettle safety", "Kettle safety")
    assert blocks(source)[2:] == [
        ("paragraph", "Kettle safety", "A second paragraph follows after a gap."),
        ("item", "Kettle safety", "- a first point"),
        ("item", "Kettle safety", "- a second point"),
    ]
    first = texts(source)[1]
    assert "everybody who wants" in first
    assert "the hyphenation of the printer" in first
    assert "\n" not in first


def test_headers_are_kept_once_and_page_numbers_dropped_and_pages_are_counted_from_one() -> None:
    pages = [
        [
            (9, 72, 820, "Handbook of kettles, draft"),
            *flowing([f"Something about {what}."]),
            (9, 290, 30, f"Page {n} of 5"),
        ]
        for n, what in enumerate(("cups", "lids", "steam", "copper", "steel"), start=1)
    ]
    source = load_pdf(pdf(pages))
    assert [b.page for b in source.blocks] == [1, 1, 2, 3, 4, 5]
    assert texts(source) == ["Handbook of kettles, draft"] + [
        f"Something about {what}." for what in ("cups", "lids", "steam", "copper", "steel")
    ]


def test_pages_that_differ_in_a_number_only_are_kept() -> None:
    source = load_pdf(pdf([flowing([f"Voucher {n}"]) for n in range(1, 5)]))
    assert texts(source) == ["Voucher 1", "Voucher 2", "Voucher 3", "Voucher 4"]


def test_a_passage_never_spans_two_pages() -> None:
    source = load_pdf(pdf([flowing([f"Sentence of page {n}."]) for n in (1, 2, 3)]))
    passages = cut_passages(source, title="T", count=lambda text: len(text.split()))
    assert [(p.page, p.text) for p in passages] == [
        (n, f"Sentence of page {n}.") for n in (1, 2, 3)
    ]


def test_a_pdf_of_nothing_but_large_letters_is_kept() -> None:
    assert "POSTER" in load_pdf(pdf([[(40, 72, 400, "POSTER")]])).text


def test_a_word_document_has_headings_lists_and_rows() -> None:
    paragraphs = [
        ("Title", "The handbook"),
        ("Normal", "Before."),
        ("Heading 1", "Kettles"),
        ("List Bullet", "copper"),
        ("List Number", "fill"),
        ("List Number", "boil"),
        ("Heading 2", "Prices"),
        ("Normal", "They vary."),
    ]
    source = load_docx(docx(paragraphs, table=[["Name", "Price"], ["A", "3"]]))
    assert source.title == "The handbook"
    assert blocks(source) == [
        ("paragraph", None, "Before."),
        ("item", "Kettles", "- copper"),
        ("item", "Kettles", "1. fill"),
        ("item", "Kettles", "2. boil"),
        ("paragraph", "Kettles > Prices", "They vary."),
        ("row", "Kettles > Prices", "Name: A; Price: 3"),
    ]


def test_slides_are_pages_with_titles_and_notes() -> None:
    source = load_pptx(
        pptx([("Kettles", ["copper", "steel"], "Say that they are hot."), ("Only a title", [], "")])
    )
    assert (source.title, source.pages) == ("Kettles", 2)
    assert [(b.page, *rest) for b, rest in zip(source.blocks, blocks(source), strict=True)] == [
        (1, "item", "Kettles", "- copper"),
        (1, "item", "Kettles", "- steel"),
        (1, "paragraph", "Kettles > Notes", "Say that they are hot."),
        (2, "paragraph", None, "Only a title"),
    ]


def test_rows_of_a_workbook_stand_for_themselves() -> None:
    source = load_xlsx(
        xlsx(
            {
                "Stock": [["Stock of May"], [], ["Name", "Price"], ["Kettle", 3.50], ["Cup", None]],
                "Numbers": [[1, 2], [3, 4.25]],
                "Empty": [],
            }
        )
    )
    assert blocks(source) == [
        ("paragraph", "Stock", "Stock of May"),
        ("row", "Stock", "Name: Kettle; Price: 3.5"),
        ("row", "Stock", "Name: Cup"),
        ("row", "Numbers", "1 | 2"),
        ("row", "Numbers", "3 | 4.25"),
    ]


def test_a_wide_row_repeats_its_first_cell() -> None:
    header = ["Name", *(f"Column {n}" for n in range(40))]
    row = ["Kettle", *("some words in a cell" for _ in range(40))]
    lines = texts(load_csv("\n".join([",".join(header), ",".join(row)]).encode()))
    assert len(lines) > 1
    assert all(line.startswith("Name: Kettle; Column ") for line in lines)
    assert sum(line.count("some words in a cell") for line in lines) == 40


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separated_values_are_separated_by_anything(separator: str) -> None:
    rows = [["Name", "Price", "Note"], ["Kettle", "3.50", '"a ""b"""'], ["Cup", "1", "x"]]
    data = "\n".join(separator.join(row) for row in rows).encode()
    assert texts(load_csv(data)) == [
        'Name: Kettle; Price: 3.50; Note: a "b"',
        "Name: Cup; Price: 1; Note: x",
    ]


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    book = epub(["<h1>One</h1><p>First.</p>", "<h1>Two</h1><p>Second.</p>"], title="The book")
    source = loader_for("b.epub", book).load(book)
    assert source.title == "The book"
    assert blocks(source) == [("paragraph", "One", "First."), ("paragraph", "Two", "Second.")]


HEBREW, ARABIC = "הקומקום חם מאוד.", "الإبريق ساخن جدا."


def test_right_to_left_text_is_kept() -> None:
    made = {
        "a.html": f'<p dir="rtl">{HEBREW}</p><p>{ARABIC}</p>'.encode(),
        "a.docx": docx([("Normal", HEBREW), ("Normal", ARABIC)]),
        "a.xlsx": xlsx({"S": [[HEBREW], [ARABIC]]}),
        "a.txt": f"{HEBREW}\n\n{ARABIC}".encode(),
    }
    for name, data in made.items():
        assert texts(loader_for(name, data).load(data)) == [HEBREW, ARABIC], name


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.txt", pdf([flowing(["x"])]), "pdf"),
        ("a.pdf", docx([("Normal", "x")]), "docx"),
        ("a.zip", epub(["<p>x</p>"], title="T"), "epub"),
        ("noending", pptx([("T", [], "")]), "pptx"),
        ("a.doc", xlsx({"S": [[1]]}), "xlsx"),
        ("noending", b"<!DOCTYPE html><p>x</p>", "html"),
        ("noending", b'{"segments": []}', "json"),
        ("noending", b"1\n00:00:01,000 --> 00:00:02,000\nx", "srt"),
        ("a.captions", b"\xef\xbb\xbfWEBVTT\n", "vtt"),
        ("a.md", b"<html><p>x</p></html>", "md"),
    ],
)
def test_content_decides_what_a_file_is(name: str, data: bytes, expected: str) -> None:
    assert loader_for(name, data).format == expected


def pieces(text: str) -> int:
    return len(text.split())


def test_passages_of_every_format_fit_and_point_into_the_text() -> None:
    long = " ".join(f"word{n}" for n in range(1500))
    made = {
        "a.html": f"<h1>T</h1><p>{long}</p>".encode(),
        "a.docx": docx([("Heading 1", "H"), ("Normal", long)]),
        "a.pptx": pptx([("T", [long], long)]),
        "a.xlsx": xlsx({"S": [["A", "B"], ["x", long]]}),
        "a.csv": f"A,B\nx,{long}\n".encode(),
        "a.epub": epub([f"<p>{long}</p>"], title="T"),
        "a.pdf": pdf([flowing([" ".join(long.split()[n : n + 9]) for n in range(0, 500, 9)])]),
    }
    assert {name[1:] for name in made} <= {s for one in LOADERS for s in one.suffixes}
    for name, data in made.items():
        source = loader_for(name, data).load(data)
        passages = cut_passages(source, title="T", count=pieces)
        assert len(passages) > 1, name
        for passage in passages:
            assert source.text[passage.char_start : passage.char_end] == passage.text
            whole = embedded_text("T", passage.heading, passage.text, pieces)
            assert pieces(whole) <= TARGET, name
