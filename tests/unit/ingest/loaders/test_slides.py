"""PPTX: the content of a slide, in reading order."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.registry import loader_for
from app.ingest.loaders.slide_order import Placed, reading_order
from app.ingest.loaders.slides import load_pptx
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.harness.documents import archive, office_part, relationships, strict, with_part
from tests.unit.ingest.loaders.test_word_document import CHART, m, mt


def blocks(source: ParsedDocument) -> list[tuple[int | None, str, str]]:
    return [(b.page, b.kind, source.text[b.start : b.end]) for b in source.blocks]


def texts(*slides: str) -> list[str]:
    return [text for _, _, text in blocks(load_pptx(deck(*slides)))]


def a(*runs: str, level: int = 0) -> str:
    inner = "".join(one if one.startswith("<") else f"<a:r><a:t>{one}</a:t></a:r>" for one in runs)
    return f'<a:p><a:pPr lvl="{level}"/>{inner}</a:p>'


def named(kind: str, *, description: str = "", placeholder: str = "") -> str:
    return (
        f'<p:nv{kind}Pr><p:cNvPr id="7" name="x" descr="{description}"/>'
        f"<p:nvPr>{placeholder}</p:nvPr></p:nv{kind}Pr>"
    )


def frame(x: int, y: int, width: int = 100, height: int = 100) -> str:
    return f'<a:xfrm><a:off x="{x}" y="{y}"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'


def sp(*paragraphs: str, at: str = "", type_: str = "", index: str = "") -> str:
    number = f'idx="{index}"' if index else ""
    placeholder = f'<p:ph type="{type_}" {number}/>' if type_ or index else ""
    inner = "".join(one if one.startswith("<a:p>") else a(one) for one in paragraphs)
    return (
        f"<p:sp>{named('Sp', placeholder=placeholder)}<p:spPr>{at}</p:spPr>"
        f"<p:txBody>{inner}</p:txBody></p:sp>"
    )


def pic(description: str, placeholder: str = "") -> str:
    return (
        f"<p:pic>{named('Pic', description=description, placeholder=placeholder)}<p:spPr/></p:pic>"
    )


def graphic(content: str) -> str:
    return (
        f"<p:graphicFrame>{named('GraphicFrame')}<a:graphic><a:graphicData>{content}"
        "</a:graphicData></a:graphic></p:graphicFrame>"
    )


def deck(*slides: str, parts: dict[str, tuple[str, str]] | None = None) -> bytes:
    """Slides by their shapes; `parts` are related to each of them."""
    files: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relationships(("officeDocument", "ppt/presentation.xml")),
        "ppt/_rels/presentation.xml.rels": relationships(
            *(("slide", f"slides/slide{n}.xml") for n in range(len(slides))),
            ("commentAuthors", "authors.xml"),
        ),
    }
    listed = "".join(f'<p:sldId r:id="rId{n}"/>' for n in range(1, len(slides) + 1))
    files["ppt/presentation.xml"] = office_part(
        "p:presentation", f"<p:sldIdLst>{listed}</p:sldIdLst>"
    )
    files["ppt/authors.xml"] = office_part("p:lst", '<p:cmAuthor id="4" name="Ann Berg"/>')
    for n, shapes in enumerate(slides):
        tree = f"<p:cSld><p:spTree>{shapes}</p:spTree></p:cSld>"
        files[f"ppt/slides/slide{n}.xml"] = office_part("p:sld", tree)
        files[f"ppt/slides/_rels/slide{n}.xml.rels"] = relationships(
            *((type_, f"../{name}") for name, (type_, _) in (parts or {}).items())
        )
    return archive(files | {f"ppt/{name}": text for name, (_, text) in (parts or {}).items()})


TITLE = sp("Results", type_="title")


def test_a_slide_is_read_from_the_top_to_the_bottom_after_its_title() -> None:
    slide = sp("Third", at=frame(0, 900)) + sp("First", at=frame(0, 100)) + TITLE
    assert texts(slide + sp("Second", at=frame(0, 500))) == ["First", "Second", "Third"]


def order(*placed: tuple[str, int, int, int, int]) -> str:
    things = [Placed(x, y, width, height, name) for name, x, y, width, height in placed]
    return " ".join(one.content for one in reading_order(things))


@pytest.mark.parametrize(
    ("placed", "expected"),
    [
        ([("b", 500, 0, 100, 100), ("a", 0, 5, 100, 100)], "a b"),
        (  # a line above two columns, which end at different heights
            [
                ("right", 500, 200, 400, 300),
                ("left", 0, 200, 400, 150),
                ("below left", 0, 400, 400, 200),
                ("top", 0, 0, 900, 100),
            ],
            "top left below left right",
        ),
        (  # headers of columns
            [
                ("A", 0, 0, 400, 50),
                ("B", 500, 0, 400, 50),
                ("a", 0, 60, 400, 500),
                ("b", 500, 60, 400, 500),
            ],
            "A a B b",
        ),
        (  # labels and values
            [
                ("1", 500, 0, 400, 50),
                ("A", 0, 2, 400, 50),
                ("2", 500, 100, 400, 50),
                ("B", 0, 102, 400, 50),
            ],
            "A 1 B 2",
        ),
        ([("over", 10, 20, 100, 100), ("under", 0, 0, 500, 500)], "under over"),
    ],
)
def test_what_stands_side_by_side_is_read_by_columns(
    placed: list[tuple[str, int, int, int, int]], expected: str
) -> None:
    assert order(*placed) == expected


def test_a_thousand_shapes_on_each_other_are_ordered() -> None:
    assert len(reading_order([Placed(n % 7, n % 11, 500, 500, n) for n in range(1_000)])) == 1_000
    stairs = [Placed(n * 10, n * 10, 10, 10, n) for n in range(1_000)]
    assert [one.content for one in reading_order(stairs[::-1])] == list(range(1_000))


def test_placeholders_stand_where_their_layout_puts_them() -> None:
    layout = office_part(
        "p:sldLayout",
        "<p:cSld><p:spTree>"
        + sp("Click", at=frame(0, 100), type_="body", index="1")
        + sp("Click", at=frame(0, 800), type_="body", index="2")
        + "</p:spTree></p:cSld>",
    )
    slide = sp("Below", type_="body", index="2") + sp("Middle", at=frame(0, 400))
    data = deck(
        slide + sp("Above", type_="body", index="1"), parts={"l.xml": ("slideLayout", layout)}
    )
    assert [text for _, _, text in blocks(load_pptx(data))] == ["Above", "Middle", "Below"]


def test_alternate_content_groups_and_formulas_are_read() -> None:
    alternate = (
        '<mc:AlternateContent><mc:Choice Requires="a14">'
        + sp(a("Limit: ", f"<x>{m('oMath', mt('a=b'))}</x>"))
        + "</mc:Choice><mc:Fallback>"
        + pic("")
        + "</mc:Fallback></mc:AlternateContent>"
    )
    inner = sp("b", at=frame(0, 50)) + sp("a", at=frame(0, 0, 9, 9))
    group = f"<p:grpSp>{named('GrpSp')}<p:grpSpPr>{frame(0, 0)}</p:grpSpPr>{inner}</p:grpSp>"
    assert texts(TITLE + group + alternate) == ["a", "b", "Limit: a=b"]


def test_an_exponent_is_no_digit_of_its_number() -> None:
    raised, lowered = (
        f'<a:r><a:rPr baseline="{n}"/><a:t>5</a:t></a:r>' for n in ("30000", "-25000")
    )
    assert texts(sp(a("10", raised, " a", lowered)) + sp(a("7", lowered))) == ["10^5 a5", "7₅"]


def test_lists_keep_their_levels_and_lines_their_breaks() -> None:
    assert blocks(load_pptx(deck(sp("a", a("b", level=1)) + sp(a("x", "<a:br/>", "y"))))) == [
        (1, "item", "- a"),
        (1, "item", "  - b"),
        (1, "paragraph", "x\ny"),
    ]


def test_tables_repeat_what_is_merged_downwards() -> None:
    def tc(text: str, merge: str = "") -> str:
        return f"<a:tc {merge}><a:txBody>{a(text)}</a:txBody></a:tc>"

    rows = (
        tc("Blue", 'rowSpan="2"') + tc("Ann"),
        tc("", 'vMerge="1"') + tc("Ben"),
        tc("Both", 'gridSpan="2"') + tc("", 'hMerge="1"'),
    )
    table = "".join(f"<a:tr>{row}</a:tr>" for row in rows)
    assert blocks(load_pptx(deck(graphic(f"<a:tbl>{table}</a:tbl>")))) == [
        (1, "row", "Blue | Ann"),
        (1, "row", "Blue | Ben"),
        (1, "row", "Both"),
    ]


def test_charts_are_read() -> None:
    data = deck(TITLE + graphic('<c:chart r:id="rId1"/>'), parts={"c.xml": ("chart", CHART)})
    assert [text for _, _, text in blocks(load_pptx(data))] == [
        "Harvest",
        "North; Tonnes: 34",
        "South; Tonnes: 5.5",
    ]


def test_a_picture_in_the_place_of_the_title_is_a_picture() -> None:
    source = load_pptx(deck(pic("Logo of the fair", '<p:ph type="title"/>') + sp("4 May")))
    assert source.title is None
    assert [text for _, _, text in blocks(source)] == ["Logo of the fair", "4 May"]
    assert source.notes == (FidelityNote("pictures", 1),)


def test_slides_of_pictures_are_counted() -> None:
    notes = load_pptx(deck(pic(""), sp("a") + pic(""))).notes
    assert notes == (FidelityNote("pictures", 2), FidelityNote("pages_without_text", 1, 2))


def test_a_second_title_is_text() -> None:
    assert texts(TITLE + sp("More results", type_="title")) == ["More results"]


def test_footers_are_there_once_and_numbers_not_at_all() -> None:
    edges = sp("Lund Library", type_="ftr") + sp("7", type_="sldNum")
    assert texts(sp("a") + edges, sp("b") + edges) == ["a", "Lund Library", "b"]


def test_notes_and_comments_stand_on_their_slide() -> None:
    notes = office_part("p:notes", sp("Say it.", "Twice.", type_="body") + sp("3", type_="sldNum"))
    comments = office_part("p:cmLst", '<p:cm authorId="4"><p:text>Too long.</p:text></p:cm>')
    parts = {"n.xml": ("notesSlide", notes), "c.xml": ("comments", comments)}
    source = load_pptx(deck(TITLE, parts=parts))
    assert [(b.heading, source.text[b.start : b.end]) for b in source.blocks] == [
        ("Results > Notes", "Say it.\nTwice."),
        ("Results > Notes", "Comment (Ann Berg): Too long."),
    ]


def test_shows_templates_and_strict_files_are_read() -> None:
    data = strict(deck(TITLE + sp("Text.")))
    assert load_pptx(data).title == "Results"
    for name in ("a.ppsx", "a.potx", "a.pptm", "a.ppsm", "a.potm"):
        assert loader_for(name, data).format == "pptx"


def test_one_damaged_slide_costs_one_slide() -> None:
    data = with_part(deck(sp("a"), sp("b"), sp("c")), "ppt/slides/slide1.xml", "<p:sld")
    source = load_pptx(data)
    assert [(page, text) for page, _, text in blocks(source)] == [(1, "a"), (3, "c")]
    assert source.pages == 3
    assert source.notes == (FidelityNote("unreadable_pages", 1, 3),)


def test_a_deck_of_pictures_has_no_text_and_one_without_slides_is_damaged() -> None:
    with pytest.raises(IngestError, match=r"pictures and no text; .*OCR"):
        load_pptx(deck(pic("")))
    with pytest.raises(IngestError, match="not a complete presentation"):
        load_pptx(with_part(deck(TITLE), "ppt/_rels/presentation.xml.rels", "<Relationships/>"))
