"""Numbers are shown as the sheet shows them."""

import pytest

from app.ingest.loaders.number_formats import code_of, shown_number


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.125, "0.0%", "12.5%"),
        (0.125, "0%", "12%"),
        (1234.5, "#,##0.00", "1,234.50"),
        (1234.5, "#,##0.00 €", "1,234.50 €"),
        (1234.5, "[$€-407] #,##0.00", "€ 1,234.50"),
        (-12, '"$"#,##0_);("$"#,##0)', "($12)"),
        (-12, "0.0", "-12.0"),
        (0, '0;-0;"none"', "none"),
        (7, "00000", "00007"),
        (2.5, "0.##", "2.5"),
        (2, "0.##", "2"),
        (2_500_000, '0.0,,"M"', "2.5M"),
        (12, '0 "kg"', "12 kg"),
        (0.1 + 0.2, "General", "0.3"),
        (1234567, "0.00E+00", "1.23E+06"),
        (1.5, "# ?/?", "1.5"),
        (45413, "yyyy-mm-dd", "2024-05-01"),
        (45413.60424768519, "yyyy-mm-dd hh:mm:ss", "2024-05-01 14:30:07"),
        (45413.5, "d.m.yyyy h:mm", "2024-05-01 12:00"),
        (45413, "d.m.yyyy h:mm", "2024-05-01"),
        (0.60424768519, "h:mm:ss AM/PM", "14:30:07"),
        (0.75, "h:mm", "18:00"),
        (1.5, "[h]:mm:ss", "36:00:00"),
        (45413, '[$-409]mmmm" "yyyy', "2024-05-01"),
        (9e9, "yyyy-mm-dd", "9000000000"),
        (5, "@", "5"),
    ],
)
def test_numbers_are_shown_as_in_the_cell(value: float, code: str, shown: str) -> None:
    assert shown_number(value, code) == shown


def test_dates_count_from_1904_where_the_workbook_says_so() -> None:
    assert shown_number(43951, "yyyy-mm-dd", since_1904=True) == "2024-05-01"


def test_an_unknown_format_is_the_general_one() -> None:
    assert [code_of(9, {}), code_of(165, {165: "0.0"}), code_of(999, {})] == [
        "0%",
        "0.0",
        "General",
    ]
