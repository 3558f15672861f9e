"""Messages and mailboxes: who wrote what when, and what is attached."""

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.mail import eml_members, load_eml, load_mbox, mbox_members
from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.harness.mail import message

FIELDS = (
    "From: Ana Ng <ana@example.org>; To: Ben <ben@example.org>; "
    "Date: Mon, 02 Nov 2026 10:00:00 +0000; Subject: "
)


def blocks(source: ParsedDocument) -> list[tuple[str, str | None, str]]:
    return [(b.kind, b.heading, source.text[b.start : b.end]) for b in source.blocks]


def test_a_message_has_its_fields_and_its_text() -> None:
    data = message("Größe der Kanne", "Two litres.\n\n- one\n- two\n").as_bytes()
    source = load_eml(data)
    assert source.title == "Größe der Kanne"
    assert blocks(source) == [
        ("row", None, f"{FIELDS}Größe der Kanne"),
        ("paragraph", None, "Two litres."),
        ("item", None, "- one"),
        ("item", None, "- two"),
    ]


def test_of_alternatives_the_richer_one_is_read_once() -> None:
    page = "<html><body><p>Two <b>litres</b>.</p><ul><li>one</li></ul></body></html>"
    source = load_eml(message("Tea", "Two litres.", html=page).as_bytes())
    assert blocks(source)[1:] == [
        ("paragraph", None, "Two litres."),
        ("item", None, "- one"),
    ]
    blank = load_eml(message("Tea", "Two litres.", html=" ").as_bytes())
    assert "Two litres." in blank.text


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "koi8-r", "shift_jis"])
def test_the_charset_of_a_part_counts(encoding: str) -> None:
    text = {"koi8-r": "Чайник", "shift_jis": "やかん"}.get(encoding, "Größe")
    head = f"Subject: x\nContent-Type: text/plain; charset={encoding}\n"
    data = f"{head}Content-Transfer-Encoding: 8bit\n\n".encode() + text.encode(encoding)
    assert text in load_eml(data).text


def test_a_header_that_does_not_say_its_encoding_is_read() -> None:
    assert load_eml("Subject: Größe\nFrom: a\n\nText".encode()).title == "Größe"
    assert load_eml(b"Subject: =?nonsense?Q?x?=\nFrom: a\n\nText").text.endswith("Text")


@pytest.mark.parametrize("charset", ["utf\0-8", "nonsense", "base64"])
def test_a_charset_that_is_none_is_guessed(charset: str) -> None:
    head = (
        f"Subject: =?{charset}?Q?Gr=C3=B6=C3=9Fe?=\nContent-Type: text/plain; charset={charset}\n"
    )
    source = load_eml(f"{head}Content-Transfer-Encoding: 8bit\n\nGröße\n".encode())
    assert "Größe" in source.text.partition("\n")[2]


def test_attached_files_and_messages_are_members() -> None:
    inner = message("Fwd / tea", "Forwarded words.", attached={"deep.txt": b"deep"})
    outer = message("Tea", "See below.", attached={"a.pdf": b"%PDF", "b.txt": b"x"}, inner=inner)
    members = {one.name: one.data for one in eml_members(outer.as_bytes())}
    assert list(members) == ["a.pdf", "b.txt", "Fwd   tea.eml"]
    assert members["a.pdf"] == b"%PDF"
    assert "Forwarded words." in load_eml(members["Fwd   tea.eml"]).text
    assert "Forwarded words." not in load_eml(outer.as_bytes()).text
    assert [one.name for one in eml_members(members["Fwd   tea.eml"])] == ["deep.txt"]


def test_attached_pictures_are_counted_and_no_members() -> None:
    made = message("Tea", "See below.", attached={"cup.JPG": b"\xff\xd8\xff", "a.txt": b"x"})
    made.add_attachment(b"GIF89a", maintype="image", subtype="gif")
    assert load_eml(made.as_bytes()).notes == (FidelityNote("pictures", 2),)
    assert [one.name for one in eml_members(made.as_bytes())] == ["a.txt"]


def test_pictures_in_the_text_are_counted_and_no_members() -> None:
    made = message("Tea", "See the cup.")
    made.add_related(b"\x89PNG", maintype="image", subtype="png", cid="<logo@x>")
    assert load_eml(made.as_bytes()).notes == (FidelityNote("pictures", 1),)
    assert not list(eml_members(made.as_bytes()))


def test_an_encrypted_message_says_so() -> None:
    data = b"Subject: Secret\nContent-Type: application/pkcs7-mime\n\nAAAA"
    source = load_eml(data)
    assert source.text == "Subject: Secret"
    assert source.notes == (FidelityNote("encrypted_messages", 1),)


def mailbox() -> bytes:
    first = message("One", "From the start.\n\nFrom here on: tea.\n", attached={"a.txt": b"x"})
    second = message("Two", "More words.")
    parts = (f"From ana@x Mon Nov  2 2026\n{one.as_string()}\n\n" for one in (first, second))
    return "".join(parts).encode()


def test_a_mailbox_has_each_message_under_its_subject() -> None:
    found = blocks(load_mbox(mailbox()))
    assert [(heading, text) for kind, heading, text in found if kind == "paragraph"] == [
        ("One", "From the start."),
        ("One", "From here on: tea."),
        ("Two", "More words."),
    ]
    assert [one.name for one in mbox_members(mailbox())] == ["1/a.txt"]
    assert loader_for("all.mbox", mailbox()).format == "mbox"


@pytest.mark.parametrize("data", [b"no headers", b"", b"\n\n", b"From x\nnothing"])
def test_what_is_no_mail_says_so(data: bytes) -> None:
    for load in (load_eml, load_mbox):
        with pytest.raises(IngestError, match=r"^this is not a mail"):
            load(data)


def test_parts_nested_without_end_are_refused() -> None:
    data = b"Subject: x\n"
    for number in range(2_000):
        data += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number)
    with pytest.raises(IngestError, match="nested too deeply"):
        load_eml(data + b"\nText")
