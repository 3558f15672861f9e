"""DOCX: everything that Word shows is text, exactly once."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.registry import loader_for
from app.ingest.loaders.word_document import load_docx
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.harness.documents import docx, office_part, strict, with_part, word


def blocks(source: ParsedDocument) -> list[tuple[str, str | None, str]]:
    return [(b.kind, b.heading, source.text[b.start : b.end]) for b in source.blocks]


def texts(body: str, parts: dict[str, tuple[str, str]] | None = None) -> list[str]:
    return [text for _, _, text in blocks(load_docx(word(body, parts)))]


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def p(*content: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    inner = "".join(one if one.startswith("<") else run(one) for one in content)
    return f"<w:p>{properties}{inner}</w:p>"


def sdt(content: str) -> str:
    return f"<w:sdt><w:sdtPr/><w:sdtContent>{content}</w:sdtContent></w:sdt>"


def tc(content: str, properties: str = "") -> str:
    inner = content if content.startswith("<") else p(content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def tr(*cells: str, properties: str = "") -> str:
    inner = "".join(
        one if one.startswith("<w:tc>") or "<w:sdt>" in one[:9] else tc(one) for one in cells
    )
    return f"<w:tr><w:trPr>{properties}</w:trPr>{inner}</w:tr>"


def tbl(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/>{''.join(rows)}</w:tbl>"


def box(*paragraphs: str) -> str:
    content = f"<w:txbxContent>{''.join(paragraphs)}</w:txbxContent>"
    return (
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx>'
        f"{content}</wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox>"
        f"{content}</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (sdt(p("Block.")), ["Block."]),
        (sdt(sdt(p("Nested.")) + p("After.")), ["Nested.", "After."]),
        (p("a ", sdt(run("choice")), " b"), ["a choice b"]),
        (sdt(tbl(tr("A", "B"))), ["A | B"]),
        (tbl(tr("A", "B"), sdt(tr("C", "D"))), ["A | B", "C | D"]),
        (tbl(tr("A", sdt(tc("B")))), ["A | B"]),
        (tbl(tr("A", tc(sdt(p("B"))))), ["A | B"]),
        (tbl(tr("A", tc(p(sdt(run("B")))))), ["A | B"]),
        (f"<w:customXml>{p('Tagged.')}</w:customXml>", ["Tagged."]),
    ],
)
def test_content_controls_are_text_wherever_they_are(body: str, expected: list[str]) -> None:
    assert texts(body) == expected


@pytest.mark.parametrize(
    ("inline", "expected"),
    [
        ("self<w:noBreakHyphen/>service", "self-service"),
        ("co<w:softHyphen/>operate", "cooperate"),
        ("co\u00adoperate", "cooperate"),
        ("a<w:tab/>b<w:ptab/>c", "a\tb\tc"),
        ("a<w:br/>b<w:cr/>c", "a\nb\nc"),
        ('5 <w:sym w:font="Symbol" w:char="F0B3"/> 3', "5 ≥ 3"),
        ('<w:sym w:font="Symbol" w:char="F061"/>-rays', "α-rays"),
        ('<w:sym w:font="Wingdings" w:char="F0FC"/> done', "✓ done"),
        ('<w:sym w:font="Wingdings" w:char="XXXX"/>done', "done"),
    ],
)
def test_characters_that_are_elements_are_characters(inline: str, expected: str) -> None:
    pieces = inline.replace("<", "\x01<").replace(">", ">\x01").split("\x01")
    inner = "".join(
        one if one.startswith("<") else f'<w:t xml:space="preserve">{one}</w:t>' for one in pieces
    )
    assert texts(f"<w:p><w:r>{inner}</w:r></w:p>") == [expected]


def test_an_exponent_is_no_digit_of_its_number() -> None:
    def raised(text: str) -> str:
        return f'<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:t>{text}</w:t></w:r>'

    assert texts(p("10", raised("5"), " in the 1", raised("st"), " m", raised("2"))) == [
        "10^5 in the 1st m²"
    ]


def test_letters_of_a_symbol_font_are_read_by_their_font() -> None:
    fonts = '<w:rPr><w:rFonts w:ascii="Symbol"/></w:rPr>'
    assert texts(f"<w:p><w:r>{fonts}<w:t>\uf062</w:t></w:r>{run('-test')}</w:p>") == ["β-test"]


def test_text_that_was_moved_or_deleted_is_there_once_or_not() -> None:
    removed = "<w:del><w:r><w:delText>old</w:delText></w:r></w:del>"
    moved = f"<w:moveFrom>{run('Moved.')}</w:moveFrom>"
    target = f"<w:moveTo>{run('Moved.')}</w:moveTo>"
    body = p("Now ", removed, f"<w:ins>{run('new')}</w:ins>", ".") + p(moved) + p(target)
    assert texts(body) == ["Now new.", "Moved."]


def test_a_paragraph_whose_end_was_deleted_goes_on_in_the_next() -> None:
    begin = f"<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{run('First ')}</w:p>"
    assert texts(begin + p("half.") + p("Next.")) == ["First half.", "Next."]
    assert texts(p("x") + begin) == ["x", "First"]
    assert texts(begin + tbl(tr("A", "B"))) == ["First", "A | B"]


def test_a_deleted_row_is_not_there() -> None:
    assert texts(tbl(tr("A", "B"), tr("C", "D", properties="<w:del/>"))) == ["A | B"]


def test_a_text_box_is_there_once_after_its_paragraph() -> None:
    body = p("The anchor ends here", box(p("Callout about valves"), tbl(tr("A", "B"))))
    assert texts(body) == ["The anchor ends here", "Callout about valves", "A | B"]
    assert texts(tbl(tr("A", tc(p("B", box(p("C"))))))) == ["A | B C"]


def test_an_alternative_without_words_gives_way_to_the_one_with_words() -> None:
    alternate = (
        '<w:r><mc:AlternateContent><mc:Choice Requires="x"><w:drawing/></mc:Choice><mc:Fallback>'
        "<w:t>In words.</w:t></mc:Fallback></mc:AlternateContent></w:r>"
    )
    assert texts(p(alternate)) == ["In words."]


def test_notes_and_comments_stand_after_what_they_are_about() -> None:
    def notes(name: str, extra: str = "") -> str:
        separator = f'<w:{name} w:id="0" w:type="separator">{p("-----")}</w:{name}>'
        only = f"Only a {name}."
        note = f'<w:{name} w:id="2" {extra}>{p("<w:r><w:footnoteRef/></w:r>", only)}</w:{name}>'
        return office_part(f"w:{name}s", separator + note)

    parts = {
        "footnotes.xml": ("footnotes", notes("footnote")),
        "endnotes.xml": ("endnotes", notes("endnote")),
        "comments.xml": ("comments", notes("comment", 'w:author="Ann Berg"')),
    }
    refer = "".join(
        f'<w:r><w:{name}Reference w:id="2"/></w:r>' for name in ("footnote", "endnote", "comment")
    )
    assert texts(p("Entry is free", refer, ".") + p("Next."), parts) == [
        "Entry is free.",
        "Footnote 1: Only a footnote.",
        "Endnote 2: Only a endnote.",
        "Comment (Ann Berg): Only a comment.",
        "Next.",
    ]
    assert texts(tbl(tr("A", tc(p("B", refer))), tr("C", "D")), parts)[:3] == [
        "A | B",
        "C | D",
        "Footnote 1: Only a footnote.",
    ]
    assert texts(p("No reference."), parts) == [
        "No reference.",
        "Comment (Ann Berg): Only a comment.",
    ]


def m(name: str, *parts: str) -> str:
    return f"<m:{name}>{''.join(parts)}</m:{name}>"


def mt(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (mt("a=b"), "a=b"),
        (m("f", m("num", mt("a+b")), m("den", mt("2"))), "(a+b)/2"),
        (m("sSup", m("e", mt("x")), m("sup", mt("2"))), "x^2"),
        (m("sSub", m("e", mt("x")), m("sub", mt("i+1"))), "x_(i+1)"),
        (m("sSubSup", m("e", mt("x")), m("sub", mt("i")), m("sup", mt("2"))), "x_i^2"),
        (m("rad", "<m:deg/>", m("e", mt("x"))), "√(x)"),
        (m("rad", m("deg", mt("3")), m("e", mt("x"))), "3√(x)"),
        (m("d", m("e", mt("x"))), "(x)"),
        (m("d", m("dPr", '<m:begChr m:val="["/><m:endChr m:val="]"/>'), m("e", mt("x"))), "[x]"),
        (
            m(
                "nary",
                m("naryPr", '<m:chr m:val="∑"/>'),
                m("sub", mt("i=1")),
                m("sup", mt("n")),
                m("e", mt("i")),
            ),
            "∑_(i=1)^n i",
        ),
        (m("func", m("fName", mt("sin")), m("e", mt("x"))), "sin x"),
        (
            m(
                "m",
                m("mr", m("e", mt("1")), m("e", mt("2"))),
                m("mr", m("e", mt("3")), m("e", mt("4"))),
            ),
            "[1, 2; 3, 4]",
        ),
    ],
)
def test_a_formula_is_a_line_of_text(formula: str, expected: str) -> None:
    assert texts(p("Area: ", m("oMath", formula), ".")) == [f"Area: {expected}."]
    assert texts(f"<w:p>{m('oMathPara', m('oMath', formula))}</w:p>") == [expected]


def test_ruby_does_not_divide_its_sentence() -> None:
    ruby = (
        f"<w:r><w:ruby><w:rubyPr/><w:rt>{run('とうきょう')}</w:rt>"
        f"<w:rubyBase>{run('東京')}</w:rubyBase></w:ruby></w:r>"
    )
    assert texts(p("明日", ruby, "へ行く。")) == ["明日東京へ行く。", "東京(とうきょう)"]


def char(kind: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


def instruction(text: str) -> str:
    return f"<w:r><w:instrText>{text}</w:instrText></w:r>"


def test_fields_show_their_result_and_nothing_of_their_instruction() -> None:
    date = char("begin") + instruction("DATE") + char("separate") + run("4 May") + char("end")
    nested = (
        char("begin")
        + instruction("IF ")
        + date
        + instruction('= "x"')
        + char("separate")
        + run("in spring")
        + char("end")
    )
    assert texts(p("On ", date, ".")) == ["On 4 May."]
    assert texts(p("It is ", nested, ".")) == ["It is in spring."]
    assert texts(p(f'<w:fldSimple w:instr="REF x">{run("Table 3")}</w:fldSimple>')) == ["Table 3"]
    assert texts(p("Open", char("begin"), instruction("TOC")) + p("Shown.")) == ["Open", "Shown."]


def test_fields_of_forms_show_what_was_chosen() -> None:
    def form(content: str) -> str:
        data = f"<w:ffData>{content}</w:ffData>"
        return f'<w:r><w:fldChar w:fldCharType="begin">{data}</w:fldChar></w:r>'

    checked = form('<w:checkBox><w:checked w:val="1"/></w:checkBox>') + char("end")
    empty = form('<w:checkBox><w:default w:val="0"/></w:checkBox>') + char("end")
    entries = '<w:listEntry w:val="Lund"/><w:listEntry w:val="Malmö"/>'
    chosen = form(f'<w:ddList><w:result w:val="1"/>{entries}</w:ddList>') + char("end")
    assert texts(p(checked, " yes ", empty, " no, in ", chosen)) == ["☒ yes ☐ no, in Malmö"]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (  # a cell that goes on from nowhere
            tbl(
                tr(tc("Wide", '<w:gridSpan w:val="2"/>'), "Third"),
                tr("One", tc("Own", "<w:vMerge/>"), "Last"),
            ),
            ["Wide | Third", "One | Own | Last"],
        ),
        (
            tbl(
                tr(tc("Blue", '<w:vMerge w:val="restart"/>'), "Ann"),
                tr(tc("", "<w:vMerge/>"), "Ben"),
            ),
            ["Blue | Ann", "Blue | Ben"],
        ),
        (
            tbl(tr("A", "B", "C"), tr("x", "y", properties='<w:gridBefore w:val="1"/>')),
            ["A | B | C", "| x | y"],
        ),
        (tbl(tr("A", tc(tbl(tr("B", "C"))))), ["A | B C"]),
        (tbl(tr(tc(p("One.") + p("Two."))), tr("Three.")), ["One.", "Two.", "Three."]),
        (tbl(tr("A", tc("B", '<w:gridSpan w:val="99999999999999999999"/>'))), ["A | B"]),
    ],
)
def test_odd_tables_lose_nothing(table: str, expected: list[str]) -> None:
    assert texts(table) == expected


NUMBERING = office_part(
    "w:numbering",
    '<w:abstractNum w:abstractNumId="7">'
    '<w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/>'
    '</w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>'
    '<w:lvl w:ilvl="2"><w:numFmt w:val="upperRoman"/><w:lvlText w:val="(%3)"/></w:lvl>'
    '<w:lvl w:ilvl="3"><w:numFmt w:val="bullet"/><w:lvlText w:val="\uf0b7"/></w:lvl>'
    '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0">'
    '<w:startOverride w:val="1"/></w:lvlOverride></w:num>',
)
STYLES = office_part(
    "w:styles",
    '<w:style w:type="paragraph" w:styleId="H"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H"/>'
    '</w:style><w:style w:type="paragraph" w:styleId="Out"><w:name w:val="Out"/><w:pPr>'
    '<w:outlineLvl w:val="1"/></w:pPr></w:style><w:style w:type="paragraph" w:styleId="Loop">'
    '<w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>',
)
PARTS = {"numbering.xml": ("numbering", NUMBERING), "styles.xml": ("styles", STYLES)}


def item(text: str, level: int = 0, list_id: int = 1, style: str = "") -> str:
    number = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>'
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{number}</w:pPr>{run(text)}</w:p>'


def test_lists_are_numbered_as_word_numbers_them() -> None:
    body = item("a") + item("b", 1) + item("c", 1) + item("d", 2) + p("text") + item("e")
    assert texts(body + item("f", 1) + item("g", 3) + item("h", 0, 2) + item("i", 0, 9), PARTS) == [
        "3. a",
        "  3.a) b",
        "  3.b) c",
        "    (I) d",
        "text",
        "4. e",
        "  4.a) f",
        "      - g",
        "1. h",
        "- i",
    ]


def test_headings_are_known_by_style_by_what_it_is_based_on_and_by_level() -> None:
    body = (
        p("One", style="H")
        + p("x")
        + p("Two", style="Mine")
        + p("x")
        + p("Three", style="Out")
        + p("x")
        + p("y", style="Loop")
        + item("Four", style="H")
        + p("x")
    )
    assert [(heading, text) for _, heading, text in blocks(load_docx(word(body, PARTS)))] == [
        ("One", "x"),
        ("Two", "x"),
        ("Two > Three", "x"),
        ("Two > Three", "y"),
        ("3. Four", "x"),
    ]


def test_headers_and_footers_are_there_once_without_page_numbers() -> None:
    number = f'<w:fldSimple w:instr=" PAGE ">{run("7")}</w:fldSimple>'
    parts = {
        "header1.xml": ("header", office_part("w:hdr", p("Lund Library"))),
        "header2.xml": ("header", office_part("w:hdr", p("Lund Library") + p("Draft of May"))),
        "footer1.xml": ("footer", office_part("w:ftr", p("Page ", number, " of 9"))),
        "footer2.xml": (
            "footer",
            office_part("w:ftr", p("Write to post@example.org, page ", number)),
        ),
    }
    assert texts(p("Text."), parts) == [
        "Text.",
        "Lund Library",
        "Draft of May",
        "Write to post@example.org, page",
    ]


def test_pictures_are_described_and_counted() -> None:
    def picture(description: str) -> str:
        return (
            f'<w:r><w:drawing><wp:inline><wp:docPr id="1" name="P 1" descr="{description}"/>'
            "<pic:pic/></wp:inline></w:drawing></w:r>"
        )

    source = load_docx(
        word(
            p("See:", picture("A kettle on a stove"), picture("image1.png"))
            + p(picture("Steam&#10;&#10;Description automatically generated"))
        )
    )
    assert [text for _, _, text in blocks(source)] == ["See:", "A kettle on a stove", "Steam"]
    assert source.notes == (FidelityNote("pictures", 3),)


def points(name: str, *values: str) -> str:
    inner = "".join(f'<c:pt idx="{n}"><c:v>{v}</c:v></c:pt>' for n, v in enumerate(values))
    return f"<c:{name}>{inner}</c:{name}>"


CHART = office_part(
    "c:chartSpace",
    "<c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Harvest</a:t></a:r></a:p></c:rich></c:tx>"
    "</c:title><c:plotArea><c:barChart><c:ser><c:tx>"
    + points("strCache", "Tonnes")
    + "</c:tx><c:cat>"
    + points("strCache", "North", "South")
    + "</c:cat><c:val>"
    + points("numCache", "34.0", "5.5")
    + "</c:val></c:ser></c:barChart></c:plotArea></c:chart>",
)


def test_categories_of_a_chart_stand_in_their_groups() -> None:
    levels = points("lvl", "Lund", "Malmö", "Oslo") + (
        '<c:lvl><c:pt idx="0"><c:v>Sweden</c:v></c:pt><c:pt idx="2"><c:v>Norway</c:v></c:pt>'
        "</c:lvl>"
    )
    chart = office_part(
        "c:chartSpace",
        f"<c:ser><c:cat><c:multiLvlStrRef><c:multiLvlStrCache>{levels}</c:multiLvlStrCache>"
        f"</c:multiLvlStrRef></c:cat><c:val>{points('numCache', '1', '2', '3')}</c:val></c:ser>",
    )
    body = p('<w:r><w:drawing><c:chart r:id="rId1"/></w:drawing></w:r>')
    assert texts(body, {"chart.xml": ("chart", chart)}) == [
        "Sweden Lund; 1",
        "Sweden Malmö; 2",
        "Norway Oslo; 3",
    ]


def test_charts_and_diagrams_are_read() -> None:
    model = office_part(
        "dgm:dataModel",
        "<dgm:ptLst>"
        + "".join(
            f'<dgm:pt modelId="{n}" type="{type_}"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p>'
            "</dgm:t></dgm:pt>"
            for n, type_, text in [
                (1, "node", "Second"),
                (2, "node", "First"),
                (9, "doc", ""),
                (3, "node", "Below"),
            ]
        )
        + "</dgm:ptLst><dgm:cxnLst>"
        + "".join(
            f'<dgm:cxn modelId="c{n}" srcId="{source}" destId="{target}" srcOrd="{n}"/>'
            for n, (source, target) in enumerate([(9, 2), (9, 1), (2, 3)])
        )
        + "</dgm:cxnLst>",
    )
    parts = {"chart.xml": ("chart", CHART), "data.xml": ("diagramData", model)}
    body = p('<w:r><w:drawing><c:chart r:id="rId1"/></w:drawing></w:r>') + p(
        '<w:r><w:drawing><dgm:relIds r:dm="rId2"/></w:drawing></w:r>'
    )
    assert texts(body, parts) == [
        "Harvest",
        "North; Tonnes: 34",
        "South; Tonnes: 5.5",
        "- First",
        "  - Below",
        "- Second",
    ]


def test_strict_files_macro_files_and_templates_are_read() -> None:
    data = strict(word(p("Strict text.", style="H"), PARTS))
    assert [text for _, _, text in blocks(load_docx(data))] == ["Strict text."]
    for name in ("a.docm", "a.dotx", "a.dotm"):
        assert loader_for(name, data).format == "docx"


def test_a_damaged_part_that_is_not_the_text_costs_only_itself() -> None:
    data = with_part(word(p("Text."), PARTS), "word/styles.xml", "<w:styles")
    source = load_docx(data)
    assert source.text == "Text."
    assert source.notes == (FidelityNote("unreadable_parts", 1),)


def test_a_file_inside_is_read_when_it_is_a_page() -> None:
    parts = {"afchunk.html": ("aFChunk", "<p>From a page.</p>"), "b.rtf": ("aFChunk", "{rtf}")}
    data = word(p("x") + '<w:altChunk r:id="rId1"/><w:altChunk r:id="rId2"/>', parts)
    source = load_docx(data)
    assert [text for _, _, text in blocks(source)] == ["x", "From a page."]
    assert source.notes == (FidelityNote("embedded_files", 1),)


def test_nothing_outside_the_file_is_looked_for() -> None:
    data = word(p('<w:r><c:chart r:id="rId1"/></w:r>', "x"), {"../../etc/passwd": ("chart", "x")})
    assert load_docx(data).text == "x"


def test_many_styles_are_looked_up_once_each() -> None:
    style = "".join(
        f'<w:style w:type="paragraph" w:styleId="S{n}"><w:name w:val="S{n}"/></w:style>'
        for n in range(2_500)
    )
    body = "".join(p(f"Paragraph {n}.", style=f"S{n}") for n in range(2_000))
    found = texts(body, {"styles.xml": ("styles", office_part("w:styles", style))})
    assert found[-1] == "Paragraph 1999."


def test_what_is_no_word_document_is_said_to_be_damaged() -> None:
    data = with_part(docx([("Normal", "x")]), "_rels/.rels", "<Relationships/>")
    with pytest.raises(IngestError, match="not a complete Word document"):
        load_docx(data)


def test_prompts_of_empty_content_controls_are_no_text() -> None:
    def control(content: str, prompt: str = "<w:showingPlcHdr/>") -> str:
        return f"<w:sdt><w:sdtPr>{prompt}</w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>"

    empty, filled = "Click or tap here to enter text.", "Ann Berg"
    assert texts(control(p(empty)) + p("Name: ", control(run(empty)))) == ["Name:"]
    assert texts(control(p(filled), "")) == [filled]
    assert texts(control(p(filled), '<w:showingPlcHdr w:val="0"/>')) == [filled]
    assert texts(control(p(run(empty), control(run(filled), "")))) == [filled]
    row = tr("Name", control(tc(empty)), "Lund")
    assert texts(tbl(row)) == ["Name |  | Lund"]


def titled(body: str, core: str | None = None) -> str | None:
    data = word(body)
    if core is not None:
        dc = "http://purl.org/dc/elements/1.1/"
        part = f'<x:p xmlns:x="urn:x" xmlns:dc="{dc}"><dc:title>{core}</dc:title></x:p>'
        data = with_part(data, "docProps/core.xml", part)
    return load_docx(data).title


@pytest.mark.parametrize("core", [None, "", "Microsoft Word - minutes.doc", "Untitled", "a.docx"])
def test_the_first_heading_is_the_title_of_a_file_without_a_useful_one(core: str | None) -> None:
    heading = '<w:p><w:pPr><w:outlineLvl w:val="{}"/></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>'
    body = p("Lund, 3 May") + heading.format(1, "Low") + heading.format(0, "Minutes of May")
    body += heading.format(0, "Votes")
    assert titled(body, core) == "Minutes of May"
    assert titled(body + p("Board of Trees", style="Title"), core) == "Board of Trees"
    assert titled(p("x"), core) is None


def test_a_title_in_the_properties_comes_before_headings() -> None:
    body = '<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>Votes</w:t></w:r></w:p>'
    assert titled(body, "Minutes of May") == "Minutes of May"
