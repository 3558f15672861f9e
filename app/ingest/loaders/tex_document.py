"""LaTeX documents as text. No file is read and no macro with arguments is expanded."""

import re
from dataclasses import dataclass, field
from typing import Final

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.markup_document import MarkupDocument
from app.ingest.loaders.tex_source import TexSource, on_one_line
from app.ingest.loaders.tex_words import (
    ACCENTS,
    CHARACTERS,
    CODE,
    DROPPED,
    ENVIRONMENT_ARGUMENTS,
    LEFT_OUT,
    LISTS,
    MATH,
    PICTURES,
    REFERENCES,
    SECTIONS,
    SIGNS,
    TABLES,
    accented,
    printed_line,
    unwrapped,
)
from app.ingest.parsed_document import ParsedDocument

_BEGIN: Final = "\\begin{document}"
_MAX_DEPTH: Final = 4  # nested arguments
_MAX_EXPANDED: Final = 1_000_000  # characters produced by macros
_MAX_MACRO: Final = 1_000
_DEFINITIONS: Final = ("newcommand", "renewcommand", "providecommand", "DeclareRobustCommand")
_NAME: Final = re.compile(r"\\([a-zA-Z@]{1,100})\s*+")
_VERB: Final = ("verb", "lstinline", "mintinline", "path", "url", "nolinkurl")
_RULES: Final = ("hline", "midrule", "endhead", "endfirsthead")
_TODAY: Final = "\\today"


@dataclass(slots=True)
class _Table:
    before: list[str]  # words of the enclosing cell or argument
    rows: list[list[str]] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    has_header: bool = False


@dataclass(slots=True)
class _List:
    kind: str
    number: int = 0
    mark: str = ""


def load_tex(data: bytes) -> ParsedDocument:
    """Title: `\\title`, else a chapter at the start of the text."""
    reader = _Reader(decode(data))
    reader.read()
    return reader.document.document()


class _Reader:
    def __init__(self, text: str) -> None:
        self.document = MarkupDocument()
        self._source = TexSource(text)
        self._body = text.find(_BEGIN)
        self._words: list[str] = []
        self._tables: list[_Table] = []
        self._lists: list[_List] = []
        self._macros: dict[str, str] = {}
        self._theorems: dict[str, str] = {"proof": "Proof"}
        self._expanded = 0
        self._depth = 0
        self._ended = False

    def read(self) -> None:
        """Read the source. Before the document begins, only definitions and the title count."""
        self._scan()
        self._end_paragraph()
        while self._tables:
            self._end_table()

    def _scan(self) -> None:
        while not self._ended and (found := self._source.next()):
            if found["word"]:
                self._command(found["word"])
            elif found["sign"]:
                self._sign(found["sign"])
            elif found["blank"]:
                self._end_paragraph()
            elif found["mark"]:
                self._mark(found["mark"])
            elif found["text"]:
                self._words.append(printed_line(found["text"]))

    def _inline(self, source: str) -> str:
        """The text of an argument."""
        if self._depth >= _MAX_DEPTH:
            return source
        kept = self._source, self._words, self._tables, self._lists, self._body
        self._source, self._words, self._tables, self._lists = TexSource(source), [], [], []
        self._body = -1
        self._depth += 1
        while found := self._source.next():
            if found["word"]:
                self._command(found["word"])
            elif found["sign"]:
                self._sign(found["sign"])
            elif found["mark"]:
                self._mark(found["mark"])
            elif not found["comment"]:
                self._words.append(printed_line(found[0]))
        self._depth -= 1
        words = "".join(self._words)
        self._source, self._words, self._tables, self._lists, self._body = kept
        return words.strip()

    def _mark(self, mark: str) -> None:
        if mark == "$":
            if self._source.text.startswith("$", self._source.at):
                self._source.at += 1
                self._display(self._source.formula("$$"))
            else:
                self._words.append(self._source.formula("$") or "$")
        elif mark == "&" and self._tables:
            self._end_cell()
        elif mark == "~":
            self._words.append(" ")

    def _sign(self, sign: str) -> None:
        if sign == "(":
            self._words.append(self._source.formula("\\)") or "")
        elif sign == "[":
            self._display(self._source.formula("\\]"))
        elif sign in ACCENTS:
            self._words.append(accented(sign, self._inline(self._source.argument())))
        elif sign == "\\" and self._tables:
            self._source.optional()
            self._end_row()
        else:
            if sign == "\\":
                self._source.optional()
            self._words.append(SIGNS.get(sign, ""))

    def _display(self, formula: str | None) -> None:
        if formula is None:
            return
        if self._depth or self._tables:
            self._words.append(f" {formula} ")
        else:
            self._end_paragraph()
            self._add(formula)

    def _command(self, name: str) -> None:
        if name in SECTIONS:
            self._section(SECTIONS[name])
        elif name in CHARACTERS:
            self._words.append(CHARACTERS[name])
        elif name in ACCENTS:
            self._words.append(accented(name, self._inline(self._source.argument())))
        elif name in _VERB:
            self._verbatim(name)
        elif name in _DEFINITIONS or name in ("def", "newtheorem"):
            self._define(name)
        elif name in REFERENCES:
            self._words.append(self._source.braced() or "")
        elif name in self._macros:
            self._expand(self._macros[name])
        elif "cite" in name.lower() and name != "nocite":
            self._cite()
        else:
            self._other(name)

    def _other(self, name: str) -> None:
        match name:
            case "begin":
                self._begin(self._source.argument().strip())
            case "end":
                self._end(self._source.argument().strip())
            case "item":
                self._item()
            case "par" | "maketitle" | "tableofcontents" | "newpage" | "clearpage":
                self._end_paragraph()
            case "title" | "author" | "date" | "institute" | "subtitle":
                self._front_matter(name)
            case _:
                self._beside(name)

    def _beside(self, name: str) -> None:
        """Handle notes and other text outside the running text."""
        match name:
            case "footnote" | "footnotetext":
                self._source.optional()
                shown = self.document.note(self._inline(self._source.argument()))
                self._words.append(shown if name == "footnote" else "")
            case "thanks":
                self.document.aside(self._inline(self._source.argument()))
            case "caption" | "captionof":
                self._caption(name)
            case "includegraphics":
                self._source.optional()
                self._source.argument()
                self.document.out.add_note("pictures", 1)
            case "bibitem":
                self._source.optional()
                self._end_paragraph()
                self._words.append(f"[{self._source.argument()}] ")
            case _:
                self._unknown(name)

    def _unknown(self, name: str) -> None:
        """Skip arguments that are not text; other braced content is read as text."""
        if name in _RULES and self._tables and len(self._tables[-1].rows) == 1:
            self._tables[-1].has_header = self._tables[-1].has_header or name != "hline"
        self._source.optional()
        if name == "cmidrule":
            self._source.parenthesis()
        for _ in range(LEFT_OUT.get(name, 0)):
            self._source.braced()
            self._source.optional()

    def _section(self, level: int) -> None:
        self._end_paragraph()
        self._lists = []
        self._source.optional()
        text = self._inline(self._source.argument())
        if self._depth:
            self._words.append(text)
        else:
            self.document.heading(text, level)

    def _verbatim(self, name: str) -> None:
        self._source.optional()
        if name == "mintinline":
            self._source.argument()
        text = self._source.text
        if text.startswith("{", self._source.at):
            self._words.append(self._source.argument())
        elif self._source.at < len(text):
            end = text[self._source.at]
            self._source.at += 1
            line = text.find("\n", self._source.at)
            stop = text.find(end, self._source.at, line if line >= 0 else len(text))
            self._words.append(self._source.until(end) if stop >= 0 else "")

    def _define(self, name: str) -> None:
        """Record a macro without arguments, or a theorem name."""
        if name == "newtheorem":
            known, _ = self._source.argument(), self._source.optional()
            self._theorems[known] = self._inline(self._source.argument())
            self._source.optional()
            return
        found = _NAME.match(self._source.argument())
        has_arguments = self._source.optional() is not None or self._source.parameters()
        self._source.optional()
        body = self._source.braced()
        if found and body is not None and not has_arguments and len(body) <= _MAX_MACRO:
            self._macros[found[1]] = body

    def _expand(self, body: str) -> None:
        self._expanded += len(body)
        if self._expanded <= _MAX_EXPANDED:
            self._words.append(self._inline(body))

    def _cite(self) -> None:
        while self._source.optional() is not None:
            continue
        if keys := self._source.braced():
            self._words.append(f"[{', '.join(key.strip() for key in keys.split(','))}]")

    def _front_matter(self, name: str) -> None:
        self._source.optional()
        source = self._source.argument().replace("\\and", ", ").replace("\\\\", ", ")
        if name == "date" and (not source.strip() or _TODAY in source):
            return
        text = self._inline(source)
        if name == "title":
            self.document.set_title(text)
        elif text:
            self.document.row(f"{name}: {' '.join(text.split()).replace(' ,', ',')}")

    def _caption(self, name: str) -> None:
        if name == "captionof":
            self._source.argument()
        self._source.optional()
        text = self._inline(self._source.argument())
        if not self._tables:
            self._end_paragraph()
        self._add(text)

    def _begin(self, name: str) -> None:
        if name == "document":
            self._words, self._body = [], -1
        elif name in CODE or name in DROPPED:
            self._as_written(name)
        elif name in MATH:
            self._display(on_one_line(self._source.until(f"\\end{{{name}}}")))
        else:
            if not self._tables:
                self._end_paragraph()
            option = self._source.optional()
            for _ in range(ENVIRONMENT_ARGUMENTS.get(name, 0)):
                self._source.braced()
            self._begin_text(name, option)

    def _begin_text(self, name: str, option: str | None) -> None:
        if name in TABLES:
            self._tables.append(_Table(self._words))
            self._words = []
        elif name in LISTS:
            self._lists.append(_List(name))
        elif name in ("abstract", "thebibliography"):
            self.document.heading("Abstract" if name == "abstract" else "References", 2)
        elif name == "frame":
            if title := self._source.braced():
                self.document.heading(self._inline(title), SECTIONS["frametitle"])
        elif name in self._theorems:
            named = f" ({self._inline(option)})" if option else ""
            self._words.append(f"{self._theorems[name]}{named}. ")

    def _as_written(self, name: str) -> None:
        self._end_paragraph()
        self._source.optional()
        if name == "minted":
            self._source.argument()
        content = self._source.until(f"\\end{{{name}}}")
        if name in CODE and self._body < 0:
            self.document.code(content)
        self.document.out.add_note("pictures", int(name in PICTURES))

    def _end(self, name: str) -> None:
        if name == "document":
            self._end_paragraph()
            self._ended = not self._depth
        elif name in TABLES and self._tables:
            self._end_table()
        elif name in LISTS and self._lists:
            self._end_paragraph()
            self._lists.pop()
        elif not self._tables:
            self._end_paragraph()
            if name == "abstract":
                self.document.out.add_section("", 2)

    def _item(self) -> None:
        self._end_paragraph()
        label = self._source.optional()
        if not self._lists:
            return
        self._lists[-1].number += 1
        if label is not None:
            shown = self._inline(label)
            self._lists[-1].mark = f"- {shown}:" if self._lists[-1].kind == "description" else shown
        else:
            numbered = "enum" in self._lists[-1].kind
            self._lists[-1].mark = f"{self._lists[-1].number}." if numbered else "-"

    def _end_paragraph(self) -> None:
        if self._tables or self._depth:
            self._words.append(" ")
            return
        text, self._words = "".join(self._words), []
        if self._body >= 0 or not text.strip():
            return
        if self._lists:
            self.document.item(text, self._lists[-1].mark, len(self._lists) - 1)
            self._lists[-1].mark = ""
        else:
            self._add(text)

    def _add(self, text: str) -> None:
        if self._body < 0:
            self.document.paragraph(unwrapped(text))

    def _end_cell(self) -> None:
        text, self._words = "".join(self._words), []
        self._tables[-1].cells.append(" ".join(text.split()))

    def _end_row(self) -> None:
        self._end_cell()
        table = self._tables[-1]
        if any(table.cells):
            table.rows.append(table.cells)
        table.cells = []

    def _end_table(self) -> None:
        """End a table. One inside a cell becomes part of that cell's text."""
        self._end_row()
        table = self._tables.pop()
        self._words = table.before
        if self._tables or self._depth:
            self._words.append(" ".join(" ".join(row) for row in table.rows))
        elif self._body < 0:
            self.document.table(table.rows, has_header=table.has_header)
