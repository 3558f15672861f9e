"""The text of a document: headings without text below them are text, offsets are exact."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.extracted_text import MAX_HEADING, ExtractedText
from app.ingest.loaders.html_page import load_html
from app.ingest.loaders.markdown import load_markdown
from app.ingest.loaders.plain_text import load_text
from app.ingest.loaders.registry import loader_for
from app.ingest.loaders.slides import load_pptx
from app.ingest.loaders.word_document import load_docx
from app.ingest.parsed_document import IngestError, ParsedDocument
from app.ingest.passages import cut_passages
from tests.harness.documents import docx, epub, flowing, pdf, pptx


def count(text: str) -> int:
    return len(text.split())


def passages(source: ParsedDocument) -> list[tuple[str | None, str]]:
    found = cut_passages(source, title=source.title or "T", count=count)
    assert all(source.text[p.char_start : p.char_end] == p.text for p in found)
    return [(p.heading, p.text) for p in found]


def test_a_heading_without_text_under_it_is_text() -> None:
    source = load_markdown(
        b"# Guide\n\nIntro.\n\n## The gate code is 4711\n\n## Parking\n\nBehind the house."
    )
    assert source.title == "Guide"
    assert passages(source) == [
        (None, "Intro.\n\nThe gate code is 4711"),
        ("Parking", "Behind the house."),
    ]


def test_it_does_not_join_the_text_of_another_heading() -> None:
    source = load_markdown(
        b"## Fees\n\nThey are 5.\n\n### From May: 6\n\n## Gate: 4711\n\n### Door: 9"
    )
    assert passages(source) == [
        ("Fees", "They are 5.\n\nFrom May: 6"),
        (None, "Gate: 4711\n\nDoor: 9"),
    ]


def test_a_heading_with_text_further_below_is_no_text_of_its_own() -> None:
    source = load_markdown(b"# Guide\n\n## House\n\n### Door\n\nGreen.")
    assert passages(source) == [("House > Door", "Green.")]


MANY = [f"Room {n}: key {n * 7}" for n in range(300)]


def test_an_outline_is_cut_where_it_is_long_and_each_part_has_its_own_heading() -> None:
    lines = "\n\n".join(f"## {line}\n\n### Shelf {n}" for n, line in enumerate(MANY))
    found = passages(load_markdown(lines.encode()))
    assert len(found) > 1
    text = "\n".join(text for _, text in found)
    assert all(line in text for line in MANY)
    assert {heading for heading, _ in found} <= {None, *MANY}


TEXT = "The fee is 450 crowns"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.md", f"# {TEXT}".encode()),
        ("a.md", f"{TEXT}\n===".encode()),
        ("a.md", f"# One\n\n# {TEXT}\n\n# Two\n\nx".encode()),
        ("a.txt", f"{TEXT}\n\n\n".encode()),
        ("a.txt", f"x\n\n{TEXT}\n====\n\nNEXT ONE\n\nx".encode()),
        ("a.html", f"<title>x</title><h3>{TEXT}</h3>".encode()),
        ("a.html", f"<h1>{TEXT}</h1><h1>Other</h1><p>x</p>".encode()),
        ("a.html", f"<title>{TEXT}</title><h1>{TEXT}</h1>".encode()),
        ("a.docx", docx([("Title", TEXT)])),
        ("a.docx", docx([("Heading 2", TEXT), ("Heading 1", "x")])),
        ("a.pptx", pptx([("One", ["x"], ""), (TEXT, [], ""), ("Two", ["x"], "")])),
        ("a.epub", epub(["<h1>One</h1>", f"<h1>{TEXT}</h1>", "<h1>x</h1>"], title="T")),
        ("a.pdf", pdf([[(30, 72, 700, TEXT), (30, 72, 600, "Other"), *flowing(["x."] * 9)]])),
    ],
)
def test_it_is_in_every_format(name: str, data: bytes) -> None:
    assert any(TEXT in text for _, text in passages(loader_for(name, data).load(data)))


def test_what_no_file_says_is_no_text() -> None:
    source = load_pptx(pptx([("", [], ""), ("", ["x"], "")]))
    assert passages(source) == [("Slide 2", "x")]


def test_pages_of_headings_are_those_they_stand_on() -> None:
    source = load_pptx(pptx([("One", [], ""), ("Two", [], "")]))
    assert [b.page for b in source.blocks] == [1, 2]


def test_only_headings_are_enough() -> None:
    assert passages(load_docx(docx([("Heading 1", "Only this heading")])))
    assert passages(load_text(b"ONLY THIS HEADING"))
    assert passages(load_html(b"<h1>Menu</h1><h2>Soup costs 5</h2>")) == [
        (None, "Menu\n\nSoup costs 5")
    ]


def test_too_long_a_heading_is_a_paragraph() -> None:
    out = ExtractedText()
    out.add_heading("word " * MAX_HEADING, 1)
    assert [b.heading for b in out.document(None).blocks] == [None]


def test_blank_headings_are_no_text() -> None:
    out = ExtractedText()
    out.add_heading(" \x00", 1)
    with pytest.raises(IngestError, match="contains no text"):
        out.document(None)


def test_notes_add_up_and_none_is_no_note() -> None:
    out = ExtractedText()
    out.add_block("x")
    out.add_note("pictures", 0)
    out.add_note("pages_without_text", 1, 3)
    out.add_note("pages_without_text", 1, 3)
    assert out.document(None).notes == (FidelityNote("pages_without_text", 2, 3),)
