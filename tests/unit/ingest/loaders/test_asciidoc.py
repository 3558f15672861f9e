"""AsciiDoc is read with its structure."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.unit.ingest.loaders.test_mail import blocks

DOCUMENT = """\
// a comment
= Tea *pots*
Ana Ng <ana@example.org>
:product: Kettle 3000
:hidden-attribute: never seen

About {product} and `code` with _emphasis_, **un**bold, a_b_c and 2 * 3 * 4.footnote:[With *care*.]

////
hidden
////

[[clean]]
== Cleaning

.How to
[source,python]
----
x = 1  # *kept*
----

* one
* two
** inner `x`
* three
+
continued

NOTE: Be careful.

term:: what it means
other::
  its meaning

=== Prices

[cols="1,2", options="header"]
|===
|Name |Price

|Mug
|3.50
|Pot | 4
|===

[quote, Ana]
____
Quoted.
____

. first
. second

Setext
------

Line one +
line two.
"""


def load(text: str) -> ParsedDocument:
    loader = loader_for("a.adoc", text.encode())
    assert loader.format == "adoc"
    return loader.load(text.encode())


def texts(text: str) -> list[str]:
    return [text for _, _, text in blocks(load(text))]


def test_a_document_is_read_with_its_structure() -> None:
    source = load(DOCUMENT)
    assert source.title == "Tea pots"
    assert blocks(source) == [
        ("row", None, "author: Ana Ng <ana@example.org>"),
        (
            "paragraph",
            None,
            "About Kettle 3000 and code with emphasis, unbold, a_b_c and 2 * 3 * 4. [1]",
        ),
        ("paragraph", None, "Footnote 1: With care."),
        ("paragraph", "Cleaning", "How to"),
        ("code", "Cleaning", "x = 1  # *kept*"),
        ("item", "Cleaning", "- one"),
        ("item", "Cleaning", "- two"),
        ("item", "Cleaning", "  - inner x"),
        ("item", "Cleaning", "- three"),
        ("item", "Cleaning", "  continued"),
        ("paragraph", "Cleaning", "NOTE: Be careful."),
        ("row", "Cleaning", "term: what it means"),
        ("row", "Cleaning", "other: its meaning"),
        ("row", "Cleaning > Prices", "Name: Mug; Price: 3.50"),
        ("row", "Cleaning > Prices", "Name: Pot; Price: 4"),
        ("paragraph", "Cleaning > Prices", "Ana"),
        ("paragraph", "Cleaning > Prices", "Quoted."),
        ("item", "Cleaning > Prices", "1. first"),
        ("item", "Cleaning > Prices", "2. second"),
        ("paragraph", "Setext", "Line one\nline two."),
    ]


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("See <<a,the part>> or xref:b.adoc#c[that].", "See the part or that."),
        ("https://x.example[a site], https://y.example/a_b_c.", "a site, https://y.example/a_b_c."),
        ("link:a.pdf[the file] mailto:a@b[Ana]", "the file Ana"),
        ("stem:[x^2] H~2~O kbd:[Ctrl+C]", "x^2 H2O Ctrl+C"),
        ("a (((hidden,term))) and ((shown))", "a and shown"),
        (r"\*kept* and {undefined}", "*kept* and {undefined}"),
        ("menu:File[Save] icon:x[] [.role]#marked#", "File > Save marked"),
        ("[WARNING]\n====\nHot.\n====", "Warning: Hot."),
        ("....\n* as it is\n....", "* as it is"),
        ("[stem]\n++++\n\\sum *x*\n++++", "\\sum *x*"),
        ("|===\n|a\n|===", "a"),
        ("* [x] done", "- done"),
        ("<1> a callout", "1. a callout"),
    ],
)
def test_marks_are_taken_off(markup: str, shown: str) -> None:
    assert [" ".join(one.split()) for one in texts(markup)] == [shown]


def test_cells_may_be_repeated_and_spanned() -> None:
    table = '[cols="3*",options="header"]\n|===\n|A |B |C\n2*|x |y\n2+|both |z\n|===\n'
    assert texts(table) == ["A: x; B: x; C: y", "A: both; B: both; C: z"]
    assert texts("[options=header]\n,===\na,b\n1,2\n,===\n") == ["a: 1; b: 2"]


def test_nothing_is_followed_and_conditions_are_read_both_ways() -> None:
    text = "include::/etc/hostname[]\nifdef::a[]\none\nendif::[]\n\nifndef::a[]\ntwo\nendif::a[]\n"
    assert texts(text) == ["one", "two"]
    with pytest.raises(IngestError, match="contains no text"):
        load("include::/etc/hostname[lines=1..3]\n")


def test_pictures_are_counted_and_described() -> None:
    source = load("image::cup.png[A cup, 200]\n\nWith image:pot.png[a pot].\n")
    assert source.notes == (FidelityNote("pictures", 2),)
    assert [text for _, _, text in blocks(source)] == ["A cup", "With a pot."]


@pytest.mark.parametrize("end", ["----\nx", "|===\n|x", "* a\n+\nx", "====\nx", "x footnote:[y"])
def test_what_is_never_closed_is_read_to_the_end(end: str) -> None:
    assert "x" in load(f"Words.\n\n{end}").text
