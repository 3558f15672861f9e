"""Word files of 1993 to 2003 are read like the newer ones."""

import pytest

from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.harness.old_office import kept, word_95, word_97
from tests.unit.ingest.loaders.test_mail import blocks


def load(data: bytes) -> ParsedDocument:
    loader = loader_for("a.doc", data)
    assert loader.format == "doc"
    return loader.load(data)


def test_a_file_is_read_with_everything_that_it_shows() -> None:
    source = load(kept("tea.doc"))
    assert source.title == "Über Kannen 😀"
    assert source.notes == ()
    assert blocks(source) == [
        ("paragraph", "Cleaning", "Rinse the pot with two litres. Then dry it."),
        ("paragraph", "Cleaning", "Footnote 1: Lukewarm, not hot."),
        ("paragraph", "Cleaning", "Endnote 2: With a cloth."),
        ("paragraph", "Cleaning", "Ask the tea master first."),
        ("paragraph", "Cleaning", "Comment (Ana Ng): Really?"),
        ("item", "Cleaning", "a) first"),
        ("item", "Cleaning", "b) second"),
        ("item", "Cleaning", "  - inner"),
        ("row", "Cleaning > Prices", "Cup: 3.50"),
        ("row", "Cleaning > Prices", "Чашка:"),
        ("paragraph", "Cleaning > Prices", "Two\nlines."),
        ("paragraph", "Cleaning > Prices", "Words in a box."),
        ("paragraph", "Storing", "Keep it dry."),
        ("paragraph", "Headers and footers", "Tea Works handbook"),
    ]
    assert "in secret" not in source.text  # hidden
    assert "HYPERLINK" not in source.text


def test_the_content_decides_whatever_the_name_says() -> None:
    data = kept("tea.doc")
    assert {loader_for(name, data).format for name in ("a.txt", "a.xls", "a", "a.dot")} == {"doc"}
    assert loader_for("a.doc", rb"{\rtf1 x}").format == "rtf"
    assert loader_for("a.doc", b"<html><p>Words</p></html>").format == "html"
    with pytest.raises(IngestError, match=r"not a \.doc file"):
        loader_for("a.doc", b"Only words")


def test_text_in_pieces_keeps_its_characters() -> None:
    pieces: list[str | bytes] = [
        "Чай 𝔘n",
        b"d \x93hot\x94 tea\r",
        "中文\x1eend\x1f.\r",
        b"\xc4rger\r",
    ]
    text = [text for _, _, text in blocks(load(word_97(pieces)))]
    assert text == ["Чай 𝔘nd “hot” tea", "中文\u2011end.", "Ärger"]


def test_codes_of_fields_are_left_out_and_their_results_kept() -> None:
    nested = b"a \x13 IF \x13 PAGE \x14\x31\x15 = 1 \x14result\x15 b\r"
    over_paragraphs = b"\x13 TOC \\o \x14One\rTwo\r\x15after\r"
    without_end = b"c \x13 never closed\r"
    text = [text for _, _, text in blocks(load(word_97([nested, over_paragraphs, without_end])))]
    assert text == ["a result b", "One", "Two", "after", "c"]


def test_pictures_are_counted() -> None:
    notes = load(word_97([b"See \x01 and \x01.\r"])).notes
    assert [(one.kind, one.count) for one in notes] == [("pictures", 2)]


@pytest.mark.parametrize(
    ("text", "language", "shown"),
    [
        ("Größe", 0x0407, "Größe"),
        ("Чайник", 0x0419, "Чайник"),
        ("Żółw", 0x0415, "Żółw"),
    ],
)
def test_word_95_is_read_by_the_language_of_the_file(text: str, language: int, shown: str) -> None:
    encoding = {0x0407: "cp1252", 0x0419: "cp1251", 0x0415: "cp1250"}[language]
    found = load(word_95(f"{text}\rMore\x07cells\x07\x07\r".encode(encoding), language=language))
    assert [text for _, _, text in blocks(found)] == [shown, "More", "cells"]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (word_97([b"x\r"], flags=0x0300), "encrypted"),
        (word_95(b"x\r", flags=0x0004), "saved by Word 6 or 95 in parts"),
        (word_97([b"\r\r"]), "contains no text"),
        (word_97([b"x\r"], more={"1Table": b""}), "damaged"),
        (word_97([b"x\r"], more={"WordDocument": b"\xec\xa5"}), "damaged"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, complaint: str) -> None:
    with pytest.raises(IngestError, match=complaint):
        load(data)
