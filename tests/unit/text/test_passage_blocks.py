"""The blocks of passages, with and without the structure stored by ingestion."""

from dataclasses import replace

import pytest

from app.domain.models import Cue, Passage, Span
from app.text.passage_blocks import passage_blocks
from app.text.passage_sentences import passage_sentences


def passage(text: str, *structure: Span) -> Passage:
    return Passage("p", "s", "Title", "document", 0, text, structure=structure)


def blocks(text: str, *structure: Span) -> list[tuple[str, str, str]]:
    found = passage_blocks(passage(text, *structure))
    return [(block.kind, block.mark, block.of(text)) for block in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One.\nTwo.\n\nThree.", [("paragraph", "", "One.\nTwo."), ("paragraph", "", "Three.")]),
        ("- a\n- b\n  more of b", [("item", "-", "a"), ("item", "-", "b\n  more of b")]),
        ("1. a\n\n   more\n\n2) b", [("item", "1.", "a\n\n   more"), ("item", "2.", "b")]),
        ("- a\n\nNo item.", [("item", "-", "a"), ("paragraph", "", "No item.")]),
        ("a | b\n1 | 2", [("row", "", "a | b"), ("row", "", "1 | 2")]),
        ("| a | b |\n|---|---|\n| 1 | 2 |", [("row", "", "| a | b |"), ("row", "", "| 1 | 2 |")]),
        ("Use a | b here.", [("paragraph", "", "Use a | b here.")]),
        ("Run:\n```sh\nmake\n\nls\n```\nDone.", [
            ("paragraph", "", "Run:"), ("code", "", "make\n\nls"), ("paragraph", "", "Done."),
        ]),
    ],
)  # fmt: skip
def test_lines_show_what_a_text_without_structure_consists_of(
    text: str, found: list[tuple[str, str, str]]
) -> None:
    assert blocks(text) == found


def test_the_structure_decides_where_there_is_one() -> None:
    text = "Total: 4\n\n- not an option\n\n  # a comment\nls -l"
    found = blocks(text, Span("row", 0, 8), Span("code", 10, len(text)))
    assert found == [("row", "", "Total: 4"), ("code", "", text[10:])]


def test_a_structure_of_another_text_is_left_out() -> None:
    assert blocks("Short.", Span("code", 2, 90)) == [("paragraph", "", "Short.")]


def test_an_item_may_begin_in_another_passage() -> None:
    text = "   and its end.\n- next"
    found = blocks(text, Span("item", 0, 15), Span("item", 16, 22))
    assert found == [("item", "", "and its end."), ("item", "-", "next")]


def test_each_turn_has_its_speaker() -> None:
    text = "Ann Lee: It works. Note: it helps.\nBob: Yes."
    cues = (Cue(9, 34, 1.0, 2.0, "Ann Lee"), Cue(40, len(text), 2.0, 3.0, "Bob"))
    talk = replace(passage(text), kind="recording", cues=cues)
    turns = [(block.label, block.of(text)) for block in passage_blocks(talk)]
    assert turns == [("Ann Lee", "It works. Note: it helps."), ("Bob", "Yes.")]
    stored = replace(talk, cues=())
    assert [block.label for block in passage_blocks(stored)] == ["Ann Lee", "Bob"]


@pytest.mark.parametrize(
    ("rows", "contexts"),
    [
        (["Valve | Limit", "V1 | 4", "V2 | 6"], ["", "Valve | Limit", "Valve | Limit"]),
        (["Region | 2023 | 2024", "North | 4 | 5"], ["", "Region | 2023 | 2024"]),
        (["V1 | 4", "V2 | 6"], ["", ""]),
        (["Site Scope 1 Scope 2", "Kolding 455 310"], ["", "Site Scope 1 Scope 2"]),
        (["Kolding 455 310", "Cuxhaven 12 90"], ["", ""]),
    ],
)
def test_a_row_is_read_with_the_header_of_its_table(rows: list[str], contexts: list[str]) -> None:
    text = "\n".join(rows)
    starts = [text.index(row) for row in rows]
    spans = [Span("row", at, at + len(row)) for at, row in zip(starts, rows, strict=True)]
    sentences = passage_sentences(passage(text, *spans))
    assert [one.span.of(text) for one in sentences] == rows
    assert [one.context for one in sentences] == contexts
