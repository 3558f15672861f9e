"""The sentences of a passage for quoting and comparing."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.models import Passage
from app.text.passage_blocks import Block, cells, passage_blocks
from app.text.sentences import Span, split_sentences

_YEAR: Final = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class PassageSentence:
    """A sentence, or a table row; `context` is what else its words depend on.

    That is the speaker of a turn, the term of an explanation, and the header of a row.
    """

    span: Span
    context: str = ""


def passage_sentences(passage: Passage) -> tuple[PassageSentence, ...]:
    """In order, without list marks and the names of speakers."""
    blocks = passage_blocks(passage)
    return tuple(
        PassageSentence(span, context)
        for block, context in zip(blocks, _contexts(passage.text, blocks), strict=True)
        for span in block_sentences(passage.text, block)
    )


def block_sentences(text: str, block: Block) -> tuple[Span, ...]:
    """The sentences of one block; a row is one."""
    if block.kind == "row":
        return (Span(block.start, block.end),) if any(map(str.isalnum, block.of(text))) else ()
    found = split_sentences(block.of(text))
    return tuple(Span(block.start + one.start, block.start + one.end) for one in found)


def is_header(first: str, following: str) -> bool:
    """Whether the first of two rows names the columns: it has hardly numbers of its own."""
    names, values = cells(first), cells(following)
    if len(names) < 2:
        return ": " not in first and _number_share(first) < 0.5 <= _number_share(following)
    return len(names) == len(values) and not any(map(_is_value, names))


def _contexts(text: str, blocks: Sequence[Block]) -> Iterator[str]:
    """The context of each block."""
    header = ""
    for index, block in enumerate(blocks):
        if block.kind != "row":
            header = ""
            yield block.label or ""
            continue
        row = block.of(text)
        if index == 0 or blocks[index - 1].kind != "row":
            after = blocks[index + 1] if index + 1 < len(blocks) else None
            starts = after is not None and after.kind == "row" and is_header(row, after.of(text))
            header = row if starts else ""
            yield ""
        else:
            yield header


def _number_share(row: str) -> float:
    parts = row.split()
    return sum(part[-1].isdigit() for part in parts) / len(parts)


def _is_value(cell: str) -> bool:
    """A number or a date; a year may be the name of a column."""
    return cell[:1].isdigit() and not cell.isalpha() and _YEAR.fullmatch(cell) is None
