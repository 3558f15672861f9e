"""XML of any vocabulary: nothing lost, nothing fetched."""

import pytest

from app.ingest.loaders.registry import loader_for
from app.ingest.loaders.xml_document import load_xml
from app.ingest.parsed_document import IngestError


def blocks(data: str | bytes) -> list[tuple[str, str | None, str]]:
    source = load_xml(data.encode() if isinstance(data, str) else data)
    return [(b.kind, b.heading, source.text[b.start : b.end]) for b in source.blocks]


def test_records_are_rows_with_their_attributes() -> None:
    data = """<?xml version="1.0"?><shop xmlns="urn:x" city="Bath"><tea id="7"><name>Assam</name>
      <price unit="EUR">3.50</price><empty/></tea><tea id="8"><name>Sencha</name></tea></shop>"""
    assert blocks(data) == [
        ("row", None, "city: Bath"),
        ("row", None, "id: 7; name: Assam; price: 3.50; unit: EUR"),
        ("row", None, "id: 8; name: Sencha"),
    ]


def test_documents_keep_titles_paragraphs_and_code() -> None:
    data = """<!DOCTYPE book PUBLIC "-//OASIS//DTD DocBook" "http://example.org/d.dtd">
      <book><title>Tea</title><chapter><title>Green <emphasis>leaves</emphasis></title>
      <para>Steep it&nbsp;for <emphasis>two</emphasis> minutes.</para>
      <section><title>Code</title><programlisting>a\n  b</programlisting></section>
      <section><title>Nothing below</title></section></chapter></book>"""
    assert load_xml(data.encode()).title == "Tea"
    assert blocks(data) == [
        ("paragraph", "Tea > Green leaves", "Steep it for two minutes."),
        ("code", "Tea > Green leaves > Code", "a\n  b"),
        ("paragraph", "Tea > Green leaves", "Nothing below"),
    ]


def test_feeds_are_read_entry_by_entry() -> None:
    data = f"""<rss><channel><title>News</title><item><title>One</title><link>http://a</link>
      <description>Short.</description></item><item><title>Two</title>
      <description>{"long " * 200}</description></item></channel></rss>"""
    found = blocks(data)
    assert found[0] == ("row", "News", "title: One; link: http://a; description: Short.")
    assert found[1][:2] == ("paragraph", "News > Two")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1251", "iso-8859-5", "gbk"])
def test_the_declared_encoding_counts(encoding: str) -> None:
    text = "茶" if encoding == "gbk" else "Чай"
    data = f'<?xml version="1.0" encoding="{encoding}"?><x><y>{text}</y></x>'
    assert blocks(data.encode(encoding)) == [("row", None, f"y: {text}")]


def test_a_page_in_xml_is_a_page() -> None:
    data = b'<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>T</h1><p>x</p></body></html>'
    assert loader_for("a.xml", data).load(data).title == "T"


def test_xml_without_a_known_ending_is_known_by_its_declaration() -> None:
    assert loader_for("a.unknown", b'<?xml version="1.0"?><a>x</a>').format == "xml"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "declares entities"),
        ('<!DOCTYPE a [<!ENTITY % x "y">]><a>b</a>', "declares entities"),
        ("<a>" * 300 + "</a>" * 300, "nested too deeply"),
        ("<a><b></a>", "not well-formed"),
        ("<a/>", "contains no text"),
    ],
)
def test_what_is_refused(data: str, complaint: str) -> None:
    with pytest.raises(IngestError, match=complaint):
        load_xml(data.encode())
