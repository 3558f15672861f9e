"""The blocks of a passage: paragraphs, list items, table rows, code, turns of speakers, terms.

The structure kept at ingestion decides where a passage has one; the rest is recognized by lines.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from app.domain.models import Passage

BlockKind = Literal["paragraph", "item", "row", "code", "turn", "term"]

_ITEM: Final = re.compile(r"(?P<indent>[ \t]*)(?:[-*+•‣–]|(?P<number>\d{1,3})[.)])[ \t]+(?=\S)")
_FENCE: Final = re.compile(r"[ \t]{0,40}(?:```|~~~)")
_LABEL: Final = re.compile(r"[^\W\d][^\n:]{0,58}: (?=\S)")
_TERM: Final = re.compile(r"(?=.{1,40}\Z)[^\W_]\S*(?: \S+){0,3}(?<![.,:;!?])")
_MIN_EXPLANATION: Final = 6  # words
_CELL_BOUND: Final = re.compile(r" \| |(?<= )\|(?= |$)|^\|(?= )")
_NEW_PARAGRAPH: Final = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Block:
    """Characters `start`..`end` of a passage's text, without list mark and speaker's name."""

    kind: BlockKind
    start: int
    end: int
    mark: str = ""  # of an item: `-` or `3.`; empty when the item began in another passage
    depth: int = 0  # of an item: the width of its indentation
    label: str | None = None  # the speaker of a turn; the term that a paragraph explains

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def passage_blocks(passage: Passage) -> tuple[Block, ...]:
    """The blocks in order; they do not overlap."""
    if passage.kind == "recording":
        return tuple(_turns(passage))
    blocks: list[Block] = []
    position = 0
    for span in sorted(passage.structure, key=lambda one: one.start):
        if span.start < position or span.end > len(passage.text):
            continue  # of another version
        blocks += _plain_blocks(passage.text, position, span.start)
        _add_structured(blocks, passage.text, span.kind, span.start, span.end)
        position = span.end
    blocks += _plain_blocks(passage.text, position, len(passage.text))
    return tuple(_with_terms(list(_without_lone_rows(blocks, passage)), passage))


def _is_rule(line: str) -> bool:
    """Whether it only separates a table's header from its rows."""
    return "--" in line and set(line) <= set(" \t|:-")


def cells(row: str) -> tuple[str, ...]:
    """The cells of a row that is divided by bars; a single one for any other row."""
    if row.startswith("|") and row.rstrip().endswith("|"):
        row = row.strip()[1:-1]
    return tuple(cell.strip() for cell in _CELL_BOUND.split(row))


def _turns(passage: Passage) -> Iterator[Block]:
    """One for each line; a line begins with its speaker, if the speaker is known."""
    names = {cue.speaker for cue in passage.cues} | {passage.speaker}
    labels = sorted((f"{name}: " for name in names if name), key=len, reverse=True)
    for start, end in _lines(passage.text, 0, len(passage.text)):
        label = next((one for one in labels if passage.text.startswith(one, start)), "")
        if not passage.cues and not label:  # a stored passage of an answer has no cues
            found = _LABEL.match(passage.text, start, end)
            label = found.group() if found else ""
        begin = start + len(label)
        if passage.text[begin:end].strip():
            yield Block("turn", begin, end, label=label.removesuffix(": ") or None)


def _add_structured(blocks: list[Block], text: str, kind: str, start: int, end: int) -> None:
    if kind == "item":
        item = _item(text, start, end)
        last = blocks[-1] if blocks else None
        if not item.mark and last is not None and last.kind == "item":
            blocks[-1] = replace(last, end=end)  # a further paragraph of the same item
        else:
            blocks.append(item)
    elif kind == "row" or kind == "code":
        blocks.append(Block("row" if kind == "row" else "code", start, end))
    else:
        blocks += _plain_blocks(text, start, end)


def _item(text: str, start: int, end: int) -> Block:
    found = _ITEM.match(text, start, end)
    if found is None:
        return Block("item", start + _indent(text, start, end), end)
    number = found["number"]
    mark = f"{number}." if number else "-"
    return Block("item", found.end(), end, mark, len(found["indent"].expandtabs(4)))


def _indent(text: str, start: int, end: int) -> int:
    return end - start - len(text[start:end].lstrip())


def _plain_blocks(text: str, start: int, end: int) -> Iterator[Block]:
    """Paragraphs, with items, rows and fenced code recognized line by line."""
    if not text[start:end].strip():
        return
    current: Block | None = None
    in_fence = False
    last_end = start
    for begin, stop in _lines(text, start, end):
        is_fence = _FENCE.match(text, begin, stop) is not None
        apart = _NEW_PARAGRAPH.search(text, last_end, begin) is not None
        last_end = stop
        if in_fence and current is not None:
            current = replace(current, end=current.end if is_fence else stop)
            in_fence = not is_fence
            continue
        kind = "code" if is_fence else _line_kind(text, begin, stop)
        joined = current is not None and _continues(current, kind, apart, text[begin] in " \t")
        if joined and current is not None:
            current = replace(current, end=stop)
            continue
        if current is not None and current.end > current.start:
            yield current
        in_fence = is_fence
        if is_fence:
            current = Block("code", min(stop + 1, end), min(stop + 1, end))
        elif kind == "item":
            current = _item(text, begin, stop)
        else:
            current = Block(kind, begin + _indent(text, begin, stop), stop)
    if current is not None and current.end > current.start:
        yield current


def _line_kind(text: str, begin: int, stop: int) -> BlockKind:
    if _ITEM.match(text, begin, stop):
        return "item"
    is_row = " | " in text[begin:stop] or text[begin:stop].lstrip().startswith("|")
    return "row" if is_row else "paragraph"


def _continues(current: Block, kind: BlockKind, apart: bool, indented: bool) -> bool:
    """Whether a line belongs to the block before it."""
    if kind != "paragraph" or current.kind in ("row", "code"):
        return False
    return (current.kind == "item" and indented) if apart else True


def _without_lone_rows(blocks: Sequence[Block], passage: Passage) -> Iterator[Block]:
    """Without the rules of tables; one recognized row alone is a paragraph that has a bar."""
    rows = {(span.start, span.end) for span in passage.structure if span.kind == "row"}
    for index, block in enumerate(blocks):
        if block.kind != "row" or (block.start, block.end) in rows:
            yield block
            continue
        if _is_rule(block.of(passage.text)):
            continue
        near = [*blocks[max(0, index - 1) : index], *blocks[index + 1 : index + 2]]
        is_row = any(one.kind == "row" for one in near)
        yield block if is_row else replace(block, kind="paragraph")


def _with_terms(blocks: Sequence[Block], passage: Passage) -> Iterator[Block]:
    """A few words above a paragraph are the term that it explains, as in a glossary."""
    term: str | None = None
    for index, block in enumerate(blocks):
        if block.kind != "paragraph":
            term = None
            yield block
            continue
        words = block.of(passage.text)
        following = blocks[index + 1] if index + 1 < len(blocks) else None
        if _is_heading(words, passage.heading):
            term = None
            yield block
        elif (
            _TERM.fullmatch(words)
            and (index == 0 or not blocks[index - 1].of(passage.text).endswith((":", "\uff1a")))
            and following is not None
            and _explains(following, passage)
        ):
            term = words
            yield replace(block, kind="term")
        else:
            yield replace(block, label=term)


def _is_heading(words: str, heading: str | None) -> bool:
    return heading is not None and (heading == words or heading.endswith(f" > {words}"))


def _explains(block: Block, passage: Passage) -> bool:
    words = block.of(passage.text)
    is_long = len(words.split()) >= _MIN_EXPLANATION
    return block.kind == "paragraph" and is_long and not words[0].islower()


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The lines that are not blank, without the white space at their ends."""
    begin = start
    while begin < end:
        stop = text.find("\n", begin, end)
        stop = end if stop < 0 else stop
        words = text[begin:stop].rstrip()
        if words.strip():
            yield begin, begin + len(words)
        begin = stop + 1
