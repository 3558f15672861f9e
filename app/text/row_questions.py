"""Questions that the rows of a table answer when they are counted or compared. English. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from app.domain.models import Passage
from app.text.table_columns import Header, columns

MIN_ROWS: Final = 5
_MAX_ROWS: Final = 400
_MAX_KINDS: Final = 6  # distinct values of a column that groups rows
_UNIT: Final = re.compile(r" ?\([^()]{1,20}\)\Z")
_NOUN: Final = re.compile(r"[A-Z][a-z]{2,20}(?: [a-z]{1,15}){0,2}")
_NUMBER: Final = re.compile(r"[-+]?\d{1,9}(?:[.,]\d{1,6})?")


def row_questions(passages: Sequence[Passage]) -> Iterator[tuple[str, Passage]]:
    """At most three of the first table that is large enough and has nouns as column names."""
    rows = list(islice(_rows(passages), _MAX_ROWS))
    for header, found in columns([text for text, _ in rows]):
        if len(found) >= MIN_ROWS and header and _NOUN.fullmatch(header[0]):
            first = rows[found[0][0]][1]
            values = [cells for _, cells in found if len(cells) == len(header)]
            for question in _of_table(header, values):
                yield question, first
            return


def _rows(passages: Sequence[Passage]) -> Iterator[tuple[str, Passage]]:
    for passage in passages:
        for span in passage.structure:
            if span.kind == "row":
                yield passage.text[span.start : span.end], passage


def _of_table(header: Header, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    thing = header[0].lower()
    if len({row[0] for row in rows}) < len(rows) or _is_number(rows, 0):
        return  # the first column does not name what a row is about
    others = range(1, len(header))
    names = {at: _UNIT.sub("", header[at]) for at in others}
    figures = (at for at in others if _is_number(rows, at) and _NOUN.fullmatch(names[at]))
    if (figure := next(figures, None)) is not None:
        yield f"Which {thing} has the highest {names[figure].lower()}?"
    for at in others:
        kinds = Counter(row[at] for row in rows)
        common, count = kinds.most_common(1)[0]
        if 1 < len(kinds) <= _MAX_KINDS and count > 1 and common.isalpha() and at in names:
            yield f"How many {_plural(thing)} have the {names[at].lower()} {common}?"
            break
    yield f"How many {_plural(thing)} are there?"


def _is_number(rows: Sequence[tuple[str, ...]], at: int) -> bool:
    return all(_NUMBER.fullmatch(row[at].replace(" ", "")) for row in rows)


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
