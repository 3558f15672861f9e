"""Splits passages into units that stay whole."""

from app.domain.models import Passage, Span
from app.llm.quoting.quotable_units import Unit, quotable_units


def passage(
    text: str, position: int = 0, *structure: Span, heading: str | None = None, source: str = "s"
) -> Passage:
    return Passage(
        f"{source}{position}", source, "Title", "document", position, text,
        heading=heading, structure=structure,
    )  # fmt: skip


def said(units: list[Unit]) -> list[tuple[str, str | None, list[str]]]:
    return [
        (unit.kind, unit.lead.text if unit.lead else None, [part.text for part in unit.parts])
        for unit in units
    ]


def test_a_list_that_goes_on_in_the_next_passage_is_one() -> None:
    units = quotable_units(
        [passage("The kit contains:\n\n- rope\n- map", 4), passage("- compass\n\nKeep it dry.", 5)]
    )
    assert said(units) == [
        ("list", "The kit contains:", ["rope", "map", "compass"]),
        ("sentence", None, ["Keep it dry."]),
    ]
    assert [part.passage for part in units[0].parts] == [0, 0, 1]


def test_lists_of_two_sections_are_two() -> None:
    units = quotable_units(
        [passage("- rope", 4, heading="Kit"), passage("- bread", 5, heading="Food")]
    )
    assert said(units) == [("list", None, ["rope"]), ("list", None, ["bread"])]


def test_a_list_says_whether_it_may_go_on() -> None:
    [inside] = quotable_units([passage("Take:\n\n- rope\n- map")])
    assert (inside.opens, inside.closes) == (False, True)
    [first, _] = quotable_units([passage("- rope\n- map\n\nKeep it dry and safe.")])
    assert (first.opens, first.closes) == (True, False)


def test_what_stands_between_two_steps_belongs_to_them() -> None:
    text = "1. Stop the pump.\n\n```\npump stop\n```\n\n2. Open the lid.\n\nThen rest a while."
    units = quotable_units([passage(text)])
    assert said(units)[0] == ("list", None, ["Stop the pump.", "pump stop", "Open the lid."])
    assert units[0].parts[1].is_code
    assert units[0].is_procedure


def test_code_keeps_its_lines_and_what_introduces_it() -> None:
    text = "Start it like this:\n\nmake run\n  --fast"
    units = quotable_units([passage(text, 0, Span("code", 21, len(text)))])
    assert said(units) == [("code", "Start it like this:", ["make run\n  --fast"])]


def test_rows_keep_their_header() -> None:
    text = "Valve | Limit\nV1 | 4\nV2 | 6"
    [unit] = quotable_units([passage(text)])
    assert (unit.kind, unit.header) == ("table", ("Valve", "Limit"))
    assert [part.cells for part in unit.parts] == [("V1", "4"), ("V2", "6")]
