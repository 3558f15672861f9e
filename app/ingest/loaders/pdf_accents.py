"""Composes accents that a PDF draws as separate characters (as TeX does) with their letters."""

import ctypes
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

import pypdfium2
from pypdfium2 import raw

JOINER: Final = "\u2060"
"""Takes the place of a removed character, so that PDFium's positions stay valid."""

_COMBINING: Final = {
    "`": "\u0300",
    "\u00b4": "\u0301",
    "^": "\u0302",
    "\u02c6": "\u0302",
    "~": "\u0303",
    "\u02dc": "\u0303",
    "\u00af": "\u0304",
    "\u02d8": "\u0306",
    "\u00a8": "\u0308",
    "\u02da": "\u030a",
    "\u02dd": "\u030b",
    "\u02c7": "\u030c",
    "\u00b8": "\u0327",
    "\u02db": "\u0328",
}
_ACCENT: Final = re.compile(f"[{''.join(map(re.escape, _COMBINING))}]")
_DOTLESS: Final = {"\u0131": "i", "\u0237": "j"}
_REACH: Final = 80  # characters between the accent and its letter
_SPACE: Final = 0.3  # of a letter's width
_NEAR: Final = 3  # for characters that are rarely accents


def composed(page: pypdfium2.PdfTextPage, text: str) -> str:
    """Compose accents with the letters they are drawn over. The length does not change."""
    if _ACCENT.search(text) is None:
        return text
    places = _Places(page)
    out = list(text)
    for found in _ACCENT.finditer(text):
        at = found.start()
        base = places.letter_under(at, out)
        if base is None:
            continue
        letter = _DOTLESS.get(out[base], out[base])
        whole = unicodedata.normalize("NFC", letter + _COMBINING[text[at]])
        if len(whole) == 1:
            out[base] = whole
            out[at] = JOINER
            for beside in places.generated_beside(at, text):
                out[beside] = JOINER
    return "".join(out)


class _Places:
    def __init__(self, page: pypdfium2.PdfTextPage) -> None:
        self._page = page
        self._left, self._right, self._bottom, self._top = (ctypes.c_double() for _ in range(4))
        self._boxes: dict[int, tuple[float, float, float]] = {}

    def letter_under(self, at: int, text: list[str]) -> int | None:
        """The nearest letter that the accent is drawn over or under."""
        left, right, bottom = self._box(at)
        middle, slack = (left + right) / 2, (right - left) / 5
        reach = _NEAR if text[at].isascii() else _REACH
        for near in self._around(at, text, reach):
            begin, end, height = self._box(near)
            over = begin - slack <= middle <= end + slack
            if over and abs(bottom - height) <= 1.5 * (end - begin) + 2:
                return near
        return None

    def _around(self, at: int, text: list[str], reach: int) -> Iterator[int]:
        """Letters on the same line, those after the accent first, where TeX writes them."""
        for direction in (1, -1):
            for step in range(1, reach + 1):
                near = at + direction * step
                if not 0 <= near < len(text) or text[near] in "\r\n":
                    break
                if text[near].isalpha():
                    yield near

    def generated_beside(self, at: int, text: str) -> Iterator[int]:
        """Spaces that PDFium generated between the accent and the surrounding letters."""
        spaces = [near for near in (at - 1, at + 1) if text[near : near + 1] == " " and near > 0]
        spaces = [near for near in spaces if raw.FPDFText_IsGenerated(self._page, near) == 1]
        if len(spaces) == 2 and at + 2 < len(text) and self._gap(at - 2, at + 2):
            spaces.pop()
        yield from spaces

    def _gap(self, before: int, after: int) -> bool:
        """Whether a space fits between the two characters."""
        left, right, _ = self._box(before)
        return self._box(after)[0] - right > _SPACE * (right - left)

    def _box(self, at: int) -> tuple[float, float, float]:
        """Left, right and bottom edge."""
        raw.FPDFText_GetCharBox(self._page, at, self._left, self._right, self._bottom, self._top)
        return self._left.value, self._right.value, self._bottom.value
