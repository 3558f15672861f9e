"""HTML: headings, paragraphs, lists, tables and code, without navigation and other furniture."""

import codecs
import html
import re
import warnings
from typing import Final

from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning
from bs4.element import NavigableString, PageElement, Tag

from app.ingest.loaders.decoding import decode, doubtful_encoding, shown_encoding
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.html_furniture import Furniture, is_note
from app.ingest.loaders.html_tables import table_rows
from app.ingest.loaders.html_text import APART, BLOCKS, MAX_DEPTH, InlineText, code_of, words_of
from app.ingest.loaders.tables import add_table
from app.ingest.parsed_document import IngestError, ParsedDocument

_SHARE_OF_MAIN: Final = 0.3  # share of the page's text from which <main> is taken as the whole page

_CHARSET: Final = re.compile(
    rb"(?:charset|encoding)\s*+=\s*+(?:[\"']\s*+)?+([\w.:-]++)", re.IGNORECASE
)
_XML_DECLARATION: Final = re.compile(r"\A\s*<\?xml[^>]*\?>")
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_LISTS: Final = ("ul", "ol", "menu")
_CODE: Final = ("pre", "listing")
_SEPARATORS: Final = (" | ", " - ", " – ", " — ", " · ", " :: ")
_AS_BROWSERS_READ: Final = {
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "latin-1", "l1", "cp819"), "cp1252"),
    **dict.fromkeys(("ascii", "us-ascii", "ansi_x3.4-1968"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("gb2312", "gbk", "x-gbk"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987"), "cp949"),
    **dict.fromkeys(("iso-8859-11", "tis-620"), "cp874"),
    "big5": "big5hkscs",
    "x-mac-roman": "mac_roman",
    "unicode": "utf-8",
}
"""Encoding labels that browsers map differently from Python (WHATWG Encoding Standard)."""
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def load_html(data: bytes) -> ParsedDocument:
    """Title: the first `h1` when `title` begins or ends with it, else `title`, else that `h1`."""
    page = parse_html(decode_html(data))
    out = ExtractedText()
    title = page_title(page)
    HtmlExtractor(out, title).page(page)
    return out.document(title)


def parse_html(markup: str) -> BeautifulSoup:
    """Parse leniently: broken markup still yields a tree."""
    markup = _with_character_data(_XML_DECLARATION.sub("", markup))
    with warnings.catch_warnings():
        # A repeated or unclosed XML declaration does not make the page XML.
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        # Without a line feed, the parser warns that one-line input looks like a file name.
        return BeautifulSoup(markup + "\n", "lxml")


def _with_character_data(markup: str) -> str:
    """Escape CDATA sections, which the parser would treat as comments."""
    first, *sections = markup.split("<![CDATA[")
    parts = [first]
    for section in sections:
        data, end, rest = section.partition("]]>")
        parts.append((html.escape(data, quote=False) if end else f"<![CDATA[{data}") + rest)
    return "".join(parts)


def page_title(page: BeautifulSoup) -> str | None:
    """The title without the name of the site."""
    head, heading = page.find(_is_page_title), page.find("h1")
    named = _words(head) if head else ""
    first = _words(heading) if heading else ""
    if not named or (first and (named.startswith(first) or named.endswith(first))):
        return first or None
    for separator in _SEPARATORS:
        if separator in named and len(named.split(separator)[0]) > 2:
            return named.split(separator)[0]
    return named


def _is_page_title(tag: Tag) -> bool:
    return tag.name == "title" and tag.find_parent("svg") is None


def decode_html(data: bytes) -> str:
    """Decode with the declared encoding when it is plausible, else detect it."""
    named = _declared(data)
    if named is None:
        return decode(data)
    text = _as_declared(data, named)
    return _decode_mislabelled(data, named) if text is None else decode(text.encode())


def doubtful_html(data: bytes) -> str | None:
    """The encoding used, when it is a guess and others are about as likely; None otherwise."""
    named = _declared(data)
    if named is not None and _as_declared(data, named) is not None:
        return None
    try:
        return doubtful_encoding(data)
    except IngestError:
        return shown_encoding(named or "utf-8")  # decoded despite the error


def _declared(data: bytes) -> str | None:
    """The declared encoding; None when the bytes are valid Unicode regardless of it."""
    declared = None if data.startswith(_MARKS) else _CHARSET.search(data[:4096])
    if declared is None or _is_unicode(data):
        return None
    return declared[1].decode("ascii", "ignore").lower()


def _as_declared(data: bytes, named: str) -> str | None:
    try:
        return data.decode(_AS_BROWSERS_READ.get(named, named))
    except (LookupError, UnicodeError):
        return None


def _decode_mislabelled(data: bytes, named: str) -> str:
    """Detect the encoding; fall back to UTF-8 with stray bytes if UTF-8 is declared."""
    try:
        return decode(data)
    except IngestError:
        if named not in ("utf-8", "utf8"):
            raise
        return decode(data.decode(errors=_WESTERN).encode())


def _western(error: UnicodeError) -> tuple[str, int]:
    """Decode invalid UTF-8 bytes as Windows-1252, which usually produced them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_WESTERN: Final = "citestream_western"
codecs.register_error(_WESTERN, _western)


def _is_unicode(data: bytes) -> bool:
    """Valid multi-byte UTF-8 does not occur by chance."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return not data.isascii()


def _words(element: PageElement) -> str:
    return " ".join(element.get_text(" ").split())


class HtmlExtractor:
    """Writes a page into the text; several pages may share one text (a book)."""

    def __init__(
        self, out: ExtractedText, title: str | None, *, base_level: int = 0, book: bool = False
    ) -> None:
        """`base_level` is added to heading levels."""
        self._out = out
        self._title = title
        self._base = base_level
        self._book = book

    def page(self, page: BeautifulSoup) -> None:
        """Read the main part if the page marks it, else the whole page."""
        body = page.body or page
        self._furniture = Furniture(page, book=self._book)
        self._line = InlineText(self._furniture)
        main = None if self._book else body.find("main") or body.find(role="main")
        parts: list[Tag] = [body]
        if isinstance(main, Tag) and len(_words(main)) >= _SHARE_OF_MAIN * len(_words(body)):
            before, after = self._notes_around(body, main)
            parts = [*before, main, *after]
        for part in parts:
            self._children(part, 0)
            self._flush()
        self._out.add_note("pictures", self._line.pictures)

    def _notes_around(self, body: Tag, main: Tag) -> tuple[list[Tag], list[Tag]]:
        """Notes, alerts and asides outside the main part, before and after it."""
        before: list[Tag] = []
        after: list[Tag] = []
        around = set(map(id, main.parents))
        place = before

        def look(tag: Tag, depth: int) -> None:
            nonlocal place
            for child in tag.find_all(True, recursive=False):
                if child is main:
                    place = after
                elif id(child) not in around and self._furniture.is_left_out(child):
                    continue
                elif id(child) not in around and (is_note(child) or child.name == "aside"):
                    place.append(child)
                elif depth < MAX_DEPTH:
                    look(child, depth + 1)

        look(body, 0)
        return before, after

    def _children(self, tag: Tag, depth: int) -> None:
        for child in tag.children:
            self._node(child, depth + 1)

    def _node(self, node: PageElement, depth: int) -> None:
        if isinstance(node, NavigableString):
            self._line.string(node)
        elif not isinstance(node, Tag) or self._furniture.is_left_out(node):
            return
        elif depth > MAX_DEPTH:
            self._line.raw(f" {_words(node)} ")
        else:
            self._tag(node, depth)

    def _tag(self, tag: Tag, depth: int) -> None:
        if tag.name in _HEADINGS:
            self._heading(tag)
        elif tag.name in _LISTS:
            self._flush()
            self._list(tag, depth, indent=0)
        elif tag.name == "table" and _is_data(tag):
            self._flush()
            self._table(tag)
        elif tag.name in _CODE:
            self._flush()
            self._out.add_block(code_of(tag, self._furniture), "code")
        elif tag.name in BLOCKS or tag.name == "button":
            self._flush()
            self._children(tag, depth)
            self._flush()
        elif not self._line.atom(tag):
            self._children(tag, depth)
            if tag.name in APART:
                self._line.blank()

    def _flush(self) -> None:
        self._out.add_block(self._line.take())
        self._out.add_block(self._line.take_readings())

    def _heading(self, tag: Tag) -> None:
        self._flush()
        text = words_of(tag, self._furniture)
        if not text:
            return
        if text == self._title and not self._out.blocks:
            self._out.add_heading(text, self._base + 1, named=False)
        else:
            self._out.add_heading(text, self._base + _HEADINGS[tag.name])

    def _list(self, tag: Tag, depth: int, *, indent: int) -> None:
        number = _start(tag) if tag.name == "ol" else None
        for item in tag.find_all(True, recursive=False):
            if self._furniture.is_left_out(item):
                continue
            if item.name in _LISTS:  # invalid but common: a list directly inside a list
                self._deeper(item, depth, indent)
                continue
            if item.name != "li":
                self._node(item, depth + 1)
                self._flush()
                continue
            mark = "- " if number is None else f"{number}. "
            number = None if number is None else number + 1
            self._item(item, mark, depth + 1, indent)

    def _item(self, item: Tag, mark: str, depth: int, indent: int) -> None:
        words, inner = self._item_parts(item)
        if words:
            self._out.add_block(f"{'  ' * indent}{mark}{words}", "item")
        for one in inner:
            if one.name in _LISTS:
                self._deeper(one, depth, indent)
            else:
                self._tag(one, depth)
        self._out.add_block(self._line.take_readings())

    def _deeper(self, tag: Tag, depth: int, indent: int) -> None:
        if depth > MAX_DEPTH:
            self._out.add_block(_words(tag), "item")
        else:
            self._list(tag, depth + 1, indent=indent + 1)

    def _item_parts(self, item: Tag) -> tuple[str, list[Tag]]:
        """The words of a list item, and the lists, tables and code directly inside it."""
        inner: list[Tag] = []

        def collect(node: Tag, depth: int) -> None:
            for child in node.children:
                if not isinstance(child, Tag) or depth > MAX_DEPTH:
                    self._line.all_of(child, depth)
                elif self._furniture.is_left_out(child):
                    continue
                elif (
                    child.name in _LISTS
                    or child.name in _CODE
                    or (child.name == "table" and _is_data(child))
                ):
                    inner.append(child)
                elif not self._line.atom(child):
                    if child.name in BLOCKS:
                        self._line.blank()
                    collect(child, depth + 1)
                    if child.name in BLOCKS or child.name in APART:
                        self._line.blank()

        collect(item, 0)
        return " ".join(self._line.take().split()), inner

    def _table(self, table: Tag) -> None:
        caption = table.find("caption")
        if caption:
            self._out.add_block(words_of(caption, self._furniture))
        add_table(self._out, table_rows(table, self._furniture), prior=0.0)


def _start(ordered: Tag) -> int:
    text = str(ordered.get("start") or "1")
    return int(text) if text.isdecimal() and len(text) < 8 else 1


def _is_data(table: Tag) -> bool:
    """Whether the table holds data rather than page layout."""
    if table.get("role") == "presentation" or table.find("table") is not None:
        return False
    return any(len(row.find_all(["td", "th"], recursive=False)) > 1 for row in table.find_all("tr"))
