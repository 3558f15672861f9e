"""HTML: the content of a page is text, what surrounds it is not."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.html_page import load_html
from app.ingest.parsed_document import ParsedDocument
from tests.harness.growth import growth


def texts(body: str, *, encoding: str = "utf-8") -> list[str]:
    source = load_html(body.encode(encoding))
    return [source.text[b.start : b.end] for b in source.blocks]


def blocks(source: ParsedDocument) -> list[tuple[str, str]]:
    return [(b.kind, source.text[b.start : b.end]) for b in source.blocks]


@pytest.mark.parametrize(
    "markup",
    [
        '<div role="alert">Kept text.</div><p>x</p>',
        '<p>x</p><div role="status">Kept text.</div>',
        "<p>x</p><aside><p>Kept text.</p></aside>",
        "<article><p>x</p><aside>Kept</aside></article>",
        '<p>x</p><aside role="note">Kept</aside>',
        '<p>x</p><section role="doc-endnotes"><p>Kept text.</p></section>',
        '<p>x</p><footer><div role="doc-footnote">Kept text.</div></footer>',
        "<form><label>Kept text</label></form>",
        "<article><header><p>Kept text.</p></header><p>x</p></article>",
        "<article><p>x</p><footer>Kept text.</footer></article>",
        "<header><h2>Kept text</h2><nav>Menu</nav></header><p>x</p>",
        "<fieldset><legend>Kept text</legend></fieldset>",
        "<details><summary>When?</summary><p>Kept text.</p></details>",
        "<dialog open><p>Kept text.</p></dialog>",
        '<button popovertarget="d">?</button><dialog id="d"><p>Kept text.</p></dialog>',
        '<button aria-controls="a">?</button><div id="a" hidden><p>Kept text.</p></div>',
        '<a href="#a">?</a><div id="a" style="display: none"><p>Kept text.</p></div>',
        '<h3 aria-expanded="false">?</h3><div aria-hidden="true"><p>Kept text.</p></div>',
        '<a data-bs-target="#a">?</a><div id="a" aria-hidden="true">Kept text.</div>',
        '<div role="tabpanel" hidden>Kept text.</div>',
        '<div hidden="until-found">Kept text.</div>',
        "<h2><button>Kept text</button></h2><p>x</p>",
        '<button>?</button><div style="display:none"><p>Kept text.</p></div>',
        "<button>Kept text</button><div hidden><p>Answer.</p></div>",
        "<p>x</p><aside>Kept on Mondays</aside>",
        '<button aria-expanded="false">Kept text</button>',
        "<svg><text>Kept</text></svg>",
        '<img alt="Kept text">',
        "<table><caption>Kept text</caption><tr><td>a<td>b</table>",
        "<p><![CDATA[Kept text]]></p>",
    ],
)
def test_what_a_page_says_is_kept(markup: str) -> None:
    assert "Kept" in load_html(markup.encode()).text


@pytest.mark.parametrize(
    "markup",
    [
        "<nav>Gone</nav>",
        '<div role="navigation">Gone</div>',
        '<form role="search"><label>Gone</label></form>',
        "<footer>Gone</footer>",
        "<header><a>Gone</a></header>",
        '<aside class="sidebar-ads"><p>Gone, all of it.</p></aside>',
        '<aside><ul><li><a href="/">Gone</a><li><a href="/2">Gone too</a></ul></aside>',
        '<div id="cookie-banner" role="dialog">Gone</div>',
        "<dialog>Gone</dialog>",
        "<button>Gone</button>",
        '<button type="submit">Gone</button>',
        '<input type="hidden" value="Gone"><input type="submit" value="Gone">',
        '<input type="password" value="Gone">',
        "<div hidden>Gone</div>",
        '<p style="visibility:hidden">Gone</p>',
        '<span aria-hidden="true">Gone</span>',
        '<button aria-controls="m">x</button><div id="m" hidden><a href="/">Gone</a></div>',
        "<svg><title>Gone</title></svg>",
        "<video>Gone</video><noscript>Gone</noscript><template>Gone</template>",
    ],
)
def test_what_surrounds_it_is_left_out(markup: str) -> None:
    assert not any("Gone" in text for text in texts(f"<p>x</p>{markup}"))


def test_notes_around_the_main_part_are_kept_in_their_place() -> None:
    long = "word " * 20
    page = (
        f'<div><div role="alert">Closed.</div></div><div>Cookies!</div><main><p>{long}</p></main>'
        '<section role="doc-endnotes"><p>Note.</p></section><aside>For members.</aside>'
        '<aside class="related">Other pages to read.</aside><dialog><p role="note">No</p></dialog>'
    )
    assert texts(page) == ["Closed.", long.strip(), "Note.", "For members."]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("<mi>a</mi><mo>=</mo><mi>b</mi>", "a=b"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a+b)/2"),
        ("<msup><mi>x</mi><mn>2</mn></msup>", "x^2"),
        ("<msub><mi>x</mi><mi>i</mi></msub>", "x_i"),
        ("<msqrt><mi>x</mi></msqrt>", "√(x)"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "3√(x)"),
        ("<semantics><mi>x</mi><annotation>\\x</annotation></semantics>", "x"),
    ],
)
def test_a_formula_is_a_line_of_text(formula: str, expected: str) -> None:
    assert texts(f"<p>Area <math>{formula}</math>.</p>") == [f"Area {expected}."]
    assert texts(f"<li><m:math>{formula.replace('<m', '<m:m').replace('</m', '</m:m')}</m:math>")


def test_words_are_whole_wherever_they_are() -> None:
    word = "H<sub>2</sub>O and <b>ho</b>t"
    page = f"<h2>{word}</h2><p>{word}</p><ul><li>{word}</ul><table><tr><td>{word}<td>x</table>"
    source = load_html(page.encode())
    assert source.text.split("\n") == [
        *("H2O and hot", "", "H2O and hot", "", "- H2O and hot", "", "H2O and hot | x")
    ]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('Entry is free<a epub:type="noteref" href="#n">1</a>.', "Entry is free[1]."),
        ('Entry is free<sup><a href="#fn1">1</a></sup>.', "Entry is free[1]."),
        ('Entry is free<a role="doc-noteref" href="#n">[1]</a>.', "Entry is free[1]."),
        ("10<sup>5</sup> kettles on the 1<sup>st</sup>", "10^5 kettles on the 1st"),
        ('Note.<a role="doc-backlink" href="#r">↩</a>', "Note."),
        ("co&shy;operate", "cooperate"),
        ("a<wbr>b", "ab"),
    ],
)
def test_signs_beside_words_are_no_part_of_them(markup: str, expected: str) -> None:
    assert texts(f"<p>{markup}</p>") == [expected]


def test_a_link_to_the_heading_itself_is_no_part_of_it() -> None:
    source = load_html('<h2>Tea<a href="#tea">¶</a></h2><p>x</p>'.encode())
    assert source.blocks[0].heading == "Tea"


def test_ruby_does_not_divide_its_sentence() -> None:
    ruby = "<ruby>東京<rp>(</rp><rt>とうきょう</rt><rp>)</rp></ruby>"
    assert texts(f"<p>明日{ruby}へ行く。</p>") == ["明日東京へ行く。", "東京(とうきょう)"]
    assert texts(f"<ul><li>{ruby}へ</ul>") == ["- 東京へ", "東京(とうきょう)"]


def test_forms_show_what_was_filled_in() -> None:
    form = (
        '<form><label>Name</label><input value="Ann"><label><input type="checkbox" checked>Yes'
        "</label><select><option>Lund<option selected>Malmö</select><textarea>Two\nlines</textarea>"
        "<select><option>A<option>B</select></form>"
    )
    assert texts(form) == ["Name Ann ☒ Yes Malmö Two\nlines A, B"]


def test_a_main_part_may_be_deep_inside() -> None:
    page = f"<p>x</p>{'<div>' * 3_000}<main><p>Main text.</p></main>"
    assert texts(page) == ["Main text."]


def test_values_that_are_shown_side_by_side_are_words_of_their_own() -> None:
    assert texts("<output>42</output><meter>two</meter>x") == ["42 two x"]


def test_code_keeps_its_lines() -> None:
    page = (
        "<pre>one<br>two</pre><pre><div>a</div><div>b</div></pre><pre>x<button>Copy</button></pre>"
        "<ul><li>Run:<pre>a\n  b</pre></ul>"
    )
    assert blocks(load_html(page.encode())) == [
        ("code", "one\ntwo"),
        ("code", "a\nb"),
        ("code", "x"),
        ("item", "- Run:"),
        ("code", "a\n  b"),
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("<tr><td rowspan=2>Blue<td>Ann<tr><td>Ben", ["Blue | Ann", "Blue | Ben"]),
        ("<tr><td>a<td rowspan=2>b<td>c<tr><td>d<td>e", ["a | b | c", "d | b | e"]),
        ("<tr><th colspan=2>Wide<th>x<tr><td>1<td>2<td>3", ["Wide: 1; Wide: 2; x: 3"]),
        (
            "<tr><td rowspan=3>A<td rowspan=2>B<td>1<tr><td>2<tr><td>C<td>3",
            ["A | B | 1", "A | B | 2", "A | C | 3"],
        ),
        ("<tr><td rowspan=99999999999>A<td colspan=x>B<tr><td>C", ["A | B", "A | C"]),
        ("<tr><td>a<td><ul><li>b<li>c</ul>", ["a | b c"]),
        ("<tr><td>a<td>b</tr><tr>stray</tr>", ["a | b", "stray"]),
        ("<th><td>a<td>b</th><tr><td>c<td>d", ["| a | b", "c | d"]),
        ("<tr><td>a<td>b<br>c<tr hidden><td>d<td>e", ["a | b c"]),
    ],
)
def test_cells_that_span_rows_stand_in_each(rows: str, expected: list[str]) -> None:
    assert texts(f"<table>{rows}</table>") == expected


@pytest.mark.parametrize(
    ("named", "encoding", "text"),
    [
        ("iso-8859-1", "cp1252", "12 € „cher“"),
        ("ascii", "cp1252", "12 € – cher"),
        ("latin1", "utf-8", "12 € cher"),
        ("iso-8859-9", "cp1254", "Işık ve gölge"),
        ("gb2312", "gb18030", "茶壶很烫"),
        ("shift_jis", "cp932", "①お茶"),
        ("utf-16", "utf-8", "12 € cher"),
    ],
)
def test_encodings_are_read_as_browsers_read_them(named: str, encoding: str, text: str) -> None:
    page = f'<meta charset="{named}"><p>{text}</p>'
    assert texts(page, encoding=encoding) == [text]


def test_a_page_in_utf8_with_a_few_other_bytes_is_read() -> None:
    page = '<meta charset="utf-8"><title>gr\xfcn</title><p>{}</p>'.encode("latin-1")
    text = "Größe, Höhe, Länge der Körbe."
    source = load_html(page.replace(b"{}", text.encode()))
    assert (source.title, source.text) == ("grün", text)


def test_lists_go_on_from_their_number_and_pictures_are_counted() -> None:
    assert texts('<ol start="4"><li>a<li>b</ol>') == ["4. a", "5. b"]
    assert load_html(b"<p>x<img><img></p>").notes == (FidelityNote("pictures", 2),)


@pytest.mark.parametrize("declared", ["<?xml version='1.0'?>" * 2, "<?xml version='1.0'?><?xml x"])
def test_xml_that_is_declared_twice_is_read(declared: str) -> None:
    assert load_html(f"{declared}<html><p>Words.</p></html>".encode()).text == "Words."


@pytest.mark.no_cover  # line coverage would distort the timing
@pytest.mark.parametrize(
    "unit",
    [
        *("<ruby>a<rt>b", "<option>x", "<sup>1", "<a>x", '<div role="alert">x', "<svg><text>x"),
        *("<![CDATA[x", "<table><tr><td>x<td>", "<aside>x", "<button>x", "<div hidden>x"),
    ],
)
def test_repeated_markup_takes_linear_time(unit: str) -> None:
    def load(size: int) -> None:
        load_html(f"<p>x</p>{unit * size}".encode())

    # Asides are looked into, down to the deepest that is read: slow enough to be few here.
    assert growth(load, size=100 if unit == "<aside>x" else 300).linear


def test_what_is_struck_out_is_not_said() -> None:
    body = "<p>The notice period is <del>six weeks</del> <ins>three months</ins>.</p>"
    assert texts(body) == ["The notice period is three months."]
    assert texts("<p>Tea <s>12 €</s> 9 €</p>") == ["Tea 9 €"]
