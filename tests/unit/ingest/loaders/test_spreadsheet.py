"""The visible content of a workbook is text: displayed values, merged cells, notes, charts."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.worksheet.table import Table
from openpyxl.worksheet.worksheet import Worksheet

from app.domain.models import FidelityNote
from app.ingest.loaders.spreadsheet import load_xlsx
from app.ingest.parsed_document import ParsedDocument
from tests.harness.documents import with_part


def loaded(fill: Callable[[Worksheet], None]) -> ParsedDocument:
    return load_xlsx(workbook(fill))


def workbook(fill: Callable[[Worksheet], None]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    fill(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def lines(source: ParsedDocument) -> list[str]:
    return [source.text[block.start : block.end] for block in source.blocks]


def test_values_are_those_that_are_displayed() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["Name", "Share", "At", "Took", "Price"])
        moment = datetime(2024, 5, 1, 14, 30, 7, tzinfo=UTC).replace(tzinfo=None)
        sheet.append(["Kettle", 0.125, moment, timedelta(hours=30), 1234.5])
        formats = ["General", "0.0%", "yyyy-mm-dd hh:mm:ss", "[h]:mm", '#,##0.00 "€"']
        for cell, code in zip(sheet[2], formats, strict=True):
            cell.number_format = code

    assert lines(loaded(fill)) == [
        "Name: Kettle; Share: 12.5%; At: 2024-05-01 14:30:07; Took: 30:00; Price: 1,234.50 €"
    ]


def test_a_merged_cell_speaks_for_each_of_its_rows() -> None:
    def fill(sheet: Worksheet) -> None:
        for row in (
            ["Team", "Person", "Age"],
            ["Blue", "Ann", 31],
            [None, "Ben", 40],
            ["Red", "Cid", 25],
        ):
            sheet.append(row)
        sheet.merge_cells("A2:A3")

    assert lines(loaded(fill)) == [
        "Team: Blue; Person: Ann; Age: 31",
        "Team: Blue; Person: Ben; Age: 40",
        "Team: Red; Person: Cid; Age: 25",
    ]


def test_merged_headers_name_the_columns_below_them() -> None:
    def fill(sheet: Worksheet) -> None:
        for row in (
            ["City", "2023", None, "2024", None],
            [None, "Q1", "Q2", "Q1", "Q2"],
            ["Lund", 1, 2, 3, 4],
        ):
            sheet.append(row)
        sheet.merge_cells("B1:C1")
        sheet.merge_cells("D1:E1")
        sheet.merge_cells("A1:A2")

    assert lines(loaded(fill)) == ["City: Lund; 2023 Q1: 1; 2023 Q2: 2; 2024 Q1: 3; 2024 Q2: 4"]


def test_a_title_over_all_columns_stands_once() -> None:
    def fill(sheet: Worksheet) -> None:
        for row in (["Stock of May"], ["Item", "Count"], ["Kettle", 3], ["Cup", 7]):
            sheet.append(row)
        sheet.merge_cells("A1:B1")

    assert lines(loaded(fill)) == ["Stock of May", "Item: Kettle; Count: 3", "Item: Cup; Count: 7"]


def test_bold_rows_and_tables_of_the_file_are_headers() -> None:
    def bold(sheet: Worksheet) -> None:
        sheet.append([1, 2])
        sheet.append([3, 4])
        for cell in sheet[1]:
            cell.font = Font(bold=True)

    def table(sheet: Worksheet) -> None:
        sheet.append(["1", "2"])
        sheet.append(["x", "y"])
        sheet.add_table(Table(displayName="T", ref="A1:B2"))

    assert lines(loaded(bold))[-1] == "1: 3; 2: 4"
    assert lines(loaded(table))[-1] == "1: x; 2: y"


def test_formulas_without_a_value_are_shown_and_counted() -> None:
    def fill(sheet: Worksheet) -> None:
        for row in (["Item", "Cost"], ["Pump", 12], ["Total", "=SUM(B2:B2)"]):
            sheet.append(row)

    source = loaded(fill)
    assert lines(source)[-1] == "Item: Total; Cost: =SUM(B2:B2)"
    assert source.notes == (FidelityNote("formulas_without_values", 1),)


def test_comments_charts_and_hidden_sheets_are_not_lost() -> None:
    def fill(sheet: Worksheet) -> None:
        for row in (["Region", "Tonnes"], ["North", 34], ["South", 21]):
            sheet.append(row)
        sheet["B2"].comment = Comment("Weighed twice.", "Ann")
        chart = BarChart()
        chart.title = "Harvest by region"
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
        sheet.add_chart(chart, "D2")
        book = sheet.parent
        assert isinstance(book, Workbook)
        book.create_sheet("Secret").sheet_state = "hidden"

    source = loaded(fill)
    assert "Comment (Ann) on B2 (North, Tonnes): Weighed twice." in lines(source)
    assert "Harvest by region" in lines(source)
    assert source.notes == (FidelityNote("hidden_sheets", 1, 2),)


def test_styles_that_make_no_sense_are_not_needed() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(["Item", "Cost"])
        sheet.append(["Pump", 12])

    for styles in (
        "<x/>",
        "<styleSheet>",
        '<styleSheet><cellXfs><xf numFmtId="x"/></cellXfs></styleSheet>',
    ):
        data = with_part(workbook(fill), "xl/styles.xml", styles)
        assert lines(load_xlsx(data)) == ["Item: Pump; Cost: 12"]


def test_a_cell_over_several_columns_is_in_each_of_them() -> None:
    def fill(sheet: Worksheet) -> None:
        for row in (
            ["Shift", "Week 40", None, "Week 41", None],
            [None, "Lead", "Deputy", "Lead", "Deputy"],
            ["Night", "Oskar", None, None, "Lena"],
        ):
            sheet.append(row)
        for merged in ("A1:A2", "B1:C1", "D1:E1", "B3:D3"):
            sheet.merge_cells(merged)

    assert lines(loaded(fill)) == [
        "Shift: Night; Week 40 Lead: Oskar; Week 40 Deputy: Oskar; Week 41 Lead: Oskar; "
        "Week 41 Deputy: Lena"
    ]
