"""reStructuredText, parsed by docutils. Nothing is included and no directive runs code."""

import io
from collections.abc import Callable, Iterator
from itertools import dropwhile
from typing import Final

from docutils import nodes
from docutils.core import publish_doctree
from docutils.utils import SystemMessage

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.plain_text import load_text
from app.ingest.loaders.rst_extensions import all_known
from app.ingest.loaders.table_headers import HeaderRow, Spanned
from app.ingest.loaders.tables import add_table
from app.ingest.loaders.word_styles import number_as
from app.ingest.parsed_document import ParsedDocument

MAX_PARSED: Final = 1_000_000  # characters: 20 s; longer files are read as plain text
MAX_LINE: Final = 4_000  # characters: docutils takes quadratic time in the length of a line
_SETTINGS: Final = {
    "_disable_config": True,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,
    "halt_level": 6,
    "line_length_limit": MAX_LINE,
    "syntax_highlight": "none",
    "smart_quotes": False,
    "sectsubtitle_xform": False,
}
_BROKEN: Final = (
    *(ValueError, LookupError, TypeError, AttributeError, AssertionError),
    *(RecursionError, NotImplementedError, SystemMessage),
)
"""Raised by docutils on text that is not its markup or is nested too deeply."""
_LEFT_OUT: Final = (
    *(nodes.comment, nodes.substitution_definition, nodes.target, nodes.pending, nodes.meta),
    *(nodes.raw, nodes.transition, nodes.generated, nodes.label, nodes.colspec),
)
_MAX_SPAN: Final = 100


def load_rst(data: bytes) -> ParsedDocument:
    """Title: the document title, else a heading that the document begins with."""
    source = decode(data)
    if len(source) > MAX_PARSED or any(len(line) > MAX_LINE for line in source.splitlines()):
        return load_text(data)
    try:
        with all_known():
            tree = publish_doctree(
                source, settings_overrides={**_SETTINGS, "warning_stream": io.StringIO()}
            )
        walk = _Walk()
        walk.document(tree)
    except _BROKEN:
        return load_text(data)
    return walk.out.document(walk.title)


class _Walk:
    def __init__(self) -> None:
        self.out = ExtractedText()
        self.title: str | None = None
        self._level = 1
        self._mark = ""  # mark of a list item whose first block has not been read yet
        self._depth = 0  # list depth
        self._kinds: dict[type[nodes.Node], Callable[[nodes.Element], None]] = {
            nodes.section: self._section,
            nodes.title: self._title,
            nodes.subtitle: self._plain,
            nodes.paragraph: self._paragraph,
            nodes.attribution: self._attribution,
            nodes.line_block: self._lines,
            nodes.literal_block: self._code,
            nodes.doctest_block: self._code,
            nodes.math_block: self._plain,
            nodes.bullet_list: self._list,
            nodes.enumerated_list: self._list,
            nodes.definition_list_item: self._definition,
            nodes.field: self._pair,
            nodes.option_list_item: self._pair,
            nodes.table: self._table,
            nodes.footnote: self._footnote,
            nodes.citation: self._footnote,
            nodes.image: self._image,
            nodes.caption: self._plain,
            nodes.rubric: self._plain,
            nodes.topic: self._topic,
            nodes.system_message: self._unread,
        }

    def document(self, tree: nodes.document) -> None:
        sections = [one for one in tree.children if isinstance(one, nodes.section)]
        first = next((one for one in tree.children if not isinstance(one, _LEFT_OUT)), tree)
        if isinstance(first, nodes.title):
            self._level = 0
        elif sections and first is sections[0]:
            self.title = _words(sections[0].children[0])
        self._children(tree)

    def _children(self, node: nodes.Element) -> None:
        for one in node.children:
            self._block(one)

    def _block(self, node: nodes.Element) -> None:
        if isinstance(node, _LEFT_OUT):
            return
        known = self._kinds.get(type(node))
        if known is not None:
            known(node)
        elif isinstance(node, nodes.docinfo):
            self._docinfo(node)
        elif isinstance(node, nodes.Admonition):
            self._admonition(node)
        elif isinstance(node, nodes.Text | nodes.Inline):
            self._plain(node)
        else:
            self._children(node)

    def _add(self, text: str) -> None:
        """Add a paragraph, or part of the current list item."""
        if not self._depth:
            self.out.add_block(text)
        elif text.strip():
            self.out.add_block(f"{'  ' * (self._depth - 1)}{self._mark}{text}", "item")
            self._mark = " " * len(self._mark)

    def _section(self, node: nodes.Element) -> None:
        self._level += 1
        self._children(node)
        self._level -= 1

    def _title(self, node: nodes.Element) -> None:
        text = _words(node)
        if isinstance(node.parent, nodes.document):
            self.title = text
            self.out.add_heading(text, 1, named=False)
            self._level = 1
        elif isinstance(node.parent, nodes.section):
            self.out.add_heading(text, self._level, named=text != self.title or self._level > 2)
        else:
            self._add(text)

    def _plain(self, node: nodes.Element) -> None:
        self._add(_words(node))

    def _paragraph(self, node: nodes.Element) -> None:
        self._add(_words(node))
        self._pictures(node)

    def _attribution(self, node: nodes.Element) -> None:
        self._add(f"— {_words(node)}")

    def _lines(self, node: nodes.Element) -> None:
        lines = (_words(one) for one in node.findall(nodes.line))
        self._add("\n".join(line for line in lines if line))

    def _code(self, node: nodes.Element) -> None:
        self.out.add_block(node.astext(), "code")

    def _list(self, node: nodes.Element) -> None:
        mark, self._depth = self._mark, self._depth + 1
        numbered = isinstance(node, nodes.enumerated_list)
        number = int(node.get("start", 1))
        for item in node.children:
            self._mark = f"{_numbered(node, number)} " if numbered else "- "
            number += 1
            self._children(item)
        self._mark, self._depth = mark, self._depth - 1

    def _definition(self, node: nodes.Element) -> None:
        heads = (nodes.term, nodes.classifier)
        term = " : ".join(_words(one) for one in node.children if isinstance(one, heads))
        body = [one for one in node.children if isinstance(one, nodes.definition)]
        self._labelled(term, [part for one in body for part in one.children])

    def _pair(self, node: nodes.Element) -> None:
        """Add a field or option with its description."""
        if len(node.children) == 2:
            name, body = node.children
            self._labelled(_words(name), body.children)

    def _docinfo(self, node: nodes.Element) -> None:
        for one in node.children:
            if isinstance(one, nodes.field):
                self._pair(one)
            elif isinstance(one, nodes.authors):
                self.out.add_block(f"authors: {', '.join(map(_words, one.children))}", "row")
            else:
                self.out.add_block(f"{one.tagname}: {_words(one)}", "row")

    def _labelled(self, label: str, body: list[nodes.Node]) -> None:
        """Add the label on one line with the first paragraph of its body."""
        if body and isinstance(body[0], nodes.paragraph):
            text = f"{label}: {_words(body[0])}"
            if self._depth:
                self._add(text)
            else:
                self.out.add_block(text, "row" if len(body) == 1 else "paragraph")
            body = body[1:]
        else:
            self._add(label)
        for one in body:
            self._block(one)

    def _admonition(self, node: nodes.Element) -> None:
        """Label the admonition with its kind, as docutils writers do."""
        if isinstance(node, nodes.admonition | nodes.sidebar):
            self._children(node)
        else:
            self._labelled(node.tagname.capitalize(), node.children)

    def _topic(self, node: nodes.Element) -> None:
        if "contents" not in node.get("classes", ()):
            self._children(node)

    def _footnote(self, node: nodes.Element) -> None:
        label = next((_words(one) for one in node.children if isinstance(one, nodes.label)), "")
        body = [one for one in node.children if not isinstance(one, nodes.label)]
        if body and isinstance(body[0], nodes.paragraph):
            self._add(f"[{label}] {_words(body[0])}")
            body = body[1:]
        for one in body:
            self._block(one)

    def _image(self, node: nodes.Element) -> None:
        self.out.add_note("pictures", 1)
        self._add(str(node.get("alt", "")))

    def _pictures(self, node: nodes.Element) -> None:
        self.out.add_note("pictures", sum(1 for _ in node.findall(nodes.image)))

    def _unread(self, node: nodes.Element) -> None:
        """Keep the text of invalid markup; of a directive, the text below its options."""
        for one in node.children:
            if isinstance(one, nodes.literal_block):
                lines = [line.strip() for line in one.astext().split("\n")]
                if lines[0].startswith(".."):
                    lines = list(dropwhile(lambda line: line.startswith(":"), lines[1:]))
                self._add(" ".join(lines).strip())

    def _table(self, node: nodes.Element) -> None:
        for one in node.children:
            if isinstance(one, nodes.title):
                self.out.add_block(_words(one))
        heads = {id(row) for head in node.findall(nodes.thead) for row in head.children}
        rows: list[list[str]] = []
        above: dict[int, tuple[int, str]] = {}  # by column: rows the cell still spans, and its text
        for row in node.findall(nodes.row):
            cells = _cells(row, above)
            rows.append(HeaderRow(cells) if id(row) in heads else cells)
        add_table(self.out, rows)
        self._pictures(node)


def _cells(row: nodes.Element, above: dict[int, tuple[int, str]]) -> list[str]:
    cells: list[str] = []
    for entry in row.children:
        _fill(cells, above)
        text = " ".join(_words(one) for one in entry.children)
        span = 1 + min(_MAX_SPAN, entry.get("morecols", 0))
        if rows := entry.get("morerows", 0):
            above.update({len(cells) + at: (rows, text) for at in range(span)})
        cells += [text, *[Spanned(text)] * (span - 1)]
    _fill(cells, above)
    return cells


def _fill(cells: list[str], above: dict[int, tuple[int, str]]) -> None:
    """Fill in cells that span from the rows above."""
    while known := above.pop(len(cells), None):
        left, text = known
        if left > 1:
            above[len(cells)] = (left - 1, text)
        cells.append(text)


def _numbered(node: nodes.Element, number: int) -> str:
    forms = {
        "loweralpha": "lowerLetter",
        "upperalpha": "upperLetter",
        "lowerroman": "lowerRoman",
        "upperroman": "upperRoman",
    }
    shown = number_as(forms.get(node.get("enumtype", ""), "decimal"), number)
    return f"{node.get('prefix', '')}{shown}{node.get('suffix', '.')}"


def _words(node: nodes.Element) -> str:
    """The text on one line, without emphasis marks and link targets."""
    return " ".join("".join(_shown(node)).split())


def _shown(node: nodes.Element) -> Iterator[str]:
    if isinstance(node, nodes.Text):
        yield node.astext()
    elif isinstance(node, nodes.footnote_reference | nodes.citation_reference):
        yield f"[{node.astext()}]"
    elif isinstance(node, nodes.image):
        yield str(node.get("alt", ""))
    elif isinstance(node, nodes.option_string | nodes.option_argument):
        yield f"{node.get('delimiter', '')}{node.astext()}"
    elif not isinstance(node, nodes.raw | nodes.system_message | nodes.comment):
        gap = ", " if isinstance(node, nodes.option_group) else ""
        for number, one in enumerate(node.children):
            if gap and number:
                yield gap
            yield from _shown(one)
