"""The inline text of page elements, including formulas, forms, images and ruby."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from bs4.element import CData, Comment, NavigableString, PageElement, Tag

from app.ingest.loaders.formulas import mathml_form
from app.ingest.loaders.html_furniture import Furniture
from app.ingest.loaders.raised_text import LOOK_BACK, lowered, raised

MAX_DEPTH: Final = 150  # nesting; below this, structure is ignored and the text kept
MAX_RAISED: Final = 5  # nested superscripts
MAX_OPTIONS: Final = 20  # in a selection list written out in full
BLOCKS: Final = frozenset(
    {"address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details"}
    | {"dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1"}
    | {"h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "listing"}
    | {"main", "menu", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot"}
    | {"th", "thead", "tr", "ul"}
)
APART: Final = frozenset({"label", "option", "output", "button", "meter", "progress"})
_TYPED: Final = frozenset(
    {"", "text", "email", "tel", "url", "number", "date", "time", "month", "week", "datetime-local"}
)
_BLANKS: Final = re.compile(r"\s+")
_PERMALINKS: Final = ("¶", "#", "§", "🔗", "↩", "↩︎")


class InlineText:
    """Collects the text between two block boundaries."""

    def __init__(self, furniture: Furniture, *, nested: int = 0) -> None:
        self._furniture = furniture
        self._nested = nested
        self._parts: list[str] = []
        self._readings: list[str] = []
        self.pictures = 0
        self._atoms: dict[str, Callable[[Tag], str]] = {
            "br": lambda tag: "\n",
            "img": self._picture,
            "math": _mathematics,
            "ruby": self._ruby,
            "sup": self._raised,
            "sub": self._lowered,
            "a": self._link,
            "svg": _drawing,
            "input": _input,
            "select": _choice,
            "textarea": lambda tag: f" {tag.get_text()} ",
        }

    def string(self, node: NavigableString) -> None:
        """Add text; comments and declarations are ignored."""
        if type(node) in (NavigableString, CData):
            self.raw(_BLANKS.sub(" ", str(node)))

    def atom(self, tag: Tag) -> bool:
        """Add an element with a special text form; False if only its content counts."""
        name = tag.name.rpartition(":")[2]
        form = self._atoms.get(name)
        if form is None or (name == "a" and not _is_note_link(tag) and not _is_permalink(tag)):
            if name in APART:
                self._parts.append(" ")
            return False
        self.raw(form(tag))
        return True

    def all_of(self, node: PageElement, depth: int = 0) -> None:
        """Add the node and everything inside it, on one line."""
        if isinstance(node, NavigableString):
            self.string(node)
        elif isinstance(node, Tag) and not self._furniture.is_left_out(node):
            if depth > MAX_DEPTH:
                self._parts.append(f" {node.get_text(' ')} ")
            elif not self.atom(node):
                apart = node.name in BLOCKS or node.name in APART
                if apart:
                    self.blank()
                for child in node.children:
                    self.all_of(child, depth + 1)
                if apart:
                    self.blank()

    def blank(self) -> None:
        """Separate the next text from the words so far."""
        self._parts.append(" ")

    def raw(self, text: str) -> None:
        """Add text verbatim."""
        if text:
            self._parts.append(text)

    def take(self) -> str:
        """Return the collected lines and start a new text."""
        lines = (" ".join(line.split()) for line in "".join(self._parts).split("\n"))
        text = "\n".join(line for line in lines if line)
        self._parts.clear()
        return text

    def take_readings(self) -> str:
        """Return the collected ruby readings."""
        text = " ".join(self._readings)
        self._readings.clear()
        return text

    def _picture(self, tag: Tag) -> str:
        self.pictures += 1
        return f" {tag.get('alt') or ''} "

    def _ruby(self, tag: Tag) -> str:
        """Add the base text and queue its reading, which would interrupt the sentence."""
        reading = strings_in(tag, ("rt", "rtc"))
        base = strings_in(tag, ("ruby",), but=("rt", "rtc", "rp"))
        base, reading = "".join(base.split()), "".join(reading.split())
        if reading and base:
            self._readings.append(f"{base}({reading})")
        return base

    def _raised(self, tag: Tag) -> str:
        """Write a note mark or exponent; any other superscript as plain text."""
        text = "".join(tag.get_text().split())
        if _holds_note_link(tag):
            return _note_mark(text)
        return raised(self._before(), self._inside(tag))

    def _lowered(self, tag: Tag) -> str:
        return lowered(self._before(), self._inside(tag))

    def _before(self) -> str:
        return "".join(self._parts[-LOOK_BACK:])[-LOOK_BACK:]

    def _inside(self, tag: Tag) -> str:
        if self._nested > MAX_RAISED:
            return tag.get_text()
        inner = InlineText(self._furniture, nested=self._nested + 1)
        for child in tag.children:
            inner.all_of(child, 1)
        return inner.take()

    def _link(self, tag: Tag) -> str:
        return "" if _is_permalink(tag) else _note_mark("".join(tag.get_text().split()))


def words_of(node: PageElement, furniture: Furniture) -> str:
    """The text on one line; each ruby reading in parentheses after its word."""
    text = InlineText(furniture)
    text.all_of(node)
    return " ".join(f"{text.take()} {text.take_readings()}".split())


def _is_note_link(tag: Tag) -> bool:
    return "noteref" in str(tag.get("epub:type") or "").split() or tag.get("role") == "doc-noteref"


def _holds_note_link(tag: Tag) -> bool:
    link = tag.find("a")
    text = "".join(tag.get_text().split())
    if link is None or "#" not in str(link.get("href") or ""):
        return False
    return len(text) < 8 and "".join(link.get_text().split()) == text


def _note_mark(text: str) -> str:
    return text if not text or not text[0].isalnum() else f"[{text}]"


def _is_permalink(tag: Tag) -> bool:
    """Whether this is a heading's link to itself or a note's back link."""
    if tag.get("role") == "doc-backlink":
        return True
    href = str(tag.get("href") or "")
    return href.startswith("#") and tag.get_text().strip() in _PERMALINKS


def _input(tag: Tag) -> str:
    type_ = str(tag.get("type") or "").lower()
    if type_ in ("checkbox", "radio"):
        return " ☒ " if tag.has_attr("checked") else " ☐ "
    return f" {tag.get('value') or ''} " if type_ in _TYPED else " "


def _choice(tag: Tag) -> str:
    """The selected options, or all of them if none is selected."""
    options = tag.find_all("option")
    chosen = [one for one in options if one.has_attr("selected")]
    shown = chosen or (options if len(options) <= MAX_OPTIONS else [])
    texts = ("".join(one.find_all(string=True, recursive=False)) for one in shown)
    return f" {', '.join(' '.join(text.split()) for text in texts)} "


def _drawing(tag: Tag) -> str:
    """The text in an SVG drawing."""
    return f" {strings_in(tag, ('text',), gap=' ')} "


def strings_in(tag: Tag, names: Sequence[str], *, but: Sequence[str] = (), gap: str = "") -> str:
    """The text in elements named in `names`, excluding those in `but`. Runs in one pass."""
    found: list[str] = []
    waiting: list[tuple[PageElement, bool]] = [(tag, False)]
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, Tag):
            name = node.name.rpartition(":")[2]
            inside = (inside or name in names) and name not in but
            waiting += [(child, inside) for child in reversed(node.contents)]
        elif inside and isinstance(node, NavigableString) and not isinstance(node, Comment):
            found.append(str(node))
    return gap.join(found)


def _mathematics(tag: Tag) -> str:
    formula = _formula(tag, 0)
    return f"\n{formula}\n" if tag.get("display") == "block" else formula


def _formula(tag: Tag, depth: int) -> str:
    if depth > MAX_DEPTH:
        return tag.get_text()
    parts: list[str] = []
    for child in tag.children:
        if isinstance(child, Tag):
            if not child.name.rpartition(":")[2].startswith("annotation"):
                parts.append(_formula(child, depth + 1))
        elif type(child) is NavigableString and child.strip():
            parts.append(" ".join(child.split()))
    return mathml_form(tag.name.rpartition(":")[2], parts)


def code_of(tag: Tag, furniture: Furniture) -> str:
    """The text with its line breaks and spaces."""
    parts: list[str] = []

    def collect(node: Tag, depth: int) -> None:
        for child in node.children:
            if type(child) in (NavigableString, CData):
                parts.append(str(child))
            elif not isinstance(child, Tag) or furniture.is_left_out(child):
                continue
            elif child.name == "br":
                parts.append("\n")
            elif depth > MAX_DEPTH:
                parts.append(child.get_text())
            else:
                collect(child, depth + 1)
                last = next((part[-1] for part in reversed(parts) if part), "\n")
                if child.name in BLOCKS and last != "\n":
                    parts.append("\n")

    collect(tag, 0)
    return "".join(parts)
