"""Markdown: its markup is taken off, its structure kept."""

import html
import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from app.ingest.decoding import decode
from app.ingest.extracted_text import ExtractedText
from app.ingest.loaded import IngestError, LoadedSource
from app.ingest.tags import without_tags

_FRONT_MATTER: Final = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)(?:\n|\Z)", re.DOTALL)
_TITLE: Final = re.compile(r"^title:(.*)$", re.MULTILINE)
_BLANKS: Final = re.compile(r"\s+")


def load_markdown(data: bytes) -> LoadedSource:
    """Title: `title:` of the front matter, else a first heading of level 1."""
    source = decode(data)
    title = None
    if front := _FRONT_MATTER.match(source):
        source = source[front.end() :]
        if named := _TITLE.search(front[1]):
            title = named[1].strip(" \t").strip("'\"") or None
    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(source))
    walk = _Walk(title)
    walk.blocks(tree)
    if not walk.out.blocks:
        raise IngestError("the file contains no text")
    return LoadedSource(
        kind="document", text=walk.out.text, title=walk.title, blocks=tuple(walk.out.blocks)
    )


class _Walk:
    """One pass over the syntax tree."""

    def __init__(self, title: str | None) -> None:
        self.title = title
        self.out = ExtractedText()
        self._begun = False

    def blocks(self, node: SyntaxTreeNode) -> None:
        for child in node.children:
            self._block(child)
            self._begun = True

    def _block(self, node: SyntaxTreeNode) -> None:
        match node.type:
            case "heading":
                self._heading(_inline(node), int(node.tag[1]))
            case "bullet_list" | "ordered_list":
                self._list(node, depth=0)
            case "fence" | "code_block":
                self.out.add_block(node.content, "code")
            case "table":
                self._table(node)
            case "html_block":
                self.out.add_block(_without_tags(node.content))
            case "paragraph":
                self.out.add_block(_inline(node))
            case _:
                self.blocks(node)

    def _heading(self, text: str, level: int) -> None:
        if not text:
            return
        is_title = level == 1 and not self._begun
        if is_title and self.title is None:
            self.title = text
        self.out.add_heading(text, level, named=not (is_title and self.title == text))

    def _list(self, node: SyntaxTreeNode, *, depth: int) -> None:
        number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        for item in node.children:
            mark = "- " if number is None else f"{number}. "
            self._item(item, mark, depth)
            number = None if number is None else number + 1

    def _item(self, item: SyntaxTreeNode, mark: str, depth: int) -> None:
        for child in item.children:
            if child.type in ("bullet_list", "ordered_list"):
                self._list(child, depth=depth + 1)
            elif child.type == "paragraph":
                text = _inline(child)
                self.out.add_block(f"{'  ' * depth}{mark}{text}" if text else "", "item")
            else:
                self._block(child)
            mark = " " * len(mark)

    def _table(self, node: SyntaxTreeNode) -> None:
        for row in node.walk():
            if row.type == "tr":
                self.out.add_block(" | ".join(_inline(cell) for cell in row.children), "row")


def _inline(node: SyntaxTreeNode) -> str:
    """The words of a paragraph, heading or cell."""
    return "".join(_words(child) for child in node.children).strip()


def _words(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "code_inline":
            return node.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "html_inline":
            return ""
        case _:
            return "".join(_words(child) for child in node.children)


def _without_tags(markup: str) -> str:
    return _BLANKS.sub(" ", html.unescape(without_tags(markup, gap=" ")))
