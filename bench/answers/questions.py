"""The questions and their expected answers, from tables of tab-separated values."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

FOLDER: Final = Path(__file__).parent / "questions"
SETS: Final = ("given", "tuned", "held_out")
"""`held_out`: never looked at one by one, so that nothing is fitted to it."""

Form = Literal["answer", "ordered", "declined", "uncited"]
"""`ordered`: what it must say, in that order; `uncited`: talk, without search and citation."""


@dataclass(frozen=True, slots=True)
class Item:
    """A conversation whose last answer is judged.

    `must`: each has to be said, in one of its wordings.
    """

    part: str
    library: str
    kind: str
    form: Form
    turns: tuple[str, ...]
    must: tuple[tuple[str, ...], ...]
    must_not: tuple[str, ...]


def read_questions(parts: Sequence[str] = SETS, folder: Path = FOLDER) -> list[Item]:
    """The rows of these sets. Raises `ValueError` naming the line that cannot be read."""
    return [item for part in parts for item in _read(part, folder / f"{part}.tsv")]


def _read(part: str, file: Path) -> list[Item]:
    with file.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        return [_item(part, row, f"{file.name}:{rows.line_num}") for row in rows]


def _item(part: str, row: dict[str, str], place: str) -> Item:
    form = row["form"] or "answer"
    if form not in get_args(Form):
        raise ValueError(f"{place}: form: got {form!r}, takes {', '.join(get_args(Form))}")
    must = tuple(tuple(_split(one, "//")) for one in _split(row["must"], "|"))
    if form in ("answer", "ordered") and not must:
        raise ValueError(f"{place}: must: says nothing, takes what the answer has to say")
    return Item(
        part=part,
        library=row["library"],
        kind=row["kind"],
        form=cast("Form", form),
        turns=tuple(_split(row["question"], "⏎")),
        must=must,
        must_not=tuple(_split(row["mustnot"], "|")),
    )


def _split(text: str, mark: str) -> list[str]:
    return [part.strip() for part in text.split(mark) if part.strip()]
