"""Running headers, footers and page numbers of a PDF: keeps one copy of repeated lines."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.ingest.loaders.pdf_layout import Line

MARGIN: Final = 0.1  # share of the page height, at top and bottom
REPEATED: Final = 0.45  # share of pages; headers may appear on every other page only
MIN_PAGES: Final = 3  # pages on which a line must stand to count as repeated
_SAME_HEIGHT: Final = 6.0  # points
_FOLLOWING: Final = 0.8  # share of numbers that increase with the page
_APART: Final = 1.6  # em between a numbered header and the text
_LARGER: Final = 1.15
_COPIED: Final = 0.6  # share of common lines from which two pages are copies of each other
_LETTERHEAD: Final = 0.25  # share of the page height that a letterhead in a two-page file may take
_MAX_NUMBERS: Final = 12  # numbers in one header
_ROMAN: Final = re.compile("[ivxlc]{1,8}")
_ROMAN_VALUES: Final = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_DIGITS: Final = re.compile(r"\d+")
_WORD: Final = re.compile(r"[^\W\d_]+")
_MAX_SHIFT: Final = 1_500  # page number minus position in the file: 2023, 2024, 2025 are years
_PAGE_WORDS: Final = {
    *("page", "pages", "pag", "pg", "p", "of", "seite", "seiten", "s", "von", "página"),
    *("pagina", "de", "di", "sida", "side", "av", "af", "van", "blz", "sivu", "sur", "strona"),
    *("str", "z", "oldal", "stran", "страница", "стр", "из", "σελίδα", "από", "sayfa"),
    *("halaman", "trang", "صفحة", "من", "עמוד", "מתוך", "第", "页", "頁", "共", "ページ", "쪽"),
}

_Side = Literal["top", "bottom"]


@dataclass(frozen=True, slots=True)
class PageLines:
    """The lines of a page, and its top and bottom in points."""

    lines: list[Line]
    bottom: float
    top: float


@dataclass(frozen=True, slots=True)
class _Place:
    """Line `line` in the margin of page `page`."""

    page: int
    line: int
    side: _Side


def without_furniture(pages: Sequence[PageLines], body: float) -> list[list[Line]]:
    """The lines of each page. A page that would become empty is kept whole."""
    places = [place for at, page in enumerate(pages) for place in _in_margins(at, page)]
    dropped: dict[int, set[int]] = defaultdict(set)
    repeated = [*_repeated(pages, places), *_letterheads(pages)]
    known = {(place.page, place.line) for copies in repeated for place in copies}
    later = (one for copies in repeated for one in copies if one.page != copies[0].page)
    for place in (*later, *_numbered(pages, places, body, known)):
        dropped[place.page].add(place.line)
    kept = []
    for at, page in enumerate(pages):
        lines = [line for number, line in enumerate(page.lines) if number not in dropped[at]]
        kept.append(lines or page.lines)
    return kept


def _in_margins(at: int, page: PageLines) -> Iterator[_Place]:
    margin = MARGIN * (page.top - page.bottom)
    for number, line in enumerate(page.lines):
        if line.bottom < page.bottom + margin:
            yield _Place(at, number, "bottom")
        elif line.bottom > page.top - margin:
            yield _Place(at, number, "top")


def _repeated(pages: Sequence[PageLines], places: Sequence[_Place]) -> Iterator[list[_Place]]:
    """Groups of lines with the same text at the same height."""
    same: dict[tuple[str, _Side], list[_Place]] = defaultdict(list)
    for place in places:
        same[pages[place.page].lines[place.line].text, place.side].append(place)
    needed = _needed(len(pages))
    for copies in same.values():
        if len(copies) < needed:
            continue
        level = _usual_height(pages, copies)
        level_copies = [one for one in copies if abs(_height(pages, one) - level) <= _SAME_HEIGHT]
        if len({one.page for one in level_copies}) >= needed:
            yield level_copies


def _letterheads(pages: Sequence[PageLines]) -> Iterator[list[_Place]]:
    """Leading or trailing lines shared by two otherwise different pages."""
    if len(pages) != 2 or _are_copies(*pages):
        return  # with more pages, repetition is decided by frequency
    for side in ("top", "bottom"):
        orders = [_from_edge(page, side) for page in pages]
        same = 0
        for first, second in zip(*orders, strict=False):
            if not _is_copy(pages, _Place(0, first, side), _Place(1, second, side)):
                break
            same += 1
        if 0 < same < min(map(len, orders)) and all(
            _ends_apart(page, order, same) for page, order in zip(pages, orders, strict=True)
        ):
            yield from (
                [_Place(0, orders[0][n], side), _Place(1, orders[1][n], side)] for n in range(same)
            )


def _are_copies(first: PageLines, second: PageLines) -> bool:
    """Whether most lines of one page also occur on the other."""
    texts = [Counter(line.text for line in page.lines) for page in (first, second)]
    shared = (texts[0] & texts[1]).total()
    return shared > _COPIED * min(text.total() for text in texts)


def _from_edge(page: PageLines, side: _Side) -> list[int]:
    """Line numbers by distance from the given page edge."""
    sign = -1 if side == "top" else 1
    return sorted(range(len(page.lines)), key=lambda at: sign * page.lines[at].bottom)


def _is_copy(pages: Sequence[PageLines], one: _Place, other: _Place) -> bool:
    lines = [pages[place.page].lines[place.line] for place in (one, other)]
    heights = [_height(pages, place) for place in (one, other)]
    return lines[0].text == lines[1].text and abs(heights[0] - heights[1]) <= _SAME_HEIGHT


def _ends_apart(page: PageLines, order: Sequence[int], count: int) -> bool:
    """Whether these lines are at the edge, more than a line's height from the others."""
    last, following = page.lines[order[count - 1]], page.lines[order[count]]
    edge = page.top if last.bottom > following.bottom else page.bottom
    if abs(edge - page.lines[order[0]].bottom) > MARGIN * (page.top - page.bottom):
        return False
    if abs(edge - last.bottom) > _LETTERHEAD * (page.top - page.bottom):
        return False
    return abs(last.bottom - following.bottom) > _APART * max(last.size, following.size)


def _numbered(
    pages: Sequence[PageLines],
    places: Sequence[_Place],
    body: float,
    repeated: set[tuple[int, int]],
) -> Iterator[_Place]:
    """Page numbers, and lines that differ only in the page number."""
    alike: dict[tuple[str, _Side], list[_Place]] = defaultdict(list)
    for place in places:
        line = pages[place.page].lines[place.line]
        pattern = "#" if _ROMAN.fullmatch(line.text) else _DIGITS.sub("#", line.text)
        if 1 <= pattern.count("#") <= _MAX_NUMBERS and line.size <= _LARGER * body:
            alike[pattern, place.side].append(place)
    for (pattern, _), copies in alike.items():
        if not _follow_the_page(pages, copies):
            continue
        if _PAGE_WORDS.issuperset(_WORD.findall(pattern.lower())):
            yield from copies
        elif len(copies) >= MIN_PAGES and all(_is_apart(pages, one, repeated) for one in copies):
            yield from copies[1:]


def _follow_the_page(pages: Sequence[PageLines], copies: Sequence[_Place]) -> bool:
    """Whether one number increases by one per page and the others are constant."""
    if len({one.page for one in copies}) < max(2, REPEATED / 2 * len(pages)):
        return False
    numbers = [_numbers(pages[one.page].lines[one.line].text) for one in copies]
    changing = [values for values in zip(*numbers, strict=True) if len(set(values)) > 1]
    if len(changing) != 1:
        return False
    shifts = Counter(value - one.page for value, one in zip(changing[0], copies, strict=True))
    shift, count = shifts.most_common(1)[0]
    return shift <= _MAX_SHIFT and count >= _FOLLOWING * len(copies)


def _numbers(text: str) -> list[int]:
    if _ROMAN.fullmatch(text):
        values = [_ROMAN_VALUES[one] for one in text]
        return [
            sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True)),
        ]
    return [int(value[:9]) for value in _DIGITS.findall(text)]


def _is_apart(pages: Sequence[PageLines], place: _Place, repeated: set[tuple[int, int]]) -> bool:
    """Whether more than a line's height separates the line from the page text."""
    lines = pages[place.page].lines
    line = lines[place.line]
    step = 1 if place.side == "top" else -1
    at = place.line + step
    while 0 <= at < len(lines) and (place.page, at) in repeated:
        at += step
    if not 0 <= at < len(lines):
        return True
    distance = abs(lines[at].bottom - line.bottom)
    return distance > _APART * max(line.size, lines[at].size) or distance < 1


def _needed(pages: int) -> float:
    return max(MIN_PAGES, REPEATED * pages)


def _height(pages: Sequence[PageLines], place: _Place) -> float:
    page = pages[place.page]
    edge = page.top if place.side == "top" else page.bottom
    return page.lines[place.line].bottom - edge


def _usual_height(pages: Sequence[PageLines], copies: Sequence[_Place]) -> float:
    heights = Counter(round(_height(pages, one)) for one in copies)
    return heights.most_common(1)[0][0]
