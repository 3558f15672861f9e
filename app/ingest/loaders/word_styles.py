"""Paragraph properties from Word's styles and numberings."""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from app.ingest.loaders.open_xml import Element, attribute, child, kind, value

MAX_CHAIN: Final = 20  # length of a chain of base styles
MAX_LEVEL: Final = 8
_HEADING: Final = re.compile(r"heading\s*([1-9])\b", re.IGNORECASE)
_PLACE: Final = re.compile(r"%([1-9])")
_BULLET: Final = "-"
_ROMAN: Final = tuple(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Style:
    """A paragraph style with its inherited properties."""

    name: str = ""
    heading: int | None = None  # 1 is the highest
    list_id: str | None = None
    list_level: int = 0


class Styles:
    """Styles by id; each is resolved once."""

    def __init__(self, root: Element | None) -> None:
        self._elements: dict[str, Element] = {}
        self._known: dict[str, Style] = {}
        self._default = ""
        self.headed_tables: set[str] = set()  # ids of table styles with a distinct first row
        for one in [] if root is None else root:
            if kind(one) == "w:style" and attribute(one, "w:type") == "table":
                self._add_table_style(one)
            if kind(one) != "w:style" or attribute(one, "w:type") not in ("paragraph", None):
                continue
            style_id = attribute(one, "w:styleId") or ""
            self._elements[style_id] = one
            if attribute(one, "w:default") in ("1", "true", "on"):
                self._default = style_id

    def _add_table_style(self, style: Element) -> None:
        style_id = attribute(style, "w:styleId") or ""
        parts = [one for one in style if kind(one) == "w:tblStylePr"]
        if (
            any(attribute(one, "w:type") == "firstRow" for one in parts)
            or value(style, "w:basedOn") in self.headed_tables
        ):
            self.headed_tables.add(style_id)

    def of(self, properties: Element | None) -> Style:
        """The style of a paragraph with these properties (`w:pPr`)."""
        return self._style(value(properties, "w:pStyle") or self._default, 0)

    def _style(self, style_id: str, depth: int) -> Style:
        element = self._elements.get(style_id)
        if element is None or depth > MAX_CHAIN:
            return Style(name=style_id if element is None else "")
        if style_id not in self._known:
            self._known[style_id] = self._inherited(element, depth)
        return self._known[style_id]

    def _inherited(self, element: Element, depth: int) -> Style:
        base_id = value(element, "w:basedOn")
        base = self._style(base_id, depth + 1) if base_id else Style()
        properties = child(element, "w:pPr")
        name = value(element, "w:name") or ""
        list_id = value(properties, "w:numPr", "w:numId") or base.list_id
        level = value(properties, "w:numPr", "w:ilvl")
        own = _HEADING.match(name)
        return Style(
            name,
            int(own[1]) if own else outline_level(properties, base.heading),
            list_id,
            base.list_level if level is None else small_number(level),
        )


def outline_level(properties: Element | None, inherited: int | None) -> int | None:
    """1 to 9; None for body text, which is level 9 in the file."""
    own = value(properties, "w:outlineLvl")
    if own is None or not own.isdecimal():
        return inherited
    return int(own) + 1 if len(own) == 1 and own != "9" else None


def small_number(text: str) -> int:
    """Parse a list level. Capped; 0 if invalid."""
    return min(int(text), MAX_LEVEL) if text.isdecimal() and len(text) < 9 else 0


@dataclass(frozen=True, slots=True)
class Level:
    """A list level: number format, and text with `%1` for the number of the first level."""

    form: str
    text: str
    start: int


class Numberings:
    """Numbers list items as Word does."""

    def __init__(
        self,
        levels: dict[str, dict[int, Level]],
        uses: dict[str, str],
        starts: dict[str, dict[int, int]],
    ) -> None:
        """`uses` maps list ids of paragraphs to lists; `starts` holds the levels they restart."""
        self._levels = levels
        self._abstract = uses
        self._starts = starts
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)

    def mark(self, list_id: str, level: int) -> str | None:
        """The mark of the next item: "3.", "(a)" or "-"; None for unknown lists."""
        abstract = self._abstract.get(list_id, "")
        levels = self._levels.get(abstract, {})
        if level not in levels:
            return None
        counts = self._counts[abstract]
        start = self._starts.get(list_id, {}).pop(level, None)  # restarts once
        before = counts.get(level, levels[level].start - 1)
        counts[level] = before + 1 if start is None else start
        for deeper in [one for one in counts if one > level]:
            del counts[deeper]
        if levels[level].form == "bullet":
            return _BULLET
        return _PLACE.sub(
            lambda place: _counted(levels, counts, int(place[1]) - 1), levels[level].text
        )


def read_numberings(root: Element | None) -> Numberings:
    """Reads a `numbering.xml` part."""
    levels, uses, starts = {}, {}, {}
    for one in [] if root is None else root:
        if kind(one) == "w:abstractNum":
            levels[attribute(one, "w:abstractNumId") or ""] = _levels(one)
        elif kind(one) == "w:num":
            list_id = attribute(one, "w:numId") or ""
            uses[list_id] = value(one, "w:abstractNumId") or ""
            starts[list_id] = _starts(one)
    return Numberings(levels, uses, starts)


def _levels(abstract: Element) -> dict[int, Level]:
    found: dict[int, Level] = {}
    for one in abstract:
        if kind(one) == "w:lvl":
            start = value(one, "w:start") or "1"
            found[small_number(attribute(one, "w:ilvl") or "0")] = Level(
                value(one, "w:numFmt") or "decimal",
                value(one, "w:lvlText") or "",
                int(start) if start.isdecimal() and len(start) < 9 else 1,
            )
    return found


def _starts(numbering: Element) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in numbering:
        start = value(one, "w:startOverride")
        if kind(one) == "w:lvlOverride" and start is not None and start.isdecimal():
            found[small_number(attribute(one, "w:ilvl") or "0")] = int(start[:8])
    return found


def _counted(levels: dict[int, Level], counts: dict[int, int], level: int) -> str:
    if level not in levels:
        return ""
    return number_as(levels[level].form, counts.get(level, levels[level].start))


def number_as(form: str, number: int) -> str:
    """Format as a number, letter or Roman numeral."""
    match form:
        case "lowerLetter" | "upperLetter" if 0 < number <= 780:
            letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
            return letter.upper() if form == "upperLetter" else letter
        case "lowerRoman" | "upperRoman" if 0 < number < 4000:
            return _roman(number).lower() if form == "lowerRoman" else _roman(number)
        case "decimalZero":
            return f"{number:02}"
        case "none":
            return ""
        case _:
            return str(number)


def _roman(number: int) -> str:
    written = ""
    for worth, letters in _ROMAN:
        written += letters * (number // worth)
        number %= worth
    return written
