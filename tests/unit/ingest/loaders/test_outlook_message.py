"""Outlook messages are read like the same message in MIME."""

import struct

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.mail import eml_members
from app.ingest.loaders.outlook_message import load_msg, msg_members
from app.ingest.loaders.outlook_rtf import decompressed_rtf
from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError
from tests.harness.compound_files import (
    Storage,
    attachment,
    compound_file,
    outlook,
    outlook_storage,
    properties,
    recipient,
)
from tests.harness.mail import message
from tests.unit.ingest.loaders.test_mail import FIELDS, blocks

PAGE = b"<html><body><p>Two <b>litres</b>.</p><ul><li>one</li></ul></body></html>"
RTF = rb"{\rtf1\ansi\pard Two litres.\par\trowd\intbl a\cell\intbl b\cell\row\pard}"
# Both are examples of [MS-OXRTFCP].
HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
    "0af32068656c090020627705b06c647d0a800fa0"
)
REPEATED = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")


def plain_rtf(data: bytes) -> bytes:
    return struct.pack("<4I", len(data) + 12, len(data), 0x414C454D, 0) + data


def test_a_message_has_its_fields_and_its_text() -> None:
    source = load_msg(outlook("Größe der Kanne", "Two litres.\r\n\r\n- one\r\n- two\r\n"))
    assert source.title == "Größe der Kanne"
    assert blocks(source) == [
        ("row", None, f"{FIELDS}Größe der Kanne"),
        ("paragraph", None, "Two litres."),
        ("item", None, "- one"),
        ("item", None, "- two"),
    ]


def test_it_is_known_by_its_content() -> None:
    data = outlook("Tea", "Words.")
    assert {loader_for(name, data).format for name in ("a.msg", "a.txt", "a", "a.doc")} == {"msg"}
    with pytest.raises(IngestError, match=r"not a \.msg file"):
        loader_for("a.msg", b"Only words")


def test_the_page_is_read_once_instead_of_the_text() -> None:
    source = load_msg(outlook("Tea", "Two litres.", html=PAGE, rtf=plain_rtf(RTF)))
    assert blocks(source)[1:] == [("paragraph", None, "Two litres."), ("item", None, "- one")]


def test_rich_text_is_read_unless_it_only_wraps_the_text() -> None:
    rich = load_msg(outlook("Tea", "Two litres. a b", rtf=plain_rtf(RTF)))
    assert blocks(rich)[1:] == [("paragraph", None, "Two litres."), ("row", None, "a | b")]
    wrapped = RTF.replace(b"\\ansi", b"\\ansi\\fromtext")
    assert "| b" not in load_msg(outlook("Tea", "Words.", rtf=plain_rtf(wrapped))).text
    assert "a | b" in load_msg(outlook("Tea", None, rtf=plain_rtf(wrapped))).text


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        (HELLO, rb"{\rtf1\ansi\ansicpg1252\pard hello world}" + b"\r\n"),
        (REPEATED, rb"{\rtf1 WXYZWXYZWXYZWXYZWXYZ}"),
        (plain_rtf(b"{\\rtf1 x}"), b"{\\rtf1 x}"),
        (HELLO[:30], rb"{\rtf1\ansi\ansicpg1252"),
        (HELLO[:12], b""),
        (b"\0" * 40, b""),
    ],
)
def test_rich_text_is_decompressed(packed: bytes, text: bytes) -> None:
    assert decompressed_rtf(packed) == text


def test_text_that_is_not_unicode_is_read_by_the_code_page_of_the_message() -> None:
    source = load_msg(outlook("Чайник", "Два литра.", unicode=False))
    assert source.title == "Чайник"
    assert "Два литра." in source.text
    page = load_msg(outlook("x", None, html="<p>Größe</p>".encode("cp1252")))
    assert "Größe" in page.text


def test_attached_files_and_messages_are_members() -> None:
    inner = outlook_storage("Fwd / tea", "Forwarded words.", attached={"deep.txt": b"deep"})
    outer = outlook(
        "Tea", "See below.", attached={"a.pdf": b"%PDF", "größe.txt": b"x" * 9_000}, inner=inner
    )
    members = {one.name: one.data for one in msg_members(outer)}
    assert list(members) == ["a.pdf", "größe.txt", "Fwd   tea.eml"]
    assert members["a.pdf"] == b"%PDF"
    assert members["größe.txt"] == b"x" * 9_000
    forwarded = members["Fwd   tea.eml"]
    assert "Forwarded words." in loader_for("a.eml", forwarded).load(forwarded).text
    assert [(one.name, one.data) for one in eml_members(forwarded)] == [("deep.txt", b"deep")]
    assert "Forwarded words." not in load_msg(outer).text


def test_pictures_in_the_text_are_counted_and_no_members() -> None:
    logo = attachment("logo.png", b"\x89PNG", x370E="image/png", x3712="logo@x")
    data = outlook("Tea", "See the cup.", more={"__attach_version1.0_#00000000": logo})
    assert load_msg(data).notes == (FidelityNote("pictures", 1),)
    assert not list(msg_members(data))


def test_receivers_and_copies_are_named() -> None:
    more = {
        "__recip_version1.0_#00000001": recipient("Zoë", "zoe@example.org", 1),
        "__recip_version1.0_#00000002": recipient("'cy@example.org'", "cy@example.org", 2),
        "__recip_version1.0_#00000003": recipient("Dee", "/O=X/CN=DEE", 2),
    }
    text = load_msg(outlook("Tea", "Words.", more=more)).text
    assert "To: Ben <ben@example.org>, Zoë <zoe@example.org>; Cc: cy@example.org, Dee; " in text


def test_what_the_properties_do_not_say_is_read_from_the_headers() -> None:
    came = "From: Cy <cy@example.org>\r\nSubject: Cups\r\nDate: Tue, 03 Nov 2026 09:00:00 +0000\r\n"
    data = compound_file(
        {
            "__properties_version1.0": properties(32, {}),
            "__substg1.0_007D001F": came.encode("utf-16-le"),
            "__substg1.0_1000001F": "Words.".encode("utf-16-le"),
        }
    )
    source = load_msg(data)
    assert source.title == "Cups"
    assert source.text.startswith("From: Cy <cy@example.org>; Date: Tue, 03 Nov 2026 09:00:00")


def test_signed_messages_are_read_and_encrypted_ones_counted() -> None:
    signed = message("Tea", "Signed words.")
    signed.replace_header("Content-Type", "text/plain")
    body = b"Content-Type: multipart/signed; boundary=b\n\n--b\n" + signed.as_bytes() + b"\n--b--\n"
    more: Storage = {
        "__substg1.0_001A001F": "IPM.Note.SMIME.MultipartSigned".encode("utf-16-le"),
        "__attach_version1.0_#00000000": attachment("smime.p7m", body, x370E="multipart/signed"),
    }
    assert "Signed words." in load_msg(outlook("Tea", None, more=more)).text
    more["__substg1.0_001A001F"] = "IPM.Note.SMIME".encode("utf-16-le")
    locked = attachment("smime.p7m", b"\x30\x80", x370E="application/pkcs7-mime")
    more["__attach_version1.0_#00000000"] = locked
    source = load_msg(outlook("Tea", None, more=more))
    assert source.notes == (FidelityNote("encrypted_messages", 1),)


def test_messages_nested_without_end_are_refused() -> None:
    inner = outlook_storage("0", "deep")
    for number in range(1, 14):
        inner = outlook_storage(str(number), "x", inner=inner)
    with pytest.raises(IngestError, match="nested too deeply"):
        load_msg(outlook("Tea", "x", inner=inner))


def test_streams_that_share_their_bytes_are_not_read_without_end() -> None:
    large = {f"__attach_version1.0_#{at:08X}": attachment("a", b"x" * 50_000) for at in range(9)}
    data = bytearray(outlook("Tea", "x", more=large))
    assert len(list(msg_members(bytes(data)))) == 9
    whole = data.find(struct.pack("<IQ", 1, 50_000)[4:])
    assert whole > 0
    while (at := data.find((50_000).to_bytes(8, "little"), whole)) >= 0:
        whole = at + 1
        data[at : at + 8] = (400_000).to_bytes(8, "little")
    with pytest.raises(IngestError, match="the file is damaged"):
        list(msg_members(bytes(data)))
