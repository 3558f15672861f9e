"""HTML: headings, paragraphs, lists, tables and code; what frames a page is left out."""

import re
from typing import Final

from bs4 import BeautifulSoup
from bs4.element import CData, NavigableString, PageElement, Tag

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.parsed_document import ParsedDocument

MAX_DEPTH: Final = 150  # below this, structure is ignored and the text kept
_SHARE_OF_MAIN: Final = 0.3  # of the text, that <main> must hold to stand for the page

_FRAME: Final = frozenset(
    {"script", "style", "template", "noscript", "nav", "footer", "aside", "button", "select"}
    | {"svg", "iframe", "object", "canvas", "dialog", "head", "math", "input", "textarea", "label"}
)
_FRAME_ROLES: Final = frozenset(
    {"navigation", "banner", "contentinfo", "complementary", "search", "dialog", "alert", "menubar"}
)
_BLOCKS: Final = frozenset(
    {"address", "article", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl"}
    | {"dt", "fieldset", "figcaption", "figure", "form", "header", "hgroup", "hr", "html", "main"}
    | {"p", "section", "summary", "tbody", "td", "tfoot", "th", "thead", "tr"}
)
_CHARSET: Final = re.compile(rb"charset\s*+=\s*+(?:[\"']\s*+)?+([\w.:-]++)", re.IGNORECASE)
_XML_DECLARATION: Final = re.compile(r"\A\s*<\?xml[^>]*\?>")
_BLANKS: Final = re.compile(r"\s+")
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_SEPARATORS: Final = (" | ", " - ", " – ", " — ", " · ", " :: ")


def load_html(data: bytes) -> ParsedDocument:
    """Title: the first `h1` when `title` begins or ends with it, else `title`, else that `h1`."""
    page = parse_html(decode_html(data))
    out = ExtractedText()
    title = page_title(page)
    HtmlExtractor(out, title).page(page)
    return out.document(title)


def parse_html(markup: str) -> BeautifulSoup:
    """The tree, however broken the markup is."""
    # The line end keeps one-line files from looking like a file name to the parser.
    return BeautifulSoup(_XML_DECLARATION.sub("", markup) + "\n", "lxml")


def page_title(page: BeautifulSoup) -> str | None:
    """Without the name of the site."""
    head, heading = page.find("title"), page.find("h1")
    named = _words(head) if head else ""
    first = _words(heading) if heading else ""
    if not named or (first and (named.startswith(first) or named.endswith(first))):
        return first or None
    for separator in _SEPARATORS:
        if separator in named and len(named.split(separator)[0]) > 2:
            return named.split(separator)[0]
    return named


def decode_html(data: bytes) -> str:
    """By what the page says of its encoding, when it can be true."""
    declared = _CHARSET.search(data[:4096])
    if declared:
        try:
            return decode(data.decode(declared[1].decode("ascii", "ignore")).encode())
        except (LookupError, UnicodeDecodeError):
            pass  # pages lie; what they look like decides
    return decode(data)


def _words(element: PageElement) -> str:
    return " ".join(element.get_text(" ").split())


def _is_frame(tag: Tag) -> bool:
    """Whether it belongs to the site rather than to this page."""
    if tag.name in _FRAME or tag.get("role") in _FRAME_ROLES:
        return True
    if tag.has_attr("hidden") or tag.get("aria-hidden") == "true":
        return True
    if "display:none" in str(tag.get("style", "")).replace(" ", "").lower():
        return True
    return tag.name == "header" and tag.find("h1") is None and tag.find_parent("article") is None


class HtmlExtractor:
    """Writes one page into the text; several pages may share one text (a book)."""

    def __init__(self, out: ExtractedText, title: str | None, *, base_level: int = 0) -> None:
        """`base_level` is added to the levels of headings."""
        self._out = out
        self._title = title
        self._base = base_level
        self._line = ""

    def page(self, page: BeautifulSoup) -> None:
        """The main part when the page says which it is, else all of it."""
        body = page.body or page
        main = body.find("main") or body.find(role="main")
        if isinstance(main, Tag) and len(_words(main)) >= _SHARE_OF_MAIN * len(_words(body)):
            body = main
        self._children(body, 0)
        self._flush()

    def _children(self, tag: Tag, depth: int) -> None:
        for child in tag.children:
            self._node(child, depth + 1)

    def _node(self, node: PageElement, depth: int) -> None:
        if isinstance(node, NavigableString):
            if type(node) in (NavigableString, CData):  # no comments, no declarations
                self._line += _BLANKS.sub(" ", str(node))
            return
        if not isinstance(node, Tag) or _is_frame(node):
            return
        if depth > MAX_DEPTH:
            self._line += f" {_words(node)} "
            return
        self._tag(node, depth)

    def _tag(self, tag: Tag, depth: int) -> None:
        if tag.name in _HEADINGS:
            self._heading(tag)
        elif tag.name in ("ul", "ol", "menu"):
            self._flush()
            self._list(tag, depth, indent=0)
        elif tag.name == "table" and _is_data(tag):
            self._flush()
            self._table(tag)
        elif tag.name in ("pre", "listing"):
            self._flush()
            self._out.add_block(tag.get_text(), "code")
        elif tag.name == "br":
            self._line += "\n"
        elif tag.name == "img":
            self._line += f" {tag.get('alt') or ''} "
        elif tag.name in _BLOCKS or tag.name == "table":
            self._flush()
            self._children(tag, depth)
            self._flush()
        else:
            self._children(tag, depth)

    def _flush(self) -> None:
        lines = (" ".join(line.split()) for line in self._line.split("\n"))
        self._line = ""
        self._out.add_block("\n".join(line for line in lines if line))

    def _heading(self, tag: Tag) -> None:
        self._flush()
        text = _words(tag)
        if not text:
            return
        if text == self._title and not self._out.blocks:
            self._out.add_heading(text, self._base + 1, named=False)
        else:
            self._out.add_heading(text, self._base + _HEADINGS[tag.name])

    def _list(self, tag: Tag, depth: int, *, indent: int) -> None:
        number = 1 if tag.name == "ol" else None
        for item in tag.find_all(["li", "ul", "ol"], recursive=False):
            if item.name != "li":  # a list directly inside a list: seen in the wild
                self._deeper(item, depth, indent)
                continue
            mark = "- " if number is None else f"{number}. "
            number = None if number is None else number + 1
            self._item(item, mark, depth + 1, indent)

    def _item(self, item: Tag, mark: str, depth: int, indent: int) -> None:
        words, inner = _item_parts(item)
        if words:
            self._out.add_block(f"{'  ' * indent}{mark}{words}", "item")
        for one in inner:
            self._deeper(one, depth, indent)

    def _deeper(self, tag: Tag, depth: int, indent: int) -> None:
        if depth > MAX_DEPTH:
            self._out.add_block(_words(tag), "item")
        else:
            self._list(tag, depth + 1, indent=indent + 1)

    def _table(self, table: Tag) -> None:
        caption = table.find("caption")
        if caption:
            self._out.add_block(_words(caption))
        for row in table.find_all("tr"):
            cells = [_words(cell) for cell in row.find_all(["td", "th"], recursive=False)]
            if any(cells):
                self._out.add_block(" | ".join(cells), "row")


def _is_data(table: Tag) -> bool:
    """Whether it holds data, rather than laying the page out."""
    if table.get("role") == "presentation" or table.find("table") is not None:
        return False
    return any(len(row.find_all(["td", "th"], recursive=False)) > 1 for row in table.find_all("tr"))


def _item_parts(item: Tag) -> tuple[str, list[Tag]]:
    """The words of a list item, and the lists right inside it."""
    words: list[str] = []
    lists: list[Tag] = []

    def collect(node: Tag, depth: int) -> None:
        for child in node.children:
            if isinstance(child, NavigableString):
                if type(child) in (NavigableString, CData):
                    words.append(str(child))
            elif not isinstance(child, Tag) or _is_frame(child):
                continue
            elif child.name in ("ul", "ol", "menu"):
                lists.append(child)
            elif depth > MAX_DEPTH:
                words.append(child.get_text(" "))
            else:
                words.append(" " if child.name in _BLOCKS or child.name == "br" else "")
                collect(child, depth + 1)

    collect(item, 0)
    return " ".join("".join(words).split()), lists
