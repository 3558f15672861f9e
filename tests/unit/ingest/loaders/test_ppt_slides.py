"""Presentations of PowerPoint 97 to 2003 are read like the newer ones."""

import struct

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.harness.old_office import atom, kept, part, presentation, shape, slide, words

PICTURE = part(0xF004, atom(0xF00A, bytes(8), instance=75))
NUMBER = part(0xF011, atom(3011, struct.pack("<iBBH", 0, 8, 0, 0)))
COMMENT = part(
    12000,
    *(atom(4026, one.encode("utf-16-le"), instance=at) for at, one in enumerate(("Ana", "Why?"))),
)


def load(data: bytes) -> ParsedDocument:
    loader = loader_for("a.ppt", data)
    assert loader.format == "ppt"
    return loader.load(data)


def blocks(source: ParsedDocument) -> list[tuple[int | None, str | None, str]]:
    return [(b.page, b.heading, source.text[b.start : b.end]) for b in source.blocks]


def test_a_file_is_read_slide_by_slide() -> None:
    source = load(kept("tea.ppt"))
    assert (source.title, source.pages, source.notes) == ("Cleaning pots", 2, ())
    assert blocks(source) == [
        (1, "Cleaning pots", "Rinse with water."),
        (1, "Cleaning pots", "Größe first."),
        (1, "Cleaning pots > Notes", "Say it slowly: чай."),
        (2, "Prices", "Cup | 3.50"),
        (2, "Prices", "Mug"),
        (2, "Prices", "Below the table"),
    ]


def test_boxes_are_read_as_they_are_placed_below_the_title() -> None:
    below, above = shape(4, "Below", top=300), shape(4, "Чай\rabove", top=100)
    data = presentation([([slide(below, above, shape(0, "Tea", top=500))], [b""])])
    assert [text for _, _, text in blocks(load(data))] == ["Чай", "above", "Below"]
    assert load(data).title == "Tea"


def test_texts_that_the_document_lists_are_those_of_the_slide() -> None:
    listed = b"".join([*words(0, "Listed title"), *words(1, "one\rtwo\vlines")])
    refers = [part(0xF004, part(0xF00D, atom(3998, at.to_bytes(4, "little")))) for at in range(2)]
    expected = [(1, "Listed title", "- one"), (1, "Listed title", "- two\nlines")]
    assert blocks(load(presentation([([slide(*refers)], [listed])]))) == expected
    assert blocks(load(presentation([([slide()], [listed])]))) == expected


def test_only_the_last_version_of_a_file_is_read() -> None:
    first = ([slide(shape(4, "Old words"))], [b""])
    second = ([slide(shape(4, "New words")), slide(shape(4, "More"))], [b"", b""])
    assert [text for _, _, text in blocks(load(presentation([first, second])))] == [
        "New words",
        "More",
    ]


def test_pictures_comments_and_numbers_of_slides() -> None:
    numbered = shape(4, "7", more=NUMBER)
    source = load(presentation([([slide(PICTURE, numbered, shape(4, "x"), more=COMMENT)], [b""])]))
    assert source.notes == (FidelityNote("pictures", 1),)
    assert [text for _, _, text in blocks(source)] == ["x", "Comment (Ana): Why?"]


def test_a_slide_that_is_missing_is_counted() -> None:
    data = presentation([([slide(shape(4, "x")), atom(1006, b"")], [b"", b"", b""])])
    assert load(data).notes == (FidelityNote("unreadable_pages", 1, 3),)


def test_groups_nested_without_end_are_refused() -> None:
    group = shape(4, "deep")
    for _ in range(60):
        group = part(0xF003, part(0xF004), group)
    with pytest.raises(IngestError, match="nested too deeply"):
        load(presentation([([slide(group)], [b""])]))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (presentation([([slide(shape(4, "x"))], [b""])], token=0xF3D1C4DF), "encrypted"),
        (presentation([([slide()], [b""])]), "contains no text"),
        (presentation([]), "damaged"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, complaint: str) -> None:
    with pytest.raises(IngestError, match=complaint):
        load(data)
