"""The same table gives the same text in every format."""

import io
from collections.abc import Callable, Sequence
from html import escape

import pptx
import pytest

from app.ingest.loaders.html_page import load_html
from app.ingest.loaders.markdown import load_markdown
from app.ingest.loaders.open_document import load_open_document
from app.ingest.loaders.rich_text import load_rtf
from app.ingest.loaders.slides import load_pptx
from app.ingest.loaders.word_document import load_docx
from app.ingest.parsed_document import ParsedDocument
from tests.harness.documents import word
from tests.harness.open_documents import open_document

Rows = Sequence[Sequence[str]]


def of_html(rows: Rows) -> ParsedDocument:
    lines = ("".join(f"<td>{escape(cell)}" for cell in row) for row in rows)
    return load_html(f"<table>{''.join(f'<tr>{line}' for line in lines)}</table>".encode())


def of_markdown(rows: Rows) -> ParsedDocument:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return load_markdown("\n".join(lines).encode())


def of_docx(rows: Rows) -> ParsedDocument:
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    lines = ("".join(cell.format(escape(one)) for one in row) for row in rows)
    body = "".join(f"<w:tr>{line}</w:tr>" for line in lines)
    return load_docx(word(f"<w:tbl><w:tblPr/>{body}</w:tbl>"))


def of_pptx(rows: Rows) -> ParsedDocument:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    table = slide.shapes.add_table(len(rows), len(rows[0]), 0, 0, 1000, 1000).table
    table.first_row = False
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(number, column).text = text
    data = io.BytesIO()
    presentation.save(data)
    return load_pptx(data.getvalue())


def of_odt(rows: Rows) -> ParsedDocument:
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    lines = ("".join(cell.format(escape(one)) for one in row) for row in rows)
    body = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    table = f"<table:table>{body}</table:table>"
    return load_open_document(open_document(f"<office:text>{table}</office:text>"))


def of_rtf(rows: Rows) -> ParsedDocument:
    lines = ("".join(rf"\intbl {cell}\cell " for cell in row) for row in rows)
    body = "".join(rf"\trowd\pard{line}\row " for line in lines)
    return load_rtf(rf"{{\rtf1\ansi\ansicpg1252 {body}\pard}}".encode("cp1252"))


FORMATS = [of_html, of_markdown, of_docx, of_pptx, of_odt, of_rtf]


def lines_of(source: ParsedDocument) -> list[str]:
    assert all(block.kind == "row" for block in source.blocks)
    return [source.text[block.start : block.end] for block in source.blocks]


@pytest.mark.parametrize("of", FORMATS, ids=lambda of: of.__name__)
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            [["Plant", "Tested", "Failed"], ["Kiruna", "412", "3"], ["Malmö", "455", "12"]],
            [
                "Plant: Kiruna; Tested: 412; Failed: 3",
                "Plant: Malmö; Tested: 455; Failed: 12",
            ],
            id="figures under names",
        ),
        pytest.param(
            [["Plant", "2023", "2024"], ["Kiruna", "412", "3"], ["Malmö", "455", "–"]],
            ["Plant: Kiruna; 2023: 412; 2024: 3", "Plant: Malmö; 2023: 455; 2024: –"],
            id="years",
        ),
        pytest.param(
            [["Sample", "Mass", "Cost"], ["A", "12 kg", "EUR 3.50"], ["B", "~7 kg", "EUR 12"]],
            [
                "Sample: A; Mass: 12 kg; Cost: EUR 3.50",
                "Sample: B; Mass: ~7 kg; Cost: EUR 12",
            ],
            id="amounts with units",
        ),
        pytest.param(
            [["Name", "Ann Berg"], ["Phone", "12 34"], ["City", "Lund"]],
            ["Name: Ann Berg", "Phone: 12 34", "City: Lund"],
            id="a form",
        ),
        pytest.param(
            [["Plant", "Tested"], ["Kiruna", "412"], ["Plant", "Tested"], ["Malmö", "455"]],
            ["Plant: Kiruna; Tested: 412", "Plant: Malmö; Tested: 455"],
            id="a header that is repeated",
        ),
    ],
)
def test_rows_say_what_their_values_are(
    of: Callable[[Rows], ParsedDocument], rows: Rows, expected: list[str]
) -> None:
    assert lines_of(of(rows)) == expected


@pytest.mark.parametrize(
    "of", [of for of in FORMATS if of is not of_markdown], ids=lambda of: of.__name__
)
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [["-h", "Show help"], ["-v", "Show the version"]],
            ["-h | Show help", "-v | Show the version"],
        ),
        (
            [["Ann Berg", "Chair", "Lund"], ["Bo Ek", "Treasurer", "Rome"]],
            ["Ann Berg | Chair | Lund", "Bo Ek | Treasurer | Rome"],
        ),
        ([["412", "455"], ["3", "7"]], ["412 | 455", "3 | 7"]),
        (
            [["Ann", "Lund"], ["Bo", "Rome"], ["Cy", "Rome"], ["Di", "Rome"]],
            ["Ann | Lund", "Bo | Rome", "Cy | Rome", "Di | Rome"],
        ),
        (
            [["Date: 3 May", "Ward: 7"], ["Iron", "12"], ["Zinc", "3"]],
            ["Date: 3 May | Ward: 7", "Iron | 12", "Zinc | 3"],
        ),
    ],
)
def test_a_first_row_of_values_names_nothing(
    of: Callable[[Rows], ParsedDocument], rows: Rows, expected: list[str]
) -> None:
    assert lines_of(of(rows)) == expected


@pytest.mark.parametrize("of", FORMATS, ids=lambda of: of.__name__)
def test_usual_names_over_texts_are_a_header(of: Callable[[Rows], ParsedDocument]) -> None:
    rows = [["Role", "Holder", "Location"], ["Chair", "Ann", "Lund"], ["Clerk", "Bo", "Oslo"]]
    lines = lines_of(of(rows))
    assert lines[-2:] == [
        "Role: Chair; Holder: Ann; Location: Lund",
        "Role: Clerk; Holder: Bo; Location: Oslo",
    ]


TWO_ROWS = [
    "Region: North; 2023 Sold: 4; 2023 Lost: 1; 2024 Sold: 6; 2024 Lost: 2",
    "Region: South; 2023 Sold: 5; 2023 Lost: 0; 2024 Sold: 7; 2024 Lost: 3",
]


def test_headings_that_span_columns_and_rows_stand_before_each_name() -> None:
    html = """<table><thead><tr><th rowspan=2>Region<th colspan=2>2023<th colspan=2>2024
        <tr><th>Sold<th>Lost<th>Sold<th>Lost</thead>
        <tr><th>North<td>4<td>1<td>6<td>2<tr><th>South<td>5<td>0<td>7<td>3</table>"""
    assert lines_of(load_html(html.encode())) == TWO_ROWS

    def tc(text: str, properties: str = "") -> str:
        paragraph = f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph}</w:tc>"

    wide, begin, on = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    rows = (
        tc("Region", begin) + tc("2023", wide) + tc("2024", wide),
        tc("", on) + "".join(map(tc, ("Sold", "Lost", "Sold", "Lost"))),
        "".join(map(tc, ("North", "4", "1", "6", "2"))),
        "".join(map(tc, ("South", "5", "0", "7", "3"))),
    )
    table = "".join(f"<w:tr>{row}</w:tr>" for row in rows)
    assert lines_of(load_docx(word(f"<w:tbl><w:tblPr/>{table}</w:tbl>"))) == TWO_ROWS

    def cell(text: str, properties: str = "") -> str:
        return f"<table:table-cell {properties}><text:p>{text}</text:p></table:table-cell>"

    span, covered = 'table:number-columns-spanned="2"', "<table:covered-table-cell/>"
    odt = (
        cell("Region", 'table:number-rows-spanned="2"')
        + "".join(cell(year, span) + covered for year in ("2023", "2024")),
        covered + "".join(map(cell, ("Sold", "Lost", "Sold", "Lost"))),
        "".join(map(cell, ("North", "4", "1", "6", "2"))),
        "".join(map(cell, ("South", "5", "0", "7", "3"))),
    )
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in odt)
    text = f"<office:text><table:table>{body}</table:table></office:text>"
    assert lines_of(load_open_document(open_document(text))) == TWO_ROWS


def test_one_group_over_the_columns_is_part_of_their_names() -> None:
    html = """<table><tr><th><th colspan=2>Sales<tr><th>Town<th>May<th>June
        <tr><td>Lund<td>412<td>455</table>"""
    assert lines_of(load_html(html.encode())) == ["Town: Lund; Sales May: 412; Sales June: 455"]


def test_a_heading_over_all_columns_is_a_line_of_its_own() -> None:
    html = """<table><tr><th>Ticket<th>Fee<tr><th colspan=2>Adults<tr><td>Day<td>12
        <tr><td>Week<td>40<tr><th colspan=2>Children<tr><td>Day<td>6</table>"""
    assert lines_of(load_html(html.encode())) == [
        "Adults",
        "Ticket: Day; Fee: 12",
        "Ticket: Week; Fee: 40",
        "Children",
        "Ticket: Day; Fee: 6",
    ]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (
            "<tr><th>Item<th>Price<tr><td>A<td>1<tr><th>Town<th>Mayor<tr><td>Lund<td>Ek",
            ["Item: A; Price: 1", "Town | Mayor", "Town: Lund; Mayor: Ek"],
        ),
        (
            "<tr><th>Capital<td>Paris<tr><th>Founded<td>1958",
            ["Capital: Paris", "Founded: 1958"],
        ),
        (
            "<tr><th>Width<td>3<td>4<tr><th>Height<td>x<td>y",
            ["Width: 3 | 4", "Height: x | y"],
        ),
        (
            "<tr><td><b>Post</b><td><b>Holder</b><tr><td>Chair<td>Ann<tr><td>Clerk<td>Bo",
            ["Post: Chair; Holder: Ann", "Post: Clerk; Holder: Bo"],
        ),
        (
            "<thead><tr><td>Town<td>Sister<tbody><tr><td>Lund<td>Nevers<tr><td>Rome<td>Paris",
            ["Town: Lund; Sister: Nevers", "Town: Rome; Sister: Paris"],
        ),
    ],
)
def test_a_page_says_what_names_rows_and_columns(html: str, expected: list[str]) -> None:
    assert lines_of(load_html(f"<table>{html}</table>".encode())) == expected


@pytest.mark.parametrize(
    "first",
    [
        "<w:tr><w:trPr><w:tblHeader/></w:trPr>{}</w:tr>",
        "<w:tr>{}</w:tr>",
    ],
)
def test_a_row_that_word_sets_apart_is_a_header(first: str) -> None:
    bold = "<w:rPr><w:b/></w:rPr>" if "tblHeader" not in first else ""

    def tc(text: str, look: str = "") -> str:
        return f"<w:tc><w:p><w:r>{look}<w:t>{text}</w:t></w:r></w:p></w:tc>"

    head = first.format(tc("Town", bold) + tc("Sister", bold))
    body = f"<w:tr>{tc('Lund')}{tc('Nevers')}</w:tr><w:tr>{tc('Rome')}{tc('Paris')}</w:tr>"
    assert lines_of(load_docx(word(f"<w:tbl><w:tblPr/>{head}{body}</w:tbl>"))) == [
        "Town: Lund; Sister: Nevers",
        "Town: Rome; Sister: Paris",
    ]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("| Yes | No |\n|--|--|\n| Yes | No |", ["Yes: Yes; No: No"]),
        ("| | |\n|--|--|\n| Kettle | 12 |\n| Cup | 3 |", ["Kettle | 12", "Cup | 3"]),
        ("|  | 2023 | 2024 |\n|--|--|--|\n| Lund | 412 | 3 |", ["Lund; 2023: 412; 2024: 3"]),
        ("| 4.5 | 7.1 |\n|--|--|\n| 3.2 | 4 |", ["4.5 | 7.1", "3.2 | 4"]),
    ],
)
def test_the_first_line_of_markdown_is_a_header(markdown: str, expected: list[str]) -> None:
    assert lines_of(load_markdown(markdown.encode())) == expected


def test_cells_that_claim_many_columns_stand_once_where_no_header_names_them() -> None:
    rows = "<tr><td>left<td colspan=1000>right" * 400
    source = load_html(f"<table>{rows}</table>".encode())
    assert lines_of(source) == ["left | right"] * 400
