"""Decides whether a hyphen at the end of a line belongs to the word."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from app.ingest.loaders.pdf_layout import Line

_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_START: Final = re.compile(r"[^\W\d_]+")
_MIN_PART: Final = 4  # letters per part of a compound of two known words
_MAX_LOOKBACK: Final = 100  # characters
# First and last parts of English compounds written with a hyphen.
_FIRSTS: Final = frozenset(("self", "well", "half", "cross", "quasi"))
_LASTS: Final = frozenset(
    ("based", "driven", "friendly", "oriented", "related", "specific", "style", "wide")
)


class Vocabulary:
    """The document's words, in lower case."""

    def __init__(self, pages: Iterable[Sequence[Line]]) -> None:
        self._words: set[str] = set()
        for page in pages:
            cut = False
            for line in page:
                words = _WORD.findall(line.text.lower())
                self._words.update(words[cut : len(words) - line.broken])
                cut = line.broken

    def joined(self, before: str, after: str) -> str:
        """Join the text around a line break, keeping the hyphen if it belongs to the word."""
        head = before[-_MAX_LOOKBACK:].rsplit(None, 1)[-1]
        found = _START.match(after)
        tail = found[0] if found else ""
        return f"{before}-{after}" if self._keeps(head, tail) else before + after

    def _keeps(self, head: str, tail: str) -> bool:
        letters = head.rstrip("-").rpartition("-")[2].lstrip("([{\"'“‘«„¿¡")
        if not tail or not letters.isalpha() or "-" in head:
            return True
        if tail[0].isupper() and not (letters.isupper() and tail.isupper()):  # E-Mail, Nord-Süd
            return True
        if len(letters) > 1 and letters.isupper() and tail.islower():  # PDF-based
            return True
        first, last = letters.lower(), tail.lower()
        if first + last in self._words:
            return False
        if f"{first}-{last}" in self._words:
            return True
        if len(last) >= _MIN_PART and (first in _FIRSTS or (last in _LASTS and len(first) > 2)):
            return True
        known = first in self._words and last in self._words
        return known and min(len(first), len(last)) >= _MIN_PART
