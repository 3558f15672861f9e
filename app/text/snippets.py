"""The stretch of a text around the words that were looked for."""

import re
from collections.abc import Sequence
from typing import Final

BEFORE: Final = 50  # characters
LENGTH: Final = 180
MORE: Final = "…"
_WORD: Final = re.compile(r"\w+")


def excerpt(text: str, wanted: Sequence[str]) -> str:
    """At most `LENGTH` characters in one line, from a little before the first of the words.

    When none is there as it was typed, the text's beginning.
    """
    line = " ".join(text.split())
    folded = line.lower()
    pieces = _WORD.findall(" ".join(wanted).lower())
    places = [place for piece in pieces if (place := folded.find(piece)) >= 0]
    begin = _word_start(line, min(places, default=0) - BEFORE)
    end = _word_end(line, begin + LENGTH)
    return (MORE if begin else "") + line[begin:end] + (MORE if end < len(line) else "")


def _word_start(line: str, place: int) -> int:
    if place <= 0:
        return 0
    space = line.find(" ", place, place + BEFORE)
    return space + 1 if space >= 0 else place


def _word_end(line: str, place: int) -> int:
    if place >= len(line):
        return len(line)
    space = line.rfind(" ", place - BEFORE, place)
    return space if space >= 0 else place
