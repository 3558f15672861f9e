"""Reads the words of a PDF page with their positions from PDFium and groups them into cells."""

import ctypes
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import pypdfium2
from pypdfium2 import raw

from app.ingest.loaders.pdf_accents import JOINER, composed

_LINE: Final = re.compile(r"[^\n\r\ufffe]+")
_TOKEN: Final = re.compile(r"[^\x00\s\ufffe\ufeff\u200b]+")
_BREAK: Final = "\ufffe"  # PDFium's character for a hyphen that breaks a word at the end of a line
_HYPHENS: Final = "-\u2010\u00ad"
_CELL_GAP: Final = 1.0  # em between words; from this gap on they may be in different columns
_NEXT_LINE: Final = 0.8  # em of vertical distance
_MIN_LOWER: Final = 0.3  # share of lowercase letters in running text
_TOLERATED: Final = 0.3  # share of characters that may be unreadable
_SYMBOL_BULLETS: Final = dict.fromkeys(map(ord, "\uf0b7\uf0a7\uf0d8\uf076\uf0fc\uf0a8"), "•")
_PRESENTATION: Final = re.compile("[\ufb00-\ufb06\ufb1d-\ufb4f\ufb50-\ufdff\ufe70-\ufefc]")
_BEFORE_MARK: Final = re.compile(  # a vowel sign never begins a word
    " \u034f?(?=[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])"
)
_UNREADABLE: Final = re.compile("[\ufffd\ue000-\uf8ff]")
_RTL: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_RTL_NUMBER: Final = re.compile(r"\A([.,:;!?\u060c\u061b\u061f]+)(\d[\d.,/%-]*)\Z")
_FIXED_PITCH: Final = 1
_FIXED_NAMES: Final = (b"courier", b"mono", b"consol", b"typewriter", b"cmtt")


@dataclass(slots=True)
class Cell:
    """Words on one line without a wide gap between them. Coordinates in points from bottom left."""

    text: str
    left: float
    right: float
    bottom: float
    size: float  # font size
    first: float  # width of the first word
    words: int = 1
    broken: bool = False  # the last word continues on the next line
    fixed: bool = False  # set in a fixed-pitch font
    rtl: bool = False
    unmapped: bool = False  # the font has no character map
    alone: str = ""  # text of a form field that has no label beside it


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of a page in drawing order."""

    cells: list[Cell]
    bottom: float
    top: float
    unreadable: bool = False  # the fonts have no character maps


class _Word(NamedTuple):
    text: str
    left: float
    right: float
    bottom: float


def page_text(page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage) -> PageText:
    """Extract the text of the page content, without annotations."""
    reader = _Reader(text)
    turned = list(reader.cells())
    turn = reader.main_turn()
    # Text in the main direction first, then text along the margin.
    turned.sort(key=lambda one: (one[0] != turn, one[0]))
    cells = [cell for _, cell in turned]
    unreadable = reader.unreadable() > _TOLERATED * reader.length
    if reader.unmapped_is_noise():
        cells = [cell for cell in cells if not cell.unmapped]
    if unreadable:
        cells = [cell for cell in cells if not _UNREADABLE.search(cell.text)]
    left, bottom, right, top = page.get_cropbox()
    if turn:
        corners = (_turned(left, bottom, turn), _turned(right, top, turn))
        bottom, top = sorted(corner[1] for corner in corners)
    return PageText(cells, bottom, top, unreadable)


class _Reader:
    """Reads one page. Most time goes into PDFium calls, of which a word takes three."""

    def __init__(self, page: pypdfium2.PdfTextPage) -> None:
        self._page = page.raw
        self._text = composed(page, _characters(page))
        self._x, self._y, self._right, self._low, self._unused = (
            ctypes.c_double() for _ in range(5)
        )
        self._matrix = raw.FS_MATRIX()
        self._turns = [0, 0, 0, 0]
        self._unmapped: list[str] = []
        self.length = 0

    def unreadable(self) -> int:
        """The number of characters that cannot be mapped to Unicode."""
        noise = sum(map(len, self._unmapped)) if self.unmapped_is_noise() else 0
        return noise + len(_UNREADABLE.findall(self._text))

    def unmapped_is_noise(self) -> bool:
        """Whether unmapped codes are noise: fonts without a character map often use ASCII codes."""
        text = "".join(self._unmapped)
        return sum(map(str.islower, text)) < _MIN_LOWER * len(text)

    def main_turn(self) -> int:
        """The direction of most of the text, in quarter turns."""
        return self._turns.index(max(self._turns))

    def cells(self) -> Iterator[tuple[int, Cell]]:
        """Each cell with its direction."""
        for line in _LINE.finditer(self._text):
            spans = [token.span() for token in _TOKEN.finditer(self._text, *line.span())]
            if spans:
                yield from self._line(spans, broken=self._text.startswith(_BREAK, line.end()))

    def _line(
        self, spans: Sequence[tuple[int, int]], *, broken: bool
    ) -> Iterator[tuple[int, Cell]]:
        start, last = spans[0][0], spans[-1][1] - 1
        size = self._size(spans[len(spans) // 2][0])
        angle = raw.FPDFText_GetCharAngle(self._page, start)
        turn = round(angle / 1.5707963) % 4
        words = self._words(spans, turn, size)
        length = spans[-1][1] - start
        self._turns[turn] += length
        self.length += length
        unmapped = raw.FPDFText_HasUnicodeMapError(self._page, start) == 1
        if unmapped:
            self._unmapped += [word.text for word in words]
        fixed = self._is_fixed(start) and self._is_fixed(last)
        *others, rest = _grouped(words, size)
        for group in others:
            yield turn, _cell(group, size, fixed=fixed, unmapped=unmapped)
        cell = _cell(rest, size, fixed=fixed, unmapped=unmapped)
        cell.broken = cell.broken or broken
        yield turn, cell

    def _size(self, at: int) -> float:
        """The rendered size: files may set size 1 and scale it up."""
        matrix = self._matrix
        size = float(raw.FPDFText_GetFontSize(self._page, at))
        if raw.FPDFText_GetMatrix(self._page, at, matrix):
            size *= math.hypot(matrix.c, matrix.d)
        return abs(size) or 1.0

    def _words(self, spans: Sequence[tuple[int, int]], turn: int, size: float) -> list[_Word]:
        """One word per span, except where PDFium merged letters that stand below each other."""
        words = []
        for start, end in spans:
            word = self._word(start, end, turn, size)
            if end - start > 1 and self._low.value < word.bottom - _NEXT_LINE * size and not turn:
                words += [self._word(at, at + 1, turn, size) for at in range(start, end)]
            else:
                words.append(word)
        return words

    def _word(self, start: int, end: int, turn: int, size: float) -> _Word:
        x, y, right, text = self._x, self._y, self._right, self._text[start:end]
        raw.FPDFText_GetCharOrigin(self._page, start, x, y)
        if turn:
            return self._turned_word(text, end - 1, turn, size)
        begin, bottom = x.value, y.value
        raw.FPDFText_GetCharBox(self._page, end - 1, x, right, self._low, self._unused)
        if x.value < begin - 0.1 and right.value <= begin + 0.1:  # from right to left
            return _Word(text, x.value, begin + size / 2, bottom)
        return _Word(text, begin, right.value, bottom)

    def _turned_word(self, text: str, last: int, turn: int, size: float) -> _Word:
        begin, bottom = _turned(self._x.value, self._y.value, turn)
        raw.FPDFText_GetCharOrigin(self._page, last, self._x, self._y)
        end, _ = _turned(self._x.value, self._y.value, turn)
        return _Word(text, min(begin, end), max(begin, end) + size / 2, bottom)

    def _is_fixed(self, at: int) -> bool:
        name = ctypes.create_string_buffer(80)
        flags = ctypes.c_int()
        raw.FPDFText_GetFontInfo(self._page, at, name, 80, flags)
        lower = name.value.lower()
        return bool(flags.value & _FIXED_PITCH) or any(one in lower for one in _FIXED_NAMES)


def _characters(page: pypdfium2.PdfTextPage) -> str:
    """One character per PDFium position; those outside the BMP take two positions."""
    length = page.count_chars()
    buffer = (ctypes.c_ushort * (length + 1))()
    if raw.FPDFText_GetText(page, 0, length, buffer) == length + 1:
        text = bytes(buffer)[:-2].decode("utf-16-le", "surrogatepass")
        if len(text) == length:
            return text.replace("\x02", _BREAK)
        return "".join(map(chr, buffer[:length])).replace("\x02", _BREAK)
    codes = (raw.FPDFText_GetUnicode(page, at) for at in range(length))
    return "".join(chr(code) if code < 0x10000 else "\ufffd" for code in codes).replace(
        "\x02", _BREAK
    )


def _turned(x: float, y: float, turn: int) -> tuple[float, float]:
    """Rotate coordinates so that the text runs left to right. Turns are clockwise."""
    return (-y, x) if turn == 1 else (-x, -y) if turn == 2 else (y, -x)


def _grouped(words: Sequence[_Word], size: float) -> list[list[_Word]]:
    """Split the words of a line at wide gaps."""
    groups = [[words[0]]]
    gap, step = _CELL_GAP * size, _NEXT_LINE * size
    for word in words[1:]:
        before = groups[-1][-1]
        if (
            word.left - before.right > gap
            or before.left - word.right > gap
            or abs(word.bottom - before.bottom) > step
        ):
            groups.append([word])
        else:
            groups[-1].append(word)
    return groups


def _cell(words: Sequence[_Word], size: float, *, fixed: bool, unmapped: bool) -> Cell:
    left = min(word.left for word in words)
    right = max(word.right for word in words)
    text = _spaced(words) if fixed else " ".join([word.text for word in words])
    if not text.isascii():
        text = _readable(text)
    rtl = not text.isascii() and _RTL.search(text) is not None
    broken = text[-1] in _HYPHENS and text[-2:-1].isalnum()
    first = words[0].right - words[0].left
    return Cell(
        text=text[:-1] if broken else text,
        left=left,
        right=right,
        bottom=words[0].bottom,
        size=size,
        first=first,
        words=len(words),
        broken=broken,
        fixed=fixed,
        rtl=rtl,
        unmapped=unmapped,
    )


def _spaced(words: Sequence[_Word]) -> str:
    """Join words of a fixed-pitch font with as many spaces as fit between them."""
    pitch = sum(word.right - word.left for word in words) / sum(len(word.text) for word in words)
    text = words[0].text
    for before, word in pairwise(words):
        text += " " * max(1, min(80, round((word.left - before.right) / (pitch or 1)))) + word.text
    return text


def _readable(text: str) -> str:
    """Expand ligatures and presentation forms, and map symbol-font bullets to bullets."""
    if any("\ud800" <= one <= "\udfff" for one in text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _BEFORE_MARK.sub("", text.replace(JOINER, "").translate(_SYMBOL_BULLETS))
    text = _PRESENTATION.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    if _RTL.search(text):
        # PDFium takes the full stop that ends the sentence for the beginning of the number.
        text = " ".join(_RTL_NUMBER.sub(r"\2\1", word) for word in text.split(" "))
    return text
