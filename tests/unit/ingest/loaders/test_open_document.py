"""ODT, ODS and ODP: all visible content, once, in order."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.open_document import load_open_document
from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.harness.documents import archive
from tests.harness.open_documents import SPACES, content, open_document


def blocks(source: ParsedDocument) -> list[tuple[str, str | None, str]]:
    return [(b.kind, b.heading, source.text[b.start : b.end]) for b in source.blocks]


TEXT = """<office:text><text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>
<text:h text:outline-level="1">Tea</text:h>
<text:p>Steep<text:s text:c="2"/>it<text:line-break/>for <text:span>two</text:span> min<text:note>
<text:note-body><text:p>Not three.</text:p></text:note-body></text:note>.</text:p>
<text:list><text:list-item><text:p>Green</text:p><text:list><text:list-item><text:p>Sencha</text:p>
</text:list-item></text:list></text:list-item></text:list>
<text:h text:outline-level="2">Prices</text:h>
<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Name</text:p>
</table:table-cell><table:table-cell><text:p>Price</text:p></table:table-cell></table:table-row>
</table:table-header-rows><table:table-row><table:table-cell><text:p>Assam</text:p></table:table-cell>
<table:table-cell><text:p>3.50</text:p></table:table-cell></table:table-row></table:table>
<text:p><draw:frame><draw:text-box><text:p>In a box</text:p></draw:text-box></draw:frame></text:p>
<text:p>Said<office:annotation><dc:creator>Ana</dc:creator><text:p>A comment</text:p>
</office:annotation> so.</text:p>
<text:p><draw:frame><draw:image/><svg:desc>A cup</svg:desc></draw:frame></text:p>
<text:section><text:p>In a section</text:p></text:section></office:text>"""


def test_a_text_is_read_with_notes_boxes_and_comments() -> None:
    source = load_open_document(open_document(TEXT, title="All of tea"))
    assert source.title == "All of tea"
    assert blocks(source) == [
        ("paragraph", "Tea", "Steep  it\nfor two min."),
        ("paragraph", "Tea", "Not three."),
        ("item", "Tea", "- Green"),
        ("item", "Tea", "  - Sencha"),
        ("row", "Tea > Prices", "Name: Assam; Price: 3.50"),
        ("paragraph", "Tea > Prices", "In a box"),
        ("paragraph", "Tea > Prices", "Said so."),
        ("paragraph", "Tea > Prices", "Comment (Ana): A comment"),
        ("paragraph", "Tea > Prices", "A cup"),
        ("paragraph", "Tea > Prices", "In a section"),
    ]


def test_headers_and_footers_are_there_once() -> None:
    page = "<style:header><text:p>Tea Board</text:p></style:header>"
    styles = f"<office:document-styles {SPACES}><office:master-styles>"
    styles += f"<style:master-page>{page}</style:master-page><style:master-page>{page}"
    styles += "<style:footer><text:p>7</text:p></style:footer></style:master-page>"
    styles += "</office:master-styles></office:document-styles>"
    body = "<office:text><text:p>Words</text:p></office:text>"
    source = load_open_document(open_document(body, parts={"styles.xml": styles}))
    assert source.text == "Words\n\nTea Board"


SHEETS = """<office:spreadsheet>
<table:table table:name="Teas"><table:table-row><table:table-cell><text:p>Name</text:p>
</table:table-cell><table:table-cell><text:p>Price</text:p></table:table-cell>
<table:table-cell><text:p>Origin</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value="1"><text:p>Assam</text:p></table:table-cell>
<table:table-cell/><table:table-cell office:string-value="India"/></table:table-row>
<table:table-row table:number-rows-repeated="2"><table:table-cell><text:p>Oolong</text:p>
</table:table-cell><table:table-cell office:value="4"/><table:covered-table-cell/></table:table-row>
<table:table-row table:number-rows-repeated="1048573"><table:table-cell
 table:number-columns-repeated="16384"/></table:table-row></table:table>
<table:table table:name="Secret" table:style-name="t2"><table:table-row><table:table-cell>
<text:p>hidden</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>"""
HIDDEN = (
    '<style:style style:name="t2"><style:table-properties table:display="false"/></style:style>'
)


def test_sheets_are_rows_and_hidden_ones_are_counted() -> None:
    source = load_open_document(open_document(SHEETS, styles=HIDDEN))
    assert blocks(source) == [
        ("row", "Teas", "Name: Assam; Origin: India"),
        ("row", "Teas", "Name: Oolong; Price: 4"),
        ("row", "Teas", "Name: Oolong; Price: 4"),
    ]
    assert source.notes == (FidelityNote("hidden_sheets", 1),)


SLIDES = """<office:presentation><draw:page draw:name="page1"><draw:frame><draw:text-box>
<text:list><text:list-item><text:p>Fill</text:p></text:list-item></text:list></draw:text-box>
</draw:frame><draw:frame presentation:class="title"><draw:text-box><text:p>Kettles</text:p>
</draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box>
<text:p>Say more</text:p>
</draw:text-box></draw:frame></presentation:notes></draw:page><draw:page draw:name="page2">
<draw:custom-shape><text:p>Alone</text:p></draw:custom-shape></draw:page></office:presentation>"""


def test_slides_are_pages_under_their_titles() -> None:
    source = load_open_document(open_document(SLIDES))
    assert source.pages == 2
    assert [(b.page, b.heading, source.text[b.start : b.end]) for b in source.blocks] == [
        (1, "Kettles", "- Fill"),
        (1, "Kettles", "Say more"),
        (2, "page2", "Alone"),
    ]


STYLES = """<style:style style:name="P1" style:parent-style-name="Preformatted_20_Text"/>
<text:list-style style:name="L1"><text:list-level-style-number text:level="1"/>
<text:list-level-style-bullet text:level="2"/></text:list-style>"""
STYLED = """<office:text><text:p text:style-name="P1">boil()</text:p><text:p text:style-name="P1">
<text:s/>wait()</text:p><text:list text:style-name="L1"><text:list-item><text:p>Fill</text:p>
<text:list><text:list-item><text:p>cold</text:p></text:list-item></text:list></text:list-item>
<text:list-item><text:p>Boil</text:p></text:list-item></text:list>
<text:p>So <draw:frame><draw:object xlink:href="./Object 1"/></draw:frame></text:p>
<text:p><draw:frame><draw:object xlink:href="./Object 2"/></draw:frame></text:p></office:text>"""
FORMULA = """<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>a</mi></mrow>
<annotation encoding="StarMath 5.0">a + b</annotation></semantics></math>"""
CHART = content(
    "<office:chart><table:table><table:table-row><table:table-cell><text:p>2026</text:p>"
    "</table:table-cell><table:table-cell><text:p>7</text:p></table:table-cell>"
    "</table:table-row></table:table></office:chart>"
)


def test_code_numbered_lists_formulas_and_charts() -> None:
    objects = {"Object 1/content.xml": FORMULA, "Object 2/content.xml": CHART}
    source = load_open_document(open_document(STYLED, styles=STYLES, parts=objects))
    assert [(kind, text) for kind, _, text in blocks(source)] == [
        ("code", "boil()\n\n wait()"),
        ("item", "1. Fill"),
        ("item", "  - cold"),
        ("item", "2. Boil"),
        ("paragraph", "So a + b"),
        ("row", "2026 | 7"),
    ]


def test_flat_files_are_read() -> None:
    flat = content(TEXT).replace("office:document-content", "office:document")
    loader = loader_for("a.fodt", flat.encode())
    assert "Not three." in loader.load(flat.encode()).text


def test_an_archive_is_known_by_its_content() -> None:
    assert loader_for("a.bin", open_document(TEXT)).format == "odt"


LOCKED = f"<manifest:manifest {SPACES}><manifest:encryption-data/></manifest:manifest>"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (open_document(TEXT, parts={"META-INF/manifest.xml": LOCKED}), "is encrypted"),
        (open_document(TEXT, parts={"content.xml": "<a>"}), "not well-formed"),
        (open_document(TEXT, parts={"content.xml": "<a/>"}), "not a complete OpenDocument"),
        (open_document("<office:text/>"), "contains no text"),
        (archive({"mimetype": "application/vnd.oasis"}), "content.xml is missing"),
        (
            open_document(TEXT, parts={"content.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a/>'}),
            "declares entities",
        ),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, complaint: str) -> None:
    with pytest.raises(IngestError, match=complaint):
        load_open_document(data)


@pytest.mark.parametrize(
    ("body", "core", "title"),
    [
        ('<text:h text:outline-level="1">Tea</text:h>', "", "Tea"),
        ('<text:h text:outline-level="1">Tea</text:h>', "Untitled", "Tea"),
        ('<text:h text:outline-level="1">Tea</text:h>', "All of tea", "All of tea"),
        ('<text:h text:outline-level="2">Low</text:h>', "tea.odt", None),
        (
            '<text:p text:style-name="Title">Cups</text:p>'
            '<text:h text:outline-level="1">Tea</text:h>',
            "",
            "Cups",
        ),
    ],
)
def test_titles_are_those_that_people_see(body: str, core: str, title: str | None) -> None:
    text = f"<office:text>{body}<text:p>x</text:p></office:text>"
    assert load_open_document(open_document(text, title=core)).title == title


def test_placeholders_are_no_text() -> None:
    body = """<office:text><text:p>Dear <text:placeholder text:placeholder-type="text">&lt;Name&gt;
    </text:placeholder>Ann</text:p></office:text>"""
    assert load_open_document(open_document(body)).text == "Dear Ann"


def test_a_comment_on_a_cell_names_its_row() -> None:
    def cell(text: str, more: str = "") -> str:
        return f"<table:table-cell>{more}<text:p>{text}</text:p></table:table-cell>"

    note = "<office:annotation><dc:creator>Ana</dc:creator><text:p>Check.</text:p>"
    row = cell("North") + cell("34", note + "</office:annotation>")
    table = f'<table:table table:name="S"><table:table-row>{row}</table:table-row></table:table>'
    data = open_document(f"<office:spreadsheet>{table}</office:spreadsheet>")
    assert load_open_document(data).text.endswith("Comment (Ana) on North, 34: Check.")


def test_text_above_and_below_the_line_is_told_apart() -> None:
    styles = "".join(
        f'<style:style style:name="{name}"><style:text-properties style:text-position="{place}"/>'
        "</style:style>"
        for name, place in (("up", "super 58%"), ("down", "-33% 58%"), ("on", "0% 100%"))
    )

    def span(name: str, text: str) -> str:
        return f'<text:span text:style-name="{name}">{text}</text:span>'

    body = f"3 m{span('up', '2')}, sales{span('up', '3')}, 10{span('down', '2')}{span('on', 'x')}"
    data = open_document(f"<office:text><text:p>{body}</text:p></office:text>", styles=styles)
    assert load_open_document(data).text == "3 m², sales [3], 10₂x"
