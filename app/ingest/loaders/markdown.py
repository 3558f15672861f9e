"""Markdown: strips the markup and keeps the structure.

To save memory, inline text is parsed block by block and a table is one token; as tokens, its
cells would take hundreds of bytes each.
"""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.reference import reference
from markdown_it.rules_block.table import escapedSplit, getLine, table
from markdown_it.token import Token

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.front_matter import split_front_matter
from app.ingest.loaders.markup_tags import shown_text, with_placeholders
from app.ingest.loaders.raised_text import LOOK_BACK, lowered, raised
from app.ingest.loaders.table_headers import HeaderRow
from app.ingest.loaders.tables import add_table
from app.ingest.parsed_document import ParsedDocument

_BLANKS: Final = re.compile(r"[^\S\n]+")
_WRITTEN_HEADER: Final = 1.5  # evidence; a row of numbers in its place is none
_NO_HEADER: Final = -2.0
_STRUCTURE: Final = re.compile(r"<(?:table|ul|ol|dl|pre|h[1-6])\b", re.IGNORECASE)


def load_markdown(data: bytes) -> ParsedDocument:
    """Title: `title` of the front matter, else a level-1 heading at the start."""
    fields, source = split_front_matter(decode(data))
    title = next((value for name, value in fields if name.lower() == "title" and value), None)
    walk = _Walk(source, title)
    for name, value in fields:
        if value and name.lower() != "title":
            walk.out.add_block(f"{name}: {value}", "row")
    walk.blocks()
    return replace(walk.out.document(None), title=walk.title)


def add_markdown(out: ExtractedText, source: str, title: str | None) -> str | None:
    """Append to `out`. Returns `title`, or the first heading if there is none."""
    walk = _Walk(source, title, out)
    walk.blocks()
    return walk.title


def _table_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """markdown-it decides where a table begins; all of its lines become one token."""
    if not table(state, start, end, True):
        return False
    if silent:
        return True
    before, state.parentType = state.parentType, "table"
    ends = state.md.block.ruler.getRules("blockquote")
    lines = [getLine(state, start)]
    line = start + 2
    while line < end and state.sCount[line] >= state.blkIndent and not state.is_code_block(line):
        text = getLine(state, line)
        if not text.strip() or any(rule(state, line, end, True) for rule in ends):
            break
        lines.append(text)
        line += 1
    token = state.push("table", "table", 0)
    token.map = [start, line]
    token.content = "\n".join(lines)
    state.parentType = before
    state.line = line
    return True


def _reference_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Treat a footnote definition as text; markdown-it would read a link reference."""
    at = state.bMarks[start] + state.tShift[start]
    return not state.src.startswith("[^", at) and reference(state, start, end, silent)


def _parser() -> MarkdownIt:
    parser = (
        MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable(["inline", "text_join"])
    )
    parser.block.ruler.at("table", _table_rule, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.at("reference", _reference_rule)
    return parser


class _Walk:
    """One pass over the blocks; tokens are freed as they are read."""

    def __init__(self, source: str, title: str | None, out: ExtractedText | None = None) -> None:
        self.title = title
        self.out = out or ExtractedText()
        self._parser = _parser()
        self._links: dict[str, Any] = {}
        self._tokens = self._parser.parse(source, self._links)[::-1]  # reversed for pop()
        self._begun = False

    def blocks(self, end: str | None = None) -> None:
        """Read up to a token of this type, or to the end."""
        while self._tokens:
            token = self._tokens.pop()
            if token.type == end:
                return
            self._block(token)
            self._begun = True

    def _block(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._heading(self._inner_words(), int(token.tag[1]))
            case "paragraph_open":
                self.out.add_block(self._inner_words())
            case "bullet_list_open" | "ordered_list_open":
                self._list(token, depth=0)
            case "blockquote_open":
                self.blocks("blockquote_close")
            case "fence" | "code_block":
                self.out.add_block(token.content, "code")
            case "table":
                self._table(token.content.split("\n"))
            case "html_block":
                self._html(token.content)
            case _:  # thematic break
                return

    def _html(self, markup: str) -> None:
        if not _STRUCTURE.search(markup):
            shown = html.unescape(shown_text(markup.replace("\n", " "), gap=" "))
            lines = (_BLANKS.sub(" ", line).strip() for line in shown.split("\n"))
            self.out.add_block("\n".join(line for line in lines if line))
            return
        from app.ingest.loaders.html_page import HtmlExtractor, parse_html

        HtmlExtractor(self.out, self.title).page(parse_html(with_placeholders(markup)))

    def _heading(self, text: str, level: int) -> None:
        text = " ".join(text.split())
        if not text:
            return
        is_title = level == 1 and not self._begun
        if is_title and self.title is None:
            self.title = text
        self.out.add_heading(text, level, named=not (is_title and self.title == text))

    def _list(self, opening: Token, *, depth: int) -> None:
        number = int(opening.attrs.get("start", 1)) if opening.tag == "ol" else None
        while self._tokens.pop().type == "list_item_open":
            self._item("- " if number is None else f"{number}. ", depth)
            number = None if number is None else number + 1

    def _item(self, mark: str, depth: int) -> None:
        while (token := self._tokens.pop()).type != "list_item_close":
            if token.type in ("bullet_list_open", "ordered_list_open"):
                self._list(token, depth=depth + 1)
            elif token.type == "paragraph_open":
                text = self._inner_words()
                self.out.add_block(f"{'  ' * depth}{mark}{text}" if text else "", "item")
            else:
                self._block(token)
            mark = " " * len(mark)

    def _table(self, lines: Sequence[str]) -> None:
        """The first line is a header; authors leave it empty when they want none."""
        rows = ([" ".join(self._words(cell).split()) for cell in _cells(line)] for line in lines)
        header = HeaderRow(next(rows))
        prior = _WRITTEN_HEADER if any(header) else _NO_HEADER
        add_table(self.out, chain([header], rows), prior=prior)

    def _inner_words(self) -> str:
        """The text of the paragraph or heading that was just opened."""
        inline, _closing = self._tokens.pop(), self._tokens.pop()
        return self._words(inline.content)

    def _words(self, content: str) -> str:
        tokens: list[Token] = []
        self._parser.inline.parse(content, self._parser, self._links, tokens)
        return _shown(tokens).strip()


def _cells(line: str) -> list[str]:
    cells = escapedSplit(line.strip())
    if cells and not cells[0]:
        cells.pop(0)
    if cells and not cells[-1]:
        cells.pop()
    return [cell.strip() for cell in cells]


def _shown(tokens: Sequence[Token]) -> str:
    """The text, without struck-out words."""
    words: list[str] = []
    open_: list[tuple[str, int]] = []  # open elements, and the number of words before each
    for token in tokens:
        name, opens = _element(token)
        if name and opens:
            open_.append((name, len(words)))
        elif name and any(name == one for one, _ in open_):
            while open_[-1][0] != name:
                open_.pop()
            _, begin = open_.pop()
            inside = "".join(words[begin:])
            words[begin:] = [_ELEMENTS[name]("".join(words[:begin])[-LOOK_BACK:], inside)]
        else:
            words.append(_words_of(token))
    return "".join(words)


def _element(token: Token) -> tuple[str, bool]:
    """The element that a token opens or closes; an empty name if it does not change the text."""
    if token.type in ("s_open", "s_close"):
        return "s", token.type == "s_open"
    tag = _INLINE_TAG.fullmatch(token.content) if token.type == "html_inline" else None
    name = tag[2].lower() if tag else ""
    return (name, not tag[1]) if tag and name in _ELEMENTS else ("", False)


def _words_of(token: Token) -> str:
    match token.type:
        case "text" | "text_special" | "code_inline":
            return token.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "image":
            return _shown(token.children or [])
        case "html_inline":
            return shown_text(token.content)
        case _:  # emphasis marks
            return ""


def _nothing(before: str, text: str) -> str:
    return ""


_INLINE_TAG: Final = re.compile(r"<(/?)(\w++)[^<>]*+>")
_ELEMENTS: Final[dict[str, Callable[[str, str], str]]] = {
    **dict.fromkeys(("s", "del", "strike"), _nothing),
    "sup": raised,
    "sub": lowered,
}
