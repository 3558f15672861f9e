"""Files to text: what is kept, removed and refused, and how."""

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.markdown import load_markdown
from app.ingest.loaders.plain_text import load_text
from app.ingest.loaders.registry import LOADERS, loader_for, title_from
from app.ingest.loaders.webvtt_transcript import load_webvtt
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.harness.documents import flowing, pdf

MARKDOWN = """---
title: "Kettles"
---
# Kettles of the *world*

They are **hot**, see [the list](http://example.org/x) and `boil()`.
A second line. <b>Bold.</b>

## Kinds

1. Copper
2. Steel
   with lid

   more of it
   - brushed
- loose

| Name | Price |
|------|-------|
| A    | 3     |

```python
def boil():
    return 100
```

> Quoted

<div>Raw &amp; plain</div>

![A picture of steam](steam.png)
"""


def blocks(source: ParsedDocument) -> list[tuple[str, str | None, str]]:
    return [(b.kind, b.heading, source.text[b.start : b.end]) for b in source.blocks]


def test_markdown_is_read_without_its_markup() -> None:
    source = load_markdown(MARKDOWN.encode())
    assert (source.title, source.kind) == ("Kettles", "document")
    top = "Kettles of the world"
    kinds = f"{top} > Kinds"
    assert blocks(source) == [
        ("paragraph", top, "They are hot, see the list and boil(). A second line. Bold."),
        ("item", kinds, "1. Copper"),
        ("item", kinds, "2. Steel with lid"),
        ("item", kinds, "   more of it"),
        ("item", kinds, "  - brushed"),
        ("item", kinds, "- loose"),
        ("row", kinds, "Name: A; Price: 3"),
        ("code", kinds, "def boil():\n    return 100"),
        ("paragraph", kinds, "Quoted"),
        ("paragraph", kinds, "Raw & plain"),
        ("paragraph", kinds, "A picture of steam"),
    ]
    assert "Name: A; Price: 3" in source.text
    assert f"{top}\n\nThey are" in source.text


def test_a_first_heading_is_the_title_and_no_part_of_the_path() -> None:
    source = load_markdown(b"# Tea\n\nGreen.\n\n## Cups\n\nTwo.\n\n# Coffee\n\nBlack.")
    assert source.title == "Tea"
    assert [b.heading for b in source.blocks] == [None, "Cups", "Coffee"]


def test_markdown_without_a_title_has_none() -> None:
    assert load_markdown(b"Just words.").title is None


def test_text_shows_title_headings_lists_and_wrapped_lines() -> None:
    source = load_text(
        b"Tea for beginners\n\nTea is a drink that is made of leaves and of hot water, which\n"
        b"takes some minutes.\n\nBREWING AT HOME\n\nYou need:\n- a cup\n  of tin\n- a spoon\n\n"
        b"Storage\n=======\nDry.\nDark."
    )
    assert source.title == "Tea for beginners"
    assert blocks(source) == [
        (
            "paragraph",
            None,
            "Tea is a drink that is made of leaves and of hot water, which takes some minutes.",
        ),
        ("paragraph", "BREWING AT HOME", "You need:"),
        ("item", "BREWING AT HOME", "- a cup\n  of tin"),
        ("item", "BREWING AT HOME", "- a spoon"),
        ("paragraph", "Storage", "Dry.\nDark."),
    ]


@pytest.mark.parametrize("text", ["ONLY A HEADING", "One line", "A\n=\n", "- a\n- b"])
def test_short_text_is_kept_whole(text: str) -> None:
    source = load_text(text.encode())
    assert "".join(source.text.split()) == "".join(text.split())
    assert source.blocks


TRANSCRIPT = """WEBVTT - made by hand

NOTE title: A talk

STYLE
::cue { color: red }

intro
00:00:01.000 --> 00:00:03.000 align:start
<v.loud Ana Maria>Good <i>morning</i>,
everyone &amp; all.</v>

01:00:00.000 --> 01:00:04.000
<v Ana Maria>Yes? <v Ben>Yes.

01:00:05.000 --> 01:00:06.000
No speaker.
"""


def test_a_transcript_has_speakers_and_seconds() -> None:
    source = load_webvtt(TRANSCRIPT.encode())
    assert (source.kind, source.title, source.duration_s) == ("recording", "A talk", 3606)
    assert source.speakers == ("Ana Maria", "Ben")
    assert source.text.splitlines() == [
        "Ana Maria: Good morning, everyone & all. Yes?",
        "Ben: Yes.",
        "No speaker.",
    ]
    said = [(source.text[u.start : u.end], u.speaker, u.start_s) for u in source.utterances]
    assert said == [
        ("Good morning, everyone & all.", "Ana Maria", 1),
        ("Yes?", "Ana Maria", 3600),
        ("Yes.", "Ben", 3602),
        ("No speaker.", None, 3605),
    ]


@pytest.mark.parametrize(
    ("load", "data", "complaint"),
    [
        (load_text, b"", "the file is empty"),
        (load_text, b" \r\n\t", "the file is empty"),
        (load_text, b"\xef\xbb\xbf\n", "the file is empty"),
        (load_text, b"%PDF-1.7 ...", "this is a PDF, not text"),
        (load_markdown, b"PK\x03\x04rest", "a ZIP archive or an Office file"),
        (load_text, bytes(range(256)) * 8, "this is a binary file"),
        (
            load_text,
            "ünicode".encode("utf-16")[:-1],
            "the text is not utf-16 as its first bytes say",
        ),
        (load_markdown, b"---\n\n***", "the file contains no text"),
        (load_webvtt, b"1\n00:01 --> 00:02\nHello", "this is not WebVTT"),
        (load_webvtt, b"WEBVTT\n\n00:0x --> 00:02\nHello", "this is not WebVTT|no cues"),
        (load_webvtt, b"WEBVTT\n\nNOTE nothing\n", "the transcript has no cues"),
        (load_webvtt, b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ana></v>\n", "has no cues"),
    ],
)
def test_what_cannot_be_read_says_why(
    load: Callable[[bytes], ParsedDocument], data: bytes, complaint: str
) -> None:
    with pytest.raises(IngestError, match=complaint):
        load(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings_are_recognised(encoding: str) -> None:
    text = "Die Größe des Käfigs für die Vögel wäre schön, sagte der Müller am Dienstag.\n" * 4
    assert decode(text.replace("\n", "\r\n").encode(encoding)) == text


@given(st.binary(max_size=400))
def test_any_bytes_are_text_or_an_error(data: bytes) -> None:
    for loader in LOADERS:
        with suppress(IngestError):
            source = loader.load(data)
            assert "\0" not in source.text
            assert source.text.encode()
            assert source.blocks or source.utterances


@pytest.mark.parametrize(
    ("name", "head", "media_type"),
    [
        ("a.MD", b"", "text/markdown"),
        ("a.txt", b"WEBVTT", "text/plain"),
        ("a.vtt", b"", "text/vtt"),
        ("a.captions", b"WEBVTT\n", "text/vtt"),
    ],
)
def test_the_loader_is_chosen_by_name_then_by_content(
    name: str, head: bytes, media_type: str
) -> None:
    assert loader_for(name, head).media_type == media_type


@pytest.mark.parametrize(("name", "said"), [("a.xyz", r"\.xyz"), ("LICENSE", "without extension")])
def test_an_unknown_file_type_names_the_known(name: str, said: str) -> None:
    with pytest.raises(IngestError, match=rf"type {said} is unknown; takes \.md \.txt .* variants"):
        loader_for(name, b"text")


@pytest.mark.parametrize(
    ("name", "title"),
    [("leave-policy_2026.md", "Leave policy 2026"), ("x/y.txt", "Y"), ("---.md", "---")],
)
def test_a_title_can_come_from_the_name(name: str, title: str) -> None:
    assert title_from(name) == title


def test_a_pdf_inside_an_archive_or_a_text_does_not_make_a_pdf() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("bill.pdf", pdf([flowing(["Some text."])]))
        archive.writestr("minutes.md", "# Minutes")
    assert loader_for("papers.zip", out.getvalue()).format == "zip"
    about = b"Every PDF begins with the characters %PDF-1.7, says the manual."
    assert loader_for("about.txt", about).format == "txt"
    assert loader_for("junk.pdf", b"\r\n\0" + pdf([flowing(["Text."])])).format == "pdf"
