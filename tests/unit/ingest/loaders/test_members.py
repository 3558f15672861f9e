"""Archives as folders: the names of their files, and what is skipped."""

import pytest

from app.ingest.loaders.members import member_name, zip_members
from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError
from tests.harness.documents import archive


def test_an_archive_is_read_as_a_folder_would_be() -> None:
    names = ["a/b.md", "a/", ".git/config", "__MACOSX/a/b.md", "a/~$b.docx", "c.txt"]
    found = list(zip_members(archive(dict.fromkeys(names, "x"))))
    assert [(one.name, one.data, one.problem) for one in found] == [
        ("a/b.md", b"x", None),
        ("c.txt", b"x", None),
    ]


def test_an_encrypted_member_costs_itself() -> None:
    data = bytearray(archive({"a.txt": "x", "b.txt": "y"}))
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    first, second = zip_members(bytes(data))
    assert (first.data, first.problem) == (b"x", None)
    assert second.problem == "the file is encrypted; save it without a password"


def test_names_in_utf8_without_the_flag_are_read() -> None:
    data = archive({"Größe.txt": "x"})
    for flags in (b"PK\x03\x04", b"PK\x01\x02"):
        at = data.index(flags) + (7 if flags.endswith(b"\x04") else 9)
        data = data[:at] + bytes([data[at] & ~8]) + data[at + 1 :]
    assert [one.name for one in zip_members(data)] == ["Größe.txt"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a/b.txt", "a/b.txt"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Users\\a.txt", "Users/a.txt"),
        ("a\n\x1b[31mb.txt", "a [31mb.txt"),
        ("..", "unnamed"),
        ("x" * 300 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_names_of_members_lead_nowhere(given: str, shown: str) -> None:
    assert member_name(given) == shown


def test_an_archive_is_known_by_its_content_but_not_as_a_damaged_office_file() -> None:
    data = archive({"a.txt": "x"})
    assert loader_for("a.zip", data).format == "zip"
    assert loader_for("download", data).format == "zip"
    with pytest.raises(IngestError, match=r"this is not a \.docx file"):
        loader_for("a.docx", data)
