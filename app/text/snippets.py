"""The part of a text around the words of a search."""

from collections.abc import Sequence
from typing import Final

from app.text.tokens import WORD

LEADING_CHARS: Final = 50  # characters
MAX_SNIPPET_LENGTH: Final = 180
ELLIPSIS: Final = "…"


def snippet(text: str, query_words: Sequence[str]) -> str:
    """At most `MAX_SNIPPET_LENGTH` characters in one line, around the first of the words.

    The beginning of the text when no word occurs as typed.
    """
    line = " ".join(text.split())
    folded = line.lower()
    pieces = WORD.findall(" ".join(query_words).lower())
    positions = [position for piece in pieces if (position := folded.find(piece)) >= 0]
    begin = _word_start(line, min(positions, default=0) - LEADING_CHARS)
    end = _word_end(line, begin + MAX_SNIPPET_LENGTH)
    return (ELLIPSIS if begin else "") + line[begin:end] + (ELLIPSIS if end < len(line) else "")


def _word_start(line: str, position: int) -> int:
    if position <= 0:
        return 0
    space = line.find(" ", position, position + LEADING_CHARS)
    return space + 1 if space >= 0 else position


def _word_end(line: str, position: int) -> int:
    if position >= len(line):
        return len(line)
    space = line.rfind(" ", position - LEADING_CHARS, position)
    return space if space >= 0 else position
