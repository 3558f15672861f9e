"""Elements and styles of OpenDocument."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from app.ingest.loaders.raised_text import lowered, raised

Element = Any
"""An lxml element; lxml ships no types."""
_OLD_NAMESPACES: Final = "http://openoffice.org/2000/"
_NAMESPACES: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_PREFIXES: Final = {"drawing": "draw", "svg-compatible": "svg"}
DUBLIN_CORE: Final = "http://purl.org/dc/elements/1.1/"


def kind(node: Element) -> str:
    """The element's name with its usual prefix, such as `text:p`; empty for an entity."""
    if not isinstance(node.tag, str):
        return ""
    uri, _, local = node.tag.removeprefix("{").rpartition("}")
    if uri.startswith(_NAMESPACES):
        prefix = uri[len(_NAMESPACES) :].split(":")[0]
        prefix = _PREFIXES.get(prefix, prefix)
    elif uri.startswith(_OLD_NAMESPACES):
        prefix = uri[len(_OLD_NAMESPACES) :]
    else:
        prefix = "dc" if uri == DUBLIN_CORE else ""
    return f"{prefix}:{local}"


def value_of(node: Element, name: str) -> str:
    """The value of the attribute with this local name, in any namespace."""
    for key, value in node.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return ""


def number_of(node: Element, name: str, default: int = 1) -> int:
    text = value_of(node, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


class DocumentStyles:
    """Structure information from the styles."""

    def __init__(self, parts: Iterable[Element]) -> None:
        self.hidden: set[str] = set()  # names of hidden table styles
        self._parents: dict[str, str] = {}
        self._numbered: set[tuple[str, int]] = set()  # (list style, level)
        self._shifted: dict[str, bool] = {}  # superscript and subscript text styles
        for style in (one for part in parts for one in part.iter()):
            name = value_of(style, "name")
            if kind(style) == "style:style":
                self._parents[name] = value_of(style, "parent-style-name")
                position = next(filter(None, (value_of(one, "text-position") for one in style)), "")
                if position and not position.startswith("0%"):
                    self._shifted[name] = not position.startswith(("sub", "-"))
                if any(
                    value_of(one, "display") == "false" for one in style if "table" in kind(one)
                ):
                    self.hidden.add(name)
            elif kind(style) == "text:list-style":
                self._numbered |= {
                    (name, number_of(level, "level"))
                    for level in style
                    if kind(level) == "text:list-level-style-number"
                }

    def is_code(self, paragraph: Element) -> bool:
        """Whether the style, or the one it is based on, is named as code."""
        name = value_of(paragraph, "style-name")
        return "Preformatted" in (name + self._parents.get(name, "")) or name.startswith("Source")

    def shift(self, span: Element) -> Callable[[str, str], str] | None:
        """The function that writes superscript or subscript text; None for other text."""
        above = self._shifted.get(value_of(span, "style-name"))
        return None if above is None else raised if above else lowered

    def is_title(self, paragraph: Element) -> bool:
        """Whether the style is, or is based on, the title style."""
        name = value_of(paragraph, "style-name")
        return "Title" in (name, self._parents.get(name))

    def is_numbered(self, style: str, level: int) -> bool:
        """Whether the list is numbered at this level (from 1)."""
        return (style, level) in self._numbered
