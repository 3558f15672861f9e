"""RTF as Word, WordPad and LibreOffice write it."""

import random
from contextlib import suppress

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.registry import loader_for
from app.ingest.loaders.rich_text import load_rtf
from app.ingest.parsed_document import IngestError, ParsedDocument

HEAD = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fnil\fcharset0 Arial;}"
    rb"{\f1\fnil\fcharset204 Arial Cyr;}}{\colortbl;\red0\green0\blue0;}"
    rb"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}}"
    rb"{\*\generator Riched20}{\info{\title All of tea}{\author Ana}}"
)


def rtf(body: bytes) -> bytes:
    return HEAD + body + b"}"


def blocks(source: ParsedDocument) -> list[tuple[str, str | None, str]]:
    return [(b.kind, b.heading, source.text[b.start : b.end]) for b in source.blocks]


BODY = rb"""\pard\s1 Tea\par
\pard\s0 Gr\'f6\'dfe {\b\i two} litres\u8212?so {\v hidden}it
 goes on.{\footnote\pard Not three.}\par
{\f1 \'d7\'e0\'e9}\par
{\listtext\'b7\tab}Green\par
{\listtext 2.\tab}Black\par
\pard\outlinelevel1 Prices\par
\trowd\cellx1\cellx2\pard\intbl Name\cell Price\cell\row
\trowd\pard\intbl Assam\cell 3.50\cell\row
\pard After\line it {\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt a link}}.\par
{\pict\pngblip 89504e47}{\header Board of tea\par}{\footer 7\par}
{\*\unknown not shown}\{braces\}"""


def test_everything_that_is_shown_is_read_once() -> None:
    source = load_rtf(rtf(BODY))
    assert source.title == "All of tea"
    assert blocks(source) == [
        ("paragraph", "Tea", "Größe two litres—so it goes on."),
        ("paragraph", "Tea", "Not three."),
        ("paragraph", "Tea", "Чай"),
        ("item", "Tea", "- Green"),
        ("item", "Tea", "2. Black"),
        ("row", "Tea > Prices", "Name: Assam; Price: 3.50"),
        ("paragraph", "Tea > Prices", "After\nit a link."),
        ("paragraph", "Tea > Prices", "{braces}"),
        ("paragraph", "Tea > Prices", "Board of tea"),
    ]
    assert source.notes == (FidelityNote("pictures", 1),)


def test_binary_data_is_skipped_and_encodings_of_fonts_count() -> None:
    assert load_rtf(rtf(b"a\\bin4 }{}{b\\par")).text == "ab"
    assert load_rtf(rtf(rb"{\f1 \'d7}{\f0 \'d7}")).text == "Ч×"
    assert load_rtf(rtf(rb"\uc2\u1063??x\uc1\u-10179?\u-8704?")).text == "Чx😀"


def test_it_is_known_by_its_content() -> None:
    assert loader_for("a.rtf", rtf(b"x")).format == "rtf"
    assert loader_for("a.doc", rtf(b"x")).format == "rtf"
    with pytest.raises(IngestError, match="not an RTF file"):
        load_rtf(b"words")


def test_a_file_cut_anywhere_is_read_as_far_as_it_goes() -> None:
    whole = rtf(BODY)
    for end in range(len(HEAD) + 40, len(whole), len(BODY) // 10):
        assert load_rtf(whole[:end]).text.startswith("Tea")


def test_altered_files_are_read_or_refused() -> None:
    chance = random.Random(19)
    for _ in range(300):
        data = bytearray(rtf(BODY))
        for _ in range(chance.randint(1, 30)):
            data[chance.randrange(6, len(data))] = chance.randrange(256)
        with suppress(IngestError):
            assert load_rtf(bytes(data)).blocks
    with pytest.raises(IngestError, match="nested too deeply"):
        load_rtf(rtf(b"{" * 5_000))
