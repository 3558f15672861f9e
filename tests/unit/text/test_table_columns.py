"""Rows as cells under the names of their columns."""

import pytest

from app.text.table_columns import Header, Row, columns


@pytest.mark.parametrize(
    ("rows", "tables"),
    [
        (
            ["Valve | Limit", "V1 | 4", "V2 | "],
            [(("Valve", "Limit"), [(1, ("V1", "4")), (2, ("V2", ""))])],
        ),
        (["V1 | 4", "V2 | 6"], [((), [(0, ("V1", "4")), (1, ("V2", "6"))])]),
        (
            ["Order: A-1; Customer: Zelte; Status: sent", "Order: A-2; Status: lost"],
            [(("Order", "Customer", "Status"), [
                (0, ("A-1", "Zelte", "sent")), (1, ("A-2", "", "lost")),
            ])],
        ),
        (
            ["Order: A-1; Note: late; was: 12:30", "Order: A-2; By: Ann; Note: ok; fine"],
            [(("Order", "By", "Note", "was"), [
                (0, ("A-1", "", "late", "12:30")), (1, ("A-2", "Ann", "ok; fine", "")),
            ])],
        ),
        (["Total: 4", "On: 12:30"], [(("Total",), [(0, ("4",))]), (("On",), [(1, ("12:30",))])]),
    ],
)  # fmt: skip
def test_columns(rows: list[str], tables: list[tuple[Header, list[Row]]]) -> None:
    assert list(columns(rows)) == tables


def test_a_header_that_is_repeated_is_no_row() -> None:
    rows = ["Valve | Limit", "V1 | 4", "Valve | Limit", "V2 | 6"]
    [(header, found)] = columns(rows)
    assert header == ("Valve", "Limit")
    assert [index for index, _ in found] == [1, 3]
