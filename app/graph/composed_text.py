"""Text that is put together from sentences of passages, each with its marker. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from app.domain.models import Passage
from app.text.markers import find_markers
from app.text.passage_blocks import passage_blocks
from app.text.passage_sentences import block_sentences
from app.text.tokens import content_terms

_MIN_WORDS: Final = 3
"""Words of a paragraph that is a sentence and no label."""


class Sentence(NamedTuple):
    passage: Passage
    text: str  # with its number in a list
    is_item: bool
    speaker: str  # "Ada: ", or nothing

    @property
    def said(self) -> str:
        return f"{self.speaker}{self.text}"


@dataclass(slots=True)
class Composed:
    """A text and the passages it cites, numbered in order of first use."""

    lines: list[str] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def cite(self, passage: Passage) -> str:
        """The marker of a passage, which is added when it is new."""
        number = self._numbers.get(passage.passage_id)
        if number is None:
            self.passages.append(passage)
            number = self._numbers[passage.passage_id] = len(self.passages)
        return f"[{number}]"

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


def citable_sentences(passages: Iterable[Passage]) -> list[Sentence]:
    """What can stand alone: sentences, and items and rows, which may be short."""
    found = []
    for passage in passages:
        for block in passage_blocks(passage):
            is_item = block.kind == "item"
            number = f"{block.mark} " if block.mark[:1].isdigit() else ""
            speaker = f"{block.label}: " if block.kind == "turn" and block.label else ""
            for place, span in enumerate(block_sentences(passage.text, block)):
                text = _plain(span.of(passage.text))
                if is_item or block.kind == "row" or len(text.split()) >= _MIN_WORDS:
                    mark = number if place == 0 else ""
                    found.append(Sentence(passage, f"{mark}{text}", is_item, speaker))
    return found


def cited_lines(made: Composed, passage: Passage) -> list[str]:
    under = (passage.heading or "").rpartition(" > ")[2]
    return [cited_line(made, one) for one in citable_sentences((passage,)) if one.text != under]


def cited_line(made: Composed, one: Sentence) -> str:
    mark = "" if one.is_item and one.text[0].isdigit() else "- "
    return f"{mark}{one.said} {made.cite(one.passage)}"


def sentence_about(passage: Passage, subject: str) -> str:
    asked = content_terms(subject)
    sentences = citable_sentences((passage,))
    naming = [
        one for one in sentences if one.text != passage.heading and asked <= content_terms(one.text)
    ]
    said = [one for one in sentences if asked <= content_terms(one.speaker)]
    best = next(iter(naming or said or sentences), None)
    return _plain(passage.text)[:200] if best is None else best.said


def renumbered(made: Composed, part: Composed) -> list[str]:
    """The lines of another text, without its headline, with markers of this one."""
    lines = []
    for line in part.lines[1:]:
        for marker in reversed(find_markers(line)):
            passage = part.passages[marker.numbers[0] - 1]
            line = f"{line[: marker.start]}{made.cite(passage)}{line[marker.end :]}"
        lines.append(line)
    return lines


def _plain(text: str) -> str:
    """One line, without bracketed numbers, which would be read as markers."""
    for marker in reversed(find_markers(text)):
        text = text[: marker.start].rstrip() + text[marker.end :]
    return " ".join(text.split())
