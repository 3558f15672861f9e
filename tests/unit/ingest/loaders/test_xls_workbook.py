"""Workbooks of Excel 2 to 2003 are read like the newer ones."""

import struct

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError, ParsedDocument
from tests.harness.old_office import kept, workbook
from tests.unit.ingest.loaders.test_mail import blocks

BOOK = (0x0809, struct.pack("<HHHHII", 0x600, 5, 0, 1997, 0, 6))
END = (0x000A, b"")


def load(data: bytes) -> ParsedDocument:
    loader = loader_for("a.xls", data)
    assert loader.format == "xls"
    return loader.load(data)


def test_values_are_read_as_they_are_displayed() -> None:
    source = load(kept("tea.xls"))
    assert source.title == "Stock of cups"
    assert source.notes == (FidelityNote("hidden_sheets", 1, 3),)
    assert blocks(source) == [
        (
            "row",
            "Größen",
            "Name: Чашка; Share: 25%; Price: 1,234.50 €; Since: 2026-01-02 13:30; Sold: yes; "
            "Broken: #DIV/0!",
        ),
        (
            "row",
            "Größen",
            "Name: Mug; Share: 50%; Price: 3; Since: 2025-12-31; Sold: no; Broken: Чашкаx",
        ),
        ("row", "Größen", "Name: Pot; Price: 7"),
        ("row", "Größen", "Name: Pot; Price: 8"),
        ("paragraph", "Größen", "A2: From the east."),
    ]


def test_a_workbook_before_excel_5_is_read() -> None:
    cells = [
        (0x0004, struct.pack("<HH3sB", row, 0, b"", 3) + word)
        for row, word in ((0, b"Tea"), (1, b"Cup"))
    ]
    data = workbook((0x0009, struct.pack("<HH", 2, 0x10)), *cells, END, stream=None)
    assert [text for _, _, text in blocks(load(data))] == ["Tea", "Cup"]


def test_pages_and_xml_that_are_named_so_are_read_as_such() -> None:
    page = b"<html><table><tr><td>Tea</td></tr></table></html>"
    assert loader_for("export.xls", page).format == "html"
    assert loader_for("export.xls", b'<?xml version="1.0"?><Workbook/>').format == "xml"
    with pytest.raises(IngestError, match=r"not a \.xls file"):
        loader_for("a.xls", b"Only words")


def test_a_container_whose_sectors_go_round_in_circles_is_damaged() -> None:
    data = bytearray(kept("tea.xls"))
    (table,) = struct.unpack_from("<I", data, 76)
    for sector in range(128):
        place = 512 * (table + 1) + 4 * sector
        if struct.unpack_from("<I", data, place) == (sector + 1,):
            struct.pack_into("<I", data, place, sector)
    with pytest.raises(IngestError, match="the file is damaged"):
        load(bytes(data))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (workbook(BOOK, (0x002F, bytes(54)), END), "encrypted"),
        (workbook(BOOK, END), "contains no text"),
        (workbook((0x0809, b"\0")), "damaged"),
        (workbook(), "damaged"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, complaint: str) -> None:
    with pytest.raises(IngestError, match=complaint):
        load(data)
